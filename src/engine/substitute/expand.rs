//! `${variable}` in a text, as Flux expands it: a fork of drone's `envsubst`.
//!
//! References: `envsubst/parse/{scan,parse}.go`, `envsubst/funcs.go` of fluxcd/pkg. What scripts use beyond variables and
//! defaults, and what is nested in a default, is expanded by the same rules; a pattern (`${v#p*}`) is refused.

use std::ops::Range;

use super::{Variable, Variables};
use crate::engine::parts::Place;

/// A text and what its parts come from.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The text before.
    pub source: String,
    /// The text after.
    pub text: String,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of an expanded text.
#[derive(Clone, Debug)]
pub struct Part {
    /// The bytes of the expanded text.
    pub range: Range<usize>,
    /// The place of the variable that says them.
    pub place: Option<Place>,
    /// Whether they are all that the variable says, as it says it.
    pub is_whole: bool,
    /// The bytes of the text before that are these, where they stand there.
    pub written: Option<Range<usize>>,
}

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// Flux fails as well.
    #[error("bad substitution at byte {0}")]
    Bad(usize),
    /// Flux removes what matches a pattern, which this version does not.
    #[error("patterns in variables are not expanded by this version")]
    Pattern,
    /// Defaults within defaults.
    #[error("variables are nested too deeply")]
    Deep,
    /// The result is longer than any object.
    #[error("the variables expand to more than {MAX_TEXT} bytes")]
    Long,
}

/// The most bytes of an expanded text.
const MAX_TEXT: usize = 4 << 20;

/// How deep defaults may nest.
const MAX_DEPTH: usize = 16;

/// Expands the variables of a text.
///
/// # Errors
/// Where Flux fails, and at limits.
pub fn expand(text: &str, variables: &Variables) -> Result<Expanded, ExpandError> {
    let mut reader = Reader { text, at: 0, variables };
    let mut expanded = Expanded { source: text.to_owned(), text: String::new(), parts: Vec::new() };
    let mut literal: Option<Range<usize>> = None;
    while reader.at < text.len() {
        let start = reader.at;
        let rest = &text[start..];
        if rest.starts_with("${") {
            expanded.take(literal.take());
            reader.at += 2;
            let said = reader.variable(0)?;
            expanded.add(said, start..reader.at);
            if expanded.text.len() > MAX_TEXT {
                return Err(ExpandError::Long);
            }
            continue;
        }
        let step = rest.chars().next().map_or(1, char::len_utf8);
        if rest.starts_with("$$") {
            // The first goes, the second stays, whatever follows it.
            expanded.take(literal.take());
            let range = expanded.text.len()..expanded.text.len() + 1;
            expanded.text.push('$');
            expanded.parts.push(Part { range, place: None, is_whole: false, written: None });
            reader.at += 2;
            continue;
        }
        reader.at += step;
        literal = Some(literal.map_or(start, |range| range.start)..reader.at);
    }
    expanded.take(literal);
    Ok(expanded)
}

impl Expanded {
    fn take(&mut self, literal: Option<Range<usize>>) {
        let Some(written) = literal else { return };
        let start = self.text.len();
        self.text.push_str(&self.source[written.clone()]);
        self.parts.push(Part { range: start..self.text.len(), place: None, is_whole: false, written: Some(written) });
    }

    fn add(&mut self, said: Said, whole: Range<usize>) {
        let start = self.text.len();
        match said {
            Said::Withheld => {
                let written = self.source[whole].to_owned();
                self.text.push_str(&written);
                self.parts.push(Part { range: start..self.text.len(), place: None, is_whole: false, written: None });
            }
            Said::Text { text, place, is_whole, written } => {
                self.text.push_str(&text);
                let place = place.map(|place| *place);
                self.parts.push(Part { range: start..self.text.len(), place, is_whole, written });
            }
        }
    }
}

