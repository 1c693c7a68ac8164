//! A repository at one commit: its stacks, rendered when asked for and remembered as far as memory allows.
//!
//! Who looks for a resource goes through all stacks, who edits it needs one. So what every stack declares is remembered by
//! name, and whole renders only while they are small together.

use std::{
    cell::{OnceCell, RefCell},
    collections::{HashMap, VecDeque},
    rc::Rc,
    sync::Arc,
};

use super::{Stack, config::Config, discovery};
use crate::{
    engine::{Parsed, Rendered},
    model::{
        refusal::{Code, Refusal},
        resource::ResourceId,
    },
    source::{
        path::RepoPath,
        tree::{SourceTree, TreeError, entry},
        yaml::tree::Stream,
    },
};

/// The values of parsed files that renders may hold in memory together, unless a single one holds more. Each takes some
/// 300 to 500 bytes.
const MAX_KEPT: usize = 300_000;

/// The stacks of a repository at one commit.
pub struct Catalog<'t> {
    tree: &'t dyn SourceTree,
    stacks: Vec<Stack>,
    contents: Vec<OnceCell<Result<Rc<Contents>, Refusal>>>,
    kept: RefCell<Kept>,
    parsed: Parsed,
}

/// The renders that are remembered.
#[derive(Default)]
struct Kept {
    rendered: HashMap<usize, Rc<Rendered>>,
    /// Their stacks, the latest last.
    order: VecDeque<usize>,
    /// The values that they hold themselves.
    values: usize,
}

/// What a stack declares, by name.
#[derive(Debug)]
pub struct Contents {
    /// The resources, in the order of the render.
    pub resources: Vec<Declared>,
    /// The files and documents that could not be read, and why.
    pub unread: Vec<String>,
}

/// Where a resource is declared.
#[derive(Debug)]
pub struct Declared {
    /// The resource.
    pub id: ResourceId,
    /// What it is whatever its content, where its name carries a hash of that.
    pub lasting: Option<ResourceId>,
    /// The file.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: usize,
}

impl<'t> Catalog<'t> {
    /// Reads the repository's configuration and discovers the stacks where it names none.
    ///
    /// # Errors
    /// `stack-unreadable` where the configuration is wrong; it is never guessed around.
    pub fn of(tree: &'t dyn SourceTree) -> Result<Self, Refusal> {
        let config = configuration(tree)?;
        let stacks = match config {
            Some(config) if !config.stacks.is_empty() => discovery::configured(tree, &config.stacks),
            _ => discovery::discover(tree),
        };
        let contents = stacks.iter().map(|_| OnceCell::new()).collect();
        Ok(Self { tree, stacks, contents, kept: RefCell::default(), parsed: Parsed::default() })
    }

    /// The files.
    pub fn tree(&self) -> &'t dyn SourceTree {
        self.tree
    }

    /// All stacks, in the order of the configuration or of their names.
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// The position of the stack of a name.
    ///
    /// # Errors
    /// `stack-unknown`, naming the stacks that there are.
    pub fn position(&self, name: &str) -> Result<usize, Refusal> {
        self.stacks.iter().position(|stack| stack.name == name).ok_or_else(|| {
            let names: Vec<_> = self.stacks.iter().map(|stack| stack.name.as_str()).take(20).collect();
            let known =
                if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
            Refusal::new(
                Code::StackUnknown,
                format!("the repository has no stack {name:?}"),
                format!("`sourceward stacks` lists the stacks; {known}"),
            )
        })
    }

    /// What a stack declares as the repository stands.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn contents(&self, stack: usize) -> Result<Rc<Contents>, Refusal> {
        let contents = || self.rendered(stack).map(|rendered| Rc::new(Contents::of(&rendered)));
        self.contents[stack].get_or_init(contents).clone()
    }

    /// What a stack renders to as the repository stands.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendered(&self, stack: usize) -> Result<Rc<Rendered>, Refusal> {
        let Kept { rendered: kept, order, values } = &mut *self.kept.borrow_mut();
        if let Some(rendered) = kept.get(&stack) {
            return Ok(rendered.clone());
        }
        let rendered = Rc::new(self.stacks[stack].declaration.render(self.tree, &self.parsed)?);
        *values += rendered.values;
        while self.parsed.values() + *values > MAX_KEPT
            && let Some(oldest) = order.pop_front().and_then(|oldest| kept.remove(&oldest))
        {
            *values -= oldest.values;
            self.parsed.forget(oldest.files.difference(&rendered.files));
        }
        kept.insert(stack, rendered.clone());
        order.push_back(stack);
        Ok(rendered)
    }

    /// What a file of this text was parsed to, where it was.
    pub fn parsed(&self, path: &RepoPath, text: &str) -> Option<Arc<Stream>> {
        self.parsed.manifests.stream(path, text)
    }

    /// What a stack would render to from other files.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendered_from(&self, tree: &dyn SourceTree, stack: usize) -> Result<Rendered, Refusal> {
        self.stacks[stack].declaration.render(tree, &self.parsed)
    }
}

impl Contents {
    fn of(rendered: &Rendered) -> Self {
        let declared = rendered.resources.iter().map(|resource| {
            let (file, line) = resource.declared_at();
            let lasting = resource.stem.is_some().then(|| resource.lasting_id());
            Declared { id: resource.id.clone(), lasting, file: file.clone(), line }
        });
        let broken = rendered.skipped.iter().filter(|skipped| skipped.broken);
        let unread = broken.map(|skipped| format!("{} ({})", skipped.file, skipped.why)).collect();
        Self { resources: declared.collect(), unread }
    }
}

fn configuration(tree: &dyn SourceTree) -> Result<Option<Config>, Refusal> {
    let path: RepoPath = super::config::PATH.parse().expect("the configuration's path is a path");
    if entry(tree, &path).is_none() {
        return Ok(None);
    }
    let unreadable = |why: String| {
        Refusal::new(Code::StackUnreadable, why, "make the configuration a regular text file").at(&path, None)
    };
    let bytes = tree.read(&path).map_err(|error: TreeError| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(format!("{path} is not UTF-8 text")))?;
    Ok(Some(Config::read(text)?))
}
