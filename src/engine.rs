//! Stacks in, resources with lineage out.
//!
//! Each engine evaluates one language the way the field's own tool does, in memory and from one commit's files. Engines know
//! nothing of findings or rules, and do not import each other: this module brings them together.

pub mod at_once;
pub mod given;
pub mod go;
pub mod helm;
pub mod kustomize;
pub mod manifest;
pub mod parts;
pub mod reads;
pub mod remembered;
pub mod site;
pub mod substitute;
pub mod terraform;
pub mod window;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    model::{
        change::Change,
        diff::FieldChange,
        pointer::Pointer,
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
    },
    source::{
        lineage::{Chain, Dependence, Lack, Origin, Spot},
        path::RepoPath,
        tree::{Overlay, SourceTree, entry},
    },
};
use helm::values::ValuesSource;
use kustomize::{
    helm_charts::{ChartRequest, ChartValues, Inflated},
    problem::Problem,
};
use reads::Reads;
use site::{Lists, Site};

/// What a stack consists of, in the terms of the engine that renders it.
#[derive(Clone, Debug)]
pub enum Declaration {
    /// A folder of plain Kubernetes manifests.
    Manifests(manifest::Folder),
    /// A Helm chart with the values that it is released with.
    Helm(Box<helm::render::Installation>),
    /// A kustomization.
    Kustomize(Box<kustomize::render::Overlay>),
    /// A root module of Terraform.
    Terraform(Box<terraform::render::Root>),
    /// Objects that another object describes one by one.
    Given(Box<given::Objects>),
    /// A stack that is known but cannot be rendered.
    Refused {
        /// The language, as far as it is known.
        language: Language,
        /// The files that it may read.
        reads: Arc<Reads>,
        /// Why.
        refusal: Box<Refusal>,
    },
}

/// A language that declares stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the field's own")]
pub enum Language {
    Manifests,
    Helm,
    Kustomize,
    Terraform,
    ApplicationSet,
}

/// What a stack renders to.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The resources in the order of the field's tool.
    pub resources: Vec<Resource>,
    /// Every file that was read.
    pub files: BTreeSet<RepoPath>,
    /// How many values it holds in memory, besides those of the files that were parsed.
    pub values: usize,
    /// What resources depend on and do not show, as digests by what they are of: the known parts of values that are not known
    /// as a whole, the arguments of providers and data sources.
    pub unseen: BTreeMap<String, u64>,
    /// What of the resources cannot be told; empty where all of them are there.
    pub missing: Vec<Missing>,
    /// What the field's tool stops at in it: the rest is as it would be without. Empty where it goes through.
    pub broken: Vec<Refusal>,
    /// What was passed over, and why.
    pub skipped: Vec<Skipped>,
    /// What the field's tool prints of it.
    pub printed: Printout,
}

/// What the field's tool prints of a stack, to the byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Printout {
    /// Nothing: no tool prints manifests.
    #[default]
    Nothing,
    /// This text, which may hold more than the resources: comments, documents of no kind.
    Text(String),
    /// The resources as Kustomize words them, which takes as long as a third of the build: [`Rendered::text`] does it.
    Kustomized,
}

/// A rendered resource.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Which thing it is.
    pub id: ResourceId,
    /// Its name without the hash that its content puts behind it, where there is one: what it is called stays, what it is
    /// named moves with the content.
    pub stem: Option<String>,
    /// All of it; shared with earlier renders of the same text.
    pub value: Arc<Value>,
    /// What its engine knows of where it comes from.
    source: Source,
}

/// What an engine knows of where a resource comes from.
#[derive(Clone, Debug)]
enum Source {
    Manifest(manifest::Source),
    Helm(helm::source::Source),
    Kustomize(kustomize::source::Source),
    Terraform(terraform::source::Source),
    Given(given::Source),
    Substituted(substitute::Source),
}

/// What was parsed before, so that a proof reads again only what an edit changed.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Manifests.
    pub manifests: Arc<manifest::Parsed>,
    /// Charts.
    pub helm: helm::render::Cache,
    /// Kustomizations and what they read.
    pub kustomize: Arc<kustomize::sources::Parsed>,
    /// Modules of Terraform.
    pub terraform: Arc<terraform::configuration::Parsed>,
}

/// What was parsed before, as far as threads can share it.
#[derive(Clone, Debug)]
pub struct Shared {
    manifests: Arc<manifest::Parsed>,
    helm: Arc<helm::sources::Parsed>,
    kustomize: Arc<kustomize::sources::Parsed>,
    terraform: Arc<terraform::configuration::Parsed>,
}

