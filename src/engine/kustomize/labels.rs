//! Labels for all objects: `labels` and `commonLabels`.
//!
//! References: `api/filters/labels/labels.go` and the configurator of `LabelTransformer` in
//! `api/internal/target/kusttarget_configplugin.go` of Kustomize 5.5.0.

use std::collections::HashMap;

use super::{
    context::Context,
    field_spec::{Create, FieldSpec, no_text},
    identity::Gvk,
    node::{Content, Entry, Node, Style, Tag},
    problem::Problem,
    resources::{Resource, Resources},
    sharing,
    tables::{Tables, merge_specs, read::field_specs},
};
use crate::source::yaml::resolve::{Reader, is_string};

/// An item of `labels`.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The labels, as a map.
    pub pairs: Node,
    /// Whether they are asked for by selectors as well.
    pub include_selectors: bool,
    /// Whether templates take them as well.
    pub include_templates: bool,
    /// Where else they go.
    pub fields: Vec<FieldSpec>,
}

impl Labels {
    /// Reads an item of `labels`.
    ///
    /// # Errors
    /// Where a field is of another type.
    pub fn read(node: &Node) -> Result<Self, Problem> {
        let is_true = |key: &str| {
            let scalar = node.get(key).and_then(Node::as_scalar);
            scalar.is_some_and(|scalar| scalar.tag == Tag::Boolean && scalar.text.bytes() == b"true")
        };
        Ok(Self {
            pairs: node.get("pairs").cloned().unwrap_or_else(Node::map),
            include_selectors: is_true("includeSelectors"),
            include_templates: is_true("includeTemplates"),
            fields: node.get("fields").map(field_specs).transpose()?.unwrap_or_default(),
        })
    }

    /// Sets the labels in all objects.
    ///
    /// # Errors
    /// Where two specifications of a field contradict each other, and where an object has no map in the place of labels.
    pub fn apply(&self, tables: &Tables, resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
        let specs = self.specs(tables, context).map_err(|problem| problem.during("failed to merge labels"))?;
        set(&self.pairs, &specs, resources, context)
    }

    fn specs(&self, tables: &Tables, context: &mut Context<'_>) -> Result<Vec<FieldSpec>, Problem> {
        let mut specs = self.fields.clone();
        merge_specs(&mut specs, &tables.labels, context)?;
        if self.include_selectors {
            merge_specs(&mut specs, &tables.common_labels, context)?;
            return Ok(specs);
        }
        if self.include_templates {
            merge_specs(&mut specs, &tables.template_labels, context)?;
        }
        let own = FieldSpec { path: "metadata/labels".to_owned(), create: true, ..FieldSpec::default() };
        merge_specs(&mut specs, &[own], context)?;
        Ok(specs)
    }
}

/// Sets the labels of `commonLabels` in all objects, their selectors and templates.
///
/// # Errors
/// Where an object has no map in the place of labels.
pub fn common(
    pairs: &Node,
    tables: &Tables,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    set(pairs, &tables.common_labels, resources, context)
}

/// Sets the entries of a map of texts in the maps that specifications name, which is all that the transformers of labels and
/// annotations do.
///
/// # Errors
/// Where an object has something else than a map in such a place, and where a key would not be read as text.
pub fn set(
    pairs: &Node,
    specs: &[FieldSpec],
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let mut pairs: Vec<&Entry> = pairs.entries().unwrap_or_default().iter().collect();
    if pairs.is_empty() {
        return Ok(());
    }
    pairs.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
    for resource in &mut resources.list {
        let gvk = Gvk::of_node(&resource.node);
        context.spend(specs.len())?;
        let specs: Vec<&FieldSpec> = specs.iter().filter(|spec| gvk.is_selected(&spec.gvk)).collect();
        let (source, span) = resource.declared;
        for pair in &pairs {
            set_pair(pair, &specs, resource, context).map_err(|problem| problem.at(source, span))?;
        }
    }
    Ok(())
}

fn set_pair(
    pair: &Entry,
    specs: &[&FieldSpec],
    resource: &mut Resource,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let said = pair.value.as_scalar().filter(|scalar| scalar.tag != Tag::Null);
    let text = said.map(|scalar| scalar.text.clone()).unwrap_or_default();
    let value = context.scalar(text, Tag::String);
    let mut added = 0;
    let mut written = HashMap::new();
    let shared = &resource.shared;
    let mut put = |node: &mut Node, context: &mut Context<'_>| {
        if node.is_null() {
            return Ok(());
        }
        let Content::Map(entries) = &mut node.content else {
            return Err(Problem::broken("wrong node kind: expected MappingNode"));
        };
        context.spend(entries.len())?;
        match entries.iter_mut().find(|entry| entry.key.bytes() == pair.key.bytes()) {
            Some(known) => {
                let style = known.value.as_scalar().map_or(Style::Plain, |scalar| scalar.style);
                known.value = value.clone();
                if let Content::Scalar(scalar) = &mut known.value.content {
                    scalar.style = style;
                }
                if let Some(leaf) = sharing::leaf_of(known).filter(|leaf| shared.contains(leaf)) {
                    written.insert(leaf, known.value.clone());
                }
            }
            None if !is_string(&pair.key.lossy(), Reader::Kustomize) => return Err(no_text(&pair.key.lossy())),
            None => {
                entries.push(Entry { key: pair.key.clone(), value: value.clone() });
                added += 1;
            }
        }
        Ok(())
    };
    for spec in specs {
        spec.walk(&mut resource.node, Create::Map, context, &mut put)?;
    }
    sharing::spread(resource, &written, context)?;
    if let Some(leaf) = sharing::leaf_of(pair).filter(|_| added > 1) {
        resource.shared.push(leaf);
    }
    Ok(())
}
