//! What a pull request says: branch, title, body and commit message.
//!
//! There is one constructor, and it takes a [`Proved`]: nothing that was not proved can be proposed. A reviewer should be
//! able to decide on a phone, so the body goes from what happened to what it rests on, in short tables. Everything foreign
//! stands in code; everything secret is withheld.

pub mod marker;
pub mod title;

use std::fmt::Write;

use serde_json::{Value, json};

use super::{
    confidential::{WITHHELD, redacted_text, redacted_value, secret_words},
    hands::Hands,
    markdown::{block, code},
    proof::{Proved, ProvedChange},
};
use crate::{
    model::{
        finding::{Finding, Intent},
        fingerprint::Fingerprint,
        repository::BranchName,
        resource::ResourceId,
    },
    source::diff::unified,
};
use marker::{Digest, Marker, Origin, unmarked};
use title::{Named, Titles, branch, safe, title, title_of_many};

/// The characters of a title.
const MAX_TITLE: usize = 100;

/// The characters of a commit's subject.
const MAX_SUBJECT: usize = 72;

/// The characters of a body. GitHub takes 65,536; the rest is room for what people and other bots add.
pub const MAX_BODY: usize = 58_000;

/// The rows of a table or list.
const MAX_ROWS: usize = 50;

/// The characters of a field's pointer or another name.
const MAX_NAME: usize = 160;

/// The characters of a value.
const MAX_VALUE: usize = 120;

/// What names the case in a commit's message, and what names the digest of its change.
const CASE_TRAILER: &str = "Sourceward-Case: ";
const CHANGE_TRAILER: &str = "Sourceward-Change: ";

/// What the forge is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// The branch that it comes from.
    pub branch: BranchName,
    /// The title.
    pub title: String,
    /// The body in Markdown, which ends with the marker.
    pub body: String,
    /// The message of its one commit.
    pub commit_message: String,
    /// What it stands for, as the body says it.
    pub marker: Marker,
}

/// What is known beside the finding and its proof.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'c> {
    /// How titles are worded in this repository.
    pub titles: Titles,
    /// Who posted the finding.
    pub sender: Option<&'c str>,
    /// What the case's earlier pull request stands for, as the forge shows it.
    pub earlier: Option<&'c Marker>,
    /// What its findings have in common, where they are of several resources.
    pub group: Option<&'c str>,
    /// Who signs the commit off, as `name <mail>`.
    pub sign_off: Option<&'c str>,
    /// The report that the findings come from, where they are not remembered.
    pub origin: Option<&'c Origin>,
}

/// Words the pull request for a proved edit.
pub fn pull_request(finding: &Finding, proved: &Proved, case: &Fingerprint, around: Circumstances<'_>) -> PullRequest {
    pull_request_of_all(&[finding], proved, (case, branch(proved.resource(), case)), around)
}

/// Words the pull request of findings that share one, of a case or group and its branch; `proved` is the proof of all.
pub fn pull_request_of_all(
    findings: &[&Finding],
    proved: &Proved,
    (case, branch): (&Fingerprint, BranchName),
    around: Circumstances<'_>,
) -> PullRequest {
    let shown = Shown::of(proved);
    let fields: Vec<Named<'_>> = shown.changes.iter().map(Row::named).collect();
    let resources = shown.resources();
    let intent = findings.first().map_or(Intent::Drift, |finding| finding.intent);
    let word = |limit: usize| match resources.as_slice() {
        [] | [_] => title(around.titles, intent, proved.resource(), &fields, limit),
        several => {
            let of = around.group.map_or_else(|| format!("stack {}", proved.stack()), str::to_owned);
            title_of_many(around.titles, intent, (fields.len(), several.len()), &of, limit)
        }
    };
    let title = word(MAX_TITLE);
    let text = fitted(vec![
        drift(findings, proved, &shown, around.sender),
        lineage(proved, &shown),
        change(proved),
        proof(proved, &shown),
        stop(),
    ]);
    let (digest, undo) = (change_digest(proved), digest(proved, |change| &change.field.before));
    let revision = match around.earlier.filter(|earlier| earlier.case == *case) {
        Some(earlier) if earlier.digest == digest && earlier.closed.is_none() => earlier.revision,
        Some(earlier) => earlier.revision.saturating_add(1),
        None => 1,
    };
    let commit_message = commit_message(proved, (case, &digest), &word(MAX_SUBJECT), around.sign_off);
    let text_digest = written_text(&title, &text);
    let marker = Marker {
        case: case.clone(),
        revision,
        digest,
        text: text_digest,
        undo: Some(undo),
        closed: None,
        origin: around.origin.cloned(),
    };
    PullRequest { branch, body: format!("{text}\n{marker}\n"), commit_message, title, marker }
}

