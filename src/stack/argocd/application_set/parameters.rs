//! The parameters that a template is rendered with, each scalar with where it is written.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map as Json, Value};

use crate::{
    engine::{
        helm::template::{
            context::Context,
            leaf::{LayerId, Leaf, PathId},
            value::{self, Datum, Map, MapKind},
        },
        parts::Place,
    },
    model::pointer::Pointer,
    source::{
        lineage::text::{MadeOf, Text},
        path::RepoPath,
    },
};

/// The documents that parameters are written in: first the object itself.
#[derive(Debug)]
pub(super) struct Layers(Vec<(RepoPath, Arc<Value>)>);

/// A value of parameters.
#[derive(Clone, Debug)]
pub(super) enum Parameter {
    /// A scalar or nothing, and where it is written, where it is.
    Scalar(Value, Option<Written>),
    Map(Parameters),
    List(Vec<Self>),
}

/// Parameters by name.
pub(super) type Parameters = BTreeMap<String, Parameter>;

/// A place of a layer.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub layer: u32,
    pub at: Pointer,
}

impl Layers {
    pub(super) fn of(file: RepoPath, object: Arc<Value>) -> Self {
        Self(vec![(file, object)])
    }

    /// Adds a document.
    pub(super) fn add(&mut self, file: RepoPath, value: Value) -> u32 {
        self.0.push((file, Arc::new(value)));
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// The place of something written.
    pub(super) fn place(&self, layer: u32, at: &Pointer) -> Option<Place> {
        let (file, value) = self.0.get(layer as usize)?;
        let now = at.get(value)?.clone();
        let label = format!("parameter {at}");
        Some(Place { file: file.clone(), document: 0, at: at.clone(), now, label })
    }
}

impl Parameter {
    /// A text that is written nowhere as it is.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Value::String(text.into()), None)
    }

    /// A value of a layer; places among `computed` are not what is written there.
    pub(super) fn of(value: &Value, layer: u32, at: &Pointer, computed: &[Pointer]) -> Self {
        match value {
            Value::Object(map) => Self::Map(
                map.iter().map(|(key, value)| (key.clone(), Self::of(value, layer, &at.join(key), computed))).collect(),
            ),
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Self::of(item, layer, &at.join(index.to_string()), computed))
                    .collect(),
            ),
            scalar => {
                let written = (!computed.contains(at)).then(|| Written { layer, at: at.clone() });
                Self::Scalar(scalar.clone(), written)
            }
        }
    }

    /// The value without its places.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Scalar(value, _) => value.clone(),
            Self::Map(map) => Value::Object(json(map)),
            Self::List(items) => items.iter().map(Self::json).collect(),
        }
    }

    /// What a template sees.
    fn value(&self, context: &mut Context) -> value::Value {
        match self {
            Self::Map(parameters) => value::Value::plain(Datum::Map(map(parameters, context))),
            Self::List(items) => value::Value::list(items.iter().map(|item| item.value(context)).collect()),
            Self::Scalar(scalar, written) => {
                let made_of = match written {
                    Some(Written { layer, at }) => {
                        let at = at.tokens().iter().fold(PathId::ROOT, |above, key| context.paths.join(above, key));
                        let leaf = context.sets.leaf(Leaf::Node { layer: LayerId(*layer), at });
                        MadeOf::Verbatim { leaf, offset: 0 }
                    }
                    None => MadeOf::NOTHING,
                };
                let datum = match scalar {
                    Value::Bool(value) => Datum::Bool(*value),
                    Value::Number(number) => Datum::Float(number.as_f64().unwrap_or_default()),
                    Value::String(text) => Datum::Text(Text::new(text.as_bytes(), made_of)),
                    _ => Datum::Nil,
                };
                value::Value::new(datum, made_of)
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Map(map) => map.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Scalar(Value::String(text), _) => text.is_empty(),
            Self::Scalar(Value::Number(number), _) => number.as_f64() == Some(0.0),
            Self::Scalar(value, _) => value.is_null() || *value == Value::Bool(false),
        }
    }
}

/// Parameters as a template sees them.
pub(super) fn map(parameters: &Parameters, context: &mut Context) -> Map {
    let map = Map::new(MapKind::Any);
    for (key, parameter) in parameters {
        let value = parameter.value(context);
        map.insert(Text::plain(key), value);
    }
    map
}

/// Parameters without their places.
pub(super) fn json(parameters: &Parameters) -> Json<String, Value> {
    parameters.iter().map(|(key, parameter)| (key.clone(), parameter.json())).collect()
}

/// Lays parameters over others; what is empty leaves what is there (`mergo.WithOverride`).
pub(super) fn lay_over(under: &mut Parameters, over: &Parameters) {
    for (key, parameter) in over {
        match (under.get_mut(key), parameter) {
            (Some(Parameter::Map(under)), Parameter::Map(over)) => lay_over(under, over),
            (Some(_), parameter) if parameter.is_empty() => {}
            _ => {
                under.insert(key.clone(), parameter.clone());
            }
        }
    }
}

/// Parameters as one level of texts, keys joined by dots (`flatten.DotStyle`).
pub(super) fn flat(parameters: &Parameters) -> BTreeMap<String, String> {
    fn walk(above: &str, parameter: &Parameter, found: &mut BTreeMap<String, String>) {
        let join = |key: &str| if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        match parameter {
            Parameter::Map(map) => map.iter().for_each(|(key, value)| walk(&join(key), value, found)),
            Parameter::List(items) => {
                items.iter().enumerate().for_each(|(at, item)| walk(&join(&at.to_string()), item, found));
            }
            Parameter::Scalar(value, _) => {
                found.insert(above.to_owned(), printed(value));
            }
        }
    }
    let mut found = BTreeMap::new();
    parameters.iter().for_each(|(key, value)| walk(key, value, &mut found));
    found
}

/// The same, each text with its place.
pub(super) fn flattened(parameter: &Parameter) -> Parameters {
    fn walk(above: &str, parameter: &Parameter, found: &mut Parameters) {
        let join = |key: &str| if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        match parameter {
            Parameter::Map(map) => map.iter().for_each(|(key, value)| walk(&join(key), value, found)),
            Parameter::List(items) => {
                items.iter().enumerate().for_each(|(at, item)| walk(&join(&at.to_string()), item, found));
            }
            Parameter::Scalar(value, written) => {
                found.insert(above.to_owned(), Parameter::Scalar(Value::String(printed(value)), written.clone()));
            }
        }
    }
    let mut found = Parameters::new();
    walk("", parameter, &mut found);
    found
}

/// `fmt.Sprintf("%v")` of a scalar.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
