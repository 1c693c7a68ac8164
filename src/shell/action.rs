//! A step of a GitHub workflow: findings from files, edits as pull requests, and the run's outputs, summary, annotations and
//! SARIF.
//!
//! The work tree that the workflow checked out is what findings are judged against for the report. What is proposed is judged
//! again on the base branch as it stands then, by the same job that the server runs, so that both lead to the same pull requests.

mod commands;
mod complete;
pub mod inputs;
pub mod propose;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    path::Path,
    time::SystemTime,
};

use anyhow::Context;
use serde_json::Value;

use self::{
    commands::{output, silenced},
    inputs::{FailOn, Inputs},
    propose::{Complete, Outcome, Run, Shown, operation_word, propose},
};
use super::{
    addresses::Addresses,
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
        lifecycle::ending::Ending,
        manner::Manner,
        policy::Policy,
        report::{Answered, Counts, Proposed, annotation, sarif::sarif, summary::summary},
        rule::set::Rules,
        verdict,
    },
    stack::catalog::{self, Catalog},
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
    let ends = inputs.propose.as_ref().filter(|wanted| wanted.close_stale && wanted.scope.is_some());
    let mut reports = ends.map(|_| (BTreeSet::new(), SystemTime::now()));
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
        // All of them together are complete, or nothing is: what one does not hold another may.
        let made = fs::metadata(file).and_then(|known| known.modified()).ok();
        let looked_at = || complete::looked_at(sender, &bytes).zip(made);
        reports = reports.and_then(|known| Some((known, looked_at()?))).map(|((mut all, at), (places, made))| {
            all.extend(places);
            (all, made.min(at))
        });
    }
    let addresses = Addresses::read(&inputs.states)?;
    let charts = inputs.charts.as_deref().map(Charts::read).transpose()?.unwrap_or_default();
    let rules = super::rules::read(inputs.rules.as_deref())?;
    let ends = ends.zip(reports);
    let local = match findings.is_empty() && ends.is_none() {
        true => None,
        false => Some(LocalTree::open(&inputs.repository)?),
    };
    let mut answers =
        local.as_ref().map(|local| judged(local, &charts, &rules, &addresses, findings)).unwrap_or_default();
    let complete = ends.zip(local.as_ref()).and_then(|((wanted, (looked_at, at)), local)| {
        let written = catalog::configuration(local).ok().flatten().and_then(|config| config.pull_requests);
        let prefix = Manner::of(&written.unwrap_or_default(), &wanted.manner, None, &[]).prefix;
        Some(Complete { looked_at, at, of: local.head()?, prefix })
    });
    let run = match &inputs.propose {
        Some(wanted) => propose(wanted, (charts, rules), &answers, complete)?,
        None => Run::default(),
    };
    let failed = [noted(&mut answers, &run.outcomes), run.failed.clone()].concat();
    write_out(inputs, &answers, ignored, &run)?;
    if !failed.is_empty() {
        anyhow::bail!("not all that was wanted could be done:\n  {}", failed.join("\n  "));
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
fn judged(
    local: &LocalTree,
    charts: &Charts,
    rules: &Rules,
    addresses: &Addresses,
    findings: Vec<Finding>,
) -> Vec<Answered> {
    let (tree, remotes) = (charts.beside(local), local.remotes());
    let catalog = Catalog::known_as(&tree, &remotes);
    let answered = |mut finding: Finding| {
        let unknown = addresses.settle(&mut finding).err();
        let verdict = match (finding.state, unknown) {
            (State::Resolved, _) => Verdict::InSync,
            (State::Open, Some(refusal)) => Verdict::Refused(refusal),
            (State::Open, None) => verdict(&catalog, &finding, Policy::of(rules)),
        };
        Answered { finding, verdict, proposed: None, note: None }
    };
    findings.into_iter().map(answered).collect()
}

/// Notes what became of each finding on the forge; what could not be done, for people.
fn noted(answers: &mut [Answered], outcomes: &BTreeMap<Fingerprint, Outcome>) -> Vec<String> {
    let mut failed = Vec::new();
    for answer in answers {
        match outcomes.get(&Fingerprint::of(&answer.finding)) {
            Some(Outcome::Proposed(proposed)) => answer.proposed = Some(proposed.clone()),
            Some(Outcome::Failed(why)) => failed.push(visible(&format!("{}: {why}", answer.finding.resource))),
            Some(Outcome::Nothing(why)) => answer.note = Some(why.clone()),
            None => {}
        }
    }
    failed
}

/// Everything that the run leaves: the report and the SARIF file, the outputs, the summary, the annotations, a line for the log.
fn write_out(inputs: &Inputs, answers: &[Answered], ignored: usize, run: &Run) -> anyhow::Result<()> {
    let report: Vec<String> = answers
        .iter()
        .map(|answer| format!("{}\n", answer::json(&answer.finding, &answer.verdict, Reader::Public)))
        .collect();
    write(&inputs.report, report.concat().as_bytes())?;
    let log = sarif(answers, env!("CARGO_PKG_VERSION"));
    write(&inputs.sarif, serde_json::to_string_pretty(&log)?.as_bytes())?;
    let Counts { total, patched, in_sync, refused } = Counts::of(answers);
    let first = run.shown.first();
    let of_first = |said: fn(&Shown) -> String| first.map(said).unwrap_or_default();
    // Where nothing is proposed any more, that something was closed is what was done.
    let operation = match first {
        Some(first) => first.operation,
        None => run.closed.first().and_then(|(closed, _)| closed.operation),
    };
    let all: Vec<Value> =
        run.shown.iter().chain(run.closed.iter().map(|(closed, _)| closed)).map(Shown::json).collect();
    let outputs = [
        ("findings-total", total.to_string()),
        ("patched", patched.to_string()),
        ("in-sync", in_sync.to_string()),
        ("refused", refused.to_string()),
        ("ignored", ignored.to_string()),
        ("pull-request-number", of_first(|first| first.number.to_string())),
        ("pull-request-url", of_first(|first| first.url.clone())),
        ("pull-request-operation", operation_word(operation).to_owned()),
        ("pull-request-branch", of_first(|first| first.head.0.clone())),
        ("pull-request-head-sha", of_first(|first| first.head.1.to_string())),
        ("pull-request-commits-verified", of_first(|first| first.verified.to_string())),
        ("pull-requests", Value::from(all).to_string()),
        ("sarif-file", inputs.sarif.display().to_string()),
        ("report-json", inputs.report.display().to_string()),
    ];
    if let Some(file) = &inputs.outputs {
        let text: anyhow::Result<String> = outputs.iter().map(|(name, value)| output(name, value)).collect();
        append(file, &text?)?;
    }
    if let Some(file) = &inputs.summary {
        let over: Vec<(Proposed, Ending)> =
            run.closed.iter().map(|(closed, ending)| (closed.proposed(), *ending)).collect();
        append(file, &summary(answers, ignored, &over))?;
    }
    let mut out = io::stdout().lock();
    if inputs.annotate {
        for line in annotation::commands(answers) {
            writeln!(out, "{line}")?;
        }
    }
    for (closed, ending) in &run.closed {
        writeln!(out, "#{} is closed: {}", closed.number, ending.reason())?;
    }
    for note in &run.notes {
        writeln!(out, "{note}")?;
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
