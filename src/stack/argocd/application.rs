//! Applications: each of their sources is a stack.

use serde_json::Value;

use super::{directory, helm, helm::unsupported, kustomize, source::Source, value_files};
use crate::{
    engine::{kustomize::kustomization::NAMES, reads::Reads},
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{path::RepoPath, tree::entry},
    stack::{
        charts,
        lowered::Lowered,
        object::{Object, World},
        surroundings::{Whose, is_here},
    },
};

/// The places of an application's sources that are deployed: not those that are only referred to.
pub fn sources(application: &Value) -> Vec<Pointer> {
    let is_deployed = |source: &Value| {
        let says = |key: &str| source.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        says("path") || says("chart") || !says("ref")
    };
    match application.pointer("/spec/sources").and_then(Value::as_array) {
        Some(sources) if !sources.is_empty() => {
            let deployed = sources.iter().enumerate().filter(|(_, source)| is_deployed(source));
            deployed.map(|(at, _)| Pointer::of(["spec".to_owned(), "sources".to_owned(), at.to_string()])).collect()
        }
        _ if application.pointer("/spec/source").is_some_and(Value::is_object) => {
            vec![Pointer::of(["spec", "source"])]
        }
        _ => Vec::new(),
    }
}

/// The addresses and paths that an application names, to tell which repository is this one.
pub fn addresses(application: &Value) -> Vec<(String, String)> {
    let of = |at: &Pointer| {
        let source = at.get(application)?;
        let text = |key: &str| source.get(key).and_then(Value::as_str);
        text("chart").is_none().then_some(())?;
        Some((text("repoURL")?.to_owned(), text("path")?.to_owned()))
    };
    sources(application).iter().filter_map(of).collect()
}

/// What one source of an application comes to.
///
/// # Errors
/// `stack-unreadable` where Argo CD fails as well; `engine-unsupported` where it would go on with what is not here.
pub fn lower(application: &Object, at: &Pointer, world: &dyn World) -> Result<Lowered, Refusal> {
    let source = Source::of(application, at);
    let url = source.text("/repoURL").unwrap_or_default();
    let revision = source.text("/targetRevision").unwrap_or_default();
    if let Some(chart) = source.text("/chart") {
        let wanted = charts::Wanted { name: chart.rsplit('/').next().unwrap_or(chart), version: revision, url };
        let chart = charts::find(world.tree(), wanted)?;
        refuse_plugin(application, &source)?;
        return helm::lower(application, &source, &chart, world);
    }
    let written = source.text("/path").unwrap_or_default();
    let path = RepoPath::root().resolve(written.trim_start_matches('/')).map_err(|error| {
        let message = format!("the application {} deploys {written:?}: {error}", application.name());
        Refusal::new(Code::StackUnreadable, message, "name a folder of the repository")
    })?;
    let surroundings = world.surroundings();
    match surroundings.whose(url) {
        Whose::Own => {}
        Whose::Foreign | Whose::Unknown => {
            let (why, hint) = surroundings.foreign(url);
            let message = format!("the application {}: {why}", application.name());
            return Err(Refusal::new(Code::EngineUnsupported, message, hint));
        }
    }
    if !is_here(world.tree(), &path) {
        let message = format!("the application {} deploys {path}, which is not there", application.name());
        return Err(Refusal::new(Code::StackUnreadable, message, "name a folder of the repository"));
    }
    let revision = revision.to_owned();
    let source = source.overridden(world.tree(), &path, application.name())?;
    refuse_plugin(application, &source)?;
    let has = |name: &str| path.resolve(name).is_ok_and(|path| entry(world.tree(), &path).is_some());
    let says =
        |key: &str| source.value.get(key).is_some_and(|value| value.as_object().is_some_and(|map| !map.is_empty()));
    let mut lowered = match (says("helm"), says("kustomize"), says("directory")) {
        (true, true, _) | (_, true, true) | (true, _, true) => {
            let message = format!("the application {} names several kinds of source", application.name());
            return Err(Refusal::new(Code::StackUnreadable, message, "keep one of helm, kustomize and directory"));
        }
        (true, ..) => helm::lower(application, &source, &path, world)?,
        (_, true, _) => kustomize::lower(application, &source, &path, world)?,
        (.., true) => directory::lower(application, &source, &path, world)?,
        _ if NAMES.iter().any(|name| has(name)) => kustomize::lower(application, &source, &path, world)?,
        _ if has("Chart.yaml") => helm::lower(application, &source, &path, world)?,
        _ => directory::lower(application, &source, &path, world)?,
    };
    lowered.namespace = application.text("/spec/destination/namespace").map(str::to_owned);
    if !matches!(&*revision, "" | "HEAD" | "main" | "master") {
        lowered.notes.push(format!("deploys the revision {revision}"));
    }
    Ok(lowered)
}

fn refuse_plugin(application: &Object, source: &Source) -> Result<(), Refusal> {
    match source.value.get("plugin") {
        Some(plugin) if !plugin.is_null() => Err(unsupported(application, "is rendered by a plugin")),
        _ => Ok(()),
    }
}

/// The fields of an application that say values: what an edit may change so that something deployed changes.
pub fn carries(at: &Pointer) -> bool {
    let tokens: Vec<&str> = at.tokens().iter().map(String::as_str).collect();
    let inside = match tokens[..] {
        ["spec", "source", ref rest @ ..] | ["spec", "sources", _, ref rest @ ..] => rest,
        _ => return false,
    };
    matches!(
        inside,
        ["helm"]
            | ["kustomize"]
            | ["helm", "valuesObject" | "values" | "parameters", ..]
            | [
                "kustomize",
                "images"
                    | "replicas"
                    | "patches"
                    | "commonLabels"
                    | "commonAnnotations"
                    | "namePrefix"
                    | "nameSuffix"
                    | "namespace",
                ..
            ]
    )
}

/// The files that a source may read here, as far as its text tells: what counts where it cannot be rendered.
pub fn may_read(application: &Object, at: &Pointer, world: &dyn World) -> Reads {
    let (source, mut reads) = (Source::of(application, at), Reads::default());
    let is_own = world.surroundings().whose(source.text("/repoURL").unwrap_or_default()) != Whose::Foreign;
    let folder = source.text("/path").and_then(|path| RepoPath::root().resolve(path.trim_start_matches('/')).ok());
    if let Some(folder) = folder.clone().filter(|_| is_own) {
        reads.folders.insert(folder);
    }
    let chart = folder.unwrap_or_default();
    let files = source.list("/helm/valueFiles").iter().filter_map(Value::as_str);
    let more = source.list("/helm/fileParameters").iter().filter_map(|file| file.get("path")?.as_str());
    for file in files.chain(more).filter(|file| file.starts_with('$') || is_own) {
        if let Ok(named) = value_files::name(file, application, &source, &chart, world) {
            let fixed =
                named.path.as_str().split('/').take_while(|part| !part.contains(['*', '?', '['])).collect::<Vec<_>>();
            match named.is_pattern {
                true => reads.folders.insert(fixed.join("/").parse().unwrap_or_default()),
                false => reads.files.insert(named.path),
            };
        }
    }
    reads
}
