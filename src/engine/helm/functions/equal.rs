//! Go's `reflect.DeepEqual`: equal by type and content. `1` of a values file is no `1` of a template.

use std::rc::Rc;

use crate::engine::helm::template::{
    context::{Context, MAX_NESTING},
    fault::Fault,
    value::{Datum, Value},
};

/// Whether two values are deeply equal.
///
/// # Errors
/// A limit for values that are nested too deeply or too large; unsupported for two objects that are not one.
pub fn deep_equal(context: &mut Context, a: &Value, b: &Value) -> Result<bool, Fault> {
    equal(context, a, b, 0)
}

fn equal(context: &mut Context, a: &Value, b: &Value, depth: usize) -> Result<bool, Fault> {
    if depth > MAX_NESTING {
        return Err(Fault::limit("a value is nested too deeply, or in itself, to be compared"));
    }
    context.budget.step(1)?;
    Ok(match (&a.datum, &b.datum) {
        (Datum::Nil, Datum::Nil) => true,
        (Datum::Bool(a), Datum::Bool(b)) => a == b,
        (Datum::Int(a), Datum::Int(b)) | (Datum::Int64(a), Datum::Int64(b)) => a == b,
        (Datum::Uint64(a), Datum::Uint64(b)) => a == b,
        (Datum::Byte(a), Datum::Byte(b)) => a == b,
        (Datum::Rune(a), Datum::Rune(b)) => a == b,
        (Datum::Float(a), Datum::Float(b)) => a == b,
        (Datum::Text(a), Datum::Text(b)) | (Datum::Bytes(a), Datum::Bytes(b)) => a.bytes() == b.bytes(),
        (Datum::List(a), Datum::List(b)) => {
            if a.element != b.element || a.is_nil != b.is_nil || a.items.len() != b.items.len() {
                return Ok(false);
            }
            if Rc::ptr_eq(&a.items, &b.items) {
                return Ok(true);
            }
            for (a, b) in a.items.iter().zip(b.items.iter()) {
                if !equal(context, a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Datum::Map(a), Datum::Map(b)) => {
            if a.kind() != b.kind() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.is(b) {
                return Ok(true);
            }
            for entry in a.snapshot() {
                let Some(other) = b.get(entry.key.bytes()) else { return Ok(false) };
                if !equal(context, &entry.value, &other, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Datum::Object(a), Datum::Object(b)) if a.type_name() == b.type_name() => {
            if !Rc::ptr_eq(a, b) {
                return Err(Fault::unsupported(format!("comparing two values of type {}", a.type_name())));
            }
            true
        }
        _ => false,
    })
}
