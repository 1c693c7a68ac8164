//! Secrets in text: YAML, JSON, HCL, dotenv, command lines, messages.
//!
//! Text is read line by line without a parser, because what holds a secret is often broken, templated or quoted in another
//! language. Where a line can be read in two ways, the way that hides more is taken.

use std::{iter, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    census::Census,
    name::{Named, is_plausible, is_reference, named},
    shape::{credentials, is_random_word, private_keys},
};

/// How far text inside text is decoded: base64 in JSON in base64.
const MAX_DEPTH: usize = 3;

/// The bytes of a key or value that are looked at, so that a long line costs no more than many short ones.
const WINDOW: usize = 512;

/// The fewest characters that are decoded.
const LEAST_ENCODED: usize = 12;

/// The bytes of base64, of its form for addresses, and its padding.
const BASE64: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0_u8);
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-' | b'=');
        byte += 1;
    }
    table
};

/// What a reading is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// To decide on a value: prose that mentions a password is none.
    Judge,
    /// To show text: better one word too many hidden.
    Show,
}

/// The byte ranges of a text that hold secrets, sorted and disjoint.
pub fn secrets(text: &str, reading: Reading) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    collect(text, reading, 0, &mut found);
    merged(found)
}

fn collect(text: &str, reading: Reading, depth: usize, found: &mut Vec<Range<usize>>) {
    let census = Census::of(text);
    if census.has_any(b"-") {
        found.extend(private_keys(text));
    }
    found.extend(credentials(text, &census));
    if depth < MAX_DEPTH {
        encoded(text, &census, reading, depth, found);
    }
    let (paired, flagged, headed) = (census.has_any(b":="), census.has_any(b"-"), census.has_any(b" "));
    if !(paired || flagged || headed) {
        return;
    }
    let lines = lines(text);
    for (number, line) in lines.iter().enumerate() {
        if paired {
            for pair in pairs(text, line, reading) {
                pair_secrets(text, &lines, number, &pair, found);
            }
        }
        if flagged {
            flags(text, &lines, number, found);
        }
        if headed {
            bearer(text, line, found);
        }
    }
    if paired {
        secret_objects(text, &lines, found);
        escaped_secret_objects(text, found);
    }
}

fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.retain(|range| !range.is_empty());
    found.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in found {
        match out.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => out.push(range),
        }
    }
    out
}

/// A line without its line break.
struct Line {
    start: usize,
    end: usize,
    /// The column at which its content begins, past `- `.
    indent: usize,
    /// Where a list item begins in it.
    item: Option<usize>,
}

fn lines(text: &str) -> Vec<Line> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let end = start + line.trim_end_matches(['\n', '\r']).len();
            let (mut indent, mut item) = (line.len() - line.trim_start_matches([' ', '\t']).len(), None);
            while line[indent..].starts_with("- ") {
                item = Some(indent);
                let rest = &line[indent + 1..];
                indent += 1 + (rest.len() - rest.trim_start_matches(' ').len());
            }
            let found = Line { start, end, indent: indent.min(end - start), item };
            start += line.len();
            found
        })
        .collect()
}

/// `key: value` or `key = value`.
struct Pair<'t> {
    key: &'t str,
    /// The column of the key.
    column: usize,
    value: Range<usize>,
    /// Whether the value was in quotes.
    quoted: bool,
}

fn pairs<'t>(text: &'t str, line: &Line, reading: Reading) -> Vec<Pair<'t>> {
    let content = &text[line.start..line.end];
    let bytes = content.as_bytes();
    let first = content.len() - content.trim_start_matches([' ', '\t', '-', '#', '/', '+', '"', '\'']).len();
    let (mut found, mut open) = (Vec::new(), 0_usize);
    for at in 0..bytes.len() {
        open = match bytes[at] {
            b'{' | b'[' => open + 1,
            b'}' | b']' => open.saturating_sub(1),
            _ => open,
        };
        if !matches!(bytes[at], b':' | b'=') || matches!(bytes.get(at + 1), Some(b':' | b'/')) {
            continue;
        }
        let left = &content[content.floor_char_boundary(at.saturating_sub(WINDOW))..at];
        let offset = at - left.len();
        let left = left.trim_end_matches([' ', ':', '+', '?']);
        let (left, key_quoted) = match left.strip_suffix(['"', '\'']) {
            Some(left) => (left.trim_end_matches('\\'), true),
            None => (left, false),
        };
        let key_at = left
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "_.-/".contains(c)))
            .map_or(0, |at| at + left[at..].chars().next().map_or(1, char::len_utf8));
        let (key, key_at) = (&left[key_at..], offset + key_at);
        if key.is_empty() {
            continue;
        }
        let spaced = matches!(bytes.get(at + 1), None | Some(b' ' | b'\t'));
        if bytes[at] == b':' && !key_quoted {
            let begins =
                key_at <= first || ["{", ",", "[", "{ ", ", "].iter().any(|end| content[..key_at].ends_with(end));
            if !(spaced && begins) && reading == Reading::Judge {
                continue;
            }
        }
        let gap = content[at + 1..].len() - content[at + 1..].trim_start_matches([' ', '\t', '=', '>']).len();
        let start = at + 1 + gap;
        let (value, quoted) = value(content, start, bytes[at] == b':', open > 0);
        found.push(Pair { key, column: key_at, value: line.start + value.start..line.start + value.end, quoted });
    }
    found
}