/// What a variable comes to.
enum Said {
    /// Only the cluster knows.
    Withheld,
    Text {
        text: String,
        place: Option<Box<Place>>,
        is_whole: bool,
        written: Option<Range<usize>>,
    },
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    variables: &'t Variables,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn bad<T>(&self) -> Result<T, ExpandError> {
        Err(ExpandError::Bad(self.at))
    }

    fn name(&mut self) -> Result<String, ExpandError> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let name: String = self.rest().chars().take_while(|c| is_part(*c)).collect();
        if name.is_empty() {
            return self.bad();
        }
        self.at += name.len();
        Ok(name)
    }

    fn close(&mut self) -> Result<(), ExpandError> {
        if !self.rest().starts_with('}') {
            return self.bad();
        }
        self.at += 1;
        Ok(())
    }

    /// What stands behind `${`, up to its `}`.
    fn variable(&mut self, depth: usize) -> Result<Said, ExpandError> {
        if depth > MAX_DEPTH {
            return Err(ExpandError::Deep);
        }
        if self.rest().starts_with('#') {
            self.at += 1;
            let name = self.name()?;
            self.close()?;
            return Ok(self.computed(&name, |value| value.len().to_string()));
        }
        let name = self.name()?;
        let rest = self.rest();
        if rest.starts_with('}') {
            self.at += 1;
            return Ok(self.value(&name));
        }
        for operator in [":=", ":-", ":?", ":+", "="] {
            if rest.starts_with(operator) {
                self.at += operator.len();
                return self.default(&name, depth);
            }
        }
        for (operator, apply) in CASES {
            if rest.starts_with(operator) {
                self.at += operator.len();
                self.close()?;
                return Ok(self.computed(&name, apply));
            }
        }
        match rest.chars().next() {
            Some(':') => self.cut(&name),
            Some('/') => self.replace(&name),
            Some('#' | '%') => Err(ExpandError::Pattern),
            _ => self.bad(),
        }
    }

    fn value(&self, name: &str) -> Said {
        match self.variables.known.get(name) {
            Some(Variable::Said(text, place)) => {
                Said::Text { text: text.clone(), place: Some(Box::new(place.clone())), is_whole: true, written: None }
            }
            Some(Variable::Withheld) => Said::Withheld,
            None if self.variables.is_open => Said::Withheld,
            None => Said::Text { text: String::new(), place: None, is_whole: false, written: None },
        }
    }

    fn computed(&self, name: &str, apply: impl Fn(&str) -> String) -> Said {
        match self.value(name) {
            Said::Withheld => Said::Withheld,
            Said::Text { text, place, .. } => Said::Text { text: apply(&text), place, is_whole: false, written: None },
        }
    }

    /// The value, or where it is empty what stands between here and the brace.
    fn default(&mut self, name: &str, depth: usize) -> Result<Said, ExpandError> {
        let (start, mut text, mut is_plain, mut withheld) = (self.at, String::new(), true, false);
        loop {
            let rest = self.rest();
            if rest.starts_with('}') {
                break;
            }
            if rest.starts_with("${") {
                self.at += 2;
                is_plain = false;
                match self.variable(depth + 1)? {
                    Said::Withheld => withheld = true,
                    Said::Text { text: inner, .. } => text.push_str(&inner),
                }
                continue;
            }
            match rest.chars().next() {
                Some(c) => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
                None => return self.bad(),
            }
        }
        let written = start..self.at;
        self.close()?;
        Ok(match self.value(name) {
            Said::Text { text: value, .. } if value.is_empty() && withheld => Said::Withheld,
            Said::Text { text: value, .. } if value.is_empty() => {
                Said::Text { text, place: None, is_whole: false, written: is_plain.then_some(written) }
            }
            said => said,
        })
    }

    /// `${v:2}`, `${v:2:3}`.
    fn cut(&mut self, name: &str) -> Result<Said, ExpandError> {
        let arguments = self.arguments(':')?;
        Ok(self.computed(name, |value| substring(value, &arguments).unwrap_or_else(|| value.to_owned())))
    }

    /// `${v/a/b}`, and with `//`, `/#` and `/%`.
    fn replace(&mut self, name: &str) -> Result<Said, ExpandError> {
        self.at += 1;
        let how = self.rest().chars().next().filter(|c| "/#%".contains(*c));
        let from = if how.is_some() { self.at + 1 } else { self.at };
        self.at = from - 1;
        let arguments = self.arguments('/')?;
        let (Some(old), new) = (arguments.first(), arguments.get(1).cloned().unwrap_or_default()) else {
            return self.bad();
        };
        if old.contains('\\') || new.contains('\\') {
            return Err(ExpandError::Pattern);
        }
        Ok(self.computed(name, |value| match how {
            Some('/') => value.replace(old.as_str(), &new),
            Some('#') => value.strip_prefix(old.as_str()).map_or(value.to_owned(), |rest| format!("{new}{rest}")),
            Some(_) => value.strip_suffix(old.as_str()).map_or(value.to_owned(), |rest| format!("{rest}{new}")),
            None => value.replacen(old.as_str(), &new, 1),
        }))
    }

    /// One or two arguments behind a separator, up to the brace.
    fn arguments(&mut self, separator: char) -> Result<Vec<String>, ExpandError> {
        self.at += 1;
        let Some(end) = self.rest().find('}') else { return self.bad() };
        let all = self.rest()[..end].to_owned();
        if all.contains("${") {
            return Err(ExpandError::Pattern);
        }
        self.at += end + 1;
        Ok(all.splitn(2, separator).map(str::to_owned).collect())
    }
}

