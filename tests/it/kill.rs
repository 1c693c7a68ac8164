//! The program is killed again and again while findings stream in and GitHub loses answers; afterwards nothing that was
//! acknowledged is missing, nothing was proposed twice, and every branch says the newest value.
//!
//! `SOURCEWARD_KILLS` (10) and `SOURCEWARD_SEED` (1) make it longer and different.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sourceward::{
    model::resource::ResourceId,
    remedy::pull_request::title,
    shell::store::case::{Case, State},
};

use crate::{
    git::git,
    github::GitHub,
    remote::{Chance, Weather},
    serve::stage::{As, Stage, deliver},
};

/// What the deployments declare.
const DECLARED: u64 = 3;

/// The repositories, the files of each and the deployments of each file.
const REPOSITORIES: [&str; 2] = ["acme/shop", "acme/infra"];
const FILES: usize = 5;
const DEPLOYMENTS: usize = 5;

/// Who posts at once; each deployment is one's own, so that there is a newest value.
const SENDERS: usize = 4;

/// How long the server has in the end to finish everything.
const TO_FINISH: Duration = Duration::from_secs(120);

/// A deployment that drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Drifting {
    repository: usize,
    number: usize,
}

impl Drifting {
    fn all() -> impl Iterator<Item = Self> {
        // The last one of each repository is declared nowhere.
        (0..REPOSITORIES.len())
            .flat_map(|repository| (0..=FILES * DEPLOYMENTS).map(move |number| Self { repository, number }))
    }

    fn slug(self) -> &'static str {
        REPOSITORIES[self.repository]
    }

    fn name(self) -> String {
        format!("app-{}-{}", self.repository, self.number)
    }

    fn is_declared(self) -> bool {
        self.number < FILES * DEPLOYMENTS
    }

    fn path(self) -> String {
        format!("k8s/file-{}.yaml", self.number % FILES)
    }

    /// Some go back to what is declared now and then.
    fn calms_down(self) -> bool {
        self.number.is_multiple_of(5)
    }

    fn finding(self, replicas: u64) -> Value {
        json!({
            "intent": "drift",
            "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": self.name()}},
            "patch": [{"op": "replace", "path": "/spec/replicas", "value": replicas}],
            "hints": {"repository": self.slug()},
        })
    }

    /// The file that declares it, with this number of replicas for it.
    fn file(self, replicas: u64) -> String {
        let same_file = |other: &Self| other.repository == self.repository && other.path() == self.path();
        let others = Self::all().filter(|other| other.is_declared()).filter(same_file);
        let documents = others.map(|other| {
            let replicas = if other == self { replicas } else { DECLARED };
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {}, namespace: shop}}\nspec:\n  replicas: {replicas} # why\n",
                other.name()
            )
        });
        documents.collect::<Vec<_>>().join("---\n")
    }
}

