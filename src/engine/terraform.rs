//! Terraform's root modules: what a plan would know of their resources, and where each value is written.

pub mod budget;
pub mod context;
pub mod convert;
pub mod defaults;
pub mod equal;
pub mod files;
pub mod functions;
pub mod leaf;
pub mod number;
pub mod problem;
pub mod types;
pub mod unify;
pub mod unknown;
pub mod value;
