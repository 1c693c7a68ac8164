//! Defaults of optional attributes: what `optional(string, "x")` in the type of a variable fills in before a value is
//! converted to that type (HCL's `typeexpr.Defaults`).

use std::{collections::BTreeMap, rc::Rc};

use super::{
    context::Context,
    convert::convert,
    problem::Problem,
    types::Type,
    unify::{Safety, unify},
    unknown::Refinement,
    value::{Datum, Entry, Key, Marks, Value},
};

/// The defaults that a type constraint holds, at any depth.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Of an object: the defaults of its attributes, by name.
    pub values: BTreeMap<Rc<str>, Value>,
    /// What is below.
    pub below: Below,
}

/// The defaults of what a type holds; parts without any are left out.
#[derive(Clone, Debug, Default)]
pub enum Below {
    /// None.
    #[default]
    Nothing,
    /// Those of every element of a list, set or map.
    Elements(Rc<Defaults>),
    /// Those of an object's attributes, by name.
    Attributes(BTreeMap<Rc<str>, Defaults>),
    /// Those of a tuple's elements, by index.
    Positions(BTreeMap<usize, Defaults>),
}

impl Defaults {
    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && matches!(self.below, Below::Nothing)
    }

    /// The value with defaults in the place of attributes that are missing or null. It still has to be converted to the type;
    /// what does not fit the type is left for that to refuse. A default that is filled in is there because of the object
    /// that lacks it.
    ///
    /// # Errors
    /// A limit.
    pub fn apply(&self, context: &mut Context<'_>, value: &Value) -> Result<Value, Problem> {
        if !value.is_known() || value.is_null() || self.is_empty() {
            return Ok(value.clone());
        }
        context.budget.step(1)?;
        let applied = match value.datum() {
            Datum::Sequence(elements) => {
                let mut filled = Vec::with_capacity(elements.len());
                for (index, element) in elements.iter().enumerate() {
                    filled.push(match self.position(index) {
                        Some(below) => below.apply(context, element)?,
                        None => element.clone(),
                    });
                }
                self.sequence(context, value, filled)?
            }
            Datum::Mapping(mapping) => {
                let mut filled = Vec::with_capacity(mapping.entries().len());
                for entry in mapping.entries() {
                    let value = match self.attribute(entry.key.as_str()) {
                        Some(below) => below.apply(context, &entry.value)?,
                        None => entry.value.clone(),
                    };
                    filled.push(Entry { key: entry.key.clone(), value });
                }
                self.fill(context, value, &mut filled)?;
                self.mapping(context, value, filled)?
            }
            _ => return Ok(value.clone()),
        };
        Ok(applied.with_flow(value.flow()).with_marks(value.marks()))
    }

    fn position(&self, index: usize) -> Option<&Self> {
        match &self.below {
            Below::Elements(below) => Some(below),
            Below::Positions(below) => below.get(&index),
            Below::Nothing | Below::Attributes(_) => None,
        }
    }

    fn attribute(&self, name: &str) -> Option<&Self> {
        match &self.below {
            Below::Elements(below) => Some(below),
            Below::Attributes(below) => below.get(name),
            Below::Nothing | Below::Positions(_) => None,
        }
    }

    fn fill(&self, context: &mut Context<'_>, object: &Value, entries: &mut Vec<Entry>) -> Result<(), Problem> {
        let flow = object.own_flow(&mut context.sets);
        let because = context.sets.union(flow.data, flow.control);
        for (name, default) in &self.values {
            let at = entries.iter().position(|entry| entry.key.as_str() == &**name);
            let is_missing = at.is_none_or(|at| entries[at].value.is_null());
            let value = if is_missing {
                let value = match self.attribute(name) {
                    Some(below) => below.apply(context, default)?,
                    None => default.clone(),
                };
                value.under(&mut context.sets, because)
            } else {
                let Some(at) = at else { continue };
                let given = entries[at].value.clone();
                // What has a default can no longer be null.
                if default.is_not_null() {
                    given.refined(|refinement| Refinement { is_not_null: true, ..refinement })
                } else {
                    given
                }
            };
            match at {
                Some(at) => entries[at].value = value,
                None => entries.push(Entry { key: Key::plain(name), value }),
            }
        }
        Ok(())
    }

    /// Elements as a list or set, if they still have one type; otherwise as a tuple.
    fn sequence(&self, context: &mut Context<'_>, value: &Value, elements: Vec<Value>) -> Result<Value, Problem> {
        let is_set = matches!(value.ty(), Type::Set(_));
        if elements.is_empty() || matches!(value.ty(), Type::Tuple(_)) {
            return Ok(if elements.is_empty() { value.clone() } else { Value::tuple(elements) });
        }
        let types: Vec<Type> = elements.iter().map(|element| element.ty().clone()).collect();
        let Some(common) = unify(&types, Safety::Unsafe) else { return Ok(Value::tuple(elements)) };
        let converted: Result<Vec<Value>, Problem> =
            elements.iter().map(|element| convert(context, element, &common)).collect();
        Ok(match converted {
            Ok(converted) if is_set => Value::set(&mut context.sets, common, converted),
            Ok(converted) => Value::list(common, converted),
            Err(_) => Value::tuple(elements),
        })
    }

    /// Entries as a map, if they still have one type; otherwise as an object.
    fn mapping(&self, context: &mut Context<'_>, value: &Value, entries: Vec<Entry>) -> Result<Value, Problem> {
        if !matches!(value.ty(), Type::Map(_)) {
            return Ok(Value::object(entries));
        }
        if entries.is_empty() {
            return Ok(value.clone().marked_only(Marks::NONE));
        }
        let mut sorted = entries;
        sorted.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        let types: Vec<Type> = sorted.iter().map(|entry| entry.value.ty().clone()).collect();
        let Some(common) = unify(&types, Safety::Unsafe) else { return Ok(Value::object(sorted)) };
        let converted: Result<Vec<Entry>, Problem> = sorted
            .iter()
            .map(|entry| Ok(Entry { key: entry.key.clone(), value: convert(context, &entry.value, &common)? }))
            .collect();
        Ok(converted.map_or_else(|_| Value::object(sorted), |converted| Value::map(common, converted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::terraform::{files::Files, types::Attribute},
        source::{path::RepoPath, tree::MemoryTree},
    };

    fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        Value::object(entries.into_iter().map(|(key, value)| Entry::plain(key, value)))
    }

    fn optional(name: &str, ty: Type) -> Attribute {
        Attribute { name: name.into(), ty, is_optional: true }
    }

    #[test]
    fn defaults_stand_for_what_is_missing_or_null_at_any_depth() {
        let tree = MemoryTree::default();
        let mut context = Context::new(Files::new(&tree, RepoPath::root()));
        // object({a = string, b = optional(number, 5), d = optional(object({x = optional(string, "dx")}), {})})
        let inner = Type::constraint([optional("x", Type::String)]);
        let ty = Type::constraint([
            Attribute { name: "a".into(), ty: Type::String, is_optional: false },
            optional("b", Type::Number),
            optional("d", inner),
            optional("e", Type::String),
        ]);
        let below = Defaults { values: [("x".into(), Value::text("dx"))].into(), below: Below::Nothing };
        let defaults = Defaults {
            values: [("b".into(), Value::number(5_i64)), ("d".into(), object([]))].into(),
            below: Below::Attributes([("d".into(), below)].into()),
        };
        let given = object([("a", Value::number(7_i64)), ("b", Value::null(Type::Dynamic)), ("z", Value::bool(true))]);
        let filled = defaults.apply(&mut context, &given).expect("no limit");
        let value = convert(&mut context, &filled, &ty).expect("fits");
        let at = |name: &str| value.as_mapping().and_then(|mapping| mapping.get(name)).map(|entry| entry.value.clone());
        assert_eq!(at("a").expect("a").as_str(), Some("7"));
        assert_eq!(at("b").expect("b").as_number(), Some(&5_i64.into()));
        assert!(at("e").expect("e").is_null() && at("z").is_none());
        let inner = at("d").expect("d");
        let x = inner.as_mapping().and_then(|mapping| mapping.get("x")).map(|entry| entry.value.clone());
        assert_eq!(x.expect("x").as_str(), Some("dx"));
    }
}
