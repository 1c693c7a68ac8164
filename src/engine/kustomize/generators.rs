//! `configMapGenerator` and `secretGenerator`: objects made of literals, of environment files and of whole files.
//!
//! Every value keeps its origin: a literal's is a part of the scalar that says it, an environment file's is the rest of a line,
//! a file's is the file. A Secret's values are base64 and so are only derived from theirs.
//!
//! References: `api/internal/generators`, `api/kv` and `api/types/generatoroptions.go`, `kyaml/yaml/datamap.go` and
//! `appendReplaceOrMerge` in `api/resmap/reswrangler.go` of Kustomize 5.5.0.

pub mod data;
pub mod environment;
pub mod existing;
pub mod pairs;

use super::{
    context::Context,
    fields::{fields, flag, pairs as map, text, texts},
    folder::Folder,
    leaf::SourceId,
    load,
    node::{Entry, Node, Tag, made},
    problem::Problem,
    resources::{Behavior, Resource, Resources},
};
use crate::source::{
    lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
    span::Span,
};

/// What kind of object is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// What a generator is asked for.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The kind of the object.
    pub made: Made,
    /// Its name, before all that is put around it.
    pub name: Text,
    /// Its namespace; empty where none is said.
    pub namespace: Text,
    /// A Secret's type; empty where none is said.
    pub secret_type: Text,
    /// What becomes of an object of its name that is there already.
    pub behavior: Behavior,
    /// The environment files.
    pub envs: Vec<Text>,
    /// The literals.
    pub literals: Vec<Text>,
    /// The files.
    pub files: Vec<Text>,
    /// What else is said of it.
    pub options: Options,
    /// The entry that asks.
    pub places: SetId,
    /// The lists in which a key could be added.
    pub lists: Vec<SetId>,
}

/// What is said of generated objects: of one, or of all of a kustomization.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Their labels, sorted.
    pub labels: Vec<Entry>,
    /// Their annotations, sorted.
    pub annotations: Vec<Entry>,
    /// Whether their names stay without a hash.
    pub disable_hash: bool,
    /// What says that they may not be changed in the cluster, where something does.
    pub immutable: Option<Node>,
}

/// The ConfigMap that an entry of `configMapGenerator` asks for.
///
/// # Errors
/// Where Kustomize refuses it, or a file is out of reach.
pub fn config_map(
    item: &Node,
    options: Option<&Node>,
    folder: &Folder,
    context: &mut Context<'_>,
) -> Result<Resource, Problem> {
    generate_entry(item, Made::ConfigMap, options, folder, context)
}

/// The Secret that an entry of `secretGenerator` asks for.
///
/// # Errors
/// As [`config_map`].
pub fn secret(
    item: &Node,
    options: Option<&Node>,
    folder: &Folder,
    context: &mut Context<'_>,
) -> Result<Resource, Problem> {
    generate_entry(item, Made::Secret, options, folder, context)
}

/// Adds a generated object: as a new one, in the place of another, or merged with another.
///
/// # Errors
/// Where Kustomize refuses it: its behavior does not fit what is there.
pub fn absorb(resource: Resource, resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
    let id = resource.id();
    let behavior = resource.behavior;
    context.spend(resources.list.len())?;
    let matches = resources.with_any_id(|known| known.equals(&id));
    match (matches.as_slice(), behavior) {
        ([], Behavior::Merge | Behavior::Replace) => {
            Err(Problem::broken(format!("id {id} does not exist; cannot merge or replace")))
        }
        ([], Behavior::Create | Behavior::Unspecified) => resources.append(resource),
        ([_], Behavior::Create | Behavior::Unspecified) => {
            Err(Problem::broken(format!("id {id} exists; behavior must be merge or replace")))
        }
        (&[at], Behavior::Merge | Behavior::Replace) => {
            let new = existing::over(resource, &resources.list[at], context)?;
            let id = new.id();
            if resources.with_id(|known| known.equals(&id)) != [at] {
                return Err(Problem::broken(format!("cannot find resource with id {id} to replace")));
            }
            resources.list[at] = new;
            Ok(())
        }
        _ => Err(Problem::broken(format!("found multiple objects that could accept merge of {id}"))),
    }
    .map_err(|problem| problem.during("merging from generator"))
}

fn generate_entry(
    item: &Node,
    made: Made,
    options: Option<&Node>,
    folder: &Folder,
    context: &mut Context<'_>,
) -> Result<Resource, Problem> {
    let declared = load::span_of(item, context).unwrap_or((SourceId(0), Span::empty(0)));
    Arguments::of_entry(item, made, options)
        .and_then(|arguments| arguments.generate(declared, folder, context))
        .map_err(|problem| problem.at(declared.0, declared.1))
}

impl Arguments {
    /// Reads an entry of a kustomization whose `generatorOptions` these are.
    ///
    /// # Errors
    /// Where Kustomize refuses it.
    pub fn of_entry(item: &Node, made: Made, options: Option<&Node>) -> Result<Self, Problem> {
        let mut arguments = Self::read(item, made)?;
        let all = options.map_or(Ok(Options::default()), Options::read)?;
        arguments.options.complete(all);
        Ok(arguments)
    }

