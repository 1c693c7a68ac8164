//! Which cases of a claim share a branch, and what is proved for all of them together.

use super::{Outcome, Visit, asked::Orders, known_branch};
use crate::{
    model::{fingerprint::Fingerprint, refusal::Refusal, repository::BranchName},
    remedy::{
        Verdict, judge_together,
        lifecycle::{
            ending::Ending,
            group::{self, Member},
        },
        opposite,
        proof::Proved,
        pull_request::{change_digest, title},
    },
    shell::store::{
        case::{Case, Standing},
        lease::{Conclusion, Transition},
    },
    source::tree::SourceTree,
};

/// How long a finding waits that has no place in a full pull request, in milliseconds.
const FULL_FOR: i64 = 60 * 60 * 1000;

/// What is to become of a case.
pub(super) enum Fate {
    /// This, and nothing on the forge.
    Done(Outcome),
    /// Its pull request is closed for this reason, and then this.
    End(Ending, Outcome),
    /// Its pull request is closed, because a person said that the source is right.
    SourceIsRight,
    /// Nothing can be proposed; what is open stays, with a check that says so.
    Refused(Refusal),
    /// This edit is proposed.
    Propose(Box<Proved>),
}

/// What a case alone edits.
pub(super) struct Edit {
    /// The places, as `file:line`.
    pub(super) places: Vec<String>,
    /// The digest of what it changes.
    pub(super) change: String,
}

