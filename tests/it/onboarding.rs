//! How sourceward introduces itself to a repository, a story each.

use std::time::Duration;

use comrak::{
    Arena, Options,
    nodes::{AstNode, NodeValue},
    parse_document,
};
use expect_test::expect_file;
use serde_json::{Value, json};
use sourceward::{
    model::secret::Secret,
    shell::{
        forge::{Credential, Error},
        store::case::{Case, State},
    },
    source::path::RepoPath,
    stack::config::Config,
};

use crate::{
    git::git,
    github::{Fault, GitHub, TOKEN},
    serve::stage::{As, Stage},
};

const SHOP: &str = "acme/shop";
const CONFIG: &str = ".github/sourceward.yaml";
const BRANCH: &str = "sourceward/onboarding";

fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  replicas: 3\n  template:\n    \
         spec:\n      containers:\n        - name: app\n          image: r.example/{name}:1\n          env:\n            - name: DB_PASSWORD\n              value: x\n"
    )
}

fn github(prefix: &'static str) -> GitHub {
    let (cart, web) = (deployment("cart"), deployment("web"));
    GitHub::at(prefix, &[("k8s/cart.yaml", &cart), ("k8s/web.yaml", &web), ("k8s/broken.yaml", "a: [")])
}

fn patched(name: &str, path: &str, value: Value) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "patch": [{"op": "replace", "path": path, "value": value}],
    })
}

fn drift(name: &str, replicas: u32) -> Value {
    patched(name, "/spec/replicas", json!(replicas))
}

/// A server that has asked the repository; `wanted` is what the operator says of onboarding.
fn asked(who: As, wanted: Option<&str>, github: GitHub) -> Stage {
    let stage = started(who, wanted, github);
    stage.until("the introduction", || stage.github.pull_requests(SHOP) == 1);
    stage.at_rest();
    stage.github.branch(SHOP, BRANCH).expect("made");
    stage.github.pull_request(SHOP, 1).expect_open().expect_branches(BRANCH, "main");
    stage
}

fn started(who: As, wanted: Option<&str>, github: GitHub) -> Stage {
    let mut stage = Stage::set_changed(who, github, &[SHOP], |config| {
        let section = config["github"].as_object_mut().expect("a map");
        section.remove("onboarding");
        section.extend(wanted.map(|wanted| ("onboarding".to_owned(), json!(wanted))));
        config["pull_requests"]["dashboard"] = json!(true);
    });
    stage.start();
    stage
}

fn reason(case: &Case) -> &str {
    case.reason.as_ref().and_then(Value::as_str).unwrap_or_default()
}

/// Posts a finding and waits until it is only recorded.
fn recorded(stage: &Stage, finding: &Value) -> Case {
    let case = stage.settle(finding);
    assert_eq!(case.state, State::Held, "{:?}\n{}", case.reason, stage.log());
    case
}

#[test]
fn an_app_asks_first_and_works_when_it_is_merged() {
    for prefix in ["", "/api/v3"] {
        let stage = asked(As::App, None, github(prefix));
        let file = git(&stage.github.folder(SHOP), &["show", &format!("{BRANCH}:{CONFIG}")]);
        Config::read(&file).expect("a configuration");
        let head = stage.github.branch(SHOP, BRANCH).expect("made");
        assert!(stage.github.is_verified(&head));
        let names = git(&stage.github.folder(SHOP), &["diff", "--name-only", &format!("main...{BRANCH}")]);
        assert_eq!(names.trim(), CONFIG, "and nothing else");

        let cart = recorded(&stage, &drift("cart", 5));
        assert!(reason(&cart).contains("is not merged"), "{}", reason(&cart));
        recorded(&stage, &patched("web", "/spec/template/spec/containers/0/env/0/value", json!("Kx9-Vq27.tRw4sLm8")));
        recorded(&stage, &drift("nobody", 5));
        stage.at_rest();
        let seen = stage.github.pull_request(SHOP, 1);
        let text = seen.text();
        expect_file![format!("{}/tests/it/onboarding/asked.md", env!("CARGO_MANIFEST_DIR"))].assert_eq(&text);
        assert!(!text.contains("Kx9"), "{text}");
        assert_eq!((stage.github.pull_requests(SHOP), stage.github.issues(SHOP).len()), (1, 0), "nothing else is said");
        // Told again that it is installed, it does not ask again.
        stage.github.forget_calls();
        let added = json!({"action": "added", "repositories_added": [stage.about(SHOP)], "repositories_removed": []});
        assert_eq!(stage.event("installation_repositories", &added), 202);
        stage.at_rest();
        std::thread::sleep(Duration::from_millis(200));
        stage.at_rest();
        assert_eq!(stage.github.mutations(), Vec::<String>::new());

        stage.github.person_merges(SHOP, 1);
        stage.pull_event(SHOP, 1, "closed");
        let cart = stage.case_once(cart.id, "proposed", |case| case.state == State::Proposed);
        assert_eq!(cart.pull_request.as_ref().expect("one").number, 2);
        stage.github.pull_request(SHOP, 2).expect_open();
        stage.github.branch(SHOP, cart.proposal.as_ref().expect("one").branch.as_str()).expect("made");
        stage.until("the dashboard", || !stage.github.issues(SHOP).is_empty());
        stage.at_rest();
        for number in stage.github.issues(SHOP) {
            stage.github.issue(SHOP, number).expect("there");
        }
        let web = stage.cases().into_iter().find(|case| case.state == State::Refused).expect("a refusal");
        assert_eq!(web.reason.as_ref().expect("one")["code"], "secret");
    }
}

