//! `sourceward sender`: what the senders' mappings make of raw payloads.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde_json::json;

use super::{Exit, input, unreadable};
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
        let mut out = io::stdout().lock();
        match self.command {
            Command::Map { name, file } => {
                let bytes = match input(&file) {
                    Ok(bytes) => bytes,
                    Err(error) => return unreadable(&error),
                };
                let mapped = match map(super::sender(&senders, &name)?, &bytes, None) {
                    Ok(mapped) => mapped,
                    Err(error) => return unreadable(&error.into()),
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
