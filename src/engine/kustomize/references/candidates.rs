//! The objects that a name may stand for, found by the names that they had.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    engine::kustomize::{
        context::Context,
        identity::{Gvk, Identity},
        node::Node,
        problem::Problem,
        resources::{Resource, Resources},
        scope::is_cluster_wide,
    },
    source::lineage::text::Text,
};

/// All objects of a build before names follow.
pub struct Candidates {
    /// The objects, in their order.
    pub list: Vec<Candidate>,
    by_name: HashMap<String, Vec<usize>>,
    /// For each namespace that objects had first, the namespaces that such objects have now.
    by_first: HashMap<String, BTreeSet<Space>>,
}

/// An object that a name may stand for.
pub struct Candidate {
    /// What it is called now.
    pub id: Identity,
    /// What it was called before.
    pub previous: Vec<Identity>,
    /// Its first kind.
    pub first: Gvk,
    /// The namespace that it had first.
    pub first_namespace: String,
    /// Whether its kind exists once for the cluster.
    pub is_cluster_wide: bool,
    /// Its name, with where it comes from.
    pub name: Text,
    /// Its namespace, with where it comes from.
    pub namespace: Text,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// Where an object is: its namespace as it says it, and whether it is in one at all.
type Space = (bool, String);

/// An object whose fields name others.
pub struct Referrer<'r> {
    of: &'r Candidate,
    /// The namespaces of the accounts that a role binding names.
    namespaces: HashSet<String>,
}

impl Candidates {
    /// Of all objects.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn of(resources: &Resources, context: &mut Context<'_>) -> Result<Self, Problem> {
        let mut candidates =
            Self { list: Vec::with_capacity(resources.list.len()), by_name: HashMap::new(), by_first: HashMap::new() };
        for (at, resource) in resources.list.iter().enumerate() {
            let candidate = Candidate::of(resource);
            context.spend(1 + candidate.previous.len())?;
            for id in &candidate.previous {
                let named = candidates.by_name.entry(id.name.clone()).or_default();
                if named.last() != Some(&at) {
                    named.push(at);
                }
            }
            let spaces = candidates.by_first.entry(candidate.first_namespace.clone()).or_default();
            spaces.insert(candidate.space());
            candidates.list.push(candidate);
        }
        Ok(candidates)
    }

    /// The positions of the objects that had a name.
    pub fn named(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Tells whether an object that the referrer may name was in a namespace first.
    ///
    /// # Errors
    /// Where that takes too long.
    pub fn any_first(
        &self,
        namespace: &str,
        referrer: &Referrer<'_>,
        context: &mut Context<'_>,
    ) -> Result<bool, Problem> {
        let Some(spaces) = self.by_first.get(namespace).filter(|_| namespace != CLUSTER) else { return Ok(false) };
        context.spend(spaces.len())?;
        Ok(spaces.iter().any(|space| referrer.may_reach(space)))
    }
}

/// The effective namespace of what is in none.
const CLUSTER: &str = "_non_namespaceable_";

impl Candidate {
    fn of(resource: &Resource) -> Self {
        let id = resource.id();
        let text = |key: &str| {
            let node = resource.node.at(&["metadata", key]).and_then(Node::as_scalar);
            node.map(|scalar| scalar.text.clone()).unwrap_or_default()
        };
        let first = resource.first_id();
        let first_namespace = match resource.previous.first() {
            Some(former) => former.namespace.clone(),
            None => id.effective_namespace().to_owned(),
        };
        Self {
            previous: resource.previous_ids().collect(),
            first: first.gvk,
            first_namespace,
            is_cluster_wide: is_cluster_wide(&id.gvk),
            name: text("name"),
            namespace: text("namespace"),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            id,
        }
    }

    fn space(&self) -> Space {
        (self.is_cluster_wide, self.id.namespace.clone())
    }
}

impl<'r> Referrer<'r> {
    /// The object at a position.
    ///
    /// # Errors
    /// Where a role binding names an account in a namespace that is no text.
    pub fn of(candidates: &'r Candidates, at: usize, node: &Node) -> Result<Self, Problem> {
        let of = &candidates.list[at];
        let namespaces = if of.is_cluster_wide { HashSet::new() } else { subject_namespaces(&of.id, node)? };
        Ok(Self { of, namespaces })
    }

    /// Tells whether an object is near enough to be named (`SubsetThatCouldBeReferencedByResource`).
    pub fn may_name(&self, candidate: &Candidate) -> bool {
        self.of.is_cluster_wide
            || candidate.is_cluster_wide
            || candidate.id.effective_namespace() == self.of.id.effective_namespace()
            || self.namespaces.contains(&candidate.id.namespace)
    }

    /// As [`Self::may_name`], of any object in such a place.
    fn may_reach(&self, (is_cluster_wide, namespace): &Space) -> bool {
        let effective = if namespace.is_empty() { "default" } else { namespace };
        self.of.is_cluster_wide
            || *is_cluster_wide
            || effective == self.of.id.effective_namespace()
            || self.namespaces.contains(namespace)
    }

    /// Tells whether names lead from one namespace to the other (`sameCurrentNamespaceAsReferrer`).
    pub fn shares_namespace(&self, candidate: &Candidate) -> bool {
        self.of.is_cluster_wide
            || candidate.is_cluster_wide
            || candidate.id.gvk.kind == "ServiceAccount"
            || candidate.id.effective_namespace() == self.of.id.effective_namespace()
    }

    /// Tells whether both were given the same prefixes and suffixes in the end (`PrefixesSuffixesEquals`).
    pub fn shares_affixes(&self, candidate: &Candidate, allow_empty: bool) -> bool {
        let fit = |a: &[String], b: &[String]| {
            (allow_empty && (a.is_empty() || b.is_empty()))
                || (a.is_empty() == b.is_empty() && (a.ends_with(b) || b.ends_with(a)))
        };
        fit(&candidate.prefixes, &self.of.prefixes) && fit(&candidate.suffixes, &self.of.suffixes)
    }
}

/// The namespaces of the accounts that a role binding names (`getNamespacesForRoleBinding`).
fn subject_namespaces(id: &Identity, node: &Node) -> Result<HashSet<String>, Problem> {
    let mut namespaces = HashSet::new();
    if id.gvk.kind != "RoleBinding" {
        return Ok(namespaces);
    }
    for subject in node.get("subjects").and_then(Node::items).unwrap_or_default() {
        if subject.entries().is_none() {
            return Err(Problem::broken(format!("a subject of {id} is no map")));
        }
        let (Some(namespace), Some(kind)) = (subject.get("namespace"), subject.get("kind")) else { continue };
        let text = |node: &Node| node.to_json().ok().and_then(|value| value.as_str().map(str::to_owned));
        let Some(kind) = text(kind) else {
            return Err(Problem::broken(format!("the kind of a subject of {id} is no text")));
        };
        if kind != "ServiceAccount" {
            continue;
        }
        let Some(namespace) = text(namespace) else {
            return Err(Problem::broken(format!("Invalid Input: namespace is blank for resource \"{id}\"")));
        };
        namespaces.insert(namespace);
    }
    Ok(namespaces)
}
