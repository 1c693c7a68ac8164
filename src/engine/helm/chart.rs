//! A chart as it lies in the repository: a folder or an archive, and the charts in it.
//!
//! Loading follows helm's `chart/loader`: which files it takes, what they are to it, what it refuses. Two things it does that
//! helm leaves to `helm dependency build`, since a repository at rest has not been built: `file://` dependencies are taken
//! from where they point to, and what must come from elsewhere is named.

pub mod archive;
pub mod constraint;
pub mod files;
pub mod glob;
pub mod ignore;
pub mod metadata;
pub mod object;
mod sibling;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use self::{ignore::Rules, metadata::Metadata};
use super::{
    sources::{Layer, LayerContent, Problem, Role, Sources, Written},
    template::{
        fault::Fault,
        leaf::{FileId, LayerId},
    },
};
use crate::{
    model::pointer::Pointer,
    source::{
        path::RepoPath,
        tree::{Entry, EntryKind, SourceTree, entry, leads_to, within},
    },
};

/// The deepest nesting of charts in charts.
pub const MAX_DEPTH: usize = 16;

/// The most charts of one render, all levels together.
pub const MAX_CHARTS: usize = 1_000;

/// A loaded chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// `Chart.yaml`, with `requirements.yaml` where there is one.
    pub metadata: Metadata,
    /// `Chart.yaml`.
    pub metadata_layer: Option<LayerId>,
    /// `values.yaml`; its layer does not know yet where it counts.
    pub values: Option<LayerId>,
    /// `values.schema.json`.
    pub schema: Option<FileId>,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<FileId>,
    /// What is in `templates/`.
    pub templates: Vec<ChartFile>,
    /// What is nowhere else: `.Files` and `crds/`.
    pub files: Vec<ChartFile>,
    /// Names in the chart that are links or submodules, which helm follows: what lies behind them is not known.
    pub links: Vec<String>,
    /// The charts in `charts/`, by file name.
    pub dependencies: Vec<Arc<Self>>,
}

/// A file of a chart.
#[derive(Clone, Debug)]
pub struct ChartFile {
    /// The name in the chart: `templates/deployment.yaml`.
    pub name: String,
    /// The file.
    pub file: FileId,
}

impl Chart {
    /// Loads the chart of a folder, or of an archive.
    ///
    /// # Errors
    /// Where helm would not load it, what is too large, and what this version does not follow: links.
    pub fn load(sources: &mut Sources<'_>, at: &RepoPath) -> Result<Self, Problem> {
        let mut chart = if entry(sources.tree(), at).is_some() {
            let file = sources.file(at);
            load_archive(sources, file, 0)?
        } else {
            load_folder(sources, at)?
        };
        sibling::complete(&mut chart, sources, at)?;
        if chart.metadata.is_library() {
            return Err(chart.problem(sources, Fault::failed("library charts are not installable")));
        }
        Ok(chart)
    }

    /// A problem with the chart as a whole.
    pub fn problem(&self, sources: &Sources<'_>, fault: Fault) -> Problem {
        let file = self.metadata_layer.and_then(|layer| sources.layer(layer).written.as_ref());
        match file {
            Some(written) => sources.problem(written.file, fault),
            None => fault.into(),
        }
    }

    /// The CRDs of the chart itself, in helm's order.
    pub fn crds(&self) -> impl Iterator<Item = &ChartFile> {
        self.files.iter().filter(|file| {
            let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
            file.name.starts_with("crds/") && matches!(ending.as_str(), "yaml" | "yml" | "json")
        })
    }
}

/// The first symbolic link in a chart's folder that helm would follow.
pub fn first_link<'t>(tree: &'t dyn SourceTree, folder: &RepoPath) -> Option<&'t RepoPath> {
    let prefix = folder.prefix_len();
    let mut links = within(tree, folder).filter(|entry| entry.kind == EntryKind::Symlink).map(|entry| &entry.path);
    links.find(|link| is_of_helm(&link.as_str()[prefix..]))
}

