//! Application sets: the applications that their generators and template make, each field with what says it.

mod fast;
mod functions;
mod generators;
mod interpolate;
mod parameters;
mod patch;
mod template;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use self::{
    generators::Generators,
    parameters::{Layers, Parameters},
    template::{Renderer, Texts},
};
use crate::{
    engine::{
        Declaration,
        given::{Object as Made, Objects},
        parts::Place,
        reads::Reads,
    },
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::path::RepoPath,
    stack::{
        lowered::{Laid, Lowered, Target, folder},
        object::{Object, World},
    },
};

/// The most applications of one set.
pub const MAX_APPLICATIONS: usize = 1_000;

/// The finalizer that applications of a set get which name none.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// The applications of a set.
///
/// # Errors
/// `stack-unreadable` where Argo CD fails as well; `engine-unsupported` where only a cluster or a network knows what there
/// is, and beyond limits.
pub fn lower(object: &Object, world: &dyn World) -> Result<Lowered, Refusal> {
    let file = folder(&object.at, "application-set").resolve("object.yaml").unwrap_or_default();
    let mut layers = Layers::of(file.clone(), object.value.clone());
    let mut renderer = Renderer::new(object);
    let mut generators = Generators { object, world, layers: &mut layers, renderer: &mut renderer, files: Vec::new() };
    let (base, mut made) = (Pointer::of(["spec", "template"]), Vec::new());
    let template = base.get(&object.value).cloned().unwrap_or_default();
    let list = object.get("/spec/generators").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut sets: Vec<(Parameters, Value, Vec<Pointer>)> = Vec::new();
    for (index, generator) in list.iter().enumerate() {
        let at = Pointer::of(["spec".to_owned(), "generators".to_owned(), index.to_string()]);
        let own = generators::own_template(generator);
        let (template, foreign) = overridden(&template, own);
        for parameters in generators.parameters(generator, &at, None)? {
            sets.push((parameters, template.clone(), foreign.clone()));
            if sets.len() > MAX_APPLICATIONS {
                let message = format!("{} makes more than {MAX_APPLICATIONS} applications", object.at.id);
                return Err(Refusal::new(Code::EngineUnsupported, message, "split the set"));
            }
        }
    }
    let files = std::mem::take(&mut generators.files);
    for (parameters, template, foreign) in &sets {
        made.push(application(object, &file, template, foreign, parameters, &layers, &mut renderer)?);
    }
    let reads = Reads { files: files.iter().cloned().collect(), ..Reads::default() };
    let objects = Objects { list: made, files, reads: Arc::new(reads) };
    let mut lowered = Lowered::plain(Declaration::Given(objects.into()), RepoPath::root());
    lowered.path = None;
    lowered.laid.insert(file, Laid::value(&object.value, Target::Object(object.at.clone(), Pointer::root())));
    lowered.namespace = object.namespace().map(str::to_owned);
    Ok(lowered)
}

/// The template with what a generator's own says instead, and the fields that it says.
fn overridden(template: &Value, own: Option<&Value>) -> (Value, Vec<Pointer>) {
    let mut foreign = Vec::new();
    let Some(own) = own else { return (template.clone(), foreign) };
    fn lay(under: &mut Value, over: &Value, at: &Pointer, foreign: &mut Vec<Pointer>) {
        match (under, over) {
            (Value::Object(under), Value::Object(over)) => {
                for (key, value) in over {
                    match under.get_mut(key) {
                        Some(known) => lay(known, value, &at.join(key), foreign),
                        None => {
                            under.insert(key.clone(), value.clone());
                            foreign.push(at.join(key));
                        }
                    }
                }
            }
            // What is empty leaves the set's own.
            (_, Value::Null) => {}
            (_, Value::String(text)) if text.is_empty() => {}
            (under, over) => {
                *under = over.clone();
                foreign.push(at.clone());
            }
        }
    }
    let mut merged = template.clone();
    lay(&mut merged, own, &Pointer::root(), &mut foreign);
    (merged, foreign)
}

