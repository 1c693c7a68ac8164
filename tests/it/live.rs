//! Findings that only name a resource: the live values come from APIs that the operator allows to be read.
//!
//! The APIs are real HTTP servers that give recorded shapes, demand their token and answer anything else with 500; the program
//! asks them with its real clients.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use sourceward::shell::store::case::{Case, State};

use crate::serve::stage::{As, Stage};

const SHOP: &str = "acme/shop";
pub(crate) const TOKEN: &str = "live-token-7d1c";

/// An API of the tests: what stands at each path, and what was asked.
pub(crate) struct Api {
    address: SocketAddr,
    answers: Arc<Mutex<BTreeMap<String, Value>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Api {
    pub(crate) fn with(answers: &[(&str, Value)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let answers: BTreeMap<String, Value> =
            answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
        let api = Self { address, answers: Arc::new(Mutex::new(answers)), asked: Arc::default() };
        let (answers, asked) = (Arc::clone(&api.answers), Arc::clone(&api.asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &answers, &asked);
            }
        });
        api
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn put(&self, path: &str, answer: Value) {
        self.answers.lock().expect("no panic").insert(path.to_owned(), answer);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Answers one request. A status as the answer is given as one, alone or with a body; a path that is not known is a mistake of
/// ours: 500.
fn serve(mut stream: TcpStream, answers: &Mutex<BTreeMap<String, Value>>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(&mut stream);
    let (mut line, mut head) = (String::new(), String::new());
    let _ = reader.read_line(&mut line);
    while head.len() < 1 << 16 && reader.read_line(&mut head).is_ok_and(|bytes| bytes > 2) {}
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().expect("no panic").push(path.clone());
    let allowed = line.starts_with("GET ")
        && head.lines().any(|line| line.to_ascii_lowercase() == format!("authorization: bearer {TOKEN}"));
    let (status, body) = match answers.lock().expect("no panic").get(&path) {
        _ if !allowed => (401, json!({"message": "who are you?"})),
        Some(Value::Number(status)) => (status.as_u64().unwrap_or(500), json!({"code": status, "status": "Failure"})),
        Some(Value::Array(parts)) if parts.len() == 2 => (parts[0].as_u64().unwrap_or(500), parts[1].clone()),
        Some(answer) => (200, answer.clone()),
        None => (500, json!({"message": format!("nobody expected {path}")})),
    };
    let body = body.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  replicas: 3\n  \
         selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    \
         spec:\n      containers:\n        - name: app\n          image: registry.example/{name}:1.4.2\n"
    )
}

/// The deployment as a cluster holds it: replicas by the autoscaler, the image by a person.
fn live(name: &str, replicas: u32, tag: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": name, "namespace": "shop", "uid": "4c2b", "resourceVersion": "881", "generation": 4,
            "managedFields": [
                {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-11-01T08:00:00Z",
                 "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:selector": {}, "f:template": {"f:spec": {"f:containers":
                    {"k:{\"name\":\"app\"}": {".": {}, "f:name": {}}}}}}}},
                {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-11-20T03:14:00Z",
                 "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers":
                    {"k:{\"name\":\"app\"}": {"f:image": {}}}}}}}},
                {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1",
                 "time": "2026-11-21T10:00:00Z", "subresource": "scale",
                 "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ],
        },
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
                {"name": "app", "image": format!("registry.example/{name}:{tag}"), "imagePullPolicy": "IfNotPresent"}]}},
        },
        "status": {"replicas": replicas},
    })
}

fn kinds(version: &str, kinds: &[(&str, &str)]) -> Value {
    let one = |(name, kind): &(&str, &str)| json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get"]});
    let resources: Vec<Value> = kinds.iter().map(one).collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources})
}

/// A cluster that holds these deployments.
pub(crate) fn cluster(deployments: &[(&str, Value)]) -> Api {
    let api = Api::with(&[
        ("/apis/apps/v1", kinds("apps/v1", &[("deployments", "Deployment"), ("replicasets", "ReplicaSet")])),
        ("/api/v1", kinds("v1", &[("pods", "Pod")])),
    ]);
    for (name, answer) in deployments {
        api.put(&format!("/apis/apps/v1/namespaces/shop/deployments/{name}"), answer.clone());
    }
    api
}

