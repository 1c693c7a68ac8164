//! Git: what is read, committed and pushed is what git itself sees.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use sourceward::{
    model::{repository::CommitId, secret::Secret},
    shell::git::{
        Error,
        commit::Author,
        local::LocalTree,
        mirror::Mirror,
        push::{Pushed, Update},
        remote::RemoteAddress,
        snapshot::GitTree,
    },
    source::{
        path::RepoPath,
        tree::{EntryKind, MAX_FILE_BYTES, SourceTree, TreeError},
    },
};
use tempfile::TempDir;

use crate::remote::{Fault, Remote};

/// Runs the real git without anyone's configuration and gives what it prints.
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    String::from_utf8(git_with(folder, args, b"")).expect("UTF-8").trim_end().to_owned()
}

fn git_with(folder: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Ann"), ("GIT_AUTHOR_EMAIL", "ann@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Ann"), ("GIT_COMMITTER_EMAIL", "ann@example.com")])
        .envs([("GIT_AUTHOR_DATE", "1700000000 +0000"), ("GIT_COMMITTER_DATE", "1700000000 +0000")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is on PATH");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub(crate) fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

/// A work tree with one commit of these files.
pub(crate) fn work_tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "-q"]);
    for (name, content) in files {
        put(folder.path(), name, content);
    }
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "first"]);
    folder
}

pub(crate) fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    fs::write(file, content).expect("written");
}

fn names(tree: &dyn SourceTree) -> Vec<String> {
    tree.entries().iter().map(|entry| entry.path.to_string()).collect()
}

fn text(tree: &dyn SourceTree, name: &str) -> Result<String, TreeError> {
    tree.read(&path(name)).map(|content| String::from_utf8_lossy(&content).into_owned())
}

fn change(name: &str, content: Option<&str>) -> BTreeMap<RepoPath, Option<Arc<[u8]>>> {
    [(path(name), content.map(|content| content.as_bytes().into()))].into()
}

#[test]
fn a_work_tree_is_read_as_it_is_on_disk() {
    let folder = work_tree(&[
        (".gitignore", "*.log\nbuild/\n"),
        ("kept.log.yaml", "a: 1\r\n"),
        ("edited", "old"),
        ("deleted", "gone"),
        ("a/b", "deep"),
        ("a-c", "sorts between"),
    ]);
    let top = folder.path();
    put(top, "edited", "new");
    put(top, "untracked", "new file");
    put(top, "noise.log", "ignored");
    put(top, "build/out", "ignored");
    put(top, "build/tracked", "tracked in an ignored folder");
    git(top, &["add", "-f", "build/tracked"]);
    git(top, &["init", "-q", "nested"]);
    put(top, "nested/file", "of another repository");
    fs::remove_file(top.join("deleted")).expect("removed");
    symlink("/etc/passwd", top.join("link")).expect("linked");
    symlink("/etc", top.join("folder-link")).expect("linked");
    fs::set_permissions(top.join("a/b"), fs::Permissions::from_mode(0o755)).expect("set");
    put(top, "odd\nname", "x");
    fs::write(top.join(std::ffi::OsStr::from_bytes(b"odd\xff")), "x").expect("written");

    let tree = LocalTree::open(top).expect("opens");
    assert_eq!(
        names(&tree),
        [".gitignore", "a-c", "a/b", "build/tracked", "edited", "folder-link", "kept.log.yaml", "link", "untracked"]
    );
    let kind = |name: &str| sourceward::source::tree::entry(&tree, &path(name)).map(|entry| entry.kind);
    assert_eq!(kind("a/b"), Some(EntryKind::Executable));
    assert_eq!(kind("a-c"), Some(EntryKind::File));
    assert_eq!(kind("link"), Some(EntryKind::Symlink));
    assert_eq!(kind("folder-link"), Some(EntryKind::Symlink));
    assert_eq!(text(&tree, "edited").as_deref(), Ok("new"));
    assert_eq!(text(&tree, "kept.log.yaml").as_deref(), Ok("a: 1\r\n"));
    assert_eq!(text(&tree, "link"), Err(TreeError::NotAFile(path("link"))));
    assert_eq!(tree.link(&path("link")).as_deref(), Ok("/etc/passwd"));
    assert_eq!(tree.link(&path("edited")), Err(TreeError::NotALink(path("edited"))));
    assert_eq!(tree.link(&path("nothing")), Err(TreeError::NotALink(path("nothing"))));
    assert_eq!(text(&tree, "folder-link/passwd"), Err(TreeError::Missing(path("folder-link/passwd"))));
    assert_eq!(text(&tree, "deleted"), Err(TreeError::Missing(path("deleted"))));
    let left_out: Vec<_> = tree.left_out().iter().map(|left| left.path.as_str()).collect();
    assert_eq!(left_out, ["nested", "odd\\nname", "odd\u{fffd}"]);
    assert_eq!(tree.head().map(ToString::to_string), Some(git(top, &["rev-parse", "HEAD"])));
    assert_eq!(names(&tree), git_says_present(top), "git ls-files agrees");
}

