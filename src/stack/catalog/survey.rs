//! Many stacks looked through at once, by as many threads as the machine has processors.
//!
//! Who looks for a resource wants to know what every stack declares. A render stays on the thread that made it, since its
//! origins are shared within it alone, but what it declares is little and can be handed over. What stacks come to does not
//! depend on the order in which they are rendered, so that nothing but time shows how many threads there were.

use std::{
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{Catalog, Contents, MAX_KEPT};
use crate::{
    engine::{Declaration, Parsed, Shared, at_once},
    model::refusal::Refusal,
    source::tree::SourceTree,
};

/// The fewest stacks for which it is worth while: of those that other threads rendered, nothing but the names is kept.
const FEWEST: usize = 4;

/// What some stacks declare, by their positions.
type Found = Vec<(usize, Result<Contents, Refusal>)>;

impl Catalog<'_> {
    /// Renders those of some stacks of which it is not known yet what they declare, several at a time, so that
    /// [`Catalog::contents`] has an answer for each.
    pub fn look_through(&self, stacks: impl IntoIterator<Item = usize>) {
        // What an object describes needs what others render to.
        let is_open = |stack: &usize| self.contents[*stack].get().is_none() && self.stacks[*stack].described.is_none();
        let open: Vec<(usize, &Declaration)> =
            stacks.into_iter().filter(is_open).map(|stack| (stack, &self.stacks[stack].declaration)).collect();
        let threads = if open.len() < FEWEST { 1 } else { at_once::threads(open.len()) };
        if threads < 2 {
            return;
        }
        let next = AtomicUsize::new(0);
        let (tree, shared) = (self.tree, self.parsed.shared());
        let found: Vec<Found> = thread::scope(|scope| {
            let workers: Vec<_> =
                (1..threads).map(|_| scope.spawn(|| look_through(tree, shared.clone(), &open, &next))).collect();
            // This thread remembers its renders as always.
            while let Some((stack, _)) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
                let _ = self.contents(*stack);
            }
            // What a thread did not get to is rendered when it is asked for.
            workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
        });
        for (stack, contents) in found.into_iter().flatten() {
            if let Err(refusal) = &contents {
                self.kept.borrow_mut().refused.insert(stack, refusal.clone());
            }
            let _ = self.contents[stack].set(contents.map(Rc::new));
        }
    }
}

/// Renders one stack after the other of those that are left.
fn look_through(tree: &dyn SourceTree, shared: Shared, open: &[(usize, &Declaration)], next: &AtomicUsize) -> Found {
    let (parsed, mut found) = (Parsed::with(shared), Vec::new());
    while let Some((stack, declaration)) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
        let rendered = declaration.render(tree, &parsed);
        if let Ok(rendered) = &rendered
            && parsed.values() > MAX_KEPT
        {
            parsed.forget(&rendered.files);
        }
        found.push((*stack, rendered.map(|rendered| Contents::of(&rendered))));
    }
    found
}
