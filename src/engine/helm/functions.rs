//! The functions of Helm's templates: Go's own, sprig's, and Helm's.

pub mod json;
pub mod toml;
pub mod yaml;
