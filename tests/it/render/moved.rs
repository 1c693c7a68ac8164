//! What moves when a value changes was said to depend on it: the lineage of a render, held to the next one.
//!
//! A field that is new has no lineage yet: the list or map that it is put into has to name the value.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sourceward::{
    engine::Rendered,
    model::pointer::Pointer,
    source::{lineage::Spot, tree::MemoryTree},
    stack::{catalog::Catalog, config},
};

use super::{CHART, Case, Stack, cases};

/// A chart's values and one template of it, by what is hard to see in them. Every value moves something.
const CHARTS: &[(&str, &str, &str)] = &[
    ("a copy", "a: x\n", "kind: K\na: {{ .Values.a }}\n"),
    ("an empty copy", "a: ''\nb: null\n", "kind: K\na: {{ .Values.a | quote }}\nb: {{ .Values.b }}\n"),
    (
        "a block at a map's beginning",
        "a: {}\n",
        "kind: K\nm:\n  {{- with .Values.a }}\n  a: {{ toYaml . | nindent 4 }}\n  {{- end }}\n  b: 1\n",
    ),
    (
        "a block at a map's end",
        "a: false\n",
        "kind: K\nm:\n  b: 1\n  {{- if .Values.a }}\n  a: 1\n  {{- end }}\nc: 1\n",
    ),
    ("a block that is a map", "a: false\n", "kind: K\nm:\n{{ if .Values.a }}\n  a: 1\n{{ end }}\nc: 1\n"),
    ("a block at a document's end", "a: false\n", "kind: K\nb: 1\n{{ if .Values.a }}\na: 1\n{{ end }}\n---\nkind: L\n"),
    ("a block at a document's beginning", "a: false\n", "kind: K\n---\n{{ if .Values.a }}\na: 1\n{{ end }}\nkind: L\n"),
    ("a block at the file's end", "a: false\n", "kind: K\nm:\n  b: 1\n{{ if .Values.a }}\n  a: 1\n{{ end }}\n"),
    (
        "one of two blocks",
        "a: false\n",
        "kind: K\nm:\n  {{- if .Values.a }}\n  a: 1\n  {{- else }}\n  b: 1\n  {{- end }}\n",
    ),
    (
        "a key",
        "a: x\nb: []\n",
        "kind: K\nm:\n  {{ .Values.a }}: 1\n  {{- range .Values.b }}\n  {{ . }}: 1\n  {{- end }}\n",
    ),
    (
        "items",
        "a: [x]\nb: []\n",
        "kind: K\na:\n{{- range .Values.a }}\n- {{ . }}\n{{- end }}\nb:\n{{- range .Values.b }}\n- {{ . }}\n{{- end }}\n",
    ),
    (
        "a list and a map as they are",
        "a: [x]\nb: {x: {}}\nc: []\n",
        "kind: K\na: {{ toYaml .Values.a | nindent 2 }}\nb: {{ toYaml .Values.b | nindent 2 }}\nc: {{ toYaml .Values.c }}\n",
    ),
    (
        "the first line of a text",
        "a: ''\n",
        "kind: K\na: |\n  {{- if .Values.a }}\n  {{ .Values.a }}\n  {{- end }}\n  b\n",
    ),
    (
        "the last line of a text",
        "a: ''\n",
        "kind: K\na: |\n  b\n{{ if .Values.a }}\n  {{ .Values.a }}\n{{ end }}\nc: 1\n",
    ),
    ("a folded text", "a: ''\n", "kind: K\na: >-\n  {{- with .Values.a }}\n  {{ . }}\n  {{- end }}\n  b\n"),
    ("the kind", "a: true\n", "kind: {{ ternary \"K\" \"L\" .Values.a }}\na: 1\n"),
    ("a document", "a: true\n", "kind: K\n---\n{{- if .Values.a }}\nkind: L\na: 1\n{{- end }}\n"),
    ("when it is run", "a: test\n", "kind: K\nmetadata:\n  annotations:\n    helm.sh/hook: {{ .Values.a }}\na: 1\n"),
    ("a variable", "a: false\n", "{{ $x := 1 }}{{ if .Values.a }}{{ $x = 2 }}{{ end }}kind: K\na: {{ $x }}\n"),
    (
        "a written map",
        "a: false\n",
        "{{ $x := dict \"a\" 1 }}{{ if .Values.a }}{{ $_ := set $x \"a\" 2 }}{{ end }}kind: K\na: {{ $x.a }}\n",
    ),
    ("a count", "a: 2\n", "kind: K\na: {{ range until (int .Values.a) }}x{{ end }}\n"),
    (
        "one of several conditions",
        "a: x\nb: true\n",
        "kind: K\n{{ if or (eq .Values.a \"y\") .Values.b }}\na: 1\n{{ end }}\nc: {{ and .Values.b .Values.a }}\n",
    ),
    (
        "a default",
        "a: ''\n",
        "kind: K\na: {{ default \"x\" .Values.a }}\nb: {{ coalesce .Values.b .Values.a \"x\" }}\n",
    ),
    ("a hash", "a: x\n", "kind: K\na: {{ toJson .Values | sha256sum }}\n"),
    ("what is parsed again", "a: x\n", "kind: K\na: {{ (fromYaml (printf \"b: %s\" .Values.a)).b }}\n"),
    ("a template in a value", "a: x\nb: '{{ .Values.a }}'\n", "kind: K\na: {{ tpl .Values.b . }}\n"),
];

