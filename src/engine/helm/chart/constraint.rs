//! Version ranges of dependencies and clusters, as Masterminds `semver` 3.3 reads them.
//!
//! It is laxer than the specification (`v1`, `1.2`, `x` are versions or ranges) and has rules of its own: a prerelease fits no
//! range that names none, `<=1.2` takes 1.2.7, and an empty range is an error.

use std::cmp::Ordering;

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The first three numbers; what is not written is 0.
    pub numbers: [u64; 3],
    /// Behind the `-`; empty for a release.
    pub prerelease: String,
    /// Behind the `+`.
    pub metadata: String,
}

/// Tells whether a version lies in a range; what cannot be read never does.
pub fn fits(range: &str, version: &str) -> bool {
    let (Some(version), Some(range)) = (Version::parse(version), parse_range(range)) else { return false };
    range.iter().any(|all| all.iter().all(|limit| limit.allows(&version)))
}

/// Tells whether a range can be read at all.
pub fn is_range(range: &str) -> bool {
    parse_range(range).is_some()
}

impl Version {
    /// Reads a version.
    pub fn parse(text: &str) -> Option<Self> {
        let written = Written::read(text, |byte| byte.is_ascii_digit())?;
        if written.len != text.len() {
            return None;
        }
        Self::of(&written.parts, written.prerelease, written.metadata)
    }

    fn of(parts: &[&str], prerelease: &str, metadata: &str) -> Option<Self> {
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = part.parse().ok()?;
        }
        let padded = |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
        if prerelease.split('.').any(padded) {
            return None;
        }
        Some(Self { numbers, prerelease: prerelease.to_owned(), metadata: metadata.to_owned() })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| order_of_prereleases(&self.prerelease, &other.prerelease))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Semantic Versioning 2.0.0, §11.4: a release is higher than its prereleases, numbers are lower than words.
fn order_of_prereleases(a: &str, b: &str) -> Ordering {
    if a.is_empty() || b.is_empty() {
        return a.is_empty().cmp(&b.is_empty());
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A version as it is written, at the start of a text.
struct Written<'t> {
    /// One to three parts between dots.
    parts: Vec<&'t str>,
    prerelease: &'t str,
    metadata: &'t str,
    /// The bytes that it takes.
    len: usize,
}

impl<'t> Written<'t> {
    fn read(text: &'t str, fits: fn(u8) -> bool) -> Option<Self> {
        let bytes = text.as_bytes();
        let run = |from: usize, fits: &dyn Fn(u8) -> bool| {
            from + bytes[from.min(bytes.len())..].iter().take_while(|byte| fits(**byte)).count()
        };
        let mut at = usize::from(text.starts_with('v'));
        let mut parts = Vec::new();
        while parts.len() < 3 {
            let start = if parts.is_empty() { at } else { at + 1 };
            if !parts.is_empty() && bytes.get(at) != Some(&b'.') {
                break;
            }
            let end = run(start, &fits);
            if end == start {
                break;
            }
            parts.push(&text[start..end]);
            at = end;
        }
        if parts.is_empty() {
            return None;
        }
        let mut dotted = |mark: u8| {
            if bytes.get(at) != Some(&mark) {
                return "";
            }
            let (start, mut end) = (at + 1, at);
            loop {
                let next = run(end + 1, &|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                if next == end + 1 {
                    break;
                }
                end = next;
                if bytes.get(end) != Some(&b'.') {
                    break;
                }
            }
            if end < start {
                return "";
            }
            at = end;
            &text[start..end]
        };
        let prerelease = dotted(b'-');
        let metadata = dotted(b'+');
        Some(Self { parts, prerelease, metadata, len: at })
    }
}

/// One comparison of a range.
struct Limit {
    operator: &'static str,
    version: Version,
    /// How many of the three numbers are written.
    written: usize,
}

/// The operators, longer ones first.
const OPERATORS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

/// Reads a range: alternatives of comparisons that must all hold.
fn parse_range(text: &str) -> Option<Vec<Vec<Limit>>> {
    spelled_out(text).split("||").map(parse_limits).collect()
}

fn parse_limits(text: &str) -> Option<Vec<Limit>> {
    let mut limits = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    loop {
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)).unwrap_or("");
        rest = rest[operator.len()..].trim_start_matches(is_space);
        let written = Written::read(rest, is_wild)?;
        limits.push(Limit::of(operator, &written)?);
        let behind = &rest[written.len..];
        let trimmed = behind.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Some(limits);
        }
        rest = match trimmed.strip_prefix(',') {
            Some(next) => next.trim_start_matches(is_space),
            None if trimmed.len() < behind.len() => trimmed,
            None => return None,
        };
    }
}

/// `1.2 - 1.4` as `>= 1.2, <= 1.4 `.
fn spelled_out(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    'search: while !rest.is_empty() {
        let starts = rest.char_indices().map(|(at, _)| at);
        for at in starts {
            let Some(low) = Written::read(&rest[at..], is_wild) else { continue };
            let behind = &rest[at + low.len..];
            let dash = behind.trim_start_matches(is_space);
            let Some(after) = dash.strip_prefix('-').filter(|_| dash.len() < behind.len()) else { continue };
            let high_text = after.trim_start_matches(is_space);
            let Some(high) = Written::read(high_text, is_wild).filter(|_| high_text.len() < after.len()) else {
                continue;
            };
            out.push_str(rest[..at].trim_end_matches(is_space));
            out.push_str(&format!(">= {}, <= {} ", &rest[at..at + low.len], &high_text[..high.len]));
            rest = high_text[high.len..].trim_start_matches(is_space);
            continue 'search;
        }
        break;
    }
    out.push_str(rest);
    out
}

