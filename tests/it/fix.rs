//! The cases of `fixtures/`: a repository and a finding in, a diff or a refusal out.
//!
//! A case is a folder `fixtures/<engine>/<trap>/` with `repo/`, `finding.json` or `live.yaml` (an object as
//! `kubectl get -o yaml` prints it), and what comes of it: `expected.patch`, `refused.txt` or `in-sync.txt`. Adding one
//! touches no Rust; `UPDATE_EXPECT=1` writes what comes of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use sourceward::{
    model::finding::Finding,
    remedy::{Verdict, policy::Policy, rule::set::Rules, verdict},
    source::{
        path::RepoPath,
        tree::MemoryTree,
        yaml::{parse::parse, resolve},
    },
    stack::catalog::Catalog,
};

#[test]
fn every_case_comes_out_as_recorded() {
    let cases = cases();
    assert!(cases.len() >= 20, "the cases were not found");
    let failed: Vec<String> = cases.iter().filter_map(|case| run(case).err()).collect();
    assert!(failed.is_empty(), "{} of {} cases failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn run(case: &Path) -> Result<(), String> {
    let name = case.strip_prefix(root()).expect("inside").display().to_string();
    let files = files(&case.join("repo"));
    let tree = MemoryTree::of(files.iter().map(|(path, content)| (path.clone(), content)));
    let finding = finding(case);
    let verdict = verdict(&Catalog::of(&tree), &finding, Policy::of(&Rules::default()));
    let (file, text) = match &verdict {
        Verdict::InSync => ("in-sync.txt", "the source already says so\n".to_owned()),
        Verdict::Refused(refusal) => {
            let line = refusal.line.map_or_else(String::new, |line| format!(":{line}"));
            let place = refusal.file.as_ref().map_or_else(String::new, |file| format!("at {file}{line}\n"));
            ("refused.txt", format!("{}: {}\n{place}→ {}\n", refusal.code, refusal.message, refusal.hint))
        }
        Verdict::Patched(proved) => ("expected.patch", proved.diff()),
    };
    compare(case, file, &text).map_err(|why| format!("{name}: {why}"))?;
    if let Verdict::Patched(proved) = &verdict {
        let applied = apply(&files, &text).map_err(|why| format!("{name}: git apply: {why}"))?;
        for (path, change) in proved.files() {
            let same = applied.get(path).is_some_and(|content| content == change.after.as_bytes());
            if !same {
                return Err(format!("{name}: the diff does not give the text of {path}"));
            }
        }
        converges(&name, &applied, &finding)?;
    }
    Ok(())
}

/// Judged on the result, a finding that says what should be, not what to add or remove, has nothing left to ask for.
fn converges(name: &str, files: &BTreeMap<RepoPath, Vec<u8>>, finding: &Finding) -> Result<(), String> {
    let absolute =
        finding.patch.iter().flat_map(|patch| &patch.0).all(|op| matches!(op, json_patch::PatchOperation::Replace(_)));
    let tree = MemoryTree::of(files.iter().map(|(path, content)| (path.clone(), content)));
    match verdict(&Catalog::of(&tree), finding, Policy::of(&Rules::default())) {
        _ if !absolute => Ok(()),
        Verdict::InSync => Ok(()),
        other => Err(format!("{name}: judged again on its own result it is not in sync: {other:?}")),
    }
}

fn compare(case: &Path, file: &str, text: &str) -> Result<(), String> {
    let outcomes = ["expected.patch", "refused.txt", "in-sync.txt"];
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        for other in outcomes.iter().filter(|other| **other != file) {
            let _ = fs::remove_file(case.join(other));
        }
        fs::write(case.join(file), text).expect("the expectation can be written");
        return Ok(());
    }
    match fs::read_to_string(case.join(file)) {
        Ok(expected) if expected == text => Ok(()),
        Ok(expected) => Err(format!("{file} differs\n--- recorded\n{expected}--- now\n{text}")),
        Err(_) => Err(format!("no {file} is recorded, but this came out:\n{text}")),
    }
}

/// What `git apply` makes of the files.
fn apply(files: &BTreeMap<RepoPath, Vec<u8>>, diff: &str) -> Result<BTreeMap<RepoPath, Vec<u8>>, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        let file = folder.path().join(path.as_str());
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("a file");
    }
    let patch = folder.path().join("sourceward.patch");
    fs::write(&patch, diff).expect("the diff");
    let done =
        Command::new("git").args(["apply", "--whitespace=nowarn"]).arg(&patch).current_dir(folder.path()).output();
    let done = done.expect("git runs");
    fs::remove_file(&patch).expect("the diff");
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    Ok(self::files(folder.path()))
}

fn finding(case: &Path) -> Finding {
    if let Ok(text) = fs::read_to_string(case.join("finding.json")) {
        return serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    }
    let text = fs::read_to_string(case.join("live.yaml")).expect("a case has finding.json or live.yaml");
    let stream = parse(&text).expect("the live object is YAML");
    let document = &stream.documents[0];
    let live =
        resolve::value(document, document.root.expect("an object"), resolve::Reader::Manifest).expect("an object");
    let of = |at: &str| live.pointer(at).cloned().unwrap_or(Value::Null);
    serde_json::from_value(json!({
        "intent": "drift",
        "resource": {"kubernetes": {
            "apiVersion": of("/apiVersion"), "kind": of("/kind"), "namespace": of("/metadata/namespace"), "name": of("/metadata/name"),
        }},
        "live": live,
    }))
    .expect("a finding")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn cases() -> Vec<PathBuf> {
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let mut found: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        found.sort();
        found
    };
    folders(&root()).iter().flat_map(|engine| folders(engine)).filter(|case| case.join("repo").is_dir()).collect()
}

fn files(folder: &Path) -> BTreeMap<RepoPath, Vec<u8>> {
    let (mut found, mut todo) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(&next).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside").to_str().expect("UTF-8");
                found.insert(name.parse().expect("a path"), fs::read(&path).expect("a file"));
            }
        }
    }
    found
}