/// The extent of a value: in its quotes, in its flow collection, up to white space, or up to the end of the line.
fn value(content: &str, start: usize, colon: bool, flow: bool) -> (Range<usize>, bool) {
    let rest = &content[start..];
    let slashes = rest.len() - rest.trim_start_matches('\\').len();
    if let Some(quote) = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let from = start + slashes + 1;
        let close = closing(&content[from..], quote, slashes);
        return (from..from + close, true);
    }
    let end = if colon && !flow {
        rest.trim_end().len()
    } else if colon {
        rest.find([',', '}', ']']).unwrap_or(rest.len())
    } else {
        rest.find(|c: char| c.is_whitespace() || "&;,\"'`)]}<>".contains(c)).unwrap_or(rest.len())
    };
    (start..start + end, false)
}

/// The place of a closing quote that is escaped as deeply as the opening one.
fn closing(text: &str, quote: char, slashes: usize) -> usize {
    for (at, _) in text.match_indices(quote) {
        let before = text[..at].len() - text[..at].trim_end_matches('\\').len();
        if before == slashes || quote == '\'' && slashes == 0 {
            return at - before.min(slashes);
        }
    }
    text.len()
}

fn pair_secrets(text: &str, lines: &[Line], number: usize, pair: &Pair<'_>, found: &mut Vec<Range<usize>>) {
    let line = &lines[number];
    let value = &text[pair.value.clone()];
    let value = &value[..value.floor_char_boundary(WINDOW)];
    let name = named(pair.key);
    if matches!(name, Named::Password | Named::Credential | Named::Secret) {
        let bare = value.trim();
        if !pair.quoted && (bare.is_empty() || bare.starts_with(['|', '>'])) {
            below(text, lines, number, name, !bare.is_empty(), found);
        } else if !matches!(bare, "{" | "[") && is_plausible(name, value) {
            found.push(pair.value.clone());
        }
    }
    if name != Named::Public && is_random_word(value, name == Named::Doubtful) && !is_reference(value) {
        found.push(pair.value.clone());
    }
    if matches!(pair.key, "name" | "key" | "Name" | "Key" | "header") {
        let name = named(value.trim().trim_matches(['"', '\'']));
        for sibling in siblings(text, lines, number, line.start + pair.column) {
            if matches!(sibling.key, "value" | "Value") {
                let bare = text[sibling.value.clone()].trim();
                if bare.is_empty() || bare.starts_with(['|', '>']) && !sibling.quoted {
                    let at = lines.partition_point(|line| line.end < sibling.value.start);
                    below(text, lines, at, name, true, found);
                } else if is_plausible(name, bare) {
                    found.push(sibling.value);
                }
            }
        }
    }
}

/// The lines below a key: a block scalar as a whole, or the items of a list.
fn below(text: &str, lines: &[Line], number: usize, name: Named, scalar: bool, found: &mut Vec<Range<usize>>) {
    let key = &lines[number];
    for line in &lines[number + 1..] {
        let content = &text[line.start..line.end];
        let column = content.len() - content.trim_start().len();
        if content.trim().is_empty() {
            continue;
        }
        if column < key.indent || column == key.indent && (scalar || line.item.is_none()) {
            break;
        }
        let value = content[line.indent..].trim();
        let plain = !value.contains(": ") && !value.ends_with([':', '{', '[']);
        if scalar && !is_reference(value) && name_is_secret(name)
            || line.item.is_some() && plain && is_plausible(name, value.trim_matches(['"', '\'', ',']))
        {
            found.push(line.start + line.indent..line.end);
        }
    }
}

