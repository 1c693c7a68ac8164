//! GitHub: what our client does with a GitHub that behaves, and with one that does not.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use sourceward::{
    model::{
        repository::{BranchName, CommitId, RepoSlug},
        secret::Secret,
    },
    shell::{
        forge::{
            self, Credential, Done, Error,
            call::Limits,
            pull_request::{Proposal, State},
        },
        git::mirror::Mirror,
    },
    source::path::RepoPath,
};

use crate::{
    git::{git, path},
    github::{APP, Fault, GitHub, TOKEN},
};

const FILES: &[(&str, &str)] =
    &[("env/values.yaml", "replicas: 3\n"), ("run.sh", "#!/bin/sh\n"), ("README.md", "shop\n")];

fn slug() -> RepoSlug {
    "acme/shop".parse().expect("a repository")
}

fn branch(name: &str) -> BranchName {
    name.parse().expect("a branch")
}

fn commit(id: impl AsRef<str>) -> CommitId {
    id.as_ref().parse().expect("a commit")
}

fn changes(files: &[(&str, Option<&[u8]>)]) -> BTreeMap<RepoPath, Option<Arc<[u8]>>> {
    files.iter().map(|(name, content)| (path(name), content.map(Arc::from))).collect()
}

fn proposal(head: &BranchName) -> Proposal<'_> {
    static MAIN: std::sync::LazyLock<BranchName> = std::sync::LazyLock::new(|| branch("main"));
    Proposal { head, base: &MAIN, title: "Adopt 5 replicas", body: "Because.", draft: false, labels: &["drift"] }
}

/// A branch that is one commit ahead of main.
async fn ahead(client: &forge::GitHub, name: &str) -> CommitId {
    let main = client.branch_head(&slug(), &branch("main")).await.expect("looks").expect("exists");
    let edit = changes(&[("env/values.yaml", Some(b"replicas: 5\n"))]);
    let (made, done) =
        client.ensure_commit(&slug(), &branch(name), None, &main, &edit, "Adopt").await.expect("commits");
    assert_eq!(done, Done::Changed);
    made
}

#[tokio::test]
async fn a_repository_and_its_branches_are_found() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    let found = client.repository(&slug()).await.expect("exists");
    assert_eq!((found.id, found.slug, found.default_branch, found.archived), (1000, slug(), branch("main"), false));
    let head = client.branch_head(&slug(), &branch("main")).await.expect("looks");
    assert_eq!(head.map(|head| head.to_string()), github.branch("acme/shop", "main"));
    assert_eq!(client.branch_head(&slug(), &branch("none/such")).await.expect("looks"), None);
    let other = client.repository(&"acme/other".parse().expect("a repository")).await;
    assert!(matches!(other, Err(Error::NotFound { .. })));
    let other = client.branch_head(&"acme/other".parse().expect("a repository"), &branch("main")).await;
    assert!(
        matches!(other, Err(Error::NotFound { .. })),
        "where the App is not installed no branch is absent: {other:?}"
    );
    assert_eq!(client.login().await.expect("known"), "sourceward[bot]");
    assert_eq!(github.as_robot().login().await.expect("known"), "robot");
}