/// Cases that share a branch.
pub(super) struct Bundle<'c> {
    pub(super) branch: BranchName,
    /// What the branch is named after.
    pub(super) lead: Fingerprint,
    /// What its findings have in common, where the configuration groups.
    pub(super) group: Option<String>,
    /// What is proposed for which cases.
    pub(super) proved: Option<Box<Proved>>,
    pub(super) proposing: Vec<&'c Case>,
    /// Whether people have decided about them: what they closed or merged is left as it is.
    pub(super) rests: bool,
    /// What each of them edits.
    pub(super) edits: Vec<Edit>,
    /// Cases that leave, why, and what becomes of them.
    pub(super) ending: Vec<(&'c Case, Ending, Option<Outcome>)>,
    /// Cases for which nothing can be proposed.
    pub(super) refused: Vec<(&'c Case, Refusal)>,
    /// Branches whose open pull requests this one makes needless.
    pub(super) supersedes: Vec<(BranchName, Fingerprint)>,
}

impl<'v> Visit<'v> {
    /// Parts the cases by branch. What needs nothing on the forge is settled here.
    pub(super) fn bundles(
        &self,
        tree: &dyn SourceTree,
        fates: Vec<Fate>,
        orders: &Orders,
        said: &mut Conclusion,
    ) -> Vec<Bundle<'v>> {
        let mut settle = |case: &Case, outcome: Outcome| said.transitions.push(Transition { case: case.id, outcome });
        let mut bundles: Vec<Bundle<'v>> = Vec::new();
        let mut proposing: Vec<(&'v Case, Box<Proved>)> = Vec::new();
        let mut resting: Vec<(&'v Case, Box<Proved>)> = Vec::new();
        for (case, fate) in self.claim.cases.iter().zip(fates) {
            match fate {
                Fate::Done(outcome) => settle(case, outcome),
                Fate::End(ending, outcome) => of_branch(&mut bundles, case).ending.push((case, ending, Some(outcome))),
                Fate::SourceIsRight => {
                    of_branch(&mut bundles, case).ending.push((case, Ending::SourceIsRight, None));
                }
                Fate::Refused(refusal) => of_branch(&mut bundles, case).refused.push((case, refusal)),
                // What people have turned down or taken over draws no other finding along, and is drawn by none.
                Fate::Propose(proved) if is_resting(case, &proved) && !orders.is_taken_up(case) => {
                    resting.push((case, proved));
                }
                Fate::Propose(proved) => proposing.push((case, proved)),
            }
        }
        for (case, refusal) in contradictions(&mut proposing) {
            of_branch(&mut bundles, case).refused.push((case, refusal));
        }
        let members: Vec<Member<'_>> = proposing.iter().map(|(case, proved)| self.member(case, proved)).collect();
        // One that shares with a case whose pull request is open waits for that one to be worked on with it.
        let beside: Vec<(Member<'_>, &Case)> = self.claim.beside.iter().filter_map(standing_member).collect();
        let joins: Vec<Option<&Case>> = members
            .iter()
            .map(|member| beside.iter().find(|(other, _)| group::shares(member, other)).map(|(_, case)| *case))
            .collect();
        for indices in group::groups(&members) {
            if let Some(with) = indices.iter().find_map(|at| joins[*at]) {
                for at in indices {
                    let branch = known_branch(with).0;
                    settle(proposing[at].0, Outcome::Joins { with: with.id, branch });
                }
                continue;
            }
            let (taken, left) = indices.split_at(indices.len().min(group::MOST));
            for at in left {
                let reason = "its pull request holds as many findings as one can: merge that first".to_owned();
                settle(proposing[*at].0, Outcome::Held { until: self.now + FULL_FOR, reason });
            }
            let cases: Vec<&'v Case> = taken.iter().map(|at| proposing[*at].0).collect();
            let key = members[taken[0]].key.clone();
            let (branch, lead) = named_after(&cases, key.as_deref(), &self.manner.prefix);
            let at = match bundles.iter().position(|bundle| bundle.branch == branch) {
                Some(at) => at,
                None => {
                    bundles.push(Bundle::new(branch, lead));
                    bundles.len() - 1
                }
            };
            let bundle = &mut bundles[at];
            bundle.group = key;
            for case in &cases {
                let (other, lead) = known_branch(case);
                let open = case.proposal.as_ref().is_some_and(|proposal| proposal.standing == Standing::Open);
                if open && other != bundle.branch && !bundle.supersedes.iter().any(|(branch, _)| *branch == other) {
                    bundle.supersedes.push((other, lead));
                }
            }
            let members: Vec<&(&'v Case, Box<Proved>)> = taken.iter().map(|at| &proposing[*at]).collect();
            self.prove_together(tree, &members, bundle);
        }
        let mut by_branch: Vec<Vec<&(&'v Case, Box<Proved>)>> = Vec::new();
        for one in &resting {
            let branch = known_branch(one.0).0;
            match by_branch.iter_mut().find(|group| known_branch(group[0].0).0 == branch) {
                Some(group) => group.push(one),
                None => by_branch.push(vec![one]),
            }
        }
        for group in by_branch {
            let (branch, lead) = known_branch(group[0].0);
            match bundles.iter().any(|bundle| bundle.branch == branch && !bundle.proposing.is_empty()) {
                // The branch serves others by now: nothing is left to look at.
                true => {
                    for (case, _) in group {
                        let known = case.pull_request.clone().map(Outcome::Proposed);
                        settle(
                            case,
                            known.unwrap_or_else(|| Outcome::Retry("its pull request is not known".to_owned())),
                        );
                    }
                }
                false => {
                    let mut bundle = Bundle::new(branch, lead);
                    self.prove_together(tree, &group, &mut bundle);
                    bundle.rests = true;
                    match bundles.iter_mut().find(|other| other.branch == bundle.branch) {
                        Some(other) => {
                            other.proved = bundle.proved;
                            other.proposing = bundle.proposing;
                            other.edits = bundle.edits;
                            other.rests = true;
                            other.refused.extend(bundle.refused);
                        }
                        None => bundles.push(bundle),
                    }
                }
            }
        }
        bundles
    }

    /// Proves the edits of the members of a bundle as one.
    fn prove_together(&self, tree: &dyn SourceTree, members: &[&(&'v Case, Box<Proved>)], bundle: &mut Bundle<'v>) {
        let edit = |proved: &Proved| Edit { places: places(proved), change: change_digest(proved).as_str().to_owned() };
        if let [(case, proved)] = members {
            bundle.edits.push(edit(proved));
            bundle.proposing.push(case);
            bundle.proved = Some(proved.clone());
            return;
        }
        let findings: Vec<_> = members.iter().map(|(case, _)| &case.finding).collect();
        let (proved, verdicts) = judge_together(tree, &self.addresses, &findings, self.policy());
        for ((case, alone), verdict) in members.iter().zip(verdicts) {
            match verdict {
                Verdict::Refused(refusal) => bundle.refused.push((case, refusal)),
                // What it wants, the edits before it do.
                Verdict::Patched(_) | Verdict::InSync => {
                    bundle.edits.push(edit(alone));
                    bundle.proposing.push(case);
                }
            }
        }
        bundle.proved = proved.map(Box::new);
    }

    fn member<'m>(&self, case: &'m Case, proved: &Proved) -> Member<'m> {
        let key = group::key(self.manner.group, &case.finding, proved.stack());
        let branch = match (&case.proposal, &key) {
            (Some(proposal), _) => proposal.branch.clone(),
            (None, Some(key)) => title::branch_of_group(&self.manner.prefix, key, &group::identity(key)),
            (None, None) => title::branch_below(&self.manner.prefix, &case.finding.resource, &case.fingerprint),
        };
        Member { resource: &case.finding.resource, places: places(proved), key, branch }
    }
}

impl Bundle<'_> {
    fn new(branch: BranchName, lead: Fingerprint) -> Self {
        Self {
            branch,
            lead,
            group: None,
            proved: None,
            proposing: Vec::new(),
            rests: false,
            edits: Vec::new(),
            ending: Vec::new(),
            refused: Vec::new(),
            supersedes: Vec::new(),
        }
    }

    /// All its cases.
    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        let ending = self.ending.iter().map(|(case, ..)| *case);
        self.proposing.iter().copied().chain(ending).chain(self.refused.iter().map(|(case, _)| *case))
    }
}

/// The bundle of the branch that a case has.
fn of_branch<'b, 'v>(bundles: &'b mut Vec<Bundle<'v>>, case: &Case) -> &'b mut Bundle<'v> {
    let (branch, lead) = known_branch(case);
    let at = bundles.iter().position(|bundle| bundle.branch == branch).unwrap_or_else(|| {
        bundles.push(Bundle::new(branch, lead));
        bundles.len() - 1
    });
    &mut bundles[at]
}

/// The branch of cases that share one: the one that is there already, else that of their group, else of the first.
fn named_after(cases: &[&Case], key: Option<&str>, prefix: &str) -> (BranchName, Fingerprint) {
    let open = |case: &&&Case| {
        case.proposal.as_ref().is_some_and(|one| matches!(one.standing, Standing::Open | Standing::Theirs))
    };
    let known = |case: &&&Case| case.proposal.is_some();
    match (cases.iter().find(open).or_else(|| cases.iter().find(known)), key) {
        (Some(case), _) => known_branch(case),
        (None, Some(key)) => {
            let identity = group::identity(key);
            (title::branch_of_group(prefix, key, &identity), identity)
        }
        (None, None) => {
            let first = cases[0];
            (title::branch_below(prefix, &first.finding.resource, &first.fingerprint), first.fingerprint.clone())
        }
    }
}

/// Tells whether people have decided about what a case wants: they closed or merged it as it is, or took its branch over.
fn is_resting(case: &Case, proved: &Proved) -> bool {
    let Some(proposal) = &case.proposal else { return false };
    match proposal.standing {
        Standing::Open => false,
        Standing::Theirs => true,
        Standing::Muted | Standing::Merged => {
            proposal.change.as_ref().is_none_or(|change| change == change_digest(proved).as_str())
        }
    }
}

fn standing_member(case: &Case) -> Option<(Member<'_>, &Case)> {
    let proposal = case.proposal.as_ref()?;
    let member = Member {
        resource: &case.finding.resource,
        places: proposal.edits.clone(),
        key: None,
        branch: proposal.branch.clone(),
    };
    Some((member, case))
}

fn places(proved: &Proved) -> Vec<String> {
    let mut places: Vec<String> = proved.edits().iter().map(|edit| format!("{}:{}", edit.file, edit.line)).collect();
    places.dedup();
    places
}

/// Takes out the cases that want different values for one field, with the refusal of each.
fn contradictions<'c>(proposing: &mut Vec<(&'c Case, Box<Proved>)>) -> Vec<(&'c Case, Refusal)> {
    let mut against: Vec<Option<String>> = vec![None; proposing.len()];
    let mut wanted: std::collections::BTreeMap<String, Vec<usize>> = std::collections::BTreeMap::new();
    for (at, (case, proved)) in proposing.iter().enumerate() {
        for change in &proved.proof().changed {
            let field = format!("{} {}", change.resource, change.field.path);
            let others = wanted.entry(field).or_default();
            for other in others.iter() {
                let theirs = &proposing[*other].1.proof().changed;
                let differs = theirs.iter().any(|their| {
                    their.resource == change.resource
                        && their.field.path == change.field.path
                        && their.field.after != change.field.after
                });
                if differs && proposing[*other].0.id != case.id {
                    for one in [at, *other] {
                        against[one].get_or_insert_with(|| change.field.path.to_string());
                    }
                }
            }
            others.push(at);
        }
    }
    let mut refused = Vec::new();
    let mut against = against.into_iter();
    proposing.retain(|(case, _)| match against.next().flatten() {
        Some(field) => {
            refused.push((*case, opposite(&field)));
            false
        }
        None => true,
    });
    refused
}
