//! Placeholder.

use crate::{
    model::{pointer::Pointer, refusal::{Code, Refusal}},
    stack::{lowered::Lowered, object::{Object, World}},
};

/// The addresses.
pub fn addresses(_: &Object) -> Vec<(String, String)> {
    Vec::new()
}

/// What.
pub fn lower(object: &Object, _: &dyn World) -> Result<Lowered, Refusal> {
    Err(Refusal::new(Code::EngineUnsupported, format!("{}", object.at.id), ""))
}

/// Carries.
pub fn carries(_: &Pointer) -> bool {
    false
}