/// Resources that a stack has and that cannot be told: how many there are, or anything of them.
#[derive(Clone, Debug)]
pub struct Missing {
    /// What the addresses of all of them begin with.
    pub below: String,
    /// Why.
    pub why: Refusal,
}

/// A file or document that renders to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: Option<usize>,
    /// Why.
    pub why: String,
    /// Whether the field's tool would fail there as well, rather than pass over it.
    pub broken: bool,
}

impl Declaration {
    /// The language that it is declared in.
    pub fn language(&self) -> Language {
        match self {
            Self::Manifests(_) => Language::Manifests,
            Self::Helm(_) => Language::Helm,
            Self::Kustomize(_) => Language::Kustomize,
            Self::Terraform(_) => Language::Terraform,
            Self::Given(_) => Language::ApplicationSet,
            Self::Refused { language, .. } => *language,
        }
    }

    /// Tells whether rendering may read a file.
    pub fn may_read(&self, file: &RepoPath) -> bool {
        match self {
            Self::Manifests(folder) => folder.holds(file),
            Self::Helm(installation) => installation.reads.covers(file),
            Self::Kustomize(overlay) => overlay.reads.covers(file),
            Self::Terraform(root) => root.may_read(file),
            Self::Given(objects) => objects.reads.covers(file),
            Self::Refused { reads, .. } => reads.covers(file),
        }
    }

    /// Renders the stack.
    ///
    /// # Errors
    /// A refusal where the engine cannot evaluate it: `engine-unsupported`, `stack-unreadable`.
    pub fn render(&self, tree: &dyn SourceTree, parsed: &Parsed) -> Result<Rendered, Refusal> {
        match self {
            Self::Manifests(folder) => manifest::render(tree, folder, &parsed.manifests),
            Self::Helm(installation) => helm::render::render(tree, installation, &parsed.helm),
            Self::Kustomize(overlay) => {
                let charts = |request: &ChartRequest| inflated(tree, request, &parsed.helm);
                kustomize::render::render(tree, overlay, &parsed.kustomize, &charts)
            }
            Self::Terraform(root) => terraform::render::render(tree, root, &parsed.terraform),
            Self::Given(objects) => Ok(given::render(objects)),
            Self::Refused { refusal, .. } => Err((**refusal).clone()),
        }
    }
}

