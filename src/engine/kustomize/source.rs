//! Where an object of a kustomization comes from: its origins, and the place at which a change of it could be written.

use std::{rc::Rc, sync::Arc};

use serde_json::Value;

use super::{
    kustomization::Kustomization,
    leaf::Leaf,
    node::{Content, Node},
    provenance::Lineage,
    resources::Resource,
    schema::Definitions,
    sites::{self, Built},
};
use crate::{
    engine::site::Site,
    model::{change::Change, pointer::Pointer, refusal::Refusal},
    source::{
        lineage::{Dependence, Origin, Spot, text::MadeOf},
        path::RepoPath,
        span::Span,
    },
};

/// What the objects of one build share.
#[derive(Debug)]
pub struct Whole {
    /// The origins.
    pub lineage: Lineage,
    /// The kustomizations that were built on the way, the outermost first.
    pub kustomizations: Vec<Kustomization>,
    /// What is known of the kinds' lists.
    pub definitions: Arc<Definitions>,
}

/// Where an object of a kustomization comes from.
#[derive(Clone, Debug)]
pub struct Source {
    whole: Rc<Whole>,
    resource: Rc<Resource>,
    value: Arc<Value>,
}

impl Source {
    /// An object of a build, and what it comes to.
    pub fn new(whole: Rc<Whole>, resource: Rc<Resource>, value: Arc<Value>) -> Self {
        Self { whole, resource, value }
    }

    /// The file and line at which the object, or what generates it, begins.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        let (source, span) = self.resource.declared;
        self.whole.lineage.place(source, span)
    }

    /// The places that say a field, in the order of what they say in it.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        let mut found = Vec::new();
        let Some(node) = self.find(at) else { return found };
        for (leaf, bytes) in self.leaves(node) {
            if let Some(origin) = self.whole.lineage.origin(leaf, bytes)
                && !found.contains(&origin)
            {
                found.push(origin);
            }
        }
        found
    }

    /// The fields that depend on a spot, of those that are asked for.
    pub fn dependents(&self, fields: &[Pointer], spot: &Spot<'_>) -> Vec<(Pointer, Dependence)> {
        let Spot::Bytes(file, span, _) = spot else { return Vec::new() };
        let meets = |origin: &Origin| {
            let own = origin.span;
            let holds = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
            origin.file == **file && (holds(own, *span) || holds(*span, own))
        };
        let moved = fields.iter().filter(|at| self.origins(at).iter().any(meets));
        moved.map(|at| (at.clone(), Dependence::Data)).collect()
    }

    /// Where each step of a change could be written.
    ///
    /// # Errors
    /// A refusal where no file that may be edited says anything of one.
    pub fn sites(&self, steps: &[Change], wanted: &Value) -> Result<Vec<Vec<Site>>, Refusal> {
        let Whole { lineage, kustomizations, definitions } = &*self.whole;
        let (resource, declared) = (&*self.resource, &*self.value);
        sites::sites(&Built { lineage, kustomizations, definitions, resource, declared, wanted }, steps)
    }

    fn find(&self, at: &Pointer) -> Option<&Node> {
        at.tokens().iter().try_fold(&self.resource.node, |node, token| match &node.content {
            Content::Map(_) => node.get(token),
            Content::List(items) => items.get(token.parse::<usize>().ok()?),
            Content::Scalar(_) => None,
        })
    }

    /// What says a node, with the bytes of it that are in a scalar.
    fn leaves(&self, node: &Node) -> Vec<(&Leaf, Option<(usize, usize)>)> {
        let places = || self.whole.lineage.leaves(node.places).map(|leaf| (leaf, None)).collect();
        let Content::Scalar(scalar) = &node.content else { return places() };
        let mut found = Vec::new();
        for slice in scalar.text.slices(0..scalar.text.len()) {
            let bytes = match slice.made_of {
                MadeOf::Verbatim { offset, .. } => Some((offset as usize, offset as usize + slice.range.len())),
                MadeOf::Derived(_) => None,
            };
            found.extend(self.whole.lineage.leaves(slice.made_of.set()).map(|leaf| (leaf, bytes)));
        }
        if found.is_empty() { places() } else { found }
    }
}