/// A server over the deployments `cart` and `checkout` that may read what `section` names; nothing runs yet.
fn stage(section: Value) -> Stage {
    let stage = Stage::set(
        As::Robot,
        &[("k8s/cart.yaml", &deployment("cart")), ("k8s/checkout.yaml", &deployment("checkout"))],
    );
    fs::write(stage.folder.path().join("live"), TOKEN).expect("writes");
    stage.configure("live", section);
    stage
}

fn over_cluster(api: &Api) -> Stage {
    let stage = stage(json!({"kubernetes": [{"kubeconfig": "kubeconfig"}]}));
    write_kubeconfig(&stage, api);
    stage
}

/// What leads to a cluster, beside the configuration.
pub(crate) fn write_kubeconfig(stage: &Stage, api: &Api) {
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "only",
        "clusters": [{"name": "only", "cluster": {"server": api.url()}}],
        "users": [{"name": "reader", "user": {"token": TOKEN}}],
        "contexts": [{"name": "only", "context": {"cluster": "only", "user": "reader"}}],
    });
    fs::write(stage.folder.path().join("kubeconfig"), kubeconfig.to_string()).expect("writes");
}

pub(crate) fn drifted(name: &str) -> Value {
    json!({"intent": "drift", "title": "is out of sync", "resource":
        {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}}})
}

fn refused(case: &Case) -> (&str, &str) {
    assert_eq!(case.state, State::Refused, "{:?}", case.reason);
    let reason = case.reason.as_ref().expect("a refusal");
    (reason["code"].as_str().expect("a code"), reason["message"].as_str().expect("a message"))
}

fn branch(case: &Case) -> String {
    sourceward::remedy::pull_request::title::branch(&case.finding.resource, &case.fingerprint).to_string()
}

#[test]
fn a_drift_without_values_is_read_from_the_cluster_and_an_autoscalers_field_left_to_it() {
    let cluster = cluster(&[("cart", live("cart", 7, "1.4.3"))]);
    let mut stage = over_cluster(&cluster);
    stage.start();
    let case = stage.settle(&drifted("cart"));
    assert_eq!(case.state, State::Proposed, "{:?}", case.reason);
    assert_eq!(
        stage.changed(SHOP, &branch(&case)),
        ["-          image: registry.example/cart:1.4.2", "+          image: registry.example/cart:1.4.3"]
    );
    stage.github.pull_request(SHOP, 1).expect_open().expect_in_body(&[
        "- Since: `2026-11-20T03:14:00Z`",
        "- Changed by: through `kubectl-edit`",
        "- Left as declared, because a controller writes it: `/spec/replicas` (`kube-controller-manager (scale)`)",
    ]);
    assert!(case.finding.live.is_none(), "what was read is not kept");
    assert!(!stage.log().contains(TOKEN));
}

#[test]
fn what_only_an_autoscaler_changed_is_reported() {
    let cluster = cluster(&[("cart", live("cart", 7, "1.4.2"))]);
    let mut stage = over_cluster(&cluster);
    stage.start();
    let case = stage.settle(&drifted("cart"));
    let (code, message) = refused(&case);
    assert_eq!(code, "managed-elsewhere");
    assert!(message.contains("/spec/replicas") && message.contains("kube-controller-manager (scale)"), "{message}");
    assert_eq!(stage.github.mutations(), [""; 0]);
}

#[test]
fn a_cluster_that_does_not_answer_is_asked_again() {
    let cluster = cluster(&[("cart", json!(503)), ("checkout", json!(404))]);
    let mut stage = over_cluster(&cluster);
    stage.start();
    let waiting = stage.waiting(stage.report(&drifted("cart")).case());
    assert!(waiting.reason.as_ref().is_some_and(|why| why.to_string().contains("the live state cannot be read")));
    let gone = stage.settle(&drifted("checkout"));
    assert_eq!(refused(&gone).0, "live-state-missing");
    cluster.put("/apis/apps/v1/namespaces/shop/deployments/cart", live("cart", 3, "1.5.0"));
    assert_eq!(stage.settled(waiting.id).state, State::Proposed);
    stage.github.pull_request(SHOP, 1).expect_open();
}

