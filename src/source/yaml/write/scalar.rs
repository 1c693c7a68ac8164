//! How a text is written: which styles are possible, which one is taken, and its bytes.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Dialect, TooLong, emit::Emitter};
use crate::source::{
    lineage::{
        sets::Flow,
        text::{MadeOf, Text, cursor::Cursor},
    },
    yaml::resolve::{self, Reader},
};

/// `yaml_emitter_analyze_scalar`: which styles a text allows.
struct Analysis {
    multiline: bool,
    plain: bool,
    single_quoted: bool,
    block: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// Tells whether a key is written before its colon without `?`.
pub(super) fn is_simple_key(key: &Text, longest: usize) -> bool {
    match key.as_str() {
        Some(text) => text.len() <= longest && !text.contains(is_break),
        None => {
            let base64 = base64_lines(key.bytes());
            "!!binary".len() + base64.len() <= longest && !base64.contains('\n')
        }
    }
}

/// Prints a number, boolean or null.
pub(super) fn write_bare(emitter: &mut Emitter, text: &Text, flow: Flow) -> Result<(), TooLong> {
    write_plain(emitter, text, &text.lossy(), flow, false)
}

/// Prints a string.
pub(super) fn write(emitter: &mut Emitter, text: &Text, flow: Flow, simple_key: bool) -> Result<(), TooLong> {
    let Some(string) = text.as_str() else {
        emitter.indicator("!!binary", true, false, false, flow)?;
        let encoded = Text::new(base64_lines(text.bytes()).as_bytes(), MadeOf::Derived(flow.data));
        let style = if encoded.bytes().contains(&b'\n') { Style::Literal } else { Style::Plain };
        return write_styled(emitter, &encoded, &encoded.lossy(), flow, style, !simple_key);
    };
    let style = style(string, emitter.dialect, simple_key);
    write_styled(emitter, text, string, flow, style, !simple_key)
}

fn write_styled(
    emitter: &mut Emitter,
    text: &Text,
    string: &str,
    flow: Flow,
    style: Style,
    folds: bool,
) -> Result<(), TooLong> {
    emitter.indented(|emitter| match style {
        Style::Plain => write_plain(emitter, text, string, flow, folds),
        Style::SingleQuoted => write_single_quoted(emitter, text, string, flow, folds),
        Style::DoubleQuoted => write_double_quoted(emitter, text, string, flow, folds),
        Style::Literal => write_literal(emitter, text, string, flow),
    })
}

/// `encoder.stringv` and `yaml_emitter_select_scalar_style`.
fn style(text: &str, dialect: Dialect, simple_key: bool) -> Style {
    let analysis = analyze(text, dialect);
    let mut style = if text.contains('\n') {
        Style::Literal
    } else if is_plain_string(text, dialect) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    if style == Style::Plain && (!analysis.plain || text.is_empty() && simple_key) {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && !analysis.single_quoted {
        style = Style::DoubleQuoted;
    }
    if style == Style::Literal && (!analysis.block || simple_key) {
        style = Style::DoubleQuoted;
    }
    if simple_key && analysis.multiline { Style::DoubleQuoted } else { style }
}

/// Tells whether a text that is no key is not printed plainly.
pub(super) fn is_quoted(text: &str, dialect: Dialect) -> bool {
    style(text, dialect, false) != Style::Plain
}

/// Tells whether a text without quotes is read as this text. v3, which reads them as text, quotes YAML 1.1's booleans too.
fn is_plain_string(text: &str, dialect: Dialect) -> bool {
    let reads_as_text = match dialect {
        Dialect::Quoted => false,
        Dialect::Two => resolve::is_string(text, Reader::Manifest),
        Dialect::Three => resolve::is_string(text, Reader::Kustomize) && resolve::is_string(text, Reader::Manifest),
    };
    reads_as_text && !resolve::is_base_60(text)
}

fn analyze(text: &str, dialect: Dialect) -> Analysis {
    if text.is_empty() {
        return Analysis { multiline: false, plain: true, single_quoted: true, block: false };
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    if text.as_bytes()[0].is_ascii_alphabetic() && text.bytes().all(is_word) {
        return Analysis { multiline: false, plain: true, single_quoted: true, block: true };
    }
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut breaks, mut special, mut tabs) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let before_blank = rest.is_empty() || rest.starts_with([' ', '\t']);
        indicators |= match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
                if at == 0 =>
            {
                true
            }
            '?' | '-' if at == 0 => before_blank,
            ':' => before_blank,
            '#' => after_blank,
            _ => false,
        };
        if c == '\t' && dialect == Dialect::Three {
            tabs = true;
        } else if !is_printable(c) {
            special = true;
        }
        (after_space, after_break) = match c {
            ' ' => {
                break_space |= after_break;
                (true, false)
            }
            c if is_break(c) => {
                breaks = true;
                space_break |= after_space;
                (false, true)
            }
            _ => (false, false),
        };
        after_blank = matches!(c, ' ' | '\t' | '\0') || is_break(c);
    }
    let open = text.starts_with(|c| c == ' ' || is_break(c)) || text.ends_with(|c| c == ' ' || is_break(c));
    let quotes_only = break_space || space_break || special || tabs;
    Analysis {
        multiline: breaks,
        plain: !(open || quotes_only || breaks || indicators),
        single_quoted: !quotes_only,
        block: !(text.ends_with(' ') || space_break || special),
    }
}

