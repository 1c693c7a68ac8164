//! Patches of a kustomization that say the change over what it builds on: those that work on the object already, and new ones.
//!
//! A strategic merge patch says it where it can: it reads like the object. Items that no key identifies have only their
//! position, and an item that is to stand behind others cannot be merged in, since merged items come first; there, RFC 6902
//! operations say it, each item on the way tested by its name first. Whether either does what it should is for the proof.

use serde_json::{Map, Value, json};

use super::{Built, Layer};
use crate::{
    engine::{
        kustomize::{
            identity::Identity,
            resources::{PatchKind, Touch},
        },
        site::{Site, Wording},
    },
    model::{
        change::{Action, Change, identity, script},
        pointer::{Pointer, list_index},
    },
    source::{
        path::RepoPath,
        yaml::{
            edit::{self, edit},
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

/// Finds the patches that could say all steps of the change.
pub(super) fn sites(built: &Built<'_>, layer: &Layer<'_>, steps: &[Change]) -> Vec<Site> {
    // A list that is copied whole hides what the base will say of it later, so that it comes last.
    let (exact, copied) = match merge_patch(built, layer.id, steps) {
        Some((patch, false)) => (Some(patch), None),
        Some((patch, true)) => (None, Some(patch)),
        None => (None, None),
    };
    let operations = operations(built, steps);
    let touched: Vec<&Touch> =
        built.resource.touched.iter().rev().filter(|touch| belongs(built, layer, touch)).collect();
    let extended =
        |touch: &Touch, patch: &Option<Value>| patch.as_ref().and_then(|patch| extended(built, touch, patch));
    let new_merge = |patch: &Value| new(built, layer, patch, PatchKind::Merge);
    let mut found: Vec<Site> = Vec::new();
    found.extend(touched.iter().filter_map(|touch| match touch.kind {
        PatchKind::Merge => extended(touch, &exact),
        PatchKind::Operations => appended(built, touch, &operations),
    }));
    found.extend(exact.iter().flat_map(new_merge));
    found.extend(new(built, layer, &Value::Array(operations.clone()), PatchKind::Operations));
    let merged = touched.iter().filter(|touch| touch.kind == PatchKind::Merge);
    found.extend(merged.filter_map(|touch| extended(touch, &copied)));
    found.extend(copied.iter().flat_map(new_merge));
    found
}

/// Tells whether a patch is written in a kustomization or in its folder.
fn belongs(built: &Built<'_>, layer: &Layer<'_>, touch: &Touch) -> bool {
    let source = built.lineage.source(touch.source);
    match source.inside {
        Some(inside) => inside.source == layer.kustomization.file,
        None => source.path.is_within(&layer.kustomization.folder.path),
    }
}

/// The steps as a strategic merge patch of the object, and whether a list had to be copied whole for them; nothing where
/// merging cannot say them.
fn merge_patch(built: &Built<'_>, id: &Identity, steps: &[Change]) -> Option<(Value, bool)> {
    let mut metadata = Map::from_iter([("name".to_owned(), Value::from(id.name.as_str()))]);
    if !id.namespace.is_empty() {
        metadata.insert("namespace".to_owned(), id.namespace.as_str().into());
    }
    let mut patch = json!({"apiVersion": id.gvk.api_version(), "kind": id.gvk.kind, "metadata": metadata});
    let mut state = built.declared.clone();
    let mut copies = false;
    for step in steps {
        let (target, wanted) = match &step.action {
            Action::Set(value) => (step.at.clone(), Some(value.clone())),
            Action::AddKey { key, value } => (step.at.join(key), Some(value.clone())),
            Action::AddItem { value, .. } => (step.at.join("-"), Some(value.clone())),
            Action::Remove => (step.at.clone(), None),
        };
        let said = Said { built, state: &state, wanted: built.wanted };
        copies |= said.put(&mut patch, &target, wanted)?;
        if !step.apply(&mut state) {
            return None;
        }
    }
    Some((patch, copies))
}

/// What a patch is laid over.
struct Said<'s> {
    built: &'s Built<'s>,
    state: &'s Value,
    wanted: &'s Value,
}

impl Said<'_> {
    /// Puts a value, or its removal, into a patch. Answers whether a list is copied whole for it.
    fn put(&self, patch: &mut Value, target: &Pointer, value: Option<Value>) -> Option<bool> {
        let mut at = Pointer::root();
        let mut here = patch;
        let tokens = target.tokens();
        for (depth, token) in tokens.iter().enumerate() {
            let is_last = depth + 1 == tokens.len();
            match at.get(self.state)? {
                Value::Object(_) => {
                    let map = here.as_object_mut()?;
                    if is_last {
                        map.insert(token.clone(), value.unwrap_or(Value::Null));
                        return Some(false);
                    }
                    let below = at.join(token);
                    let empty = match below.get(self.state)? {
                        Value::Array(_) => Value::Array(Vec::new()),
                        _ => Value::Object(Map::new()),
                    };
                    here = map.entry(token.clone()).or_insert(empty);
                    at = below;
                }
                Value::Array(items) => {
                    let keys = self.built.patch_keys(&at);
                    if keys.is_empty() {
                        *here = at.get(self.wanted)?.clone();
                        return Some(true);
                    }
                    let list = here.as_array_mut()?;
                    if token == "-" {
                        list.push(value?);
                        return Some(false);
                    }
                    let item = items.get(list_index(token)?)?.as_object()?;
                    let named: Map<String, Value> =
                        keys.iter().filter_map(|key| Some((key.clone(), item.get(key.as_str())?.clone()))).collect();
                    if named.is_empty() {
                        return None;
                    }
                    let is_item = |known: &Value| named.iter().all(|(key, value)| known.get(key) == Some(value));
                    let position = list.iter().position(is_item).unwrap_or_else(|| {
                        list.push(Value::Object(named.clone()));
                        list.len() - 1
                    });
                    here = &mut list[position];
                    at = at.join(token);
                    if is_last {
                        let item = here.as_object_mut()?;
                        match value {
                            Some(Value::Object(value)) => item.extend(value),
                            Some(_) => return None,
                            None => drop(item.insert("$patch".to_owned(), "delete".into())),
                        }
                        return Some(false);
                    }
                }
                _ => return None,
            }
        }
        None
    }
}

/// The steps as RFC 6902 operations, each item of a list on the way tested by its name first.
fn operations(built: &Built<'_>, steps: &[Change]) -> Vec<Value> {
    let mut operations: Vec<Value> = Vec::new();
    let mut state = built.declared.clone();
    for step in steps {
        for test in tests(built, &state, &step.at) {
            if !operations.contains(&test) {
                operations.push(test);
            }
        }
        operations.push(match &step.action {
            Action::Set(value) => json!({"op": "replace", "path": step.at.to_string(), "value": value}),
            Action::AddKey { key, value } => {
                json!({"op": "add", "path": step.at.join(key).to_string(), "value": value})
            }
            Action::AddItem { index, value } => {
                let length = step.at.get(&state).and_then(Value::as_array).map_or(0, Vec::len);
                let place = if *index >= length { "-".to_owned() } else { index.to_string() };
                json!({"op": "add", "path": step.at.join(place).to_string(), "value": value})
            }
            Action::Remove => json!({"op": "remove", "path": step.at.to_string()}),
        });
        step.apply(&mut state);
    }
    operations
}

/// Operations that fail where a list's item on the way is another one.
fn tests(built: &Built<'_>, state: &Value, at: &Pointer) -> Vec<Value> {
    let mut tests = Vec::new();
    let mut above = Pointer::root();
    for token in at.tokens() {
        let item = above.join(token);
        if let Some(Value::Array(_)) = above.get(state)
            && let Some(keys) = built.merge_keys(&above)
            && let Some(value) = item.get(state)
            && identity(value, keys).is_some()
            && let Some(named) = keys.first().and_then(|key| Some((item.join(*key), value.get(*key)?)))
        {
            tests.push(json!({"op": "test", "path": named.0.to_string(), "value": named.1}));
        }
        above = item;
    }
    tests
}

/// A patch that works on the object already, with the change merged into it.
fn extended(built: &Built<'_>, touch: &Touch, patch: &Value) -> Option<Site> {
    let (_, document) = built.lineage.document(touch.source, touch.document)?;
    let old = value(document, document.root?, Reader::Kustomize).ok()?;
    let mut new = old.clone();
    lay_over(built, &Pointer::root(), &mut new, patch);
    let steps = script(&old, &new, &|at| built.merge_keys(at));
    let mut sites = steps.into_iter().filter_map(|step| {
        let label = format!("patch field {}", step.at);
        built.site(touch.source, touch.document, step, label)
    });
    let first = sites.next()?;
    Some(Site { also: sites.collect(), ..first })
}

/// Lays a patch over another so that both say what each said; what both say, the second says.
fn lay_over(built: &Built<'_>, at: &Pointer, below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            // What the patch is for is said already, in its own way.
            let is_head = |key: &str| at.tokens().is_empty() && matches!(key, "apiVersion" | "kind" | "metadata");
            for (key, value) in above {
                match below.get_mut(key) {
                    Some(_) if is_head(key) && key != "metadata" => {}
                    Some(Value::Object(metadata)) if is_head(key) => {
                        for (key, value) in value.as_object().into_iter().flatten() {
                            if !matches!(key.as_str(), "name" | "namespace") {
                                let known = metadata.entry(key.clone()).or_insert(Value::Null);
                                lay_over(built, &Pointer::of(["metadata"]).join(key), known, value);
                            }
                        }
                    }
                    Some(known) => lay_over(built, &at.join(key), known, value),
                    None => drop(below.insert(key.clone(), value.clone())),
                }
            }
        }
        (Value::Array(below), Value::Array(above)) => {
            let keys = built.patch_keys(at);
            if keys.is_empty() {
                above.clone_into(below);
                return;
            }
            for (index, item) in above.iter().enumerate() {
                let same = |known: &Value| {
                    keys.iter()
                        .all(|key| item.get(key.as_str()).is_none_or(|value| known.get(key.as_str()) == Some(value)))
                };
                match below.iter_mut().find(|known| same(known)) {
                    Some(known) => lay_over(built, &at.join(index.to_string()), known, item),
                    None => below.push(item.clone()),
                }
            }
        }
        (below, above) => above.clone_into(below),
    }
}

