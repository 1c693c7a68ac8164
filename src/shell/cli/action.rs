//! `sourceward action`: a step of a GitHub workflow, described by the environment that `action.yml` sets.

use super::{Exit, Usage};
use crate::shell::action::{self, Ended, inputs::Inputs};

#[derive(Debug, clap::Args)]
pub struct Action {}

impl Action {
    pub fn run(self) -> anyhow::Result<Exit> {
        let inputs = Inputs::read(&|name| std::env::var(name).ok());
        let inputs =
            inputs.map_err(|problems| Usage(format!("the inputs cannot be used:\n  {}", problems.join("\n  "))))?;
        Ok(match action::run(&inputs)? {
            Ended::Well => Exit::Done,
            Ended::Failing => Exit::Refused,
        })
    }
}
