//! Units of Terragrunt: a root module with the inputs that `terragrunt.hcl` and what it includes give it.
//!
//! Terragrunt works out a file in the place of the file that includes it, merges the inputs, and hands each to Terraform as an
//! environment variable: files of variables are over them. What depends on the machine, a command or another unit's outputs
//! is not known. What would change the module itself and is not read here refuses the unit.

mod extra;
mod file;
pub mod functions;
mod generate;
mod inputs;
mod merge;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    context::Context,
    evaluate::Evaluator,
    files::Files,
    leaf::Place,
    problem::{Kind, Problem},
    scope::Stop,
    unknown::Reason,
    value::{Datum, Value},
};
use crate::{
    model::refusal::{Code, Refusal},
    source::{
        hcl::{parse, tree::Block},
        path::RepoPath,
        tree::{Entry, SourceTree, within},
    },
};
use file::Config;

/// The name of a unit's file.
pub const NAME: &str = "terragrunt.hcl";

/// What stands for the folder of the checkout, which no commit tells, in the paths that functions give.
pub const CHECKOUT: &str = "/\u{e0a7}";

/// By which such a path is known.
const MARK: char = '\u{e0a7}';

/// Where an expression of Terragrunt stands.
#[derive(Clone, Debug)]
pub struct At {
    /// The file that is read for itself: the unit's, or one that `read_terragrunt_config` reads.
    config: RepoPath,
    /// The file that the expression is in: that one, or one that it includes.
    file: RepoPath,
    /// Whether it is one that is included.
    is_included: bool,
    /// What the file includes, by name.
    includes: Vec<(String, RepoPath)>,
    /// The unit's file.
    original: RepoPath,
    /// How many files were read to get here.
    depth: usize,
}

/// What a unit is.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The folder of its root module.
    pub folder: RepoPath,
    /// The files that were read or looked for to learn that.
    pub asked: BTreeSet<RepoPath>,
}

/// The inputs of a unit.
#[derive(Debug)]
pub struct Inputs {
    /// The values by name.
    pub values: BTreeMap<String, Value>,
    /// The files of variables that it adds, a later one over an earlier one.
    pub var_files: Vec<RepoPath>,
    /// The object in the unit's own file that says inputs, where one is written there.
    pub own: Option<Place>,
}

impl At {
    fn of(unit: &RepoPath) -> Self {
        let (config, file, original) = (unit.clone(), unit.clone(), unit.clone());
        Self { config, file, is_included: false, includes: Vec::new(), original, depth: 0 }
    }
}

/// What the unit of a file is; nothing where it is none: a file that others include has no module.
///
/// # Errors
/// `engine-unsupported` where its module is not in the repository, or something that could change it is not read. So it is
/// where Terragrunt should stop as well: what it is taken for was never held against Terragrunt.
pub fn unit(tree: &dyn SourceTree, path: &RepoPath) -> Result<Option<Unit>, (Box<Refusal>, BTreeSet<RepoPath>)> {
    let folder = path.parent().unwrap_or_default();
    if !may_be_unit(tree, path, &folder) {
        return Ok(None);
    }
    let context = Context::new(Files::new(tree, folder.clone()));
    let mut evaluator = Evaluator::new(context, &[], "default");
    let found = evaluator.config(&At::of(path)).and_then(|config| evaluator.module_of(&folder, &config));
    let asked = evaluator.context.files.asked().clone();
    match found {
        Ok(Some(folder)) => Ok(Some(Unit { folder, asked })),
        Ok(None) => Ok(None),
        Err(stop) => {
            let message = format!("the unit {folder} of Terragrunt cannot be told: {}", stop.problem.message);
            let refusal = Refusal::new(Code::EngineUnsupported, message, "change the source by hand").at(path, None);
            Err((refusal.into(), asked))
        }
    }
}

/// Tells whether a file may have a module: what says no source and includes nothing is there for others to include.
fn may_be_unit(tree: &dyn SourceTree, path: &RepoPath, folder: &RepoPath) -> bool {
    let Ok(content) = tree.read(path) else { return true };
    let Ok(file) = parse(&String::from_utf8_lossy(&content)) else { return true };
    let says = |block: &Block| match &*block.kind.text {
        "include" => true,
        "terraform" => block.body.attribute("source").is_some(),
        _ => false,
    };
    file.body.blocks().any(says) || has_module(within(tree, folder), folder)
}

