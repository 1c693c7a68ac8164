//! Values to what the emitter prints.
//!
//! `sigs.k8s.io/yaml` writes JSON and reads it as YAML before it prints: numbers change their type on that way, and a few
//! characters that JSON leaves as they are mean something to YAML. v3 prints Go's values directly.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    engine::helm::{
        functions::json::{
            number,
            write::{Nesting, Unwritable, flow_of, under},
        },
        template::{
            context::Context,
            fault::Fault,
            value::{Datum, Value},
        },
    },
    source::{
        lineage::{
            sets::{Flow, SetId},
            text::{MadeOf, Text, TextBuilder, cursor::Cursor},
        },
        yaml::{
            parse::{self, Problem},
            tree::NodeKind,
            write::{Content, Dialect, Entry, Node, sort},
        },
    },
};

/// The longest key in characters, with its quotes, that is read back from JSON.
const LONGEST_KEY: usize = 1024;

/// What the emitter prints of a value.
pub(super) fn node(context: &mut Context, value: &Value, dialect: Dialect) -> Result<Node, Unwritable> {
    let mut conversion = Conversion { context, dialect, nesting: Nesting::default() };
    match conversion.value(value, SetId::EMPTY) {
        Err(Unwritable::Failed(_)) if dialect == Dialect::Three => {
            Err(Fault::limit("a value holds itself, and toYamlPretty does not end").into())
        }
        result => result,
    }
}

struct Conversion<'c> {
    context: &'c mut Context,
    dialect: Dialect,
    nesting: Nesting,
}

impl Conversion<'_> {
    fn value(&mut self, value: &Value, above: SetId) -> Result<Node, Unwritable> {
        self.context.budget.step(1)?;
        let control = self.context.sets.union(above, value.control);
        let bare = |text: &str| {
            let mut builder = TextBuilder::default();
            builder.push_bytes(text.as_bytes(), value.made_of, control);
            Content::Bare(builder.build())
        };
        let mut flow = Flow { data: value.made_of.set(), control };
        let content = match &value.datum {
            Datum::Nil => bare("null"),
            Datum::Bool(bool) => bare(if *bool { "true" } else { "false" }),
            Datum::Int(int) | Datum::Int64(int) => bare(&int.to_string()),
            Datum::Uint64(int) => bare(&int.to_string()),
            Datum::Byte(byte) => bare(&byte.to_string()),
            Datum::Rune(rune) => bare(&rune.to_string()),
            Datum::Float(float) => bare(&self.float(*float)?),
            Datum::Text(text) => {
                flow.data = value.flow(self.context).data;
                let text = under(self.context, text, control).into_owned();
                Content::Text(self.string(&text)?.into_owned())
            }
            Datum::Bytes(bytes) if self.dialect == Dialect::Two => {
                flow = value.flow(self.context);
                flow.control = self.context.sets.union(flow.control, control);
                self.context.budget.text(bytes.len().div_ceil(3) * 4)?;
                let mut builder = TextBuilder::default();
                builder.push_bytes(STANDARD.encode(bytes.bytes()).as_bytes(), MadeOf::Derived(flow.data), flow.control);
                Content::Text(builder.build())
            }
            Datum::Bytes(bytes) => {
                self.context.budget.items(bytes.len())?;
                let data = value.flow(self.context).data;
                let byte = |byte: &u8| Node {
                    content: Content::Bare(Text::new(byte.to_string().as_bytes(), MadeOf::Derived(data))),
                    flow,
                };
                Content::List(bytes.bytes().iter().map(byte).collect())
            }
            datum if datum.is_nil_of_its_type() && self.dialect == Dialect::Two => bare("null"),
            Datum::List(list) => {
                self.nesting.enter(None)?;
                let items = list.items.iter().map(|item| self.value(item, control)).collect::<Result<_, _>>()?;
                self.nesting.leave();
                Content::List(items)
            }
            Datum::Map(map) => {
                self.nesting.enter(Some(map))?;
                let (entries, mut changed) = (map.snapshot(), false);
                let mut converted: Vec<Entry> = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = under(self.context, &entry.key, control).into_owned();
                    let key_flow = flow_of(self.context, &key);
                    let key = match self.key(&key)? {
                        Cow::Owned(other) => {
                            changed = true;
                            other
                        }
                        Cow::Borrowed(_) => key,
                    };
                    let value = self.value(&entry.value, control)?;
                    converted.push(Entry { key, key_flow: Flow { control, ..key_flow }, value });
                }
                self.nesting.leave();
                if changed {
                    keep_last(&mut converted);
                }
                sort(&mut converted, self.dialect);
                Content::Map(converted)
            }
            Datum::Object(_) if self.dialect == Dialect::Three => {
                let name = value.type_name();
                return Err(Fault::unsupported(format!("toYamlPretty of a {name}")).into());
            }
            Datum::Object(object) => {
                self.nesting.enter(None)?;
                let json = object.json(self.context)?;
                let node = self.value(&json, control)?;
                self.nesting.leave();
                return Ok(node);
            }
        };
        Ok(Node { content, flow })
    }

    fn float(&self, float: f64) -> Result<String, Unwritable> {
        match self.dialect {
            Dialect::Two => number::yaml(float).ok_or_else(|| Unwritable::Failed(number::shortest(float))),
            _ if float.is_nan() => Ok(".nan".to_owned()),
            _ if float.is_infinite() => Ok(if float > 0.0 { ".inf" } else { "-.inf" }.to_owned()),
            Dialect::Three | Dialect::Quoted => Ok(number::shortest(float)),
        }
    }

    fn key<'t>(&mut self, key: &'t Text) -> Result<Cow<'t, Text>, Unwritable> {
        if self.dialect == Dialect::Three || key.len() < LONGEST_KEY / 6 && is_unchanged(key) {
            return Ok(Cow::Borrowed(key));
        }
        let valid = self.valid(key);
        let json = json_string(&valid.lossy());
        if json.chars().count() > LONGEST_KEY {
            return Err(Unwritable::Failed("a key of more than 1024 characters".to_owned()));
        }
        if is_unchanged(&valid) {
            return Ok(valid);
        }
        // A line break in a key is refused, unlike one in a value.
        read_back(&format!("{{{json}: 0}}"))?;
        self.string(&valid).map(|text| Cow::Owned(text.into_owned()))
    }

    /// A string after its way through JSON.
    fn string<'t>(&mut self, text: &'t Text) -> Result<Cow<'t, Text>, Unwritable> {
        if self.dialect == Dialect::Three || is_unchanged(text) {
            return Ok(Cow::Borrowed(text));
        }
        let valid = self.valid(text);
        if is_unchanged(&valid) {
            return Ok(valid);
        }
        let read = read_back(&json_string(&valid.lossy()))?;
        if read.as_bytes() == valid.bytes() {
            return Ok(valid);
        }
        let flow = flow_of(self.context, &valid);
        let mut builder = TextBuilder::default();
        builder.push_bytes(read.as_bytes(), MadeOf::Derived(flow.data), flow.control);
        Ok(Cow::Owned(builder.build()))
    }

    /// A text with U+FFFD for each byte that is not UTF-8.
    fn valid<'t>(&self, text: &'t Text) -> Cow<'t, Text> {
        if text.as_str().is_some() {
            return Cow::Borrowed(text);
        }
        let (mut builder, mut cursor, mut at) = (TextBuilder::default(), Cursor::new(text), 0);
        for chunk in text.bytes().utf8_chunks() {
            at += chunk.valid().len();
            for _ in chunk.invalid() {
                cursor.copy(&mut builder, at);
                let flow = cursor.flow();
                builder.push_bytes("\u{fffd}".as_bytes(), MadeOf::Derived(flow.data), flow.control);
                at += 1;
                cursor.skip(at);
            }
        }
        cursor.finish(&mut builder);
        Cow::Owned(builder.build())
    }
}

