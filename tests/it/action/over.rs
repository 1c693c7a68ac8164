//! What the next run does about pull requests of the one before, and what it says of them.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use super::{PROPOSED, Run, Runner, SHOP, over_github, plan, plan_of};
use crate::{
    git::git,
    github::{APPS_TOKEN, GitHub, TOKEN, WORKFLOW_TOKEN},
};

/// Hands a report in.
fn report(runner: &Runner, report: &Value) {
    fs::write(runner.file("temp").join("plan.json"), report.to_string()).expect("writes");
}

fn nothing_drifted() -> Value {
    plan_of(&[])
}

/// The pull request of the drifted tag is open.
fn opened() -> (Runner, GitHub, crate::remote::Remote) {
    let (runner, github, remote) = over_github("ops");
    let runner = synchronised(runner, &github);
    let run = runner.run(PROPOSED);
    assert!(run.success, "{}", run.log);
    github.pull_request(SHOP, 1).expect_open();
    github.branch(SHOP, &run.outputs["pull-request-branch"]);
    (runner, github, remote)
}

fn output<'r>(run: &'r Run, name: &str) -> &'r str {
    run.outputs[&format!("pull-request-{name}")].as_str()
}

#[test]
fn what_a_run_did_is_told_as_create_pull_request_tells_it() {
    for (token, sign, login, verified) in [
        (WORKFLOW_TOKEN, "true", "github-actions[bot]", "true"),
        (WORKFLOW_TOKEN, "false", "github-actions[bot]", "false"),
        (APPS_TOKEN, "true", "mender[bot]", "true"),
        (TOKEN, "true", "robot", "false"),
    ] {
        let (mut runner, github, remote) = over_github("ops");
        runner.token = token;
        let run = |runner: &Runner| {
            let run = runner.run(&[PROPOSED, &[("sign-commits", sign)]].concat());
            assert!(run.success, "{}", run.log);
            let branch = output(&run, "branch").to_owned();
            assert_eq!(github.branch(SHOP, &branch).as_deref(), Some(output(&run, "head-sha")));
            let all: Value = serde_json::from_str(&run.outputs["pull-requests"]).expect("JSON");
            assert_eq!(
                all,
                json!([{"number": 1, "url": output(&run, "url"), "operation": output(&run, "operation"), "branch": branch,
                    "head_sha": output(&run, "head-sha"), "commits_verified": verified == "true"}])
            );
            assert_eq!(output(&run, "commits-verified"), verified, "{login}");
            github.pull_request(SHOP, 1).expect_open().expect_author(login);
            run
        };
        let created = run(&runner);
        assert_eq!(output(&created, "operation"), "created");
        assert_eq!(output(&run(&runner), "operation"), "none");
        fs::write(runner.file("temp").join("plan.json"), plan("data")).expect("writes");
        let updated = run(&runner);
        assert_eq!(output(&updated, "operation"), "updated");
        assert_ne!(output(&updated, "head-sha"), output(&created, "head-sha"));
        let pushes = remote.requests().iter().filter(|line| line.contains(".git/git-receive-pack")).count();
        assert_eq!(pushes > 0, sign == "false");
    }
}

#[test]
fn a_plan_that_finds_the_drift_no_more_closes_its_pull_request_and_a_relapse_opens_it_again() {
    for token in [WORKFLOW_TOKEN, APPS_TOKEN, TOKEN] {
        let (mut runner, github, _remote) = over_github("ops");
        runner.token = token;
        let runner = synchronised(runner, &github);
        let opened = runner.run(PROPOSED);
        assert!(opened.success, "{}", opened.log);
        let branch = output(&opened, "branch").to_owned();
        github.pull_request(SHOP, 1).expect_open();

        report(&runner, &nothing_drifted());
        let run = runner.run(PROPOSED);
        assert!(run.success, "{}", run.log);
        github.pull_request(SHOP, 1).expect_closed().expect_in_body(&["\"closed\":\"not-reported\""]);
        let comments = github.comments(SHOP, 1);
        assert_eq!(comments.len(), 1);
        assert!(comments[0].contains("finds nothing wrong any more"), "{}", comments[0]);
        assert_eq!(github.branch(SHOP, &branch), None, "its branch is gone too");
        assert_eq!((output(&run, "operation"), output(&run, "number")), ("closed", ""));
        let all: Value = serde_json::from_str(&run.outputs["pull-requests"]).expect("JSON");
        assert_eq!((&all[0]["number"], &all[0]["operation"]), (&json!(1), &json!("closed")));
        assert!(run.log.contains("#1 is closed: not reported any more\n"), "{}", run.log);
        let url = all[0]["url"].as_str().expect("a text");
        assert_eq!(
            run.summary,
            format!(
                "### sourceward: 0 findings, 1 reported as no trouble\n\n#### Closed\n\n- [#1]({url}): not reported any more\n"
            )
        );

        // Once more, and nothing is done.
        github.forget_calls();
        let run = runner.run(PROPOSED);
        assert!(run.success && run.summary.is_empty(), "{}", run.log);
        assert_eq!((output(&run, "operation"), github.mutations()), ("none", Vec::new()));

        fs::write(runner.file("temp").join("plan.json"), plan("ops")).expect("writes");
        let again = runner.run(PROPOSED);
        assert_eq!((output(&again, "operation"), output(&again, "number")), ("updated", "1"), "{}", again.log);
        github.pull_request(SHOP, 1).expect_open();
        assert!(github.branch(SHOP, &branch).is_some());
        assert_eq!(github.pull_requests(SHOP), 1);
    }
}