/// A list of operations that works on the object already, with further ones behind.
fn appended(built: &Built<'_>, touch: &Touch, operations: &[Value]) -> Option<Site> {
    let (_, document) = built.lineage.document(touch.source, touch.document)?;
    let old = value(document, document.root?, Reader::Kustomize).ok()?;
    let length = old.as_array()?.len();
    let mut sites = operations.iter().enumerate().filter_map(|(index, operation)| {
        let action = Action::AddItem { index: length + index, value: operation.clone() };
        let change = Change { at: Pointer::root(), action };
        let label = format!("operations on {}", built.resource.kind());
        built.site(touch.source, touch.document, change, label)
    });
    let first = sites.next()?;
    Some(Site { also: sites.collect(), ..first })
}

/// How a kustomization lists its patches.
enum Style {
    /// In the kustomization itself.
    Inline,
    /// In files of this folder, whose names begin like this.
    Files(RepoPath),
}

/// A new patch, listed as those that are there.
fn new(built: &Built<'_>, layer: &Layer<'_>, patch: &Value, kind: PatchKind) -> Vec<Site> {
    let text = document(patch);
    let Some(text) = text else { return Vec::new() };
    let inline = || as_inline(&text, patch).and_then(|text| inline(built, layer, &text, kind));
    let file = |folder: &RepoPath| in_file(built, layer, &text, kind, folder);
    match style(layer) {
        Style::Inline => inline().or_else(|| file(&layer.kustomization.folder.path)).into_iter().collect(),
        Style::Files(folder) => file(&folder).into_iter().chain(inline()).collect(),
    }
}

