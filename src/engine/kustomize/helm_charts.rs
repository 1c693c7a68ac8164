//! `helmCharts`: charts of the repository, inflated by Helm as part of a build.
//!
//! Kustomize runs `helm template` on the chart and loads what that prints. The engines do not know each other, so the charts
//! are asked for through a function that whoever brings the engines together provides; without it a build fails as Kustomize
//! does without `--enable-helm`. A chart that is not in the repository would be fetched, and is refused. What a chart makes is
//! only known to come from all that was read for it: where in it is Helm's own lineage, which does not reach through here.
//!
//! References: `HelmChartInflationGenerator.go` and `api/types/helmchartargs.go` of Kustomize 5.5.0.

pub mod values;

use super::{
    context::Context,
    fields::{fields, flag, text, texts},
    folder::{Folder, Target},
    leaf::{Leaf, SourceId},
    load,
    node::{Content, Node},
    problem::{Kind, Problem},
    resources::{Resource, Resources},
    sources::Inside,
};
use crate::source::{
    lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
    path::RepoPath,
    span::Span,
    yaml::tree::NodeId,
};
use values::Merge;

/// What `helm template` is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartRequest {
    /// The chart's folder.
    pub chart: RepoPath,
    /// The release's name.
    pub release: String,
    /// The release's namespace; without one Helm takes that of its context, `default`.
    pub namespace: Option<String>,
    /// The values in the order of `--values`.
    pub values: Vec<ChartValues>,
    /// `--kube-version`.
    pub kube_version: Option<String>,
    /// `--api-versions`.
    pub api_versions: Vec<String>,
    /// `--include-crds`.
    pub include_crds: bool,
}

/// Values of a chart.
#[derive(Clone, Debug, PartialEq)]
pub enum ChartValues {
    /// A file.
    File(RepoPath),
    /// What Kustomize has merged.
    Merged(serde_json::Value),
}

/// What a chart comes to.
#[derive(Clone, Debug, Default)]
pub struct Inflated {
    /// What Helm prints.
    pub text: String,
    /// The files that were read for it.
    pub files: Vec<RepoPath>,
}

/// How deep an object may nest.
const MAX_DEPTH: usize = 256;

/// Inflates charts.
pub type Inflate<'i> = dyn Fn(&ChartRequest) -> Result<Inflated, Problem> + 'i;

/// What a generator of this kind is asked for.
#[derive(Clone, Debug)]
struct Arguments {
    name: String,
    version: String,
    repo: String,
    release: String,
    namespace: String,
    chart_home: String,
    values_file: Text,
    additional_values_files: Vec<Text>,
    values_inline: Option<Node>,
    merge: Merge,
    include_crds: bool,
    skip_hooks: bool,
    skip_tests: bool,
    api_versions: Vec<String>,
    kube_version: String,
    name_template: String,
    places: SetId,
}

/// The objects that an entry of `helmCharts` asks for.
///
/// # Errors
/// Where Kustomize or Helm refuses it, and where the chart is not in the repository.
pub fn inflate(
    item: &Node,
    globals: Option<&Node>,
    folder: &Folder,
    context: &mut Context<'_>,
) -> Result<Resources, Problem> {
    let declared = load::span_of(item, context).unwrap_or((SourceId(0), Span::empty(0)));
    let made = Arguments::read(item, globals).and_then(|arguments| arguments.inflate(declared, folder, context));
    made.map_err(|problem| Problem { at: None, ..problem }.at(declared.0, declared.1))
}

impl Arguments {
    fn read(item: &Node, globals: Option<&Node>) -> Result<Self, Problem> {
        let of_chart =
            ["name", "version", "repo", "releaseName", "namespace", "valuesFile", "valuesMerge", "kubeVersion"];
        let [name, version, repo, release, namespace, values_file, merge, kube_version] = fields(item, of_chart)?;
        let names = ["additionalValuesFiles", "valuesInline", "apiVersions", "nameTemplate"];
        let [additional, inline, api_versions, name_template] = fields(item, names)?;
        let [include_crds, skip_hooks, skip_tests] = fields(item, ["includeCRDs", "skipHooks", "skipTests"])?;
        let [chart_home] = globals.map_or(Ok([None]), |globals| fields(globals, ["chartHome"]))?;
        let said = |node: Option<&Node>| text(node).map(|text| text.lossy().into_owned());
        let said_or = |node: Option<&Node>, default: &str| {
            said(node).map(|text| if text.is_empty() { default.to_owned() } else { text })
        };
        let name = said(name)?;
        if name.is_empty() {
            return Err(Problem::broken("chart name cannot be empty"));
        }
        Ok(Self {
            name,
            version: said(version)?,
            repo: said(repo)?,
            release: said(release)?,
            namespace: said(namespace)?,
            chart_home: said_or(chart_home, "charts")?,
            values_file: text(values_file)?,
            additional_values_files: texts(additional)?,
            values_inline: inline.filter(|node| node.entries().is_some_and(|entries| !entries.is_empty())).cloned(),
            merge: Merge::of(&said(merge)?)?,
            include_crds: flag(include_crds)?,
            skip_hooks: flag(skip_hooks)?,
            skip_tests: flag(skip_tests)?,
            api_versions: texts(api_versions)?.iter().map(|text| text.lossy().into_owned()).collect(),
            kube_version: said(kube_version)?,
            name_template: said(name_template)?,
            places: item.places,
        })
    }

