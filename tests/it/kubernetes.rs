//! Live objects against their manifests. Each folder below `kubernetes/` holds cases: a `declared.yaml` and what a
//! cluster makes of it, `live.yaml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use serde_json::{Value, json};
use sourceward::model::{
    diff::differences,
    kubernetes::{adopted, merge_keys},
    pointer::Pointer,
    value::same,
};

/// One manifest and one object that a cluster made of it.
struct Case {
    name: String,
    declared: Value,
    live: Value,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kubernetes");
    let mut cases = Vec::new();
    for case in entries(&root).iter().filter(|path| path.is_dir()).flat_map(|kind| entries(kind)) {
        let read = |path: &Path| -> Value {
            let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let declared = read(&case.join("declared.yaml"));
        let lives = entries(&case).into_iter().filter(|path| !path.ends_with("declared.yaml"));
        let before = cases.len();
        cases.extend(lives.map(|path| Case {
            name: path.strip_prefix(&root).expect("below the root").display().to_string(),
            declared: declared.clone(),
            live: read(&path),
        }));
        assert!(cases.len() > before, "{}: no live object", case.display());
    }
    assert!(!cases.is_empty(), "no case below {}", root.display());
    cases
}

fn entries(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found: Vec<_> = entries.map(|entry| entry.expect("reads").path()).collect();
    found.sort();
    found
}

#[test]
fn what_the_cluster_fills_in_is_no_drift() {
    let mut wrong = Vec::new();
    for Case { name, declared, live } in cases() {
        for change in differences(&declared, &adopted(&declared, &live)) {
            wrong.push(format!("{name}: {} {:?} → {:?}", change.path, change.before, change.after));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Fields of live objects that are the cluster's or a deployer's: what they hold is no drift. `*` stands for one token.
const CLUSTERS_OWN: &[&str] = &[
    "/metadata/annotations",
    "/metadata/creationTimestamp",
    "/metadata/finalizers",
    "/metadata/generation",
    "/metadata/labels",
    "/metadata/namespace",
    "/metadata/ownerReferences",
    "/metadata/resourceVersion",
    "/metadata/uid",
    "/status",
    "/spec/clusterIP",
    "/spec/clusterIPs",
    "/spec/healthCheckNodePort",
    "/spec/ipFamilies",
    "/spec/ports/*/nodePort",
    "/spec/nodeName",
    "/spec/priority",
    "/spec/volumeName",
    "/spec/storageClassName",
    "/spec/ingressClassName",
    "/spec/selector/matchLabels",
    "/spec/template/metadata/annotations",
    "/spec/template/metadata/labels",
    "/spec/volumeClaimTemplates/*/status",
    "/spec/serviceAccount",
    "/spec/template/spec/serviceAccount",
    "/spec/template/spec/serviceAccountName",
    "/spec/tolerations",
    "/spec/volumes",
    "/spec/containers/*/volumeMounts",
    "/spec/initContainers/*/volumeMounts",
    "/spec/finalizers",
    "/secrets",
    "/rules",
];

#[test]
fn a_changed_declared_field_is_the_only_difference() {
    each_wrong(|case, wrong| {
        for (at, value) in leaves(&case.declared) {
            let Some(found) = at.get(&case.live) else { continue };
            if is_identity(&at)
                || decides_another(&at)
                || value.is_null()
                || !same(&at_path(&adopted(&case.declared, &case.live), &at), value)
            {
                continue;
            }
            let mut live = case.live.clone();
            *at.get_mut(&mut live).expect("found above") = other(found);
            mirror(&at, &mut live);
            let changes = differences(&case.declared, &adopted(&case.declared, &live));
            if changes.len() != 1 || changes[0].path != at {
                wrong.push(format!("{at}: {changes:?}"));
            }
        }
    });
}

#[test]
fn a_field_that_is_no_longer_the_default_is_added() {
    each_wrong(|case, wrong| {
        for (at, value) in leaves(&case.live) {
            let ours = value.is_null() || is_identity(&at) || decides_another(&at);
            if ours || at.get(&case.declared).is_some() || CLUSTERS_OWN.iter().any(|own| is_below(&at, own)) {
                continue;
            }
            let mut live = case.live.clone();
            *at.get_mut(&mut live).expect("a leaf") = other(value);
            mirror(&at, &mut live);
            let after = adopted(&case.declared, &live);
            let changes = differences(&case.declared, &after);
            if changes.len() != 1 || changes[0].before.is_some() || !at.is_within(&changes[0].path) {
                wrong.push(format!("{at}: {changes:?}"));
            }
        }
    });
}

#[test]
fn a_declared_field_that_is_gone_is_removed() {
    each_wrong(|case, wrong| {
        for (at, _) in leaves(&case.declared) {
            let (Some(parent), Some(name)) = (at.parent(), at.last()) else { continue };
            let mut live = case.live.clone();
            let Some(Value::Object(map)) = parent.get_mut(&mut live) else { continue };
            let required = ["image", "reference"].contains(&name);
            if is_identity(&at) || required || decides_another(&at) || map.shift_remove(name).is_none() {
                continue;
            }
            mirror(&at, &mut live);
            let changes = differences(&case.declared, &adopted(&case.declared, &live));
            let removed = changes.len() == 1 && changes[0].after.is_none() && at.is_within(&changes[0].path);
            let removed = removed && leaves(&at_path(&case.declared, &changes[0].path)).len() == 1;
            if !(removed || changes.is_empty() && means_the_default(&case.declared, &at)) {
                wrong.push(format!("{at}: {changes:?}"));
            }
        }
    });
}

/// Tells whether a declared field says no more than its default: a manifest without it is in sync with the same object.
fn means_the_default(declared: &Value, at: &Pointer) -> bool {
    let value = at.get(declared).expect("a leaf");
    DEFAULTS.contains(&(at.last().unwrap_or_default(), value.to_string().trim_matches('"')))
}

/// The defaults that the cases declare.
const DEFAULTS: &[(&str, &str)] = &[
    ("apiGroup", "rbac.authorization.k8s.io"),
    ("apiVersion", "v1"),
    ("concurrencyPolicy", "Allow"),
    ("kind", "PersistentVolumeClaim"),
    ("path", "/"),
    ("protocol", "TCP"),
    ("annotations", "null"),
    ("creationTimestamp", "null"),
    ("labels", "null"),
    ("timeoutSeconds", "0"),
    ("terminationGracePeriodSeconds", "30"),
    ("type", "ClusterIP"),
    ("type", "Opaque"),
    ("type", "RollingUpdate"),
];

#[test]
fn a_key_added_to_a_map_is_the_only_difference() {
    const MAPS: &[&str] = &["labels", "annotations", "matchLabels", "nodeSelector", "data", "limits", "requests"];
    each_wrong(|case, wrong| {
        let maps: Vec<Pointer> = containers(&case.live).filter(|at| MAPS.contains(&at.last().unwrap_or("-"))).collect();
        for at in maps {
            // a ReplicationController selects by its template's labels unless it says otherwise
            let selects = case.declared["kind"] == "ReplicationController" && at.last() == Some("labels");
            if selects || at == pointer("/spec/selector/matchLabels") || at.is_within(&pointer("/status")) {
                continue;
            }
            let mut live = case.live.clone();
            let Some(Value::Object(map)) = at.get_mut(&mut live) else { continue };
            map.insert("example.org/added".to_owned(), json!("MQ=="));
            let after = adopted(&case.declared, &live);
            let changes = differences(&case.declared, &after);
            let added = changes.len() == 1
                && (changes[0].before.is_none() || at.get(&case.declared).is_some_and(Value::is_null));
            if !added || !at.join("example.org/added").is_within(&changes[0].path) {
                wrong.push(format!("{at}: {changes:?}"));
            }
        }
    });
}

#[test]
fn the_order_of_keyed_items_is_no_drift() {
    each_wrong(|case, wrong| {
        let (api_version, kind) = (case.declared["apiVersion"].as_str(), case.declared["kind"].as_str());
        let mut live = case.live.clone();
        for at in containers(&case.live) {
            let keys = merge_keys(api_version.expect("a text"), kind.expect("a text"), &at);
            if let (Some(_), Some(Value::Array(items))) = (keys, at.get_mut(&mut live)) {
                items.reverse();
            }
        }
        let changes = differences(&case.declared, &adopted(&case.declared, &live));
        if !changes.is_empty() {
            wrong.push(format!("{changes:?}"));
        }
    });
}

/// Kubernetes 1.20 stores an autoscaler as v1 and prints its metrics in another order: in sync, but field by field its
/// pointers are not those of the manifest.
const REORDERED: &str = "autoscaler-v2/rich/live.yaml";

fn each_wrong(check: impl Fn(&Case, &mut Vec<String>)) {
    let mut wrong = Vec::new();
    let respelled = |case: &Case| case.name == REORDERED || case.declared.get("stringData").is_some();
    for case in cases().iter().filter(|case| !respelled(case)) {
        let mut found = Vec::new();
        check(case, &mut found);
        wrong.extend(found.into_iter().map(|line| format!("{}: {line}", case.name)));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn pointer(text: &str) -> Pointer {
    text.parse().expect("a pointer")
}

fn at_path(value: &Value, at: &Pointer) -> Value {
    at.get(value).cloned().unwrap_or_default()
}

/// The scalars of a value.
fn leaves(value: &Value) -> Vec<(Pointer, &Value)> {
    let mut found = Vec::new();
    visit(value, Pointer::root(), &mut |at, value| {
        if !value.is_object() && !value.is_array() {
            found.push((at, value));
        }
    });
    found
}

/// Where the maps and lists of a value are.
fn containers(value: &Value) -> impl Iterator<Item = Pointer> + use<> {
    let mut found = Vec::new();
    visit(value, Pointer::root(), &mut |at, value| {
        if value.is_object() || value.is_array() {
            found.push(at);
        }
    });
    found.into_iter()
}

fn visit<'v>(value: &'v Value, at: Pointer, see: &mut dyn FnMut(Pointer, &'v Value)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| visit(value, at.join(key), see)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| visit(item, at.join(i.to_string()), see)),
        _ => {}
    }
    see(at, value);
}

/// Another value of the same type.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 7.0),
        Value::String(text) if text.contains(['/', ':', '@']) => json!(format!("changed.example.org/{text}")),
        Value::String(text) if text == "Q2hhbmdlZA==" => json!("QWdhaW4="),
        Value::String(_) => json!("Q2hhbmdlZA=="),
        _ => json!("was null"),
    }
}

/// Tells whether a leaf says which object or which item of a keyed list this is.
fn is_identity(at: &Pointer) -> bool {
    const KEYS: &[&str] = &[
        "name",
        "containerPort",
        "protocol",
        "port",
        "ip",
        "mountPath",
        "devicePath",
        "topologyKey",
        "whenUnsatisfiable",
    ];
    let tokens = at.tokens();
    let of_an_item = tokens.len() > 2 && tokens[tokens.len() - 2].parse::<usize>().is_ok();
    tokens.len() == 1
        || at.to_string() == "/metadata/name"
        || of_an_item && KEYS.contains(&at.last().unwrap_or_default())
}

/// Tells whether other fields are filled in by what this one says, so that they would have to be written down as well.
fn decides_another(at: &Pointer) -> bool {
    const DECIDING: &[&str] = &[
        "/spec/backoffLimitPerIndex",
        "/spec/hostNetwork",
        "/spec/limits/*",
        "/spec/manualSelector",
        "/spec/names/kind",
        "/spec/parallelism",
        "/spec/template/metadata/labels",
        "/subjects/*/kind",
        "/spec/containers/*/resources/limits",
        "/spec/initContainers/*/resources/limits",
    ];
    DECIDING.iter().any(|deciding| is_below(at, deciding))
}

fn is_below(at: &Pointer, pattern: &str) -> bool {
    let pattern = pointer(pattern);
    at.tokens().len() >= pattern.tokens().len()
        && at.tokens().iter().zip(pattern.tokens()).all(|(token, pattern)| pattern == "*" || token == pattern)
}

/// Changes what the API server keeps equal to a changed field.
fn mirror(at: &Pointer, live: &mut Value) {
    let twin = match at.last() {
        Some("serviceAccountName") => "serviceAccount",
        Some("serviceAccount") => "serviceAccountName",
        _ => return,
    };
    let value = at.get(live).cloned();
    if let Some(Value::Object(map)) = at.parent().and_then(|parent| parent.get_mut(live)) {
        match value {
            Some(value) => map.insert(twin.to_owned(), value),
            None => map.shift_remove(twin),
        };
    }
}

fn deployment(container: Value) -> Value {
    let container = container.as_object().cloned().unwrap_or_default();
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}})
}