#[tokio::test]
async fn a_commit_is_what_git_would_make_of_the_same_change() {
    let github = GitHub::with(FILES);
    github.person_pushes("acme/shop", "main", &[("bin.dat", "x"), ("gone/only", "x")]);
    let client = github.as_app();
    let main = client.branch_head(&slug(), &branch("main")).await.expect("looks").expect("exists");
    let edit = changes(&[
        ("run.sh", Some(b"#!/bin/sh\nexit 0\n")),
        ("env/values.yaml", Some(b"\xef\xbb\xbfreplicas: 5 # \xc3\xa4\r\n\tno end")),
        ("bin.dat", Some(b"\x00\xff\x1b")),
        ("new/file", Some(b"")),
        ("gone/only", None),
    ]);
    let made = client.commit(&slug(), &main, &edit, "Adopt 5 replicas\n\nBecause.").await.expect("commits");
    let folder = github.folder("acme/shop");
    let raw = git(&folder, &["diff-tree", "-r", "--no-renames", "--format=", main.as_str(), made.as_str()]);
    let shape: Vec<String> = raw
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|words| format!("{} {} {} {}", words[0], words[1], words[4], words[5]))
        .collect();
    assert_eq!(
        shape,
        [
            ":100644 100644 M bin.dat",
            ":100644 100644 M env/values.yaml",
            ":100644 000000 D gone/only",
            ":000000 100644 A new/file",
            ":100755 100755 M run.sh"
        ]
    );
    let repository = git2::Repository::open_bare(&folder).expect("opens");
    let tree = repository
        .find_commit(git2::Oid::from_str(made.as_str()).expect("an id"))
        .expect("there")
        .tree()
        .expect("a tree");
    for (path, content) in &edit {
        let blob = tree.get_path(std::path::Path::new(path.as_str())).ok().map(|entry| entry.id());
        let found = blob.map(|blob| repository.find_blob(blob).expect("a blob").content().to_vec());
        assert_eq!(found.as_deref(), content.as_deref(), "{path}");
    }
    git(&folder, &["fsck", "--strict"]);
    let info = client.commit_info(&slug(), &made).await.expect("shown");
    assert!(info.verified);
    assert_eq!(info.author.login.as_deref(), Some("sourceward[bot]"));
    assert_eq!(info.message, "Adopt 5 replicas\n\nBecause.");

    for (name, content) in [("env", Some(&b"x"[..])), ("run.sh/x", Some(b"x")), ("none", None)] {
        let refused = client.commit(&slug(), &main, &changes(&[(name, content)]), "m").await;
        assert!(matches!(refused, Err(Error::Path(..))), "{name}");
    }
}

#[tokio::test]
async fn the_second_run_changes_nothing() {
    let github = GitHub::with(FILES);
    github.person_pushes("acme/shop", "main", &[("removed", "x")]);
    let head = branch("sourceward/cart-0a1b");
    let main = commit(github.branch("acme/shop", "main").expect("exists"));
    let edit = changes(&[("env/values.yaml", Some(b"replicas: 5\r\n")), ("run.sh", Some(b"\x00")), ("removed", None)]);
    let mut seen = Vec::new();
    for run in 0..2 {
        let client = github.as_app();
        let expected = (run == 1).then_some(&main);
        let (made, committed) =
            client.ensure_commit(&slug(), &head, expected, &main, &edit, "Adopt\n").await.expect("commits");
        let (opened, done) = client.open_pull_request(&slug(), &proposal(&head)).await.expect("opens");
        let (updated, same) = client
            .update_pull_request(&slug(), opened.number, Some("Adopt 5 replicas"), Some("Because."))
            .await
            .expect("looks");
        let said = client.comment(&slug(), opened.number, "status", "Still there.").await.expect("comments");
        assert_eq!(opened, updated);
        assert_eq!(same, Done::Already);
        let expected = if run == 0 { Done::Changed } else { Done::Already };
        assert_eq!([committed, done, said], [expected; 3]);
        assert_eq!(opened.head, (head.to_string(), made.clone()));
        assert_eq!(opened.labels, ["drift"]);
        seen.push((made, opened.number));
        assert_eq!(github.mutations().is_empty(), run == 1, "{:?}", github.mutations());
        github.forget_calls();
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(github.branch("acme/shop", head.as_str()), Some(seen[0].0.to_string()));
    github.pull_request("acme/shop", 1).expect_open().expect_labels(&["drift"]).expect_author("sourceward[bot]");
    assert_eq!(github.comments("acme/shop", 1), ["<!-- sourceward:status -->\nStill there."]);
}

#[tokio::test]
async fn another_change_is_not_taken_for_ours() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    let main = commit(github.branch("acme/shop", "main").expect("exists"));
    let made = ahead(&client, "fix").await;
    for (edit, message) in [
        (changes(&[("env/values.yaml", Some(b"replicas: 6\n"))]), "Adopt"),
        (changes(&[("env/values.yaml", Some(b"replicas: 5\n"))]), "Other words"),
        (changes(&[("README.md", Some(b"x")), ("env/values.yaml", Some(b"replicas: 5\n"))]), "Adopt"),
        (changes(&[("env/values.yaml", None)]), "Adopt"),
    ] {
        let refused = client.ensure_commit(&slug(), &branch("fix"), None, &main, &edit, message).await;
        assert!(matches!(refused, Err(Error::Moved { found: Some(found), .. }) if found == made));
    }
    let edit = changes(&[("env/values.yaml", Some(b"replicas: 6\n"))]);
    let (newer, done) =
        client.ensure_commit(&slug(), &branch("fix"), Some(&made), &main, &edit, "Adopt").await.expect("forces");
    assert_eq!(done, Done::Changed);
    assert_eq!(github.branch("acme/shop", "fix"), Some(newer.to_string()));
}

