//! The whole way, from a signed delivery over HTTP to a pull request on GitHub, with the program itself in between: each
//! story tells what was posted, what went wrong, and what GitHub and the git remote hold afterwards.

pub(crate) mod stage;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};
use sourceward::shell::store::case::{Case, CaseId, State};

use crate::{
    git::git,
    github::{Fault, GitHub, TOKEN},
    remote,
};
use stage::{As, GitTraffic, Stage, WEBHOOK_SECRET, holding};

const SHOP: &str = "acme/shop";

fn deployment(name: &str) -> String {
    format!(
        "# {name}, owned by team shop\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\n\
         spec:\n  replicas: 3 # two zones and a spare\n  template:\n    spec:\n      containers:\n        - name: app\n          \
         image: registry.example/{name}:1.4.2\n          env:\n            - name: TIMEOUT\n              value: \"250\"\n            \
         - name: DB_PASSWORD\n              value: changeme\n"
    )
}

/// `Deployment shop/NAME` runs with another number of replicas.
fn drift(name: &str, replicas: u32) -> Value {
    patched(name, json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]))
}

fn patched(name: &str, patch: Value) -> Value {
    json!({
        "intent": "drift",
        "title": "scaled by hand",
        "actor": {"user": "sam", "via": "kubectl-scale"},
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "patch": patch,
    })
}

/// A repository of the deployments `cart` and `checkout`.
fn shop(who: As) -> Stage {
    Stage::set(who, &[("k8s/cart.yaml", &deployment("cart")), ("k8s/checkout.yaml", &deployment("checkout"))])
}

fn branch(case: &Case) -> String {
    sourceward::remedy::pull_request::title::branch(&case.finding.resource, &case.fingerprint).to_string()
}

fn proposed(case: &Case) -> u64 {
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    case.pull_request.as_ref().expect("a proposed case has one").number
}

fn refused(case: &Case) -> String {
    assert_eq!(case.state, State::Refused, "{:?}", case.reason);
    case.reason.as_ref().expect("a refusal")["code"].as_str().expect("a code").to_owned()
}

fn reason(case: &Case) -> &str {
    case.reason.as_ref().and_then(Value::as_str).unwrap_or_default()
}

/// Nothing that anyone sees was changed by this.
fn unchanged<T>(stage: &Stage, what: impl FnOnce() -> T) -> T {
    let pushes = stage.git_traffic().pushes;
    stage.github.forget_calls();
    let done = what();
    assert_eq!(stage.github.mutations(), [""; 0]);
    assert_eq!(stage.git_traffic().pushes, pushes);
    done
}

#[test]
fn a_drift_becomes_a_pull_request_that_holds_exactly_its_diff() {
    let mut stage = shop(As::Robot);
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    assert_eq!(proposed(&case), 1);
    let branch = branch(&case);
    assert_eq!(branch, format!("sourceward/deployment-cart-{}", case.fingerprint.short()));
    assert_eq!(
        stage.changed(SHOP, &branch),
        ["-  replicas: 3 # two zones and a spare", "+  replicas: 5 # two zones and a spare"]
    );
    let folder = stage.github.folder(SHOP);
    assert_eq!(git(&folder, &["diff", "--name-status", "main", &branch]), "M\tk8s/cart.yaml");
    assert_eq!(git(&folder, &["rev-list", "--count", &format!("main..{branch}")]), "1");
    assert_eq!(git(&folder, &["log", "-1", "--format=%an <%ae>", &branch]), "robot <robot@users.noreply.github.com>");
    let seen = stage.github.pull_request(SHOP, 1);
    seen.expect_open()
        .expect_title("Set spec.replicas of Deployment shop/cart to 5")
        .expect_branches(&branch, "main")
        .expect_labels(&["sourceward"])
        .expect_author("robot")
        .expect_in_body(&[
            "### What drifted",
            "`/spec/replicas`: `3` in the source, `5` live",
            "- Changed by: `sam` through `kubectl-scale`",
            "- Reported by: `generic`",
            "### Where the source says it",
            "`k8s/cart.yaml:8`",
            "### The edit",
            "-  replicas: 3 # two zones and a spare\n+  replicas: 5 # two zones and a spare",
            "### The proof",
            "### If you do not want this",
            "<!-- sourceward:",
        ]);

    let status = stage.stop();
    assert_eq!(status.code(), Some(0), "{}", stage.log());
    assert!(!stage.log().contains("\"ERROR\"") && !stage.log().contains("\"WARN\""), "{}", stage.log());
}