/// What differs between a manifest and what it would have to say: `path before → after`.
fn drift(declared: &Value, live: &Value) -> Vec<String> {
    let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    let changes = differences(declared, &adopted(declared, live));
    let in_spec = |path: String| path.replace("/spec/template/spec/containers/0", "…");
    let line = |change: &sourceward::model::diff::FieldChange| {
        format!("{} {} → {}", in_spec(change.path.to_string()), show(&change.before), show(&change.after))
    };
    changes.iter().map(line).collect()
}

#[test]
fn lists_are_aligned_by_what_identifies_their_items() {
    let env = |names: &[&str]| -> Value { names.iter().map(|name| json!({"name": name, "value": name})).collect() };
    for (declared, live, expected) in [
        // a new item comes after its live predecessor that is declared, or at the end
        (
            json!({"env": env(&["a", "b"])}),
            json!({"env": env(&["a", "n", "b"])}),
            vec!["…/env/1 - → {\"name\":\"n\",\"value\":\"n\"}"],
        ),
        (
            json!({"env": env(&["a", "b"])}),
            json!({"env": env(&["n", "b", "a"])}),
            vec!["…/env/2 - → {\"name\":\"n\",\"value\":\"n\"}"],
        ),
        (
            json!({"env": env(&["a", "b", "c"])}),
            json!({"env": env(&["c", "a"])}),
            vec!["…/env/1 {\"name\":\"b\",\"value\":\"b\"} → -"],
        ),
        // the same name twice: the first is the first
        (json!({"env": env(&["a", "a"])}), json!({"env": env(&["a", "a"])}), vec![]),
        (
            json!({"env": env(&["a", "a"])}),
            json!({"env": env(&["a"])}),
            vec!["…/env/1 {\"name\":\"a\",\"value\":\"a\"} → -"],
        ),
        // one port number, two protocols; a protocol that is left out is TCP
        (
            json!({"ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]}),
            json!({"ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]}),
            vec![],
        ),
        // arguments have an order
        (
            json!({"args": ["a", "b"]}),
            json!({"args": ["b", "a"]}),
            vec!["…/args/0 \"a\" → \"b\"", "…/args/1 \"b\" → \"a\""],
        ),
        (json!({"args": ["a", "b", "c"]}), json!({"args": ["a", "x", "c"]}), vec!["…/args/1 \"b\" → \"x\""]),
        (json!({"args": ["a", "b"]}), json!({}), vec!["…/args [\"a\",\"b\"] → -"]),
        (json!({"args": []}), json!({}), vec![]),
        // what is added is added without what the API server fills in
        (
            json!({}),
            json!({"livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10}}),
            vec!["…/livenessProbe - → {\"httpGet\":{\"port\":80}}"],
        ),
    ] {
        assert_eq!(drift(&deployment(declared.clone()), &deployment(live.clone())), expected, "{declared} {live}");
    }
}

#[test]
fn spellings_of_the_same_value_are_no_drift() {
    for (declared, live, drifts) in [
        (json!({"resources": {"limits": {"cpu": 1}}}), json!({"resources": {"limits": {"cpu": "1"}}}), false),
        (json!({"resources": {"limits": {"cpu": "1000m"}}}), json!({"resources": {"limits": {"cpu": "1"}}}), false),
        (json!({"resources": {"limits": {"cpu": 0.5}}}), json!({"resources": {"limits": {"cpu": "500m"}}}), false),
        (
            json!({"resources": {"limits": {"memory": "1Gi"}}}),
            json!({"resources": {"limits": {"memory": "1024Mi"}}}),
            false,
        ),
        (json!({"resources": {"limits": {"memory": "1G"}}}), json!({"resources": {"limits": {"memory": "1Gi"}}}), true),
        // outside quantities, texts are texts
        (json!({"env": [{"name": "A", "value": "1000m"}]}), json!({"env": [{"name": "A", "value": "1"}]}), true),
        (
            json!({"livenessProbe": {"tcpSocket": {"port": 80}}}),
            json!({"livenessProbe": {"tcpSocket": {"port": "80"}}}),
            true,
        ),
        // absent and empty
        (json!({"env": [{"name": "A", "value": ""}]}), json!({"env": [{"name": "A"}]}), false),
        (json!({"resources": {}}), json!({}), false),
        (json!({"resources": {"limits": null}}), json!({"resources": {"limits": {}}}), false),
        (json!({"securityContext": {"privileged": false}}), json!({"securityContext": {}}), true),
        (json!({"securityContext": {"runAsUser": 0}}), json!({"securityContext": {}}), true),
        (json!({"tty": false}), json!({}), false),
        (json!({"livenessProbe": {"timeoutSeconds": 0}}), json!({"livenessProbe": {"timeoutSeconds": 1}}), false),
        (json!({"livenessProbe": {"periodSeconds": 10.0}}), json!({"livenessProbe": {"periodSeconds": 10}}), false),
        // the policy of an image follows its tag
        (json!({"image": "a"}), json!({"image": "a", "imagePullPolicy": "Always"}), false),
        (json!({"image": "a"}), json!({"image": "a", "imagePullPolicy": "IfNotPresent"}), true),
        (json!({"image": "h:5000/a"}), json!({"image": "h:5000/a", "imagePullPolicy": "Always"}), false),
        (json!({"image": "a:1"}), json!({"image": "a:1", "imagePullPolicy": "IfNotPresent"}), false),
        (json!({"image": "a@sha256:0"}), json!({"image": "a@sha256:0", "imagePullPolicy": "IfNotPresent"}), false),
    ] {
        let found = drift(&deployment(declared.clone()), &deployment(live.clone()));
        assert_eq!(!found.is_empty(), drifts, "{declared} {live}: {found:?}");
    }
}

#[test]
fn the_bytes_of_a_secret_count_not_their_spelling() {
    let secret = |fields: Value| {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret"});
        secret.as_object_mut().expect("a map").append(&mut fields.as_object().cloned().expect("a map"));
        secret
    };
    for (declared, live, expected) in [
        (json!({"stringData": {"a": "x"}}), json!({"data": {"a": "eA=="}}), vec![]),
        (json!({"stringData": {"a": "x"}}), json!({"data": {"a": "eQ=="}}), vec!["/stringData/a \"x\" → \"y\""]),
        (
            json!({"stringData": {"a": "x"}}),
            json!({"data": {"a": "eA==", "b": "eQ=="}}),
            vec!["/stringData/b - → \"y\""],
        ),
        (json!({"stringData": {"a": "x"}}), json!({}), vec!["/stringData {\"a\":\"x\"} → -"]),
        // bytes that are no text cannot be told as one
        (
            json!({"stringData": {"a": "x"}}),
            json!({"data": {"a": "/w=="}}),
            vec!["/stringData {\"a\":\"x\"} → -", "/data - → {\"a\":\"/w==\"}"],
        ),
        (json!({"data": {"a": "e\nA=="}}), json!({"data": {"a": "eA=="}}), vec![]),
        (json!({"data": {"a": "eA=="}}), json!({"data": {"a": "eQ=="}}), vec!["/data/a \"eA==\" → \"eQ==\""]),
        // where both declare a key, stringData wins
        (json!({"data": {"a": "eA=="}, "stringData": {"a": "y"}}), json!({"data": {"a": "eQ=="}}), vec![]),
    ] {
        assert_eq!(drift(&secret(declared.clone()), &secret(live.clone())), expected, "{declared} {live}");
    }
}

#[test]
fn a_list_that_others_write_too_may_be_long() {
    let account = |from: usize| {
        let secrets: Vec<_> = (from..from + 30_000).map(|n| json!({"name": format!("default-token-{n}")})).collect();
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}, "secrets": secrets})
    };
    // Pair by pair these would be a billion comparisons.
    assert_eq!(drift(&account(0), &account(0)), Vec::<String>::new());
    assert!(!drift(&account(0), &account(30_000)).is_empty());
}

#[test]
fn what_the_cluster_allocates_counts_where_it_is_declared() {
    let of = |kind: &str, fields: &Value| {
        let version = match kind {
            "Ingress" | "NetworkPolicy" => "networking.k8s.io/v1",
            _ => "v1",
        };
        let mut object = json!({"apiVersion": version, "kind": kind});
        object.as_object_mut().expect("a map").append(&mut fields.as_object().cloned().expect("a map"));
        object
    };
    let finalizers = |names: &[&str]| json!({"metadata": {"finalizers": names}});
    let labels = |labels: Value| json!({"metadata": {"labels": labels}});
    let spec = |spec: Value| json!({"spec": spec});
    let ingress = |class: &str| json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "a"}}, "spec": {"ingressClassName": class}});
    for (kind, declared, live, drifts) in [
        ("Service", spec(json!({})), spec(json!({"clusterIP": "10.0.0.1"})), false),
        ("Service", spec(json!({})), spec(json!({"clusterIP": "None"})), true),
        ("Service", spec(json!({"clusterIP": "10.0.0.1"})), spec(json!({"clusterIP": "10.0.0.2"})), true),
        ("Service", spec(json!({"type": "NodePort"})), spec(json!({"type": "ClusterIP"})), true),
        (
            "Service",
            spec(json!({"ports": [{"port": 80, "nodePort": 30000}]})),
            spec(json!({"ports": [{"port": 80, "nodePort": 30001, "protocol": "TCP", "targetPort": 80}]})),
            true,
        ),
        // the port that a manifest leaves out is the service's, not the one that another port had
        (
            "Service",
            spec(json!({"ports": [{"port": 80}]})),
            spec(json!({"ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]})),
            true,
        ),
        ("PersistentVolumeClaim", spec(json!({})), spec(json!({"storageClassName": "fast", "volumeName": "v"})), false),
        (
            "PersistentVolumeClaim",
            spec(json!({"storageClassName": ""})),
            spec(json!({"storageClassName": "fast"})),
            true,
        ),
        ("PersistentVolumeClaim", finalizers(&["a"]), finalizers(&["kubernetes.io/pvc-protection", "a"]), false),
        ("PersistentVolumeClaim", finalizers(&["a", "b"]), finalizers(&["b", "a"]), false),
        ("PersistentVolumeClaim", finalizers(&["a"]), finalizers(&["a", "b"]), true),
        ("ConfigMap", labels(json!({})), labels(json!({"app.kubernetes.io/instance": "shop"})), false),
        (
            "ConfigMap",
            labels(json!({"app.kubernetes.io/instance": "a"})),
            labels(json!({"app.kubernetes.io/instance": "b"})),
            true,
        ),
        ("ConfigMap", labels(json!({})), labels(json!({"app.kubernetes.io/managed-by": "Helm"})), false),
        ("ConfigMap", labels(json!({})), labels(json!({"app.kubernetes.io/managed-by": "me"})), true),
        ("ConfigMap", json!({"metadata": {"namespace": ""}}), json!({"metadata": {"namespace": "shop"}}), false),
        ("ConfigMap", json!({"metadata": {"namespace": "a"}}), json!({"metadata": {"namespace": "b"}}), true),
        ("ConfigMap", json!({"metadata": {"uid": "a"}}), json!({"metadata": {"uid": "b"}}), false),
        ("ConfigMap", json!({"data": {"a": "1"}}), json!({"data": {"a": "1.0"}}), true),
        ("Ingress", spec(json!({})), spec(json!({"ingressClassName": "public"})), false),
        ("Ingress", json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "a"}}}), ingress("a"), true),
        // everything and nothing differ
        ("NetworkPolicy", spec(json!({"ingress": [{}]})), spec(json!({"policyTypes": ["Ingress"]})), true),
        (
            "NetworkPolicy",
            spec(json!({"ingress": [{"from": [{"podSelector": {}}]}]})),
            spec(
                json!({"ingress": [{"from": [{"podSelector": {}, "namespaceSelector": {}}]}], "policyTypes": ["Ingress"]}),
            ),
            true,
        ),
        (
            "NetworkPolicy",
            spec(json!({"egress": [{}]})),
            spec(json!({"egress": [{}], "policyTypes": ["Ingress"]})),
            true,
        ),
    ] {
        let found = drift(&of(kind, &declared), &of(kind, &live));
        assert_eq!(!found.is_empty(), drifts, "{kind} {declared} {live}: {found:?}");
    }
}

