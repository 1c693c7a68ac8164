//! The values of a release: layers merged as helm merges them, each value with the layer that says it.
//!
//! Helm merges maps and forgets which file won. Here every scalar, list, map and key leads to its layer, every final map knows
//! where a key that it lacks would be set, and the layers keep their own trees, so that for any path all that say something
//! about it can be listed, winner first.

mod coalesce;
mod dependencies;
mod layers;
pub mod lookup;
mod prepare;
pub mod release_name;
pub mod schema;
mod set;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    chart::Chart,
    sources::{ArgumentKind, Problem, Sources},
    template::{
        context::Context,
        function::Body,
        leaf::{FileId, LayerId, Leaf},
        value::{Datum, Map, Value},
    },
};
use crate::{
    model::pointer::{Pointer, list_index},
    source::{
        lineage::{sets::SetId, text::MadeOf},
        path::RepoPath,
    },
};

/// What is released: the inputs of `helm template` besides the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// Whether `.Release.IsUpgrade` is true.
    pub is_upgrade: bool,
    /// The version of Kubernetes, `1.29` or `v1.29.3`; without one, helm's own default, 1.32.0.
    pub kube_version: Option<String>,
    /// API versions that are served besides the built-in ones.
    pub api_versions: Vec<String>,
    /// Values in the order of `-f`.
    pub values: Vec<ValuesSource>,
    /// `--set` and its kin in the order of the command line.
    pub arguments: Vec<Argument>,
    /// The folder that relative paths of `--set-file` start from.
    pub folder: RepoPath,
}

/// Where values are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValuesSource {
    /// A values file.
    File(RepoPath),
    /// A map in a document: Argo CD's `valuesObject`, Flux's `spec.values`.
    Node {
        /// The file.
        file: RepoPath,
        /// The document, from 0.
        document: usize,
        /// The map in it.
        at: Pointer,
    },
    /// A text in a document that is YAML itself: Argo CD's `values`, a ConfigMap's key.
    Text {
        /// The file.
        file: RepoPath,
        /// The document, from 0.
        document: usize,
        /// The text in it.
        at: Pointer,
    },
}

/// An argument in Helm's grammar: `image.tag=1.4,args={a,b}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// How it is read.
    pub kind: ArgumentKind,
    /// The argument.
    pub text: String,
    /// The file, document and place that the argument is taken from, where it is.
    pub written: Option<(RepoPath, usize, Pointer)>,
}

/// Everything that a render needs, in Helm's order.
#[derive(Debug)]
pub struct Prepared {
    /// The charts that are enabled: subcharts before the chart that they belong to, the root last.
    pub charts: Vec<Instance>,
    /// The templates of all charts in the order in which Helm parses and executes them.
    pub templates: Vec<Template>,
    /// What is in `crds/`, in Helm's order: the root's own first.
    pub crds: Vec<Crd>,
    /// The values of the release without any chart's: `.Release` and its kin do not show them, `helm get values` does.
    pub user: Map,
    /// The final values of the root.
    pub values: Map,
    /// The order in which the layers win.
    pub layering: lookup::Layering,
}

/// One chart in its place: a chart that is listed under two aliases is two of these.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its path as in `# Source:`, `shop/charts/redis`.
    pub path: String,
    /// The keys of its values in the outermost chart's.
    pub mount: Vec<String>,
    /// The dot of its templates; `Template` is set before each.
    pub dot: Map,
    /// The `condition` and `tags` that let it in, and those of the charts around it.
    pub control: SetId,
    /// The chart's files.
    pub chart: Arc<Chart>,
}

/// A template in its place.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name, `shop/charts/redis/templates/_helpers.tpl`.
    pub name: String,
    /// The chart: an index of [`Prepared::charts`].
    pub chart: usize,
    /// `.Template.BasePath`.
    pub base_path: String,
    /// The file.
    pub file: FileId,
    /// The bytes of the file before the text: those of a byte order mark.
    pub skipped: usize,
    /// The text.
    pub text: Arc<str>,
    /// Whether it only defines: its name begins with `_`.
    pub is_partial: bool,
}

/// A file of `crds/`.
#[derive(Clone, Debug)]
pub struct Crd {
    /// Its name as in `# Source:`.
    pub name: String,
    /// The file.
    pub file: FileId,
    /// What let its chart in.
    pub control: SetId,
}

/// A layer that says something about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The layer.
    pub layer: LayerId,
    /// The place in the layer.
    pub at: Vec<String>,
}

/// Loads, merges and checks everything that a chart's templates are rendered with.
///
/// `to_yaml` is the function `toYaml`, which `.Files.AsConfig` prints with.
///
/// # Errors
/// Where helm fails before it renders, with the file and line where there is one; limits; what this version does not follow.
pub fn prepare(
    chart: &Arc<Chart>,
    release: &Release,
    sources: &mut Sources<'_>,
    context: &mut Context,
    to_yaml: Body,
) -> Result<Prepared, Problem> {
    prepare::prepare(chart, release, sources, context, to_yaml)
}

impl Prepared {
    /// The layers that say something about a path in the outermost chart's values, the one that wins first. What a parent's
    /// `global` says to its subcharts is among it. A layer that says `null` is listed although it only takes the key away.
    pub fn layers_of(&self, path: &[&str], sources: &Sources<'_>, context: &Context) -> Vec<Said> {
        let mut said = self.layering.layers_of(path, sources.layers());
        if let Some(winner) = self.winner(path, context) {
            said.retain(|said| *said != winner);
            said.insert(0, winner);
        }
        said
    }

    /// The place of the scalar at a path, as the merge left it.
    fn winner(&self, path: &[&str], context: &Context) -> Option<Said> {
        let root = Value::plain(Datum::Map(self.values.clone()));
        let found = path.iter().try_fold(root, |value, key| match &value.datum {
            Datum::Map(map) => map.get(key.as_bytes()),
            Datum::List(list) => list.items.get(list_index(key)?).cloned(),
            _ => None,
        })?;
        let MadeOf::Verbatim { leaf, .. } = found.made_of else { return None };
        match context.sets.get(leaf) {
            Leaf::Node { layer, at } => {
                let at = context.paths.keys(*at).into_iter().map(str::to_owned).collect();
                Some(Said { layer: *layer, at })
            }
            _ => None,
        }
    }

    /// The value of `.Template` for a template.
    pub fn template_value(template: &Template) -> Value {
        prepare::template_value(template)
    }
}

/// Arguments by kind, in the order in which helm applies them.
fn by_kind(arguments: &[Argument]) -> BTreeMap<ArgumentKind, Vec<&Argument>> {
    let mut kinds: BTreeMap<ArgumentKind, Vec<&Argument>> = BTreeMap::new();
    for argument in arguments {
        kinds.entry(argument.kind).or_default().push(argument);
    }
    kinds
}
