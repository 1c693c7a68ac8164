//! The files of `crds`: API definitions whose extensions say what the fields of custom kinds are.
//!
//! Reference: `api/internal/accumulator/loadconfigfromcrds.go` of Kustomize 5.5.0.

use super::{BackReferences, Tables, merge_reference, merge_specs, read};
use crate::engine::kustomize::{
    context::Context, field_spec::FieldSpec, identity::Gvk, leaf::SourceId, node::Node, problem::Problem,
};

/// The deepest that definitions refer to one another.
const MAX_DEPTH: usize = 64;

/// Reads a file of `crds`: a map of definitions by their names.
///
/// # Errors
/// Where it is no such map, or where its definitions contradict each other or refer to one another in a circle.
pub fn tables(source: SourceId, context: &mut Context<'_>) -> Result<Tables, Problem> {
    let Some(root) = read::first(source, false, context)? else { return Ok(Tables::default()) };
    let Some(definitions) = root.entries() else {
        return Err(Problem::broken("json: cannot unmarshal into Go value of type accumulator.nameToApiMap"));
    };
    let mut all = Tables::default();
    for definition in definitions {
        let name = definition.key.lossy();
        let Some(properties) = properties(&definition.value) else { continue };
        if ["kind", "apiVersion", "metadata"].iter().any(|key| properties.get(key).is_none()) {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or_default();
        let gvk = Gvk { kind: kind.to_owned(), ..Gvk::default() };
        let mut tables = Tables::default();
        add(&mut tables, &gvk, &root, &name, &mut Vec::new(), context)?;
        all = all.merge(&tables, context)?;
    }
    Ok(all)
}

fn properties(definition: &Node) -> Option<&Node> {
    let schema = definition.get("Schema").or_else(|| definition.get("schema"))?;
    schema.get("properties")
}

/// Adds what a definition says of the fields below a path (`loadCrdIntoConfig`).
fn add(
    tables: &mut Tables,
    gvk: &Gvk,
    root: &Node,
    name: &str,
    path: &mut Vec<String>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    if path.len() >= MAX_DEPTH {
        return Err(Problem::limit(format!("the API definitions refer to one another more than {MAX_DEPTH} deep")));
    }
    let Some(properties) = root.get(name).and_then(properties).and_then(Node::entries) else { return Ok(()) };
    context.spend(1 + properties.len())?;
    for property in properties {
        let schema = &property.value;
        path.push(property.key.lossy().into_owned());
        let spec = |more: Option<&str>| {
            let keys: Vec<&str> = path.iter().map(String::as_str).chain(more).collect();
            FieldSpec { gvk: gvk.clone(), path: keys.join("/"), create: false }
        };
        let said = |extension: &str| schema.get(extension).and_then(Node::text);
        if said("x-kubernetes-annotation").is_some() {
            merge_specs(&mut tables.common_annotations, &[spec(None)], context)?;
        }
        if said("x-kubernetes-label-selector").is_some() {
            merge_specs(&mut tables.common_labels, &[spec(None)], context)?;
        }
        if said("x-kubernetes-identity").is_some() {
            merge_specs(&mut tables.name_prefix, &[spec(None)], context)?;
        }
        if let (Some(version), Some(kind)) =
            (said("x-kubernetes-object-ref-api-version"), said("x-kubernetes-object-ref-kind"))
        {
            let key = said("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let gvk = Gvk { version: version.to_owned(), kind: kind.to_owned(), ..Gvk::default() };
            let references = BackReferences { gvk, specs: vec![spec(Some(key))] };
            merge_reference(&mut tables.name_reference, &references, context)?;
        }
        if let Some(reference) = said("$ref").map(str::to_owned) {
            add(tables, gvk, root, &reference, path, context)?;
        }
        path.pop();
    }
    Ok(())
}
