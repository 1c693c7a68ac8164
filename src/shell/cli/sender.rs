//! `sourceward sender`: what the senders' mappings make of raw payloads.

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use super::{Exit, input};
use crate::webhook::{
    map::{Mapped, map},
    sender::Senders,
};

#[derive(Debug, clap::Args)]
pub struct Sender {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print what a raw payload becomes: a JSON line an item, the finding or {"ignored": "why"}.
    Map {
        /// The sender's name.
        name: String,
        /// The payload; `-` reads standard input.
        file: PathBuf,
    },
    /// List the senders.
    List,
}

impl Sender {
    pub fn run(self) -> anyhow::Result<Exit> {
        let senders = Senders::embedded()?;
        let mut out = anstream::stdout().lock();
        match self.command {
            Command::Map { name, file } => {
                let sender = senders.get(&name).with_context(|| format!("there is no sender {name:?}"))?;
                let mapped = match map(sender, &input(&file)?, None) {
                    Ok(mapped) => mapped,
                    Err(error) => {
                        writeln!(anstream::stderr(), "sourceward: {error}")?;
                        return Ok(Exit::Unreadable);
                    }
                };
                for item in mapped {
                    match item {
                        Mapped::Finding(finding) => writeln!(out, "{}", json!(finding))?,
                        Mapped::Ignored { why } => writeln!(out, "{}", json!({"ignored": why}))?,
                    }
                }
            }
            Command::List => {
                for sender in senders.iter() {
                    writeln!(out, "{:12}  {}", sender.name(), sender.title())?;
                }
            }
        }
        Ok(Exit::Done)
    }
}