#[test]
fn a_restart_is_no_drift_but_a_declared_annotation_counts() {
    let restarted = |at: &str| {
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"metadata": {"annotations": annotations}}}})
    };
    let silent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {}}});
    assert_eq!(drift(&silent, &restarted("2026-01-01T00:00:00Z")), Vec::<String>::new());
    assert_eq!(drift(&restarted("2025"), &restarted("2026")).len(), 1);
}

#[test]
fn another_version_of_the_same_shape_is_no_drift() {
    let budget =
        |version: &str| json!({"apiVersion": version, "kind": "PodDisruptionBudget", "spec": {"minAvailable": 1}});
    assert_eq!(drift(&budget("policy/v1beta1"), &budget("policy/v1")), Vec::<String>::new());
    let custom = |version: &str| json!({"apiVersion": version, "kind": "Backup"});
    assert_eq!(drift(&custom("example.org/v1alpha1"), &custom("example.org/v1")).len(), 1);
}

#[test]
fn custom_resources_have_no_defaults() {
    let custom = |spec: Value| json!({"apiVersion": "example.org/v1", "kind": "Backup", "spec": spec});
    for (declared, live, expected) in [
        (json!({}), json!({"added": 1}), vec!["/spec/added - → 1"]),
        (json!({"list": []}), json!({}), vec!["/spec/list [] → -"]),
        (json!({"cpu": "1000m"}), json!({"cpu": "1"}), vec!["/spec/cpu \"1000m\" → \"1\""]),
        (json!({"none": null}), json!({}), vec![]),
    ] {
        assert_eq!(drift(&custom(declared.clone()), &custom(live.clone())), expected, "{declared} {live}");
    }
}

