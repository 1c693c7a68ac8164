//! What a report that is complete says of the pull requests that earlier ones led to.
//!
//! Whoever remembers no findings, as a step of a workflow, can tell that one is over only because it is not reported any more.
//! That is believed of a report of the same scope that looked at the same thing again: one that did not may be of another root
//! module, of a part of the repository, or broken.

use std::collections::{BTreeMap, BTreeSet};

use super::ending::Ending;
use crate::{
    model::{
        finding::{Finding, Intent},
        resource::ResourceId,
    },
    remedy::pull_request::marker::{Origin, Tag},
};

/// A report of all that is wrong with what was looked at.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which report it is.
    pub scope: Tag,
    /// What was looked at, found wrong or not.
    pub looked_at: BTreeSet<Tag>,
    /// What it found, by the tag of the trouble.
    pub found: BTreeMap<Tag, Vec<Found>>,
}

/// What became of a finding of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The source settles it already.
    InSync,
    /// The open pull request of this number proposes to mend it.
    ProposedBy(u64),
    /// It stands, and nothing open mends it.
    Stands,
}

/// The trouble that a finding tells of: a rule, or drift, and the resource. Neither fields nor lines enter it, as they move
/// while the trouble is still the same.
pub fn trouble(finding: &Finding) -> Tag {
    let cause = match (finding.intent, &finding.rule) {
        (Intent::Violation, Some(rule)) => format!("rule {}", rule.id),
        (Intent::Violation, None) => "rule".to_owned(),
        (Intent::Drift, _) => "drift".to_owned(),
    };
    Tag::of(&format!("{cause}\n{}", name(&finding.resource)))
}

/// What the sender looked at to find it: the file where the sender names one, else the resource.
pub fn place(finding: &Finding) -> Tag {
    Tag::of(&finding.hints.file.clone().unwrap_or_else(|| name(&finding.resource)))
}

/// The resource as it is shown, but without the line of a file.
fn name(resource: &ResourceId) -> String {
    match resource {
        ResourceId::File(file) => file.path.clone(),
        other => other.to_string(),
    }
}

/// Of which report the pull request of these findings is.
pub fn origin<'f>(scope: &Tag, findings: impl Iterator<Item = &'f Finding>) -> Origin {
    Origin { scope: scope.clone(), mends: findings.map(|finding| (trouble(finding), place(finding))).collect() }
}

impl Report {
    /// Why an open pull request is over; absent where it is not, or where this report cannot tell.
    pub fn ending(&self, number: u64, origin: &Origin) -> Option<Ending> {
        if origin.scope != self.scope || origin.mends.is_empty() {
            return None;
        }
        let (mut by, mut in_sync) = (None, false);
        for (trouble, place) in &origin.mends {
            let found = self.found.get(trouble).map(Vec::as_slice).unwrap_or_default();
            if found.is_empty() && !self.looked_at.contains(place) {
                return None;
            }
            for one in found {
                match one {
                    Found::InSync => in_sync = true,
                    Found::ProposedBy(other) if *other != number => by = by.or(Some(*other)),
                    Found::ProposedBy(_) | Found::Stands => return None,
                }
            }
        }
        Some(match by {
            Some(by) => Ending::Superseded(by),
            None if in_sync => Ending::FixedOtherwise,
            None => Ending::NotReported,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_report_of_the_same_scope_that_looked_again_ends_a_pull_request() {
        let tag = |text: &str| Tag::of(text);
        let origin = |scope: &str, mends: &[(&str, &str)]| Origin {
            scope: tag(scope),
            mends: mends.iter().map(|(trouble, place)| (tag(trouble), tag(place))).collect(),
        };
        let report = Report {
            scope: tag("plan of prod"),
            looked_at: ["healed", "healed too", "elsewhere", "drifted", "fixed"].map(tag).into(),
            found: [
                ("drift of drifted", vec![Found::ProposedBy(7)]),
                ("drift of elsewhere", vec![Found::ProposedBy(8)]),
                ("drift of refused", vec![Found::ProposedBy(8), Found::Stands]),
                ("drift of fixed", vec![Found::InSync]),
            ]
            .map(|(trouble, found)| (tag(trouble), found))
            .into(),
        };
        let (healed, fixed) = (("drift of healed", "healed"), ("drift of fixed", "fixed"));
        let elsewhere = ("drift of elsewhere", "elsewhere");
        for (mends, expected) in [
            (vec![healed], Some(Ending::NotReported)),
            (vec![healed, ("drift of healed too", "healed too")], Some(Ending::NotReported)),
            (vec![healed, fixed], Some(Ending::FixedOtherwise)),
            (vec![healed, elsewhere], Some(Ending::Superseded(8))),
            (vec![healed, ("drift of drifted", "drifted")], None),
            (vec![healed, ("drift of refused", "refused")], None),
            (vec![healed, ("drift of unseen", "unseen")], None),
            (Vec::new(), None),
        ] {
            assert_eq!(report.ending(7, &origin("plan of prod", &mends)), expected, "{mends:?}");
            assert_eq!(report.ending(7, &origin("plan of test", &mends)), None, "{mends:?}");
        }
    }
}
