//! Which drifts are held because a detector reports the same object.
//!
//! Reports of the claim itself count as what they turned out to be about; those of before are asked of the store, one look a
//! drift. What is proposed already when a report comes is judged again.

use std::collections::BTreeMap;

use super::{Remediation, Trouble, Visit};
use crate::{
    model::{
        finding::{Finding, Intent, State},
        resource::ResourceId,
    },
    remedy::policy::{self, Object},
    shell::store::{
        StoreError,
        case::{Case, CaseId},
        lease::{Claim, Conclusion, Outcome},
        read::Reader,
        suspicion::Suspected,
    },
};

/// What detectors report of the resources of a claim.
#[derive(Default)]
pub(super) struct Suspicions {
    /// The reports, each about the resource as it is named by what it may hold.
    pub(super) findings: Vec<Finding>,
    /// Their cases, in the same order.
    cases: Vec<CaseId>,
}

impl Remediation {
    /// The open reports about what the claim is about.
    pub(super) fn suspicions(&self, claim: &Claim) -> Result<Suspicions, Trouble> {
        let mut found = Suspicions::default();
        for case in detected(claim) {
            found.add(case.id, case.finding.clone());
        }
        let drifted = claim.cases.iter().map(|case| &case.finding);
        let drifted = drifted.filter(|finding| finding.intent == Intent::Drift && finding.state == State::Open);
        let objects: BTreeMap<Object, &ResourceId> =
            drifted.map(|finding| (Object::of(&finding.resource), &finding.resource)).collect();
        if objects.is_empty() {
            return Ok(found);
        }
        let reader = Reader::open(&self.data)?;
        for (object, resource) in objects {
            if let Some(case) = reader.suspicion(&claim.repository, &object)? {
                // It may have been reported by another name.
                found.add(case.id, Finding { resource: resource.clone(), ..case.finding });
            }
        }
        Ok(found)
    }
}

impl Suspicions {
    fn add(&mut self, case: CaseId, finding: Finding) {
        self.cases.push(case);
        self.findings.push(finding);
    }

    /// The case of the report that holds a resource.
    pub(super) fn holding(&self, resource: &ResourceId) -> Option<CaseId> {
        let object = Object::of(resource);
        let at = self.findings.iter().position(|finding| Object::of(&finding.resource).is_same(&object))?;
        Some(self.cases[at])
    }
}

impl Visit<'_> {
    /// Remembers what the reports of the claim are about, and has what is proposed of it judged again.
    pub(super) fn suspect(&self, said: &mut Conclusion) {
        for case in detected(self.claim) {
            let object = Object::of(&case.finding.resource);
            let is_of_it = |other: &&Case| {
                other.finding.intent == Intent::Drift && Object::of(&other.finding.resource).is_same(&object)
            };
            let proposed = self.claim.beside.iter().filter(is_of_it);
            said.wakes.extend(proposed.map(|case| (case.fingerprint.clone(), case.decision.clone())));
            said.suspected.push(Suspected::About(case.id, object));
        }
    }
}

/// The open reports of detectors in a claim.
fn detected(claim: &Claim) -> impl Iterator<Item = &Case> {
    claim.cases.iter().filter(|case| policy::is_detected(&case.sender, &case.finding))
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self(Outcome::Retry(format!("what detectors reported cannot be read: {error}")))
    }
}
