//! What the API description says of lists: by which key their items are merged.
//!
//! Kustomize carries the API of Kubernetes 1.21.2. Of it counts here which fields of which kinds lead to a list whose items
//! are merged; that is kept as a table. A kustomization's `openapi` can put another description in its place, after which
//! the kinds that are not in it have none, the built-in ones among them.
//!
//! Reference: `kyaml/openapi/openapi.go` of Kustomize 5.5.0.

mod custom;
mod table;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{built_in::BuiltIn, context::Context, folder::Folder, identity::Gvk, node::Node, problem::Problem};

/// The only description that is built in, by the name that `openapi.version` has for it.
const VERSION: &str = "v1.21.2";

/// The most references that are followed from one field: a definition may refer to itself.
const MAX_REFERENCES: usize = 64;

/// The descriptions of a build: the first that a kustomization chooses counts for all that follow, the outermost one's first.
#[derive(Debug)]
pub struct Schemas {
    chosen: Option<Choice>,
    built_in: Arc<BuiltIn>,
}

#[derive(Debug)]
enum Choice {
    BuiltIn,
    Custom(Arc<Definitions>),
}

/// The kinds of a description and what is in their objects.
#[derive(Debug, Default)]
pub struct Definitions {
    /// By `apiVersion`, then by `kind`.
    kinds: HashMap<Cow<'static, str>, HashMap<Cow<'static, str>, Type>>,
    types: HashMap<Cow<'static, str>, Type>,
    /// The kinds that a chosen description says to be of the whole cluster.
    cluster_wide: HashSet<Gvk>,
}

/// What is known of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Nothing below it is known.
    Opaque,
    /// All is known below it, and nothing there is merged by a key.
    Plain,
    /// What another name says.
    Reference(Cow<'static, str>),
    /// A list.
    List {
        /// The fields by which its items are told apart, so that a patch's are merged into them; none where a list of single
        /// values is merged by the values. Absent where a patch replaces the list.
        keys: Option<Vec<Cow<'static, str>>>,
        /// The items; absent where nothing is known of them.
        items: Option<Box<Self>>,
    },
    /// A map.
    Map {
        /// The fields that have a name.
        fields: HashMap<Cow<'static, str>, Self>,
        /// All others; absent where nothing is known of them.
        others: Option<Box<Self>>,
    },
}

impl Schemas {
    /// None was chosen yet.
    pub fn new(built_in: Arc<BuiltIn>) -> Self {
        Self { chosen: None, built_in }
    }

    /// What a kustomization's `openapi` says: `path` names a file of the folder, `version` the built-in description. To be
    /// called for every kustomization in the order in which they are entered, the outermost first, before anything else of it
    /// is read. `has_objects` tells whether objects were read before: then Kustomize may merge both descriptions, by which
    /// kinds they had.
    ///
    /// # Errors
    /// Where the file is not there or no description, and where there is no such version.
    pub fn choose(
        openapi: Option<&Node>,
        is_outermost: bool,
        has_objects: bool,
        folder: &Folder,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let said = |key| openapi.and_then(|openapi| openapi.get(key)).and_then(Node::text).map(ToOwned::to_owned);
        let (path, version) = (said("path"), said("version"));
        let file = path.map(|path| folder.file(&path, context)).transpose()?;
        if context.schemas.chosen.is_some() && !is_outermost {
            return Ok(());
        }
        context.schemas.chosen = match (file, version) {
            (Some(_), Some(_)) => {
                return Err(Problem::broken("builtin version and custom schema provided, cannot use both"));
            }
            (Some(_), None) if has_objects => {
                return Err(Problem::unsupported("openapi in a base that is read after other objects"));
            }
            (Some(file), None) => Some(Choice::Custom(Arc::new(custom::read(file, context)?))),
            (None, Some(version)) if version == VERSION => Some(Choice::BuiltIn),
            (None, Some(version)) if !version.is_empty() => {
                return Err(Problem::broken("the specified OpenAPI version is not built in"));
            }
            (None, _) => None,
        };
        Ok(())
    }

    /// Tells whether a chosen description says of a kind that it is of the whole cluster, which [`super::scope`] does not know:
    /// an object of such a kind cannot be built here.
    pub fn says_cluster_wide(&self, gvk: &Gvk) -> bool {
        matches!(&self.chosen, Some(Choice::Custom(definitions)) if definitions.cluster_wide.contains(gvk))
    }

