//! What Kustomize knows an object by.
//!
//! References: `kyaml/resid` of Kustomize 5.5.0.

use super::{node::Node, scope::is_cluster_wide};

/// An object's group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version in it.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// What an object is, by its kind, name and namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Its group, version and kind.
    pub gvk: Gvk,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, empty where there is none.
    pub namespace: String,
}

/// The kinds that sort before others, in their order (`resid.orderFirst`).
pub const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// The kinds that sort behind others, in their order (`resid.orderLast`).
pub const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

impl Gvk {
    /// Of an `apiVersion` and a `kind`.
    pub fn of(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// What an object says of itself.
    pub fn of_node(node: &Node) -> Self {
        let said = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
        Self::of(said("apiVersion"), said("kind"))
    }

    /// As an object writes it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// What kinds of one rank are sorted by (`Gvk.legacySortString`).
    pub fn sort_text(&self) -> String {
        let or = |text: &'static str, value: &str| if value.is_empty() { text.to_owned() } else { value.to_owned() };
        [or("~G", &self.group), or("~V", &self.version), or("~K", &self.kind)].join("_")
    }

    /// Tells whether a selector, empty in what it does not care for, selects this (`Gvk.IsSelected`).
    pub fn is_selected(&self, selector: &Self) -> bool {
        let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
        fits(&selector.group, &self.group) && fits(&selector.version, &self.version) && fits(&selector.kind, &self.kind)
    }
}

impl Identity {
    /// What an object says of itself.
    pub fn of_node(node: &Node) -> Self {
        let metadata = node.get("metadata");
        let said = |key: &str| metadata.and_then(|metadata| metadata.get(key)).and_then(Node::text).unwrap_or_default();
        Self { gvk: Gvk::of_node(node), name: said("name").to_owned(), namespace: said("namespace").to_owned() }
    }

    /// The namespace, `default` where none is said, and for kinds of the whole cluster what no namespace is called
    /// (`ResId.EffectiveNamespace`).
    pub fn effective_namespace(&self) -> &str {
        match self.namespace.as_str() {
            _ if is_cluster_wide(&self.gvk) => "_non_namespaceable_",
            "" => "default",
            namespace => namespace,
        }
    }

    /// Tells whether a selector, empty in what it does not care for, selects this (`ResId.IsSelectedBy`).
    pub fn is_selected(&self, selector: &Self) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty() || selector.effective_namespace() == self.effective_namespace())
            && self.gvk.is_selected(&selector.gvk)
    }

    /// Tells whether two identities are one object to the cluster (`ResId.Equals`).
    pub fn equals(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace() && self.gvk == other.gvk && self.name == other.name
    }
}

/// `Deployment.v1.apps/cart.shop`, as Kustomize names objects in its messages.
impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or = |text: &'static str, value: &str| if value.is_empty() { text.to_owned() } else { value.to_owned() };
        let Gvk { group, version, kind } = &self.gvk;
        write!(f, "{}.{}.{}", or("[noKind]", kind), or("[noVer]", version), or("[noGrp]", group))?;
        write!(f, "/{}.{}", or("[noName]", &self.name), or("[noNs]", &self.namespace))
    }
}
