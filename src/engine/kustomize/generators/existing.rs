//! What a generated object keeps of the one that it replaces or is merged into.

use std::collections::BTreeMap;

use super::data::{map, string};
use crate::{
    engine::kustomize::{
        context::Context,
        node::{Content, Entry, Node, made},
        problem::Problem,
        resources::{Behavior, Resource},
    },
    source::lineage::{sets::SetId, text::Text},
};

/// A generated object in the place of another.
///
/// # Errors
/// Where Kustomize could not print what comes of it.
pub fn over(resource: Resource, old: &Resource, context: &mut Context<'_>) -> Result<Resource, Problem> {
    let merges = resource.behavior == Behavior::Merge;
    let mut new = with_metadata_of(resource, old, context)?;
    if merges {
        for field in ["data", "binaryData"] {
            let merged = merged(old.node.get(field), new.node.get(field), context)?;
            new.node.remove(field);
            if let Some(merged) = merged {
                new.node.set(made(field), merged);
            }
        }
    }
    Ok(new)
}

/// Gives an object the name, the namespace, the history and, where it has none of its own, the labels and annotations of
/// another (`CopyMergeMetaDataFieldsFrom`).
fn with_metadata_of(mut new: Resource, old: &Resource, context: &mut Context<'_>) -> Result<Resource, Problem> {
    for field in ["labels", "annotations"] {
        let merged = merged(old.node.at(&["metadata", field]), new.node.at(&["metadata", field]), context)?;
        if let Some(metadata) = new.node.get_mut("metadata") {
            metadata.remove(field);
            if let Some(merged) = merged {
                metadata.set(made(field), merged);
            }
        }
    }
    let said = |field: &str| old.node.at(&["metadata", field]).map(raw).unwrap_or_default();
    new.set_name(said("name"));
    new.set_namespace(said("namespace"));
    Ok(Resource {
        previous: old.previous.clone(),
        prefixes: old.prefixes.clone(),
        suffixes: old.suffixes.clone(),
        behavior: old.behavior,
        needs_hash: old.needs_hash && new.needs_hash,
        variables: old.variables.clone(),
        declared: old.declared,
        touched: old.touched.clone(),
        ..new
    })
}

/// Both maps with the second one's entries over the first one's, all values made text; nothing where both are empty.
fn merged(old: Option<&Node>, new: Option<&Node>, context: &mut Context<'_>) -> Result<Option<Node>, Problem> {
    let mut entries: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
    let mut places = SetId::EMPTY;
    for node in [old, new].into_iter().flatten() {
        places = context.sets.union(places, node.places);
        for entry in node.entries().unwrap_or_default() {
            let value = Node { places: entry.value.places, ..string(raw(&entry.value), context) };
            entries.insert(entry.key.bytes().to_vec(), Entry { key: entry.key.clone(), value });
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    map(entries.into_values().collect(), places, context).map(Some)
}

/// The text of a scalar as it is written, whatever it means; null in `data` is none.
fn raw(node: &Node) -> Text {
    match &node.content {
        Content::Scalar(scalar) => scalar.text.clone(),
        Content::List(_) | Content::Map(_) => Text::default(),
    }
}