#[test]
fn merge_keys_are_those_of_the_openapi_schema() {
    for line in include_str!("kubernetes/merge-keys.txt").lines().filter(|line| !line.starts_with('#')) {
        let [api_version, kind, at, keys] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let expected: Vec<&str> = keys.split(',').filter(|key| *key != "-").collect();
        let found = merge_keys(api_version, kind, &pointer(at)).unwrap_or_default();
        assert_eq!(found, expected, "{line}");
    }
}

fn json() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "template",
        "containers",
        "name",
        "ports",
        "containerPort",
        "resources",
        "limits",
        "cpu",
        "labels",
        "annotations",
        "finalizers",
        "data",
        "stringData",
        "subjects",
        "rules",
        "metrics",
        "volumes",
        "tolerations",
        "status",
        "volumeClaimTemplates",
        "emptyDir",
        "env",
        "image",
        "x",
    ]);
    let text = prop_oneof![
        prop::sample::select(vec![
            "",
            "v1",
            "apps/v1",
            "Deployment",
            "Pod",
            "Secret",
            "Job",
            "Service",
            "1Gi",
            "-",
            "+.",
            "a:b@c"
        ]),
        Just("é"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

/// An object of a kind with a table, of any content.
fn object() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(vec![
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("v1", "Pod"),
        ("v1", "Secret"),
        ("v1", "Service"),
        ("batch/v1", "Job"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("v1", "ServiceAccount"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("example.org/v1", "Custom"),
    ]);
    (kinds, json(), json(), json(), json()).prop_map(|((api_version, kind), metadata, spec, template, data)| {
        let mut object =
            json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec, "data": data});
        if let Some(Value::Object(spec)) = object.get_mut("spec") {
            spec.insert("template".to_owned(), json!({"spec": template}));
        }
        object
    })
}

proptest! {
    #[test]
    fn any_two_values_are_compared(declared in prop_oneof![json(), object()], live in prop_oneof![json(), object()]) {
        let after = adopted(&declared, &live);
        prop_assert_eq!(adopted(&after, &after), after);
    }

    #[test]
    fn an_object_is_in_sync_with_itself(object in object()) {
        prop_assert_eq!(adopted(&object, &object), object);
    }
}

#[test]
fn deeply_nested_lists_take_no_exponential_time() {
    let nested = |leaf: Value| (0..100).fold(leaf, |inner, _| json!([inner, 1]));
    let custom = |leaf: Value| json!({"apiVersion": "example.org/v1", "kind": "Deep", "spec": nested(leaf)});
    assert_eq!(adopted(&custom(json!(1)), &custom(json!(2))), custom(json!(2)));
}
