//! YAML as go-cty-yaml writes and reads it.
//!
//! Its parser is go-yaml's, its scalars are its own: YAML 1.1's booleans, no numbers in base 60 or with underscores, dates as
//! strings in the form of RFC 3339, numbers exact.

use super::decoded::Source;
use crate::{
    engine::{
        go::quote::quoted,
        terraform::{
            context::Context,
            convert::digits_cost,
            functions::argument::{string, text},
            leaf::{PathId, Says},
            number::Number,
            problem::Problem,
            types::Type,
            value::{Datum, Entry, Mapping, Value},
        },
    },
    source::{
        lineage::text::{MadeOf, Text, TextBuilder},
        yaml::{
            parse, resolve,
            tree::{self, Document, NodeId, NodeKind, ScalarStyle},
            write::{self, Content, Dialect},
        },
    },
};

/// The longest YAML that is written.
const MAX_WRITTEN: usize = 16 << 20;

/// What a node costs that is read again through an alias, in steps: a few bytes of text can ask for any number of them.
const ALIASED: usize = 32;

/// `yamlencode`.
pub(super) fn encode(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let value = &arguments[0];
    if let Some(reason) = value.reason() {
        let flow = value.whole_flow(&mut context.sets);
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(flow));
    }
    let node = node(context, value)?;
    let mut text =
        write::write(&node, Dialect::Quoted, MAX_WRITTEN).map_err(|error| Problem::limit(error.to_string()))?;
    context.budget.text(text.len())?;
    if let Content::Bare(_) = node.content {
        // A plain scalar at the top is closed with the mark of a document's end.
        let mut builder = TextBuilder::default();
        builder.push(&text);
        builder.push_bytes(b"...\n", MadeOf::Derived(node.flow.data), node.flow.control);
        text = builder.build();
    }
    Ok(Value::string(text))
}

fn node(context: &mut Context<'_>, value: &Value) -> Result<write::Node, Problem> {
    context.budget.step(1)?;
    let flow = value.own_flow(&mut context.sets);
    let bare = |text: &str| Content::Bare(Text::new(text.as_bytes(), MadeOf::Derived(flow.data)));
    let content = match value.datum() {
        Datum::Null => bare("null"),
        Datum::Bool(bool) => bare(if *bool { "true" } else { "false" }),
        Datum::Number(number) => {
            context.budget.step(number.cost())?;
            let spelled =
                number.spelled().ok_or_else(|| Problem::limit("a number has more digits than are spelled out"))?;
            bare(&spelled)
        }
        Datum::String(string) => Content::Text(string.text().clone()),
        Datum::Sequence(elements) => {
            Content::List(elements.iter().map(|element| node(context, element)).collect::<Result<_, _>>()?)
        }
        Datum::Mapping(mapping) => {
            let mut entries = Vec::with_capacity(mapping.entries().len());
            for Entry { key, value } in mapping.entries() {
                let key_flow = key.whole_flow(&mut context.sets);
                entries.push(write::Entry { key: key.text().clone(), key_flow, value: node(context, value)? });
            }
            Content::Map(entries)
        }
        Datum::Unknown(_) => return Err(Problem::broken("cannot serialize unknown value as YAML")),
    };
    Ok(write::Node { content, flow })
}

/// `yamldecode`.
pub(super) fn decode(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let value = &arguments[0];
    let source = Source::new(string(value).text(), value.flow(), context);
    let whole = text(value);
    context.budget.step(1 + whole.len() / 64)?;
    // A byte order mark is no part of the text for the parser.
    let skipped = if whole.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let stream = parse::parse(&whole[skipped..]).map_err(|error| match (&error.problem, error.go) {
        (parse::Problem::UnknownAnchor(name), _) => {
            Problem::broken(format!("reference to undefined anchor {}", quoted(name)))
        }
        (_, Some(go)) => Problem::broken(format!("on line {}, column {}: {}", error.line, error.column, go.words)),
        (_, None) => Problem::unsupported(format!("YAML: {error}")),
    })?;
    let written: Vec<&Document> =
        stream.documents.iter().filter(|document| document.root.is_some() || document.start_marker.is_some()).collect();
    let document = match written[..] {
        [] => {
            return Err(Problem::broken("on line 1, column 1: missing start of document"));
        }
        [document] => document,
        _ => return Err(Problem::broken("only a single document is allowed")),
    };
    let Some(root) = document.root else {
        return Ok(Value::null(Type::Dynamic));
    };
    let mut reader = Reader { context, source: &source, document, skipped, open: Vec::new(), aliases: 0 };
    reader.node(root, PathId::ROOT)
}

struct Reader<'c, 't, 's> {
    context: &'c mut Context<'t>,
    source: &'s Source,
    document: &'s Document,
    /// The bytes before the parsed text.
    skipped: usize,
    /// The nodes that are being read.
    open: Vec<NodeId>,
    /// How many aliases in each other lead to the present node.
    aliases: usize,
}

