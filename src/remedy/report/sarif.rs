//! SARIF 2.1.0 (OASIS), as code scanning takes it: a result a finding, at the line of the source, with the edit as a fix.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answered, plain};
use crate::{
    model::{finding::Severity, fingerprint::Fingerprint, refusal::Code, uri},
    remedy::{
        Verdict,
        confidential::redacted_text,
        proof::{FileChange, Proved},
    },
};

/// The results of a run. GitHub shows the first 5,000.
const MAX_RESULTS: usize = 5_000;

/// The rule of a drift, which breaks none.
const DRIFT: &str = "drift";

/// A log of one run. What the source settles already is no result.
pub fn sarif(answers: &[Answered], version: &str) -> Value {
    let standing = answers.iter().filter(|answer| !matches!(answer.verdict, Verdict::InSync));
    let results: Vec<Value> = standing.clone().take(MAX_RESULTS).map(result).collect();
    let mut rules: BTreeMap<String, Value> = BTreeMap::new();
    for answer in standing.take(MAX_RESULTS) {
        let id = rule(answer);
        let name = answer.finding.rule.as_ref().and_then(|rule| rule.name.as_deref());
        let said = match (name, id.as_str()) {
            (Some(name), _) => plain(&redacted_text(name)),
            (None, DRIFT) => "What runs differs from its source".to_owned(),
            (None, id) => plain(&format!("The rule {id}")),
        };
        rules.entry(id.clone()).or_insert_with(|| json!({"id": id, "shortDescription": {"text": said}}));
    }
    let rules: Vec<Value> = rules.into_values().collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "sourceward", "version": version, "semanticVersion": version, "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(answer: &Answered) -> String {
    answer.finding.rule.as_ref().map_or_else(|| DRIFT.to_owned(), |rule| redacted_text(&rule.id))
}

fn result(answer: &Answered) -> Value {
    let finding = &answer.finding;
    let level = match (&answer.verdict, finding.severity) {
        // Code scanning fails a check over errors: what cannot be acted upon is none.
        (Verdict::Refused(_), _) | (_, Some(Severity::Info | Severity::Low)) => "note",
        (_, Some(Severity::High | Severity::Critical)) => "error",
        _ => "warning",
    };
    let fingerprint = Fingerprint::of(finding);
    let mut result = json!({
        "ruleId": rule(answer),
        "level": level,
        "message": {"text": answer.sentence()},
        "partialFingerprints": {"sourceward/v1": fingerprint.as_str()},
    });
    if let Some((file, line)) = answer.place() {
        result["locations"] = json!([{"physicalLocation":
            {"artifactLocation": {"uri": uri::path(&file), "uriBaseId": "%SRCROOT%"}, "region": {"startLine": line}}}]);
    }
    match &answer.verdict {
        Verdict::Patched(proved) => {
            if let Some(fix) = fix(proved) {
                result["fixes"] = json!([fix]);
            }
        }
        Verdict::Refused(refusal) => {
            // What nobody has to mend is not open.
            if refusal.code == Code::ManagedElsewhere {
                result["suppressions"] = json!([{"kind": "external", "justification": answer.sentence()}]);
            }
        }
        Verdict::InSync => {}
    }
    result
}

/// The edit, line by line; nothing where it would show what looks secret.
fn fix(proved: &Proved) -> Option<Value> {
    let change = |(path, file): (&_, &FileChange)| {
        let before = file.before.as_deref()?;
        let (first, last, inserted) = changed_lines(before, &file.after);
        (redacted_text(&inserted) == inserted).then(|| {
            json!({"artifactLocation": {"uri": uri::path(&format!("{path}")), "uriBaseId": "%SRCROOT%"}, "replacements": [{
                "deletedRegion": {"startLine": first, "startColumn": 1, "endLine": last, "endColumn": 1},
                "insertedContent": {"text": inserted},
            }]})
        })
    };
    let changes: Option<Vec<Value>> = proved.files().iter().map(change).collect();
    Some(
        json!({"description": {"text": "What the source has to say, proved by rendering"}, "artifactChanges": changes?}),
    )
}

/// The lines that differ, from 1 and up to the first that is the same again, and what stands there afterwards.
fn changed_lines(before: &str, after: &str) -> (usize, usize, String) {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let above = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let below = old[above..].iter().rev().zip(new[above..].iter().rev()).take_while(|(a, b)| a == b).count();
    (above + 1, old.len() - below + 1, new[above..new.len() - below].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changed_lines_are_told_from_those_around_them() {
        let table = [
            ("a\nb\nc\n", "a\nx\nc\n", (2, 3, "x\n")),
            ("a\nc\n", "a\nb\nc\n", (2, 2, "b\n")),
            ("a\nb\nc\n", "a\nc\n", (2, 3, "")),
            ("a\na\n", "a\na\na\n", (3, 3, "a\n")),
            ("a", "b", (1, 2, "b")),
            ("", "a\n", (1, 1, "a\n")),
        ];
        for (before, after, (first, last, inserted)) in table {
            assert_eq!(changed_lines(before, after), (first, last, inserted.to_owned()), "{before:?} {after:?}");
        }
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri::path("a b/c%d/é.yaml"), "a%20b/c%25d/%C3%A9.yaml");
    }
}