#[test]
fn what_moves_was_named() {
    let wrong: Vec<String> = CHARTS
        .iter()
        .flat_map(|(name, values, template)| {
            let files = [("Chart.yaml", CHART), ("values.yaml", values), ("templates/a.yaml", template)];
            let files = files.map(|(path, text)| (format!("chart/{path}"), text.as_bytes().to_vec()));
            let release = json!({"chart": "chart", "release": "rel", "namespace": "ns"});
            let found = unnamed(&files.into(), &release);
            found.into_iter().map(move |(key, moved)| match moved {
                Some(unnamed) if unnamed.is_empty() => None,
                Some(unnamed) => Some(format!("{name}: {} does not name {}", unnamed.join(" "), key.join("."))),
                None => Some(format!("{name}: nothing moves with {}", key.join("."))),
            })
        })
        .flatten()
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_moves_in_the_recorded_charts_was_named() {
    let (mut keys, mut wrong) = (0, Vec::new());
    for Case { folder, files, stack, .. } in cases("helm") {
        let Stack::Helm(release) = stack else { continue };
        if release.contains_key("values") {
            continue;
        }
        for (key, moved) in unnamed(&files, &release.into()) {
            keys += usize::from(moved.is_some());
            let unnamed = moved.unwrap_or_default();
            if !unnamed.is_empty() {
                wrong.push(format!("{}: {} does not name {}", folder.display(), unnamed.join(" "), key.join(".")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(keys > 50, "{keys} keys moved something");
}

/// Of each value of a chart, the fields that move with it and do not name it; nothing of those with which none move.
fn unnamed(files: &BTreeMap<String, Vec<u8>>, release: &Value) -> Vec<(Vec<String>, Option<Vec<String>>)> {
    let Ok(before) = rendered(files, release) else { return Vec::new() };
    let values = files.get("chart/values.yaml").and_then(|text| serde_yaml::from_slice(text).ok()).unwrap_or_default();
    let mut keys = Vec::new();
    leaves_of_maps(&values, &mut Vec::new(), &mut keys);
    // YAML 1.1 takes them for booleans, so that they are new keys.
    keys.retain(|(key, _)| !key.iter().any(|key| matches!(key.as_str(), "y" | "n")));
    let mut found = Vec::new();
    for (key, value) in keys {
        let over = key.iter().rev().fold(other(&value), |inner, key| json!({key: inner}));
        let (mut files, mut release) = (files.clone(), release.clone());
        files.insert("other.yaml".to_owned(), over.to_string().into_bytes());
        let given = release["values"].as_array().cloned().unwrap_or_default();
        release["values"] = given.into_iter().chain([json!("other.yaml")]).collect();
        let Ok(after) = rendered(&files, &release) else { continue };
        let (mut moved, mut unnamed) = (false, Vec::new());
        for (position, resource) in before.resources.iter().enumerate() {
            let other = match before.resources.len() == after.resources.len() {
                true => after.resources.get(position),
                false => after.resources.iter().find(|other| other.id == resource.id),
            };
            let mut fields = Vec::new();
            match other {
                Some(other) => compare(&resource.value, &other.value, Pointer::root(), &mut fields),
                None => leaves(&resource.value, Pointer::root(), &mut fields),
            }
            moved |= !fields.is_empty();
            let named = resource.dependents(&fields, &Spot::Key(&key));
            let is_named = |at: &Pointer| named.iter().any(|(own, _)| own == at);
            unnamed.extend(fields.iter().filter(|at| !is_named(at)).map(|at| format!("{} {at}", resource.id)));
        }
        found.push((key, moved.then_some(unnamed)));
    }
    found
}

fn rendered(files: &BTreeMap<String, Vec<u8>>, release: &Value) -> Result<std::rc::Rc<Rendered>, String> {
    let config = json!({"version": 1, "stacks": [{"name": "case", "helm": release}]}).to_string().into_bytes();
    let files = files.iter().map(|(path, text)| (path.parse().expect("a path"), text.clone()));
    let tree = MemoryTree::of(files.chain([(config::PATH.parse().expect("a path"), config)]));
    Catalog::of(&tree).and_then(|catalog| catalog.rendered(0)).map_err(|refusal| refusal.message)
}

/// What is no map, or an empty one, with its keys.
fn leaves_of_maps(value: &Value, above: &mut Vec<String>, found: &mut Vec<(Vec<String>, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                above.push(key.clone());
                leaves_of_maps(value, above, found);
                above.pop();
            }
        }
        _ if !above.is_empty() => found.push((above.clone(), value.clone())),
        _ => {}
    }
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => json!("zz"),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 1.0),
        Value::String(text) => json!(format!("{text}z")),
        Value::Array(items) => items.iter().cloned().chain([items.first().cloned().unwrap_or(json!("zz"))]).collect(),
        Value::Object(_) => json!({"zz": "y"}),
    }
}

/// The fields that are not the same in both; where there are new ones, what they were put into.
fn compare(before: &Value, after: &Value, at: Pointer, found: &mut Vec<Pointer>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(own), Value::Object(others)) if !own.is_empty() && !others.is_empty() => {
            for (key, value) in own {
                match others.get(key) {
                    Some(other) => compare(value, other, at.join(key), found),
                    None => leaves(value, at.join(key), found),
                }
            }
            found.extend(others.keys().any(|key| !own.contains_key(key)).then_some(at));
        }
        (Value::Array(own), Value::Array(others)) if !own.is_empty() && !others.is_empty() => {
            let ends = own.iter().rev().zip(others.iter().rev()).take_while(|(own, other)| own == other).count();
            let same = ends.min(own.len().abs_diff(others.len()));
            let (own_middle, others_middle) = (own.len() - same, others.len() - same);
            for (index, value) in own[..own_middle].iter().enumerate() {
                match others[..others_middle].get(index) {
                    Some(other) => compare(value, other, at.join(index.to_string()), found),
                    None => leaves(value, at.join(index.to_string()), found),
                }
            }
            found.extend((others.len() > own.len()).then_some(at));
        }
        _ => leaves(before, at, found),
    }
}

fn leaves(value: &Value, at: Pointer, found: &mut Vec<Pointer>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| leaves(value, at.join(key), found));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, at.join(index.to_string()), found));
        }
        _ => found.push(at),
    }
}
