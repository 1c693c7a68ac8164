//! The store: what it promises about deliveries, cases, claims and failures.

mod model;

use std::{path::Path, sync::Arc};

use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sourceward::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        repository::RepoSlug,
    },
    shell::store::{
        Options, QUEUE, Store, StoreError,
        accept::{Acceptance, Arrival, Delivery, RECHECK, REJECTIONS, Rejection, Status},
        beside,
        case::{Case, CaseId, Decided, Decision, Proposal, PullRequest, Standing, State},
        lease::{Claim, Conclusion, LOOK_AGAIN, Next, Outcome, TRIES, Transition},
        read::{Filter, Reader},
        request::{About, Effect},
    },
};

const LEASE: i64 = 60_000;
const HOUR: i64 = 3_600_000;

struct Bench {
    folder: tempfile::TempDir,
    store: Option<Store>,
    reader: Reader,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Options::default(), 0).expect("opens");
        let reader = store.reader().expect("reads");
        Self { folder, store: Some(store), reader }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    fn reopen(&mut self, now: i64) {
        self.store = None;
        self.store = Some(Store::open(self.folder.path(), Options::default(), now).expect("opens again"));
    }

    /// Delivers findings and tells the statuses.
    fn deliver(&self, id: &str, findings: &[Value], now: i64) -> Vec<(Option<i64>, Status)> {
        match self.store().accept(delivery(id, "body", now), arrivals(findings)).wait().expect("accepted") {
            Acceptance::Accepted(all) => all.iter().map(|one| (one.id.map(|id| id.0), one.status)).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn claim(&self, now: i64) -> Claim {
        match self.store().claim_repository("w", LEASE, now).wait().expect("asks") {
            Next::Claim(claim) => *claim,
            idle => panic!("{idle:?}"),
        }
    }

    fn idle(&self, now: i64) -> Option<i64> {
        match self.store().claim_repository("w", LEASE, now).wait().expect("asks") {
            Next::Idle { due_at } => due_at,
            Next::Claim(claim) => panic!("{claim:?}"),
        }
    }

    fn finish(&self, claim: &Claim, outcome: Outcome, now: i64) -> Result<(), StoreError> {
        let all: Vec<Transition> =
            claim.cases.iter().map(|case| Transition { case: case.id, outcome: outcome.clone() }).collect();
        self.store().finish(claim, all, now).wait()
    }

    fn case(&self, id: i64) -> Case {
        self.reader.show(CaseId(id)).expect("reads").expect("the case is there")
    }

    /// A connection of somebody else, to plant faults.
    fn saboteur(&self) -> Connection {
        Connection::open(self.folder.path().join("findings.db")).expect("opens")
    }
}

fn delivery(id: &str, body: &str, now: i64) -> Delivery {
    Delivery { sender: "test".to_owned(), id: id.to_owned(), digest: Sha256::digest(body).into(), received_at: now }
}

fn arrivals(findings: &[Value]) -> Vec<Arrival> {
    let one = |value: &Value| {
        let finding: Finding = serde_json::from_value(value.clone()).expect("a finding");
        let route = match &finding.hints.repository {
            Some(slug) if slug == "nobody" => Err(Refusal::new(Code::RepositoryUnknown, "which?", "say")),
            Some(slug) => Ok(slug.parse().expect("a slug")),
            None => Ok(slug("acme/shop")),
        };
        Arrival::new(finding, route, |finding| finding)
    };
    findings.iter().map(one).collect()
}

fn slug(text: &str) -> RepoSlug {
    text.parse().expect("a slug")
}

/// `cart` runs with this many replicas.
fn drift(name: &str, replicas: u32) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "patch": [{"op": "replace", "path": "/spec/replicas", "value": replicas}],
    })
}

fn with(mut finding: Value, member: &str, value: Value) -> Value {
    finding[member] = value;
    finding
}

fn over(finding: Value) -> Value {
    with(finding, "state", json!("resolved"))
}

fn in_repository(finding: Value, slug: &str) -> Value {
    with(finding, "hints", json!({"repository": slug}))
}

fn pull_request(number: u64) -> PullRequest {
    PullRequest { number, url: format!("https://github.test/acme/shop/pull/{number}") }
}

fn retry() -> Outcome {
    Outcome::Retry("no answer".to_owned())
}