fn write_plain(emitter: &mut Emitter, text: &Text, string: &str, flow: Flow, folds: bool) -> Result<(), TooLong> {
    if !emitter.whitespace {
        emitter.put(" ", flow)?;
    }
    let mut cursor = Cursor::new(text);
    let mut after_space = false;
    for (at, c) in string.char_indices() {
        if c == ' ' && folds && !after_space && emitter.is_wide() && !string[at + 1..].starts_with(' ') {
            cursor.copy(&mut emitter.out, at);
            cursor.skip(at + 1);
            emitter.write_indent(flow)?;
        } else {
            emitter.column += 1;
        }
        after_space = c == ' ';
    }
    cursor.finish(&mut emitter.out);
    emitter.whitespace = false;
    emitter.indention = false;
    emitter.check()
}

fn write_single_quoted(
    emitter: &mut Emitter,
    text: &Text,
    string: &str,
    flow: Flow,
    folds: bool,
) -> Result<(), TooLong> {
    emitter.indicator("'", true, false, false, flow)?;
    let mut cursor = Cursor::new(text);
    let (mut after_space, mut after_break) = (false, false);
    let last = string.len().saturating_sub(1);
    for (at, c) in string.char_indices() {
        if c == ' ' {
            let inside = at > 0 && at < last;
            if folds && !after_space && emitter.is_wide() && inside && !string[at + 1..].starts_with(' ') {
                cursor.copy(&mut emitter.out, at);
                cursor.skip(at + 1);
                emitter.write_indent(flow)?;
            } else {
                emitter.column += 1;
            }
            after_space = true;
        } else if is_break(c) {
            cursor.copy(&mut emitter.out, at);
            if c == '\n' && !after_break {
                emitter.put_break(flow)?;
            }
            cursor.copy(&mut emitter.out, at + c.len_utf8());
            emitter.column = 0;
            emitter.indention = true;
            after_break = true;
        } else {
            if after_break {
                cursor.copy(&mut emitter.out, at);
                emitter.write_indent(flow)?;
            }
            if c == '\'' {
                cursor.copy(&mut emitter.out, at);
                emitter.put("'", flow)?;
            }
            emitter.column += 1;
            emitter.indention = false;
            (after_space, after_break) = (false, false);
        }
    }
    cursor.finish(&mut emitter.out);
    emitter.indicator("'", false, false, false, flow)
}

fn write_double_quoted(
    emitter: &mut Emitter,
    text: &Text,
    string: &str,
    flow: Flow,
    folds: bool,
) -> Result<(), TooLong> {
    emitter.indicator("\"", true, false, false, flow)?;
    let mut cursor = Cursor::new(text);
    let mut after_space = false;
    // go-yaml asks at every character whether the text begins with a byte order mark, and escapes the character if so.
    let marked = string.starts_with('\u{feff}');
    for (at, c) in string.char_indices() {
        if marked || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
            cursor.copy(&mut emitter.out, at);
            let derived = cursor.flow();
            emitter.put(&escape(c), derived)?;
            cursor.skip(at + c.len_utf8());
            after_space = false;
        } else if c == ' ' {
            if folds && !after_space && emitter.is_wide() && at > 0 && at + 1 < string.len() {
                cursor.copy(&mut emitter.out, at);
                cursor.skip(at + 1);
                emitter.write_indent(flow)?;
                if string[at + 1..].starts_with(' ') {
                    emitter.put("\\", flow)?;
                }
            } else {
                emitter.column += 1;
            }
            after_space = true;
        } else {
            emitter.column += 1;
            after_space = false;
        }
    }
    cursor.finish(&mut emitter.out);
    emitter.indicator("\"", false, false, false, flow)
}

fn write_literal(emitter: &mut Emitter, text: &Text, string: &str, flow: Flow) -> Result<(), TooLong> {
    emitter.indicator("|", true, false, false, flow)?;
    if string.starts_with(|c| c == ' ' || is_break(c)) {
        emitter.indicator("2", false, false, false, flow)?;
    }
    let mut ends = string.chars().rev();
    match (ends.next().is_some_and(is_break), ends.next()) {
        (false, _) => emitter.indicator("-", false, false, false, flow)?,
        (true, before) if before.is_none_or(is_break) => emitter.indicator("+", false, false, false, flow)?,
        _ => {}
    }
    emitter.put_break(flow)?;
    emitter.indention = true;
    emitter.whitespace = true;
    let mut cursor = Cursor::new(text);
    let mut after_break = true;
    for (at, c) in string.char_indices() {
        if is_break(c) {
            emitter.column = 0;
            emitter.indention = true;
            after_break = true;
        } else {
            if after_break {
                cursor.copy(&mut emitter.out, at);
                emitter.write_indent(flow)?;
            }
            emitter.column += 1;
            emitter.indention = false;
            after_break = false;
        }
    }
    cursor.finish(&mut emitter.out);
    emitter.check()
}

/// A character as double quotes need it.
fn escape(c: char) -> Cow<'static, str> {
    Cow::Borrowed(match c {
        '\0' => "\\0",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\x0b' => "\\v",
        '\x0c' => "\\f",
        '\r' => "\\r",
        '\x1b' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{a0}' => "\\_",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        c => {
            let code = u32::from(c);
            return Cow::Owned(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    })
}

/// libyaml's characters that need no escape: none outside of the basic plane, and no tab.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Base64 in lines of 70, each with its line break unless there is only one.
fn base64_lines(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < 70 {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / 70 + 1);
    for (at, c) in encoded.char_indices() {
        if at > 0 && at % 70 == 0 {
            lines.push('\n');
        }
        lines.push(c);
    }
    lines.push('\n');
    lines
}
