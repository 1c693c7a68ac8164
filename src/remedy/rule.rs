//! A rule: what breaks it, and what a resource that breaks it should be instead.
//!
//! Rules are data, `remediations/<domain>/<name>.yaml`, so that the same sentence decides two things: which patch answers a
//! violation, and which drift is never adopted because it would break a rule that the source keeps. Conditions are jq
//! programs over the resource. Adding a rule touches no Rust.

pub mod condition;
pub mod desired;
pub mod example;
pub mod file;
pub mod path;
pub mod set;

use crate::model::{finding::Severity, value::same};
use condition::{Condition, Fault};
use file::{Adoption, Companion, Example, Parameter};
use path::Path;
use serde_json::Value;

/// A rule that was read and checked.
#[derive(Debug)]
pub struct Rule {
    /// Its domain and name: `kubernetes/privileged`.
    pub id: String,
    /// What it asks for, in one sentence.
    pub title: String,
    /// How bad it is to break it.
    pub severity: Severity,
    /// Why, and what keeping it may cost.
    pub rationale: String,
    /// Benchmarks and documentation.
    pub references: Vec<String>,
    /// The rules of other products that mean the same, by product.
    pub matches: Vec<(String, Vec<String>)>,
    /// The kinds of Kubernetes objects, or the types of Terraform resources, that it speaks of.
    pub resources: Vec<String>,
    /// Whether a resource breaks it.
    when: Option<Condition>,
    /// Whether the step from one state of a resource to another weakens it.
    weakens: Option<Condition>,
    /// What a drift comes to that breaks it.
    pub adoption: Adoption,
    /// The changes that keep it.
    patch: Vec<Operation>,
    /// Resources that it takes beside the one that breaks it.
    pub companions: Vec<Companion>,
    /// Why it is not applied where it would do harm.
    declines: Vec<Decline>,
    /// What the operator may have to say.
    pub parameters: Vec<(String, Parameter)>,
    /// What it makes of some resources.
    pub examples: Vec<Example>,
}

/// One change of a rule's patch.
#[derive(Debug)]
struct Operation {
    action: Action,
    path: Path,
    of: Option<Condition>,
}

#[derive(Debug)]
enum Action {
    /// Puts a value in place; with `keep` only where there is none.
    Add { value: New, keep: bool },
    /// Puts a value in the place of another.
    Replace(New),
    /// Takes a value away.
    Remove,
}

/// A value that is put in place.
#[derive(Debug)]
enum New {
    /// This, with what parameters stand for.
    Said(Value),
    /// What a program makes of the selected item.
    Computed(Condition),
}

#[derive(Debug)]
struct Decline {
    when: Option<Condition>,
    because: String,
}

/// Why a rule does not tell what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rule {rule}: {what}")]
pub struct RuleError {
    /// The rule.
    pub rule: String,
    /// What is wrong, for whoever wrote it.
    pub what: Fault,
}

impl Rule {
    /// Tells whether it speaks of a kind of object, or of a type of resource.
    pub fn speaks_of(&self, kind: &str) -> bool {
        self.resources.iter().any(|known| known == kind)
    }

    /// Tells whether a resource breaks it; nothing where it only compares.
    ///
    /// # Errors
    /// Where the condition fails.
    pub fn is_broken_by(&self, resource: &Value) -> Result<Option<bool>, RuleError> {
        self.when.as_ref().map(|when| when.holds(resource)).transpose().map_err(|what| self.error(what))
    }

    /// Tells whether `live` breaks the rule where `declared` does not, or in more instances, or is a step that it forbids.
    ///
    /// # Errors
    /// Where a condition fails.
    pub fn is_weakened(&self, declared: &Value, live: &Value) -> Result<bool, RuleError> {
        if self.adoption == Adoption::Allow || same(declared, live) {
            return Ok(false);
        }
        if let Some(when) = &self.when {
            let failed = |what| self.error(what);
            let found = when.instances(live).map_err(failed)?;
            if !found.is_empty() {
                let known = when.instances(declared).map_err(failed)?;
                if found.iter().any(|one| !known.iter().any(|known| same(known, one))) {
                    return Ok(true);
                }
            }
        }
        let Some(weakens) = &self.weakens else { return Ok(false) };
        let both = serde_json::json!({"declared": declared, "live": live});
        weakens.holds(&both).map_err(|what| self.error(what))
    }

    /// Tells whether it says what a resource that breaks it should be.
    pub fn has_remedy(&self) -> bool {
        !self.patch.is_empty() || !self.companions.is_empty()
    }

    fn error(&self, what: Fault) -> RuleError {
        RuleError { rule: self.id.clone(), what }
    }
}

impl RuleError {
    /// The error without what a program said: that may quote any value of the resource, and goes to nobody but who writes rules.
    pub fn untold(&self) -> Self {
        let what = match &self.what {
            Fault::Said(_) => Fault::Found("its program fails over this resource".to_owned()),
            found @ Fault::Found(_) => found.clone(),
        };
        Self { rule: self.rule.clone(), what }
    }
}
