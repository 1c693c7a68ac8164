//! Random operations on the store and on a model of a few lines; every answer and every case must agree.

use std::collections::BTreeMap;

use super::*;

#[derive(Clone, Debug, PartialEq)]
struct Modelled {
    repository: usize,
    name: usize,
    value: u32,
    revision: i64,
    state: State,
    pull_request: bool,
    attempts: i64,
    crashed: bool,
    /// The claim that works on it and the revision that it took.
    claimed: Option<(i64, i64)>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn random_histories_agree_with_the_model() {
    for seed in 0..8 {
        history(seed, 200);
    }
}

fn history(seed: u64, steps: usize) {
    let mut random = Random(seed);
    let mut bench = Bench::new();
    let mut model: BTreeMap<i64, Modelled> = BTreeMap::new();
    let mut claims: Vec<(Claim, bool)> = Vec::new();
    let mut now = 0;
    for step in 0..steps {
        now += random.below(4_000) as i64;
        match random.below(10) {
            0..=3 => {
                let (repository, name) = (random.below(2), random.below(4));
                let (value, end) = (random.below(3) as u32, random.below(5) == 0);
                let finding = in_repository(drift(&format!("app-{name}"), value), REPOSITORIES[repository]);
                let finding = if end { over(finding) } else { finding };
                let said = bench.deliver(&format!("d{step}"), &[finding], now);
                let expected = report(&mut model, repository, name, value, end);
                assert_eq!(said, [expected], "seed {seed}, step {step}");
            }
            4..=5 => {
                expire(&mut model, &mut claims, now);
                match bench.store().claim_repository("w", LEASE, now).wait().expect("asks") {
                    Next::Claim(claim) => {
                        let held = |slug: &RepoSlug| claims.iter().any(|(c, live)| *live && c.repository == *slug);
                        assert!(!held(&claim.repository), "seed {seed}, step {step}: two holders");
                        let repository =
                            REPOSITORIES.iter().position(|name| slug(name) == claim.repository).expect("one of ours");
                        let due = |case: &Modelled| {
                            case.repository == repository && matches!(case.state, State::Ready | State::Waiting)
                        };
                        let alone = claim.cases.len() == 1 && model[&claim.cases[0].id.0].crashed;
                        for (id, case) in &mut model {
                            let taken = claim.cases.iter().any(|one| one.id.0 == *id);
                            // The exact due times are the store's (jitter): take them from it.
                            if taken {
                                assert!(due(case), "seed {seed}, step {step}: {case:?}");
                                assert!(alone || !case.crashed, "seed {seed}, step {step}: {case:?}");
                                case.state = State::Working;
                                case.attempts += 1;
                                case.claimed = Some((claim.token, case.revision));
                            } else if due(case) && case.state == State::Ready && !case.crashed {
                                assert!(alone, "seed {seed}, step {step}: left behind {case:?}");
                            }
                        }
                        claims.push((*claim, true));
                    }
                    Next::Idle { .. } => {
                        let free = |case: &Modelled| {
                            let name = slug(REPOSITORIES[case.repository]);
                            !claims.iter().any(|(claim, live)| *live && claim.repository == name)
                        };
                        let missed = model.values().find(|case| case.state == State::Ready && free(case));
                        assert_eq!(missed, None, "seed {seed}, step {step}: ready and free, yet idle");
                    }
                }
            }
            6..=8 if !claims.is_empty() => {
                let (claim, live) = claims[random.below(claims.len())].clone();
                let outcomes = [
                    Outcome::Proposed(pull_request(1)),
                    Outcome::Refused(Refusal::new(Code::NoRule, "no", "none")),
                    Outcome::Resolved("well".to_owned()),
                    retry(),
                    Outcome::Crashed("boom".to_owned()),
                    Outcome::Later { at: now + 1_000, reason: "limit".to_owned() },
                    Outcome::Dead("no".to_owned()),
                ];
                let choice = random.below(outcomes.len() + 2);
                let (done, outcome) = match outcomes.get(choice) {
                    Some(outcome) => (bench.finish(&claim, outcome.clone(), now), Some(outcome)),
                    None if choice == outcomes.len() => (bench.store().release(&claim, now).wait(), None),
                    None => {
                        let beat = bench.store().heartbeat(&claim, LEASE, now).wait();
                        assert_eq!(beat.is_ok(), live, "seed {seed}, step {step}");
                        if let Some((claim, _)) = claims
                            .iter_mut()
                            .find(|(one, _)| one.token == claim.token && one.repository == claim.repository)
                            && live
                        {
                            claim.lease_until = now + LEASE;
                        }
                        continue;
                    }
                };
                assert_eq!(done.is_ok(), live, "seed {seed}, step {step}: {done:?}");
                if live {
                    settle(&mut model, &claim, outcome);
                    end(&mut claims, &claim);
                }
            }
            9 if random.below(4) == 0 => {
                bench.reopen(now);
                for (claim, live) in &mut claims {
                    if std::mem::take(live) {
                        settle(&mut model, claim, Some(&Outcome::Crashed(String::new())));
                    }
                }
            }
            _ => {}
        }
        for (id, case) in &model {
            let stored = bench.case(*id);
            let seen = (stored.state, stored.revision, stored.attempts, stored.pull_request.is_some());
            let expected = (case.state, case.revision, case.attempts, case.pull_request);
            assert_eq!(seen, expected, "seed {seed}, step {step}, case {id}");
        }
    }
}

const REPOSITORIES: [&str; 2] = ["acme/shop", "acme/infra"];

fn report(
    model: &mut BTreeMap<i64, Modelled>,
    repository: usize,
    name: usize,
    value: u32,
    end: bool,
) -> (Option<i64>, Status) {
    let open = |case: &Modelled| (case.repository, case.name) == (repository, name) && case.state != State::Resolved;
    // The end of a trouble with another value is another content, as is its being open.
    let said = value + if end { 100 } else { 0 };
    let next = model.len() as i64 + 1;
    let Some((id, case)) = model.iter_mut().find(|(_, case)| open(case)) else {
        if end {
            return (None, Status::NotOpen);
        }
        let fresh = Modelled {
            repository,
            name,
            value,
            revision: 1,
            state: State::Ready,
            pull_request: false,
            attempts: 0,
            crashed: false,
            claimed: None,
        };
        model.insert(next, fresh);
        return (Some(next), Status::New);
    };
    if case.value == said {
        return (Some(*id), Status::Repeat);
    }
    let untouched =
        !case.pull_request && (case.state == State::Refused || case.state == State::Ready && case.attempts == 0);
    if end && untouched {
        case.state = State::Resolved;
        return (Some(*id), Status::Resolved);
    }
    case.value = said;
    case.revision += 1;
    if !matches!(case.state, State::Working | State::Waiting | State::Ready) {
        case.state = State::Ready;
        case.attempts = 0;
    }
    (Some(*id), if end { Status::Resolving } else { Status::Revised })
}

fn settle(model: &mut BTreeMap<i64, Modelled>, claim: &Claim, outcome: Option<&Outcome>) {
    for one in &claim.cases {
        let case = model.get_mut(&one.id.0).expect("known");
        let (_, revision) = case.claimed.take().expect("claimed");
        let revised = case.revision != revision;
        match outcome {
            None => (case.state, case.attempts) = (State::Ready, case.attempts - 1),
            Some(Outcome::Retry(_) | Outcome::Crashed(_)) => {
                case.crashed |= matches!(outcome, Some(Outcome::Crashed(_)));
                case.state = if case.attempts >= TRIES { State::Dead } else { State::Waiting };
            }
            Some(Outcome::Later { .. }) => (case.state, case.attempts) = (State::Waiting, case.attempts - 1),
            Some(Outcome::Dead(_)) if !revised => case.state = State::Dead,
            Some(outcome) => {
                case.pull_request |= matches!(outcome, Outcome::Proposed(_));
                case.attempts = 0;
                case.crashed &= matches!(outcome, Outcome::Dead(_));
                case.state = match outcome {
                    _ if revised => State::Ready,
                    Outcome::Proposed(_) => State::Proposed,
                    Outcome::Refused(_) => State::Refused,
                    _ => State::Resolved,
                };
                if revised && matches!(outcome, Outcome::Resolved(_)) {
                    case.pull_request = false;
                }
            }
        }
    }
}

fn expire(model: &mut BTreeMap<i64, Modelled>, claims: &mut [(Claim, bool)], now: i64) {
    for (claim, live) in claims {
        if *live && claim.lease_until <= now {
            *live = false;
            settle(model, claim, Some(&Outcome::Crashed(String::new())));
        }
    }
}

fn end(claims: &mut [(Claim, bool)], ended: &Claim) {
    for (claim, live) in claims {
        if claim.token == ended.token && claim.repository == ended.repository {
            *live = false;
        }
    }
}
