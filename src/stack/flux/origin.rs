//! Where Flux deploys from: whether that is this repository.

use crate::{
    model::refusal::{Code, Refusal},
    stack::{
        object::{Object, World},
        surroundings::Whose,
    },
};

use super::SOURCE;

/// The object that `flux bootstrap` makes for the repository that it writes itself into.
const BOOTSTRAP: &str = "flux-system";

/// Checks that a reference to a source leads to this repository; `at` is the pointer of the reference.
///
/// # Errors
/// `engine-unsupported` where it is another, or nothing tells.
pub(super) fn check(object: &Object, at: &str, world: &dyn World) -> Result<(), Refusal> {
    let said = |key: &str| object.text(&format!("{at}/{key}")).unwrap_or_default();
    let (kind, name) = (said("kind"), said("name"));
    if name == BOOTSTRAP {
        return Ok(());
    }
    let namespace = object.text(&format!("{at}/namespace")).or(object.namespace());
    let refused = |message: String, hint: String| Err(Refusal::new(Code::EngineUnsupported, message, hint));
    let Some(source) = world.find(object.at.stack, SOURCE, kind, namespace, name) else {
        let message = format!("{}: its source, {kind} {name}, is not in the repository", object.at.id);
        let hint = "add it to the repository, so that it can be told which repository it leads to";
        return refused(message, hint.to_owned());
    };
    let url = source.text("/spec/url").unwrap_or_default();
    match world.surroundings().whose(url) {
        Whose::Own => Ok(()),
        Whose::Foreign | Whose::Unknown => {
            let (why, hint) = world.surroundings().foreign(url);
            refused(format!("{}: {why}", object.at.id), hint)
        }
    }
}

/// The address and path that a Flux object names, to tell which repository is this one.
pub fn address(object: &Object, at: &str, path: &str, world: &dyn World) -> Option<(String, String)> {
    let said = |key: &str| object.text(&format!("{at}/{key}"));
    let namespace = said("namespace").or(object.namespace());
    let source = world.find(object.at.stack, SOURCE, said("kind")?, namespace, said("name")?)?;
    (source.at.id.to_string() != BOOTSTRAP).then_some(())?;
    Some((source.text("/spec/url")?.to_owned(), object.text(path)?.to_owned()))
}