#[test]
fn a_delivery_id_is_taken_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.deliver("d1", &[drift("cart", 5)], 1), [(Some(1), Status::New)]);
    for _ in 0..2 {
        let again = |body| bench.store().accept(delivery("d1", body, 2), arrivals(&[drift("cart", 9)])).wait();
        assert_eq!(again("body"), Ok(Acceptance::Duplicate));
        assert_eq!(again("another body"), Ok(Acceptance::Conflict));
        assert_eq!(bench.case(1).reports, 1, "neither repeats anything");
        bench.reopen(3);
    }
    let other = Delivery { sender: "other".to_owned(), ..delivery("d1", "body", 4) };
    let taken = bench.store().accept(other, arrivals(&[drift("cart", 5)])).wait();
    assert!(matches!(taken, Ok(Acceptance::Accepted(_))), "ids are the sender's own: {taken:?}");
    assert_eq!(bench.store().gc(10, 6 * 24 * HOUR).wait(), Ok(0));
    assert_eq!(bench.store().gc(1, 8 * 24 * HOUR).wait(), Ok(1), "bounded");
    assert_eq!(bench.store().gc(10, 8 * 24 * HOUR).wait(), Ok(1));
    assert_eq!(bench.deliver("d1", &[drift("cart", 5)], 9 * 24 * HOUR), [(Some(1), Status::Repeat)]);
}

#[test]
fn a_number_is_never_given_twice() {
    let mut bench = Bench::new();
    for (number, day) in [(1, 0), (2, 100), (3, 200)] {
        let now = day * 24 * HOUR;
        bench.reopen(now);
        let id = format!("d{number}");
        assert_eq!(bench.deliver(&id, &[drift("cart", 5)], now), [(Some(number), Status::New)], "after {day} days");
        assert_eq!(bench.deliver(&format!("{id}-over"), &[over(drift("cart", 5))], now + 1).len(), 1);
        // The newest stays, however old.
        let forgotten = bench.store().gc(10, now + 99 * 24 * HOUR).wait().expect("forgets");
        assert_eq!(bench.case(number).state, State::Resolved, "{forgotten}");
    }
    assert_eq!(bench.reader.show(CaseId(1)), Ok(None), "the others are forgotten");
}

#[test]
fn findings_find_their_open_case() {
    let violation = json!({
        "intent": "violation", "rule": {"id": "CKV_1"},
        "resource": {"terraform": {"address": "aws_s3_bucket.logs"}},
    });
    let live = |version: u32, image: &str| {
        with(
            with(drift("live", 0), "patch", Value::Null),
            "live",
            json!({"metadata": {"resourceVersion": version.to_string()}, "status": {"n": version}, "image": image}),
        )
    };
    use Status::{New, NotOpen, Repeat, Resolved, Revised};
    type Expected = (Option<i64>, Status);
    let steps: Vec<(&str, Value, Expected)> = vec![
        ("the first report", drift("cart", 5), (Some(1), New)),
        ("the same again", drift("cart", 5), (Some(1), Repeat)),
        ("only prose and times differ", with(drift("cart", 5), "time", json!("2026-01-01")), (Some(1), Repeat)),
        ("another value", drift("cart", 6), (Some(1), Revised)),
        ("another resource", drift("web", 6), (Some(2), New)),
        ("the same in another repository", in_repository(drift("cart", 6), "acme/infra"), (Some(3), New)),
        ("a violation", violation.clone(), (Some(4), New)),
        ("its end", over(violation.clone()), (Some(4), Resolved)),
        ("its end, again", over(violation.clone()), (None, NotOpen)),
        ("it is back", violation, (Some(5), New)),
        ("a whole live object", live(1, "a"), (Some(6), New)),
        ("only what the API server counts differs", live(2, "a"), (Some(6), Repeat)),
        ("the object differs", live(3, "b"), (Some(6), Revised)),
        ("nobody's", in_repository(drift("lost", 1), "nobody"), (Some(7), New)),
    ];
    let bench = Bench::new();
    for (number, (what, finding, expected)) in steps.into_iter().enumerate() {
        assert_eq!(bench.deliver(&format!("d{number}"), &[finding], number as i64), [expected], "{what}");
    }
    let cart = bench.case(1);
    assert_eq!((cart.revision, cart.reports, cart.created_at, cart.updated_at), (2, 4, 0, 3));
    assert_eq!(serde_json::to_value(&cart.finding.patch).expect("JSON")[0]["value"], 6);
    let lost = bench.case(7);
    assert_eq!((lost.state, lost.repository), (State::Refused, None));
    assert_eq!(lost.reason.expect("a reason")["code"], "repository-unknown");
    assert_eq!(bench.store().retry(CaseId(7), 99).wait(), Err(StoreError::Unrouted(CaseId(7))));
}

