//! The life of a pull request, a story each: what happened, and what GitHub and the git remote hold afterwards.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sourceward::shell::store::case::{Case, State};

use crate::{
    git::git,
    github::{Fault, GitHub},
    serve::stage::{As, Stage, post_event},
};

const SHOP: &str = "acme/shop";

fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  replicas: 3 # why\n  \
         paused: false\n  minReadySeconds: 5\n  template:\n    spec:\n      containers:\n        - name: app\n          image: r.example/{name}:1\n"
    )
}

/// `Deployment shop/NAME` runs with another number of replicas.
fn drift(name: &str, replicas: u32) -> Value {
    patched(name, "/spec/replicas", json!(replicas))
}

fn patched(name: &str, path: &str, value: Value) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "patch": [{"op": "replace", "path": path, "value": value}],
    })
}

/// The same trouble is over.
fn healed(mut finding: Value) -> Value {
    finding["state"] = json!("resolved");
    finding
}

fn files() -> Vec<(String, String)> {
    ["cart", "checkout", "web"].map(|name| (format!("k8s/{name}.yaml"), deployment(name))).to_vec()
}

fn github() -> GitHub {
    let files = files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    GitHub::with(&files)
}

/// A server that looks after the shop, for tests of other subjects.
pub(crate) fn server() -> Stage {
    shop(As::Robot)
}

/// A server that looks after the shop, as `who`.
fn shop(who: As) -> Stage {
    started(who, |_| {})
}

fn started(who: As, change: impl FnOnce(&mut Value)) -> Stage {
    let mut stage = Stage::set_changed(who, github(), &[SHOP], change);
    stage.start();
    stage
}

fn branch(case: &Case) -> String {
    case.proposal.as_ref().expect("a proposal").branch.to_string()
}

fn number(case: &Case) -> u64 {
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    case.pull_request.as_ref().expect("a proposed case has one").number
}

fn reason(case: &Case) -> String {
    let reason = case.reason.as_ref();
    let code = reason.and_then(|reason| reason.get("code")).and_then(Value::as_str);
    code.or_else(|| reason.and_then(Value::as_str)).unwrap_or_default().to_owned()
}

/// Opens the pull request of `cart`, which runs with 5.
fn opened(stage: &Stage) -> Case {
    let case = stage.settle(&drift("cart", 5));
    assert_eq!(number(&case), 1, "{}", stage.log());
    stage.github.pull_request(SHOP, 1).expect_open();
    stage.github.branch(SHOP, &branch(&case));
    case
}

/// Nothing that anyone sees was changed by this.
fn unchanged(stage: &Stage, what: impl FnOnce()) {
    stage.at_rest();
    let pushes = stage.git_traffic().pushes;
    stage.github.forget_calls();
    what();
    stage.at_rest();
    assert_eq!(stage.github.mutations(), Vec::<String>::new(), "{}", stage.log());
    assert_eq!(stage.git_traffic().pushes, pushes, "{}", stage.log());
}

#[test]
fn a_drift_that_heals_closes_its_pull_request_and_a_relapse_opens_it_again() {
    for who in [As::Robot, As::App] {
        let stage = shop(who);
        let case = opened(&stage);
        let branch = branch(&case);
        let over = stage.settled(stage.report(&healed(drift("cart", 5))).case());
        assert_eq!((over.state, reason(&over).as_str()), (State::Resolved, "reported as over"), "{}", stage.log());
        stage.github.pull_request(SHOP, 1).expect_closed().expect_in_body(&["\"closed\":\"healed\""]);
        let comments = stage.github.comments(SHOP, 1);
        assert_eq!(comments.len(), 1);
        assert!(comments[0].contains("The drift is gone"), "{}", comments[0]);
        assert_eq!(stage.github.branch(SHOP, &branch), None, "its branch is gone too");

        let again = stage.settle(&drift("cart", 7));
        assert_ne!(again.id, case.id, "another case of the same trouble");
        assert_eq!(number(&again), 1, "{}", stage.log());
        stage.github.pull_request(SHOP, 1).expect_open().expect_title("Set spec.replicas of Deployment shop/cart to 7");
        assert_eq!(stage.changed(SHOP, &branch), ["-  replicas: 3 # why", "+  replicas: 7 # why"]);
        assert_eq!(stage.github.pull_requests(SHOP), 1);

        // And a second time, with a comment of its own.
        stage.settled(stage.report(&healed(drift("cart", 7))).case());
        stage.github.pull_request(SHOP, 1).expect_closed();
        assert_eq!(stage.github.comments(SHOP, 1).len(), 2);
        stage.github.branch(SHOP, &branch);
    }
}

#[test]
fn a_relapse_that_github_will_not_reopen_is_a_new_pull_request() {
    let stage = shop(As::Robot);
    let branch = branch(&opened(&stage));
    stage.settled(stage.report(&healed(drift("cart", 5))).case());
    stage.github.pull_request(SHOP, 1).expect_closed();
    stage.github.comments(SHOP, 1);
    stage.github.branch(SHOP, &branch);
    stage.github.fail("PATCH /repos/acme/shop/pulls/1", Fault::Refuse(422, Vec::new(), "state cannot be changed"));
    let again = stage.settle(&drift("cart", 5));
    assert_eq!(number(&again), 2, "{}", stage.log());
    stage.github.pull_request(SHOP, 1).expect_closed();
    stage.github.pull_request(SHOP, 2).expect_open().expect_branches(&branch, "main");
    assert!(stage.github.branch(SHOP, &branch).is_some());
}

#[test]
fn a_source_that_was_fixed_otherwise_closes_it() {
    for who in [As::Robot, As::App] {
        let stage = shop(who);
        let case = opened(&stage);
        stage.pushes(SHOP, &[("k8s/cart.yaml", &deployment("cart").replace("replicas: 3", "replicas: 5"))]);
        let over = stage.case_once(case.id, "resolved", |case| case.state == State::Resolved);
        assert_eq!(reason(&over), "the source already says so");
        stage.github.pull_request(SHOP, 1).expect_closed();
        assert!(stage.github.comments(SHOP, 1)[0].contains("The source and what runs agree by now"));
        assert_eq!(stage.github.branch(SHOP, &branch(&case)), None);
    }
}

