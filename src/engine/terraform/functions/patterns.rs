//! Compiled regular expressions, each compiled once in an evaluation.

use std::{collections::HashMap, ops::Range, rc::Rc};

use regex_automata::{Input, meta::Regex};

use crate::engine::{
    go::regex::{SyntaxError, translate},
    terraform::{budget::Budget, problem::Problem},
};

/// The longest pattern, and the longest text that one is tried on.
const MAX_PATTERN: usize = 64 << 10;
const MAX_SUBJECT: usize = 4 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// The names of its groups from group 0, empty where there is none.
    pub names: Vec<Rc<str>>,
}

/// What a text turned out to be as a pattern.
pub type Compiled = Rc<Result<Pattern, SyntaxError>>;

/// The patterns of an evaluation.
#[derive(Debug, Default)]
pub struct Patterns {
    compiled: HashMap<Box<str>, Compiled>,
}

/// The places of a match: the whole, then each group.
pub type Groups = Vec<Option<Range<usize>>>;

impl Patterns {
    /// The pattern that a text is.
    ///
    /// # Errors
    /// A limit for a pattern that is too large. That Go does not compile it is in the value.
    pub fn compile(&mut self, source: &str, budget: &mut Budget) -> Result<Compiled, Problem> {
        if let Some(known) = self.compiled.get(source) {
            return Ok(known.clone());
        }
        budget.step(1_000 + source.len() * 16)?;
        if source.len() > MAX_PATTERN {
            return Err(Problem::limit(format!("a regular expression of {} bytes", source.len())));
        }
        let compiled = match translate(source) {
            Ok(translated) => {
                let regex = translated
                    .compile()
                    .map_err(|error| Problem::limit(format!("a regular expression is too large: {error}")))?;
                Ok(Pattern { regex, names: translated.names })
            }
            Err(error) => Err(error),
        };
        let compiled = Rc::new(compiled);
        self.compiled.insert(source.into(), compiled.clone());
        Ok(compiled)
    }
}

impl Pattern {
    /// The first match.
    ///
    /// # Errors
    /// A limit for a text that is too long.
    pub fn first(&self, text: &str, budget: &mut Budget) -> Result<Option<Groups>, Problem> {
        self.matches(text, 1, false, budget).map(|mut found| found.pop())
    }

    /// All matches as Go's `FindAll` finds them: an empty match right behind another match is none.
    ///
    /// # Errors
    /// A limit when that takes too long.
    pub fn all(&self, text: &str, budget: &mut Budget) -> Result<Vec<Groups>, Problem> {
        self.matches(text, usize::MAX, false, budget)
    }

    /// All matches that Go's `ReplaceAll` replaces.
    ///
    /// # Errors
    /// A limit when that takes too long.
    pub fn replaced(&self, text: &str, budget: &mut Budget) -> Result<Vec<Groups>, Problem> {
        self.matches(text, usize::MAX, true, budget)
    }

    fn matches(&self, text: &str, most: usize, replaces: bool, budget: &mut Budget) -> Result<Vec<Groups>, Problem> {
        if text.len() > MAX_SUBJECT {
            return Err(Problem::limit(format!("a regular expression on {} bytes", text.len())));
        }
        let mut found: Vec<Groups> = Vec::new();
        let (mut at, mut last_end) = (0, None);
        let mut places = self.regex.create_captures();
        while found.len() < most && at <= text.len() {
            budget.step(1 + (text.len() - at) / 1_024)?;
            self.regex.captures(Input::new(text).range(at..), &mut places);
            let Some(next) = places.get_match() else { break };
            let (start, end) = (next.start(), next.end());
            let counts =
                if replaces { last_end.is_none_or(|last| end > last) } else { end != at || Some(start) != last_end };
            if counts {
                found.push(places.iter().map(|group| group.map(|group| group.range())).collect());
            }
            let width = text[at..].chars().next().map_or(1, char::len_utf8);
            at = if replaces {
                if at + width > end { at + width } else { end }
            } else if end == at {
                at + width
            } else {
                end
            };
            last_end = Some(end);
        }
        Ok(found)
    }
}