#[test]
fn of_many_findings_some_are_judged_and_all_are_counted_and_taken_up() {
    let files: Vec<(String, String)> =
        (0..130).map(|at| (format!("k8s/{at}.yaml"), deployment(&format!("d{at}")))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let stage = asked(As::Robot, Some("required"), GitHub::with(&files));
    let cases: Vec<_> = (0..130).map(|at| stage.report(&drift(&format!("d{at}"), 5)).case()).collect();
    for case in &cases {
        stage.settled(*case);
    }
    stage.at_rest();
    let text = body(&stage);
    assert!(
        text.contains("130 findings: 100 would be proposed, 30 not judged yet.") && text.contains("*and 60 more*"),
        "{text}"
    );
    stage.github.person_merges(SHOP, 1);
    stage.pull_event(SHOP, 1, "closed");
    stage.until("all being proposed", || stage.cases().iter().all(|case| case.state == State::Proposed));
    stage.until("the dashboard", || !stage.github.issues(SHOP).is_empty());
    stage.at_rest();
    assert_eq!(stage.github.pull_requests(SHOP), 131);
    for case in stage.cases() {
        stage.github.pull_request(SHOP, case.pull_request.as_ref().expect("one").number).expect_open();
        stage.github.branch(SHOP, case.proposal.as_ref().expect("one").branch.as_str()).expect("made");
    }
    for number in stage.github.issues(SHOP) {
        stage.github.issue(SHOP, number).expect("there");
    }
}

#[test]
fn closed_is_a_no_that_is_kept_until_the_configuration_is_there() {
    let mut stage = asked(As::App, Some("required"), github(""));
    recorded(&stage, &drift("cart", 5));
    stage.at_rest();
    stage.github.person_closes(SHOP, 1);
    stage.github.forget_calls();
    stage.pull_event(SHOP, 1, "closed");
    let cart = recorded(&stage, &drift("cart", 6));
    recorded(&stage, &drift("web", 6));
    assert!(reason(&stage.case(cart.id)).contains("was closed"), "{}", reason(&stage.case(cart.id)));
    stage.stop();
    stage.start();
    let installed = json!({"action": "created", "repositories": [stage.about(SHOP)]});
    assert_eq!(stage.event("installation", &installed), 202);
    recorded(&stage, &drift("web", 7));
    stage.at_rest();
    assert_eq!(stage.github.mutations(), Vec::<String>::new(), "not another word");

    stage.pushes(SHOP, &[(CONFIG, "version: 1\n")]);
    let cart = stage.case_once(cart.id, "proposed", |case| case.state == State::Proposed);
    stage.until("both", || stage.github.pull_requests(SHOP) == 3);
    stage.at_rest();
    assert!(cart.pull_request.is_some());
    stage.github.pull_request(SHOP, 1).expect_closed();
    for case in stage.cases() {
        stage.github.pull_request(SHOP, case.pull_request.as_ref().expect("one").number).expect_open();
        stage.github.branch(SHOP, case.proposal.as_ref().expect("one").branch.as_str()).expect("made");
    }
    for number in stage.github.issues(SHOP) {
        stage.github.issue(SHOP, number).expect("there");
    }
}

#[test]
fn offered_it_works_meanwhile_and_a_no_changes_nothing() {
    let stage = asked(As::Robot, Some("offered"), github(""));
    let propose = |replicas: u32| {
        let case = stage.settle(&drift("cart", replicas));
        assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
        stage.github.branch(SHOP, case.proposal.as_ref().expect("one").branch.as_str()).expect("made");
        stage.github.pull_request(SHOP, 2).expect_open();
    };
    propose(5);
    stage.github.person_closes(SHOP, 1);
    stage.pull_event(SHOP, 1, "closed");
    propose(6);
    stage.at_rest();
    stage.until("the dashboard", || !stage.github.issues(SHOP).is_empty());
    stage.at_rest();
    for number in stage.github.issues(SHOP) {
        stage.github.issue(SHOP, number).expect("there");
    }
    assert_eq!(stage.github.pull_requests(SHOP), 2);
}

#[test]
fn nobody_is_asked_with_a_token_or_where_a_configuration_is() {
    let stage = started(As::Robot, None, github(""));
    let configured = github("");
    configured.person_pushes(SHOP, "main", &[(CONFIG, "version: 1\n")]);
    let other = started(As::App, None, configured);
    for stage in [stage, other] {
        let case = stage.settle(&drift("cart", 5));
        assert_eq!(case.pull_request.expect("one").number, 1, "{}", stage.log());
        stage.github.pull_request(SHOP, 1).expect_open();
        stage.github.branch(SHOP, case.proposal.expect("one").branch.as_str()).expect("made");
        stage.until("the dashboard", || !stage.github.issues(SHOP).is_empty());
        stage.at_rest();
        for number in stage.github.issues(SHOP) {
            stage.github.issue(SHOP, number).expect("there");
        }
    }
}

#[test]
fn however_often_it_is_cut_off_it_is_one_pull_request() {
    for (call, fault) in [
        ("POST /repos/acme/shop/git/refs", Fault::EffectThen(502)),
        ("POST /repos/acme/shop/git/refs", Fault::LoseAnswer),
        ("POST /repos/acme/shop/pulls", Fault::LoseAnswer),
        ("POST /repos/acme/shop/pulls", Fault::Status(500)),
        ("POST /repos/acme/shop/pulls", Fault::Refuse(403, vec![("retry-after", "1".to_owned())], "rate limit")),
        ("POST /repos/acme/shop/issues/1/labels", Fault::Status(500)),
    ] {
        let github = github("");
        github.fail(call, fault);
        let stage = asked(As::App, None, github);
        recorded(&stage, &drift("cart", 5));
        stage.at_rest();
        assert_eq!(stage.github.pull_requests(SHOP), 1, "{call}");
        stage.github.pull_request(SHOP, 1).expect_open();
        stage.github.branch(SHOP, BRANCH).expect("made");
    }
}

#[test]
fn it_waits_for_its_turn_like_any_other() {
    let mut stage = Stage::set_changed(As::App, github(""), &[SHOP], |config| {
        config["github"]["onboarding"] = json!("required");
        config["pull_requests"]["quiet_hours"] = json!(["mon-sun"]);
    });
    stage.start();
    stage.until("its turn", || stage.log().contains("the introduction waits"));
    recorded(&stage, &drift("cart", 5));
    stage.at_rest();
    assert_eq!(stage.github.mutations(), Vec::<String>::new());
    let visits = || stage.github.calls().iter().filter(|call| *call == "GET /repos/acme/shop").count();
    let before = visits();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(visits(), before, "and nobody runs in circles");
}

#[test]
fn a_branch_of_somebody_else_is_not_touched() {
    let github = github("");
    let theirs = github.person_pushes(SHOP, BRANCH, &[("notes", "mine")]);
    let stage = started(As::App, None, github);
    recorded(&stage, &drift("cart", 5));
    stage.at_rest();
    assert_eq!((stage.github.branch(SHOP, BRANCH), stage.github.pull_requests(SHOP)), (Some(theirs), 0));
    assert!(stage.log().contains("somebody else's commit"), "{}", stage.log());
}

#[test]
fn what_people_write_there_stays() {
    let stage = asked(As::App, None, github(""));
    let edited = format!("{}\nWe talk about this on Monday.\n", body(&stage));
    stage.github.person_edits_pull(SHOP, 1, &edited);
    let theirs = stage.github.person_pushes(SHOP, BRANCH, &[(CONFIG, "version: 1\npull_requests: {draft: true}\n")]);
    stage.pull_event(SHOP, 1, "edited");
    recorded(&stage, &drift("cart", 5));
    stage.at_rest();
    stage.github.pull_request(SHOP, 1).expect_open().expect_body(&edited);
    assert_eq!(stage.github.branch(SHOP, BRANCH), Some(theirs));
}

fn body(stage: &Stage) -> String {
    stage.github.pull_request(SHOP, 1).text().split_once('\n').expect("a body").1.to_owned()
}

#[test]
fn a_configuration_that_comes_another_way_ends_it() {
    let stage = asked(As::App, None, github(""));
    stage.pushes(SHOP, &[(CONFIG, "version: 1\npull_requests: {dashboard: false}\n")]);
    stage.until("its end", || !stage.github.pull_request(SHOP, 1).is_open());
    stage.at_rest();
    let comments = stage.github.comments(SHOP, 1);
    assert!(comments.len() == 1 && comments[0].contains("another way"), "{comments:?}");
    assert_eq!(stage.github.branch(SHOP, BRANCH), None);
}

#[test]
fn words_of_others_are_only_words() {
    let hostile = "@everyone [x](https://evil.test) <img src=x> #1 `a` | b";
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    let github = github("");
    github.person_pushes(SHOP, "main", &[("@all [y](https:evil) <b> #2/x.yaml", object)]);
    let stage = asked(As::App, None, github);
    let mut finding = drift("cart", 5);
    finding["resource"]["kubernetes"]["name"] = json!(hostile);
    recorded(&stage, &finding);
    stage.at_rest();
    let text = body(&stage);
    let arena = Arena::new();
    let mut options = Options::default();
    (options.extension.table, options.extension.autolink) = (true, true);
    let root = parse_document(&arena, &text, &options);
    for node in root.descendants() {
        let shown: &AstNode<'_> = node;
        match &shown.data.borrow().value {
            NodeValue::Link(link) => panic!("a link to {}", link.url),
            NodeValue::HtmlInline(html) => panic!("{html}"),
            NodeValue::HtmlBlock(html) => {
                assert!(html.literal.starts_with("<!-- sourceward-onboarding:"), "{}", html.literal)
            }
            NodeValue::Text(text) => {
                assert!(!text.contains('@') && !text.contains("#1") && !text.contains("#2"), "{text}");
            }
            _ => {}
        }
    }
    let file = git(&stage.github.folder(SHOP), &["show", &format!("{BRANCH}:{CONFIG}")]);
    assert!(Config::read(&file).expect("a configuration").stacks.is_empty());
}

/// Only an introduction writes there: nothing else that the client can be asked for does.
#[tokio::test]
async fn no_other_commit_touches_what_decides_who_may_do_what() {
    let github = GitHub::with(&[("README.md", "x\n")]);
    let client = github.client(&Credential::Token(Secret::new(TOKEN)));
    let slug = SHOP.parse().expect("a repository");
    let main = github.branch(SHOP, "main").expect("there").parse().expect("a commit");
    for path in [CONFIG, ".github/workflows/ci.yaml", ".GitHub/x", "docs/CODEOWNERS", ".gitmodules", "a/.gitattributes"]
    {
        let path: RepoPath = path.parse().expect(path);
        for content in [Some("x".as_bytes().into()), None] {
            let changes = [(path.clone(), content)].into();
            let refused = client.commit(&slug, &main, &changes, "x").await.expect_err("refused");
            assert!(matches!(refused, Error::Path(..)), "{refused}");
            let branch = "sourceward/x".parse().expect("a branch");
            let refused = client.ensure_commit(&slug, &branch, None, &main, &changes, "x").await.expect_err("refused");
            assert!(matches!(refused, Error::Path(..)), "{refused}");
        }
    }
    assert_eq!(github.mutations(), Vec::<String>::new());
}
