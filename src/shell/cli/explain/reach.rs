//! Where a field could be changed, nearest to the release first, and what else an edit there would move.

use serde::Serialize;
use serde_json::Value;

use super::{path, spoken};
use crate::{
    engine::Resource,
    model::pointer::Pointer,
    source::{
        lineage::{Cause, Chain, Dependence, Part, Role, Spot},
        path::RepoPath,
        span::Span,
    },
    stack::catalog::Catalog,
};

/// A place at which a field could be changed.
pub struct Edit<'c> {
    /// The file.
    pub file: RepoPath,
    /// What is there now; absent where a key has to be added.
    pub now: Option<(usize, Span)>,
    /// The value that is changed or added there; empty for text of a template.
    pub key: &'c [String],
    /// What the place is.
    pub role: Role,
    /// What follows.
    pub reach: Reach,
}

/// What an edit would move besides the field itself.
#[derive(Default, Serialize)]
pub struct Reach {
    /// Other fields of the stack.
    pub moves: Vec<Moved>,
    /// How many fields of the stack it may let come or go, or become another.
    pub decides: usize,
    /// Other stacks that read the file.
    pub stacks: Vec<Reader>,
}

/// Another field.
#[derive(Serialize)]
pub struct Moved {
    /// Its resource, as the command line takes it.
    pub resource: String,
    /// The field.
    pub path: Pointer,
    /// The field as people write it.
    #[serde(skip)]
    pub field: String,
}

/// Another stack that reads the file.
#[derive(Serialize)]
pub struct Reader {
    /// Its name.
    pub stack: String,
    /// How many of its fields depend on what would be edited; absent where that cannot be told.
    pub fields: Option<usize>,
}

/// The most places that are looked at.
const MAX_EDITS: usize = 12;

/// The places at which a field could be changed.
pub fn edits<'c>(
    catalog: &Catalog<'_>,
    position: usize,
    resource: &Resource,
    at: &Pointer,
    chain: &'c Chain,
) -> Vec<Edit<'c>> {
    let mut found: Vec<(usize, Edit<'c>)> = Vec::new();
    let mut add = |rank: usize, edit: Edit<'c>| {
        let same = |other: &Edit<'c>| (&other.file, &other.now, other.key) == (&edit.file, &edit.now, edit.key);
        if !found.iter().any(|(_, other)| same(other)) {
            found.push((rank, edit));
        }
    };
    // Separators and brackets of a template are no values.
    let is_word = |part: &&Part| {
        part.text.contains(char::is_alphanumeric) || part.sources.iter().any(|cause| cause.role != Role::Template)
    };
    let parts = chain.parts.iter().filter(is_word).flat_map(|part| &part.sources);
    // Empty ones, in whose place something else was chosen.
    let is_empty = |cause: &&Cause| match &cause.value {
        None => cause.role == Role::Absent,
        Some(value) => value.is_null() || *value == "",
    };
    for cause in parts.chain(chain.chosen_because.iter().filter(is_empty)) {
        let reach = Reach::default;
        if let Some(place) = cause.place.as_ref().filter(|place| place.inside.is_none()) {
            let now = Some((place.line, place.span));
            add(
                rank(cause.role),
                Edit { file: place.file.clone(), now, key: &cause.key, role: cause.role, reach: reach() },
            );
        }
        if let Some(over) = &cause.override_at {
            add(1, Edit { file: over.file.clone(), now: None, key: &over.key, role: Role::Absent, reach: reach() });
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    let mut edits: Vec<Edit<'c>> = found.into_iter().map(|(_, edit)| edit).take(MAX_EDITS).collect();
    for edit in &mut edits {
        edit.reach = reach(catalog, position, resource, at, edit);
    }
    edits
}

/// What says something about a field to no effect.
pub fn without_effect(chain: &Chain) -> Vec<&Cause> {
    let mut found: Vec<&Cause> = Vec::new();
    for cause in chain.parts.iter().flat_map(|part| &part.sources).flat_map(|source| &source.overrides) {
        if !found.contains(&cause) {
            found.push(cause);
        }
    }
    found
}

/// Every field that holds a single value or an empty collection.
pub fn leaves(value: &Value) -> Vec<Pointer> {
    let (mut found, mut todo) = (Vec::new(), vec![(Pointer::root(), value)]);
    while let Some((at, value)) = todo.pop() {
        match value {
            Value::Object(map) if !map.is_empty() => {
                todo.extend(map.iter().rev().map(|(key, value)| (at.join(key), value)));
            }
            Value::Array(items) if !items.is_empty() => {
                todo.extend(items.iter().enumerate().rev().map(|(index, value)| (at.join(index.to_string()), value)));
            }
            _ => found.push(at),
        }
    }
    found
}

fn rank(role: Role) -> usize {
    match role {
        Role::Value | Role::Argument => 0,
        Role::Default | Role::Metadata => 2,
        _ => 3,
    }
}

fn reach(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer, edit: &Edit<'_>) -> Reach {
    let spot = match edit.now {
        Some((_, span)) => Spot::Bytes(&edit.file, span, edit.key),
        None => Spot::Key(edit.key),
    };
    let mut reach = Reach::default();
    for (other, stack) in catalog.stacks().iter().enumerate() {
        if other != position && !stack.declaration.may_read(&edit.file) {
            continue;
        }
        let rendered = catalog.rendered(other);
        let resources = rendered.as_ref().map_or(&[][..], |rendered| &rendered.resources[..]);
        let mut fields = 0;
        for found in resources {
            for (path, dependence) in found.dependents(&leaves(&found.value), &spot) {
                fields += 1;
                if other == position && !(found.id == resource.id && path == *at) {
                    match dependence {
                        Dependence::Data => {
                            let (resource, field) = (spoken(&found.id), path::field(&path, &found.value));
                            reach.moves.push(Moved { resource, path, field });
                        }
                        Dependence::Control => reach.decides += 1,
                    }
                }
            }
        }
        let is_known = rendered.is_ok() && edit.now.is_some();
        if other != position && (fields > 0 || !is_known) {
            reach.stacks.push(Reader { stack: stack.name.clone(), fields: is_known.then_some(fields) });
        }
    }
    reach
}