/// What git itself counts as present: tracked or not ignored, and on disk.
fn git_says_present(top: &Path) -> Vec<String> {
    let listed = git_with(top, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"], b"");
    let mut names: Vec<String> = listed
        .split(|byte| *byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| !name.is_empty() && !name.contains('\n') && !name.ends_with('/'))
        .filter(|name| top.join(name).symlink_metadata().is_ok())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn a_folder_that_became_a_link_is_not_followed() {
    let folder = work_tree(&[("env/values.yaml", "a: 1\n")]);
    let outside = tempfile::tempdir().expect("a folder");
    put(outside.path(), "values.yaml", "stolen");
    let tree = LocalTree::open(folder.path()).expect("opens");
    fs::remove_dir_all(folder.path().join("env")).expect("removed");
    symlink(outside.path(), folder.path().join("env")).expect("linked");
    assert_eq!(text(&tree, "env/values.yaml"), Err(TreeError::NotAFile(path("env/values.yaml"))));
    assert!(matches!(tree.write(&change("env/values.yaml", Some("b"))), Err(Error::Path(..))));
    assert!(matches!(tree.write(&change("env/new.yaml", Some("b"))), Err(Error::Path(..))));
    assert_eq!(fs::read_to_string(outside.path().join("values.yaml")).expect("reads"), "stolen");
    assert_eq!(fs::read_dir(outside.path()).expect("reads").count(), 1);
}

#[test]
fn a_sparse_checkout_and_a_submodule_are_complete() {
    let other = work_tree(&[("inside", "x")]);
    let folder = work_tree(&[("here/a", "1"), ("away/b", "2")]);
    let top = folder.path();
    git(top, &["submodule", "add", "-q", other.path().to_str().expect("UTF-8"), "module"]);
    git(top, &["commit", "-q", "-m", "module"]);
    git(top, &["sparse-checkout", "set", "here"]);
    assert!(!top.join("away").exists());
    let tree = LocalTree::open(top).expect("opens");
    assert_eq!(names(&tree), [".gitmodules", "away/b", "here/a", "module"]);
    assert_eq!(text(&tree, "away/b").as_deref(), Ok("2"));
    assert_eq!(text(&tree, "module"), Err(TreeError::NotAFile(path("module"))));
    assert!(matches!(tree.write(&change("away/b", Some("3"))), Err(Error::Path(..))));
}

#[test]
fn a_bare_repository_and_a_linked_work_tree_are_read() {
    let folder = work_tree(&[("a", "1")]);
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name);
    let source = folder.path().to_str().expect("UTF-8");
    git(place.path(), &["clone", "-q", "--bare", source, "bare"]);
    git(folder.path(), &["worktree", "add", "-q", at("linked").to_str().expect("UTF-8"), "-b", "other"]);
    put(&at("linked"), "b", "2");
    let bare = LocalTree::open(&at("bare")).expect("opens");
    assert_eq!(names(&bare), ["a"]);
    assert_eq!(text(&bare, "a").as_deref(), Ok("1"));
    assert!(matches!(bare.write(&change("a", Some("2"))), Err(Error::Bare { .. })));
    assert_eq!(names(&LocalTree::open(&at("linked")).expect("opens")), ["a", "b"]);
    git(place.path(), &["init", "-q", "--bare", "empty"]);
    assert_eq!(names(&LocalTree::open(&at("empty")).expect("opens")), [""; 0]);
    git(place.path(), &["init", "-q", "unborn"]);
    put(&at("unborn"), "first", "1");
    let unborn = LocalTree::open(&at("unborn")).expect("opens");
    assert_eq!((names(&unborn), unborn.head()), (vec!["first".to_owned()], None));
}

#[test]
fn what_is_no_top_folder_is_refused_by_name() {
    let folder = work_tree(&[("a/b", "1")]);
    let top = fs::canonicalize(folder.path()).expect("exists");
    match LocalTree::open(&top.join("a")) {
        Err(Error::NotTheTop { path, top: said }) => {
            assert_eq!((path, said), (top.join("a"), PathBuf::from(format!("{}/", top.display()))));
        }
        other => panic!("{other:?}"),
    }
    let empty = tempfile::tempdir().expect("a folder");
    assert!(matches!(LocalTree::open(empty.path()), Err(Error::NotARepository { .. })));
    assert!(matches!(LocalTree::open(&empty.path().join("missing")), Err(Error::Io { .. })));
    git(&top, &["config", "core.worktree", "/etc"]);
    assert!(matches!(LocalTree::open(&top), Err(Error::NotARepository { .. })));
}

#[test]
fn writing_replaces_whole_files_and_keeps_modes() {
    let folder = work_tree(&[("run.sh", "old"), ("b", "1"), ("c", "1")]);
    let top = folder.path();
    fs::set_permissions(top.join("run.sh"), fs::Permissions::from_mode(0o750)).expect("set");
    let tree = LocalTree::open(top).expect("opens");
    assert_eq!(text(&tree, "run.sh").as_deref(), Ok("old"));
    let mut changes = change("run.sh", Some("new\r\n"));
    changes.extend(change("b", None));
    changes.extend(change("new/folder/d", Some("2")));
    tree.write(&changes).expect("writes");
    assert_eq!(fs::read_to_string(top.join("run.sh")).expect("reads"), "new\r\n");
    assert_eq!(fs::metadata(top.join("run.sh")).expect("exists").permissions().mode() & 0o777, 0o750);
    assert_eq!(git(top, &["status", "--porcelain", "-uall"]), " D b\n M run.sh\n?? new/folder/d");
    assert_eq!(text(&tree, "run.sh").as_deref(), Ok("new\r\n"));
}

#[test]
fn writing_is_refused_before_anything_is_written() {
    let folder = work_tree(&[("a", "1"), ("b", "1")]);
    let top = folder.path();
    symlink("b", top.join("link")).expect("linked");
    let tree = LocalTree::open(top).expect("opens");
    assert_eq!(text(&tree, "b").as_deref(), Ok("1"));
    put(top, "b", "changed meanwhile");
    for (name, content) in [
        ("b", Some("2")),
        ("link", Some("2")),
        (".git/config", Some("2")),
        ("x/.GIT/y", Some("2")),
        ("b/c", Some("2")),
        ("no", None),
    ] {
        let mut changes = change("a", Some("2"));
        changes.extend(change(name, content));
        assert!(tree.write(&changes).is_err(), "{name}");
        assert_eq!(fs::read_to_string(top.join("a")).expect("reads"), "1", "{name}");
    }
    assert!(matches!(tree.write(&change("b", Some("2"))), Err(Error::Changed(_))));
    assert_eq!(git(top, &["status", "--porcelain"]), " M b\n?? link", "nothing is left behind");
}

#[test]
fn a_hostile_configuration_runs_nothing() {
    let folder = work_tree(&[(".gitattributes", "* filter=evil diff=evil\n"), ("a", "1")]);
    let top = folder.path();
    let ran = top.join(".git/ran");
    let evil = format!("touch {}", ran.display());
    for key in [
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.command",
        "core.pager",
        "credential.helper",
        "core.sshCommand",
        "core.hooksPath",
    ] {
        git(top, &["config", key, &evil]);
    }
    for hook in ["post-checkout", "pre-commit", "post-index-change", "reference-transaction"] {
        put(top, &format!(".git/hooks/{hook}"), format!("#!/bin/sh\n{evil}\n"));
        fs::set_permissions(top.join(".git/hooks").join(hook), fs::Permissions::from_mode(0o755)).expect("set");
    }
    put(top, "a", "2");
    let tree = LocalTree::open(top).expect("opens");
    assert_eq!(text(&tree, "a").as_deref(), Ok("2"));
    tree.write(&change("a", Some("3"))).expect("writes");
    assert_eq!(fs::read_to_string(top.join("a")).expect("reads"), "3");
    assert!(!ran.exists());
}

#[test]
fn a_large_file_is_told_by_its_size() {
    let folder = work_tree(&[]);
    put(folder.path(), "big", vec![b'x'; MAX_FILE_BYTES as usize + 1]);
    let tree = LocalTree::open(folder.path()).expect("opens");
    let bytes = MAX_FILE_BYTES + 1;
    assert_eq!(text(&tree, "big"), Err(TreeError::TooLarge { path: path("big"), bytes }));
}

const TOKEN: &str = "ghs_0123456789abcdefTOKEN";

/// A bare repository with one commit of what a repository may hold, also what it should not.
fn bare_of_everything(place: &Path) -> CommitId {
    git(place, &["init", "-q", "--bare", "a.git"]);
    let top = place.join("a.git");
    let blob = |content: &[u8]| {
        let id = git_with(&top, &["hash-object", "-w", "--stdin"], content);
        String::from_utf8(id).expect("text").trim().to_owned()
    };
    let tree = |entries: &[(&str, &[u8], &str)]| {
        let mut listing = Vec::new();
        for (mode, name, id) in entries {
            let kind = match *mode {
                "040000" => "tree",
                "160000" => "commit",
                _ => "blob",
            };
            listing.extend(format!("{mode} {kind} {id}\t").bytes().chain(name.iter().copied()).chain([0]));
        }
        let id = git_with(&top, &["mktree", "-z", "--missing"], &listing);
        String::from_utf8(id).expect("text").trim().to_owned()
    };
    let (one, script) = (blob(b"a: 1\r\nb: 2"), blob(b"#!/bin/sh\n"));
    let big = blob(&vec![b'x'; MAX_FILE_BYTES as usize + 1]);
    let inner = tree(&[("100644", b"values.yaml", &one), ("100755", b"run.sh", &script)]);
    let empty = tree(&[]);
    let git_folder = tree(&[("100644", b"config", &one)]);
    let root = tree(&[
        ("100644", b"..", &one),
        ("040000", b".GIT", &git_folder),
        ("100644", b"-rf", &one),
        ("100644", b"a\\b", &one),
        ("100644", b"big", &big),
        ("100644", b"crlf.yaml", &one),
        ("040000", b"empty", &empty),
        ("040000", b"env", &inner),
        ("100644", b"env.yaml", &one),
        ("120000", b"link", &blob(b"/etc/passwd")),
        ("160000", b"module", "0123456789012345678901234567890123456789"),
        ("100644", b"n\x1b[31m.yaml", &one),
        ("100644", b"odd\xff", &one),
        ("100644", "\u{e4}.yaml".as_bytes(), &one),
    ]);
    let commit = git(&top, &["commit-tree", &root, "-m", "everything"]);
    git(&top, &["update-ref", "refs/heads/main", &commit]);
    git(&top, &["config", "http.receivepack", "true"]);
    commit.parse().expect("an id")
}

fn mirror(folder: &Path, remote: &str) -> Mirror {
    Mirror::open(folder, remote.parse().expect("an address"), Duration::from_secs(20)).expect("opens")
}

fn author() -> Author {
    Author { name: "sourceward".to_owned(), mail: "bot@example.com".to_owned(), time: 1_700_000_000 }
}

fn token() -> Secret {
    Secret::new(TOKEN)
}

fn branch(name: &str) -> sourceward::model::repository::BranchName {
    name.parse().expect("a branch")
}

#[test]
fn a_commit_is_read_as_git_shows_it() {
    let place = tempfile::tempdir().expect("a folder");
    let commit = bare_of_everything(place.path());
    let top = place.path().join("a.git");
    let tree = GitTree::open(&top, &commit).expect("opens");
    let mut listed = Vec::new();
    for line in git_with(&top, &["ls-tree", "-r", "-z", commit.as_str()], b"").split(|byte| *byte == 0) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some((meta, name)) = line.split_once('\t') else { continue };
        if name.contains(['\\', '\u{1b}']) || name == ".." || name.starts_with(".GIT/") {
            continue;
        }
        let kind = match meta.split(' ').next() {
            Some("100755") => EntryKind::Executable,
            Some("120000") => EntryKind::Symlink,
            Some("160000") => EntryKind::Submodule,
            _ => EntryKind::File,
        };
        listed.push((name.to_owned(), kind));
        match kind {
            EntryKind::Symlink => assert_eq!(tree.link(&path(name)).as_deref(), Ok("/etc/passwd")),
            _ => assert_eq!(tree.link(&path(name)), Err(TreeError::NotALink(path(name)))),
        }
        match tree.read(&path(name)) {
            Ok(content) => {
                let shown = git_with(&top, &["cat-file", "blob", &format!("{commit}:{name}")], b"");
                assert_eq!(*content, *shown, "{name}");
            }
            Err(TreeError::NotAFile(_)) => assert!(matches!(name, "link" | "module"), "{name}"),
            Err(error) => assert_eq!(error, TreeError::TooLarge { path: path("big"), bytes: MAX_FILE_BYTES + 1 }),
        }
    }
    listed.sort();
    let entries: Vec<_> = tree.entries().iter().map(|entry| (entry.path.to_string(), entry.kind)).collect();
    assert_eq!(entries, listed);
    assert_eq!(entries.len(), 9);
    let left_out: Vec<_> = tree.left_out().iter().map(|left| left.path.as_str()).collect();
    assert_eq!(left_out, ["..", ".GIT", "a\\\\b", "n\\u{1b}[31m.yaml", "odd\u{fffd}"]);
}

