//! Maps: made, read, changed and merged, with every entry's origins kept.
//!
//! Sprig's `dict.go`, with mergo 1.0.1 for `merge` and copystructure 1.2.0 for `deepCopy`. An entry carries the origins of
//! its key and value wherever it goes; what chose it is its control. A key that is looked up and not there leads to the
//! places in the values where it would be set, and merging maps adds those places up, since a key that is in neither can be
//! set in both.

pub mod merge;

use std::collections::HashSet;

use super::{
    argument::{everything, map, own, shallow, text, volatile_origin},
    strings::join::string,
};
use crate::{
    engine::helm::template::{
        context::{Context, MAX_NESTING},
        fault::Fault,
        function::{
            Function,
            Parameter::{Any, Map as Dict, Text as Key},
        },
        leaf::{Leaf, PathId},
        value::{Datum, Element, List, Map, MapKind, Value},
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text},
    },
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    own("dict", &[], Some(Any), dict),
    own("get", &[Dict, Key], None, get),
    own("set", &[Dict, Key, Any], None, set),
    own("unset", &[Dict, Key], None, unset),
    own("hasKey", &[Dict, Key], None, has_key),
    own("pluck", &[Key], Some(Dict), pluck),
    own("keys", &[], Some(Dict), keys),
    own("values", &[Dict], None, values),
    own("pick", &[Dict], Some(Key), pick),
    own("omit", &[Dict], Some(Key), omit),
    own("merge", &[Dict], Some(Dict), merge::merge),
    own("mustMerge", &[Dict], Some(Dict), merge::must_merge),
    own("mergeOverwrite", &[Dict], Some(Dict), merge::merge_overwrite),
    own("mustMergeOverwrite", &[Dict], Some(Dict), merge::must_merge_overwrite),
    own("deepCopy", &[Any], None, deep_copy),
    own("mustDeepCopy", &[Any], None, deep_copy),
    own("dig", &[], Some(Any), dig),
];

/// What a key that a map does not have leads to: the places in the values where it would be set.
pub fn absent(context: &mut Context, map: &Map, key: &[u8]) -> SetId {
    let places = map.places();
    if places.is_empty() {
        return SetId::EMPTY;
    }
    let key = String::from_utf8_lossy(key);
    let leaves: Vec<SetId> = places
        .into_iter()
        .map(|place| {
            let at = context.paths.join(place, &key);
            context.sets.leaf(Leaf::Absent { at }).into()
        })
        .collect();
    context.sets.union_all(leaves)
}

fn dict(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    context.budget.items(arguments.len())?;
    let map = Map::new(MapKind::Any);
    for pair in arguments.chunks(2) {
        let key = string(context, &pair[0])?;
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::text(Text::default()));
        map.insert(key, value);
    }
    Ok(Value::plain(Datum::Map(map)))
}

fn get(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let key = text(&arguments[1])?.bytes();
    let control = looked_up(context, &arguments[0], &arguments[1]);
    let Some(map) = map(&arguments[0])? else { return Ok(Value::text(Text::default()).under(control, context)) };
    match map.get(key) {
        Some(value) => Ok(value.under(control, context)),
        None => {
            let made_of = MadeOf::Derived(absent(context, map, key));
            Ok(Value { datum: Datum::Text(Text::new(b"", made_of)), made_of, control })
        }
    }
}

fn set(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let key = text(&arguments[1])?;
    let map = map(&arguments[0])?.ok_or_else(|| Fault::failed("assignment to entry in nil map"))?;
    context.budget.items(1)?;
    map.insert(key.clone(), arguments[2].clone().under(context.control, context));
    Ok(held(&arguments[0], map))
}

fn unset(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let key = text(&arguments[1])?.bytes();
    let Some(map) = map(&arguments[0])? else { return Ok(Value::plain(Datum::Map(Map::new(MapKind::Any)))) };
    map.remove(key);
    Ok(held(&arguments[0], map))
}

