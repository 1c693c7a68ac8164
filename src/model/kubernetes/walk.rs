//! Declared and live object side by side, field by field: what the declared one would have to say.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    order, quantity,
    schema::{Absent, Field, Fields, Owned, Place, Shape, find},
};
use crate::model::value::same;

/// How values without a table are compared. `tidy` kinds are Kubernetes' own, where the API server makes no difference
/// between an empty list and none.
#[derive(Clone, Copy)]
struct Plain {
    tidy: bool,
    comparing: bool,
}

/// What an object would have to say: its declared fields in their order, then what was added, in the live order.
pub(super) fn object(fields: Fields, tidy: bool, place: &Place<'_>) -> Map<String, Value> {
    let names = place.declared.keys().chain(place.live.keys().filter(|name| !place.declared.contains_key(*name)));
    let mut map = Map::new();
    for name in names {
        let (declared, live) = (place.declared.get(name), place.live.get(name));
        let value = match find(fields, name) {
            Some(known) => field(known, declared, live, place),
            None => Plain { tidy, comparing: place.comparing }.value(declared, live),
        };
        if let Some(value) = value {
            map.insert(name.clone(), value);
        }
    }
    map
}

/// Two values without a table, as custom resources are compared.
pub(super) fn plain(declared: &Value, live: &Value) -> Value {
    Plain { tidy: false, comparing: false }.both(declared, live)
}

/// What a field would have to say; absent where it would have to be.
fn field(field: &Field, declared: Option<&Value>, live: Option<&Value>, place: &Place<'_>) -> Option<Value> {
    if matches!(field.absent, Absent::Ignored) {
        return declared.cloned();
    }
    let (kept, declared) = (declared, declared.filter(|value| !is_absent(field, value)));
    let live = live.filter(|value| !is_absent(field, value));
    match (declared, live) {
        (None, None) => kept.cloned(),
        (None, Some(live)) if is_filled_in(field, live, place) => kept.cloned(),
        (None, Some(live)) => match bare(field.shape, live, place) {
            Value::Object(map) if map.is_empty() && matches!(field.absent, Absent::Empty) => kept.cloned(),
            Value::Object(map) if map.is_empty() && matches!(field.shape, Shape::Shared(_)) => kept.cloned(),
            Value::Array(items) if items.is_empty() => kept.cloned(),
            value => Some(value),
        },
        (Some(declared), None) if means_nothing(field, declared, place) => Some(declared.clone()),
        (Some(_), None) => None,
        (Some(declared), Some(live)) => Some(both(field.shape, declared, live, place)),
    }
}

fn is_absent(field: &Field, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && matches!(field.absent, Absent::Empty),
        value => field.absent.is(value),
    }
}

/// Tells whether an undeclared field's live value is what the API server makes of its absence.
fn is_filled_in(field: &Field, live: &Value, place: &Place<'_>) -> bool {
    match field.absent {
        Absent::Allocated => true,
        Absent::Filled(by) | Absent::Computed(by) => by(place, live),
        absent => absent.value().is_some_and(|default| alike(field.shape, &default, live)),
    }
}

/// Tells whether a declared field that the live object lacks is what its absence means anyway.
fn means_nothing(field: &Field, declared: &Value, place: &Place<'_>) -> bool {
    match field.absent {
        Absent::Empty => matches!(bare(field.shape, declared, place), Value::Object(map) if map.is_empty()),
        absent => absent.value().is_some_and(|default| alike(field.shape, declared, &default)),
    }
}

fn alike(shape: Shape, declared: &Value, live: &Value) -> bool {
    match shape {
        Shape::Quantity => quantity::same(declared, live, false),
        _ => same(declared, live),
    }
}

/// What a manifest that says nothing yet would have to say to get a live value: without what is filled in anyway.
fn bare(shape: Shape, live: &Value, place: &Place<'_>) -> Value {
    match (shape, live) {
        (Shape::Object(_) | Shape::Shared(_), Value::Object(_)) => both(shape, &Value::Object(Map::new()), live, place),
        (Shape::List(_) | Shape::Set(_) | Shape::Keyed(..) | Shape::SharedList(..), Value::Array(_)) => {
            both(shape, &Value::Array(Vec::new()), live, place)
        }
        _ => live.clone(),
    }
}

/// What a field that is declared and live would have to say.
fn both(shape: Shape, declared: &Value, live: &Value, place: &Place<'_>) -> Value {
    match (shape, declared, live) {
        (Shape::Object(fields), Value::Object(declared), Value::Object(live)) => Value::Object(object(
            fields,
            true,
            &Place { declared, live, above: Some(place), comparing: place.comparing },
        )),
        (Shape::List(fields) | Shape::Set(fields), Value::Array(declared), Value::Array(live)) => {
            let align = if matches!(shape, Shape::Set(_)) { order::as_set } else { order::in_order };
            let adopt = |declared: Option<&Value>, live: &Value| item(fields, declared, live, place);
            if place.comparing {
                return order::pairwise(declared, live, &adopt);
            }
            let comparing = Place { comparing: true, ..*place };
            let is_same = |declared: &Value, live: &Value| item(fields, Some(declared), live, &comparing) == *declared;
            Value::Array(align(declared, live, &is_same, &adopt))
        }
        (Shape::Keyed(keys, fields), Value::Array(declared), Value::Array(live)) => {
            let identity = |items| identities(keys, fields, items);
            let (before, after) = (identity(declared), identity(live));
            Value::Array(order::by_key(declared, &before, live, &after, &|declared, live| {
                item(fields, declared, live, place)
            }))
        }
        (Shape::Shared(owned), Value::Object(declared), Value::Object(live)) => {
            Value::Object(shared_map(owned, declared, live, place))
        }
        (Shape::SharedList(owned, _), Value::Array(declared), Value::Array(live)) => {
            shared_items(owned, declared, live, place)
        }
        (Shape::Quantity, ..) if quantity::same(declared, live, false) => declared.clone(),
        (Shape::Quantities, Value::Object(declared), Value::Object(live)) => Value::Object(amounts(declared, live)),
        _ => Plain { tidy: true, comparing: place.comparing }.both(declared, live),
    }
}

