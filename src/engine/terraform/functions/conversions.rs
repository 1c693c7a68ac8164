//! Explicit conversions, and marks.

use super::{
    Function, Parameter,
    Takes::Any,
    argument::{a_bool, takes},
};
use crate::engine::{
    go::quote::quoted,
    terraform::{
        context::Context,
        convert::{convert, is_possible, mismatch},
        problem::{Kind, Problem},
        types::Type,
        unify::Safety,
        unknown::Reason,
        value::{Datum, Entry, Marks, Value},
    },
};

/// The functions that convert, and those that mark.
pub const FUNCTIONS: &[Function] = &[
    to("tobool", |_, arguments| wanted(arguments, Type::Bool)),
    to("tonumber", |_, arguments| wanted(arguments, Type::Number)),
    to("tostring", |_, arguments| wanted(arguments, Type::String)),
    to("tolist", |_, arguments| wanted(arguments, Type::list(Type::Dynamic))),
    to("toset", |_, arguments| wanted(arguments, Type::set(Type::Dynamic))),
    to("tomap", |_, arguments| wanted(arguments, Type::map(Type::Dynamic))),
    marking("sensitive", |_, arguments, _| Ok(arguments[0].clone().with_marks(Marks::SENSITIVE))),
    marking("nonsensitive", |_, arguments, _| {
        let marks = Marks { is_sensitive: false, ..arguments[0].marks() };
        Ok(arguments[0].clone().marked_only(marks))
    }),
    Function::new(
        "issensitive",
        &[takes("value", Any).null().unknown().dynamic().marked()],
        a_bool,
        |_, arguments, _| is_sensitive(&arguments[0]),
    ),
    marking("ephemeralasnull", |_, arguments, _| Ok(without_ephemeral(&arguments[0]))),
];

const CONVERTED: &[Parameter] = &[takes("v", Any).null().marked().dynamic()];

const MARKED: &[Parameter] = &[takes("value", Any).null().unknown().dynamic().marked()];

const fn to(name: &'static str, answers: fn(&mut Context<'_>, &[Value]) -> Result<Type, Problem>) -> Function {
    Function::new(name, CONVERTED, answers, converted).own().may_be_null()
}

const fn marking(name: &'static str, body: super::Body) -> Function {
    Function::new(name, MARKED, |_, arguments| Ok(arguments[0].ty().clone()), body).own().may_be_null()
}

fn wanted(arguments: &[Value], wanted: Type) -> Result<Type, Problem> {
    let given = arguments[0].ty();
    if is_possible(given, &wanted, Safety::Unsafe) {
        return Ok(wanted);
    }
    let message = match (given, &wanted) {
        (Type::Tuple(_), Type::Tuple(_)) => {
            format!("incompatible tuple type for conversion: {}", mismatch(given, &wanted))
        }
        (Type::Object(_), Type::Object(_)) => {
            format!("incompatible object type for conversion: {}", mismatch(given, &wanted))
        }
        _ => format!("cannot convert {} to {}", given.friendly(), wanted.friendly_constraint()),
    };
    Err(Problem::argument(0, message))
}

fn converted(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let given = &arguments[0];
    convert(context, given, ty).map_err(|problem| {
        if problem.kind != Kind::Broken {
            return problem;
        }
        let (from, to) = (given.ty().friendly(), ty.friendly_constraint());
        let message = match (given.as_str(), ty) {
            _ if given.marks_within().is_sensitive => format!("cannot convert this sensitive {from} to {to}"),
            (Some(text), Type::Bool) => {
                format!("cannot convert {} to bool; only the strings \"true\" or \"false\" are allowed", quoted(text))
            }
            (Some(text), Type::Number) => format!(
                "cannot convert {} to number; given string must be a decimal representation of a number",
                quoted(text)
            ),
            _ => format!("cannot convert {from} to {to}"),
        };
        Problem::argument(0, message)
    })
}

/// Whether a value is marked is only certain once it is known: until then more may become of it.
fn is_sensitive(value: &Value) -> Result<Value, Problem> {
    match value.unknown() {
        _ if value.marks().is_sensitive => Ok(Value::bool(true)),
        Some(unknown) => Ok(Value::unknown_of(Type::Bool, unknown.reason.clone())),
        None => Ok(Value::bool(false)),
    }
}

/// Null in the place of everything that must not be kept.
fn without_ephemeral(value: &Value) -> Value {
    if value.marks().is_ephemeral {
        let marks = Marks { is_ephemeral: false, ..value.marks() };
        let cleared = match value.unknown() {
            Some(unknown) => Value::unknown_of(value.ty().clone(), unknown.reason.clone()),
            None => Value::null(value.ty().clone()),
        };
        return cleared.with_flow(value.flow()).with_marks(marks);
    }
    if !value.marks_within().is_ephemeral {
        return value.clone();
    }
    let cleared = match (value.datum(), value.ty()) {
        (Datum::Sequence(elements), Type::List(element)) => {
            Value::list((**element).clone(), elements.iter().map(without_ephemeral))
        }
        (Datum::Sequence(elements), _) => Value::tuple(elements.iter().map(without_ephemeral)),
        (Datum::Mapping(mapping), ty) => {
            let entry = |entry: &Entry| Entry { key: entry.key.clone(), value: without_ephemeral(&entry.value) };
            let entries = mapping.entries().iter().map(entry);
            match ty {
                Type::Map(element) => Value::map((**element).clone(), entries),
                _ => Value::object(entries),
            }
        }
        _ => Value::unknown_of(value.ty().clone(), Reason::Unsupported("ephemeralasnull()".into())),
    };
    cleared.with_flow(value.flow()).with_marks(value.marks())
}
