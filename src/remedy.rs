//! What to do about a finding: the wanted state, the edit, the proof, the pull request.

pub mod confidential;
pub mod hands;
pub mod lifecycle;
pub mod markdown;
pub mod plan;
pub mod proof;
pub mod pull_request;
pub mod rule;
pub mod wanted;

use crate::{
    model::{
        change::script,
        finding::Finding,
        refusal::{Attempt, Code, Refusal},
        value::same,
    },
    stack::{catalog::Catalog, marks::Marks, owner},
};
use proof::Proved;

/// What became of a finding.
#[derive(Debug)]
pub enum Verdict {
    /// An edit was found and proved.
    Patched(Box<Proved>),
    /// The source already says what is wanted.
    InSync,
    /// Nothing was done, for a reason that a person can act on.
    Refused(Refusal),
}

/// Judges one finding against a repository whose stacks may not be known, for a reason that is then the verdict.
pub fn verdict(catalog: &Result<Catalog<'_>, Refusal>, finding: &Finding) -> Verdict {
    match catalog {
        Ok(catalog) => judge(catalog, finding),
        Err(refusal) => Verdict::Refused(refusal.clone()),
    }
}

/// Judges one finding against a repository. The same finding and repository give the same verdict.
pub fn judge(catalog: &Catalog<'_>, finding: &Finding) -> Verdict {
    match try_judge(catalog, finding) {
        Ok(verdict) => verdict,
        Err(refusal) => Verdict::Refused(refusal),
    }
}

fn try_judge(catalog: &Catalog<'_>, finding: &Finding) -> Result<Verdict, Refusal> {
    wanted::check(finding)?;
    let marks = finding.live.as_ref().map(Marks::of).unwrap_or_default().or(finding.hints.app.as_deref());
    let owned = owner::find_live(catalog, finding.stack.as_deref(), &finding.resource, &marks)?;
    let declared = owned.resource();
    let wanted = declared.settled(wanted::wanted(finding, &declared.value)?);
    if same(&declared.value, &wanted) {
        return Ok(Verdict::InSync);
    }
    if owned.is_successor {
        let (found, asked) = (&declared.id, &finding.resource);
        let message = format!("{asked} is not declared any more: {found} stands in its place, with another content");
        let hint = "nothing that is deployed from here reads it; remove it, or report what is declared now";
        let (file, line) = declared.declared_at();
        return Err(Refusal::new(Code::OwnerNotFound, message, hint).at(file, Some(line)));
    }
    let script_to = |wanted| script(&declared.value, wanted, &|at| wanted::merge_keys(&declared.id, at));
    let (wanted, hands) = hands::taken_over(finding, &declared.value, wanted.clone(), &script_to(&wanted))?;
    let steps = script_to(&wanted);
    let (mut first, mut tried) = (None, Vec::new());
    for (site, plan) in plan::plans(catalog, &owned, &steps, &wanted)? {
        match plan.and_then(|plan| proof::prove(catalog, &owned, &wanted, plan)) {
            Ok(proved) => return Ok(Verdict::Patched(Box::new(proved.by(hands)))),
            Err(refusal) => {
                tried.push(Attempt { site, why: refusal.message.clone() });
                first = first.or(Some(refusal));
            }
        }
    }
    let mut refusal: Refusal = first.expect("there is at least one plan, proved or refused");
    if tried.len() > 1 {
        refusal.tried = tried;
    }
    Err(refusal)
}
