//! Helm's merge of values: `chartutil/coalesce.go` of 3.17.3, which maps it copies and which it shares included.
//!
//! Templates of a parent and of its subcharts see one map where helm shares one, and `set` in one of them is seen by the
//! other; so sharing is kept, not only content.

use super::dependencies::Charts;
use crate::{
    engine::helm::template::{
        context::{Context, MAX_NESTING},
        fault::Fault,
        value::{Datum, Entry, List, Map, MapKind, Value},
    },
    source::lineage::text::{MadeOf, Text},
};

use std::collections::BTreeMap;

/// Paths that a lookup will ask for: the rest need not be merged to answer it.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    whole: bool,
    below: BTreeMap<String, Self>,
}

/// Which part of the values is merged.
pub(super) type Scope<'w> = Option<&'w Wanted>;

/// The key of what subcharts see as well.
pub(super) const GLOBAL: &str = "global";

impl Wanted {
    /// Adds a path, and what `global` of outer charts says to it.
    pub(super) fn add(&mut self, path: &[&str]) {
        self.add_one(path);
        for (at, _) in path.iter().enumerate().filter(|(at, key)| *at > 0 && **key == GLOBAL) {
            for outer in 0..at {
                self.add_one(&[&path[..outer], &path[at..]].concat());
            }
        }
    }

    fn add_one(&mut self, path: &[&str]) {
        match path {
            [] => self.whole = true,
            [key, rest @ ..] => self.below.entry((*key).to_owned()).or_default().add_one(rest),
        }
    }
}

/// `CoalesceValues`, and `MergeValues` where `keep_null`: the values of a chart and its subcharts under values that win.
pub(super) fn coalesced(
    charts: &Charts,
    chart: usize,
    values: &Map,
    scope: Scope<'_>,
    keep_null: bool,
    context: &mut Context,
) -> Result<Map, Fault> {
    let copy = copied_in(values, scope, charts, Some(chart), context, 0)?;
    coalesce(charts, chart, &copy, scope, keep_null, context)?;
    Ok(copy)
}

fn coalesce(
    charts: &Charts,
    chart: usize,
    to: &Map,
    scope: Scope<'_>,
    keep_null: bool,
    context: &mut Context,
) -> Result<(), Fault> {
    coalesce_values(charts, chart, to, scope, keep_null, context)?;
    for &child in charts.children(chart) {
        let name = charts.name(child);
        let values = match to.get(name.as_bytes()) {
            None => {
                let values = Map::new(MapKind::Any);
                to.insert(Text::plain(name), Value::plain(Datum::Map(values.clone())));
                values
            }
            Some(Value { datum: Datum::Map(values), .. }) => values,
            Some(other) => {
                let found = other.type_name();
                return Err(Fault::failed(format!("type mismatch on {name}: a map is needed, not {found}")));
            }
        };
        coalesce_globals(&values, to, context)?;
        let nothing = Wanted::default();
        let scope = scope.map(|wanted| if wanted.whole { wanted } else { wanted.below.get(name).unwrap_or(&nothing) });
        coalesce(charts, child, &values, scope.filter(|wanted| !wanted.whole), keep_null, context)?;
    }
    Ok(())
}