/// What one sender had acknowledged.
#[derive(Default)]
struct Acknowledged {
    newest: BTreeMap<Drifting, u64>,
    deliveries: usize,
    duplicates: usize,
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

fn stage(who: As) -> Stage {
    let github = GitHub::with(&[("README.md", "shop\n")]);
    github.add_repository(REPOSITORIES[1], &[("README.md", "infra\n")]);
    for one in Drifting::all().filter(|one| one.number < FILES) {
        github.person_pushes(one.slug(), "main", &[(&one.path(), &one.file(DECLARED))]);
    }
    Stage::set_with(who, github, &REPOSITORIES)
}

/// Posts until told to stop; a delivery that is not acknowledged is repeated until it is, as senders do.
fn send(address: SocketAddr, sender: usize, mut chance: Chance, enough: &AtomicBool) -> Acknowledged {
    let own: Vec<Drifting> = Drifting::all().filter(|one| one.number % SENDERS == sender).collect();
    let mut acknowledged = Acknowledged::default();
    let mut last: Option<(String, Value)> = None;
    let mut count = 0;
    while !enough.load(Ordering::Relaxed) {
        if let Some((id, body)) = last.as_ref().filter(|_| chance.percent(5)) {
            assert_eq!(post_until_taken(address, id, body), 200, "the same delivery again");
            acknowledged.duplicates += 1;
            continue;
        }
        let mut batch = BTreeMap::new();
        for _ in 0..=chance.below(3) {
            let one = own[chance.below(own.len() as u64) as usize];
            let before = acknowledged.newest.get(&one).copied();
            let value = match before {
                Some(before) if chance.percent(25) => before,
                _ if one.calms_down() && chance.percent(15) => DECLARED,
                // Few values, so that old ones return.
                _ => 4 + chance.below(4),
            };
            batch.insert(one, value);
        }
        let findings: Vec<Value> = batch.iter().map(|(one, value)| one.finding(*value)).collect();
        let (id, body) = (format!("s{sender}-{count}"), json!({ "findings": findings }));
        count += 1;
        post_until_taken(address, &id, &body);
        acknowledged.newest.extend(batch);
        acknowledged.deliveries += 1;
        last = Some((id, body));
        thread::sleep(Duration::from_millis(chance.below(80)));
    }
    acknowledged
}

fn post_until_taken(address: SocketAddr, id: &str, body: &Value) -> u16 {
    let began = Instant::now();
    loop {
        match deliver(address, id, body).map(|answer| (answer.status, answer.body)) {
            Some((status @ (200 | 202), _)) => return status,
            Some((503, _)) | None => thread::sleep(Duration::from_millis(20)),
            Some((status, said)) => panic!("{id} was answered {status}: {said}"),
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{id} was never taken");
    }
}

#[test]
fn killed_again_and_again_nothing_is_lost_and_nothing_is_proposed_twice() {
    kill(As::Robot, number_of("SOURCEWARD_KILLS", 10), number_of("SOURCEWARD_SEED", 1));
}

#[test]
fn so_it_is_when_commits_are_made_by_the_api() {
    kill(As::App, number_of("SOURCEWARD_KILLS", 10) / 2, number_of("SOURCEWARD_SEED", 1));
}

fn kill(who: As, kills: u64, seed: u64) {
    let began = Instant::now();
    let mut chance = Chance(seed);
    let mut stage = stage(who);
    stage.github.set_weather(Some(Weather::new(chance.next(), 8, 2)));
    stage.remote.set_weather(Some(Weather::new(chance.next(), 8, 2)));
    stage.start();
    let (address, enough) = (stage.address(), AtomicBool::new(false));
    let acknowledged = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (chance, enough) = (Chance(chance.next()), &enough);
                scope.spawn(move || send(address, sender, chance, enough))
            })
            .collect();
        for number in 0..kills {
            thread::sleep(Duration::from_millis(50 + chance.below(1_800)));
            stage.kill();
            if number % 10 == 9 {
                // Time goes on: people work in the repositories.
                for slug in REPOSITORIES {
                    stage.github.person_pushes(slug, "main", &[("README.md", &format!("{number}\n"))]);
                }
            }
            stage.start();
        }
        thread::sleep(Duration::from_millis(500));
        enough.store(true, Ordering::Relaxed);
        senders.into_iter().map(|sender| sender.join().expect("no panic")).collect::<Vec<_>>()
    });
    let killing = began.elapsed();
    let (forced, given_up) = finish(&mut stage);
    let (api, pushes) = (stage.github.set_weather(None), stage.remote.set_weather(None));

    let newest: BTreeMap<Drifting, u64> = acknowledged.iter().flat_map(|one| one.newest.clone()).collect();
    let cases = stage.cases();
    let proposed = check(&stage, &newest, &cases);
    let total = |count: fn(&Acknowledged) -> usize| acknowledged.iter().map(count).sum::<usize>();
    let pull_requests: usize = REPOSITORIES.iter().map(|slug| stage.github.pull_requests(slug)).sum();
    let _ = writeln!(
        std::io::stderr(),
        "{kills} kills as {who:?}, seed {seed}: {} deliveries acknowledged and {} repeated, {} cases of {} deployments, {} revisions, \
         {pull_requests} pull requests, {proposed} of them checked against the newest value; \
         lost answers {} + {}, failures {} + {} (API + git); {forced} cases tried again by hand, given up were {given_up:?}; \
         {:.0} s, {:.0} s of them to finish",
        total(|one| one.deliveries),
        total(|one| one.duplicates),
        cases.len(),
        newest.len(),
        cases.iter().map(|case| case.revision).sum::<i64>(),
        api.0,
        pushes.0,
        api.1,
        pushes.1,
        began.elapsed().as_secs_f64(),
        (began.elapsed() - killing).as_secs_f64(),
    );
}

/// Waits until nothing is left to do, helping cases over their pauses; then ends the server properly. How many cases were
/// helped, and why some of these had been given up.
fn finish(stage: &mut Stage) -> (usize, Vec<Value>) {
    let began = Instant::now();
    let (mut forced, mut given_up) = (0, Vec::new());
    loop {
        assert_eq!(stage.stop().code(), Some(0), "{}", stage.log());
        for case in stage.cases() {
            if matches!(case.state, State::Waiting | State::Dead) {
                forced += 1;
                given_up.extend(case.reason.filter(|_| case.state == State::Dead));
                stage.findings(&["retry", &case.id.to_string()]).expect("is tried again");
            }
        }
        stage.start();
        let idle =
            |stage: &Stage| !stage.cases().iter().any(|case| matches!(case.state, State::Ready | State::Working));
        while !idle(stage) {
            assert!(began.elapsed() < TO_FINISH, "still at work:\n{:#?}", unfinished(stage));
            thread::sleep(Duration::from_millis(50));
        }
        if unfinished(stage).is_empty() {
            assert_eq!(stage.stop().code(), Some(0), "{}", stage.log());
            return (forced, given_up);
        }
        assert!(began.elapsed() < TO_FINISH, "stuck:\n{:#?}", unfinished(stage));
    }
}

