//! `quote` and `squote`: every argument but `nil`s in quotes, with a space between.

use super::join::string;
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        print,
        value::{Datum, Value},
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, TextBuilder},
    },
};

/// `%q` of each argument's string.
pub(super) fn quote(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    quoted(context, arguments, |context, builder, value, flow| {
        let text = string(context, value)?;
        // An escape takes up to ten bytes.
        context.budget.text(text.len().saturating_mul(4) + 2)?;
        let text = Value { datum: Datum::Text(text), made_of: MadeOf::Derived(flow.data), control: value.control };
        builder.push(&print::quote(&text, context)?);
        Ok(())
    })
}

/// `'%v'` of each argument; quotes inside are not escaped.
pub(super) fn squote(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    quoted(context, arguments, |context, builder, value, flow| {
        let text = match &value.datum {
            Datum::Text(text) => text.clone(),
            _ => print::value(value, context)?,
        };
        context.budget.text(text.len() + 2)?;
        builder.push_bytes(b"'", MadeOf::Derived(flow.data), value.control);
        let sets = &mut context.sets;
        builder.push_under(&text, |own| sets.union(own, value.control));
        builder.push_bytes(b"'", MadeOf::Derived(flow.data), value.control);
        Ok(())
    })
}

fn quoted(
    context: &mut Context,
    arguments: &[Value],
    mut push: impl FnMut(&mut Context, &mut TextBuilder, &Value, Flow) -> Result<(), Fault>,
) -> Result<Value, Fault> {
    let mut builder = TextBuilder::default();
    let mut skipped = Flow::default();
    for value in arguments {
        let flow = value.flow(context);
        if matches!(value.datum, Datum::Nil) {
            skipped = context.sets.join(skipped, flow);
            continue;
        }
        if !builder.is_empty() {
            builder.push_bytes(b" ", MadeOf::Derived(flow.data), SetId::EMPTY);
        }
        push(context, &mut builder, value, flow)?;
    }
    let made = builder.build();
    let made_of = if made.is_empty() { MadeOf::Derived(skipped.data) } else { MadeOf::NOTHING };
    Ok(Value { datum: Datum::Text(made), made_of, control: skipped.control })
}
