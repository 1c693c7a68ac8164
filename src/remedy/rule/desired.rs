//! What a resource should be that breaks a rule: the rule's patch, taken.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Action, New, Operation, Rule, RuleError, condition::Fault, path::Place};
use crate::model::{
    pointer::{Pointer, list_index},
    value::same,
};

/// What is known besides the rule and the resource.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The operator's parameters.
    pub parameters: &'a BTreeMap<String, Value>,
    /// The container that the finding names.
    pub container: Option<&'a str>,
}

/// Why a rule does not say what a resource should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silent {
    /// Nothing that holds for every resource.
    NoRemedy,
    /// A person has to decide, for this reason.
    Declined(String),
    /// The operator has to say something first.
    Parameter {
        /// The parameter's name.
        name: String,
        /// What it is.
        description: String,
    },
    /// A condition of the rule fails.
    Failed(RuleError),
}

impl From<RuleError> for Silent {
    fn from(error: RuleError) -> Self {
        Self::Failed(error)
    }
}

impl Rule {
    /// What a resource should be that breaks the rule.
    ///
    /// # Errors
    /// Why the rule does not say.
    pub fn desired(&self, resource: &Value, asked: Asked<'_>) -> Result<Value, Silent> {
        for decline in &self.declines {
            let applies = decline.when.as_ref().map_or(Ok(true), |when| when.holds(resource));
            if applies.map_err(|what| self.error(what))? {
                return Err(Silent::Declined(decline.because.clone()));
            }
        }
        if !self.has_remedy() {
            return Err(Silent::NoRemedy);
        }
        let mut desired = resource.clone();
        for operation in &self.patch {
            self.take(operation, &mut desired, asked)?;
        }
        Ok(desired)
    }

    fn take(&self, operation: &Operation, resource: &mut Value, asked: Asked<'_>) -> Result<(), Silent> {
        let mut places = operation.path.places(resource, asked.container);
        if let Some(of) = &operation.of {
            let mut chosen = Vec::new();
            for place in places {
                let item = place.item.get(resource).unwrap_or(&Value::Null);
                if of.holds(item).map_err(|what| self.error(what))? {
                    chosen.push(place);
                }
            }
            places = chosen;
        }
        // From the last to the first, so that what is removed moves nothing that is still meant.
        for Place { at, item } in places.into_iter().rev() {
            match &operation.action {
                Action::Remove => remove(resource, &at),
                Action::Replace(value) => {
                    if at.get(resource).is_some() {
                        let value = self.made(value, resource, &item, asked)?;
                        add(resource, at.tokens(), value);
                    }
                }
                Action::Add { keep, .. } if *keep && at.get(resource).is_some_and(|there| !there.is_null()) => {}
                Action::Add { value, .. } => {
                    let value = self.made(value, resource, &item, asked)?;
                    if !add(resource, at.tokens(), value) {
                        let what = format!("{at} is below a value that is no map or list");
                        return Err(self.error(Fault::Found(what)).into());
                    }
                }
            }
        }
        Ok(())
    }

    /// What an operation puts in place.
    fn made(&self, value: &New, resource: &Value, item: &Pointer, asked: Asked<'_>) -> Result<Value, Silent> {
        match value {
            New::Said(value) => self.filled(value, asked),
            New::Computed(program) => {
                let item = item.get(resource).unwrap_or(&Value::Null);
                Ok(program.answer(item).map_err(|what| self.error(what))?)
            }
        }
    }

    /// A value with what parameters stand for.
    fn filled(&self, value: &Value, asked: Asked<'_>) -> Result<Value, Silent> {
        Ok(match value {
            Value::Object(map) => match parameter(map) {
                Some(name) => return self.parameter(name, asked),
                None => Value::Object(
                    map.iter()
                        .map(|(key, value)| Ok((key.clone(), self.filled(value, asked)?)))
                        .collect::<Result<_, Silent>>()?,
                ),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.filled(item, asked)).collect::<Result<_, _>>()?)
            }
            plain => plain.clone(),
        })
    }

    fn parameter(&self, name: &str, asked: Asked<'_>) -> Result<Value, Silent> {
        let known = self.parameters.iter().find(|(known, _)| known == name).map(|(_, parameter)| parameter);
        let said = asked.parameters.get(name).or_else(|| known?.default.as_ref());
        said.cloned().ok_or_else(|| Silent::Parameter {
            name: name.to_owned(),
            description: known.map(|parameter| parameter.description.clone()).unwrap_or_default(),
        })
    }
}

/// The parameter that a map stands for: `{parameter: NAME}`.
pub(super) fn parameter(map: &Map<String, Value>) -> Option<&str> {
    if map.len() == 1 { map.get("parameter")?.as_str() } else { None }
}

/// Puts a value in place, with the maps and lists above it; false where something else is in the way.
fn add(within: &mut Value, path: &[String], value: Value) -> bool {
    let Some((first, rest)) = path.split_first() else {
        *within = value;
        return true;
    };
    if within.is_null() {
        let is_list = first == "-" || first == "0";
        *within = if is_list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match within {
        Value::Object(map) => add(map.entry(first.clone()).or_insert(Value::Null), rest, value),
        Value::Array(items) if first == "-" => {
            let mut item = Value::Null;
            let fits = add(&mut item, rest, value);
            if fits && !items.iter().any(|there| same(there, &item)) {
                items.push(item);
            }
            fits
        }
        Value::Array(items) => match list_index(first) {
            Some(index) if index == items.len() => {
                items.push(Value::Null);
                add(&mut items[index], rest, value)
            }
            Some(index) => items.get_mut(index).is_some_and(|item| add(item, rest, value)),
            None => false,
        },
        _ => false,
    }
}

fn remove(resource: &mut Value, at: &Pointer) {
    let (Some(parent), Some(last)) = (at.parent(), at.last()) else { return };
    match parent.get_mut(resource) {
        Some(Value::Object(map)) => drop(map.shift_remove(last)),
        Some(Value::Array(items)) => {
            if let Some(index) = list_index(last).filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
