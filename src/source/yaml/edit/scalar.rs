//! How a scalar is worded so that every Go reader gets the same value back.

use serde_json::Value;

use crate::source::yaml::resolve::is_string_for_all;

/// The quotes around a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    Single,
    Double,
}

/// A block scalar: its header without comment, and its lines with their indentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockScalar {
    pub(super) header: String,
    pub(super) lines: Vec<String>,
}

/// Words what is no string, list or map: Go reads it back as it is when it is bare.
pub(super) fn bare(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Tells whether a string may stand without quotes, on one line, in block or flow style.
///
/// YAML 1.2 §7.3.3, narrowed to what go-yaml scans alike in both of its versions, and to what no Go reader takes for a
/// number, boolean, null or date.
pub(super) fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second_is_blank = text.chars().nth(1).is_none_or(|c| c == ' ');
    let bad_start = match first {
        '-' | '?' | ':' => second_is_blank || flow || text.starts_with("---"),
        '.' => text.starts_with("..."),
        _ => matches!(
            first,
            '%' | '@' | '`' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | ',' | '[' | ']' | '{' | '}' | '#' | ' '
        ),
    };
    let misread = text.ends_with([' ', ':']) || text.contains(": ") || text.contains(" #");
    let in_brackets = flow && text.contains([',', '[', ']', '{', '}']);
    !(bad_start || misread || in_brackets)
        && text.chars().all(|c| is_printable(c) && c != '\t')
        && is_string_for_all(text)
}

/// Words a string in quotes, on one line; in single quotes only what they can hold.
pub(super) fn quoted(text: &str, quote: Quote) -> String {
    match quote {
        Quote::Single if text.chars().all(is_printable) => format!("'{}'", text.replace('\'', "''")),
        _ => double_quoted(text),
    }
}

/// Words a string in double quotes, in the escapes that JSON and YAML share.
pub(super) fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xFFFF => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Words a string of several lines as a literal block, indented by `indent` spaces below a collection in `parent`
/// (absent at the root); nothing where a literal cannot hold it.
pub(super) fn literal(
    text: &str,
    indent: usize,
    parent: Option<usize>,
    digit: bool,
    keep: bool,
) -> Option<BlockScalar> {
    let lines: Vec<&str> = content(text)?.split('\n').collect();
    let needs_digit = lines.iter().find(|line| !line.is_empty()).is_some_and(|line| line.starts_with([' ', '\t']));
    block('|', &lines, text, indent, parent, digit || needs_digit, keep)
}

/// Words a string as a folded block; the lines of `old` (without indentation) are kept where the text is the same, so
/// that the difference stays small. Nothing where folding cannot hold it.
pub(super) fn folded(
    text: &str,
    old: &[&str],
    indent: usize,
    parent: Option<usize>,
    digit: bool,
    keep: bool,
) -> Option<BlockScalar> {
    let content = content(text)?;
    if content.split('\n').any(|line| line.starts_with([' ', '\t']) || line.ends_with(' ') || line.contains("  ")) {
        return None;
    }
    let width = old.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(40);
    let mut lines = Vec::new();
    let mut unused: Vec<&[&str]> = old.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()).collect();
    for (number, paragraph) in content.split('\n').enumerate() {
        if number > 0 {
            lines.push("");
        }
        if paragraph.is_empty() {
            continue;
        }
        let same = unused.iter().position(|lines| lines.join(" ") == paragraph);
        match same {
            Some(at) => lines.extend(unused.drain(..=at).next_back().unwrap_or_default()),
            None => refill(paragraph, unused.first().copied().unwrap_or_default(), width, &mut lines),
        }
    }
    block('>', &lines, text, indent, parent, digit, keep)
}

/// Breaks a paragraph into lines: the old lines that it begins and ends with, and what is between at the old width.
fn refill<'t>(paragraph: &'t str, old: &[&str], width: usize, lines: &mut Vec<&'t str>) {
    let mut rest = paragraph;
    let mut kept = 0;
    while let Some(line) = old.get(kept)
        && let Some(after) = rest.strip_prefix(*line)
        && let Some(after) = after.strip_prefix(' ')
    {
        lines.push(&rest[..line.len()]);
        (rest, kept) = (after, kept + 1);
    }
    let mut ending = Vec::new();
    for line in old[kept..].iter().rev() {
        let Some(before) = rest.strip_suffix(*line).and_then(|before| before.strip_suffix(' ')) else { break };
        ending.push(&rest[before.len() + 1..]);
        rest = before;
    }
    while rest.chars().count() > width {
        let limit = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        let Some(at) = rest[..=limit.min(rest.len() - 1)].rfind(' ').or_else(|| rest.find(' ')) else { break };
        lines.push(&rest[..at]);
        rest = &rest[at + 1..];
    }
    lines.push(rest);
    lines.extend(ending.into_iter().rev());
}

/// What a block scalar can hold, without the line breaks at its end.
fn content(text: &str) -> Option<&str> {
    let content = text.trim_end_matches('\n');
    let fits = content.chars().all(|c| is_printable(c) || c == '\n') && !content.is_empty();
    // A last line of blanks alone would be taken for an empty one.
    (fits && !content.ends_with("\n ") && !content.trim_matches([' ', '\t', '\n']).is_empty()).then_some(content)
}

fn block(
    sign: char,
    lines: &[&str],
    text: &str,
    indent: usize,
    parent: Option<usize>,
    digit: bool,
    keep: bool,
) -> Option<BlockScalar> {
    let breaks = text.len() - text.trim_end_matches('\n').len();
    let mut header = String::from(sign);
    if digit {
        let step = indent.checked_sub(parent.unwrap_or(0)).filter(|step| (1..=9).contains(step))?;
        header.push_str(&step.to_string());
    }
    match breaks {
        0 => header.push('-'),
        1 if !keep => {}
        _ => header.push('+'),
    }
    let margin = " ".repeat(indent);
    let mut lines: Vec<String> =
        lines.iter().map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") }).collect();
    lines.extend((1..breaks).map(|_| String::new()));
    Some(BlockScalar { header, lines })
}

/// What may be written as it is on one line: YAML's printable characters without its line breaks and byte order mark.
fn is_printable(c: char) -> bool {
    matches!(u32::from(c), 0x09 | 0x20..=0x7E | 0xA0..=0x2027 | 0x202A..=0xD7FF | 0xE000..=0xFEFE | 0xFF00..=0xFFFD | 0x1_0000..)
}