fn coalesce_values(
    charts: &Charts,
    chart: usize,
    to: &Map,
    scope: Scope<'_>,
    keep_null: bool,
    context: &mut Context,
) -> Result<(), Fault> {
    let Some(own) = charts.values(chart) else { return Ok(()) };
    let defaults = copied_in(own, scope, charts, Some(chart), context, 0)?;
    for Entry { key, value } in defaults.snapshot() {
        match to.get(key.bytes()) {
            None => to.insert(key, value),
            Some(Value { datum: Datum::Nil, .. }) if !keep_null => {
                to.remove(key.bytes());
            }
            Some(over @ Value { datum: Datum::Map(_), .. }) => {
                let is_child = charts.children(chart).iter().any(|child| charts.name(*child).as_bytes() == key.bytes());
                if let (Datum::Map(over_map), Datum::Map(under)) = (&over.datum, &value.datum) {
                    merge_tables(over_map, under, keep_null || is_child, context, 0)?;
                    join_origins(to, &key, &over, &value, context);
                }
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Copies the globals of a chart's values down into a subchart's: maps are merged, the chart's keys win.
fn coalesce_globals(to: &Map, from: &Map, context: &mut Context) -> Result<(), Fault> {
    let outer = from.entry(GLOBAL.as_bytes());
    let inner = to.entry(GLOBAL.as_bytes());
    let inner_map = match &inner {
        None => Map::new(MapKind::Any),
        Some(Entry { value: Value { datum: Datum::Map(map), .. }, .. }) => map.clone(),
        Some(_) => return Ok(()),
    };
    let outer_map = match &outer {
        None => Map::new(MapKind::Any),
        Some(Entry { value: Value { datum: Datum::Map(map), .. }, .. }) => map.clone(),
        Some(_) => return Ok(()),
    };
    for Entry { key, value } in outer_map.snapshot() {
        match &value.datum {
            Datum::Map(table) => {
                let table = table.shallow_copy();
                let mut made_of = value.made_of;
                match inner_map.get(key.bytes()) {
                    None => {}
                    Some(under @ Value { datum: Datum::Map(_), .. }) => {
                        if let Datum::Map(under_map) = &under.datum {
                            merge_tables(&table, under_map, true, context, 0)?;
                        }
                        made_of = MadeOf::Derived(context.sets.union(made_of.set(), under.made_of.set()));
                    }
                    Some(_) => continue,
                }
                inner_map.insert(key, Value { datum: Datum::Map(table), made_of, control: value.control });
            }
            _ if matches!(inner_map.get(key.bytes()), Some(Value { datum: Datum::Map(_), .. })) => {}
            _ => inner_map.insert(key, value),
        }
    }
    let origins = [&inner, &outer].into_iter().flatten().map(|entry| entry.value.made_of.set());
    let made_of = MadeOf::Derived(context.sets.union_all(origins));
    let key = inner.or(outer).map_or_else(|| Text::plain(GLOBAL), |entry| entry.key);
    to.insert(key, Value::new(Datum::Map(inner_map), made_of));
    Ok(())
}

/// `CoalesceTables`, and `MergeTables` where `keep_null`: adds to a map what it does not say itself.
pub(super) fn merge_tables(
    to: &Map,
    from: &Map,
    keep_null: bool,
    context: &mut Context,
    depth: usize,
) -> Result<(), Fault> {
    too_deep(depth)?;
    context.budget.step(from.len())?;
    for Entry { key, value } in from.snapshot() {
        match to.get(key.bytes()) {
            Some(Value { datum: Datum::Nil, .. }) if !keep_null => {
                to.remove(key.bytes());
            }
            None => to.insert(key, value),
            Some(over) => {
                if let (Datum::Map(over_map), Datum::Map(under)) = (&over.datum, &value.datum) {
                    merge_tables(over_map, under, keep_null, context, depth + 1)?;
                    join_origins(to, &key, &over, &value, context);
                }
            }
        }
    }
    Ok(())
}

/// Lays a values file over the ones before it: maps are merged, everything else replaces.
pub(super) fn lay_over(below: &Map, over: &Map, context: &mut Context, depth: usize) -> Result<(), Fault> {
    too_deep(depth)?;
    context.budget.step(over.len())?;
    for Entry { key, value } in over.snapshot() {
        match (below.get(key.bytes()), &value.datum) {
            (Some(under @ Value { datum: Datum::Map(_), .. }), Datum::Map(over)) => {
                if let Datum::Map(under_map) = &under.datum {
                    lay_over(under_map, over, context, depth + 1)?;
                    join_origins(below, &key, &under, &value, context);
                }
            }
            _ => below.insert(key, value),
        }
    }
    Ok(())
}

/// A map that two layers make is made of both.
fn join_origins(holder: &Map, key: &Text, kept: &Value, other: &Value, context: &mut Context) {
    let both = context.sets.union(kept.made_of.set(), other.made_of.set());
    if both != kept.made_of.set()
        && let Some(Entry { key, value }) = holder.entry(key.bytes())
    {
        holder.insert(key, Value { made_of: MadeOf::Derived(both), ..value });
    }
}

fn too_deep(depth: usize) -> Result<(), Fault> {
    if depth > MAX_NESTING { Err(Fault::limit("values are nested too deeply")) } else { Ok(()) }
}

/// A copy that shares no map with the original.
pub(super) fn copied(map: &Map, context: &mut Context) -> Result<Map, Fault> {
    copy_map(map, context, 0)
}

fn copy_map(map: &Map, context: &mut Context, depth: usize) -> Result<Map, Fault> {
    too_deep(depth)?;
    context.budget.step(map.len())?;
    map.try_map(|Entry { key, value }| Ok(Entry { key: key.clone(), value: copy_value(value, context, depth + 1)? }))
}

fn copy_value(value: &Value, context: &mut Context, depth: usize) -> Result<Value, Fault> {
    let datum = match &value.datum {
        Datum::Map(map) => Datum::Map(copy_map(map, context, depth)?),
        Datum::List(list) if list.items.iter().any(|item| matches!(item.datum, Datum::Map(_) | Datum::List(_))) => {
            too_deep(depth)?;
            context.budget.step(list.items.len())?;
            let items =
                list.items.iter().map(|item| copy_value(item, context, depth + 1)).collect::<Result<Vec<_>, _>>()?;
            Datum::List(List::new(list.element, items))
        }
        other => other.clone(),
    };
    Ok(Value { datum, ..*value })
}

/// A copy of what is wanted of a map, and of the keys that name subcharts, whose type is checked.
fn copied_in(
    map: &Map,
    scope: Scope<'_>,
    charts: &Charts,
    chart: Option<usize>,
    context: &mut Context,
    depth: usize,
) -> Result<Map, Fault> {
    let Some(wanted) = scope.filter(|wanted| !wanted.whole) else { return copy_map(map, context, depth) };
    too_deep(depth)?;
    let copy = Map::new(map.kind());
    let children = chart.map(|chart| charts.children(chart)).unwrap_or_default();
    let named = children.iter().map(|child| (charts.name(*child), Some(*child)));
    let mut keys: BTreeMap<&str, Option<usize>> = wanted.below.keys().map(|key| (key.as_str(), None)).collect();
    keys.extend(named);
    context.budget.step(keys.len())?;
    let nothing = Wanted::default();
    for (key, child) in keys {
        let Some(Entry { key: text, value }) = map.entry(key.as_bytes()) else { continue };
        let value = match &value.datum {
            Datum::Map(inner) => {
                let below = wanted.below.get(key).unwrap_or(&nothing);
                let inner = copied_in(inner, Some(below), charts, child, context, depth + 1)?;
                Value { datum: Datum::Map(inner), ..value }
            }
            _ => value,
        };
        copy.insert(text, value);
    }
    Ok(copy)
}
