//! Annotations for all objects: `commonAnnotations`.
//!
//! Reference: `api/filters/annotations/annotations.go` of Kustomize 5.5.0.

use super::{context::Context, labels, node::Node, problem::Problem, resources::Resources, tables::Tables};

/// Sets the annotations of `commonAnnotations` in all objects and their templates.
///
/// # Errors
/// Where an object has no map in the place of annotations.
pub fn common(
    pairs: &Node,
    tables: &Tables,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    labels::set(pairs, &tables.common_annotations, resources, context)
}
