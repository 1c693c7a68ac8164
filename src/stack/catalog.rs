//! A repository at one commit: its stacks, rendered when asked for and then remembered.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use super::{Stack, config::Config, discovery};
use crate::{
    engine::{Rendered, manifest::Parsed},
    model::refusal::{Code, Refusal},
    source::{
        path::RepoPath,
        tree::{SourceTree, TreeError, entry},
        yaml::tree::Stream,
    },
};

/// The stacks of a repository at one commit.
pub struct Catalog<'t> {
    tree: &'t dyn SourceTree,
    stacks: Vec<Stack>,
    rendered: Vec<OnceCell<Result<Rc<Rendered>, Refusal>>>,
    parsed: Parsed,
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
        let rendered = stacks.iter().map(|_| OnceCell::new()).collect();
        Ok(Self { tree, stacks, rendered, parsed: Parsed::default() })
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

    /// What a stack renders to as the repository stands.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendered(&self, stack: usize) -> Result<Rc<Rendered>, Refusal> {
        let render = || self.stacks[stack].declaration.render(self.tree, &self.parsed).map(Rc::new);
        self.rendered[stack].get_or_init(render).clone()
    }

    /// What a file of this text was parsed to, where it was.
    pub fn parsed(&self, path: &RepoPath, text: &str) -> Option<Arc<Stream>> {
        self.parsed.stream(path, text)
    }

    /// What a stack would render to from other files.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendered_from(&self, tree: &dyn SourceTree, stack: usize) -> Result<Rendered, Refusal> {
        self.stacks[stack].declaration.render(tree, &self.parsed)
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
