//! The values files of an application: of its own source, of a source that it refers to, and by pattern.

use std::collections::BTreeSet;

use super::{environment::expand, source::Source};
use crate::{
    engine::helm::chart::glob::Glob,
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        tree::{entry, within},
    },
    stack::{
        object::{Object, World},
        surroundings::Whose,
    },
};

/// The most files that the patterns of one application may match.
const MAX_FILES: usize = 1_000;

/// What a file's name leads to.
pub(super) struct Named {
    /// The file, or a pattern of files.
    pub path: RepoPath,
    /// Whether it is a pattern.
    pub is_pattern: bool,
}

/// The files in the order in which they are laid over one another (`getResolvedValueFiles`), and where those would be that
/// are not there and may be missing.
///
/// # Errors
/// `stack-unreadable` where Argo CD fails: a file is missing, or outside; `engine-unsupported` where a file is elsewhere.
pub(super) fn files(
    application: &Object,
    source: &Source,
    chart: &RepoPath,
    world: &dyn World,
) -> Result<(Vec<RepoPath>, Vec<RepoPath>), Refusal> {
    let may_miss = source.flag("/helm/ignoreMissingValueFiles");
    let mut named = Vec::new();
    for file in source.list("/helm/valueFiles") {
        let file = file.as_str().unwrap_or_default();
        named.push(name(file, application, source, chart, world)?);
    }
    let explicit: BTreeSet<&RepoPath> = named.iter().filter(|one| !one.is_pattern).map(|one| &one.path).collect();
    let (mut files, mut missing): (Vec<RepoPath>, Vec<RepoPath>) = (Vec::new(), Vec::new());
    let add = |path: &RepoPath, files: &mut Vec<RepoPath>| {
        if !files.contains(path) {
            files.push(path.clone());
        }
    };
    for Named { path, is_pattern } in &named {
        if *is_pattern {
            let glob = Glob::new(path.as_str());
            let fixed = path.as_str().split('/').take_while(|part| !is_glob(part)).collect::<Vec<_>>().join("/");
            let folder: RepoPath = fixed.parse().unwrap_or_default();
            let all = within(world.tree(), &folder).map(|entry| &entry.path).filter(|path| glob.matches(path.as_str()));
            let all: Vec<&RepoPath> = all.take(MAX_FILES + 1).collect();
            if all.len() > MAX_FILES {
                return Err(limit(application, path));
            }
            if all.is_empty() && !may_miss {
                return Err(absent(application, path));
            }
            all.into_iter().filter(|path| !explicit.contains(path)).for_each(|path| add(path, &mut files));
            missing.push(folder);
        } else if entry(world.tree(), path).is_some() {
            add(path, &mut files);
        } else if may_miss {
            missing.push(path.clone());
        } else {
            return Err(absent(application, path));
        }
    }
    Ok((files, missing))
}

/// What the name of a file leads to: relative to the chart, from the root with a slash, or in another source behind `$`.
pub(super) fn name(
    file: &str,
    application: &Object,
    source: &Source,
    chart: &RepoPath,
    world: &dyn World,
) -> Result<Named, Refusal> {
    let (folder, rest) = match referred(file, application) {
        Some((reference, rest)) => {
            let url = reference.get("repoURL").and_then(serde_json::Value::as_str).unwrap_or_default();
            if world.surroundings().whose(url) != Whose::Own {
                let (why, hint) = world.surroundings().foreign(url);
                let message = format!("the values file {file} of the application {}: {why}", application.name());
                return Err(Refusal::new(Code::EngineUnsupported, message, hint));
            }
            (RepoPath::root(), expand(rest, application, &source.value)?)
        }
        None => {
            let file = expand(file, application, &source.value)?;
            match file.strip_prefix('/') {
                Some(rest) => (RepoPath::root(), rest.to_owned()),
                None => (chart.clone(), file),
            }
        }
    };
    if rest.contains("://") {
        let message = format!("the application {} reads {rest} from the network", application.name());
        return Err(Refusal::new(Code::EngineUnsupported, message, "put the file into the repository"));
    }
    let path = folder.resolve(rest.trim_start_matches('/')).map_err(|error| {
        let message = format!("the application {} reads outside of its repository: {error}", application.name());
        Refusal::new(Code::StackUnreadable, message, "name a file of the repository")
    })?;
    let is_pattern = is_glob(path.as_str());
    Ok(Named { path, is_pattern })
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The source that a name behind `$` refers to, and the rest of the name.
fn referred<'a>(file: &'a str, application: &'a Object) -> Option<(&'a serde_json::Value, &'a str)> {
    let (name, rest) = file.strip_prefix('$')?.split_once('/')?;
    let sources = Pointer::of(["spec", "sources"]).get(&application.value)?.as_array()?;
    let source = sources.iter().find(|source| source.get("ref").and_then(serde_json::Value::as_str) == Some(name))?;
    Some((source, rest))
}

fn absent(application: &Object, path: &RepoPath) -> Refusal {
    let message = format!("the application {} names {path}, which is not there", application.name());
    Refusal::new(Code::StackUnreadable, message, "add the file, or set ignoreMissingValueFiles")
}

fn limit(application: &Object, path: &RepoPath) -> Refusal {
    let message = format!("{path} of the application {} matches more than {MAX_FILES} files", application.name());
    Refusal::new(Code::EngineUnsupported, message, "name fewer files")
}