#[tokio::test]
async fn a_branch_is_moved_only_from_where_it_is_expected() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    let main = commit(github.branch("acme/shop", "main").expect("exists"));
    let one = client.commit(&slug(), &main, &changes(&[("a", Some(b"1"))]), "one").await.expect("commits");
    let two = client.commit(&slug(), &one, &changes(&[("a", Some(b"2"))]), "two").await.expect("commits");
    let fix = branch("fix");
    let set =
        async |commit: &CommitId, expected: Option<&CommitId>| client.set_branch(&slug(), &fix, commit, expected).await;
    assert_eq!(set(&one, None).await.expect("made"), Done::Changed);
    assert_eq!(set(&one, None).await.expect("looked"), Done::Already);
    assert!(matches!(set(&two, None).await, Err(Error::Moved { found: Some(found), .. }) if found == one));
    assert!(matches!(set(&two, Some(&main)).await, Err(Error::Moved { .. })));
    assert_eq!(set(&two, Some(&one)).await.expect("moved"), Done::Changed);
    assert_eq!(set(&one, Some(&two)).await.expect("forced"), Done::Changed);

    // A person is quicker, between our look and our update.
    for (commit, expected) in [(&two, Some(&one)), (&one, None)] {
        let name = if expected.is_some() { "fix" } else { "new" };
        let line =
            if expected.is_some() { "PATCH /repos/acme/shop/git/refs" } else { "POST /repos/acme/shop/git/refs" };
        github.fail(line, Fault::PersonPushes("acme/shop", name));
        let refused = client.set_branch(&slug(), &branch(name), commit, expected).await;
        let person = github.branch("acme/shop", name);
        assert!(
            matches!(refused, Err(Error::Moved { found, .. }) if found.as_ref().map(CommitId::as_str) == person.as_deref())
        );
        assert_ne!(person.as_deref(), Some(commit.as_str()));
    }

    // And again where only a swap will do: to a commit that is no descendant, and to none.
    let here = commit(github.branch("acme/shop", "fix").expect("exists"));
    github.fail("POST /graphql", Fault::PersonPushes("acme/shop", "fix"));
    let refused = set(&one, Some(&here)).await;
    let person = commit(github.branch("acme/shop", "fix").expect("exists"));
    assert!(matches!(refused, Err(Error::Moved { found: Some(found), .. }) if found == person && found != here));
    github.fail("POST /graphql", Fault::PersonPushes("acme/shop", "fix"));
    let refused = client.delete_branch(&slug(), &fix, &person).await;
    assert!(matches!(refused, Err(Error::Moved { found: Some(found), .. }) if found != person));

    let here = commit(github.branch("acme/shop", "fix").expect("exists"));
    assert!(matches!(client.delete_branch(&slug(), &fix, &one).await, Err(Error::Moved { .. })));
    assert_eq!(client.delete_branch(&slug(), &fix, &here).await.expect("removed"), Done::Changed);
    assert_eq!(client.delete_branch(&slug(), &fix, &here).await.expect("looked"), Done::Already);
    assert_eq!(github.branch("acme/shop", "fix"), None);
}

