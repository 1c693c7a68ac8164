//! Go's comparison functions, as templates know them.

use std::{cmp::Ordering, rc::Rc};

use super::{
    context::Context,
    fault::Fault,
    print,
    value::{Datum, Value},
};
use crate::source::lineage::text::Text;

/// What can be compared with what: Go's `basicKind`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Basic<'value> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'value [u8]),
}

/// `eq` with one other value. Numbers are equal to numbers of their own kind only, `nil` to nothing but `nil`.
///
/// # Errors
/// Go's, for values that it does not compare.
pub fn equal(a: &Value, b: &Value, context: &mut Context) -> Result<bool, Fault> {
    match (basic(a), basic(b)) {
        (Some(Basic::Int(a)), Some(Basic::Uint(b))) | (Some(Basic::Uint(b)), Some(Basic::Int(a))) => {
            Ok(u64::try_from(a) == Ok(b))
        }
        (Some(a), Some(b)) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => Ok(a == b),
        (None, None) => other(a, b, context),
        _ if is_nil(a) || is_nil(b) => Ok(false),
        _ => Err(Fault::failed(INCOMPATIBLE)),
    }
}

/// `lt`.
///
/// # Errors
/// Go's, for values that have no order.
pub fn less(a: &Value, b: &Value) -> Result<bool, Fault> {
    let (Some(a), Some(b)) = (basic(a), basic(b)) else { return Err(Fault::failed(INVALID)) };
    match (a, b) {
        (Basic::Int(a), Basic::Uint(b)) => Ok(i128::from(a) < i128::from(b)),
        (Basic::Uint(a), Basic::Int(b)) => Ok(i128::from(a) < i128::from(b)),
        (Basic::Bool(_), Basic::Bool(_)) => Err(Fault::failed(INVALID)),
        (Basic::Int(a), Basic::Int(b)) => Ok(a < b),
        (Basic::Uint(a), Basic::Uint(b)) => Ok(a < b),
        (Basic::Float(a), Basic::Float(b)) => Ok(a.partial_cmp(&b) == Some(Ordering::Less)),
        (Basic::Text(a), Basic::Text(b)) => Ok(a < b),
        _ => Err(Fault::failed(INCOMPATIBLE)),
    }
}

const INVALID: &str = "invalid type for comparison";
const INCOMPATIBLE: &str = "incompatible types for comparison";

fn basic(value: &Value) -> Option<Basic<'_>> {
    match &value.datum {
        Datum::Bool(value) => Some(Basic::Bool(*value)),
        Datum::Int(value) | Datum::Int64(value) => Some(Basic::Int(*value)),
        Datum::Rune(value) => Some(Basic::Int((*value).into())),
        Datum::Uint64(value) => Some(Basic::Uint(*value)),
        Datum::Byte(value) => Some(Basic::Uint((*value).into())),
        Datum::Float(value) => Some(Basic::Float(*value)),
        Datum::Text(text) => Some(Basic::Text(text.bytes())),
        Datum::Nil | Datum::Bytes(_) | Datum::List(_) | Datum::Map(_) | Datum::Object(_) => None,
    }
}

fn is_nil(value: &Value) -> bool {
    matches!(value.datum, Datum::Nil)
}

/// Two values without an order: `nil`, containers, objects.
fn other(a: &Value, b: &Value, context: &mut Context) -> Result<bool, Fault> {
    let are_alike = a.kind() == b.kind() || is_nil(a) || is_nil(b);
    let was_never_made = |value: &Value| is_nil(value) || value.datum.is_nil_of_its_type();
    if are_alike && (was_never_made(a) || was_never_made(b)) {
        return Ok(was_never_made(a) && was_never_made(b));
    }
    if !are_alike {
        let types = (a.type_name(), b.type_name());
        let (a, b) = (as_string(a, context)?, print::value(b, context)?);
        let message = format!("non-comparable types {}: {}, {}: {}", a.lossy(), types.0, types.1, b.lossy());
        return Err(Fault::failed(message));
    }
    match (&a.datum, &b.datum) {
        (Datum::Object(one), Datum::Object(other)) if !matches!(one.kind(), "map" | "slice") => {
            Ok(Rc::ptr_eq(one, other))
        }
        _ => {
            let printed = as_string(b, context)?;
            Err(Fault::failed(format!("non-comparable type {}: {}", printed.lossy(), b.type_name())))
        }
    }
}

/// How Go's messages print a value: with `%s`, whatever it is.
fn as_string(value: &Value, context: &mut Context) -> Result<Text, Fault> {
    print::printf(&Text::plain("%s"), std::slice::from_ref(value), context)
}