#[test]
fn the_end_of_a_trouble_reaches_the_cases_of_all_its_fields() {
    let bench = Bench::new();
    let image = with(drift("cart", 0), "patch", json!([{"op": "replace", "path": "/spec/image", "value": "x"}]));
    bench.deliver("d1", &[drift("cart", 5), image.clone(), drift("web", 5)], 1);
    let claim = bench.claim(2);
    bench.finish(&claim, Outcome::Proposed(pull_request(7)), 3).expect("finishes");
    bench.deliver("d2", &[drift("db", 1)], 4);

    let all_well = |name: &str| over(with(drift(name, 0), "patch", Value::Null));
    assert_eq!(
        bench.deliver("d3", &[all_well("cart")], 5),
        [(Some(1), Status::Resolving), (Some(2), Status::Resolving)],
        "what was begun has to be ended"
    );
    assert_eq!(bench.deliver("d4", &[over(drift("web", 5))], 6), [(Some(3), Status::Resolving)]);
    assert_eq!(bench.deliver("d5", &[all_well("cart")], 7)[0], (Some(1), Status::Repeat));
    assert_eq!(bench.deliver("d6", &[all_well("db")], 8), [(Some(4), Status::Resolved)]);
    let claim = bench.claim(9);
    let seen: Vec<(i64, bool, Option<u64>)> = claim
        .cases
        .iter()
        .map(|case| {
            let over = case.finding.state == sourceward::model::finding::State::Resolved;
            (case.id.0, over, case.pull_request.as_ref().map(|one| one.number))
        })
        .collect();
    assert_eq!(seen, [(1, true, Some(7)), (2, true, Some(7)), (3, true, Some(7))]);
    bench.finish(&claim, Outcome::Resolved("closed #7".to_owned()), 10).expect("finishes");
    assert_eq!(bench.case(1).state, State::Resolved);
    assert_eq!(bench.deliver("d7", &[drift("cart", 5)], 11), [(Some(5), Status::New)], "later it is another case");
}

#[test]
fn a_repository_has_one_holder_and_stale_tokens_write_nothing() {
    let bench = Bench::new();
    bench.deliver("d1", &[drift("a", 1), in_repository(drift("b", 1), "acme/infra"), drift("c", 1)], 1);
    let shop = bench.claim(2);
    assert_eq!(shop.repository, slug("acme/shop"));
    assert_eq!(shop.cases.iter().map(|case| case.id.0).collect::<Vec<_>>(), [1, 3]);
    assert!(shop.cases.iter().all(|case| case.state == State::Working && case.attempts == 1));
    let infra = bench.claim(2);
    assert_eq!(infra.repository, slug("acme/infra"));
    assert_eq!(bench.idle(3), Some(2 + LEASE), "everything is taken");

    assert_eq!(bench.store().heartbeat(&shop, LEASE, 50_000).wait(), Ok(()));
    assert_eq!(bench.store().heartbeat(&infra, LEASE, 50_000).wait(), Ok(()));
    assert_eq!(bench.idle(50_000 + LEASE - 1), Some(50_000 + LEASE), "both were extended");
    let expired = 50_000 + LEASE;
    assert!(bench.idle(expired).is_some_and(|due| due >= expired), "its cases wait after a failed try");
    let fenced = Err(StoreError::Fenced("acme/shop".to_owned()));
    assert_eq!(bench.store().heartbeat(&shop, LEASE, expired).wait(), fenced);
    assert_eq!(bench.finish(&shop, retry(), expired), fenced);
    assert_eq!(bench.store().release(&shop, expired).wait(), fenced);

    let later = expired + HOUR;
    let claims = [bench.claim(later), bench.claim(later)];
    let again = claims.iter().find(|claim| claim.repository == shop.repository).expect("both are due");
    assert!(again.token > shop.token);
    assert_eq!(again.cases.len(), 1, "what may have hung its worker is tried alone");
    assert_eq!(bench.finish(&shop, Outcome::Resolved("stale".to_owned()), later), fenced, "the old token again");
    let foreign = vec![Transition { case: CaseId(2), outcome: retry() }];
    assert_eq!(bench.store().finish(again, foreign, later).wait(), Err(StoreError::NotClaimed(CaseId(2))));
    let case = again.cases[0].id.0;
    assert_eq!(bench.case(case).state, State::Working, "nothing was written");
    assert_eq!(bench.finish(again, Outcome::Proposed(pull_request(1)), later), Ok(()));
    assert_eq!(bench.finish(again, Outcome::Proposed(pull_request(2)), later), fenced, "a claim ends once");
    assert_eq!(bench.case(case).pull_request, Some(pull_request(1)));
}

