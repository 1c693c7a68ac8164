//! What has to happen to a declared resource, as a script of single steps.
//!
//! A step is as small as an edit can be: one value set, one key or item added, one removed. Lists are aligned by what
//! identifies their items (a container's name, a port's number), so that a moved index never hits the wrong item.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    pointer::Pointer,
    value::{same, same_leaf},
};

/// One step. Its pointer is valid when the steps before it have been taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The value to set or remove, or the map or list to add to.
    pub at: Pointer,
    /// What happens there.
    pub action: Action,
}

/// What happens at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The value becomes another.
    Set(Value),
    /// A map gets a key that it does not have.
    AddKey {
        /// The new key.
        key: String,
        /// Its value.
        value: Value,
    },
    /// A list gets an item.
    AddItem {
        /// The position that the item will have, at most the list's length.
        index: usize,
        /// The item.
        value: Value,
    },
    /// The key or item goes.
    Remove,
}

/// Tells the keys that identify the items of the list at a pointer; nothing where items have only their position.
pub type MergeKeys<'k> = &'k dyn Fn(&Pointer) -> Option<&'static [&'static str]>;

/// The steps that turn `declared` into `wanted`; none exactly where they are the same.
pub fn script(declared: &Value, wanted: &Value, merge_keys: MergeKeys<'_>) -> Vec<Change> {
    let mut steps = Vec::new();
    compare(&Pointer::root(), declared, wanted, merge_keys, &mut steps);
    steps
}

impl Change {
    /// Takes this step on a value; false where the pointer does not fit.
    pub fn apply(&self, to: &mut Value) -> bool {
        match &self.action {
            Action::Set(value) => self.at.get_mut(to).map(|place| *place = value.clone()).is_some(),
            Action::AddKey { key, value } => match self.at.get_mut(to) {
                Some(Value::Object(map)) => map.insert(key.clone(), value.clone()).is_none(),
                _ => false,
            },
            Action::AddItem { index, value } => match self.at.get_mut(to) {
                Some(Value::Array(items)) if *index <= items.len() => {
                    items.insert(*index, value.clone());
                    true
                }
                _ => false,
            },
            Action::Remove => {
                let (Some(parent), Some(last)) = (self.at.parent(), self.at.last()) else { return false };
                match parent.get_mut(to) {
                    Some(Value::Object(map)) => map.shift_remove(last).is_some(),
                    Some(Value::Array(items)) => match super::pointer::list_index(last) {
                        Some(index) if index < items.len() => {
                            items.remove(index);
                            true
                        }
                        _ => false,
                    },
                    _ => false,
                }
            }
        }
    }
}

fn compare(at: &Pointer, old: &Value, new: &Value, merge_keys: MergeKeys<'_>, steps: &mut Vec<Change>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => compare_maps(at, old, new, merge_keys, steps),
        (Value::Array(old), Value::Array(new)) => compare_lists(at, old, new, merge_keys, steps),
        _ if same(old, new) => {}
        _ => steps.push(Change { at: at.clone(), action: Action::Set(new.clone()) }),
    }
}

fn compare_maps(
    at: &Pointer,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    merge_keys: MergeKeys<'_>,
    steps: &mut Vec<Change>,
) {
    for (key, old) in old {
        match new.get(key) {
            Some(new) if same_leaf(old, new) => {}
            Some(new) => compare(&at.join(key), old, new, merge_keys, steps),
            None => steps.push(Change { at: at.join(key), action: Action::Remove }),
        }
    }
    for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        let action = Action::AddKey { key: key.clone(), value: value.clone() };
        steps.push(Change { at: at.clone(), action });
    }
}

fn compare_lists(at: &Pointer, old: &[Value], new: &[Value], merge_keys: MergeKeys<'_>, steps: &mut Vec<Change>) {
    let pairs = align(old, new, merge_keys(at));
    let kept_old: Vec<usize> = pairs.iter().map(|(old, _)| *old).collect();
    let kept_new: Vec<usize> = pairs.iter().map(|(_, new)| *new).collect();
    if !kept_new.is_sorted() {
        steps.push(Change { at: at.clone(), action: Action::Set(Value::Array(new.to_vec())) });
        return;
    }
    for index in (0..old.len()).rev().filter(|index| kept_old.binary_search(index).is_err()) {
        steps.push(Change { at: at.join(index.to_string()), action: Action::Remove });
    }
    for (position, (from, to)) in pairs.iter().enumerate().filter(|(_, (from, to))| !same_leaf(&old[*from], &new[*to]))
    {
        compare(&at.join(position.to_string()), &old[*from], &new[*to], merge_keys, steps);
    }
    for (index, value) in new.iter().enumerate().filter(|(index, _)| kept_new.binary_search(index).is_err()) {
        let action = Action::AddItem { index, value: value.clone() };
        steps.push(Change { at: at.clone(), action });
    }
}

/// What identifies an item of a list with these merge keys, as JSON; nothing where it lacks the first of them.
pub fn identity(item: &Value, keys: &[&str]) -> Option<String> {
    item.get(keys.first()?)?;
    // A port without a protocol is the TCP port.
    let fallback = |key: &str| if key == "protocol" { Value::from("TCP") } else { Value::Null };
    let values = keys.iter().map(|key| item.get(key).cloned().unwrap_or_else(|| fallback(key)));
    Some(Value::from_iter(values).to_string())
}

