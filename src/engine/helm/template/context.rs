//! What one render carries along: its origins, its limits, and the version that it behaves like.

use super::{
    fault::Fault,
    leaf::{Leaf, Paths},
};
use crate::{
    engine::go::runes::Classes,
    engine::helm::functions::{regex::pattern::Patterns, yaml::streams::Streams},
    source::lineage::sets::{SetId, Sets},
};

/// The state of one render that functions may use.
#[derive(Debug, Default)]
pub struct Context {
    /// All origins and sets of them.
    pub sets: Sets<Leaf>,
    /// All paths into values.
    pub paths: Paths,
    /// What may still be used up.
    pub budget: Budget,
    /// What differs between versions of Helm.
    pub profile: Profile,
    /// The regular expressions that were compiled.
    pub patterns: Patterns,
    /// The texts that were read as YAML.
    pub streams: Streams,
    /// Properties of characters.
    pub classes: Classes,
    /// What decided that the action which is being evaluated is evaluated at all.
    pub control: SetId,
}

/// What differs between versions of Helm and the Go that they are built with; the default is helm 3.17.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// `range 3` iterates (Go 1.24, helm 3.18 and later) instead of failing.
    pub ranges_over_integers: bool,
}

/// What one render may use up.
#[derive(Debug)]
pub struct Budget {
    steps: u64,
    bytes: u64,
}

/// The nodes and items that one render may go through; the largest honest chart takes 16,165 nodes.
pub const MAX_STEPS: u64 = 5_000_000;

/// The longest text that a function may make. One public chart (bitnami's envoy-gateway) prints all that it is, 9.8 MB of file
/// contents included, as the key of a map that nothing reads, and does so ten times.
pub const MAX_TEXT: usize = 16 << 20;

/// The bytes that all functions and templates of one render may make together.
pub const MAX_BYTES: u64 = 128 << 20;

/// The longest list that a function may make.
pub const MAX_ITEMS: usize = 100_000;

/// The deepest nesting of maps and lists that is walked.
pub const MAX_NESTING: usize = 256;

impl Default for Budget {
    fn default() -> Self {
        Self { steps: MAX_STEPS, bytes: MAX_BYTES }
    }
}

impl Budget {
    /// What is left, in steps and bytes.
    pub fn left(&self) -> (u64, u64) {
        (self.steps, self.bytes)
    }

    /// Tells whether more than half is left.
    pub fn is_ample(&self) -> bool {
        self.steps > MAX_STEPS / 2 && self.bytes > MAX_BYTES / 2
    }

    /// Takes what an earlier render needed for the same; nothing, and false, where so much is not left.
    pub fn take(&mut self, (steps, bytes): (u64, u64)) -> bool {
        let is_left = steps <= self.steps && bytes <= self.bytes;
        if is_left {
            self.steps -= steps;
            self.bytes -= bytes;
        }
        is_left
    }

    /// Takes the cost of going through `steps` nodes or items.
    ///
    /// # Errors
    /// A limit when [`MAX_STEPS`] are used up.
    pub fn step(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self
            .steps
            .checked_sub(steps as u64)
            .ok_or_else(|| Fault::limit(format!("rendering takes more than {MAX_STEPS} steps")))?;
        Ok(())
    }

    /// Takes the cost of a text of `bytes`, before it is made.
    ///
    /// # Errors
    /// A limit beyond [`MAX_TEXT`] for one text or [`MAX_BYTES`] for all.
    pub fn text(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > MAX_TEXT {
            return Err(Fault::limit(format!("a text of {bytes} bytes is longer than the {MAX_TEXT} that are made")));
        }
        self.bytes = self
            .bytes
            .checked_sub(bytes as u64)
            .ok_or_else(|| Fault::limit(format!("rendering makes more than {MAX_BYTES} bytes of text")))?;
        Ok(())
    }

    /// Takes the cost of a list or map of `items`, before it is made.
    ///
    /// # Errors
    /// A limit beyond [`MAX_ITEMS`], or when the steps are used up.
    pub fn items(&mut self, items: usize) -> Result<(), Fault> {
        if items > MAX_ITEMS {
            return Err(Fault::limit(format!("a list of {items} items is longer than the {MAX_ITEMS} that are made")));
        }
        self.step(items)
    }
}
