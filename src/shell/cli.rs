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
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};

use super::{
    charts::Charts,
    git::{self, local::LocalTree},
    terminal::paint::visible,
};
use crate::webhook::sender::{Sender, Senders};

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

/// The sender of a name.
fn sender<'s>(senders: &'s Senders, name: &str) -> anyhow::Result<&'s Sender> {
    senders.get(name).ok_or_else(|| {
        let known: Vec<_> = senders.iter().map(Sender::name).collect();
        Usage(format!("there is no sender {name:?}: name one of {}", known.join(", "))).into()
    })
}
