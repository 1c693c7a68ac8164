//! Entries of generated ConfigMaps: a literal of the generator, or one merged in over a base's generator.

use serde_json::{Value, json};

use super::{Built, Layer, entries::item};
use crate::{
    engine::{kustomize::resources::Behavior, site::Found},
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
};

/// Words an entry of a generator for an entry of the object.
pub(super) fn sites(built: &Built<'_>, layer: &Layer<'_>, step: &Change, found: &mut Found) {
    if built.resource.kind() != "ConfigMap" || !is_generated(built) {
        return;
    }
    let (key, value) = match (&step.action, step.at.tokens()) {
        (Action::Set(Value::String(value)), [data, key]) if data == "data" => (key, value),
        (Action::AddKey { key, value: Value::String(value) }, [data]) if data == "data" => (key, value),
        _ => return,
    };
    if value.contains('\n') || key.contains('=') {
        return;
    }
    // One pair of quotes around a value is taken away again.
    let quoted =
        value.len() > 1 && ['"', '\''].iter().any(|quote| value.starts_with(*quote) && value.ends_with(*quote));
    let literal = if quoted { format!("{key}=\"{value}\"") } else { format!("{key}={value}") };
    let generators = layer.list("configMapGenerator").map(Vec::as_slice).unwrap_or_default();
    let name = layer.id.name.as_str();
    let own = generators.iter().position(|entry| entry.get("name").and_then(Value::as_str) == Some(name));
    let site = match own {
        Some(index) => {
            let at = Pointer::of(["configMapGenerator".to_owned(), index.to_string()]);
            let literals = generators[index].get("literals").and_then(Value::as_array);
            let (at, action) = match literals {
                Some(items) => (at.join("literals"), Action::AddItem { index: items.len(), value: literal.into() }),
                None => (at, Action::AddKey { key: "literals".to_owned(), value: json!([literal]) }),
            };
            let label = "literal of the configMapGenerator".to_owned();
            built.site(layer.kustomization.file, 0, Change { at, action }, label)
        }
        None => {
            let entry = json!({"name": name, "behavior": "merge", "literals": [literal]});
            item(built, layer, "configMapGenerator", entry)
        }
    };
    found.add(site);
}

fn is_generated(built: &Built<'_>) -> bool {
    built.resource.needs_hash || built.resource.behavior != Behavior::Unspecified
}
