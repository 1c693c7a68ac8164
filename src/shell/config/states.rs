//! Where the Terraform states of a repository are read.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::Reading;
use crate::model::secret::Secret;

/// A state.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is.
    pub place: Place,
    /// The stack whose root module it is of; absent to look for the address in all of them.
    pub stack: Option<String>,
}

/// Where a state is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file, read anew whenever it is needed.
    File(PathBuf),
    /// What a command of the operator's prints.
    Command(Box<Command>),
}

/// A command of the operator's.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program; with a slash in it relative to `folder`, else looked for in `PATH`.
    pub program: String,
    /// Its arguments, as they are: there is no shell.
    pub arguments: Vec<String>,
    /// The folder that it runs in: that of the configuration.
    pub folder: PathBuf,
    /// Its whole environment.
    pub environment: Vec<(String, Secret)>,
    /// How long it may take.
    pub time_limit: Duration,
    /// How long what it printed is believed.
    pub keep: Duration,
}

/// The entry as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TerraformState")]
pub(super) struct Written {
    /// A state file or the output of `terraform show -json`, relative to this file. It is read whenever it is needed.
    file: Option<PathBuf>,
    /// A program and its arguments that print one of these, run without a shell in this file's folder.
    command: Option<Vec<String>>,
    /// The stack whose root module it is of, as `sourceward stacks` names it.
    stack: Option<String>,
    /// The variables that the command gets of the server's environment; besides these only PATH.
    #[serde(default)]
    environment: Vec<String>,
    /// How long the command may take; 60 where it is not said.
    #[schemars(range(min = 1, max = 600))]
    time_limit_seconds: Option<u64>,
    /// How long what it printed is believed; 300 where it is not said.
    #[schemars(range(min = 0, max = 86400))]
    keep_seconds: Option<u64>,
}

impl Reading<'_> {
    pub(super) fn states(&mut self, place: &str, written: Vec<Written>) -> Vec<Source> {
        let entries = written.into_iter().enumerate();
        entries.filter_map(|(index, one)| self.state(&format!("{place}.states[{index}]"), one)).collect()
    }

    fn state(&mut self, place: &str, written: Written) -> Option<Source> {
        let Written { file, command, stack, environment, time_limit_seconds, keep_seconds } = written;
        let place = match (file, command) {
            (Some(file), None) => {
                if !environment.is_empty() || time_limit_seconds.is_some() || keep_seconds.is_some() {
                    self.problem(place, "environment, time_limit_seconds and keep_seconds are of a command");
                }
                Place::File(self.folder.join(file))
            }
            (None, Some(command)) => {
                let mut words = command.into_iter();
                let Some(program) = words.next().filter(|program| !program.is_empty()) else {
                    self.problem(&format!("{place}.command"), "expected a program and its arguments");
                    return None;
                };
                let mut passed = Vec::new();
                for name in environment {
                    match (self.environment)(&name) {
                        Some(value) => passed.push((name, Secret::new(value))),
                        None => {
                            let problem = format!("the environment variable {name} is not set");
                            self.problem(&format!("{place}.environment"), &problem);
                        }
                    }
                }
                if let Some(path) = (self.environment)("PATH").filter(|_| passed.iter().all(|(name, _)| name != "PATH"))
                {
                    passed.push(("PATH".to_owned(), Secret::new(path)));
                }
                let (time_limit, keep) = (time_limit_seconds.unwrap_or(60), keep_seconds.unwrap_or(300));
                if !(1..=600).contains(&time_limit) {
                    self.problem(&format!("{place}.time_limit_seconds"), "expected 1 to 600");
                }
                if keep > 86_400 {
                    self.problem(&format!("{place}.keep_seconds"), "expected 0 to 86400");
                }
                Place::Command(Box::new(Command {
                    program,
                    arguments: words.collect(),
                    folder: self.folder.clone(),
                    environment: passed,
                    time_limit: Duration::from_secs(time_limit),
                    keep: Duration::from_secs(keep),
                }))
            }
            _ => {
                self.problem(place, "expected exactly one of file and command");
                return None;
            }
        };
        Some(Source { place, stack })
    }
}
