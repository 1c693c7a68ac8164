//! Helm charts: rendered in process, with every byte of output leading back to where it was written.
//!
//! Helm's own renderer forgets where a value came from as soon as it has printed it. This one evaluates the same templates
//! by the same rules and keeps, for every piece of text, the bytes of the file that say it and the conditions that let it
//! through.

mod chain;
pub mod chart;
pub mod document;
pub mod functions;
pub mod lineage;
mod memory;
pub mod order;
mod origins;
pub mod render;
mod sites;
pub mod source;
pub mod sources;
pub mod template;
pub mod values;