/// Tells whether a folder is a module.
fn has_module<'e>(entries: impl Iterator<Item = &'e Entry>, folder: &RepoPath) -> bool {
    let mut own = entries.filter(|entry| entry.path.parent().as_ref() == Some(folder));
    own.any(|entry| [".tf", ".tf.json", ".tofu"].iter().any(|end| entry.path.name().ends_with(end)))
}

impl Evaluator<'_, '_> {
    /// The folder of a unit's root module; nothing where there is none.
    fn module_of(&mut self, folder: &RepoPath, config: &Config) -> Result<Option<RepoPath>, Stop> {
        let is_module =
            |evaluator: &Self, folder: &RepoPath| has_module(evaluator.context.files.within(folder), folder);
        let Some(source) = &config.source else {
            return match &config.refused {
                Some(problem) if is_module(self, folder) => Err(problem.clone().into()),
                _ => Ok(is_module(self, folder).then(|| folder.clone())),
            };
        };
        if let Some(problem) = &config.refused {
            return Err(problem.clone().into());
        }
        let Some(text) = source.as_str() else {
            let why = source.reason().map_or_else(|| "it is no text".to_owned(), Reason::to_string);
            return Err(Problem::unsupported(format!("its module is not known: {why}")).into());
        };
        let is_here = text.starts_with("./") || text.starts_with("../") || matches!(text, "." | "..");
        if !is_here && !text.starts_with(CHECKOUT) {
            let problem = format!("its module comes from {text:?}, which is not in the repository");
            return Err(Problem::unsupported(problem).into());
        }
        // What stands before `//` is copied as a whole; the module is below.
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        if !query.is_empty() {
            return Err(Problem::unsupported(format!("its module is taken from a revision: {query}")).into());
        }
        let before = self.context.files.enter(folder.clone());
        let module = self.context.files.resolve(text);
        self.context.files.enter(before);
        let module = module?;
        if !is_module(self, &module) {
            return Err(Problem::broken(format!("its module {module} has no file of Terraform")).into());
        }
        if module != *folder && is_module(self, folder) {
            let problem =
                "files of Terraform beside terragrunt.hcl are copied into its module, which this version does not do";
            return Err(Problem::unsupported(problem).into());
        }
        Ok(Some(module))
    }

    /// The inputs of a unit whose root module is in a folder.
    ///
    /// # Errors
    /// What Terragrunt refuses, as far as that is known, and what this version does not read.
    pub fn unit_inputs(&mut self, path: &RepoPath, module: &RepoPath) -> Result<Inputs, Stop> {
        self.inputs_of(path, module).map_err(|stop| Problem { kind: Kind::Unsupported, ..stop.problem }.into())
    }

    fn inputs_of(&mut self, path: &RepoPath, module: &RepoPath) -> Result<Inputs, Stop> {
        let config = self.config(&At::of(path))?;
        let folder = path.parent().unwrap_or_default();
        if self.module_of(&folder, &config)?.as_ref() != Some(module) {
            return Err(Problem::unsupported(format!("the module of the unit {folder} would be another one")).into());
        }
        for (name, contents) in config.generated {
            self.hidden.push((format!("generate {name}"), contents));
        }
        let mut values = BTreeMap::new();
        if let Some(inputs) = config.inputs {
            let Datum::Mapping(mapping) = inputs.datum() else {
                let why = inputs.reason().map_or_else(|| "they are no map".to_owned(), Reason::to_string);
                return Err(Problem::unsupported(format!("the inputs of {path} are not known: {why}")).into());
            };
            for entry in mapping.entries() {
                let control = inputs.flow().control;
                let value = entry.value.clone().with_marks(inputs.marks()).under(&mut self.context.sets, control);
                values.insert(entry.key.as_str().to_owned(), value);
            }
        }
        let var_files = config.var_files.into_iter().flat_map(|(_, files)| files).collect();
        Ok(Inputs { values, var_files, own: config.own })
    }
}
