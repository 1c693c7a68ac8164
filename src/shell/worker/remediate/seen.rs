//! What runs, for cases that do not say it.
//!
//! It is read before anything is judged, so that every later step sees findings with their values; what was read ends with the
//! visit and is never stored.

use std::borrow::Cow;

use super::Remediation;
use crate::{
    model::{finding::Finding, refusal::Refusal},
    remedy::confidential::{self, redacted_text},
    shell::{
        live::Seen,
        store::{
            accept::Arrival,
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
        catalog: &Result<Catalog<'_>, Refusal>,
    ) -> (Cow<'c, Claim>, Vec<Option<Outcome>>) {
        if self.live.is_empty() {
            return (Cow::Borrowed(claim), vec![None; claim.cases.len()]);
        }
        let mut claim = claim.clone();
        let mut decided = Vec::new();
        for case in &mut claim.cases {
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
