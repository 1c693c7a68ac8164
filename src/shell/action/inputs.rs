//! The step's inputs, as `action.yml` hands them over: environment variables that begin with `SOURCEWARD_`, and what every
//! runner sets.

use std::path::PathBuf;

/// What the step is to do.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Files of findings.
    pub findings: Vec<PathBuf>,
    /// Whose payloads they are.
    pub sender: String,
    /// The repository's work tree.
    pub repository: PathBuf,
    /// A folder of charts that are in no repository.
    pub charts: Option<PathBuf>,
    /// A folder of further senders.
    pub senders: Option<PathBuf>,
    /// Where the SARIF log is written.
    pub sarif: PathBuf,
    /// Where the answers are written, a JSON object a line.
    pub report: PathBuf,
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
        let findings: Vec<PathBuf> = lines(input("findings")).map(&path).collect();
        if findings.is_empty() {
            problems.push("findings: name the file of findings, or several, a line each".to_owned());
        }
        let mut switch = |name: &str, default: bool| match input(name).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                problems.push(format!("{name}: expected true or false, found {other:?}"));
                default
            }
        };
        let annotate = switch("annotations", true);
        let fail_on = match input("fail-on").as_deref() {
            None | Some("never") => FailOn::Never,
            Some("refused") => FailOn::Refused,
            Some("found") => FailOn::Found,
            Some(other) => {
                problems.push(format!("fail-on: expected never, refused or found, not {other:?}"));
                FailOn::Never
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            findings,
            sender: input("sender").unwrap_or_else(|| "generic".to_owned()),
            repository: path(input("path").unwrap_or_default()),
            charts: input("charts").map(&path),
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

/// The lines of an input that are not empty.
fn lines(input: Option<String>) -> impl Iterator<Item = String> {
    let text = input.unwrap_or_default();
    let lines: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    lines.into_iter()
}