#[test]
fn secrets_are_not_asked_for() {
    let cluster = cluster(&[]);
    let mut stage = over_cluster(&cluster);
    stage.start();
    let secret = json!({"intent": "drift", "resource":
        {"kubernetes": {"apiVersion": "v1", "kind": "Secret", "namespace": "shop", "name": "cart"}}});
    assert_eq!(refused(&stage.settle(&secret)).0, "secret");
    assert_eq!(cluster.asked(), [""; 0]);
}

#[test]
fn a_violation_of_a_pod_is_one_of_the_workload_that_made_it() {
    let owned_by = |kind: &str, name: &str| {
        json!({"metadata": {"name": "x", "namespace": "shop", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "1", "controller": true}]}})
    };
    let cluster = cluster(&[("cart", live("cart", 3, "1.4.2"))]);
    cluster.put("/api/v1/namespaces/shop/pods/cart-7c9d-x2x", owned_by("ReplicaSet", "cart-7c9d"));
    cluster.put("/apis/apps/v1/namespaces/shop/replicasets/cart-7c9d", owned_by("Deployment", "cart"));
    let mut stage = over_cluster(&cluster);
    stage.start();
    let case = stage.settle(&json!({"intent": "violation", "rule": {"id": "acme-unheard-of"}, "resource":
        {"kubernetes": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "cart-7c9d-x2x"}}}));
    let (code, message) = refused(&case);
    assert!(code == "no-rule" && message.contains("Deployment shop/cart"), "{code}: {message}");
}

/// A resource as Argo CD's API compares it: the states are JSON in texts.
pub(crate) fn managed(name: &str, live: &Value, declared: &Value) -> Value {
    json!({"group": "apps", "kind": "Deployment", "namespace": "shop", "name": name, "modified": true,
        "targetState": declared.to_string(), "liveState": live.to_string(),
        "normalizedLiveState": live.to_string(), "predictedLiveState": declared.to_string(), "resourceVersion": "9"})
}

fn argocd_state(name: &str, replicas: u32) -> Value {
    let mut state = live(name, replicas, "1.4.2");
    state["metadata"].as_object_mut().expect("a map").remove("managedFields");
    state
}

/// Posts Argo CD's notification about the application `shop`.
pub(crate) fn notify(stage: &Stage, resources: Value) -> Value {
    let body = json!({"kind": "argocd.outofsync", "app": {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"source": {"repoURL": "https://github.com/acme/shop", "path": "k8s", "targetRevision": "main"}},
        "status": {"sync": {"status": "OutOfSync", "revision": "abc"}, "resources": resources,
            "history": [{"revision": "abc", "source":
                {"repoURL": "https://github.com/acme/shop", "path": "k8s", "targetRevision": "main"}}]},
    }})
    .to_string();
    let mut stream = TcpStream::connect(stage.address()).expect("connects");
    write!(
        stream,
        "POST /webhooks/argocd HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 202"), "{answer}");
    serde_json::from_str(body).expect("JSON")
}

fn over_argocd(api: &Api) -> Stage {
    let stage = stage(json!({"argocd": {"url": api.url(), "token": {"file": "live"}}}));
    stage.configure("senders", json!({"argocd": {"authentication": "bearer", "secrets": [{"file": "live"}]}}));
    stage
}

