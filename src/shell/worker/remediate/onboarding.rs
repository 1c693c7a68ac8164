//! Introduces sourceward to a repository: one pull request, and nothing else before it is answered where the operator wants
//! that.
//!
//! The forge remembers the answer: merged is a yes, closed a no. What was open before, for whatever reason, is kept up.

use super::{Trouble, Visit, check, mail};
use crate::{
    model::{finding, refusal::Refusal, repository::CommitId},
    remedy::{
        judge,
        lifecycle::turn::Turn,
        onboarding::{self, Circumstances, Introduction, NEEDLESS, Onboarding, Recorded, Text},
        report::Answered,
    },
    shell::{
        forge::{
            self, Done,
            pull_request::{Proposal as Opened, PullRequest, State},
        },
        store::{
            case::Case,
            lease::{Conclusion, Dashboard, Outcome},
        },
    },
    stack::catalog::Catalog,
};

/// By which the one comment at an introduction is known again.
const COMMENT: &str = "onboarding";

impl Visit<'_> {
    /// Sees to it that the repository is asked; tells why its new findings are only recorded, where they are.
    pub(super) fn introduce(
        &self,
        catalog: &Result<Catalog<'_>, Refusal>,
        said: &mut Conclusion,
    ) -> Result<Option<Recorded>, Trouble> {
        let wanted = self.job.onboarding;
        if wanted == Onboarding::Off || self.claim.forge.onboarded {
            return Ok(None);
        }
        // Only a wrong configuration has no catalog, and that is one.
        let catalog = match catalog {
            Ok(catalog) if !onboarding::is_configured(catalog) => catalog,
            _ => {
                self.end_introduction()?;
                said.learned.onboarded = true;
                return Ok(None);
            }
        };
        let found = self.introduction()?;
        if let Some(found) = &found {
            said.learned.onboarding = Some(found.number);
        }
        match found.as_ref().map(|found| found.state) {
            Some(State::Merged) => {
                said.learned.onboarded = true;
                return Ok(None);
            }
            Some(State::Closed) if wanted == Onboarding::Required => return Ok(Some(Recorded::Declined)),
            // It was asked; whatever the answer is, work goes on.
            Some(_) if wanted == Onboarding::Offered => {
                said.learned.onboarded = true;
                return Ok(None);
            }
            Some(_) | None => {}
        }
        let (judged, others) = self.dry_run(catalog);
        let sign_off = match self.manner.sign_off {
            true => {
                let login = self.login()?;
                Some(format!("{login} <{}>", mail(&login)))
            }
            false => None,
        };
        let around = Circumstances {
            prefix: &self.manner.prefix,
            titles: self.manner.titles,
            sign_off: sign_off.as_deref(),
            onboarding: wanted,
        };
        if let Some(introduction) = onboarding::introduction(catalog, &judged, others, around) {
            let done = match found {
                Some(found) => self.rewrite(&found, &introduction),
                None => self.open_introduction(&introduction, said),
            };
            match done {
                // A rule of the repository forbids it, say. That is no case's fault, and none is given up for it.
                Err(Trouble(Outcome::Dead(why))) => tracing::warn!(why, "there is no introduction"),
                done => done?,
            }
        }
        Ok((wanted == Onboarding::Required).then_some(Recorded::Pending))
    }

    /// The introduction of the repository, by its number or its branch, if it is ours.
    fn introduction(&self) -> Result<Option<PullRequest>, Trouble> {
        let (github, runtime) = (&self.job.github, &self.job.runtime);
        let found = match self.claim.forge.onboarding {
            Some(number) => Some(runtime.block_on(github.pull_request(&self.slug, number))?),
            None => self.observe(&onboarding::branch(&self.manner.prefix))?,
        };
        let login = self.login()?;
        // What was taken for ours once is so without its hidden line, too: people may have edited it.
        let ours = |found: &PullRequest| {
            let known = self.claim.forge.onboarding == Some(found.number);
            let says_so = onboarding::text_of(&found.title, &found.body) != Text::Other;
            found.author.as_deref() == Some(&login) && (known || says_so)
        };
        Ok(found.filter(ours))
    }

    /// What would become of the findings that are known now, as far as they are judged; how many are not.
    fn dry_run(&self, catalog: &Catalog<'_>) -> (Vec<Answered>, usize) {
        let open = |(at, case): &(usize, &Case)| {
            case.finding.state == finding::State::Open && case.pull_request.is_none() && self.told[*at].is_none()
        };
        let mut cases: Vec<&Case> = self.claim.cases.iter().enumerate().filter(open).map(|(_, case)| case).collect();
        cases.sort_by_key(|case| case.id);
        let others = cases.len().saturating_sub(onboarding::MAX_JUDGED) + self.claim.recorded;
        let judged = cases.into_iter().take(onboarding::MAX_JUDGED).map(|case| Answered {
            finding: case.finding.clone(),
            verdict: judge(catalog, &case.finding, self.policy()),
            proposed: None,
            note: None,
        });
        (judged.collect(), others)
    }

    fn open_introduction(&self, introduction: &Introduction, said: &mut Conclusion) -> Result<(), Trouble> {
        let (github, runtime) = (&self.job.github, &self.job.runtime);
        if let Turn::Later(at, why) = self.claim.standing.clone().next(&self.manner.limits, self.now) {
            tracing::info!(why = why.as_str(), "the introduction waits");
            // There may be no case whose time comes.
            said.dashboard = Dashboard::NotBefore(at);
            return Ok(());
        }
        let there = runtime.block_on(github.branch_head(&self.slug, introduction.branch()))?;
        if let Some(head) = &there
            && !self.introduces(head)?
        {
            tracing::warn!(branch = %introduction.branch(), "the branch holds somebody else's commit: there is no introduction");
            return Ok(());
        }
        check(self.lease)?;
        let made = github.ensure_introduction(&self.slug, there.as_ref(), &self.base, introduction);
        runtime.block_on(made)?;
        check(self.lease)?;
        let labels: Vec<&str> = self.manner.labels.iter().map(String::as_str).collect();
        let proposal = Opened {
            head: introduction.branch(),
            base: &self.target.branch,
            title: introduction.title(),
            body: introduction.body(),
            draft: false,
            labels: &labels,
        };
        let (opened, done) = runtime.block_on(github.open_pull_request(&self.slug, &proposal))?;
        said.learned.onboarding = Some(opened.number);
        said.opened += usize::from(done == Done::Changed);
        tracing::info!(number = opened.number, "introduced by a pull request");
        Ok(())
    }

    /// Tells whether a commit is an introduction of ours, left by a try that was cut off.
    fn introduces(&self, head: &CommitId) -> Result<bool, Trouble> {
        let commit = self.job.runtime.block_on(self.job.github.commit_info(&self.slug, head))?;
        let login = self.login()?;
        let by_us = commit.author.login.as_deref() == Some(&login) || commit.author.mail == mail(&login);
        Ok(by_us && onboarding::is_introducing(&commit.message))
    }

    /// Brings the report up to date, unless a person has edited the text.
    fn rewrite(&self, found: &PullRequest, introduction: &Introduction) -> Result<(), Trouble> {
        if onboarding::text_of(&found.title, &found.body) != Text::Ours {
            return Ok(());
        }
        check(self.lease)?;
        // What the latest commits are called may have changed meanwhile: that is no reason to rename it.
        let body = introduction.body_under(&found.title);
        let update = self.job.github.update_pull_request(&self.slug, found.number, None, Some(&body));
        self.job.runtime.block_on(update)?;
        Ok(())
    }

    /// Closes an introduction that is open although there is a configuration.
    fn end_introduction(&self) -> Result<(), Trouble> {
        if self.claim.forge.onboarding.is_none() {
            return Ok(());
        }
        let Some(found) = self.introduction()?.filter(|found| found.state == State::Open) else { return Ok(()) };
        let (github, runtime) = (&self.job.github, &self.job.runtime);
        check(self.lease)?;
        runtime.block_on(github.comment(&self.slug, found.number, COMMENT, NEEDLESS))?;
        runtime.block_on(github.close_pull_request(&self.slug, found.number, None))?;
        if let Ok(branch) = found.head.0.parse()
            && self.introduces(&found.head.1)?
        {
            match runtime.block_on(github.delete_branch(&self.slug, &branch, &found.head.1)) {
                Err(error @ (forge::Error::Moved { .. } | forge::Error::Rejected { .. })) => {
                    tracing::info!(%error, "the branch stays");
                }
                done => drop(done?),
            }
        }
        Ok(())
    }
}
