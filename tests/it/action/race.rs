//! Two runs at once that know nothing of each other, as a schedule and a push start them.

use std::{fs, thread};

use super::{PROPOSED, Runner, SHOP, TERRAFORM, over_github, plan};
use crate::{git::git, github::Fault};

#[test]
fn two_runs_at_once_make_one_pull_request_and_overwrite_nothing() {
    const OPEN: &str = "POST /repos/acme/shop/pulls";
    const BRANCH: &str = "POST /repos/acme/shop/git/refs";
    for (sign, held_up) in [("true", BRANCH), ("true", OPEN), ("false", OPEN), ("false", "GET /repos/acme/shop/pulls")]
    {
        let (one, github, _remote) = over_github("ops");
        let mut other = Runner::with(&[("network/main.tf", TERRAFORM)]);
        (other.server, other.api) = (one.server.clone(), one.api.clone());
        fs::write(other.file("temp").join("plan.json"), plan("ops")).expect("writes");
        // Whoever comes first is held up where it matters, so that the other overtakes it.
        github.fail(held_up, Fault::Slow(std::time::Duration::from_secs(2)));
        let inputs = [PROPOSED, &[("sign-commits", sign)]].concat();
        let runs = thread::scope(|scope| {
            let runs = [&one, &other].map(|runner| scope.spawn(|| runner.run(&inputs)));
            runs.map(|run| run.join().expect("no panic"))
        });
        for run in &runs {
            assert!(run.success, "{}", run.log);
            assert_eq!(run.outputs["pull-request-number"], "1", "{}", run.log);
        }
        assert_eq!(github.pull_requests(SHOP), 1, "{sign} {held_up}");
        github.pull_request(SHOP, 1).expect_open().expect_in_body(&["`shop` in the source, `ops` live"]);
        let branch = &runs[0].outputs["pull-request-branch"];
        assert_eq!(&runs[1].outputs["pull-request-branch"], branch);
        let head = github.branch(SHOP, branch).expect("a branch");
        assert!(runs.iter().any(|run| run.outputs["pull-request-head-sha"] == head));
        let folder = github.folder(SHOP);
        assert_eq!(git(&folder, &["rev-list", "--count", &format!("main..{branch}")]), "1");
        assert_eq!(github.comments(SHOP, 1), [""; 0]);
        // And a third finds nothing to do.
        github.forget_calls();
        assert!(one.run(&inputs).success);
        assert_eq!(github.mutations(), [""; 0]);
    }
}

#[test]
fn a_persons_branch_of_that_name_is_not_overwritten_by_either() {
    let (runner, github, _remote) = over_github("ops");
    let run = runner.run(PROPOSED);
    let branch = run.outputs["pull-request-branch"].clone();
    github.pull_request(SHOP, 1).expect_open();
    let theirs = github.person_pushes(SHOP, &branch, &[("network/main.tf", "# mine\n")]);
    fs::write(runner.file("temp").join("plan.json"), plan("data")).expect("writes");
    let run = runner.run(PROPOSED);
    assert!(run.success, "{}", run.log);
    assert_eq!(github.branch(SHOP, &branch), Some(theirs));
    assert!(github.comments(SHOP, 1)[0].contains("it is yours from now on"));
    assert_eq!(run.outputs["pull-request-operation"], "none");
}
