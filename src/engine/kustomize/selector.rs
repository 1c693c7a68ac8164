//! Which objects a target means.
//!
//! References: `api/types/selector.go`, `api/resmap/reswrangler.go` (`Select`) and `kyaml/resid` of Kustomize 5.5.0.

pub mod labels;
pub mod pattern;

use std::cell::OnceCell;

use self::{labels::Requirements, pattern::Pattern};
use super::{
    identity::{Gvk, Identity},
    node::Node,
    problem::Problem,
    resources::Resource,
    scope::is_cluster_wide,
};

/// A `target` of a patch, a `select` or a `reject`: what is empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// What it says of the kind, name and namespace, as written: for a patch's target these are regular expressions.
    pub identity: Identity,
    /// The labels that an object must have.
    pub labels: String,
    /// The annotations that an object must have.
    pub annotations: String,
}

/// A patch's target, ready to look for what it means.
#[derive(Debug)]
pub struct Target {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Lazy,
    annotations: Lazy,
}

/// Requirements that are read, and found to be wrong, when the first object is asked about.
#[derive(Debug)]
struct Lazy {
    text: String,
    read: OnceCell<Result<Requirements, Problem>>,
}

/// The names of a selector's fields.
pub const FIELDS: &[&str] = &["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];

impl Selector {
    /// Reads a map of [`FIELDS`].
    ///
    /// # Errors
    /// Where it is none, as Kustomize refuses it when it reads the kustomization.
    pub fn read(node: &Node) -> Result<Self, Problem> {
        Self::of(Fields::read(node, "a selector", FIELDS)?)
    }

    /// Takes what it says out of a map that may have other fields too.
    ///
    /// # Errors
    /// Where a field is no text.
    pub fn of(fields: Fields<'_>) -> Result<Self, Problem> {
        let gvk = Gvk { group: fields.text("group")?, version: fields.text("version")?, kind: fields.text("kind")? };
        let identity = Identity { gvk, name: fields.text("name")?, namespace: fields.text("namespace")? };
        Ok(Self { identity, labels: fields.text("labelSelector")?, annotations: fields.text("annotationSelector")? })
    }

    /// Makes it ready to look for what a patch's target means.
    ///
    /// # Errors
    /// Where a field is no regular expression.
    pub fn target(&self) -> Result<Target, Problem> {
        let pattern = |text: &str| (!text.is_empty()).then(|| Pattern::anchored(text)).transpose();
        let Gvk { group, version, kind } = &self.identity.gvk;
        Ok(Target {
            group: pattern(group)?,
            version: pattern(version)?,
            kind: pattern(kind)?,
            name: pattern(&self.identity.name)?,
            namespace: pattern(&self.identity.namespace)?,
            labels: Lazy::of(&self.labels),
            annotations: Lazy::of(&self.annotations),
        })
    }

    /// Tells whether it says nothing of kind, name and namespace.
    pub fn is_any(&self) -> bool {
        self.identity == Identity::default()
    }

    /// Tells whether an identity is exactly what it says, as replacements have it (`ResId.IsSelectedBy`).
    pub fn selects(&self, id: &Identity) -> bool {
        let Identity { gvk, name, namespace } = &self.identity;
        // A selector is never known to be of a cluster-wide kind.
        (name.is_empty() || *name == id.name)
            && (namespace.is_empty() || namespace == id.effective_namespace())
            && id.gvk.is_selected(gvk)
    }
}

impl Target {
    /// Tells whether it means an object, by the name and namespace that it has or had first.
    ///
    /// # Errors
    /// Where its labels or annotations are no requirements; that is noticed only where all else fits.
    pub fn matches(&self, resource: &Resource) -> Result<bool, Problem> {
        let node = &resource.node;
        let said = |keys: &[&str]| node.at(keys).and_then(Node::text).unwrap_or_default();
        let first = resource.previous.first();
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        if self.name.is_some() {
            let had = first.is_some_and(|former| fits(&self.name, &former.name));
            if !had && !fits(&self.name, said(&["metadata", "name"])) {
                return Ok(false);
            }
        }
        let (api_version, kind) = (said(&["apiVersion"]), said(&["kind"]));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if !fits(&self.kind, kind) || !fits(&self.group, group) || !fits(&self.version, version) {
            return Ok(false);
        }
        if self.namespace.is_some() {
            let is_wide = is_cluster_wide(&Gvk::of(api_version, kind));
            let had = first.is_some_and(|former| fits(&self.namespace, effective(&former.namespace, is_wide)));
            if !had && !fits(&self.namespace, effective(said(&["metadata", "namespace"]), is_wide)) {
                return Ok(false);
            }
        }
        Ok(self.labels.matches(&labels::of(node, "labels"))?
            && self.annotations.matches(&labels::of(node, "annotations"))?)
    }

    /// The name that an object must have, where only one will do.
    pub fn only_name(&self) -> Option<&str> {
        self.name.as_ref().and_then(Pattern::only_match)
    }
}

impl Lazy {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), read: OnceCell::new() }
    }

    fn matches(&self, labels: &[(&str, &str)]) -> Result<bool, Problem> {
        if self.text.is_empty() {
            return Ok(true);
        }
        match self.read.get_or_init(|| Requirements::read(&self.text)) {
            Ok(requirements) => Ok(requirements.matches(labels)),
            Err(problem) => Err(problem.clone()),
        }
    }
}

