//! Whose a drifted field is: a person's edit is taken over, what an autoscaler or operator looks after is left to it.
//!
//! A live object that carries its `managedFields` says who wrote each field last. A value that a controller wrote would be
//! written again after any edit of the source, so adopting it is a fight; a value that the deployer wrote and the source
//! does not say waits for the next deployment, or is overridden outside of the repository. Both are reported, not fixed.

use serde::Serialize;
use serde_json::Value;

use super::confidential::redacted_text;
use crate::model::{
    change::{Action, Change},
    finding::Finding,
    kubernetes::writers::{Hand, Writer, writers},
    pointer::Pointer,
    refusal::{Code, Refusal},
};

/// Who wrote what drifted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hands {
    /// Who made the last of the changes that are taken over; nobody where the object does not say.
    pub by: Option<Writer>,
    /// The fields that are left to others.
    pub left: Vec<Left>,
}

/// A drifted field that is left as the source says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The field.
    pub path: Pointer,
    /// Who wrote it: `kube-controller-manager (scale)`.
    pub by: String,
}

impl Hands {
    /// Those of two changes that are made together.
    pub fn and(self, next: Self) -> Self {
        let by = [self.by, next.by].into_iter().flatten().max_by(|a, b| a.time.cmp(&b.time));
        Self { by, left: [self.left, next.left].concat() }
    }
}

/// What of the wanted resource is to be taken over: the wanted one, without the fields that others look after.
///
/// `steps` tells what leads from the declared resource to the wanted one; it is asked where somebody's writing shows.
///
/// # Errors
/// `managed-elsewhere` where nothing is left, or where what others wrote cannot be told from the rest.
pub fn taken_over(
    finding: &Finding,
    declared: &Value,
    wanted: Value,
    steps: impl FnOnce(&Value) -> Vec<Change>,
) -> Result<(Value, Hands), Refusal> {
    let Some(managed_fields) = finding.live.as_ref().and_then(|live| live.pointer("/metadata/managedFields")) else {
        return Ok((wanted, Hands::default()));
    };
    let steps = steps(&wanted);
    let (mut all, mut kept) = (declared.clone(), declared.clone());
    let (mut hands, mut refusal) = (Hands::default(), None);
    for step in &steps {
        let field = field(step);
        let fits = step.apply(&mut all);
        let found = if step.action == Action::Remove { Vec::new() } else { writers(managed_fields, &all, &field) };
        match others(&found) {
            None => {
                let latest = found.into_iter().next();
                hands.by = [hands.by.take(), latest].into_iter().flatten().max_by(|a, b| a.time.cmp(&b.time));
            }
            Some(writer) => {
                let why = refused(finding, &field, writer);
                if matches!(step.action, Action::AddItem { .. }) {
                    // The positions of the steps behind it count the item.
                    return Err(why);
                }
                hands.left.push(Left { path: field, by: redacted_text(&writer.to_string()) });
                refusal = refusal.or(Some(why));
                continue;
            }
        }
        if !fits || !step.apply(&mut kept) {
            let message = format!("the change of {} does not fit what is left to others", finding.resource);
            return Err(Refusal::new(Code::ManagedElsewhere, message, "report single fields as a patch"));
        }
    }
    match refusal {
        None => Ok((wanted, hands)),
        Some(why) if hands.left.len() == steps.len() => Err(why),
        Some(_) => Ok((kept, hands)),
    }
}

/// The field that a step changes.
fn field(step: &Change) -> Pointer {
    match &step.action {
        Action::Set(_) | Action::Remove => step.at.clone(),
        Action::AddKey { key, .. } => step.at.join(key),
        Action::AddItem { index, .. } => step.at.join(index.to_string()),
    }
}

/// The writer to whom a field belongs instead of a person.
fn others(writers: &[Writer]) -> Option<&Writer> {
    let controller = writers.iter().find(|writer| writer.hand() == Hand::Controller);
    let by_person = writers.iter().any(|writer| writer.hand() == Hand::Person);
    controller.or_else(|| writers.first().filter(|_| !by_person))
}

