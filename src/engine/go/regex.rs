//! Go's regular expressions (RE2 as `regexp/syntax` of Go 1.23 reads it), rewritten for Rust's engine.
//!
//! The two engines agree on what a match is, leftmost and first alternative first, but not on how it is written: Go takes
//! `a{,2}`, `\_` and `&&` literally, refuses `a**`, and means ASCII by `\d`, `\w` and `\b`. So Go's parser is followed step by
//! step, errors included, and what it understood is written out in a form that leaves Rust's nothing to interpret.

use std::{fmt::Write, rc::Rc};

use regex_automata::{
    meta::{self, BuildError},
    util::syntax,
};

mod class;

/// The memory that one compiled pattern may take.
const MAX_PROGRAM: usize = 4 << 20;

/// The nesting of what is written for Rust; Go's own is checked before.
const MAX_NESTING: u32 = 4_000;

/// A Go pattern in Rust's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The pattern for Rust. Groups have their numbers, no names.
    pub pattern: String,
    /// The names of the groups from group 0, which has none; an unnamed group has the empty name.
    pub names: Vec<Rc<str>>,
}

impl Translated {
    /// The compiled pattern. Most are tried on a few short texts: an automaton of all states, which takes longer to build than
    /// such texts take without one, is not made.
    ///
    /// # Errors
    /// A pattern that takes too much memory. No text makes it take more than time that is linear in its length.
    pub fn compile(&self) -> Result<meta::Regex, Box<BuildError>> {
        let limits = meta::Config::new().nfa_size_limit(Some(MAX_PROGRAM)).dfa(false).onepass(false);
        let syntax = syntax::Config::new().nest_limit(MAX_NESTING);
        meta::Regex::builder().configure(limits).syntax(syntax).build(&self.pattern).map_err(Box::new)
    }
}

/// Why Go does not compile a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {what}: `{text}`")]
pub struct SyntaxError {
    what: &'static str,
    text: String,
}

impl SyntaxError {
    fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.to_owned() }
    }

    /// What is wrong, in Go's words.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The part of the pattern that it is about.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What Go says of a pattern that is no UTF-8.
    pub fn invalid_utf8(pattern: &[u8]) -> Self {
        Self::new("invalid UTF-8", &String::from_utf8_lossy(pattern))
    }
}

const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_RANGE: &str = "invalid character class range";
const INVALID_CAPTURE: &str = "invalid named capture";
const INVALID_PERL: &str = "invalid or unsupported Perl syntax";
const INVALID_REPEAT: &str = "invalid repeat count";
const NESTED_REPEAT: &str = "invalid nested repetition operator";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";
const MISSING_BRACKET: &str = "missing closing ]";
const MISSING_PAREN: &str = "missing closing )";
const UNEXPECTED_PAREN: &str = "unexpected )";
const TRAILING_BACKSLASH: &str = "trailing backslash at end of expression";
const TOO_DEEP: &str = "expression nests too deeply";

/// The highest repeat count, alone or multiplied with those around it.
const MAX_REPEAT: i64 = 1_000;

/// The deepest nesting of groups and repetitions.
const MAX_HEIGHT: usize = 1_000;

/// The flags that hold at some place of a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    non_greedy: bool,
}

/// A part of a pattern, written for Rust, with what Go's limits are about.
#[derive(Clone, Debug, Default)]
struct Part {
    text: String,
    height: usize,
    /// The repeat counts in it, each multiplied with those around it; the largest product of counts.
    repeats: Vec<Repeat>,
}

/// A repetition with counts, and those inside.
#[derive(Clone, Debug)]
struct Repeat {
    count: i64,
    inner: Vec<Self>,
}

/// An open group.
#[derive(Debug, Default)]
struct Group {
    /// How it begins for Rust: `(` or `(?:`.
    opening: &'static str,
    /// The flags that hold again behind it.
    outer_flags: Flags,
    /// The alternatives that are complete.
    alternatives: Vec<Vec<Part>>,
    /// The parts of the current one.
    parts: Vec<Part>,
}