#[test]
fn what_was_said_before_changes_nothing() {
    let mut stage = shop(As::Robot);
    stage.start();
    let first = stage.deliver("m1", &drift("cart", 5));
    let case = stage.settled(first.case());
    let (number, head) = (proposed(&case), stage.github.branch(SHOP, &branch(&case)));
    stage.github.pull_request(SHOP, number);

    unchanged(&stage, || {
        let again = stage.deliver("m1", &drift("cart", 5));
        assert_eq!((again.status, &again.body["duplicate"]), (200, &json!(true)));
        let repeated = stage.deliver("m2", &drift("cart", 5));
        assert_eq!((repeated.status, repeated.verdict()), (202, "repeat"));
        // A hint is news, what is wanted is not: the case is worked on, and all is there already.
        let mut hinted = drift("cart", 5);
        hinted["hints"] = json!({"revision": "8c1f2aa"});
        let revised = stage.deliver("m3", &hinted);
        assert_eq!((revised.status, revised.verdict()), (202, "revised"));
        assert_eq!(proposed(&stage.settled(revised.case())), number);
        // A server that begins anew remembers.
        assert!(stage.findings(&["retry", "1"]).is_err_and(|said| said.contains("proposed")));
    });
    stage.kill();
    stage.start();
    unchanged(&stage, || {
        let again = stage.deliver("m1", &drift("cart", 5));
        assert_eq!(again.status, 200);
        assert_eq!(proposed(&stage.case(case.id)), number);
    });
    assert_eq!(stage.github.branch(SHOP, &branch(&case)), head);
    assert_eq!(stage.github.pull_requests(SHOP), 1);
    assert_eq!(stage.case(case.id).reports, 3);
}

#[test]
fn a_new_live_value_changes_the_same_pull_request() {
    for who in [As::Robot, As::App] {
        let mut stage = shop(who);
        stage.start();
        let case = stage.settle(&drift("cart", 5));
        stage.github.pull_request(SHOP, proposed(&case));
        for (revision, replicas) in [(2, 7), (3, 5), (4, 9)] {
            let case = stage.settle(&drift("cart", replicas));
            assert_eq!((proposed(&case), case.revision), (1, revision));
            assert_eq!(
                stage.changed(SHOP, &branch(&case))[1],
                format!("+  replicas: {replicas} # two zones and a spare")
            );
            let folder = stage.github.folder(SHOP);
            assert_eq!(git(&folder, &["rev-list", "--count", &format!("main..{}", branch(&case))]), "1");
            stage
                .github
                .pull_request(SHOP, 1)
                .expect_open()
                .expect_title(&format!("Set spec.replicas of Deployment shop/cart to {replicas}"))
                .expect_in_body(&[
                    &format!("`/spec/replicas`: `3` in the source, `{replicas}` live"),
                    &format!("\"revision\":{revision}"),
                ]);
        }
        assert_eq!(stage.github.pull_requests(SHOP), 1);
    }
}

