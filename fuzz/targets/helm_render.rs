//! Any template renders within the limits or is refused; every field of what it prints leads somewhere, to bytes that are
//! there; and what earlier renders left behind changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sourceward::{
    engine::{
        Printout, Rendered,
        helm::{
            render::{Cache, Installation, render},
            values::{Release, ValuesSource},
        },
    },
    model::{pointer::Pointer, refusal::Refusal},
    source::{
        path::RepoPath,
        tree::{MemoryTree, SourceTree},
    },
};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

fuzz_target!(|input: &str| {
    let mut parts = input.split("\n====\n");
    let mut part = || parts.next().unwrap_or_default();
    let (template, values, partial, given) = (part(), part(), part(), part());
    let cache = Cache::default();
    let _ = rendered(&chart(template, values, partial, ""), &cache);
    let edited = chart(template, values, partial, given);
    let again = rendered(&edited, &cache);
    let fresh = rendered(&edited, &Cache::default());
    assert_eq!(printed(&again), printed(&fresh), "{input:?}");
    for resource in again.iter().flat_map(|rendered| &rendered.resources) {
        leaves(&resource.value, &Pointer::root(), &mut |at| {
            let chain = resource.chain(at).unwrap_or_else(|| panic!("{at} of {}", resource.value));
            let parts = chain.parts.iter().flat_map(|part| &part.sources);
            let causes = parts.chain(&chain.printed_because).chain(&chain.chosen_because);
            for place in causes.filter_map(|cause| cause.place.as_ref()) {
                let bytes = edited.read(&place.file).expect("a file");
                let text = std::str::from_utf8(&bytes).expect("text");
                assert!(text.get(place.span.range()).is_some(), "{place:?} is no part of {text:?}");
            }
        });
    }
});

fn chart(template: &str, values: &str, partial: &str, given: &str) -> MemoryTree {
    let files = [
        ("c/Chart.yaml", CHART),
        ("c/templates/t.yaml", template),
        ("c/values.yaml", values),
        ("c/templates/_h.tpl", partial),
        ("v.yaml", given),
    ];
    MemoryTree::of(files.map(|(name, text)| (path(name), text.to_owned())))
}

fn rendered(tree: &MemoryTree, cache: &Cache) -> Result<Rendered, Refusal> {
    let release = Release {
        name: "r".to_owned(),
        namespace: "n".to_owned(),
        is_upgrade: false,
        kube_version: None,
        api_versions: Vec::new(),
        values: vec![ValuesSource::File(path("v.yaml"))],
        arguments: Vec::new(),
        folder: RepoPath::root(),
    };
    render(tree, &Installation::new(tree, path("c"), release, false), cache)
}

fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

fn printed(of: &Result<Rendered, Refusal>) -> Result<&Printout, &Refusal> {
    of.as_ref().map(|rendered| &rendered.printed)
}

fn leaves(value: &Value, at: &Pointer, each: &mut dyn FnMut(&Pointer)) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, item)| leaves(item, &at.join(key), each)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &at.join(index.to_string()), each));
        }
        _ => each(at),
    }
}
