//! A Flux `HelmRelease`: a chart, the values that it refers to, its own values over them, and what is done to the result.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    SOURCE, origin,
    reference::{self, Said},
    variables,
};
use crate::{
    engine::{
        Declaration,
        helm::{
            chart::first_link,
            render::Installation,
            sources::ArgumentKind,
            values::{Argument, Release, ValuesSource},
        },
        reads::Reads,
        substitute::Variables,
    },
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        tree::{Overlay, entry},
    },
    stack::{
        charts,
        lowered::{Added, Field, Finish, Form, Item, Laid, Lowered, Says, Target, folder},
        object::{Object, World},
        surroundings::is_here,
    },
};

/// The most letters of a release's name; Flux shortens longer ones with a hash.
const MAX_NAME: usize = 53;

/// What the object comes to.
///
/// # Errors
/// `stack-unreadable` where Flux fails as well; `engine-unsupported` where it would go on with what is not here.
pub fn lower(object: &Object, world: &dyn World) -> Result<Lowered, Refusal> {
    let refuse = |why: String| {
        Refusal::new(Code::EngineUnsupported, format!("{}: {why}", object.at.id), "change the source by hand")
    };
    let chart = chart(object, world)?;
    let mut laid = BTreeMap::new();
    let here = folder(&object.at, "release");
    let path = |name: &str| here.resolve(name).expect("a name in a folder is a path");
    let mut values = Vec::new();
    files(object, world, &chart, &here, &mut laid, &mut values)?;
    let mut arguments = Vec::new();
    let references = object.get("/spec/valuesFrom").and_then(Value::as_array).cloned().unwrap_or_default();
    for (index, reference) in references.iter().enumerate() {
        let text = |key: &str| reference.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let key = text("valuesKey").unwrap_or("values.yaml");
        let is_optional = reference.get("optional") == Some(&json!(true));
        let map = reference::find(object, reference, world);
        let said = map.as_ref().map(|map| reference::entries(map).into_iter().find(|(known, _)| known == key));
        let what = format!("{} {}", text("kind").unwrap_or_default(), text("name").unwrap_or_default());
        let (said, target) = match said {
            Some(Some((_, Said::Text(said, target)))) => (said, target),
            Some(Some((_, Said::Withheld))) => return Err(refuse(format!("its values in {what} are encrypted"))),
            _ if is_optional => continue,
            Some(None) => return Err(refuse(format!("{what} has no {key}"))),
            None => return Err(refuse(format!("{what}, which it takes values from, is not in the repository"))),
        };
        match text("targetPath") {
            None => {
                let file = path(&format!("from-{index}.yaml"));
                laid.insert(file.clone(), Laid::text(&said, target));
                values.push(ValuesSource::File(file));
            }
            Some(at) => {
                if is_said(object.get("/spec/values"), at) {
                    return Err(refuse(format!("both its values and {what} say {at}")));
                }
                let file = path(&format!("from-{index}.yaml"));
                let (kind, argument) = match quoted(&said) {
                    Some(inner) => (ArgumentKind::SetString, inner),
                    None => (ArgumentKind::Set, &*said),
                };
                let written = (argument == said).then(|| (file.clone(), 0, Pointer::root()));
                arguments.push(Argument { kind, text: format!("{at}={argument}"), written });
                laid.insert(file, Laid::value(&json!(said), target));
            }
        }
    }
    let own = path("values.yaml");
    let at = Target::Object(object.at.clone(), Pointer::of(["spec", "values"]));
    laid.insert(own.clone(), Laid::value(object.get("/spec/values").unwrap_or(&json!({})), at));
    values.push(ValuesSource::File(own));
    let namespace = object.text("/spec/targetNamespace").or(object.namespace()).unwrap_or("default").to_owned();
    let name = match (object.text("/spec/releaseName"), object.text("/spec/targetNamespace")) {
        (Some(name), _) => name.to_owned(),
        (None, Some(namespace)) => format!("{namespace}-{}", object.name()),
        (None, None) => object.name().to_owned(),
    };
    if name.len() > MAX_NAME {
        return Err(refuse(format!("the name of its release, {name}, is too long")));
    }
    let has_crds = object.text("/spec/install/crds") != Some("Skip");
    let release = Release {
        name,
        namespace: namespace.clone(),
        is_upgrade: false,
        kube_version: None,
        api_versions: Vec::new(),
        values,
        arguments,
        folder: RepoPath::root(),
    };
    let contents = laid.iter().map(|(path, laid): (&RepoPath, &Laid)| (path.clone(), Some(laid.content.clone())));
    let over = Overlay::new(world.tree(), contents.collect());
    if let Some(link) = first_link(&over, &chart) {
        return Err(refuse(format!("{link} is a link, which Flux leaves out where helm follows it")));
    }
    let installation = Installation::new(&over, chart.clone(), release, has_crds);
    let mut lowered = Lowered::plain(Declaration::Helm(installation.into()), chart);
    lowered.namespace = Some(namespace);
    lowered.finish = post_renderers(object, &here);
    let mut common = Variables::default();
    variables::common(object, &mut common, &mut laid, &here);
    if common.is_any() {
        lowered.finish.push(Finish::Substitute(common));
    }
    lowered.laid = laid;
    if object.get("/spec/suspend") == Some(&json!(true)) {
        lowered.notes.push("suspended".to_owned());
    }
    Ok(lowered)
}

