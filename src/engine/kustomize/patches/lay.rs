//! Laying a part of an object over it.

use crate::engine::kustomize::{
    context::Context,
    merge::merge,
    node::{Content, Node, Scalar, Style, Tag, made},
    operations::{provide_annotations, stringify},
    problem::Problem,
    resources::Resource,
    sharing,
};

/// What a patch may change of an object's identity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    /// Its name.
    pub(super) name_change: bool,
    /// Its kind.
    pub(super) kind_change: bool,
}

/// Stands in an object's annotations for those that Kustomize keeps there: where a patch takes all annotations away, these
/// are gone as well.
const STATE: &str = "internal.config.kubernetes.io/state";

/// What `AllowNameChange` and `AllowKindChange` do to a patch: they are annotations, so all others become texts.
pub(super) fn allow(patch: &mut Node, allowed: Allowed, context: &mut Context<'_>) -> Result<(), Problem> {
    if allowed.name_change || allowed.kind_change { stringify(patch, "annotations", context) } else { Ok(()) }
}

/// What a patch with a target becomes before it is laid over an object (`resWrangler.ApplySmPatch`).
pub(super) fn fit(patch: &mut Node, object: &Node, context: &mut Context<'_>) -> Result<(), Problem> {
    stringify(patch, "labels", context)?;
    stringify(patch, "annotations", context)?;
    for (keys, is_kept_empty) in [(["metadata", "name"], true), (["metadata", "namespace"], false)] {
        let value = patch.at(&keys).cloned();
        let Some(metadata) = patch.get_mut(keys[0]) else { continue };
        match value.filter(|value| value.text().is_some_and(|text| !text.is_empty()) || is_kept_empty) {
            Some(value) => metadata.set(made(keys[1]), bare(value)),
            None => drop(metadata.remove(keys[1])),
        }
    }
    if let Some(api_version) = object.get("apiVersion") {
        patch.set(made("apiVersion"), bare(api_version.clone()));
    }
    if let Some(kind) = patch.get("kind").cloned() {
        patch.set(made("kind"), bare(kind));
    }
    Ok(())
}

/// Lays a patch over an object (`Resource.ApplySmPatch`) and tells whether the object is still there.
pub(super) fn lay(
    resource: &mut Resource,
    patch: Node,
    allowed: Allowed,
    context: &mut Context<'_>,
) -> Result<bool, Problem> {
    let mut is_there = true;
    sharing::keeping(resource, context, |resource, context| {
        is_there = lay_alone(resource, patch, allowed, context)?;
        Ok(())
    })?;
    Ok(is_there)
}

fn lay_alone(
    resource: &mut Resource,
    patch: Node,
    allowed: Allowed,
    context: &mut Context<'_>,
) -> Result<bool, Problem> {
    let keys: [&[&str]; 3] = [&["kind"], &["metadata", "name"], &["metadata", "namespace"]];
    let [kind, name, namespace] = keys.map(|keys| resource.node.at(keys).cloned());
    if allowed.name_change || allowed.kind_change {
        resource.remember_id();
    }
    let has_state = resource.has_state();
    let mut object = std::mem::replace(&mut resource.node, Node::map());
    if has_state {
        provide_annotations(&mut object);
        if let Some(annotations) = object.at_mut(&["metadata", "annotations"]) {
            annotations.set(made(STATE), Node::string(made("")));
        }
    }
    let Some(mut object) = merge(patch, object, context)? else { return Ok(false) };
    if has_state && !take_state(&mut object) {
        resource.forget_state();
    }
    if object.get("metadata").is_none() {
        object.set(made("metadata"), Node::map());
    }
    if !allowed.kind_change
        && let Some(kind) = kind
    {
        object.set(made("kind"), kind);
    }
    if let Some(metadata) = object.get_mut("metadata") {
        if !allowed.name_change
            && let Some(name) = name
        {
            metadata.set(made("name"), name);
        }
        match namespace.filter(|namespace| namespace.text().is_some_and(|text| !text.is_empty())) {
            Some(namespace) => metadata.set(made("namespace"), namespace),
            None => drop(metadata.remove("namespace")),
        }
    }
    resource.node = object;
    Ok(true)
}

/// Takes the mark of the state out of an object's annotations and tells whether it was there.
fn take_state(object: &mut Node) -> bool {
    let Some(metadata) = object.get_mut("metadata") else { return false };
    let Some(annotations) = metadata.get_mut("annotations") else { return false };
    let was_there = annotations.remove(STATE).is_some();
    if annotations.entries().is_some_and(<[_]>::is_empty) {
        metadata.remove("annotations");
    }
    was_there
}

/// A scalar as kyaml makes it of a text: whatever that looks like.
fn bare(node: Node) -> Node {
    let text = match node.content {
        Content::Scalar(scalar) => scalar.text,
        Content::List(_) | Content::Map(_) => made(""),
    };
    Node { content: Content::Scalar(Scalar { text, tag: Tag::Unresolved, style: Style::Plain }), places: node.places }
}
