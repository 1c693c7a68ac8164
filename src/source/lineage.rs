//! Which bytes of which file produced a rendered field.
//!
//! The measure is the leaf: every field of a rendered resource leads to the places that say it, each with the role it
//! plays and the address at which an editor finds it again.

pub mod hash;
pub mod sets;
pub mod text;

use std::fmt;

use serde_json::Value;

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

/// How a field came to be: what its text is made of, and what decided over it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// The parts of the text, from the first byte to the last.
    pub parts: Vec<Part>,
    /// What decided that the field is printed.
    pub printed_because: Vec<Cause>,
    /// What else decided which value it has.
    pub chosen_because: Vec<Cause>,
    /// Whether there are more causes than an engine keeps, so that those listed are not all.
    pub is_partial: bool,
}

/// A part of a field's text that has one origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The text; empty where something printed nothing.
    pub text: String,
    /// Whether the text was computed from its sources; otherwise it stands there byte for byte.
    pub computed: bool,
    /// What it comes from; none for what a function of a template made by itself.
    pub sources: Vec<Cause>,
}

/// Something outside of the evaluation that a field comes from, or that decided over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// What it is.
    pub role: Role,
    /// The keys that lead to it in its file; a built-in's name, as one; empty for text.
    pub key: Vec<String>,
    /// Where it is written, if that is a file of the repository.
    pub place: Option<Place>,
    /// What it says, where that is a value.
    pub value: Option<Value>,
    /// What says something else about the same value to no effect, the one that would win next first.
    pub overrides: Vec<Self>,
    /// Where the value could be set over it, nearest to what is released.
    pub override_at: Option<Override>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, or the archive that holds it.
    pub file: RepoPath,
    /// The name in the archive: what stands there cannot be edited.
    pub inside: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The bytes.
    pub span: Span,
}

/// A key that a file does not have and that would override what has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The file.
    pub file: RepoPath,
    /// The key in it.
    pub key: Vec<String>,
}

/// What an edit would change, to be looked for in what is rendered.
#[derive(Clone, Copy, Debug)]
pub enum Spot<'s> {
    /// What a file says in these bytes, and the keys that lead to it there, where it is a value.
    Bytes(&'s RepoPath, Span, &'s [String]),
    /// A value of the release, wherever it is set.
    Key(&'s [String]),
}

/// How a field depends on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependence {
    /// It is among what the field is made of: the field moves with it.
    Data,
    /// It is among what decided over the field: the field may come, go or become another.
    Control,
}

/// Why a resource lacks a field, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lack {
    /// Blocks of templates that could print it.
    pub passed_over: Vec<PassedOver>,
    /// Keys that would be printed as the field.
    pub settable: Vec<Override>,
}

/// A block of a template that was passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct PassedOver {
    /// The block.
    pub place: Place,
    /// What its condition looked at; none where it did not look at values.
    pub decided_by: Vec<Cause>,
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
    /// A value that a release is given as an argument, which overrides its values files.
    Argument,
    /// A chart's default, which a value of the release overrides.
    Default,
    /// What a chart says of itself, its version for one: editing it moves every release of the chart.
    Metadata,
    /// Text of a template: editing it moves every release of the chart.
    Template,
    /// A constant inside of a template's action: editing it moves every release of the chart.
    Constant,
    /// A patch says it, over what it patches: for the kustomizations that apply the patch, and nothing else.
    Patch,
    /// An entry of a kustomization: a name prefix, an image's tag, a label. It may say the same of many objects.
    Entry,
    /// An entry or file that a generator makes an object of.
    Generator,
    /// An argument of a Terraform resource, for all its instances and for every root module that calls the module.
    ResourceArgument,
    /// What a Terraform provider adds to its resources: `default_tags`, for all of them.
    ProviderArgument,
    /// An argument of a module's call: over the default of a variable, for that call alone.
    ModuleArgument,
    /// A local value, for all that refer to it.
    Local,
    /// A value of a variable, for all root modules that are given the same file.
    VariableValue,
    /// The default of a variable, which a value or an argument overrides.
    VariableDefault,
    /// An entry of a file that the configuration reads.
    FileEntry,
    /// What the field's tool supplies; no file says it.
    BuiltIn,
    /// A value that was looked up and that nothing sets: setting it is how the field can be told something else.
    Absent,
    /// New in every render: no file says it, and none can.
    Volatile,
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
            Self::Argument => "argument of the release",
            Self::Default => "chart default",
            Self::Metadata => "chart metadata",
            Self::Template => "template",
            Self::Constant => "constant of the template",
            Self::Patch => "patch",
            Self::Entry => "entry of the kustomization",
            Self::Generator => "entry of a generator",
            Self::ResourceArgument => "argument of the resource",
            Self::ProviderArgument => "argument of the provider",
            Self::ModuleArgument => "argument of the module's call",
            Self::Local => "local value",
            Self::VariableValue => "value of a variable",
            Self::VariableDefault => "default of a variable",
            Self::FileEntry => "file that the configuration reads",
            Self::BuiltIn => "built in",
            Self::Absent => "not set",
            Self::Volatile => "new in every render",
            Self::Condition => "condition",
        })
    }
}
