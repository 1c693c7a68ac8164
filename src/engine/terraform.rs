//! Terraform's root modules: what a plan would know of their resources, and where each value is written.

pub mod budget;
pub mod check;
pub mod closure;
pub mod configuration;
pub mod constraint;
pub mod context;
pub mod convert;
pub mod equal;
pub mod evaluate;
pub mod files;
pub mod functions;
pub mod leaf;
pub mod module;
pub mod modules;
pub mod number;
pub mod print;
pub mod problem;
pub mod render;
pub mod resources;
pub mod scope;
pub mod source;
pub mod types;
pub mod unify;
pub mod unknown;
pub mod value;
pub mod variables;
