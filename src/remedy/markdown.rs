//! Foreign text as Markdown that stays text.
//!
//! Titles, names and values come from senders, clusters and repositories: an attacker may have worded them. Escaping single
//! characters is a race against every Markdown dialect, so foreign text stands only where no dialect looks for links,
//! mentions, issue references, images or HTML: in code spans and fenced blocks, whose fence is longer than any run of
//! backticks inside. What a reader could not see (control, bidirectional and zero-width characters) is shown as an escape.

/// The longest run of backticks that is shown; text is cut before a longer one.
const MAX_RUN: usize = 15;

/// What stands in place of what was cut.
const CUT: char = '…';

/// Foreign text as a code span on one line, cut after `limit` characters.
pub fn code(text: &str, limit: usize) -> String {
    span(&cut(&visible(text, false), limit))
}

/// Foreign text as a code span inside a table cell, cut after `limit` characters.
///
/// Tables split at pipes before code spans are read (GFM, "Tables"), so a pipe is escaped; one that follows a backslash,
/// where parsers disagree, is shown as `\u{7c}`.
pub fn cell(text: &str, limit: usize) -> String {
    let shown = cut(&visible(text, false), limit);
    let shown = shown.replace("\\|", "\\\\u{7c}").replace('|', "\\|");
    span(&shown)
}

/// Foreign text as a fenced block; `info` is ours (`diff`). Empty text gives no block.
pub fn block(info: &'static str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let shown = cut(&visible(text, true), usize::MAX);
    let fence = "`".repeat((longest_run(&shown) + 1).max(3));
    let end = if shown.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{info}\n{shown}{end}{fence}\n")
}

/// Text of which every character can be seen: control, bidirectional, zero-width and other invisible characters become
/// `\u{…}`, and the beginning of an HTML comment is broken. Line breaks and tabs survive where `lines` says so.
pub fn visible(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("<!--") {
            out.push_str("<\\u{21}--");
            rest = &rest[4..];
            continue;
        }
        match c {
            '\n' | '\t' if lines => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' if lines && rest[1..].starts_with('\n') => {}
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Characters that show nothing, or change how others show: Unicode's `Default_Ignorable_Code_Point` and `Bidi_Control`,
/// line and paragraph separators, unusual spaces, interlinear annotation.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{1680}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text up to `limit` characters and up to the first run of backticks that is too long to fence.
fn cut(text: &str, limit: usize) -> String {
    let (mut out, mut run) = (String::new(), 0);
    for (count, c) in text.chars().enumerate() {
        run = if c == '`' { run + 1 } else { 0 };
        if count >= limit || run > MAX_RUN {
            out.truncate(out.trim_end_matches('`').len());
            out.push(CUT);
            break;
        }
        out.push(c);
    }
    out
}

fn span(text: &str) -> String {
    if text.is_empty() {
        return "` `".to_owned();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    let padded = text.starts_with('`')
        || text.ends_with('`')
        || text.starts_with(' ') && text.ends_with(' ') && !text.trim().is_empty();
    let pad = if padded { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_fenced_beyond_their_backticks() {
        for (text, expected) in [
            ("5", "`5`"),
            ("", "` `"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            (" x ", "`  x  `"),
            ("a\nb\tc\r", "`a\\nb\\tc\\r`"),
            ("@all #1 <b>", "`@all #1 <b>`"),
            ("<!-- x -->", "`<\\u{21}-- x -->`"),
            ("\u{202e}abc\u{200b}\u{1b}[31m", "`\\u{202e}abc\\u{200b}\\u{1b}[31m`"),
        ] {
            assert_eq!(code(text, 80), expected, "{text:?}");
        }
        assert_eq!(code("abcdef", 3), "`abc…`");
        assert_eq!(code(&format!("ab{}c", "`".repeat(16)), 80), "`ab…`");
        assert_eq!(cell("a|b\\|c", 80), "`a\\|b\\\\u{7c}c`");
    }

    #[test]
    fn blocks_are_fenced_beyond_their_backticks() {
        assert_eq!(block("diff", ""), "");
        assert_eq!(block("diff", "+a\r\n"), "```diff\n+a\n```\n");
        assert_eq!(block("", "```\n# x"), "````\n```\n# x\n````\n");
        assert_eq!(block("", &"`".repeat(40)), "```\n…\n```\n");
    }
}
