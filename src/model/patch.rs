//! Patches (RFC 6902) from anybody, applied within limits.
//!
//! A few hundred `copy` operations double a value beyond any memory, and `add` after `add` nests it beyond any stack. So every
//! operation is weighed before it is taken.

use json_patch::{PatchError, PatchOperation};
use serde_json::Value;

use super::{
    change::MergeKeys,
    pointer::Pointer,
    taken::{Meaning, meaning},
    value::same,
};

/// The operations that one patch may hold.
pub const MAX_OPERATIONS: usize = 1_000;

/// The deepest nesting that a patch may make; as deep as a file is read.
pub const MAX_DEPTH: usize = 128;

/// What all operations of a patch together may put in place, in bytes of compact JSON, roughly.
pub const MAX_BYTES: usize = 8 << 20;

/// Why a patch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// More than [`MAX_OPERATIONS`].
    #[error("the patch has {0} operations, more than {MAX_OPERATIONS}")]
    TooMany(usize),
    /// Deeper than [`MAX_DEPTH`].
    #[error("operation {index} of the patch nests values deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// The operation, from 0.
        index: usize,
    },
    /// More than [`MAX_BYTES`].
    #[error("operation {index} of the patch makes the values larger than {MAX_BYTES} bytes together")]
    TooLarge {
        /// The operation, from 0.
        index: usize,
    },
    /// A list has another item of the same identity.
    #[error("operation {index} of the patch would add a second item {name} at {at}")]
    Twice {
        /// The operation, from 0.
        index: usize,
        /// What identifies the item.
        name: String,
        /// Where it would go.
        at: String,
    },
    /// The value has no such place, or a `test` fails.
    #[error("operation {index} of the patch does not fit the declared resource at {}: {}", .error.path, .error.kind)]
    Misfit {
        /// The operation, from 0.
        index: usize,
        /// What does not fit.
        error: PatchError,
    },
}

/// What a patch makes of a value that is itself within the limits. What the value has taken already is passed over.
pub fn patched(value: &Value, patch: &[PatchOperation], merge_keys: MergeKeys<'_>) -> Result<Value, Unfit> {
    if patch.len() > MAX_OPERATIONS {
        return Err(Unfit::TooMany(patch.len()));
    }
    let (mut value, mut bytes) = (value.clone(), 0);
    for (index, operation) in patch.iter().enumerate() {
        let weight = weight(operation, &value);
        bytes += weight.bytes;
        if weight.depth > MAX_DEPTH {
            return Err(Unfit::TooDeep { index });
        }
        if bytes > MAX_BYTES {
            return Err(Unfit::TooLarge { index });
        }
        if holds(operation, &value) {
            continue;
        }
        match meaning(operation, &value, merge_keys) {
            Meaning::New => {}
            Meaning::Taken => continue,
            Meaning::Twice(name) => return Err(Unfit::Twice { index, name, at: operation.path().to_string() }),
        }
        json_patch::patch(&mut value, std::slice::from_ref(operation))
            .map_err(|error| Unfit::Misfit { index, error })?;
    }
    Ok(value)
}

/// Tells whether a `test` holds: numbers are equal by value (RFC 6902 §4.6).
fn holds(operation: &PatchOperation, value: &Value) -> bool {
    let PatchOperation::Test(test) = operation else { return false };
    let at = test.path.as_str().parse::<Pointer>().ok();
    at.and_then(|at| at.get(value)).is_some_and(|found| same(found, &test.value))
}

#[derive(Clone, Copy)]
struct Weight {
    bytes: usize,
    /// Of the whole value, where the operation puts something in place.
    depth: usize,
}

/// What an operation puts in place, and how deep.
fn weight(operation: &PatchOperation, value: &Value) -> Weight {
    let at = operation.path().count();
    let of = |put: Option<&Value>| {
        let put = put.map_or(Weight { bytes: 0, depth: 0 }, weigh);
        Weight { depth: at + put.depth, ..put }
    };
    let from = |from: &str| from.parse::<Pointer>().ok().and_then(|from| from.get(value));
    match operation {
        PatchOperation::Add(add) => of(Some(&add.value)),
        PatchOperation::Replace(replace) => of(Some(&replace.value)),
        PatchOperation::Test(test) => of(Some(&test.value)),
        PatchOperation::Copy(copy) => of(from(copy.from.as_str())),
        PatchOperation::Move(moved) => of(from(moved.from.as_str())),
        PatchOperation::Remove(_) => of(None),
    }
}

fn weigh(value: &Value) -> Weight {
    let below = |parts: &mut dyn Iterator<Item = (usize, &Value)>| {
        parts.fold(Weight { bytes: 2, depth: 0 }, |sum, (key, part)| {
            let part = weigh(part);
            Weight { bytes: sum.bytes + key + part.bytes, depth: sum.depth.max(part.depth + 1) }
        })
    };
    match value {
        Value::Object(map) => below(&mut map.iter().map(|(key, part)| (key.len() + 4, part))),
        Value::Array(items) => below(&mut items.iter().map(|part| (1, part))),
        Value::String(text) => Weight { bytes: text.len() + 2, depth: 0 },
        Value::Null | Value::Bool(_) | Value::Number(_) => Weight { bytes: 8, depth: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn apply(value: Value, operations: Value) -> Result<Value, String> {
        let operations: Vec<PatchOperation> = serde_json::from_value(operations).expect("operations");
        patched(&value, &operations, &|_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn operations_are_taken_in_order() {
        let operations = json!([
            {"op": "test", "path": "/a/0", "value": 1},
            {"op": "add", "path": "/a/-", "value": 2},
            {"op": "move", "from": "/a", "path": "/b"},
            {"op": "remove", "path": "/b/0"},
        ]);
        assert_eq!(apply(json!({"a": [1]}), operations), Ok(json!({"b": [2]})));
        let equal = json!([{"op": "test", "path": "", "value": {"a": 3.0}}]);
        assert_eq!(apply(json!({"a": 3}), equal), Ok(json!({"a": 3})));
        let operations = json!([{"op": "remove", "path": "/a"}, {"op": "replace", "path": "/a", "value": 1}]);
        let why = apply(json!({"a": 1}), operations).expect_err("nothing is left to replace");
        assert!(why.starts_with("operation 1 of the patch does not fit the declared resource at /a: "), "{why}");
    }

    #[test]
    fn growth_ends_at_the_limits() {
        let doubling = vec![json!({"op": "copy", "from": "/a", "path": "/a/-"}); 500];
        let why = apply(json!({"a": ["x"]}), json!(doubling)).expect_err("too much");
        assert!(why.contains("nests values deeper") || why.contains("larger than"), "{why}");

        let wide: Vec<_> = (0..500).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/b{n}")})).collect();
        let why = apply(json!({"a": "x".repeat(1 << 17)}), json!(wide)).expect_err("too much");
        assert!(why.contains("larger than"), "{why}");

        let path = |levels: usize| "/a".repeat(levels);
        let nested: Vec<_> = (1..500).map(|n| json!({"op": "add", "path": path(n), "value": {}})).collect();
        assert_eq!(
            apply(json!({}), json!(nested)).expect_err("too deep"),
            "operation 128 of the patch nests values deeper than 128 levels"
        );
        let far = json!([{"op": "remove", "path": path(10_000)}]);
        assert!(apply(json!({}), far).expect_err("too deep").contains("deeper"));
        let many = vec![json!({"op": "add", "path": "/a", "value": 1}); MAX_OPERATIONS + 1];
        assert!(apply(json!({}), json!(many)).expect_err("too many").contains("1001 operations"));
    }
}
