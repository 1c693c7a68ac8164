//! What people ask for on the forge: heard before the cases are judged, answered after.
//!
//! Who asks is known from a signed event; whether they may is asked of the forge at that moment. A request is done once: its
//! reactions and its answer look first, and what it decides is written in the same transaction that forgets it.

use super::{Trouble, Visit, bundle::Bundle};
use crate::{
    model::{
        finding,
        fingerprint::Fingerprint,
        refusal::Refusal,
        repository::{BranchName, CommitId},
    },
    remedy::{
        Verdict,
        check::Check,
        command::{self, Command},
        dashboard::{self, Act},
        explain,
        lifecycle::{Hold, Step, Wish},
        pull_request::{PullRequest, marker::marker},
        verdict,
    },
    shell::{
        forge::{self, person::Reaction},
        store::{
            case::{Case, CaseId, Decided, Decision},
            lease::{Conclusion, Dashboard, Outcome},
        },
    },
    stack::catalog::Catalog,
    webhook::github::{Asked, queued_number},
};

/// What a person hears who may not.
const MAY_NOT: &str = "I take commands only from people who may write to this repository.";

/// What is ordered for the cases of a claim.
#[derive(Default)]
pub(super) struct Orders {
    comments: Vec<Heard>,
    /// Commits of merge queues: the request, the commit and its branch.
    queued: Vec<(i64, CommitId, BranchName)>,
    /// Pull requests whose check is to be shown again.
    again: Vec<u64>,
}

/// A comment with commands, of somebody who may give them.
struct Heard {
    request: i64,
    comment: u64,
    number: u64,
    login: String,
    commands: Vec<Command>,
    /// What could not be done, in words.
    complaints: Vec<String>,
    cases: Vec<CaseId>,
    now: i64,
}

