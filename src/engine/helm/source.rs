//! Where a resource of a chart comes from: its origins, and the places at which a change of it could be written.

use std::{rc::Rc, sync::Arc};

use serde_json::Value;

use super::{
    chain,
    document::Document,
    lineage::Lineage,
    sites::{self, printed::Printed},
};
use crate::{
    engine::site::Site,
    model::{change::Change, pointer::Pointer, refusal::Refusal},
    source::{
        lineage::{Chain, Dependence, Lack, Origin, Spot},
        path::RepoPath,
    },
};

/// Where a resource of a chart comes from.
#[derive(Clone, Debug)]
pub struct Source {
    lineage: Rc<Lineage>,
    document: Rc<Document>,
    /// The resource's place in the document: the root, or an item of a list.
    base: Pointer,
    value: Arc<Value>,
    file: RepoPath,
    line: usize,
}

impl Source {
    /// A resource of a document.
    pub fn new(
        lineage: Rc<Lineage>,
        document: Rc<Document>,
        base: Pointer,
        value: Arc<Value>,
        file: RepoPath,
        line: Option<usize>,
    ) -> Self {
        Self { lineage, document, base, value, file, line: line.unwrap_or(1) }
    }

    /// The template and line that print the resource's first field.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        (&self.file, self.line)
    }

    /// The places that say a field, those that decide that it is printed last.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        super::origins::origins(&self.lineage, &self.printed(), at)
    }

    /// Where a step could be written.
    ///
    /// # Errors
    /// A refusal where the sources have no place that could say it.
    pub fn sites(&self, change: &Change, wanted: &Value) -> Result<Vec<Site>, Refusal> {
        sites::sites(&self.lineage, &self.printed(), change, &self.value, wanted)
    }

    /// How a field came to be; nothing where there is no such field.
    pub fn chain(&self, at: &Pointer) -> Option<Chain> {
        chain::chain(&self.lineage, &self.printed(), at)
    }

    /// What makes a field anew in every render, where something does.
    pub fn volatile(&self, at: &Pointer) -> Option<&'static str> {
        self.lineage.volatile(&self.printed().block(at))
    }

    /// The fields that depend on a spot, of those that are asked for.
    pub fn dependents(&self, fields: &[Pointer], spot: &Spot<'_>) -> Vec<(Pointer, Dependence)> {
        chain::dependents(&self.lineage, &self.printed(), fields, spot)
    }

    /// Why the resource has no field at a pointer.
    pub fn lack(&self, at: &Pointer) -> Lack {
        chain::lack(&self.lineage, &self.printed(), &self.value, at)
    }

    fn printed(&self) -> Printed<'_> {
        Printed { document: &self.document, base: &self.base }
    }
}
