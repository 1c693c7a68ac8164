//! A repository on this machine as the command line reads it: what is committed and, in a work tree, what is not yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{ErrorKind, Read, Write},
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use git2::{ErrorCode, IndexEntryExtendedFlag, Oid, Repository, RepositoryOpenFlags};

use super::{
    Error, commit_id, odd_name, open,
    snapshot::{GitTree, LeftOut, MAX_ENTRIES, MAX_PATH_BYTES, kind, read_blob, read_link_blob},
    while_doing,
};
use crate::{
    model::repository::CommitId,
    source::{
        path::RepoPath,
        tree::{Entry, EntryKind, MAX_FILE_BYTES, SourceTree, TreeError},
    },
};

/// The files of a local repository: of a bare one those of HEAD, of a work tree those on disk that are tracked or not
/// ignored.
#[derive(Debug)]
pub struct LocalTree {
    path: PathBuf,
    head: Option<CommitId>,
    remotes: Vec<String>,
    files: Files,
}

#[derive(Debug)]
enum Files {
    Committed(GitTree),
    /// Nothing is committed and nothing is on disk.
    None,
    WorkTree(WorkTree),
}

struct WorkTree {
    /// Only for the files that a sparse checkout leaves away.
    repository: Mutex<Repository>,
    entries: Vec<Entry>,
    /// Tracked files that are not on disk on purpose.
    sparse: BTreeMap<RepoPath, Oid>,
    left_out: Vec<LeftOut>,
    /// What was read, so that every reader sees the same and a change behind our back is noticed before writing.
    read: Mutex<BTreeMap<RepoPath, Arc<[u8]>>>,
}

/// The addresses of a repository's remotes on a network.
fn remotes(repository: &Repository) -> Vec<String> {
    let Ok(names) = repository.remotes() else { return Vec::new() };
    let names = (0..names.len()).filter_map(|at| names.get(at).ok().flatten().map(str::to_owned));
    let url = |name: String| Some(repository.find_remote(&name).ok()?.url().ok()?.to_owned());
    let is_remote = |url: &String| {
        let has_host = url.contains("://") || url.split_once(':').is_some_and(|(host, _)| !host.contains('/'));
        has_host && !url.starts_with("file://")
    };
    names.filter_map(url).filter(is_remote).collect()
}

impl LocalTree {
    /// Opens a work tree by its top folder, or a bare repository.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let path = fs::canonicalize(path).map_err(Error::io(path))?;
        let repository = open(&path, false).map_err(|error| match error.code() {
            ErrorCode::NotFound => not_the_top(&path),
            ErrorCode::Owner => Error::NotTrusted { path: path.clone() },
            _ => while_doing("the repository cannot be opened")(error),
        })?;
        let head = match repository.head() {
            Ok(head) => head.peel_to_commit().map(|commit| Some(commit_id(commit.id()))),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        let head = head.map_err(while_doing("HEAD cannot be read"))?;
        let remotes = remotes(&repository);
        let files = match (repository.workdir(), &head) {
            // The repository's own configuration may name any folder as its work tree.
            (Some(top), _) if fs::canonicalize(top).map_err(Error::io(top))? == path => {
                Files::WorkTree(WorkTree::list(&path, repository)?)
            }
            (Some(_), _) => return Err(not_the_top(&path)),
            (None, Some(head)) => Files::Committed(GitTree::of(repository, head)?),
            (None, None) => Files::None,
        };
        Ok(Self { path, head, remotes, files })
    }

    /// The commit that HEAD names; absent before the first commit.
    pub fn head(&self) -> Option<&CommitId> {
        self.head.as_ref()
    }

    /// The addresses of the repository's remotes that are on a network; a path of this machine says nothing of where others
    /// find it.
    pub fn remotes(&self) -> Vec<String> {
        self.remotes.clone()
    }

    /// What is there and not shown: names that lead elsewhere, deceive or are not text.
    pub fn left_out(&self) -> &[LeftOut] {
        match &self.files {
            Files::Committed(tree) => tree.left_out(),
            Files::None => &[],
            Files::WorkTree(tree) => &tree.left_out,
        }
    }

