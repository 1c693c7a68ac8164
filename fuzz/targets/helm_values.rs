//! Any values of a chart, its subchart and a release are merged or refused, and every value leads to the layer that says it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sourceward::{
    engine::helm::{
        render::{Cache, Installation, render},
        sources::ArgumentKind,
        values::{Argument, Release, ValuesSource},
    },
    model::pointer::Pointer,
    source::{path::RepoPath, tree::MemoryTree},
};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n";
const SUBCHART: &str = "apiVersion: v2\nname: s\nversion: 0.1.0\n";
const TEMPLATE: &str = "kind: K\nvalues:\n{{ toYaml .Values | indent 2 }}\n";

fuzz_target!(|input: &str| {
    let mut parts = input.split("\n====\n");
    let mut part = || parts.next().unwrap_or_default();
    let (defaults, below, given, arguments, dependencies) = (part(), part(), part(), part(), part());
    let path = |text: &str| -> RepoPath { text.parse().expect("a path") };
    let tree = MemoryTree::of(
        [
            ("c/Chart.yaml", &*format!("{CHART}{dependencies}")),
            ("c/values.yaml", defaults),
            ("c/templates/t.yaml", TEMPLATE),
            ("c/charts/s/Chart.yaml", SUBCHART),
            ("c/charts/s/values.yaml", below),
            ("c/charts/s/templates/t.yaml", TEMPLATE),
            ("v.yaml", given),
        ]
        .map(|(name, text)| (path(name), text.to_owned())),
    );
    let kinds = [ArgumentKind::Set, ArgumentKind::SetString, ArgumentKind::SetJson, ArgumentKind::SetLiteral];
    let arguments = arguments.lines().filter(|line| !line.is_empty()).zip(kinds.into_iter().cycle());
    let release = Release {
        name: "r".to_owned(),
        namespace: "n".to_owned(),
        is_upgrade: false,
        kube_version: None,
        api_versions: Vec::new(),
        values: vec![ValuesSource::File(path("v.yaml"))],
        arguments: arguments.map(|(text, kind)| Argument { kind, text: text.to_owned(), written: None }).collect(),
        folder: RepoPath::root(),
    };
    let installation = Installation::new(&tree, path("c"), release, false);
    let Ok(rendered) = render(&tree, &installation, &Cache::default()) else { return };
    for resource in &rendered.resources {
        leaves(&resource.value, &Pointer::root(), &mut |at| {
            let chain = resource.chain(at).unwrap_or_else(|| panic!("{at} of {}", resource.value));
            let leads = chain.parts.iter().any(|part| !part.sources.is_empty());
            assert!(leads || chain.is_partial, "nothing says {at} of {}", resource.value);
        });
    }
});

/// What somebody says: Helm itself makes an empty map of `global`, and null of the elements that `--set l[2]=x` passes over.
fn leaves(value: &Value, at: &Pointer, each: &mut dyn FnMut(&Pointer)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, item)| leaves(item, &at.join(key), each)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &at.join(index.to_string()), each));
        }
        Value::Null => {}
        _ => each(at),
    }
}