impl Missing {
    /// Tells whether a resource of an address may be one of them.
    pub fn may_hold(&self, address: &str) -> bool {
        address.strip_prefix(self.below.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

impl Rendered {
    /// The same with variables expanded, as Flux does after a build.
    ///
    /// # Errors
    /// `stack-unreadable` where a text cannot be expanded, or is no object afterwards.
    pub fn substituted(self, variables: substitute::Variables) -> Result<Self, Refusal> {
        substitute::substitute(self, variables, &|value| {
            kustomize::print::documents(std::iter::once(value))
                .map_err(|error| Refusal::new(Code::EngineUnsupported, error.to_string(), "change the source by hand"))
        })
    }
}

/// What a chart comes to that a kustomization asks for.
fn inflated(tree: &dyn SourceTree, request: &ChartRequest, cache: &helm::render::Cache) -> Result<Inflated, Problem> {
    // Values that no file says are laid into the tree under names that no file has.
    let mut laid: BTreeMap<RepoPath, Option<Arc<[u8]>>> = BTreeMap::new();
    let mut values = Vec::new();
    for said in &request.values {
        values.push(ValuesSource::File(match said {
            ChartValues::File(path) => path.clone(),
            ChartValues::Merged(value) => {
                let free = (0..).find_map(|number: usize| {
                    let path: RepoPath = format!("kustomize-values-{number}.yaml").parse().ok()?;
                    (entry(tree, &path).is_none() && !laid.contains_key(&path)).then_some(path)
                });
                let path = free.ok_or_else(|| Problem::limit("no name is left for a chart's values"))?;
                laid.insert(path.clone(), Some(value.to_string().into_bytes().into()));
                path
            }
        }));
    }
    let tree = Overlay::new(tree, laid.clone());
    let release = helm::values::Release {
        name: request.release.clone(),
        namespace: request.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        is_upgrade: false,
        kube_version: request.kube_version.clone(),
        api_versions: request.api_versions.clone(),
        values,
        arguments: Vec::new(),
        folder: RepoPath::root(),
    };
    let installation = helm::render::Installation::new(&tree, request.chart.clone(), release, request.include_crds);
    let rendered = helm::render::render(&tree, &installation, cache).map_err(|refusal| {
        let message = format!("the chart {}: {}", request.chart, refusal.message);
        if refusal.code == Code::StackUnreadable { Problem::broken(message) } else { Problem::unsupported(message) }
    })?;
    let Printout::Text(text) = rendered.printed else {
        return Err(Problem::unsupported("a chart that prints no text"));
    };
    let files = rendered.files.into_iter().filter(|path| !laid.contains_key(path)).collect();
    Ok(Inflated { text, files })
}

impl Rendered {
    /// What the field's tool prints, to the byte; nothing where there is no such tool.
    ///
    /// # Errors
    /// `engine-unsupported` where the text becomes too long, or where not all resources can be told.
    pub fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        if let Some(why) = self.broken.first().or(self.missing.first().map(|missing| &missing.why)) {
            return Err(why.clone());
        }
        match &self.printed {
            Printout::Nothing => Ok(None),
            Printout::Text(text) => Ok(Some(Cow::Borrowed(text))),
            Printout::Kustomized => kustomize::print::documents(self.resources.iter().map(|resource| &*resource.value))
                .map(|text| Some(Cow::Owned(text)))
                .map_err(|error| {
                    Refusal::new(
                        Code::EngineUnsupported,
                        format!("the kustomization is too much to print: {error}"),
                        "make the kustomization smaller",
                    )
                }),
        }
    }
}

impl Resource {
    /// What it is, whatever its content: its identity without a hash in the name.
    pub fn lasting_id(&self) -> ResourceId {
        match (&self.id, &self.stem) {
            (ResourceId::Kubernetes(id), Some(stem)) => {
                ResourceId::Kubernetes(KubernetesId { name: stem.clone(), ..id.clone() })
            }
            (id, _) => id.clone(),
        }
    }

    /// The places that say the field at a pointer; none where the resource has no such field.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        self.all_origins(std::slice::from_ref(at)).pop().unwrap_or_default()
    }

    /// The same of many fields at once, which is quicker than one by one.
    pub fn all_origins(&self, fields: &[Pointer]) -> Vec<Vec<Origin>> {
        match &self.source {
            Source::Manifest(source) => source.origins(fields),
            Source::Helm(source) => fields.iter().map(|at| source.origins(at)).collect(),
            Source::Kustomize(source) => fields.iter().map(|at| source.origins(at)).collect(),
            Source::Terraform(source) => fields.iter().map(|at| source.origins(at)).collect(),
            Source::Given(source) => fields.iter().map(|at| source.origins(at)).collect(),
            Source::Substituted(source) => fields.iter().map(|at| source.origins(at)).collect(),
        }
    }

    /// How a field came to be, part by part; nothing where there is no such field, or where the language has no more to say
    /// than [`Self::origins`].
    pub fn chain(&self, at: &Pointer) -> Option<Chain> {
        match &self.source {
            Source::Manifest(_)
            | Source::Kustomize(_)
            | Source::Terraform(_)
            | Source::Given(_)
            | Source::Substituted(_) => None,
            Source::Helm(source) => source.chain(at),
        }
    }

    /// What makes its name anew in every render, where something does: then no two renders declare the same resources.
    pub fn renamed_by(&self) -> Option<&'static str> {
        match &self.source {
            Source::Helm(source) => source.volatile(&Pointer::of(["metadata", "name"])),
            Source::Substituted(source) => source.inner().renamed_by(),
            Source::Manifest(_) | Source::Kustomize(_) | Source::Terraform(_) | Source::Given(_) => None,
        }
    }

    /// The fields that depend on a spot, of those that are asked for.
    pub fn dependents(&self, fields: &[Pointer], spot: &Spot<'_>) -> Vec<(Pointer, Dependence)> {
        match (&self.source, spot) {
            (Source::Helm(source), _) => source.dependents(fields, spot),
            (Source::Kustomize(source), _) => source.dependents(fields, spot),
            (Source::Manifest(source), Spot::Bytes(file, span, _)) => {
                let says = |origin: &Origin| origin.file == **file && origin.span == *span;
                let all = fields.iter().zip(source.origins(fields));
                let moved = all.filter(|(_, origins)| origins.iter().any(says));
                moved.map(|(at, _)| (at.clone(), Dependence::Data)).collect()
            }
            (Source::Terraform(source), _) => source.dependents(fields, spot),
            (Source::Substituted(source), _) => source.inner().dependents(fields, spot),
            (Source::Manifest(_), Spot::Key(_)) | (Source::Given(_), _) => Vec::new(),
        }
    }