    /// Writes files of the work tree, `None` removing one. Each file is replaced whole or not at all, and keeps its mode.
    ///
    /// Everything is checked and written beside its place before the first file is replaced. Refused are links, also as
    /// folders, names that are git's, and a file that is no longer as it was read.
    pub fn write(&self, changes: &BTreeMap<RepoPath, Option<Arc<[u8]>>>) -> Result<(), Error> {
        let Files::WorkTree(tree) = &self.files else {
            return Err(Error::Bare { path: self.path.clone() });
        };
        let mut checked = Vec::new();
        for (path, content) in changes {
            if let Some(why) = path.as_str().split('/').find_map(odd_name) {
                return Err(Error::Path(path.clone(), why));
            }
            let present = tree.check_before_writing(&self.path, path)?;
            if content.is_none() && present.is_none() {
                return Err(Error::Missing(path.to_string()));
            }
            checked.push((self.path.join(path.as_str()), content, present));
        }
        let mut ready = Vec::new();
        for (target, content, present) in checked {
            let file = content.as_ref().map(|content| beside(&target, content, present)).transpose()?;
            ready.push((target, file));
        }
        for (target, file) in ready {
            match file {
                Some(file) => drop(file.persist(&target).map_err(|error| Error::io(&target)(error.error))?),
                None => fs::remove_file(&target).map_err(Error::io(&target))?,
            }
        }
        let mut read = tree.read.lock().unwrap_or_else(PoisonError::into_inner);
        for path in changes.keys() {
            read.remove(path);
        }
        Ok(())
    }
}

impl SourceTree for LocalTree {
    fn entries(&self) -> &[Entry] {
        match &self.files {
            Files::Committed(tree) => tree.entries(),
            Files::None => &[],
            Files::WorkTree(tree) => &tree.entries,
        }
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        match &self.files {
            Files::Committed(tree) => tree.read(path),
            Files::None => Err(TreeError::Missing(path.clone())),
            Files::WorkTree(tree) => tree.read(&self.path, path),
        }
    }

    fn link(&self, path: &RepoPath) -> Result<String, TreeError> {
        match &self.files {
            Files::Committed(tree) => tree.link(path),
            Files::None => Err(TreeError::NotALink(path.clone())),
            Files::WorkTree(tree) => tree.link(&self.path, path),
        }
    }
}

impl std::fmt::Debug for WorkTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkTree({} entries)", self.entries.len())
    }
}

impl WorkTree {
    fn list(top: &Path, repository: Repository) -> Result<Self, Error> {
        let doing = while_doing("the index cannot be read");
        let index = repository.index().map_err(&doing)?;
        let mut walk = Walk {
            top,
            repository: &repository,
            seen: 0,
            tracked: BTreeSet::new(),
            entries: Vec::new(),
            left_out: Vec::new(),
        };
        let mut sparse = BTreeMap::new();
        let mut submodules = BTreeSet::new();
        for entry in index.iter() {
            let Ok(path) = String::from_utf8(entry.path) else { continue };
            if let Ok(path) = path.parse::<RepoPath>()
                && !path.as_str().split('/').any(|part| odd_name(part).is_some())
            {
                match kind(entry.mode as i32) {
                    Some(EntryKind::Submodule) => drop(submodules.insert(path)),
                    Some(kind) if entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0 => {
                        sparse.insert(path, (kind, entry.id));
                    }
                    _ => {}
                }
            }
            walk.tracked.insert(path);
        }
        drop(index);
        walk.folders(&submodules)?;
        let Walk { mut entries, mut left_out, .. } = walk;
        let on_disk: BTreeSet<RepoPath> = entries.iter().map(|entry| entry.path.clone()).collect();
        sparse.retain(|path, _| !on_disk.contains(path));
        entries.extend(sparse.iter().map(|(path, (kind, _))| Entry { path: path.clone(), kind: *kind }));
        entries.extend(submodules.into_iter().map(|path| Entry { path, kind: EntryKind::Submodule }));
        entries.sort();
        left_out.sort();
        let sparse = sparse.into_iter().map(|(path, (_, blob))| (path, blob)).collect();
        Ok(Self { repository: Mutex::new(repository), entries, sparse, left_out, read: Mutex::default() })
    }

