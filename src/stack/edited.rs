//! A repository as it would be after an edit: which stacks that touches, and what they would render to.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    catalog::{Catalog, render},
    lowered::Rendering,
    object::{Object, Reference, World},
    surroundings::Surroundings,
};
use crate::{
    engine::Rendered,
    model::{refusal::Refusal, value::same},
    source::{path::RepoPath, tree::SourceTree},
};

/// The stacks of a repository after an edit.
pub struct Edited<'c, 't> {
    catalog: &'c Catalog<'t>,
    tree: &'c dyn SourceTree,
    files: BTreeSet<&'c RepoPath>,
    rendered: RefCell<HashMap<usize, Result<Rc<Rendering>, Refusal>>>,
    active: RefCell<Vec<usize>>,
}

impl<'c, 't> Edited<'c, 't> {
    /// The repository with `files` as they are in `tree`.
    pub fn new(
        catalog: &'c Catalog<'t>,
        tree: &'c dyn SourceTree,
        files: impl IntoIterator<Item = &'c RepoPath>,
    ) -> Self {
        let files = files.into_iter().collect();
        Self { catalog, tree, files, rendered: RefCell::default(), active: RefCell::default() }
    }

    /// Tells whether a stack may render otherwise: it may read an edited file, or an object that it depends on has changed.
    pub fn touches(&self, stack: usize) -> bool {
        let declared = self.catalog.stack(stack);
        if self.files.iter().any(|file| declared.declaration.may_read(file)) {
            return true;
        }
        let Some(described) = &declared.described else { return false };
        if !self.files.iter().any(|file| self.catalog.may_read(stack, file)) {
            return false;
        }
        let is_same =
            |at: &Reference, before: &serde_json::Value| self.object(at).is_ok_and(|after| same(before, &after.value));
        match self.catalog.rendering(stack) {
            Ok(rendering) => rendering.references.iter().any(|(at, before)| !is_same(at, before)),
            Err(_) => {
                self.catalog.object(&described.object).is_ok_and(|before| !is_same(&described.object, &before.value))
            }
        }
    }

    /// What a stack renders to after the edit.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendered(&self, stack: usize) -> Result<Rc<Rendered>, Refusal> {
        self.rendering(stack).map(|rendering| rendering.rendered.clone())
    }

    fn rendering(&self, stack: usize) -> Result<Rc<Rendering>, Refusal> {
        if let Some(known) = self.rendered.borrow().get(&stack) {
            return known.clone();
        }
        let rendering = if self.touches(stack) {
            let (declared, memory) = (self.catalog.stack(stack), self.catalog.memory());
            render::render(self, &self.active, stack, declared, memory).map(Rc::new)
        } else {
            self.catalog.rendering(stack)
        };
        self.rendered.borrow_mut().insert(stack, rendering.clone());
        rendering
    }
}

impl World for Edited<'_, '_> {
    fn tree(&self) -> &dyn SourceTree {
        self.tree
    }

    fn surroundings(&self) -> &Surroundings {
        self.catalog.surroundings()
    }

    fn object(&self, at: &Reference) -> Result<Object, Refusal> {
        let rendered = self.rendered(at.stack)?;
        render::object(&rendered, at)
    }

    fn find(&self, near: usize, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<Object> {
        let found = self.catalog.referable(near, (group, kind), namespace, name);
        if let Some(object) = found.iter().find_map(|at| self.object(at).ok()) {
            return Some(object);
        }
        // Its name may have moved with its content.
        let holders: BTreeSet<usize> = self.catalog.chain(near).collect();
        holders.into_iter().find_map(|stack| {
            let rendered = self.rendered(stack).ok()?;
            let named = |resource: &&crate::engine::Resource| match &resource.id {
                crate::model::resource::ResourceId::Kubernetes(id) => {
                    super::object::is_named(id, group, kind, namespace, name)
                }
                _ => false,
            };
            let resource = rendered.resources.iter().find(named)?;
            Some(Object { at: Reference { stack, id: resource.id.clone() }, value: resource.value.clone() })
        })
    }
}
