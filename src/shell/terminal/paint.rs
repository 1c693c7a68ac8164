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

/// Puts a style around a text, foreign characters made [`visible`].
pub fn paint(style: Style, text: impl AsRef<str>) -> String {
    format!("{style}{}{style:#}", visible(text.as_ref()))
}

/// A text on one line of which every character can be seen: what a terminal would obey (control characters, line breaks) and
/// what changes how others show (bidirectional and zero-width characters) becomes an escape.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => out.extend(c.escape_default()),
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// A text of several lines, [`visible`] but for its line breaks and tabs.
pub fn visible_lines(text: &str) -> String {
    text.split_inclusive(['\n', '\t'])
        .map(|part| {
            let (shown, end) = part.split_at(part.trim_end_matches(['\n', '\t']).len());
            visible(shown) + end
        })
        .collect()
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
    let line = |line: &str| {
        let style = style(line);
        format!("{style}{}{style:#}\n", visible_lines(line))
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_on_its_line_and_obeys_nothing() {
        for (text, expected) in [
            ("cart", "cart"),
            ("ä → b", "ä → b"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\nproved: b\r\t", "a\\nproved: b\\r\\t"),
            ("\u{202e}abc\u{200b}\u{9b}", "\\u{202e}abc\\u{200b}\\u{9b}"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
        assert_eq!(visible_lines("a\n\n\t\u{7}b\n"), "a\n\n\t\\u{7}b\n");
    }
}
