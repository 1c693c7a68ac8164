//! A chart that is rendered again after an edit comes to what it comes to when nothing was rendered before: text, origins,
//! refusals.
//!
//! What is taken over from the render before must not show. So each case is rendered through one catalog with one line after
//! another edited, and every answer is held to that of a catalog of its own.

mod at_once;
mod roots;

use std::fmt::Write;

use serde_json::{Value, json};
use sourceward::{
    engine::Rendered,
    model::{pointer::Pointer, refusal::Refusal},
    source::{
        path::RepoPath,
        tree::{MemoryTree, Overlay, SourceTree},
    },
    stack::{catalog::Catalog, config},
};

use super::{CHART, Case, Stack, cases};

/// Charts by what could let a template's output stay although it should change, or the other way round.
const CHARTS: &[(&str, &[(&str, &str)])] = &[
    (
        "a template writes into the values that the next one reads",
        &[
            ("chart/values.yaml", "a: 1\nb: {c: 2}\nd: true\n"),
            ("chart/templates/a.yaml", "kind: A\na: {{ .Values.b.e }}\n"),
            ("chart/templates/b.yaml", "{{ if .Values.d }}{{ $_ := set .Values.b \"e\" .Values.a }}{{ end }}kind: B\n"),
        ],
    ),
    (
        "a key is only asked for, counted, or gone through",
        &[
            ("chart/values.yaml", "a: {b: 1}\nc: []\nd:\n  e: 1\n  f: 2\n"),
            ("chart/templates/a.yaml", "kind: A\na: {{ hasKey .Values.a \"z\" }}\nb: {{ .Values.a.y }}\n"),
            ("chart/templates/b.yaml", "kind: B\na: {{ len .Values.d }}\nb: {{ if .Values.a }}1{{ end }}\n"),
            (
                "chart/templates/c.yaml",
                "kind: C\na: {{ range $k, $v := .Values.d }}{{ $k }}{{ end }}\nb: {{ keys .Values.a }}\n",
            ),
            ("chart/templates/d.yaml", "kind: D\na: {{ toJson .Values.c }}\nb: {{ toJson . | len }}\n"),
            (
                "chart/templates/e.yaml",
                "kind: E\na: {{ dig \"e\" \"f\" 7 .Values.d }}\nb: {{ .Values.d | values | len }}\n",
            ),
        ],
    ),
    (
        "a value is a template, a list of maps, a key of another map",
        &[
            ("chart/values.yaml", "t: '{{ .Values.u.v }}'\nu: {v: 1, w: x}\nl:\n- n: 1\n- n: 2\nx: {y: 3}\n"),
            ("chart/templates/a.yaml", "kind: A\na: {{ tpl .Values.t . }}\nb: {{ (index .Values.l 1).n }}\n"),
            ("chart/templates/b.yaml", "kind: B\na: {{ get .Values.x .Values.u.w }}\nb: {{ include \"h\" . }}\n"),
            ("chart/templates/_h.tpl", "{{ define \"h\" }}{{ with .Values.x }}{{ .y }}{{ end }}{{ end }}"),
        ],
    ),
    (
        "a subchart sees what its parent says, and .Files and .Chart are read",
        &[
            ("chart/values.yaml", "global: {g: 1}\nsub:\n  a: 2\n  global: {h: 3}\nsub2: {}\n"),
            ("chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
            ("chart/charts/sub/values.yaml", "a: 5\nb: {c: 6}\n"),
            (
                "chart/charts/sub/templates/s.yaml",
                "kind: S\na: {{ .Values.global.g }}\nb: {{ .Values.a }}\nc: {{ .Values.b.c }}\n",
            ),
            (
                "chart/templates/a.yaml",
                "kind: A\na: {{ .Values.sub.b.c }}\nb: {{ .Chart.Version }}\nc: {{ .Files.Get \"f.txt\" }}\n",
            ),
            ("chart/templates/b.yaml", "kind: B\na: {{ .Subcharts.sub.Values.a }}\nb: {{ .Values.global.z }}\n"),
            ("chart/f.txt", "one: 1\n"),
        ],
    ),
    (
        "what is missing stands in another order",
        &[
            ("chart/values.yaml", "a: false\nb: 1\nglobal: {}\nsub: {}\n"),
            ("chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
            (
                "chart/charts/sub/templates/s.yaml",
                "kind: S\na: {{ .Values.global.x }}{{ default 1 .Values.global.q }}\n",
            ),
            ("chart/templates/a.yaml", "kind: A\na: {{ if .Values.a }}{{ .Values.y }}{{ .Values.x }}{{ end }}\n"),
            ("chart/templates/b.yaml", "kind: B\na: {{ or .Values.x .Values.y .Values.b 5 }}\n"),
        ],
    ),
];

#[test]
fn charts_rendered_again_are_what_they_are_at_first() {
    let own = CHARTS.iter().map(|(name, files)| {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        let chart = ("chart/Chart.yaml".to_owned(), CHART.as_bytes().to_vec());
        let release = json!({"chart": "chart", "release": "rel", "namespace": "ns"});
        let Value::Object(release) = release else { unreachable!("it is a map") };
        Case {
            folder: name.into(),
            files: files.chain([chart]).collect(),
            links: Vec::new(),
            stack: Stack::Helm(release),
        }
    });
    let wrong: Vec<String> = own.chain(cases("helm")).filter_map(|case| differs(&case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first edit after which a case comes to something else than it does at first.
fn differs(case: &Case) -> Option<String> {
    let Stack::Helm(release) = &case.stack else { return None };
    let config = json!({"version": 1, "stacks": [{"name": "case", "helm": release}]});
    let path = |name: &str| name.parse::<RepoPath>().expect("a path");
    let files = case.files.iter().map(|(name, text)| (path(name), text.clone()));
    let links = case.links.iter().map(|(at, to)| (path(at), to.clone()));
    let tree = MemoryTree::of(files.chain([(path(config::PATH), config.to_string().into_bytes())])).with_links(links);
    let catalog = Catalog::of(&tree).ok()?;
    let (mut alive, mut count) = (None, 0);
    for (name, text) in &case.files {
        let Ok(text) = std::str::from_utf8(text) else { continue };
        for edited in edits(text) {
            let changed = [(path(name), Some(edited.as_bytes().into()))].into();
            let over = Overlay::new(&tree, changed);
            let again = catalog.stacks()[0].declaration.render(&over, catalog.memory());
            if told(&again) != told(&at_first(&over)) {
                return Some(format!("{}: {name} as {edited:?}", case.name()));
            }
            // An earlier render may still be in use when the next one goes on with what it left.
            count += 1;
            match count % 3 {
                0 => alive = again.ok(),
                1 => drop(alive.take()),
                _ => {}
            }
        }
    }
    None
}

/// A text with one line less, another value on one line, or one line more: some of each.
fn edits(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let step = lines.len().div_ceil(4).max(1);
    let mut edits = Vec::new();
    for at in (0..lines.len()).step_by(step) {
        let (line, rest) = (lines[at], lines.get(at + 1..).unwrap_or_default());
        let indent = &line[..line.len() - line.trim_start().len()];
        let key = line.split(": ").next().unwrap_or_default();
        let other = if line.ends_with("true") { "false" } else { "7" };
        for new in [vec![], vec![format!("{key}: {other}")], vec![format!("{indent}aa: 1"), line.to_owned()]] {
            let new = new.iter().map(String::as_str);
            let edited: Vec<&str> = lines[..at].iter().copied().chain(new).chain(rest.iter().copied()).collect();
            edits.push(edited.join("\n") + "\n");
        }
    }
    edits
}

fn at_first(tree: &dyn SourceTree) -> Result<Rendered, Refusal> {
    let catalog = Catalog::of(tree)?;
    catalog.stacks()[0].declaration.render(tree, catalog.memory())
}

/// All that a render tells.
fn told(rendered: &Result<Rendered, Refusal>) -> String {
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(refusal) => return format!("{refusal:?}"),
    };
    let mut told = format!("{:?}\n{:?}\n{:?}\n", rendered.printed, rendered.files, rendered.skipped);
    for resource in &rendered.resources {
        let mut fields = vec![Pointer::root()];
        fields_of(&resource.value, &Pointer::root(), &mut fields);
        writeln!(told, "{:?} {:?} {}", resource.id, resource.declared_at(), resource.value).expect("writes");
        for at in &fields {
            writeln!(told, "{at} {:?} {:?}", resource.origins(at), resource.chain(at)).expect("writes");
        }
        let missing: Pointer = "/metadata/annotations/aa".parse().expect("a pointer");
        writeln!(told, "{:?}", resource.lack(&missing)).expect("writes");
    }
    told
}

fn fields_of(value: &Value, at: &Pointer, fields: &mut Vec<Pointer>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in entries {
        let below = Pointer::of(at.tokens().iter().cloned().chain([key]));
        fields_of(value, &below, fields);
        fields.push(below);
    }
}