/// Reads a Go pattern.
///
/// # Errors
/// What Go says.
pub fn translate(pattern: &str) -> Result<Translated, SyntaxError> {
    let mut parser = Parser {
        whole: pattern,
        rest: pattern,
        flags: Flags::default(),
        groups: vec![Group::default()],
        names: vec!["".into()],
    };
    parser.run()?;
    let Some(group) = parser.groups.pop().filter(|_| parser.groups.is_empty()) else {
        return Err(SyntaxError::new(MISSING_PAREN, pattern));
    };
    Ok(Translated { pattern: group.closed()?.text, names: parser.names })
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    flags: Flags,
    groups: Vec<Group>,
    names: Vec<Rc<str>>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        let mut last_repeat: Option<&'a str> = None;
        while let Some(first) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeated = None;
            match first {
                '(' if self.rest.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.rest = &self.rest[1..];
                    self.open("(", Some(""));
                }
                '|' => {
                    self.rest = &self.rest[1..];
                    let group = self.group();
                    let parts = std::mem::take(&mut group.parts);
                    group.alternatives.push(parts);
                }
                ')' => self.close()?,
                '^' => self.anchor(if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
                '$' => self.anchor(if self.flags.multi_line { "(?m:$)" } else { r"\z" }),
                '.' => self.anchor(if self.flags.dot_newline { "(?s:.)" } else { r"[^\n]" }),
                '[' => {
                    let (class, rest) = class::bracketed(self.rest, self.flags.fold_case)?;
                    self.rest = rest;
                    self.push(class);
                }
                '*' | '+' | '?' => {
                    self.rest = &self.rest[1..];
                    self.repeat(&before[..1], None, before, last_repeat)?;
                    repeated = Some(before);
                }
                '{' => match counts(self.rest) {
                    None => {
                        self.rest = &self.rest[1..];
                        self.literal('{');
                    }
                    Some((min, max, rest)) => {
                        let shown = &before[..before.len() - rest.len()];
                        if !(0..=MAX_REPEAT).contains(&min) || max.is_some_and(|max| max > MAX_REPEAT || min > max) {
                            return Err(SyntaxError::new(INVALID_REPEAT, shown));
                        }
                        self.rest = rest;
                        self.repeat(shown, Some((min, max)), before, last_repeat)?;
                        repeated = Some(before);
                    }
                },
                '\\' => self.escape()?,
                _ => {
                    self.rest = &self.rest[first.len_utf8()..];
                    self.literal(first);
                }
            }
            last_repeat = repeated;
        }
        Ok(())
    }

    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the outermost group is never closed")
    }

    fn push(&mut self, text: String) {
        self.group().parts.push(Part { text, height: 1, repeats: Vec::new() });
    }

    fn literal(&mut self, character: char) {
        let literal = class::single(character as u32);
        self.push(if self.flags.fold_case { format!("(?i:{literal})") } else { literal });
    }

    /// Something of one character, as it is written for Rust.
    fn anchor(&mut self, text: &str) {
        self.rest = &self.rest[1..];
        self.push(text.to_owned());
    }

    fn open(&mut self, opening: &'static str, name: Option<&str>) {
        self.names.extend(name.map(Rc::from));
        self.groups.push(Group { opening, outer_flags: self.flags, ..Group::default() });
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        if self.groups.len() < 2 {
            return Err(SyntaxError::new(UNEXPECTED_PAREN, self.whole));
        }
        self.rest = &self.rest[1..];
        if let Some(group) = self.groups.pop() {
            self.flags = group.outer_flags;
            let part = group.closed()?;
            self.group().parts.push(part);
        }
        Ok(())
    }

    /// Repeats the part before. `operator` ends at the rest of the pattern but for a `?` that may follow.
    fn repeat(
        &mut self,
        operator: &str,
        counts: Option<(i64, Option<i64>)>,
        before: &'a str,
        last_repeat: Option<&'a str>,
    ) -> Result<(), SyntaxError> {
        let mut lazy = self.flags.non_greedy;
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            lazy = !lazy;
        }
        let left = self.rest.len();
        if let Some(last) = last_repeat {
            return Err(SyntaxError::new(NESTED_REPEAT, &last[..last.len() - left]));
        }
        let shown = &before[..before.len() - left];
        let Some(part) = self.group().parts.pop() else {
            return Err(SyntaxError::new(MISSING_ARGUMENT, shown));
        };
        let mut text = format!("(?:{})", part.text);
        match counts {
            None => text.push_str(operator),
            Some((min, None)) => write!(text, "{{{min},}}").expect("a string can be written to"),
            Some((min, Some(max))) => write!(text, "{{{min},{max}}}").expect("a string can be written to"),
        }
        if lazy {
            text.push('?');
        }
        let repeats = match counts {
            None => part.repeats,
            Some((min, max)) => {
                let repeat = Repeat { count: max.unwrap_or(min), inner: part.repeats };
                if (min >= 2 || max.is_some_and(|max| max >= 2)) && !repeat.is_valid(MAX_REPEAT) {
                    return Err(SyntaxError::new(INVALID_REPEAT, shown));
                }
                vec![repeat]
            }
        };
        let height = part.height + 1;
        if height > MAX_HEIGHT {
            return Err(SyntaxError::new(TOO_DEEP, self.whole));
        }
        self.group().parts.push(Part { text, height, repeats });
        Ok(())
    }

    /// What begins with a backslash outside of a class.
    fn escape(&mut self) -> Result<(), SyntaxError> {
        let text = self.rest;
        let known = match text.as_bytes().get(1) {
            Some(b'A') => Some(r"\A"),
            Some(b'b') => Some(r"(?-u:\b)"),
            Some(b'B') => Some(r"(?-u:\B)"),
            Some(b'z') => Some(r"\z"),
            Some(b'C') => return Err(SyntaxError::new(INVALID_ESCAPE, &text[..2])),
            _ => None,
        };
        if let Some(known) = known {
            self.rest = &text[2..];
            self.push(known.to_owned());
            return Ok(());
        }
        if let Some(quoted) = text.strip_prefix(r"\Q") {
            let (literals, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            literals.chars().for_each(|character| self.literal(character));
            self.rest = rest;
            return Ok(());
        }
        if let Some((class, rest)) = class::escaped(text)? {
            self.rest = rest;
            self.push(if self.flags.fold_case { format!("(?i:{class})") } else { class });
            return Ok(());
        }
        let (character, rest) = class::character(text)?;
        self.rest = rest;
        let literal = class::single(character);
        self.push(if self.flags.fold_case { format!("(?i:{literal})") } else { literal });
        Ok(())
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` and `(?flags:`.
    fn perl_group(&mut self) -> Result<(), SyntaxError> {
        let text = self.rest;
        let bytes = text.as_bytes();
        let name_start = match bytes {
            [_, _, b'P', b'<', _, ..] => Some(4),
            [_, _, b'<', _, ..] => Some(3),
            _ => None,
        };
        if let Some(start) = name_start {
            let Some(end) = text.find('>') else { return Err(SyntaxError::new(INVALID_CAPTURE, text)) };
            let name = text.get(start..end).unwrap_or_default();
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(SyntaxError::new(INVALID_CAPTURE, &text[..=end]));
            }
            self.rest = &text[end + 1..];
            self.open("(", Some(name));
            return Ok(());
        }
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, false);
        for (at, character) in text.char_indices().skip(2) {
            let after = at + character.len_utf8();
            let flag = match character {
                'i' => &mut flags.fold_case,
                'm' => &mut flags.multi_line,
                's' => &mut flags.dot_newline,
                'U' => &mut flags.non_greedy,
                '-' if on => {
                    (on, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    self.rest = &text[after..];
                    if character == ':' {
                        self.open("(?:", None);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => return Err(SyntaxError::new(INVALID_PERL, &text[..after])),
            };
            *flag = on;
            saw_flag = true;
        }
        Err(SyntaxError::new(INVALID_PERL, text))
    }
}

impl Group {
    /// The group as a part of what is around it.
    fn closed(mut self) -> Result<Part, SyntaxError> {
        self.alternatives.push(self.parts);
        let mut whole = Part { text: self.opening.to_owned(), ..Part::default() };
        for (index, parts) in self.alternatives.into_iter().enumerate() {
            if index > 0 {
                whole.text.push('|');
            }
            for part in parts {
                whole.text.push_str(&part.text);
                whole.height = whole.height.max(part.height);
                whole.repeats.extend(part.repeats);
            }
        }
        if !self.opening.is_empty() {
            whole.text.push(')');
        }
        whole.height += 1;
        if whole.height > MAX_HEIGHT {
            return Err(SyntaxError::new(TOO_DEEP, &whole.text));
        }
        Ok(whole)
    }
}

impl Repeat {
    /// Go's `repeatIsValid`: no count times those around it above the limit.
    fn is_valid(&self, limit: i64) -> bool {
        if self.count == 0 {
            return true;
        }
        self.count <= limit && self.inner.iter().all(|inner| inner.is_valid(limit / self.count))
    }
}

/// `{2}`, `{2,}` or `{2,3}` and what follows; a count that is too large is -1 as the first.
fn counts(text: &str) -> Option<(i64, Option<i64>, &str)> {
    let (min, rest) = count(text.strip_prefix('{')?)?;
    let Some(rest) = rest.strip_prefix(',') else { return Some((min, Some(min), rest.strip_prefix('}')?)) };
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = count(rest)?;
    Some((if max < 0 { -1 } else { min }, Some(max), rest.strip_prefix('}')?))
}

/// A number without leading zeros; -1 where it is too large for any use.
fn count(text: &str) -> Option<(i64, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(len);
    if digits.is_empty() || (len > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok().filter(|count| *count < 100_000_000).unwrap_or(-1), rest))
}
