//! The Terraform states that are given as files, in which findings about cloud resources find their addresses.

use std::path::PathBuf;

use anyhow::Context;

use super::input::input;
use crate::{
    engine::terraform::state::State,
    model::{finding::Finding, refusal::Refusal, resource::ResourceId},
};

/// Terraform states; without any, findings stay as they are.
#[derive(Debug, Default)]
pub struct Addresses(Vec<State>);

impl Addresses {
    /// Reads state files, or what `terraform show -json` prints.
    ///
    /// # Errors
    /// Where a file cannot be read, or is no state: what it would have told might have been another answer.
    pub fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        let read =
            |path: &PathBuf| State::read(&input(path)?).with_context(|| format!("{} cannot be read", path.display()));
        files.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Names the resource of a finding as Terraform does, where only its cloud names it.
    ///
    /// # Errors
    /// `owner-not-found`, `owner-ambiguous`.
    pub fn settle(&self, finding: &mut Finding) -> Result<(), Refusal> {
        let ResourceId::Cloud(id) = &finding.resource else { return Ok(()) };
        if !self.0.is_empty() {
            let located = State::address(&self.0, id, finding.hints.trace.as_deref())?;
            finding.resource = ResourceId::Terraform(located.id);
        }
        Ok(())
    }
}
