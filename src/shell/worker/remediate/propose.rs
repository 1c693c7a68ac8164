//! Brings about what the cases of a branch want: looks at the forge, has the steps decided, and takes them.

use std::{collections::BTreeMap, time::Duration};

use super::{Operation, Trouble, Visit, asked::Orders, bundle::Bundle, change_of_ours, check, mail, ours};
use crate::{
    model::{
        fingerprint::Fingerprint,
        repository::{BranchName, CommitId},
    },
    remedy::{
        check::Check,
        lifecycle::{
            self, Base, Closer, Hold, Observed, Settled, Step, Text, Wish,
            ending::{Ending, HANDS_OFF},
            report,
            turn::{self, Turn},
        },
        pull_request::{Circumstances, PullRequest, marker::marker, pull_request_of_all},
    },
    shell::{
        forge::{
            self, Done,
            commit::Changes,
            pull_request::{self as forged, Proposal as Opened, State},
        },
        git::{self, commit::Author, push::Update},
        store::{
            case::{self, Case, Proposal, Standing},
            lease::{Conclusion, Outcome, Transition},
        },
        worker::remediate::Commits,
    },
    source::tree::SourceTree,
    stack::config::pull_requests::Rebase,
};

/// A branch whose pull request has to be brought about.
struct Wanted<'b> {
    bundle: &'b Bundle<'b>,
    /// Absent where nothing is proposed.
    request: Option<PullRequest>,
    changes: Changes,
    /// Where the branch is now.
    head: Option<CommitId>,
    observed: Option<forged::PullRequest>,
    steps: Vec<Step>,
}