#[test]
fn a_value_that_returns_while_the_branch_has_moved_on_is_on_the_branch_again() {
    for who in [As::Robot, As::App] {
        let mut stage = shop(who);
        stage.start();
        let case = stage.settle(&drift("cart", 5));
        stage.github.pull_request(SHOP, proposed(&case));
        // The branch is moved to 7, and then GitHub fails before the text is.
        for _ in 0..3 {
            stage.github.fail("PATCH /repos/acme/shop/pulls/1", Fault::Status(502));
        }
        stage.report(&drift("cart", 7));
        // How long it waits for the next try is random, and may be too short to be seen.
        stage.until("a failed try", || stage.log().contains("\"outcome\":\"retry\""));
        assert_eq!(stage.report(&drift("cart", 5)).verdict(), "revised");
        let case = stage.settled(case.id);
        assert_eq!(proposed(&case), 1);
        assert_eq!(stage.changed(SHOP, &branch(&case))[1], "+  replicas: 5 # two zones and a spare");
        stage.github.pull_request(SHOP, 1).expect_title("Set spec.replicas of Deployment shop/cart to 5");
    }
}

#[test]
fn a_persons_branch_of_that_name_is_never_overwritten() {
    for who in [As::Robot, As::App] {
        let mut stage = shop(who);
        stage.start();
        let name = branch(&stage.settle(&drift("cart", 5)));
        stage.github.pull_request(SHOP, 1);
        stage.github.branch(SHOP, &name);
        drop(stage);

        let mut stage = shop(who);
        let theirs = stage.github.person_pushes(SHOP, &name, &[("notes.md", "mine\n")]);
        stage.start();
        let other = stage.report(&json!({"findings": [drift("cart", 5), drift("checkout", 5)]}));
        let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
        assert_eq!(other.body["accepted"], 2);
        assert_eq!(cases[0].state, State::Dead, "{:?}", cases[0].reason);
        assert!(reason(&cases[0]).contains(&name), "{:?}", cases[0].reason);
        assert_eq!(stage.github.branch(SHOP, &name), Some(theirs));
        stage.github.pull_request(SHOP, proposed(&cases[1])).expect_branches(&branch(&cases[1]), "main");
        stage.github.branch(SHOP, &branch(&cases[1]));
        assert_eq!(stage.github.pull_requests(SHOP), 1);
    }
}

#[test]
fn closed_means_no_until_the_value_changes() {
    let mut stage = shop(As::Robot);
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    stage.github.pull_request(SHOP, proposed(&case));
    stage.github.branch(SHOP, &branch(&case));
    stage.github.person_closes(SHOP, 1);
    unchanged(&stage, || {
        let mut again = drift("cart", 5);
        again["actor"]["user"] = json!("kim");
        proposed(&stage.settle(&again));
    });
    stage.github.pull_request(SHOP, 1).expect_closed();

    let case = stage.settle(&drift("cart", 6));
    assert_eq!(proposed(&case), 2);
    stage.github.pull_request(SHOP, 2).expect_open().expect_title("Set spec.replicas of Deployment shop/cart to 6");
    assert_eq!(stage.changed(SHOP, &branch(&case))[1], "+  replicas: 6 # two zones and a spare");
    stage.github.pull_request(SHOP, 1).expect_closed();

    // What a person pushed there stays theirs, whatever became of the pull request.
    let theirs = stage.github.person_pushes(SHOP, &branch(&case), &[("k8s/cart.yaml", "mine now\n")]);
    stage.github.person_closes(SHOP, 2);
    unchanged(&stage, || proposed(&stage.settle(&drift("cart", 7))));
    assert_eq!(stage.github.branch(SHOP, &branch(&case)), Some(theirs));
}