/// What a list's item would have to say; nothing declared where it is new.
fn item(fields: Fields, declared: Option<&Value>, live: &Value, place: &Place<'_>) -> Value {
    both(Shape::Object(fields), declared.unwrap_or(&Value::Object(Map::new())), live, place)
}

/// What identifies each item: its keys' values with their defaults, and which of several with the same keys it is.
fn identities(keys: &[&str], fields: Fields, items: &[Value]) -> Vec<(String, usize)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let identity = |item: &Value| {
        let values = keys.iter().map(|key| {
            let known = find(fields, key);
            let value = item.get(key).filter(|value| !known.is_some_and(|known| is_absent(known, value)));
            value.cloned().or_else(|| known?.absent.value()).unwrap_or_default()
        });
        Value::Array(values.collect()).to_string()
    };
    let mut count = |identity: String| {
        let times = seen.entry(identity.clone()).or_default();
        *times += 1;
        (identity, *times)
    };
    items.iter().map(|item| count(identity(item))).collect()
}

fn shared_map(
    owned: Owned,
    declared: &Map<String, Value>,
    live: &Map<String, Value>,
    place: &Place<'_>,
) -> Map<String, Value> {
    let ours = |name: &String, value: &Value| declared.contains_key(name) || !owned(place, name, value);
    let live = live.iter().filter(|(name, value)| ours(name, value));
    let live: Map<_, _> = live.map(|(name, value)| (name.clone(), value.clone())).collect();
    Plain { tidy: true, comparing: place.comparing }.map(declared, &live)
}

fn shared_items(owned: Owned, declared: &[Value], live: &[Value], place: &Place<'_>) -> Value {
    let name = |item: &Value| item.get("name").unwrap_or(item).as_str().unwrap_or_default().to_owned();
    let known: HashSet<&Value> = declared.iter().collect();
    let ours = |item: &&Value| known.contains(*item) || !owned(place, &name(item), item);
    let live: Vec<_> = live.iter().filter(ours).cloned().collect();
    Value::Array(order::as_set(declared, &live, &same, &|_, live| live.clone()))
}

fn amounts(declared: &Map<String, Value>, live: &Map<String, Value>) -> Map<String, Value> {
    let spelled = |(name, amount): (&String, &Value)| {
        let spelling = declared.get(name).filter(|declared| quantity::same(declared, amount, true));
        (name.clone(), spelling.unwrap_or(amount).clone())
    };
    live.iter().map(spelled).collect()
}

impl Plain {
    fn value(&self, declared: Option<&Value>, live: Option<&Value>) -> Option<Value> {
        let (kept, declared) = (declared, declared.filter(|value| !self.is_absent(value)));
        match (declared, live.filter(|value| !self.is_absent(value))) {
            (None, None) => kept.cloned(),
            (None, Some(live)) => Some(live.clone()),
            (Some(_), None) => None,
            (Some(declared), Some(live)) => Some(self.both(declared, live)),
        }
    }

    fn is_absent(&self, value: &Value) -> bool {
        value.is_null() || self.tidy && matches!(value, Value::Array(items) if items.is_empty())
    }

    fn both(&self, declared: &Value, live: &Value) -> Value {
        match (declared, live) {
            (Value::Object(declared), Value::Object(live)) => Value::Object(self.map(declared, live)),
            (Value::Array(declared), Value::Array(live)) => self.list(declared, live),
            _ if same(declared, live) => declared.clone(),
            _ => live.clone(),
        }
    }

    fn map(&self, declared: &Map<String, Value>, live: &Map<String, Value>) -> Map<String, Value> {
        let added = live.keys().filter(|name| !declared.contains_key(*name));
        let names = declared.keys().chain(added);
        names.filter_map(|name| Some((name.clone(), self.value(declared.get(name), live.get(name))?))).collect()
    }

    fn list(&self, declared: &[Value], live: &[Value]) -> Value {
        let adopt = |declared: Option<&Value>, live: &Value| match declared {
            Some(declared) => self.both(declared, live),
            None => live.clone(),
        };
        if self.comparing {
            return order::pairwise(declared, live, &adopt);
        }
        let comparing = Self { comparing: true, ..*self };
        let is_same = |declared: &Value, live: &Value| comparing.both(declared, live) == *declared;
        Value::Array(order::in_order(declared, live, &is_same, &adopt))
    }
}