#[tokio::test]
async fn a_lost_answer_is_found_again_and_nothing_is_done_twice() {
    for fault in [Fault::LoseAnswer, Fault::EffectThen(502)] {
        let github = GitHub::with(FILES);
        let client = github.as_app();
        let head = branch("fix");
        let main = commit(github.branch("acme/shop", "main").expect("exists"));
        let edit = changes(&[("env/values.yaml", Some(b"replicas: 5\n"))]);
        github.fail("POST /app/installations", fault.clone());
        for call in ["git/trees", "git/commits", "git/refs", "pulls", "issues/1/labels", "issues/1/comments"] {
            github.fail(&format!("POST /repos/acme/shop/{call}"), fault.clone());
        }
        github.fail("PATCH /repos/acme/shop/pulls/1", fault.clone());
        github.fail("PATCH /repos/acme/shop/issues/comments", fault.clone());
        github.fail("PATCH /repos/acme/shop/git/refs", fault.clone());
        github.fail("POST /graphql", fault.clone());

        let (made, done) = client.ensure_commit(&slug(), &head, None, &main, &edit, "Adopt").await.expect("commits");
        assert_eq!(done, Done::Changed);
        assert_eq!(github.branch("acme/shop", "fix"), Some(made.to_string()));
        let (opened, done) = client.open_pull_request(&slug(), &proposal(&head)).await.expect("adopts");
        assert_eq!((opened.number, done, github.pull_requests("acme/shop")), (1, Done::Changed, 1));
        let (_, done) = client.update_pull_request(&slug(), 1, Some("New"), None).await.expect("updates");
        assert_eq!(done, Done::Changed);
        for text in ["first", "second"] {
            assert_eq!(client.comment(&slug(), 1, "m", text).await.expect("comments"), Done::Changed);
        }
        let next = client.commit(&slug(), &made, &changes(&[("a", Some(b"1"))]), "next").await.expect("commits");
        assert_eq!(client.set_branch(&slug(), &head, &next, Some(&made)).await.expect("moves"), Done::Changed);
        github
            .pull_request("acme/shop", 1)
            .expect_open()
            .expect_title("New")
            .expect_body("Because.")
            .expect_labels(&["drift"]);
        assert_eq!(github.comments("acme/shop", 1), ["<!-- sourceward:m -->\nsecond"]);
        assert_eq!(client.delete_branch(&slug(), &head, &next).await.expect("removes"), Done::Changed);
        let count = |line: &str| github.calls().iter().filter(|call| call.starts_with(line)).count();
        for (line, expected) in [
            ("POST /repos/acme/shop/git/refs", 1),
            ("POST /repos/acme/shop/pulls", 1),
            ("POST /repos/acme/shop/issues/1/labels", 1),
            ("POST /repos/acme/shop/issues/1/comments", 1),
            ("PATCH /repos/acme/shop/pulls/1", 1),
            ("POST /graphql", 1),
        ] {
            assert_eq!(count(line), expected, "{line}");
        }
    }
}

