//! The operator's folder of charts, read once and laid beside a repository's files under a name that no repository has.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};

use crate::{
    source::{
        path::RepoPath,
        tree::{Entry, EntryKind, MAX_FILE_BYTES, SourceTree, TreeError},
    },
    stack::surroundings::CHARTS,
};

/// The most files of the folder.
const MAX_FILES: usize = 50_000;

/// The most bytes of the folder: 256 MiB.
const MAX_BYTES: u64 = 256 << 20;

/// How deep folders may nest.
const MAX_DEPTH: usize = 24;

/// Charts that are in no repository.
#[derive(Debug, Default)]
pub struct Charts {
    files: BTreeMap<RepoPath, Arc<[u8]>>,
}

/// A repository's files and the operator's charts.
pub struct WithCharts<'t> {
    below: &'t dyn SourceTree,
    charts: &'t Charts,
    /// Those of both; absent where there are no charts.
    entries: Option<Vec<Entry>>,
}

impl Charts {
    /// Reads a folder. Links are passed over, and so are files that are too large to be read at all.
    ///
    /// # Errors
    /// Where it cannot be read, or holds too much.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let (mut charts, mut bytes) = (Self::default(), 0);
        let mut todo: Vec<(PathBuf, RepoPath, usize)> = vec![(folder.to_owned(), CHARTS.parse()?, 0)];
        while let Some((folder, path, depth)) = todo.pop() {
            let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
            for entry in entries {
                let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
                let Some(path) = entry.file_name().to_str().and_then(|name| path.resolve(name).ok()) else { continue };
                let about = entry.file_type().with_context(|| format!("{path} cannot be read"))?;
                if about.is_dir() && entry.file_name() != ".git" {
                    if depth >= MAX_DEPTH {
                        bail!("{} is nested too deeply for a folder of charts", entry.path().display());
                    }
                    todo.push((entry.path(), path, depth + 1));
                } else if about.is_file() {
                    let size = entry.metadata().map(|about| about.len()).unwrap_or_default();
                    if size > MAX_FILE_BYTES {
                        continue;
                    }
                    bytes += size;
                    if charts.files.len() >= MAX_FILES || bytes > MAX_BYTES {
                        bail!("{} holds more than {MAX_FILES} files or {MAX_BYTES} bytes", folder.display());
                    }
                    let content = fs::read(entry.path()).with_context(|| format!("{path} cannot be read"))?;
                    charts.files.insert(path, content.into());
                }
            }
        }
        Ok(charts)
    }

    /// A repository's files with the charts beside them.
    pub fn beside<'t>(&'t self, below: &'t dyn SourceTree) -> WithCharts<'t> {
        let charts = self.files.keys().map(|path| Entry { path: path.clone(), kind: EntryKind::File });
        let entries = (!self.files.is_empty()).then(|| {
            // What a repository may not have does not hide what the operator has.
            let own = below.entries().iter().filter(|entry| !entry.path.as_str().starts_with(".git/"));
            let mut entries: Vec<Entry> = own.cloned().chain(charts).collect();
            entries.sort();
            entries
        });
        WithCharts { below, charts: self, entries }
    }
}

impl SourceTree for WithCharts<'_> {
    fn entries(&self) -> &[Entry] {
        self.entries.as_deref().unwrap_or_else(|| self.below.entries())
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        match self.charts.files.get(path) {
            Some(content) => Ok(content.clone()),
            None => self.below.read(path),
        }
    }

    fn link(&self, path: &RepoPath) -> Result<String, TreeError> {
        self.below.link(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tree::{MemoryTree, entry};

    #[test]
    fn charts_stand_beside_the_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("redis/templates")).expect("a folder");
        fs::write(folder.path().join("redis/Chart.yaml"), "name: redis\n").expect("a file");
        let charts = Charts::read(folder.path()).expect("it reads");
        let path = |text: &str| text.parse::<RepoPath>().expect("a path");
        let below = MemoryTree::of([(path("a.yaml"), "1"), (path("z.yaml"), "2")]);
        let tree = charts.beside(&below);
        assert!(tree.entries().is_sorted());
        assert!(entry(&tree, &path(".git/charts/redis/Chart.yaml")).is_some());
        assert_eq!(tree.read(&path("z.yaml")).as_deref(), Ok("2".as_bytes()));
        assert!(Charts::read(&folder.path().join("missing")).is_err());
    }
}