#[test]
fn a_notification_that_names_an_application_becomes_a_pull_request_for_each_resource_that_differs() {
    let items = json!({"items": [
        managed("cart", &argocd_state("cart", 5), &argocd_state("cart", 3)),
        managed("checkout", &argocd_state("checkout", 6), &argocd_state("checkout", 3)),
    ]});
    let argocd = Api::with(&[("/api/v1/applications/shop/managed-resources?appNamespace=argocd", items)]);
    let mut stage = over_argocd(&argocd);
    stage.start();
    notify(&stage, json!([]));
    stage.until("three ended cases", || {
        let cases = stage.cases();
        cases.len() == 3 && cases.iter().all(|case| matches!(case.state, State::Proposed | State::Resolved))
    });
    let cases = stage.cases();
    assert_eq!(cases[0].state, State::Resolved);
    for (case, replicas) in cases[1..].iter().zip([5, 6]) {
        assert_eq!(case.sender, "argocd");
        let changed = ["-  replicas: 3".to_owned(), format!("+  replicas: {replicas}")];
        assert_eq!(stage.changed(SHOP, &branch(case)), changed);
        let number = case.pull_request.as_ref().expect("a proposed case has one").number;
        stage.github.pull_request(SHOP, number).expect_open().expect_branches(&branch(case), "main");
    }
}

#[test]
fn a_resource_of_an_application_is_read_by_its_name_and_is_over_when_it_does_not_differ() {
    let path = |name: &str| {
        format!("/api/v1/applications/shop/managed-resources?group=apps&kind=Deployment&namespace=shop&name={name}")
    };
    let cart = json!({"items": [managed("cart", &argocd_state("cart", 5), &argocd_state("cart", 3))]});
    let checkout = json!({"items": [managed("checkout", &argocd_state("checkout", 3), &argocd_state("checkout", 3))]});
    let argocd = Api::with(&[(&path("cart"), cart), (&path("checkout"), checkout)]);
    let mut stage = over_argocd(&argocd);
    stage.start();
    let resource = |name: &str| json!({"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": name, "status": "OutOfSync"});
    notify(&stage, json!([resource("cart"), resource("checkout")]));
    stage.until("two ended cases", || {
        let cases = stage.cases();
        cases.len() == 2 && cases.iter().all(|case| matches!(case.state, State::Proposed | State::Resolved))
    });
    let ended: Vec<State> = stage.cases().iter().map(|case| case.state).collect();
    assert_eq!(ended, [State::Proposed, State::Resolved]);
    let cart = &stage.cases()[0];
    assert_eq!(stage.changed(SHOP, &branch(cart)), ["-  replicas: 3", "+  replicas: 5"]);
    stage.github.pull_request(SHOP, 1).expect_open();
    assert_eq!(argocd.asked(), [path("cart"), path("checkout")]);
}

#[test]
fn an_assessment_of_a_workspace_becomes_a_case_for_each_resource_that_drifted() {
    let change = json!({"actions": ["update"], "before": {"tags": {"team": "shop"}}, "after": {"tags": {"team": "ops"}},
        "after_unknown": {}, "before_sensitive": {}, "after_sensitive": {}});
    let plan = json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [], "resource_drift": [
        {"address": "aws_vpc.main", "mode": "managed", "type": "aws_vpc", "name": "main",
         "provider_name": "registry.terraform.io/hashicorp/aws", "change": change}]});
    let terraform = Api::with(&[("/api/v2/assessment-results/asmtres-1/json-output", plan)]);
    let mut stage = stage(json!({"hcp_terraform": {"url": terraform.url(), "token": {"file": "live"}}}));
    stage.start();
    let workspace = json!({"intent": "drift", "resource": {"workspace": {"organization": "acme", "name": "network"}},
        "links": ["https://elsewhere.example/api/v2/assessment-results/asmtres-1"]});
    let case = stage.settle(&workspace);
    assert_eq!(case.state, State::Resolved, "{:?}", case.reason);
    stage.until("two cases", || stage.cases().len() == 2);
    let found = stage.settled(stage.cases()[1].id);
    assert_eq!(found.finding.resource.to_string(), "aws_vpc.main");
    // No root module of the repository declares it.
    assert_eq!(refused(&found).0, "owner-not-found");
    assert_eq!(terraform.asked().len(), 1, "the link of the payload is not followed");
}