#[test]
fn a_tree_bomb_is_refused() {
    let folder = work_tree(&[("a", "1")]);
    let top = folder.path();
    let mut tree = git(top, &["rev-parse", "HEAD^{tree}"]);
    for _ in 0..7 {
        let listing: String = (0..10).map(|name| format!("040000 tree {tree}\t{name}\n")).collect();
        tree = String::from_utf8(git_with(top, &["mktree"], listing.as_bytes())).expect("text").trim().to_owned();
    }
    let commit = git(top, &["commit-tree", &tree, "-m", "bomb"]).parse().expect("an id");
    let error = GitTree::open(&top.join(".git"), &commit).expect_err("refused");
    assert!(matches!(error, Error::TooLarge(_)), "{error}");
}

#[test]
fn a_deep_tree_is_no_stack_overflow() {
    let folder = work_tree(&[("a", "1")]);
    let top = folder.path();
    let repository = git2::Repository::open(top).expect("opens");
    let mut tree = repository.head().expect("HEAD").peel_to_tree().expect("a tree").id();
    for _ in 0..5000 {
        let mut above = repository.treebuilder(None).expect("a builder");
        above.insert("d", tree, 0o040000).expect("inserted");
        tree = above.write().expect("written");
    }
    let commit = git(top, &["commit-tree", &tree.to_string(), "-m", "deep"]).parse().expect("an id");
    let tree = GitTree::open(&top.join(".git"), &commit).expect("opens");
    assert!(tree.entries().is_empty());
    assert_eq!(tree.left_out().len(), 1);
}