#[test]
fn merged_means_done() {
    let mut stage = shop(As::Robot);
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    stage.github.pull_request(SHOP, proposed(&case));
    stage.github.branch(SHOP, &branch(&case));
    stage.github.person_merges(SHOP, 1);
    let again = |user: &str| {
        let mut again = drift("cart", 5);
        again["actor"]["user"] = json!(user);
        again
    };
    unchanged(&stage, || {
        let case = stage.settle(&again("kim"));
        assert_eq!((case.state, reason(&case)), (State::Resolved, "the source already says so"));
    });
    // A person takes it back: the same value is not proposed to them a second time.
    stage.github.person_pushes(SHOP, "main", &[("k8s/cart.yaml", &deployment("cart"))]);
    unchanged(&stage, || proposed(&stage.settle(&again("lee"))));
    assert_eq!(stage.github.pull_requests(SHOP), 1);

    // What they added before they merged the next one is in no danger, so its branch serves another time.
    let case = stage.settle(&drift("cart", 6));
    stage.github.person_pushes(SHOP, &branch(&case), &[("k8s/notes.txt", "scaled\n")]);
    stage.github.pull_request(SHOP, proposed(&case)).expect_open();
    stage.github.person_merges(SHOP, 2);
    let case = stage.settle(&drift("cart", 7));
    stage.github.pull_request(SHOP, proposed(&case)).expect_open();
    assert_eq!(stage.changed(SHOP, &branch(&case))[1], "+  replicas: 7 # two zones and a spare");
    assert_eq!(stage.github.pull_requests(SHOP), 3);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_reason_and_shown() {
    let github = GitHub::with(&[("k8s/cart.yaml", &deployment("cart"))]);
    github.add_repository("acme/infra", &[("README.md", "nothing here\n")]);
    let mut stage = Stage::set_with(As::Robot, github, &["acme/shop", "acme/infra"]);
    stage.start();
    let at = |repository: &str, mut finding: Value| {
        finding["hints"] = json!({"repository": repository});
        finding
    };
    unchanged(&stage, || {
        let unknown = stage.report(&at("acme/elsewhere", drift("cart", 5)));
        assert_eq!(refused(&stage.settled(unknown.case())), "repository-unknown");
        assert_eq!(refused(&stage.settle(&drift("cart", 5))), "repository-unknown", "two are looked after");
        assert_eq!(refused(&stage.settle(&at("acme/shop", drift("nobody", 5)))), "owner-not-found");
        assert_eq!(refused(&stage.settle(&at("acme/infra", drift("cart", 5)))), "owner-not-found");
        let mut violation = at("acme/shop", drift("cart", 5));
        (violation["intent"], violation["rule"]) = (json!("violation"), json!({"id": "replicas"}));
        assert_eq!(refused(&stage.settle(&violation)), "no-rule");
    });

    let list = stage.findings(&["list", "--state", "refused", "--json"]).expect("lists");
    assert_eq!(list.lines().count(), 4, "the first two are the same trouble of nobody's repository");
    let shown = stage.findings(&["show", "2"]).expect("shows");
    assert!(shown.contains("refused") && shown.contains("owner-not-found") && shown.contains("hint"), "{shown}");
    assert!(stage.findings(&["show", "99"]).is_err_and(|said| said.contains("there is no case 99")));
    assert!(stage.findings(&["retry", "1"]).is_err(), "no repository to try it in");

    // The source learns of it, and a person has the case tried again.
    stage.github.person_pushes(SHOP, "main", &[("k8s/nobody.yaml", &deployment("nobody"))]);
    let said = stage.findings(&["retry", "2"]).expect("retries");
    assert_eq!(said, "case 2 will be tried again\n");
    let case = stage.settled(CaseId(2));
    stage.github.pull_request(SHOP, proposed(&case)).expect_title("Set spec.replicas of Deployment shop/nobody to 5");
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn all_cases_of_a_repository_take_one_fetch_and_one_push() {
    let mut stage = shop(As::Robot);
    stage.start();
    let timeout = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "900"}]);
    let all = [drift("cart", 5), drift("checkout", 4), patched("cart", timeout), drift("nobody", 2)];
    stage.report(&json!({ "findings": all }));
    let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
    assert_eq!(refused(&cases[3]), "owner-not-found");
    assert_eq!(proposed(&cases[0]), proposed(&cases[2]), "of one resource");
    for (case, expected) in cases.iter().zip([vec!["5", "\"900\""], vec!["4"]]) {
        let branch = branch(case);
        let changed = stage.changed(SHOP, &branch);
        let added: Vec<&str> = changed.iter().filter(|line| line.starts_with('+')).map(String::as_str).collect();
        assert_eq!(added.len(), expected.len(), "{changed:?}");
        for (line, value) in added.iter().zip(expected) {
            assert!(line.contains(&format!(": {value}")), "{changed:?}");
        }
        stage.github.pull_request(SHOP, proposed(case)).expect_open().expect_branches(&branch, "main");
    }
    assert_eq!(stage.git_traffic(), GitTraffic { looks: 1, fetches: 1, pushes: 1 });
    assert_eq!(stage.github.pull_requests(SHOP), 2);
}

