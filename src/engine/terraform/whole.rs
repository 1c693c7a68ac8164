//! What is kept of an evaluation, so that a change of a resource finds its way back into the files.

use std::{
    cell::{OnceCell, Ref, RefCell},
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::{
    context::Context,
    evaluate::Evaluator,
    leaf::{self, FileId, Leaf, PathId, Paths, Place},
    resources::Planned,
    scope::{InstanceId, Repetition},
    value::Value,
};
use crate::source::{
    hcl::{self, tree::File as Parsed},
    lineage::sets::{SetId, Sets},
    path::RepoPath,
    span::Lines,
    text::readable,
};

/// What all resources of a render share.
#[derive(Debug)]
pub struct Whole {
    /// All origins.
    pub sets: RefCell<Sets<Leaf>>,
    paths: Paths,
    files: Vec<File>,
    /// Once somebody asks for it.
    digest: OnceCell<u64>,
    /// The instances of modules; the first is the root.
    modules: Vec<Module>,
    /// The files of variables that are read, a later one over an earlier one.
    pub variable_files: Vec<RepoPath>,
    /// The file of Terragrunt that gives it inputs, and the object in it that says them.
    pub unit: Option<(RepoPath, Option<Place>)>,
    /// The folder of the root module.
    pub root: RepoPath,
    /// A file of its modules that OpenTofu reads and Terraform does not.
    pub opentofu: Option<RepoPath>,
    /// All resources.
    pub planned: Vec<Planned>,
}

#[derive(Debug)]
struct File {
    path: RepoPath,
    /// Nothing where it cannot be read.
    content: Option<Arc<[u8]>>,
    /// Once somebody asks for it: of most files that a render reads, nobody does.
    text: OnceCell<String>,
    /// Once somebody asks for one.
    lines: OnceCell<Lines>,
}

impl File {
    fn text(&self) -> &str {
        self.text
            .get_or_init(|| self.content.as_ref().map(|content| readable(content).into_owned()).unwrap_or_default())
    }
}

/// An instance of a module.
#[derive(Debug)]
pub struct Module {
    /// Its folder.
    pub folder: RepoPath,
    /// Where it is called; nothing for the root.
    pub call: Option<Call>,
    /// The values of its variables.
    pub variables: BTreeMap<String, Value>,
}

/// A call of a module.
#[derive(Debug)]
pub struct Call {
    /// The instance that it stands in.
    pub instance: InstanceId,
    /// The name of the call.
    pub name: String,
    /// The block.
    pub block: Place,
    /// Which of several it is.
    pub repetition: Repetition,
}

/// The instances of modules that an evaluation met.
pub fn modules(evaluator: &Evaluator<'_, '_>) -> Vec<Module> {
    let module = |index: usize| {
        let id = InstanceId(u32::try_from(index).expect("there are fewer than 2^32 instances"));
        let call = evaluator.instances[index].caller.as_ref().map(|caller| Call {
            instance: caller.instance,
            name: caller.name.to_owned(),
            block: Place { file: caller.definition.file, span: caller.definition.block.span },
            repetition: caller.repetition.clone(),
        });
        let module = evaluator.module(id);
        let value = |name: &&'_ str| Some(((*name).to_owned(), evaluator.known_variable(id, name)?));
        Module { folder: module.folder.clone(), call, variables: module.variables.keys().filter_map(value).collect() }
    };
    (0..evaluator.instances.len()).map(module).collect()
}

impl Whole {
    /// What is left of an evaluation of these modules and resources.
    pub fn of(
        mut context: Context<'_>,
        modules: Vec<Module>,
        (variable_files, unit): (Vec<RepoPath>, Option<(RepoPath, Option<Place>)>),
        planned: Vec<Planned>,
    ) -> Self {
        let root = context.files.folder().clone();
        let mut files = Vec::new();
        for id in 0..context.files.count() {
            let path = context.files.path(FileId(id)).clone();
            let content = context.files.read(&path).ok();
            files.push(File { path, content, text: OnceCell::new(), lines: OnceCell::new() });
        }
        let digest = OnceCell::new();
        let (sets, paths, opentofu) = (context.sets.into(), context.paths, context.opentofu);
        Self { sets, paths, files, digest, modules, variable_files, unit, root, opentofu, planned }
    }

    /// The file and line of a place.
    pub fn line(&self, place: Place) -> (&RepoPath, usize) {
        let file = &self.files[place.file.0 as usize];
        let lines = file.lines.get_or_init(|| Lines::of(file.text()));
        (&file.path, lines.line(file.text(), place.span.start))
    }

    /// The file of a place.
    pub fn file(&self, place: Place) -> &RepoPath {
        &self.files[place.file.0 as usize].path
    }

    /// The text of a file.
    pub fn text(&self, file: FileId) -> &str {
        self.files[file.0 as usize].text()
    }

    /// A digest of the content of all files, in the order in which they were met.
    pub fn digest(&self) -> u64 {
        *self.digest.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            self.files.iter().for_each(|file| file.content.hash(&mut hasher));
            hasher.finish()
        })
    }

    /// All files with their texts.
    pub fn texts(&self) -> impl Iterator<Item = (&RepoPath, &str)> {
        self.files.iter().map(|file| (&file.path, file.text()))
    }

    /// The file of a path, if it was read.
    pub fn find(&self, path: &RepoPath) -> Option<FileId> {
        let at = self.files.iter().position(|file| file.path == *path)?;
        Some(FileId(u32::try_from(at).ok()?))
    }

    /// A file of HCL as it is read.
    pub fn parsed(&self, file: FileId) -> Option<Parsed> {
        let file = &self.files[file.0 as usize];
        if file.path.as_str().ends_with(".json") { None } else { hcl::parse(file.text()).ok() }
    }

    /// An instance of a module.
    pub fn module(&self, instance: InstanceId) -> &Module {
        &self.modules[instance.0 as usize]
    }

    /// The names of a path.
    pub fn names(&self, path: PathId) -> Vec<&str> {
        self.paths.names(path)
    }

    /// The leaves of a set.
    pub fn leaves(&self, set: SetId) -> Vec<Leaf> {
        let sets: Ref<'_, Sets<Leaf>> = self.sets.borrow();
        sets.leaves(set).map(|leaf| *sets.get(leaf)).collect()
    }

    /// A leaf.
    pub fn leaf(&self, leaf: crate::source::lineage::sets::LeafId) -> leaf::Leaf {
        *self.sets.borrow().get(leaf)
    }
}
