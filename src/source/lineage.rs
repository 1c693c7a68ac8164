//! Which bytes of which file produced a rendered field.
//!
//! The measure is the leaf: every field of a rendered resource leads to the places that say it, each with the role it
//! plays and the address at which an editor finds it again.

pub mod sets;
pub mod text;

use std::fmt;

use super::{path::RepoPath, span::Span};
use crate::model::pointer::Pointer;

/// One place in the source that says a rendered field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: usize,
    /// The bytes of the value.
    pub span: Span,
    /// What the place has to do with the field.
    pub role: Role,
    /// Where an editor finds it.
    pub address: Address,
}

/// What a place has to do with the field that it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The value is written there for this field alone: editing it moves nothing else of the file.
    Literal,
    /// The value is written at, or within, an anchor that other places refer to: editing it moves them all.
    Anchored,
    /// The value comes through a merge key (`<<`): a key of its own beside the merge overrides it.
    Merged,
    /// A value that a release is given: nearest to it, and for it alone unless others are given the same file.
    Value,
    /// A chart's default, which a value of the release overrides.
    Default,
    /// Text or a constant of a template: editing it moves every release of the chart.
    Template,
    /// It is not in the field, but decided that the field is there, or which value it has.
    Condition,
}

/// Where an editor finds a value again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A node of a YAML or JSON file.
    Yaml {
        /// The document's position in the file, from 0.
        document: usize,
        /// The place in that document.
        at: Pointer,
    },
    /// The bytes themselves.
    Text,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Literal => "literal",
            Self::Anchored => "shared through an anchor",
            Self::Merged => "inherited through a merge key",
            Self::Value => "value of the release",
            Self::Default => "chart default",
            Self::Template => "template",
            Self::Condition => "condition",
        })
    }
}
