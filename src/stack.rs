//! What is deployed from where: the stacks of a repository, and which of them owns a resource.

pub mod catalog;
pub mod config;
pub mod discovery;
pub mod owner;

use crate::engine::Declaration;

/// One deployable unit.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its name in findings, answers and pull requests.
    pub name: String,
    /// What it consists of.
    pub declaration: Declaration,
    /// The cluster that it is deployed to, where the configuration says.
    pub cluster: Option<String>,
}
