//! What a person hears who asks why.

use std::fmt::Write;

use super::{
    confidential::redacted_text,
    markdown::{cell, code},
    proof::Proved,
};
use crate::model::refusal::Refusal;

/// The rows of a table.
const MAX_ROWS: usize = 30;

/// The characters of a place or name, and of a sentence.
const MAX_NAME: usize = 160;
const MAX_SENTENCE: usize = 600;

/// Why this edit and no other.
pub fn of_proved(proved: &Proved) -> String {
    let mut text = String::from(
        "The fields come from these places, which the edit changes:\n\n| Place | What says it there |\n|---|---|\n",
    );
    for edit in proved.edits().iter().take(MAX_ROWS) {
        let place = cell(&format!("{}:{}", edit.file, edit.line), MAX_NAME);
        let _ = writeln!(text, "| {place} | {} |", cell(&edit.site, MAX_NAME));
    }
    let stacks: Vec<String> = proved.proof().stacks.iter().take(MAX_ROWS).map(|stack| code(stack, MAX_NAME)).collect();
    let _ = writeln!(
        text,
        "\nThese stacks read the edited files and were rendered before and after: {}. Exactly the wanted fields change. \
         Places that would have moved more were passed over.",
        stacks.join(", ")
    );
    text
}

/// Why it was tried for the last time: what a forge or a git server said, in its own words.
pub fn of_failure(reason: &str) -> String {
    format!("This failed, and will again: {}\n", code(&redacted_text(reason), MAX_SENTENCE))
}

/// Why nothing is proposed.
pub fn of_refusal(refusal: &Refusal) -> String {
    let mut text = format!(
        "Nothing can be proposed (`{}`): {}\n\nWhat to do: {}\n",
        refusal.code,
        code(&redacted_text(&refusal.message), MAX_SENTENCE),
        code(&redacted_text(&refusal.hint), MAX_SENTENCE)
    );
    if !refusal.tried.is_empty() {
        text.push_str("\n| Tried | Why not |\n|---|---|\n");
        for attempt in refusal.tried.iter().take(MAX_ROWS) {
            let _ = writeln!(
                text,
                "| {} | {} |",
                cell(&attempt.site, MAX_NAME),
                cell(&redacted_text(&attempt.why), MAX_SENTENCE)
            );
        }
    }
    text
}
