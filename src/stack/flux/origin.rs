//! Where Flux deploys from: whether that is this repository.

use serde_json::Value;

use super::{EXTENSIONS, SOURCE};
use crate::{
    model::refusal::{Code, Refusal},
    source::path::RepoPath,
    stack::{
        object::{Object, World},
        surroundings::Whose,
    },
};

/// The object that `flux bootstrap` makes for the repository that it writes itself into.
const BOOTSTRAP: &str = "flux-system";

/// The kind of an artifact that a generator makes of parts of other sources.
const ARTIFACT: &str = "ExternalArtifact";

/// The folder of this repository that a reference to a source leads to; `at` is the pointer of the reference. Mostly that is
/// the root; an artifact that is copied from a part of the repository begins there.
///
/// # Errors
/// `engine-unsupported` where it is another repository, or nothing tells.
pub(super) fn root(object: &Object, at: &str, world: &dyn World) -> Result<RepoPath, Refusal> {
    let said = |key: &str| object.text(&format!("{at}/{key}")).unwrap_or_default();
    let (kind, name) = (said("kind"), said("name"));
    if name == BOOTSTRAP && kind != ARTIFACT {
        return Ok(RepoPath::root());
    }
    let namespace = object.text(&format!("{at}/namespace")).or(object.namespace());
    let refused = |message: String, hint: String| Err(Refusal::new(Code::EngineUnsupported, message, hint));
    let group = if kind == ARTIFACT { EXTENSIONS } else { SOURCE };
    let Some(source) = world.find(object.at.stack, group, kind, namespace, name) else {
        let message = format!("{}: its source, {kind} {name}, is not in the repository", object.at.id);
        let hint = "add it to the repository, so that it can be told which repository it leads to";
        return refused(message, hint.to_owned());
    };
    if kind == ARTIFACT {
        return artifact(object, &source, name, world);
    }
    let url = source.text("/spec/url").unwrap_or_default();
    match world.surroundings().whose(url) {
        Whose::Own => Ok(RepoPath::root()),
        Whose::Foreign | Whose::Unknown => {
            let (why, hint) = world.surroundings().foreign(url);
            refused(format!("{}: {why}", object.at.id), hint)
        }
    }
}

/// The folder that an artifact is copied from, where all of it keeps its place.
fn artifact(object: &Object, generator: &Object, name: &str, world: &dyn World) -> Result<RepoPath, Refusal> {
    let refused = |why: &str| {
        let message = format!("{}: its source, the artifact {name}, {why}", object.at.id);
        Refusal::new(Code::EngineUnsupported, message, "change the source by hand")
    };
    let list = |at: &str| generator.get(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let artifact = list("/spec/artifacts").into_iter().find(|artifact| text(artifact, "name") == name);
    let sources = list("/spec/sources");
    let mut root: Option<RepoPath> = None;
    for copy in artifact.as_ref().and_then(|artifact| artifact.get("copy")?.as_array()).into_iter().flatten() {
        let (from, to) = (text(copy, "from"), text(copy, "to"));
        let Some((alias, from)) = from.strip_prefix('@').and_then(|from| from.split_once('/')) else {
            return Err(refused("is copied from nowhere"));
        };
        let Some(index) = sources.iter().position(|source| text(source, "alias") == alias) else {
            return Err(refused("is copied from an unknown source"));
        };
        self::root(generator, &format!("/spec/sources/{index}"), world)?;
        let (Some(from), Some(to)) = (from.strip_suffix("/**"), to.strip_prefix("@artifact/")) else {
            return Err(refused("is copied file by file, which this version does not follow"));
        };
        let to = to.trim_end_matches('/');
        let above = match to {
            "" => Some(from),
            to => from.strip_suffix(to).map(|above| above.trim_end_matches('/')),
        };
        let above = above.and_then(|above| RepoPath::root().resolve(above).ok());
        let Some(above) = above.filter(|above| root.as_ref().is_none_or(|root| root == above)) else {
            return Err(refused("puts files into other places, which this version does not follow"));
        };
        root = Some(above);
    }
    root.ok_or_else(|| refused("is copied from nothing"))
}

/// The address and path that a Flux object names, to tell which repository is this one.
pub fn address(object: &Object, at: &str, path: &str, world: &dyn World) -> Option<(String, String)> {
    let said = |key: &str| object.text(&format!("{at}/{key}"));
    let (kind, name) = (said("kind")?, said("name")?);
    (kind != ARTIFACT && name != BOOTSTRAP).then_some(())?;
    let source = world.find(object.at.stack, SOURCE, kind, said("namespace").or(object.namespace()), name)?;
    Some((source.text("/spec/url")?.to_owned(), object.text(path)?.to_owned()))
}