/// What changes the letters of a value.
type Case = fn(&str) -> String;

/// The operators that change letters, the longer ones first.
const CASES: [(&str, Case); 4] = [
    (",,", |value| value.to_lowercase()),
    (",", |value| first(value, |c| c.to_lowercase().collect())),
    ("^^", |value| value.to_uppercase()),
    ("^", |value| first(value, |c| c.to_uppercase().collect())),
];

fn first(value: &str, change: fn(char) -> String) -> String {
    let mut rest = value.chars();
    rest.next().map_or_else(String::new, |first| change(first) + rest.as_str())
}

/// `toSubstr`: bytes from a position, negative from the end; nothing where an argument is no number or cuts a character.
fn substring(value: &str, arguments: &[String]) -> Option<String> {
    let length = i64::try_from(value.len()).ok()?;
    let start: i64 = arguments.first()?.parse().ok()?;
    let start = if start < 0 { (length + start).max(0) } else { start };
    let end = match arguments.get(1) {
        Some(count) => start.checked_add(count.parse::<i64>().ok()?)?.min(length),
        None => length,
    };
    if start >= length {
        return Some(String::new());
    }
    value.get(usize::try_from(start).ok()?..usize::try_from(end.max(start)).ok()?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn variables_expand_as_flux_expands_them() {
        let place = || Place {
            file: "k.yaml".parse().expect("a path"),
            document: 0,
            at: "/spec".parse().expect("a pointer"),
            now: "x".into(),
            label: "variable".to_owned(),
        };
        let said = |text: &str| Variable::Said(text.to_owned(), place());
        let known = Variables {
            known: BTreeMap::from([
                ("cluster".to_owned(), said("prod-eu")),
                ("empty".to_owned(), said("")),
                ("secret".to_owned(), Variable::Withheld),
            ]),
            ..Variables::default()
        };
        let cases = [
            ("a ${cluster} b", Ok("a prod-eu b")),
            ("${unset}|${empty}", Ok("|")),
            ("${unset:-x}${unset:=y}${unset=z}${empty:-e}", Ok("xyze")),
            ("${unset:-${cluster}-2}", Ok("prod-eu-2")),
            ("${cluster:-x}", Ok("prod-eu")),
            ("$${cluster} $$x $y", Ok("${cluster} $x $y")),
            ("${#cluster} ${cluster^} ${cluster^^} ${cluster,,}", Ok("7 Prod-eu PROD-EU prod-eu")),
            ("${cluster:5} ${cluster:0:4} ${cluster:-2}", Ok("eu prod prod-eu")),
            ("${cluster/-/_} ${cluster//r/R} ${cluster/#prod/p} ${cluster/%eu/us}", Ok("prod_eu pRod-eu p-eu prod-us")),
            ("${secret} ${secret:-x} ${unset:-${secret}}", Ok("${secret} ${secret:-x} ${unset:-${secret}}")),
            ("${", Err(ExpandError::Bad(2))),
            ("${a b}", Err(ExpandError::Bad(3))),
            ("${cluster%-*}", Err(ExpandError::Pattern)),
        ];
        for (text, expected) in cases {
            let found = expand(text, &known).map(|expanded| expanded.text);
            assert_eq!(found, expected.map(str::to_owned), "{text}");
        }
        let parts = expand("a-${cluster}", &known).expect("expands").parts;
        let ranges: Vec<_> = parts.iter().map(|part| (part.range.clone(), part.is_whole)).collect();
        assert_eq!(ranges, [(0..2, false), (2..9, true)]);
    }
}
