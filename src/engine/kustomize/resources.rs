//! The objects of a build, each with what it was called before.
//!
//! Patches, references and merges find an object by any name that it has had, so every object remembers them. Kustomize keeps
//! this in annotations of the object that it removes in the end; here it is beside the object, and what those annotations do
//! to an object on the way (its map of annotations is always there) is done where it shows.
//!
//! References: `api/resmap/reswrangler.go` and `api/resource/resource.go` of Kustomize 5.5.0.

use std::collections::HashSet;

use super::{
    identity::{Gvk, Identity},
    leaf::SourceId,
    node::Node,
    problem::Problem,
};
use crate::source::{
    lineage::{sets::LeafId, text::Text},
    span::Span,
};

/// An object.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What it is.
    pub node: Node,
    /// What it was called before each change of its name, namespace or kind, oldest first.
    pub previous: Vec<Former>,
    /// The name prefixes that it was given, innermost first.
    pub prefixes: Vec<String>,
    /// The name suffixes that it was given, innermost first.
    pub suffixes: Vec<String>,
    /// What a generator makes of an object of its name that is there already.
    pub behavior: Behavior,
    /// Whether a hash of its content goes behind its name.
    pub needs_hash: bool,
    /// The variables that take their value from it.
    pub variables: Vec<String>,
    /// Where it is declared: the first byte of the object or of the generator's entry.
    pub declared: (SourceId, Span),
    /// The kustomizations that it went through, the innermost first, with what it was called when their transformers began.
    pub entered: Vec<(SourceId, Identity)>,
    /// What worked on it, in order.
    pub touched: Vec<Touch>,
    /// The keys whose entries are one node to Kustomize, wherever they stand in the object ([`super::sharing`]).
    pub shared: Vec<LeafId>,
}

/// What an object was called before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The effective namespace.
    pub namespace: String,
}

/// What a generator makes of an object of its name that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// Nothing is said, which is as `create`.
    #[default]
    Unspecified,
    /// Nothing may be there.
    Create,
    /// What is there is replaced, but for its metadata.
    Replace,
    /// The entries are merged into what is there.
    Merge,
}

/// A patch that worked on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The text that says the patch: a file, or a text in one.
    pub source: SourceId,
    /// The document in it, from 0.
    pub document: u32,
    /// Which kind of patch it is.
    pub kind: PatchKind,
}

/// Which kind of patch worked on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// A strategic merge patch: part of an object.
    Merge,
    /// A list of RFC 6902 operations.
    Operations,
}

/// The objects of a build, in the order of their loading.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// The objects.
    pub list: Vec<Resource>,
}

impl Resource {
    /// An object that a file declares.
    pub fn new(node: Node, declared: (SourceId, Span)) -> Self {
        Self {
            node,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: Behavior::Unspecified,
            needs_hash: false,
            variables: Vec::new(),
            declared,
            entered: Vec::new(),
            touched: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// What it is called now (`CurId`).
    pub fn id(&self) -> Identity {
        Identity::of_node(&self.node)
    }

    /// What it was called first (`OrgId`).
    pub fn first_id(&self) -> Identity {
        self.previous.first().map_or_else(|| self.id(), |former| self.former_id(former))
    }

    /// What it was called before, oldest first (`PrevIds`). Group and version are those of now, as in Kustomize.
    pub fn previous_ids(&self) -> impl Iterator<Item = Identity> + '_ {
        self.previous.iter().map(|former| self.former_id(former))
    }

    /// What it was ever called, oldest first, and what it is called now.
    pub fn any_ids(&self) -> impl Iterator<Item = Identity> + '_ {
        self.previous_ids().chain(std::iter::once(self.id()))
    }

    /// Remembers what it is called now, before that changes (`StorePreviousId`).
    pub fn remember_id(&mut self) {
        let id = self.id();
        let namespace = id.effective_namespace().to_owned();
        self.previous.push(Former { kind: id.gvk.kind, name: id.name, namespace });
    }

    /// Tells whether Kustomize keeps annotations of its own in the object by now, beside which its map of annotations is there.
    pub fn has_state(&self) -> bool {
        !self.previous.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.behavior != Behavior::Unspecified
            || self.needs_hash
    }

    /// Forgets what Kustomize keeps in annotations, where these are gone.
    pub fn forget_state(&mut self) {
        self.previous.clear();
        self.prefixes.clear();
        self.suffixes.clear();
        self.behavior = Behavior::Unspecified;
        self.needs_hash = false;
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        self.node.get("kind").and_then(Node::text).unwrap_or_default()
    }

    /// Sets `metadata.name`.
    pub fn set_name(&mut self, name: Text) {
        self.set_metadata("name", Node::string(name));
    }

    /// Sets `metadata.namespace`; an empty one is taken away.
    pub fn set_namespace(&mut self, namespace: Text) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata") {
                metadata.remove("namespace");
            }
        } else {
            self.set_metadata("namespace", Node::string(namespace));
        }
    }

    /// Sets a key of the metadata, which is made where it is not there.
    pub fn set_metadata(&mut self, key: &str, value: Node) {
        if self.node.get("metadata").is_none_or(Node::is_null) {
            self.node.set(super::node::made("metadata"), Node::map());
        }
        if let Some(metadata) = self.node.get_mut("metadata") {
            metadata.set(super::node::made(key), value);
        }
    }

    fn former_id(&self, former: &Former) -> Identity {
        let gvk = Gvk { kind: former.kind.clone(), ..Gvk::of_node(&self.node) };
        Identity { gvk, name: former.name.clone(), namespace: former.namespace.clone() }
    }
}

impl Resources {
    /// Adds an object.
    ///
    /// # Errors
    /// Where one of its identity is there.
    pub fn append(&mut self, resource: Resource) -> Result<(), Problem> {
        let id = resource.id();
        if self.list.iter().any(|known| known.id().equals(&id)) {
            return Err(registered(&resource, &id));
        }
        self.list.push(resource);
        Ok(())
    }

    /// Adds objects in their order.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_all(&mut self, others: Self) -> Result<(), Problem> {
        let key = |id: &Identity| (id.effective_namespace().to_owned(), id.gvk.clone(), id.name.clone());
        let mut known: HashSet<_> = self.list.iter().map(|resource| key(&resource.id())).collect();
        for resource in others.list {
            let id = resource.id();
            if !known.insert(key(&id)) {
                return Err(registered(&resource, &id));
            }
            self.list.push(resource);
        }
        Ok(())
    }

    /// The positions of the objects that have or had a fitting identity (`GetMatchingResourcesByAnyId`).
    pub fn with_any_id(&self, fits: impl Fn(&Identity) -> bool) -> Vec<usize> {
        let matches = |(_, resource): &(usize, &Resource)| resource.any_ids().any(|id| fits(&id));
        self.list.iter().enumerate().filter(matches).map(|(at, _)| at).collect()
    }

    /// The positions of the objects of a fitting identity (`GetMatchingResourcesByCurrentId`).
    pub fn with_id(&self, fits: impl Fn(&Identity) -> bool) -> Vec<usize> {
        self.list.iter().enumerate().filter(|(_, resource)| fits(&resource.id())).map(|(at, _)| at).collect()
    }
}

fn registered(resource: &Resource, id: &Identity) -> Problem {
    let (source, span) = resource.declared;
    Problem::broken(format!("may not add resource with an already registered id: {id}")).at(source, span)
}