#[test]
fn an_apps_commits_are_githubs_own_and_its_tokens_are_for_one_repository() {
    let mut stage = shop(As::App);
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    let branch = branch(&case);
    let head = stage.github.branch(SHOP, &branch).expect("there");
    assert_eq!(stage.changed(SHOP, &branch).len(), 2);
    assert!(stage.github.is_verified(&head), "GitHub signed it");
    let people = git(&stage.github.folder(SHOP), &["log", "-1", "--format=%an, %cn", &branch]);
    assert_eq!(people, "sourceward[bot], GitHub");
    stage.github.pull_request(SHOP, proposed(&case)).expect_author("sourceward[bot]").expect_open();
    assert_eq!(stage.git_traffic().pushes, 0, "the branch was moved by the API");
    // The fake mints only for one repository and for no more than was asked.
    assert_eq!(stage.github.minted(), 1);

    // Revoked at GitHub: both git and the API are given another one.
    stage.github.expire_tokens();
    let case = stage.settle(&drift("cart", 6));
    assert_eq!((proposed(&case), stage.github.minted()), (1, 2));
    stage.github.pull_request(SHOP, 1).expect_title("Set spec.replicas of Deployment shop/cart to 6");
    stage.github.branch(SHOP, &branch);
}

#[test]
fn the_base_may_move_while_a_case_is_worked_on() {
    let mut stage = shop(As::Robot);
    stage.start();
    let folder = stage.github.folder(SHOP);
    let old = git(&folder, &["rev-parse", "main"]);
    let moved =
        stage.github.person_pushes(SHOP, "main", &[("k8s/cart.yaml", &deployment("cart").replace("250", "300"))]);
    git(&folder, &["update-ref", "refs/heads/main", &old]);
    let fault = remote::Fault::MoveFirst(folder.clone(), "refs/heads/main".to_owned(), moved.clone());
    stage.remote.fail("POST /acme/shop.git/git-receive-pack", fault);
    let case = stage.settle(&drift("cart", 5));
    let branch = branch(&case);
    assert_eq!(git(&folder, &["rev-parse", "main"]), moved);
    assert_eq!(git(&folder, &["merge-base", "main", &branch]), old);
    assert_eq!(
        stage.changed(SHOP, &branch),
        ["-  replicas: 3 # two zones and a spare", "+  replicas: 5 # two zones and a spare"]
    );
    stage.github.pull_request(SHOP, proposed(&case)).expect_open();

    // The next revision stands on the new base.
    let case = stage.settle(&drift("cart", 6));
    assert_eq!(git(&folder, &["rev-parse", &format!("{branch}^")]), moved);
    stage.github.branch(SHOP, &branch);
    stage.github.pull_request(SHOP, proposed(&case));
}

