//! A version as Masterminds/semver reads it: `v` and missing numbers are fine, leading zeros of the three numbers too.

use std::{cmp::Ordering, fmt};

/// A semantic version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// What stands behind `-`.
    pub prerelease: String,
    /// What stands behind `+`.
    pub metadata: String,
    /// As it was written.
    pub original: String,
}

const INVALID: &str = "Invalid Semantic Version";

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// In Masterminds' words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let spelled = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match spelled.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (spelled, None),
        };
        let (numbers, prerelease) = match rest.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (rest, None),
        };
        let numbers: Vec<&str> = numbers.split('.').collect();
        let are_numbers =
            numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        let identified = prerelease.is_none_or(is_identifiers) && metadata.is_none_or(is_identifiers);
        if numbers.len() > 3 || !are_numbers || !identified {
            return Err(INVALID.to_owned());
        }
        let number = |at: usize| match numbers.get(at) {
            Some(number) => number.parse().map_err(|_| {
                format!("Error parsing version segment: strconv.ParseUint: parsing \"{number}\": value out of range")
            }),
            None => Ok(0),
        };
        let version = Self {
            major: number(0)?,
            minor: number(1)?,
            patch: number(2)?,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        check_prerelease(&version.prerelease)?;
        Ok(version)
    }

    /// The order of versions; metadata does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }

    /// The next version with another first number.
    pub fn next_major(&self) -> Self {
        self.next(self.major.wrapping_add(1), 0, 0)
    }

    /// The next version with another second number.
    pub fn next_minor(&self) -> Self {
        self.next(self.major, self.minor.wrapping_add(1), 0)
    }

    /// The next version with another third number; the release of a prerelease.
    pub fn next_patch(&self) -> Self {
        let patch = if self.prerelease.is_empty() { self.patch.wrapping_add(1) } else { self.patch };
        self.next(self.major, self.minor, patch)
    }

    /// The same version with another prerelease.
    ///
    /// # Errors
    /// In Masterminds' words.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, String> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(self.renamed(Self { prerelease: prerelease.to_owned(), ..self.clone() }))
    }

    /// The same version with other metadata.
    ///
    /// # Errors
    /// In Masterminds' words.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, String> {
        if !metadata.split('.').all(|part| part.bytes().all(is_identifying)) {
            return Err("Invalid Metadata string".to_owned());
        }
        Ok(self.renamed(Self { metadata: metadata.to_owned(), ..self.clone() }))
    }

    fn next(&self, major: u64, minor: u64, patch: u64) -> Self {
        self.renamed(Self { major, minor, patch, ..Self::default() })
    }

    fn renamed(&self, version: Self) -> Self {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        Self { original: format!("{prefix}{version}"), ..version }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn is_identifying(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_identifiers(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_identifying))
}

fn check_prerelease(text: &str) -> Result<(), String> {
    for part in text.split('.') {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            if part.len() > 1 && part.starts_with('0') {
                return Err("Version segment starts with 0".to_owned());
            }
        } else if !part.bytes().all(is_identifying) {
            return Err("Invalid Prerelease string".to_owned());
        }
    }
    Ok(())
}

/// The order of prereleases, part by part: numbers by value and before words, what is missing first.
pub fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => (x.unwrap_or_default(), y.unwrap_or_default()),
        };
        let ordering = compare_parts(x, y);
        if ordering.is_ne() {
            return ordering;
        }
    }
}

fn compare_parts(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    if a.is_empty() {
        return Ordering::Less;
    }
    if b.is_empty() {
        return Ordering::Greater;
    }
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Err(_), Err(_)) => a.cmp(b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        // Equal numbers of different spelling are not equal to Masterminds.
        (Ok(a), Ok(b)) => {
            if a > b {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}
