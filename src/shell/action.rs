//! A step of a GitHub workflow: findings from files, edits as pull requests, and the run's outputs, summary, annotations and
//! SARIF.
//!
//! The work tree that the workflow checked out is what findings are judged against for the report. What is proposed is judged
//! again on the base branch as it stands then, by the same job that the server runs, so that both lead to the same pull requests.

mod commands;
pub mod inputs;
pub mod propose;

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::Context;
use serde_json::{Value, json};

use self::{
    commands::{output, silenced},
    inputs::{FailOn, Inputs},
    propose::{Outcome, Propose, propose},
};
use super::{
    charts::Charts,
    git::local::LocalTree,
    input::payload,
    terminal::{
        answer::{self, Reader},
        paint::visible,
    },
};
use crate::{
    model::{
        finding::{Finding, State},
        fingerprint::Fingerprint,
    },
    remedy::{
        Verdict,
        policy::Policy,
        report::{Answered, Counts, annotation, sarif::sarif, summary::summary},
        rule::set::Rules,
        verdict,
    },
    stack::catalog::Catalog,
    webhook::{
        map::{Mapped, map},
        sender::Senders,
    },
};

/// What the step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Well,
    /// With findings that `fail-on` names.
    Failing,
}

/// Runs the step.
///
/// # Errors
/// What a person has to mend: an input that cannot be read, a repository that is none.
pub fn run(inputs: &Inputs) -> anyhow::Result<Ended> {
    let senders = match &inputs.senders {
        Some(folder) => super::senders::read(folder)?,
        None => Senders::embedded()?,
    };
    let known = || senders.iter().map(|sender| sender.name().to_owned()).collect::<Vec<_>>().join(", ");
    let sender = senders.get(&inputs.sender);
    let sender = sender.with_context(|| format!("there is no sender {:?}: name one of {}", inputs.sender, known()))?;
    let (mut findings, mut ignored) = (Vec::new(), 0);
    for file in &inputs.findings {
        let bytes = payload(file)?;
        let mapped =
            map(sender, &bytes, None).with_context(|| format!("{} is no {}", file.display(), sender.title()))?;
        for item in mapped {
            match item {
                Mapped::Finding(finding) => findings.push(*finding),
                Mapped::Ignored { .. } => ignored += 1,
            }
        }
    }
    let charts = inputs.charts.as_deref().map(Charts::read).transpose()?.unwrap_or_default();
    let rules = super::rules::read(inputs.rules.as_deref())?;
    let mut answers = judged(inputs, &charts, &rules, findings)?;
    let failed = match &inputs.propose {
        Some(wanted) => proposed(wanted, (charts, rules), &mut answers)?,
        None => Vec::new(),
    };
    write_out(inputs, &answers, ignored)?;
    if !failed.is_empty() {
        anyhow::bail!("{} findings could not be proposed:\n  {}", failed.len(), failed.join("\n  "));
    }
    let counts = Counts::of(&answers);
    let failing = match inputs.fail_on {
        FailOn::Never => false,
        FailOn::Refused => counts.refused > 0,
        FailOn::Found => counts.patched + counts.refused > 0,
    };
    Ok(if failing { Ended::Failing } else { Ended::Well })
}

/// What becomes of each finding in the work tree.
fn judged(inputs: &Inputs, charts: &Charts, rules: &Rules, findings: Vec<Finding>) -> anyhow::Result<Vec<Answered>> {
    if findings.is_empty() {
        return Ok(Vec::new());
    }
    let local = LocalTree::open(&inputs.repository)?;
    let (tree, addresses) = (charts.beside(&local), local.remotes());
    let catalog = Catalog::known_as(&tree, &addresses);
    let answered = |finding: Finding| {
        let verdict = match finding.state {
            State::Resolved => Verdict::InSync,
            State::Open => verdict(&catalog, &finding, Policy::of(rules)),
        };
        Answered { finding, verdict, proposed: None, note: None }
    };
    Ok(findings.into_iter().map(answered).collect())
}

/// Brings about the pull requests; what could not be done, for people.
fn proposed(wanted: &Propose, beside: (Charts, Rules), answers: &mut [Answered]) -> anyhow::Result<Vec<String>> {
    let worth = |answer: &&Answered| matches!(answer.verdict, Verdict::Patched(_));
    let findings: Vec<Finding> = answers.iter().filter(worth).map(|answer| answer.finding.clone()).collect();
    if findings.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = propose(wanted, beside, &findings)?;
    let mut failed = Vec::new();
    for answer in answers.iter_mut() {
        match outcomes.get(&Fingerprint::of(&answer.finding)) {
            Some(Outcome::Proposed(proposed)) => answer.proposed = Some(proposed.clone()),
            Some(Outcome::Failed(why)) => failed.push(visible(&format!("{}: {why}", answer.finding.resource))),
            Some(Outcome::Nothing(why)) => answer.note = Some(why.clone()),
            None => {}
        }
    }
    Ok(failed)
}

/// Everything that the run leaves: the report and the SARIF file, the outputs, the summary, the annotations, a line for the log.
fn write_out(inputs: &Inputs, answers: &[Answered], ignored: usize) -> anyhow::Result<()> {
    let report: Vec<String> = answers
        .iter()
        .map(|answer| format!("{}\n", answer::json(&answer.finding, &answer.verdict, Reader::Public)))
        .collect();
    write(&inputs.report, report.concat().as_bytes())?;
    let log = sarif(answers, env!("CARGO_PKG_VERSION"));
    write(&inputs.sarif, serde_json::to_string_pretty(&log)?.as_bytes())?;
    let Counts { total, patched, in_sync, refused } = Counts::of(answers);
    let proposed: Vec<&_> = answers.iter().filter_map(|answer| answer.proposed.as_ref()).collect();
    let first = proposed.first();
    let all: Vec<Value> =
        proposed.iter().map(|proposed| json!({"number": proposed.number, "url": proposed.url})).collect();
    let outputs = [
        ("findings-total", total.to_string()),
        ("patched", patched.to_string()),
        ("in-sync", in_sync.to_string()),
        ("refused", refused.to_string()),
        ("ignored", ignored.to_string()),
        ("pull-request-number", first.map(|first| first.number.to_string()).unwrap_or_default()),
        ("pull-request-url", first.map(|first| first.url.clone()).unwrap_or_default()),
        ("pull-requests", Value::from(all).to_string()),
        ("sarif-file", inputs.sarif.display().to_string()),
        ("report-json", inputs.report.display().to_string()),
    ];
    if let Some(file) = &inputs.outputs {
        let text: anyhow::Result<String> = outputs.iter().map(|(name, value)| output(name, value)).collect();
        append(file, &text?)?;
    }
    if let Some(file) = &inputs.summary {
        append(file, &summary(answers, ignored))?;
    }
    let mut out = io::stdout().lock();
    if inputs.annotate {
        for line in annotation::commands(answers) {
            writeln!(out, "{line}")?;
        }
    }
    if total > 0 {
        let lines = format!("{total} findings: {patched} can be fixed, {in_sync} in sync, {refused} refused\n");
        let answers: Vec<String> = answers
            .iter()
            .map(|answer| answer::text(&answer.finding, &answer.verdict, false, Reader::Public))
            .collect();
        write!(out, "{}", silenced(&format!("{lines}\n{}", answers.join("\n")))?)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
