//! `sourceward demo`: the main job, shown.

use super::Exit;

#[derive(Debug, clap::Args)]
pub struct Demo {}

impl Demo {
    pub fn run(self) -> anyhow::Result<Exit> {
        crate::shell::demo::run()?;
        Ok(Exit::Done)
    }
}