impl Visit<'_> {
    /// Brings about all bundles, each for itself: what stands in the way of one stops no other.
    pub(super) fn bring_about(
        &self,
        bundles: Vec<Bundle<'_>>,
        branches: &BTreeMap<BranchName, CommitId>,
        orders: &mut Orders,
        said: &mut Conclusion,
    ) -> Result<(), Trouble> {
        let mut standing = self.claim.standing.clone();
        let mut looked = Vec::new();
        for bundle in &bundles {
            match self.wanted(bundle, branches.get(&bundle.branch).cloned(), orders) {
                Ok(one) => {
                    standing.open = standing.open.saturating_sub(usize::from(one.frees_a_place()));
                    looked.push(one);
                }
                Err(trouble) => settle_all(bundle, &trouble.0, said),
            }
        }
        let mut wanted = Vec::new();
        for one in looked {
            let bundle = one.bundle;
            let turn = self.wait_for_turn(&one, orders, &mut standing);
            match turn.and_then(|()| self.reopen(one)) {
                Ok(one) => {
                    orders.note(bundle, &one.steps);
                    wanted.push(one);
                }
                Err(trouble) => settle_all(bundle, &trouble.0, said),
            }
        }
        let moved = match self.job.commits {
            Commits::Api => wanted.iter().map(|one| self.commit_by_api(one)).collect(),
            Commits::Push => self.push_all(&wanted)?,
        };
        for (one, moved) in wanted.iter().zip(moved) {
            let done = moved.and_then(|head| self.act(one, head, orders, said));
            if let Err(trouble) = done {
                // What was settled of it before the trouble is settled.
                let settled: Vec<_> = said.transitions.iter().map(|transition| transition.case).collect();
                let open = one.bundle.cases().filter(|case| !settled.contains(&case.id));
                let outcomes: Vec<Transition> =
                    open.map(|case| Transition { case: case.id, outcome: trouble.0.clone() }).collect();
                said.transitions.extend(outcomes);
            }
        }
        Ok(())
    }

    /// What a bundle should have on the forge, and the steps that lead there from what is there.
    fn wanted<'b>(
        &self,
        bundle: &'b Bundle<'b>,
        head: Option<CommitId>,
        orders: &Orders,
    ) -> Result<Wanted<'b>, Trouble> {
        let ending = bundle.ending.first().map(|(_, ending, _)| *ending);
        let Some(proved) = &bundle.proved else {
            // Without a branch of ours nothing can be open.
            let observed = match &head {
                Some(_) => self.observe(&bundle.branch)?,
                None => None,
            };
            let steps = match (&observed, ending.filter(|_| bundle.refused.is_empty())) {
                (Some(found), Some(ending)) => {
                    lifecycle::steps(&self.seen(found, &bundle.lead, Base::Fits)?, Wish::End(ending))
                }
                _ => vec![Step::Nothing(Settled::Ended)],
            };
            return Ok(Wanted { bundle, request: None, changes: Changes::new(), head, observed, steps });
        };
        let files = proved.files().iter();
        let changes: Changes = files.map(|(path, file)| (path.clone(), Some(file.after.as_bytes().into()))).collect();
        let observed = self.observe(&bundle.branch)?;
        let base = match &head {
            Some(head) => self.base(head, &changes)?,
            None => Base::Moved,
        };
        let seen = match &observed {
            None => Observed::Nothing,
            Some(found) => self.seen(found, &bundle.lead, base)?,
        };
        let earlier = lifecycle::earlier(&seen);
        let findings: Vec<_> = bundle.proposing.iter().map(|case| &case.finding).collect();
        let sign_off = match self.manner.sign_off {
            true => {
                let login = self.login()?;
                Some(format!("{login} <{}>", mail(&login)))
            }
            false => None,
        };
        let senders: Vec<&str> = bundle.proposing.iter().map(|case| case.sender.as_str()).collect();
        let origin = self.job.scope.as_ref().map(|scope| report::origin(scope, findings.iter().copied()));
        let around = Circumstances {
            titles: self.manner.titles,
            sender: senders.first().copied().filter(|first| senders.iter().all(|sender| sender == first)),
            earlier: earlier.as_ref(),
            group: bundle.group.as_deref(),
            sign_off: sign_off.as_deref(),
            origin: origin.as_ref(),
        };
        let request = pull_request_of_all(&findings, proved, (&bundle.lead, bundle.branch.clone()), around);
        let mut steps = lifecycle::steps(&seen, orders.wish(bundle, &request));
        // A branch that stayed where it was merged holds nothing that could be lost.
        let merged = |head: &CommitId| {
            observed.as_ref().is_some_and(|found| found.state == State::Merged && found.head.1 == *head)
        };
        let opens = steps.iter().any(|step| matches!(step, Step::Open | Step::Reopen));
        if let (true, Some(head)) = (opens, &head)
            && !merged(head)
            && !self.is_ours(&bundle.lead, head)?
            && !orders.recreates(bundle)
        {
            if observed.is_none() {
                let what = format!("the branch {} holds somebody else's commit", bundle.branch);
                return Err(Trouble(Outcome::Dead(format!("{what}: remove it, then have the case tried again"))));
            }
            steps = vec![Step::LeaveToHuman(Hold::ForeignCommit)];
        }
        Ok(Wanted { bundle, request: Some(request), changes, head, observed, steps })
    }

    pub(super) fn observe(&self, branch: &BranchName) -> Result<Option<forged::PullRequest>, Trouble> {
        Ok(self.job.runtime.block_on(self.job.github.find_pull_request(&self.slug, branch))?)
    }

    fn seen(&self, found: &forged::PullRequest, lead: &Fingerprint, base: Base) -> Result<Observed, Trouble> {
        let text = Text { title: found.title.clone(), body: found.body.clone() };
        Ok(match found.state {
            State::Open => Observed::Open { text, commits: self.commits(lead, found.number, base)? },
            State::Merged => {
                let age = found.merged_at.and_then(|at| at.elapsed().ok()).unwrap_or(Duration::ZERO);
                Observed::Merged { text, age }
            }
            State::Closed => {
                let said_so = marker(&found.body).is_some_and(|marker| marker.closed.is_some());
                let by_us = said_so && {
                    let by = self.job.runtime.block_on(self.job.github.closed_by(&self.slug, found.number))?;
                    by.as_deref() == Some(self.login()?.as_str())
                };
                Observed::Closed { text, by: if by_us { Closer::Ourselves } else { Closer::Person } }
            }
        })
    }

    fn commits(&self, lead: &Fingerprint, number: u64, base: Base) -> Result<lifecycle::Commits, Trouble> {
        let commits = ours::commits(&self.job.github, &self.slug, lead, number, base);
        Ok(self.job.runtime.block_on(commits)?)
    }

    /// Whether the files of a branch are what the edit makes of the present base.
    fn base(&self, head: &CommitId, changes: &Changes) -> Result<Base, Trouble> {
        if self.manner.rebase == Rebase::Always && !self.mirror.is_ancestor(&self.base, head)? {
            return Ok(Base::Moved);
        }
        let tree = self.mirror.tree(head)?;
        let same = |(path, wanted): (_, &Option<std::sync::Arc<[u8]>>)| tree.read(path).ok() == *wanted;
        Ok(if changes.iter().all(same) { Base::Fits } else { Base::Moved })
    }

    /// Tells whether the head of a branch without an open pull request is a commit of ours, left by a push that was cut off
    /// or by an earlier pull request; any other is somebody's own and not touched.
    fn is_ours(&self, lead: &Fingerprint, head: &CommitId) -> Result<bool, Trouble> {
        let commit = self.job.runtime.block_on(self.job.github.commit_info(&self.slug, head))?;
        Ok(change_of_ours(&commit, lead, &self.login()?).is_some())
    }

    pub(super) fn login(&self) -> Result<String, Trouble> {
        Ok(self.job.runtime.block_on(self.job.github.login())?.to_owned())
    }

    /// Lets what is new wait where there is enough of it. What people asked for does not wait.
    fn wait_for_turn(&self, one: &Wanted<'_>, orders: &Orders, standing: &mut turn::Standing) -> Result<(), Trouble> {
        let asked_for = orders.recreates(one.bundle) || one.bundle.cases().any(|case| orders.opens_anyway(case));
        if !one.steps.contains(&Step::Open) || asked_for {
            return Ok(());
        }
        match standing.next(&self.manner.limits, self.now) {
            Turn::Now => Ok(()),
            Turn::Later(at, why) => Err(Trouble(Outcome::Later { at, reason: why.as_str().to_owned() })),
        }
    }

    /// Opens what we had closed, which the forge allows only while the branch is where it was then. Where it does not, the
    /// pull request is a new one.
    fn reopen<'b>(&self, mut one: Wanted<'b>) -> Result<Wanted<'b>, Trouble> {
        let Some(closed) = one.observed.clone().filter(|_| one.steps.contains(&Step::Reopen)) else { return Ok(one) };
        check(self.lease)?;
        let reopened = self.job.runtime.block_on(async {
            if one.head.is_none() {
                self.job.github.set_branch(&self.slug, &one.bundle.branch, &closed.head.1, None).await?;
            }
            self.job.github.reopen_pull_request(&self.slug, closed.number).await
        });
        match reopened {
            Ok((found, _)) => {
                one.head = Some(found.head.1.clone());
                one.observed = Some(found);
            }
            Err(forge::Error::Rejected { .. }) => {
                tracing::info!(number = closed.number, "it cannot be opened again: a new one is opened");
                one.head = self.job.runtime.block_on(self.job.github.branch_head(&self.slug, &one.bundle.branch))?;
                one.steps = vec![Step::Open];
            }
            Err(error) => return Err(error.into()),
        }
        Ok(one)
    }

    /// Moves the branch by the forge's API, if a step wants it moved; where it is then.
    fn commit_by_api(&self, one: &Wanted<'_>) -> Result<Option<CommitId>, Trouble> {
        let (Some(request), true) = (&one.request, one.moves()) else { return Ok(one.head.clone()) };
        check(self.lease)?;
        let (branch, message) = (&request.branch, &request.commit_message);
        let made =
            self.job.github.ensure_commit(&self.slug, branch, one.head.as_ref(), &self.base, &one.changes, message);
        Ok(Some(self.job.runtime.block_on(made)?.0))
    }

    /// Pushes every branch that a step wants moved, each from where it was seen: all at once, and where that fails for one
    /// of them, each by itself, so that it stops no other. Where each branch is then.
    fn push_all(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Result<Option<CommitId>, Trouble>>, Trouble> {
        if !wanted.iter().any(Wanted::moves) {
            return Ok(wanted.iter().map(|one| Ok(one.head.clone())).collect());
        }
        let login = self.login()?;
        let author = |case: &Case| {
            // The time of the case, not of this try: the same edit on the same base is the same commit.
            Author { name: login.clone(), mail: mail(&login), time: case.created_at / 1_000 }
        };
        let update = |one: &Wanted<'_>| -> Result<Option<Update>, Trouble> {
            let (Some(request), true) = (&one.request, one.moves()) else { return Ok(None) };
            let author = author(one.bundle.proposing[0]);
            let commit = self.mirror.commit(&self.base, &one.changes, &request.commit_message, &author)?;
            Ok(Some(Update { branch: request.branch.clone(), commit, expected: one.head.clone() }))
        };
        let updates: Vec<Result<Option<Update>, Trouble>> = wanted.iter().map(update).collect();
        let all: Vec<Update> = updates.iter().flatten().flatten().cloned().collect();
        check(self.lease)?;
        let together = self.mirror.push(&all, self.token.as_ref()).map(drop);
        let one_is_in_the_way = matches!(&together, Err(git::Error::Moved { .. } | git::Error::Rejected { .. }));
        let together = together.map_err(Trouble::from);
        let alone = |update: Update| {
            check(self.lease)?;
            Ok(self.mirror.push(&[update], self.token.as_ref()).map(drop)?)
        };
        let settled = wanted.iter().zip(updates).map(|(one, update)| match update? {
            None => Ok(one.head.clone()),
            Some(update) => {
                let commit = update.commit.clone();
                if one_is_in_the_way && all.len() > 1 { alone(update) } else { together.clone() }?;
                Ok(Some(commit))
            }
        });
        Ok(settled.collect())
    }

    /// Takes the steps that are left when the branch is where it should be, and says what became of the cases.
    fn act(
        &self,
        one: &Wanted<'_>,
        head: Option<CommitId>,
        orders: &mut Orders,
        said: &mut Conclusion,
    ) -> Result<(), Trouble> {
        let (github, runtime, bundle) = (&self.job.github, &self.job.runtime, one.bundle);
        let mut shown = one.observed.clone();
        let mut standing = Standing::Open;
        let changes = one.steps.contains(&Step::Reopen) || one.moves() && head != one.head;
        if let Some(found) = shown.as_ref().filter(|found| changes && found.state == State::Open) {
            self.tell(found.number, Operation::Updated);
        }
        for step in &one.steps {
            check(self.lease)?;
            match (step, &shown, &one.request) {
                (Step::Open, _, Some(request)) => {
                    let (opened, done) = self.open(request)?;
                    said.opened += usize::from(done == Done::Changed);
                    if done == Done::Changed {
                        self.tell(opened.number, Operation::Created);
                    }
                    tracing::info!(number = opened.number, ?done, "pull request is open");
                    shown = Some(opened);
                }
                (Step::UpdateText, Some(found), Some(request)) => {
                    let (title, body) = (Some(request.title.as_str()), Some(request.body.as_str()));
                    let update = github.update_pull_request(&self.slug, found.number, title, body);
                    let (updated, done) = runtime.block_on(update)?;
                    if done == Done::Changed {
                        self.tell(updated.number, Operation::Updated);
                    }
                    shown = Some(updated);
                }
                (Step::Close(ending), Some(found), _) => {
                    let found = found.clone();
                    self.close(&found, &bundle.branch, one.head.as_ref(), *ending)?;
                }
                (Step::SayHandsOff, Some(found), _) => {
                    runtime.block_on(github.comment(&self.slug, found.number, "hands-off", HANDS_OFF))?;
                }
                (Step::LeaveToHuman(hold), ..) => {
                    standing = if *hold == Hold::Closed { Standing::Muted } else { Standing::Theirs };
                    tracing::info!(branch = %bundle.branch, ?hold, "the pull request is left to people");
                }
                (Step::Nothing(Settled::Merged | Settled::NotDeployed), ..) => standing = Standing::Merged,
                _ => {}
            }
        }
        for (case, ending, outcome) in &bundle.ending {
            let outcome = match (outcome, &shown, &case.pull_request) {
                (Some(outcome), ..) => outcome.clone(),
                (None, Some(found), _) => Outcome::Proposed(reference(found)),
                (None, None, Some(known)) => Outcome::Proposed(known.clone()),
                (None, None, None) => {
                    let reason = "a person says that the source is right".to_owned();
                    Outcome::Held { until: self.now + super::HELD_FOR, reason }
                }
            };
            if *ending == Ending::SourceIsRight {
                let change = case.decision.as_ref().and_then(|decision| decision.change.clone());
                said.proposals.push((case.id, remembered(bundle, Standing::Muted, Vec::new(), change)));
            }
            said.transitions.push(Transition { case: case.id, outcome });
        }
        for (case, refusal) in &bundle.refused {
            said.transitions.push(Transition { case: case.id, outcome: Outcome::Refused(refusal.clone()) });
        }
        let Some(request) = &one.request else {
            // What is open can no longer be proved: it says so itself.
            let open = shown.as_ref().filter(|found| found.state == State::Open);
            if let (Some((_, refusal)), Some(found)) = (bundle.refused.first(), open)
                && marker(&found.body).is_some()
            {
                self.check(&found.head.1, &Check::refused(refusal), false)?;
            }
            return Ok(());
        };
        let Some(shown) = shown else {
            return Err(Trouble(Outcome::Retry("the pull request is not there".to_owned())));
        };
        if shown.state == State::Open && standing == Standing::Open {
            if bundle.proposing.iter().any(|case| case.pull_request.is_none()) {
                // An earlier try may have been cut off after opening it.
                let labels: Vec<&str> = self.manner.labels.iter().map(String::as_str).collect();
                runtime.block_on(github.label(&self.slug, &shown, &labels))?;
            }
            if let (Some(proved), Some(head)) = (&bundle.proved, &head) {
                self.check(head, &Check::proved(proved), orders.checks_again(shown.number))?;
            }
        }
        for (case, edit) in bundle.proposing.iter().zip(&bundle.edits) {
            let proposal = remembered(bundle, standing, edit.places.clone(), Some(edit.change.clone()));
            said.proposals.push((case.id, proposal));
            said.transitions.push(Transition { case: case.id, outcome: Outcome::Proposed(reference(&shown)) });
            if orders.is_taken_up(case) {
                said.decisions.push((case.id, None));
            }
        }
        for (branch, lead) in &bundle.supersedes {
            check(self.lease)?;
            let Some(found) = self.observe(branch)?.filter(|found| found.state == State::Open) else { continue };
            let seen = self.seen(&found, lead, Base::Fits)?;
            let ending = Ending::Superseded(shown.number);
            if lifecycle::steps(&seen, Wish::End(ending)) == [Step::Close(ending)] {
                self.close(&found, branch, Some(&found.head.1), ending)?;
            }
        }
        debug_assert_eq!(request.branch, bundle.branch);
        Ok(())
    }

    fn open(&self, request: &PullRequest) -> Result<(forged::PullRequest, Done), Trouble> {
        let labels: Vec<&str> = self.manner.labels.iter().map(String::as_str).collect();
        let proposal = Opened {
            head: &request.branch,
            base: &self.target.branch,
            title: &request.title,
            body: &request.body,
            draft: self.manner.draft,
            labels: &labels,
        };
        let (opened, done) = self.job.runtime.block_on(self.job.github.open_pull_request(&self.slug, &proposal))?;
        let (reviewers, assignees) = (&self.manner.reviewers, &self.manner.assignees);
        let involved = self.job.github.involve(&self.slug, opened.number, reviewers, assignees);
        match self.job.runtime.block_on(involved) {
            // Somebody of the list has left: that stops no pull request.
            Err(error @ (forge::Error::Rejected { .. } | forge::Error::NotFound { .. })) => {
                tracing::warn!(%error, number = opened.number, "somebody could not be asked for a review or assigned");
            }
            done => done?,
        }
        Ok((opened, done))
    }

    fn close(
        &self,
        found: &forged::PullRequest,
        branch: &BranchName,
        head: Option<&CommitId>,
        ending: Ending,
    ) -> Result<(), Trouble> {
        self.job.runtime.block_on(ours::close(&self.job.github, &self.slug, found, (branch, head), ending))?;
        self.tell(found.number, Operation::Closed);
        Ok(())
    }

    /// Tells whoever listens what was done.
    fn tell(&self, number: u64, operation: Operation) {
        if let Some(listener) = &self.job.listener {
            // Nobody listens any more: nobody wants to know.
            let _ = listener.send((number, operation));
        }
    }

    /// Shows a check on a commit, where checks are wanted and may be made.
    pub(super) fn check(&self, head: &CommitId, check: &Check, again: bool) -> Result<(), Trouble> {
        if !self.manner.check {
            return Ok(());
        }
        match self.job.runtime.block_on(self.job.github.check(&self.slug, head, check, again)) {
            // Whoever installed the App, or made the token, did not allow checks: the rest goes on.
            Err(error @ (forge::Error::Denied { status: 403, .. } | forge::Error::NotFound { .. })) => {
                tracing::warn!(%error, "no check can be shown: allow checks (App) or commit statuses (token)");
                Ok(())
            }
            done => Ok(done.map(drop)?),
        }
    }
}

impl Wanted<'_> {
    /// Tells whether a pull request that counts as open is so no more, or will not be.
    fn frees_a_place(&self) -> bool {
        let counts = |case: &Case| {
            case.proposal.as_ref().is_some_and(|one| matches!(one.standing, Standing::Open | Standing::Theirs))
        };
        let open = self.observed.as_ref().is_some_and(|found| found.state == State::Open);
        let closes = self.steps.iter().any(|step| matches!(step, Step::Close(_)));
        self.bundle.cases().any(counts) && (!open || closes)
    }

    fn moves(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Open | Step::UpdateBranch))
    }
}

fn reference(shown: &forged::PullRequest) -> case::PullRequest {
    case::PullRequest { number: shown.number, url: shown.url.clone() }
}

fn remembered(bundle: &Bundle<'_>, standing: Standing, edits: Vec<String>, change: Option<String>) -> Proposal {
    Proposal { standing, branch: bundle.branch.clone(), lead: bundle.lead.clone(), edits, change }
}

fn settle_all(bundle: &Bundle<'_>, outcome: &Outcome, said: &mut Conclusion) {
    for case in bundle.cases() {
        said.transitions.push(Transition { case: case.id, outcome: outcome.clone() });
    }
}
