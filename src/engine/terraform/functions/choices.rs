//! Functions that pick one of the values that they are given. What is picked keeps its origins; what decided over it is
//! added to what it is there for.

use super::{
    Function,
    Takes::{Any, Number as ANumber, String as AString},
    argument::{behind, picked, takes, text, whole},
};
use crate::{
    engine::terraform::{
        context::Context,
        convert::{convert, is_possible},
        problem::Problem,
        types::Type,
        unify::{Safety, unify},
        unknown::Reason,
        value::{Marks, Value},
    },
    source::lineage::sets::SetId,
};

/// The functions that pick.
pub const FUNCTIONS: &[Function] = &[
    Function::new("coalesce", &[], coalesce_type, coalesce).rest(takes("vals", Any).null().unknown().dynamic()).own(),
    Function::new("coalescelist", &[], coalesce_list_type, coalesce_list)
        .rest(takes("vals", Any).null().unknown().dynamic())
        .own(),
    Function::new(
        "lookup",
        &[takes("inputMap", Any).marked(), takes("key", AString).marked().unknown()],
        lookup_type,
        lookup,
    )
    .rest(takes("default", Any).null().unknown().dynamic().marked())
    .own()
    .may_be_null(),
    Function::new("element", &[takes("list", Any).marked(), takes("index", ANumber)], element_type, element)
        .own()
        .may_be_null(),
    Function::new("one", &[takes("list", Any)], one_type, one).own().may_be_null(),
];

fn coalesce_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let types: Vec<Type> = arguments.iter().map(|argument| argument.ty().clone()).collect();
    unify(&types, Safety::Unsafe).ok_or_else(|| Problem::broken("all arguments must have the same type"))
}

fn coalesce(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let mut passed = SetId::EMPTY;
    for argument in arguments {
        let reason = argument.unknown().map(|unknown| unknown.reason.clone());
        let flow = argument.flow();
        let decided = behind(context, [argument]);
        if let Some(reason) = reason {
            return Ok(Value::unknown_of(ty.clone(), reason).with_flow(flow).under(&mut context.sets, passed));
        }
        let value = convert(context, argument, ty)?;
        let is_passed = value.is_null() || *ty == Type::String && value.as_str() == Some("");
        if !is_passed {
            return Ok(value.under(&mut context.sets, passed));
        }
        passed = context.sets.union(passed, decided);
    }
    Err(Problem::broken("no non-null, non-empty-string arguments"))
}

fn coalesce_list_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let Some(first) = arguments.first() else { return Err(Problem::broken("at least one argument is required")) };
    for argument in arguments {
        if !argument.is_known() {
            return Ok(Type::Dynamic);
        }
        if !matches!(argument.ty(), Type::List(_) | Type::Tuple(_)) {
            return Err(Problem::broken("coalescelist arguments must be lists or tuples"));
        }
    }
    let same = arguments.iter().all(|argument| argument.ty() == first.ty());
    Ok(if same { first.ty().clone() } else { Type::Dynamic })
}

fn coalesce_list(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let mut passed = SetId::EMPTY;
    for argument in arguments {
        if let Some(unknown) = argument.unknown() {
            return Ok(Value::unknown_of(ty.clone(), unknown.reason.clone()).under(&mut context.sets, passed));
        }
        if argument.len().is_some_and(|len| len > 0) {
            return Ok(argument.clone().under(&mut context.sets, passed));
        }
        let decided = behind(context, [argument]);
        passed = context.sets.union(passed, decided);
    }
    Err(Problem::broken("no non-null arguments"))
}

fn lookup_type(context: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    if arguments.len() > 3 {
        let given = arguments.len();
        return Err(Problem::broken(format!("lookup() takes two or three arguments, got {given}")));
    }
    match arguments[0].ty() {
        Type::Object(object) => {
            let Some(key) = arguments[1].as_str() else { return Ok(Type::Dynamic) };
            match (object.get(key), arguments.get(2)) {
                (Some(attribute), _) => Ok(attribute.ty.clone()),
                (None, Some(default)) => Ok(default.ty().clone()),
                (None, None) => Err(Problem::argument(0, format!("the given object has no attribute {key:?}"))),
            }
        }
        Type::Map(element) => {
            if let Some(default) = arguments.get(2) {
                let fits =
                    is_possible(default.ty(), element, Safety::Unsafe) && convert(context, default, element).is_ok();
                if !fits {
                    let message = "the default value must have the same type as the map elements";
                    return Err(Problem::argument(2, message));
                }
            }
            Ok((**element).clone())
        }
        _ => Err(Problem::argument(0, "lookup() requires a map as the first argument")),
    }
}