#[test]
fn outcomes_and_what_follows_them() {
    let refusal = Refusal::new(Code::SharedSource, "shared", "split it").at("values.yaml", Some(3));
    let cases: Vec<(Outcome, State, i64, Option<Value>)> = vec![
        (Outcome::Proposed(pull_request(4)), State::Proposed, 0, None),
        (Outcome::Refused(refusal.clone()), State::Refused, 0, Some(json!(refusal))),
        (Outcome::Resolved("in sync".to_owned()), State::Resolved, 0, Some(json!("in sync"))),
        (retry(), State::Waiting, 1, Some(json!("no answer"))),
        (Outcome::Crashed("boom".to_owned()), State::Waiting, 1, Some(json!("boom"))),
        (Outcome::Dead("no".to_owned()), State::Dead, 1, Some(json!("no"))),
        (Outcome::Later { at: 500, reason: "limit".to_owned() }, State::Waiting, 0, Some(json!("limit"))),
    ];
    for (outcome, state, attempts, reason) in cases {
        let bench = Bench::new();
        bench.deliver("d1", &[drift("cart", 1)], 100);
        bench.finish(&bench.claim(100), outcome.clone(), 100).expect("finishes");
        let case = bench.case(1);
        assert_eq!((case.state, case.attempts, case.reason), (state, attempts, reason), "{outcome:?}");
        if let Outcome::Later { at, .. } = outcome {
            assert_eq!(case.due_at, Some(at));
        }

        // The same work, but another revision arrives in the middle.
        let bench = Bench::new();
        bench.deliver("d1", &[drift("cart", 1)], 100);
        let claim = bench.claim(100);
        assert_eq!(bench.deliver("d2", &[drift("cart", 2)], 100), [(Some(1), Status::Revised)]);
        assert_eq!(bench.case(1).state, State::Working);
        bench.finish(&claim, outcome.clone(), 100).expect("finishes");
        let next = bench.claim(100 + HOUR);
        assert_eq!(next.cases[0].revision, 2, "the new revision is not lost after {outcome:?}");
        let kept = matches!(outcome, Outcome::Proposed(_));
        assert_eq!(next.cases[0].pull_request.is_some(), kept, "{outcome:?}");
    }
}

#[test]
fn failures_back_off_and_end_in_a_dead_letter_that_a_person_can_revive() {
    let bench = Bench::new();
    bench.deliver("d1", &[drift("cart", 1)], 0);
    let mut now = 0;
    for tries in 1..=TRIES {
        let claim = bench.claim(now);
        assert_eq!(claim.cases[0].attempts, tries);
        bench.finish(&claim, retry(), now).expect("finishes");
        let case = bench.case(1);
        if tries < TRIES {
            assert_eq!(case.state, State::Waiting);
            let due = case.due_at.expect("waits");
            assert!((0..=(2_000 << (tries - 1)).min(900_000)).contains(&(due - now)), "{tries}: {}", due - now);
            assert_eq!(bench.idle(due - 1), Some(due), "not before");
            now = due;
        } else {
            assert_eq!(case.state, State::Dead);
            assert_eq!(case.reason, Some(json!("given up after 12 tries: no answer")));
        }
    }
    assert_eq!(bench.idle(now + HOUR), None, "a dead letter blocks nothing");
    assert_eq!(bench.deliver("d2", &[drift("cart", 1)], now), [(Some(1), Status::Repeat)]);
    assert_eq!(bench.deliver("d3", &[drift("cart", 1)], now + RECHECK), [(Some(1), Status::Reopened)]);
    bench.finish(&bench.claim(now + RECHECK), Outcome::Dead("still".to_owned()), now + RECHECK).expect("finishes");
    assert_eq!(bench.store().retry(CaseId(1), now).wait(), Ok(()));
    let claim = bench.claim(now);
    assert_eq!(claim.cases[0].attempts, 1);
    let working = StoreError::NotRetriable(CaseId(1), State::Working);
    assert_eq!(bench.store().retry(CaseId(1), now).wait(), Err(working));
    assert_eq!(bench.store().retry(CaseId(9), now).wait(), Err(StoreError::NoSuchCase(CaseId(9))));
}

#[test]
fn a_rate_limit_is_no_attempt_and_flapping_values_do_not_get_around_a_pause() {
    let bench = Bench::new();
    bench.deliver("d0", &[drift("cart", 1)], 0);
    for turn in 0..30 {
        let claim = bench.claim(turn * 10);
        bench
            .finish(&claim, Outcome::Later { at: turn * 10 + 10, reason: "limit".to_owned() }, turn * 10)
            .expect("finishes");
        bench.deliver(&format!("r{turn}"), &[drift("cart", 2 + turn as u32)], turn * 10 + 1);
        assert_eq!(bench.idle(turn * 10 + 9), Some(turn * 10 + 10));
    }
    assert_eq!(bench.case(1).attempts, 0);
}

