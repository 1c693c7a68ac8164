//! `html`, `js` and `urlquery`.

use crate::{
    engine::go::{printable, quote},
    engine::helm::template::{
        context::Context,
        fault::Fault,
        print,
        value::{Datum, Value},
    },
    source::lineage::text::{MadeOf, Text, TextBuilder},
};

/// What stands for a character, if it does not stand for itself.
pub(super) type Escape = fn(rune: Result<char, u8>) -> Option<String>;

/// Go's `evalArgs`, escaped: what stands for itself keeps its origin, what is escaped is made of the character.
pub(super) fn escaped(values: &[Value], context: &mut Context, escape: Escape) -> Result<Value, Fault> {
    let text = match values {
        [Value { datum: Datum::Text(text), control, made_of }] => {
            let (text, control) = (text.clone(), *control);
            let value = Value { datum: Datum::Text(escape_text(&text, context, escape)?), made_of: *made_of, control };
            return Ok(value);
        }
        _ => {
            let shown: Vec<Value> = values
                .iter()
                .map(|value| match value.datum {
                    Datum::Nil => {
                        Value { datum: Datum::Text(Text::new(b"<no value>", value.made_of)), ..value.clone() }
                    }
                    _ => value.clone(),
                })
                .collect();
            print::print(&shown, context)?
        }
    };
    Ok(Value::text(escape_text(&text, context, escape)?))
}

fn escape_text(text: &Text, context: &mut Context, escape: Escape) -> Result<Text, Fault> {
    let mut builder = TextBuilder::default();
    let (mut start, mut at) = (0, 0);
    for (rune, len) in quote::runes(text.bytes()) {
        if let Some(escaped) = escape(rune) {
            context.budget.text(escaped.len())?;
            builder.push_slice(text, start..at);
            let slices: Vec<_> = text.slices(at..at + len).collect();
            let made_of = MadeOf::Derived(context.sets.union_all(slices.iter().map(|slice| slice.made_of.set())));
            let control = context.sets.union_all(slices.iter().map(|slice| slice.control));
            builder.push_bytes(escaped.as_bytes(), made_of, control);
            start = at + len;
        }
        at += len;
    }
    context.budget.text(at - start)?;
    builder.push_slice(text, start..at);
    Ok(builder.build())
}

/// Go's `HTMLEscape`.
pub(super) fn html(rune: Result<char, u8>) -> Option<String> {
    let escaped = match rune.ok()? {
        '\0' => "\u{fffd}",
        '"' => "&#34;",
        '\'' => "&#39;",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => return None,
    };
    Some(escaped.into())
}

/// Go's `JSEscape`.
pub(super) fn js(rune: Result<char, u8>) -> Option<String> {
    let character = rune.unwrap_or(char::REPLACEMENT_CHARACTER);
    match character {
        '\\' => Some("\\\\".into()),
        '\'' => Some("\\'".into()),
        '"' => Some("\\\"".into()),
        '<' | '>' | '&' | '=' | '\0'..' ' => Some(format!("\\u{:04X}", u32::from(character))),
        ' '..='\x7f' => None,
        _ if rune.is_ok() && printable::is_printable(character) => None,
        // Bytes that are no character are printed as they are by Go, which takes U+FFFD for printable.
        _ if rune.is_err() => None,
        _ => Some(format!("\\u{:04X}", u32::from(character))),
    }
}

/// Go's `url.QueryEscape`.
pub(super) fn url_query(rune: Result<char, u8>) -> Option<String> {
    let mut buffer = [0; 4];
    let bytes = match &rune {
        Ok(' ') => return Some("+".into()),
        Ok('a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '~') => return None,
        Ok(character) => character.encode_utf8(&mut buffer).as_bytes(),
        Err(byte) => std::slice::from_ref(byte),
    };
    Some(bytes.iter().map(|byte| format!("%{byte:02X}")).collect())
}
