//! Which values are equal, and the order of a set (go-cty's `Equals` and the rules of its sets).

use std::{cmp::Ordering, collections::HashMap};

use super::{
    leaf::Leaf,
    types::Type,
    unknown::Refinement,
    value::{Datum, Value},
};
use crate::source::lineage::sets::{Flow, Sets};

/// Tells whether two values are equal; nothing where a plan cannot know it yet.
///
/// Values of different types are different, but for nulls, which are equal whatever their type. Marks and origins do not
/// count.
pub fn equal(a: &Value, b: &Value) -> Option<bool> {
    if a.is_null() && b.is_not_null() || b.is_null() && a.is_not_null() {
        return Some(false);
    }
    match (a.datum(), b.datum()) {
        (Datum::Unknown(_), Datum::Unknown(_)) => None,
        (_, Datum::Unknown(unknown)) => equal_unknown(a, b.ty(), &unknown.refinement),
        (Datum::Unknown(unknown), _) => equal_unknown(b, a.ty(), &unknown.refinement),
        (Datum::Null, Datum::Null) => Some(true),
        (Datum::Null, _) | (_, Datum::Null) => Some(false),
        _ => equal_known(a, b),
    }
}

/// Compares a known value with an unknown one: it can only be told that they differ.
fn equal_unknown(known: &Value, ty: &Type, refinement: &Refinement) -> Option<bool> {
    if excludes(ty, refinement, known) {
        return Some(false);
    }
    let may_be_equal = known.is_null() || ty.has_dynamic() || known.ty() == ty;
    if may_be_equal { None } else { Some(false) }
}

/// Tells whether an unknown value of a type certainly is not a known one.
fn excludes(ty: &Type, refinement: &Refinement, known: &Value) -> bool {
    if known.is_null() {
        return refinement.is_not_null;
    }
    if !known.ty().conforms_to(ty) {
        return true;
    }
    if *known.ty() == Type::Dynamic {
        return false;
    }
    match known.datum() {
        Datum::String(string) => !string.as_str().starts_with(&*refinement.prefix),
        Datum::Number(number) => {
            let below = refinement.lower.as_ref().is_some_and(|bound| match number.cmp(&bound.number) {
                Ordering::Less => true,
                Ordering::Equal => !bound.is_inclusive,
                Ordering::Greater => false,
            });
            let above = refinement.upper.as_ref().is_some_and(|bound| match number.cmp(&bound.number) {
                Ordering::Greater => true,
                Ordering::Equal => !bound.is_inclusive,
                Ordering::Less => false,
            });
            below || above
        }
        _ if ty.is_collection() => {
            let (least, most) = known.length_range();
            most.is_some_and(|most| most < refinement.least) || refinement.most.is_some_and(|allowed| least > allowed)
        }
        _ => false,
    }
}

fn equal_known(a: &Value, b: &Value) -> Option<bool> {
    if has_open_type(a) || has_open_type(b) {
        let may_conform = a.ty().conforms_to(b.ty()) || b.ty().conforms_to(a.ty());
        return if may_conform { None } else { Some(false) };
    }
    if a.ty() != b.ty() {
        return Some(false);
    }
    match (a.datum(), b.datum()) {
        (Datum::Bool(a), Datum::Bool(b)) => Some(a == b),
        (Datum::Number(a), Datum::Number(b)) => Some(a == b),
        (Datum::String(a), Datum::String(b)) => Some(a.text().bytes() == b.text().bytes()),
        (Datum::Sequence(left), Datum::Sequence(right)) if matches!(a.ty(), Type::Set(_)) => equal_sets(left, right),
        (Datum::Sequence(left), Datum::Sequence(right)) => {
            if left.len() != right.len() {
                return Some(false);
            }
            all_equal(left.iter().zip(right.iter()))
        }
        (Datum::Mapping(left), Datum::Mapping(right)) => {
            let (left, right) = (left.entries(), right.entries());
            let same_keys = left.len() == right.len()
                && left.iter().zip(right).all(|(a, b)| a.key.text().bytes() == b.key.text().bytes());
            if !same_keys {
                return Some(false);
            }
            all_equal(left.iter().zip(right).map(|(a, b)| (&a.value, &b.value)))
        }
        _ => Some(false),
    }
}

/// Tells whether something unknown in a value may turn out to be of any type.
fn has_open_type(value: &Value) -> bool {
    match value.datum() {
        Datum::Null => false,
        Datum::Unknown(_) => value.ty().has_dynamic(),
        Datum::Sequence(elements) => elements.iter().any(has_open_type),
        Datum::Mapping(mapping) => mapping.entries().iter().any(|entry| has_open_type(&entry.value)),
        Datum::Bool(_) | Datum::Number(_) | Datum::String(_) => false,
    }
}

/// The first pair that differs, or that cannot be told, decides.
fn all_equal<'v>(mut pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Option<bool> {
    pairs
        .find_map(|(a, b)| match equal(a, b) {
            Some(true) => None,
            other => Some(other),
        })
        .unwrap_or(Some(true))
}