#[test]
fn a_case_that_ends_the_process_is_given_up_and_harms_no_other() {
    let mut bench = Bench::new();
    let findings: Vec<Value> = ["a", "poison", "c"].iter().map(|name| drift(name, 1)).collect();
    bench.deliver("d1", &findings, 0);
    let (mut now, mut deaths) = (0, 0);
    loop {
        match bench.store().claim_repository("w", LEASE, now).wait().expect("asks") {
            Next::Idle { due_at: Some(due) } => now = due,
            Next::Idle { due_at: None } => break,
            Next::Claim(claim) => {
                if claim.cases.iter().any(|case| case.id == CaseId(2)) {
                    deaths += 1;
                    bench.reopen(now);
                } else {
                    assert_eq!(claim.cases.len(), 1);
                    bench.finish(&claim, Outcome::Proposed(pull_request(1)), now).expect("finishes");
                }
            }
        }
        assert!(deaths <= TRIES, "the loop ends");
    }
    assert_eq!(deaths, TRIES);
    let poison = bench.case(2);
    assert_eq!(poison.state, State::Dead);
    let reason = poison.reason.expect("a reason");
    assert_eq!(reason, "given up after 12 tries: the process ended while it was worked on");
    assert_eq!([bench.case(1).state, bench.case(3).state], [State::Proposed; 2]);
}

#[test]
fn releasing_gives_everything_back_at_once() {
    let mut bench = Bench::new();
    bench.deliver("d1", &[drift("cart", 1)], 0);
    for turn in 0..20 {
        let claim = bench.claim(turn);
        assert_eq!(claim.cases[0].attempts, 1);
        bench.store().release(&claim, turn).wait().expect("releases");
    }
    bench.claim(30);
    bench.reopen(31);
    let case = bench.case(1);
    assert_eq!((case.state, case.attempts), (State::Waiting, 1), "the lease of the last process is void");
}

#[test]
fn only_one_process_has_the_folder_and_others_can_read_and_retry() {
    let bench = Bench::new();
    bench.deliver("d1", &[drift("cart", 1), drift("web", 1)], 0);
    let second = Store::open(bench.folder.path(), Options::default(), 0).err();
    assert_eq!(second, Some(StoreError::Locked(bench.folder.path().to_owned())));

    let reader = Reader::open(bench.folder.path()).expect("reads beside the writer");
    let list = |state, before, limit| {
        let cases = reader.list(Filter { state, before, limit }).expect("lists");
        cases.iter().map(|case| case.id.0).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 10), [2, 1]);
    assert_eq!(list(None, None, 1), [2]);
    assert_eq!(list(None, Some(CaseId(2)), 10), [1]);
    assert_eq!(list(Some(State::Dead), None, 10), [0; 0]);
    bench.finish(&bench.claim(1), Outcome::Dead("no".to_owned()), 1).expect("finishes");
    let counts = reader.counts().expect("counts");
    assert_eq!((counts.cases[&State::Dead], counts.cases[&State::Ready], counts.oldest_due), (2, 0, None));
    beside::retry(bench.folder.path(), CaseId(1), 5).expect("retries beside the server");
    assert_eq!(bench.claim(5).cases[0].id, CaseId(1));

    let empty = tempfile::tempdir().expect("a folder");
    let absent = StoreError::Absent(empty.path().to_owned());
    assert_eq!(Reader::open(empty.path()).err(), Some(absent.clone()));
    assert_eq!(beside::retry(empty.path(), CaseId(1), 0), Err(absent));
}

