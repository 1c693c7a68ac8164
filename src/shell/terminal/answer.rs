//! What `fix` says about a finding: JSON for machines, text for people.

use std::fmt::Write;

use serde_json::{Value, json};

use super::paint::{BOLD, DIM, GOOD, WARNING, diff, paint, visible};
use crate::{
    model::{finding::Finding, refusal::Refusal, resource::ResourceId, value::shown},
    remedy::{
        Verdict,
        confidential::redacted_text,
        proof::{Proved, ProvedChange},
        pull_request::{shown_changes, shown_diff},
    },
};

/// Who reads an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Who has the files before them, and may apply the diff.
    Owner,
    /// Whoever may read the log of a workflow: what looks secret is withheld.
    Public,
}

/// The answer as the command line's contract words it.
pub fn json(finding: &Finding, verdict: &Verdict, to: Reader) -> Value {
    let mut answer = json!({"id": finding.id});
    let more = match verdict {
        Verdict::InSync => json!({"outcome": "in-sync"}),
        Verdict::Refused(refusal) => json!({"outcome": "refused", "reason": refusal}),
        Verdict::Patched(proved) => {
            let (diff, [changed, derived]) = to.shown(proved);
            json!({
                "outcome": "patched",
                "stack": proved.stack(),
                "edits": proved.edits(),
                "diff": diff,
                "proof": {
                    "changed": changes(&changed),
                    "derived": changes(&derived),
                    "stacks": proved.proof().stacks,
                },
            })
        }
    };
    if let (Value::Object(answer), Value::Object(more)) = (&mut answer, more) {
        answer.extend(more);
        if let Verdict::Patched(proved) = verdict
            && !proved.hands().left.is_empty()
        {
            answer.insert("left".to_owned(), json!(proved.hands().left));
        }
        if let Some(rule) = &finding.rule {
            answer.insert("rule".to_owned(), json!(rule.id));
        }
        answer.insert("resource".to_owned(), json!(finding.resource));
    }
    if to == Reader::Public {
        redact(&mut answer);
    }
    answer
}

/// The answer for a person, with colours.
pub fn text(finding: &Finding, verdict: &Verdict, written: bool, to: Reader) -> String {
    match verdict {
        Verdict::InSync => {
            let resource = paint(BOLD, finding.resource.to_string());
            format!("{} {resource}\n  the source already says so\n", paint(GOOD, "in sync"))
        }
        Verdict::Refused(refusal) => match to {
            Reader::Owner => refused(Some(&finding.resource), refusal),
            Reader::Public => {
                let (message, hint) = (redacted_text(&refusal.message), redacted_text(&refusal.hint));
                refused(Some(&finding.resource), &Refusal { message, hint, ..refusal.clone() })
            }
        },
        Verdict::Patched(proved) => patched(proved, written, to),
    }
}

/// Only the diff; nothing where there is none.
pub fn plain_diff(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Patched(proved) => proved.diff(),
        Verdict::InSync | Verdict::Refused(_) => String::new(),
    }
}

/// A refusal for a person: of whom or what, where that is known.
pub fn refused(about: Option<&ResourceId>, refusal: &Refusal) -> String {
    let about = about.map_or_else(String::new, |about| format!(" {}", paint(BOLD, about.to_string())));
    let place = match (&refusal.file, refusal.line) {
        (Some(file), Some(line)) => format!("  {}\n", paint(DIM, format!("at {file}:{line}"))),
        (Some(file), None) => format!("  {}\n", paint(DIM, format!("at {file}"))),
        _ => String::new(),
    };
    let code = paint(DIM, format!("[{}]", refusal.code));
    let (refused, hint) = (paint(WARNING, "refused"), paint(DIM, format!("→ {}", refusal.hint)));
    format!("{refused}{about}\n  {} {code}\n{place}  {hint}\n", visible(&refusal.message))
}

impl Reader {
    /// The diff, and the changed and derived fields.
    fn shown(self, proved: &Proved) -> (String, [Vec<ProvedChange>; 2]) {
        match self {
            Self::Owner => (proved.diff(), [proved.proof().changed.clone(), proved.proof().derived.clone()]),
            Self::Public => (shown_diff(proved), shown_changes(proved)),
        }
    }
}

/// Redacts every text of an answer.
fn redact(value: &mut Value) {
    match value {
        Value::String(text) => *text = redacted_text(text),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(map) => map.values_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn patched(proved: &Proved, written: bool, to: Reader) -> String {
    let mut out = String::new();
    let (edit, [changed, _]) = to.shown(proved);
    let done = if written { "fixed" } else { "can be fixed" };
    let resource = paint(BOLD, proved.resource().to_string());
    let _ = writeln!(out, "{} {resource} {}", paint(GOOD, done), paint(DIM, format!("in stack {}", proved.stack())));
    for change in &changed {
        let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "absent".to_owned(), |value| shown(value, 60));
        let (before, after) = (side(&change.field.before), side(&change.field.after));
        let field = paint(BOLD, change.field.path.to_string());
        let _ = writeln!(out, "  {field}  {} → {}", visible(&before), visible(&after));
    }
    for edit in proved.edits() {
        let place = visible(&format!("{}:{}", edit.file, edit.line));
        let _ = writeln!(out, "  {place}  {}", paint(DIM, &edit.site));
    }
    for left in &proved.hands().left {
        let said = format!("{} is left as declared: {} writes it", left.path, left.by);
        let _ = writeln!(out, "  {}", paint(DIM, visible(&said)));
    }
    let _ = write!(out, "\n{}\n", diff(&edit));
    let (fields, stacks) = (proved.proof().changed.len(), &proved.proof().stacks);
    let _ = writeln!(
        out,
        "{} rendered before and after, exactly {} changed, nothing else moved in {}",
        paint(GOOD, "proved:"),
        count(fields, "field"),
        visible(&stacks.join(", ")),
    );
    out
}

fn changes(changes: &[ProvedChange]) -> Vec<Value> {
    let change = |change: &ProvedChange| {
        let mut shown = json!({"resource": change.resource.to_string()});
        if let (Value::Object(shown), Value::Object(field)) = (&mut shown, json!(change.field)) {
            shown.extend(field);
        }
        shown
    };
    changes.iter().map(change).collect()
}

/// `1 field`, `3 fields`.
pub fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
