//! YAML as Go reads it, with the bytes of everything.
//!
//! Kubernetes, Helm and Kustomize all read YAML through forks of go-yaml, which is neither YAML 1.1 nor 1.2. The scanner and
//! parser here follow go-yaml's rules and keep every token's place, so that an edit can be a splice on the original bytes;
//! what the existing crates leave out (block headers, ends of collections, who owns a comment) is why this exists.

pub mod edit;
pub mod parse;
pub mod resolve;
pub mod rope;
pub mod tree;
pub mod write;