/// Loads a folder of the tree.
fn load_folder(sources: &mut Sources<'_>, folder: &RepoPath) -> Result<Chart, Problem> {
    let prefix = folder.prefix_len();
    let tree = sources.tree();
    let rules = match folder.resolve(".helmignore").ok().and_then(|path| entry(tree, &path)) {
        Some(found) if matches!(found.kind, EntryKind::Symlink | EntryKind::Submodule) => {
            return Err(unfollowed(&found.path, "is a link or submodule, which helm follows"));
        }
        Some(found) => {
            let file = sources.file(&found.path);
            let content = sources.content(file)?;
            Rules::parse(&String::from_utf8_lossy(&content))
                .map_err(|(line, why)| sources.problem_at(file, line, why))?
        }
        None => Rules::parse("").map_err(|(_, fault)| fault)?,
    };
    let (mut found, mut links) = (Vec::new(), Vec::new());
    // The folder that was looked at last, and whether it is ignored.
    let mut around = (String::new(), false);
    for (name, entry) in listed(tree, folder, prefix)? {
        let name = &*name;
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        if around.0 != parent {
            let above = parent.match_indices('/').map(|(at, _)| &parent[..at]).chain([parent]);
            around = (parent.to_owned(), !parent.is_empty() && above.into_iter().any(|path| rules.ignore(path, true)));
        }
        if around.1 {
            continue;
        }
        match entry.kind {
            EntryKind::File | EntryKind::Executable if !rules.ignore(name, false) => {
                found.push(ChartFile { name: name.to_owned(), file: sources.file(&entry.path) });
            }
            EntryKind::Symlink | EntryKind::Submodule
                if !(rules.ignore(name, false) || entry.kind == EntryKind::Submodule && rules.ignore(name, true)) =>
            {
                if is_of_helm(name) {
                    return Err(link(&entry.path));
                }
                links.push(name.to_owned());
            }
            _ => {}
        }
    }
    if found.is_empty() {
        let fault = Fault::failed(format!("there is no chart in {folder}: Chart.yaml file is missing"));
        return Err(Problem { file: Some(folder.clone()), inside: None, line: None, fault });
    }
    let mut chart = load_files(sources, found, folder.as_str(), 0)?;
    chart.links = links;
    Ok(chart)
}

/// The files of a folder and of what links in it lead to, with their names in the chart. Helm follows links, wherever they
/// lead; here they are followed within the repository, once: a link behind a link stays one.
fn listed<'t>(
    tree: &'t dyn SourceTree,
    folder: &RepoPath,
    prefix: usize,
) -> Result<Vec<(Cow<'t, str>, &'t Entry)>, Problem> {
    let mut listed = Vec::new();
    let mut linked = 0;
    for found in within(tree, folder) {
        let name = &found.path.as_str()[prefix..];
        let target = match found.kind {
            EntryKind::Symlink if is_of_helm(name) => leads_to(tree, &found.path),
            _ => None,
        };
        let Some(target) = target else {
            listed.push((Cow::Borrowed(name), found));
            continue;
        };
        let before = listed.len();
        match entry(tree, &target) {
            Some(file) => listed.push((Cow::Borrowed(name), file)),
            None => listed.extend(within(tree, &target).take(MAX_LINKED + 1).map(|inner| {
                let inside = inner.path.as_str()[target.as_str().len()..].trim_start_matches('/');
                (Cow::Owned(format!("{name}/{inside}")), inner)
            })),
        }
        if listed.len() == before {
            listed.push((Cow::Borrowed(name), found));
        }
        linked += listed.len() - before;
        if linked > MAX_LINKED {
            let fault = Fault::limit(format!("links of the chart in {folder} lead to more than {MAX_LINKED} files"));
            return Err(Problem { file: Some(found.path.clone()), inside: None, line: None, fault });
        }
    }
    Ok(listed)
}

/// The most files that the links of a chart may lead to.
const MAX_LINKED: usize = 10_000;

/// Tells whether helm does something with a name other than to offer it as `.Files`.
fn is_of_helm(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    matches!(first, "templates" | "charts" | "crds")
        || matches!(
            name,
            "Chart.yaml"
                | "Chart.lock"
                | "values.yaml"
                | "values.schema.json"
                | "requirements.yaml"
                | "requirements.lock"
        )
}

fn link(path: &RepoPath) -> Problem {
    let what = "is a submodule, or a link to nothing of the repository, or to another link, which helm may follow";
    unfollowed(path, what)
}

fn unfollowed(path: &RepoPath, what: &str) -> Problem {
    let fault = Fault::unsupported(format!("{path} {what} and this does not"));
    Problem { file: Some(path.clone()), inside: None, line: None, fault }
}

/// Loads an archive.
fn load_archive(sources: &mut Sources<'_>, packed: FileId, depth: usize) -> Result<Chart, Problem> {
    let archive = sources.archive(packed)?;
    let (path, outer) = (sources.get(packed).path.clone(), sources.get(packed).inside.clone());
    let files = archive.files.iter().map(|file| {
        let inside = match &outer {
            Some(outer) => format!("{outer}!{}", file.full_name).into(),
            None => file.full_name.clone(),
        };
        ChartFile { name: file.name.clone(), file: sources.file_inside(&path, inside, file.content.clone()) }
    });
    let files = files.collect();
    load_files(sources, files, path.as_str(), depth)
}

