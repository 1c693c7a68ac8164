//! A bare copy of a remote repository in the data folder: what is fetched stays, so the next fetch is small.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use git2::{AutotagOption, Config, Direction, FetchOptions, RemoteRedirect, Repository, RepositoryInitOptions};

use super::{
    Error, commit_id, oid, open,
    remote::{RemoteAddress, callbacks, failure, within},
    snapshot::GitTree,
    while_doing,
};
use crate::model::{
    repository::{BranchName, CommitId},
    secret::Secret,
};

/// After this long a file was left behind by a process or thread that ended: no write of a reference takes a second, and
/// whoever fetches for so long was given up.
const STALE: Duration = Duration::from_secs(600);

/// A bare mirror of one remote. It is a cache: removed, it is fetched again.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub(super) folder: PathBuf,
    pub(super) remote: RemoteAddress,
    pub(super) deadline: Duration,
}

/// What a remote has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The branch that HEAD names.
    pub default_branch: Option<BranchName>,
    /// The branches that were asked for, as far as they exist, and their commits.
    pub branches: BTreeMap<BranchName, CommitId>,
}

impl Mirror {
    /// Opens the mirror at `folder`, or makes it. A conversation with the remote is given up after `deadline`.
    pub fn open(folder: &Path, remote: RemoteAddress, deadline: Duration) -> Result<Self, Error> {
        let mirror = Self { folder: folder.to_owned(), remote, deadline };
        if !folder.exists() {
            mirror.create()?;
        }
        mirror.repository()?;
        let noted = fs::read_to_string(mirror.note()).map_err(Error::io(&mirror.note()))?;
        if noted != mirror.remote.as_str() {
            return Err(Error::OtherRemote { folder: folder.to_owned(), remote: mirror.remote.to_string() });
        }
        mirror.remove_leftovers_before(SystemTime::now() - STALE)?;
        Ok(mirror)
    }

    /// Removes locks of references and half-written objects that are older than a time: whoever made them is gone.
    pub fn remove_leftovers_before(&self, time: SystemTime) -> Result<(), Error> {
        let objects = self.folder.join("objects");
        // libgit2 writes objects and packs beside their place, and to the end only then.
        let half_written = |name: &str| name.starts_with("tmp_object_git2_") || name.starts_with("pack_git2_");
        remove_files(&objects, false, time, &half_written)?;
        remove_files(&objects.join("pack"), false, time, &half_written)?;
        remove_files(&self.folder.join("refs"), true, time, &|name| name.ends_with(".lock"))
    }

    /// The remote.
    pub fn remote(&self) -> &RemoteAddress {
        &self.remote
    }

    /// Fetches branches, or the default branch where none is named. A branch that the remote no longer has is forgotten.
    pub fn fetch(&self, branches: &[BranchName], token: Option<&Secret>) -> Result<Fetched, Error> {
        let (mirror, branches, token) = (self.clone(), branches.to_vec(), token.cloned());
        within(self.deadline, "fetching", move || mirror.fetch_now(branches, token.as_ref()))
    }

    /// The commit of a branch as of the last fetch.
    pub fn head(&self, branch: &BranchName) -> Result<CommitId, Error> {
        let repository = self.repository()?;
        let found = repository.refname_to_id(&tracking(branch));
        found.map(commit_id).map_err(|_| Error::Missing(format!("branch {branch} in {}", self.remote)))
    }

    /// The tree of a commit that was fetched or made here.
    pub fn tree(&self, commit: &CommitId) -> Result<GitTree, Error> {
        GitTree::of(self.repository()?, commit)
    }

    /// Tells whether a commit is another one's ancestor, or that one itself.
    pub fn is_ancestor(&self, ancestor: &CommitId, commit: &CommitId) -> Result<bool, Error> {
        let found = self.repository()?.graph_descendant_of(oid(commit), oid(ancestor));
        Ok(ancestor == commit || found.map_err(while_doing("the history cannot be read"))?)
    }

    /// The first lines of the latest commits' messages, the newest first, without merges.
    pub fn subjects(&self, commit: &CommitId, count: usize) -> Result<Vec<String>, Error> {
        let doing = while_doing("the history cannot be read");
        let repository = self.repository()?;
        let mut walk = repository.revwalk().map_err(&doing)?;
        walk.simplify_first_parent().map_err(&doing)?;
        walk.push(oid(commit)).map_err(&doing)?;
        let mut subjects = Vec::new();
        for id in walk.take(2 * count) {
            let found = id.and_then(|id| repository.find_commit(id)).map_err(&doing)?;
            let subject = found.message_bytes().split(|byte| *byte == b'\n').next().unwrap_or_default();
            if found.parent_count() < 2 && subjects.len() < count {
                subjects.push(String::from_utf8_lossy(subject).into_owned());
            }
        }
        Ok(subjects)
    }