/// The chart's folder or archive.
fn chart(object: &Object, world: &dyn World) -> Result<RepoPath, Refusal> {
    if object.get("/spec/chartRef").is_some() {
        let said = |key: &str| object.text(&format!("/spec/chartRef/{key}"));
        let (kind, name) = (said("kind").unwrap_or_default(), said("name").unwrap_or_default());
        let namespace = said("namespace").or(object.namespace());
        let Some(source) = world.find(object.at.stack, SOURCE, kind, namespace, name) else {
            return Err(missing(object, &format!("its chart, {kind} {name},")));
        };
        if kind == "HelmChart" {
            return named(&source, "/spec", world);
        }
        let url = source.text("/spec/url").unwrap_or_default();
        let version = ["tag", "semver"].iter().find_map(|key| source.text(&format!("/spec/ref/{key}")));
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        return charts::find(world.tree(), charts::Wanted { name, version: version.unwrap_or_default(), url });
    }
    named(object, "/spec/chart/spec", world)
}

/// The chart that an object names by name or path, version and source.
fn named(object: &Object, at: &str, world: &dyn World) -> Result<RepoPath, Refusal> {
    let said = |key: &str| object.text(&format!("{at}/{key}")).unwrap_or_default();
    let chart = said("chart");
    let kind = said("sourceRef/kind");
    if kind == "HelmRepository" {
        let namespace = object.text(&format!("{at}/sourceRef/namespace")).or(object.namespace());
        let source = world.find(object.at.stack, SOURCE, kind, namespace, said("sourceRef/name"));
        let url = source.as_ref().and_then(|source| source.text("/spec/url")).map(str::to_owned);
        let url = url.unwrap_or_else(|| format!("HelmRepository {}", said("sourceRef/name")));
        return charts::find(world.tree(), charts::Wanted { name: chart, version: said("version"), url: &url });
    }
    let root = origin::root(object, &format!("{at}/sourceRef"), world)?;
    let path = root.resolve(chart.trim_start_matches('/')).map_err(|error| {
        let message = format!("{}: {error}", object.at.id);
        Refusal::new(Code::StackUnreadable, message, "name a chart of the repository")
    })?;
    if !is_here(world.tree(), &path) {
        return Err(missing(object, &format!("its chart {path}")));
    }
    Ok(path)
}

fn missing(object: &Object, what: &str) -> Refusal {
    let message = format!("{}: {what} is not in the repository", object.at.id);
    Refusal::new(Code::EngineUnsupported, message, "add it to the repository")
}