fn name_is_secret(name: Named) -> bool {
    matches!(name, Named::Password | Named::Credential | Named::Secret)
}

/// The pairs of the map that a key at a place belongs to: of its flow collection, else of the lines around.
fn siblings<'t>(text: &'t str, lines: &[Line], number: usize, key: usize) -> Vec<Pair<'t>> {
    const REACH: usize = 12;
    let line = &lines[number];
    let from = text.floor_char_boundary(key.saturating_sub(WINDOW)).max(line.start);
    let before = &text[from..key];
    if let Some(open) = before.rfind('{').filter(|open| !before[*open..].contains('}')) {
        let after = &text[key..text.floor_char_boundary(key + WINDOW).min(line.end)];
        let end = key + after.find('}').unwrap_or(after.len());
        let inside = Line { start: from + open, end, indent: 0, item: None };
        return pairs(text, &inside, Reading::Show);
    }
    let column = line.indent;
    let mut found = Vec::new();
    let mut take = |other: &Line| {
        if other.indent == column && other.end - other.start <= WINDOW {
            found.extend(pairs(text, other, Reading::Judge).into_iter().take(1));
        }
    };
    take(line);
    for other in lines[number + 1..].iter().take(REACH) {
        if other.item.is_some_and(|item| item < column) || other.indent < column && other.end > other.start {
            break;
        }
        take(other);
    }
    if line.item.is_none() {
        for other in lines[..number].iter().rev().take(REACH) {
            if other.indent < column && other.end > other.start {
                break;
            }
            take(other);
            if other.item.is_some_and(|item| item < column) {
                break;
            }
        }
    }
    found
}