/// Both hold the same elements. An unknown element could be any.
fn equal_sets(a: &[Value], b: &[Value]) -> Option<bool> {
    if a.iter().chain(b).any(|element| !element.is_known()) {
        return None;
    }
    // Elements that hold something unknown are equal to none.
    let keys = |elements: &[Value]| -> Option<Vec<Vec<u8>>> {
        let mut keys: Vec<Vec<u8>> = elements
            .iter()
            .map(|element| element.is_wholly_known().then(|| exact_key(element)))
            .collect::<Option<_>>()?;
        keys.sort();
        Some(keys)
    };
    Some(match (keys(a), keys(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    })
}

/// Tells whether a set has an element that is certainly equal; nothing where an unknown one may be.
pub fn contains(set: &[Value], wanted: &Value) -> bool {
    set.iter().any(|element| equal(element, wanted) == Some(true))
}

/// Leaves out all but the first of equal values, and brings them into the order in which go-cty goes through a set of them:
/// strings by their bytes, numbers by value, `false` before `true`, anything else by a text that spells it; unknown values
/// behind all known ones, null last.
pub fn distinct_in_order(sets: &mut Sets<Leaf>, values: Vec<Value>) -> Vec<Value> {
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::with_capacity(values.len());
    let mut distinct: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        if !value.is_wholly_known() {
            distinct.push(value);
            continue;
        }
        match seen.entry(exact_key(&value)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(distinct.len());
                distinct.push(value);
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let Flow { data, control } = value.whole_flow(sets);
                let because = sets.union(data, control);
                let kept = &mut distinct[*first.get()];
                *kept = kept.clone().under(sets, because);
            }
        }
    }
    let mut keyed: Vec<(Place, Value)> = distinct.into_iter().map(|value| (Place::of(&value), value)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    keyed.into_iter().map(|(_, value)| value).collect()
}

/// Where a value stands in a set.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Bool(bool),
    Number(super::number::Number),
    Spelled(Vec<u8>),
    Unknown,
    Null,
}

impl Place {
    fn of(value: &Value) -> Self {
        match value.datum() {
            Datum::Null => Self::Null,
            Datum::Unknown(_) => Self::Unknown,
            Datum::Bool(bool) => Self::Bool(*bool),
            Datum::Number(number) => Self::Number(number.clone()),
            Datum::String(string) => Self::Spelled(string.text().bytes().to_vec()),
            _ => Self::Spelled(key_of(value, Spelling::Ordering)),
        }
    }
}

/// How a value is spelled as a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// As go-cty orders compound elements of a set: numbers in ten digits.
    Ordering,
    /// Different for different values of one type.
    Exact,
}

fn key_of(value: &Value, spelling: Spelling) -> Vec<u8> {
    let mut key = Vec::new();
    spell(value, spelling, &mut key);
    key
}

fn spell(value: &Value, spelling: Spelling, key: &mut Vec<u8>) {
    match value.datum() {
        Datum::Unknown(_) => key.push(b'?'),
        Datum::Null => key.push(b'~'),
        Datum::Bool(bool) => key.push(if *bool { b'T' } else { b'F' }),
        Datum::Number(number) => match spelling {
            Spelling::Ordering => key.extend(number.general(Some(10)).bytes()),
            Spelling::Exact => key.extend(number.exact_key().bytes()),
        },
        Datum::String(string) => spell_text(string.as_str(), spelling, key),
        Datum::Sequence(elements) => {
            let is_tuple = matches!(value.ty(), Type::Tuple(_));
            key.push(if is_tuple { b'<' } else { b'[' });
            for element in elements.iter() {
                spell(element, spelling, key);
                key.push(b';');
            }
            key.push(if is_tuple { b'>' } else { b']' });
        }
        Datum::Mapping(mapping) if matches!(value.ty(), Type::Map(_)) => {
            key.push(b'{');
            for entry in mapping.entries() {
                spell_text(entry.key.as_str(), spelling, key);
                key.push(b':');
                spell(&entry.value, spelling, key);
                key.push(b';');
            }
            key.push(b'}');
        }
        Datum::Mapping(mapping) => {
            key.push(b'<');
            for entry in mapping.entries() {
                spell(&entry.value, spelling, key);
                key.push(b';');
            }
            key.push(b'>');
        }
    }
}

fn spell_text(text: &str, spelling: Spelling, key: &mut Vec<u8>) {
    match spelling {
        Spelling::Ordering => key.extend(crate::engine::go::quote::quoted(text).bytes()),
        Spelling::Exact => {
            key.extend((text.len() as u64).to_be_bytes());
            key.extend(text.bytes());
        }
    }
}

impl Value {
    /// The least and the greatest number of elements that a known or unknown container can have; the type of a tuple or
    /// object says it, unknown elements of a set may turn out to be one.
    pub fn length_range(&self) -> (usize, Option<usize>) {
        match (self.ty(), self.datum()) {
            (Type::Tuple(elements), _) => (elements.len(), Some(elements.len())),
            (Type::Object(object), _) => (object.attributes().len(), Some(object.attributes().len())),
            (_, Datum::Unknown(unknown)) => (unknown.refinement.least, unknown.refinement.most),
            (Type::Set(_), Datum::Sequence(elements)) if elements.len() > 1 && !self.is_wholly_known() => {
                (1, Some(elements.len()))
            }
            _ => {
                let len = self.len().unwrap_or(0);
                (len, Some(len))
            }
        }
    }

    /// The number of elements, where it is certain.
    pub fn known_length(&self) -> Option<usize> {
        let (least, most) = self.length_range();
        (Some(least) == most && (self.is_known() || !self.ty().is_collection())).then_some(least)
    }
}

/// A key that wholly known values of one type share where they are equal, and only there.
pub fn exact_key(value: &Value) -> Vec<u8> {
    key_of(value, Spelling::Exact)
}
