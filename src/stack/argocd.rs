//! Argo CD: `Application`s describe stacks, `ApplicationSet`s describe applications.
//!
//! References: `reposerver/repository/repository.go`, `util/{helm,kustomize}` and `applicationset` of Argo CD 3.

pub mod application;
pub mod application_set;
mod directory;
pub mod environment;
mod helm;
pub mod kustomize;
mod source;
mod value_files;

/// The group of Argo CD's objects.
pub const GROUP: &str = "argoproj.io";
