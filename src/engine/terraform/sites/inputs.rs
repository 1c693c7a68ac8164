//! A value that a unit of Terragrunt gets from elsewhere, said by the unit itself: its own inputs are over those of what it
//! includes.

use serde_json::Value as Json;

use super::{Search, leaves};
use crate::{
    engine::terraform::{print::attributes, scope::InstanceId, value::Value},
    model::value::same,
};

/// Finds the variables of the root module that are where a value comes from, and could be given another as inputs.
pub(super) fn sites(search: &mut Search<'_>, value: &Value, new: &Json) {
    if search.built.whole.unit.is_none() || new.is_array() || new.is_object() {
        return;
    }
    let (from, now) = (search.leaves(value), attributes(value));
    let root = search.built.whole.module(InstanceId(0));
    let is_it =
        |known: &Value| same(&attributes(known), &now) && search.leaves(known).iter().any(|leaf| from.contains(leaf));
    let names: Vec<&String> = root.variables.iter().filter(|(_, known)| is_it(known)).map(|(name, _)| name).collect();
    for name in names {
        let site = leaves::input(search.built, name, new);
        search.found.add(site);
    }
}
