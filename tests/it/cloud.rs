//! Findings that name a resource as its cloud does, from the sender's own payload to the pull request or the right refusal: the
//! server looks the address up in a Terraform state, and nothing of that state leaves it.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};
use sourceward::shell::store::case::{Case, State};

use crate::{
    github::GitHub,
    serve::stage::{As, Stage, holding, post_raw},
};

const INFRA: &str = "acme/infra";

const TOKEN: &str = "a-token-of-forty-characters-for-senders--";

/// What stands in the state and nowhere else.
const PLANTED: &str = "kT9vXq2LmW7zRb4N";

const MAIN: &str = "resource \"aws_sqs_queue\" \"jobs\" {\n  name                    = \"jobs\"\n  sqs_managed_sse_enabled = false\n}\n\n\
                    resource \"aws_iam_role\" \"admin\" {\n  name = \"admin\"\n}\n";

fn state() -> Value {
    let resource = |kind: &str, name: &str, attributes: Value| json!({"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": attributes}]});
    json!({"version": 4, "terraform_version": "1.11.4", "outputs": {"password": {"value": PLANTED, "sensitive": true}}, "resources": [
        resource("aws_sqs_queue", "jobs", json!({"id": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs", "name": "jobs",
            "arn": "arn:aws:sqs:eu-west-1:111122223333:jobs", "policy": PLANTED,
            "tags_all": {"yor_trace": "6ac2b9a1-8ff7-4aaa-8d2d-0d6a7cb1d6f0"}})),
        resource("aws_iam_role", "admin", json!({"id": "admin", "name": "admin", "arn": "arn:aws:iam::111122223333:role/admin"})),
    ]})
}

/// A server that finds addresses in these states; nothing runs yet.
fn stage(states: Value) -> Stage {
    let github = GitHub::with(&[]);
    github.add_repository(INFRA, &[("main.tf", MAIN)]);
    let stage = Stage::set_changed(As::Robot, github, &[INFRA], |config| {
        config["repositories"][0]["states"] = states;
        for sender in ["securityhub", "guardduty", "aws-config", "prisma-cloud"] {
            config["senders"][sender] = json!({"authentication": "bearer", "secrets": [{"file": "sender"}]});
        }
    });
    fs::write(stage.folder.path().join("sender"), TOKEN).expect("writes");
    fs::write(stage.folder.path().join("state.json"), state().to_string()).expect("writes");
    stage
}

/// Posts a payload as a sender does; the only case that it makes or touches, when it has ended.
fn posted(stage: &Stage, sender: &str, payload: &Value) -> Case {
    let known = stage.cases().len();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let status = post_raw(stage.address(), &format!("/webhooks/{sender}"), &headers, &payload.to_string());
    assert_eq!(status, Some(202), "{payload}");
    let cases = stage.cases();
    assert_eq!(cases.len(), known + 1, "{payload}");
    stage.settled(cases[known].id)
}

/// A failed control in the form of Security Hub.
fn security_hub(control: &str, kind: &str, id: &str) -> Value {
    json!({"SchemaVersion": "2018-10-08", "Id": format!("{control}/{id}"), "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        "GeneratorId": format!("security-control/{control}"), "AwsAccountId": "111122223333", "Region": "eu-west-1",
        "Title": "A queue should be encrypted", "Severity": {"Label": "MEDIUM"}, "Types": [], "ProductFields": {},
        "Compliance": {"Status": "FAILED", "SecurityControlId": control}, "Workflow": {"Status": "NEW"}, "RecordState": "ACTIVE",
        "Resources": [{"Type": kind, "Id": id, "Region": "eu-west-1"}]})
}

fn guard_duty(account: &str, role: &str) -> Value {
    json!({"detail-type": "GuardDuty Finding", "source": "aws.guardduty", "detail": {
        "id": role, "type": "PrivilegeEscalation:IAMUser/AnomalousBehavior", "accountId": account, "region": "eu-west-1",
        "title": "A role did what it never did", "severity": 8,
        "resource": {"resourceType": "AccessKey", "accessKeyDetails": {"userName": role, "userType": "Role"}},
        "service": {"archived": false}}})
}

fn config_compliance(kind: &str, id: &str) -> Value {
    json!({"messageType": "ComplianceChangeNotification", "configRuleName": "acme-unheard-of", "awsAccountId": "111122223333",
        "awsRegion": "eu-west-1", "resourceType": kind, "resourceId": id, "newEvaluationResult": {"complianceType": "NON_COMPLIANT"}})
}

fn config_change(kind: &str, id: &str) -> Value {
    json!({"messageType": "ConfigurationItemChangeNotification", "configurationItemDiff": {"changeType": "UPDATE", "changedProperties": {}},
        "configurationItem": {"awsAccountId": "111122223333", "awsRegion": "eu-west-1", "resourceType": kind, "resourceId": id}})
}

fn prisma(policy: &str, kind: &str, id: &str) -> Value {
    json!({"alertId": id, "policyName": policy, "policyId": policy, "severity": "high", "cloudType": "aws", "accountId": "111122223333",
        "resourceId": id, "resourceType": kind, "resourceName": "x", "resourceRegionId": "eu-west-1"})
}

fn refused(case: &Case) -> (&str, &str) {
    assert_eq!(case.state, State::Refused, "{:?}", case.reason);
    let reason = case.reason.as_ref().expect("a refusal");
    (reason["code"].as_str().expect("a code"), reason["message"].as_str().expect("a message"))
}

