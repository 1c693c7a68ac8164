//! GitHub's own word: its description of the API, answers that it once gave, and examples of its events.
//!
//! That no test of this suite sends or answers anything else is held by the fake GitHub itself, at each exchange; here is
//! shown that it would notice.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use sourceward::{
    model::repository::{BranchName, CommitId, RepoSlug},
    remedy::check::{Check, Conclusion},
    shell::forge::{
        Done, Error,
        pull_request::{PullRequest, State},
    },
};

use crate::{
    github::{
        Fault, GitHub, TOKEN,
        contract::{self, Description},
        recorded::Recorded,
    },
    serve::stage::{post_event, post_raw},
};

const PULLS: &str = "/repos/acme/shop/pulls";

fn slug(name: &str) -> RepoSlug {
    format!("octokit-fixture-org/{name}").parse().expect("a repository")
}

fn commit(digit: char) -> CommitId {
    format!("{}{digit}", "0".repeat(39)).parse().expect("a commit")
}

/// What is wrong with a request, by both descriptions; they have to agree on whether something is.
fn wrong(of: impl Fn(&Description) -> Vec<String>) -> String {
    let [github, server] = contract::all().map(|one| of(one).join("\n"));
    assert_eq!(github.is_empty(), server.is_empty(), "{github}\n{server}");
    github
}

#[test]
fn planted_wrong_calls_are_found() {
    let good = json!({"title": "t", "head": "h", "base": "b", "body": "x", "draft": true});
    let without = |key: &str| {
        let mut body = good.clone();
        body.as_object_mut().expect("a map").remove(key);
        Some(body)
    };
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        Some(body)
    };
    for (method, path, query, body, expected) in [
        ("POST", PULLS, "", Some(good.clone()), ""),
        ("POST", PULLS, "", without("base"), "\"base\" is a required property"),
        ("POST", PULLS, "", with("titel", json!("x")), "'titel' was unexpected"),
        ("POST", PULLS, "", with("draft", json!("true")), "/draft: \"true\" is not of type \"boolean\""),
        ("POST", PULLS, "", None, "the body is missing"),
        ("POST", PULLS, "draft=true", Some(good.clone()), "the parameter draft is not declared"),
        ("PUT", PULLS, "", Some(good.clone()), "is no operation"),
        ("POST", "/repos/acme/shop/pull", "", Some(good.clone()), "is no operation"),
        ("GET", PULLS, "state=all&head=acme:x&per_page=100", None, ""),
        ("GET", PULLS, "state=merged", None, "\"merged\" is not one of"),
        ("GET", PULLS, "per_page=many", None, "is not of type \"integer\""),
        ("GET", PULLS, "", Some(json!({})), "a body is sent where none is declared"),
        ("GET", "/repos/acme/shop/pulls/one", "", None, "is not of type \"integer\""),
        ("GET", "/repos/acme/shop/git/ref/heads/a/b/c", "", None, ""),
        ("GET", "/repos/acme/shop/git/ref", "", None, "is no operation"),
        ("GET", "/repositories/7/pulls/1/commits", "page=2", None, ""),
        ("GET", "/repositories/x/pulls", "", None, "is no operation"),
        ("POST", "/repos/acme/shop/git/refs", "", Some(json!({"ref": "refs/heads/x"})), "\"sha\" is a required"),
        (
            "POST",
            "/repos/acme/shop/check-runs",
            "",
            Some(json!({"name": "n", "head_sha": "s", "conclusion": "good"})),
            "\"good\" is not one of",
        ),
        (
            "POST",
            "/app/installations/1/access_tokens",
            "",
            Some(json!({"permissions": {"contents": "admin"}})),
            "\"admin\" is not one of",
        ),
    ] {
        let query: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let found = wrong(|one| one.wrong_request(method, path, &query, body.as_ref()));
        let fits = if expected.is_empty() { found.is_empty() } else { found.contains(expected) };
        assert!(fits, "{method} {path} {body:?}: expected {expected:?}, found\n{found}");
    }
}

#[test]
fn planted_wrong_answers_are_found() {
    let whole = |one: &Description, value: Value| one.completed("GET", "/repos/acme/shop/pulls/1", 200, value);
    for (change, expected) in [
        (json!({}), ""),
        (json!({"number": "1"}), "/number: \"1\" is not of type \"integer\""),
        (json!({"state": "merged"}), "/state"),
        (json!({"merged": null}), "/merged"),
        (json!({"mergedAt": null}), "'mergedAt' was unexpected"),
        (json!({"user": {"login": 7}}), "/user"),
        (json!({"created_at": "yesterday"}), "/created_at: \"yesterday\" is not a \"date-time\""),
        (json!({"head": {"sha": null}}), "/head"),
    ] {
        let found = wrong(|one| one.wrong_answer("GET", "/repos/acme/shop/pulls/1", 200, &whole(one, change.clone())));
        let fits = if expected.is_empty() { found.is_empty() } else { found.contains(expected) };
        assert!(fits, "{change}: expected {expected:?}, found\n{found}");
    }
    let bare = json!({"number": 1});
    let found = wrong(|one| one.wrong_answer("GET", "/repos/acme/shop/pulls/1", 200, &bare));
    assert!(found.contains("is a required property"), "what is missing is found where nothing completes it: {found}");
    for (status, body, expected) in [
        (202, json!({}), "the status 202 is not declared"),
        (404, json!({"message": "Not Found"}), ""),
        (404, json!({"error": "Not Found"}), "'error' was unexpected"),
        (401, json!({"message": "Bad credentials"}), ""),
        (422, json!({"message": "x", "documentation_url": "x"}), ""),
        (422, json!({"message": 7, "documentation_url": "x"}), "/message"),
    ] {
        let found = wrong(|one| one.wrong_answer("POST", PULLS, status, &body));
        let fits = if expected.is_empty() { found.is_empty() } else { found.contains(expected) };
        assert!(fits, "{status} {body}: expected {expected:?}, found\n{found}");
    }
}