    fn inflate(
        &self,
        declared: (SourceId, Span),
        folder: &Folder,
        context: &mut Context<'_>,
    ) -> Result<Resources, Problem> {
        let Some(charts) = context.charts else { return Err(Problem::unsupported("must specify --enable-helm")) };
        let request = self.request(folder, context)?;
        let Inflated { text, files } = charts(&request)?;
        let mut sets = vec![self.places];
        sets.extend(self.values_inline.as_ref().map(|node| node.places));
        for path in &files {
            let Ok(source) = context.sources.file(path) else { continue };
            let span = Span::new(0, context.sources.get(source).content.len());
            sets.push(context.sets.leaf(Leaf::Bytes { source, span }).into());
        }
        let from = context.sets.union_all(sets);
        let inside = self.inside(declared, context);
        let source = context.sources.text(inside, &text);
        context.spend(text.len() / 64)?;
        let mut resources = Resources::default();
        for (mut node, _) in load::nodes(source, context)? {
            if !self.is_skipped(&node) {
                derive(&mut node, MadeOf::Derived(from), 0)?;
                resources.append(Resource::new(node, declared))?;
            }
        }
        Ok(resources)
    }

    /// The scalar or map that the text is filed under, where it is one of a document.
    fn inside(&self, declared: (SourceId, Span), context: &Context<'_>) -> Inside {
        let leaf = context.sets.leaves(self.places).next().map(|leaf| context.sets.get(leaf).clone());
        match leaf {
            Some(Leaf::Node { source, document, node }) => Inside { source, document, node, start: 0 },
            _ => Inside { source: declared.0, document: 0, node: NodeId(0), start: 0 },
        }
    }

    fn request(&self, folder: &Folder, context: &mut Context<'_>) -> Result<ChartRequest, Problem> {
        let home = if self.version.is_empty() || self.repo.is_empty() {
            self.chart_home.clone()
        } else {
            format!("{}/{}-{}", self.chart_home, self.name, self.version)
        };
        let reference = format!("{home}/{}", self.name);
        let chart = match folder.target(&reference, context) {
            Ok(Target::Folder(path)) => path,
            Err(problem) if !matches!(problem.kind, Kind::Broken) => return Err(problem),
            _ if self.repo.is_empty() => {
                return Err(Problem::broken(format!("no repo specified for pull, no chart found at '{reference}'")));
            }
            _ => {
                return Err(Problem::unsupported(format!("the chart {} of {} would be fetched", self.name, self.repo)));
            }
        };
        let mut values = Vec::new();
        let file = if self.values_file.is_empty() {
            format!("{reference}/values.yaml")
        } else {
            self.values_file.lossy().into_owned()
        };
        match (&self.values_inline, self.merge) {
            (None, _) => {
                let source = folder.file(&file, context)?;
                values.push(ChartValues::File(context.sources.get(source).path.clone()));
            }
            (Some(inline), merge) => values.push(ChartValues::Merged(merge.values(inline, &file, folder, context)?)),
        }
        for file in &self.additional_values_files {
            let source = folder
                .file(&file.lossy(), context)
                .map_err(|problem| problem.during("could not load additionalValuesFile"))?;
            values.push(ChartValues::File(context.sources.get(source).path.clone()));
        }
        Ok(ChartRequest {
            chart,
            release: self.release()?,
            namespace: Some(self.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            values,
            kube_version: Some(self.kube_version.clone()).filter(|version| !version.is_empty()),
            api_versions: self.api_versions.clone(),
            include_crds: self.include_crds,
        })
    }

    /// The release's name as `helm template` settles it between a name, a template of one, and `--generate-name`.
    fn release(&self) -> Result<String, Problem> {
        match (self.release.is_empty(), self.name_template.is_empty()) {
            (false, true) => Ok(self.release.clone()),
            (false, false) => Err(Problem::broken("cannot set --name-template and also specify a name")),
            (true, false) if !self.name_template.contains("{{") => Ok(self.name_template.clone()),
            (true, false) => {
                Err(Problem::unsupported(format!("a release named by the template {:?}", self.name_template)))
            }
            (true, true) => Err(Problem::unsupported(format!(
                "the chart {} without a releaseName, which Helm then makes of the time",
                self.name
            ))),
        }
    }

    /// Tells whether Helm leaves an object out: hooks, or only those that are tests.
    fn is_skipped(&self, object: &Node) -> bool {
        let hook = object.at(&["metadata", "annotations", "helm.sh/hook"]).and_then(Node::text);
        let is_test = |event: &str| matches!(event.trim().to_lowercase().as_str(), "test" | "test-success");
        hook.is_some_and(|events| self.skip_hooks || (self.skip_tests && events.split(',').any(is_test)))
    }
}

/// Makes all of a value come from these.
fn derive(node: &mut Node, made_of: MadeOf, depth: usize) -> Result<(), Problem> {
    if depth > MAX_DEPTH {
        return Err(Problem::limit("an object nests too deeply"));
    }
    node.places = SetId::EMPTY;
    match &mut node.content {
        Content::Scalar(scalar) => scalar.text = Text::new(scalar.text.bytes(), made_of),
        Content::List(items) => items.iter_mut().try_for_each(|item| derive(item, made_of, depth + 1))?,
        Content::Map(entries) => {
            for entry in entries {
                entry.key = Text::new(entry.key.bytes(), made_of);
                derive(&mut entry.value, made_of, depth + 1)?;
            }
        }
    }
    Ok(())
}