/// Go's `\s`.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

fn is_wild(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

impl Limit {
    fn of(operator: &'static str, written: &Written<'_>) -> Option<Self> {
        let known = written.parts.iter().take_while(|part| !matches!(**part, "x" | "X" | "*")).count();
        let metadata = if known == 3 { written.metadata } else { "" };
        let version = Version::of(&written.parts[..known], written.prerelease, metadata)?;
        Some(Self { operator, version, written: known })
    }

    fn allows(&self, version: &Version) -> bool {
        if self.operator == "!=" {
            return self.excludes_not(version);
        }
        if !version.prerelease.is_empty() && self.version.prerelease.is_empty() {
            return false;
        }
        let order = version.order(&self.version);
        let ([major, minor, _], [own_major, own_minor, own_patch]) = (version.numbers, self.version.numbers);
        match self.operator {
            ">" => match self.written {
                3 => order == Ordering::Greater,
                _ if major != own_major => major > own_major,
                0 => order == Ordering::Greater,
                1 => false,
                _ => minor > own_minor,
            },
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" => {
                if self.written == 3 {
                    order != Ordering::Greater
                } else {
                    major <= own_major && !(major == own_major && minor > own_minor && self.written != 1)
                }
            }
            "~" | "~>" => self.is_near(version),
            "^" => {
                if order == Ordering::Less {
                    false
                } else if own_major > 0 || self.written == 1 {
                    major == own_major
                } else if major > 0 {
                    false
                } else if own_minor > 0 || self.written == 2 {
                    minor == own_minor
                } else {
                    minor == 0 && version.numbers[2] == own_patch
                }
            }
            _ if self.written < 3 => self.is_near(version),
            _ => order == Ordering::Equal,
        }
    }

    fn is_near(&self, version: &Version) -> bool {
        let ([major, minor, _], [own_major, own_minor, own_patch]) = (version.numbers, self.version.numbers);
        if version.order(&self.version) == Ordering::Less {
            return false;
        }
        let partial = matches!(self.written, 1 | 2);
        if [own_major, own_minor, own_patch] == [0; 3] && !partial {
            return true;
        }
        major == own_major && (minor == own_minor || self.written == 1)
    }

    fn excludes_not(&self, version: &Version) -> bool {
        if self.written == 3 {
            return version.order(&self.version) != Ordering::Equal;
        }
        if !version.prerelease.is_empty() && self.version.prerelease.is_empty() {
            return false;
        }
        let ([major, minor, patch], [own_major, own_minor, own_patch]) = (version.numbers, self.version.numbers);
        if major != own_major || (minor != own_minor && self.written != 1) {
            return true;
        }
        match self.written {
            1 => false,
            2 => order_of_prereleases(&version.prerelease, &self.version.prerelease) != Ordering::Equal,
            _ => patch != own_patch || version.order(&self.version) != Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_by_helm() {
        for (range, version, expected) in [
            ("*", "1.2.3", true),
            ("*", "1.2.3-rc1", false),
            ("*-0", "1.2.3-rc1", true),
            (">0.0.0-0", "1.2.3-rc1", true),
            ("", "1.2.3", false),
            ("1.x.x", "1.9.0", true),
            ("1.x.x", "2.0.0", false),
            ("2.x", "2.31.4", true),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.9", true),
            ("^1.2", "1.9.0", true),
            ("^0.2", "0.3.0", false),
            ("^0.2.1", "0.2.5", true),
            ("^0.0.3", "0.0.4", false),
            ("^0", "0.9.0", true),
            (">=1.21", "1.21.0-gke.1", false),
            (">=1.21-0", "1.21.0-gke.1", true),
            (">1.2", "1.2.5", false),
            (">1", "1.9.9", false),
            ("=1.2", "1.2.7", true),
            ("<=1.2", "1.2.7", true),
            ("<1.2", "1.2.0", false),
            ("!=1.2", "1.2.7", false),
            ("!=1.2", "1.3.0", true),
            ("!=1.2.3", "1.2.4", true),
            ("1.2 - 1.4.5", "1.4.5", true),
            ("1.2 - 1.4.5", "1.4.6", false),
            (">=1.0, <2.0 || >=3", "3.1.0", true),
            (">=1.0 <2.0", "1.5.0", true),
            (">=1.0<2.0", "1.5.0", false),
            ("v1.0.0", "1.0.0", true),
            ("1.0.0", "v1.0.0", true),
            ("1.0.0+a", "1.0.0+b", true),
            ("1.0.0", "1.0", true),
            ("nonsense", "1.0.0", false),
            ("1.0.0-alpha.2", "1.0.0-alpha.10", false),
            (">1.0.0-alpha.2", "1.0.0-alpha.10", true),
            ("0.0.0", "0.0.0", true),
            ("~0.0.0", "1.2.3", true),
        ] {
            assert_eq!(fits(range, version), expected, "{range:?} {version:?}");
        }
    }

    #[test]
    fn versions_are_lax() {
        for (text, expected) in [
            ("1", Some("1.0.0")),
            ("v1.2", Some("1.2.0")),
            ("1.2.3-rc.1+x", Some("1.2.3-rc.1+x")),
            ("1.2.3.4", None),
            ("01.2", Some("1.2.0")),
            ("1.2.3-01", None),
            ("", None),
            ("v", None),
            ("1.2.3-", None),
        ] {
            assert_eq!(Version::parse(text).map(|version| version.to_string()).as_deref(), expected, "{text:?}");
        }
    }
}