/// What a scalar means.
enum Scalar {
    Null,
    /// Null where a string has to be.
    NullText,
    Bool(bool),
    Number(Number),
    /// The text as it is written.
    Text,
    /// Another text.
    Spelled(String),
    /// `<<`.
    Merge,
}

impl Reader<'_, '_, '_> {
    fn range(&self, node: &tree::Node) -> std::ops::Range<usize> {
        node.span.start + self.skipped..node.span.end + self.skipped
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::broken(message.into())
    }

    fn node(&mut self, id: NodeId, path: PathId) -> Result<Value, Problem> {
        self.context.budget.step(if self.aliases == 0 { 1 } else { ALIASED })?;
        let document = self.document;
        let node = document.node(id);
        match &node.kind {
            NodeKind::Alias { name, target } => {
                if self.open.contains(target) {
                    return Err(self.problem(format!("cannot refer to anchor {name:?} from inside its own definition")));
                }
                self.aliases += 1;
                let value = self.node(*target, path);
                self.aliases -= 1;
                value
            }
            NodeKind::Scalar { style, text } => {
                self.context.budget.step(digits_cost(text) / 100)?;
                let range = self.range(node);
                let tag = node.tag_name().unwrap_or_default();
                match scalar(tag, text, *style).map_err(|message| self.problem(message))? {
                    Scalar::Text | Scalar::Merge => {
                        let decoded = self.scalar_text(node);
                        Ok(self.source.string(self.context, range, decoded, path))
                    }
                    Scalar::Spelled(text) => {
                        let flow = self.source.flow(self.context, range, Says::Scalar, path);
                        Ok(Value::text(text).derived(flow))
                    }
                    other => {
                        let flow = self.source.flow(self.context, range, Says::Scalar, path);
                        let value = match other {
                            Scalar::Bool(bool) => Value::bool(bool),
                            Scalar::Number(number) => Value::number(number),
                            Scalar::NullText => Value::null(Type::String),
                            _ => Value::null(Type::Dynamic),
                        };
                        Ok(value.with_flow(flow))
                    }
                }
            }
            NodeKind::Sequence { items, .. } => {
                self.tagged(node, "sequence", "tag:yaml.org,2002:seq")?;
                self.open.push(id);
                let mut elements = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let below = self.context.paths.join_index(path, index);
                    elements.push(self.node(item.node, below)?);
                }
                self.open.pop();
                let flow = self.source.flow(self.context, self.range(node), Says::Container, path);
                self.context.budget.nested(Value::tuple(elements).with_flow(flow))
            }
            NodeKind::Mapping { entries, .. } => {
                self.tagged(node, "mapping", "tag:yaml.org,2002:map")?;
                self.open.push(id);
                let mut read: Vec<Entry> = Vec::with_capacity(entries.len());
                for entry in entries {
                    self.entry(entry, path, &mut read)?;
                }
                self.open.pop();
                let flow = self.source.flow(self.context, self.range(node), Says::Container, path);
                self.context.budget.nested(Value::object(read).with_flow(flow))
            }
        }
    }

    fn entry(&mut self, entry: &tree::Entry, path: PathId, read: &mut Vec<Entry>) -> Result<(), Problem> {
        let document = self.document;
        let key_node = document.node(entry.key);
        let NodeKind::Scalar { style, text } = &key_node.kind else {
            return Err(self.problem("only strings are allowed as mapping keys"));
        };
        let tag = key_node.tag_name().unwrap_or_default();
        let name = match scalar(tag, text, *style).map_err(|message| self.problem(message))? {
            Scalar::Merge => {
                let merged = self.node(entry.value, path)?;
                let Some(mapping) = merged.as_mapping().map(Mapping::entries) else {
                    let kind = merged.ty().friendly();
                    return Err(self.problem(format!("cannot merge {kind} into mapping")));
                };
                read.extend(mapping.iter().cloned());
                return Ok(());
            }
            Scalar::Null | Scalar::NullText => return Err(self.problem("mapping key cannot be null")),
            Scalar::Bool(bool) => Some(bool.to_string()),
            Scalar::Number(number) => {
                let spelled = number.spelled();
                Some(spelled.ok_or_else(|| Problem::limit("a number has more digits than are spelled out"))?)
            }
            Scalar::Spelled(text) => Some(text),
            Scalar::Text => None,
        };
        let range = self.range(key_node);
        let below = self.context.paths.join(path, name.as_deref().unwrap_or(text));
        let decoded = match name {
            None => self.scalar_text(key_node),
            Some(name) => {
                let flow = self.source.rope().flow(range.clone(), &mut self.context.sets);
                Text::new(name.as_bytes(), MadeOf::Derived(flow.data))
            }
        };
        let key = self.source.key(self.context, range, decoded, below);
        let value = self.node(entry.value, below)?;
        read.push(Entry { key, value });
        Ok(())
    }

    /// The text of a scalar with its pieces.
    fn scalar_text(&mut self, node: &tree::Node) -> Text {
        if self.skipped == 0 {
            return self.source.rope().scalar(node, &mut self.context.sets);
        }
        let NodeKind::Scalar { text, .. } = &node.kind else { return Text::default() };
        let flow = self.source.rope().flow(self.range(node), &mut self.context.sets);
        Text::new(text.as_bytes(), MadeOf::Derived(flow.data))
    }

    fn tagged(&self, node: &tree::Node, kind: &str, own: &str) -> Result<(), Problem> {
        match node.tag_name() {
            Some(tag) if tag != own && !tag.is_empty() => Err(self.problem(format!("can't interpret {kind} as {tag}"))),
            _ => Ok(()),
        }
    }
}

