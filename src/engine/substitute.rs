//! Variables in built objects, as Flux substitutes them: `postBuild.substitute`.
//!
//! Each object is printed, its variables are expanded in the text, and the text is read again: a number that a variable
//! says is a number in the object. Reference: `kustomize/kustomize_varsub.go` of fluxcd/pkg.

pub mod expand;

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use serde_json::Value;

use self::expand::{Expanded, expand};
use super::{
    Printout, Rendered, Resource,
    parts::{self, Part, Place},
    site::{Found, Lists, Site},
    window::{Window, as_text},
};
use crate::{
    model::{
        change::{Action, Change},
        pointer::Pointer,
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
    },
    source::{
        lineage::{Address, Origin, Role},
        span::Span,
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

/// What is said of variables and of the metadata that all objects have in common.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// The variables by name. Without any, nothing is expanded.
    pub known: BTreeMap<String, Variable>,
    /// Whether the cluster knows more variables: what mentions others is left as it is.
    pub is_open: bool,
    /// Labels and annotations that every object gets, by the field that holds them.
    pub common: Vec<(Pointer, Place)>,
}

/// A variable.
#[derive(Clone, Debug)]
pub enum Variable {
    /// What it is, without line breaks, and where that is written.
    Said(String, Place),
    /// Something that only the cluster knows: what mentions it is left as it is.
    Withheld,
}

impl Variables {
    /// Whether anything would be done with an object.
    pub fn is_any(&self) -> bool {
        !self.known.is_empty() || self.is_open || !self.common.is_empty()
    }
}

/// A label or annotation with which an object keeps its dollar signs.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// An object whose variables are expanded.
#[derive(Clone, Debug)]
pub struct Source {
    inner: Rc<Resource>,
    variables: Rc<Variables>,
    /// Whether its variables were expanded.
    is_expanded: bool,
}

/// Expands the variables of all objects; `print` says how an object is printed.
///
/// # Errors
/// `stack-unreadable` where a text cannot be expanded, or is no object afterwards.
pub fn substitute(
    rendered: Rendered,
    variables: Variables,
    print: &dyn Fn(&Value) -> Result<String, Refusal>,
) -> Result<Rendered, Refusal> {
    let variables = Rc::new(variables);
    let mut resources = Vec::with_capacity(rendered.resources.len());
    for resource in &rendered.resources {
        let mut value = (*resource.value).clone();
        let is_off = ["labels", "annotations"].iter().any(|map| {
            let said = Pointer::of(["metadata", map, SWITCH]);
            said.get(&value).and_then(Value::as_str) == Some("disabled")
        });
        let is_expanded = !is_off && (!variables.known.is_empty() || variables.is_open);
        if is_expanded && mentions(&value) {
            let text = print(&value)?;
            let expanded = expand(&text, &variables).map_err(|why| broken(resource, &why.to_string()))?;
            value = reread(&expanded.text).ok_or_else(|| broken(resource, "the result is no object"))?;
        }
        for (at, place) in &variables.common {
            insert(&mut value, at, place.now.clone());
        }
        let value = Arc::new(value);
        resources.push(Resource {
            id: id(&value),
            stem: resource.stem.clone(),
            value,
            source: super::Source::Substituted(Source {
                inner: Rc::new(resource.clone()),
                variables: variables.clone(),
                is_expanded,
            }),
        });
    }
    Ok(Rendered { resources, printed: Printout::Kustomized, ..rendered })
}

fn broken(resource: &Resource, why: &str) -> Refusal {
    let (file, line) = resource.declared_at();
    let message = format!("the variables of {} cannot be expanded: {why}", resource.id);
    Refusal::new(Code::StackUnreadable, message, "`flux build kustomization` shows the same; mend the text")
        .at(file, Some(line))
}

fn reread(text: &str) -> Option<Value> {
    let stream = parse(text).ok()?;
    let document = stream.documents.first()?;
    value(document, document.root?, Reader::Manifest).ok().filter(Value::is_object)
}

fn id(value: &Value) -> ResourceId {
    let text = |at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    ResourceId::Kubernetes(KubernetesId {
        api_version: text("/apiVersion").unwrap_or_default(),
        kind: text("/kind").unwrap_or_default(),
        namespace: text("/metadata/namespace").filter(|namespace| !namespace.is_empty()),
        name: text("/metadata/name").unwrap_or_default(),
    })
}

/// Tells whether a value says a dollar sign anywhere.
fn mentions(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('$'),
        Value::Array(items) => items.iter().any(mentions),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('$') || mentions(value)),
        _ => false,
    }
}

