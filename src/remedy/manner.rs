//! How pull requests of a repository are made: what its people and the operator say, with our defaults for the rest.

use super::{
    lifecycle::turn::Limits,
    pull_request::title::{Titles, is_conventional},
};
use crate::stack::config::pull_requests::{self as written, Group, PullRequests, Rebase};

/// Open pull requests of a repository, as Renovate has them.
const OPEN: usize = 10;

/// Openings of a repository and of an installation in an hour.
const HOURLY: usize = 2;
const HOURLY_OF_ALL: usize = 20;

/// Findings of one cause that are still opened one by one.
const STORM: usize = 20;

/// How branches begin.
const PREFIX: &str = "sourceward/";

/// The label that every pull request carries.
const LABEL: &str = "sourceward";

/// How pull requests are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How branches begin.
    pub prefix: String,
    /// How titles and commits are worded.
    pub titles: Titles,
    /// The labels of each.
    pub labels: Vec<String>,
    /// Who is assigned to each.
    pub assignees: Vec<String>,
    /// Whose review is asked for.
    pub reviewers: Vec<String>,
    /// Whether they are drafts.
    pub draft: bool,
    /// Whether commits are signed off.
    pub sign_off: bool,
    /// How many there may be.
    pub limits: Limits,
    /// Findings of one cause that are still opened one by one.
    pub storm: usize,
    /// Which findings share one.
    pub group: Group,
    /// When a branch is made anew.
    pub rebase: Rebase,
    /// Whether there is a dashboard.
    pub dashboard: bool,
    /// Whether there is a check.
    pub check: bool,
}

impl Manner {
    /// The manner of a repository. `subjects` are the first lines of its latest commits; `hourly_of_all` is the operator's
    /// limit for all repositories of an installation.
    pub fn of(
        repository: &PullRequests,
        operator: &PullRequests,
        hourly_of_all: Option<usize>,
        subjects: &[String],
    ) -> Self {
        let said = repository.or(operator);
        let limits = said.limits.unwrap_or_default();
        let titles = match said.titles.unwrap_or(written::Titles::Auto) {
            written::Titles::Plain => Titles::Plain,
            written::Titles::Conventional => Titles::Conventional,
            written::Titles::Auto => {
                let conventional = subjects.iter().filter(|subject| is_conventional(subject)).count();
                let most = conventional >= 3 && conventional * 2 > subjects.len();
                if most { Titles::Conventional } else { Titles::Plain }
            }
        };
        Self {
            prefix: said.branch_prefix.unwrap_or_else(|| PREFIX.to_owned()),
            titles,
            labels: said.labels.unwrap_or_else(|| vec![LABEL.to_owned()]),
            assignees: said.assignees.unwrap_or_default(),
            reviewers: said.reviewers.unwrap_or_default(),
            draft: said.draft.unwrap_or(false),
            sign_off: said.sign_off.unwrap_or(false),
            limits: Limits {
                open: limits.open.unwrap_or(OPEN),
                hourly: limits.per_hour.unwrap_or(HOURLY),
                hourly_of_all: hourly_of_all.unwrap_or(HOURLY_OF_ALL),
                quiet: said.quiet_hours.unwrap_or_default(),
            },
            storm: limits.storm.unwrap_or(STORM),
            group: said.group.unwrap_or_default(),
            rebase: said.rebase.unwrap_or_default(),
            dashboard: said.dashboard.unwrap_or(true),
            check: said.check.unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_comes_before_the_operator_and_both_before_us() {
        let read = |text: &str| serde_json::from_str::<PullRequests>(text).expect("a section");
        let repository = read(r#"{"labels": ["drift"], "limits": {"open": 3}}"#);
        let operator = read(r#"{"labels": ["bot"], "draft": true, "limits": {"open": 5, "per_hour": 7}}"#);
        let manner = Manner::of(&repository, &operator, Some(9), &[]);
        assert_eq!((manner.labels, manner.draft), (vec!["drift".to_owned()], true));
        let Limits { open, hourly, hourly_of_all, quiet } = manner.limits;
        assert_eq!((open, hourly, hourly_of_all, quiet.len(), manner.storm), (3, 7, 9, 0, STORM));
    }

    #[test]
    fn titles_follow_the_habit_of_the_repository() {
        let none = PullRequests::default();
        let of = |subjects: &[&str]| {
            let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
            Manner::of(&none, &none, None, &subjects).titles
        };
        assert_eq!(of(&["feat: a", "fix(ui)!: b", "chore: c", "Merge x"]), Titles::Conventional);
        assert_eq!(of(&["feat: a", "fix: b"]), Titles::Plain, "too few to tell");
        assert_eq!(of(&["feat: a", "fix: b", "docs: c", "Add", "Remove", "Update: all"]), Titles::Plain);
    }
}
