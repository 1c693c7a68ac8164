//! Live objects against their manifests. Each folder below `kubernetes/` holds cases: a `declared.yaml` and what a
//! cluster makes of it, `live.yaml`.

use std::{fs, path::Path};

use serde_json::{Value, json};
use sourceward::model::{
    diff::differences,
    kubernetes::{adopted, merge_keys},
};

fn cases() -> Vec<(String, Value, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kubernetes");
    let mut cases = Vec::new();
    for kind in folders(&root) {
        for case in folders(&kind) {
            let read = |name: &str| -> Value {
                let text = fs::read_to_string(case.join(name)).expect("the case is complete");
                serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {name}: {error}", case.display()))
            };
            let name = case.strip_prefix(&root).expect("below the root").display().to_string();
            cases.push((name, read("declared.yaml"), read("live.yaml")));
        }
    }
    assert!(!cases.is_empty(), "no case below {}", root.display());
    cases
}

fn folders(path: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(path).expect("the folder of cases is there");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("reads").path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

#[test]
fn what_the_cluster_fills_in_is_no_drift() {
    let mut wrong = Vec::new();
    for (case, declared, live) in cases() {
        for change in differences(&declared, &adopted(&declared, &live)) {
            wrong.push(format!("{case}: {} {:?} → {:?}", change.path, change.before, change.after));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