/// Nothing of the state's secret is in the log or the store.
fn keeps_the_state_to_itself(mut stage: Stage) {
    stage.stop();
    assert!(!stage.log().contains(PLANTED), "{}", stage.log());
    assert_eq!(holding(&stage.data(), PLANTED), Vec::<std::path::PathBuf>::new());
}

#[test]
fn an_arn_becomes_a_pull_request_for_the_block_that_declares_it() {
    let mut stage = stage(json!([{"file": "state.json"}]));
    stage.start();
    let case =
        posted(&stage, "securityhub", &security_hub("SQS.1", "AwsSqsQueue", "arn:aws:sqs:eu-west-1:111122223333:jobs"));
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    let branch = case.proposal.as_ref().expect("it is proposed").branch.to_string();
    assert_eq!(
        stage.changed(INFRA, &branch),
        ["-  sqs_managed_sse_enabled = false", "+  sqs_managed_sse_enabled = true"]
    );
    stage.github.pull_request(INFRA, 1).expect_open().expect_in_body(&["aws_sqs_queue.jobs"]);
    // What was looked up is not kept: the next look may find it elsewhere.
    assert!(case.finding.resource.to_string().contains("arn:aws:sqs"), "{}", case.finding.resource);
    keeps_the_state_to_itself(stage);
}

#[test]
fn every_sender_of_a_cloud_ends_in_the_refusal_that_fits() {
    let mut stage = stage(json!([{"file": "state.json"}]));
    stage.start();
    let cases = [
        ("guardduty", guard_duty("111122223333", "admin"), "no-rule", "aws_iam_role.admin"),
        (
            "guardduty",
            guard_duty("999999999999", "admin"),
            "owner-not-found",
            "no resource of the state is AWS::IAM::Role admin",
        ),
        ("aws-config", config_compliance("AWS::SQS::Queue", "jobs"), "no-rule", "aws_sqs_queue.jobs"),
        ("aws-config", config_change("AWS::IAM::Role", "admin"), "live-state-missing", "aws_iam_role.admin"),
        (
            "prisma-cloud",
            prisma("AWS IAM role is too powerful", "AWS::IAM::Role", "arn:aws:iam::111122223333:role/admin"),
            "no-rule",
            "aws_iam_role.admin",
        ),
        (
            "securityhub",
            security_hub("SQS.1", "AwsSqsQueue", "arn:aws:sqs:us-east-1:111122223333:jobs"),
            "owner-not-found",
            "no resource of the state",
        ),
    ];
    for (sender, payload, code, about) in cases {
        let case = posted(&stage, sender, &payload);
        let (found, message) = refused(&case);
        assert!(found == code && message.contains(about), "{sender}: {found}: {message}");
    }
    assert_eq!(stage.github.mutations(), [""; 0]);
}

#[test]
fn without_a_state_the_refusal_says_what_is_missing() {
    let mut stage = stage(json!([]));
    stage.start();
    let case =
        posted(&stage, "securityhub", &security_hub("SQS.1", "AwsSqsQueue", "arn:aws:sqs:eu-west-1:111122223333:jobs"));
    let (code, message) = refused(&case);
    assert!(code == "owner-not-found" && message.contains("no state tells its Terraform address"), "{code}: {message}");
}

#[test]
fn a_command_of_the_operators_prints_the_state_and_its_failure_is_a_refusal_that_says_so() {
    let mut stage =
        stage(json!([{"command": ["./state", "show", "$(touch made)"], "time_limit_seconds": 5, "keep_seconds": 0}]));
    let program = stage.folder.path().join("state");
    let write = |script: &str| {
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("writes");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    };
    let queue = |account: &str| security_hub("SQS.1", "AwsSqsQueue", &format!("arn:aws:sqs:eu-west-1:{account}:jobs"));
    write(&format!("echo {PLANTED}; echo {PLANTED} >&2; exit 4"));
    stage.start();
    let case = posted(&stage, "securityhub", &queue("111122223333"));
    let (code, message) = refused(&case);
    assert!(code == "state-unreadable" && message.ends_with("it ends with exit status: 4"), "{code}: {message}");

    // Mended, the same case goes on.
    write("[ \"$1 $2\" = 'show $(touch made)' ] && cat state.json");
    stage.findings(&["retry", &case.id.to_string()]).expect("retried");
    let case = stage.settled(case.id);
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    stage.github.pull_request(INFRA, 1).expect_open();
    stage.github.branch(INFRA, &case.proposal.as_ref().expect("it is proposed").branch.to_string());
    assert!(!stage.folder.path().join("made").exists(), "there is no shell");
    keeps_the_state_to_itself(stage);
}

#[test]
fn a_trace_of_yor_finds_what_its_name_does_not() {
    let mut stage = stage(json!([{"file": "state.json"}]));
    stage.start();
    let mut renamed = security_hub("SQS.1", "AwsSqsQueue", "arn:aws:sqs:eu-west-1:111122223333:renamed");
    renamed["Resources"][0]["Tags"] = json!({"yor_trace": "6ac2b9a1-8ff7-4aaa-8d2d-0d6a7cb1d6f0"});
    let case = posted(&stage, "securityhub", &renamed);
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    stage.github.pull_request(INFRA, 1).expect_open();
    stage.github.branch(INFRA, &case.proposal.as_ref().expect("it is proposed").branch.to_string());
}
