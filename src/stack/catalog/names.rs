//! The names of described stacks: as their tool calls them, with as much before that as tells them apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::resource::ResourceId,
    stack::{Stack, description::How, object::Object},
};

/// What an object calls its stack, before anything is known of others.
pub(super) fn plain(object: &Object) -> String {
    object.name().to_owned()
}

/// How much a name says.
#[derive(Clone, Copy, Default, PartialEq)]
struct Said {
    namespace: bool,
    kind: bool,
    root: bool,
    owner: bool,
}

/// The names of the stacks from a position on: `shop` for an application, `flux-system/apps` for what Flux deploys; where that
/// is not one stack's alone with its namespace, its kind, the stack that everything above it begins with, the one just above.
pub(super) fn all(stacks: &[Stack], from: usize, is_hidden: &[bool]) -> Vec<String> {
    let mut said = vec![Said::default(); stacks.len()];
    let mut names: Vec<String> = (0..stacks.len()).map(|at| name(stacks, at, said[at])).collect();
    for _ in 0..5 {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for at in (0..stacks.len()).filter(|at| !is_hidden[*at]) {
            groups.entry(names[at].clone()).or_default().push(at);
        }
        let doubled: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
        for group in &doubled {
            let kinds: BTreeSet<&str> = group.iter().map(|at| kind(&stacks[*at])).collect();
            for at in group.iter().copied().filter(|at| *at >= from) {
                let said = &mut said[at];
                match *said {
                    Said { namespace: false, .. } => said.namespace = true,
                    Said { kind: false, .. } if kinds.len() == group.len() => said.kind = true,
                    Said { root: false, .. } => said.root = true,
                    Said { kind: false, .. } => said.kind = true,
                    _ => said.owner = true,
                }
                names[at] = name(stacks, at, *said);
            }
        }
        if doubled.is_empty() {
            break;
        }
    }
    // What is still the same is told apart by its number.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for at in (0..stacks.len()).filter(|at| !is_hidden[*at]) {
        let count = seen.entry(names[at].clone()).or_default();
        *count += 1;
        if *count > 1 && at >= from {
            names[at] = format!("{}~{count}", names[at]);
        }
    }
    names.split_off(from)
}

fn kind(stack: &Stack) -> &'static str {
    stack.described.as_ref().map_or("", |described| described.how.kind())
}

fn name(stacks: &[Stack], at: usize, said: Said) -> String {
    let Some(described) = &stacks[at].described else { return stacks[at].name.clone() };
    let ResourceId::Kubernetes(id) = &described.object.id else { return stacks[at].name.clone() };
    let namespace = id.namespace.clone().or_else(|| stacks[described.object.stack].namespace.clone());
    let is_short = matches!(described.how, How::Application(_) | How::ApplicationSet) && !said.namespace;
    let mut name = match namespace {
        Some(namespace) if !is_short => format!("{namespace}/{}", id.name),
        _ => id.name.clone(),
    };
    if said.kind {
        name = format!("{}/{name}", described.how.kind().to_lowercase());
    }
    if let How::Application(source) = &described.how
        && source.tokens().len() > 2
        && is_several(stacks, at)
    {
        let index = source.last().and_then(|last| last.parse::<usize>().ok()).unwrap_or_default();
        name = format!("{name}#{}", index + 1);
    }
    let owner = |at: &usize| stacks[*at].described.as_ref().map(|described| described.object.stack);
    if said.owner {
        return format!("{}:{name}", self::name(stacks, described.object.stack, Said { owner: false, ..said }));
    }
    if said.root {
        let root = std::iter::successors(Some(at), owner).take(16).last().unwrap_or(at);
        return format!("{}:{name}", stacks[root].name);
    }
    name
}

/// Tells whether an application has more than one source that is a stack.
fn is_several(stacks: &[Stack], at: usize) -> bool {
    let object = stacks[at].described.as_ref().map(|described| &described.object);
    stacks.iter().filter(|stack| stack.described.as_ref().map(|described| &described.object) == object).count() > 1
}