fn refused(finding: &Finding, field: &Pointer, writer: &Writer) -> Refusal {
    let since = writer.time.as_ref().map(|time| format!(" at {time}")).unwrap_or_default();
    // What calls itself a manager may call itself anything.
    let (resource, last) = (&finding.resource, redacted_text(&format!("{writer}{since}")));
    let (what, hint) = match writer.hand() {
        Hand::Deployer => (
            "deploys the source: either what the source says now is not applied yet, or it is overridden outside of it",
            "wait for the deployment, or look for parameters that are set outside of the repository",
        ),
        Hand::Controller | Hand::Person => (
            "is no person's tool: it would write the field again after any change of the source",
            "leave the field out of the source, or report it as a patch if a person wrote it after all",
        ),
    };
    let message = format!("{field} of {resource} was last written by {last}, which {what}");
    Refusal::new(Code::ManagedElsewhere, message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        change::script,
        finding::Intent,
        resource::{KubernetesId, ResourceId},
    };
    use serde_json::json;

    fn taken(declared: Value, wanted: Value, managers: &[(&str, Value)]) -> Result<(Value, Hands), Refusal> {
        let entry = |(at, (manager, fields)): (usize, &(&str, Value))| json!({"manager": manager, "time": format!("2026-11-0{}T00:00:00Z", at + 1), "fieldsV1": fields});
        let fields: Vec<Value> = managers.iter().enumerate().map(entry).collect();
        let id = KubernetesId {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "cart".to_owned(),
        };
        let mut finding = Finding::about(Intent::Drift, ResourceId::Kubernetes(id));
        finding.live = Some(json!({"metadata": {"managedFields": fields}}));
        taken_over(&finding, &declared, wanted, |wanted| script(&declared, wanted, &|_| None))
    }

    #[test]
    fn a_persons_fields_are_taken_over_and_an_autoscalers_are_left() {
        let (kept, hands) = taken(
            json!({"spec": {"replicas": 3, "paused": false}}),
            json!({"spec": {"replicas": 7, "paused": true}}),
            &[
                ("kube-controller-manager", json!({"f:spec": {"f:replicas": {}}})),
                ("kubectl-edit", json!({"f:spec": {"f:paused": {}}})),
            ],
        )
        .expect("a part of it");
        assert_eq!(kept, json!({"spec": {"replicas": 3, "paused": true}}));
        let left: Vec<String> = hands.left.iter().map(|left| format!("{} {}", left.path, left.by)).collect();
        assert_eq!(left, ["/spec/replicas kube-controller-manager"]);
        assert_eq!(hands.by.expect("a writer").manager, "kubectl-edit");
    }

    #[test]
    fn what_only_others_wrote_is_refused_with_their_name() {
        let declared = json!({"spec": {"replicas": 3}});
        for (manager, words) in [("keda", "no person's tool"), ("argocd-controller", "deploys the source")] {
            let writer = (manager, json!({"f:spec": {"f:replicas": {}}}));
            let refusal = taken(declared.clone(), json!({"spec": {"replicas": 7}}), &[writer]).expect_err("refused");
            assert_eq!(refusal.code, Code::ManagedElsewhere);
            assert!(refusal.message.contains(words) && refusal.message.contains(manager), "{}", refusal.message);
        }
    }

    #[test]
    fn a_deployers_field_that_a_person_wrote_as_well_is_the_persons() {
        let both = [
            ("argocd-controller", json!({"f:spec": {"f:replicas": {}}})),
            ("kubectl", json!({"f:spec": {"f:replicas": {}}})),
        ];
        let wanted = json!({"spec": {"replicas": 7}});
        let (kept, hands) = taken(json!({"spec": {"replicas": 3}}), wanted.clone(), &both).expect("taken over");
        assert_eq!((kept, hands.left.len()), (wanted, 0));
    }

    #[test]
    fn an_item_that_others_added_is_not_told_from_the_rest() {
        let wanted = json!({"spec": {"items": ["a", "b"], "paused": true}});
        let operator = ("operator", json!({"f:spec": {"f:items": {"v:\"b\"": {}}}}));
        let refusal = taken(json!({"spec": {"items": ["a"], "paused": false}}), wanted, &[operator]).expect_err("held");
        assert_eq!(refusal.code, Code::ManagedElsewhere);
    }

    #[test]
    fn what_nobody_is_known_to_have_written_is_drift() {
        let wanted = json!({"spec": {"replicas": 7}});
        let (kept, hands) = taken(json!({"spec": {"replicas": 3}}), wanted.clone(), &[]).expect("taken over");
        assert_eq!((kept, hands), (wanted, Hands::default()));
    }
}
