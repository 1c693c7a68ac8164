//! Storms: one cause that raises findings by the hundred, of which nobody wants a pull request each.

use std::collections::BTreeMap;

/// What findings have in common, by which a storm is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause(String);

impl Cause {
    /// Of a finding: its rule, or what kind of thing differs in which field.
    pub fn of(finding: &crate::model::finding::Finding) -> Self {
        use crate::model::{finding::Intent, resource::ResourceId};
        let kind = match &finding.resource {
            ResourceId::Kubernetes(id) => id.kind.clone(),
            ResourceId::Terraform(id) => {
                let address = id.address.split('[').next().unwrap_or_default();
                address.rsplit('.').nth(1).unwrap_or_default().to_owned()
            }
            ResourceId::Cloud(id) => id.kind.clone(),
            ResourceId::Argocd(_) => "Application".to_owned(),
            ResourceId::Workspace(_) => "workspace".to_owned(),
            ResourceId::File(_) => "file".to_owned(),
        };
        match (&finding.rule, finding.intent) {
            (Some(rule), _) => Self(format!("rule {}", rule.id)),
            (None, Intent::Violation) => Self(format!("violation of {kind}")),
            (None, Intent::Drift) => {
                let first = finding.patch.as_ref().and_then(|patch| patch.0.first()).map(|op| op.path().to_string());
                Self(format!("drift of {kind} {}", first.unwrap_or_default()).trim_end().to_owned())
            }
        }
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The causes of which more findings than `limit` have no pull request yet: those get none by themselves, but one entry of
/// the dashboard, from which a person can have them opened.
pub fn storms<'c>(waiting: impl IntoIterator<Item = &'c Cause>, limit: usize) -> BTreeMap<&'c Cause, usize> {
    let mut counts: BTreeMap<&Cause, usize> = BTreeMap::new();
    for cause in waiting {
        *counts.entry(cause).or_default() += 1;
    }
    counts.retain(|_, count| *count > limit);
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_by_the_hundred_is_one_storm() {
        let of = |value: serde_json::Value| Cause::of(&serde_json::from_value(value).expect("a finding"));
        let drift = |name: &str, path: &str| {
            of(json!({
                "intent": "drift",
                "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
                "patch": [{"op": "remove", "path": path}],
            }))
        };
        let rule = of(json!({
            "intent": "violation", "rule": {"id": "CKV_AWS_1"},
            "resource": {"terraform": {"address": "module.a.aws_subnet.b[0]"}},
        }));
        assert_eq!(drift("a", "/spec/replicas").as_str(), "drift of Deployment /spec/replicas");
        assert_eq!(rule.as_str(), "rule CKV_AWS_1");
        let mut all: Vec<Cause> = (0..21).map(|number| drift(&number.to_string(), "/spec/replicas")).collect();
        all.extend((0..20).map(|number| drift(&number.to_string(), "/spec/paused")));
        assert_eq!(storms(&all, 20), BTreeMap::from([(&all[0], 21)]));
    }
}
