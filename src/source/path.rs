//! Paths inside a repository.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A file or folder of a repository: relative, `/` between parts, without `.`, `..` or empty parts; empty is the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a text is not a path inside a repository.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a path inside the repository: expected relative parts between \"/\", without \"..\"")]
pub struct PathError(String);

impl RepoPath {
    /// The repository's root folder.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path as git writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part; empty at the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The folder that holds this, absent at the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or("", |(above, _)| above).to_owned()))
    }

    /// Resolves a relative reference as a file in this folder would: `.` and `..` are allowed while they stay inside.
    pub fn resolve(&self, reference: &str) -> Result<Self, PathError> {
        let error = || PathError(reference.to_owned());
        if reference.starts_with('/') || reference.contains(['\0', '\\']) {
            return Err(error());
        }
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in reference.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(error)?;
                }
                part => parts.push(part),
            }
        }
        Ok(Self(parts.join("/")))
    }

    /// Tells whether this is `folder` or lies somewhere below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.0.is_empty()
            || self == folder
            || self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The bytes of a path in this folder that come before its name there: those of this path and a slash, none at the root.
    pub fn prefix_len(&self) -> usize {
        if self.0.is_empty() { 0 } else { self.0.len() + 1 }
    }

    /// The file name's ending without its dot, in lower case; empty where there is none.
    pub fn extension(&self) -> String {
        self.name().rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
    }
}

impl FromStr for RepoPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let fits = |part: &str| !matches!(part, "" | "." | "..");
        if text.contains(['\0', '\\']) || !text.split('/').all(fits) {
            Err(PathError(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl TryFrom<String> for RepoPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_outside() {
        for bad in ["/etc/passwd", "..", "a/../b", "a//b", "./a", "a/", "a\\b", "a\0"] {
            assert!(bad.parse::<RepoPath>().is_err(), "{bad:?}");
        }
        let folder: RepoPath = "overlays/prod".parse().expect("parses");
        assert_eq!(folder.resolve("../../base/x.yaml").expect("inside").as_str(), "base/x.yaml");
        assert!(folder.resolve("../../../x").is_err());
        assert!(folder.resolve("/x").is_err());
    }

    #[test]
    fn a_folder_holds_its_own_files_only() {
        let path = |text: &str| text.parse::<RepoPath>().expect("parses");
        assert!(path("a/b.yaml").is_within(&path("a")));
        assert!(!path("ab/c").is_within(&path("a")));
        assert!(path("a").is_within(&RepoPath::root()));
        assert_eq!(path("a/b.YAML").extension(), "yaml");
        assert_eq!(path("a").parent(), Some(RepoPath::root()));
        assert_eq!(RepoPath::root().parent(), None);
    }
}