    fn read(&self, top: &Path, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        let at = self.entries.binary_search_by(|entry| entry.path.cmp(path));
        let at = at.map_err(|_| TreeError::Missing(path.clone()))?;
        if !matches!(self.entries[at].kind, EntryKind::File | EntryKind::Executable) {
            return Err(TreeError::NotAFile(path.clone()));
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = read.get(path) {
            return Ok(content.clone());
        }
        let content = match self.sparse.get(path) {
            Some(blob) => read_blob(&self.repository.lock().unwrap_or_else(PoisonError::into_inner), *blob, path)?,
            None => read_file(top, path)?,
        };
        read.insert(path.clone(), content.clone());
        Ok(content)
    }

    fn link(&self, top: &Path, path: &RepoPath) -> Result<String, TreeError> {
        let not_a_link = || TreeError::NotALink(path.clone());
        let at = self.entries.binary_search_by(|entry| entry.path.cmp(path)).map_err(|_| not_a_link())?;
        if self.entries[at].kind != EntryKind::Symlink {
            return Err(not_a_link());
        }
        match self.sparse.get(path) {
            Some(blob) => read_link_blob(&self.repository.lock().unwrap_or_else(PoisonError::into_inner), *blob, path),
            None => {
                let target = fs::read_link(top.join(path.as_str()));
                let target =
                    target.map_err(|error| TreeError::Broken { path: path.clone(), why: error.to_string() })?;
                target.into_os_string().into_string().map_err(|_| not_a_link())
            }
        }
    }

    /// Tells what is at a path that is to be written: a regular file with this meta data, or nothing.
    fn check_before_writing(&self, top: &Path, path: &RepoPath) -> Result<Option<fs::Metadata>, Error> {
        if self.sparse.contains_key(path) {
            return Err(Error::Path(path.clone(), "the sparse checkout leaves it away"));
        }
        let target = top.join(path.as_str());
        match look(top, path) {
            Ok(found) => {
                let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
                match known {
                    Some(known) if read_file(top, path).ok().as_ref() != Some(&known) => {
                        Err(Error::Changed(path.clone()))
                    }
                    _ => Ok(Some(found)),
                }
            }
            Err(Look::Nothing) => Ok(None),
            Err(Look::NotAFile) => {
                Err(Error::Path(path.clone(), "it is, or lies behind, a link or something that is no file"))
            }
            Err(Look::Io(source)) => Err(Error::Io { path: target, source }),
        }
    }
}

/// The walk over the files on disk.
struct Walk<'w> {
    top: &'w Path,
    repository: &'w Repository,
    seen: usize,
    tracked: BTreeSet<String>,
    entries: Vec<Entry>,
    left_out: Vec<LeftOut>,
}