    /// The description that counts.
    pub fn definitions(&self) -> Arc<Definitions> {
        match &self.chosen {
            Some(Choice::Custom(definitions)) => definitions.clone(),
            Some(Choice::BuiltIn) | None => self.built_in.definitions().clone(),
        }
    }
}

impl Definitions {
    /// Those that Kustomize carries.
    pub fn built_in() -> Self {
        table::read()
    }

    /// What is known of the objects of a kind (`SchemaForResourceType`).
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<&Type> {
        self.resolve(self.kinds.get(api_version)?.get(kind)?)
    }

    /// What is known of a field (`ResourceSchema.Field`).
    pub fn field<'d>(&'d self, of: &'d Type, name: &str) -> Option<&'d Type> {
        match of {
            Type::Map { fields, others } => self.resolve(fields.get(name).or(others.as_deref())?),
            Type::Plain => Some(of),
            Type::Opaque | Type::List { .. } | Type::Reference(_) => None,
        }
    }

    /// What is known of the items of a list (`ResourceSchema.Elements`).
    pub fn items<'d>(&'d self, of: &'d Type) -> Option<&'d Type> {
        match of {
            Type::List { items, .. } => self.resolve(items.as_deref()?),
            Type::Plain => Some(of),
            Type::Opaque | Type::Map { .. } | Type::Reference(_) => None,
        }
    }

    fn resolve<'d>(&'d self, mut of: &'d Type) -> Option<&'d Type> {
        for _ in 0..MAX_REFERENCES {
            let Type::Reference(name) = of else { return Some(of) };
            of = self.types.get(name)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(api_version: &str, kind: &str, path: &str) -> Option<Vec<String>> {
        let definitions = table::read();
        let mut at = definitions.kind(api_version, kind)?;
        for key in path.split('/') {
            at = if key == "-" { definitions.items(at)? } else { definitions.field(at, key)? };
        }
        let Type::List { keys: Some(keys), .. } = at else { return None };
        Some(keys.iter().map(|key| key.to_string()).collect())
    }

    #[test]
    fn lists_are_merged_by_the_keys_of_kubernetes_1_21() {
        let pod = "spec/template/spec";
        let cases: [(&str, &str, &str, Option<&[&str]>); 14] = [
            ("apps/v1", "Deployment", &format!("{pod}/containers"), Some(&["name"])),
            ("apps/v1", "Deployment", &format!("{pod}/containers/-/env"), Some(&["name"])),
            ("apps/v1", "Deployment", &format!("{pod}/containers/-/volumeMounts"), Some(&["mountPath"])),
            ("apps/v1", "Deployment", &format!("{pod}/containers/-/ports"), Some(&["containerPort", "protocol"])),
            ("apps/v1", "Deployment", &format!("{pod}/containers/-/args"), None),
            ("apps/v1", "Deployment", &format!("{pod}/tolerations"), None),
            ("apps/v1", "Deployment", "metadata/finalizers", Some(&[])),
            ("apps/v1", "Deployment", "metadata/ownerReferences", Some(&["uid"])),
            ("batch/v1", "CronJob", &format!("spec/jobTemplate/{pod}/volumes"), Some(&["name"])),
            ("v1", "Service", "spec/ports", Some(&["port", "protocol"])),
            ("v1", "Pod", "spec/hostAliases", Some(&["ip"])),
            ("networking.k8s.io/v1", "Ingress", "spec/rules", None),
            ("apps/v1beta1", "Deployment", &format!("{pod}/containers"), None),
            ("e.com/v1", "Foo", "spec/list", None),
        ];
        for (api_version, kind, path, expected) in cases {
            assert_eq!(
                keys(api_version, kind, path).as_deref(),
                expected.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{kind} {path}"
            );
        }
    }

    #[test]
    fn every_name_in_the_table_is_defined() {
        let definitions = table::read();
        fn names(of: &Type, found: &mut Vec<String>) {
            match of {
                Type::Reference(name) => found.push(name.to_string()),
                Type::List { items, .. } => items.iter().for_each(|items| names(items, found)),
                Type::Map { fields, others } => {
                    fields.values().for_each(|field| names(field, found));
                    others.iter().for_each(|others| names(others, found));
                }
                Type::Opaque | Type::Plain => {}
            }
        }
        let mut found = Vec::new();
        let kinds = definitions.kinds.values().flat_map(HashMap::values);
        kinds.chain(definitions.types.values()).for_each(|of| names(of, &mut found));
        assert!(found.len() > 200, "{}", found.len());
        for name in found {
            assert!(definitions.types.contains_key(name.as_str()), "{name}");
        }
    }
}
