//! Compiled regular expressions, and Go's ways to go through a text with one.

use std::{borrow::Cow, collections::HashMap, ops::Range, rc::Rc};

use regex_automata::{Input, Span, meta::Regex};

use crate::engine::go::regex::{SyntaxError, Translated, translate};
use crate::engine::helm::template::{context::Budget, fault::Fault};

/// The longest pattern, and the longest text that one is tried on.
const MAX_PATTERN: usize = 64 << 10;
const MAX_SUBJECT: usize = 4 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    names: Vec<Rc<str>>,
}

/// What a text of a template turned out to be as a pattern.
type Compiled = Rc<Result<Pattern, SyntaxError>>;

/// The patterns of a render and of those before it: each is compiled once.
#[derive(Debug, Default)]
pub struct Patterns {
    compiled: HashMap<Box<[u8]>, Compiled>,
}

/// The places of a match: the whole, then each group.
pub type Groups = Vec<Option<Range<usize>>>;

/// The most patterns that are remembered from one render to the next.
const MAX_REMEMBERED: usize = 64;

impl Patterns {
    /// What the next render may know.
    pub fn remembered(self) -> Self {
        if self.compiled.len() > MAX_REMEMBERED { Self::default() } else { self }
    }

    /// The pattern that a text is.
    ///
    /// # Errors
    /// A limit for a pattern that is too large. That Go does not compile it is in the value.
    pub fn compile(&mut self, source: &[u8], budget: &mut Budget) -> Result<Compiled, Fault> {
        if let Some(known) = self.compiled.get(source) {
            return Ok(known.clone());
        }
        budget.step(1_000 + source.len() * 16)?;
        if source.len() > MAX_PATTERN {
            return Err(Fault::limit(format!("a regular expression of {} bytes", source.len())));
        }
        let compiled = Rc::new(match Self::translated(source) {
            Ok(translated) => {
                let regex = translated
                    .compile()
                    .map_err(|error| Fault::limit(format!("a regular expression is too large: {error}")))?;
                Ok(Pattern { regex, names: translated.names })
            }
            Err(error) => Err(error),
        });
        self.compiled.insert(source.into(), compiled.clone());
        Ok(compiled)
    }

    fn translated(source: &[u8]) -> Result<Translated, SyntaxError> {
        translate(std::str::from_utf8(source).map_err(|_| SyntaxError::invalid_utf8(source))?)
    }
}

/// A text as Go's engine reads it: a byte that is part of no character counts as U+FFFD. Places are those of the bytes.
#[derive(Debug)]
pub struct Subject<'a> {
    text: Cow<'a, str>,
    /// For a text that is no UTF-8: places behind invalid bytes as (in `text`, in the bytes), in order.
    broken: Vec<(usize, usize)>,
    len: usize,
}

impl<'a> Subject<'a> {
    /// Reads bytes.
    ///
    /// # Errors
    /// A limit for too many of them.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > MAX_SUBJECT {
            return Err(Fault::limit(format!("a regular expression on {} bytes", bytes.len())));
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Ok(Self { text: text.into(), broken: Vec::new(), len: bytes.len() });
        }
        let (mut text, mut broken, mut at) = (String::with_capacity(bytes.len()), Vec::new(), 0);
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            at += chunk.valid().len();
            for _ in chunk.invalid() {
                text.push('\u{FFFD}');
                at += 1;
                broken.push((text.len(), at));
            }
        }
        Ok(Self { text: text.into(), broken, len: bytes.len() })
    }

    fn to_bytes(&self, place: usize) -> usize {
        let index = self.broken.partition_point(|(in_text, _)| *in_text <= place);
        index.checked_sub(1).map_or(place, |index| self.broken[index].1 + place - self.broken[index].0)
    }

    fn width(&self, place: usize) -> usize {
        self.text[place..].chars().next().map_or(0, char::len_utf8)
    }
}

impl Pattern {
    /// Whether it matches anywhere.
    pub fn is_match(&self, subject: &Subject) -> bool {
        self.regex.is_match(&*subject.text)
    }

    /// The first match.
    pub fn find(&self, subject: &Subject) -> Option<Range<usize>> {
        let found = self.regex.find(&*subject.text)?;
        Some(subject.to_bytes(found.start())..subject.to_bytes(found.end()))
    }

    /// Up to `count` matches, all for a negative count, as Go's `FindAll` finds them: an empty match right behind another
    /// match is none.
    ///
    /// # Errors
    /// A limit when that takes too long.
    pub fn find_all(&self, subject: &Subject, count: i64, budget: &mut Budget) -> Result<Vec<Range<usize>>, Fault> {
        let limit = if count < 0 { subject.len + 1 } else { usize::try_from(count).unwrap_or(usize::MAX) };
        let mut found = Vec::new();
        let (mut at, mut last_end) = (0, None);
        while found.len() < limit && at <= subject.text.len() {
            budget.step(1 + (subject.text.len() - at) / 1_024)?;
            let Some(next) = self.regex.find(Input::new(&*subject.text).range(at..)) else { break };
            let repeated = next.end() == at && Some(next.start()) == last_end;
            at = match next.end() {
                end if end == at => at + subject.width(at).max(1),
                end => end,
            };
            last_end = Some(next.end());
            if !repeated {
                found.push(subject.to_bytes(next.start())..subject.to_bytes(next.end()));
            }
        }
        Ok(found)
    }

    /// What Go's `ReplaceAll` replaces: the places of each match. An empty match right behind another match is none.
    ///
    /// # Errors
    /// A limit when that takes too long.
    pub fn replaced(&self, subject: &Subject, budget: &mut Budget) -> Result<Vec<Groups>, Fault> {
        let mut found = Vec::new();
        let (mut at, mut last_end) = (0, 0);
        let mut places = self.regex.create_captures();
        while at <= subject.text.len() {
            budget.step(1 + (subject.text.len() - at) / 1_024)?;
            self.regex.captures(Input::new(&*subject.text).range(at..), &mut places);
            let Some(next) = places.get_match() else { break };
            if next.end() > last_end || next.start() == 0 {
                let group = |group: Span| subject.to_bytes(group.start)..subject.to_bytes(group.end);
                found.push(places.iter().map(|place| place.map(group)).collect());
            }
            last_end = next.end();
            let width = subject.width(at);
            at = if at + width > last_end {
                at + width
            } else if at + 1 > last_end {
                at + 1
            } else {
                last_end
            };
        }
        Ok(found)
    }

    /// The groups of a name, in order.
    pub fn groups_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.names.iter().enumerate().filter(move |(_, other)| &***other == name).map(|(index, _)| index)
    }
}
