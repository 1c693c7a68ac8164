//! A description that a kustomization names.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{Definitions, Type};
use crate::{
    engine::kustomize::{
        context::Context,
        identity::Gvk,
        leaf::SourceId,
        load,
        node::{Content, Node},
        problem::Problem,
    },
    source::yaml::resolve::Reader,
};

/// Reads the `definitions` of an OpenAPI 2 document.
///
/// # Errors
/// Where it is none.
pub(super) fn read(file: SourceId, context: &mut Context<'_>) -> Result<Definitions, Problem> {
    let invalid = |what: &str| Problem::broken(format!("invalid schema file: {what}"));
    let Some(document) = load::first(file, Reader::Manifest, context)? else { return Ok(Definitions::default()) };
    if document.entries().is_none() && !document.is_null() {
        return Err(invalid("it is no map"));
    }
    let mut definitions = Definitions::default();
    for entry in document.get("definitions").and_then(Node::entries).unwrap_or_default() {
        context.spend(1)?;
        let name = entry.key.lossy().into_owned();
        if entry.value.entries().is_none() {
            return Err(invalid("a definition is no map"));
        }
        for kind in extension(&entry.value, "x-kubernetes-group-version-kind").and_then(Node::items).unwrap_or_default()
        {
            let Some((api_version, kind)) = kind_of(kind) else { return Err(invalid("a kind has no version or name")) };
            let kinds = definitions.kinds.entry(Cow::Owned(api_version)).or_default();
            kinds.insert(Cow::Owned(kind), Type::Reference(Cow::Owned(name.clone())));
        }
        let of = one(&entry.value, context)?;
        definitions.types.insert(Cow::Owned(name), of);
    }
    definitions.cluster_wide = cluster_wide(&document);
    Ok(definitions)
}

fn one(schema: &Node, context: &mut Context<'_>) -> Result<Type, Problem> {
    context.spend(1)?;
    if let Some(reference) = schema.get("$ref").and_then(Node::text).filter(|reference| !reference.is_empty()) {
        let name = reference.strip_prefix("#/definitions/").unwrap_or_default();
        return Ok(Type::Reference(Cow::Owned(name.replace("~1", "/").replace("~0", "~"))));
    }
    let is_list = match schema.get("type").map(|node| &node.content) {
        Some(Content::List(types)) => matches!(&types[..], [one] if one.text() == Some("array")),
        Some(Content::Scalar(_)) => schema.get("type").and_then(Node::text) == Some("array"),
        _ => false,
    };
    let mut fields = HashMap::new();
    for entry in schema.get("properties").and_then(Node::entries).unwrap_or_default() {
        fields.insert(Cow::Owned(entry.key.lossy().into_owned()), one(&entry.value, context)?);
    }
    let below = |key: &str, context: &mut Context<'_>| {
        let schema = schema.get(key).filter(|schema| schema.entries().is_some());
        schema.map(|schema| one(schema, context).map(Box::new)).transpose()
    };
    let keys = merge_keys(schema)?;
    if keys.is_some() || is_list {
        let items = if is_list { below("items", context)? } else { None };
        return Ok(Type::List { keys, items });
    }
    Ok(Type::Map { fields, others: below("additionalProperties", context)? })
}

/// The merge keys of a list that is merged (`PatchStrategyAndKeyList`).
fn merge_keys(schema: &Node) -> Result<Option<Vec<Cow<'static, str>>>, Problem> {
    let Some(strategy) = extension(schema, "x-kubernetes-patch-strategy") else { return Ok(None) };
    let invalid = || Problem::broken("invalid schema file: a patch strategy or merge key is no text");
    if !strategy.text().ok_or_else(invalid)?.split(',').any(|strategy| strategy == "merge") {
        return Ok(None);
    }
    let owned = |node: &Node| node.text().map(|text| Cow::Owned(text.to_owned())).ok_or_else(invalid);
    let one = extension(schema, "x-kubernetes-patch-merge-key").map(owned).transpose()?;
    match extension(schema, "x-kubernetes-list-map-keys") {
        Some(keys) => keys.items().ok_or_else(invalid)?.iter().map(owned).collect::<Result<_, _>>().map(Some),
        None => Ok(Some(one.into_iter().collect())),
    }
}

fn extension<'n>(schema: &'n Node, name: &str) -> Option<&'n Node> {
    let named = |key: &[u8]| key.eq_ignore_ascii_case(name.as_bytes());
    schema.entries()?.iter().find(|entry| named(entry.key.bytes())).map(|entry| &entry.value)
}

fn kind_of(extension: &Node) -> Option<(String, String)> {
    let said = |key: &str| extension.get(key).and_then(Node::text);
    let (version, kind) = (said("version")?, said("kind")?.to_owned());
    let api_version = match said("group") {
        Some(group) if !group.is_empty() => format!("{group}/{version}"),
        _ => version.to_owned(),
    };
    Some((api_version, kind))
}

/// The kinds whose paths name no namespace, which so are of the whole cluster to Kustomize (`findNamespaceability`).
fn cluster_wide(document: &Node) -> HashSet<Gvk> {
    let (mut wide, mut narrow) = (HashSet::new(), HashSet::new());
    for path in document.get("paths").and_then(Node::entries).unwrap_or_default() {
        let kind = path.value.get("get").and_then(|get| extension(get, "x-kubernetes-group-version-kind"));
        let Some((api_version, kind)) = kind.and_then(kind_of) else { continue };
        let is_narrow = path.key.lossy().contains("namespaces/{namespace}");
        if is_narrow { &mut narrow } else { &mut wide }.insert(Gvk::of(&api_version, &kind));
    }
    wide.retain(|gvk| !narrow.contains(gvk));
    wide
}
