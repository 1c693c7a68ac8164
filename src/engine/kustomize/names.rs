//! Prefixes and suffixes of names: `namePrefix`, `nameSuffix`.
//!
//! References: `api/internal/builtins/PrefixTransformer.go` and `SuffixTransformer.go` of Kustomize 5.5.0.

use super::{
    context::Context,
    field_spec::{Create, FieldSpec},
    identity::Gvk,
    node::Node,
    problem::Problem,
    resources::{Resource, Resources},
};
use crate::source::lineage::text::{Text, TextBuilder};

/// Puts a prefix before the names of all objects.
///
/// # Errors
/// Where an object has something else than a text in the place of a name.
pub fn prefix(
    prefix: &Text,
    specs: &[FieldSpec],
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    affix(Side::Before, prefix, specs, resources, context)
}

/// Puts a suffix behind the names of all objects.
///
/// # Errors
/// As [`prefix`].
pub fn suffix(
    suffix: &Text,
    specs: &[FieldSpec],
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    affix(Side::Behind, suffix, specs, resources, context)
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    Behind,
}

fn affix(
    side: Side,
    affix: &Text,
    specs: &[FieldSpec],
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    for resource in &mut resources.list {
        context.spend(1)?;
        let first = resource.first_id().gvk;
        if keeps_its_name(&first) {
            continue;
        }
        let (source, span) = resource.declared;
        for spec in specs.iter().filter(|spec| first.is_selected(&spec.gvk)) {
            if spec.path == "metadata/name" && !affix.is_empty() {
                remember(resource, side, affix);
            }
            let mut put = |node: &mut Node, context: &mut Context<'_>| put_affix(node, side, affix, context);
            spec.visit(&mut resource.node, Create::Scalar, context, &mut put)
                .map_err(|problem| problem.at(source, span))?;
        }
    }
    Ok(())
}

/// Tells whether prefixes and suffixes pass a kind by.
fn keeps_its_name(gvk: &Gvk) -> bool {
    match gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}

/// Remembers the name, and the affix that it gets: Kustomize keeps these in a list with commas between.
fn remember(resource: &mut Resource, side: Side, affix: &Text) {
    let given = affix.lossy();
    let given = given.split(',').map(str::to_owned);
    match side {
        Side::Before => resource.prefixes.extend(given),
        Side::Behind => resource.suffixes.extend(given),
    }
    resource.remember_id();
}

fn put_affix(node: &mut Node, side: Side, affix: &Text, context: &mut Context<'_>) -> Result<(), Problem> {
    let Some(scalar) = node.as_scalar() else {
        return Err(Problem::broken("wrong node kind: expected ScalarNode"));
    };
    let mut text = TextBuilder::default();
    match side {
        Side::Before => {
            text.push(affix);
            text.push(&scalar.text);
        }
        Side::Behind => {
            text.push(&scalar.text);
            text.push(affix);
        }
    }
    context.replace_text(node, text.build());
    Ok(())
}