fn effective(namespace: &str, is_cluster_wide: bool) -> &str {
    match namespace {
        _ if is_cluster_wide => "_non_namespaceable_",
        "" => "default",
        namespace => namespace,
    }
}

/// A map that has fields of a few names only. Null is a map without fields.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'n> {
    node: &'n Node,
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// Reads a map of these fields, whose names may be written in any case.
    ///
    /// # Errors
    /// Where it is no map, and where it has another field.
    pub fn read(node: &'n Node, what: &'static str, names: &[&str]) -> Result<Self, Problem> {
        let fields = Self::any(node, what)?;
        for entry in node.entries().unwrap_or_default() {
            let name = entry.key.lossy();
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                return Err(Problem::broken(format!("invalid Kustomization: json: unknown field {name:?}")));
            }
        }
        Ok(fields)
    }

    /// Reads a map of any fields.
    ///
    /// # Errors
    /// Where it is no map.
    pub fn any(node: &'n Node, what: &'static str) -> Result<Self, Problem> {
        if node.entries().is_none() && !node.is_null() {
            return Err(Problem::broken(format!("invalid Kustomization: {what} is no map")));
        }
        Ok(Self { node, what })
    }

    /// The value of a field; nothing where it is null or not there.
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        let entries = self.node.entries()?;
        let named = |entry: &&super::node::Entry| entry.key.bytes().eq_ignore_ascii_case(name.as_bytes());
        // Of several that differ in case the last one counts.
        entries.iter().rfind(named).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// A field that is text; empty where it is null or not there.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn text(&self, name: &str) -> Result<String, Problem> {
        match self.get(name).map(Node::to_json).transpose() {
            Ok(None) => Ok(String::new()),
            Ok(Some(serde_json::Value::String(text))) => Ok(text),
            _ => Err(self.wrong(name, "a text")),
        }
    }

    /// A field that is a truth value; `false` where it is null or not there.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name).map(Node::to_json).transpose() {
            Ok(None) => Ok(false),
            Ok(Some(serde_json::Value::Bool(flag))) => Ok(flag),
            _ => Err(self.wrong(name, "a truth value")),
        }
    }

    /// A field that is a whole number; 0 where it is null or not there.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn number(&self, name: &str) -> Result<i64, Problem> {
        match self.get(name).map(Node::to_json).transpose() {
            Ok(None) => Ok(0),
            Ok(Some(serde_json::Value::Number(number))) => {
                number.as_i64().ok_or_else(|| self.wrong(name, "a whole number"))
            }
            _ => Err(self.wrong(name, "a whole number")),
        }
    }

    /// A field that is a list; empty where it is null or not there.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn list(&self, name: &str) -> Result<&'n [Node], Problem> {
        match self.get(name) {
            None => Ok(&[]),
            Some(node) => node.items().ok_or_else(|| self.wrong(name, "a list")),
        }
    }

    fn wrong(&self, name: &str, expected: &str) -> Problem {
        Problem::broken(format!("invalid Kustomization: {name} of {} is not {expected}", self.what))
    }
}
