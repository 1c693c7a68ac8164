//! Operations of a patch that the source has taken already.
//!
//! A sender reports a drift until it is deployed away, so the same patch comes again after its pull request was merged. What
//! sets a value is harmless then. What adds an item would add it twice, so an addition that is there already is passed over.

use json_patch::PatchOperation;
use serde_json::Value;

use super::{
    change::{MergeKeys, identity},
    pointer::{Pointer, list_index},
    value::same,
};

/// What a patch's operation means for a declared resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It changes something, or does not fit.
    New,
    /// The resource is already as the operation would make it.
    Taken,
    /// The list has another item of that identity, so the operation would make two of them.
    Twice(String),
}

/// Tells what an operation means for a resource as the operations before it left it.
pub fn meaning(operation: &PatchOperation, to: &Value, merge_keys: MergeKeys<'_>) -> Meaning {
    let Ok(at) = operation.path().as_str().parse::<Pointer>() else { return Meaning::New };
    match operation {
        PatchOperation::Add(add) => added(&at, &add.value, to, merge_keys),
        PatchOperation::Remove(_) => {
            let map = at.parent().and_then(|map| map.get(to)?.as_object().cloned());
            let gone = map.zip(at.last()).is_some_and(|(map, key)| !map.contains_key(key));
            if gone { Meaning::Taken } else { Meaning::New }
        }
        _ => Meaning::New,
    }
}

fn added(at: &Pointer, value: &Value, to: &Value, merge_keys: MergeKeys<'_>) -> Meaning {
    let Some((list, last)) = at.parent().zip(at.last()) else { return Meaning::New };
    let Some(Value::Array(items)) = list.get(to) else { return Meaning::New };
    if let Some(keys) = merge_keys(&list)
        && let Some(name) = identity(value, keys)
    {
        return match items.iter().find(|item| identity(item, keys).as_ref() == Some(&name)) {
            Some(item) if same(item, value) => Meaning::Taken,
            Some(_) => Meaning::Twice(name),
            None => Meaning::New,
        };
    }
    let there = if last == "-" { items.last() } else { list_index(last).and_then(|index| items.get(index)) };
    if there.is_some_and(|item| same(item, value)) { Meaning::Taken } else { Meaning::New }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(operation: Value, to: Value, expected: Meaning) {
        let by_name: MergeKeys<'_> = &|at| (at.last() == Some("env")).then_some(&["name"]);
        let shown = operation.to_string();
        let operation = serde_json::from_value(operation).expect("an operation");
        assert_eq!(meaning(&operation, &to, by_name), expected, "{shown}");
    }

    #[test]
    fn what_is_there_already_is_not_added_twice() {
        let to = json!({"env": [{"name": "A", "value": "1"}], "args": ["serve", "-v"], "labels": {"a": "b"}});
        let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
        check(add("/env/-", json!({"name": "A", "value": "1"})), to.clone(), Meaning::Taken);
        check(add("/env/0", json!({"name": "A", "value": "1"})), to.clone(), Meaning::Taken);
        check(add("/env/-", json!({"name": "A", "value": "2"})), to.clone(), Meaning::Twice("[\"A\"]".to_owned()));
        check(add("/env/-", json!({"name": "B"})), to.clone(), Meaning::New);
        check(add("/args/-", json!("-v")), to.clone(), Meaning::Taken);
        check(add("/args/0", json!("serve")), to.clone(), Meaning::Taken);
        check(add("/args/-", json!("-x")), to.clone(), Meaning::New);
        check(add("/labels/a", json!("c")), to.clone(), Meaning::New);
        check(json!({"op": "remove", "path": "/labels/x"}), to.clone(), Meaning::Taken);
        check(json!({"op": "remove", "path": "/labels/a"}), to.clone(), Meaning::New);
        check(json!({"op": "remove", "path": "/args/7"}), to, Meaning::New);
    }
}
