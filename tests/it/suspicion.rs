//! What a detector reports holds the drift of the same object, whichever came first, until it is over.

use std::fs;

use serde_json::{Value, json};
use sourceward::shell::store::case::{Case, CaseId, State};

use crate::serve::stage::{As, Stage, post_raw};

const SHOP: &str = "acme/shop";

const TOKEN: &str = "a-token-of-forty-characters-for-senders--";

fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  replicas: 3\n  template:\n    \
         spec:\n      containers:\n        - name: app\n          image: registry.example/{name}:1.4.2\n"
    )
}

fn stage() -> Stage {
    let mut stage = Stage::set(
        As::Robot,
        &[("k8s/cart.yaml", &deployment("cart")), ("k8s/checkout.yaml", &deployment("checkout"))],
    );
    fs::write(stage.folder.path().join("sender"), TOKEN).expect("writes");
    stage.configure(
        "senders",
        json!({"falco": {"authentication": "path-token", "secrets": [{"file": "sender"}]},
               "guardduty": {"authentication": "bearer", "secrets": [{"file": "sender"}]}}),
    );
    stage.configure("pull_requests", json!({"check": true}));
    stage.start();
    stage
}

fn drift(name: &str, replicas: u32) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "patch": [{"op": "replace", "path": "/spec/replicas", "value": replicas}],
    })
}

/// GuardDuty tells of a workload; the only case that it makes.
fn detected(stage: &Stage, name: &str, count: u32, archived: bool) -> Vec<Case> {
    let known = stage.cases().len();
    let payload = json!({"detail-type": "GuardDuty Finding", "detail": {
        "id": format!("{name}-{count}"), "type": "Execution:Kubernetes/ExecInKubeSystemPod", "accountId": "111122223333", "region": "eu-west-1",
        "title": "Somebody is in there", "severity": 8, "service": {"archived": archived, "count": count},
        "resource": {"resourceType": "EKSCluster", "kubernetesDetails": {"kubernetesWorkloadDetails":
            {"name": name, "type": "deployments", "namespace": "shop"}}}}});
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    assert_eq!(post_raw(stage.address(), "/webhooks/guardduty", &headers, &payload.to_string()), Some(202));
    stage.cases().split_off(known)
}

fn refused(case: &Case) -> &str {
    assert_eq!(case.state, State::Refused, "{:?}", case.reason);
    case.reason.as_ref().expect("a refusal")["code"].as_str().expect("a code")
}

fn held(stage: &Stage, case: CaseId) -> Case {
    let is_held = |case: &Case| case.state == State::Refused && refused(case) == "under-suspicion";
    stage.case_once(case, "held", is_held)
}

fn proposed(stage: &Stage, case: CaseId) -> Case {
    stage.case_once(case, "proposed", |case| case.state == State::Proposed)
}

/// What the newest check of a commit says.
fn check(stage: &Stage, sha: &str) -> String {
    stage.github.checks(SHOP, sha).pop().expect("it was checked").0
}

#[test]
fn a_report_of_before_holds_the_drift_until_its_sender_says_that_it_is_over() {
    let stage = stage();
    let suspicion = stage.settled(detected(&stage, "cart", 1, false)[0].id);
    assert_eq!(refused(&suspicion), "no-rule");
    stage.at_rest();

    let case = stage.settle(&drift("cart", 5));
    assert_eq!(refused(&case), "under-suspicion");
    let other = stage.settle(&drift("checkout", 5));
    assert_eq!(other.state, State::Proposed, "another object is not held");
    stage.github.pull_request(SHOP, 1).expect_open();
    stage.github.branch(SHOP, &other.proposal.expect("proposed").branch.to_string());

    assert_eq!(detected(&stage, "cart", 1, true).len(), 0, "its end is no case of its own");
    let case = proposed(&stage, case.id);
    stage.case_once(suspicion.id, "over", |case| case.state == State::Resolved);
    stage.github.pull_request(SHOP, 2).expect_open();
    stage.github.branch(SHOP, &case.proposal.expect("proposed").branch.to_string());
}

#[test]
fn a_report_that_comes_later_fails_the_check_of_what_is_proposed_until_a_person_ends_it() {
    let stage = stage();
    let case = stage.settle(&drift("cart", 5));
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    stage.github.pull_request(SHOP, 1).expect_open();
    let branch = case.proposal.as_ref().expect("proposed").branch.to_string();
    let head = stage.github.branch(SHOP, &branch).expect("it is there");
    stage.at_rest();
    assert_eq!(check(&stage, &head), "success");

    let suspicion = stage.settled(detected(&stage, "cart", 1, false)[0].id);
    held(&stage, case.id);
    stage.at_rest();
    assert_eq!(check(&stage, &head), "failure");

    let said = stage.findings(&["resolve", &suspicion.id.to_string()]).expect("resolved");
    assert_eq!(said, format!("case {} is over, and what was begun for it is ended\n", suspicion.id));
    stage.case_once(suspicion.id, "over", |case| case.state == State::Resolved);
    proposed(&stage, case.id);
    stage.at_rest();
    assert_eq!(check(&stage, &head), "success");
    assert!(stage.findings(&["resolve", &suspicion.id.to_string()]).is_err_and(|said| said.contains("over already")));

    // The detector sees it again: that is another case, and it holds again.
    let again = stage.settled(detected(&stage, "cart", 2, false)[0].id);
    assert_ne!(again.id, suspicion.id);
    held(&stage, case.id);
}

#[test]
fn a_report_about_a_pod_holds_the_drift_of_its_deployment() {
    let stage = stage();
    let shell = json!({"rule": "Terminal shell in container", "priority": "Notice", "source": "syscall", "output": "x",
        "time": "2026-11-20T10:00:00.000000000Z", "output_fields":
            {"k8s.ns.name": "shop", "k8s.pod.name": "cart-7c9d8b5f66-x2xqz", "container.id": "abc"}});
    let headers = [("content-type", "application/json")];
    assert_eq!(post_raw(stage.address(), &format!("/webhooks/falco/{TOKEN}"), &headers, &shell.to_string()), Some(202));
    // The source never asked for a shell, and that does not undo it.
    let suspicion = stage.settled(stage.cases()[0].id);
    assert_eq!(refused(&suspicion), "under-suspicion");
    assert!(suspicion.reason.expect("a refusal").to_string().contains("it happened in what runs"));
    stage.at_rest();
    assert_eq!(refused(&stage.settle(&drift("cart", 5))), "under-suspicion");
}
