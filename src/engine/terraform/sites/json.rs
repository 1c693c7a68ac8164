//! Texts that are JSON, a policy for one: what differs in the document is looked for, not what differs in the text.

use serde_json::Value as Json;

use super::Search;
use crate::{
    engine::{site::Site, terraform::value::Value},
    model::{
        change::{Action, script},
        pointer::Pointer,
        refusal::Refusal,
    },
    source::yaml::{edit, resolve::Reader},
};

/// The ways to combine the sites of several steps that are offered.
const MAX_WAYS: usize = 3;

/// Finds the places in what `jsonencode` was given. Where the text is JSON but written by hand, the wanted text in its form is
/// returned instead; nothing where it is no JSON.
pub(super) fn sites(
    search: &mut Search<'_>,
    value: &Value,
    at: &Pointer,
    new: &str,
) -> Result<Option<String>, Refusal> {
    let Some(string) = value.as_string() else { return Ok(None) };
    let old = string.as_str();
    let (Some(declared), Some(wanted)) = (document(old), document(new)) else { return Ok(None) };
    let steps = script(&declared, &wanted, &|_| None);
    if let Some(encoded) = string.encodes() {
        let sites = search.built.of_steps(encoded, &steps, at)?;
        let most = sites.iter().map(Vec::len).max().unwrap_or(0).min(MAX_WAYS);
        for way in 0..most {
            let mut chosen = sites.iter().filter_map(|sites| sites.get(way).or(sites.last())).cloned();
            let Some(first) = chosen.next() else { break };
            let also: Vec<Site> = first.also.iter().cloned().chain(chosen).collect();
            search.found.add([Site { also, ..first }]);
        }
        return Ok(Some(old.to_owned()));
    }
    let mut text = old.to_owned();
    for step in &steps {
        let change = match &step.action {
            Action::Set(value) => edit::Change::Set(value.clone()),
            Action::AddKey { key, value } => edit::Change::InsertKey { key: key.clone(), value: value.clone() },
            Action::AddItem { index, value } => edit::Change::InsertItem { index: *index, value: value.clone() },
            Action::Remove => edit::Change::Remove,
        };
        match edit::edit(&text, 0, &step.at, &change, Reader::Manifest) {
            Ok(splice) => text = splice.apply(&text),
            Err(_) => return Ok(None),
        }
    }
    let is_wanted = document(&text).is_some_and(|document| crate::model::value::same(&document, &wanted));
    Ok(is_wanted.then_some(text))
}

/// The object or list that a text is as JSON.
fn document(text: &str) -> Option<Json> {
    let is_container = text.trim_start().starts_with(['{', '[']);
    is_container.then(|| serde_json::from_str(text).ok())?
}
