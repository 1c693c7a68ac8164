//! How the people of a repository want its pull requests. What they do not say, the operator of the server says, and else we.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quiet::Window;
use crate::model::repository::BranchName;

/// The most names of a list.
const MAX_NAMES: usize = 15;

/// The characters of a label: GitHub takes 50.
const MAX_LABEL: usize = 50;

/// The section `pull_requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PullRequests {
    /// How branches begin: `sourceward/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_prefix: Option<String>,
    /// How titles and commits are worded; `auto` looks at the latest commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titles: Option<Titles>,
    /// The labels of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Who is assigned to each, by login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignees: Option<Vec<String>>,
    /// Whose review is asked for, beside the code owners that GitHub asks itself: logins, and teams as `owner/team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewers: Option<Vec<String>>,
    /// Whether they are opened as drafts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// Whether commits are signed off (Developer Certificate of Origin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_off: Option<bool>,
    /// How many there may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// When none is opened, in UTC: `22:00-06:00`, `fri 18:00-24:00`, `sat-sun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<Vec<Window>>,
    /// Which findings share one. Those of one resource, or that change the same line, always do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// When a branch is made anew because its base has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebase: Option<Rebase>,
    /// Whether an issue lists what is open, waiting, refused and ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<bool>,
    /// Whether the check `sourceward / proof` is shown on their heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<bool>,
}

/// How many pull requests there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub open: Option<usize>,
    /// Opened within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub per_hour: Option<usize>,
    /// Findings of one cause that come at once and are still opened one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub storm: Option<usize>,
}

/// How titles and commits are worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Titles {
    /// As most of the latest commits are.
    Auto,
    /// `Set spec.replicas of Deployment shop/cart to 5`.
    Plain,
    /// `fix(drift): set spec.replicas of Deployment shop/cart to 5`.
    Conventional,
}

/// Which findings share a pull request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Those of one resource, or that change the same line.
    #[default]
    Resource,
    /// All of one stack as well.
    Stack,
    /// All of one rule as well; drift has none.
    Rule,
    /// All of one cause as well: a rule, or the same field of the same kind.
    Cause,
}

/// When a branch is made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rebase {
    /// When the base has moved under an edited file, or the edit would be another one: what a merge would give was not proved.
    #[default]
    WhenTouched,
    /// Whenever the base has moved, for repositories that demand branches to be up to date.
    Always,
}

impl PullRequests {
    /// What is wrong with it, with the member that it is about.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(prefix) = &self.branch_prefix {
            let fits = prefix.len() <= 60
                && prefix.ends_with(['/', '-', '_'])
                && format!("{prefix}x").parse::<BranchName>().is_ok()
                && !matches!(prefix.as_str(), "main/" | "master/");
            if !fits {
                let what = format!("{prefix:?} begins no branch of ours: expected for example \"sourceward/\"");
                return Err(("branch_prefix", what));
            }
        }
        let lists = [("labels", &self.labels), ("assignees", &self.assignees), ("reviewers", &self.reviewers)];
        for (member, names) in lists.map(|(member, names)| (member, names.as_deref().unwrap_or_default())) {
            if names.len() > MAX_NAMES {
                return Err((member, format!("{} names, at most {MAX_NAMES} are taken", names.len())));
            }
            let fits = |name: &&String| match member {
                "labels" => {
                    !name.trim().is_empty()
                        && name.chars().count() <= MAX_LABEL
                        && !name.contains(|c: char| c.is_control())
                }
                "reviewers" => {
                    name.split_once('/').map_or(is_login(name), |(owner, team)| is_login(owner) && is_slug(team))
                }
                _ => is_login(name),
            };
            if let Some(bad) = names.iter().find(|name| !fits(name)) {
                return Err((member, format!("{bad:?} is none that GitHub takes")));
            }
        }
        if self.quiet_hours.as_ref().is_some_and(|windows| windows.len() > MAX_NAMES) {
            return Err(("quiet_hours", format!("at most {MAX_NAMES} windows are taken")));
        }
        let limits = self.limits.unwrap_or_default();
        if [limits.open, limits.per_hour, limits.storm].into_iter().flatten().any(|limit| !(1..=1000).contains(&limit))
        {
            return Err(("limits", "a limit is between 1 and 1000".to_owned()));
        }
        Ok(())
    }

    /// The same, with what it does not say taken from another.
    pub fn or(&self, other: &Self) -> Self {
        let (mine, theirs) = (self.limits.unwrap_or_default(), other.limits.unwrap_or_default());
        Self {
            branch_prefix: self.branch_prefix.clone().or_else(|| other.branch_prefix.clone()),
            titles: self.titles.or(other.titles),
            labels: self.labels.clone().or_else(|| other.labels.clone()),
            assignees: self.assignees.clone().or_else(|| other.assignees.clone()),
            reviewers: self.reviewers.clone().or_else(|| other.reviewers.clone()),
            draft: self.draft.or(other.draft),
            sign_off: self.sign_off.or(other.sign_off),
            limits: Some(Limits {
                open: mine.open.or(theirs.open),
                per_hour: mine.per_hour.or(theirs.per_hour),
                storm: mine.storm.or(theirs.storm),
            }),
            quiet_hours: self.quiet_hours.clone().or_else(|| other.quiet_hours.clone()),
            group: self.group.or(other.group),
            rebase: self.rebase.or(other.rebase),
            dashboard: self.dashboard.or(other.dashboard),
            check: self.check.or(other.check),
        }
    }
}

fn is_login(name: &str) -> bool {
    !name.is_empty() && name.len() <= 45 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_slug(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
