//! Constraints on versions, as Masterminds/semver 3.3.0 reads and checks them.
//!
//! `||` separates alternatives, blanks and commas what has to hold together, `a - b` is a range. Masterminds reads them with
//! regular expressions; none of them can match in two ways, so a scan from left to right takes the same texts, odd ones like
//! `1|2` included.

use super::version::{Version, compare_prereleases};

/// Alternatives of constraints that hold together.
#[derive(Clone, Debug)]
pub struct Constraints(Vec<Vec<Constraint>>);

#[derive(Clone, Debug)]
struct Constraint {
    operator: Operator,
    version: Version,
    /// Some number is missing or a wildcard: the first, the second or the third.
    wildcard: Option<Wildcard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcard {
    Major,
    Minor,
    Patch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

impl Constraints {
    /// Reads constraints.
    ///
    /// # Errors
    /// In Masterminds' words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rewritten = with_ranges_rewritten(text);
        rewritten.split("||").map(together).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a version satisfies them.
    pub fn check(&self, version: &Version) -> bool {
        self.0.iter().any(|together| together.iter().all(|constraint| constraint.check(version)))
    }
}

/// `1.2 - 1.4` as `>= 1.2, <= 1.4 `.
fn with_ranges_rewritten(text: &str) -> String {
    let mut rewritten = text.to_owned();
    let mut at = 0;
    while at < text.len() {
        let Some(range) = range_at(text, at) else {
            at += 1;
            continue;
        };
        rewritten = rewritten.replacen(&text[at..range.end], &format!(">= {}, <= {} ", range.from, range.to), 1);
        at = range.end;
    }
    rewritten
}

struct Range<'a> {
    from: &'a str,
    to: &'a str,
    end: usize,
}

/// A range that starts just here.
fn range_at(text: &str, at: usize) -> Option<Range<'_>> {
    let start = after_blanks(text, at);
    let from = Spelled::at(text, start)?;
    let dash = after_blanks(text, from.end);
    let behind = dash + 1;
    let second = after_blanks(text, behind);
    if dash == from.end || text.as_bytes().get(dash) != Some(&b'-') || second == behind {
        return None;
    }
    let to = Spelled::at(text, second)?;
    Some(Range { from: &text[start..from.end], to: &text[second..to.end], end: after_blanks(text, to.end) })
}

/// Constraints with blanks or commas between them.
fn together(text: &str) -> Result<Vec<Constraint>, String> {
    let improper = || format!("improper constraint: {text}");
    let mut constraints = Vec::new();
    let mut at = after_blanks(text, 0);
    loop {
        let operator_end = at + text.as_bytes()[at..].iter().take_while(|byte| b"=!<>~^".contains(byte)).count();
        let operator = Operator::parse(&text[at..operator_end]).ok_or_else(improper)?;
        let spelled = Spelled::at(text, after_blanks(text, operator_end)).ok_or_else(improper)?;
        let end = spelled.end;
        constraints.push((operator, spelled));
        at = after_blanks(text, end);
        match text.as_bytes().get(at) {
            None => break,
            Some(b',') => at = after_blanks(text, at + 1),
            Some(_) if at > end => {}
            Some(_) => return Err(improper()),
        }
    }
    constraints.into_iter().map(|(operator, spelled)| Constraint::new(operator, &spelled)).collect()
}

/// A version with wildcards, as it is written.
struct Spelled<'a> {
    whole: &'a str,
    numbers: [&'a str; 3],
    /// With its `-`.
    prerelease: &'a str,
    end: usize,
}

impl<'a> Spelled<'a> {
    fn at(text: &'a str, start: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let number_end =
            |from: usize| from + bytes[from..].iter().take_while(|byte| b"0123456789|xX*".contains(byte)).count();
        let mut numbers = [""; 3];
        let first = start + usize::from(bytes.get(start) == Some(&b'v'));
        let mut end = number_end(first);
        if end == first {
            return None;
        }
        numbers[0] = &text[first..end];
        for number in &mut numbers[1..] {
            let from = end + 1;
            if bytes.get(end) != Some(&b'.') || number_end(from) == from {
                break;
            }
            end = number_end(from);
            *number = &text[from..end];
        }
        let after_prerelease = identifiers_end(bytes, end, b'-');
        let prerelease = &text[end..after_prerelease];
        let end = identifiers_end(bytes, after_prerelease, b'+');
        Some(Self { whole: &text[start..end], numbers, prerelease, end })
    }
}

