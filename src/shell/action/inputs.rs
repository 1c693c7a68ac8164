//! The step's inputs, as `action.yml` hands them over: environment variables that begin with `SOURCEWARD_`, and what every
//! runner sets.

use std::{path::PathBuf, time::Duration};

use serde::de::DeserializeOwned;

use super::propose::Propose;
use crate::{
    model::secret::Secret,
    remedy::pull_request::marker::Tag,
    stack::config::pull_requests::{Limits, PullRequests},
};

/// Pull requests opened by one run, and open at once, unless the inputs say otherwise.
const OPEN: usize = 10;

/// What the step is to do.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Files of findings; `-` is standard input.
    pub findings: Vec<PathBuf>,
    /// Whose payloads they are.
    pub sender: String,
    /// The repository's work tree.
    pub repository: PathBuf,
    /// A folder of charts that are in no repository.
    pub charts: Option<PathBuf>,
    /// Terraform states, in which findings about cloud resources find their addresses.
    pub states: Vec<PathBuf>,
    /// A folder of further rules.
    pub rules: Option<PathBuf>,
    /// A folder of further senders.
    pub senders: Option<PathBuf>,
    /// Where the SARIF log is written.
    pub sarif: PathBuf,
    /// Where the answers are written, a JSON object a line.
    pub report: PathBuf,
    /// How pull requests are made; absent to make none.
    pub propose: Option<Propose>,
    /// Whether findings are shown at the lines of the source.
    pub annotate: bool,
    /// Which findings fail the step.
    pub fail_on: FailOn,
    /// The runner's file of outputs.
    pub outputs: Option<PathBuf>,
    /// The runner's file of the step's summary.
    pub summary: Option<PathBuf>,
}

/// Which findings fail the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// None: only what cannot be read or done fails it.
    Never,
    /// Those for which nothing can be proposed.
    Refused,
    /// All that the source does not settle already.
    Found,
}

impl Inputs {
    /// Reads the inputs; `environment` looks variables up. An input that is empty counts as not given, as in workflows.
    ///
    /// # Errors
    /// Every problem at once, each with the input's name.
    pub fn read(environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let variable = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let input = |name: &str| {
            let variable_name = format!("SOURCEWARD_{}", name.to_ascii_uppercase().replace('-', "_"));
            variable(&variable_name).map(|value| value.trim().to_owned())
        };
        let workspace = variable("GITHUB_WORKSPACE").map(PathBuf::from).unwrap_or_default();
        let temporary = variable("RUNNER_TEMP").map_or_else(std::env::temp_dir, PathBuf::from);
        // A path that is absolute stays as it is.
        let path = |text: String| workspace.join(text);
        let file = |text: String| if text == "-" { PathBuf::from(text) } else { path(text) };
        let findings: Vec<PathBuf> = lines(input("findings")).map(file).collect();
        if findings.is_empty() {
            problems.push("findings: name the file of findings, or several, a line each".to_owned());
        }
        let annotate = switch(&input, "annotations", true, &mut problems);
        let fail_on = match input("fail-on").as_deref() {
            None | Some("never") => FailOn::Never,
            Some("refused") => FailOn::Refused,
            Some("found") => FailOn::Found,
            Some(other) => {
                problems.push(format!("fail-on: expected never, refused or found, not {other:?}"));
                FailOn::Never
            }
        };
        let draft = switch(&input, "draft", false, &mut problems);
        let sign_off = switch(&input, "signoff", false, &mut problems);
        let sender = input("sender").unwrap_or_else(|| "generic".to_owned());
        let propose = match input("mode").as_deref() {
            None | Some("propose") => {
                let mut given = Given { input: &input, variable: &variable, problems: &mut problems };
                given.propose(&sender, draft, sign_off)
            }
            Some("report") => None,
            Some(other) => {
                problems.push(format!("mode: expected propose or report, not {other:?}"));
                None
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            findings,
            sender,
            propose,
            repository: path(input("path").unwrap_or_default()),
            charts: input("charts").map(&path),
            states: lines(input("state")).map(&path).collect(),
            rules: input("rules").map(&path),
            senders: input("senders").map(&path),
            sarif: input("sarif-file").map_or_else(|| temporary.join("sourceward.sarif"), &path),
            report: temporary.join("sourceward.ndjson"),
            annotate,
            fail_on,
            outputs: variable("GITHUB_OUTPUT").map(PathBuf::from),
            summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        })
    }
}

/// An input that is `true` or `false`.
fn switch(input: &dyn Fn(&str) -> Option<String>, name: &str, default: bool, problems: &mut Vec<String>) -> bool {
    match input(name).as_deref() {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(other) => {
            problems.push(format!("{name}: expected true or false, found {other:?}"));
            default
        }
    }
}

/// What was given, and what is wrong with it.
struct Given<'g> {
    input: &'g dyn Fn(&str) -> Option<String>,
    variable: &'g dyn Fn(&str) -> Option<String>,
    problems: &'g mut Vec<String>,
}