const PREFIX: &str = "tag:yaml.org,2002:";

/// What a scalar means under its tag, which is empty where there is none.
fn scalar(tag: &str, text: &str, style: ScalarStyle) -> Result<Scalar, String> {
    let short = tag.strip_prefix(PREFIX).unwrap_or(if tag.is_empty() { "" } else { "?" });
    let is_plain = style == ScalarStyle::Plain;
    let is_quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    match short {
        "" | "str" | "bool" | "int" | "float" | "null" | "timestamp" | "binary" => {}
        _ => return Err(format!("unsupported tag {}", quoted(tag))),
    }
    if short.is_empty() && is_quoted {
        return Ok(Scalar::Text);
    }
    // An untagged block is a string, but what it means is worked out before it is turned into one: `yes` is "true".
    if short.is_empty() && !is_plain {
        return Ok(match scalar("", text, ScalarStyle::Plain)? {
            Scalar::Null => Scalar::NullText,
            Scalar::Bool(bool) => Scalar::Spelled(bool.to_string()),
            Scalar::Number(number) => number.spelled().map_or(Scalar::Text, Scalar::Spelled),
            other => other,
        });
    }
    let hint = text.bytes().next();
    let has_hint = hint.is_none_or(|byte| b"+-0123456789.yYnNtTfFoO~".contains(&byte));
    let mut kind = short;
    if has_hint && !matches!(short, "str" | "binary") {
        if is_quoted {
            return Ok(Scalar::Text);
        }
        if let Some(known) = word(text) {
            return Ok(known);
        }
        if short.is_empty() && matches!(text, ".nan" | ".NaN" | ".NAN") {
            return Err("floating point NaN is not supported".to_owned());
        }
        match hint {
            Some(b'.') => {
                if let Some(number) = Number::parse(text) {
                    return Ok(Scalar::Number(number));
                }
            }
            Some(b'+' | b'-' | b'0'..=b'9') => {
                if matches!(short, "" | "timestamp")
                    && let Some(time) = resolve::time(text)
                {
                    return time
                        .map(|time| Scalar::Spelled(without_fraction(&time)))
                        .ok_or_else(|| format!("cannot parse {} as a time", quoted(text)));
                }
                if is_integer(text) {
                    kind = "int";
                } else if is_float(text) {
                    kind = "float";
                }
            }
            _ => {}
        }
    }
    if short.is_empty() && text == "<<" {
        return Ok(Scalar::Merge);
    }
    let unfit = || format!("cannot parse {} as {PREFIX}{kind}", quoted(text));
    match kind {
        "" | "str" => Ok(Scalar::Text),
        "binary" => match super::decode_base64(text) {
            Ok(_) => Ok(Scalar::Text),
            Err(_) => Err(format!("{}: not valid base64", unfit())),
        },
        "bool" => match word(text) {
            Some(Scalar::Bool(bool)) => Ok(Scalar::Bool(bool)),
            _ => Err(unfit()),
        },
        "null" => Ok(Scalar::Null),
        "timestamp" => match resolve::time(text) {
            Some(Some(time)) => Ok(Scalar::Spelled(without_fraction(&time))),
            _ => Err(unfit()),
        },
        _ => number(text).map(Scalar::Number).ok_or_else(unfit),
    }
}

fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Number(Number::infinity(false)),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Number(Number::infinity(true)),
        _ => return None,
    })
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Decimal with a sign, `0o` octal, `0x` hexadecimal.
fn is_integer(text: &str) -> bool {
    let is = |prefix: &str, radix: u32| {
        text.strip_prefix(prefix)
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix)))
    };
    is_digits(unsigned(text)) || is("0o", 8) || is("0x", 16)
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match unsigned(text).split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned(text), None),
    };
    let fits = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    fits && exponent.is_none_or(|exponent| is_digits(unsigned(exponent)))
}

/// Decimal digits, or a Go literal of 64 bits.
fn number(text: &str) -> Option<Number> {
    let plain = text.replace('_', "");
    if let Some(number) = Number::parse(&plain) {
        return Some(number);
    }
    let digits = unsigned(&plain).to_ascii_lowercase();
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => return None,
    };
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let integer = if plain.starts_with('-') { -magnitude } else { magnitude };
    (integer >= i128::from(i64::MIN)).then(|| Number::of_integer(&integer.into()))
}

/// A time in the form of RFC 3339 without fractions of a second.
fn without_fraction(time: &str) -> String {
    match time.split_once('.') {
        Some((before, after)) => format!("{before}{}", after.trim_start_matches(|digit: char| digit.is_ascii_digit())),
        None => time.to_owned(),
    }
}
