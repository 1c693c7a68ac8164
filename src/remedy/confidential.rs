//! Secrets stay where they are: no value that looks like one is written into a repository, shown or kept.
//!
//! A live value is anybody's: an operator who set a password by hand, a tool that injected a token. Adopting it would
//! publish it. So values are judged by the name of their field, by known shapes of credentials and by randomness, raw and
//! encoded; what looks secret is refused as a new value and withheld from pull requests, logs and the store. Looking is
//! guessing: the table of harmless and secret examples in the tests is the measure.

pub mod census;
pub mod name;
pub mod shape;
pub mod text;

use std::collections::HashMap;

use json_patch::PatchOperation;
use serde_json::{Value, json};

use crate::model::{
    diff::differences,
    finding::Finding,
    pointer::{Pointer, list_index},
    resource::ResourceId,
};
use name::{Named, is_plausible, is_reference, named};
use shape::is_random_word;
use text::Reading;

/// What stands in shown text in place of a secret.
pub const WITHHELD: &str = "[withheld]";

/// The key of the map that stands in a stored finding in place of a secret.
const MARKER: &str = "sourceward/withheld";

/// Tells whether a value at a place of a resource is or holds a secret; `kind` is the Kubernetes kind, where there is one.
pub fn looks_secret(at: &Pointer, value: &Value, kind: Option<&str>) -> bool {
    !secrets(at, value, kind).is_empty()
}

/// The places of the secrets in a value that stands at `at` of a resource.
pub fn secrets(at: &Pointer, value: &Value, kind: Option<&str>) -> Vec<Pointer> {
    let mut found = Vec::new();
    let name = if is_secret_data(at, kind) { Named::Password } else { name_at(at) };
    let context = Context { name, data: is_secret_data(at, kind), kind };
    collect(at, value, &context, &mut found);
    found
}

/// The places at which a changed resource says a secret that it did not say before.
///
/// What the text of a value already said counts as said, so that another line of the same text may change.
pub fn new_secrets(before: &Value, after: &Value, kind: Option<&str>) -> Vec<Pointer> {
    let mut found = Vec::new();
    for change in differences(before, after).into_iter().filter(|change| change.after.is_some()) {
        let around = telling(&change.path, after);
        let Some(value) = around.get(after) else { continue };
        for at in secrets(&around, value, kind) {
            let touched = at.is_within(&change.path) || change.path.is_within(&at);
            let said =
                change.before.as_ref().is_some_and(|before| change.path == at && says_no_more(before, at.get(after)));
            if touched && !said && !found.contains(&at) {
                found.push(at);
            }
        }
    }
    found
}

/// The value in which a place has to be read: with its name beside it, and with the item before it.
fn telling(at: &Pointer, value: &Value) -> Pointer {
    match at.parent().map(|parent| (parent.get(value), parent.clone())) {
        Some((Some(Value::Array(_)), list)) => list,
        Some((Some(Value::Object(map)), item)) if map.contains_key("name") => item,
        _ => at.clone(),
    }
}

/// Text in which every secret is replaced by [`WITHHELD`]; line breaks survive, so that lines keep their numbers.
pub fn redacted_text(text: &str) -> String {
    redacted(text).unwrap_or_else(|| text.to_owned())
}

/// The same, where there is something to replace.
fn redacted(text: &str) -> Option<String> {
    let secrets = text::secrets(text, Reading::Show);
    if secrets.is_empty() {
        return None;
    }
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for range in secrets {
        out.push_str(&text[from..range.start]);
        out.push_str(WITHHELD);
        out.extend(text[range.clone()].matches(['\r', '\n']));
        from = range.end;
    }
    out.push_str(&text[from..]);
    Some(out)
}

/// The secrets of a text, as they stand there.
pub fn secret_words(text: &str) -> Vec<&str> {
    text::secrets(text, Reading::Show).into_iter().map(|range| text[range].trim()).collect()
}

/// A value in which every secret is replaced by [`WITHHELD`], to be shown.
pub fn redacted_value(at: &Pointer, value: &Value, kind: Option<&str>) -> Value {
    let mut shown = value.clone();
    for secret in secrets(at, value, kind) {
        replace(&mut shown, at, &secret, Value::from(WITHHELD));
    }
    shown
}

/// Where a finding's wanted values hold a secret.
pub fn secret_in(finding: &Finding) -> Option<Pointer> {
    let kind = kind_of(&finding.resource);
    let operations = finding.patch.iter().flat_map(|patch| &patch.0).filter_map(|operation| operation_value(operation));
    let mut found = operations.filter_map(|(at, value)| {
        secrets(&at, value, kind).into_iter().next().or_else(|| is_withheld(value).then_some(at))
    });
    let live = || finding.live.as_ref().and_then(|live| secrets(&Pointer::root(), live, kind).into_iter().next());
    found.next().or_else(live)
}

