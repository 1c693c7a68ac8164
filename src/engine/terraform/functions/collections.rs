//! Maps and objects, and looking for values. Elements keep their origins, keys theirs.

use std::collections::BTreeMap;

use super::{
    Function,
    Takes::{Any, List, ListOfString, MapOfLists},
    argument::{a_bool, behind, own_flows, takes, text},
};
use crate::{
    engine::terraform::{
        context::Context,
        convert::convert,
        equal::equal,
        problem::Problem,
        types::Type,
        unify::{Safety, unify},
        value::{Entry, Key, Marks, Value},
    },
    source::lineage::sets::Flow,
};

/// The functions of maps and objects.
pub const FUNCTIONS: &[Function] = &[
    Function::new("keys", &[takes("inputMap", Any).unknown().marked()], keys_type, keys).own(),
    Function::new("values", &[takes("mapping", Any).marked()], values_type, values).own(),
    Function::new("merge", &[], merge_type, merge).rest(takes("maps", Any).dynamic().null().marked()).own(),
    Function::new(
        "zipmap",
        &[takes("keys", ListOfString).marked(), takes("values", Any).marked()],
        zipmap_type,
        zipmap,
    )
    .own(),
    Function::new(
        "transpose",
        &[takes("values", MapOfLists)],
        |_, _| Ok(Type::map(Type::list(Type::String))),
        transpose,
    )
    .own(),
    Function::new("contains", &[takes("list", Any), takes("value", Any)], a_bool, contains),
    Function::new(
        "matchkeys",
        &[takes("values", List), takes("keys", List), takes("searchset", List)],
        match_keys_type,
        match_keys,
    )
    .own(),
];

fn keys_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::Map(_) => Ok(Type::list(Type::String)),
        Type::Object(object) => Ok(Type::tuple(object.attributes().iter().map(|_| Type::String))),
        _ => Err(Problem::argument(0, "must have map or object type")),
    }
}

fn keys(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let map = &arguments[0];
    let flow = map.flow();
    let because = context.sets.union(flow.data, flow.control);
    let keys = match (map.as_mapping(), map.ty()) {
        (Some(mapping), _) => {
            let key = |entry: &Entry| entry.key.value().under(&mut context.sets, because);
            mapping.entries().iter().map(key).collect::<Vec<_>>()
        }
        // The names of an unknown object's attributes are in its type.
        (None, Type::Object(object)) => {
            object.attributes().iter().map(|attribute| Value::text(&attribute.name).with_flow(flow)).collect()
        }
        _ => match map.reason() {
            Some(reason) => {
                let unknown = Value::unknown_of(ty.clone(), reason.clone()).with_flow(flow);
                return Ok(unknown.with_marks(map.marks()));
            }
            None => Vec::new(),
        },
    };
    let answer = if matches!(ty, Type::List(_)) { Value::list(Type::String, keys) } else { Value::tuple(keys) };
    Ok(answer.with_flow(flow).with_marks(map.marks()))
}

fn values_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::Map(element) => Ok(Type::List(element.clone())),
        Type::Object(object) => Ok(Type::tuple(object.attributes().iter().map(|attribute| attribute.ty.clone()))),
        _ => Err(Problem::broken("values() requires a map as the first argument")),
    }
}

fn values(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let map = &arguments[0];
    let entries = map.as_mapping().map(|mapping| mapping.entries()).unwrap_or_default();
    // Where a value stands depends on the keys.
    let mut values = Vec::with_capacity(entries.len());
    for entry in entries {
        let Flow { data, control } = entry.key.whole_flow(&mut context.sets);
        let because = context.sets.union(data, control);
        values.push(entry.value.clone().under(&mut context.sets, because));
    }
    let answer = match ty {
        Type::List(element) => Value::list((**element).clone(), values),
        _ => Value::tuple(values),
    };
    Ok(answer.with_flow(map.flow()).with_marks(map.marks()))
}

fn merge_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let Some(first) = arguments.first() else { return Ok(Type::object([])) };
    let mut attributes: BTreeMap<String, Type> = BTreeMap::new();
    let (mut same, mut all_known) = (true, true);
    for argument in arguments {
        let ty = argument.ty();
        match ty {
            Type::Dynamic => return Ok(Type::Dynamic),
            Type::Object(object) if !argument.is_null() => {
                attributes.extend(object.attributes().iter().map(|one| (one.name.to_string(), one.ty.clone())));
            }
            Type::Map(element) => match argument.as_mapping() {
                Some(mapping) => attributes
                    .extend(mapping.entries().iter().map(|entry| (entry.key.as_str().to_owned(), (**element).clone()))),
                None => all_known &= argument.is_null(),
            },
            Type::Object(_) => {}
            _ => {
                let given = ty.friendly();
                return Err(Problem::broken(format!("arguments must be maps or objects, got {given:?}")));
            }
        }
        same &= ty == first.ty();
    }
    if same {
        return Ok(first.ty().clone());
    }
    if !all_known {
        return Ok(Type::Dynamic);
    }
    Ok(Type::object(attributes.into_iter().map(|(name, ty)| (name.into(), ty))))
}

/// What a later argument says wins; an element that stays says nothing of the others.
fn merge(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let flow = own_flows(context, arguments);
    let marks = arguments.iter().filter(|map| !map.is_null()).fold(Marks::NONE, |marks, map| marks.with(map.marks()));
    let mut entries: Vec<Entry> = Vec::new();
    for argument in arguments {
        let Some(mapping) = argument.as_mapping() else { continue };
        context.budget.step(mapping.entries().len())?;
        entries.extend(mapping.entries().iter().cloned());
    }
    let answer = match ty {
        Type::Map(element) => Value::map((**element).clone(), entries),
        _ => Value::object(entries),
    };
    Ok(answer.with_flow(flow).with_marks(marks))
}

