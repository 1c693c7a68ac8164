//! Texts that `jsonencode` made, a policy for one: what differs in the document is looked for, not what differs in the text.

use super::Search;
use crate::{
    engine::{
        site::Site,
        terraform::{settle::document, value::Value},
    },
    model::{change::script, pointer::Pointer, refusal::Refusal},
};

/// The ways to combine the sites of several steps that are offered.
const MAX_WAYS: usize = 3;

/// Finds the places in what was encoded; false where nothing was.
pub(super) fn sites(search: &mut Search<'_>, value: &Value, at: &Pointer, new: &str) -> Result<bool, Refusal> {
    let Some(string) = value.as_string() else { return Ok(false) };
    let (Some(encoded), Some(old), Some(new)) = (string.encodes(), document(string.as_str()), document(new)) else {
        return Ok(false);
    };
    let steps: Vec<_> = script(&old, &new, &|_: &Pointer| None);
    let sites: Vec<Vec<Site>> = search.built.of_steps(encoded, &steps, at)?;
    let most = sites.iter().map(Vec::len).max().unwrap_or(0).min(MAX_WAYS);
    for way in 0..most {
        let mut chosen = sites.iter().filter_map(|sites| sites.get(way).or(sites.last())).cloned();
        let Some(first) = chosen.next() else { break };
        let also: Vec<Site> = first.also.iter().cloned().chain(chosen).collect();
        search.found.add([Site { also, ..first }]);
    }
    Ok(true)
}
