//! A chart as an application releases it: values files, then its values, then its parameters.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{environment::expand, source::Source, value_files};
use crate::{
    engine::{
        Declaration,
        helm::{
            render::Installation,
            sources::ArgumentKind,
            values::{Argument, Release, ValuesSource},
        },
        reads::Reads,
    },
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{path::RepoPath, tree::Overlay},
    stack::{
        lowered::{Laid, Lowered, folder},
        object::{Object, World},
    },
};

/// What an application makes of a chart.
///
/// # Errors
/// Where Argo CD fails, and where what it reads is not here.
pub(super) fn lower(
    application: &Object,
    source: &Source,
    chart: &RepoPath,
    world: &dyn World,
) -> Result<Lowered, Refusal> {
    let (files, missing) = value_files::files(application, source, chart, world)?;
    let mut values: Vec<ValuesSource> = files.iter().cloned().map(ValuesSource::File).collect();
    let (mut laid, mut arguments) = (BTreeMap::new(), Vec::new());
    let here = folder(&application.at, "application");
    let path = |name: &str| here.resolve(name).expect("a name in a folder is a path");
    let said = |at: &str| source.value.pointer(at).filter(|value| !value.is_null());
    let target = |at: &[&str]| source.target(&Pointer::of(at.iter().copied()));
    let own = path("values.yaml");
    if let Some(object) = said("/helm/valuesObject") {
        laid.insert(own.clone(), Laid::value(object, target(&["helm", "valuesObject"])));
        values.push(ValuesSource::File(own));
    } else if let Some(text) = source.text("/helm/values") {
        laid.insert(own.clone(), Laid::text(text, target(&["helm", "values"])));
        values.push(ValuesSource::File(own));
    } else if files.is_empty() {
        // Nothing of the release is said yet: its application could.
        laid.insert(own.clone(), Laid::value(&json!({}), target(&["helm", "valuesObject"])));
        values.push(ValuesSource::File(own));
    }
    for (name, (index, parameter)) in last_of(source.list("/helm/parameters")) {
        let value = parameter.get("value").map_or_else(String::new, |value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let file = path(&format!("parameter-{index}.yaml"));
        let at = target(&["helm", "parameters", &index.to_string(), "value"]);
        let kind = match parameter.get("forceString").and_then(Value::as_bool) {
            Some(true) => ArgumentKind::SetString,
            _ => ArgumentKind::Set,
        };
        let expanded = expand(&value, application, &source.value)?;
        let text = format!("{name}={}", escaped(&expanded));
        // What was expanded is not what is written.
        let written = (expanded == value).then(|| (file.clone(), 0, Pointer::root()));
        laid.insert(file, Laid::value(&json!(value), at));
        arguments.push(Argument { kind, text, written });
    }
    for (name, (_, parameter)) in last_of(source.list("/helm/fileParameters")) {
        let file = parameter.get("path").and_then(Value::as_str).unwrap_or_default();
        let named = value_files::name(file, application, source, chart, world)?;
        let text = format!("{name}={}", escaped(named.path.as_str()));
        arguments.push(Argument { kind: ArgumentKind::SetFile, text, written: None });
    }
    let namespace = source.text("/helm/namespace").or(application.text("/spec/destination/namespace"));
    let release = Release {
        name: source.text("/helm/releaseName").unwrap_or(application.name()).to_owned(),
        namespace: namespace.unwrap_or("default").to_owned(),
        is_upgrade: false,
        kube_version: source.text("/helm/kubeVersion").map(str::to_owned),
        api_versions: source.list("/helm/apiVersions").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        values,
        arguments,
        folder: RepoPath::root(),
    };
    let contents = laid.iter().map(|(path, laid): (&RepoPath, &Laid)| (path.clone(), Some(laid.content.clone())));
    let over = Overlay::new(world.tree(), contents.collect());
    let mut installation = Installation::new(&over, chart.clone(), release, !source.flag("/helm/skipCrds"));
    let mut reads: Reads = (*installation.reads).clone();
    // What is missing may be added, and then counts.
    reads.files.extend(missing.iter().cloned());
    reads.folders.extend(missing);
    reads.files.extend(source.files().cloned());
    installation.reads = Arc::new(reads);
    let namespace = application.text("/spec/destination/namespace").map(str::to_owned);
    Ok(Lowered { laid, namespace, ..Lowered::plain(Declaration::Helm(installation.into()), chart.clone()) })
}

/// Parameters by name, the last of equal ones with its position: Argo CD puts them into a map.
fn last_of(parameters: &[Value]) -> BTreeMap<&str, (usize, &Value)> {
    let named = parameters.iter().enumerate();
    named.filter_map(|(at, one)| Some((one.get("name")?.as_str()?, (at, one)))).collect()
}

/// `cleanSetParameters`: commas escaped, but for those of a list.
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let (mut text, mut before) = (String::with_capacity(value.len()), None);
    for c in value.chars() {
        if c == ',' && before != Some('\\') {
            text.push('\\');
        }
        text.push(c);
        before = Some(c);
    }
    text
}

/// What stands in for an application that no engine of this version can render.
pub(super) fn unsupported(application: &Object, what: &str) -> Refusal {
    let message = format!("the application {} {what}", application.name());
    Refusal::new(Code::EngineUnsupported, message, "change the source by hand")
}