#[test]
fn a_base_that_moves_under_the_edit_has_it_proved_anew_and_one_that_moves_elsewhere_does_not() {
    for who in [As::Robot, As::App] {
        let stage = shop(who);
        let case = opened(&stage);
        unchanged(&stage, || drop(stage.pushes(SHOP, &[("README.md", "elsewhere\n")])));
        // The line itself has moved: a merge would conflict, or worse.
        let moved = format!("# moved down\n# by two lines\n{}", deployment("cart"));
        let base = stage.pushes(SHOP, &[("k8s/cart.yaml", &moved)]);
        let folder = stage.github.folder(SHOP);
        let parent = || git(&folder, &["rev-parse", &format!("{}^", branch(&case))]);
        stage.until("a rebase", || parent() == base);
        stage.at_rest();
        assert_eq!(stage.changed(SHOP, &branch(&case)), ["-  replicas: 3 # why", "+  replicas: 5 # why"]);
        assert_eq!(git(&folder, &["rev-list", "--count", &format!("main..{}", branch(&case))]), "1");
        stage.github.pull_request(SHOP, 1).expect_open().expect_in_body(&["`k8s/cart.yaml:9`"]);
        assert_eq!(stage.github.comments(SHOP, 1), Vec::<String>::new(), "nobody is told of a rebase");
    }
}

