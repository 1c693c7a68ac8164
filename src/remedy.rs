//! What to do about a finding: the wanted state, the edit, the proof, the pull request.

pub mod check;
pub mod command;
pub mod confidential;
pub mod dashboard;
pub mod explain;
pub mod hands;
pub mod lifecycle;
pub mod manner;
pub mod markdown;
pub mod plan;
pub mod proof;
pub mod pull_request;
pub mod report;
pub mod wanted;

use crate::{
    model::{
        change::script,
        finding::Finding,
        refusal::{Attempt, Code, Refusal},
        value::same,
    },
    source::tree::{Overlay, SourceTree},
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

/// Judges findings one after the other, each against the tree that the edits before it make, and gives all that was proved as
/// one. A finding that contradicts an earlier one is refused.
///
/// The verdicts stand in the order of the findings; [`Verdict::InSync`] says that the edits before it do what it wants too.
pub fn judge_together(
    tree: &dyn SourceTree,
    addresses: &[String],
    findings: &[&Finding],
) -> (Option<Proved>, Vec<Verdict>) {
    let (mut all, mut verdicts): (Option<Proved>, Vec<Verdict>) = (None, Vec::new());
    for finding in findings {
        let files = all.iter().flat_map(|proved| proved.files());
        let changed = files.map(|(path, file)| (path.clone(), Some(file.after.as_bytes().into()))).collect();
        let overlay = Overlay::new(tree, changed);
        let next = verdict(&Catalog::known_as(&overlay, addresses), finding);
        if let Verdict::Patched(next) = &next {
            let joined = all.as_ref().map_or(Some((**next).clone()), |all| all.followed_by(next));
            let Some(joined) = joined else {
                verdicts.push(Verdict::Refused(opposite(&next.proof().changed[0].field.path.to_string())));
                continue;
            };
            all = Some(joined);
        }
        verdicts.push(next);
    }
    (all, verdicts)
}

/// Why two findings that want different values for one field are both left alone.
pub fn opposite(field: &str) -> Refusal {
    Refusal::new(
        Code::OppositeWishes,
        format!("another finding wants another value for {field}"),
        "decide which is right: ignore one of the two findings, or mend what reports it",
    )
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
