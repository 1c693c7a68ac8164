//! Conversions between types (go-cty's `convert`): of arguments to parameters, of values to the types of variables, of the
//! branches of a conditional to one type.
//!
//! Converted values keep their origins, elements theirs; an attribute that is filled in with null comes from the object
//! that lacks it.

mod mismatch;

use super::{
    context::Context,
    problem::Problem,
    types::{Attribute, Type},
    unify::{Safety, unify},
    unknown::{Reason, Refinement, Unknown},
    value::{Datum, Entry, Key, Value},
};
use crate::source::lineage::{
    sets::SetId,
    text::{MadeOf, TextBuilder},
};

pub use mismatch::mismatch;

/// The value as one of a type. Conversions that depend on the value are made, too: `"5"` to a number.
///
/// # Errors
/// Terraform's words for what does not fit; a limit.
pub fn convert(context: &mut Context<'_>, value: &Value, wanted: &Type) -> Result<Value, Problem> {
    context.budget.look(value)?;
    if *value.ty() == wanted.without_optional() {
        return Ok(value.clone());
    }
    if value.ty().has_open() && !wanted.is_primitive() && *wanted != Type::Dynamic {
        // What its provider knows of it may be just what is wanted.
        let reason = Reason::Unsupported("what a provider knows of a resource, as another type".into());
        let flow = value.whole_flow(&mut context.sets);
        return Ok(Value::unknown_of(wanted.clone(), reason).with_flow(flow));
    }
    if !is_possible(value.ty(), wanted, Safety::Unsafe) {
        return Err(Problem::broken(mismatch(value.ty(), wanted)));
    }
    let converted = run(context, value, wanted, Safety::Unsafe)?;
    if converted.is_known() || !value.is_known() {
        return Ok(converted);
    }
    let flow = value.whole_flow(&mut context.sets);
    Ok(converted.with_flow(flow))
}

/// Tells whether values of a type can be converted to another one; unsafely means that it may still fail for some.
pub fn is_possible(from: &Type, to: &Type, safety: Safety) -> bool {
    if from == to || *to == Type::Dynamic {
        return true;
    }
    let is_unsafe = safety == Safety::Unsafe;
    match (from, to) {
        (Type::Dynamic, _) => is_unsafe,
        (Type::Number | Type::Bool, Type::String) => true,
        (Type::String, Type::Number | Type::Bool) => is_unsafe,
        (Type::Object(from), Type::Object(to)) => to.attributes().iter().all(|wanted| match from.get(&wanted.name) {
            Some(given) => is_possible(&given.ty, &wanted.ty, safety),
            None => wanted.is_optional,
        }),
        (Type::Tuple(from), Type::Tuple(to)) => {
            from.len() == to.len() && from.iter().zip(to.iter()).all(|(from, to)| is_possible(from, to, safety))
        }
        (Type::List(from) | Type::Set(from), Type::List(to)) | (Type::Set(from), Type::Set(to)) => {
            is_possible(from, to, safety)
        }
        (Type::List(from), Type::Set(to)) => is_unsafe && is_possible(from, to, safety),
        (Type::Map(from), Type::Map(to)) => is_possible(from, to, safety),
        (Type::Tuple(from), Type::List(to) | Type::Set(to)) => match common_element(from, to, safety) {
            Some(element) => from.iter().all(|from| is_possible(from, &element, safety)),
            None => false,
        },
        (Type::Object(from), Type::Map(to)) => {
            let attributes: Vec<Type> = from.attributes().iter().map(|attribute| attribute.ty.clone()).collect();
            match common_attribute(&attributes, to, safety) {
                Some(element) => attributes.iter().all(|from| is_possible(from, &element, safety)),
                None => false,
            }
        }
        (Type::Map(from), Type::Object(to)) => {
            is_unsafe
                && to.attributes().iter().all(|wanted| wanted.is_optional || is_possible(from, &wanted.ty, safety))
        }
        _ => false,
    }
}