fn unfinished(stage: &Stage) -> Vec<Case> {
    let ended = |case: &Case| matches!(case.state, State::Proposed | State::Refused | State::Resolved);
    stage.cases().into_iter().filter(|case| !ended(case)).collect()
}

/// Compares what was acknowledged with what is stored, and both with GitHub and git; how many branches were compared.
fn check(stage: &Stage, newest: &BTreeMap<Drifting, u64>, cases: &[Case]) -> usize {
    assert!(newest.len() > SENDERS, "too little was posted to say anything");
    let mut branches: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let (mut compared, mut calm) = (0, BTreeSet::new());
    for (one, value) in newest {
        let of = |case: &&Case| matches!(&case.finding.resource, ResourceId::Kubernetes(id) if id.name == one.name());
        let own: Vec<&Case> = cases.iter().filter(of).collect();
        let case = own.last().unwrap_or_else(|| panic!("{one:?} was acknowledged and is lost"));
        let patch = serde_json::to_value(&case.finding.patch).expect("JSON");
        assert_eq!(patch[0]["value"], json!(value), "{one:?}: an older value than the acknowledged one: {case:?}");
        assert_eq!(case.repository.as_ref().map(ToString::to_string).as_deref(), Some(one.slug()));
        let open = own.iter().filter(|case| case.state != State::Resolved).count();
        assert!(open <= 1, "{one:?} has {open} open cases");
        if !one.is_declared() {
            assert_eq!(case.state, State::Refused, "{case:?}");
            continue;
        }
        let branch = title::branch(&case.finding.resource, &case.fingerprint).to_string();
        if stage.github.branch(one.slug(), &branch).is_some() {
            branches.entry(one.slug()).or_default().insert(branch.clone());
        }
        if *value == DECLARED {
            assert_eq!(case.state, State::Resolved, "{case:?}");
            calm.insert(branch);
            continue;
        }
        assert_eq!(case.state, State::Proposed, "{case:?}");
        let number = case.pull_request.as_ref().expect("proposed").number;
        stage
            .github
            .pull_request(one.slug(), number)
            .expect_open()
            .expect_labels(&["sourceward"])
            .expect_branches(&branch, "main")
            .expect_title(&format!("Set spec.replicas of Deployment shop/{} to {value}", one.name()));
        let folder = stage.github.folder(one.slug());
        assert_eq!(git(&folder, &["rev-list", "--count", &format!("main..{branch}")]), "1");
        assert_eq!(git(&folder, &["diff", "--name-only", &format!("main...{branch}")]), one.path());
        let said = git(&folder, &["show", &format!("{branch}:{}", one.path())]);
        assert_eq!(said, one.file(*value).trim_end(), "{one:?}");
        compared += 1;
    }
    for slug in REPOSITORIES {
        let count = stage.github.pull_requests(slug);
        let (mut heads, mut all) = (Vec::new(), BTreeSet::new());
        for number in 1..=count as u64 {
            let seen = stage.github.pull_request(slug, number);
            all.insert(seen.head().to_owned());
            if seen.is_open() {
                heads.push(seen.head().to_owned());
            } else {
                // It says so, once for each time that it was closed.
                let comments = stage.github.comments(slug, number);
                let distinct: BTreeSet<&String> = comments.iter().collect();
                assert!(!comments.is_empty() && distinct.len() == comments.len(), "{comments:?}");
            }
            stage.github.comments(slug, number);
        }
        assert_eq!(all.len(), count, "a case has two pull requests");
        let distinct: BTreeSet<String> = heads.iter().cloned().collect();
        assert_eq!(distinct.len(), heads.len(), "a second pull request of the same case: {heads:?}");
        // A branch alone may remain where a case was killed before its pull request, and then calmed down.
        let none = BTreeSet::new();
        let strange: Vec<_> = distinct.difference(branches.get(slug).unwrap_or(&none)).collect();
        assert!(strange.is_empty(), "pull requests of no case: {strange:?}");
        let late: Vec<_> = distinct.intersection(&calm).collect();
        assert!(late.is_empty(), "open although all is well: {late:?}");
    }

    let database = rusqlite::Connection::open(stage.data().join("findings.db")).expect("opens");
    let one = |query: &str| database.query_row(query, [], |row| row.get::<_, rusqlite::types::Value>(0)).expect(query);
    assert_eq!(one("PRAGMA integrity_check"), rusqlite::types::Value::Text("ok".to_owned()));
    assert_eq!(
        one("SELECT COUNT(*) FROM repository WHERE lease_until IS NOT NULL"),
        rusqlite::types::Value::Integer(0)
    );
    assert!(!stage.log().contains("panicked"), "{}", stage.log());
    compared
}
