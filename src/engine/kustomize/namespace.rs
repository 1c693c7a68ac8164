//! The namespace of all objects: `namespace`.
//!
//! References: `api/filters/namespace/namespace.go` and `api/internal/builtins/NamespaceTransformer.go` of Kustomize 5.5.0.

use std::collections::HashMap;

use super::{
    context::Context,
    field_spec::{Create, FieldSpec},
    identity::{Gvk, Identity},
    node::{Content, Node, Tag, made},
    problem::Problem,
    resources::{Resource, Resources},
};
use crate::source::lineage::text::Text;

/// What a `NamespaceTransformer` may say besides the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether only missing and empty namespaces are set.
    pub unset_only: bool,
    /// Which subjects of role bindings get the namespace.
    pub subjects: Subjects,
}

/// Which subjects of `RoleBinding`s and `ClusterRoleBinding`s get the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    /// Those named `default`, of whatever kind.
    #[default]
    Default,
    /// All service accounts.
    ServiceAccounts,
    /// None.
    None,
}

impl Subjects {
    /// Reads `setRoleBindingSubjects`.
    ///
    /// # Errors
    /// Where it is none of the known words.
    pub fn read(word: &str) -> Result<Self, Problem> {
        match word {
            "" | "defaultOnly" => Ok(Self::Default),
            "allServiceAccounts" => Ok(Self::ServiceAccounts),
            "none" => Ok(Self::None),
            _ => Err(Problem::broken(format!(
                "invalid value \"{word}\" for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                 \"allServiceAccounts\""
            ))),
        }
    }
}

/// Puts all objects into a namespace, as `namespace` of a kustomization does.
///
/// # Errors
/// Where an object has something else than a text in the place of a namespace, and where two objects become one.
pub fn apply(
    namespace: &Text,
    specs: &[FieldSpec],
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    apply_with(namespace, specs, Options::default(), resources, context)
}

/// Puts all objects into a namespace, as a `NamespaceTransformer` does.
///
/// # Errors
/// As [`apply`].
pub fn apply_with(
    namespace: &Text,
    specs: &[FieldSpec],
    options: Options,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    if namespace.is_empty() {
        return Ok(());
    }
    let mut counts: HashMap<Key, usize> = HashMap::new();
    for resource in &resources.list {
        *counts.entry(key(&resource.id())).or_default() += 1;
    }
    for resource in &mut resources.list {
        context.spend(1)?;
        if let Some(count) = counts.get_mut(&key(&resource.id())) {
            *count -= 1;
        }
        resource.remember_id();
        let (source, span) = resource.declared;
        set(resource, namespace, specs, options, context).map_err(|problem| problem.at(source, span))?;
        let id = resource.id();
        let count = counts.entry(key(&id)).or_default();
        *count += 1;
        if *count != 1 {
            return Err(
                Problem::broken(format!("namespace transformation produces ID conflict: {id}")).at(source, span)
            );
        }
    }
    Ok(())
}

/// What tells two objects apart.
type Key = (String, Gvk, String);

fn key(id: &Identity) -> Key {
    (id.effective_namespace().to_owned(), id.gvk.clone(), id.name.clone())
}

/// Puts one object into a namespace, as if it had never been elsewhere (`namespace.Filter`).
///
/// # Errors
/// As [`apply`], but for objects that become one.
pub fn set(
    resource: &mut Resource,
    namespace: &Text,
    specs: &[FieldSpec],
    options: Options,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let id = resource.id();
    let object = &mut resource.node;
    let mut put = |node: &mut Node, context: &mut Context<'_>| {
        if options.unset_only && has_value(node) { Ok(()) } else { put_namespace(node, namespace, context) }
    };
    if !super::scope::is_cluster_wide(&id.gvk) {
        let spec = FieldSpec { path: NAMESPACE.to_owned(), create: true, ..FieldSpec::default() };
        spec.walk(object, Create::Scalar, context, &mut put)?;
    }
    let binds = matches!(id.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    if binds {
        set_subjects(object, options.subjects, context, &mut put)
            .map_err(|problem| problem.during("setting namespace on (cluster)role binding subjects"))?;
    }
    for spec in specs {
        let is_done = spec.path == NAMESPACE
            || (spec.path == "metadata/name" && id.gvk.api_version() != "v1")
            || (binds
                && spec.path == "subjects/namespace"
                && matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding"));
        // A null that a specification may fill is the text `null` from here on.
        let mut put = |node: &mut Node, context: &mut Context<'_>| {
            if let Content::Scalar(scalar) = &mut node.content
                && scalar.tag == Tag::Unresolved
                && matches!(scalar.text.bytes(), b"null" | b"Null" | b"NULL" | b"~")
            {
                scalar.tag = Tag::String;
            }
            put(node, context)
        };
        if !is_done && id.gvk.is_selected(&spec.gvk) {
            spec.walk(object, Create::Scalar, context, &mut put)
                .map_err(|problem| problem.during("namespace transformation failed"))?;
        }
    }
    Ok(())
}

const NAMESPACE: &str = "metadata/namespace";

fn has_value(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| scalar.tag != Tag::Null && !scalar.text.is_empty())
}

fn put_namespace(node: &mut Node, namespace: &Text, context: &mut Context<'_>) -> Result<(), Problem> {
    let Some(scalar) = node.as_scalar() else {
        return Err(Problem::broken("wrong node kind: namespace field specs must target scalar nodes"));
    };
    let style = scalar.style;
    *node = context.scalar(namespace.clone(), Tag::String);
    if let Content::Scalar(scalar) = &mut node.content {
        scalar.style = style;
    }
    Ok(())
}

fn set_subjects(
    object: &mut Node,
    subjects: Subjects,
    context: &mut Context<'_>,
    put: &mut dyn FnMut(&mut Node, &mut Context<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let (field, wanted) = match subjects {
        Subjects::Default => ("name", "default"),
        Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
        Subjects::None => return Ok(()),
    };
    let Some(list) = object.get_mut("subjects").filter(|list| !list.is_null()) else { return Ok(()) };
    let Some(items) = list.items_mut() else {
        return Err(Problem::broken("wrong node kind: expected SequenceNode"));
    };
    context.spend(items.len())?;
    for item in items.iter_mut().filter(|item| !item.is_null()) {
        if item.entries().is_none() {
            return Err(Problem::broken("wrong node kind: expected MappingNode"));
        }
        match item.get(field) {
            Some(value) if value.is_null() => {}
            Some(Node { content: Content::Scalar(scalar), .. }) if scalar.text.bytes() == wanted.as_bytes() => {
                if item.get("namespace").is_none() {
                    item.set(made("namespace"), Node::scalar(made(""), Tag::Unresolved));
                }
                if let Some(namespace) = item.get_mut("namespace") {
                    put(namespace, context)?;
                }
            }
            Some(Node { content: Content::Scalar(_), .. }) | None => {}
            Some(_) => return Err(Problem::broken("wrong node kind: expected ScalarNode")),
        }
    }
    Ok(())
}