fn insert(into: &mut Value, at: &Pointer, what: Value) {
    let Some((last, above)) = at.tokens().split_last() else { return };
    let mut map = into;
    for token in above {
        let Value::Object(entries) = map else { return };
        map = entries.entry(token.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
        if map.is_null() {
            *map = Value::Object(serde_json::Map::new());
        }
    }
    if let Value::Object(entries) = map {
        entries.insert(last.clone(), what);
    }
}

impl Source {
    /// The object before its variables were expanded.
    pub fn inner(&self) -> &Resource {
        &self.inner
    }

    /// The places that say a field.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        let origin = |place: &Place, role: Role| Origin {
            file: place.file.clone(),
            line: 1,
            span: Span::empty(0),
            role,
            address: Address::Yaml { document: place.document, at: place.at.clone() },
        };
        if let Some((_, place)) = self.variables.common.iter().find(|(field, _)| field == at) {
            return vec![origin(place, Role::Entry)];
        }
        let mut found = self.inner.origins(at);
        let parts = self.expanded(at).map(|(_, expanded)| expanded.parts).unwrap_or_default();
        found.extend(parts.iter().filter_map(|part| part.place.as_ref()).map(|place| origin(place, Role::Value)));
        found
    }

    /// Where each step of the change to the wanted object could be written.
    ///
    /// # Errors
    /// A refusal where nothing says one.
    pub fn sites(&self, steps: &[Change]) -> Result<Vec<Vec<Site>>, Refusal> {
        let mut found: Vec<Found> = steps.iter().map(|_| Found::default()).collect();
        let mut inner = (*self.inner.value).clone();
        let (mut below, mut fits) = (Vec::new(), true);
        for (step, found) in steps.iter().zip(&mut found) {
            let common = self.variables.common.iter().find(|(field, _)| *field == step.at);
            if let (Some((_, place)), Action::Set(value)) = (common, &step.action) {
                found.add([place.set(value.clone())]);
            }
            let mut own = Change { at: step.at.clone(), action: self.escaped(&step.action) };
            if let (Action::Set(value), Some((_, expanded))) = (&step.action, self.expanded(&step.at)) {
                found.add(parts::set(&said(&expanded), &expanded.text, value));
                // The text beside the variables is the object's own.
                if let Some(text) = literal(&expanded, &as_text(value)) {
                    own.action = Action::Set(Value::String(text));
                }
            }
            fits &= own.apply(&mut inner);
            below.push(own);
        }
        let sites =
            if fits { self.inner.sites(&below, &inner, Lists::Unclear) } else { Ok(vec![Vec::new(); steps.len()]) };
        match sites {
            Ok(sites) => found.iter_mut().zip(sites).for_each(|(found, sites)| found.add(sites)),
            Err(refusal) => {
                let sites: Vec<Vec<Site>> =
                    found.into_iter().map(|found| found.into_sites(|| refusal.clone())).collect::<Result<_, _>>()?;
                return Ok(sites);
            }
        }
        let nowhere = |step: &Change| {
            let (file, line) = self.inner.declared_at();
            let message = format!("a variable stands in the way to {}", step.at);
            Refusal::new(Code::NotExpressible, message, "change the source by hand").at(file, Some(line))
        };
        found.into_iter().zip(steps).map(|(found, step)| found.into_sites(|| nowhere(step))).collect()
    }

    /// A text of the object with what it comes to, where it has variables.
    fn expanded(&self, at: &Pointer) -> Option<(&str, Expanded)> {
        let text = at.get(&self.inner.value)?.as_str()?;
        if !self.is_expanded || !text.contains('$') {
            return None;
        }
        Some((text, expand(text, &self.variables).ok()?))
    }

    /// A step with its dollar signs doubled where they would begin a variable.
    fn escaped(&self, action: &Action) -> Action {
        if !self.is_expanded {
            return action.clone();
        }
        match action {
            Action::Set(value) => Action::Set(doubled(value)),
            Action::AddKey { key, value } => Action::AddKey { key: key.clone(), value: doubled(value) },
            Action::AddItem { index, value } => Action::AddItem { index: *index, value: doubled(value) },
            Action::Remove => Action::Remove,
        }
    }
}

fn doubled(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("$$", "$$$$").replace("${", "$${")),
        Value::Array(items) => items.iter().map(doubled).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), doubled(value))).collect(),
        other => other.clone(),
    }
}

/// The parts that variables say.
fn said(expanded: &Expanded) -> Vec<Part> {
    let part = |part: &expand::Part| {
        Some(Part { range: part.range.clone(), place: part.place.clone()?, offset: part.is_whole.then_some(0) })
    };
    expanded.parts.iter().filter_map(part).collect()
}

/// The unexpanded text that gives a new one, where all that differs is no variable's.
fn literal(expanded: &Expanded, new: &str) -> Option<String> {
    let window = Window::between(&expanded.text, new);
    let holds = |part: &&expand::Part| {
        let own = &part.range;
        part.written.is_some() && own.start <= window.start && window.end <= own.end
    };
    let part = expanded.parts.iter().find(holds)?;
    let written = part.written.clone()?;
    let replaced = window.replaced(&expanded.text, &part.range).replace("$$", "$$$$").replace("${", "$${");
    Some(format!("{}{replaced}{}", &expanded.source[..written.start], &expanded.source[written.end..]))
}