/// The finding as it may be stored: every value that looks secret is replaced by a marker that says so, and its text is
/// redacted. What was replaced is gone: the judge refuses to write a marker.
pub fn withheld(mut finding: Finding) -> Finding {
    let named_rule = finding.rule.as_ref().map(|rule| rule.id.clone());
    let kind = kind_of(&finding.resource).map(str::to_owned);
    let kind = kind.as_deref();
    if let Some(patch) = &mut finding.patch {
        let named: Vec<(String, Named)> = patch.0.iter().filter_map(operation_name).collect();
        for operation in &mut patch.0 {
            let Some((at, value)) = operation_value_mut(operation) else { continue };
            let of = at.parent().map(|parent| parent.to_string()).unwrap_or_default();
            let name =
                named.iter().find(|(parent, _)| at.last() == Some("value") && *parent == of).map(|(_, name)| *name);
            if let (Some(name), Value::String(text)) = (name, &*value)
                && is_plausible(name, text)
            {
                *value = marker("named as a secret");
            }
            withhold(&at, value, kind);
        }
    }
    if let Some(live) = &mut finding.live {
        withhold(&Pointer::root(), live, kind);
    }
    if let Some(params) = finding.rule.as_mut().and_then(|rule| rule.params.as_mut()) {
        withhold(&Pointer::root(), params, None);
    }
    let rule = finding.rule.iter_mut().flat_map(|rule| [Some(&mut rule.id), rule.name.as_mut()]).flatten();
    let actor = finding.actor.iter_mut().flat_map(|actor| [actor.user.as_mut(), actor.via.as_mut()]).flatten();
    let hints = &mut finding.hints;
    let hints = [
        &mut hints.repository,
        &mut hints.revision,
        &mut hints.path,
        &mut hints.app,
        &mut hints.file,
        &mut hints.trace,
    ];
    let texts = [Some(&mut finding.id), finding.title.as_mut(), finding.first_seen.as_mut(), finding.time.as_mut()];
    let texts = texts.into_iter().flatten().chain(hints.into_iter().flatten()).chain(&mut finding.links);
    for text in rule.chain(actor).chain(texts) {
        if let Some(redacted) = redacted(text) {
            *text = redacted;
        }
    }
    // Ids are put together from the rule's, and what stands beside it there may hide what it is.
    if let Some(named) =
        named_rule.filter(|named| !named.is_empty() && finding.rule.as_ref().is_some_and(|rule| rule.id != *named))
    {
        for text in [Some(&mut finding.id), finding.title.as_mut()].into_iter().flatten() {
            *text = text.replace(&named, WITHHELD);
        }
    }
    finding
}

/// The finding without any of its values, for one that was refused as secret: what a patched field is called may stand in
/// the source alone, so that [`withheld`] could not know.
pub fn wholly_withheld(mut finding: Finding) -> Finding {
    let why = "part of a finding that was refused as secret";
    let operations = finding.patch.iter_mut().flat_map(|patch| &mut patch.0);
    for (_, value) in operations.filter_map(operation_value_mut) {
        *value = marker(why);
    }
    if let Some(live) = &mut finding.live {
        *live = marker(why);
    }
    finding
}

/// Tells whether a value as a whole was withheld.
pub fn is_marker(value: &Value) -> bool {
    value.get(MARKER).is_some()
}

/// Tells whether a marker of [`withheld`] stands in a value.
pub fn is_withheld(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key(MARKER) || map.values().any(is_withheld),
        Value::Array(items) => items.iter().any(is_withheld),
        _ => false,
    }
}

/// A live object in which markers are filled from the declared one, where that says a secret at the same place: a drift in
/// other fields can be mended without knowing it. Markers stay where nothing declared corresponds beyond doubt.
pub fn filled(live: &Value, declared: &Value) -> Value {
    match (live, declared) {
        (Value::Object(map), Value::String(_)) if map.contains_key(MARKER) => declared.clone(),
        (Value::Object(live), Value::Object(declared)) => {
            let fill = |(key, value): (&String, &Value)| {
                (key.clone(), declared.get(key).map_or_else(|| value.clone(), |declared| filled(value, declared)))
            };
            live.iter().map(fill).collect()
        }
        (Value::Array(live), Value::Array(declared)) => {
            let named = by_name(declared);
            live.iter().map(|item| filled_item(item, &named)).collect()
        }
        _ => live.clone(),
    }
}

/// List items correspond by their name alone, and only where one item has it.
fn by_name(declared: &[Value]) -> HashMap<&str, Option<&Value>> {
    let mut named = HashMap::new();
    for item in declared {
        if let Some(name) = name_of(item) {
            named.entry(name).and_modify(|only| *only = None).or_insert(Some(item));
        }
    }
    named
}

fn filled_item(item: &Value, declared: &HashMap<&str, Option<&Value>>) -> Value {
    let same = name_of(item).and_then(|name| *declared.get(name)?);
    same.map_or_else(|| item.clone(), |declared| filled(item, declared))
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

struct Context<'k> {
    /// What the name of the field says.
    name: Named,
    /// Whether this is the data of a Secret.
    data: bool,
    kind: Option<&'k str>,
}

