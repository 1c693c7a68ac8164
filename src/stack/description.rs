//! The kinds of objects that describe stacks, and what each comes to.

use serde_json::Value;

use super::{
    argocd::{self, application, application_set},
    flux::{self, helm_release, kustomization},
    lowered::Lowered,
    object::{Object, World, is_kind},
};
use crate::{
    engine::reads::Reads,
    model::{
        pointer::Pointer,
        refusal::Refusal,
        resource::{KubernetesId, ResourceId},
    },
    source::path::RepoPath,
    stack::surroundings::normal,
};

/// How an object describes a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A source of an Argo CD application, by its place in the object.
    Application(Pointer),
    /// The applications of a set.
    ApplicationSet,
    /// What a Flux `Kustomization` builds.
    Kustomization,
    /// What a Flux `HelmRelease` installs.
    HelmRelease,
}

/// The stacks that an object describes.
pub fn of(object: &Object) -> Vec<How> {
    let is = |group: &str, kind: &str| is_kind(&object.at.id, group, kind);
    if is(argocd::GROUP, "Application") {
        application::sources(&object.value).into_iter().map(How::Application).collect()
    } else if is(argocd::GROUP, "ApplicationSet") {
        vec![How::ApplicationSet]
    } else if is(flux::KUSTOMIZE, "Kustomization") {
        vec![How::Kustomization]
    } else if is(flux::HELM, "HelmRelease") {
        vec![How::HelmRelease]
    } else {
        Vec::new()
    }
}

/// Tells whether other objects may refer to one of this identity.
pub fn is_referable(id: &ResourceId) -> bool {
    let ResourceId::Kubernetes(id) = id else { return false };
    matches!(id.group(), flux::SOURCE | flux::EXTENSIONS)
        || (id.group().is_empty() && matches!(id.kind.as_str(), "ConfigMap" | "Secret"))
}

/// The kinds and names under which others refer to an object: its own, and those of the artifacts that it makes.
pub fn names(id: &KubernetesId, object: &Value) -> Vec<(String, String)> {
    if id.group() != flux::EXTENSIONS {
        return vec![(id.kind.clone(), id.name.clone())];
    }
    let artifacts = object.pointer("/spec/artifacts").and_then(Value::as_array).into_iter().flatten();
    let names = artifacts.filter_map(|artifact| artifact.get("name")?.as_str());
    names.map(|name| ("ExternalArtifact".to_owned(), name.to_owned())).collect()
}

/// The addresses and paths that an object names, to tell which repository is this one.
pub fn addresses(object: &Object, how: &How, world: &dyn World) -> Vec<(String, RepoPath)> {
    let named: Vec<(String, String)> = match how {
        How::Application(_) => application::addresses(&object.value),
        How::ApplicationSet => application_set::addresses(object),
        How::Kustomization => kustomization::address(object, world).into_iter().collect(),
        How::HelmRelease => Vec::new(),
    };
    let resolved = named.into_iter().filter_map(|(url, path)| {
        let path = RepoPath::root().resolve(path.trim_start_matches('/')).ok()?;
        Some((normal(&url), path))
    });
    resolved.collect()
}

impl How {
    /// What an object comes to that describes a stack in this way.
    ///
    /// # Errors
    /// `stack-unreadable` where the field's tool fails as well; `engine-unsupported` where it would go on.
    pub fn lower(&self, object: &Object, world: &dyn World) -> Result<Lowered, Refusal> {
        match self {
            Self::Application(at) => application::lower(object, at, world),
            Self::ApplicationSet => application_set::lower(object, world),
            Self::Kustomization => kustomization::lower(object, world),
            Self::HelmRelease => helm_release::lower(object, world),
        }
    }

    /// The files that are read where an object cannot be lowered, as far as its text tells.
    pub fn may_read(&self, object: &Object, world: &dyn World) -> Reads {
        match self {
            Self::Application(at) => application::may_read(object, at, world),
            Self::HelmRelease => helm_release::may_read(object),
            Self::Kustomization => kustomization::may_read(object, world),
            Self::ApplicationSet => Reads::default(),
        }
    }

    /// Tells whether a field of such an object says a value of what is deployed, so that an edit may change it with that.
    pub fn carries(&self, at: &Pointer) -> bool {
        match self {
            Self::Application(_) => application::carries(at),
            Self::ApplicationSet => application_set::carries(at),
            Self::Kustomization => kustomization::carries(at),
            Self::HelmRelease => helm_release::carries(at),
        }
    }

    /// Its place among the kinds.
    pub fn rank(&self) -> usize {
        match self {
            Self::Application(_) => 0,
            Self::ApplicationSet => 1,
            Self::Kustomization => 2,
            Self::HelmRelease => 3,
        }
    }

    /// The kind of the object.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Application(_) => "Application",
            Self::ApplicationSet => "ApplicationSet",
            Self::Kustomization => "Kustomization",
            Self::HelmRelease => "HelmRelease",
        }
    }
}