impl Visit<'_> {
    /// Reads what is asked for, asks whether they may, and shows that it was seen.
    pub(super) fn hear(&self, said: &mut Conclusion) -> Result<Orders, Trouble> {
        let mut orders = Orders::default();
        for request in &self.claim.requests {
            let Ok(asked) = serde_json::from_str::<Asked>(&request.body) else {
                tracing::error!(request = request.id, "a request cannot be read and is forgotten");
                said.done.push(request.id);
                continue;
            };
            match asked {
                Asked::Comment { id, number, login, text } => {
                    match self.hear_comment(request.id, (id, number), &login, &text)? {
                        Some(heard) => orders.comments.push(heard),
                        None => said.done.push(request.id),
                    }
                }
                Asked::Ticked { number, login, text } => {
                    self.hear_ticks(number, &login, &text, said)?;
                    said.done.push(request.id);
                }
                Asked::CheckAgain { numbers, .. } => {
                    orders.again.extend(numbers);
                    said.done.push(request.id);
                }
                Asked::Queued { head, branch } => orders.queued.push((request.id, head, branch)),
            }
        }
        Ok(orders)
    }

    /// Hears a comment at a pull request of ours; `None` where there is nothing (more) to do.
    fn hear_comment(
        &self,
        request: i64,
        (comment, number): (u64, u64),
        login: &str,
        text: &str,
    ) -> Result<Option<Heard>, Trouble> {
        let (github, runtime) = (&self.job.github, &self.job.runtime);
        let of = |case: &&Case| case.pull_request.as_ref().is_some_and(|known| known.number == number);
        let cases: Vec<CaseId> = self.claim.cases.iter().filter(of).map(|case| case.id).collect();
        if cases.is_empty() {
            // Ours, but over; or somebody else's, where a command is none of our business.
            let found = runtime.block_on(github.pull_request(&self.slug, number))?;
            if found.author.as_deref() != Some(&self.login()?) || marker(&found.body).is_none() {
                return Ok(None);
            }
        }
        if !runtime.block_on(github.may_write(&self.slug, login))? {
            tracing::warn!(security = 2, number, "a command of somebody who may not write here");
            runtime.block_on(github.react(&self.slug, comment, Reaction::Confused))?;
            runtime.block_on(github.comment(&self.slug, number, "answer:may-not", MAY_NOT))?;
            return Ok(None);
        }
        runtime.block_on(github.react(&self.slug, comment, Reaction::Eyes))?;
        let (mut commands, mut complaints) = (Vec::new(), Vec::new());
        for line in command::lines(text) {
            match Command::read(&line) {
                Ok(command) => commands.push(command),
                Err(error) => complaints.push(error.to_string()),
            }
        }
        if cases.is_empty() {
            complaints.push("The finding of this pull request is over: there is nothing to do.".to_owned());
        }
        let login = login.to_owned();
        Ok(Some(Heard { request, comment, number, login, commands, complaints, cases, now: self.now }))
    }

    /// Does what was ticked on the dashboard; the boxes are empty again when it is next written.
    fn hear_ticks(&self, number: u64, login: &str, text: &str, said: &mut Conclusion) -> Result<(), Trouble> {
        let (github, runtime) = (&self.job.github, &self.job.runtime);
        let acts = dashboard::ticked(text);
        let issue = runtime.block_on(github.issue(&self.slug, number))?;
        let ours = issue.filter(|issue| dashboard::is_dashboard(&issue.body));
        let Some(issue) = ours.filter(|issue| self.login().is_ok_and(|us| issue.author.as_deref() == Some(&us))) else {
            return Ok(());
        };
        if acts.is_empty() || login == self.login()? {
            return Ok(());
        }
        said.dashboard = Dashboard::By(self.now);
        said.learned.dashboard = Some(issue.number);
        if !runtime.block_on(github.may_write(&self.slug, login))? {
            tracing::warn!(security = 2, number, "a box ticked by somebody who may not write here");
            return Ok(());
        }
        let decision = |kind: Decided| Decision { kind, until: None, by: login.to_owned(), change: None };
        for act in acts {
            match act {
                Act::Retry(case) => said.wakes.push((case, None)),
                Act::OpenNow(case) => said.wakes.push((case, Some(decision(Decided::OpenAnyway)))),
                Act::Ignore(case) => said.wakes.push((case, Some(decision(Decided::Ignore)))),
                Act::Unignore(case) => said.wakes.push((case, Some(decision(Decided::TakeUp)))),
                Act::OpenStorm(cause) => {
                    let held = self.claim.overview.iter().flat_map(|overview| &overview.held);
                    let meant = held.filter(|(reason, _)| Fingerprint::of_text(reason).as_str() == cause);
                    let releases = meant.map(|(reason, _)| (reason.clone(), decision(Decided::OpenAnyway)));
                    said.releases.extend(releases);
                }
            }
        }
        Ok(())
    }

    /// Answers what was heard, now that the cases are settled.
    pub(super) fn answer(
        &self,
        catalog: &Result<Catalog<'_>, Refusal>,
        orders: &Orders,
        said: &mut Conclusion,
    ) -> Result<(), Trouble> {
        let (github, runtime) = (&self.job.github, &self.job.runtime);
        for (request, head, branch) in &orders.queued {
            let check = self.queued(head, branch)?;
            self.check(head, &check, false)?;
            said.done.push(*request);
        }
        for heard in &orders.comments {
            let outcome = |case: &CaseId| said.transitions.iter().find(|one| one.case == *case).map(|one| &one.outcome);
            let outcomes: Vec<&Outcome> = heard.cases.iter().filter_map(outcome).collect();
            let failed = |outcome: &&Outcome| {
                matches!(outcome, Outcome::Retry(_) | Outcome::Later { .. } | Outcome::Joins { .. })
            };
            if outcomes.iter().any(failed) && heard.complaints.is_empty() {
                // Not yet: it is asked again when the case is tried again.
                continue;
            }
            let mut complaints = heard.complaints.clone();
            let tries = |command: &Command| !matches!(command, Command::Ignore(_) | Command::Revert | Command::Explain);
            if heard.commands.iter().any(tries) {
                complaints.extend(outcomes.iter().filter_map(|outcome| match outcome {
                    Outcome::Refused(refusal) => Some(explain::of_refusal(refusal)),
                    Outcome::Dead(reason) => Some(explain::of_failure(reason)),
                    _ => None,
                }));
            }
            if heard.commands.contains(&Command::Explain) {
                let text = self.explanation(catalog, &heard.cases);
                runtime.block_on(github.comment(
                    &self.slug,
                    heard.number,
                    &format!("explain:{}", heard.comment),
                    &text,
                ))?;
            }
            let reaction = if complaints.is_empty() { Reaction::ThumbsUp } else { Reaction::Confused };
            if !complaints.is_empty() {
                complaints.dedup();
                let mark = format!("answer:{}", heard.comment);
                runtime.block_on(github.comment(&self.slug, heard.number, &mark, &complaints.join("\n\n")))?;
            }
            match runtime.block_on(github.react(&self.slug, heard.comment, reaction)) {
                // The comment is gone: nobody waits for the sign.
                Err(forge::Error::NotFound { .. }) => {}
                done => done?,
            }
            said.done.push(heard.request);
        }
        Ok(())
    }

    fn explanation(&self, catalog: &Result<Catalog<'_>, Refusal>, cases: &[CaseId]) -> String {
        let asked = self.claim.cases.iter().filter(|case| cases.contains(&case.id));
        let texts = asked.map(|case| match (case.finding.state, verdict(catalog, &case.finding, self.policy())) {
            (finding::State::Resolved, _) => "The sender reported that it is over.".to_owned(),
            (_, Verdict::Patched(proved)) => explain::of_proved(&proved),
            (_, Verdict::Refused(refusal)) => explain::of_refusal(&refusal),
            (_, Verdict::InSync) => "The source already says what the finding wants.".to_owned(),
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The check of a commit of a merge queue: the source as that commit has it must say what our pull request proposes.
    fn queued(&self, head: &CommitId, branch: &BranchName) -> Result<Check, Trouble> {
        let number = queued_number(branch);
        let of = |case: &&Case| number.is_some() && case.pull_request.as_ref().map(|known| known.number) == number;
        let cases: Vec<&Case> = self.claim.cases.iter().chain(&self.claim.beside).filter(of).collect();
        if cases.is_empty() {
            return Ok(Check::queued(None, Ok(())));
        }
        self.job.fetch(&self.slug, &self.mirror, std::slice::from_ref(branch), self.token.as_ref())?;
        let files = self.mirror.tree(head)?;
        let tree = self.job.charts.beside(&files);
        let catalog = Catalog::known_as(&tree, &self.addresses);
        let judged = cases.iter().try_for_each(|case| match verdict(&catalog, &case.finding, self.policy()) {
            Verdict::InSync => Ok(()),
            Verdict::Patched(_) => Err(format!("{} still differs", case.finding.resource)),
            Verdict::Refused(refusal) => Err(refusal.message),
        });
        Ok(Check::queued(number, judged))
    }
}

impl Orders {
    /// What was just decided about a case; absent where nothing was, `Some(None)` where a decision was taken back.
    pub(super) fn decision(&self, case: &Case) -> Option<Option<Decision>> {
        let heard = self.comments.iter().rev().find(|heard| heard.cases.contains(&case.id))?;
        let by =
            |kind: Decided, until: Option<i64>| Some(Decision { kind, until, by: heard.login.clone(), change: None });
        heard.commands.iter().rev().find_map(|command| match command {
            Command::Ignore(time) => Some(by(Decided::Ignore, time.map(|time| heard.now + time))),
            Command::Revert => Some(by(Decided::SourceIsRight, None)),
            Command::Adopt | Command::Recreate => Some(by(Decided::TakeUp, None)),
            Command::Retry => Some(None),
            Command::Rebase | Command::Explain => None,
        })
    }

    /// What a bundle wants, given what was ordered for its cases.
    pub(super) fn wish<'p>(&self, bundle: &Bundle<'_>, request: &'p PullRequest) -> Wish<'p> {
        let rebases = bundle.proposing.iter().any(|case| self.commands(case).any(|one| *one == Command::Rebase));
        match (self.recreates(bundle), rebases) {
            (true, _) => Wish::Recreate(request),
            (false, true) => Wish::Rebase(request),
            (false, false) if bundle.rests => Wish::Keep(request),
            (false, false) => Wish::Propose(request),
        }
    }

    /// Tells whether a person wants the pull request whatever was done to it.
    pub(super) fn recreates(&self, bundle: &Bundle<'_>) -> bool {
        bundle.proposing.iter().any(|case| self.is_taken_up(case))
    }

    /// Tells whether a person has taken a case up again.
    pub(super) fn is_taken_up(&self, case: &Case) -> bool {
        let decision = self.decision(case).unwrap_or_else(|| case.decision.clone());
        decision.is_some_and(|decision| decision.kind == Decided::TakeUp)
    }

    /// Tells whether a person wants a case opened before its turn.
    pub(super) fn opens_anyway(&self, case: &Case) -> bool {
        case.decision.as_ref().is_some_and(|decision| decision.kind == Decided::OpenAnyway)
    }

    /// Tells whether the check of a pull request is to be shown again although it says the same.
    pub(super) fn checks_again(&self, number: u64) -> bool {
        self.again.contains(&number)
    }

    /// Notes what was decided, and what of the orders cannot be done because people have taken over.
    pub(super) fn note(&mut self, bundle: &Bundle<'_>, steps: &[Step]) {
        let Some(hold) = steps.iter().find_map(|step| match step {
            Step::LeaveToHuman(hold) => Some(*hold),
            _ => None,
        }) else {
            return;
        };
        for heard in &mut self.comments {
            let concerned = bundle.cases().any(|case| heard.cases.contains(&case.id));
            let wants = heard.commands.iter().any(|one| matches!(one, Command::Rebase | Command::Retry));
            if concerned && wants {
                heard.complaints.push(
                    match hold {
                        Hold::ForeignCommit => {
                            "The branch holds a commit that is not mine. `/sourceward recreate` throws it away."
                        }
                        Hold::Closed => "The pull request was closed. `/sourceward recreate` opens it again.",
                        Hold::MarkerMissing => {
                            "The hidden line of the description is gone, so I cannot tell what this pull request stands for."
                        }
                        Hold::OtherCase => "The branch serves another finding.",
                        Hold::Reopened => "It was opened again by a person, so I leave it alone.",
                    }
                    .to_owned(),
                );
            }
        }
    }

    fn commands(&self, case: &Case) -> impl Iterator<Item = &Command> {
        self.comments.iter().filter(|heard| heard.cases.contains(&case.id)).flat_map(|heard| &heard.commands)
    }

    /// The decisions that are to be kept.
    pub(super) fn decided(&self, cases: &[Case]) -> Vec<(CaseId, Option<Decision>)> {
        cases.iter().filter_map(|case| Some((case.id, self.decision(case)?))).collect()
    }
}
