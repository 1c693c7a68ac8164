//! Kustomize: resources, and the kustomizations that change them on the way, built in memory with the origin of every leaf.
//!
//! A build is a fold: each kustomization takes the resources of those below it and lets its generators, components and
//! transformers work on them in one fixed order. The transformers are ports of Kustomize 5.5.0's own, as `kubectl` 1.32
//! carries it; what differs is what they work on. A [`node::Node`] is YAML that knows where each of its parts is written, so
//! that copying a value copies its origins, and a rendered field leads to the base, the patch, the generator or the entry
//! that says it.

pub mod annotations;
pub mod build;
pub mod built_in;
pub mod builtin;
pub mod context;
pub mod field_spec;
pub mod fields;
pub mod folder;
pub mod generators;
pub mod hash;
pub mod helm_charts;
pub mod identity;
pub mod images;
pub mod kustomization;
pub mod labels;
pub mod leaf;
pub mod load;
pub mod merge;
pub mod names;
pub mod namespace;
pub mod node;
pub mod operations;
pub mod order;
pub mod patches;
pub mod path;
pub mod print;
pub mod problem;
pub mod provenance;
pub mod references;
pub mod render;
pub mod replacements;
pub mod replicas;
pub mod resources;
pub mod schema;
pub mod scope;
pub mod selector;
pub mod sharing;
pub mod sites;
pub mod source;
pub mod sources;
pub mod tables;
mod tracking;
pub mod variables;
