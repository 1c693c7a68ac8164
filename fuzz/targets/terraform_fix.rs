//! Any root module with any file of variables is evaluated or refused; what of it drifts is fixed or refused, and what is
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

fuzz_target!(|input: &str| {
    let mut parts = input.split("\n====\n");
    let mut part = || parts.next().unwrap_or_default();
    let files = [("main.tf", part()), ("terraform.tfvars", part()), ("m/main.tf", part())];
    let stack = json!({"version": 1, "stacks": [{"name": "s", "terraform": {"root": "."}}]}).to_string();
    let mut files: Vec<(RepoPath, String)> =
        files.map(|(path, text)| (path.parse().expect("a path"), text.to_owned())).into();
    files.push((".github/sourceward.yaml".parse().expect("a path"), stack));
    let tree = MemoryTree::of(files.iter().cloned());
    let catalog = Catalog::of(&tree);
    let Ok(rendered) = catalog.as_ref().map_err(Clone::clone).and_then(|catalog| catalog.rendered(0)) else { return };
    let drifts = rendered.resources.iter().filter_map(|resource| {
        let ResourceId::Terraform(id) = &resource.id else { return None };
        let (at, new) = drifted(&resource.value, Pointer::root())?;
        Some(json!({
            "id": "fuzz", "intent": "drift", "stack": "s", "resource": {"terraform": {"address": id.address}},
            "patch": [{"op": "replace", "path": at.to_string(), "value": new}],
        }))
    });
    let rules = Rules::default();
    for finding in drifts.take(4) {
        let finding = serde_json::from_value(finding).expect("a finding");
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

/// The first scalar of a value, as another one of its kind.
fn drifted(value: &Value, at: Pointer) -> Option<(Pointer, Value)> {
    match value {
        Value::Null => None,
        Value::Bool(bool) => Some((at, json!(!bool))),
        Value::Number(number) => Some((at, json!(number.as_i64()?.checked_add(1)?))),
        Value::String(text) => Some((at, json!(format!("{text}-drift")))),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| drifted(item, at.join(index.to_string())))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| drifted(item, at.join(key))),
    }
}
