//! Flux: `Kustomization`s and `HelmRelease`s describe stacks.
//!
//! References: `kustomize` and `chartutil` of fluxcd/pkg, the kustomize and helm controllers.

pub mod helm_release;
pub mod kustomization;
mod origin;
mod reference;
mod variables;

/// The group of Flux's `Kustomization`.
pub const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";

/// The group of Flux's `HelmRelease`.
pub const HELM: &str = "helm.toolkit.fluxcd.io";

/// The group of what makes sources of parts of others.
pub const EXTENSIONS: &str = "source.extensions.fluxcd.io";

/// The group of what Flux deploys from: `GitRepository` and its kin.
pub const SOURCE: &str = "source.toolkit.fluxcd.io";