#[test]
fn failures_before_and_after_the_effect_leave_one_pull_request() {
    const REF: &str = "POST /repos/acme/shop/git/refs";
    const COMMIT: &str = "POST /repos/acme/shop/git/commits";
    const PULL: &str = "POST /repos/acme/shop/pulls";
    const LABEL: &str = "POST /repos/acme/shop/issues/1/labels";
    let cases: &[(As, &[(&str, Fault)])] = &[
        (As::Robot, &[(PULL, Fault::Status(502))]),
        (As::Robot, &[(PULL, Fault::LoseAnswer)]),
        (As::Robot, &[(PULL, Fault::EffectThen(502)), (LABEL, Fault::LoseAnswer)]),
        (As::Robot, &[(PULL, Fault::Status(503)), (PULL, Fault::Status(503)), (PULL, Fault::Status(503))]),
        (As::Robot, &[(LABEL, Fault::Status(502)), (LABEL, Fault::Status(502)), (LABEL, Fault::Status(502))]),
        (As::Robot, &[("GET /user", Fault::Status(500)), ("GET /repos/acme/shop/pulls", Fault::Status(500))]),
        (As::App, &[(COMMIT, Fault::LoseAnswer), (REF, Fault::LoseAnswer), (PULL, Fault::LoseAnswer)]),
        (As::App, &[(REF, Fault::Status(502)), (PULL, Fault::EffectThen(500))]),
        (As::App, &[("access_tokens", Fault::LoseAnswer)]),
    ];
    const PUSH: &str = "POST /acme/shop.git/git-receive-pack";
    let remote_cases = [
        (PUSH, remote::Fault::Status(502)),
        (PUSH, remote::Fault::LoseAnswer),
        ("service=git-upload-pack", remote::Fault::Status(503)),
        ("POST /acme/shop.git/git-upload-pack", remote::Fault::LoseAnswer),
    ];
    // Most of the time is spent in pauses.
    thread::scope(|scope| {
        for (who, faults) in cases {
            let stage = shop(*who);
            for (call, fault) in *faults {
                stage.github.fail(call, fault.clone());
            }
            scope.spawn(move || one_pull_request(stage));
        }
        for (request, fault) in remote_cases {
            let stage = shop(As::Robot);
            stage.remote.fail(request, fault);
            scope.spawn(move || one_pull_request(stage));
        }
    });
}

fn one_pull_request(mut stage: Stage) {
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    assert_eq!(proposed(&case), 1);
    assert_eq!(stage.github.pull_requests(SHOP), 1);
    stage.github.pull_request(SHOP, 1).expect_open().expect_labels(&["sourceward"]);
    assert_eq!(stage.changed(SHOP, &branch(&case))[1], "+  replicas: 5 # two zones and a spare");
    let commits = format!("main..{}", branch(&case));
    assert_eq!(git(&stage.github.folder(SHOP), &["rev-list", "--count", &commits]), "1");
}

#[test]
fn a_branch_that_is_no_descendant_is_moved_although_github_failed_twice_before_it_said_so() {
    let mut stage = shop(As::App);
    stage.start();
    stage.settle(&drift("cart", 5));
    stage.github.fail("PATCH /repos/acme/shop/git/refs", Fault::Status(502));
    stage.github.fail("PATCH /repos/acme/shop/git/refs", Fault::Status(502));
    let case = stage.settle(&drift("cart", 7));
    stage.github.pull_request(SHOP, proposed(&case)).expect_open();
    assert_eq!(stage.changed(SHOP, &branch(&case))[1], "+  replicas: 7 # two zones and a spare");
}

#[test]
fn the_same_revision_is_the_same_commit_however_often_it_is_tried() {
    let mut stage = shop(As::Robot);
    for _ in 0..3 {
        stage.github.fail("POST /repos/acme/shop/pulls", Fault::Status(502));
    }
    stage.start();
    let case = stage.report(&drift("cart", 5)).case();
    let case = stage.waiting(case);
    let head = stage.github.branch(SHOP, &branch(&case));
    // A commit's time is in seconds.
    thread::sleep(Duration::from_millis(1_100));
    assert_eq!(proposed(&stage.settled(case.id)), 1);
    assert_eq!(stage.github.branch(SHOP, &branch(&case)), head);
    stage.github.pull_request(SHOP, 1);
    assert_eq!(stage.git_traffic().pushes, 1);
}

