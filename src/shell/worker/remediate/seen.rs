//! What runs, for cases that do not say it, and what declares it, for those that name it as its cloud does.
//!
//! It is read before anything is judged, so that every later step sees findings with their values; what was read ends with the
//! visit and is never stored.

use std::borrow::Cow;

use super::Remediation;
use crate::{
    engine::terraform::state::Located,
    model::{
        finding::{self, Finding},
        refusal::Refusal,
        resource::ResourceId,
    },
    remedy::confidential::{self, redacted_text},
    shell::{
        live::{Seen, states::States},
        store::{
            accept::Arrival,
            case::Case,
            lease::{Claim, Outcome},
        },
    },
    stack::{catalog::Catalog, owner},
};

impl Remediation {
    /// The claim with the live values that could be read, and for each case what becomes of it where the live state, or that
    /// it cannot be read now, decides that.
    pub(super) fn seen<'c>(
        &self,
        claim: &'c Claim,
        states: &States,
        catalog: &Result<Catalog<'_>, Refusal>,
    ) -> (Cow<'c, Claim>, Vec<Option<Outcome>>) {
        let is_located = |case: &Case| in_cloud(&case.finding) && !states.is_empty();
        if self.live.is_empty() && !claim.cases.iter().any(is_located) {
            return (Cow::Borrowed(claim), vec![None; claim.cases.len()]);
        }
        let mut claim = claim.clone();
        let known = claim.cases.iter().any(is_located).then(|| self.runtime.block_on(states.read()));
        let mut decided = Vec::new();
        for case in &mut claim.cases {
            if let (Some(known), true, ResourceId::Cloud(id)) =
                (&known, in_cloud(&case.finding), &case.finding.resource)
            {
                let trace = case.finding.hints.trace.as_deref();
                match known.as_ref().map_err(Clone::clone).and_then(|known| known.address(id, trace)) {
                    Ok(Located { id, stack }) => {
                        case.finding.resource = ResourceId::Terraform(id);
                        case.finding.stack = case.finding.stack.take().or(stack);
                    }
                    Err(refusal) => {
                        decided.push(Some(Outcome::Refused(refusal)));
                        continue;
                    }
                }
            }
            let cluster = catalog.as_ref().ok().and_then(|catalog| {
                let owned = owner::find(catalog, case.finding.stack.as_deref(), &case.finding.resource).ok()?;
                catalog.stack(owned.stack).cluster.clone()
            });
            let seen = self.runtime.block_on(self.live.see(&case.finding, cluster.as_deref()));
            decided.push(match seen {
                Ok(Seen::AsReported) => None,
                Ok(Seen::Completed(finding)) => {
                    case.finding = *finding;
                    None
                }
                Ok(Seen::Over(note)) => Some(Outcome::Resolved(note)),
                Ok(Seen::Refused(refusal)) => Some(Outcome::Refused(refusal)),
                Ok(Seen::Several(findings)) => {
                    let note = format!("{} resources differ: each is a case of its own", findings.len());
                    let arrival =
                        |one: Finding| Arrival::new(one, Ok(claim.repository.clone()), confidential::withheld);
                    Some(Outcome::Split { note, arrivals: findings.into_iter().map(arrival).collect() })
                }
                // It may quote what was read.
                Err(error) => {
                    let why = redacted_text(&format!("{error:#}"));
                    Some(Outcome::Retry(format!("the live state cannot be read: {why}")))
                }
            });
        }
        (Cow::Owned(claim), decided)
    }
}

/// Whether a finding stands and names its resource as a cloud does.
fn in_cloud(finding: &Finding) -> bool {
    finding.state == finding::State::Open && matches!(finding.resource, ResourceId::Cloud(_))
}