    pub(super) fn repository(&self) -> Result<Repository, Error> {
        let opened = open(&self.folder, true).and_then(|repository| {
            repository.set_config(&Config::open(&self.folder.join("config"))?)?;
            Ok(repository)
        });
        opened.map_err(while_doing("the mirror cannot be opened (it is a cache: remove it)"))
    }

    fn fetch_now(&self, mut branches: Vec<BranchName>, token: Option<&Secret>) -> Result<Fetched, Error> {
        let failed = failure("fetching", &self.remote, token);
        let repository = self.repository()?;
        let mut remote = repository.remote_anonymous(self.remote.as_str()).map_err(&failed)?;
        let mut connection = remote
            .connect_auth(Direction::Fetch, Some(callbacks(&self.remote, token)), Some(self.remote.proxy()))
            .map_err(&failed)?;
        let mut heads = BTreeMap::new();
        let mut default_branch = None;
        for head in connection.list().map_err(&failed)? {
            let branch = |name: &str| name.strip_prefix("refs/heads/").and_then(|name| name.parse::<BranchName>().ok());
            if head.name() == "HEAD" {
                default_branch = head.symref_target().and_then(branch);
            } else if let Some(branch) = branch(head.name()) {
                heads.insert(branch, head.oid());
            }
        }
        if branches.is_empty() {
            branches.extend(default_branch.clone());
        }
        let refspecs: Vec<String> = branches
            .iter()
            .filter(|branch| heads.contains_key(*branch))
            .map(|branch| format!("+{}:{}", branch.reference(), tracking(branch)))
            .collect();
        if !refspecs.is_empty() {
            let mut options = FetchOptions::new();
            options.remote_callbacks(callbacks(&self.remote, token));
            options.proxy_options(self.remote.proxy());
            options.follow_redirects(RemoteRedirect::None);
            options.download_tags(AutotagOption::None);
            connection.remote().download(&refspecs, Some(&mut options)).map_err(&failed)?;
        }
        let noting = while_doing("the mirror cannot note what it fetched");
        let mut fetched = Fetched { default_branch, branches: BTreeMap::new() };
        for branch in branches {
            match heads.get(&branch) {
                Some(head) => {
                    repository.reference(&tracking(&branch), *head, true, "fetch").map_err(&noting)?;
                    fetched.branches.insert(branch, commit_id(*head));
                }
                None => {
                    if let Ok(mut gone) = repository.find_reference(&tracking(&branch)) {
                        gone.delete().map_err(&noting)?;
                    }
                }
            }
        }
        Ok(fetched)
    }

    /// Notes a commit as the head of a branch, as a push has made it.
    pub(super) fn note_head(&self, branch: &BranchName, commit: &CommitId) -> Result<(), Error> {
        let noted = self.repository()?.reference(&tracking(branch), oid(commit), true, "push").map(drop);
        noted.map_err(while_doing("the mirror cannot note what it pushed"))
    }

    /// Makes the mirror beside its place: a process that ends halfway leaves nothing that looks like one.
    fn create(&self) -> Result<(), Error> {
        let above = self.folder.parent().unwrap_or(&self.folder);
        fs::create_dir_all(above).map_err(Error::io(above))?;
        let mut made = tempfile::Builder::new().prefix(".mirror-").tempdir_in(above).map_err(Error::io(above))?;
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head("main");
        let doing = while_doing("the mirror cannot be made");
        Repository::init_opts(made.path(), &options).map_err(&doing)?;
        // Fetching and pushing say so themselves, connecting cannot: by default it follows to another host.
        let config = Config::open(&made.path().join("config"));
        config.and_then(|mut config| config.set_bool("http.followRedirects", false)).map_err(&doing)?;
        let note = made.path().join(REMOTE_NOTE);
        fs::write(&note, self.remote.as_str()).map_err(Error::io(&note))?;
        match fs::rename(made.path(), &self.folder) {
            Ok(()) => {
                made.disable_cleanup(true);
                Ok(())
            }
            // Another one was quicker.
            Err(_) if self.folder.exists() => Ok(()),
            Err(error) => Err(Error::io(&self.folder)(error)),
        }
    }

    fn note(&self) -> PathBuf {
        self.folder.join(REMOTE_NOTE)
    }
}

/// The file in a mirror that names its remote.
const REMOTE_NOTE: &str = "sourceward-remote";

/// Removes the files in a folder, or also below it, that were last written before a time and have such a name.
fn remove_files(folder: &Path, below: bool, time: SystemTime, named: &dyn Fn(&str) -> bool) -> Result<(), Error> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let path = entry.map_err(Error::io(&folder))?.path();
            // An entry that another thread has just removed is no trouble.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            let fits = path.file_name().and_then(|name| name.to_str()).is_some_and(named);
            if meta.is_dir() {
                folders.extend(below.then_some(path));
            } else if fits && meta.modified().is_ok_and(|written| written < time) {
                fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        }
    }
    Ok(())
}

/// Where a mirror keeps the head of a remote branch.
fn tracking(branch: &BranchName) -> String {
    format!("refs/remotes/origin/{branch}")
}
