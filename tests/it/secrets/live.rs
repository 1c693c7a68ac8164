//! Secrets in what is read from Kubernetes, Argo CD and HCP Terraform: in live objects beside what drifted and as what drifted,
//! in who wrote them, and in what an API says when it refuses.

use serde_json::{Value, json};
use sourceward::shell::store::case::State;

use super::{SHOP, deployment, planted, unseen_anywhere};
use crate::{
    github::GitHub,
    live::{Api, TOKEN, cluster, drifted, managed, notify, write_kubeconfig},
    serve::stage::{As, Stage, holding},
};

fn object(name: &str, text: &str) -> Value {
    serde_yaml::from_str(&deployment(name, text)).expect("YAML")
}

/// An object as the cluster holds it: `manager` has written the number of replicas.
fn live(name: &str, text: &str, manager: &str) -> Value {
    let mut live = object(name, text);
    live["spec"]["replicas"] = json!(7);
    live["status"] = json!({"conditions": [{"type": "Failed", "message": text}]});
    live["metadata"]["uid"] = json!("4c2b");
    live["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Update", "apiVersion": "apps/v1",
        "time": "2026-11-20T03:14:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    live
}

fn instance(name: &str, team: &str, data: &str) -> String {
    format!(
        "resource \"aws_instance\" \"{name}\" {{\n  ami = \"a\"\n  tags = {{\n    team = \"{team}\"\n  }}\n  user_data = {}\n}}\n\n",
        json!(data)
    )
}

#[test]
fn planted_secrets_of_live_objects_leave_the_server_nowhere() {
    let planted = planted();
    let (mut files, mut deployments, mut managed_by_argo) = (Vec::new(), Vec::new(), Vec::new());
    let (mut instances, mut drifts, mut reported) = (String::new(), Vec::new(), Vec::new());
    for (number, one) in planted.iter().enumerate() {
        let text = one.text.as_str();
        let name = |kind: &str| format!("{kind}-{number:02}");
        let mut as_value = live(&name("value"), "x", "kubectl-edit");
        as_value["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"] = json!(text);
        for (kind, declared, answer) in [
            ("beside", text, live(&name("beside"), text, "kubectl-edit")),
            ("value", "x", as_value),
            ("writer", "x", live(&name("writer"), "x", text)),
            (
                "refused",
                "x",
                json!([403, {"kind": "Status", "status": "Failure", "message": text, "reason": text, "code": 403}]),
            ),
        ] {
            files.push((format!("k8s/{}.yaml", name(kind)), deployment(&name(kind), declared)));
            deployments.push((name(kind), answer));
            reported.push(name(kind));
        }
        for (kind, declared, edit) in [("argo-beside", text, json!(5)), ("argo-value", "x", json!(3))] {
            files.push((format!("k8s/{}.yaml", name(kind)), deployment(&name(kind), declared)));
            let mut runs = object(&name(kind), text);
            runs["spec"]["replicas"] = edit;
            managed_by_argo.push(managed(&name(kind), &runs, &object(&name(kind), declared)));
        }
        for (kind, declared, team) in [("plan_beside", text, "ops"), ("plan_value", "x", "shop")] {
            instances += &instance(&name(kind).replace('-', "_"), "shop", declared);
            let state = |team: &str, data: &str| json!({"ami": "a", "tags": {"team": team}, "user_data": data});
            drifts.push(json!({
                "address": format!("aws_instance.{}", name(kind).replace('-', "_")), "mode": "managed", "type": "aws_instance",
                "name": name(kind).replace('-', "_"), "provider_name": "registry.terraform.io/hashicorp/aws",
                "change": {"actions": ["update"], "before": state("shop", declared), "after": state(team, text),
                    "after_unknown": {}, "before_sensitive": {}, "after_sensitive": {}},
            }));
        }
    }
    files.push(("network/main.tf".to_owned(), instances));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let deployments: Vec<(&str, Value)> =
        deployments.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let cluster = cluster(&deployments);
    let argocd = Api::with(&[(
        "/api/v1/applications/shop/managed-resources?appNamespace=argocd",
        json!({"items": managed_by_argo}),
    )]);
    let plan = json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [], "resource_drift": drifts});
    let terraform = Api::with(&[("/api/v2/assessment-results/asmtres-1/json-output", plan)]);

    // What is no plan is told of in words that quote it.
    for (number, one) in planted.iter().enumerate() {
        let path = format!("/api/v2/assessment-results/asmtres-q{number:02}/json-output");
        terraform.put(&path, json!({"format_version": "1.2", "resource_drift": [one.text]}));
    }

    let mut stage = Stage::set_changed(As::App, GitHub::with(&files), &[SHOP], |config| {
        config["pull_requests"]["dashboard"] = json!(true);
        config["pull_requests"]["check"] = json!(true);
        config["live"] = json!({
            "kubernetes": [{"kubeconfig": "kubeconfig"}],
            "argocd": {"url": argocd.url(), "token": {"file": "live"}},
            "hcp_terraform": {"url": terraform.url(), "token": {"file": "live"}},
        });
        config["senders"]["argocd"] = json!({"authentication": "bearer", "secrets": [{"file": "live"}]});
    });
    std::fs::write(stage.folder.path().join("live"), TOKEN).expect("writes");
    write_kubeconfig(&stage, &cluster);
    stage.start_logging("trace");
    let findings: Vec<Value> = reported.iter().map(|name| drifted(name)).collect();
    let mut answers = stage.deliver("all", &json!({"findings": findings})).body.to_string();
    answers += &notify(&stage, json!([])).to_string();
    let workspace = json!({"intent": "drift", "resource": {"workspace": {"organization": "acme", "name": "network"}},
        "links": ["https://app.terraform.io/api/v2/assessment-results/asmtres-1"]});
    answers += &stage.report(&workspace).body.to_string();
    for number in 0..planted.len() {
        let workspace = json!({"intent": "drift", "resource": {"workspace": {"organization": "acme", "name": format!("net-{number:02}")}},
            "links": [format!("https://app.terraform.io/api/v2/assessment-results/asmtres-q{number:02}")]});
        answers += &stage.report(&workspace).body.to_string();
    }
    // What names an application or a workspace becomes a case for each of its resources, two of each format.
    let all = reported.len() + 2 + 5 * planted.len();
    stage.until("all cases", || stage.cases().len() == all);
    stage.at_rest();
    let cases = stage.cases();
    let of = |kind: &str, state: State| {
        let is = |case: &&sourceward::shell::store::case::Case| {
            let name = case.finding.resource.to_string();
            name.contains(&format!("{kind}-")) || name.contains(&format!("{kind}_"))
        };
        cases.iter().filter(is).filter(|case| case.state == state).count()
    };
    let count = planted.len();
    assert_eq!(of("/beside", State::Proposed), count, "{}", stage.log());
    assert_eq!(of("argo-beside", State::Proposed), count);
    assert_eq!(of("plan_beside", State::Proposed), count);
    assert_eq!(of("/value", State::Refused), count);
    assert_eq!(of("argo-value", State::Refused), count);
    assert!(of("plan_value", State::Refused) > 0);
    assert_eq!(of("writer", State::Refused), count);
    assert_eq!(of("refused", State::Waiting) + of("refused", State::Refused), count);
    assert_eq!(of("workspace acme/net", State::Waiting), count);
    let said = unseen_anywhere(&stage, &planted, &answers);
    assert!(said.contains("[withheld]") && said.contains("Drift dashboard"), "{said}");
    stage.stop();
    // What was still being written.
    let said = stage.github.everything_said(SHOP);
    for one in &planted {
        one.unseen("GitHub", &said);
        for needle in &one.needles {
            assert_eq!(holding(&stage.data(), needle), [""; 0].map(std::path::PathBuf::from), "{}", one.format);
        }
    }
}
