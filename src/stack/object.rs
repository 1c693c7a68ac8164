//! Objects of the repository that describe stacks, and what looks them up.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    model::{
        change::{Action, Change},
        pointer::Pointer,
        refusal::Refusal,
        resource::{KubernetesId, ResourceId},
    },
    source::tree::SourceTree,
};

use super::surroundings::Surroundings;

/// An object that a stack renders, by what it is whatever its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The stack's position.
    pub stack: usize,
    /// The object.
    pub id: ResourceId,
}

/// An object.
#[derive(Clone, Debug)]
pub struct Object {
    /// Which.
    pub at: Reference,
    /// What it says.
    pub value: Arc<Value>,
}

/// The objects of a repository, as it stands or as it would be after an edit.
pub trait World {
    /// The files.
    fn tree(&self) -> &dyn SourceTree;

    /// What is known besides the files.
    fn surroundings(&self) -> &Surroundings;

    /// An object.
    ///
    /// # Errors
    /// Where its stack cannot be rendered, or does not declare it any more.
    fn object(&self, at: &Reference) -> Result<Object, Refusal>;

    /// The first object of a group, kind, namespace and name, those of a stack and of what describes it before others.
    fn find(&self, near: usize, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<Object>;
}

impl Object {
    /// The text at a pointer, where it is one and not empty.
    pub fn text(&self, at: &str) -> Option<&str> {
        self.value.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The value at a pointer, where it is anything.
    pub fn get(&self, at: &str) -> Option<&Value> {
        self.value.pointer(at).filter(|value| !value.is_null())
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }
}

/// The group of an identity, and whether it is of a kind.
pub fn is_kind(id: &ResourceId, group: &str, kind: &str) -> bool {
    matches!(id, ResourceId::Kubernetes(id) if id.group() == group && id.kind == kind)
}

/// Tells whether an identity is what a reference by kind and name means.
pub fn is_named(id: &KubernetesId, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> bool {
    let is_near = match (&id.namespace, namespace) {
        (Some(own), Some(asked)) => own == asked,
        _ => true,
    };
    id.group() == group && id.kind == kind && id.name == name && is_near
}

/// The change that makes a value say something at a place, along with what lies on the way there.
pub fn place(value: &Value, at: &Pointer, what: Value) -> Change {
    if at.get(value).is_some() {
        return Change { at: at.clone(), action: Action::Set(what) };
    }
    let mut depth = at.tokens().len().saturating_sub(1);
    let above = |depth: usize| Pointer::of(at.tokens()[..depth].iter().cloned());
    while depth > 0 && above(depth).get(value).is_none_or(Value::is_null) {
        depth -= 1;
    }
    let nested = at.tokens().iter().skip(depth + 1).rev().fold(what, |inner, key| {
        let mut map = Map::new();
        map.insert(key.clone(), inner);
        Value::Object(map)
    });
    let key = at.tokens().get(depth).cloned().unwrap_or_default();
    Change { at: above(depth), action: Action::AddKey { key, value: nested } }
}
