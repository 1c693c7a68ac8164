//! The variables of one file: a handful of them is searched faster than hashed.

use std::collections::HashSet;

use crate::source::lineage::hash::Seeded;

/// The variables that can be seen at a place, in the order of their declarations, each once.
#[derive(Default)]
pub(super) struct Variables<'t> {
    names: Vec<&'t str>,
    /// The same, once they were many.
    many: Option<HashSet<&'t str, Seeded>>,
}

/// The variables that are searched one by one.
const FEW: usize = 16;

impl<'t> Variables<'t> {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Tells whether a variable can be seen.
    pub(super) fn contains(&self, name: &str) -> bool {
        match &self.many {
            Some(many) => many.contains(name),
            None => self.names.contains(&name),
        }
    }

    /// Declares a variable, unless it can be seen already.
    pub(super) fn declare(&mut self, name: &'t str) {
        if self.contains(name) {
            return;
        }
        self.names.push(name);
        match &mut self.many {
            Some(many) => {
                many.insert(name);
            }
            None if self.names.len() > FEW => self.many = Some(self.names.iter().copied().collect()),
            None => {}
        }
    }

    /// Ends the scope of the variables behind the first so many.
    pub(super) fn truncate(&mut self, len: usize) {
        for gone in self.names.drain(len..) {
            self.many.iter_mut().for_each(|many| {
                many.remove(gone);
            });
        }
    }
}