/// Tells whether a text comes back from JSON as it was: what JSON leaves as it is and YAML does not allow, or takes for a line
/// break, is none of its characters.
fn is_unchanged(text: &Text) -> bool {
    if text.bytes().iter().all(|byte| *byte < 0x7f) {
        return true;
    }
    text.as_str()
        .is_some_and(|text| !text.contains(|c| matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')))
}

/// What go-yaml reads of a string in JSON, or of a map in JSON.
fn read_back(json: &str) -> Result<String, Unwritable> {
    let stream = parse::parse(json).map_err(|error| match error.problem {
        Problem::TooLarge(_) => Unwritable::Fault(Fault::limit(error.to_string())),
        problem => Unwritable::Failed(problem.to_string()),
    })?;
    let root = stream.documents.first().and_then(|document| Some(&document.node(document.root?).kind));
    Ok(match root {
        Some(NodeKind::Scalar { text, .. }) => text.clone(),
        _ => String::new(),
    })
}

fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\x08' => json.push_str("\\b"),
            '\x0c' => json.push_str("\\f"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// The most entries that are compared one by one.
const FEW: usize = 16;

/// Of entries with equal keys only the last one is left.
fn keep_last(entries: &mut Vec<Entry>) {
    let is_again =
        |(at, entry): (usize, &Entry)| entries[..at].iter().any(|before| before.key.bytes() == entry.key.bytes());
    if entries.len() <= FEW && !entries.iter().enumerate().any(is_again) {
        return;
    }
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<Entry> =
        std::mem::take(entries).into_iter().rev().filter(|entry| seen.insert(entry.key.bytes().to_vec())).collect();
    kept.reverse();
    *entries = kept;
}