fn collect(at: &Pointer, value: &Value, context: &Context<'_>, found: &mut Vec<Pointer>) {
    match value {
        Value::Object(map) => {
            let name_beside =
                ["name", "Name", "key", "Key", "header"].iter().find_map(|key| map.get(*key)?.as_str()).map(named);
            for (key, value) in map {
                let at = at.join(key);
                let data = context.data || is_secret_data(&at, context.kind);
                let name = match name_beside {
                    _ if data => Named::Password,
                    Some(name) if matches!(key.as_str(), "value" | "Value") && named(key) != Named::Password => name,
                    // `secretKey` beside `remoteRef` is the key of a Kubernetes Secret (External Secrets).
                    _ if map.contains_key("remoteRef") => Named::Ordinary,
                    _ => named(key),
                };
                collect(&at, value, &Context { name, data, kind: context.kind }, found);
            }
        }
        Value::Array(items) => {
            let mut flag = None;
            for (index, item) in items.iter().enumerate() {
                let name = flag.take().unwrap_or(context.name);
                collect(&at.join(index.to_string()), item, &Context { name, ..*context }, found);
                flag = item
                    .as_str()
                    .and_then(|text| text.strip_prefix("--"))
                    .filter(|flag| !flag.contains('='))
                    .map(named);
                flag = flag.filter(|name| matches!(name, Named::Password | Named::Credential | Named::Secret));
            }
        }
        Value::String(text) => {
            if context.data && !text.is_empty() || is_secret_text(text, context.name) {
                found.push(at.clone());
            }
        }
        Value::Number(number) => {
            if context.data || context.name == Named::Password && number.as_u64().is_some_and(|number| number > 999) {
                found.push(at.clone());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn is_secret_text(text: &str, name: Named) -> bool {
    let random = name != Named::Public && is_random_word(text, name == Named::Doubtful) && !is_reference(text);
    is_plausible(name, text) && !text.starts_with('-') || random || !text::secrets(text, Reading::Judge).is_empty()
}

fn is_secret_data(at: &Pointer, kind: Option<&str>) -> bool {
    kind == Some("Secret") && matches!(at.tokens().first().map(String::as_str), Some("data" | "stringData"))
}

/// What the name of the field at a place says: the last token that is no list index.
fn name_at(at: &Pointer) -> Named {
    let name = at.tokens().iter().rev().find(|token| list_index(token).is_none() && *token != "-");
    name.map_or(Named::Ordinary, |name| named(name))
}

fn kind_of(resource: &ResourceId) -> Option<&str> {
    match resource {
        ResourceId::Kubernetes(id) => Some(&id.kind),
        _ => None,
    }
}

/// Tells whether every secret of a text stood in the text before.
fn says_no_more(before: &Value, after: Option<&Value>) -> bool {
    let (Value::String(before), Some(Value::String(after))) = (before, after) else { return false };
    let (said, says) = (judged_words(before), judged_words(after));
    !says.is_empty()
        && says.iter().all(|word| said.contains(word))
        && says.iter().all(|word| word.len() < after.trim().len())
}

fn judged_words(text: &str) -> Vec<&str> {
    text::secrets(text, Reading::Judge).into_iter().map(|range| text[range].trim()).collect()
}

fn withhold(at: &Pointer, value: &mut Value, kind: Option<&str>) {
    for secret in secrets(at, value, kind) {
        replace(value, at, &secret, marker("looks secret"));
    }
}

fn marker(why: &str) -> Value {
    json!({ MARKER: why })
}

fn replace(value: &mut Value, base: &Pointer, at: &Pointer, new: Value) {
    let inside = Pointer::of(at.tokens()[base.tokens().len()..].iter().cloned());
    if let Some(value) = inside.get_mut(value) {
        *value = new;
    }
}

fn operation_value(operation: &PatchOperation) -> Option<(Pointer, &Value)> {
    let value = match operation {
        PatchOperation::Add(add) => &add.value,
        PatchOperation::Replace(replace) => &replace.value,
        PatchOperation::Test(test) => &test.value,
        _ => return None,
    };
    Some((place(operation), value))
}

fn operation_value_mut(operation: &mut PatchOperation) -> Option<(Pointer, &mut Value)> {
    let at = place(operation);
    let value = match operation {
        PatchOperation::Add(add) => &mut add.value,
        PatchOperation::Replace(replace) => &mut replace.value,
        PatchOperation::Test(test) => &mut test.value,
        _ => return None,
    };
    Some((at, value))
}

fn place(operation: &PatchOperation) -> Pointer {
    operation.path().to_string().parse().expect("a patch's paths are RFC 6901 pointers")
}

/// An operation that names the map it belongs to: the map's pointer and what the name says.
fn operation_name(operation: &PatchOperation) -> Option<(String, Named)> {
    let (at, value) = operation_value(operation)?;
    let parent = at.parent().filter(|_| at.last() == Some("name"))?;
    Some((parent.to_string(), named(value.as_str()?)))
}

#[cfg(test)]
mod tests;