#[test]
fn a_limit_is_waited_for() {
    let mut stage = shop(As::Robot);
    let limit = Fault::Refuse(403, vec![("retry-after", "3".to_owned())], "You have exceeded a secondary rate limit");
    stage.github.fail("POST /repos/acme/shop/pulls", limit);
    stage.start();
    let began = Instant::now();
    let case = stage.waiting(stage.report(&drift("cart", 5)).case());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let due = case.due_at.expect("due") - now;
    assert!((1_500..=3_100).contains(&due), "due in {due} ms");
    assert_eq!((case.attempts, reason(&case)), (0, "GitHub wants no more calls for now"), "a limit is no failed try");
    stage.github.forget_calls();
    thread::sleep(Duration::from_millis(1_000));
    assert_eq!(stage.github.calls(), [""; 0], "no call before the time");
    let case = stage.settled(case.id);
    assert!(began.elapsed() >= Duration::from_millis(2_900));
    assert_eq!(proposed(&case), 1);
    stage.github.pull_request(SHOP, 1).expect_open();
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn a_refused_credential_waits_for_the_operator() {
    let mut stage = shop(As::Robot);
    let wrong = "ghp_retiredretiredretired0000";
    fs::write(stage.folder.path().join("credential"), wrong).expect("writes");
    stage.start_logging("trace");
    let case = stage.waiting(stage.report(&drift("cart", 5)).case());
    assert!(reason(&case).contains("refuses the credential") || reason(&case).contains("token"), "{}", reason(&case));
    assert_eq!(stage.github.mutations(), [""; 0]);
    assert_eq!(stage.stop().code(), Some(0));
    for secret in [wrong, WEBHOOK_SECRET] {
        assert!(!stage.log().contains(secret), "{secret} was logged");
        assert_eq!(holding(&stage.data(), secret), [""; 0].map(std::path::PathBuf::from));
    }

    fs::write(stage.folder.path().join("credential"), TOKEN).expect("writes");
    stage.findings(&["retry", "1"]).expect("retries");
    stage.start();
    let case = stage.settled(case.id);
    stage.github.pull_request(SHOP, proposed(&case)).expect_open().expect_author("robot");
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn secrets_are_kept_and_said_nowhere() {
    for who in [As::Robot, As::App] {
        let mut stage = shop(who);
        stage.start_logging("trace");
        let (password, token, words) =
            ("Tr0ub4dor-and-3-more", "ghp_0123456789abcdefghij0123456789ABCDEF", "hunter2-Kd93-xyz");
        let unnamed = "correct-horse-battery-9";
        let env = "/spec/template/spec/containers/0/env";
        let mut said = drift("cart", 5);
        said["id"] = json!(format!("password={words}"));
        said["title"] = json!(format!("password={words}"));
        said["actor"] = json!({"user": format!("token: {token}"), "via": "kubectl"});
        let refusals = [
            patched(
                "cart",
                json!([{"op": "replace", "path": format!("{env}/1"), "value": {"name": "DB_PASSWORD", "value": password}}]),
            ),
            patched("checkout", json!([{"op": "replace", "path": format!("{env}/0/value"), "value": token}])),
        ];
        for finding in &refusals {
            assert_eq!(refused(&stage.settle(finding)), "secret");
        }
        // Only the source says what this variable is called.
        let nameless = json!([{"op": "replace", "path": format!("{env}/1/value"), "value": unnamed}]);
        assert_eq!(refused(&stage.settle(&patched("cart", nameless.clone()))), "secret");
        stage.until("the value being forgotten", || holding(&stage.data(), unnamed).is_empty());
        let again = stage.report(&patched("cart", nameless));
        assert_eq!(again.verdict(), "repeat", "it is known by its digest");
        stage.findings(&["retry", &again.case().to_string()]).expect("retries");
        assert_eq!(refused(&stage.settled(again.case())), "secret");
        let case = stage.settle(&said);
        stage.github.pull_request(SHOP, proposed(&case)).expect_open().expect_in_body(&["[withheld]"]);
        stage.github.branch(SHOP, &branch(&case));
        let unreadable = stage.report(&json!({"intent": format!("password={words}"), "resource": {}}));
        assert_eq!(unreadable.status, 422);
        let shown: String = ["1", "2", "3", "4"].map(|case| stage.findings(&["show", case]).expect("shows")).concat();
        let rejected = stage.findings(&["list", "--rejected"]).expect("lists");
        assert_eq!(rejected.lines().count(), 1);

        let pull = stage.github.pull_request(SHOP, 1).text();
        let commit = git(&stage.github.folder(SHOP), &["log", "-1", "--format=%B", &branch(&case)]);
        let key = crate::github::APP_KEY.lines().nth(3).expect("a line of the key");
        // While it runs, so that what only the journal of the database holds is seen as well.
        for secret in [password, token, words, unnamed, TOKEN, WEBHOOK_SECRET, "ghs_minted", key] {
            let files = holding(&stage.data(), secret);
            assert!(files.is_empty(), "{secret} is in {files:?}");
            for (place, text) in
                [("the log", &stage.log()), ("show", &shown), ("list", &rejected), ("GitHub", &pull), ("git", &commit)]
            {
                assert!(!text.contains(secret), "{secret} is in {place}");
            }
        }
        stage.stop();
        assert_eq!(holding(&stage.data(), words).len(), 0);
    }
}

#[test]
fn a_branch_that_the_remote_guards_stops_no_other() {
    let mut stage = shop(As::Robot);
    let hook = stage.github.folder(SHOP).join("hooks/update");
    fs::create_dir_all(hook.parent().expect("a folder")).expect("made");
    fs::write(&hook, "#!/bin/sh\ncase $1 in *checkout*) echo 'names are guarded' >&2; exit 1;; esac\n")
        .expect("writes");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("set");
    stage.start();
    stage.report(&json!({"findings": [drift("cart", 5), drift("checkout", 4)]}));
    let cases: Vec<Case> = stage.cases().iter().map(|case| stage.settled(case.id)).collect();
    stage.github.pull_request(SHOP, proposed(&cases[0])).expect_open();
    stage.github.branch(SHOP, &branch(&cases[0]));
    assert_eq!(cases[1].state, State::Dead);
    assert!(reason(&cases[1]).contains("refuses"), "{:?}", cases[1].reason);
    assert_eq!(stage.github.pull_requests(SHOP), 1);
}

#[test]
fn what_a_killed_process_left_in_a_mirror_is_removed() {
    let mut stage = shop(As::Robot);
    stage.start();
    let case = stage.settle(&drift("cart", 5));
    stage.kill();
    let mirror = stage.data().join("mirrors/acme/shop.git");
    let left = ["refs/remotes/origin/main.lock", "objects/tmp_object_git2_0a1b", "objects/pack/pack_git2_0a1b"];
    for file in left {
        fs::write(mirror.join(file), "half").expect("writes");
    }
    stage.start();
    stage.github.person_pushes(SHOP, "main", &[("README.md", "moved\n")]);
    let began = Instant::now();
    assert_eq!(proposed(&stage.settle(&drift("cart", 6))), 1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(left.map(|file| mirror.join(file).exists()), [false; 3]);
    stage.github.pull_request(SHOP, 1);
    stage.github.branch(SHOP, &branch(&case));
}

#[test]
fn a_second_server_over_the_same_data_does_not_start_and_says_why() {
    let mut stage = shop(As::Robot);
    stage.start();
    let ended = stage.another();
    let said = String::from_utf8(ended.stderr).expect("UTF-8");
    assert!(!ended.status.success(), "{said}");
    assert!(said.contains("another process") && said.contains("data"), "{said}");
    // The first one goes on as if nothing had been.
    let case = stage.settle(&drift("cart", 5));
    assert_eq!(case.state, State::Proposed, "{}", stage.log());
    stage.github.pull_request("acme/shop", 1).expect_open();
}
