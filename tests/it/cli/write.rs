//! `fix --write`: the work tree afterwards is the diff applied, and nothing else.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use super::{CART, Repository, drift, replicas};

#[test]
fn the_work_tree_changes_exactly_as_the_diff_says() {
    let (told, written) = (Repository::cart(), Repository::cart());
    for repository in [&told, &written] {
        repository.put("k8s/note.txt", "untracked");
        let cart = repository.path("k8s/cart.yaml");
        fs::set_permissions(cart, fs::Permissions::from_mode(0o755)).expect("a mode");
        repository.commit();
    }
    let finding = replicas("a", 5).to_string();
    let diff = told.run(&["fix", "--finding", "-", "--format", "diff"], &finding).out;
    told.git_with(&["apply", "-"], &diff);
    let run = written.run(&["fix", "--finding", "-", "--write"], &finding);
    assert_eq!((run.code, run.out.starts_with("fixed Deployment shop/cart")), (0, true), "{}", run.out);
    assert_eq!(written.text("k8s/cart.yaml"), told.text("k8s/cart.yaml"));
    assert_eq!(written.git(&["status", "--porcelain"]), " M k8s/cart.yaml\n");
    assert_eq!(written.git(&["diff", "--summary"]), "", "the mode is kept");
    let again = written.run(&["fix", "--finding", "-", "--write"], &finding);
    assert!(again.code == 0 && again.out.starts_with("in sync"), "{}", again.out);
}

#[test]
fn several_findings_combine() {
    let repository = Repository::cart();
    let label = json!([{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]);
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example.com/cart:2"}]);
    let lines = [replicas("a", 5), drift("b", label), drift("c", image), replicas("d", 5)];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let (code, answers) = repository.fix(&["--batch", "-", "--write"], &lines.join("\n"));
    let outcomes: Vec<_> = answers.iter().map(|answer| answer["outcome"].as_str().expect("text")).collect();
    assert_eq!((code, outcomes), (0, vec!["patched", "patched", "patched", "in-sync"]));
    let expected = CART
        .replace("replicas: 3", "replicas: 5")
        .replace("registry.example.com/cart:1.4.2", "registry.example.com/cart:2")
        .replace("the team's label\n", "the team's label\n  annotations:\n    a: b\n");
    assert_eq!(repository.text("k8s/cart.yaml"), expected);
    let folder = fs::read_dir(repository.path("k8s")).expect("a folder").count();
    assert_eq!(folder, 1, "nothing is left beside the file");
}

#[test]
fn a_bare_repository_is_refused_before_anything_is_judged() {
    let bare = Repository::cart().bare();
    let run = bare.run(&["fix", "--finding", "-", "--write"], &replicas("a", 5).to_string());
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(
        run.err.contains("bare repository, which has no files to write: use a work tree, or apply the diff"),
        "{}",
        run.err
    );
}

#[test]
fn a_refused_finding_writes_nothing() {
    let repository = Repository::cart();
    let finding = drift("a", json!([{"op": "replace", "path": "/metadata/labels/app", "value": "x"}]));
    let run = repository.run(&["fix", "--finding", "-", "--write"], &finding.to_string());
    assert_eq!((run.code, repository.git(&["status", "--porcelain"]).as_str()), (3, ""));
}