/// The case of a commit of ours and the digest of its change, as its message says them.
pub fn trailers(commit_message: &str) -> Option<(Fingerprint, Digest)> {
    let said = |trailer: &str| commit_message.lines().rev().find_map(|line| line.strip_prefix(trailer));
    Some((Fingerprint::parse(said(CASE_TRAILER)?)?, Digest::parse(said(CHANGE_TRAILER)?)?))
}

/// The proof for machines, with what looks secret withheld.
pub fn shown_proof(proved: &Proved) -> Value {
    let shown = Shown::of(proved);
    let rows = |rows: &[Row]| -> Vec<Value> {
        let row = |row: &Row| {
            let field = &row.change.field;
            json!({"resource": row.change.resource, "path": field.path, "before": field.before, "after": field.after})
        };
        rows.iter().map(row).collect()
    };
    json!({
        "changed": rows(&shown.changes),
        "derived": rows(&shown.derived),
        "stacks": proved.proof().stacks,
        "files": proved.files().keys().collect::<Vec<_>>(),
    })
}

/// The changed and the derived fields, with secrets withheld.
pub fn shown_changes(proved: &Proved) -> [Vec<ProvedChange>; 2] {
    let Shown { changes, derived } = Shown::of(proved);
    [changes, derived].map(|rows| rows.into_iter().map(|row| row.change).collect())
}

/// The digest of what an edit changes: equal where the same fields get the same values, wherever they are written.
pub fn change_digest(proved: &Proved) -> Digest {
    digest(proved, |change| &change.field.after)
}

/// The digest of a title and a body, by which a person's edit is noticed.
pub fn written_text(title: &str, body: &str) -> Digest {
    Digest::of(format!("{}\n{}", title.trim(), unmarked(body)).as_bytes())
}

/// The changes as they may be shown.
struct Shown {
    changes: Vec<Row>,
    derived: Vec<Row>,
}

/// A changed field whose secrets are withheld.
struct Row {
    change: ProvedChange,
    withheld: bool,
}

impl Shown {
    fn of(proved: &Proved) -> Self {
        let texts = proved.files().values().flat_map(|file| file.before.iter().chain([&file.after]));
        let words: Vec<&str> = texts.flat_map(|text| secret_words(text)).collect();
        let rows = |changes: &[ProvedChange]| changes.iter().map(|change| Row::of(change, &words)).collect();
        Self { changes: rows(&proved.proof().changed), derived: rows(&proved.proof().derived) }
    }

    /// The resources that change, each once.
    fn resources(&self) -> Vec<&ResourceId> {
        let mut found = Vec::new();
        for row in &self.changes {
            if !found.contains(&&row.change.resource) {
                found.push(&row.change.resource);
            }
        }
        found
    }
}

impl Row {
    fn of(change: &ProvedChange, words: &[&str]) -> Self {
        let kind = match &change.resource {
            ResourceId::Kubernetes(id) => Some(id.kind.as_str()),
            _ => None,
        };
        let mut shown = change.clone();
        for value in [&mut shown.field.before, &mut shown.field.after].into_iter().flatten() {
            *value = redacted_value(&change.field.path, value, kind);
            withhold(value, words);
        }
        let withheld = shown.field.after != change.field.after;
        Self { change: shown, withheld }
    }

