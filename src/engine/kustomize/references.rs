//! Names in objects that follow the objects they name.
//!
//! When all kustomizations have done their work, and hashes are behind the names of what was generated, every field that may
//! name an object is looked at: where its text is a name that exactly one fitting object had before, it becomes the name that
//! the object has now.
//!
//! References: `api/filters/nameref/nameref.go`, `api/internal/accumulator/namereferencetransformer.go` and
//! `resWrangler.SubsetThatCouldBeReferencedByResource` of Kustomize 5.5.0.

mod candidates;

use std::collections::HashMap;

use candidates::{Candidate, Candidates, Referrer};

use super::{
    context::Context,
    field_spec::Create,
    identity::Gvk,
    node::{Content, Node, Tag, made},
    problem::Problem,
    resources::Resources,
    sharing,
    tables::{BackReferences, Tables},
};
use crate::source::{
    lineage::text::Text,
    yaml::resolve::{Reader, is_string},
};

/// Lets all names follow the objects that they name.
///
/// # Errors
/// Where a name could stand for several objects whose names now differ, and where a field that should be a name is none.
pub fn fix(tables: &Tables, resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
    let candidates = Candidates::of(resources, context)?;
    let by_kind = by_kind(&tables.name_reference);
    for (at, resource) in resources.list.iter_mut().enumerate() {
        let first = &candidates.list[at].first;
        let fields = [first.kind.as_str(), ""].into_iter().filter_map(|kind| by_kind.get(kind)).flatten();
        let mut fields: Vec<&(usize, usize)> = fields
            .filter(|(target, spec)| first.is_selected(&tables.name_reference[*target].specs[*spec].gvk))
            .collect();
        context.spend(1 + fields.len())?;
        if fields.is_empty() {
            continue;
        }
        fields.sort_unstable();
        let (source, span) = resource.declared;
        let id = resource.id();
        sharing::keeping(resource, context, |resource, context| {
            let referrer = Referrer::of(&candidates, at, &resource.node)?;
            for (target, spec) in fields {
                let BackReferences { gvk, specs } = &tables.name_reference[*target];
                let spec = &specs[*spec];
                let role = spec.path.ends_with("roleRef/name").then(|| role(&resource.node)).flatten();
                let reference =
                    Reference { candidates: &candidates, referrer: &referrer, target: gvk, role: role.as_ref() };
                let mut put = |node: &mut Node, context: &mut Context<'_>| reference.put(node, context);
                spec.walk(&mut resource.node, Create::Nothing, context, &mut put).map_err(|problem| {
                    problem.during(format_args!("updating name reference in '{}' field of '{id}'", spec.path))
                })?;
            }
            Ok(())
        })
        .map_err(|problem| problem.at(source, span))?;
    }
    Ok(())
}

/// The places of the field specifications by the kinds that they are of, `""` where the kind does not matter.
fn by_kind(references: &[BackReferences]) -> HashMap<&str, Vec<(usize, usize)>> {
    let mut places: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
    for (target, references) in references.iter().enumerate() {
        for (at, spec) in references.specs.iter().enumerate() {
            places.entry(spec.gvk.kind.as_str()).or_default().push((target, at));
        }
    }
    places
}

/// The role that a binding says it is of (`getRoleRefGvk`).
fn role(binding: &Node) -> Option<Gvk> {
    let role = binding.get("roleRef")?;
    let said = |key: &str| role.get(key).map(|node| written(node).lossy().into_owned());
    Some(Gvk { group: said("apiGroup")?, version: String::new(), kind: said("kind")? })
}

/// The text of a scalar, whatever its type; empty for what is none.
fn written(node: &Node) -> Text {
    node.as_scalar().map(|scalar| scalar.text.clone()).unwrap_or_default()
}

/// What a field of an object may name.
struct Reference<'r> {
    candidates: &'r Candidates,
    referrer: &'r Referrer<'r>,
    target: &'r Gvk,
    role: Option<&'r Gvk>,
}

