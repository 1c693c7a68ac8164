//! `sourceward config`: the schema of a repository's configuration, and whether one is right.

use std::{io::Write, path::PathBuf};

use super::{Exit, input};
use crate::{
    shell::terminal::{answer, paint},
    stack::config,
};

#[derive(Debug, clap::Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the JSON Schema of .github/sourceward.yaml.
    Schema,
    /// Check a configuration.
    Validate {
        /// The file; `-` reads standard input.
        #[arg(default_value = config::PATH)]
        file: PathBuf,
    },
}

impl Config {
    pub fn run(self) -> anyhow::Result<Exit> {
        let mut out = anstream::stdout().lock();
        match self.command {
            Command::Schema => {
                let schema = schemars::schema_for!(config::Config);
                writeln!(out, "{}", serde_json::to_string_pretty(&schema)?)?;
            }
            Command::Validate { file } => {
                let bytes = input(&file)?;
                let read = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8 text".to_owned());
                match read.and_then(|text| config::Config::read(text).map_err(|error| error.to_string())) {
                    Ok(config) => {
                        let stacks = answer::count(config.stacks.len(), "stack");
                        writeln!(out, "{} {stacks}", paint::paint(paint::GOOD, "valid:"))?;
                    }
                    Err(what) => {
                        writeln!(anstream::stderr(), "{}", paint::visible(&what))?;
                        return Ok(Exit::Refused);
                    }
                }
            }
        }
        Ok(Exit::Done)
    }
}