#[test]
fn a_commit_changes_what_it_names_and_nothing_else() {
    let place = tempfile::tempdir().expect("a folder");
    let parent = bare_of_everything(place.path());
    let top = place.path().join("a.git");
    let mirror = mirror(&place.path().join("mirror"), top.to_str().expect("UTF-8"));
    let fetched = mirror.fetch(&[], None).expect("fetches");
    assert_eq!(fetched.default_branch, Some(branch("main")));
    assert_eq!(mirror.head(&branch("main")).expect("fetched"), parent);

    let mut changes = change("env/run.sh", Some("#!/bin/sh\nexit 0\n"));
    changes.extend(change("crlf.yaml", Some("a: 1\r\nb: 3")));
    changes.extend(change("env/values.yaml", None));
    changes.extend(change("new/deep/file", Some("x")));
    let commit = mirror.commit(&parent, &changes, "a message\n", &author()).expect("commits");
    assert_eq!(commit, mirror.commit(&parent, &changes, "a message\n", &author()).expect("commits"), "deterministic");
    let made = place.path().join("mirror");
    let raw = git(&made, &["diff-tree", "-r", "--no-renames", "--format=", parent.as_str(), commit.as_str()]);
    let shape: Vec<_> = raw
        .lines()
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            format!("{} {} {} {}", words[0], words[1], words[4], words[5])
        })
        .collect();
    assert_eq!(
        shape,
        [
            ":100644 100644 M crlf.yaml",
            ":100755 100755 M env/run.sh",
            ":100644 000000 D env/values.yaml",
            ":000000 100644 A new/deep/file"
        ]
    );
    assert_eq!(git_with(&made, &["show", &format!("{commit}:crlf.yaml")], b""), b"a: 1\r\nb: 3");
    assert_eq!(
        git(&made, &["show", "-s", "--format=%an <%ae> %at|%cn <%ce> %ct|%P|%B", commit.as_str()]),
        format!("sourceward <bot@example.com> 1700000000|sourceward <bot@example.com> 1700000000|{parent}|a message")
    );
    assert_eq!(text(&mirror.tree(&commit).expect("lists"), "new/deep/file").as_deref(), Ok("x"));

    for (name, content) in [
        ("link", Some("x")),
        ("link/x", Some("x")),
        ("module", Some("x")),
        ("module/x", None),
        ("env", Some("x")),
        ("env/run.sh/x", Some("x")),
        (".git/config", Some("x")),
        ("new/.git/hooks/x", Some("x")),
        ("missing", None),
        ("", Some("x")),
    ] {
        assert!(mirror.commit(&parent, &change(name, content), "m", &author()).is_err(), "{name}");
    }
    let mut nested = change("x", Some("1"));
    nested.extend(change("x/y", Some("1")));
    assert!(mirror.commit(&parent, &nested, "m", &author()).is_err());
}