fn application(
    object: &Object,
    file: &RepoPath,
    template: &Value,
    foreign: &[Pointer],
    parameters: &Parameters,
    layers: &Layers,
    renderer: &mut Renderer<'_>,
) -> Result<Made, Refusal> {
    let base = Pointer::of(["spec", "template"]);
    let mut texts: Texts = BTreeMap::new();
    let place = |at: &Pointer, now: &Value| Place {
        file: file.clone(),
        document: 0,
        at: Pointer::of(base.tokens().iter().chain(at.tokens()).cloned()),
        now: now.clone(),
        label: format!("template {at}"),
    };
    let mut foreign = foreign.to_vec();
    let mut value = renderer.value(template, &Pointer::root(), parameters, layers, &place, &mut texts)?;
    let metadata = value.as_object_mut().map(|map| map.entry("metadata").or_insert_with(|| json!({})));
    if let Some(Value::Object(metadata)) = metadata {
        match object.namespace() {
            Some(namespace) => metadata.insert("namespace".to_owned(), namespace.into()),
            None => metadata.shift_remove("namespace"),
        };
        let keeps = object.get("/spec/syncPolicy/preserveResourcesOnDeletion") == Some(&json!(true));
        if !metadata.contains_key("finalizers") && !keeps && !parameters.is_empty() {
            metadata.insert("finalizers".to_owned(), json!([FINALIZER]));
        }
        foreign.extend(["namespace", "finalizers"].map(|key| Pointer::of(["metadata", key])));
    }
    if let Some(text) = object.text("/spec/templatePatch") {
        patch::apply(&mut value, text, file, parameters, layers, renderer, &mut texts, &mut foreign)?;
    }
    let mut whole = Map::from_iter([
        ("apiVersion".to_owned(), json!("argoproj.io/v1alpha1")),
        ("kind".to_owned(), json!("Application")),
    ]);
    if let Value::Object(map) = value {
        whole.extend(map.into_iter().filter(|(key, _)| matches!(key.as_str(), "metadata" | "spec")));
    }
    let name = whole.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
    if name.unwrap_or_default().is_empty() {
        let message = format!("{} makes an application without a name", object.at.id);
        return Err(Refusal::new(Code::StackUnreadable, message, "give its template a name"));
    }
    let now = base.get(&object.value).cloned().unwrap_or_default();
    let template = Place { file: file.clone(), document: 0, at: base, now, label: "template of the set".to_owned() };
    Ok(Made { value: Arc::new(Value::Object(whole)), template, texts, foreign })
}

/// The addresses and paths that a set names, to tell which repository is this one.
pub fn addresses(object: &Object) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut todo: Vec<&Value> = object.get("/spec/generators").into_iter().collect();
    while let Some(value) = todo.pop() {
        match value {
            Value::Object(map) => {
                if let Some(url) = map.get("repoURL").and_then(Value::as_str) {
                    for list in ["directories", "files"] {
                        let paths = map.get(list).and_then(Value::as_array).into_iter().flatten();
                        let paths = paths.filter_map(|item| item.get("path")?.as_str());
                        found.extend(paths.map(|path| (url.to_owned(), fixed(path))));
                    }
                }
                todo.extend(map.values());
            }
            Value::Array(items) => todo.extend(items),
            _ => {}
        }
    }
    if let Some(spec) = object.get("/spec/template") {
        let plain = |(url, path): &(String, String)| !url.contains("{{") && !path.contains("{{");
        found.extend(super::application::addresses(spec).into_iter().filter(plain));
    }
    found.retain(|(url, _)| !url.contains("{{"));
    found
}

/// The folders of a pattern before its first star.
fn fixed(pattern: &str) -> String {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[', '{']);
    pattern.split('/').take_while(is_plain).collect::<Vec<_>>().join("/")
}

/// The fields that say values: what an edit may change so that something deployed changes.
pub fn carries(at: &Pointer) -> bool {
    let tokens: Vec<&str> = at.tokens().iter().map(String::as_str).collect();
    match tokens[..] {
        ["spec", "generators", ..] | ["spec", "templatePatch"] => true,
        ["spec", "template", ref rest @ ..] => super::application::carries(&Pointer::of(rest.iter().copied())),
        _ => false,
    }
}