/// Checks out what GitHub has.
fn synchronised(runner: Runner, github: &GitHub) -> Runner {
    let folder = github.folder(SHOP).display().to_string();
    git(&runner.file("workspace"), &["fetch", "--quiet", &folder, "main"]);
    git(&runner.file("workspace"), &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    runner
}

#[test]
fn what_a_report_cannot_tell_is_left_open() {
    type Change = fn(&mut Runner, &GitHub);
    type Variant = (&'static str, Value, Vec<(&'static str, &'static str)>, Change);
    let with = |more: Value| {
        let mut plan = nothing_drifted();
        plan.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        plan
    };
    let elsewhere = json!({"values": {"root_module": {"resources": [{"address": "aws_vpc.other"}]}}});
    let unchanged: Change = |_, _| ();
    let cases: Vec<Variant> = vec![
        ("a plan of a part", with(json!({"complete": false})), vec![], unchanged),
        ("a plan that failed", with(json!({"errored": true})), vec![], unchanged),
        ("a plan of another root module", with(json!({"prior_state": elsewhere})), vec![], unchanged),
        ("a list of findings", json!({"findings": []}), vec![("sender", "generic")], unchanged),
        ("another scope", nothing_drifted(), vec![("scope", "the other environment")], unchanged),
        ("another job of a matrix", nothing_drifted(), vec![], |runner, _| {
            runner.matrix = json!({"root": "staging"}).to_string();
        }),
        ("not asked for", nothing_drifted(), vec![("close-stale", "false")], unchanged),
        ("only a report", nothing_drifted(), vec![("mode", "report")], unchanged),
        ("another prefix", nothing_drifted(), vec![("branch", "bot/")], unchanged),
        ("something happened to it since", nothing_drifted(), vec![], |_, github| github.touched_just_now(SHOP, 1)),
        ("the base has moved on", nothing_drifted(), vec![], |_, github| {
            github.person_pushes(SHOP, "main", &[("README.md", "elsewhere\n")]);
        }),
        ("a person's commit", nothing_drifted(), vec![], |_, github| {
            let branch = github.pull_request(SHOP, 1).head().to_owned();
            github.person_pushes(SHOP, &branch, &[("README.md", "mine\n")]);
        }),
        ("without its hidden line", nothing_drifted(), vec![], |_, github| {
            github.person_edits_pull(SHOP, 1, "I have words of my own.");
        }),
    ];
    for (what, next, more, change) in cases {
        let (mut runner, github, _remote) = opened();
        report(&runner, &next);
        change(&mut runner, &github);
        github.forget_calls();
        let inputs: BTreeMap<&str, &str> = PROPOSED.iter().copied().chain(more).collect();
        let inputs: Vec<(&str, &str)> = inputs.into_iter().collect();
        let run = runner.run(&inputs);
        assert!(run.success, "{what}: {}", run.log);
        assert_eq!(github.mutations(), [""; 0], "{what}");
        github.pull_request(SHOP, 1).expect_open();
        assert_eq!(output(&run, "operation"), "none", "{what}");
        let said = run.log.contains("what is checked out is not the head of main");
        assert_eq!(said, what == "the base has moved on", "{what}: {}", run.log);
    }
}

#[test]
fn somebody_elses_pull_request_is_not_closed_whatever_its_text_says() {
    let (runner, github, _remote) = opened();
    github.written_by(SHOP, 1, "mallory");
    report(&runner, &nothing_drifted());
    github.forget_calls();
    assert!(runner.run(PROPOSED).success);
    assert_eq!(github.mutations(), [""; 0]);
}

#[test]
fn a_source_that_was_fixed_otherwise_closes_it() {
    let (runner, github, _remote) = opened();
    github.person_pushes(SHOP, "main", &[("network/main.tf", &super::TERRAFORM.replace("\"shop\"", "\"ops\""))]);
    let runner = synchronised(runner, &github);
    fs::write(runner.file("temp").join("plan.json"), plan("ops")).expect("writes");
    let run = runner.run(PROPOSED);
    assert!(run.success, "{}", run.log);
    github.pull_request(SHOP, 1).expect_closed();
    assert!(github.comments(SHOP, 1)[0].contains("The source and what runs agree by now"));
    assert_eq!((output(&run, "operation"), run.outputs["in-sync"].as_str()), ("closed", "1"));
}

/// A workspace of this source, and the GitHub that has it.
fn over(source: &str) -> (Runner, GitHub, crate::remote::Remote) {
    let mut runner = Runner::with(&[("network/main.tf", source)]);
    let github = GitHub::with(&[("network/main.tf", source)]);
    let remote = github.remote();
    (runner.server, runner.api) = (remote.url("").trim_end_matches('/').to_owned(), github.address());
    (synchronised(runner, &github), github, remote)
}

/// A check of Checkov's about the resource that begins the file.
fn check(id: &str, resource: &str) -> Value {
    json!({"check_id": id, "check_name": id, "file_path": "/network/main.tf", "repo_file_path": "/network/main.tf",
        "file_line_range": [1, 3], "resource": resource})
}

/// Runs the action over a report of Checkov.
fn checkov(runner: &Runner, failed: &[Value], passed: &[Value]) -> Run {
    let report = json!({"check_type": "terraform", "results":
        {"failed_checks": failed, "passed_checks": passed, "skipped_checks": [], "parsing_errors": []}});
    fs::write(runner.file("temp").join("checkov.json"), report.to_string()).expect("writes");
    let run = runner.run(&[("findings", "../temp/checkov.json"), ("sender", "checkov"), ("install", "path")]);
    assert!(run.success, "{}", run.log);
    run
}

#[test]
fn a_run_of_checkov_closes_its_own_pull_requests_and_no_other() {
    let key = "resource \"aws_kms_key\" \"main\" {\n  description = \"all\"\n}\n\n";
    let (runner, github, _remote) = over(&format!("{key}{}", super::TERRAFORM));
    let rotation = check("CKV_AWS_7", "aws_kms_key.main");
    fs::write(runner.file("temp").join("plan.json"), plan("ops")).expect("writes");
    assert!(runner.run(PROPOSED).success);
    let run = checkov(&runner, std::slice::from_ref(&rotation), &[]);
    assert_eq!((output(&run, "operation"), output(&run, "number")), ("created", "2"), "{}", run.log);
    for number in [1, 2] {
        let branch = github.pull_request(SHOP, number).expect_open().head().to_owned();
        github.branch(SHOP, &branch);
    }
    let run = checkov(&runner, &[], &[rotation]);
    assert_eq!(output(&run, "operation"), "closed", "{}", run.log);
    github.pull_request(SHOP, 1).expect_open();
    github.pull_request(SHOP, 2).expect_closed();
    assert_eq!(github.comments(SHOP, 2).len(), 1);
}

#[test]
fn what_another_pull_request_proposes_as_well_is_superseded() {
    let database =
        "resource \"aws_db_instance\" \"main\" {\n  deletion_protection = false\n  publicly_accessible = true\n}\n";
    let (runner, github, _remote) = over(database);
    let (protected, public) =
        (check("CKV_AWS_293", "aws_db_instance.main"), check("CKV_AWS_17", "aws_db_instance.main"));
    let looked = |number: u64, run: &Run| {
        github.branch(SHOP, output(run, "branch"));
        assert_eq!(output(run, "number"), number.to_string(), "{}", run.log);
        github.pull_request(SHOP, number).expect_open()
    };
    looked(1, &checkov(&runner, std::slice::from_ref(&public), std::slice::from_ref(&protected)));
    // Both are of one resource, so they share one, which is named after the first.
    let run = checkov(&runner, &[protected.clone(), public.clone()], &[]);
    looked(2, &run).expect_in_body(&["`/deletion_protection`", "`/publicly_accessible`"]);
    assert!(run.log.contains("#1 is closed: #2 proposes it as well\n"), "{}", run.log);
    github.pull_request(SHOP, 1).expect_closed();
    assert_eq!(github.comments(SHOP, 1).len(), 1);
    // And back again.
    let run = checkov(&runner, &[public], &[protected]);
    looked(1, &run);
    assert_eq!(output(&run, "operation"), "updated");
    github.pull_request(SHOP, 2).expect_closed();
    assert_eq!((github.comments(SHOP, 2).len(), github.pull_requests(SHOP)), (1, 2));
}

#[test]
fn a_report_older_than_what_happened_since_closes_nothing() {
    let (runner, github, _remote) = opened();
    report(&runner, &nothing_drifted());
    let file = fs::File::options().write(true).open(runner.file("temp").join("plan.json")).expect("opens");
    // Before anything happened to any pull request of the fake.
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).expect("set");
    github.forget_calls();
    assert!(runner.run(PROPOSED).success);
    assert_eq!(github.mutations(), [""; 0]);
    github.pull_request(SHOP, 1).expect_open();
}
