//! What the source would have to say for a finding to be settled.

use json_patch::PatchOperation;
use serde_json::Value;

use super::confidential::{filled, is_marker, is_withheld, new_secrets};
use crate::model::{
    finding::{Finding, Intent},
    kubernetes, patch,
    pointer::Pointer,
    refusal::{Code, Refusal},
    resource::ResourceId,
    value::{same, type_name},
};

/// Fields of a Kubernetes object that say which object it is.
const IDENTITY: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];

/// Refuses what no source could answer, before any source is read.
///
/// # Errors
/// `live-state-missing` for a drift that says nothing of the live state.
pub fn check(finding: &Finding) -> Result<(), Refusal> {
    if finding.intent == Intent::Drift && finding.patch.is_none() && finding.live.is_none() {
        return Err(Refusal::new(
            Code::LiveStateMissing,
            format!("the finding says that {} drifted, but neither how nor to what", finding.resource),
            "send a patch or the live object with it: `kubectl get … -o yaml | sourceward fix --live -`",
        ));
    }
    Ok(())
}

/// The merge keys of a list of a resource.
pub fn merge_keys(resource: &ResourceId, at: &Pointer) -> Option<&'static [&'static str]> {
    match resource {
        ResourceId::Kubernetes(id) => kubernetes::merge_keys(&id.api_version, &id.kind, at),
        _ => None,
    }
}

/// The declared resource as it would have to be.
///
/// # Errors
/// `patch-does-not-apply` where the report does not fit the declared resource, `identity-change` where it would become
/// another resource, `secret` where a secret would be written down.
pub fn wanted(finding: &Finding, declared: &Value) -> Result<Value, Refusal> {
    let wanted = match (&finding.patch, &finding.live) {
        (Some(patch), _) => patched(finding, patch, declared)?,
        (None, Some(live)) => adopted(finding, declared, live)?,
        (None, None) => unreachable!("check refused it"),
    };
    refuse_unwritable(&finding.resource, declared, &wanted)?;
    Ok(wanted)
}

/// Refuses to turn a resource into another one, or to write a secret down.
///
/// # Errors
/// `identity-change`, `secret`.
pub fn refuse_unwritable(resource: &ResourceId, declared: &Value, wanted: &Value) -> Result<(), Refusal> {
    if let ResourceId::Kubernetes(id) = resource {
        for path in IDENTITY {
            let at = Pointer::of(path.iter().copied());
            let (before, after) = (at.get(declared), at.get(wanted));
            if before.zip(after).map_or(before.is_some() != after.is_some(), |(before, after)| !same(before, after)) {
                return Err(Refusal::new(
                    Code::IdentityChange,
                    format!("the change would turn {id} into another object: it changes {at}"),
                    "rename or move a resource in the source by hand",
                ));
            }
        }
    }
    refuse_secrets(resource, declared, wanted)
}

fn patched(finding: &Finding, patch: &json_patch::Patch, declared: &Value) -> Result<Value, Refusal> {
    if patch.0.iter().any(|operation| serde_json::to_value(operation).is_ok_and(|operation| is_withheld(&operation))) {
        return Err(secret(&finding.resource, "the reported value looked secret and was not kept"));
    }
    if patch.0.iter().any(|one| matches!(one, PatchOperation::Remove(gone) if gone.path.is_root())) {
        return Err(Refusal::new(
            Code::PatchDoesNotApply,
            format!("{} does not exist any more: its declaration is not deleted for that", finding.resource),
            "apply the source again, or delete the declaration by hand",
        ));
    }
    patch::patched(declared, patch, &|at| merge_keys(&finding.resource, at)).map_err(|error| {
        Refusal::new(
            Code::PatchDoesNotApply,
            error.to_string(),
            "the source may have moved on since the report: report the difference again",
        )
    })
}

fn adopted(finding: &Finding, declared: &Value, live: &Value) -> Result<Value, Refusal> {
    let ResourceId::Kubernetes(_) = &finding.resource else {
        return Err(Refusal::new(
            Code::LiveStateMissing,
            format!("a live object says nothing of {}", finding.resource),
            "send the difference as a patch",
        ));
    };
    if !live.is_object() {
        return Err(Refusal::new(
            Code::PatchDoesNotApply,
            format!("the live object is {}, not a map", type_name(live)),
            "send the object as `kubectl get … -o yaml` prints it",
        ));
    }
    if is_marker(live) {
        return Err(secret(&finding.resource, "the reported object held a secret and was not kept"));
    }
    let withheld = is_withheld(live);
    let wanted = if withheld {
        kubernetes::adopted(declared, &filled(live, declared))
    } else {
        kubernetes::adopted(declared, live)
    };
    if is_withheld(&wanted) {
        return Err(secret(&finding.resource, "a live value looked secret and was not kept"));
    }
    if withheld && same(declared, &wanted) {
        return Err(secret(
            &finding.resource,
            "all is in sync but for values that look secret, which were not kept to compare",
        ));
    }
    Ok(wanted)
}

/// Refuses a change that says a secret which the source does not say yet, without repeating it.
fn refuse_secrets(resource: &ResourceId, declared: &Value, wanted: &Value) -> Result<(), Refusal> {
    let kind = match resource {
        ResourceId::Kubernetes(id) => Some(id.kind.as_str()),
        _ => None,
    };
    match new_secrets(declared, wanted, kind).into_iter().next() {
        None => Ok(()),
        Some(at) => Err(secret(
            resource,
            &format!("{at} looks secret, and a live value like it is never written into a repository"),
        )),
    }
}

fn secret(resource: &ResourceId, why: &str) -> Refusal {
    Refusal::new(
        Code::Secret,
        format!("{resource}: {why}"),
        "change it where secrets are kept, or change the source by hand",
    )
}