fn has_key(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let key = text(&arguments[1])?.bytes();
    let control = looked_up(context, &arguments[0], &arguments[1]);
    let Some(map) = map(&arguments[0])? else {
        return Ok(Value { control, ..Value::plain(Datum::Bool(false)) });
    };
    let entry = map.entry(key);
    let flow = match &entry {
        Some(entry) => {
            let data = Value::text(entry.key.clone()).flow(context).data;
            Flow { data, control: context.sets.union(control, entry.value.control) }
        }
        None => Flow { data: absent(context, map, key), control },
    };
    Ok(Value { datum: Datum::Bool(entry.is_some()), made_of: MadeOf::Derived(flow.data), control: flow.control })
}

fn pluck(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (name, dicts) = arguments.split_first().ok_or_else(|| Fault::failed("pluck needs a key"))?;
    let key = text(name)?.bytes();
    context.budget.items(dicts.len())?;
    let mut plucked = Vec::new();
    let mut searched = computed_key(context, name);
    for dict in dicts {
        let control = looked_up(context, dict, name);
        searched = context.sets.union(searched, control);
        let Some(map) = map(dict)? else { continue };
        match map.get(key) {
            Some(value) => plucked.push(value.under(control, context)),
            None => {
                let missing = absent(context, map, key);
                searched = context.sets.union(searched, missing);
            }
        }
    }
    Ok(Value::list(plucked).under(searched, context))
}

/// Go returns the keys in random order. Here they are sorted, and the list as a whole is volatile where there is an order to
/// choose: who sorts it makes it certain again.
fn keys(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut keys = Vec::new();
    let mut ordered = true;
    for dict in arguments {
        let Some(map) = map(dict)? else { continue };
        context.budget.items(keys.len() + map.len())?;
        ordered &= map.len() <= 1;
        keys.extend(map.snapshot().into_iter().map(|entry| Value::text(entry.key)));
    }
    let list = List::new(Element::Text, keys);
    Ok(listed(context, list, "keys", ordered, arguments))
}

/// The values in the order of their keys; see [`keys`].
fn values(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let entries = map(&arguments[0])?.map(Map::snapshot).unwrap_or_default();
    context.budget.items(entries.len())?;
    let ordered = entries.len() <= 1;
    let items: Vec<Value> = entries.into_iter().map(|entry| entry.value).collect();
    Ok(listed(context, List::new(Element::Any, items), "values", ordered, arguments))
}

fn pick(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (dict, names) = arguments.split_first().ok_or_else(|| Fault::failed("pick needs a map"))?;
    let picked = Map::new(MapKind::Any);
    if let Some(map) = map(dict)? {
        context.budget.items(names.len())?;
        for name in names {
            if let Some(entry) = map.entry(text(name)?.bytes()) {
                picked.insert(entry.key, entry.value);
            }
        }
        picked.set_places(map.places());
    }
    Ok(remade(context, picked, dict, names))
}

fn omit(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (dict, names) = arguments.split_first().ok_or_else(|| Fault::failed("omit needs a map"))?;
    let rest = match map(dict)? {
        Some(map) => {
            context.budget.items(map.len())?;
            map.shallow_copy().held_as(MapKind::Any)
        }
        None => Map::new(MapKind::Any),
    };
    for name in names {
        rest.remove(text(name)?.bytes());
    }
    Ok(remade(context, rest, dict, names))
}

fn deep_copy(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    if matches!(arguments[0].datum, Datum::Nil) {
        return Err(Fault::failed("reflect: call of reflect.Value.Type on zero Value"));
    }
    copied(context, &arguments[0], 0)
}

fn copied(context: &mut Context, value: &Value, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_NESTING {
        return Err(Fault::limit("a value that is copied is nested too deeply, or in itself"));
    }
    let datum = match &value.datum {
        Datum::Map(map) => {
            context.budget.items(map.len())?;
            let copy = map.shallow_copy();
            for entry in map.snapshot() {
                if matches!(entry.value.datum, Datum::Map(_) | Datum::List(_) | Datum::Object(_)) {
                    copy.insert(entry.key, copied(context, &entry.value, depth + 1)?);
                }
            }
            Datum::Map(copy)
        }
        Datum::List(list) => {
            context.budget.items(list.items.len())?;
            let items =
                list.items.iter().map(|item| copied(context, item, depth + 1)).collect::<Result<Vec<_>, _>>()?;
            Datum::List(List { items: items.into(), ..list.clone() })
        }
        Datum::Object(object) => Datum::Object(super::semver::copied(object)),
        scalar => scalar.clone(),
    };
    Ok(Value { datum, ..value.clone() })
}