#[test]
fn removing_the_last_file_removes_its_folder_and_fsck_is_content() {
    let folder = work_tree(&[("a/b/c", "1"), ("a/d", "2"), ("a.b", "3"), ("e/f", "4")]);
    let place = tempfile::tempdir().expect("a folder");
    let mirror = mirror(&place.path().join("mirror"), folder.path().to_str().expect("UTF-8"));
    mirror.fetch(&[branch("main")], None).expect("fetches");
    let parent = mirror.head(&branch("main")).expect("fetched");
    let mut changes = change("a/b/c", None);
    changes.extend(change("e/f", None));
    changes.extend(change("a/d", Some("9")));
    changes.extend(change("a-b/x", Some("7")));
    let commit = mirror.commit(&parent, &changes, "m", &author()).expect("commits");
    let made = place.path().join("mirror");
    git(&made, &["fsck", "--strict", "--full"]);
    // What git makes of the same change.
    git(folder.path(), &["rm", "-q", "a/b/c", "e/f"]);
    put(folder.path(), "a/d", "9");
    put(folder.path(), "a-b/x", "7");
    git(folder.path(), &["add", "-A"]);
    assert_eq!(git(&made, &["rev-parse", &format!("{commit}^{{tree}}")]), git(folder.path(), &["write-tree"]));
}

