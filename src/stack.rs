//! What is deployed from where: the stacks of a repository, and which of them owns a resource.

pub mod argocd;
pub mod carried;
pub mod carriers;
pub mod catalog;
pub mod charts;
pub mod config;
pub mod declared;
pub mod description;
pub mod discovery;
pub mod edited;
pub mod flux;
pub mod lowered;
pub mod marks;
pub mod object;
pub mod overlay;
pub mod owner;
pub mod surroundings;

use crate::engine::Declaration;
use description::How;
use object::Reference;

/// One deployable unit.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its name in findings, answers and pull requests.
    pub name: String,
    /// What it consists of.
    pub declaration: Declaration,
    /// The cluster that it is deployed to, where the configuration says.
    pub cluster: Option<String>,
    /// The namespace that its objects get which name none, where it is known.
    pub namespace: Option<String>,
    /// The namespace that it is rendered for since nothing says which: its objects may be in any.
    pub assumed: Option<String>,
    /// The object that describes it, where one does.
    pub described: Option<Described>,
}

/// How an object of another stack describes a stack.
#[derive(Clone, Debug)]
pub struct Described {
    /// The object.
    pub object: Reference,
    /// What kind of description it is.
    pub how: How,
    /// What else is worth knowing, for people.
    pub notes: Vec<String>,
}

impl Stack {
    /// A stack that files describe.
    pub fn bare(name: String, declaration: Declaration, cluster: Option<String>) -> Self {
        Self { name, declaration, cluster, namespace: None, assumed: None, described: None }
    }
}
