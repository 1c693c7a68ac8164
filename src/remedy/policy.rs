//! What is never adopted: a drift that breaks a rule which the source keeps, and whatever a detector has just reported.
//!
//! A drift may be an attack or a mistake; writing it into the source would make it permanent with a reviewer's blessing. So
//! the rules that answer violations also decide here, over the declared resource and what it would become. A condition that
//! fails holds the drift as well: what cannot be judged is not taken over.

use serde_json::Value;

use super::{
    confidential::{is_withheld, redacted_text},
    rule::{Rule, RuleError, set::Rules},
};
use crate::{
    model::{
        diff::{FieldChange, differences},
        finding::{Finding, Intent, State},
        refusal::{Code, Refusal},
        resource::ResourceId,
        value::shown,
    },
    stack::config::Allowed,
};

/// The fields that a refusal names at most.
const MAX_FIELDS: usize = 5;

/// The senders that tell of something that happened, rather than of how something is.
const DETECTORS: [&str; 5] = ["falco", "falcosidekick", "guardduty", "sysdig", "tetragon"];

/// Tells whether a sender's finding is a suspicion: the sender detects what happens, or says of this finding that it was detected
/// (`rule.params.detected`), as those that pass on reports of several kinds do.
pub fn is_detected(sender: &str, finding: &Finding) -> bool {
    let said = || finding.rule.as_ref().and_then(|rule| rule.params.as_ref()?.get("detected")?.as_bool());
    is_suspicion(finding) && (is_detector(sender) || said() == Some(true))
}

/// Tells whether a sender tells of nothing but what happened.
pub fn is_detector(sender: &str) -> bool {
    DETECTORS.contains(&sender)
}

/// What a suspicion is about: an object by its kind and name, and its namespace where it is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Kind and name, without the version of an API.
    pub name: String,
    /// The namespace; absent where nobody says it, and then any may be meant.
    pub namespace: Option<String>,
}

impl Object {
    /// The object of a resource.
    pub fn of(resource: &ResourceId) -> Self {
        match resource {
            ResourceId::Kubernetes(id) => Self {
                name: format!("kubernetes {}/{} {}", id.group(), id.kind, id.name),
                namespace: id.namespace.clone(),
            },
            ResourceId::Terraform(id) => Self { name: format!("terraform {}", id.address), namespace: None },
            other => Self { name: other.to_string(), namespace: None },
        }
    }

    /// Whether two names mean one object.
    pub fn is_same(&self, other: &Self) -> bool {
        let anywhere = self.namespace.is_none() || other.namespace.is_none() || self.namespace == other.namespace;
        anywhere && self.name == other.name
    }
}

/// What decides besides the repository and the finding.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'p> {
    /// The rules.
    pub rules: &'p Rules,
    /// What detectors have reported and is open: see [`is_suspicion`].
    pub suspicions: &'p [Finding],
}

impl<'p> Policy<'p> {
    /// The rules, and no suspicion.
    pub fn of(rules: &'p Rules) -> Self {
        Self { rules, suspicions: &[] }
    }

    /// Refuses a change of a resource that weakens it.
    ///
    /// # Errors
    /// `weakens-security`, naming the rule and what to put back; `rule-failed` where a rule cannot tell.
    pub fn refuse_weakening(
        &self,
        (stack, allowed): (&str, &[Allowed]),
        resource: &ResourceId,
        declared: &Value,
        live: &Value,
    ) -> Result<(), Refusal> {
        let Some(kind) = resource.kind() else { return Ok(()) };
        for rule in self.rules.about(&kind) {
            if !rule.is_weakened(declared, live).map_err(|error| failed(&error))? {
                continue;
            }
            if allowed.iter().any(|allowed| allowed.rule == rule.id && allowed.stack == stack) {
                continue;
            }
            return Err(weakens(rule, stack, resource, declared, live));
        }
        Ok(())
    }

    /// Refuses to take over anything of an object that a detector reports.
    ///
    /// # Errors
    /// `under-suspicion`, naming the report.
    pub fn refuse_suspect(&self, resource: &ResourceId) -> Result<(), Refusal> {
        let object = Object::of(resource);
        let of_it = |finding: &&Finding| is_suspicion(finding) && Object::of(&finding.resource).is_same(&object);
        let Some(suspicion) = self.suspicions.iter().find(of_it) else { return Ok(()) };
        let rule = suspicion.rule.as_ref().map_or("a detector's rule", |rule| &rule.id);
        let message = format!("{resource} is reported for {rule}: nothing of its live state is taken over meanwhile");
        let hint = "look into that report first; when it is over (its sender says so, or `sourceward findings resolve CASE`), the \
                    drift is judged again";
        Err(Refusal::new(Code::UnderSuspicion, message, hint))
    }
}

/// Tells whether a finding speaks of something that happened, rather than of how something is declared: a violation that is
/// open and names no place in the source.
pub fn is_suspicion(finding: &Finding) -> bool {
    finding.intent == Intent::Violation && finding.state == State::Open && finding.hints.file.is_none()
}

/// Why nothing is done about a report of what happened, where the source asks for nothing of the kind.
pub fn kept_by_source(suspicion: &Finding) -> Refusal {
    let (resource, rule) = (&suspicion.resource, suspicion.rule.as_ref().map_or("a detector's rule", |rule| &rule.id));
    let message = format!("the source does not ask for what {rule} reports of {resource}: it happened in what runs");
    let hint = "look into it; meanwhile no drift of it is taken over, until the report is over (its sender says so, or \
                `sourceward findings resolve CASE`)";
    Refusal::new(Code::UnderSuspicion, message, hint)
}

/// A rule that could not tell.
pub(super) fn failed(error: &RuleError) -> Refusal {
    let what = error.untold().to_string();
    let hint = "mend the rule: `sourceward rules test --rules DIR` runs its examples";
    Refusal::new(Code::RuleFailed, what, hint)
}

fn weakens(rule: &Rule, stack: &str, resource: &ResourceId, declared: &Value, live: &Value) -> Refusal {
    let message = format!(
        "the live {resource} breaks the rule {}, which the source keeps: {}",
        rule.id,
        redacted_text(rule.title.trim_end_matches('.'))
    );
    let fields = differences(declared, live);
    let more = fields.len().saturating_sub(MAX_FIELDS);
    let named: Vec<String> = fields.iter().take(MAX_FIELDS).map(put_back).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let hint = format!(
        "the source is right: find out who changed it, and put back {}{more} by deploying {stack} again; a drift that is meant \
         is made in the source, or allowed by {} and {stack} in .github/sourceward.yaml",
        named.join(", "),
        rule.id
    );
    Refusal::new(Code::WeakensSecurity, message, hint)
}

/// A field and what the source says of it.
fn put_back(field: &FieldChange) -> String {
    match &field.before {
        None | Some(Value::Null) => format!("{} (absent)", field.path),
        Some(value) if is_withheld(value) => field.path.to_string(),
        Some(value) => format!("{} ({})", field.path, shown(value, 40)),
    }
}
