//! The summary of a step: Markdown that reads on a phone.

use std::fmt::Write;

use super::{Answered, Counts, fields};
use crate::remedy::{
    Verdict,
    confidential::redacted_text,
    markdown::{block, cell, code},
    pull_request::shown_diff,
};

/// The bytes of a summary. GitHub takes 1 MiB of a step.
const MAX_BYTES: usize = 900_000;

/// The rows of the table.
const MAX_ROWS: usize = 500;

/// The characters of a name or sentence.
const MAX_NAME: usize = 200;

/// What a run came to, with the diffs below; nothing where there was no finding.
pub fn summary(answers: &[Answered], ignored: usize) -> String {
    if answers.is_empty() {
        return String::new();
    }
    let Counts { total, patched, in_sync, refused } = Counts::of(answers);
    let of = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
    let mut text = format!(
        "### sourceward: {total} finding{}{}{}{}{}\n\n| | Resource | Field | Source | |\n|---|---|---|---|---|\n",
        if total == 1 { "" } else { "s" },
        of(patched, "can be fixed"),
        of(in_sync, "in sync"),
        of(refused, "refused"),
        of(ignored, "reported as no trouble"),
    );
    for answer in answers.iter().take(MAX_ROWS) {
        text.push_str(&row(answer));
    }
    if let Some(more) = answers.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n*and {more} more*");
    }
    let mut left_out = 0;
    for answer in answers {
        let Verdict::Patched(proved) = &answer.verdict else { continue };
        let diff = block("diff", &shown_diff(proved));
        let name = code(&proved.resource().to_string(), MAX_NAME);
        // Within <details>, Markdown begins behind an empty line.
        let shown = format!("\n<details><summary>The edit</summary>\n\n{name}\n\n{diff}\n</details>\n");
        if text.len() + shown.len() > MAX_BYTES {
            left_out += 1;
            continue;
        }
        text.push_str(&shown);
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n*{left_out} diffs are too long to show here*");
    }
    text
}

/// The row of one finding, without its values.
pub(in crate::remedy) fn row(answer: &Answered) -> String {
    let resource = cell(&answer.finding.resource.to_string(), MAX_NAME);
    let place = answer.place().map(|(file, line)| cell(&format!("{file}:{line}"), MAX_NAME)).unwrap_or_default();
    match &answer.verdict {
        Verdict::Patched(proved) => {
            let link = answer.proposed.as_ref().map(|proposed| match is_plain(&proposed.url) {
                true => format!("[#{}]({})", proposed.number, proposed.url),
                false => format!("#{}", proposed.number),
            });
            let said = if link.is_some() { "proposed" } else { "can be fixed" };
            let last = link.or_else(|| answer.note.as_ref().map(|note| cell(&redacted_text(note), MAX_NAME)));
            let fields = cell(&fields(proved), MAX_NAME);
            format!("| {said} | {resource} | {fields} | {place} | {} |\n", last.unwrap_or_default())
        }
        Verdict::InSync => format!("| in sync | {resource} | | | |\n"),
        Verdict::Refused(refusal) => {
            let why = cell(&redacted_text(&refusal.message), 2 * MAX_NAME);
            format!("| refused | {resource} | `{}` | {place} | {why} |\n", refusal.code)
        }
    }
}

/// Tells whether an address is nothing but an address.
fn is_plain(url: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/#?=&%".contains(&byte);
    (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(known)
}
