//! The command line: reads what it is given, asks the core, prints the answer and picks the exit code.

mod action;
mod config;
mod demo;
mod explain;
mod findings;
mod fix;
mod render;
mod rules;
mod sender;
mod serve;

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::Value;

use super::{
    charts::Charts,
    git::{self, local::LocalTree},
    terminal::paint::visible,
};
use crate::{
    source::yaml::{
        parse::parse,
        resolve::{Reader, value},
    },
    webhook::sender::{Sender, Senders},
};

/// The outcome of a run, as the exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Patched or in sync, or whatever was asked for was done: 0.
    Done,
    /// Something failed that should not: 1.
    Internal,
    /// The command line is wrong, or names what is not there: 2, as for options that do not exist.
    Usage,
    /// Refused, with a reason: 3.
    Refused,
    /// The finding cannot be read: 4.
    Unreadable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Unreadable => 4,
        })
    }
}

/// Moves live fixes back into the source: finds the bytes that declare a drifted field, edits only those, proves the edit by
/// rendering, and proposes it.
#[derive(Debug, Parser)]
#[command(name = "sourceward", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Word and prove the edit that settles a finding.
    Fix(fix::Fix),
    /// Show which bytes of which file say a resource or one of its fields.
    Explain(explain::Explain),
    /// Print what a stack renders to.
    Render(render::Render),
    /// List the stacks of a repository.
    Stacks(render::Stacks),
    /// Receive webhooks and open pull requests, until told to end.
    Serve(serve::Serve),
    /// Run as a step of a GitHub workflow, as action.yml does.
    Action(action::Action),
    /// See what a server received and what became of it.
    Findings(findings::Findings),
    /// Show the main job on an example, in a temporary folder.
    Demo(demo::Demo),
    /// Work with senders of findings.
    Sender(self::sender::Sender),
    /// See what answers a violation, and what is never adopted.
    Rules(self::rules::Rules),
    /// Work with a repository's configuration.
    Config(config::Config),
}

/// How a command that shows something answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What is wrong with the command line, and how to put it right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs a command line that clap has parsed.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Fix(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Render(command) => command.run(),
        Command::Stacks(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Action(command) => command.run(),
        Command::Findings(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Sender(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Config(command) => command.run(),
    };
    match done {
        Ok(exit) => exit.into(),
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "sourceward: {}", visible(&format!("{error:#}")));
            if error.is::<Usage>() { Exit::Usage.into() } else { Exit::Internal.into() }
        }
    }
}

/// The most that is read from a file or from standard input: 64 MiB.
const MAX_INPUT_BYTES: u64 = 64 << 20;

/// Reads a file, or standard input for `-`.
fn input(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_INPUT_BYTES + 1)
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
    } else {
        let file = fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        file.take(MAX_INPUT_BYTES + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{} cannot be read", path.display()))?;
    }
    anyhow::ensure!(bytes.len() as u64 <= MAX_INPUT_BYTES, "{} has more than {MAX_INPUT_BYTES} bytes", path.display());
    Ok(bytes)
}

/// Says why the input cannot be read.
fn unreadable(error: &anyhow::Error) -> anyhow::Result<Exit> {
    writeln!(anstream::stderr(), "sourceward: {}", visible(&format!("{error:#}")))?;
    Ok(Exit::Unreadable)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// `--repo DIR`, which every command about a repository takes.
#[derive(Debug, clap::Args)]
struct Repository {
    /// A git work tree, as it is on disk, or a bare repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// A folder of charts that are in no repository, as folders or .tgz.
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
}

impl Repository {
    /// The charts of `--charts`.
    fn charts(&self) -> anyhow::Result<Charts> {
        match &self.charts {
            Some(folder) => Charts::read(folder).map_err(|error| Usage(format!("{error:#}")).into()),
            None => Ok(Charts::default()),
        }
    }

    fn open(&self) -> anyhow::Result<LocalTree> {
        LocalTree::open(&self.repo).map_err(|error| match &error {
            git::Error::NotARepository { .. } | git::Error::NotTheTop { .. } | git::Error::NotTrusted { .. } => {
                Usage(error.to_string()).into()
            }
            git::Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Usage(format!("there is no folder {}", self.repo.display())).into()
            }
            // Its text already holds that of its source.
            _ => anyhow::anyhow!("{error}"),
        })
    }
}

/// `--senders DIR`, which every command about senders takes.
#[derive(Debug, clap::Args)]
struct OwnSenders {
    /// A folder of further senders; one with the name of ours replaces it.
    #[arg(long = "senders", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl OwnSenders {
    fn read(&self) -> anyhow::Result<Senders> {
        match &self.folder {
            Some(folder) => super::senders::read(folder).map_err(|error| Usage(format!("{error:#}")).into()),
            None => Ok(Senders::embedded()?),
        }
    }
}

/// A sender's payload. Kubernetes objects are often at hand as YAML: what is no JSON and reads as YAML objects is given as a
/// list of them.
fn payload(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = input(path)?;
    let is_json = bytes.trim_ascii_start().first().is_none_or(|first| matches!(first, b'{' | b'[' | b'"'));
    let objects = if is_json { None } else { std::str::from_utf8(&bytes).ok().and_then(yaml_objects) };
    Ok(match objects {
        Some(objects) => serde_json::to_vec(&objects)?,
        None => bytes,
    })
}

fn yaml_objects(text: &str) -> Option<Vec<Value>> {
    let stream = parse(text).ok()?;
    let filled = stream.documents.iter().filter_map(|document| Some((document, document.root?)));
    let values = filled.map(|(document, root)| value(document, root, Reader::Manifest).ok());
    values.map(|value| value.filter(Value::is_object)).collect()
}

/// The sender of a name.
fn sender<'s>(senders: &'s Senders, name: &str) -> anyhow::Result<&'s Sender> {
    senders.get(name).ok_or_else(|| {
        let known: Vec<_> = senders.iter().map(Sender::name).collect();
        Usage(format!("there is no sender {name:?}: name one of {}", known.join(", "))).into()
    })
}