#[tokio::test]
async fn a_failure_before_the_effect_is_repeated_after_a_look() {
    let github = GitHub::with(FILES);
    let client = github.as_robot();
    let made = ahead(&client, "fix").await;
    assert_eq!(github.branch("acme/shop", "fix"), Some(made.to_string()));
    github.forget_calls();
    github.fail("POST /repos/acme/shop/pulls", Fault::Status(502));
    github.fail("POST /repos/acme/shop/pulls", Fault::Status(503));
    client.open_pull_request(&slug(), &proposal(&branch("fix"))).await.expect("opens");
    let calls: Vec<String> = github.calls().iter().filter(|call| call.contains("/pulls")).cloned().collect();
    let methods: Vec<&str> = calls.iter().filter_map(|call| call.split(' ').next()).collect();
    assert_eq!(methods, ["GET", "POST", "GET", "POST", "GET", "POST", "GET"], "a look between any two tries");
    github.pull_request("acme/shop", 1).expect_open().expect_branches("fix", "main").expect_author("robot");

    for status in [500, 502, 504] {
        github.fail("GET /repos/acme/shop/git/ref", Fault::Status(status));
    }
    let error = client.branch_head(&slug(), &branch("main")).await.expect_err("given up");
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn an_existing_pull_request_is_adopted() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    let fix = branch("fix");
    let made = ahead(&client, "fix").await;
    assert_eq!(github.branch("acme/shop", "fix"), Some(made.to_string()));
    assert_eq!(client.find_pull_request(&slug(), &fix).await.expect("looks"), None);
    let (first, _) = client.open_pull_request(&slug(), &proposal(&fix)).await.expect("opens");
    let rival = github.as_robot();
    let (second, done) = rival.open_pull_request(&slug(), &proposal(&fix)).await.expect("adopts");
    assert_eq!((second.number, done), (first.number, Done::Already));

    // Two that look at the same time: the second is refused with 422, and adopts.
    github.person_closes("acme/shop", 1);
    let (slug, proposal) = (slug(), proposal(&fix));
    let both = tokio::join!(client.open_pull_request(&slug, &proposal), rival.open_pull_request(&slug, &proposal),);
    let numbers = (both.0.expect("opens").0.number, both.1.expect("adopts").0.number);
    assert_eq!(numbers, (2, 2));
    assert_eq!(github.pull_requests("acme/shop"), 2);
    assert_eq!(client.find_pull_request(&slug, &fix).await.expect("looks").map(|found| found.number), Some(2));
    github.pull_request("acme/shop", 1).expect_closed();
    github.pull_request("acme/shop", 2).expect_open();
    github.person_merges("acme/shop", 2);
    let found = client.find_pull_request(&slug, &fix).await.expect("looks").expect("exists");
    assert_eq!((found.number, found.state), (2, State::Merged));

    let refused = client.open_pull_request(&slug, &proposal).await.expect_err("no commits between");
    assert!(
        matches!(&refused, Error::Rejected { status: 422, why, .. } if why.contains("No commits between")),
        "{refused}"
    );
    assert!(!refused.is_transient());
}

#[tokio::test]
async fn a_pull_request_is_closed_once() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    assert_eq!(github.branch("acme/shop", "fix"), None);
    ahead(&client, "fix").await;
    github.branch("acme/shop", "fix").expect("made");
    let (opened, _) = client.open_pull_request(&slug(), &proposal(&branch("fix"))).await.expect("opens");
    assert_eq!(client.close_pull_request(&slug(), opened.number, None).await.expect("closes").1, Done::Changed);
    let (closed, done) = client.close_pull_request(&slug(), opened.number, None).await.expect("looks");
    assert_eq!((closed.state, done), (State::Closed, Done::Already));
    github.pull_request("acme/shop", 1).expect_closed();
}

#[tokio::test]
async fn a_persons_commit_is_told_from_ours() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    let ours = ahead(&client, "fix").await;
    client.open_pull_request(&slug(), &proposal(&branch("fix"))).await.expect("opens");
    let theirs = github.person_pushes("acme/shop", "fix", &[("env/values.yaml", "replicas: 7\n")]);
    let commits = client.commits_of_pull_request(&slug(), 1).await.expect("lists");
    let who: Vec<_> =
        commits.iter().map(|commit| (commit.id.as_str(), commit.author.login.as_deref(), commit.verified)).collect();
    assert_eq!(who, [(ours.as_str(), Some("sourceward[bot]"), true), (theirs.as_str(), Some("ann"), false)]);
    assert_eq!(github.branch("acme/shop", "fix"), Some(theirs));
    github.pull_request("acme/shop", 1).expect_open();
}

