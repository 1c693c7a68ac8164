//! `merge` and `mergeOverwrite`: mergo 1.0.1's `deepMerge` as it treats maps.
//!
//! The first map is changed and returned. Maps of a source that the destination lacks are not copied: they are one map
//! afterwards, and a later change of either is seen in both. An entry that comes in because the destination has none, or an
//! empty one, is under what the destination has there; an entry that stays because the overwriting source has none is under
//! the places where the source would have it.

use super::{absent, held, joined};
use crate::{
    engine::helm::{
        functions::argument::{everything, map},
        template::{
            context::{Context, MAX_NESTING},
            fault::Fault,
            value::{Datum, Entry, Map, MapKind, Value},
        },
    },
    source::lineage::{sets::SetId, text::Text},
};

/// Who wins where both have a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Winner {
    Destination,
    Source,
}

/// What mergo returns.
enum Outcome {
    Merged,
    /// `src and dst must be of same type`: the destination is left half merged.
    DifferentTypes,
}

/// `merge`: errors give the empty string.
pub(super) fn merge(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(merged(context, arguments, Winner::Destination)?.unwrap_or_else(|| Value::text(Text::default())))
}

/// `mustMerge`.
pub(super) fn must_merge(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    merged(context, arguments, Winner::Destination)?.ok_or_else(different_types)
}

/// `mergeOverwrite`: errors give the empty string.
pub(super) fn merge_overwrite(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(merged(context, arguments, Winner::Source)?.unwrap_or_else(|| Value::text(Text::default())))
}

/// `mustMergeOverwrite`.
pub(super) fn must_merge_overwrite(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    merged(context, arguments, Winner::Source)?.ok_or_else(different_types)
}

fn different_types() -> Fault {
    Fault::failed("src and dst must be of same type")
}

fn merged(context: &mut Context, arguments: &[Value], winner: Winner) -> Result<Option<Value>, Fault> {
    let (given, sources) = arguments.split_first().ok_or_else(|| Fault::failed("merge needs a map"))?;
    let destination = match map(given)? {
        Some(map) => map.held_as(MapKind::Any),
        None => Map::new(MapKind::Any),
    };
    let mut result = held(given, &destination);
    for source in sources {
        let Some(map) = map(source)? else { continue };
        if let Outcome::DifferentTypes = into(context, &destination, &map.held_as(MapKind::Any), winner, 0)? {
            return Ok(None);
        }
        let from = everything(context, source);
        result = result.under(from, context);
    }
    Ok(Some(result))
}

/// mergo's `deepMerge` of two maps.
fn into(
    context: &mut Context,
    destination: &Map,
    source: &Map,
    winner: Winner,
    depth: usize,
) -> Result<Outcome, Fault> {
    if depth > MAX_NESTING {
        return Err(Fault::limit("maps that are merged are nested too deeply, or in themselves"));
    }
    let entries = source.snapshot();
    context.budget.step(entries.len() + 1)?;
    for entry in entries {
        if let Outcome::DifferentTypes = entry_into(context, destination, source, entry, winner, depth)? {
            return Ok(Outcome::DifferentTypes);
        }
    }
    let source_places = source.places();
    if !source_places.is_empty() {
        if winner == Winner::Source {
            stays(context, destination, source);
        }
        let places = match winner {
            Winner::Destination => joined(destination.places(), &source_places),
            Winner::Source => joined(source_places, &destination.places()),
        };
        context.budget.step(places.len())?;
        destination.set_places(places);
    }
    Ok(Outcome::Merged)
}

fn entry_into(
    context: &mut Context,
    destination: &Map,
    source: &Map,
    entry: Entry,
    winner: Winner,
    depth: usize,
) -> Result<Outcome, Fault> {
    let overwrites = winner == Winner::Source;
    if matches!(entry.value.datum, Datum::Nil) {
        if overwrites {
            put(destination, source, entry)?;
        }
        return Ok(Outcome::Merged);
    }
    let there = destination.entry(entry.key.bytes());
    let is_slice = matches!(entry.value.datum, Datum::List(_) | Datum::Bytes(_));
    if let Some(there) = &there {
        match (&there.value.datum, &entry.value.datum) {
            (Datum::Map(below), Datum::Map(from)) => {
                if let Outcome::DifferentTypes = into(context, below, from, winner, depth + 1)? {
                    return Ok(Outcome::DifferentTypes);
                }
                let from = everything(context, &entry.value);
                let joined = there.value.clone().under(from, context);
                destination.insert(there.key.clone(), joined);
            }
            (Datum::Object(pointer), from)
                if !overwrites && pointer.kind() == "ptr" && differs(there.value.type_name(), from, &entry.value) =>
            {
                return Ok(Outcome::DifferentTypes);
            }
            _ if is_slice && destination.kind() == MapKind::Text => {
                return Err(Fault::failed("reflect: call of reflect.Value.IsNil on string Value"));
            }
            _ => {}
        }
        let both_maps = matches!((&there.value.datum, &entry.value.datum), (Datum::Map(_), Datum::Map(_)));
        if !is_empty(&there.value) && (both_maps || (is_slice && !overwrites)) {
            return Ok(Outcome::Merged);
        }
    }
    if overwrites {
        put(destination, source, entry)?;
    } else if there.as_ref().is_none_or(|there| is_empty(&there.value)) {
        let because = match &there {
            Some(there) => everything(context, &there.value),
            None => absent(context, destination, entry.key.bytes()),
        };
        let value = entry.value.under(because, context);
        put(destination, source, Entry { key: entry.key, value })?;
    }
    Ok(Outcome::Merged)
}

/// Go's `SetMapIndex`.
fn put(destination: &Map, source: &Map, entry: Entry) -> Result<(), Fault> {
    if destination.kind() == MapKind::Text && source.kind() != MapKind::Text {
        return Err(Fault::failed(
            "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string",
        ));
    }
    destination.insert(entry.key, entry.value);
    Ok(())
}

/// Entries that the overwriting source does not have are there because it does not.
fn stays(context: &mut Context, destination: &Map, source: &Map) {
    for entry in destination.snapshot() {
        if source.entry(entry.key.bytes()).is_none() {
            let missing: SetId = absent(context, source, entry.key.bytes());
            let value = entry.value.under(missing, context);
            destination.insert(entry.key, value);
        }
    }
}

/// mergo's `isEmptyValue`: structs and pointers to them are never empty.
fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

/// Whether mergo refuses to merge what is not of a pointer's type into it. Only what Go calls structs, pointers and maps
/// gets that far.
fn differs(pointer: &str, from: &Datum, value: &Value) -> bool {
    match from {
        Datum::Map(_) => true,
        Datum::Object(object) => match object.kind() {
            "ptr" => false,
            _ => pointer.strip_prefix('*') != Some(value.type_name()),
        },
        _ => false,
    }
}
