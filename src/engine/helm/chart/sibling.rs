//! Dependencies that point to folders of the repository (`file://../common`) and are not packed into `charts/`.
//!
//! `helm template` wants them built first; `helm dependency build`, which Argo CD and Flux run by themselves, packs the folder
//! as it is. So the folder is loaded in place of the package, under the same conditions: the version must lie in the range,
//! or be the locked one where a lock is there, and the lock must belong to the dependencies.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Chart, constraint, load_folder,
    metadata::{Dependency, Metadata},
};
use crate::{
    engine::helm::{
        sources::{Problem, Sources},
        template::{fault::Fault, leaf::LayerId},
    },
    model::hex::hex,
    source::{path::RepoPath, tree::entry},
};

/// Adds what `charts/` lacks.
pub(super) fn complete(chart: &mut Chart, sources: &mut Sources<'_>, at: &RepoPath) -> Result<(), Problem> {
    let dependencies: Vec<Dependency> = chart.metadata.dependencies.iter().flatten().flatten().cloned().collect();
    let held = |chart: &Chart, name: &str| chart.dependencies.iter().any(|held| held.metadata.name.text == name);
    let missing = |dependency: &&Dependency| !held(chart, &dependency.name.text);
    let is_local = |dependency: &Dependency| dependency.repository.text.starts_with("file://");
    let lacking: Vec<&Dependency> = dependencies.iter().filter(missing).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let is_archive = entry(sources.tree(), at).is_some();
    let remote: Vec<&str> = lacking
        .iter()
        .filter(|dependency| is_archive || !is_local(dependency))
        .map(|dependency| dependency.name.text.as_str())
        .collect();
    if !remote.is_empty() {
        let names = remote.join(", ");
        return Err(chart.problem(
            sources,
            Fault::failed(format!("found in Chart.yaml, but missing in charts/ directory: {names}")),
        ));
    }
    if let Some(both) = dependencies.iter().find(|one| is_local(one) && held(chart, &one.name.text)) {
        let name = &both.name.text;
        return Err(chart.problem(
            sources,
            Fault::unsupported(format!(
                "charts/ holds {name}, which a build of the dependencies would replace, but not all others"
            )),
        ));
    }
    for (dependency, version) in locked(chart, sources, &dependencies)? {
        if !is_local(&dependency) {
            continue;
        }
        let name = &dependency.name.text;
        let reference = &dependency.repository.text["file://".len()..];
        let outside = |_| {
            let why = format!("the dependency {name} points out of the repository: {reference}");
            chart.problem(sources, Fault::unsupported(why))
        };
        let folder = at.resolve(reference).map_err(outside)?;
        let sibling = load_folder(sources, &folder)?;
        let found = &sibling.metadata.version.text;
        if !constraint::fits(&version, found) {
            let why = format!("can't get a valid version for dependency {name}: {folder} is {found}, not {version}");
            return Err(chart.problem(sources, Fault::failed(why)));
        }
        if sibling.metadata.name.text != *name {
            let why = format!(
                "found in Chart.yaml, but missing in charts/ directory: {name} ({folder} is called {})",
                sibling.metadata.name.text
            );
            return Err(chart.problem(sources, Fault::failed(why)));
        }
        if !held(chart, name) {
            chart.dependencies.push(Arc::new(sibling));
        }
    }
    Ok(())
}

/// What a build would get, each with the range that it must fit: the locked dependencies, or all.
fn locked(
    chart: &Chart,
    sources: &mut Sources<'_>,
    dependencies: &[Dependency],
) -> Result<Vec<(Dependency, String)>, Problem> {
    let with_range = |all: &[Dependency]| all.iter().map(|one| (one.clone(), one.version.text.clone())).collect();
    let Some(lock) = chart.lock else { return Ok(with_range(dependencies)) };
    let yaml = sources.yaml(lock)?;
    let mut content = Metadata::default();
    // The layer only tells where words are written, which nobody asks of a lock.
    content.read(&yaml, LayerId(u32::MAX)).map_err(|(line, fault)| Problem { line, ..sources.problem(lock, fault) })?;
    let locked: Vec<Dependency> = content.dependencies.into_iter().flatten().flatten().collect();
    let digest = yaml.value.as_ref().ok().and_then(|value| value.get("digest")?.as_str().map(str::to_owned));
    let named = dependencies.iter().any(|one| one.repository.text.starts_with(['@']) || is_alias(&one.repository.text));
    let as_json = |all: &[Dependency]| Value::Array(all.iter().map(dependency_json).collect());
    let current = json!([as_json(dependencies), as_json(&locked)]);
    let helm_2 = json!({ "dependencies": as_json(dependencies) });
    let fits = digest.as_deref() == Some(&sha256(&current))
        || chart.metadata.api_version.text == "v1" && digest.as_deref() == Some(&sha256(&helm_2));
    if !fits && !named {
        let why = "the lock file is out of sync with the dependencies file: run \"helm dependency update\"";
        return Err(sources.problem(lock, Fault::failed(why)));
    }
    Ok(with_range(&locked))
}

/// `alias:name` and `@name` stand for an address that only the machine's configuration knows.
fn is_alias(repository: &str) -> bool {
    repository.starts_with("alias:")
}

/// A dependency as Go encodes it.
fn dependency_json(dependency: &Dependency) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value, always: bool| {
        let empty = match &value {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Bool(value) => !value,
            _ => false,
        };
        if always || !empty {
            fields.insert(key.to_owned(), value);
        }
    };
    let tags: Vec<&str> = dependency.tags.iter().flatten().map(|tag| tag.text.as_str()).collect();
    put("name", dependency.name.text.clone().into(), true);
    put("version", dependency.version.text.clone().into(), false);
    put("repository", dependency.repository.text.clone().into(), true);
    put("condition", dependency.condition.text.clone().into(), false);
    put("tags", tags.into(), false);
    put("enabled", dependency.enabled.into(), false);
    put("import-values", dependency.import_values.iter().flatten().map(sorted).collect(), false);
    put("alias", dependency.alias.text.clone().into(), false);
    Value::Object(fields)
}

/// A value with the keys of its maps in Go's order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}

/// The digest of Go's JSON of a value.
fn sha256(value: &Value) -> String {
    let mut text = value.to_string();
    for (plain, escaped) in
        [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")]
    {
        text = text.replace(plain, escaped);
    }
    format!("sha256:{}", hex(&Sha256::digest(text.as_bytes())))
}