fn dig(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let [keys @ .., default, dict] = arguments else { return Err(too_few_to_dig()) };
    if keys.is_empty() {
        return Err(too_few_to_dig());
    }
    plain_map(dict)?;
    for key in keys {
        if !matches!(key.datum, Datum::Text(_)) {
            return Err(conversion(key, "string"));
        }
    }
    let mut control = SetId::EMPTY;
    let mut at = dict.clone();
    for key in keys {
        let step = looked_up(context, &at, key);
        control = context.sets.union(control, step);
        let name = text(key)?.bytes();
        let below = {
            let map = plain_map(&at)?;
            match map.get(name) {
                Some(value) => value,
                None => {
                    let missing = absent(context, map, name);
                    let control = context.sets.union(control, missing);
                    return Ok(default.clone().under(control, context));
                }
            }
        };
        at = below;
    }
    Ok(at.under(control, context))
}

fn too_few_to_dig() -> Fault {
    Fault::failed("dig needs at least three arguments")
}

/// A `map[string]interface {}` and nothing else that is a map: what a Go type assertion takes.
fn plain_map(value: &Value) -> Result<&Map, Fault> {
    match &value.datum {
        Datum::Map(map) if map.kind() == MapKind::Any => Ok(map),
        _ => Err(conversion(value, "map[string]interface {}")),
    }
}

fn conversion(value: &Value, expected: &str) -> Fault {
    let is = if matches!(value.datum, Datum::Nil) { "nil" } else { value.type_name() };
    Fault::failed(format!("interface conversion: interface {{}} is {is}, not {expected}"))
}

/// What decided a lookup beside the entry itself: the map, where the lookup arrived at it by a choice, and a key that is no
/// constant of the template.
fn looked_up(context: &mut Context, map: &Value, key: &Value) -> SetId {
    let control = map.flow(context).control;
    let key = computed_key(context, key);
    context.sets.union(control, key)
}

fn computed_key(context: &mut Context, key: &Value) -> SetId {
    if let Datum::Text(text) = &key.datum
        && let [piece] = text.pieces()
        && let MadeOf::Verbatim { leaf, .. } = piece.made_of
        && piece.control.is_empty()
        && key.control.is_empty()
        && matches!(context.sets.get(leaf), Leaf::Literal { .. })
    {
        return SetId::EMPTY;
    }
    everything(context, key)
}

/// The map that was given, as functions return it: a plain one.
fn held(given: &Value, map: &Map) -> Value {
    Value { datum: Datum::Map(map.held_as(MapKind::Any)), ..given.clone() }
}

/// A map that was made of another, whose entries the names chose.
fn remade(context: &mut Context, map: Map, of: &Value, names: &[Value]) -> Value {
    let flow = of.flow(context);
    let control = names.iter().fold(flow.control, |control, name| {
        let key = computed_key(context, name);
        context.sets.union(control, key)
    });
    Value { datum: Datum::Map(map), made_of: MadeOf::Derived(flow.data), control }
}

/// A list of what is in maps.
fn listed(context: &mut Context, list: List, name: &'static str, ordered: bool, maps: &[Value]) -> Value {
    let flow = shallow(context, maps);
    let made_of = if ordered { MadeOf::Derived(flow.data) } else { volatile_origin(context, name, flow.data) };
    Value { datum: Datum::List(list), made_of, control: flow.control }
}

/// The places of both, each once, the first ones first.
fn joined(mut first: Vec<PathId>, second: &[PathId]) -> Vec<PathId> {
    let mut known: HashSet<PathId> = first.iter().copied().collect();
    first.extend(second.iter().copied().filter(|place| known.insert(*place)));
    first
}

#[cfg(test)]
mod tests;