#[test]
fn pushes_compare_and_swap_over_a_folder_and_over_http() {
    for over_http in [false, true] {
        let place = tempfile::tempdir().expect("a folder");
        let first = bare_of_everything(place.path());
        let top = place.path().join("a.git");
        let remote = Remote::start(place.path(), TOKEN);
        let address = if over_http { remote.url("a.git") } else { top.to_str().expect("UTF-8").to_owned() };
        let token = over_http.then(token);
        let mirror = mirror(&place.path().join("mirror"), &address);
        let fetched = mirror.fetch(&[branch("main"), branch("none")], token.as_ref()).expect("fetches");
        assert_eq!(fetched.branches, [(branch("main"), first.clone())].into());
        let made =
            |message| mirror.commit(&first, &change("env.yaml", Some(message)), message, &author()).expect("commits");
        let (one, two, other) = (made("one"), made("two"), made("other"));
        let on_remote =
            |name: &str| git(&top, &["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{name}")]);
        let push = |name: &str, commit: &CommitId, expected: Option<&CommitId>| {
            mirror.push(
                &[Update { branch: branch(name), commit: commit.clone(), expected: expected.cloned() }],
                token.as_ref(),
            )
        };

        assert_eq!(push("fix", &one, None).expect("pushes"), Pushed::Moved);
        assert_eq!(on_remote("fix"), one.as_str());
        assert_eq!(push("fix", &one, None).expect("looks"), Pushed::AlreadyThere);
        assert_eq!(push("fix", &two, Some(&one)).expect("pushes"), Pushed::Moved, "also where it is no descendant");
        assert_eq!(mirror.head(&branch("fix")).expect("noted"), two);
        for expected in [None, Some(&one)] {
            match push("fix", &other, expected) {
                Err(error @ Error::Moved { .. }) => {
                    assert!(!error.is_transient());
                    assert!(matches!(error, Error::Moved { found: Some(found), .. } if found == two));
                }
                done => panic!("{done:?}"),
            }
        }
        assert!(matches!(push("gone", &one, Some(&two)), Err(Error::Moved { found: None, .. })));
        assert_eq!((on_remote("fix"), on_remote("gone")), (two.to_string(), String::new()));

        let both = ["one", "two"].map(|name| Update { branch: branch(name), commit: one.clone(), expected: None });
        assert_eq!(mirror.push(&both, token.as_ref()).expect("pushes"), Pushed::Moved);
        assert_eq!((on_remote("one"), on_remote("two")), (one.to_string(), one.to_string()));
        git(&top, &["update-ref", "-d", "refs/heads/fix"]);
        mirror.fetch(&[branch("fix")], token.as_ref()).expect("fetches");
        assert!(matches!(mirror.head(&branch("fix")), Err(Error::Missing(_))), "a removed branch is forgotten");
    }
}

