//! The files of a configuration: those of its root module, of every module that it calls, and of its variables.
//!
//! Everything is read and parsed before anything is evaluated, since all modules of a configuration are fixed by what their
//! files say: a source is a literal.

pub mod schema;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    context::Context,
    leaf::{FileId, Place},
    problem::Problem,
    valid::Valid,
};
use crate::{
    engine::remembered::Remembered,
    source::{
        hcl::{
            SyntaxError,
            json::{self, Schema, Strings},
            parse,
            tree::{Body, Expression},
        },
        path::RepoPath,
        span::Span,
        tree::EntryKind,
    },
};

/// The modules in each other that are followed.
pub const MAX_MODULE_DEPTH: usize = 32;

/// The module folders of one configuration that are read.
pub const MAX_MODULES: usize = 1_000;

/// How many bytes of a file take as much memory, once parsed, as one value of another language.
pub const BYTES_PER_VALUE: usize = 16;

/// What was made of files before: root modules share modules.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The files, parsed.
    pub files: Remembered<Body>,
    /// The modules that were found valid.
    pub valid: Valid,
}

/// The files of a configuration.
#[derive(Debug, Default)]
pub struct Configuration {
    /// All files of modules.
    pub files: Vec<File>,
    /// The folders of modules; the first is the root.
    pub folders: Vec<Folder>,
    /// Whether modules were laid beside the root, so that where a call leads depends on who calls.
    pub has_installed: bool,
}

/// A folder that is a module.
#[derive(Debug, Default)]
pub struct Folder {
    /// Where it is.
    pub path: RepoPath,
    /// Its primary files in the order of their names, as places in [`Configuration::files`].
    pub primary: Vec<usize>,
    /// Its override files in the order of their names.
    pub overrides: Vec<usize>,
    /// The folder that each module call leads to, by the name of the call.
    pub calls: BTreeMap<String, usize>,
    /// The sources of the calls that lead out of the repository, by their names.
    pub missing: BTreeMap<String, String>,
}

/// A file of HCL.
#[derive(Debug)]
pub struct File {
    /// Which.
    pub id: FileId,
    /// What it says.
    pub body: Arc<Body>,
    /// Whether it is written as JSON.
    pub is_json: bool,
}

impl Configuration {
    /// Reads the configuration whose root module is in the folder of the context's files.
    ///
    /// # Errors
    /// A folder without configuration, a file that is no HCL, a module that is not in the repository, a limit.
    pub fn load(context: &mut Context<'_>, parsed: &Parsed) -> Result<Self, Problem> {
        let root = context.files.folder().clone();
        let installed = installed_modules(context)?;
        let all = Self { has_installed: !installed.is_empty(), ..Self::default() };
        let mut loader = Loader { context, parsed, all, known: HashMap::new(), installed };
        loader.folder(&root, &mut Vec::new(), "")?;
        let all = loader.all;
        if all.folders[0].primary.is_empty() && all.folders[0].overrides.is_empty() {
            return Err(Problem::broken(format!("no configuration files: {root} has no file of Terraform")));
        }
        Ok(all)
    }
}

/// Reads one file of variables.
///
/// # Errors
/// A file that is not there or is no HCL.
pub fn variables_file(context: &mut Context<'_>, path: &RepoPath) -> Result<File, Problem> {
    file(context, path, &schema::VALUES, Strings::Literal)
}

/// Where a module's source leads: into the repository, or elsewhere.
pub fn is_local(source: &str) -> bool {
    source.starts_with("./") || source.starts_with("../") || source == "." || source == ".."
}

/// A file with the text that it has.
pub fn text(context: &mut Context<'_>, path: &RepoPath) -> Result<String, Problem> {
    let content = context.files.read(path).map_err(|error| Problem::broken(error.to_string()))?;
    let text = std::str::from_utf8(&content);
    text.map(str::to_owned).map_err(|_| Problem::unsupported(format!("{path} is not UTF-8")))
}

/// A problem of a file's syntax.
pub fn syntax_problem(file: FileId, path: &RepoPath, error: &SyntaxError) -> Problem {
    let message = format!("{path}: {error}");
    let problem = if error.is_limit { Problem::limit(message) } else { Problem::broken(message) };
    problem.at(Place { file, span: error.span })
}

fn file(context: &mut Context<'_>, path: &RepoPath, schema: &Schema, strings: Strings) -> Result<File, Problem> {
    let text = text(context, path)?;
    let id = context.files.id(path);
    let is_json = path.as_str().ends_with(".json");
    let body = if is_json {
        json::read::parse(&text).and_then(|json| json::body(&text, &json, schema, strings))
    } else {
        parse(&text).map(|file| file.body)
    };
    Ok(File { id, body: body.map_err(|error| syntax_problem(id, path, &error))?.into(), is_json })
}

struct Loader<'c, 't> {
    context: &'c mut Context<'t>,
    parsed: &'c Parsed,
    all: Configuration,
    known: HashMap<RepoPath, usize>,
    installed: HashMap<String, RepoPath>,
}