    /// Why the resource has no field at a pointer, where the language can tell.
    pub fn lack(&self, at: &Pointer) -> Lack {
        match &self.source {
            Source::Manifest(_)
            | Source::Kustomize(_)
            | Source::Terraform(_)
            | Source::Given(_)
            | Source::Substituted(_) => Lack::default(),
            Source::Helm(source) => source.lack(at),
        }
    }

    /// What is wanted of it, in the form in which its source says such things: JSON in a text may come in any order.
    pub fn settled(&self, wanted: Value) -> Value {
        match &self.source {
            Source::Manifest(_)
            | Source::Helm(_)
            | Source::Kustomize(_)
            | Source::Given(_)
            | Source::Substituted(_) => wanted,
            Source::Terraform(source) => source.settled(wanted),
        }
    }

    /// Tells whether a field differs from what is wanted because another one does that says the same: a provider shows a
    /// resource's tags twice.
    pub fn echoes(&self, wanted: &Value, change: &FieldChange) -> bool {
        match &self.source {
            Source::Terraform(source) => source.echoes(&self.value, wanted, change),
            _ => false,
        }
    }

    /// Where each step of the change to the wanted resource could be made, best first; never empty.
    ///
    /// # Errors
    /// A refusal where the source has no place that could say one.
    pub fn sites(&self, steps: &[Change], wanted: &Value, lists: Lists) -> Result<Vec<Vec<Site>>, Refusal> {
        match &self.source {
            Source::Manifest(source) => steps.iter().map(|step| source.sites(step)).collect(),
            Source::Helm(source) => steps.iter().map(|step| source.sites(step, wanted)).collect(),
            Source::Kustomize(source) => source.sites(steps, wanted),
            Source::Terraform(source) => source.sites(steps, lists),
            Source::Given(source) => steps.iter().map(|step| source.sites(step)).collect(),
            Source::Substituted(source) => source.sites(steps),
        }
    }

    /// Checks that it is rendered as whoever applies it reads it, so that it may be edited.
    ///
    /// # Errors
    /// `engine-unsupported` where another tool than the one that is known here may be at work.
    pub fn check_tool(&self) -> Result<(), Refusal> {
        match &self.source {
            Source::Terraform(source) => source.check_tool(),
            _ => Ok(()),
        }
    }

    /// The file and line, from 1, at which the resource is declared.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        match &self.source {
            Source::Manifest(source) => source.declared_at(),
            Source::Helm(source) => source.declared_at(),
            Source::Kustomize(source) => source.declared_at(),
            Source::Terraform(source) => source.declared_at(),
            Source::Given(source) => source.declared_at(),
            Source::Substituted(source) => source.inner().declared_at(),
        }
    }
}

impl Parsed {
    /// What of it other threads may share; [`Parsed::with`] makes the whole again.
    pub fn shared(&self) -> Shared {
        let Self { manifests, helm, kustomize, terraform } = self;
        Shared {
            manifests: manifests.clone(),
            helm: helm.shared(),
            kustomize: kustomize.clone(),
            terraform: terraform.clone(),
        }
    }

    /// The same for a thread of its own.
    pub fn with(shared: Shared) -> Self {
        let Shared { manifests, helm, kustomize, terraform } = shared;
        Self { manifests, helm: helm::render::Cache::with(helm), kustomize, terraform }
    }

    /// How many values the remembered files hold.
    pub fn values(&self) -> usize {
        self.manifests.values() + self.kustomize.files.values() + self.terraform.files.values()
    }

    /// Forgets files.
    pub fn forget<'p>(&self, files: impl IntoIterator<Item = &'p RepoPath>) {
        let files: Vec<&RepoPath> = files.into_iter().collect();
        self.manifests.forget(files.iter().copied());
        self.kustomize.files.forget(files.iter().copied());
        self.terraform.files.forget(files);
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Manifests => "manifests",
            Self::Helm => "Helm",
            Self::Kustomize => "Kustomize",
            Self::Terraform => "Terraform",
            Self::ApplicationSet => "Argo CD",
        })
    }
}