    /// Reads what configures the generator as a built-in plugin: the metadata stand in for the name and the namespace.
    ///
    /// # Errors
    /// Where Kustomize refuses it.
    pub fn of_plugin(item: &Node, made: Made) -> Result<Self, Problem> {
        let mut arguments = Self::read(item, made)?;
        let [metadata] = fields(item, ["metadata"])?;
        if let Some(metadata) = metadata {
            let [name, namespace] = fields(metadata, ["name", "namespace"])?;
            if arguments.name.is_empty() {
                arguments.name = text(name)?;
            }
            if arguments.namespace.is_empty() {
                arguments.namespace = text(namespace)?;
            }
        }
        Ok(arguments)
    }

    fn read(item: &Node, made: Made) -> Result<Self, Problem> {
        let names = ["name", "namespace", "behavior", "literals", "files", "envs", "options", "type"];
        let [name, namespace, behavior, literals, files, envs, options, secret_type] = fields(item, names)?;
        let mut lists: Vec<SetId> = literals.into_iter().map(|list| list.places).collect();
        lists.push(item.places);
        Ok(Self {
            made,
            name: text(name)?,
            namespace: text(namespace)?,
            secret_type: if made == Made::Secret { text(secret_type)? } else { Text::default() },
            behavior: match text(behavior)?.bytes() {
                b"create" => Behavior::Create,
                b"replace" => Behavior::Replace,
                b"merge" => Behavior::Merge,
                _ => Behavior::Unspecified,
            },
            envs: texts(envs)?,
            literals: texts(literals)?,
            files: texts(files)?,
            options: options.map_or(Ok(Options::default()), Options::read)?,
            places: item.places,
            lists,
        })
    }

    /// Makes the object.
    ///
    /// # Errors
    /// Where Kustomize refuses it, or a file is out of reach.
    pub fn generate(
        &self,
        declared: (SourceId, Span),
        folder: &Folder,
        context: &mut Context<'_>,
    ) -> Result<Resource, Problem> {
        if self.name.is_empty() {
            return Err(Problem::broken("a configmap must have a name"));
        }
        let pairs = pairs::of(self, folder, context)?;
        let mut root = Node { places: self.places, ..Node::map() };
        root.set(made("apiVersion"), Node::string(made("v1")));
        root.set(
            made("kind"),
            Node::string(made(match self.made {
                Made::ConfigMap => "ConfigMap",
                Made::Secret => "Secret",
            })),
        );
        let mut metadata = Node { places: self.places, ..Node::map() };
        metadata.set(made("name"), data::string(self.name.clone(), context));
        if !self.namespace.is_empty() {
            metadata.set(made("namespace"), data::string(self.namespace.clone(), context));
        }
        for (field, entries) in [("labels", &self.options.labels), ("annotations", &self.options.annotations)] {
            if !entries.is_empty() {
                metadata.set(made(field), data::map(entries.clone(), self.places, context)?);
            }
        }
        root.set(made("metadata"), metadata);
        if self.made == Made::Secret {
            let named = if self.secret_type.is_empty() { made("Opaque") } else { self.secret_type.clone() };
            root.set(made("type"), data::string(named, context));
        }
        let places = context.sets.union_all(self.lists.iter().copied());
        for (field, value) in data::fields(pairs, self.made, places, context)? {
            root.set(made(field), value);
        }
        if let Some(immutable) = &self.options.immutable {
            root.set(made("immutable"), immutable.clone());
        }
        Ok(Resource {
            behavior: self.behavior,
            needs_hash: !self.options.disable_hash,
            ..Resource::new(root, declared)
        })
    }
}

impl Options {
    /// Reads `generatorOptions`, or an entry's `options`.
    ///
    /// # Errors
    /// Where Kustomize refuses them.
    pub fn read(options: &Node) -> Result<Self, Problem> {
        let names = ["labels", "annotations", "disableNameSuffixHash", "immutable"];
        let [labels, annotations, disable_hash, immutable] = fields(options, names)?;
        let truth = |node: &Node| {
            let text = node.as_scalar().map(|scalar| scalar.text.clone()).filter(|text| text.bytes() == b"true");
            let text = text.unwrap_or_else(|| Text::new(b"true", MadeOf::Derived(node.places)));
            Node { places: node.places, ..Node::scalar(text, Tag::Boolean) }
        };
        Ok(Self {
            labels: map(labels)?,
            annotations: map(annotations)?,
            disable_hash: flag(disable_hash)?,
            immutable: if flag(immutable)? { immutable.map(truth) } else { None },
        })
    }

    /// Adds what all objects of a kustomization are said to be where this one's own options do not say otherwise; what is
    /// switched on for all cannot be switched off for one (`MergeGlobalOptionsIntoLocal`).
    fn complete(&mut self, all: Self) {
        let merge = |own: &mut Vec<Entry>, all: Vec<Entry>| {
            let has = |entry: &Entry| own.binary_search_by(|known| known.key.bytes().cmp(entry.key.bytes())).is_ok();
            let missing: Vec<Entry> = all.into_iter().filter(|entry| !has(entry)).collect();
            own.extend(missing);
            own.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
        };
        merge(&mut self.labels, all.labels);
        merge(&mut self.annotations, all.annotations);
        self.disable_hash |= all.disable_hash;
        self.immutable = all.immutable.or(self.immutable.take());
    }
}
