//! Colours for people. `anstream` takes them away where the output is no terminal or `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};

/// What matters.
pub const BOLD: Style = Style::new().bold();
/// What explains.
pub const DIM: Style = Style::new().dimmed();
/// A line that comes.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// A line that goes.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// Where in a file.
pub const HUNK: Style = AnsiColor::Cyan.on_default();
/// What went well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What needs a person.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Puts a style around a text; control characters of foreign text are shown, not obeyed.
pub fn paint(style: Style, text: impl AsRef<str>) -> String {
    format!("{style}{}{style:#}", visible(text.as_ref()))
}

/// A text whose control characters are shown as escapes, line breaks and tabs excepted.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// A unified diff in the colours of git.
pub fn diff(text: &str) -> String {
    let style = |line: &str| match line.as_bytes().first() {
        _ if line.starts_with("---") || line.starts_with("+++") => BOLD,
        Some(b'+') => ADDED,
        Some(b'-') => REMOVED,
        Some(b'@') => HUNK,
        _ => Style::new(),
    };
    text.lines().map(|line| format!("{}\n", paint(style(line), line))).collect()
}
