//! Names in git and on a forge, parsed at the door.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A repository on a forge: `owner/name`, compared without regard to case as GitHub does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoSlug {
    owner: String,
    name: String,
}

/// A branch's short name, such that git and GitHub accept it and no shell or template can be surprised by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BranchName(String);

/// A commit's object id: 40 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// Why a text is not the name it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Not `owner/name` of GitHub's characters.
    #[error("{0:?} is not a repository: expected owner/name of letters, digits, \"-\", \"_\" and \".\"")]
    Slug(String),
    /// Not a branch that git's `check-ref-format` accepts, or one of unusual characters.
    #[error("{0:?} is not a branch name: expected at most 200 letters, digits, \"-\", \"_\", \".\" and \"/\"")]
    Branch(String),
    /// Not a full object id.
    #[error("{0:?} is not a commit id: expected 40 hexadecimal digits")]
    Commit(String),
}

impl RepoSlug {
    /// The owner, in lower case.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository's own name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl BranchName {
    /// The short name, without `refs/heads/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full reference name.
    pub fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl CommitId {
    /// The 40 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepoSlug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.len() <= 100
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if fits(owner) && fits(name) => {
                Ok(Self { owner: owner.to_ascii_lowercase(), name: name.to_ascii_lowercase() })
            }
            _ => Err(NameError::Slug(text.to_owned())),
        }
    }
}

impl FromStr for BranchName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with('.')
                && !part.ends_with(".lock")
                && !part.contains("..")
        };
        if plain && text.len() <= 200 && text != "HEAD" && text.split('/').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Branch(text.to_owned()))
        }
    }
}

impl FromStr for CommitId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Commit(text.to_owned()))
        }
    }
}

macro_rules! text_forms {
    ($name:ty, $self:ident => $text:expr) => {
        impl fmt::Display for $name {
            fn fmt(&$self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text.as_ref())
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }
    };
}

text_forms!(RepoSlug, self => format!("{}/{}", self.owner, self.name));
text_forms!(BranchName, self => self.0);
text_forms!(CommitId, self => self.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_at_the_door() {
        assert_eq!("Acme/GitOps".parse::<RepoSlug>().expect("parses").to_string(), "acme/gitops");
        for bad in ["acme", "a/b/c", "../x", "a/..", "a/b c", "a/$(id)", ""] {
            assert!(bad.parse::<RepoSlug>().is_err(), "{bad}");
        }
        assert_eq!(
            "sourceward/cart-0a1b".parse::<BranchName>().expect("parses").reference(),
            "refs/heads/sourceward/cart-0a1b"
        );
        for bad in ["", "-x", "a//b", "a/.b", "a.lock", "a..b", "a b", "$(id)", "a/", "HEAD", "a\nb"] {
            assert!(bad.parse::<BranchName>().is_err(), "{bad}");
        }
        assert!("0123".parse::<CommitId>().is_err());
    }
}