/// `valuesFiles`: they stand in the place of the chart's own values.
fn files(
    object: &Object,
    world: &dyn World,
    chart: &RepoPath,
    here: &RepoPath,
    laid: &mut BTreeMap<RepoPath, Laid>,
    values: &mut Vec<ValuesSource>,
) -> Result<(), Refusal> {
    let files = object.get("/spec/chart/spec/valuesFiles").and_then(Value::as_array);
    let Some(files) = files.filter(|files| !files.is_empty()) else { return Ok(()) };
    let may_miss = object.get("/spec/chart/spec/ignoreMissingValuesFiles") == Some(&json!(true));
    let is_packed = entry(world.tree(), chart).is_some();
    let unreadable = |message: String| {
        Refusal::new(Code::StackUnreadable, format!("{}: {message}", object.at.id), "mend the object")
    };
    if is_packed {
        let message = format!("{}: valuesFiles of a packed chart are not read by this version", object.at.id);
        return Err(Refusal::new(Code::EngineUnsupported, message, "unpack the chart"));
    }
    // Paths count from the root of a git source, and from the chart of any other.
    let is_git = object.text("/spec/chart/spec/sourceRef/kind") != Some("HelmRepository");
    let base = if is_git { RepoPath::root() } else { chart.clone() };
    let defaults = chart.resolve("values.yaml").map_err(|error| unreadable(error.to_string()))?;
    for (index, file) in files.iter().enumerate() {
        let file = file.as_str().unwrap_or_default();
        let path = base.resolve(file.trim_start_matches('/')).map_err(|error| unreadable(error.to_string()))?;
        let Ok(content) = world.tree().read(&path) else {
            if may_miss {
                continue;
            }
            return Err(unreadable(format!("its values file {path} is not there")));
        };
        if path == defaults {
            // Its own name says nothing any more.
            let copy =
                here.resolve(&format!("defaults-{index}.yaml")).map_err(|error| unreadable(error.to_string()))?;
            laid.insert(copy.clone(), Laid { content, says: Says::Copy(path) });
            values.push(ValuesSource::File(copy));
        } else {
            values.push(ValuesSource::File(path));
        }
    }
    laid.insert(defaults.clone(), Laid { content: b"{}\n".to_vec().into(), says: Says::Copy(defaults) });
    Ok(())
}

/// Kustomizations over what the chart renders to.
fn post_renderers(object: &Object, here: &RepoPath) -> Vec<Finish> {
    let renderers = object.get("/spec/postRenderers").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut finish = Vec::new();
    for (index, renderer) in renderers.iter().enumerate() {
        let Some(kustomize) = renderer.get("kustomize").and_then(Value::as_object) else { continue };
        let (mut fields, mut says) = (Map::new(), Vec::new());
        for name in ["patches", "images", "patchesStrategicMerge", "patchesJson6902"] {
            let Some(items) = kustomize.get(name).and_then(Value::as_array) else { continue };
            let as_text = |item: &Value| match name {
                "patchesStrategicMerge" => Value::from(item.to_string()),
                "patchesJson6902" => {
                    let mut item = item.clone();
                    if let Some(patch) = item.get_mut("patch") {
                        *patch = Value::from(patch.to_string());
                    }
                    item
                }
                _ => item.clone(),
            };
            fields.insert(name.to_owned(), items.iter().map(as_text).collect());
            let at = Pointer::of(["spec", "postRenderers", &index.to_string(), "kustomize", name]);
            let own = items.len();
            says.push(Field {
                name: name.to_owned(),
                target: Target::Object(object.at.clone(), at),
                added: Added::Items { items: (0..own).map(Item::Object).collect(), form: Form::Same, own },
            });
        }
        let Ok(folder) = here.resolve(&format!("post-renderer-{index}")) else { continue };
        finish.push(Finish::Kustomize { fields, says, folder });
    }
    finish
}

/// A text in quotes, without them.
fn quoted(text: &str) -> Option<&str> {
    ['\'', '"'].iter().find_map(|quote| {
        (text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote)).then(|| text.trim_matches(['\'', '"']))
    })
}

/// Tells whether values say something at, above or below a path in Helm's grammar.
fn is_said(values: Option<&Value>, at: &str) -> bool {
    let mut value = values;
    for key in at.split(['.', '[']) {
        match value {
            Some(Value::Object(map)) => value = map.get(key),
            Some(Value::Null) | None => return false,
            Some(_) => return true,
        }
    }
    value.is_some()
}

/// The fields that say values: what an edit may change so that something deployed changes.
pub fn carries(at: &Pointer) -> bool {
    let tokens: Vec<&str> = at.tokens().iter().map(String::as_str).collect();
    matches!(tokens[..], ["spec", "values" | "postRenderers" | "commonMetadata", ..])
}

/// The files that the release may read here, as far as its text tells: what counts where it cannot be rendered.
pub fn may_read(object: &Object) -> Reads {
    let mut reads = Reads::default();
    let resolve = |text: &str| RepoPath::root().resolve(text.trim_start_matches('/')).ok();
    let kind = object.text("/spec/chart/spec/sourceRef/kind");
    if kind.is_some_and(|kind| kind != "HelmRepository") {
        reads.folders.extend(object.text("/spec/chart/spec/chart").and_then(resolve));
        let files = object.get("/spec/chart/spec/valuesFiles").and_then(Value::as_array).into_iter().flatten();
        reads.files.extend(files.filter_map(Value::as_str).filter_map(resolve));
    }
    reads
}