fn wrong_count(keys: usize, values: usize) -> Problem {
    Problem::broken(format!("number of keys ({keys}) does not match number of values ({values})"))
}

fn zipmap_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[1].ty() {
        Type::List(element) => Ok(Type::Map(element.clone())),
        Type::Tuple(_) if !arguments[0].is_wholly_known() => Ok(Type::Dynamic),
        Type::Tuple(elements) => {
            let keys = arguments[0].as_sequence().unwrap_or_default();
            if keys.len() != elements.len() {
                return Err(wrong_count(keys.len(), elements.len()));
            }
            if let Some(at) = keys.iter().position(Value::is_null) {
                return Err(Problem::broken(format!("keys list has null value at index {at}")));
            }
            Ok(Type::object(keys.iter().map(text).map(Into::into).zip(elements.iter().cloned())))
        }
        _ => Err(Problem::broken("values argument must be a list or tuple value")),
    }
}

fn zipmap(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let marks = arguments[0].marks_within().with(arguments[1].marks());
    if let Some(reason) = arguments[0].reason() {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_marks(marks));
    }
    let keys = arguments[0].as_sequence().unwrap_or_default();
    let values = arguments[1].as_sequence().unwrap_or_default();
    if keys.len() != values.len() {
        return Err(wrong_count(keys.len(), values.len()));
    }
    let mut entries = Vec::with_capacity(keys.len());
    for (at, (key, value)) in keys.iter().zip(values).enumerate() {
        let key = Key::of(key).ok_or_else(|| Problem::broken(format!("keys list has null value at index {at}")))?;
        entries.push(Entry { key, value: value.clone() });
    }
    let flow = own_flows(context, arguments);
    let answer = match ty {
        Type::Map(element) => Value::map((**element).clone(), entries),
        _ => Value::object(entries),
    };
    Ok(answer.with_flow(flow).with_marks(marks))
}

fn transpose(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let map = &arguments[0];
    if let Some(reason) = map.reason() {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(map.flow()));
    }
    let mut turned: BTreeMap<String, (Key, Vec<Value>)> = BTreeMap::new();
    for entry in map.as_mapping().map(|mapping| mapping.entries()).unwrap_or_default() {
        if entry.value.is_null() {
            return Err(Problem::broken("input must not contain null list"));
        }
        for element in entry.value.as_sequence().unwrap_or_default() {
            context.budget.step(1)?;
            let key = Key::of(element).ok_or_else(|| Problem::broken("value is null"))?;
            turned.entry(text(element).to_owned()).or_insert_with(|| (key, Vec::new())).1.push(entry.key.value());
        }
    }
    let entries = turned.into_values().map(|(key, mut values)| {
        values.sort_by(|a, b| text(a).cmp(text(b)));
        Entry { key, value: Value::list(Type::String, values).with_flow(map.flow()) }
    });
    Ok(Value::map(Type::list(Type::String), entries).with_flow(map.flow()))
}

fn contains(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    if !matches!(arguments[0].ty(), Type::List(_) | Type::Tuple(_) | Type::Set(_)) {
        return Err(Problem::broken("argument must be list, tuple, or set"));
    }
    let mut unknown = None;
    for element in arguments[0].as_sequence().unwrap_or_default() {
        context.budget.step(element.size())?;
        match equal(&arguments[1], element) {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => unknown = element.reason().or_else(|| arguments[1].reason()),
        }
    }
    Ok(match unknown {
        Some(reason) => Value::unknown_of(ty.clone(), reason.clone()),
        None => Value::bool(false),
    })
}

fn match_keys_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    unify(&[arguments[1].ty().clone(), arguments[2].ty().clone()], Safety::Unsafe)
        .map(|_| arguments[0].ty().clone())
        .ok_or_else(|| Problem::broken("keys and searchset must be of the same type"))
}

fn match_keys(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let values = arguments[0].as_sequence().unwrap_or_default();
    if Some(values.len()) != arguments[1].len() {
        return Err(Problem::broken("length of keys and values should be equal"));
    }
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    let flow = arguments[0].flow();
    let by = behind(context, &arguments[1..]);
    let common = unify(&[arguments[1].ty().clone(), arguments[2].ty().clone()], Safety::Unsafe);
    let common = common.unwrap_or(Type::Dynamic);
    let keys = convert(context, &arguments[1], &common)?;
    let wanted = convert(context, &arguments[2], &common)?;
    let wanted = wanted.as_sequence().unwrap_or_default();
    let unknown = arguments[0].reason().or_else(|| keys.reason()).filter(|_| !wanted.is_empty());
    if let Some(reason) = unknown {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(flow).under(&mut context.sets, by));
    }
    let mut matched = Vec::new();
    for (key, value) in keys.as_sequence().unwrap_or_default().iter().zip(values) {
        for one in wanted {
            context.budget.step(1)?;
            match equal(key, one) {
                Some(false) => {}
                Some(true) => {
                    matched.push(value.clone().under(&mut context.sets, by));
                    break;
                }
                None => {
                    let empty = Value::list(element, []).with_flow(flow);
                    return Ok(empty.under(&mut context.sets, by));
                }
            }
        }
    }
    Ok(Value::list(element, matched).with_flow(flow).under(&mut context.sets, by))
}
