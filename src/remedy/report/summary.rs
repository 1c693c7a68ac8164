//! The summary of a step: Markdown that reads on a phone.

use std::fmt::Write;

use super::{Answered, Counts, Proposed};
use crate::remedy::{
    Verdict,
    confidential::redacted_text,
    lifecycle::ending::Ending,
    markdown::{block, cell, code},
    pull_request::shown_diff,
};

/// The bytes of a summary. GitHub takes 1 MiB of a step.
const MAX_BYTES: usize = 900_000;

/// The rows of the table.
const MAX_ROWS: usize = 500;

/// The characters of a name or sentence.
const MAX_NAME: usize = 200;

/// The head of the table whose rows [`row`] makes.
pub(in crate::remedy) const TABLE: &str = "| | Resource | Field |\n|---|---|---|\n";

/// What a run came to: a table of few and narrow columns, then why what is refused is, and the diffs; nothing where there was
/// no finding and nothing was closed.
pub fn summary(answers: &[Answered], ignored: usize, closed: &[(Proposed, Ending)]) -> String {
    if answers.is_empty() && closed.is_empty() {
        return String::new();
    }
    let Counts { total, patched, in_sync, refused } = Counts::of(answers);
    let of = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
    let mut text = format!(
        "### sourceward: {total} finding{}{}{}{}{}\n\n",
        if total == 1 { "" } else { "s" },
        of(patched, "can be fixed"),
        of(in_sync, "in sync"),
        of(refused, "refused"),
        of(ignored, "reported as no trouble"),
    );
    text.push_str(if answers.is_empty() { "" } else { TABLE });
    for answer in answers.iter().take(MAX_ROWS) {
        text.push_str(&row(answer));
    }
    if let Some(more) = answers.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n*and {more} more*");
    }
    let refusals: Vec<String> = answers.iter().take(MAX_ROWS).filter_map(refusal).collect();
    if !refusals.is_empty() {
        let _ = write!(text, "\n#### Refused\n\n{}", refusals.concat());
    }
    if !closed.is_empty() {
        let line = |(of, ending): &(Proposed, Ending)| format!("- {}: {}\n", link(of), ending.reason());
        let separate = if answers.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{separate}#### Closed\n\n{}", closed.iter().map(line).collect::<String>());
    }
    if patched > 0 {
        text.push_str("\n#### Edits\n");
    }
    let mut left_out = 0;
    for answer in answers {
        let Verdict::Patched(proved) = &answer.verdict else { continue };
        let diff = block("diff", &shown_diff(proved));
        let note = answer.note.as_ref().map(|note| format!(": {}", code(&redacted_text(note), MAX_NAME)));
        let name = format!("{}{}", named(&proved.resource().to_string(), answer), note.unwrap_or_default());
        // Within <details>, Markdown begins behind an empty line.
        let shown = format!("\n{name}\n\n<details><summary>The edit</summary>\n\n{diff}\n</details>\n");
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
    match &answer.verdict {
        Verdict::Patched(proved) => {
            let said = match &answer.proposed {
                Some(proposed) => link(proposed),
                None => "can be fixed".to_owned(),
            };
            let changed = &proved.proof().changed;
            let field =
                changed.first().map(|change| cell(&change.field.path.to_string(), MAX_NAME)).unwrap_or_default();
            let more = changed.len().checked_sub(1).filter(|more| *more > 0).map(|more| format!(" and {more} more"));
            format!("| {said} | {resource} | {field}{} |\n", more.unwrap_or_default())
        }
        Verdict::InSync => format!("| in sync | {resource} | |\n"),
        Verdict::Refused(refusal) => format!("| refused | {resource} | `{}` |\n", refusal.code),
    }
}

/// A pull request by its number, which leads to it.
fn link(of: &Proposed) -> String {
    if is_plain(&of.url) { format!("[#{}]({})", of.number, of.url) } else { format!("#{}", of.number) }
}

/// Why nothing can be proposed.
pub(in crate::remedy) fn refusal(answer: &Answered) -> Option<String> {
    let Verdict::Refused(refusal) = &answer.verdict else { return None };
    let why = code(&redacted_text(&refusal.message), 2 * MAX_NAME);
    Some(format!("- {}: {why}\n", named(&answer.finding.resource.to_string(), answer)))
}

/// A resource, and where the source decides it.
fn named(resource: &str, answer: &Answered) -> String {
    let place = answer.place().map(|(file, line)| format!(" at {}", code(&format!("{file}:{line}"), MAX_NAME)));
    format!("{}{}", code(resource, MAX_NAME), place.unwrap_or_default())
}

/// Tells whether an address is nothing but an address.
fn is_plain(url: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/#?=&%".contains(&byte);
    (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(known)
}
