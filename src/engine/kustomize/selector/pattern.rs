//! Go's regular expressions, as far as they mean the same here.
//!
//! Nearly every pattern is a name. The few others are handed to another engine after a look at what it would read
//! otherwise; such patterns are refused.
//!
//! Reference: <https://pkg.go.dev/regexp/syntax>.

use regex::bytes::{Regex, RegexBuilder};

use crate::engine::kustomize::problem::Problem;

/// The most bytes of a pattern.
const MAX_LENGTH: usize = 1_000;

/// A regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Characters, of which a point stands for any. Whether the whole text must be that, or any part of it.
    Name {
        text: String,
        is_whole: bool,
    },
    Other(Regex),
}

impl Pattern {
    /// A pattern that a whole text must match.
    ///
    /// # Errors
    /// Where Go does not read it, and where it means something else here.
    pub fn anchored(pattern: &str) -> Result<Self, Problem> {
        Self::new(pattern, true)
    }

    /// A pattern that any part of a text must match.
    ///
    /// # Errors
    /// As [`Self::anchored`].
    pub fn anywhere(pattern: &str) -> Result<Self, Problem> {
        Self::new(pattern, false)
    }

    fn new(pattern: &str, is_whole: bool) -> Result<Self, Problem> {
        if pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.:@ ".contains(&byte)) {
            return Ok(Self(Kind::Name { text: pattern.to_owned(), is_whole }));
        }
        check(pattern)?;
        let whole = if is_whole { format!("^(?:{pattern})$") } else { pattern.to_owned() };
        let compiled = RegexBuilder::new(&whole).unicode(false).size_limit(1 << 20).build();
        let compiled = compiled.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                Problem::limit(format!("the regular expression {pattern:?} is too large"))
            }
            _ => Problem::broken(format!("error parsing regexp: {pattern:?}")),
        })?;
        Ok(Self(Kind::Other(compiled)))
    }

    /// Tells whether a text matches.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Other(regex) => regex.is_match(text.as_bytes()),
            Kind::Name { text: name, is_whole: true } => fits(name, text) == Some(text.len()),
            Kind::Name { text: name, is_whole: false } => {
                if !name.contains('.') {
                    return text.contains(name.as_str());
                }
                let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                starts.into_iter().any(|at| fits(name, &text[at..]).is_some())
            }
        }
    }

    /// Tells whether it asks for the beginning or the end of a text.
    pub fn has_anchor(&self) -> bool {
        matches!(&self.0, Kind::Other(regex) if regex.as_str().contains(['^', '$']))
    }

    /// The text that alone matches the pattern, where there is only one.
    pub fn only_match(&self) -> Option<&str> {
        match &self.0 {
            Kind::Name { text, is_whole: true } if !text.contains('.') => Some(text),
            _ => None,
        }
    }
}

/// How many bytes at the beginning of a text a name stands for; a point in it is any character but a line break.
pub fn fits(name: &str, text: &str) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in name.chars() {
        let c = rest.next()?;
        if c != wanted && (wanted != '.' || c == '\n') {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

/// Refuses what the two engines read differently.
fn check(pattern: &str) -> Result<(), Problem> {
    let unsupported = |what: &str| Problem::unsupported(format!("{what} in the regular expression {pattern:?}"));
    let broken = |what: &str| Problem::broken(format!("error parsing regexp: {what}: {pattern:?}"));
    if pattern.len() > MAX_LENGTH {
        return Err(Problem::limit("a regular expression is too long"));
    }
    if !pattern.is_ascii() {
        return Err(unsupported("a character beyond ASCII"));
    }
    let bytes = pattern.as_bytes();
    let (mut at, mut repeated) = (0, true);
    while let Some(byte) = bytes.get(at) {
        let rest = &pattern[at + 1..];
        let was_repeated = std::mem::replace(&mut repeated, false);
        match byte {
            b'\\' => {
                match rest.bytes().next() {
                    Some(b'd' | b'D' | b'w' | b'W' | b'b' | b'B' | b'n' | b't' | b'r') => {}
                    Some(escaped) if escaped.is_ascii_punctuation() => {}
                    Some(_) => return Err(unsupported("an escape")),
                    None => return Err(broken("trailing backslash at end of expression")),
                }
                at += 1;
            }
            b'(' if rest.starts_with('?') => {
                if !rest.starts_with("?:") && !rest.starts_with("?i)") {
                    return Err(unsupported("a group of its own kind"));
                }
                at += 2;
                repeated = true;
            }
            b'(' | b'|' => repeated = true,
            b'*' | b'+' | b'?' => {
                // A second one is laziness, a third one is refused by Go.
                if was_repeated {
                    return Err(broken("missing argument to repetition operator, or a nested one"));
                }
                repeated = true;
                if rest.starts_with('?') {
                    at += 1;
                }
            }
            b'{' | b'}' => return Err(unsupported("a counted repetition")),
            b'[' => {
                let first = usize::from(rest.starts_with('^'));
                let Some(length) = rest[first..].find(']') else { return Err(broken("missing closing ]")) };
                let class = &rest[first..first + length];
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./: ".contains(&byte);
                if class.is_empty() || !class.bytes().all(is_plain) || class.contains("--") {
                    return Err(unsupported("a class of characters"));
                }
                at += 1 + first + length;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kustomize::problem::Kind as Who;

    #[test]
    fn patterns_match_as_go_has_it() {
        let cases = [
            ("Deployment", "Deployment", true, true),
            ("Dep", "Deployment", false, true),
            ("Dep.*", "Deployment", true, true),
            ("Dep.*|Service", "Service", true, true),
            ("[ds]", "d", true, true),
            ("[ds]", "ds", false, true),
            ("n.inx", "nginx", true, true),
            ("a|b", "ab", false, true),
            ("(?i)cart", "CART", true, true),
            ("cart-[0-9]+", "cart-12", true, true),
            (".", "\u{e9}", true, true),
            ("!x", "a!x", false, true),
            ("^cart$", "cart", true, true),
        ];
        for (pattern, text, whole, part) in cases {
            assert_eq!(Pattern::anchored(pattern).expect("a pattern").is_match(text), whole, "{pattern} {text}");
            assert_eq!(Pattern::anywhere(pattern).expect("a pattern").is_match(text), part, "{pattern} {text}");
        }
    }

    #[test]
    fn what_go_refuses_is_broken_and_what_it_reads_otherwise_unsupported() {
        let cases = [
            ("*a", Who::Broken),
            ("a**", Who::Broken),
            ("a(", Who::Broken),
            ("a\\", Who::Broken),
            ("[a", Who::Broken),
            ("a{2}", Who::Unsupported),
            ("[[:alpha:]]", Who::Unsupported),
            ("\\pN", Who::Unsupported),
            ("(?P<n>a)*", Who::Unsupported),
            ("\u{e9}", Who::Unsupported),
        ];
        for (pattern, kind) in cases {
            assert_eq!(Pattern::anchored(pattern).unwrap_err().kind, kind, "{pattern}");
        }
    }
}
