//! What is never adopted, and what always may be: two tables of drifts, each judged as `fix` judges it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use sourceward::{
    model::{finding::Finding, refusal::Code},
    remedy::{Verdict, judge, policy::Policy, rule::set::Rules},
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

/// A drift of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drift {
    name: String,
    /// The spec of a Deployment's pod.
    pod: Option<Value>,
    /// A whole object without its API version and name.
    object: Option<Value>,
    /// What either became.
    live: Option<Value>,
    /// A type of Terraform resource, and the body of its block.
    #[serde(rename = "type")]
    kind: Option<String>,
    hcl: Option<String>,
    patch: Option<Value>,
}

fn table(text: &str) -> Vec<Drift> {
    let drifts: Vec<Drift> = serde_yaml::from_str(text).expect("a table");
    let names: BTreeMap<&str, usize> = drifts.iter().map(|drift| (drift.name.as_str(), 0)).collect();
    assert_eq!(names.len(), drifts.len(), "each drift has a name of its own");
    drifts
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" => "apps/v1",
        "CronJob" => "batch/v1",
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => "rbac.authorization.k8s.io/v1",
        "NetworkPolicy" | "Ingress" => "networking.k8s.io/v1",
        "PodDisruptionBudget" => "policy/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "APIService" => "apiregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => "admissionregistration.k8s.io/v1",
        _ => "v1",
    }
}

/// A whole object of the name `a`.
fn whole(object: &Value) -> Value {
    let kind = object["kind"].as_str().expect("a kind");
    let mut whole = json!({"apiVersion": api_version(kind), "kind": kind, "metadata": {"name": "a"}});
    for (key, value) in object.as_object().expect("an object") {
        match (key.as_str(), value) {
            ("metadata", Value::Object(more)) => whole["metadata"].as_object_mut().expect("a map").extend(more.clone()),
            _ => whole[key] = value.clone(),
        }
    }
    whole
}

/// The repository's file and the finding.
fn reported(drift: &Drift) -> (&'static str, String, Finding) {
    if let (Some(kind), Some(hcl), Some(patch)) = (&drift.kind, &drift.hcl, &drift.patch) {
        let body: String = hcl.lines().map(|line| format!("  {line}\n")).collect();
        let finding = json!({
            "intent": "drift", "resource": {"terraform": {"address": format!("{kind}.a")}}, "patch": patch,
        });
        let finding = serde_json::from_value(finding).expect("a finding");
        return ("main.tf", format!("resource \"{kind}\" \"a\" {{\n{body}}}\n"), finding);
    }
    let of_pod = |spec: &Value| json!({"kind": "Deployment", "spec": {"template": {"spec": spec}}});
    let live = drift.live.as_ref().expect("a live state");
    let (declared, live) = match (&drift.pod, &drift.object) {
        (Some(pod), _) => (whole(&of_pod(pod)), whole(&of_pod(live))),
        (_, Some(object)) => (whole(object), whole(live)),
        _ => panic!("{} declares nothing", drift.name),
    };
    let kind = declared["kind"].as_str().expect("a kind").to_owned();
    let finding = json!({
        "intent": "drift", "live": live,
        "resource": {"kubernetes": {"apiVersion": api_version(&kind), "kind": kind, "name": "a"}},
    });
    let finding = serde_json::from_value(finding).expect("a finding");
    ("a.yaml", serde_yaml::to_string(&declared).expect("YAML"), finding)
}

fn verdict(rules: &Rules, drift: &Drift) -> Verdict {
    let (file, text, finding) = reported(drift);
    let tree = MemoryTree::of([(file.parse::<RepoPath>().expect("a path"), text)]);
    let catalog = Catalog::of(&tree).expect("a catalog");
    judge(&catalog, &finding, Policy::of(rules))
}

#[test]
fn no_attack_is_adopted() {
    let (rules, attacks) = (Rules::embedded().expect("the rules"), table(include_str!("policy/attacks.yaml")));
    assert!(attacks.len() >= 80, "there are {}", attacks.len());
    let mut wrong = Vec::new();
    for drift in &attacks {
        match verdict(&rules, drift) {
            Verdict::Refused(refusal) if refusal.code == Code::WeakensSecurity => {
                assert!(refusal.hint.contains("put back"), "{}", refusal.hint);
            }
            Verdict::Refused(refusal) => wrong.push(format!("{}: {} {}", drift.name, refusal.code, refusal.message)),
            other => wrong.push(format!("{}: {other:?}", drift.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
}

#[test]
fn no_harmless_drift_is_held() {
    let (rules, drifts) = (Rules::embedded().expect("the rules"), table(include_str!("policy/harmless.yaml")));
    assert!(drifts.len() >= 200, "there are {}", drifts.len());
    let mut wrong = Vec::new();
    for drift in &drifts {
        match verdict(&rules, drift) {
            Verdict::Patched(_) => {}
            Verdict::InSync if drift.name == "policy in another order" => {}
            Verdict::Refused(refusal) => wrong.push(format!("{}: {} {}", drift.name, refusal.code, refusal.message)),
            Verdict::InSync => wrong.push(format!("{}: in sync", drift.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), drifts.len(), wrong.join("\n"));
}