#[tokio::test]
async fn only_our_own_comment_is_rewritten() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    ahead(&client, "fix").await;
    github.branch("acme/shop", "fix").expect("made");
    client.open_pull_request(&slug(), &proposal(&branch("fix"))).await.expect("opens");
    github.person_comments("acme/shop", 1, "<!-- sourceward:m -->\nmallory's");
    for number in 0..120 {
        github.person_comments("acme/shop", 1, &format!("noise {number}"));
    }
    for text in ["first", "second", "second"] {
        client.comment(&slug(), 1, "m", text).await.expect("comments");
    }
    let ours: Vec<String> =
        github.comments("acme/shop", 1).into_iter().filter(|text| text.contains("second")).collect();
    assert_eq!(ours, ["<!-- sourceward:m -->\nsecond"]);
    assert_eq!(github.comments("acme/shop", 1).len(), 122);
    assert_eq!(github.mutations().iter().filter(|call| call.contains("comments")).count(), 2);
    github.pull_request("acme/shop", 1).expect_open();
}

#[tokio::test]
async fn pages_are_followed_on_the_same_host_only() {
    for prefix in ["", "/api/v3"] {
        let github = GitHub::at(prefix, FILES);
        let client = github.as_app();
        ahead(&client, "fix").await;
        github.branch("acme/shop", "fix").expect("made");
        client.open_pull_request(&slug(), &proposal(&branch("fix"))).await.expect("opens");
        github.pull_request("acme/shop", 1).expect_open();
        for number in 0..130 {
            github.person_pushes("acme/shop", "fix", &[("n", &number.to_string())]);
        }
        let commits = client.commits_of_pull_request(&slug(), 1).await.expect("lists");
        assert_eq!(commits.len(), 131, "with a credential on every page");
        let elsewhere = GitHub::with(FILES);
        let next = format!("<{}/repos/acme/shop/pulls/1/commits?page=2>; rel=\"next\"", elsewhere.address());
        github.fail("GET /repos/acme/shop/pulls/1/commits", Fault::Header("link", next));
        let error = client.commits_of_pull_request(&slug(), 1).await.expect_err("not followed");
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        assert!(elsewhere.calls().is_empty());
        let head = commit(github.branch("acme/shop", "fix").expect("exists"));
        client.delete_branch(&slug(), &branch("fix"), &head).await.expect("GraphQL is found beside the rest");
    }
}

#[tokio::test]
async fn limits_are_told_and_kept() {
    let soon = |seconds| SystemTime::now() + Duration::from_secs(seconds);
    let epoch = soon(900).duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let primary = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", epoch.to_string())];
    for (status, headers, why, seconds) in [
        (403, primary, "API rate limit exceeded", 900),
        (429, vec![("retry-after", "30".to_owned())], "slow down", 30),
        (403, vec![("retry-after", "120".to_owned())], "You have exceeded a secondary rate limit", 120),
        (403, vec![], "You have exceeded a secondary rate limit", 60),
        (422, vec![], "was submitted too quickly", 60),
        (429, vec![], "", 60),
    ] {
        let github = GitHub::with(FILES);
        github.add_repository("other/shop", FILES);
        let client = github.as_robot();
        github.fail("GET /repos/acme/shop", Fault::Refuse(status, headers, why));
        let error = client.repository(&slug()).await.expect_err("limited");
        assert!(error.is_transient());
        let Error::RateLimited { until } = error else { panic!("{error:?}") };
        let off = until.duration_since(soon(seconds)).unwrap_or_else(|early| early.duration());
        assert!(off < Duration::from_secs(3), "{status} {why}: {off:?}");
        let calls = github.calls().len();
        assert!(matches!(client.branch_head(&slug(), &branch("main")).await, Err(Error::RateLimited { .. })));
        assert_eq!(github.calls().len(), calls, "nothing more is sent");
        client.repository(&"other/shop".parse().expect("a repository")).await.expect("another owner is not limited");
    }
}