impl Reference<'_> {
    /// Sets the name that is at the end of a field's path: a text, a map with a name and maybe a namespace, or a list of these.
    fn put(&self, node: &mut Node, context: &mut Context<'_>) -> Result<(), Problem> {
        match &mut node.content {
            Content::Scalar(_) | Content::Map(_) => self.put_one(node, context),
            Content::List(items) => items.iter_mut().try_for_each(|item| match item.content {
                Content::Scalar(_) | Content::Map(_) => self.put_one(item, context),
                Content::List(_) => Err(Problem::broken("expected to be either a string or a map of string")),
            }),
        }
    }

    fn put_one(&self, node: &mut Node, context: &mut Context<'_>) -> Result<(), Problem> {
        match node.content {
            Content::Scalar(_) if node.is_null() => Ok(()),
            Content::Scalar(_) => self.put_name(node, context),
            _ => self.put_name_and_namespace(node, context),
        }
    }

    fn put_name(&self, node: &mut Node, context: &mut Context<'_>) -> Result<(), Problem> {
        let old = written(node);
        let found = self.select(&old, |_| true, |a, b| a.id.name == b.id.name, context)?;
        if let Some(found) = found.filter(|found| found.id.name.as_bytes() != old.bytes()) {
            context.replace_text(node, found.name.clone());
        }
        Ok(())
    }

    fn put_name_and_namespace(&self, node: &mut Node, context: &mut Context<'_>) -> Result<(), Problem> {
        let Some(old) = node.get("name").map(written) else {
            return Err(Problem::broken("path config error; no 'name' field in node"));
        };
        let namespace = node.get("namespace").map(|node| written(node).lossy().into_owned());
        let by_first = match &namespace {
            Some(namespace) => self.candidates.any_first(namespace, self.referrer, context)?,
            None => false,
        };
        let is_there = |candidate: &Candidate| match &namespace {
            None => true,
            Some(namespace) if by_first => candidate.first_namespace == *namespace,
            Some(namespace) => !candidate.is_cluster_wide && candidate.id.effective_namespace() == namespace,
        };
        let same = |a: &Candidate, b: &Candidate| a.id.name == b.id.name && a.id.namespace == b.id.namespace;
        let Some(found) = self.select(&old, is_there, same, context)? else { return Ok(()) };
        if found.id.name.as_bytes() == old.bytes() && found.id.namespace.is_empty() {
            return Ok(());
        }
        if let Some(name) = node.get_mut("name").filter(|_| !found.id.name.is_empty()) {
            context.replace_text(name, found.name.clone());
        }
        if found.id.namespace.is_empty() {
            return Ok(());
        }
        match node.get_mut("namespace") {
            Some(known) => context.replace_text(known, found.namespace.clone()),
            None => {
                let is_text = is_string(&found.id.namespace, Reader::Manifest);
                let tag = if is_text { Tag::Unresolved } else { Tag::String };
                let namespace = context.scalar(found.namespace.clone(), tag);
                node.set(made("namespace"), namespace);
            }
        }
        Ok(())
    }

    /// The one object that a name stands for (`selectReferral`).
    fn select(
        &self,
        old: &Text,
        is_there: impl Fn(&Candidate) -> bool,
        same: impl Fn(&Candidate, &Candidate) -> bool,
        context: &mut Context<'_>,
    ) -> Result<Option<&Candidate>, Problem> {
        let named = self.candidates.named(&old.lossy());
        context.spend(1 + named.len())?;
        let was = |candidate: &Candidate, gvk: &Gvk| candidate.previous.iter().any(|id| id.gvk.is_selected(gvk));
        let fits = |candidate: &&Candidate| {
            self.referrer.may_name(candidate)
                && is_there(candidate)
                && was(candidate, self.target)
                && self.role.is_none_or(|role| was(candidate, role))
                && self.referrer.shares_namespace(candidate)
        };
        let mut found: Vec<&Candidate> = named.iter().map(|at| &self.candidates.list[*at]).filter(fits).collect();
        if let [one] = found[..] {
            return Ok(Some(one));
        }
        found.retain(|candidate| self.referrer.shares_affixes(candidate, true));
        if found.len() > 1 {
            found.retain(|candidate| self.referrer.shares_affixes(candidate, false));
        }
        match found[..] {
            [] => Ok(None),
            [one, ref others @ ..] if others.iter().all(|other| same(one, other)) => Ok(Some(one)),
            _ => {
                let ids: Vec<String> = found.iter().map(|candidate| candidate.id.to_string()).collect();
                Err(Problem::broken(format!("found multiple possible referrals: {}", ids.join(", "))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::kustomize::{
            leaf::Leaf,
            load, names,
            sources::{Parsed, Sources},
        },
        source::{lineage::text::MadeOf, path::RepoPath, tree::MemoryTree},
    };

    #[test]
    fn a_name_that_followed_leads_to_the_prefix_and_to_the_name_it_follows() {
        let path: RepoPath = "all.yaml".parse().expect("a path");
        let text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n---\nkind: Pod\napiVersion: v1\n\
                    metadata: {name: p}\nspec: {volumes: [{configMap: {name: c}}]}\n";
        let (tree, parsed) = (MemoryTree::of([(path.clone(), text)]), Parsed::default());
        let mut context = Context::new(Sources::new(&tree, &parsed));
        let source = context.sources.file(&path).expect("a file");
        let mut resources = load::resources(source, &mut context).expect("objects");
        let prefix = Text::verbatim(b"p-", context.sets.leaf(Leaf::BuiltIn("prefix")));
        let tables = Tables::standard();
        names::prefix(&prefix, &tables.name_prefix, &mut resources, &mut context).expect("is done");
        fix(&tables, &mut resources, &mut context).expect("is done");
        let name = resources.list[0].node.at(&["metadata", "name"]).expect("a field");
        let volume = &resources.list[1].node.at(&["spec", "volumes"]).expect("a field").items().expect("a list")[0];
        let reference = volume.at(&["configMap", "name"]).expect("a field");
        assert_eq!(reference.text(), Some("p-c"));
        let pieces = |node: &Node| written(node).pieces().to_vec();
        assert_eq!(pieces(reference), pieces(name));
        let from: Vec<&Leaf> = pieces(reference)
            .iter()
            .filter_map(|piece| match piece.made_of {
                MadeOf::Verbatim { leaf, .. } => Some(context.sets.get(leaf)),
                MadeOf::Derived(_) => None,
            })
            .collect();
        assert!(matches!(from[..], [Leaf::BuiltIn("prefix"), Leaf::Node { document: 0, .. }]), "{from:?}");
        assert_eq!(context.sets.leaves(reference.places).count(), 3, "the reference's own place counts as well");
    }
}
