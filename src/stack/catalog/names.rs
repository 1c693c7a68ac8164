//! The names of described stacks: as their tool calls them, with as much before that as tells them apart.

use std::collections::BTreeMap;

use crate::stack::{Stack, description::How, object::Object};

/// What an object calls its stack, before anything is known of others.
pub(super) fn plain(object: &Object) -> String {
    object.name().to_owned()
}

/// The names of the stacks from a position on: `shop` for an application, `flux-system/apps` for what Flux deploys; where that
/// is not one stack's alone with its namespace, its kind, then the stack that everything above it begins with.
pub(super) fn all(stacks: &[Stack], from: usize) -> Vec<String> {
    let of = |level: usize, at: usize| name(stacks, at, level);
    let mut names: Vec<String> = (from..stacks.len()).map(|at| of(0, at)).collect();
    let mut levels = vec![0; names.len()];
    for level in 1..=4 {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let others = stacks[..from].iter().map(|stack| stack.name.as_str());
        names.iter().map(String::as_str).chain(others).for_each(|name| *counts.entry(name).or_default() += 1);
        let doubled: Vec<usize> = (0..names.len()).filter(|at| counts[names[*at].as_str()] > 1).collect();
        if doubled.is_empty() {
            break;
        }
        for at in doubled {
            levels[at] = level;
        }
        names = levels.iter().enumerate().map(|(at, level)| of(*level, from + at)).collect();
    }
    // What is still the same is told apart by its number.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for name in &mut names {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            *name = format!("{name}~{count}");
        }
    }
    names
}

fn name(stacks: &[Stack], at: usize, level: usize) -> String {
    let Some(described) = &stacks[at].described else { return stacks[at].name.clone() };
    let crate::model::resource::ResourceId::Kubernetes(id) = &described.object.id else {
        return stacks[at].name.clone();
    };
    let namespace = id.namespace.clone().or_else(|| stacks[described.object.stack].namespace.clone());
    let spaced = match &namespace {
        Some(namespace) => format!("{namespace}/{}", id.name),
        None => id.name.clone(),
    };
    let base = match (&described.how, level) {
        (How::Application(_) | How::ApplicationSet, 0) => id.name.clone(),
        (_, 0 | 1) => spaced,
        _ => format!("{}/{spaced}", described.how.kind().to_lowercase()),
    };
    let base = match &described.how {
        How::Application(source) if source.tokens().len() > 2 && is_several(stacks, at) => {
            let index = source.last().and_then(|last| last.parse::<usize>().ok()).unwrap_or_default();
            format!("{base}#{}", index + 1)
        }
        _ => base,
    };
    match level {
        0..=2 => base,
        3 => {
            let owner = |at: &usize| stacks[*at].described.as_ref().map(|described| described.object.stack);
            let outermost = std::iter::successors(Some(at), owner).take(16).last().unwrap_or(at);
            format!("{}:{base}", stacks[outermost].name)
        }
        _ => format!("{}:{base}", name(stacks, described.object.stack, 3)),
    }
}

/// Tells whether an application has more than one source that is a stack.
fn is_several(stacks: &[Stack], at: usize) -> bool {
    let object = stacks[at].described.as_ref().map(|described| &described.object);
    stacks.iter().filter(|stack| stack.described.as_ref().map(|described| &described.object) == object).count() > 1
}