/// The end of a mark and the identifiers behind it; the place itself where there are none.
fn identifiers_end(bytes: &[u8], at: usize, mark: u8) -> usize {
    if bytes.get(at) != Some(&mark) {
        return at;
    }
    let mut end = at;
    loop {
        // Behind the mark or a dot.
        let from = end + 1;
        let next =
            from + bytes[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        if next == from {
            return end;
        }
        end = next;
        if bytes.get(end) != Some(&b'.') {
            return end;
        }
    }
}

fn after_blanks(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| b"\t\n\x0c\r ".contains(byte)).count()
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "=" => Self::Equal,
            "!=" => Self::NotEqual,
            ">" => Self::Greater,
            "<" => Self::Less,
            ">=" | "=>" => Self::GreaterOrEqual,
            "<=" | "=<" => Self::LessOrEqual,
            "~" | "~>" => Self::Tilde,
            "^" => Self::Caret,
            _ => return None,
        })
    }
}

impl Constraint {
    fn new(operator: Operator, spelled: &Spelled<'_>) -> Result<Self, String> {
        let is_wild = |number: &str| matches!(number, "" | "x" | "X" | "*");
        let [major, minor, patch] = spelled.numbers;
        let prerelease = spelled.prerelease;
        let (text, wildcard) = if is_wild(major) {
            (format!("0.0.0{prerelease}"), Some(Wildcard::Major))
        } else if is_wild(minor) {
            (format!("{major}.0.0{prerelease}"), Some(Wildcard::Minor))
        } else if is_wild(patch) {
            (format!("{major}.{minor}.0{prerelease}"), Some(Wildcard::Patch))
        } else {
            (spelled.whole.to_owned(), None)
        };
        let version = Version::parse(&text).map_err(|_| "constraint Parser Error".to_owned())?;
        Ok(Self { operator, version, wildcard })
    }

    fn check(&self, version: &Version) -> bool {
        let ordering = version.compare(&self.version);
        let looks_for_releases = !version.prerelease.is_empty() && self.version.prerelease.is_empty();
        // An exact `!=` is the only constraint that a prerelease passes without being looked for.
        if looks_for_releases && (self.operator != Operator::NotEqual || self.wildcard.is_some()) {
            return false;
        }
        match self.operator {
            Operator::Equal if self.wildcard.is_none() => ordering.is_eq(),
            Operator::Equal | Operator::Tilde => ordering.is_ge() && self.is_near(version),
            Operator::NotEqual => self.is_other(version),
            Operator::Greater => match self.wildcard {
                None => ordering.is_gt(),
                Some(_) if version.major != self.version.major => version.major > self.version.major,
                Some(Wildcard::Minor) => false,
                Some(Wildcard::Patch) => version.minor > self.version.minor,
                Some(Wildcard::Major) => ordering.is_gt(),
            },
            Operator::Less => ordering.is_lt(),
            Operator::GreaterOrEqual => ordering.is_ge(),
            Operator::LessOrEqual => match self.wildcard {
                None => ordering.is_le(),
                Some(wildcard) => {
                    version.major < self.version.major
                        || (version.major == self.version.major
                            && (version.minor <= self.version.minor || wildcard == Wildcard::Minor))
                }
            },
            Operator::Caret => ordering.is_ge() && self.is_compatible(version),
        }
    }

    /// `~`: the same first and second number, as far as they are given. `~0.0.0` takes everything.
    fn is_near(&self, version: &Version) -> bool {
        let inner = matches!(self.wildcard, Some(Wildcard::Minor | Wildcard::Patch));
        let of = &self.version;
        if (of.major, of.minor, of.patch) == (0, 0, 0) && !inner {
            return true;
        }
        version.major == of.major && (version.minor == of.minor || self.wildcard == Some(Wildcard::Minor))
    }

    fn is_other(&self, version: &Version) -> bool {
        let of = &self.version;
        match self.wildcard {
            None => version.compare(of).is_ne(),
            Some(_) if of.major != version.major => true,
            Some(Wildcard::Minor) => false,
            Some(_) if of.minor != version.minor => true,
            Some(Wildcard::Patch) => {
                (!version.prerelease.is_empty() || !of.prerelease.is_empty())
                    && compare_prereleases(&version.prerelease, &of.prerelease).is_ne()
            }
            Some(Wildcard::Major) => of.patch != version.patch || version.compare(of).is_ne(),
        }
    }

    /// `^`: the same first number that is not 0.
    fn is_compatible(&self, version: &Version) -> bool {
        let of = &self.version;
        if of.major > 0 || self.wildcard == Some(Wildcard::Minor) {
            return version.major == of.major;
        }
        if version.major > 0 {
            return false;
        }
        if of.minor > 0 || self.wildcard == Some(Wildcard::Patch) {
            return version.minor == of.minor;
        }
        version.minor == 0 && version.patch == of.patch
    }
}
