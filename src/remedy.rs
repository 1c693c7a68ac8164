//! What to do about a finding: the wanted state, the edit, the proof, the pull request.

pub mod check;
pub mod command;
pub mod companion;
pub mod confidential;
pub mod dashboard;
pub mod explain;
pub mod hands;
pub mod lifecycle;
pub mod manner;
pub mod markdown;
pub mod onboarding;
pub mod plan;
pub mod policy;
pub mod proof;
pub mod pull_request;
pub mod report;
pub mod rule;
pub mod violation;
pub mod wanted;

use serde_json::Value;

use crate::{
    engine::{Resource, site::Lists},
    model::{
        change::script,
        finding::{Finding, Intent},
        refusal::{Attempt, Code, Refusal},
        resource::ResourceId,
        value::same,
    },
    source::tree::{Overlay, SourceTree},
    stack::{
        catalog::Catalog,
        declared::Lines,
        marks::Marks,
        owner::{self, Owned},
    },
};
use companion::Companions;
use plan::Aim;
use policy::Policy;
use proof::{Leeway, Proved};
use violation::{Answer, Remedied};

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
pub fn verdict(catalog: &Result<Catalog<'_>, Refusal>, finding: &Finding, policy: Policy<'_>) -> Verdict {
    match catalog {
        Ok(catalog) => judge(catalog, finding, policy),
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
    policy: Policy<'_>,
) -> (Option<Proved>, Vec<Verdict>) {
    let (mut all, mut verdicts): (Option<Proved>, Vec<Verdict>) = (None, Vec::new());
    for finding in findings {
        let files = all.iter().flat_map(|proved| proved.files());
        let changed = files.map(|(path, file)| (path.clone(), Some(file.after.as_bytes().into()))).collect();
        let overlay = Overlay::new(tree, changed);
        let next = verdict(&Catalog::known_as(&overlay, addresses), finding, policy);
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

/// Judges one finding against a repository. The same finding, repository and policy give the same verdict.
pub fn judge(catalog: &Catalog<'_>, finding: &Finding, policy: Policy<'_>) -> Verdict {
    let verdict = match finding.intent {
        Intent::Drift => drift(catalog, finding, policy),
        Intent::Violation => violation(catalog, finding, policy),
    };
    verdict.unwrap_or_else(Verdict::Refused)
}

/// What drifted is adopted, unless it must not be.
fn drift(catalog: &Catalog<'_>, finding: &Finding, policy: Policy<'_>) -> Result<Verdict, Refusal> {
    wanted::check(finding)?;
    let marks = finding.live.as_ref().map(Marks::of).unwrap_or_default().or(finding.hints.app.as_deref());
    let owned = owner::find_live(catalog, finding.stack.as_deref(), &finding.resource, &marks)?;
    let declared = owned.resource();
    let wanted = declared.settled(wanted::wanted(finding, &declared.value)?);
    if same(&declared.value, &wanted) {
        return Ok(Verdict::InSync);
    }
    refuse_successor(&owned, finding)?;
    let steps = |wanted: &Value| script(&declared.value, wanted, &|at| wanted::merge_keys(&declared.id, at));
    let (wanted, hands) = hands::taken_over(finding, &declared.value, wanted, steps)?;
    policy.refuse_suspect(&declared.id)?;
    let stack = (catalog.stack(owned.stack).name.as_str(), catalog.allowed());
    policy.refuse_weakening(stack, &declared.id, &declared.value, &wanted)?;
    let proved = proved(catalog, &owned, &wanted, &Aim::default(), Leeway::NONE)?;
    Ok(Verdict::Patched(Box::new(proved.by(hands))))
}

/// What breaks a rule becomes what the rule wants, wherever the same declaration is rendered.
fn violation(catalog: &Catalog<'_>, finding: &Finding, policy: Policy<'_>) -> Result<Verdict, Refusal> {
    let answer = Answer::to(policy, finding, catalog.parameters())?;
    answer.check(&finding.resource)?;
    let lines = Lines::of(finding);
    let owned = match lines {
        Some(lines) => {
            let speaks = |id: &ResourceId| answer.speaks_of(id);
            owner::find_reported(catalog, finding.stack.as_deref(), &finding.resource, lines, &speaks)?
        }
        None => {
            let marks = Marks::default().or(finding.hints.app.as_deref());
            owner::find_live(catalog, finding.stack.as_deref(), &finding.resource, &marks)?
        }
    };
    refuse_successor(&owned, finding)?;
    let declared = owned.resource();
    let remedied = |resource: &Resource| match answer.remedied(&resource.id, &resource.value)? {
        Remedied::Wanted(wanted) => Ok(Some(resource.settled(wanted))),
        Remedied::Kept | Remedied::Accompanied(_) => Ok::<_, Refusal>(None),
    };
    let wanted = match answer.remedied(&declared.id, &declared.value)? {
        Remedied::Wanted(wanted) => declared.settled(wanted),
        Remedied::Kept if lines.is_some() => return Err(answer.disputed(&declared.id)),
        Remedied::Kept => return Ok(Verdict::InSync),
        Remedied::Accompanied(rules) => {
            let companions = Companions::beside(catalog.tree(), declared, &rules)?;
            let leeway = Leeway { appears: &|resource| companions.holds(resource), ..Leeway::NONE };
            let plan = companions.plan.clone();
            let proved = proof::prove(catalog, &owned, &declared.value, plan, leeway)?;
            return Ok(Verdict::Patched(Box::new(proved)));
        }
    };
    if same(&declared.value, &wanted) {
        return Ok(Verdict::InSync);
    }
    wanted::refuse_unwritable(&declared.id, &declared.value, &wanted)?;
    // A remedy for one rule that breaks another is none.
    let stack = (catalog.stack(owned.stack).name.as_str(), &[][..]);
    policy.refuse_weakening(stack, &declared.id, &declared.value, &wanted)?;
    let place = declared.declared_at();
    let aim = Aim { file: lines.map(|_| place.0.clone()), lists: Lists::Blocks };
    let peers = |resource: &Resource| {
        let is_same_declaration = resource.declared_at() == place;
        is_same_declaration.then(|| remedied(resource).ok().flatten()).flatten()
    };
    let leeway = Leeway { becomes: &peers, ..Leeway::NONE };
    Ok(Verdict::Patched(Box::new(proved(catalog, &owned, &wanted, &aim, leeway)?)))
}

/// The best plan that can be proved.
fn proved(
    catalog: &Catalog<'_>,
    owned: &Owned,
    wanted: &Value,
    aim: &Aim,
    leeway: Leeway<'_>,
) -> Result<Proved, Refusal> {
    let declared = owned.resource();
    let steps = script(&declared.value, wanted, &|at| wanted::merge_keys(&declared.id, at));
    let (mut first, mut tried) = (None, Vec::new());
    for (site, plan) in plan::plans(catalog, owned, &steps, (wanted, aim))? {
        match plan.and_then(|plan| proof::prove(catalog, owned, wanted, plan, leeway)) {
            Ok(proved) => return Ok(proved),
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

fn refuse_successor(owned: &Owned, finding: &Finding) -> Result<(), Refusal> {
    if !owned.is_successor {
        return Ok(());
    }
    let declared = owned.resource();
    let (found, asked) = (&declared.id, &finding.resource);
    let message = format!("{asked} is not declared any more: {found} stands in its place, with another content");
    let hint = "nothing that is deployed from here reads it; remove it, or report what is declared now";
    let (file, line) = declared.declared_at();
    Err(Refusal::new(Code::OwnerNotFound, message, hint).at(file, Some(line)))
}
