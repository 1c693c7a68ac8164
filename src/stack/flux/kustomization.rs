//! A Flux `Kustomization`: a kustomization, or all manifests of a folder, with what the object adds and substitutes.

use serde_json::{Value, json};

use super::{origin, variables};
use crate::{
    engine::{
        Declaration,
        kustomize::{kustomization::NAMES, render::Overlay},
        reads::Reads,
    },
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        tree::{SourceTree, entry, within},
    },
    stack::{
        discovery::references::References,
        lowered::{Finish, Lowered, Target},
        object::{Object, World},
        overlay::Adding,
        surroundings::is_here,
    },
};

/// What Flux leaves out of every source (`sourceignore`), as far as it is YAML.
const IGNORED: [&str; 12] = [
    ".github",
    ".circleci",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    ".goreleaser.yml",
    ".sops.yaml",
    ".flux.yaml",
];

/// What the object comes to.
///
/// # Errors
/// `stack-unreadable` where Flux fails as well; `engine-unsupported` where it would go on with what is not here.
pub fn lower(object: &Object, world: &dyn World) -> Result<Lowered, Refusal> {
    let root = origin::root(object, "/spec/sourceRef", world)?;
    let unreadable = |message: String| {
        Refusal::new(Code::StackUnreadable, format!("{}: {message}", object.at.id), "mend the object")
    };
    let written = object.text("/spec/path").unwrap_or("./");
    let path = root.resolve(written.trim_start_matches('/')).map_err(|error| unreadable(error.to_string()))?;
    if !is_here(world.tree(), &path) {
        return Err(unreadable(format!("its path {path} is not there")));
    }
    let mut references = References::of(world.tree());
    let mut adding = Adding::to(world.tree(), &path)?;
    let mut reads = Reads::default();
    let file = match adding.own.clone() {
        Some(file) => {
            reads = (*references.followed_from(&path)).clone();
            file
        }
        None => {
            let resources = manifests(world.tree(), &path);
            for resource in &resources {
                let folder = path.resolve(resource).unwrap_or_default();
                if entry(world.tree(), &folder).is_none() {
                    let more = references.followed_from(&folder);
                    reads.files.extend(more.files.iter().cloned());
                    reads.folders.extend(more.folders.iter().cloned());
                }
            }
            // Every manifest that is added below counts as well.
            reads.folders.insert(path.clone());
            if resources.is_empty() {
                adding.value.insert("namespace".to_owned(), json!("_placeholder"));
            } else {
                adding.value.insert("resources".to_owned(), json!(resources));
            }
            path.resolve("kustomization.yaml").map_err(|error| unreadable(error.to_string()))?
        }
    };
    let target = |name: &str| Target::Object(object.at.clone(), Pointer::of(["spec", name]));
    let list = |name: &str| object.value["spec"].get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, field) in [("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")]
    {
        let text = object.text(&format!("/spec/{name}")).map(Value::from);
        adding.set(field, text, target(name));
    }
    adding.append("patches", list("patches"), target("patches"));
    let mut components = Vec::new();
    for component in list("components") {
        let folder =
            path.resolve(component.as_str().unwrap_or_default()).map_err(|error| unreadable(error.to_string()))?;
        if !is_here(world.tree(), &folder) && object.get("/spec/ignoreMissingComponents") == Some(&json!(true)) {
            continue;
        }
        let more = references.followed_from(&folder);
        reads.files.extend(more.files.iter().cloned());
        reads.folders.extend(more.folders.iter().cloned());
        components.push(component);
    }
    adding.append("components", components, target("components"));
    let texts = list("patchesStrategicMerge").iter().map(|patch| Value::from(patch.to_string())).collect::<Vec<_>>();
    adding.append("patchesStrategicMerge", texts, target("patchesStrategicMerge"));
    let operations = list("patchesJson6902").into_iter().map(|mut patch| {
        if let Some(operations) = patch.get_mut("patch") {
            *operations = Value::from(operations.to_string());
        }
        patch
    });
    adding.append("patchesJson6902", operations.collect(), target("patchesJson6902"));
    adding.merge_images(&list("images"), target("images"));
    let overlay = Overlay { path: path.clone(), enable_helm: false, reads_anywhere: true, reads: reads.into() };
    let mut lowered = Lowered::plain(Declaration::Kustomize(overlay.into()), path);
    lowered.laid.insert(file, adding.laid());
    let variables = variables::read(object, world, &mut lowered.laid)?;
    if variables.is_any() {
        lowered.finish.push(Finish::Substitute(variables));
    }
    if object.get("/spec/suspend") == Some(&json!(true)) {
        lowered.notes.push("suspended".to_owned());
    }
    Ok(lowered)
}

/// All manifests below a folder; a folder with a kustomization counts as one (`scanManifests`).
fn manifests(tree: &dyn SourceTree, folder: &RepoPath) -> Vec<String> {
    let prefix = folder.prefix_len();
    let (mut found, mut kustomized): (Vec<String>, Option<RepoPath>) = (Vec::new(), None);
    let folders: std::collections::BTreeSet<RepoPath> = within(tree, folder)
        .filter(|entry| NAMES.contains(&entry.path.name()))
        .filter_map(|entry| entry.path.parent())
        .filter(|parent| parent != folder)
        .collect();
    for entry in within(tree, folder) {
        let name = &entry.path.as_str()[prefix..];
        if IGNORED.contains(&name.split('/').next().unwrap_or_default()) || IGNORED.contains(&entry.path.name()) {
            continue;
        }
        let mut above: Vec<RepoPath> = std::iter::successors(entry.path.parent(), RepoPath::parent)
            .take_while(|above| above != folder && above.is_within(folder))
            .collect();
        above.reverse();
        if let Some(outermost) = above.into_iter().find(|above| folders.contains(above)) {
            if kustomized.as_ref() != Some(&outermost) {
                found.push(outermost.as_str()[prefix..].to_owned());
                kustomized = Some(outermost);
            }
            continue;
        }
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            found.push(name.to_owned());
        }
    }
    found
}

/// The files that are built here, as far as the object's text tells: what counts where it cannot be rendered.
pub fn may_read(object: &Object, world: &dyn World) -> Reads {
    let mut reads = Reads::default();
    if let Ok(root) = origin::root(object, "/spec/sourceRef", world) {
        let written = object.text("/spec/path").unwrap_or("./");
        reads.folders.extend(root.resolve(written.trim_start_matches('/')).ok());
    }
    reads
}

/// The address and path that the object names, to tell which repository is this one.
pub fn address(object: &Object, world: &dyn World) -> Option<(String, String)> {
    origin::address(object, "/spec/sourceRef", "/spec/path", world)
}

/// The fields that say values: what an edit may change so that something deployed changes.
pub fn carries(at: &Pointer) -> bool {
    let tokens: Vec<&str> = at.tokens().iter().map(String::as_str).collect();
    matches!(
        tokens[..],
        ["spec", "patches" | "images" | "namePrefix" | "nameSuffix" | "targetNamespace" | "commonMetadata", ..]
            | ["spec", "postBuild"]
            | ["spec", "postBuild", "substitute", ..]
    )
}
