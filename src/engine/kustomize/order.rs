//! The order in which objects are printed.
//!
//! Reference: `api/internal/builtins/SortOrderTransformer.go` of Kustomize 5.5.0. Without `sortOptions` it is the "legacy"
//! order, which puts what others need first.

use std::collections::HashMap;

use super::{
    identity::{FIRST, Gvk, LAST},
    node::Node,
    problem::Problem,
    resources::{Resource, Resources},
};

/// Puts the objects of a build into the order that `sortOptions` asks for.
///
/// # Errors
/// Where the options contradict themselves, and where two objects have come to have one identity.
pub fn sort(resources: &mut Resources, options: Option<&Node>) -> Result<(), Problem> {
    let Some(options) = options else { return legacy(resources, &FIRST, &LAST) };
    let lists = options.get("legacySortOptions");
    match options.get("order").and_then(Node::text).unwrap_or_default() {
        "legacy" => match lists {
            None => legacy(resources, &FIRST, &LAST),
            Some(lists) => {
                let kinds = |key: &str| -> Vec<&str> {
                    let items = lists.get(key).and_then(Node::items).unwrap_or_default();
                    items.iter().map(|item| item.text().unwrap_or_default()).collect()
                };
                legacy(resources, &kinds("orderFirst"), &kinds("orderLast"))
            }
        },
        "fifo" if lists.is_some() => Err(Problem::broken(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        )),
        "fifo" => Ok(()),
        _ => Err(Problem::broken("the field 'sortOptions.order' must be one of [fifo, legacy]")),
    }
}

fn legacy(resources: &mut Resources, first: &[&str], last: &[&str]) -> Result<(), Problem> {
    let mut ranks: HashMap<&str, isize> = HashMap::new();
    for (at, kind) in first.iter().enumerate() {
        ranks.insert(kind, at as isize - first.len() as isize);
    }
    for (at, kind) in last.iter().enumerate() {
        ranks.insert(kind, at as isize + 1);
    }
    let list = std::mem::take(&mut resources.list);
    let mut keyed: Vec<(Key, Resource)> =
        list.into_iter().map(|resource| (Key::of(&resource, &ranks), resource)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    resources.append_all(Resources { list: keyed.into_iter().map(|(_, resource)| resource).collect() })
}

/// What objects are compared by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rank: isize,
    /// Where namespaces have a rank of their own, the core group's come before those of other groups.
    later: bool,
    kind: String,
    identity: String,
}

impl Key {
    fn of(resource: &Resource, ranks: &HashMap<&str, isize>) -> Self {
        let id = resource.id();
        let or = |text: &'static str, value: &str| if value.is_empty() { text.to_owned() } else { value.to_owned() };
        let Gvk { group, kind, .. } = &id.gvk;
        let identity = [or("~X", &id.namespace), or("~N", &id.name)].join("|");
        let rank = ranks.get(kind.as_str()).copied().unwrap_or_default();
        let is_core_namespace = rank != 0 && kind == "Namespace" && group.is_empty();
        Self { rank, later: !is_core_namespace, kind: id.gvk.sort_text(), identity }
    }
}
