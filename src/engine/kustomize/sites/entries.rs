//! The fields of a kustomization that are made for what changes most: `images` and `replicas`.

use serde_json::{Map, Value, json};

use super::{Built, Layer};
use crate::{
    engine::site::{Found, Site},
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
};

/// Finds the entry that could say the field, or words a new one.
pub(super) fn sites(built: &Built<'_>, layer: &Layer<'_>, step: &Change, found: &mut Found) {
    match (&step.action, step.at.last()) {
        (Action::Set(Value::String(new)), Some("image")) => image(built, layer, step, new, found),
        (Action::Set(count), Some("replicas")) if step.at.tokens().len() == 2 => {
            replicas(built, layer, count, found);
        }
        (Action::AddKey { key, value }, Some("spec")) if key == "replicas" && step.at.tokens().len() == 1 => {
            replicas(built, layer, value, found);
        }
        _ => {}
    }
}

fn image(built: &Built<'_>, layer: &Layer<'_>, step: &Change, new: &str, found: &mut Found) {
    let old = step.at.get(built.declared).and_then(Value::as_str).map(Image::of);
    let (Some(old), new) = (old, Image::of(new)) else { return };
    let mut says = Map::new();
    let mut say = |key: &str, old: Option<&str>, new: Option<&str>| {
        if old != new
            && let Some(new) = new
        {
            says.insert(key.to_owned(), new.into());
        }
    };
    say("newName", Some(old.name), Some(new.name));
    say("newTag", old.tag, new.tag);
    say("digest", old.digest, new.digest);
    if says.is_empty() {
        return;
    }
    let entries = layer.list("images").map(Vec::as_slice).unwrap_or_default();
    let named = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str) == Some(old.name);
    let known = entries.iter().position(|entry| named(entry, "newName"));
    let known =
        known.or_else(|| entries.iter().position(|entry| named(entry, "name") && entry.get("newName").is_none()));
    let at = Pointer::of(["images"]);
    match known {
        Some(index) => found.add(fields(built, layer, &at.join(index.to_string()), &entries[index], &says)),
        None => {
            let mut entry = Map::from_iter([("name".to_owned(), old.name.into())]);
            entry.extend(says);
            found.add(item(built, layer, "images", entry.into()));
        }
    }
}

fn replicas(built: &Built<'_>, layer: &Layer<'_>, count: &Value, found: &mut Found) {
    const KINDS: [&str; 4] = ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"];
    if !count.is_u64() || !KINDS.contains(&layer.id.gvk.kind.as_str()) {
        return;
    }
    let name = layer.id.name.as_str();
    let entries = layer.list("replicas").map(Vec::as_slice).unwrap_or_default();
    match entries.iter().position(|entry| entry.get("name").and_then(Value::as_str) == Some(name)) {
        Some(index) => {
            let says = Map::from_iter([("count".to_owned(), count.clone())]);
            let at = Pointer::of(["replicas".to_owned(), index.to_string()]);
            found.add(fields(built, layer, &at, &entries[index], &says));
        }
        None => found.add(item(built, layer, "replicas", json!({"name": name, "count": count}))),
    }
}

/// Fields of an entry of the kustomization: changed where they are there, added where not.
fn fields(
    built: &Built<'_>,
    layer: &Layer<'_>,
    at: &Pointer,
    entry: &Value,
    says: &Map<String, Value>,
) -> Option<Site> {
    let mut sites = says.iter().filter_map(|(key, value)| {
        let change = match entry.get(key) {
            Some(_) => Change { at: at.join(key), action: Action::Set(value.clone()) },
            None => Change { at: at.clone(), action: Action::AddKey { key: key.clone(), value: value.clone() } },
        };
        let label = format!("kustomization field {}", at.join(key));
        built.site(layer.kustomization.file, 0, change, label)
    });
    let first = sites.next()?;
    Some(Site { also: sites.collect(), ..first })
}

/// A new item at the end of a list of the kustomization, which is made where it is not there.
pub(super) fn item(built: &Built<'_>, layer: &Layer<'_>, field: &str, value: Value) -> Option<Site> {
    let (at, action) = match layer.list(field) {
        Some(items) => (Pointer::of([field]), Action::AddItem { index: items.len(), value }),
        None => {
            let value = Value::Array(vec![value]);
            (Pointer::root(), Action::AddKey { key: field.to_owned(), value })
        }
    };
    let label = format!("kustomization field /{field}");
    built.site(layer.kustomization.file, 0, Change { at, action }, label)
}

/// The parts of an image's name.
struct Image<'i> {
    name: &'i str,
    tag: Option<&'i str>,
    digest: Option<&'i str>,
}

impl<'i> Image<'i> {
    /// As Kustomize splits it: the tag stands behind a colon that no slash follows (`image.Split`).
    fn of(text: &'i str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        Self { name, tag, digest }
    }
}