impl Given<'_> {
    fn propose(&mut self, sender: &str, draft: bool, sign_off: bool) -> Option<Propose> {
        let sign_commits = switch(self.input, "sign-commits", true, self.problems);
        let close_stale = switch(self.input, "close-stale", true, self.problems);
        let slug = self.needed("GITHUB_REPOSITORY", None);
        let server = self.needed("GITHUB_SERVER_URL", None);
        let api = self.needed("GITHUB_API_URL", None);
        let token = self.needed("token", (self.input)("token"));
        let branch = match (self.variable)("GITHUB_REF_TYPE").as_deref() {
            Some("branch") => (self.variable)("GITHUB_REF_NAME"),
            _ => None,
        };
        // In a run for a pull request, what is checked out is no branch that could be proposed to.
        let base = (self.input)("base").or_else(|| (self.variable)("GITHUB_BASE_REF")).or(branch);
        let base = self.needed("base", base);
        let open = (self.input)("max-open").unwrap_or_else(|| OPEN.to_string());
        let open: Option<usize> = open.parse().ok().filter(|open| (1..=1000).contains(open));
        if open.is_none() {
            self.problems.push("max-open: expected 1 to 1000".to_owned());
        }
        let minutes = (self.input)("timeout-minutes").unwrap_or_else(|| "10".to_owned());
        let minutes: Option<u64> = minutes.parse().ok().filter(|minutes| (1..=360).contains(minutes));
        if minutes.is_none() {
            self.problems.push("timeout-minutes: expected 1 to 360".to_owned());
        }
        let (slug, base): (Option<String>, Option<String>) = (slug, base);
        let mut reviewers = list((self.input)("reviewers"));
        let owner = slug.as_deref().and_then(|slug| slug.split('/').next()).unwrap_or_default().to_owned();
        reviewers.extend(list((self.input)("team-reviewers")).into_iter().map(|team| match team.contains('/') {
            true => team,
            false => format!("{owner}/{team}"),
        }));
        let labels = list((self.input)("labels"));
        let manner = PullRequests {
            branch_prefix: (self.input)("branch"),
            titles: self.word("titles"),
            labels: (!labels.is_empty()).then_some(labels),
            assignees: Some(list((self.input)("assignees"))),
            reviewers: Some(reviewers),
            draft: Some(draft),
            sign_off: Some(sign_off),
            limits: Some(Limits { open, per_hour: open, storm: None }),
            group: self.word("group"),
            dashboard: Some(false),
            ..PullRequests::default()
        };
        if let Err((member, what)) = manner.check() {
            self.problems.push(format!("{}: {what}", if member == "branch_prefix" { "branch" } else { member }));
        }
        let (slug, server) = (slug?, server?);
        Some(Propose {
            remote: format!("{}/{slug}.git", server.trim_end_matches('/')),
            slug: slug.parse().map_err(|error| self.problems.push(format!("GITHUB_REPOSITORY: {error}"))).ok()?,
            base: base?.parse().map_err(|error| self.problems.push(format!("base: {error}"))).ok()?,
            api: api?.trim_end_matches('/').to_owned(),
            token: Secret::new(token?),
            sender: sender.to_owned(),
            manner,
            sign_commits,
            scope: self.scope(sender),
            close_stale,
            patience: Duration::from_secs(60 * minutes?),
        })
    }

    /// Which report the findings are: what the workflow calls it, else the place in the workflow where it is made. A matrix
    /// makes a report of each of its jobs. Absent where neither can be told.
    fn scope(&self, sender: &str) -> Option<Tag> {
        let said = |name: &str| (self.input)(name).unwrap_or_default();
        let named = match (self.input)("scope") {
            Some(scope) => vec!["named".to_owned(), scope],
            None => {
                let workflow = (self.variable)("GITHUB_WORKFLOW_REF")?;
                let workflow = workflow.split('@').next().unwrap_or_default().to_owned();
                let temporary = (self.variable)("RUNNER_TEMP").unwrap_or_default();
                // The folder's name may be another one on every runner.
                let findings = said("findings").replace(&temporary, "");
                if lines(Some(findings.clone())).any(|file| file == "-") {
                    return None;
                }
                vec![workflow, (self.variable)("GITHUB_JOB")?, said("matrix"), said("path"), findings]
            }
        };
        Some(Tag::of(&serde_json::json!([sender, named]).to_string()))
    }

    /// A value that has to be there: an input's, or the variable of this name.
    fn needed(&mut self, name: &str, value: Option<String>) -> Option<String> {
        let value = value.or_else(|| (self.variable)(name));
        if value.is_none() {
            self.problems.push(format!("{name}: it is not given, and pull requests need it (mode: report makes none)"));
        }
        value
    }

    /// An input that is one of a few words.
    fn word<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let text = (self.input)(name)?;
        match serde_json::from_value(serde_json::Value::from(text)) {
            Ok(word) => Some(word),
            Err(error) => {
                self.problems.push(format!("{name}: {error}"));
                None
            }
        }
    }
}

/// The items of a list, separated by commas or lines.
fn list(input: Option<String>) -> Vec<String> {
    let text = input.unwrap_or_default();
    text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The lines of an input that are not empty.
fn lines(input: Option<String>) -> impl Iterator<Item = String> {
    let text = input.unwrap_or_default();
    let lines: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    lines.into_iter()
}