#[test]
fn nobody_but_the_owner_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let mode = std::fs::metadata(bench.folder.path()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_is_stored_is_what_the_redactor_left() {
    let bench = Bench::new();
    let finding: Finding = serde_json::from_value(drift("hunter2", 1)).expect("a finding");
    let arrival = Arrival::new(finding, Ok(slug("acme/shop")), |finding| Finding { patch: None, ..finding });
    let received = arrival.fingerprint().clone();
    let taken = bench.store().accept(delivery("d1", "b", 0), vec![arrival]).wait();
    assert!(matches!(taken, Ok(Acceptance::Accepted(_))));
    let case = bench.case(1);
    assert_eq!(case.finding.patch, None);
    assert_eq!(case.fingerprint, received, "the identity is that of the finding as received");
}

#[test]
fn rejections_are_kept_within_bounds() {
    let bench = Bench::new();
    let mut last = None;
    for number in 0..REJECTIONS + 5 {
        last = Some(bench.store().reject(Rejection {
            sender: "test".to_owned(),
            delivery: format!("d{number}"),
            received_at: number,
            size: 3,
            reason: "/items: expected a list".to_owned(),
        }));
    }
    last.expect("some").wait().expect("written");
    let kept = Reader::open(bench.folder.path()).expect("reads").rejections(usize::MAX).expect("reads");
    assert_eq!(kept.len() as i64, REJECTIONS);
    assert_eq!(kept[0].delivery, format!("d{}", REJECTIONS + 4));
}

/// How many submitters wait at once is for the machine to say: where other tests take the processors, a group is smaller.
/// So the best of a few rounds is held to the promise.
#[test]
fn many_submitters_share_a_flush() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let each = 40;
    let mut rounds = Vec::new();
    for round in 0..10 {
        let before = bench.store().progress();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..64)
                .map(|task| {
                    let store = bench.store().clone();
                    tokio::spawn(async move {
                        for number in 0..each {
                            let id = format!("{round}-{task}-{number}");
                            let finding = arrivals(&[drift(&format!("app-{id}"), 1)]);
                            store.accept(delivery(&id, "b", 1), finding).answer().await.expect("accepted");
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("ran");
            }
        });
        let after = bench.store().progress();
        let (commits, findings) = (after.commits - before.commits, 64 * each);
        assert_eq!(after.operations - before.operations, findings);
        assert_eq!(after.queued, 0);
        rounds.push(commits);
        if commits * 5 <= findings {
            break;
        }
    }
    let counts = bench.store().reader().expect("reads").counts().expect("counts");
    assert_eq!(counts.cases[&State::Ready], 64 * each as i64 * rounds.len() as i64);
    let best = rounds.iter().min().expect("a round");
    assert!(best * 5 <= 64 * each, "flushes for {} findings, round by round: {rounds:?}", 64 * each);
}

#[test]
fn what_is_announced_and_never_comes_holds_nobody_up() {
    let bench = Bench::new();
    let announced: Vec<_> = (0..100).map(|_| bench.store().expect()).collect();
    for number in 0..5 {
        let finding = arrivals(&[drift(&format!("app-{number}"), 1)]);
        let taken = bench.store().accept(delivery(&number.to_string(), "b", 1), finding).wait();
        assert!(matches!(taken, Ok(Acceptance::Accepted(cases)) if cases.len() == 1));
    }
    drop(announced);
    assert_eq!(bench.store().progress().operations, 5);
}

#[test]
fn a_full_queue_says_so_and_takes_nothing() {
    let bench = Bench::new();
    let blocker = bench.saboteur();
    blocker.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let mut pending = Vec::new();
    let refused = loop {
        let one = bench.store().accept(delivery(&pending.len().to_string(), "b", 1), Vec::new());
        assert!(pending.len() <= QUEUE + 1024, "the queue is bounded");
        if bench.store().progress().queued >= QUEUE {
            break bench.store().accept(delivery("one too many", "b", 1), Vec::new());
        }
        pending.push(one);
    };
    assert_eq!(refused.wait(), Err(StoreError::Busy));
    blocker.execute_batch("COMMIT").expect("unlocks");
    for one in pending {
        assert_eq!(one.wait(), Ok(Acceptance::Accepted(Vec::new())));
    }
}

/// A fault, the error that a submitter is given, and whether the store goes on when the fault is gone.
#[test]
fn a_fault_acknowledges_nothing() {
    let bad = |sql: &str| {
        format!("CREATE TRIGGER fault BEFORE INSERT ON finding_case WHEN NEW.sender = 'bad' BEGIN {sql}; END;")
    };
    let faults: Vec<(&str, String, bool)> = vec![
        ("a statement fails", bad("SELECT RAISE(ABORT, 'planted')"), true),
        ("a statement ends the transaction", bad("SELECT RAISE(ROLLBACK, 'planted')"), true),
        (
            "the commit fails",
            format!(
                "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
                 CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED); {}",
                bad("INSERT INTO child VALUES (1)")
            ),
            false,
        ),
    ];
    for (what, sql, survives) in faults {
        let mut bench = Bench::new();
        let saboteur = bench.saboteur();
        saboteur.execute_batch(&sql).expect("plants");
        // Hold the writer, so that good and bad are one group.
        saboteur.execute_batch("BEGIN IMMEDIATE").expect("locks");
        let submit = |sender: &str, id: &str| {
            let delivery = Delivery { sender: sender.to_owned(), ..delivery(id, "b", 1) };
            bench.store().accept(delivery, arrivals(&[drift(id, 1)]))
        };
        let first = submit("good", "first");
        while bench.store().progress().queued > 0 {
            std::thread::yield_now();
        }
        let mut group: Vec<_> = (0..20).map(|n| ("good", submit("good", &format!("g{n}")))).collect();
        group.insert(10, ("bad", submit("bad", "b")));
        saboteur.execute_batch("COMMIT").expect("unlocks");
        let mut acknowledged = usize::from(first.wait().is_ok());
        for (sender, pending) in group {
            match (pending.wait(), survives) {
                (Ok(_), true) => {
                    assert_eq!(sender, "good", "{what}");
                    acknowledged += 1;
                }
                (Err(StoreError::Failed(reason)), true) => {
                    assert_eq!(sender, "bad", "{what}");
                    assert!(reason.contains("planted"), "{what}: {reason}");
                }
                (Err(StoreError::Broken(_)), false) => {}
                (other, _) => panic!("{what}: {sender} was told {other:?}"),
            }
        }
        assert_eq!(bench.store().broken().is_some(), !survives, "{what}");
        let next = submit("good", "after").wait();
        assert_eq!(next.is_ok(), survives, "{what}: {next:?}");
        acknowledged += usize::from(next.is_ok());
        if survives {
            // The trouble of the operation that failed is not known.
            let anew = submit("good", "b").wait();
            assert!(matches!(&anew, Ok(Acceptance::Accepted(all)) if all[0].status == Status::New), "{what}: {anew:?}");
            acknowledged += 1;
        }
        saboteur.execute_batch("DROP TRIGGER fault").expect("heals");
        drop(saboteur);
        bench.reopen(9);
        let kept: i64 =
            bench.saboteur().query_row("SELECT COUNT(*) FROM finding_case", [], |row| row.get(0)).expect("counts");
        assert_eq!(kept as usize, acknowledged, "{what}: what was acknowledged is there, and nothing else");
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_where_there_is_room_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Options { limit: Some(64 * 4096) }, 0).expect("opens");
    let mut taken = 0;
    let full = loop {
        let finding = with(drift(&format!("app-{taken}"), 1), "title", json!("x".repeat(3000)));
        match store.accept(delivery(&taken.to_string(), "b", 1), arrivals(&[finding])).wait() {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 1000, "the limit holds");
    };
    assert_eq!(full, StoreError::Full);
    assert_eq!(store.broken(), None);
    assert_eq!(count(folder.path()), taken);
    let Ok(Next::Claim(claim)) = store.claim_repository("w", LEASE, 1).wait() else { panic!("claims") };
    store.release(&claim, 1).wait().expect("what needs no room still works");
}