    fn named(&self) -> Named<'_> {
        let field = &self.change.field;
        let after = field.after.as_ref().filter(|_| !self.withheld);
        Named { path: &field.path, after, removed: field.after.is_none() }
    }
}

/// Withholds what stands as a secret in the files, whatever the rendered field is called.
fn withhold(value: &mut Value, words: &[&str]) {
    match value {
        Value::String(text) => {
            let unquoted = |word: &str| word.trim_matches(['"', '\'']).to_owned();
            for word in words.iter().map(|word| unquoted(word)).filter(|word| !word.is_empty()) {
                if *text == word {
                    *text = WITHHELD.to_owned();
                } else if word.len() >= 6 && text.contains(&word) {
                    *text = text.replace(&word, WITHHELD);
                }
            }
            *text = redacted_text(text);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| withhold(item, words)),
        Value::Object(map) => map.values_mut().for_each(|value| withhold(value, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A part of the body that is shown whole or, where the body is too long, replaced by a note.
struct Section {
    heading: &'static str,
    text: String,
    /// What stands there instead; absent where the section always stays.
    note: Option<&'static str>,
}

fn drift(findings: &[&Finding], proved: &Proved, shown: &Shown, sender: Option<&str>) -> Section {
    let resources = shown.resources();
    let what = match resources.as_slice() {
        [] | [_] => code(&proved.resource().to_string(), MAX_NAME),
        several => format!("{} resources", several.len()),
    };
    let each = if resources.len() > 1 { ("run", "their source", "break") } else { ("runs", "its source", "breaks") };
    let (heading, first, other) = match findings.first().map(|finding| finding.intent) {
        Some(Intent::Violation) => ("What is wrong", format!("{what} {} a rule.", each.2), "wanted"),
        _ => {
            let first = format!("{what} {} with values that {} does not declare.", each.0, each.1);
            ("What drifted", first, "live")
        }
    };
    // No table: on a phone the values would lie beyond the names of the fields. The list below has another sign, which
    // parts the two.
    let mut text = format!("{first}\n\n");
    for Row { change, .. } in shown.changes.iter().take(MAX_ROWS) {
        let field = &change.field;
        let value = |value: &Option<Value>| {
            value.as_ref().map_or("*absent*".to_owned(), |value| code(&plainly(value), MAX_VALUE))
        };
        let path = code(&field.path.to_string(), MAX_NAME);
        let of = if resources.len() > 1 {
            format!(" of {}", code(&change.resource.to_string(), MAX_NAME))
        } else {
            String::new()
        };
        let (before, after) = (value(&field.before), value(&field.after));
        let _ = writeln!(text, "* {path}{of}: {before} in the source, {after} {other}");
    }
    more(&mut text, shown.changes.len());
    text.push('\n');
    let _ = writeln!(text, "- Stack: {}", code(proved.stack(), MAX_NAME));
    if let [finding] = findings {
        for said in details(finding, Some(proved.hands())) {
            let _ = writeln!(text, "- {said}");
        }
    } else {
        for finding in findings.iter().take(MAX_ROWS) {
            let said = details(finding, None).join("; ");
            let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
            let _ = writeln!(text, "- Finding: {}{said}", code(&finding.resource.to_string(), MAX_NAME));
        }
        more(&mut text, findings.len());
    }
    if let Some(sender) = sender {
        // Before the sender's own words, which come last.
        let line = format!("- Reported by: {}\n", code(sender, MAX_NAME));
        let at = text.find("- In the sender's words").filter(|_| findings.len() == 1).unwrap_or(text.len());
        text.insert_str(at, &line);
    }
    Section { heading, text, note: Some("The list of fields is too long to show here: the commit has it.") }
}

/// What a finding says of itself.
fn details(finding: &Finding, hands: Option<&Hands>) -> Vec<String> {
    let quoted = |words: &String| code(&redacted_text(words), MAX_NAME);
    let writer = hands.and_then(|hands| hands.by.as_ref());
    let since = finding.first_seen.as_ref().or(writer.and_then(|writer| writer.time.as_ref()));
    let since = since.or(finding.time.as_ref()).map(quoted);
    let through = |via: &String| format!("through {}", quoted(via));
    let actor = finding.actor.as_ref().and_then(|actor| {
        let words: Vec<String> = actor.user.iter().map(quoted).chain(actor.via.iter().map(through)).collect();
        (!words.is_empty()).then(|| words.join(" "))
    });
    let actor = actor.or_else(|| writer.map(|writer| through(&writer.to_string())));
    let left = hands.into_iter().flat_map(|hands| &hands.left).take(MAX_ROWS);
    let left: Vec<String> =
        left.map(|left| format!("{} ({})", quoted(&left.path.to_string()), quoted(&left.by))).collect();
    let left = (!left.is_empty()).then(|| left.join(", "));
    let rule = finding.rule.as_ref().map(|rule| {
        let name = rule.name.as_ref().map(|name| format!(", {}", quoted(name))).unwrap_or_default();
        format!("{}{name}", quoted(&rule.id))
    });
    let all = [
        ("Since", since),
        ("Changed by", actor),
        ("Left as declared, because a controller writes it", left),
        ("Rule", rule),
        ("In the sender's words", finding.title.as_ref().map(quoted)),
    ];
    all.into_iter().filter_map(|(what, words)| Some(format!("{what}: {}", words?))).collect()
}

fn lineage(proved: &Proved, shown: &Shown) -> Section {
    let mut text = String::new();
    let mut rows: Vec<String> = Vec::new();
    for edit in proved.edits() {
        let place = code(&format!("{}:{}", edit.file, edit.line), MAX_NAME);
        let row = format!("- {place}: {}", code(&edit.site, MAX_NAME));
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    for row in rows.iter().take(MAX_ROWS) {
        let _ = writeln!(text, "{row}");
    }
    more(&mut text, rows.len());
    if let [row] = shown.changes.as_slice()
        && let [_] = rows.as_slice()
    {
        let _ = writeln!(text, "\nThat place alone decides {}.", code(&row.change.field.path.to_string(), MAX_NAME));
    }
    Section { heading: "Where the source says it", text, note: Some("The list of places is too long to show here.") }
}

/// The diff of an edit as it may be shown: what looks secret is withheld.
pub fn shown_diff(proved: &Proved) -> String {
    shown(proved).0
}

/// The same, and whether anything is withheld.
fn shown(proved: &Proved) -> (String, bool) {
    let mut diff = String::new();
    let mut hidden = false;
    for (path, file) in proved.files() {
        let (before, after) = (file.before.as_deref().map(redacted_text), redacted_text(&file.after));
        hidden |= before != file.before || after != file.after;
        diff.push_str(&unified(path, before.as_deref(), Some(&after)));
    }
    (diff, hidden)
}

fn change(proved: &Proved) -> Section {
    let (diff, hidden) = shown(proved);
    let mut text = block("diff", &diff);
    if hidden && diff.contains(WITHHELD) || diff.is_empty() {
        let _ = writeln!(text, "\nLines that look secret are not shown; the commit holds only what was there already.");
    }
    Section {
        heading: "The edit",
        text,
        note: Some("The diff is too long to show here: the tab *Files changed* has it."),
    }
}

fn proof(proved: &Proved, shown: &Shown) -> Section {
    let count = shown.changes.len();
    let fields = if count == 1 { "this field changes" } else { "these fields change" };
    let mut text = format!(
        "Every stack that reads the edited files was rendered before and after. Exactly {fields}, nothing else:\n\n"
    );
    for Row { change, .. } in shown.changes.iter().take(MAX_ROWS) {
        let (path, resource) =
            (code(&change.field.path.to_string(), MAX_NAME), code(&change.resource.to_string(), MAX_NAME));
        let _ = writeln!(text, "- {path} of {resource}");
    }
    more(&mut text, count);
    if !shown.derived.is_empty() {
        text.push_str("\nThese follow from it, as checksums do:\n\n");
        for Row { change, .. } in shown.derived.iter().take(MAX_ROWS) {
            let (path, resource) =
                (code(&change.field.path.to_string(), MAX_NAME), code(&change.resource.to_string(), MAX_NAME));
            let _ = writeln!(text, "- {path} of {resource}");
        }
        more(&mut text, shown.derived.len());
    }
    let stacks = &proved.proof().stacks;
    let names: Vec<String> = stacks.iter().take(MAX_ROWS).map(|stack| code(stack, MAX_NAME)).collect();
    let _ = writeln!(text, "\nStacks rendered: {}", names.join(", "));
    more(&mut text, stacks.len());
    Section { heading: "The proof", text, note: Some("The list of what was proved is too long to show here.") }
}

fn stop() -> Section {
    let text = "\
- **Close this pull request** and sourceward proposes nothing for these fields until their live value changes.
- **Push a commit to this branch** and it is yours: sourceward no longer touches it.
- **Edit this text** and it stays as you wrote it, until the live value changes.
- **Write a comment** that begins with `/sourceward` and one of `rebase`, `recreate`, `ignore for 7d`, `explain`, `adopt`,
  `revert`, `retry`, if you may write to this repository.
";
    Section { heading: "If you do not want this", text: text.to_owned(), note: None }
}

/// The sections as one text of at most [`MAX_BODY`] characters: while it is too long, the longest section gives way.
fn fitted(mut sections: Vec<Section>) -> String {
    // Of 25 findings at most, some 70 characters each.
    const ROOM_FOR_MARKER: usize = 2_500;
    loop {
        let parts: Vec<String> =
            sections.iter().map(|section| format!("### {}\n\n{}", section.heading, section.text)).collect();
        let text = parts.join("\n");
        let longest =
            sections.iter_mut().filter(|section| section.note.is_some()).max_by_key(|section| section.text.len());
        let Some(longest) = longest.filter(|_| text.chars().count() + ROOM_FOR_MARKER > MAX_BODY) else { return text };
        longest.text = format!("*{}*\n", longest.note.take().expect("only sections with a note give way"));
    }
}

fn commit_message(
    proved: &Proved,
    (case, change): (&Fingerprint, &Digest),
    subject: &str,
    sign_off: Option<&str>,
) -> String {
    let mut text = format!("{subject}\n\nResource: {}\n", safe(&proved.resource().to_string(), MAX_NAME));
    let _ = writeln!(text, "Stack: {}", safe(proved.stack(), MAX_NAME));
    for change in proved.proof().changed.iter().take(MAX_ROWS) {
        let _ = writeln!(text, "Field: {}", safe(&change.field.path.to_string(), MAX_NAME));
    }
    if let Some(left) = proved.proof().changed.len().checked_sub(MAX_ROWS).filter(|left| *left > 0) {
        let _ = writeln!(text, "And {left} more fields.");
    }
    text.push_str("\nRendered before and after: these fields change and nothing else.\n\n");
    let _ = write!(text, "{CASE_TRAILER}{case}\n{CHANGE_TRAILER}{}\n", change.as_str());
    if let Some(who) = sign_off {
        let _ = writeln!(text, "Signed-off-by: {who}");
    }
    text
}

/// The digest of a change: which fields of which resources become what.
fn digest(proved: &Proved, becomes: impl Fn(&ProvedChange) -> &Option<Value>) -> Digest {
    let mut changes: Vec<String> = proved
        .proof()
        .changed
        .iter()
        .map(|change| {
            let mut entry = json!([change.resource, change.field.path, becomes(change)]);
            entry.sort_all_objects();
            entry.to_string()
        })
        .collect();
    changes.sort();
    Digest::of(changes.join("\n").as_bytes())
}

fn more(text: &mut String, count: usize) {
    if count > MAX_ROWS {
        let _ = writeln!(text, "\n*and {} more*", count - MAX_ROWS);
    }
}

/// A value as a person would write it: strings without quotes where that is not ambiguous.
fn plainly(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && serde_json::from_str::<Value>(text).is_err() => text.clone(),
        value => value.to_string(),
    }
}
