//! A label that only the provider says, said by the resource itself: its own labels are over the provider's.

use serde_json::{Value as Json, json};

use super::{Built, Search, find, structure, wrapped};
use crate::{
    engine::terraform::{leaf::Says, value::Value},
    model::{change::Action, pointer::Pointer},
};

/// The place among a resource's own labels that a place among all of its labels stands for.
pub(super) fn own(built: Built<'_>, at: &Pointer) -> Option<Pointer> {
    let labels = built.planned.labels.as_ref()?;
    match at.tokens() {
        [all, name] if *all == *labels.all => Some(Pointer::of([labels.own, name])),
        _ => None,
    }
}

/// Finds the places that could say a label of all for the resource alone.
pub(super) fn sites(search: &mut Search<'_>, base: &Value, at: &Pointer, new: &Json) {
    let Some(own) = own(search.built, at) else { return };
    let (Some(map), Some(name)) = (own.parent(), own.last()) else { return };
    match find(base, &map) {
        Some(value) => {
            structure::add_key(search, value, &map, name, new);
            wrapped::sites(search, base, &map, name, new);
        }
        None => {
            let attribute = map.last().unwrap_or_default().to_owned();
            let action = Action::AddKey { key: attribute, value: json!({name: new}) };
            for leaf in search.leaves(base).iter().filter(|leaf| leaf.says == Says::Block) {
                search.at_leaf(leaf, &action);
            }
        }
    }
}
