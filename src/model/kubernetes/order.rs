//! Which item of a declared list is which item of the live one.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// What an item would have to say, given its declared counterpart, if it has one, and its live value.
type Adopt<'f> = &'f dyn Fn(Option<&Value>, &Value) -> Value;

/// Tells whether a declared item keeps its spelling.
type Same<'f> = &'f dyn Fn(&Value, &Value) -> bool;

/// Above so many pairs the middle of two lists is paired by position instead of by its longest common subsequence.
const PAIRS: usize = 10_000;

/// Aligns lists whose order counts: items that are the same keep their declared spelling, the runs between them are
/// paired from their beginning, and what is left over was added or removed.
pub(super) fn in_order(declared: &[Value], live: &[Value], is_same: Same<'_>, adopt: Adopt<'_>) -> Vec<Value> {
    let head = declared.iter().zip(live).take_while(|(a, b)| is_same(a, b)).count();
    let (kept, declared) = declared.split_at(head);
    let live = &live[head..];
    let tail = declared.iter().rev().zip(live.iter().rev()).take_while(|(a, b)| is_same(a, b)).count();
    let (declared, end) = declared.split_at(declared.len() - tail);
    let live = &live[..live.len() - tail];

    let mut items = kept.to_vec();
    let (mut d, mut l) = (0, 0);
    for (to_d, to_l) in common(declared, live, is_same).into_iter().chain([(declared.len(), live.len())]) {
        let run = &declared[d..to_d];
        items.extend(live[l..to_l].iter().enumerate().map(|(i, live)| adopt(run.get(i), live)));
        items.extend(declared.get(to_d).cloned());
        (d, l) = (to_d + 1, to_l + 1);
    }
    items.extend_from_slice(end);
    items
}

/// Aligns lists whose order says nothing: what is the same stays where it is declared, the rest is paired in order.
pub(super) fn as_set(declared: &[Value], live: &[Value], is_same: Same<'_>, adopt: Adopt<'_>) -> Vec<Value> {
    if declared.len().saturating_mul(live.len()) > PAIRS {
        return in_order(declared, live, is_same, adopt);
    }
    let mut left: Vec<&Value> = live.iter().collect();
    let mut take = |declared: &Value| left.iter().position(|live| is_same(declared, live)).map(|at| left.remove(at));
    let found: Vec<bool> = declared.iter().map(|declared| take(declared).is_some()).collect();
    let mut left = left.into_iter();
    let mut items = Vec::with_capacity(live.len());
    for (declared, is_found) in declared.iter().zip(found) {
        if is_found {
            items.push(declared.clone());
        } else {
            items.extend(left.next().map(|live| adopt(Some(declared), live)));
        }
    }
    items.extend(left.map(|live| adopt(None, live)));
    items
}

/// Pairs lists position by position, which is enough to tell whether they are the same and costs one visit an item,
/// however deep lists are nested. Lists of different lengths are not.
pub(super) fn pairwise(declared: &[Value], live: &[Value], adopt: Adopt<'_>) -> Value {
    if declared.len() != live.len() {
        return Value::Array(live.to_vec());
    }
    Value::Array(declared.iter().zip(live).map(|(declared, live)| adopt(Some(declared), live)).collect())
}

/// Aligns lists whose items have an identity: declared items stay in their order; a new one comes after the live
/// predecessor that is declared, or at the end.
pub(super) fn by_key<K: Eq + std::hash::Hash>(
    declared: &[Value],
    before: &[K],
    live: &[Value],
    after: &[K],
    adopt: Adopt<'_>,
) -> Vec<Value> {
    let places: HashMap<&K, usize> = after.iter().enumerate().map(|(at, key)| (key, at)).collect();
    let known: HashSet<&K> = before.iter().collect();
    let mut followers: HashMap<Option<&K>, Vec<Value>> = HashMap::new();
    let mut predecessor = None;
    for (key, live) in after.iter().zip(live) {
        if known.contains(key) {
            predecessor = Some(key);
        } else {
            followers.entry(predecessor).or_default().push(adopt(None, live));
        }
    }
    let mut items = Vec::with_capacity(live.len());
    for (key, declared) in before.iter().zip(declared) {
        items.extend(places.get(key).and_then(|at| live.get(*at)).map(|live| adopt(Some(declared), live)));
        items.append(&mut followers.remove(&Some(key)).unwrap_or_default());
    }
    items.append(&mut followers.remove(&None).unwrap_or_default());
    items
}

/// The positions of a longest common subsequence.
fn common(declared: &[Value], live: &[Value], is_same: Same<'_>) -> Vec<(usize, usize)> {
    if declared.len().saturating_mul(live.len()) > PAIRS {
        return Vec::new();
    }
    let width = live.len() + 1;
    let mut lengths = vec![0_usize; (declared.len() + 1) * width];
    let mut equal = vec![false; declared.len() * width];
    for (d, declared) in declared.iter().enumerate().rev() {
        for (l, live) in live.iter().enumerate().rev() {
            equal[d * width + l] = is_same(declared, live);
            lengths[d * width + l] = if equal[d * width + l] {
                lengths[(d + 1) * width + l + 1] + 1
            } else {
                lengths[(d + 1) * width + l].max(lengths[d * width + l + 1])
            };
        }
    }
    let (mut d, mut l, mut pairs) = (0, 0, Vec::new());
    while d < declared.len() && l < live.len() {
        if equal[d * width + l] {
            pairs.push((d, l));
            (d, l) = (d + 1, l + 1);
        } else if lengths[(d + 1) * width + l] >= lengths[d * width + l + 1] {
            d += 1;
        } else {
            l += 1;
        }
    }
    pairs
}