#[test]
#[should_panic(expected = "'titel' was unexpected")]
fn the_fake_complains_of_a_call_that_github_does_not_describe() {
    let github = GitHub::with(&[("a", "b")]);
    let address = github.address().strip_prefix("http://").expect("plain").parse().expect("an address");
    let authorization = format!("Bearer {TOKEN}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("user-agent", "sourceward/0"),
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
        ("content-type", "application/json"),
    ];
    let status = post_raw(address, "/repos/acme/shop/issues", &headers, r#"{"title": "t", "body": "b", "titel": "t"}"#);
    assert_eq!(status, Some(201));
    assert_eq!(github.issue("acme/shop", 1).as_deref(), Some("b"));
}

#[tokio::test]
#[should_panic(expected = "/default_branch: 7 is not of type \"string\"")]
async fn the_fake_complains_of_an_answer_that_github_does_not_describe() {
    let github = GitHub::with(&[("a", "b")]);
    github.fail("GET /repos/acme/shop", Fault::Says(json!({"id": 1000, "default_branch": 7})));
    let client = github.as_robot();
    let refused = client.repository(&"acme/shop".parse().expect("a repository")).await;
    assert!(matches!(refused, Err(Error::Malformed { .. })));
}

/// The documents in the source are those that GitHub's schema was asked about, and so is what is sent with them.
#[test]
fn every_graphql_document_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![folder.join("src")];
    let mut written = BTreeSet::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).expect("reads").map(|entry| entry.expect("reads").path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("reads");
        for begin in ["\"mutation", "\"query", "\"subscription", "\"fragment"] {
            let literals = text.match_indices(begin).filter_map(|(at, _)| text[at + 1..].split('"').next());
            written.extend(literals.filter(|literal| literal.contains('{')).map(str::to_owned));
        }
    }
    assert_eq!(written.into_iter().collect::<Vec<_>>(), contract::documents());
    let document = contract::documents()[0];
    let sha = "0".repeat(40);
    let update = json!({"name": "refs/heads/x", "beforeOid": sha, "afterOid": sha, "force": true});
    let sent = |query: &str, update: &Value| json!({"query": query, "variables": {"input": {"repositoryId": "R_1", "refUpdates": [update]}}});
    let with = |key: &str, value: Value| {
        let mut other = update.clone();
        other[key] = value;
        other
    };
    assert_eq!(contract::wrong_query(&sent(document, &update)), [""; 0]);
    for (body, expected) in [
        (sent("mutation { deleteRepository }", &update), "is no document"),
        (sent(document, &with("afterOid", json!("main"))), "does not match"),
        (sent(document, &with("oldOid", json!(sha))), "'oldOid' was unexpected"),
        (sent(document, &with("force", json!("yes"))), "/input/refUpdates/0/force"),
        (json!({"query": document, "variables": {}}), "\"input\" is a required property"),
        (
            json!({"query": document, "variables": {"input": {"repositoryId": 7, "refUpdates": []}}}),
            "/input/repositoryId",
        ),
    ] {
        let found = contract::wrong_query(&body).join("\n");
        assert!(found.contains(expected), "{body}: expected {expected:?}, found {found:?}");
    }
    let asked = sent(document, &update);
    assert_eq!(contract::wrong_reply(&asked, &json!({"data": {"updateRefs": {"clientMutationId": null}}})), [""; 0]);
    for reply in [json!({"data": {"updateRef": {}}}), json!({"data": {"updateRefs": null}, "errors": [{"type": "X"}]})]
    {
        assert!(!contract::wrong_reply(&asked, &reply).is_empty(), "{reply}");
    }
}