fn style(layer: &Layer<'_>) -> Style {
    let items = |field| layer.list(field).into_iter().flatten();
    let listed = items("patches").chain(items("patchesJson6902"));
    let listed = listed.filter_map(|entry| entry.get("path").and_then(Value::as_str));
    let merged = items("patchesStrategicMerge").filter_map(Value::as_str).filter(|text| !text.contains('\n'));
    let folder = &layer.kustomization.folder.path;
    let mut files = listed.chain(merged).filter_map(|path| folder.resolve(path).ok());
    match files.next().and_then(|file| file.parent()) {
        Some(beside) if beside.is_within(folder) => Style::Files(beside),
        _ => Style::Inline,
    }
}

fn inline(built: &Built<'_>, layer: &Layer<'_>, text: &str, kind: PatchKind) -> Option<Site> {
    let mut entry = Map::new();
    if kind == PatchKind::Operations {
        entry.insert("target".to_owned(), target(layer.id));
    }
    entry.insert("patch".to_owned(), text.into());
    super::entries::item(built, layer, "patches", entry.into())
}

fn in_file(built: &Built<'_>, layer: &Layer<'_>, text: &str, kind: PatchKind, folder: &RepoPath) -> Option<Site> {
    let stem = format!("{}-{}-patch", layer.id.gvk.kind.to_lowercase(), layer.id.name);
    let stem: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let path = folder.resolve(&format!("{stem}.yaml")).ok()?;
    let home = &layer.kustomization.folder.path;
    let reference = path.as_str().strip_prefix(home.as_str())?.trim_start_matches('/').to_owned();
    let wording = Wording::Create { text: text.to_owned() };
    let create = Site { file: path, label: "new patch".to_owned(), wording, also: Vec::new() };
    let is_legacy =
        layer.list("patches").is_none() && layer.list("patchesStrategicMerge").is_some() && kind == PatchKind::Merge;
    let listed = if is_legacy {
        super::entries::item(built, layer, "patchesStrategicMerge", reference.into())?
    } else {
        let mut entry = Map::from_iter([("path".to_owned(), Value::from(reference))]);
        if kind == PatchKind::Operations {
            entry.insert("target".to_owned(), target(layer.id));
        }
        super::entries::item(built, layer, "patches", entry.into())?
    };
    Some(Site { also: vec![create], ..listed })
}

