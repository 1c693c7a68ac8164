//! What the check beside a pull request's head says: whether its edit is proved, in words and for machines.

use serde_json::json;

use super::{
    confidential::redacted_text,
    markdown::{block, code},
    proof::Proved,
    pull_request::{marker::Digest, shown_proof},
};
use crate::model::refusal::Refusal;

/// The characters of a check's text: GitHub takes 65,535.
const MAX_TEXT: usize = 60_000;

/// A check on a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it ended.
    pub conclusion: Conclusion,
    /// One line.
    pub title: String,
    /// What was found, in Markdown.
    pub summary: String,
    /// The proof for machines, in a block of JSON.
    pub text: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Proved: it may be merged.
    Success,
    /// Not proved, or no longer: it should not be merged as it is.
    Failure,
    /// Nothing here was for us to prove.
    Neutral,
}

impl Check {
    /// The name under which rules of a repository can require it.
    pub const NAME: &'static str = "sourceward / proof";

    /// The check of a proved edit.
    pub fn proved(proved: &Proved) -> Self {
        let count = proved.proof().changed.len();
        let stacks = proved.proof().stacks.len();
        let fields = if count == 1 { "1 field changes".to_owned() } else { format!("{count} fields change") };
        let rendered = if stacks == 1 { "1 stack".to_owned() } else { format!("{stacks} stacks") };
        let json = serde_json::to_string_pretty(&shown_proof(proved)).expect("a proof is JSON");
        let text = match json.chars().count() {
            length if length <= MAX_TEXT => block("json", &json),
            _ => "The proof is too long to show here: the pull request lists what changes.".to_owned(),
        };
        Self {
            conclusion: Conclusion::Success,
            title: format!("Exactly {fields}, nothing else"),
            summary: format!(
                "Every stack that reads the edited files ({rendered}) was rendered before and after, on the present base. \
                 {fields}, nothing else.\n"
            ),
            text,
        }
    }

    /// The check of an edit that cannot be proved any more.
    pub fn refused(refusal: &Refusal) -> Self {
        let place = refusal.file.as_ref().map(|file| match refusal.line {
            Some(line) => format!("\n\nIn {}.", code(&format!("{file}:{line}"), 200)),
            None => format!("\n\nIn {}.", code(file, 200)),
        });
        Self {
            conclusion: Conclusion::Failure,
            title: format!("Not proved on the present base: {}", refusal.code),
            summary: format!(
                "The edit of this pull request cannot be proved any more: {}{}\n\nWhat to do: {}\n",
                code(&redacted_text(&refusal.message), 600),
                place.unwrap_or_default(),
                code(&redacted_text(&refusal.hint), 400),
            ),
            text: block("json", &serde_json::to_string_pretty(&json!({"refused": refusal.code})).expect("JSON")),
        }
    }

    /// The check of a commit of a merge queue: what this says of the pull request that was queued last.
    pub fn queued(number: Option<u64>, verdict: Result<(), String>) -> Self {
        let (conclusion, title, summary) = match (number, verdict) {
            (None, _) => {
                let title = "Nothing of sourceward's is in this group".to_owned();
                (Conclusion::Success, title.clone(), format!("{title}.\n"))
            }
            (Some(number), Ok(())) => (
                Conclusion::Success,
                format!("With this group the source says what #{number} proposes"),
                "The stacks were rendered as this group of the merge queue makes them.\n".to_owned(),
            ),
            (Some(number), Err(why)) => (
                Conclusion::Failure,
                format!("With this group the source does not say what #{number} proposes"),
                format!("{}\n", code(&redacted_text(&why), 600)),
            ),
        };
        Self { conclusion, title, summary, text: String::new() }
    }

    /// The digest of all it says, by which it is known again.
    pub fn digest(&self) -> String {
        let all = format!("{:?}\n{}\n{}\n{}", self.conclusion, self.title, self.summary, self.text);
        Digest::of(all.as_bytes()).as_str().to_owned()
    }
}
