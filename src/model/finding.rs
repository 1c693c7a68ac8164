//! One report about one resource, whoever sent it.
//!
//! Names follow OCSF, SARIF and CloudEvents where those have one. All text in a finding is foreign: an attacker may have
//! worded it, so it is shown only escaped and never becomes a branch name, a path or a command.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::resource::ResourceId;

/// A report that a resource differs from its source, or breaks a rule.
///
/// Unknown members are ignored, so that a newer sender never fails against an older sourceward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The reporter's name for this finding; answers carry it back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What kind of wrong is reported.
    pub intent: Intent,
    /// Whether the trouble stands, or is over.
    #[serde(default, skip_serializing_if = "State::is_open")]
    pub state: State,
    /// The stack that declares the resource, where the sender knows it; else the owner is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The thing that the report is about.
    pub resource: ResourceId,
    /// Turns the declared resource into the live one (RFC 6902).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<json_patch::Patch>,
    /// The whole live object, where the sender gives it instead of a patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// The rule that a violation breaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// How bad the sender says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// RFC 3339 time at which it was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// RFC 3339 time of this report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Who changed the live resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What shortens the way to the source.
    #[serde(default, skip_serializing_if = "Hints::is_empty")]
    pub hints: Hints,
    /// Where the sender tells more: shown as text, never fetched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

/// What kind of wrong is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Declared and live differ: the live values are given, or can be fetched.
    Drift,
    /// A rule calls the resource bad: what it should be is for `remediations/` to say.
    Violation,
}

/// Whether the trouble stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It stands: act.
    #[default]
    Open,
    /// It is over: whatever is open for it can close.
    Resolved,
}

/// How bad the sender says it is; shown, never decided upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// The rule that a violation breaks, in the sender's own words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRef {
    /// The sender's rule id.
    pub id: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the rule found, for parameters of a remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
}

/// Who changed the live resource, as far as the sender knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// User or service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The tool it came through (`kubectl-edit`, `aws-cli`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// What a sender knows of the source; checked, never trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// The repository: `owner/name` or a clone URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit or branch that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The folder that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The Argo CD or Flux object that deploys it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The file that declares the resource, as the sender writes its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The first of the lines that declare it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The `yor_trace` that the resource is tagged with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Finding {
    /// A finding that says nothing more yet.
    pub fn about(intent: Intent, resource: ResourceId) -> Self {
        Self {
            id: String::new(),
            intent,
            state: State::Open,
            stack: None,
            resource,
            patch: None,
            live: None,
            rule: None,
            severity: None,
            title: None,
            first_seen: None,
            time: None,
            actor: None,
            hints: Hints::default(),
            links: Vec::new(),
        }
    }
}

impl Hints {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_least_form_reads_and_writes_back() {
        let least = json!({
            "id": "case-1", "intent": "drift", "stack": "shop/prod",
            "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}},
            "patch": [{"op": "replace", "path": "/spec/replicas", "value": 5}],
        });
        let finding: Finding = serde_json::from_value(least.clone()).expect("reads");
        assert_eq!(finding.state, State::Open);
        assert_eq!(serde_json::to_value(&finding).expect("writes"), least);
    }

    #[test]
    fn members_of_a_newer_sender_are_ignored() {
        let text = json!({"intent": "drift", "resource": {"terraform": {"address": "aws_vpc.a"}}, "novel": {"x": 1}});
        assert!(serde_json::from_value::<Finding>(text).is_ok());
        let wrong = json!({"intent": "tea", "resource": {"terraform": {"address": "aws_vpc.a"}}});
        assert!(serde_json::from_value::<Finding>(wrong).is_err());
    }
}
