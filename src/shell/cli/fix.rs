//! `sourceward fix`: findings in, proved edits or refusals out.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use serde_json::{Value, json};

use super::{Exit, OwnSenders, Repository, Usage, rules::OwnRules, unreadable};
use crate::{
    model::{
        finding::{Finding, Intent, State},
        resource::{KubernetesId, ResourceId},
    },
    remedy::{Verdict, policy::Policy, verdict},
    shell::{
        addresses::Addresses,
        input::{input, payload},
        terminal::{
            answer,
            paint::{WARNING, paint, visible},
        },
    },
    source::{
        path::RepoPath,
        tree::Overlay,
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
    stack::catalog::Catalog,
    webhook::{
        map::{Mapped, map},
        sender::Sender,
    },
};

#[derive(Debug, clap::Args)]
pub struct Fix {
    #[command(flatten)]
    repository: Repository,
    #[command(flatten)]
    from: From,
    /// Read a raw payload of this sender; see `sourceward sender list`.
    #[arg(long, value_name = "NAME", requires = "finding")]
    sender: Option<String>,
    #[command(flatten)]
    senders: OwnSenders,
    /// A Terraform state, in which findings about cloud resources find their addresses.
    #[arg(long, value_name = "FILE")]
    state: Vec<PathBuf>,
    /// The stack of findings that name none, as those of a plan.
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    #[command(flatten)]
    rules: OwnRules,
    /// How to answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Change the work tree; each finding is judged on what those before it left.
    #[arg(long)]
    write: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct From {
    /// One finding as JSON, or with --sender a payload; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    finding: Option<PathBuf>,
    /// Findings as JSON, one a line, each judged by itself.
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// Kubernetes objects as `kubectl get -o yaml` prints them.
    #[arg(long, value_name = "FILE")]
    live: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// Only the diff, as `git apply` takes it.
    Diff,
    /// One JSON object a finding, on one line.
    Json,
}

/// Something to answer.
enum Asked {
    Finding(Box<Finding>),
    /// A sender's item that is no trouble.
    Ignored(String),
    /// A line that is no finding, by the id that it gives all the same.
    Unreadable {
        id: Option<String>,
        why: String,
    },
}

impl Fix {
    pub fn run(self) -> anyhow::Result<Exit> {
        let (local, charts) = (self.repository.open()?, self.repository.charts()?);
        let (tree, addresses) = (charts.beside(&local), local.remotes());
        if self.write {
            // Whether there is anything to write to is better known before than after.
            local.write(&BTreeMap::new()).map_err(|error| Usage(error.to_string()))?;
        }
        let rules = self.rules.read()?;
        let policy = Policy::of(&rules);
        let senders = self.sender.as_ref().map(|_| self.senders.read()).transpose()?;
        let sender = senders.as_ref().zip(self.sender.as_ref());
        let sender = sender.map(|(senders, name)| super::sender(senders, name)).transpose()?;
        let asked = match self.asked(sender) {
            Ok(asked) => asked,
            Err(error) => return unreadable(&error),
        };
        let known = match Addresses::read(&self.state) {
            Ok(addresses) => addresses,
            Err(error) => return unreadable(&error),
        };
        let mut written: BTreeMap<RepoPath, Option<Arc<[u8]>>> = BTreeMap::new();
        let (mut refused, mut unreadable) = (false, false);
        let mut out = Output { format: self.format, answers: 0 };
        let base = Catalog::known_as(&tree, &addresses);
        for asked in asked {
            let mut finding = match asked {
                Asked::Finding(finding) => finding,
                Asked::Ignored(why) => {
                    out.aside(json!({"outcome": "ignored", "why": why}))?;
                    continue;
                }
                Asked::Unreadable { id, why } => {
                    unreadable = true;
                    out.aside(match id {
                        Some(id) => json!({"id": id, "outcome": "unreadable", "why": why}),
                        None => json!({"outcome": "unreadable", "why": why}),
                    })?;
                    continue;
                }
            };
            if finding.stack.is_none() {
                finding.stack.clone_from(&self.stack);
            }
            let unknown = known.settle(&mut finding).err();
            let verdict = if finding.state == State::Resolved {
                // The sender itself says that nothing is left to settle.
                Verdict::InSync
            } else if let Some(refusal) = unknown {
                Verdict::Refused(refusal)
            } else if written.is_empty() {
                verdict(&base, &finding, policy)
            } else {
                verdict(&Catalog::known_as(&Overlay::new(&tree, written.clone()), &addresses), &finding, policy)
            };
            refused |= matches!(verdict, Verdict::Refused(_));
            if let (Verdict::Patched(proved), true) = (&verdict, self.write) {
                let files = proved.files().iter();
                let changed: BTreeMap<_, _> =
                    files.map(|(path, file)| (path.clone(), Some(file.after.as_bytes().into()))).collect();
                local.write(&changed).map_err(|error| anyhow::anyhow!("the edit cannot be written: {error}"))?;
                written.extend(changed);
            }
            out.answer(&finding, &verdict, self.write)?;
        }
        let judged_together = self.from.batch.is_some() || self.sender.is_some();
        Ok(match (unreadable, refused && !judged_together) {
            (true, _) => Exit::Unreadable,
            (false, true) => Exit::Refused,
            (false, false) => Exit::Done,
        })
    }

    fn asked(&self, sender: Option<&Sender>) -> anyhow::Result<Vec<Asked>> {
        let From { finding, batch, live } = &self.from;
        match (finding, batch, live, sender) {
            (Some(path), _, _, Some(sender)) => mapped(&payload(path)?, sender),
            (Some(path), ..) => {
                let bytes = input(path)?;
                let finding = read_finding(&bytes).with_context(|| format!("{} is no finding", path.display()))?;
                Ok(vec![Asked::Finding(Box::new(finding))])
            }
            (_, Some(path), ..) => Ok(lines(&input(path)?)),
            (_, _, Some(path), _) => objects(&input(path)?),
            _ => anyhow::bail!("nothing to fix was given"),
        }
    }
}

/// The answers as they are printed: what machines read goes out byte by byte, what people read in colours where there are any.
struct Output {
    format: Format,
    answers: usize,
}

impl Output {
    fn answer(&mut self, finding: &Finding, verdict: &Verdict, written: bool) -> io::Result<()> {
        match (self.format, verdict) {
            (Format::Json, _) => writeln!(io::stdout(), "{}", answer::json(finding, verdict, answer::Reader::Owner)),
            (Format::Text, _) => self.paragraph(&answer::text(finding, verdict, written, answer::Reader::Owner)),
            (Format::Diff, Verdict::Refused(refusal)) => {
                write!(anstream::stderr(), "{}", answer::refused(Some(&finding.resource), refusal))
            }
            (Format::Diff, _) => write!(io::stdout(), "{}", answer::plain_diff(verdict)),
        }
    }

    /// What there is to say of something that is no finding.
    fn aside(&mut self, answer: Value) -> io::Result<()> {
        let word = |member: &str| answer[member].as_str().unwrap_or_default();
        let text = || format!("{}\n  {}\n", paint(WARNING, word("outcome")), visible(word("why")));
        match self.format {
            Format::Json => writeln!(io::stdout(), "{answer}"),
            Format::Text => self.paragraph(&text()),
            Format::Diff => write!(anstream::stderr(), "{}", text()),
        }
    }

    fn paragraph(&mut self, text: &str) -> io::Result<()> {
        let space = if self.answers == 0 { "" } else { "\n" };
        self.answers += 1;
        write!(anstream::stdout(), "{space}{text}")
    }
}

fn mapped(bytes: &[u8], sender: &Sender) -> anyhow::Result<Vec<Asked>> {
    let mapped = map(sender, bytes, None)?;
    // A report without findings is nothing to answer beside one that has some.
    let has_findings = mapped.iter().any(|item| matches!(item, Mapped::Finding(_)));
    Ok(mapped
        .into_iter()
        .filter(|item| !(has_findings && matches!(item, Mapped::Ignored { of_report: true, .. })))
        .map(|item| match item {
            Mapped::Finding(finding) => Asked::Finding(finding),
            Mapped::Ignored { why, .. } => Asked::Ignored(why),
        })
        .collect())
}

fn read_finding(json: &[u8]) -> serde_json::Result<Finding> {
    // A list would be read as well, its members taken for the fields in their order.
    if json.trim_ascii_start().starts_with(b"[") {
        return Err(serde::de::Error::custom("expected an object, found a list"));
    }
    serde_json::from_slice(json)
}

fn lines(bytes: &[u8]) -> Vec<Asked> {
    let read = |(number, line): (usize, &[u8])| match read_finding(line) {
        Ok(finding) => Asked::Finding(Box::new(finding)),
        Err(error) => {
            let value: Option<Value> = serde_json::from_slice(line).ok();
            let id = value.as_ref().and_then(|value| value.get("id")?.as_str()).map(str::to_owned);
            Asked::Unreadable { id, why: format!("line {}: {error}", number + 1) }
        }
    };
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).map(read).collect()
}

/// Kubernetes objects, each a finding that its source may differ from it.
fn objects(bytes: &[u8]) -> anyhow::Result<Vec<Asked>> {
    let text = std::str::from_utf8(bytes).context("the objects are not UTF-8 text")?;
    let stream = parse(text).context("the objects are not YAML")?;
    let mut asked = Vec::new();
    for document in &stream.documents {
        let Some(root) = document.root else { continue };
        let object = value(document, root, Reader::Manifest)?;
        match object.get("items") {
            Some(Value::Array(items)) if object.get("kind").is_some_and(|kind| kind == "List") => {
                for item in items {
                    asked.push(live_finding(item)?);
                }
            }
            _ => asked.push(live_finding(&object)?),
        }
    }
    anyhow::ensure!(!asked.is_empty(), "there is no object in the input");
    Ok(asked)
}

fn live_finding(object: &Value) -> anyhow::Result<Asked> {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let (Some(api_version), Some(kind), Some(name)) = (text("/apiVersion"), text("/kind"), text("/metadata/name"))
    else {
        anyhow::bail!("an object without apiVersion, kind and metadata.name is no Kubernetes object");
    };
    let id = KubernetesId { api_version, kind, namespace: text("/metadata/namespace"), name };
    let resource = ResourceId::Kubernetes(id);
    Ok(Asked::Finding(Box::new(Finding {
        id: resource.to_string(),
        live: Some(object.clone()),
        ..Finding::about(Intent::Drift, resource)
    })))
}
