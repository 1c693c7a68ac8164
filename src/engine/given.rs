//! Objects that are not rendered from files but made of what other objects and files say: the applications of a set.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use serde_json::Value;

use super::{
    Rendered, Resource,
    parts::{self, Part, Place},
    reads::Reads,
    site::{Found, Site},
    window::as_text,
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
        path::RepoPath,
        span::Span,
    },
};

/// Objects with what says their fields.
#[derive(Clone, Debug)]
pub struct Objects {
    /// The objects.
    pub list: Vec<Object>,
    /// The files that were read for them.
    pub files: Vec<RepoPath>,
    /// The files that may be read for them.
    pub reads: Arc<Reads>,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Object {
    /// All of it.
    pub value: Arc<Value>,
    /// What it is made from as a whole: a field has the same place below it, unless it is among the texts.
    pub template: Place,
    /// The texts that are put together.
    pub texts: BTreeMap<Pointer, Vec<Part>>,
    /// The fields that the template does not have in the same place.
    pub foreign: Vec<Pointer>,
}

/// Where an object comes from.
#[derive(Clone, Debug)]
pub struct Source(Rc<Object>);

/// The objects as a stack renders them.
pub fn render(objects: &Objects) -> Rendered {
    let mut rendered = Rendered::default();
    rendered.files.extend(objects.files.iter().cloned());
    for object in &objects.list {
        let text = |at: &str| object.value.pointer(at).and_then(Value::as_str).map(str::to_owned);
        rendered.resources.push(Resource {
            id: ResourceId::Kubernetes(KubernetesId {
                api_version: text("/apiVersion").unwrap_or_default(),
                kind: text("/kind").unwrap_or_default(),
                namespace: text("/metadata/namespace"),
                name: text("/metadata/name").unwrap_or_default(),
            }),
            stem: None,
            value: object.value.clone(),
            source: super::Source::Given(Source(Rc::new(object.clone()))),
        });
    }
    rendered
}

impl Source {
    /// The file in which the object is described. Its line is not known here.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        (&self.0.template.file, 1)
    }

    /// The places that say a field.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        let origin = |place: &Place| Origin {
            file: place.file.clone(),
            line: 1,
            span: Span::empty(0),
            role: Role::Literal,
            address: Address::Yaml { document: place.document, at: place.at.clone() },
        };
        match self.0.texts.get(at) {
            Some(parts) => parts.iter().map(|part| origin(&part.place)).collect(),
            None => self.place(at).iter().map(origin).collect(),
        }
    }

    /// Where a step could be written.
    ///
    /// # Errors
    /// `not-expressible` where nothing says the field.
    pub fn sites(&self, step: &Change) -> Result<Vec<Site>, Refusal> {
        let mut found = Found::default();
        if let (Action::Set(value), Some(parts)) = (&step.action, self.0.texts.get(&step.at))
            && let Some(old) = step.at.get(&self.0.value).map(as_text)
        {
            found.add(parts::set(parts, &old, value));
        }
        if let Some(place) = self.place(&step.at) {
            let at = place.at.clone();
            found.add([place.change(Change { at, action: step.action.clone() })]);
        }
        found.into_sites(|| {
            let message = format!("nothing in this repository that could be edited says {}", step.at);
            let (file, _) = self.declared_at();
            Refusal::new(Code::NotExpressible, message, "change what generates it by hand").at(file, None)
        })
    }

    /// The same field of what the object is made from.
    fn place(&self, at: &Pointer) -> Option<Place> {
        let object = &*self.0;
        let is_text = object.texts.keys().any(|text| at.is_within(text));
        if is_text || object.foreign.iter().any(|foreign| at.is_within(foreign)) {
            return None;
        }
        let now = at.get(&object.template.now)?.clone();
        let tokens = object.template.at.tokens().iter().chain(at.tokens()).cloned();
        Some(Place { at: Pointer::of(tokens), now, ..object.template.clone() })
    }
}
