//! Inputs of a file over those of one that it includes.

use std::collections::BTreeMap;

use crate::engine::terraform::{
    context::Context,
    types::Type,
    unknown::Reason,
    value::{Datum, Entry, Value},
};

/// Two maps as one; `deep` also merges the maps in them and appends lists.
pub fn merged(context: &mut Context<'_>, under: &Value, over: &Value, deep: bool) -> Value {
    let (Datum::Mapping(low), Datum::Mapping(high)) = (under.datum(), over.datum()) else {
        return unknown(context, under, over);
    };
    let mut all: BTreeMap<String, Entry> =
        low.entries().iter().map(|entry| (entry.key.as_str().to_owned(), entry.clone())).collect();
    for entry in high.entries() {
        let known = all.get(entry.key.as_str()).map(|known| known.value.clone());
        let value = match known.filter(|_| deep) {
            Some(known) => both(context, &known, &entry.value),
            None => entry.value.clone(),
        };
        all.insert(entry.key.as_str().to_owned(), Entry { key: entry.key.clone(), value });
    }
    let flow = context.sets.join(under.flow(), over.flow());
    Value::object(all.into_values()).with_flow(flow).with_marks(under.marks().with(over.marks()))
}

/// What is said twice.
fn both(context: &mut Context<'_>, under: &Value, over: &Value) -> Value {
    match (under.datum(), over.datum()) {
        (Datum::Mapping(_), Datum::Mapping(_)) => merged(context, under, over, true),
        (Datum::Sequence(low), Datum::Sequence(high)) => {
            let flow = context.sets.join(under.flow(), over.flow());
            let marks = under.marks().with(over.marks());
            Value::tuple(low.iter().chain(high.iter()).cloned()).with_flow(flow).with_marks(marks)
        }
        // What is empty may not be laid over anything: that is left open.
        (Datum::Bool(_) | Datum::Number(_) | Datum::String(_), Datum::Bool(true)) => over.clone(),
        (Datum::Bool(_) | Datum::Number(_) | Datum::String(_), Datum::String(text)) if !text.as_str().is_empty() => {
            over.clone()
        }
        (Datum::Bool(_) | Datum::Number(_) | Datum::String(_), Datum::Number(number)) if number.to_i64() != Some(0) => {
            over.clone()
        }
        _ => unknown(context, under, over),
    }
}

fn unknown(context: &mut Context<'_>, under: &Value, over: &Value) -> Value {
    let reason = over.reason().or(under.reason()).cloned();
    let reason = reason.unwrap_or_else(|| Reason::Unsupported("the merge of such inputs".into()));
    let (low, high) = (under.whole_flow(&mut context.sets), over.whole_flow(&mut context.sets));
    let flow = context.sets.join(low, high);
    Value::unknown_of(Type::Dynamic, reason).with_flow(flow)
}