fn count(folder: &Path) -> i64 {
    let counts = Reader::open(folder).expect("reads").counts().expect("counts");
    counts.cases.values().sum()
}

#[test]
fn the_store_may_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let bench = Bench::new();
    shared(bench.store());
    let store = Arc::new(bench.store().clone());
    let other = Arc::clone(&store);
    std::thread::spawn(move || other.ping().wait()).join().expect("ran").expect("answered");
}

/// What is remembered of the pull request of a case, on a branch of this name.
fn proposal(case: &Case, branch: &str) -> (CaseId, Proposal) {
    let branch = branch.parse().expect("a branch");
    let lead = case.fingerprint.clone();
    let proposal = Proposal { standing: Standing::Open, branch, lead, edits: Vec::new(), change: None };
    (case.id, proposal)
}

fn about(id: u64, slug: &str) -> About {
    About { id, slug: slug.parse().expect("a slug"), is_configured: true }
}

/// Proposes all cases of a claim on one branch.
fn propose(bench: &Bench, claim: &Claim, number: u64, branch: &str, now: i64) {
    let outcome = Outcome::Proposed(pull_request(number));
    let all = claim.cases.iter().map(|case| Transition { case: case.id, outcome: outcome.clone() });
    let proposals = claim.cases.iter().map(|case| proposal(case, branch)).collect();
    let said = Conclusion { transitions: all.collect(), proposals, opened: 1, ..Conclusion::default() };
    bench.store().finish(claim, said, now).wait().expect("finishes");
}

#[test]
fn an_open_pull_request_is_looked_at_again_with_all_that_share_its_branch() {
    let bench = Bench::new();
    bench.deliver("m1", &[drift("a", 1), drift("b", 1), drift("c", 1)], 0);
    propose(&bench, &bench.claim(1), 7, "bot/all", 1);
    assert_eq!(bench.idle(2), Some(1 + LOOK_AGAIN));
    // One of them is revised: the others come along, and what was opened counts.
    bench.deliver("m2", &[drift("b", 2)], 10);
    let claim = bench.claim(10);
    assert_eq!(claim.cases.iter().map(|case| case.id.0).collect::<Vec<_>>(), [2, 1, 3]);
    assert_eq!((claim.standing.open, claim.standing.opened.len(), claim.beside.len()), (1, 1, 0));
    propose(&bench, &claim, 7, "bot/all", 11);

    // Another one joins the first: both come together next.
    bench.deliver("m3", &[drift("d", 1)], 20);
    let claim = bench.claim(20);
    assert_eq!((claim.cases.len(), claim.beside.len()), (1, 3));
    let (with, branch) = (CaseId(1), "bot/all".parse().expect("a branch"));
    bench.finish(&claim, Outcome::Joins { with, branch }, 20).expect("finishes");
    let claim = bench.claim(21);
    assert_eq!(claim.cases.len(), 4, "{claim:?}");
    assert!(claim.cases.iter().all(|case| case.proposal.as_ref().is_some_and(|one| one.branch.as_str() == "bot/all")));
    propose(&bench, &claim, 7, "bot/all", 22);
    assert_eq!(bench.idle(HOUR), Some(22 + LOOK_AGAIN));
    let later = 22 + LOOK_AGAIN;
    assert_eq!(bench.claim(later).cases.len(), 4, "by itself");
}

