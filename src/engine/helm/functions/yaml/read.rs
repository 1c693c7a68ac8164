//! YAML to values, whose texts keep the pieces of the bytes that say them.

mod go;

use std::ops::Range;

use serde_json::Value as Json;

use crate::{
    engine::helm::{
        functions::json::{
            Root, number,
            read::{origin, origin_of_container},
        },
        template::{
            context::Context,
            fault::Fault,
            value::{Datum, Element, List, Map, MapKind, Value},
        },
    },
    source::{
        lineage::text::{MadeOf, Text, TextBuilder},
        yaml::{
            parse::{ParseError, Problem},
            resolve::{self, Build, Reader, ResolveError, Unresolvable},
            rope::Rope,
            tree::{Document, Node, NodeId},
        },
    },
};

/// Why Helm cannot read a text.
pub(super) struct Failure {
    pub(super) message: String,
    /// Whether the message is Helm's, to the letter.
    pub(super) known: bool,
}

/// Reads the first document of a text.
pub(super) fn read(context: &mut Context, text: &Text, root: Root) -> Result<Result<Value, Failure>, Fault> {
    let Some(source) = text.as_str() else {
        return Ok(Err(converting("yaml: invalid leading UTF-8 octet", false)));
    };
    let stream = match context.streams.parse(text, source) {
        Ok(stream) => stream,
        Err(error) => return unreadable(&error),
    };
    let Some((document, node)) = stream.documents.first().and_then(|document| Some((document, document.root?))) else {
        return Ok(Ok(empty(context, &Rope::new(text.clone()), root)));
    };
    let rope = Rope::new(text.clone());
    context.budget.step(document.nodes.len())?;
    let value = match resolve::build(document, node, Reader::Helm, &mut Values { context, rope: &rope, document }) {
        Ok(value) => value,
        Err(error) => return unresolvable(&error, document, source),
    };
    let found = match (&value.datum, root) {
        (Datum::Map(_), Root::Map) | (Datum::List(_), Root::List) => return Ok(Ok(value)),
        (Datum::Nil, _) => return Ok(Ok(empty(context, &rope, root))),
        (Datum::Map(_), _) => "object",
        (Datum::List(_), _) => "array",
        (Datum::Bool(_), _) => "bool",
        (Datum::Text(_), _) => "string",
        _ => "number",
    };
    let type_name = root.type_name();
    let message = format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type {type_name}"
    );
    Ok(Err(Failure { message, known: true }))
}

/// What an empty document leaves: the empty map or list that was to be filled.
fn empty(context: &mut Context, rope: &Rope, root: Root) -> Value {
    let (made_of, control) = origin_of_container(context, rope, 0..rope.text().len(), true);
    let datum = match root {
        Root::Map => Datum::Map(Map::new(MapKind::Any)),
        Root::List => Datum::List(List::new(Element::Any, Vec::new())),
    };
    Value { datum, made_of, control }
}

fn converting(problem: &str, known: bool) -> Failure {
    Failure { message: format!("error converting YAML to JSON: {problem}"), known }
}

fn unreadable(error: &ParseError) -> Result<Result<Value, Failure>, Fault> {
    match &error.problem {
        Problem::TooLarge(_) | Problem::TooDeep | Problem::TooManyNodes | Problem::TooManyAliases => {
            Err(Fault::limit(format!("YAML that is too large: {error}")))
        }
        Problem::UnknownAnchor(name) => Ok(Err(converting(&format!("yaml: unknown anchor '{name}' referenced"), true))),
        Problem::Character(_) => Ok(Err(converting("yaml: control characters are not allowed", true))),
        problem => Ok(Err(match error.go {
            Some(go) => converting(&format!("yaml: {go}"), true),
            None => converting(&format!("yaml: line {}: {problem}", error.line), false),
        })),
    }
}

