//! `sourceward sender`: what the senders' mappings make of raw payloads.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::{Value, json};

use super::{Exit, OwnSenders, Usage, unreadable};
use crate::{
    shell::{input::payload, senders, terminal::paint::visible},
    webhook::{map::map, sender},
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
        #[command(flatten)]
        senders: OwnSenders,
    },
    /// List the senders.
    List {
        #[command(flatten)]
        senders: OwnSenders,
    },
    /// Run a sender's folder: every file of samples/ has to map to what expected/ says.
    Test {
        /// The folder, with its sender.yaml.
        folder: PathBuf,
        /// Write expected/ instead of comparing with it.
        #[arg(long)]
        update: bool,
    },
}

impl Sender {
    pub fn run(self) -> anyhow::Result<Exit> {
        let mut out = io::stdout().lock();
        match self.command {
            Command::Map { name, file, senders } => {
                let senders = senders.read()?;
                let bytes = match payload(&file) {
                    Ok(bytes) => bytes,
                    Err(error) => return unreadable(&error),
                };
                let mapped = match map(super::sender(&senders, &name)?, &bytes, None) {
                    Ok(mapped) => mapped,
                    Err(error) => return unreadable(&error.into()),
                };
                for item in mapped {
                    writeln!(out, "{}", json!(item))?;
                }
            }
            Command::List { senders } => {
                for sender in senders.read()?.iter() {
                    writeln!(out, "{:16}  {}", sender.name(), sender.title())?;
                }
            }
            Command::Test { folder, update } => return test(&folder, update, &mut out),
        }
        Ok(Exit::Done)
    }
}

/// Says of each sample whether it maps to what is expected; a folder without samples proves nothing.
fn test(folder: &Path, update: bool, out: &mut impl Write) -> anyhow::Result<Exit> {
    let folder =
        folder.canonicalize().map_err(|error| Usage(format!("{} cannot be read: {error}", folder.display())))?;
    let usage = |why: &str| Usage(format!("{} {why}", folder.display()));
    let name = folder.file_name().and_then(|name| name.to_str()).ok_or_else(|| usage("is no folder of a sender"))?;
    let beside = folder.parent().ok_or_else(|| usage("is no folder of a sender"))?;
    let senders = senders::read(beside).map_err(|error| Usage(format!("{error:#}")))?;
    let sender = senders.get(name).ok_or_else(|| usage("has no sender.yaml"))?;
    let samples = files(&folder.join("samples")).map_err(|_| usage("has no samples"))?;
    let expected = folder.join("expected");
    let mut failed = samples.is_empty();
    let mut answered = BTreeSet::new();
    for sample in &samples {
        let stem = sample.file_stem().unwrap_or_default();
        let file = expected.join(stem).with_extension("json");
        answered.insert(file.clone());
        let found = serde_json::to_string_pretty(&outcome(sender, sample)?)? + "\n";
        if update {
            fs::create_dir_all(&expected)
                .and_then(|()| fs::write(&file, &found))
                .context("expected/ cannot be written")?;
        }
        let wanted = fs::read_to_string(&file).ok();
        let verdict = match &wanted {
            Some(wanted) if *wanted == found => "ok",
            Some(_) => "differs",
            None => "no expected file",
        };
        failed |= wanted.as_deref() != Some(&found);
        writeln!(out, "{verdict:16}  {}", visible(&stem.to_string_lossy()))?;
        if wanted.is_some_and(|wanted| wanted != found) {
            write!(out, "{}", visible(&found))?;
        }
    }
    for file in files(&expected).unwrap_or_default().iter().filter(|file| !answered.contains(*file)) {
        let stem = file.file_stem().map(OsString::from).unwrap_or_default();
        writeln!(out, "{:16}  {}", "no sample", visible(&stem.to_string_lossy()))?;
        failed = true;
    }
    if samples.is_empty() {
        writeln!(out, "there are no samples")?;
    }
    Ok(if failed { Exit::Refused } else { Exit::Done })
}

/// What a sample maps to: a list, or `{"error": …}`.
fn outcome(sender: &sender::Sender, sample: &Path) -> anyhow::Result<Value> {
    let lines = sample.extension().is_some_and(|ending| ending == "ndjson");
    let content_type = lines.then_some("application/x-ndjson");
    Ok(match map(sender, &payload(sample)?, content_type) {
        Ok(all) => serde_json::to_value(all)?,
        Err(error) => json!({"error": error.to_string()}),
    })
}

/// The files of a folder, by name.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    all.retain(|path| path.is_file());
    all.sort();
    Ok(all)
}