#[tokio::test]
async fn recorded_answers_are_understood() {
    let played = Recorded::play("get-repository", &[]);
    let found = played.client().repository(&slug("hello-world")).await.expect("exists");
    assert_eq!((found.slug, found.default_branch.as_str(), found.archived), (slug("hello-world"), "master", false));
    assert!(found.id > 0 && !found.node_id.is_empty() && found.clone_url.starts_with("https://"));
    assert_eq!(played.left(), [""; 0]);

    let played = Recorded::play("rename-repository", &[]);
    let client = played.client();
    let moved = client.repository(&slug("rename-repository")).await.expect_err("renamed");
    assert!(matches!(moved, Error::Rejected { status: 301, .. }), "{moved}");
    let found = client.repository_of_id(&slug("rename-repository"), 1000).await.expect("exists");
    assert_eq!((found.id, found.slug), (1000, slug("rename-repository-newname")));
    assert_eq!(played.left(), [""; 0]);

    let fixture = json!({"ref": "refs/heads/test", "object": {"sha": commit('2')}});
    let branch: BranchName = "test".parse().expect("a branch");
    let played = Recorded::play("git-refs", &[]);
    let done = played.client().set_branch(&slug("git-refs"), &branch, &commit('2'), None).await;
    assert_eq!(done.expect("made"), Done::Changed);
    let played = Recorded::play("git-refs", &[("GET /repos/octokit-fixture-org/git-refs/git/ref/heads/test", fixture)]);
    let done = played.client().set_branch(&slug("git-refs"), &branch, &commit('1'), Some(&commit('2'))).await;
    assert_eq!(done.expect("moved"), Done::Changed);

    let user = ("GET /user", json!({"login": "octokit-fixture-user-a"}));
    let played = Recorded::play("create-status", std::slice::from_ref(&user));
    let check =
        Check { conclusion: Conclusion::Success, title: "t".to_owned(), summary: String::new(), text: String::new() };
    let done = played.client().check(&slug("create-status"), &commit('1'), &check, false).await;
    assert_eq!(done.expect("shown"), Done::Changed);
    assert_eq!(played.left(), [format!("POST /repos/octokit-fixture-org/create-status/statuses/{}", commit('1'))]);

    let labels = ("GET /repos/octokit-fixture-org/add-labels-to-issue/issues/1/labels", json!([]));
    let none = ("GET /repos/octokit-fixture-org/add-labels-to-issue/issues", json!([]));
    let played = Recorded::play("add-labels-to-issue", &[user.clone(), labels, none]);
    let (client, repository) = (played.client(), slug("add-labels-to-issue"));
    let (issue, done) = client.open_issue(&repository, "m", "Issue without a label", "m").await.expect("opens");
    assert_eq!((issue.number, done, issue.is_open), (1, Done::Changed, true));
    let on = PullRequest {
        number: 1,
        url: String::new(),
        state: State::Open,
        draft: false,
        title: String::new(),
        body: String::new(),
        head: (String::new(), commit('1')),
        base: String::new(),
        labels: Vec::new(),
        author: None,
        merged_at: None,
        updated_at: None,
    };
    assert_eq!(client.label(&repository, &on, &["Foo", "bAr", "baZ"]).await.expect("labels"), Done::Changed);
    assert_eq!(played.left(), [""; 0]);

    // All five pages, which lead on by the repository's number.
    let played = Recorded::play("paginate-issues", &[user]);
    assert_eq!(played.client().own_issue(&slug("paginate-issues"), "marker").await.expect("looks"), None);
    assert_eq!(played.left(), [""; 0]);
}

/// The shortest of GitHub's examples of each event, or all of them where `SOURCEWARD_GITHUB_EXAMPLES` names the folder of
/// `@octokit/webhooks-examples`: as they are, and as if they were about a repository of ours.
#[test]
fn githubs_own_examples_are_never_answered_as_a_failure() {
    let stage = crate::life::server();
    let mut examples: Vec<(String, Value)> = Vec::new();
    match std::env::var_os("SOURCEWARD_GITHUB_EXAMPLES") {
        Some(folder) => {
            let text = std::fs::read_to_string(Path::new(&folder).join("api.github.com/index.json")).expect("reads");
            let events: Vec<Value> = serde_json::from_str(&text).expect("JSON");
            for event in events {
                let name = event["name"].as_str().expect("a name");
                let all = event["examples"].as_array().expect("examples");
                examples.extend(all.iter().map(|one| (name.to_owned(), one.clone())));
            }
            assert!(examples.len() >= 329, "{}", examples.len());
        }
        None => {
            let text = include_str!("github/described/events.json");
            let events: Value = serde_json::from_str(text).expect("JSON");
            let events = events["events"].as_object().expect("events");
            examples.extend(events.iter().map(|(name, one)| (name.clone(), one.clone())));
            assert!(examples.len() >= 58, "{}", examples.len());
        }
    }
    let mut taken = BTreeSet::new();
    for (number, (name, example)) in examples.iter().enumerate() {
        let mut ours = example.clone();
        if ours["repository"].is_object() {
            ours["repository"]["id"] = json!(stage.github.id("acme/shop"));
            ours["repository"]["full_name"] = json!("acme/shop");
        }
        for (whose, payload) in [("theirs", example), ("ours", &ours)] {
            let answer = post_event(stage.address(), name, &format!("{whose}-{number}"), payload).expect("an answer");
            assert!(matches!(answer.status, 200 | 202), "{name} {number}: {}", answer.status);
            if answer.status == 202 {
                taken.insert(name.as_str());
            }
        }
    }
    assert!(taken.contains("merge_group") && taken.contains("installation"), "{taken:?}");
    assert!(taken.contains("push") || examples.len() < 329, "{taken:?}");
}