fn unresolvable(error: &ResolveError, document: &Document, source: &str) -> Result<Result<Value, Failure>, Fault> {
    let said = match &error.problem {
        Unresolvable::TooLarge | Unresolvable::TooDeep => {
            return Err(Fault::limit(format!("YAML that is too large: {error}")));
        }
        Unresolvable::AmbiguousKey(_) => return Err(Fault::unsupported(error.to_string())),
        Unresolvable::NotJson(text) => match text.trim_start_matches('+').to_ascii_lowercase().as_str() {
            ".nan" => Some("json: unsupported value: NaN".to_owned()),
            "-.inf" => Some("json: unsupported value: -Inf".to_owned()),
            _ => Some("json: unsupported value: +Inf".to_owned()),
        },
        Unresolvable::Merge => Some("yaml: map merge requires map or sequence of maps as the value".to_owned()),
        Unresolvable::Binary => Some("yaml: !!binary value contains invalid base64 data".to_owned()),
        Unresolvable::Cycle(name) => Some(format!("yaml: anchor '{name}' value contains itself")),
        Unresolvable::Tag { text, tag } => go::wrong_tag(text, tag),
        Unresolvable::Key(_) => go::null_key(document, error.span),
        Unresolvable::CollectionKey => go::collection_key(document, error.span),
        _ => None,
    };
    Ok(Err(match said {
        Some(said) => converting(&said, true),
        None => {
            let line = crate::source::span::line_of(source, error.span.start);
            converting(&format!("yaml: line {line}: {}", error.problem), false)
        }
    }))
}

/// Builds template values.
struct Values<'c, 'd> {
    context: &'c mut Context,
    rope: &'d Rope,
    document: &'d Document,
}

impl Values<'_, '_> {
    /// Where a list or map is written, with what could have been printed behind its last line, or before its first: a block
    /// that was passed over there left its mark outside of what is written.
    fn extent(&self, node: NodeId) -> Range<usize> {
        let bytes = self.rope.text().bytes();
        if self.document.root == Some(node) {
            return 0..bytes.len();
        }
        let span = self.document.node(node).span;
        span.start..span.end + bytes[span.end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    }

    /// The text of a string or key. Where Go spells it otherwise than it is written (numbers as keys, `!!binary`, aliases as
    /// keys), it is derived.
    fn spelled(&mut self, node: &Node, text: &str) -> Text {
        let written = self.rope.scalar(node, &mut self.context.sets);
        if written.bytes() == text.as_bytes() {
            return written;
        }
        let flow = self.rope.flow(node.span.range(), &mut self.context.sets);
        let mut builder = TextBuilder::default();
        builder.push_bytes(text.as_bytes(), MadeOf::Derived(flow.data), flow.control);
        builder.build()
    }
}

impl Build for Values<'_, '_> {
    type Value = Value;

    fn scalar(&mut self, node: NodeId, value: Json) -> Value {
        let node = self.document.node(node);
        let (datum, printed) = match value {
            Json::String(text) => return Value::text(self.spelled(node, &text)),
            Json::Bool(bool) => (Datum::Bool(bool), bool.to_string()),
            Json::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                (Datum::Float(number), number::shortest(number))
            }
            _ => (Datum::Nil, "null".to_owned()),
        };
        let (made_of, control) = origin(self.context, self.rope, node.span.range(), &printed);
        Value { datum, made_of, control }
    }

    fn list(&mut self, node: NodeId, items: Vec<Value>) -> Value {
        let range = self.extent(node);
        let (made_of, control) = origin_of_container(self.context, self.rope, range, items.is_empty());
        Value { datum: Datum::List(List::new(Element::Any, items)), made_of, control }
    }

    fn map(&mut self, node: NodeId, entries: Vec<(NodeId, String, Value)>) -> Value {
        let range = self.extent(node);
        let (made_of, control) = origin_of_container(self.context, self.rope, range, entries.is_empty());
        let map = Map::new(MapKind::Any);
        for (key, text, value) in entries {
            let key = self.spelled(self.document.node(key), &text);
            map.insert(key, value);
        }
        Value { datum: Datum::Map(map), made_of, control }
    }
}
