//! Values to JSON, as Go's `encoding/json` writes them.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::number;
use crate::{
    engine::helm::template::{
        context::{Context, MAX_NESTING, MAX_TEXT},
        fault::Fault,
        value::{Datum, Entry, Map, Value},
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text, TextBuilder, cursor::Cursor},
    },
};

/// How JSON is written.
#[derive(Clone, Copy)]
pub(in crate::engine::helm::functions) struct Style {
    /// `<`, `>` and `&` are escaped.
    pub(in crate::engine::helm::functions) escapes_html: bool,
    /// On lines of their own, indented by two.
    pub(in crate::engine::helm::functions) pretty: bool,
}

/// Why a value is not written.
pub(in crate::engine::helm::functions) enum Unwritable {
    /// Go fails: what it calls the unsupported value.
    Failed(String),
    /// The render stops.
    Fault(Fault),
}

impl From<Fault> for Unwritable {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The maps that are being walked, for values that hold themselves.
#[derive(Default)]
pub(in crate::engine::helm::functions) struct Nesting {
    maps: Vec<Option<Map>>,
}

impl Nesting {
    /// Goes into a list, or into a map.
    ///
    /// # Errors
    /// Go's own where the value holds itself; a limit where it is only deep.
    pub(in crate::engine::helm::functions) fn enter(&mut self, map: Option<&Map>) -> Result<(), Unwritable> {
        if self.maps.len() >= MAX_NESTING {
            let maps: Vec<&Map> = self.maps.iter().flatten().collect();
            let cyclic = maps.iter().enumerate().any(|(at, map)| maps[..at].iter().any(|other| other.is(map)));
            return Err(if cyclic {
                Unwritable::Failed("encountered a cycle via map[string]interface {}".to_owned())
            } else {
                Unwritable::Fault(Fault::limit(format!("a value is nested deeper than {MAX_NESTING} levels")))
            });
        }
        self.maps.push(map.cloned());
        Ok(())
    }

    /// Goes out again.
    pub(in crate::engine::helm::functions) fn leave(&mut self) {
        self.maps.pop();
    }
}

/// Writes a value.
pub(in crate::engine::helm::functions) fn write(
    context: &mut Context,
    value: &Value,
    style: Style,
) -> Result<Text, Unwritable> {
    let mut writer = Writer { context, style, out: TextBuilder::default(), nesting: Nesting::default() };
    writer.value(value, SetId::EMPTY)?;
    let text = writer.out.build();
    context.budget.text(text.len())?;
    Ok(text)
}

/// Stops as soon as a text in the making is longer than any may be.
///
/// # Errors
/// The limit.
pub(in crate::engine::helm::functions) fn fits(context: &mut Context, out: &TextBuilder) -> Result<(), Unwritable> {
    if out.len() > MAX_TEXT {
        context.budget.text(out.len())?;
    }
    Ok(())
}

/// The leaves of a text.
pub(in crate::engine::helm::functions) fn flow_of(context: &mut Context, text: &Text) -> Flow {
    match text.pieces() {
        [] => Flow::default(),
        [piece] => Flow { data: piece.made_of.set(), control: piece.control },
        pieces => Flow {
            data: context.sets.union_all(pieces.iter().map(|piece| piece.made_of.set())),
            control: context.sets.union_all(pieces.iter().map(|piece| piece.control)),
        },
    }
}

/// A text whose pieces are there for another reason as well.
pub(in crate::engine::helm::functions) fn under<'t>(
    context: &mut Context,
    text: &'t Text,
    control: SetId,
) -> Cow<'t, Text> {
    if control.is_empty() || text.pieces().iter().all(|piece| piece.control == control) && !text.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut builder = TextBuilder::default();
    builder.push_under(text, |own| context.sets.union(own, control));
    Cow::Owned(builder.build())
}