/// `--password hunter2`, also as neighbouring items of a list.
fn flags(text: &str, lines: &[Line], number: usize, found: &mut Vec<Range<usize>>) {
    let line = &lines[number];
    let content = &text[line.start..line.end];
    for (at, _) in content.match_indices("--") {
        let flag = content[at + 2..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(content.len() - at - 2);
        let name = named(&content[at + 2..at + 2 + flag]);
        if !name_is_secret(name) || content[at + 2 + flag..].starts_with('=') {
            continue;
        }
        let mut from = line.start + at + 2 + flag;
        let mut end = line.end;
        if text[from..end].trim_start_matches(['"', '\'', ' ', ',']).is_empty() {
            let Some(next) = lines.get(number + 1).filter(|next| line.item.is_some() == next.item.is_some()) else {
                continue;
            };
            (from, end) = (next.start + next.indent, next.end);
        }
        let rest = &text[from..end];
        let start = from + rest.len() - rest.trim_start_matches(['"', '\'', ' ', ',']).len();
        let length = text[start..end].find(['"', '\'', ' ', ',', ']']).unwrap_or(end - start);
        let value = &text[start..start + length];
        if !value.starts_with('-') && is_plausible(name, value) {
            found.push(start..start + length);
        }
    }
}

/// `Authorization: Bearer …`.
fn bearer(text: &str, line: &Line, found: &mut Vec<Range<usize>>) {
    let content = &text[line.start..line.end];
    let lower = content.to_ascii_lowercase();
    let Some(header) = lower.find("authorization") else { return };
    for scheme in ["bearer ", "basic ", "token ", "apikey "] {
        if let Some(at) = lower[header..].find(scheme) {
            let start = header + at + scheme.len();
            let length = content[start..]
                .find(|c: char| c.is_whitespace() || "\"'\\,`".contains(c))
                .unwrap_or(content.len() - start);
            if length >= 6 && !is_reference(&content[start..start + length]) {
                found.push(line.start + start..line.start + start + length);
            }
        }
    }
}

/// Everything below `data` and `stringData` of the Kubernetes Secrets in a text.
fn secret_objects(text: &str, lines: &[Line], found: &mut Vec<Range<usize>>) {
    let is_break = |line: &Line| text[line.start..line.end].starts_with("---");
    for document in lines.split(is_break) {
        let kind = |line: &Line| {
            let compact: String = text[line.start..line.end].chars().filter(|c| !"\"'\\ \t-".contains(*c)).collect();
            compact
                .match_indices("kind:Secret")
                .any(|(at, word)| !compact[at + word.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        if !document.iter().any(kind) {
            continue;
        }
        for (number, line) in document.iter().enumerate() {
            for pair in pairs(text, line, Reading::Judge) {
                if !matches!(pair.key, "data" | "stringData") {
                    continue;
                }
                let start = pair.value.start;
                if !text[start..line.end].trim_matches([' ', '{', '|', '>', '-']).is_empty() {
                    found.push(start..line.end);
                    continue;
                }
                let column = line.start + pair.column;
                for inner in document[number + 1..].iter() {
                    let content = &text[inner.start..inner.end];
                    let indent = content.len() - content.trim_start().len();
                    if !content.trim().is_empty() && indent <= column - line.start {
                        break;
                    }
                    let value = content.find([':', '=']).map_or(indent, |at| at + 1);
                    let value = value + (content[value..].len() - content[value..].trim_start().len());
                    found.push(inner.start + value..inner.end);
                }
            }
        }
    }
}

/// Objects in a quoted string, whose lines end with `\n`: `user_data = "kind: Secret\ndata:\n  a: b\n"`.
fn escaped_secret_objects(text: &str, found: &mut Vec<Range<usize>>) {
    if !text.contains("\\n") {
        return;
    }
    // As long as before, so that the places stay the same.
    let plain = text.replace("\\n", " \n");
    let mut inside = Vec::new();
    secret_objects(&plain, &lines(&plain), &mut inside);
    found.extend(inside.into_iter().map(|range| range.start..range.start + plain[range].trim_end().len()));
}

/// Words that hold secrets once they are decoded from base64, percent or JSON escapes.
fn encoded(text: &str, census: &Census, reading: Reading, depth: usize, found: &mut Vec<Range<usize>>) {
    let holds = |decoded: &str| {
        let mut inside = Vec::new();
        collect(decoded, reading, depth + 1, &mut inside);
        !inside.is_empty()
    };
    for word in words(text) {
        let body = text[word.clone()].trim_end_matches('=').trim_start_matches('=');
        // A single word is at most a part of a line, so a long blob is not decoded again and again.
        if body.len() < LEAST_ENCODED || body.len() > 65_536 {
            continue;
        }
        let body = body.rsplit('=').next().unwrap_or(body);
        let decoded = STANDARD_NO_PAD.decode(body).or_else(|_| URL_SAFE_NO_PAD.decode(body));
        if decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()).is_some_and(|text| holds(&text)) {
            found.push(word);
        }
    }
    let escaped = |mark| if census.has_any(mark) { text } else { "" };
    for word in runs(escaped(b"%"), |c| !c.is_whitespace() && !"\"'`".contains(c)) {
        if unescaped(&text[word.clone()], '%', 2).is_some_and(|decoded| holds(&decoded)) {
            found.push(word);
        }
    }
    for line in lines(escaped(b"\\")) {
        let content = &text[line.start..line.end];
        if content.contains("\\u00")
            && unescaped(&content.replace("\\u00", "\u{1}"), '\u{1}', 2).is_some_and(|text| holds(&text))
        {
            found.push(line.start + line.indent..line.end);
        }
    }
}

/// Runs of the bytes that base64 and its relatives are written in, those that are long enough to hold something.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    iter::from_fn(move || {
        loop {
            let start = at + bytes[at..].iter().position(|byte| BASE64[usize::from(*byte)])?;
            let length = bytes[start..].iter().position(|byte| !BASE64[usize::from(*byte)]);
            at = length.map_or(bytes.len(), |length| start + length);
            if at - start >= LEAST_ENCODED {
                return Some(start..at);
            }
        }
    })
}

/// Runs of characters of a kind.
fn runs(text: &str, fits: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let (mut found, mut start) = (Vec::new(), None);
    for (at, c) in text.char_indices() {
        match (fits(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| from..text.len()));
    found
}

/// Text in which a mark and hexadecimal digits stand for a byte; nothing where there is none.
fn unescaped(text: &str, mark: char, digits: usize) -> Option<String> {
    let (mut out, mut rest, mut any) = (Vec::new(), text, false);
    while let Some(at) = rest.find(mark) {
        let after = &rest[at + mark.len_utf8()..];
        out.extend_from_slice(&rest.as_bytes()[..at]);
        match after.get(..digits).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                any = true;
                out.push(byte);
                rest = &after[digits..];
            }
            None => {
                out.extend_from_slice(mark.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    if any { String::from_utf8(out).ok() } else { None }
}
