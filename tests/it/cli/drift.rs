//! Genuine drift: what terraform 1.11.4 reported after the world had changed behind it.
//!
//! `drift/repo` was applied, a tag of one subnet and a description were changed in the cloud, and `drift/plan.json` is what
//! `terraform show -json` printed of the refresh-only plan. With `drift/expected.patch` applied, terraform found no difference
//! between the configuration and that world. `drift/state.json` is the state before.

use serde_json::{Value, json};

use super::Repository;

const FILES: &[(&str, &str)] =
    &[("main.tf", include_str!("drift/repo/main.tf")), ("net/main.tf", include_str!("drift/repo/net/main.tf"))];

#[test]
fn a_plan_that_found_drift_becomes_the_diff_that_settles_it() {
    let repository = Repository::of(FILES);
    let arguments = ["fix", "--sender", "terraform", "--finding", "-", "--format", "diff"];
    let run = repository.run(&arguments, include_str!("drift/plan.json"));
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(run.out, include_str!("drift/expected.patch"));
}

#[test]
fn a_cloud_resource_finds_its_declaration_through_the_state() {
    let repository = Repository::of(FILES);
    let state = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(state.path(), include_str!("drift/state.json")).expect("a file");
    let finding = |id: &str| {
        let patch = json!([{"op": "replace", "path": "/tags/Tier", "value": "public"}]);
        let cloud = json!({"provider": "aws", "type": "AWS::EC2::Subnet", "id": id});
        json!({"id": "a", "intent": "drift", "resource": {"cloud": cloud}, "patch": patch}).to_string()
    };
    let given = ["--finding", "-", "--state", state.path().to_str().expect("UTF-8")];
    let (code, answers) = repository.fix(&given, &finding("arn:aws:ec2:eu-west-1:1:subnet/subnet-id-ec3ea46f"));
    assert_eq!((code, &answers[0]["outcome"]), (0, &Value::from("patched")), "{answers:?}");
    let address = json!({"terraform": {"address": "module.net[\"b\"].aws_subnet.this"}});
    assert_eq!(answers[0]["resource"], address, "{answers:?}");
    let (code, answers) = repository.fix(&given, &finding("subnet-0"));
    assert_eq!((code, &answers[0]["reason"]["code"]), (3, &Value::from("owner-not-found")), "{answers:?}");
    let run = repository.run(&["fix", "--finding", "-", "--state", "main.tf"], &finding("subnet-0"));
    assert_eq!(run.code, 4, "{}", run.err);
}

#[test]
fn a_plan_is_of_the_stack_that_is_named() {
    let twice = |(path, text): &(&str, &'static str)| [(format!("a/{path}"), *text), (format!("b/{path}"), *text)];
    let files: Vec<(String, &str)> = FILES.iter().flat_map(twice).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let repository = Repository::of(&files);
    let plan = include_str!("drift/plan.json");
    let (_, answers) = repository.fix(&["--sender", "terraform", "--finding", "-"], plan);
    assert!(answers.iter().all(|answer| answer["reason"]["code"] == "owner-ambiguous"), "{answers:?}");
    let (_, answers) = repository.fix(&["--sender", "terraform", "--finding", "-", "--stack", "b"], plan);
    let edited: Vec<&str> = answers
        .iter()
        .flat_map(|answer| answer["edits"].as_array().into_iter().flatten())
        .filter_map(|edit| edit["file"].as_str())
        .collect();
    assert!(!edited.is_empty() && edited.iter().all(|file| file.starts_with("b/")), "{answers:?}");
    assert!(answers.iter().all(|answer| answer["stack"] == "b"), "{answers:?}");
}