fn lookup(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let (container, key) = (&arguments[0], &arguments[1]);
    let marks = container.marks().with(key.marks());
    let by = behind(context, [key]);
    if let Some(unknown) = key.unknown() {
        // Whatever the key will be when it is planned, an empty map does not have it.
        let is_planned = matches!(unknown.reason, Reason::Data(_) | Reason::Variable(_));
        return match arguments.get(2).filter(|_| is_planned && container.known_length() == Some(0)) {
            Some(default) => {
                let value = convert(context, default, ty)?;
                Ok(picked(context, value, container, by).with_marks(marks))
            }
            None => Ok(Value::unknown_of(ty.clone(), unknown.reason.clone()).with_marks(marks)),
        };
    }
    let name = text(key);
    if let Some(entry) = container.as_mapping().and_then(|mapping| mapping.get(name)) {
        let value = entry.value.clone();
        return Ok(picked(context, value, container, by).with_marks(marks));
    }
    match arguments.get(2) {
        Some(default) => {
            let value = convert(context, default, ty)?;
            Ok(picked(context, value, container, by).with_marks(marks))
        }
        None => {
            let shown = if key.marks().is_sensitive { "(sensitive value)".to_owned() } else { format!("{name:?}") };
            Err(Problem::broken(format!("lookup failed to find key {shown}")))
        }
    }
}

fn element_index(arguments: &[Value], len: usize) -> Result<usize, Problem> {
    let index = whole(&arguments[1]).map_err(|message| Problem::broken(format!("invalid index: {message}")))?;
    if len == 0 {
        return Err(Problem::broken("cannot use element function with an empty list"));
    }
    // Before the first comes the last. Of a tuple, whose type it asks for as well, Terraform then fails to find it.
    let at = index.rem_euclid(len as i64);
    if index % len as i64 != 0 && index < 0 && matches!(arguments[0].ty(), Type::Tuple(_)) {
        let message =
            format!("panic in function implementation: runtime error: index out of range [{}]", at - len as i64);
        return Err(Problem::broken(message));
    }
    Ok(at as usize)
}

fn element_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::List(element) => Ok((**element).clone()),
        Type::Tuple(_) if !arguments[1].is_known() => Ok(Type::Dynamic),
        Type::Tuple(elements) => Ok(elements[element_index(arguments, elements.len())?].clone()),
        other => Err(Problem::broken(format!("cannot read elements from {}", other.friendly()))),
    }
}

fn element(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    let elements = list.as_sequence().unwrap_or_default();
    let value = elements[element_index(arguments, elements.len())?].clone();
    let by = behind(context, &arguments[1..]);
    Ok(picked(context, value, list, by).with_marks(list.marks()))
}

const NOT_ONE: &str = "must be a list, set, or tuple value with either zero or one elements";

fn one_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::List(element) | Type::Set(element) => Ok((**element).clone()),
        Type::Tuple(elements) => match &elements[..] {
            [] => Ok(Type::Dynamic),
            [one] => Ok(one.clone()),
            _ => Err(Problem::argument(0, NOT_ONE)),
        },
        _ => Err(Problem::argument(0, NOT_ONE)),
    }
}

fn one(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let container = arguments[0].clone().marked_only(Marks::NONE);
    if container.known_length().is_none()
        && let Some(reason) = container.reason()
    {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(container.flow()));
    }
    let value = match container.as_sequence().unwrap_or_default() {
        [] => return Ok(Value::null(ty.clone()).with_flow(container.flow())),
        [one] => one.clone(),
        _ => return Err(Problem::argument(0, NOT_ONE)),
    };
    Ok(picked(context, value, &container, SetId::EMPTY))
}