impl Walk<'_> {
    fn folders(&mut self, submodules: &BTreeSet<RepoPath>) -> Result<(), Error> {
        let mut folders = vec![String::new()];
        while let Some(prefix) = folders.pop() {
            let folder = self.top.join(&prefix);
            let mut inside = Vec::new();
            for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
                inside.push(entry.map_err(Error::io(&folder))?);
                self.seen += 1;
                if self.seen > MAX_ENTRIES {
                    return Err(Error::TooLarge("500,000 files and folders"));
                }
            }
            if inside.iter().any(|entry| entry.file_name() == ".git") {
                // A repository of its own inside this one, unless files in it are tracked here all the same.
                if !prefix.is_empty() && !self.tracks_below(&prefix) {
                    self.leave_out("", prefix.trim_end_matches('/'), "it is a repository of its own");
                    continue;
                }
                inside.retain(|entry| entry.file_name() != ".git");
            }
            for entry in inside {
                let file_name = entry.file_name();
                let Some(name) = file_name.to_str() else {
                    self.leave_out(&prefix, &file_name.to_string_lossy(), "it is not UTF-8");
                    continue;
                };
                let path = format!("{prefix}{name}");
                let meta = entry.metadata().map_err(Error::io(&entry.path()))?;
                let below = format!("{path}/");
                if !(self.tracked.contains(&path) || meta.is_dir() && self.tracks_below(&below))
                    && self.ignores(&path)?
                {
                    continue;
                }
                if let Some(why) = odd_name(name) {
                    self.leave_out(&prefix, name, why);
                } else if path.len() > MAX_PATH_BYTES {
                    self.leave_out("", "…", "its path is too long");
                } else if let Ok(path) = path.parse::<RepoPath>() {
                    match on_disk(&meta) {
                        Some(kind) if !submodules.contains(&path) => self.entries.push(Entry { path, kind }),
                        None if meta.is_dir() && !submodules.contains(&path) => folders.push(below),
                        None if !meta.is_dir() => self.leave_out(&prefix, name, "it is no file, folder or link"),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn tracks_below(&self, prefix: &str) -> bool {
        self.tracked
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .next()
            .is_some_and(|path| path.starts_with(prefix))
    }

    fn ignores(&self, path: &str) -> Result<bool, Error> {
        self.repository.is_path_ignored(path).map_err(while_doing("the .gitignore files cannot be read"))
    }

    fn leave_out(&mut self, prefix: &str, name: &str, why: &'static str) {
        self.left_out.push(LeftOut { path: format!("{prefix}{name}").escape_debug().to_string(), why });
    }
}

/// What a file on disk is; absent for folders, sockets, pipes and devices.
fn on_disk(meta: &fs::Metadata) -> Option<EntryKind> {
    if meta.is_symlink() {
        Some(EntryKind::Symlink)
    } else if meta.is_file() {
        Some(if executable(meta) { EntryKind::Executable } else { EntryKind::File })
    } else {
        None
    }
}

#[cfg(unix)]
fn executable(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn executable(_: &fs::Metadata) -> bool {
    false
}

/// Why there is no regular file at a path.
enum Look {
    Nothing,
    NotAFile,
    Io(std::io::Error),
}

/// Looks at a path part by part, so that no link is followed on the way, neither to a file nor to a folder.
fn look(top: &Path, path: &RepoPath) -> Result<fs::Metadata, Look> {
    let mut at = top.to_owned();
    let mut parts = path.as_str().split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let meta = fs::symlink_metadata(&at).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Look::Nothing,
            _ => Look::Io(error),
        })?;
        match parts.peek() {
            Some(_) if meta.is_dir() => {}
            None if meta.is_file() => return Ok(meta),
            _ => return Err(Look::NotAFile),
        }
    }
    Err(Look::NotAFile)
}

fn read_file(top: &Path, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
    let broken = |error: std::io::Error| TreeError::Broken { path: path.clone(), why: error.to_string() };
    let meta = look(top, path).map_err(|look| match look {
        Look::Nothing => TreeError::Missing(path.clone()),
        Look::NotAFile => TreeError::NotAFile(path.clone()),
        Look::Io(error) => broken(error),
    })?;
    let mut content = Vec::new();
    if meta.len() <= MAX_FILE_BYTES {
        let file = fs::File::open(top.join(path.as_str())).map_err(broken)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(broken)?;
    }
    let bytes = meta.len().max(content.len() as u64);
    if bytes > MAX_FILE_BYTES {
        return Err(TreeError::TooLarge { path: path.clone(), bytes });
    }
    Ok(content.into())
}

/// Writes the new content into the folder of its file, ready to take the file's place.
fn beside(target: &Path, content: &[u8], present: Option<fs::Metadata>) -> Result<tempfile::NamedTempFile, Error> {
    let folder = target.parent().unwrap_or(target);
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sourceward-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(Error::io(folder))?;
    file.write_all(content).map_err(Error::io(target))?;
    if let Some(meta) = present {
        file.as_file().set_permissions(meta.permissions()).map_err(Error::io(target))?;
    }
    file.as_file().sync_all().map_err(Error::io(target))?;
    Ok(file)
}

fn not_the_top(path: &Path) -> Error {
    let found = Repository::open_ext(path, RepositoryOpenFlags::empty(), &[] as &[&std::ffi::OsStr]);
    match found.as_ref().ok().and_then(Repository::workdir) {
        Some(top) if path.starts_with(top) => Error::NotTheTop { path: path.to_owned(), top: top.to_owned() },
        _ => Error::NotARepository { path: path.to_owned() },
    }
}
