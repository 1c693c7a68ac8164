//! `sourceward findings`: what was received, and what became of it.

use std::{io::Write, path::PathBuf};

use serde_json::json;

use super::{Exit, Usage};
use crate::shell::{
    clock,
    config::Config,
    store::{
        beside,
        case::{Case, CaseId, State},
        read::{Filter, Reader},
    },
    terminal::paint::{BOLD, DIM, GOOD, WARNING, paint, visible, visible_lines},
};

#[derive(Debug, clap::Args)]
pub struct Findings {
    /// The server's configuration.
    #[arg(long, value_name = "FILE", env = "SOURCEWARD_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The data folder itself.
    #[arg(long, value_name = "DIR", conflicts_with = "config", global = true)]
    data: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List cases, the newest first.
    List {
        /// Only those in this state.
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// The deliveries that could not be understood, instead.
        #[arg(long, conflicts_with = "state")]
        rejected: bool,
    },
    /// Show one case with all that is known of it.
    Show {
        /// Its number.
        case: i64,
    },
    /// Say that the trouble of a case is over, as its sender would.
    Resolve {
        /// Its number.
        case: i64,
    },
    /// Have a case tried again that waits, was refused or was given up.
    Retry {
        /// Its number.
        case: i64,
    },
}

impl Findings {
    pub fn run(self) -> anyhow::Result<Exit> {
        let folder = self.folder()?;
        let mut out = anstream::stdout().lock();
        match self.command {
            Command::List { rejected: true, limit, .. } => {
                for rejection in Reader::open(&folder)?.rejections(limit)? {
                    let answer = json!({
                        "sender": rejection.sender, "delivery": rejection.delivery, "received_at": rejection.received_at,
                        "size": rejection.size, "reason": rejection.reason,
                    });
                    writeln!(out, "{answer}")?;
                }
            }
            Command::List { state, limit, .. } => {
                let cases = Reader::open(&folder)?.list(Filter { state, limit, before: None })?;
                if cases.is_empty() {
                    writeln!(anstream::stderr(), "no cases")?;
                }
                for case in cases {
                    if self.json { writeln!(out, "{}", json!(case))? } else { writeln!(out, "{}", line(&case))? }
                }
            }
            Command::Show { case } => match Reader::open(&folder)?.show(CaseId(case))? {
                Some(case) if self.json => writeln!(out, "{}", json!(case))?,
                Some(case) => {
                    writeln!(out, "{}", line(&case))?;
                    writeln!(out, "{}", visible_lines(&serde_json::to_string_pretty(&case)?))?;
                }
                None => {
                    return Err(Usage(format!(
                        "there is no case {case}: `sourceward findings list` shows those there are"
                    ))
                    .into());
                }
            },
            Command::Resolve { case } => {
                beside::resolve(&folder, CaseId(case), clock::unix_millis())?;
                writeln!(out, "case {case} is over, and what was begun for it is ended")?;
            }
            Command::Retry { case } => {
                beside::retry(&folder, CaseId(case), clock::unix_millis())?;
                writeln!(out, "case {case} will be tried again")?;
            }
        }
        Ok(Exit::Done)
    }

    fn folder(&self) -> anyhow::Result<PathBuf> {
        match (&self.data, &self.config) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(file)) => Ok(Config::read(file, &|name| std::env::var(name).ok())?.data),
            (None, None) => {
                let what = "name the data folder with --data, or the server's configuration with --config";
                Err(Usage(what.to_owned()).into())
            }
        }
    }
}

fn line(case: &Case) -> String {
    let state = case.state.to_string();
    let style = match case.state {
        State::Proposed | State::Resolved => GOOD,
        State::Refused | State::Dead => WARNING,
        _ => DIM,
    };
    let more = match (&case.pull_request, &case.reason) {
        (Some(pull_request), _) => pull_request.url.clone(),
        (None, Some(reason)) => {
            let text = reason.get("message").or(Some(reason)).and_then(|text| text.as_str().map(str::to_owned));
            text.unwrap_or_else(|| reason.to_string())
        }
        (None, None) => String::new(),
    };
    let number = paint(BOLD, format!("{:>5}", case.id.0));
    let state = paint(style, format!("{state:9}"));
    format!("{number}  {state}  {}  {}", visible(&case.finding.resource.to_string()), paint(DIM, more))
}

fn state(text: &str) -> Result<State, String> {
    let known = || State::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ");
    State::ALL
        .iter()
        .copied()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| format!("expected one of {}", known()))
}