#[tokio::test]
async fn a_missing_permission_is_no_limit() {
    let github = GitHub::with(FILES);
    github.grant(&[("contents", "read"), ("pull_requests", "write")]);
    let error = github.as_app().repository(&slug()).await.expect_err("not granted");
    assert!(matches!(&error, Error::Rejected { status: 422, why, .. } if why.contains("not granted")), "{error}");
    let github = GitHub::with(FILES);
    github.fail("GET /repos/acme/shop", Fault::Refuse(403, vec![], "Resource not accessible by integration"));
    let error = github.as_app().login().await.map(str::to_owned);
    assert_eq!(error.expect("the App"), "sourceward[bot]");
    let client = github.as_robot();
    let error = client.repository(&slug()).await.expect_err("forbidden");
    assert!(matches!(error, Error::Denied { .. }) && !error.is_transient());
}

#[tokio::test]
async fn waiting_calls_share_one_token_of_least_scope() {
    let github = GitHub::with(FILES);
    github.add_repository("acme/other", FILES);
    github.mint_slowly(Duration::from_millis(200));
    let client = github.as_app();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.repository(&slug()).await.map(|found| found.id) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("ends").expect("found"), 1000);
    }
    assert_eq!(github.minted(), 1);
    let token = client.token(&slug()).await.expect("held");
    assert_eq!(github.minted(), 1);
    client.repository(&"acme/other".parse().expect("a repository")).await.expect("found");
    assert_eq!(github.minted(), 2, "another repository has a token of its own");
    let narrow = github.client(&Credential::Token(token));
    assert!(narrow.repository(&slug()).await.is_ok());
    let outside = narrow.repository(&"acme/other".parse().expect("a repository")).await;
    assert!(matches!(outside, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_revoked_token_is_minted_anew_once() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    ahead(&client, "fix").await;
    github.branch("acme/shop", "fix").expect("made");
    github.expire_tokens();
    client.open_pull_request(&slug(), &proposal(&branch("fix"))).await.expect("opens with a new token");
    github.pull_request("acme/shop", 1).expect_open();
    assert_eq!(github.minted(), 2);
    github.fail("GET /repos/acme/shop", Fault::Status(401));
    github.fail("GET /repos/acme/shop", Fault::Status(401));
    let error = client.repository(&slug()).await.expect_err("refused");
    assert!(matches!(error, Error::Denied { status: 401, .. }), "{error}");
    assert_eq!(github.minted(), 3);
    let wrong = github.client(&Credential::Token(Secret::new("ghp_wrong0123456789")));
    let error = wrong.repository(&slug()).await.expect_err("refused");
    assert!(matches!(error, Error::Denied { .. }) && !format!("{error} {error:?}").contains("wrong0123"), "{error}");
}

#[tokio::test]
async fn no_error_shows_a_credential() {
    let github = GitHub::with(FILES);
    let client = github.as_robot();
    let mut said = format!("{client:?} {:?}", Credential::Token(Secret::new(TOKEN)));
    for fault in [
        Fault::Refuse(400, vec![], "you sent ghp_robot0123456789"),
        Fault::Refuse(403, vec![], "Bearer ghp_robot0123456789\nmay not"),
        Fault::LoseAnswer,
        Fault::Huge,
    ] {
        let times = if matches!(fault, Fault::LoseAnswer) { 3 } else { 1 };
        for _ in 0..times {
            github.fail("GET /repos/acme/shop", fault.clone());
        }
        let error = client.repository(&slug()).await.expect_err("ordered");
        said.push_str(&format!("{error}\n{error:?}\n"));
        assert!(!error.to_string().contains('\n'));
    }
    assert!(said.contains("more than 16777216 bytes"), "{said}");
    assert!(!said.contains("robot0123"), "{said}");
    let bad = Credential::App { id: APP, key: Secret::new("-----BEGIN s3cret") };
    let error = forge::GitHub::new(&github.address(), &bad, Limits::default()).expect_err("no key");
    assert!(!format!("{error} {error:?} {bad:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_slow_answer_is_given_up() {
    let github = GitHub::with(FILES);
    let limits = Limits {
        connect: Duration::from_secs(2),
        answer: Duration::from_millis(500),
        pause: Duration::from_millis(1),
        ..Limits::default()
    };
    let client = github.client_with(&Credential::Token(Secret::new(TOKEN)), limits);
    for _ in 0..3 {
        github.fail("GET /repos/acme/shop", Fault::Slow(Duration::from_secs(3)));
    }
    let error = client.repository(&slug()).await.expect_err("gives up");
    assert!(error.is_transient() && error.to_string().contains("no answer in time"), "{error}");
    assert_eq!(github.calls().len(), 3);
}

#[tokio::test]
async fn git_and_the_api_see_the_same_repository() {
    let github = GitHub::with(FILES);
    let client = github.as_app();
    let made = ahead(&client, "fix").await;
    let token = client.token(&slug()).await.expect("minted");
    let remote = github.remote();
    let place = tempfile::tempdir().expect("a folder");
    let address = remote.url("acme/shop.git").parse().expect("an address");
    let (fetched, read) = tokio::task::spawn_blocking(move || {
        let mirror = Mirror::open(&place.path().join("mirror"), address, Duration::from_secs(20)).expect("opens");
        let fetched = mirror.fetch(&[branch("fix")], Some(&token)).expect("fetches");
        let tree = mirror.tree(&fetched.branches[&branch("fix")]).expect("lists");
        (fetched, sourceward::source::tree::SourceTree::read(&tree, &path("env/values.yaml")).expect("reads"))
    })
    .await
    .expect("ends");
    assert_eq!(fetched.branches[&branch("fix")], made);
    assert_eq!(*read, *b"replicas: 5\n");
    assert_eq!(github.branch("acme/shop", "fix"), Some(made.to_string()));
}

/// The worker runs these in tasks of a thread pool.
#[test]
fn every_operation_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(_: T) {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let github = GitHub::with(FILES);
    let client = github.as_robot();
    let (slug, head, id) = (slug(), branch("x"), commit("0".repeat(40)));
    let edit = changes(&[]);
    sendable(client.ensure_commit(&slug, &head, None, &id, &edit, "m"));
    sendable(client.set_branch(&slug, &head, &id, None));
    sendable(client.delete_branch(&slug, &head, &id));
    sendable(client.open_pull_request(&slug, &proposal(&head)));
    sendable(client.find_pull_request(&slug, &head));
    sendable(client.update_pull_request(&slug, 1, None, None));
    sendable(client.close_pull_request(&slug, 1, None));
    sendable(client.comment(&slug, 1, "m", "t"));
    sendable(client.commits_of_pull_request(&slug, 1));
    sendable(client.token(&slug));
}

#[tokio::test]
#[should_panic(expected = "nobody looked at branch fix of acme/shop")]
async fn the_fake_complains_of_what_nobody_looked_at() {
    let github = GitHub::with(FILES);
    ahead(&github.as_app(), "fix").await;
}

#[tokio::test]
#[should_panic(expected = "this fault never happened")]
async fn the_fake_complains_of_a_fault_that_never_happened() {
    let github = GitHub::with(FILES);
    github.fail("POST /repos/acme/shop/pulls", Fault::LoseAnswer);
}
