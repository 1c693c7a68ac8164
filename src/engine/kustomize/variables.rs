//! Variables: `vars`, and the `$(NAME)` that they replace.
//!
//! References: `api/types/var.go`, `api/internal/accumulator/resaccumulator.go` and `api/filters/refvar` of Kustomize 5.5.0.

mod expand;
mod lookup;

use std::collections::BTreeMap;

use expand::{Expanded, Value, expand};

use super::{
    context::Context,
    field_spec::Create,
    identity::Gvk,
    node::{Content, Node, Scalar, Style, Tag},
    problem::Problem,
    resources::{Resource, Resources},
    sharing,
    tables::Tables,
};

/// The variables of a build by their names.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, Variable>);

/// A variable: a field of an object.
#[derive(Clone, Debug)]
struct Variable {
    /// The object's kind.
    gvk: Gvk,
    /// The object's name.
    name: String,
    /// The object's namespace; any where it is empty.
    namespace: String,
    /// The field: keys with `.` between, `[0]` and `[key=value]` for items of lists.
    path: String,
}

impl Variables {
    /// Adds the items of `vars` and marks the objects that they take their values from (`MergeVars`).
    ///
    /// # Errors
    /// Where a name is taken, and where several objects fit a variable.
    pub fn declare(
        &mut self,
        items: &[Node],
        resources: &mut Resources,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let read: Vec<(String, Variable)> = items.iter().map(Variable::read).collect();
        for (name, variable) in &read {
            context.spend(resources.list.len())?;
            let fits = |resource: &Resource| resource.any_ids().any(|id| variable.is_of(&id));
            let mut found = resources.list.iter_mut().filter(|resource| fits(resource));
            if let Some(resource) = found.next() {
                let others = found.count();
                if others > 0 {
                    let count = others + 1;
                    return Err(Problem::broken(format!(
                        "found {count} resId matches for var {name} (unable to disambiguate)"
                    )));
                }
                resource.variables.push(name.clone());
            }
        }
        read.into_iter().try_for_each(|(name, variable)| self.insert(name, variable))
    }

    /// Adds the variables of a kustomization below.
    ///
    /// # Errors
    /// Where a name is taken.
    pub fn merge(&mut self, other: Self) -> Result<(), Problem> {
        other.0.into_iter().try_for_each(|(name, variable)| self.insert(name, variable))
    }

    fn insert(&mut self, name: String, variable: Variable) -> Result<(), Problem> {
        if self.0.contains_key(&name) {
            return Err(Problem::broken(format!("var '{name}' already encountered")));
        }
        self.0.insert(name, variable);
        Ok(())
    }

    /// Replaces the variables in all objects (`ResolveVars`). Where there is any variable at all, what stands in a field of
    /// variables has to be text.
    ///
    /// # Errors
    /// Where a variable has no value, and where a field of variables is a list with something else than text.
    pub fn resolve(
        &self,
        tables: &Tables,
        resources: &mut Resources,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let values = self.values(resources, context)?;
        if values.is_empty() {
            return Ok(());
        }
        for resource in &mut resources.list {
            let gvk = Gvk::of_node(&resource.node);
            context.spend(tables.var_reference.len())?;
            let (source, span) = resource.declared;
            let is_shared = sharing::any_says(resource, b'$');
            for spec in tables.var_reference.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
                let expand = |resource: &mut Resource, context: &mut Context<'_>| {
                    let mut put = |node: &mut Node, context: &mut Context<'_>| put(node, &values, context);
                    spec.walk(&mut resource.node, Create::Nothing, context, &mut put)
                };
                let expanded = match is_shared {
                    true => sharing::keeping(resource, context, expand),
                    false => expand(resource, context),
                };
                expanded.map_err(|problem| problem.at(source, span))?;
            }
        }
        Ok(())
    }

    fn values(&self, resources: &Resources, context: &mut Context<'_>) -> Result<BTreeMap<&str, Value>, Problem> {
        let mut values = BTreeMap::new();
        if self.0.is_empty() {
            return Ok(values);
        }
        let mut sources: BTreeMap<&str, &Resource> = BTreeMap::new();
        for resource in &resources.list {
            for name in &resource.variables {
                sources.entry(name).or_insert(resource);
            }
        }
        for (name, variable) in &self.0 {
            context.spend(1)?;
            let Some(resource) = sources.get(name.as_str()) else {
                return Err(Problem::broken(format!(
                    "var '{name}' cannot be mapped to a field in the set of known resources"
                )));
            };
            let node = lookup::field(&resource.node, &variable.path).ok().flatten();
            let Some(value) = node.and_then(Value::of) else {
                return Err(Problem::broken(format!(
                    "field specified in var '{name}' not found in corresponding resource: {}",
                    variable.path
                )));
            };
            values.insert(name.as_str(), value);
        }
        Ok(values)
    }
}

impl Variable {
    /// Reads an item of `vars` and its name.
    fn read(node: &Node) -> (String, Self) {
        let said = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let object = node.get("objref").cloned().unwrap_or_else(Node::map);
        let mut gvk =
            Gvk { group: said(&object, "group"), version: said(&object, "version"), kind: said(&object, "kind") };
        let api_version = said(&object, "apiVersion");
        match api_version.split('/').collect::<Vec<_>>()[..] {
            [""] => {}
            [version] => gvk.version = version.to_owned(),
            [group, version] => (gvk.group, gvk.version) = (group.to_owned(), version.to_owned()),
            _ => {}
        }
        let path = node.get("fieldref").map(|field| said(field, "fieldPath")).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| "metadata.name".to_owned());
        let variable = Self { gvk, name: said(&object, "name"), namespace: said(&object, "namespace"), path };
        (said(node, "name"), variable)
    }

    /// Tells whether an identity is the variable's object.
    fn is_of(&self, id: &super::identity::Identity) -> bool {
        let is_there = match self.namespace.as_str() {
            "" => true,
            namespace => namespace == id.effective_namespace(),
        };
        is_there && self.name == id.name && self.gvk == id.gvk
    }
}

/// Replaces the variables at the end of a field's path.
fn put(node: &mut Node, values: &BTreeMap<&str, Value>, context: &mut Context<'_>) -> Result<(), Problem> {
    match &mut node.content {
        Content::Scalar(_) => put_text(node, values, context).map(|_| ()),
        Content::Map(entries) => {
            entries.iter_mut().try_for_each(|entry| put_text(&mut entry.value, values, context).map(|_| ()))
        }
        Content::List(items) => items.iter_mut().try_for_each(|item| match put_text(item, values, context)? {
            true => Ok(()),
            false => Err(Problem::broken("invalid value type expect a string")),
        }),
    }
}

/// Replaces the variables of a text; tells whether it is one.
fn put_text(node: &mut Node, values: &BTreeMap<&str, Value>, context: &mut Context<'_>) -> Result<bool, Problem> {
    let Content::Scalar(scalar) = &mut node.content else { return Ok(false) };
    if !matches!(scalar.tag, Tag::String | Tag::Unresolved) {
        return Ok(false);
    }
    context.spend(1 + scalar.text.len() / 64)?;
    let (text, tag) = match expand(&scalar.text, values)? {
        Expanded::Same => (scalar.text.clone(), Tag::String),
        Expanded::Text(text) => (text, Tag::String),
        Expanded::Value(text, tag) => (text, tag),
    };
    let places = text.pieces().iter().map(|piece| piece.made_of.set());
    let places = context.sets.union_all(places.chain([node.places]));
    *node = Node { content: Content::Scalar(Scalar { text, tag, style: Style::Plain }), places };
    Ok(true)
}
