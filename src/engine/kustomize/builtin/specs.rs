//! The field specifications of a plugin.

use crate::engine::kustomize::{
    field_spec::FieldSpec,
    fields::{fields, flag, items, text},
    identity::Gvk,
    node::Node,
    problem::Problem,
};

/// The `fieldSpecs` of a plugin; none where there are none.
///
/// # Errors
/// Where they are of another type.
pub fn field_specs(config: &Node) -> Result<Vec<FieldSpec>, Problem> {
    let [specs] = fields(config, ["fieldSpecs"])?;
    items(specs)?.iter().map(field_spec).collect()
}

fn field_spec(item: &Node) -> Result<FieldSpec, Problem> {
    let [group, version, kind, path, create] = fields(item, ["group", "version", "kind", "path", "create"])?;
    let said = |node: Option<&Node>| text(node).map(|text| text.lossy().into_owned());
    let gvk = Gvk { group: said(group)?, version: said(version)?, kind: said(kind)? };
    Ok(FieldSpec { gvk, path: said(path)?, create: flag(create)? })
}
