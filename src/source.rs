//! Files as they are declared: paths, trees, byte spans, edits, and the languages that locate and word them.
//!
//! Parsers here only locate. No file is ever printed back from a parsed form: an edit is a splice on the original bytes.

pub mod diff;
pub mod edit;
pub mod hcl;
pub mod lineage;
pub mod path;
pub mod span;
pub mod text;
pub mod tree;
pub mod yaml;
