//! Many stacks looked through at once, by as many threads as the machine has processors.
//!
//! Who looks for a resource wants to know what every stack declares. A render stays on the thread that made it, since its
//! origins are shared within it alone, but what it declares is little and can be handed over. What stacks come to does not
//! depend on the order in which they are rendered, so that nothing but time shows how many threads there were.

use std::rc::Rc;

use super::{Catalog, Contents, MAX_KEPT};
use crate::engine::{Declaration, Parsed, at_once};

/// The fewest stacks for which it is worth while: of those that other threads rendered, nothing but the names is kept.
const FEWEST: usize = 4;

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
        let (tree, shared) = (self.tree, self.parsed.shared());
        let worker = || {
            let parsed = Parsed::with(shared.clone());
            move |_, (stack, declaration): &(usize, &Declaration)| {
                let rendered = declaration.render(tree, &parsed);
                if let Ok(rendered) = &rendered
                    && parsed.values() > MAX_KEPT
                {
                    parsed.forget(&rendered.files);
                }
                (*stack, rendered.map(|rendered| Contents::of(&rendered)))
            }
        };
        // This thread remembers its renders as always.
        let found = at_once::share(&open, threads, |_, (stack, _)| drop(self.contents(*stack)), worker);
        for (stack, contents) in found {
            if let Err(refusal) = &contents {
                self.kept.borrow_mut().refused.insert(stack, refusal.clone());
            }
            // A stack that was looked up meanwhile has the same answer.
            let _ = self.contents[stack].set(contents.map(Rc::new));
        }
    }
}