/// The target of operations: this object and no other.
fn target(id: &Identity) -> Value {
    let mut target = Map::new();
    let mut say = |key: &str, value: &str| {
        if !value.is_empty() {
            target.insert(key.to_owned(), value.into());
        }
    };
    say("group", &id.gvk.group);
    say("version", &id.gvk.version);
    say("kind", &id.gvk.kind);
    // The name is a regular expression.
    say("name", &id.name.replace('.', "\\."));
    say("namespace", &id.namespace);
    Value::Object(target)
}

/// A patch as YAML.
fn document(patch: &Value) -> Option<String> {
    const EMPTY: &str = "null\n";
    let set = edit::Change::Set(patch.clone());
    edit(EMPTY, 0, &Pointer::root(), &set, Reader::Kustomize).ok().map(|splice| splice.apply(EMPTY))
}

/// The text of a patch as it can stand in a kustomization; nothing where it ends with a block that needs its last line break,
/// which Kustomize trims.
fn as_inline(text: &str, patch: &Value) -> Option<String> {
    let trimmed = text.trim();
    let stream = parse(trimmed).ok()?;
    let document = stream.documents.first()?;
    let read = value(document, document.root?, Reader::Kustomize).ok()?;
    (read == *patch).then(|| trimmed.to_owned())
}
