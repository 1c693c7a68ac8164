//! A generator whose texts mention the parameters of the one before it, in a matrix.

use serde_json::{Map, Value};

use super::{parameters::Parameters, template::Renderer};
use crate::model::{pointer::Pointer, refusal::Refusal};

/// The generator with its texts rendered, and the places of those that were.
///
/// # Errors
/// Where Argo CD fails.
pub(super) fn interpolated(
    generator: &Value,
    at: &Pointer,
    parameters: &Parameters,
    renderer: &mut Renderer<'_>,
) -> Result<(Value, Vec<Pointer>), Refusal> {
    let mut computed = Vec::new();
    let value = walk(generator, at, parameters, renderer, &mut computed)?;
    Ok((value, computed))
}

fn walk(
    value: &Value,
    at: &Pointer,
    parameters: &Parameters,
    renderer: &mut Renderer<'_>,
    computed: &mut Vec<Pointer>,
) -> Result<Value, Refusal> {
    Ok(match value {
        Value::String(text) if text.contains("{{") => {
            let is_value = at.tokens().iter().rev().nth(1).is_some_and(|above| above == "values");
            match renderer.text(text, parameters) {
                Ok(rendered) => {
                    if rendered.text != *text {
                        computed.push(at.clone());
                    }
                    Value::String(rendered.text)
                }
                // It waits for parameters that its own generator makes.
                Err(_) if is_value => value.clone(),
                Err(refusal) => return Err(refusal),
            }
        }
        Value::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                all.push(walk(item, &at.join(index.to_string()), parameters, renderer, computed)?);
            }
            Value::Array(all)
        }
        Value::Object(map) => {
            let mut all = Map::with_capacity(map.len());
            for (key, value) in map {
                // Its own template waits for all parameters.
                let value = match key.as_str() {
                    "template" => value.clone(),
                    _ => walk(value, &at.join(key), parameters, renderer, computed)?,
                };
                all.insert(key.clone(), value);
            }
            Value::Object(all)
        }
        other => other.clone(),
    })
}