#[test]
fn what_people_ask_for_comes_with_its_cases_and_is_forgotten_when_done() {
    let bench = Bench::new();
    bench.deliver("m1", &[drift("a", 1)], 0);
    propose(&bench, &bench.claim(1), 7, "bot/a", 1);
    let ask = |id: &str, now: i64| {
        let effect = Effect::Ask { body: "please".to_owned(), wakes: Some(7) };
        bench.store().take(delivery(id, "x", now), vec![(about(1, "acme/shop"), effect)]).wait().expect("taken")
    };
    assert_eq!(ask("e1", 5), Acceptance::Accepted(Vec::new()));
    assert_eq!(ask("e1", 6), Acceptance::Duplicate);
    let claim = bench.claim(7);
    assert_eq!((claim.requests.len(), claim.cases.len(), claim.forge.id), (1, 1, Some(1)));
    // Not done: it is tried again, with its case.
    propose(&bench, &claim, 7, "bot/a", 8);
    let due = bench.idle(9).expect("it is due again");
    let claim = bench.claim(due.max(10));
    assert_eq!((claim.requests[0].attempts, claim.cases.len()), (1, 1));
    let decision = Decision { kind: Decided::Ignore, until: Some(90), by: "ann".to_owned(), change: None };
    let said = Conclusion {
        transitions: vec![Transition {
            case: CaseId(1),
            outcome: Outcome::Ignored { until: Some(due + 90), reason: "ignored by ann".to_owned() },
        }],
        decisions: vec![(CaseId(1), Some(decision.clone()))],
        done: vec![claim.requests[0].id],
        ..Conclusion::default()
    };
    bench.store().finish(&claim, said, due).wait().expect("finishes");
    assert_eq!(bench.case(1).decision, Some(decision));
    // A new value changes nothing, the time does.
    assert_eq!(bench.deliver("m2", &[drift("a", 2)], due + 1), [(Some(1), Status::Revised)]);
    assert_eq!(bench.idle(due + 2), Some(due + 90));
    assert_eq!(bench.case(1).state, State::Ignored);
    let claim = bench.claim(due + 90);
    assert_eq!((claim.cases.len(), claim.requests.len()), (1, 0));
    bench.finish(&claim, Outcome::Resolved("over".to_owned()), due + 91).expect("finishes");
    // Old enough, it takes all that was remembered along; the newest case stays for its number.
    bench.deliver("m3", &[drift("z", 1)], due + 92);
    bench.store().gc(10, due + 91 + 90 * 24 * HOUR).wait().expect("forgets");
    let count =
        "SELECT (SELECT COUNT(*) FROM proposal) + (SELECT COUNT(*) FROM decision) + (SELECT COUNT(*) FROM opening)";
    assert_eq!(bench.saboteur().query_row(count, [], |row| row.get::<_, i64>(0)), Ok(0));
}

#[test]
fn an_event_is_of_the_repository_that_has_its_number() {
    let bench = Bench::new();
    bench.deliver("m1", &[drift("a", 1)], 0);
    let take = |id: &str, about: About, effect: Effect| {
        bench.store().take(delivery(id, "x", 5), vec![(about, effect)]).wait().expect("taken")
    };
    take("e1", about(1, "acme/shop"), Effect::Renamed("acme/store".parse().expect("a slug")));
    // Another repository of the old name, and one that nobody looks after.
    take("e2", about(2, "acme/shop"), Effect::Away("not ours".to_owned()));
    take("e3", About { is_configured: false, ..about(3, "else/where") }, Effect::Away("not ours".to_owned()));
    let claim = bench.claim(6);
    assert_eq!(claim.forge.named.as_ref().map(ToString::to_string).as_deref(), Some("acme/store"));
    bench.finish(&claim, Outcome::Refused(Refusal::new(Code::OwnerNotFound, "no", "no")), 7).expect("finishes");
    // What was refused is judged again when the source has changed, by its new name.
    take("e4", About { is_configured: false, ..about(1, "acme/store") }, Effect::JudgeAgain);
    let claim = bench.claim(8);
    assert_eq!(claim.cases.len(), 1);
    take("e5", about(1, "acme/store"), Effect::Away("removed".to_owned()));
    bench.store().release(&claim, 9).wait().expect("given back");
    assert_eq!(bench.idle(10), None, "nothing is claimed of what is not ours");
    take("e6", about(1, "acme/store"), Effect::Back);
    assert_eq!(bench.claim(11).cases.len(), 1);
}