#[test]
fn a_branch_moved_between_look_and_push_is_not_overwritten() {
    let place = tempfile::tempdir().expect("a folder");
    let first = bare_of_everything(place.path());
    let top = place.path().join("a.git");
    let remote = Remote::start(place.path(), TOKEN);
    let mirror = mirror(&place.path().join("mirror"), &remote.url("a.git"));
    mirror.fetch(&[], Some(&token())).expect("fetches");
    let commit = mirror.commit(&first, &change("env.yaml", Some("x")), "m", &author()).expect("commits");
    let tree = git(&top, &["rev-parse", "main^{tree}"]);
    let person = git(&top, &["commit-tree", &tree, "-p", first.as_str(), "-m", "a person's"]);
    remote.fail(
        "POST /a.git/git-receive-pack",
        Fault::MoveFirst(top.clone(), "refs/heads/main".to_owned(), person.clone()),
    );
    let update = Update { branch: branch("main"), commit, expected: Some(first) };
    match mirror.push(std::slice::from_ref(&update), Some(&token())) {
        Err(Error::Moved { found: Some(found), .. }) => assert_eq!(found.as_str(), person),
        done => panic!("{done:?}"),
    }
    assert_eq!(git(&top, &["rev-parse", "main"]), person);
}

#[test]
fn a_rule_of_the_remote_is_told_from_a_move() {
    let place = tempfile::tempdir().expect("a folder");
    let first = bare_of_everything(place.path());
    let top = place.path().join("a.git");
    let hook = format!("#!/bin/sh\necho 'no {TOKEN} here' >&2\nexit 1\n");
    put(&top, "hooks/update", hook);
    fs::set_permissions(top.join("hooks/update"), fs::Permissions::from_mode(0o755)).expect("set");
    let remote = Remote::start(place.path(), TOKEN);
    let mirror = mirror(&place.path().join("mirror"), &remote.url("a.git"));
    mirror.fetch(&[], Some(&token())).expect("fetches");
    let commit = mirror.commit(&first, &change("env.yaml", Some("x")), "m", &author()).expect("commits");
    let update = Update { branch: branch("main"), commit, expected: Some(first) };
    let error = mirror.push(std::slice::from_ref(&update), Some(&token())).expect_err("refused");
    assert!(matches!(&error, Error::Rejected { why, .. } if why == "hook declined"), "{error}");
}

