//! The variables of a Flux `Kustomization`: `postBuild.substituteFrom`, then `postBuild.substitute`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reference::{self, Said};
use crate::{
    engine::{
        parts::Place,
        substitute::{Variable, Variables},
    },
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::path::RepoPath,
    stack::{
        lowered::{Laid, Target, folder},
        object::{Object, World},
    },
};

/// The variables and what all objects have in common, and the files that are laid for their values.
///
/// # Errors
/// `stack-unreadable` where Flux fails: a name that is none.
pub(super) fn read(
    object: &Object,
    world: &dyn World,
    laid: &mut BTreeMap<RepoPath, Laid>,
) -> Result<Variables, Refusal> {
    let mut variables = Variables::default();
    let here = folder(&object.at, "variables");
    let mut file = |value: &Value, target: Target| {
        let path = here.resolve(&format!("{}.yaml", laid.len())).expect("a name in a folder is a path");
        laid.insert(path.clone(), Laid::value(value, target));
        path
    };
    let mut said = |name: &str, text: &str, target: Target, label: &str| {
        let now = Value::from(text);
        let path = file(&now, target);
        let place = Place { file: path, document: 0, at: Pointer::root(), now, label: format!("{label} {name}") };
        Variable::Said(text.replace('\n', ""), place)
    };
    for reference in object.get("/spec/postBuild/substituteFrom").and_then(Value::as_array).into_iter().flatten() {
        let Some(map) = reference::find(object, reference, world) else {
            // Whatever it says is only known to the cluster.
            variables.is_open = true;
            continue;
        };
        for (key, entry) in reference::entries(&map) {
            let variable = match entry {
                Said::Text(text, target) => said(&key, &text, target, "variable"),
                Said::Withheld => Variable::Withheld,
            };
            variables.known.insert(key, variable);
        }
    }
    for (name, value) in object.get("/spec/postBuild/substitute").and_then(Value::as_object).into_iter().flatten() {
        let Some(text) = value.as_str() else {
            let message = format!("the variable {name} of {} is no text", object.at.id);
            return Err(Refusal::new(Code::StackUnreadable, message, "write it in quotes"));
        };
        let at = Pointer::of(["spec", "postBuild", "substitute", name]);
        let variable = said(name, text, Target::Object(object.at.clone(), at), "variable");
        variables.known.insert(name.clone(), variable);
    }
    let is_name = |name: &String| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if let Some(name) = variables.known.keys().find(|name| !is_name(name)) {
        let message = format!("{name:?} is no name of a variable of {}", object.at.id);
        return Err(Refusal::new(Code::StackUnreadable, message, "use letters, digits and _"));
    }
    common(object, &mut variables, laid, &here);
    Ok(variables)
}

/// `commonMetadata`: what Flux lays over every object before it is applied.
pub(super) fn common(object: &Object, variables: &mut Variables, laid: &mut BTreeMap<RepoPath, Laid>, here: &RepoPath) {
    for map in ["labels", "annotations"] {
        for (key, value) in
            object.get(&format!("/spec/commonMetadata/{map}")).and_then(Value::as_object).into_iter().flatten()
        {
            let target = Target::Object(object.at.clone(), Pointer::of(["spec", "commonMetadata", map, key]));
            let path = here.resolve(&format!("common-{}.yaml", laid.len())).expect("a name in a folder is a path");
            laid.insert(path.clone(), Laid::value(value, target));
            let label = format!("commonMetadata {key}");
            let place = Place { file: path, document: 0, at: Pointer::root(), now: value.clone(), label };
            variables.common.push((Pointer::of(["metadata", map, key]), place));
        }
    }
}
