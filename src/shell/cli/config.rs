//! `sourceward config`: the schema of a repository's configuration, and whether one is right.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{Exit, unreadable};
use crate::{
    shell::{
        input::input,
        terminal::{answer, paint},
    },
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
                let bytes = match input(&file) {
                    Ok(bytes) => bytes,
                    Err(error) => return unreadable(&error),
                };
                let name = if file == Path::new("-") { "standard input".into() } else { file.to_string_lossy() };
                let read = std::str::from_utf8(&bytes).map_err(|_| format!("{name}: it is not UTF-8 text"));
                let read = read.and_then(|text| {
                    config::Config::read(text).map_err(|error| format!("{name}:{}: {}", error.line, error.what))
                });
                match read {
                    Ok(config) => {
                        let stacks = match config.stacks.len() {
                            0 => "it names no stacks, so they are discovered".to_owned(),
                            stacks => answer::count(stacks, "stack"),
                        };
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
