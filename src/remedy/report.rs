//! What a run over many findings came to, for those who do not read pull requests: a table for people, SARIF for code
//! scanning, annotations for a diff view.
//!
//! All three point at the line of the source that decides the field, not at the rendered file that the sender saw. Foreign
//! text stands in code or is escaped by its format, and what looks secret is withheld.

pub mod annotation;
pub mod sarif;
pub mod summary;

use super::{Verdict, confidential::redacted_text, markdown::visible, proof::Proved};
use crate::model::{finding::Finding, refusal::Refusal};

/// A finding and what became of it.
#[derive(Debug)]
pub struct Answered {
    /// The finding.
    pub finding: Finding,
    /// What became of it.
    pub verdict: Verdict,
    /// The pull request that proposes its edit, where there is one.
    pub proposed: Option<Proposed>,
    /// Why there is none although an edit was found.
    pub note: Option<String>,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Its number.
    pub number: u64,
    /// Its page, as the forge says it.
    pub url: String,
}

/// How many findings came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All findings.
    pub total: usize,
    /// Those that an edit settles.
    pub patched: usize,
    /// Those that the source settles already.
    pub in_sync: usize,
    /// Those that are refused.
    pub refused: usize,
}

impl Counts {
    /// Counts answers.
    pub fn of(answers: &[Answered]) -> Self {
        let mut counts = Self { total: answers.len(), ..Self::default() };
        for answer in answers {
            match answer.verdict {
                Verdict::Patched(_) => counts.patched += 1,
                Verdict::InSync => counts.in_sync += 1,
                Verdict::Refused(_) => counts.refused += 1,
            }
        }
        counts
    }
}

impl Answered {
    /// Where the source decides it: a file and a line from 1.
    fn place(&self) -> Option<(String, usize)> {
        match &self.verdict {
            Verdict::Patched(proved) => proved.edits().first().map(|edit| (edit.file.to_string(), edit.line)),
            Verdict::Refused(Refusal { file: Some(file), line, .. }) => Some((file.clone(), line.unwrap_or(1))),
            Verdict::Refused(_) | Verdict::InSync => None,
        }
    }

    /// One sentence in our own words, with names in it that are not ours; values are left out. It is plain text in which
    /// every character can be seen, and no link to SARIF, which reads `[words](place)` as one (section 3.11.6).
    fn sentence(&self) -> String {
        plain(&self.words())
    }

    fn words(&self) -> String {
        // Each by itself: the name of a resource says nothing of the sentence behind it.
        let resource = redacted_text(&self.finding.resource.to_string());
        let rule = self.finding.rule.as_ref().map(|rule| redacted_text(&rule.id));
        match &self.verdict {
            Verdict::Patched(proved) => {
                let resource = redacted_text(&proved.resource().to_string());
                let fields = fields(proved);
                match rule {
                    Some(rule) => format!("{resource} breaks {rule}: this line says {fields}"),
                    None => format!("{resource} runs with another value: this line says {fields}"),
                }
            }
            Verdict::Refused(refusal) => {
                let why = redacted_text(&refusal.message);
                format!("{resource}: {why} [{}] {}", refusal.code, redacted_text(&refusal.hint))
            }
            Verdict::InSync => format!("{resource}: the source already says so"),
        }
    }
}

/// Text of which every character can be seen, and that SARIF takes for no link.
fn plain(text: &str) -> String {
    visible(text, false).replace("](", "] (")
}

/// The changed fields of an edit: `/spec/replicas`, `/spec/a and 3 more`.
fn fields(proved: &Proved) -> String {
    let changed = &proved.proof().changed;
    let first = changed.first().map(|change| change.field.path.to_string()).unwrap_or_default();
    match changed.len() {
        0 | 1 => first,
        more => format!("{first} and {} more", more - 1),
    }
}
