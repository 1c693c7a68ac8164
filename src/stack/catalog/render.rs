//! One stack rendered in a world: from its files, or from the object that describes it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use serde_json::Value;

use crate::{
    engine::{Parsed, Rendered},
    model::refusal::{Code, Refusal},
    source::tree::SourceTree,
    stack::{
        Stack,
        lowered::Rendering,
        object::{Object, Reference, World},
        surroundings::Surroundings,
    },
};

/// Renders a stack; `active` are the stacks that are being rendered.
///
/// # Errors
/// What its engine refuses, and where a stack describes itself.
pub fn render(
    world: &dyn World,
    active: &RefCell<Vec<usize>>,
    position: usize,
    stack: &Stack,
    parsed: &Parsed,
) -> Result<Rendering, Refusal> {
    let Some(described) = &stack.described else {
        let rendered = stack.declaration.render(world.tree(), parsed)?;
        return Ok(Rendering { rendered: Rc::new(rendered), ..Rendering::default() });
    };
    if active.borrow().contains(&position) {
        let message = format!("the stack {} depends on itself", stack.name);
        return Err(Refusal::new(Code::StackUnreadable, message, "take the circle apart"));
    }
    active.borrow_mut().push(position);
    let recording = Recording { world, seen: RefCell::default(), missed: Cell::new(false) };
    let rendering = recording
        .object(&described.object)
        .and_then(|object| described.how.lower(&object, &recording))
        .and_then(|lowered| lowered.render(world.tree(), parsed));
    active.borrow_mut().pop();
    let missed = recording.missed.get();
    Ok(Rendering { references: recording.seen.into_inner(), missed, ..rendering? })
}

/// The object of a reference among what its stack renders to.
///
/// # Errors
/// `owner-not-found` where it is not there.
pub fn object(rendered: &Rendered, at: &Reference) -> Result<Object, Refusal> {
    let found = rendered.resources.iter().find(|resource| resource.lasting_id() == at.id || resource.id == at.id);
    found.map(|resource| Object { at: at.clone(), value: resource.value.clone() }).ok_or_else(|| {
        let message = format!("{} is not declared any more", at.id);
        Refusal::new(Code::OwnerNotFound, message, "declare it again")
    })
}

/// A world that remembers what was looked up in it.
struct Recording<'w> {
    world: &'w dyn World,
    seen: RefCell<Vec<(Reference, Arc<Value>)>>,
    missed: Cell<bool>,
}

impl Recording<'_> {
    fn record(&self, object: &Object) {
        self.seen.borrow_mut().push((object.at.clone(), object.value.clone()));
    }
}

impl World for Recording<'_> {
    fn tree(&self) -> &dyn SourceTree {
        self.world.tree()
    }

    fn surroundings(&self) -> &Surroundings {
        self.world.surroundings()
    }

    fn object(&self, at: &Reference) -> Result<Object, Refusal> {
        let object = self.world.object(at)?;
        self.record(&object);
        Ok(object)
    }

    fn find(&self, near: usize, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<Object> {
        let Some(object) = self.world.find(near, group, kind, namespace, name) else {
            self.missed.set(true);
            return None;
        };
        self.record(&object);
        Some(object)
    }
}