/// What the elements of a tuple become in a list or set of `wanted`.
fn common_element(elements: &[Type], wanted: &Type, safety: Safety) -> Option<Type> {
    if *wanted != Type::Dynamic || elements.is_empty() {
        return Some(wanted.clone());
    }
    let unified = unify(elements, safety)?;
    let is_decided = unified != Type::Dynamic || elements.iter().all(|element| *element == Type::Dynamic);
    is_decided.then_some(unified)
}

/// What the attributes of an object become in a map of `wanted`.
fn common_attribute(attributes: &[Type], wanted: &Type, safety: Safety) -> Option<Type> {
    if *wanted != Type::Dynamic || attributes.is_empty() { Some(wanted.clone()) } else { unify(attributes, safety) }
}

/// Converts, where that is possible.
fn run(context: &mut Context<'_>, value: &Value, to: &Type, safety: Safety) -> Result<Value, Problem> {
    if *to == Type::Dynamic || value.ty() == to {
        return Ok(value.clone());
    }
    context.budget.step(1)?;
    let converted = match value.datum() {
        Datum::Unknown(unknown) => unknown_as(value.ty(), unknown, to),
        Datum::Null => Value::null(replaced(value.ty(), &to.without_optional())),
        Datum::Bool(_) | Datum::Number(_) | Datum::String(_) => return primitive(context, value, to),
        Datum::Sequence(elements) => sequence(context, value, elements, to, safety)?,
        Datum::Mapping(mapping) => entries(context, value, mapping.entries(), to, safety)?,
    };
    Ok(converted.with_flow(value.flow()).with_marks(value.marks()))
}

fn primitive(context: &mut Context<'_>, value: &Value, to: &Type) -> Result<Value, Problem> {
    let flow = value.own_flow(&mut context.sets);
    let of = |converted: Value| Ok(converted.with_flow(flow).with_marks(value.marks()));
    match (value.datum(), to) {
        (Datum::Bool(bool), Type::String) => Ok(worded(value, if *bool { "true" } else { "false" })),
        (Datum::Number(number), Type::String) => {
            context.budget.step(number.cost())?;
            let text =
                number.spelled().ok_or_else(|| Problem::limit("a number has more digits than are spelled out"))?;
            context.budget.text(text.len())?;
            Ok(worded(value, &text))
        }
        (Datum::String(string), Type::Number) => {
            context.budget.step(digits_cost(string.as_str()))?;
            match super::number::Number::parse(string.as_str()) {
                Some(number) => of(Value::number(number)),
                None => Err(Problem::broken("a number is required")),
            }
        }
        (Datum::String(string), Type::Bool) => match string.as_str() {
            "true" | "1" => of(Value::bool(true)),
            "false" | "0" => of(Value::bool(false)),
            other => Err(Problem::broken(match &*other.to_lowercase() {
                "true" => "a bool is required; to convert from string, use lowercase \"true\"",
                "false" => "a bool is required; to convert from string, use lowercase \"false\"",
                _ => "a bool is required",
            })),
        },
        _ => Err(Problem::broken(mismatch(value.ty(), to))),
    }
}

/// What reading a number costs, in steps of a budget: it grows with the square of its digits.
pub fn digits_cost(text: &str) -> usize {
    1 + text.len() * text.len() / 10_000
}

/// A bool or number as a string: computed from what the value is made of.
fn worded(value: &Value, text: &str) -> Value {
    let mut builder = TextBuilder::default();
    builder.push_bytes(text.as_bytes(), MadeOf::Derived(value.flow().data), SetId::EMPTY);
    Value::string(builder.build()).with_flow(value.flow()).with_marks(value.marks())
}