/// Makes a chart of named files: `loader.LoadFiles`. `place` says where, for errors only.
fn load_files(sources: &mut Sources<'_>, files: Vec<ChartFile>, place: &str, depth: usize) -> Result<Chart, Problem> {
    if depth > MAX_DEPTH {
        return Err(Fault::limit(format!("charts are nested deeper than {MAX_DEPTH} levels in {place}")).into());
    }
    let mut chart = Chart::default();
    let mut has_metadata = false;
    for ChartFile { name, file } in &files {
        if name == "Chart.yaml" {
            has_metadata = true;
            chart.metadata_layer = Some(chart_metadata(&mut chart.metadata, sources, *file)?);
            if chart.metadata.api_version.text.is_empty() {
                chart.metadata.api_version.text = "v1".to_owned();
            }
        }
    }
    let mut subcharts: BTreeMap<String, Vec<ChartFile>> = BTreeMap::new();
    for ChartFile { name, file } in files {
        match name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" | "requirements.lock" | "requirements.yaml" => {
                if name.ends_with(".lock") {
                    sources.yaml(file)?;
                    chart.lock = Some(file);
                } else {
                    has_metadata = true;
                    chart_metadata(&mut chart.metadata, sources, file)?;
                }
                if name.starts_with("requirements") && chart.metadata.api_version.text == "v1" {
                    chart.files.push(ChartFile { name, file });
                }
            }
            "values.yaml" => chart.values = Some(values_layer(sources, file)?),
            "values.schema.json" => chart.schema = Some(file),
            _ if name.starts_with("templates/") => chart.templates.push(ChartFile { name, file }),
            _ => match name.strip_prefix("charts/") {
                Some(inside) if !inside.ends_with(".prov") => {
                    let subchart = inside.split('/').next().unwrap_or_default().to_owned();
                    let inside = ChartFile { name: inside.to_owned(), file };
                    subcharts.entry(subchart).or_default().push(inside);
                }
                _ => chart.files.push(ChartFile { name, file }),
            },
        }
    }
    if !has_metadata {
        return Err(Fault::failed(format!("Chart.yaml file is missing in {place}")).into());
    }
    chart.metadata.validate().map_err(|fault| chart.problem(sources, fault))?;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let place = format!("{place}/charts/{name}");
        let subchart = if name.ends_with(".tgz") {
            let packed = &files[0];
            if packed.name != name {
                let fault = Fault::failed(format!("{place} is a folder, but is named like an archive"));
                return Err(sources.problem(packed.file, fault));
            }
            load_archive(sources, packed.file, depth + 1)?
        } else {
            let inside = files.into_iter().filter_map(|ChartFile { name, file }| {
                Some(ChartFile { name: name.split_once('/')?.1.to_owned(), file })
            });
            let inside = inside.collect();
            load_files(sources, inside, &place, depth + 1)?
        };
        chart.dependencies.push(Arc::new(subchart));
    }
    Ok(chart)
}

/// Reads `Chart.yaml` or `requirements.yaml`.
fn chart_metadata(metadata: &mut Metadata, sources: &mut Sources<'_>, file: FileId) -> Result<LayerId, Problem> {
    let yaml = sources.yaml(file)?;
    let written = Written { file, document: yaml.first, base: Pointer::root(), embedded: false };
    let content = LayerContent::Document { yaml: yaml.clone(), document: yaml.first, base: Pointer::root() };
    let role = Role::Metadata { chart: String::new() };
    let layer = sources.add_layer(Layer { role, written: Some(written), content });
    metadata.read(&yaml, layer).map_err(|(line, fault)| Problem { line, ..sources.problem(file, fault) })?;
    Ok(layer)
}

/// Reads `values.yaml`.
fn values_layer(sources: &mut Sources<'_>, file: FileId) -> Result<LayerId, Problem> {
    let yaml = sources.yaml(file)?;
    yaml.root_map().map_err(|(line, fault)| sources.problem_at(file, line, fault))?;
    let written = Written { file, document: yaml.first, base: Pointer::root(), embedded: false };
    let content = LayerContent::Document { yaml: yaml.clone(), document: yaml.first, base: Pointer::root() };
    let role = Role::Defaults { chart: String::new() };
    Ok(sources.add_layer(Layer { role, written: Some(written), content }))
}
