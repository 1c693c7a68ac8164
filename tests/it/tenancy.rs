//! A repository is its number on the forge, whatever its name: what is transferred is followed, and what is made anew under
//! an old name inherits nothing.

use serde_json::{Value, json};
use sourceward::shell::store::case::{Case, State};

use crate::{
    github::GitHub,
    serve::stage::{As, Stage},
};

const SHOP: &str = "acme/shop";

const FILES: &[(&str, &str)] = &[(
    "k8s/cart.yaml",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\n  namespace: shop\nspec:\n  replicas: 3\n",
)];

fn drift(replicas: u32) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}},
        "patch": [{"op": "replace", "path": "/spec/replicas", "value": replicas}],
    })
}

/// A server with the pull request of a drift.
fn opened(who: As) -> (Stage, Case) {
    let mut stage = Stage::set_with(who, GitHub::with(FILES), &[SHOP]);
    stage.start();
    let case = stage.settle(&drift(5));
    stage.github.pull_request(SHOP, 1).expect_open();
    stage.github.branch(SHOP, &branch(&case)).expect("made");
    (stage, case)
}

fn branch(case: &Case) -> String {
    case.proposal.as_ref().unwrap_or_else(|| panic!("{:?}", case.reason)).branch.to_string()
}

fn reason(case: &Case) -> &str {
    case.reason.as_ref().and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn a_transferred_repository_is_followed_to_its_new_owner() {
    for who in [As::Robot, As::App] {
        let (stage, case) = opened(who);
        let remote = stage.github.folder(SHOP);
        stage.github.rename(SHOP, "other/store");
        std::os::unix::fs::symlink(stage.github.folder("other/store"), &remote).expect("linked");
        let moved = json!({"action": "transferred", "repository": stage.about("other/store")});
        assert_eq!(stage.event("repository", &moved), 202);
        let again = stage.settle(&drift(6));
        assert_eq!((again.id, again.state), (case.id, State::Proposed), "{}", stage.log());
        stage.github.pull_request("other/store", 1).expect_title("Set spec.replicas of Deployment shop/cart to 6");
        stage.github.branch("other/store", &branch(&case)).expect("moved");
    }
}

#[test]
fn what_is_made_anew_under_the_name_of_a_deleted_repository_inherits_nothing() {
    for who in [As::Robot, As::App] {
        let (stage, case) = opened(who);
        // People want neither this value, nor to hear of it.
        stage.comment(SHOP, 1, "ann", "/sourceward ignore");
        let ignored = stage.case_once(case.id, "ignored", |case| case.state == State::Ignored);
        assert!(ignored.decision.is_some());
        stage.at_rest();
        stage.github.pull_request(SHOP, 1).expect_closed();
        stage.github.comments(SHOP, 1);
        let old = stage.about(SHOP);
        stage.github.delete(SHOP);
        assert_eq!(stage.event("repository", &json!({"action": "deleted", "repository": old})), 202);
        let over = stage.case(case.id);
        assert_eq!((over.state, reason(&over)), (State::Resolved, "the repository was deleted"));

        stage.github.add_repository(SHOP, FILES);
        assert_ne!(stage.about(SHOP)["id"], old["id"]);
        // What was on its way from the old one is not taken for the new one's.
        stage.github.forget_calls();
        let late = json!({"ref": "refs/heads/main", "repository": old});
        assert_eq!(stage.event("push", &late), 202);
        let waits = stage.report(&drift(5)).case();
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!((stage.case(waits).state, stage.github.calls()), (State::Ready, Vec::new()));

        let anew = json!({"ref": "refs/heads/main", "repository": stage.about(SHOP)});
        assert_eq!(stage.event("push", &anew), 202);
        let fresh = stage.settled(waits);
        assert_eq!((fresh.state, fresh.decision.clone()), (State::Proposed, None), "{}", stage.log());
        assert_ne!(fresh.id, case.id);
        stage.github.pull_request(SHOP, 1).expect_open();
        stage.github.branch(SHOP, &branch(&fresh)).expect("made");
        assert_eq!(stage.case(case.id).state, State::Resolved, "what is over stays so");
    }
}

#[test]
fn a_job_that_works_on_a_repository_which_is_deleted_writes_nothing() {
    let mut stage = Stage::set_with(As::App, GitHub::with(FILES), &[SHOP]);
    stage.start();
    stage.github.fail("GET /repos/acme/shop", crate::github::Fault::Slow(std::time::Duration::from_secs(2)));
    let case = stage.report(&drift(5)).case();
    stage.case_once(case, "worked on", |case| case.state == State::Working);
    // The event that gives the number comes first.
    stage.event("push", &json!({"ref": "refs/heads/main", "repository": stage.about(SHOP)}));
    let gone = json!({"action": "deleted", "repository": stage.about(SHOP)});
    assert_eq!(stage.event("repository", &gone), 202);
    assert_eq!(stage.case(case).state, State::Resolved);
    stage.until("the job's end", || stage.log().contains("what the job said is not written"));
    assert_eq!(stage.case(case).state, State::Resolved);
    stage.stop();
    if stage.github.pull_requests(SHOP) > 0 {
        stage.github.pull_request(SHOP, 1);
    }
    stage.github.delete(SHOP);
}

#[test]
fn a_stranger_under_the_name_is_not_touched_while_nothing_tells_that_the_old_one_is_gone() {
    for who in [As::Robot, As::App] {
        let (stage, case) = opened(who);
        stage.github.delete(SHOP);
        stage.github.add_repository(SHOP, FILES);
        stage.at_rest();
        stage.github.forget_calls();
        stage.report(&drift(6));
        stage.until("being told", || stage.log().contains("nothing can be done here now"));
        stage.at_rest();
        let waits = stage.case(case.id);
        assert_eq!(waits.state, State::Waiting);
        assert!(reason(&waits).contains("another repository has the name"), "{}", reason(&waits));
        assert_eq!(stage.github.mutations(), Vec::<String>::new());
        assert_eq!(stage.github.pull_requests(SHOP), 0);
        // Nor is an event of it ours.
        stage.event("push", &json!({"ref": "refs/heads/main", "repository": stage.about(SHOP)}));
        stage.report(&drift(7));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(stage.github.mutations(), Vec::<String>::new());
    }
}
