//! Where an object of a kustomization comes from: its origins, and the place at which a change of it could be written.

use std::rc::Rc;

use serde_json::Value;

use super::{
    leaf::{Leaf, SourceId},
    node::{Content, Node},
    provenance::Lineage,
};
use crate::{
    engine::site::Site,
    model::{
        change::Change,
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        lineage::{Dependence, Origin, Spot, text::MadeOf},
        path::RepoPath,
        span::Span,
        yaml::resolve::Reader,
    },
};

/// Where an object of a kustomization comes from.
#[derive(Clone, Debug)]
pub struct Source {
    lineage: Rc<Lineage>,
    node: Rc<Node>,
    declared: (SourceId, Span),
}

impl Source {
    /// An object of a build.
    pub fn new(lineage: Rc<Lineage>, node: Rc<Node>, declared: (SourceId, Span)) -> Self {
        Self { lineage, node, declared }
    }

    /// The file and line at which the object, or what generates it, begins.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        let (source, span) = self.declared;
        self.lineage.place(source, span)
    }

    /// The places that say a field, in the order of what they say in it.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        let mut found = Vec::new();
        let Some(node) = self.find(at) else { return found };
        for (leaf, bytes) in self.leaves(node) {
            if let Some(origin) = self.lineage.origin(leaf, bytes)
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

    /// Where a step could be written: where the last writer of the place says it, if that is a node of a file.
    ///
    /// # Errors
    /// A refusal where no such node says it.
    pub fn sites(&self, change: &Change, _wanted: &Value) -> Result<Vec<Site>, Refusal> {
        let mut sites = Vec::new();
        let node = self.find(&change.at);
        let leaves = node.map(|node| self.leaves(node)).unwrap_or_default();
        for (leaf, _) in leaves.iter().rev() {
            let Some((file, document, base)) = self.lineage.node_in_file(leaf) else { continue };
            let change = Change { at: Pointer::root(), action: change.action.clone() };
            let site = Site::in_document(file.clone(), document as usize, &base, &change, Reader::Kustomize);
            if !sites.contains(&site) {
                sites.push(site);
            }
        }
        if sites.is_empty() {
            let (file, line) = self.declared_at();
            let why = format!("{} is not a value of a YAML file that could be edited alone", change.at);
            let refusal = Refusal::new(Code::NotExpressible, why, "change the kustomization by hand");
            return Err(refusal.at(file, Some(line)));
        }
        Ok(sites)
    }

    fn find(&self, at: &Pointer) -> Option<&Node> {
        at.tokens().iter().try_fold(&*self.node, |node, token| match &node.content {
            Content::Map(_) => node.get(token),
            Content::List(items) => items.get(token.parse::<usize>().ok()?),
            Content::Scalar(_) => None,
        })
    }

    /// What says a node, with the bytes of it that are in a scalar.
    fn leaves(&self, node: &Node) -> Vec<(&Leaf, Option<(usize, usize)>)> {
        let places = || self.lineage.leaves(node.places).map(|leaf| (leaf, None)).collect();
        let Content::Scalar(scalar) = &node.content else { return places() };
        let mut found = Vec::new();
        for slice in scalar.text.slices(0..scalar.text.len()) {
            let bytes = match slice.made_of {
                MadeOf::Verbatim { offset, .. } => Some((offset as usize, offset as usize + slice.range.len())),
                MadeOf::Derived(_) => None,
            };
            found.extend(self.lineage.leaves(slice.made_of.set()).map(|leaf| (leaf, bytes)));
        }
        if found.is_empty() { places() } else { found }
    }
}
