//! What one evaluation carries along.

use super::{
    budget::Budget,
    files::Files,
    functions::patterns::Patterns,
    leaf::{Leaf, Paths},
};
use crate::{
    engine::go::runes::Classes,
    source::{lineage::sets::Sets, path::RepoPath},
};

/// The state of one evaluation that values and functions use.
#[derive(Debug)]
pub struct Context<'t> {
    /// All origins and sets of them.
    pub sets: Sets<Leaf>,
    /// All paths to leaves.
    pub paths: Paths,
    /// What may still be used up.
    pub budget: Budget,
    /// The files.
    pub files: Files<'t>,
    /// The regular expressions that were compiled.
    pub patterns: Patterns,
    /// Properties of characters.
    pub classes: Classes,
    /// The folder that Terraform is run in, where that is one of the checkout.
    pub runs_in: Option<RepoPath>,
    /// A file of the modules that OpenTofu reads and Terraform does not.
    pub opentofu: Option<RepoPath>,
}

impl<'t> Context<'t> {
    /// A fresh start over some files.
    pub fn new(files: Files<'t>) -> Self {
        Self {
            sets: Sets::default(),
            paths: Paths::default(),
            budget: Budget::default(),
            files,
            patterns: Patterns::default(),
            classes: Classes::default(),
            runs_in: None,
            opentofu: None,
        }
    }
}
