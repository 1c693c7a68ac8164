//! Writes the dashboard of a repository: from its cases to lines, and to the forge where something changed.

use std::collections::BTreeMap;

use super::{Trouble, Visit};
use crate::{
    model::{fingerprint::Fingerprint, resource::ResourceId},
    remedy::{
        confidential::redacted_text,
        dashboard::{self, Act, Entry, MARKER, Section, TITLE},
    },
    shell::{
        forge,
        store::{
            case::{Case, Standing, State},
            lease::{Conclusion, Dashboard},
            overview::Overview,
        },
    },
};

impl Visit<'_> {
    /// Writes the dashboard, where it is due and wanted.
    pub(super) fn write_board(&self, said: &mut Conclusion) -> Result<(), Trouble> {
        let Some(overview) = self.claim.overview.as_ref().filter(|overview| overview.is_due) else { return Ok(()) };
        said.dashboard = Dashboard::Written;
        if !self.manner.dashboard {
            return Ok(());
        }
        let (entries, totals) = entries(overview);
        let body = dashboard::body(&entries, &totals);
        let written = self.job.runtime.block_on(self.bring_in_line(&body, entries.is_empty()));
        match written {
            Ok(Some(number)) => said.learned.dashboard = Some(number),
            Ok(None) => {}
            Err(
                error @ (forge::Error::Denied { status: 403, .. }
                | forge::Error::NotFound { .. }
                | forge::Error::Rejected { .. }),
            ) => {
                tracing::warn!(%error, "the dashboard cannot be written: allow issues, or switch it off (pull_requests.dashboard)");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Finds our issue, or opens it where there is something to say; the number that it has.
    async fn bring_in_line(&self, body: &str, is_empty: bool) -> Result<Option<u64>, forge::Error> {
        let github = &self.job.github;
        let login = github.login().await?;
        let known = match self.claim.forge.dashboard {
            Some(number) => github.issue(&self.slug, number).await?,
            None => None,
        };
        let ours = |issue: &forge::issue::Issue| {
            issue.author.as_deref() == Some(login) && dashboard::is_dashboard(&issue.body)
        };
        let found = match known.filter(ours) {
            Some(found) => Some(found),
            None => github.own_issue(&self.slug, MARKER).await?,
        };
        match found {
            Some(issue) => {
                github.update_issue(&self.slug, &issue, body).await?;
                Ok(Some(issue.number))
            }
            None if is_empty => Ok(None),
            None => Ok(Some(github.open_issue(&self.slug, MARKER, TITLE, body).await?.0.number)),
        }
    }
}

/// The lines of the dashboard, and how many there are in all of each section.
fn entries(overview: &Overview) -> (Vec<Entry>, BTreeMap<Section, usize>) {
    let mut entries: Vec<Entry> = overview.cases.iter().filter_map(entry).collect();
    for (reason, count) in &overview.held {
        entries.push(Entry {
            section: Section::Storm,
            what: format!("{count} findings"),
            why: Some(reason.clone()),
            number: None,
            act: Some(Act::OpenStorm(Fingerprint::of_text(reason).to_string())),
        });
    }
    let mut totals: BTreeMap<Section, usize> = BTreeMap::new();
    for (state, count) in &overview.counts {
        // What is proposed is parted by what became of the pull request: of those the lines are counted.
        let section = match state {
            State::Waiting => Section::Waiting,
            State::Refused => Section::Refused,
            State::Dead => Section::GivenUp,
            _ => continue,
        };
        totals.insert(section, *count);
    }
    (entries, totals)
}

fn entry(case: &Case) -> Option<Entry> {
    let standing = case.proposal.as_ref().map(|proposal| proposal.standing);
    let of = || case.fingerprint.clone();
    let (section, act, why) = match (case.state, standing) {
        (State::Proposed, None | Some(Standing::Open)) => (Section::Open, Some(Act::Ignore(of())), None),
        (State::Proposed, Some(Standing::Theirs)) => {
            (Section::Open, None, Some("a person's commit is on the branch".to_owned()))
        }
        (State::Proposed, Some(Standing::Muted)) => {
            let by = case.decision.as_ref().map(|decision| format!("{} says that the source is right", decision.by));
            (Section::Ignored, Some(Act::Unignore(of())), by.or_else(|| Some("closed by a person".to_owned())))
        }
        // Merged: what runs will follow.
        (State::Proposed, Some(Standing::Merged)) => return None,
        (State::Waiting, _) => (Section::Waiting, Some(Act::OpenNow(of())), words(case)),
        (State::Refused, _) => (Section::Refused, Some(Act::Retry(of())), words(case)),
        (State::Dead, _) => (Section::GivenUp, Some(Act::Retry(of())), words(case)),
        (State::Ignored, _) => (Section::Ignored, Some(Act::Unignore(of())), words(case)),
        _ => return None,
    };
    let number = case.pull_request.as_ref().map(|known| known.number);
    Some(Entry { section, what: what(case), why, number, act })
}

fn what(case: &Case) -> String {
    let resource = match &case.finding.resource {
        ResourceId::Kubernetes(id) => {
            let namespace = id.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
            format!("{} {namespace}{}", id.kind, id.name)
        }
        other => other.to_string(),
    };
    let first = case.finding.patch.as_ref().and_then(|patch| patch.0.first()).map(|one| format!(" {}", one.path()));
    let rule = case.finding.rule.as_ref().map(|rule| format!(" {}", rule.id));
    redacted_text(&format!("{resource}{}", first.or(rule).unwrap_or_default()))
}

/// The reason of a case in words: a refusal's code and message, or what it waits for.
fn words(case: &Case) -> Option<String> {
    let reason = case.reason.as_ref()?;
    let text = match (reason.get("code").and_then(|code| code.as_str()), reason.get("message")) {
        (Some(code), Some(message)) => format!("{code}: {}", message.as_str().unwrap_or_default()),
        _ => reason.as_str()?.to_owned(),
    };
    Some(redacted_text(&text))
}