impl Loader<'_, '_> {
    /// The module in a folder, and all that it calls. `key` is the calls that lead here, with dots between.
    fn folder(&mut self, path: &RepoPath, above: &mut Vec<RepoPath>, key: &str) -> Result<usize, Problem> {
        if above.contains(path) || above.len() == MAX_MODULE_DEPTH {
            return Err(Problem::broken(format!("the modules of {path} call each other without end")));
        }
        // A module of a registry is called by the path of calls, so that one folder may lead to several others.
        if let Some(known) = self.known.get(path) {
            return Ok(*known);
        }
        if self.all.folders.len() == MAX_MODULES {
            return Err(Problem::limit(format!("more than {MAX_MODULES} module folders")));
        }
        let index = self.all.folders.len();
        let (primary, overrides) = self.files(path)?;
        let sources = self.sources(primary.iter().chain(&overrides));
        self.all.folders.push(Folder { path: path.clone(), primary, overrides, ..Folder::default() });
        above.push(path.clone());
        let mut is_shared = true;
        for (name, source) in sources {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let source = source?;
            let folder = if is_local(&source) {
                path.resolve(&source).ok()
            } else {
                is_shared &= self.installed.is_empty();
                self.installed.get(&key).cloned()
            };
            let Some(folder) = folder else {
                self.all.folders[index].missing.insert(name, source);
                continue;
            };
            let target = self.folder(&folder, above, &key)?;
            self.all.folders[index].calls.insert(name, target);
        }
        above.pop();
        if is_shared {
            self.known.insert(path.clone(), index);
        }
        Ok(index)
    }

    /// The files of a module, primary ones and overrides, each sorted by name.
    fn files(&mut self, folder: &RepoPath) -> Result<(Vec<usize>, Vec<usize>), Problem> {
        let (mut primary, mut overrides) = (Vec::new(), Vec::new());
        let entries: Vec<_> = self.context.files.within(folder).collect();
        if entries.is_empty() {
            return Err(Problem::broken(format!("the module folder {folder} does not exist")));
        }
        for entry in entries {
            let name = entry.path.name();
            let is_ignored = name.starts_with('.') || name.starts_with('#') && name.ends_with('#');
            if entry.path.parent().as_ref() != Some(folder) || is_ignored {
                continue;
            }
            if name.ends_with(".tofu") || name.ends_with(".tofu.json") {
                self.note_opentofu(&entry.path);
                continue;
            }
            let Some(stem) = name.strip_suffix(".tf").or_else(|| name.strip_suffix(".tf.json")) else { continue };
            if matches!(entry.kind, EntryKind::Symlink | EntryKind::Submodule) {
                return Err(Problem::unsupported(format!("{} is a link, which is never followed", entry.path)));
            }
            let index = self.all.files.len();
            let file = self.file(&entry.path)?;
            self.all.files.push(file);
            let is_override = stem == "override" || stem.ends_with("_override");
            (if is_override { &mut overrides } else { &mut primary }).push(index);
        }
        Ok((primary, overrides))
    }

    /// Remembers a file that OpenTofu reads, in the place of the `.tf` file of its name, and Terraform does not, unless it only
    /// says which versions and providers are wanted.
    fn note_opentofu(&mut self, path: &RepoPath) {
        let asks_only = self.file(path).is_ok_and(|File { body, .. }| {
            body.attributes().next().is_none() && body.blocks().all(|block| &*block.kind.text == "terraform")
        });
        if !asks_only {
            self.context.opentofu.get_or_insert_with(|| path.clone());
        }
    }

    fn file(&mut self, path: &RepoPath) -> Result<File, Problem> {
        let content = self.context.files.read(path).map_err(|error| Problem::broken(error.to_string()))?;
        if let Some(body) = self.parsed.files.known(path, &content) {
            let is_json = path.as_str().ends_with(".json");
            return Ok(File { id: self.context.files.id(path), body, is_json });
        }
        let file = file(self.context, path, &schema::ROOT, Strings::Templates)?;
        let values = content.len() / BYTES_PER_VALUE;
        self.parsed.files.remember(path, content, file.body.clone(), values);
        Ok(file)
    }

    /// The source of every module call, the last file that says it winning.
    fn sources<'i>(&self, files: impl Iterator<Item = &'i usize>) -> BTreeMap<String, Result<String, Problem>> {
        let mut sources = BTreeMap::new();
        for index in files {
            let file = &self.all.files[*index];
            for block in file.body.blocks().filter(|block| &*block.kind.text == "module") {
                let [label] = &block.labels[..] else { continue };
                let place = |span: Span| Place { file: file.id, span };
                let source = match block.body.attribute("source").map(|attribute| literal(&attribute.value)) {
                    Some(Some(source)) => Ok(source.to_owned()),
                    Some(None) => {
                        let problem = Problem::broken("a module source must be a literal string");
                        Err(problem.at(place(block.span)))
                    }
                    None if sources.contains_key(&*label.text) => continue,
                    None => {
                        let message = format!("module {:?} has no source", label.text);
                        Err(Problem::broken(message).at(place(block.span)))
                    }
                };
                sources.insert(label.text.to_string(), source);
            }
        }
        sources
    }
}

/// The text of a literal string.
pub fn literal(expression: &Expression) -> Option<&str> {
    expression.literal().map(|text| &*text.value)
}

/// The folders of the modules that `terraform init` laid beside the root, by the calls that lead to them.
fn installed_modules(context: &mut Context<'_>) -> Result<HashMap<String, RepoPath>, Problem> {
    let Ok(list) = context.files.resolve(".terraform/modules/modules.json") else { return Ok(HashMap::new()) };
    if context.files.entry(&list).is_none() {
        return Ok(HashMap::new());
    }
    let broken = |_| Problem::broken(format!("{list} is not what terraform init writes"));
    let text = text(context, &list)?;
    let listed: serde_json::Value = serde_json::from_str(&text).map_err(broken)?;
    let modules = listed.get("Modules").and_then(|modules| modules.as_array()).map(Vec::as_slice).unwrap_or_default();
    let folder = |module: &serde_json::Value| {
        let (key, folder) = (module.get("Key")?.as_str()?, module.get("Dir")?.as_str()?);
        Some((key.to_owned(), context.files.resolve(folder).ok()?))
    };
    Ok(modules.iter().filter_map(folder).collect())
}