#[test]
fn a_repository_that_demands_it_has_branches_always_up_to_date() {
    let stage = started(As::Robot, |config| config["pull_requests"]["rebase"] = json!("always"));
    let case = opened(&stage);
    let base = stage.pushes(SHOP, &[("README.md", "elsewhere\n")]);
    let folder = stage.github.folder(SHOP);
    stage.until("a rebase", || git(&folder, &["rev-parse", &format!("{}^", branch(&case))]) == base);
    stage.at_rest();
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn what_can_no_longer_be_proved_stays_open_with_a_check_that_says_so() {
    let stage = started(As::App, |config| config["pull_requests"]["check"] = json!(true));
    let case = opened(&stage);
    let head = stage.github.branch(SHOP, &branch(&case)).expect("a branch");
    assert_eq!(
        stage.github.checks(SHOP, &head),
        [("success".to_owned(), "Exactly 1 field changes, nothing else".to_owned())]
    );
    let run = stage.github.check_run(SHOP, &head);
    assert_eq!(run["name"], "sourceward / proof");
    let proof = run["output"]["text"].as_str().expect("a text");
    assert!(proof.contains("\"path\": \"/spec/replicas\"") && proof.contains("\"after\": 5"), "{proof}");

    stage.pushes(SHOP, &[("k8s/cart.yaml", "gone: elsewhere\n")]);
    let refused = stage.case_once(case.id, "refused", |case| case.state == State::Refused);
    assert_eq!(reason(&refused), "owner-not-found");
    stage.github.pull_request(SHOP, 1).expect_open();
    let checks = stage.github.checks(SHOP, &head);
    assert_eq!(checks.len(), 2);
    assert_eq!(checks[1], ("failure".to_owned(), "Not proved on the present base: owner-not-found".to_owned()));

    // It comes back, and is proved again.
    stage.pushes(SHOP, &[("k8s/cart.yaml", &deployment("cart"))]);
    assert_eq!(number(&stage.case_once(case.id, "proposed", |case| case.state == State::Proposed)), 1);
    assert_eq!(stage.github.checks(SHOP, &head).last().map(|check| check.0.clone()), Some("success".to_owned()));
    // Asked for again, it is shown again.
    let asked = json!({
        "action": "rerequested", "repository": stage.about(SHOP),
        "check_run": {"name": "sourceward / proof", "head_sha": head, "pull_requests": [{"number": 1}]},
    });
    assert_eq!(stage.event("check_run", &asked), 202);
    stage.at_rest();
    assert_eq!(stage.github.checks(SHOP, &head).len(), 4);
}

#[test]
fn with_a_plain_token_the_check_is_a_status() {
    let stage = started(As::Robot, |config| config["pull_requests"]["check"] = json!(true));
    let case = opened(&stage);
    let head = stage.github.branch(SHOP, &branch(&case)).expect("a branch");
    let expected = [("success".to_owned(), "Exactly 1 field changes, nothing else".to_owned())];
    assert_eq!(stage.github.checks(SHOP, &head), expected);
    unchanged(&stage, || drop(stage.pushes(SHOP, &[("README.md", "elsewhere\n")])));
    assert_eq!(stage.github.checks(SHOP, &head), expected);
}

#[test]
fn a_merge_queue_is_answered_by_what_the_group_would_make() {
    let stage = started(As::App, |config| config["pull_requests"]["check"] = json!(true));
    let case = opened(&stage);
    let head = stage.github.branch(SHOP, &branch(&case)).expect("a branch");
    let queue = |number: u64, files: &[(&str, &str)]| {
        let branch = format!("gh-readonly-queue/main/pr-{number}-{head}");
        git(&stage.github.folder(SHOP), &["update-ref", &format!("refs/heads/{branch}"), "main"]);
        let group = stage.github.person_pushes(SHOP, &branch, files);
        let asked = json!({
            "action": "checks_requested", "repository": stage.about(SHOP),
            "merge_group": {"head_sha": group, "head_ref": format!("refs/heads/{branch}")},
        });
        assert_eq!(stage.event("merge_group", &asked), 202);
        stage.until("an answer", || !stage.github.checks(SHOP, &group).is_empty());
        stage.at_rest();
        stage.github.checks(SHOP, &group)[0].0.clone()
    };
    let merged = deployment("cart").replace("replicas: 3", "replicas: 5");
    assert_eq!(queue(1, &[("k8s/cart.yaml", &merged)]), "success");
    assert_eq!(queue(1, &[("k8s/cart.yaml", &deployment("cart").replace("replicas: 3", "replicas: 6"))]), "failure");
    assert_eq!(queue(99, &[("README.md", "somebody else's\n")]), "success");
}

#[test]
fn a_persons_commit_takes_the_branch_over_which_is_said_once() {
    let stage = shop(As::Robot);
    let case = opened(&stage);
    let theirs = stage.github.person_pushes(SHOP, &branch(&case), &[("k8s/cart.yaml", "mine: now\n")]);
    stage.pull_event(SHOP, 1, "synchronize");
    stage.until("being told", || stage.github.comments(SHOP, 1).len() == 1);
    assert!(stage.github.comments(SHOP, 1)[0].contains("it is yours from now on"));
    unchanged(&stage, || {
        stage.settle(&drift("cart", 8));
        stage.pushes(SHOP, &[("README.md", "elsewhere\n")]);
        // Not even when it is over.
        assert_eq!(stage.settled(stage.report(&healed(drift("cart", 8))).case()).state, State::Resolved);
    });
    assert_eq!(stage.github.branch(SHOP, &branch(&case)), Some(theirs));
    stage.github.pull_request(SHOP, 1).expect_open();
}

#[test]
fn closed_by_a_person_it_is_muted_until_the_value_changes() {
    let stage = shop(As::Robot);
    let case = opened(&stage);
    stage.github.person_closes(SHOP, 1);
    unchanged(&stage, || {
        stage.pull_event(SHOP, 1, "closed");
        stage.pushes(SHOP, &[("README.md", "elsewhere\n")]);
        // Over and back with the same value: still no.
        stage.settled(stage.report(&healed(drift("cart", 5))).case());
        number(&stage.settle(&drift("cart", 5)));
    });
    let again = stage.settle(&drift("cart", 6));
    assert_eq!(number(&again), 2);
    stage.github.pull_request(SHOP, 2).expect_open();
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn what_a_person_turned_down_is_not_drawn_along_by_another_finding() {
    for group in ["resource", "stack"] {
        let stage = started(As::Robot, |config| config["pull_requests"]["group"] = json!(group));
        let all = [drift("cart", 5), patched("cart", "/spec/paused", json!(true))];
        stage.report(&json!({ "findings": all }));
        let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
        assert_eq!(cases.iter().map(number).collect::<Vec<_>>(), [1, 1]);
        stage.github.pull_request(SHOP, 1).expect_open();
        stage.github.branch(SHOP, &branch(&cases[0]));
        stage.github.person_closes(SHOP, 1);
        unchanged(&stage, || {
            stage.pull_event(SHOP, 1, "closed");
            stage.pushes(SHOP, &[("README.md", "elsewhere\n")]);
        });
        let third = stage.settle(&patched("cart", "/spec/minReadySeconds", json!(9)));
        assert_eq!(number(&third), 2, "{group}: {}", stage.log());
        let alone = ["-  minReadySeconds: 5", "+  minReadySeconds: 9"];
        assert_eq!(stage.changed(SHOP, &branch(&third)), alone, "{group}");
        unchanged(&stage, || drop(stage.pushes(SHOP, &[("README.md", "again\n")])));
        assert_eq!(stage.changed(SHOP, &branch(&third)), alone, "{group}: all of them were looked at");
        stage.github.pull_request(SHOP, 2).expect_open();
        // Another value is another wish, and shares with what is open.
        let again = stage.settle(&drift("cart", 7));
        assert_eq!(number(&again), 2, "{group}: {}", stage.log());
        stage.at_rest();
        assert_eq!(stage.changed(SHOP, &branch(&again)).len(), 4, "{group}");
        stage.github.pull_request(SHOP, 2).expect_open();
        stage.github.pull_request(SHOP, 1).expect_closed();
    }
}

#[test]
fn what_a_person_opens_again_is_not_fought_over() {
    let stage = shop(As::Robot);
    let case = opened(&stage);
    stage.pushes(SHOP, &[("k8s/cart.yaml", &deployment("cart").replace("replicas: 3", "replicas: 5"))]);
    stage.case_once(case.id, "resolved", |case| case.state == State::Resolved);
    stage.github.pull_request(SHOP, 1).expect_closed();
    stage.github.comments(SHOP, 1);
    stage.github.person_reopens(SHOP, 1);
    unchanged(&stage, || assert_eq!(stage.settle(&drift("cart", 5)).state, State::Resolved));
    stage.github.pull_request(SHOP, 1).expect_open();
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn drift_that_is_seen_before_a_merge_is_deployed_opens_nothing() {
    let stage = shop(As::Robot);
    opened(&stage);
    stage.github.person_merges(SHOP, 1);
    stage.pull_event(SHOP, 1, "closed");
    stage.at_rest();
    unchanged(&stage, || {
        // The cluster still runs what the source said before: no wish of anybody's.
        number(&stage.settle(&drift("cart", 3)));
    });
    stage.github.merged_long_ago(SHOP, 1);
    let mut late = drift("cart", 3);
    late["actor"] = json!({"user": "kim"});
    assert_eq!(number(&stage.settle(&late)), 2, "after a day it is a wish");
    let case = stage.cases().pop().expect("a case");
    stage.github.pull_request(SHOP, 2).expect_open();
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn findings_of_one_resource_share_a_pull_request_and_leave_it_one_by_one() {
    for who in [As::Robot, As::App] {
        let stage = shop(who);
        let all = [drift("cart", 5), patched("cart", "/spec/paused", json!(true)), drift("web", 4)];
        stage.report(&json!({ "findings": all }));
        let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
        assert_eq!(cases.iter().map(number).collect::<Vec<_>>(), [1, 1, 2], "{}", stage.log());
        let shared = branch(&cases[0]);
        assert_eq!(
            stage.changed(SHOP, &shared),
            ["-  replicas: 3 # why", "-  paused: false", "+  replicas: 5 # why", "+  paused: true"]
        );
        stage
            .github
            .pull_request(SHOP, 1)
            .expect_open()
            .expect_title("Change 2 fields of spec of Deployment shop/cart")
            .expect_in_body(&["`/spec/replicas`", "`/spec/paused`", "Exactly these fields change"]);
        stage.github.pull_request(SHOP, 2).expect_open();
        stage.github.branch(SHOP, &branch(&cases[2]));

        // A third one comes later and joins the open one.
        let third = stage.settle(&patched("cart", "/spec/minReadySeconds", json!(9)));
        assert_eq!((number(&third), branch(&third)), (1, shared.clone()), "{}", stage.log());
        stage.at_rest();
        assert_eq!(stage.changed(SHOP, &shared).len(), 6);

        // The one that it is named after heals: the others stay.
        stage.settled(stage.report(&healed(drift("cart", 5))).case());
        stage.at_rest();
        assert_eq!(
            stage.changed(SHOP, &shared),
            ["-  paused: false", "-  minReadySeconds: 5", "+  paused: true", "+  minReadySeconds: 9"]
        );
        stage.github.pull_request(SHOP, 1).expect_open();
        assert_eq!(stage.github.pull_requests(SHOP), 2);
    }
}

#[test]
fn a_repository_may_have_all_of_a_stack_in_one() {
    let stage = started(As::App, |config| config["pull_requests"]["group"] = json!("stack"));
    stage.report(&json!({"findings": [drift("cart", 5), drift("web", 4)]}));
    let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
    assert_eq!(cases.iter().map(number).collect::<Vec<_>>(), [1, 1], "{}", stage.log());
    assert!(branch(&cases[0]).starts_with("sourceward/stack-"), "{}", branch(&cases[0]));
    let folder = stage.github.folder(SHOP);
    let names = git(&folder, &["diff", "--name-only", &format!("main...{}", branch(&cases[1]))]);
    assert_eq!(names, "k8s/cart.yaml\nk8s/web.yaml");
    stage.github.pull_request(SHOP, 1).expect_open().expect_in_body(&["2 resources run", "shop/cart", "shop/web"]);
    let later = stage.settle(&drift("checkout", 2));
    assert_eq!(number(&later), 1);
    stage.at_rest();
    assert_eq!(stage.changed(SHOP, &branch(&later)).len(), 6);
    stage.github.pull_request(SHOP, 1);
}

#[test]
fn a_repository_may_have_all_of_a_rule_in_one() {
    let stage = started(As::App, |config| config["pull_requests"]["group"] = json!("rule"));
    let breaks = |name: &str| {
        let mut finding = drift(name, 3);
        finding.as_object_mut().expect("a map").remove("patch");
        (finding["intent"], finding["rule"]) = (json!("violation"), json!({"id": "CKV_K8S_22"}));
        finding
    };
    stage.report(&json!({"findings": [breaks("cart"), breaks("web"), drift("checkout", 5)]}));
    let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
    assert_eq!(cases.iter().map(number).collect::<Vec<_>>(), [1, 1, 2], "drift has no rule: {}", stage.log());
    assert!(branch(&cases[0]).starts_with("sourceward/rule-"), "{}", branch(&cases[0]));
    let added = ["+          securityContext:", "+            readOnlyRootFilesystem: true"];
    assert_eq!(stage.changed(SHOP, &branch(&cases[0])), [added, added].concat());
    stage.github.pull_request(SHOP, 1).expect_open().expect_in_body(&["2 resources", "shop/cart", "shop/web"]);
    stage.github.pull_request(SHOP, 2).expect_open().expect_in_body(&["shop/checkout"]);
    stage.github.branch(SHOP, &branch(&cases[2]));
}

#[test]
fn what_another_pull_request_proposes_as_well_is_closed() {
    let mut stage = shop(As::App);
    let runs_with = |stage: &Stage, cart: u32, web: u32| -> Vec<Case> {
        stage.report(&json!({"findings": [drift("cart", cart), drift("web", web)]}));
        stage.cases().iter().map(|case| stage.settled(case.id)).collect()
    };
    let alone = runs_with(&stage, 5, 4);
    assert_eq!(alone.iter().map(number).collect::<Vec<_>>(), [1, 2], "{}", stage.log());
    stage.github.pull_request(SHOP, 2).expect_open();
    stage.at_rest();

    // From now on the operator wants one for all of a stack.
    stage.stop();
    stage.configure("pull_requests", json!({"group": "stack"}));
    stage.start();
    let together = runs_with(&stage, 6, 7);
    assert_eq!(together.iter().map(number).collect::<Vec<_>>(), [1, 1], "{}", stage.log());
    stage.at_rest();
    assert_eq!(
        stage.changed(SHOP, &branch(&alone[0])),
        ["-  replicas: 3 # why", "+  replicas: 6 # why", "-  replicas: 3 # why", "+  replicas: 7 # why"]
    );
    stage.github.pull_request(SHOP, 1).expect_open().expect_in_body(&["2 resources", "shop/cart", "shop/web"]);
    stage.github.pull_request(SHOP, 2).expect_closed();
    let said = stage.github.comments(SHOP, 2);
    assert!(said.iter().any(|text| text.contains("#1 proposes this change together with others")), "{said:?}");
    assert_eq!(stage.github.branch(SHOP, &branch(&alone[1])), None);
}

#[test]
fn opposite_wishes_for_one_field_are_shown_and_not_fought() {
    let stage = shop(As::Robot);
    let mut other = drift("cart", 9);
    other["stack"] = json!(stage_name());
    stage.report(&json!({"findings": [drift("cart", 5), other]}));
    let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
    assert_eq!(cases.iter().map(reason).collect::<Vec<_>>(), ["opposite-wishes", "opposite-wishes"], "{cases:?}");
    assert_eq!(stage.github.pull_requests(SHOP), 0);
}

/// The stack that the discovery finds in `k8s`.
fn stage_name() -> &'static str {
    "k8s"
}

#[test]
fn people_command_by_comments_if_they_may_write() {
    let stage = shop(As::App);
    let case = opened(&stage);
    // Nobody else is obeyed, not even by an edit or an App.
    stage.github.permit(SHOP, "mallory", "read");
    let asked = stage.comment(SHOP, 1, "mallory", "/sourceward ignore");
    stage.until("an answer", || stage.github.reactions(SHOP, asked) == ["confused"]);
    stage.at_rest();
    let comments = stage.github.comments(SHOP, 1);
    assert!(comments[1].contains("only from people who may write"), "{comments:?}");
    assert_eq!(stage.case(case.id).state, State::Proposed);
    let id = stage.github.comments_as(SHOP, 1, "ann", "/sourceward ignore");
    for strange in [
        json!({"action": "edited"}),
        json!({"comment": {"id": id, "body": "/sourceward ignore", "user": {"login": "dependabot[bot]", "type": "Bot"}}}),
        json!({"comment": {"id": id, "body": "/sourceward ignore", "performed_via_github_app": {"id": 1}, "user": {"login": "ann", "type": "User"}}}),
        json!({"comment": {"id": id, "body": "please /sourceward ignore", "user": {"login": "ann", "type": "User"}}}),
        json!({"issue": {"number": 1, "body": "no pull request"}}),
    ] {
        let mut event = stage.commented(SHOP, 1, id, "ann", "/sourceward ignore");
        event.as_object_mut().expect("a map").extend(strange.as_object().expect("a map").clone());
        assert_eq!(stage.event("issue_comment", &event), 200, "{strange}");
    }
    assert_eq!(stage.github.reactions(SHOP, id), Vec::<String>::new());

    let heard = |text: &str, expected: &[&str]| {
        let id = stage.comment(SHOP, 1, "ann", text);
        stage.until("an answer", || stage.github.reactions(SHOP, id).len() == 2);
        stage.at_rest();
        assert_eq!(stage.github.reactions(SHOP, id), expected, "{text}: {}", stage.log());
        stage.github.comments(SHOP, 1).last().cloned().unwrap_or_default()
    };
    let said = heard("/sourceward explain", &["eyes", "+1"]);
    assert!(said.contains("`k8s/cart.yaml:7`"), "{said}");
    let said = heard("/sourceward merge", &["eyes", "confused"]);
    assert!(said.contains("I do not know that command"), "{said}");
    // Behind, but good as it is: only who asks gets another branch.
    let base = stage.pushes(SHOP, &[("README.md", "elsewhere\n")]);
    heard("/sourceward rebase", &["eyes", "+1"]);
    let folder = stage.github.folder(SHOP);
    let parent = || git(&folder, &["rev-parse", &format!("{}^", branch(&case))]);
    assert_eq!(parent(), base);

    // A person's commit stays, until they want it thrown away.
    stage.github.person_pushes(SHOP, &branch(&case), &[("k8s/cart.yaml", "mine: now\n")]);
    let said = heard("/sourceward rebase", &["eyes", "confused"]);
    assert!(said.contains("holds a commit that is not mine"), "{said}");
    heard("Better without mine:\r\n/sourceward recreate", &["eyes", "+1"]);
    assert_eq!(stage.changed(SHOP, &branch(&case)), ["-  replicas: 3 # why", "+  replicas: 5 # why"]);

    heard("/sourceward ignore for 7d", &["eyes", "+1"]);
    let ignored = stage.case(case.id);
    assert_eq!((ignored.state, reason(&ignored).as_str()), (State::Ignored, "ignored by ann"));
    assert!(ignored.due_at.is_some_and(|due| due > ignored.updated_at + 6 * 24 * 3_600_000));
    stage.github.pull_request(SHOP, 1).expect_closed();
    unchanged(&stage, || drop(stage.settle(&drift("cart", 8))));
    heard("/sourceward retry", &["eyes", "+1"]);
    assert_eq!(number(&stage.case(case.id)), 1);
    stage.github.pull_request(SHOP, 1).expect_open().expect_title("Set spec.replicas of Deployment shop/cart to 8");

    // The source is right: until the value changes, or somebody thinks otherwise.
    heard("/sourceward revert", &["eyes", "+1"]);
    stage.github.pull_request(SHOP, 1).expect_closed();
    unchanged(&stage, || drop(stage.pushes(SHOP, &[("README.md", "again\n")])));
    heard("/sourceward adopt", &["eyes", "+1"]);
    stage.github.pull_request(SHOP, 1).expect_open();
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn a_command_is_obeyed_once_however_often_it_is_delivered() {
    let mut stage = shop(As::Robot);
    opened(&stage);
    let id = stage.github.comments_as(SHOP, 1, "ann", "/sourceward explain");
    let event = stage.commented(SHOP, 1, id, "ann", "/sourceward explain");
    let deliver = |stage: &Stage, name: &str| post_event(stage.address(), "issue_comment", name, &event);
    assert_eq!(deliver(&stage, "d1").expect("an answer").status, 202);
    stage.until("an answer", || stage.github.reactions(SHOP, id) == ["eyes", "+1"]);
    stage.at_rest();
    assert_eq!(deliver(&stage, "d1").expect("an answer").body["duplicate"], true);
    stage.kill();
    stage.start();
    assert_eq!(deliver(&stage, "d1").expect("an answer").status, 200, "after a restart too");
    // Under another id it changes nothing either: its answer is there.
    unchanged(&stage, || {
        stage.github.reactions(SHOP, id);
    });
    assert_eq!(stage.github.comments(SHOP, 1).len(), 2);
}

#[test]
fn limits_let_what_is_new_wait_and_a_free_place_is_taken() {
    let stage = started(As::Robot, |config| config["pull_requests"]["limits"] = json!({"open": 1, "per_hour": 2}));
    let first = opened(&stage);
    let second = stage.waiting(stage.report(&drift("web", 4)).case());
    assert!(reason(&second).contains("merge or close one"), "{}", reason(&second));
    assert_eq!(stage.github.pull_requests(SHOP), 1);
    // What is open is kept up all the same.
    assert_eq!(number(&stage.settle(&drift("cart", 6))), 1);
    stage.github.pull_request(SHOP, 1).expect_title("Set spec.replicas of Deployment shop/cart to 6");
    stage.github.person_merges(SHOP, 1);
    stage.pull_event(SHOP, 1, "closed");
    let second = stage.case_once(second.id, "proposed", |case| case.state == State::Proposed);
    assert_eq!(number(&second), 2);
    stage.github.pull_request(SHOP, 2).expect_open();
    stage.github.person_merges(SHOP, 2);
    stage.pull_event(SHOP, 2, "closed");
    let third = stage.waiting(stage.report(&drift("checkout", 4)).case());
    assert!(reason(&third).contains("in this hour"), "{}", reason(&third));
    assert!(third.due_at.is_some_and(|due| due > third.updated_at + 3_000_000));
    stage.github.branch(SHOP, &branch(&first));
    stage.github.branch(SHOP, &branch(&second));
}

#[test]
fn all_repositories_of_an_owner_share_what_is_opened_in_an_hour() {
    const SLUGS: [&str; 3] = ["acme/shop", "acme/store", "other/mall"];
    let mut stage = Stage::set_changed(As::App, github(), &SLUGS, |config| config["pull_requests_per_hour"] = json!(1));
    for slug in &SLUGS[1..] {
        stage.github.add_repository(slug, &[("k8s/cart.yaml", &deployment("cart"))]);
    }
    stage.start();
    let [first, held, elsewhere] = SLUGS.map(|slug| {
        let mut finding = drift("cart", 5);
        finding["hints"] = json!({"repository": slug});
        let case = stage.report(&finding).case();
        stage.at_rest();
        stage.case(case)
    });
    for (slug, case) in [(SLUGS[0], first), (SLUGS[2], elsewhere)] {
        stage.github.pull_request(slug, number(&case)).expect_open();
        stage.github.branch(slug, &branch(&case));
    }
    assert_eq!(held.state, State::Waiting);
    assert!(reason(&held).contains("in all repositories in this hour"), "{}", reason(&held));
    assert!(held.due_at.is_some_and(|due| due > held.updated_at + 3_000_000));
    assert_eq!(stage.github.pull_requests(SLUGS[1]), 0);
}

#[test]
fn in_quiet_hours_nothing_is_opened() {
    let stage = started(As::Robot, |config| config["pull_requests"]["quiet_hours"] = json!(["mon-sun"]));
    let case = stage.waiting(stage.report(&drift("cart", 5)).case());
    assert_eq!(reason(&case), "quiet hours");
    assert_eq!(stage.github.pull_requests(SHOP), 0);
}

#[test]
fn a_repository_says_how_it_wants_them() {
    let config = "version: 1\npull_requests:\n  branch_prefix: bot/\n  titles: conventional\n  labels: [drift, gitops]\n  \
                  assignees: [ann]\n  reviewers: [kim, acme/sre]\n  draft: true\n  sign_off: true\n";
    let mut stage = shop_with(&[(".github/sourceward.yaml", config)]);
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    assert!(branch(&case).starts_with("bot/deployment-cart-"), "{}", branch(&case));
    stage
        .github
        .pull_request(SHOP, number(&case))
        .expect_draft()
        .expect_title("fix(drift): set spec.replicas of Deployment shop/cart to 5")
        .expect_labels(&["drift", "gitops"])
        .expect_involved(&["kim", "sre"], &["ann"]);
    let message = git(&stage.github.folder(SHOP), &["log", "-1", "--format=%B", &branch(&case)]);
    assert!(message.ends_with("Signed-off-by: robot <robot@users.noreply.github.com>"), "{message}");
    stage.github.branch(SHOP, &branch(&case));
    // A branch of another prefix is found again.
    unchanged(&stage, || drop(stage.pushes(SHOP, &[("README.md", "elsewhere\n")])));
}

fn shop_with(more: &[(&str, &str)]) -> Stage {
    let github = github();
    github.person_pushes(SHOP, "main", more);
    Stage::set_with(As::Robot, github, &[SHOP])
}

/// What the dashboard says, once it is as expected.
fn board(stage: &Stage, fits: impl Fn(&str) -> bool) -> String {
    let of = || stage.github.issues(SHOP).first().and_then(|number| stage.github.issue(SHOP, *number));
    stage.until("the dashboard", || of().is_some_and(|text| fits(&text)));
    of().expect("there")
}

fn with_board(config: &mut Value) {
    config["pull_requests"]["dashboard"] = json!(true);
}

/// Ticks the box of the line that holds a text.
fn tick(stage: &Stage, line: &str, login: &str) {
    let number = stage.github.issues(SHOP)[0];
    let text = stage.github.issue(SHOP, number).expect("there");
    let ticked: Vec<String> = text
        .lines()
        .map(|one| if one.contains(line) { one.replacen("- [ ]", "- [x]", 1) } else { one.to_owned() })
        .collect();
    let text = ticked.join("\r\n");
    assert!(text.contains("- [x]"), "{line} has no box:\n{text}");
    stage.github.person_edits_issue(SHOP, number, &text);
    let event = json!({
        "action": "edited", "repository": stage.about(SHOP), "sender": {"login": login, "type": "User"},
        "issue": {"number": number, "body": text},
    });
    assert_eq!(stage.event("issues", &event), 202);
}

#[test]
fn one_issue_says_where_everything_stands_and_its_boxes_act() {
    for who in [As::Robot, As::App] {
        let stage = started(who, |config| {
            with_board(config);
            config["pull_requests"]["limits"] = json!({"open": 1, "per_hour": 9});
        });
        let open = opened(&stage);
        let waits = stage.waiting(stage.report(&drift("web", 4)).case());
        let refused = stage.settle(&drift("nobody", 2));
        let text = board(&stage, |text| text.contains("## Refused (1)") && text.contains("## Waiting (1)"));
        for line in [
            "## Open (1)",
            "**ignore** `Deployment shop/cart /spec/replicas` in #1",
            "**open now** `Deployment shop/web /spec/replicas`",
            "**retry** `Deployment shop/nobody /spec/replicas`: `owner-not-found:",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert_eq!(stage.github.issues(SHOP).len(), 1);

        // Somebody who may not write ticks in vain, and the box is empty again.
        stage.github.permit(SHOP, "mallory", "read");
        tick(&stage, "nobody", "mallory");
        board(&stage, |text| !text.contains("- [x]"));
        stage.at_rest();
        assert_eq!(stage.case(refused.id).state, State::Refused);

        tick(&stage, "shop/web", "ann");
        let opened = stage.case_once(waits.id, "proposed", |case| case.state == State::Proposed);
        let second = number(&opened);
        stage.github.pull_request(SHOP, second).expect_open();
        stage.github.branch(SHOP, &branch(&opened));
        board(&stage, |text| text.contains("## Open (2)") && !text.contains("- [x]"));

        stage.github.person_pushes(SHOP, "main", &[("k8s/nobody.yaml", &deployment("nobody"))]);
        tick(&stage, "nobody", "ann");
        // Judged again: it could be opened now, and waits for its turn.
        stage.case_once(refused.id, "waiting", |case| case.state == State::Waiting);

        tick(&stage, "shop/cart", "ann");
        stage.case_once(open.id, "ignored", |case| case.state == State::Ignored);
        stage.github.pull_request(SHOP, 1).expect_closed();
        stage.github.comments(SHOP, 1);
        board(&stage, |text| {
            text.contains("## Ignored (1)") && text.contains("**take up again** `Deployment shop/cart")
        });
        tick(&stage, "take up again", "ann");
        stage.case_once(open.id, "proposed", |case| case.state == State::Proposed);
        stage.github.pull_request(SHOP, 1).expect_open();
        board(&stage, |text| !text.contains("## Ignored"));
        stage.github.branch(SHOP, &branch(&open));

        // Nothing new: nothing is written.
        stage.at_rest();
        unchanged(&stage, || {
            stage.pushes(SHOP, &[("README.md", "elsewhere\n")]);
            std::thread::sleep(std::time::Duration::from_millis(1_500));
        });
    }
}

#[test]
fn a_storm_of_ten_thousand_findings_is_a_few_pull_requests_and_one_dashboard() {
    let stage = started(As::App, |config| {
        with_board(config);
        config["pull_requests"]["limits"] = json!({"open": 10, "per_hour": 10, "storm": 20});
    });
    opened(&stage);
    for batch in 0..100 {
        let findings: Vec<Value> = (0..100).map(|number| drift(&format!("app-{batch}-{number}"), 5)).collect();
        let body = json!({ "findings": findings });
        // A busy machine may need another try; the same delivery is taken once.
        stage.until("the delivery", || matches!(stage.deliver(&format!("storm-{batch}"), &body).status, 200 | 202));
    }
    stage.until("all being set aside", || {
        let database = rusqlite::Connection::open(stage.data().join("findings.db")).expect("opens");
        let count = "SELECT COUNT(*) FROM finding_case WHERE state = 'held'";
        database.query_row(count, [], |row| row.get::<_, i64>(0)).is_ok_and(|count| count == 10_000)
    });
    let text = board(&stage, |text| text.contains("`10000 findings`"));
    assert!(text.contains("## Many of one kind (1)") && text.contains("drift of Deployment /spec/replicas"), "{text}");
    assert!(text.len() < 3_000, "{text}");
    assert_eq!((stage.github.pull_requests(SHOP), stage.github.issues(SHOP).len()), (1, 1));
}

#[test]
fn a_storm_of_one_rule_is_one_pull_request_where_the_repository_groups_by_cause() {
    let files: Vec<(String, String)> =
        (0..40).map(|number| (format!("k8s/app-{number}.yaml"), deployment(&format!("app-{number}")))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut stage = Stage::set_changed(As::App, GitHub::with(&files), &[SHOP], |config| {
        config["pull_requests"]["group"] = json!("cause");
        config["pull_requests"]["limits"]["storm"] = json!(20);
    });
    stage.start();
    let findings: Vec<Value> = (0..40).map(|number| drift(&format!("app-{number}"), 5)).collect();
    stage.report(&json!({ "findings": findings }));
    stage.at_rest();
    let cases = stage.cases();
    let of = |state: State| cases.iter().filter(|case| case.state == state).count();
    assert_eq!((of(State::Proposed), of(State::Held)), (25, 15), "{}", stage.log());
    assert_eq!(stage.github.pull_requests(SHOP), 1);
    stage
        .github
        .pull_request(SHOP, 1)
        .expect_title("Change 25 fields of 25 resources (drift of Deployment /spec/replicas)");
    assert_eq!(stage.changed(SHOP, &branch(&cases[0])).len(), 50);
}

#[test]
fn what_is_lost_on_the_way_is_looked_for_and_not_done_twice() {
    const CLOSE: &str = "PATCH /repos/acme/shop/pulls/1";
    const COMMENT: &str = "POST /repos/acme/shop/issues/1/comments";
    const REMOVE: &str = "POST /graphql";
    for (who, faults) in [
        (As::Robot, vec![(COMMENT, Fault::LoseAnswer), (CLOSE, Fault::EffectThen(502)), (REMOVE, Fault::LoseAnswer)]),
        (As::App, vec![(COMMENT, Fault::EffectThen(500)), (CLOSE, Fault::LoseAnswer), (REMOVE, Fault::Status(503))]),
        (As::App, vec![(COMMENT, Fault::Status(502)), (CLOSE, Fault::Status(502)), (REMOVE, Fault::EffectThen(502))]),
    ] {
        let stage = shop(who);
        let case = opened(&stage);
        for (call, fault) in faults {
            stage.github.fail(call, fault);
        }
        stage.settled(stage.report(&healed(drift("cart", 5))).case());
        stage.github.pull_request(SHOP, 1).expect_closed();
        assert_eq!(stage.github.comments(SHOP, 1).len(), 1, "{who:?}");
        assert_eq!(stage.github.branch(SHOP, &branch(&case)), None);
        // Back again, with an answer that is lost and a token that is revoked in the middle.
        stage.github.fail(CLOSE, Fault::EffectThen(502));
        stage.github.fail("GET /repos/acme/shop/issues/1", Fault::Status(500));
        stage.github.expire_tokens();
        assert_eq!(number(&stage.settle(&drift("cart", 6))), 1, "{}", stage.log());
        stage.github.pull_request(SHOP, 1).expect_open();
        assert_eq!(stage.changed(SHOP, &branch(&case))[1], "+  replicas: 6 # why");
    }
}

#[test]
fn the_dashboard_is_one_issue_whatever_is_lost() {
    for fault in [Fault::LoseAnswer, Fault::EffectThen(502), Fault::Status(503)] {
        let stage = started(As::App, with_board);
        stage.github.fail("POST /repos/acme/shop/issues", fault);
        let case = stage.settle(&drift("nobody", 5));
        assert_eq!(case.state, State::Refused);
        board(&stage, |text| text.contains("## Refused (1)"));
        stage.at_rest();
        assert_eq!(stage.github.issues(SHOP).len(), 1);
    }
}

#[test]
fn a_secondary_limit_in_the_middle_is_waited_for() {
    let stage = shop(As::Robot);
    let case = opened(&stage);
    let limited =
        || Fault::Refuse(403, vec![("retry-after", "1".to_owned())], "You have exceeded a secondary rate limit");
    stage.github.fail("POST /repos/acme/shop/issues/1/comments", limited());
    stage.github.fail("PATCH /repos/acme/shop/pulls/1", limited());
    stage.settled(stage.report(&healed(drift("cart", 5))).case());
    stage.github.pull_request(SHOP, 1).expect_closed();
    assert_eq!(stage.github.comments(SHOP, 1).len(), 1);
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn an_app_that_is_removed_touches_nothing_until_it_is_back() {
    let stage = shop(As::App);
    opened(&stage);
    let about = json!([stage.about(SHOP)]);
    let event = |action: &str| json!({"action": action, "repositories": about, "installation": {"id": 77}});
    assert_eq!(stage.event("installation", &event("suspend")), 202);
    stage.github.forget_calls();
    let waits = stage.report(&drift("cart", 6)).case();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(stage.github.calls(), Vec::<String>::new());
    assert_eq!(stage.event("installation", &event("unsuspend")), 202);
    let case = stage.settled(waits);
    assert_eq!(number(&case), 1);
    stage.github.pull_request(SHOP, 1).expect_title("Set spec.replicas of Deployment shop/cart to 6");
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn without_the_permission_for_checks_and_issues_the_rest_goes_on() {
    let github = github();
    github.grant(&[("contents", "write"), ("pull_requests", "write")]);
    let mut stage = Stage::set_changed(As::App, github, &[SHOP], |config| {
        with_board(config);
        config["pull_requests"]["check"] = json!(true);
    });
    stage.start();
    let case = opened(&stage);
    stage.until("being told", || stage.log().contains("the dashboard cannot be written"));
    stage.at_rest();
    assert!(stage.log().contains("no check can be shown"), "{}", stage.log());
    assert_eq!((number(&stage.case(case.id)), stage.github.issues(SHOP).len()), (1, 0));
}

#[test]
fn a_repository_that_is_renamed_is_followed_and_one_that_takes_its_name_is_not() {
    let stage = shop(As::Robot);
    let case = opened(&stage);
    let remote = stage.github.folder(SHOP);
    stage.github.rename(SHOP, "acme/store");
    // The git remote of the configuration goes on, as GitHub redirects it.
    std::os::unix::fs::symlink(stage.github.folder("acme/store"), &remote).expect("linked");
    let renamed = json!({"action": "renamed", "repository": stage.about("acme/store")});
    assert_eq!(stage.event("repository", &renamed), 202);
    let again = stage.settle(&drift("cart", 6));
    assert_eq!(number(&again), 1, "{}", stage.log());
    stage.github.pull_request("acme/store", 1).expect_title("Set spec.replicas of Deployment shop/cart to 6");
    stage.github.branch("acme/store", &branch(&case));

    // Somebody makes a new repository of the old name: an event of it is not ours.
    let stranger = json!({"ref": "refs/heads/main", "repository": {"id": 666, "full_name": SHOP}});
    unchanged(&stage, || {
        stage.event("push", &stranger);
    });
    let gone = json!({"action": "deleted", "repository": stage.about("acme/store")});
    assert_eq!(stage.event("repository", &gone), 202);
    stage.github.forget_calls();
    let waits = stage.report(&drift("cart", 7)).case();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!((stage.case(waits).state, stage.github.calls()), (State::Ready, Vec::new()));
}

#[test]
fn events_are_verified_and_none_is_answered_as_a_failure() {
    let stage = shop(As::Robot);
    let names: BTreeSet<&str> =
        ["push", "issues", "star", "installation", "check_run", "merge_group", "nonsense", ""].into();
    let bodies =
        [json!({}), json!([]), json!("x"), json!({"repository": {"id": "x"}}), json!({"action": 7}), Value::Null];
    for name in names {
        for body in &bodies {
            assert_eq!(stage.event(name, body), 200, "{name} {body}");
        }
    }
    let forged = crate::serve::stage::post_raw(stage.address(), "/github", &[("x-github-event", "push")], "{}");
    assert_eq!(forged, Some(401));
}
