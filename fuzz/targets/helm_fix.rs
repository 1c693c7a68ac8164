//! Any chart is rendered or refused, every field of it leads somewhere, and what of it drifts is fixed or refused; what is
//! fixed is in sync.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use sourceward::{
    model::{pointer::Pointer, resource::ResourceId},
    remedy::{Verdict, policy::Policy, rule::set::Rules, verdict},
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

fuzz_target!(|input: &str| {
    let mut parts = input.split("\n====\n");
    let mut part = || parts.next().unwrap_or_default();
    let files =
        [("c/templates/t.yaml", part()), ("c/values.yaml", part()), ("c/templates/_h.tpl", part()), ("v.yaml", part())];
    let stack = json!({"version": 1, "stacks": [{"name": "s", "helm": {
        "chart": "c", "release": "r", "namespace": "n", "values": ["v.yaml"],
    }}]});
    let mut files: Vec<(RepoPath, String)> =
        files.map(|(path, text)| (path.parse().expect("a path"), text.to_owned())).into();
    files.push((".github/sourceward.yaml".parse().expect("a path"), stack.to_string()));
    files.push(("c/Chart.yaml".parse().expect("a path"), CHART.to_owned()));
    let tree = MemoryTree::of(files.iter().cloned());
    let catalog = Catalog::of(&tree);
    let Ok(rendered) = catalog.as_ref().map_err(Clone::clone).and_then(|catalog| catalog.rendered(0)) else { return };
    let drifts = rendered.resources.iter().filter_map(|resource| {
        let ResourceId::Kubernetes(id) = &resource.id else { return None };
        let (at, new) = drifted(&resource.value, Pointer::root())?;
        assert!(resource.chain(&at).is_some(), "{at} of {}", resource.value);
        Some(json!({
            "id": "fuzz", "intent": "drift", "stack": "s", "resource": {"kubernetes": id},
            "patch": [{"op": "replace", "path": at.to_string(), "value": new}],
        }))
    });
    let rules = Rules::default();
    for finding in drifts.take(4) {
        let Ok(finding) = serde_json::from_value(finding) else { continue };
        let Verdict::Patched(proved) = verdict(&Catalog::of(&tree), &finding, Policy::of(&rules)) else { continue };
        let changed = files.iter().map(|(path, text)| {
            let change = proved.files().get(path).map(|change| change.after.clone());
            (path.clone(), change.unwrap_or_else(|| text.clone()))
        });
        let tree = MemoryTree::of(changed);
        let again = verdict(&Catalog::of(&tree), &finding, Policy::of(&rules));
        assert!(matches!(again, Verdict::InSync), "{finding:?}\n{}\n{again:?}", proved.diff());
    }
});

/// The last scalar that is not part of what a resource is called, as another one of its kind.
fn drifted(value: &Value, at: Pointer) -> Option<(Pointer, Value)> {
    match value {
        Value::Null => None,
        Value::Bool(bool) => Some((at, json!(!bool))),
        Value::Number(number) => Some((at, json!(number.as_i64()?.checked_add(1)?))),
        Value::String(text) => Some((at, json!(format!("{text}-drift")))),
        Value::Array(items) => {
            items.iter().enumerate().rev().find_map(|(index, item)| drifted(item, at.join(index.to_string())))
        }
        Value::Object(map) => {
            let fields =
                map.iter().rev().filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
            fields.into_iter().find_map(|(key, item)| drifted(item, at.join(key)))
        }
    }
}
