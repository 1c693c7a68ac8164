//! Live objects against their manifests. Each folder below `kubernetes/` holds cases: a `declared.yaml` and what a
//! cluster makes of it, `live.yaml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

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
    for case in entries(&root).iter().flat_map(|kind| entries(kind)) {
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
            if is_identity(&at) || decides_another(&at) || map.shift_remove(name).is_none() {
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
            if at.to_string() == "/spec/selector/matchLabels" || at.is_within(&pointer("/status")) {
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
        "/spec/manualSelector",
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
