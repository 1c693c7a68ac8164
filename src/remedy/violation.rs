//! What a resource should be that breaks a rule: the way from a sender's rule to ours, and to the wanted resource.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    confidential::redacted_text,
    policy::{Policy, failed},
    rule::{
        Rule,
        desired::{Asked, Silent},
    },
};
use crate::model::{
    finding::Finding,
    refusal::{Code, Refusal},
    resource::ResourceId,
    value::same,
};

/// The rules that answer a violation.
#[derive(Debug)]
pub struct Answer<'a> {
    finding: &'a Finding,
    rules: Vec<&'a Rule>,
    asked: Asked<'a>,
}

/// What the rules make of a resource.
#[derive(Debug)]
pub enum Remedied<'a> {
    /// It breaks none of them.
    Kept,
    /// It should be this.
    Wanted(Value),
    /// It needs the companions of these rules beside it.
    Accompanied(Vec<&'a Rule>),
}

impl<'a> Answer<'a> {
    /// The rules that answer a finding.
    ///
    /// # Errors
    /// `no-rule` where none does.
    pub fn to(
        policy: Policy<'a>,
        finding: &'a Finding,
        parameters: &'a BTreeMap<String, Value>,
    ) -> Result<Self, Refusal> {
        let rule = finding.rule.as_ref();
        let rules: Vec<&Rule> = rule.map_or_else(Vec::new, |rule| policy.rules.answering(&rule.id).collect());
        if rules.is_empty() {
            return Err(no_rule(finding));
        }
        let container = rule.and_then(|rule| rule.params.as_ref()?.get("container")?.as_str());
        Ok(Self { finding, rules, asked: Asked { parameters, container } })
    }

    /// Tells whether a rule of the answer speaks of a resource.
    pub fn speaks_of(&self, resource: &ResourceId) -> bool {
        resource.kind().is_some_and(|kind| self.rules.iter().any(|rule| rule.speaks_of(&kind)))
    }

    /// Refuses a kind of resource that no rule of the answer speaks of, before it is looked for.
    ///
    /// # Errors
    /// `no-rule`.
    pub fn check(&self, resource: &ResourceId) -> Result<(), Refusal> {
        if resource.kind().is_some() && !self.speaks_of(resource) { Err(no_rule(self.finding)) } else { Ok(()) }
    }

    /// What the rules make of a resource.
    ///
    /// # Errors
    /// `no-rule` where none speaks of it or has a remedy, `rule-declines`, `needs-parameter`, `rule-failed`.
    pub fn remedied(&self, resource: &ResourceId, declared: &Value) -> Result<Remedied<'a>, Refusal> {
        let kind = resource.kind().unwrap_or_default();
        let rules: Vec<&Rule> = self.rules.iter().copied().filter(|rule| rule.speaks_of(&kind)).collect();
        if rules.is_empty() {
            return Err(no_rule(self.finding));
        }
        let (mut wanted, mut beside) = (declared.clone(), Vec::new());
        let mut is_kept = true;
        for rule in rules {
            let broken = rule.is_broken_by(declared).map_err(|error| failed(&error))?;
            if broken == Some(false) {
                continue;
            }
            is_kept = false;
            let before = wanted.clone();
            wanted = rule.desired(&wanted, self.asked).map_err(|silent| refusal(rule, resource, silent))?;
            let took = !same(&before, &wanted);
            let still = rule.is_broken_by(&wanted).map_err(|error| failed(&error))? != Some(false);
            if !rule.companions.is_empty() {
                beside.push(rule);
            } else if !took || still && self.asked.container.is_none() {
                let because = "its patch does not settle how this resource breaks it".to_owned();
                return Err(refusal(rule, resource, Silent::Declined(because)));
            }
        }
        Ok(match (is_kept, beside.is_empty()) {
            (true, _) => Remedied::Kept,
            (false, true) => Remedied::Wanted(wanted),
            (false, false) => Remedied::Accompanied(beside),
        })
    }

    /// The refusal that the resource keeps the rules as it is rendered, though a scanner of the source says otherwise.
    pub fn disputed(&self, resource: &ResourceId) -> Refusal {
        let rules: Vec<&str> = self.rules.iter().map(|rule| rule.id.as_str()).collect();
        let message = format!("as it is rendered here, {resource} keeps {}", rules.join(", "));
        let hint = "the scanner reads the source otherwise: compare with `sourceward render`, or suppress the finding";
        Refusal::new(Code::RuleDisputed, message, hint)
    }
}

fn no_rule(finding: &Finding) -> Refusal {
    let rule = finding.rule.as_ref().map_or("that it breaks", |rule| &rule.id);
    Refusal::new(
        Code::NoRule,
        format!("no remediation says what {} should be under the rule {rule}", finding.resource),
        "send the wanted change as a drift with a patch, write a rule of your own, or mend the source by hand",
    )
}

fn refusal(rule: &Rule, resource: &ResourceId, silent: Silent) -> Refusal {
    let (id, by_hand) = (&rule.id, "mend the source by hand");
    match silent {
        Silent::NoRemedy => {
            let message =
                format!("no remediation says what {resource} should be under {id}: it only says what breaks it");
            Refusal::new(Code::NoRule, message, by_hand)
        }
        Silent::Declined(because) => {
            let because = redacted_text(&because);
            Refusal::new(Code::RuleDeclines, format!("{id} is not applied to {resource}: {because}"), by_hand)
        }
        Silent::Parameter { name, description } => {
            let description = redacted_text(&description);
            let message = format!("{id} needs the parameter {name}: {description}");
            let hint = format!("say it under `parameters: {{{name}: …}}` in .github/sourceward.yaml");
            Refusal::new(Code::NeedsParameter, message, hint)
        }
        Silent::Failed(error) => failed(&error),
    }
}
