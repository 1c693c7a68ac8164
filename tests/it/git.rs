//! Git: what is read, committed and pushed is what git itself sees.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use sourceward::{
    shell::git::{Error, local::LocalTree},
    source::{
        path::RepoPath,
        tree::{EntryKind, MAX_FILE_BYTES, SourceTree, TreeError},
    },
};
use tempfile::TempDir;

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