fn sequence(
    context: &mut Context<'_>,
    value: &Value,
    elements: &[Value],
    to: &Type,
    safety: Safety,
) -> Result<Value, Problem> {
    let is_tuple = matches!(value.ty(), Type::Tuple(_));
    match to {
        Type::Tuple(types) => {
            let converted: Vec<Value> = elements
                .iter()
                .zip(types.iter())
                .map(|(from, to)| run(context, from, to, safety))
                .collect::<Result<_, _>>()?;
            Ok(Value::tuple(converted))
        }
        Type::List(element) | Type::Set(element) => {
            let is_list = matches!(to, Type::List(_));
            if is_list && value.known_length().is_none() {
                let element = value.ty().element().cloned().unwrap_or(Type::Dynamic);
                return Ok(unknown_like(value, Type::list(element)));
            }
            let wanted = match value.ty() {
                Type::Tuple(types) => common_element(types, element, safety).unwrap_or(Type::Dynamic),
                _ => (**element).clone(),
            };
            let mut converted: Vec<Value> =
                elements.iter().map(|element| run(context, element, &wanted, safety)).collect::<Result<_, _>>()?;
            if converted.is_empty() {
                let element = match value.ty().element() {
                    Some(own) if wanted == Type::Dynamic => own.clone(),
                    _ => wanted.without_optional(),
                };
                return Ok(if is_list { Value::list(element, []) } else { Value::set(&mut context.sets, element, []) });
            }
            if is_list && is_tuple {
                converted = unified(context, converted, safety)?;
            }
            let kind = if is_list { "list" } else { "set" };
            let element = one_type(&converted)
                .ok_or_else(|| Problem::broken(format!("element types must all match for conversion to {kind}")))?;
            Ok(if is_list {
                Value::list(element, converted)
            } else {
                Value::set(&mut context.sets, element, converted)
            })
        }
        _ => Err(Problem::broken(mismatch(value.ty(), to))),
    }
}

fn entries(
    context: &mut Context<'_>,
    value: &Value,
    entries: &[Entry],
    to: &Type,
    safety: Safety,
) -> Result<Value, Problem> {
    match to {
        Type::Map(element) => {
            let wanted = match value.ty() {
                Type::Object(object) => {
                    let types: Vec<Type> = object.attributes().iter().map(|attribute| attribute.ty.clone()).collect();
                    common_attribute(&types, element, safety).unwrap_or(Type::Dynamic)
                }
                _ => (**element).clone(),
            };
            let mut converted: Vec<Value> =
                entries.iter().map(|entry| run(context, &entry.value, &wanted, safety)).collect::<Result<_, _>>()?;
            if converted.is_empty() {
                let element = match value.ty().element() {
                    Some(own) if wanted == Type::Dynamic => own.clone(),
                    _ => wanted.without_optional(),
                };
                return Ok(Value::map(element, []));
            }
            let is_map = matches!(value.ty(), Type::Map(_));
            if wanted.is_collection() || matches!(wanted, Type::Object(_)) {
                converted = unified(context, converted, if is_map { Safety::Safe } else { safety })?;
            }
            let kind = if is_map { "element" } else { "attribute" };
            let element = one_type(&converted)
                .ok_or_else(|| Problem::broken(format!("{kind} types must all match for conversion to map")))?;
            let keys = entries.iter().map(|entry| entry.key.clone());
            Ok(Value::map(element, keys.zip(converted).map(|(key, value)| Entry { key, value })))
        }
        Type::Object(object) => {
            let mut converted = Vec::with_capacity(object.attributes().len());
            for Attribute { name, ty, is_optional } in object.attributes() {
                let given = entries.binary_search_by(|entry| entry.key.as_str().cmp(name)).ok();
                match given.map(|at| &entries[at]) {
                    Some(entry) if is_possible(entry.value.ty(), ty, safety) => {
                        let value = run(context, &entry.value, ty, safety)?;
                        converted.push(Entry { key: entry.key.clone(), value });
                    }
                    Some(entry) => {
                        return Err(Problem::broken(format!(
                            "map element type is incompatible with attribute {name:?}: {}",
                            mismatch(entry.value.ty(), ty)
                        )));
                    }
                    None if *is_optional => {
                        let null = Value::null(ty.clone()).with_flow(value.flow());
                        converted.push(Entry { key: Key::plain(name), value: null });
                    }
                    None => {
                        let problem = format!("map has no element for required attribute {name:?}");
                        return Err(Problem::broken(problem));
                    }
                }
            }
            Ok(Value::object(converted))
        }
        _ => Err(Problem::broken(mismatch(value.ty(), to))),
    }
}