/// Which old item becomes which new one, in the old order.
fn align(old: &[Value], new: &[Value], keys: Option<&[&str]>) -> Vec<(usize, usize)> {
    if let Some(keys) = keys
        && let (Some(old_names), Some(new_names)) = (identities(old, keys), identities(new, keys))
    {
        let position: HashMap<&str, usize> =
            new_names.iter().enumerate().map(|(index, name)| (&**name, index)).collect();
        let kept = old_names.iter().enumerate().filter_map(|(index, name)| Some((index, *position.get(&**name)?)));
        let kept: Vec<_> = kept.collect();
        return if kept.is_sorted_by_key(|(_, new)| *new) { fill(&kept, old.len(), new.len()) } else { kept };
    }
    let head = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let middle = longest_common(&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut kept: Vec<(usize, usize)> = (0..head).map(|index| (index, index)).collect();
    kept.extend(middle.into_iter().map(|(from, to)| (head + from, head + to)));
    kept.extend((0..tail).map(|index| (old.len() - tail + index, new.len() - tail + index)));
    fill(&kept, old.len(), new.len())
}

/// Pairs in order what stands between two pairs: an item that became another is changed in its place.
fn fill(kept: &[(usize, usize)], old: usize, new: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for &(next_old, next_new) in kept.iter().chain([&(old, new)]) {
        pairs.extend((at_old..next_old).zip(at_new..next_new));
        if next_old < old {
            pairs.push((next_old, next_new));
        }
        (at_old, at_new) = (next_old + 1, next_new + 1);
    }
    pairs
}

/// What identifies each item, as JSON; nothing where an item lacks the first key or two items share an identity.
fn identities(items: &[Value], keys: &[&str]) -> Option<Vec<String>> {
    let names: Vec<_> = items.iter().map(|item| identity(item, keys)).collect::<Option<_>>()?;
    let distinct = names.iter().collect::<HashSet<_>>().len() == names.len();
    distinct.then_some(names)
}

/// The longest common subsequence, by position; lists whose table would be large are compared by position alone.
fn longest_common(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    const MAX_CELLS: usize = 250_000;
    let (rows, columns) = (old.len(), new.len());
    if rows * columns == 0 || rows * columns > MAX_CELLS {
        return Vec::new();
    }
    let mut length = vec![vec![0_u32; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            length[row][column] = if same(&old[row], &new[column]) {
                length[row + 1][column + 1] + 1
            } else {
                length[row + 1][column].max(length[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut found) = (0, 0, Vec::new());
    while row < rows && column < columns {
        if same(&old[row], &new[column]) {
            found.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if length[row + 1][column] >= length[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(declared: Value, wanted: Value, expected: &[&str]) {
        let by_name: MergeKeys<'_> = &|at| (at.last() == Some("env")).then_some(&["name"]);
        let steps = script(&declared, &wanted, by_name);
        let shown: Vec<String> = steps
            .iter()
            .map(|step| match &step.action {
                Action::Set(value) => format!("{} = {value}", step.at),
                Action::AddKey { key, value } => format!("{} + {key}: {value}", step.at),
                Action::AddItem { index, value } => format!("{} + [{index}] {value}", step.at),
                Action::Remove => format!("{} -", step.at),
            })
            .collect();
        assert_eq!(shown, expected);
        let mut taken = declared;
        assert!(steps.iter().all(|step| step.apply(&mut taken)));
        assert!(same(&taken, &wanted));
    }

    #[test]
    fn steps_are_as_small_as_they_can_be() {
        check(json!({"a": 1}), json!({"a": 1.0}), &[]);
        check(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 3}}), &["/a/b = 3", "/a/c -"]);
        check(json!({"a": {}}), json!({"a": {"x/y": []}}), &["/a + x/y: []"]);
        check(json!([1, 2, 3, 4]), json!([1, 3, 4, 5]), &["/1 -", " + [3] 5"]);
        check(json!(["a", "b", "c"]), json!(["a", "x", "c"]), &["/1 = \"x\""]);
        check(json!([]), json!([1, 2]), &[" + [0] 1", " + [1] 2"]);
    }

    #[test]
    fn keyed_items_are_found_by_their_name() {
        let env = |items: Value| json!({"env": items});
        check(
            env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])),
            env(json!([{"name": "N", "value": "0"}, {"name": "A", "value": "1"}, {"name": "B", "value": "3"}])),
            &["/env/1/value = \"3\"", "/env + [0] {\"name\":\"N\",\"value\":\"0\"}"],
        );
        check(
            env(json!([{"name": "A", "value": "1"}, {"name": "B"}])),
            env(json!([{"name": "N", "value": "1"}, {"name": "B"}])),
            &["/env/0/name = \"N\""],
        );
        check(
            env(json!([{"name": "A"}, {"name": "B"}])),
            env(json!([{"name": "B"}, {"name": "A"}])),
            &["/env = [{\"name\":\"B\"},{\"name\":\"A\"}]"],
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..4).prop_map(Value::from)];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((prop::sample::select(vec!["name", "env", "b"]), inner), 0..3).prop_map(
                    |entries| Value::from_iter(entries.into_iter().map(|(key, value)| (key.to_owned(), value)))
                ),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_script_leads_to_what_is_wanted(declared in any_value(), wanted in any_value()) {
            let by_name: MergeKeys<'_> = &|at| (at.last() == Some("env")).then_some(&["name"]);
            let mut taken = declared.clone();
            for step in script(&declared, &wanted, by_name) {
                prop_assert!(step.apply(&mut taken), "{step:?} does not fit {taken}");
            }
            prop_assert!(same(&taken, &wanted), "{declared} became {taken}, not {wanted}");
        }
    }
}