#[test]
fn a_lost_answer_to_a_push_is_found_by_looking() {
    let place = tempfile::tempdir().expect("a folder");
    let first = bare_of_everything(place.path());
    let remote = Remote::start(place.path(), TOKEN);
    let mirror = mirror(&place.path().join("mirror"), &remote.url("a.git"));
    mirror.fetch(&[], Some(&token())).expect("fetches");
    let commit = mirror.commit(&first, &change("env.yaml", Some("x")), "m", &author()).expect("commits");
    let update = [Update { branch: branch("fix"), commit, expected: None }];
    remote.fail("POST /a.git/git-receive-pack", Fault::LoseAnswer);
    let error = mirror.push(&update, Some(&token())).expect_err("lost");
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(mirror.push(&update, Some(&token())).expect("looks"), Pushed::AlreadyThere);
    let posts = remote.requests().iter().filter(|line| line.starts_with("POST") && line.contains("receive")).count();
    assert_eq!(posts, 1);
}

#[test]
fn no_error_shows_the_token_and_no_other_host_gets_it() {
    let place = tempfile::tempdir().expect("a folder");
    bare_of_everything(place.path());
    let remote = Remote::start(place.path(), TOKEN);
    let elsewhere = Remote::start(place.path(), TOKEN);
    let mirror = mirror(&place.path().join("mirror"), &remote.url("a.git"));
    let wrong = Secret::new("ghs_wrong0123456789");
    let said = |error: Error| {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("ghs_"), "{said}");
        error
    };
    assert!(matches!(said(mirror.fetch(&[], Some(&wrong)).expect_err("refused")), Error::Denied { .. }));
    assert!(matches!(said(mirror.fetch(&[], None).expect_err("refused")), Error::Denied { .. }));
    assert!(remote.requests().is_empty());
    let to = || format!("{}/info/refs?service=git-upload-pack", elsewhere.url("a.git"));
    for fault in [Fault::Redirect(to()), Fault::RedirectAtOnce(to())] {
        remote.fail("info/refs", fault);
        said(mirror.fetch(&[], Some(&token())).expect_err("not followed"));
        assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
    }
    for (status, transient) in [(403, false), (404, false), (500, true), (503, true), (429, true)] {
        remote.fail("info/refs", Fault::Status(status));
        let error = said(mirror.fetch(&[], Some(&token())).expect_err("ordered"));
        assert_eq!(error.is_transient(), transient, "{status}: {error}");
    }
    mirror.fetch(&[], Some(&token())).expect("fetches");
    let mut folders = vec![place.path().join("mirror")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("reads") {
            let entry = entry.expect("reads").path();
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let content = fs::read(&entry).expect("reads");
                assert!(!content.windows(4).any(|four| four == b"ghs_"), "{}", entry.display());
            }
        }
    }
}

#[test]
fn a_remote_that_does_not_answer_is_given_up() {
    let place = tempfile::tempdir().expect("a folder");
    bare_of_everything(place.path());
    let remote = Remote::start(place.path(), TOKEN);
    let address: RemoteAddress = remote.url("a.git").parse().expect("an address");
    let mirror = Mirror::open(&place.path().join("mirror"), address, Duration::from_secs(1)).expect("opens");
    remote.fail("info/refs", Fault::Slow(Duration::from_secs(5)));
    let error = mirror.fetch(&[], Some(&token())).expect_err("gives up");
    assert!(error.is_transient(), "{error}");
}

#[test]
fn a_mirror_is_bound_to_its_remote_and_deaf_to_configuration() {
    let place = tempfile::tempdir().expect("a folder");
    bare_of_everything(place.path());
    let folder = place.path().join("mirror");
    let address = place.path().join("a.git").to_str().expect("UTF-8").to_owned();
    let mirror = mirror(&folder, &address);
    mirror.fetch(&[], None).expect("fetches");
    let other = Mirror::open(&folder, "/elsewhere".parse().expect("an address"), Duration::from_secs(1));
    assert!(matches!(other, Err(Error::OtherRemote { .. })));
    // A lock that a killed process left behind an hour ago is removed, a fresh one is respected.
    for (name, age, left) in [("old", 3600, false), ("new", 0, true)] {
        let lock = folder.join(format!("refs/remotes/origin/{name}.lock"));
        put(&folder, &format!("refs/remotes/origin/{name}.lock"), "");
        let then = std::time::SystemTime::now() - Duration::from_secs(age);
        fs::File::options().write(true).open(&lock).and_then(|file| file.set_modified(then)).expect("set");
        Mirror::open(&folder, address.parse().expect("an address"), Duration::from_secs(1)).expect("opens");
        assert_eq!(lock.exists(), left, "{name}");
    }
}