/// Values of one type, where they can be.
fn unified(context: &mut Context<'_>, values: Vec<Value>, safety: Safety) -> Result<Vec<Value>, Problem> {
    let first = values[0].ty();
    if values.iter().all(|value| value.ty() == first) {
        return Ok(values);
    }
    let types: Vec<Type> = values.iter().map(|value| value.ty().clone()).collect();
    let wanted =
        unify(&types, safety).ok_or_else(|| Problem::broken("cannot find a common base type for all elements"))?;
    values.iter().map(|value| run(context, value, &wanted, safety)).collect()
}

/// The one type of values, those aside whose type is open.
fn one_type(values: &[Value]) -> Option<Type> {
    let mut types = values.iter().map(Value::ty).filter(|ty| **ty != Type::Dynamic);
    let Some(first) = types.next() else { return Some(Type::Dynamic) };
    types.all(|ty| ty == first).then(|| first.clone())
}

fn unknown_like(value: &Value, ty: Type) -> Value {
    let reason = value.reason().cloned();
    match reason {
        Some(reason) => Value::unknown_of(ty, reason),
        None => Value::null(ty),
    }
}

/// An unknown value of another type, with what is still known of it there.
fn unknown_as(from: &Type, unknown: &Unknown, to: &Type) -> Value {
    let ty = replaced(from, &to.without_optional());
    let known = &unknown.refinement;
    let base = Refinement { is_not_null: known.is_not_null, ..Refinement::default() };
    let refinement = match (from, &ty) {
        (Type::Object(object), Type::Map(_)) => {
            base.with_length(object.attributes().len(), Some(object.attributes().len()))
        }
        (Type::Tuple(elements), Type::List(_)) => base.with_length(elements.len(), Some(elements.len())),
        (Type::Tuple(elements), Type::Set(_)) => base.with_length(elements.len().min(1), Some(elements.len())),
        (from, Type::Set(_)) if from.is_collection() => base.with_length(known.least.min(1), known.most),
        (from, to) if from.is_collection() && to.is_collection() => base.with_length(known.least, known.most),
        _ => base,
    };
    Value::not_known(ty, Unknown { reason: unknown.reason.clone(), refinement })
}

/// The wanted type, what it leaves open taken from the given one.
fn replaced(from: &Type, to: &Type) -> Type {
    if *from == Type::Dynamic || !to.has_dynamic() {
        return to.clone();
    }
    let of_attributes = |object: &super::types::Object| {
        let types: Vec<Type> = object.attributes().iter().map(|attribute| attribute.ty.clone()).collect();
        unify(&types, Safety::Unsafe).unwrap_or(Type::Dynamic)
    };
    let of_elements = |elements: &[Type]| unify(elements, Safety::Unsafe).unwrap_or(Type::Dynamic);
    match (from, to) {
        (_, Type::Dynamic) => from.clone(),
        (Type::Map(from), Type::Map(to)) => Type::map(replaced(from, to)),
        (Type::Object(from), Type::Map(to)) => Type::map(replaced(&of_attributes(from), to)),
        (Type::Map(from), Type::Object(to)) => {
            Type::object(to.attributes().iter().map(|wanted| (wanted.name.clone(), replaced(from, &wanted.ty))))
        }
        (Type::Object(from), Type::Object(to)) => Type::object(to.attributes().iter().map(|wanted| {
            let ty = from.get(&wanted.name).map_or_else(|| wanted.ty.clone(), |given| replaced(&given.ty, &wanted.ty));
            (wanted.name.clone(), ty)
        })),
        (Type::Set(from) | Type::List(from), Type::Set(to)) => Type::set(replaced(from, to)),
        (Type::Tuple(from), Type::Set(to)) => Type::set(replaced(&of_elements(from), to)),
        (Type::Set(from) | Type::List(from), Type::List(to)) => Type::list(replaced(from, to)),
        (Type::Tuple(from), Type::List(to)) => Type::list(replaced(&of_elements(from), to)),
        (Type::Tuple(from), Type::Tuple(to)) => {
            Type::tuple(from.iter().zip(to.iter()).map(|(from, to)| replaced(from, to)))
        }
        _ => to.clone(),
    }
}