struct Writer<'c> {
    context: &'c mut Context,
    style: Style,
    out: TextBuilder,
    nesting: Nesting,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, above: SetId) -> Result<(), Unwritable> {
        self.context.budget.step(1)?;
        fits(self.context, &self.out)?;
        let control = self.context.sets.union(above, value.control);
        let punctuation = Flow { data: value.made_of.set(), control };
        let bare = |text: &str, writer: &mut Self| writer.out.push_bytes(text.as_bytes(), value.made_of, control);
        match &value.datum {
            Datum::Nil => bare("null", self),
            Datum::Bool(bool) => bare(if *bool { "true" } else { "false" }, self),
            Datum::Int(int) | Datum::Int64(int) => bare(&int.to_string(), self),
            Datum::Uint64(int) => bare(&int.to_string(), self),
            Datum::Byte(byte) => bare(&byte.to_string(), self),
            Datum::Rune(rune) => bare(&rune.to_string(), self),
            Datum::Float(float) => {
                let text = number::json(*float).ok_or_else(|| Unwritable::Failed(number::shortest(*float)))?;
                bare(&text, self);
            }
            Datum::Text(text) => {
                let flow = value.flow(self.context);
                self.string(text, Flow { data: flow.data, control }, control)?;
            }
            Datum::Bytes(bytes) => {
                self.context.budget.text(bytes.len().div_ceil(3) * 4)?;
                let flow = value.flow(self.context);
                let control = self.context.sets.union(flow.control, control);
                let text = format!("\"{}\"", STANDARD.encode(bytes.bytes()));
                self.out.push_bytes(text.as_bytes(), MadeOf::Derived(flow.data), control);
            }
            datum if datum.is_nil_of_its_type() => self.put("null", punctuation),
            Datum::List(list) if list.items.is_empty() => self.put("[]", punctuation),
            Datum::List(list) => {
                self.nesting.enter(None)?;
                for (at, item) in list.items.iter().enumerate() {
                    self.put(if at == 0 { "[" } else { "," }, punctuation);
                    self.break_line(punctuation);
                    self.value(item, control)?;
                }
                self.nesting.leave();
                self.break_line(punctuation);
                self.put("]", punctuation);
            }
            Datum::Map(map) if map.is_empty() => self.put("{}", punctuation),
            Datum::Map(map) => {
                self.nesting.enter(Some(map))?;
                self.entries(&map.snapshot(), punctuation)?;
                self.nesting.leave();
                self.break_line(punctuation);
                self.put("}", punctuation);
            }
            Datum::Object(object) => {
                self.nesting.enter(None)?;
                let json = object.json(self.context)?;
                match (&json.datum, object.json_keys()) {
                    (Datum::Map(map), Some(keys)) if !map.is_empty() => {
                        let entries: Vec<Entry> = keys.iter().filter_map(|key| map.entry(key.as_bytes())).collect();
                        self.entries(&entries, punctuation)?;
                        self.nesting.leave();
                        self.break_line(punctuation);
                        self.put("}", punctuation);
                    }
                    _ => {
                        self.value(&json, control)?;
                        self.nesting.leave();
                    }
                }
            }
        }
        Ok(())
    }

    /// The entries of a map or struct in their order; at least one.
    fn entries(&mut self, entries: &[Entry], punctuation: Flow) -> Result<(), Unwritable> {
        let control = punctuation.control;
        for (at, entry) in entries.iter().enumerate() {
            self.put(if at == 0 { "{" } else { "," }, punctuation);
            self.break_line(punctuation);
            let flow = flow_of(self.context, &entry.key);
            self.string(&entry.key, Flow { data: flow.data, control }, control)?;
            self.put(if self.style.pretty { ": " } else { ":" }, punctuation);
            self.value(&entry.value, control)?;
        }
        Ok(())
    }

    /// A string in quotes; what needs no escape keeps its pieces.
    fn string(&mut self, text: &Text, quotes: Flow, control: SetId) -> Result<(), Unwritable> {
        let text = under(self.context, text, control);
        self.put("\"", quotes);
        let mut cursor = Cursor::new(&text);
        let mut at = 0;
        for chunk in text.bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                if let Some(escape) = self.escape(c) {
                    cursor.copy(&mut self.out, at);
                    let flow = cursor.flow();
                    self.put(&escape, flow);
                    fits(self.context, &self.out)?;
                    cursor.skip(at + c.len_utf8());
                }
                at += c.len_utf8();
            }
            for _ in chunk.invalid() {
                cursor.copy(&mut self.out, at);
                let flow = cursor.flow();
                self.put("\\ufffd", flow);
                fits(self.context, &self.out)?;
                at += 1;
                cursor.skip(at);
            }
        }
        cursor.finish(&mut self.out);
        self.put("\"", quotes);
        fits(self.context, &self.out)
    }

    fn escape(&self, c: char) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\x08' => "\\b",
            '\x0c' => "\\f",
            '<' if self.style.escapes_html => "\\u003c",
            '>' if self.style.escapes_html => "\\u003e",
            '&' if self.style.escapes_html => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..='\x1f' => return Some(Cow::Owned(format!("\\u{:04x}", u32::from(c)))),
            _ => return None,
        }))
    }

    fn put(&mut self, text: &str, flow: Flow) {
        self.out.push_bytes(text.as_bytes(), MadeOf::Derived(flow.data), flow.control);
    }

    fn break_line(&mut self, flow: Flow) {
        if self.style.pretty {
            self.put("\n", flow);
            for _ in 0..self.nesting.maps.len() {
                self.put("  ", flow);
            }
        }
    }
}
