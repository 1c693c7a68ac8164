//! What a file of HCL says, without how it is written: what is held against what is wanted after an edit.

use serde_json::{Map, Value};

use super::Change;
use crate::source::{
    hcl::tree::{Body, Expression, ExpressionKind, Item, Key, Label, Part, Step, StepKind, Template, Text, Unary},
    span::Span,
};

/// A node of the tree. Two of them are equal whatever bytes they have.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    span: Span,
    /// Of an expression that is nothing but text: the bytes of the text.
    inner: Option<Span>,
    tag: Tag,
    parts: Vec<Self>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
enum Tag {
    /// Arguments by name, then blocks in their order.
    Body,
    Attribute(String),
    Block(String, Vec<String>),
    Null,
    Bool(bool),
    Number(String),
    /// Text and nothing else.
    Text(String),
    /// Text beside other parts of a template.
    Piece(String),
    Tuple,
    Object,
    Item,
    Other(String),
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
            && self.parts.len() == other.parts.len()
            && stacker::maybe_grow(64 << 10, 1 << 20, || self.parts == other.parts)
    }
}

impl Shape {
    fn new(span: Span, tag: Tag, parts: Vec<Self>) -> Self {
        Self { span, inner: None, tag, parts }
    }

    fn other(span: Span, tag: impl Into<String>, parts: Vec<Self>) -> Self {
        Self::new(span, Tag::Other(tag.into()), parts)
    }

    /// What a body says.
    pub(super) fn of(body: &Body) -> Self {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            let attributes = body.attributes().map(|attribute| {
                let name = Tag::Attribute(attribute.name.text.to_string());
                Self::new(attribute.name.span, name, vec![Self::expression(&attribute.value)])
            });
            let mut parts: Vec<Self> = attributes.collect();
            parts.sort_by(|a, b| a.name().cmp(b.name()));
            for item in &body.items {
                if let Item::Block(block) = item {
                    let labels = block.labels.iter().map(|Label { text, .. }| text.to_string()).collect();
                    let tag = Tag::Block(block.kind.text.to_string(), labels);
                    parts.push(Self::new(block.span, tag, vec![Self::of(&block.body)]));
                }
            }
            Self::new(body.span, Tag::Body, parts)
        })
    }

    fn name(&self) -> &str {
        match &self.tag {
            Tag::Attribute(name) | Tag::Text(name) => name,
            _ => "",
        }
    }

    fn expression(expression: &Expression) -> Self {
        stacker::maybe_grow(64 << 10, 1 << 20, || Self::of_expression(expression))
    }

    fn of_expression(expression: &Expression) -> Self {
        let span = expression.span;
        let all = |parts: &[&Expression]| parts.iter().map(|part| Self::expression(part)).collect::<Vec<_>>();
        match &expression.kind {
            ExpressionKind::Null => Self::new(span, Tag::Null, Vec::new()),
            ExpressionKind::Bool(bool) => Self::new(span, Tag::Bool(*bool), Vec::new()),
            ExpressionKind::Number(text) => Self::new(span, Tag::Number(text.to_string()), Vec::new()),
            ExpressionKind::Template(template) => Self::template(span, template),
            ExpressionKind::Variable(name) => Self::other(span, format!("name {}", name.text), Vec::new()),
            ExpressionKind::Parenthesis(inner) => Self::other(span, "()", all(&[inner])),
            ExpressionKind::Tuple(items) => Self::new(span, Tag::Tuple, items.iter().map(Self::expression).collect()),
            ExpressionKind::Object(object) => {
                let items = object.items.iter().map(|item| {
                    Self::new(item.key.span(), Tag::Item, vec![Self::key(&item.key), Self::expression(&item.value)])
                });
                Self::new(span, Tag::Object, items.collect())
            }
            ExpressionKind::For(each) => {
                let name = each.key_name.as_ref().map_or("", |name| &name.text);
                let flags = (each.key.is_some(), each.test.is_some(), each.group.is_some());
                let tag = format!("for {name} {} {flags:?}", each.value_name.text);
                let mut parts = vec![Self::expression(&each.collection)];
                parts.extend(each.key.iter().chain([&each.value]).chain(&each.test).map(Self::expression));
                Self::other(span, tag, parts)
            }
            ExpressionKind::Call(call) => {
                let tag = call_of(&call.name.text, call.spread.is_some());
                Self::other(span, tag, call.arguments.iter().map(Self::expression).collect())
            }
            ExpressionKind::Steps { of, steps } => {
                let mut parts = all(&[of]);
                parts.extend(steps.iter().map(Self::step));
                Self::other(span, "steps", parts)
            }
            ExpressionKind::Unary { operator, operand } => {
                let tag = if *operator == Unary::Minus { "-" } else { "!" };
                Self::other(span, tag, all(&[operand]))
            }
            ExpressionKind::Operation(operation) => {
                let operators: Vec<_> = operation.rest.iter().map(|operand| operand.operator).collect();
                let mut parts = all(&[&operation.first]);
                parts.extend(operation.rest.iter().map(|operand| Self::expression(&operand.value)));
                Self::other(span, format!("{operators:?}"), parts)
            }
            ExpressionKind::Conditional(each) => {
                Self::other(span, "?", all(&[&each.test, &each.then, &each.otherwise]))
            }
        }
    }

    /// A key: a name is the same as a text.
    fn key(key: &Key) -> Self {
        match key {
            Key::Name(name) => Self::new(name.span, Tag::Text(name.text.to_string()), Vec::new()),
            Key::Expression(expression) => Self::expression(expression),
        }
    }

    fn step(step: &Step) -> Self {
        match &step.kind {
            StepKind::Attribute(name) => Self::other(step.span, format!(".{}", name.text), Vec::new()),
            StepKind::LegacyIndex(index) => Self::other(step.span, format!(".{index}"), Vec::new()),
            StepKind::Index(key) => Self::other(step.span, "[]", vec![Self::expression(key)]),
            StepKind::AttributeSplat(steps) => Self::other(step.span, ".*", steps.iter().map(Self::step).collect()),
            StepKind::Splat(steps) => Self::other(step.span, "[*]", steps.iter().map(Self::step).collect()),
        }
    }

    fn template(span: Span, template: &Template) -> Self {
        match &template.parts[..] {
            [] => Self::new(span, Tag::Text(String::new()), Vec::new()),
            [Part::Text(text)] => {
                let shape = Self::new(span, Tag::Text(text.value.to_string()), Vec::new());
                Self { inner: Some(text.span), ..shape }
            }
            parts => Self::other(span, "template", Self::parts(parts)),
        }
    }

    fn piece(text: &Text) -> Self {
        Self::new(text.span, Tag::Piece(text.value.to_string()), Vec::new())
    }

    fn parts(parts: &[Part]) -> Vec<Self> {
        let part = |part: &Part| match part {
            Part::Text(text) => Self::piece(text),
            Part::Interpolation { value, span } => Self::other(*span, "${}", vec![Self::expression(value)]),
            Part::If(directive) => {
                let mut inner = vec![Self::expression(&directive.test)];
                inner.push(Self::other(Span::default(), "then", Self::parts(&directive.then)));
                let otherwise = directive.otherwise.as_deref().map(Self::parts);
                inner.extend(otherwise.map(|parts| Self::other(Span::default(), "else", parts)));
                Self::other(directive.span, "%{if}", inner)
            }
            Part::For(directive) => {
                let name = directive.key_name.as_ref().map_or("", |name| &name.text);
                let mut inner = vec![Self::expression(&directive.collection)];
                inner.extend(Self::parts(&directive.body));
                Self::other(directive.span, format!("%{{for {name} {}}}", directive.value_name.text), inner)
            }
        };
        parts.iter().map(part).collect()
    }

    /// What a value is when it is written out.
    fn value(value: &Value) -> Self {
        let none = Span::default();
        match value {
            Value::Null => Self::new(none, Tag::Null, Vec::new()),
            Value::Bool(bool) => Self::new(none, Tag::Bool(*bool), Vec::new()),
            Value::Number(number) => {
                let text = number.to_string();
                match text.strip_prefix('-') {
                    Some(positive) => {
                        let operand = Self::new(none, Tag::Number(positive.to_owned()), Vec::new());
                        Self::other(none, "-", vec![operand])
                    }
                    None => Self::new(none, Tag::Number(text), Vec::new()),
                }
            }
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::new(none, Tag::Tuple, items.iter().map(Self::value).collect()),
            Value::Object(map) => {
                Self::new(none, Tag::Object, map.iter().map(|(key, value)| Self::item(key, value)).collect())
            }
        }
    }

    fn text(text: &str) -> Self {
        Self::new(Span::default(), Tag::Text(text.to_owned()), Vec::new())
    }

    fn item(key: &str, value: &Value) -> Self {
        Self::new(Span::default(), Tag::Item, vec![Self::text(key), Self::value(value)])
    }

    fn attribute(name: &str, value: &Value) -> Self {
        Self::new(Span::default(), Tag::Attribute(name.to_owned()), vec![Self::value(value)])
    }

    /// Makes a change; nothing where it does not fit.
    pub(super) fn change(&mut self, change: &Change) -> Option<()> {
        match change {
            Change::Set { at, value } => {
                let shape = self.find(*at, |shape| shape.is_expression())?;
                let span = shape.span;
                *shape = Self { span, ..Self::value(value) };
            }
            Change::Text { at, range, text } => {
                let shape = self.find(*at, |shape| matches!(shape.tag, Tag::Text(_) | Tag::Piece(_)))?;
                let (Tag::Text(says) | Tag::Piece(says)) = &mut shape.tag else { return None };
                says.get(range.0..range.1)?;
                says.replace_range(range.0..range.1, text);
            }
            Change::Rename { at, name } => {
                let shape = self.find(*at, |shape| matches!(shape.tag, Tag::Attribute(_) | Tag::Item))?;
                match &mut shape.tag {
                    Tag::Attribute(known) => *known = name.clone(),
                    _ => shape.parts[0] = Self::text(name),
                }
            }
            Change::Argument { within, name, value } => {
                let body = match within {
                    None => self,
                    Some(span) => self.find(*span, |shape| matches!(shape.tag, Tag::Block(..)))?.parts.first_mut()?,
                };
                let attributes = body.parts.iter().take_while(|part| matches!(part.tag, Tag::Attribute(_)));
                let at = attributes.take_while(|part| part.name() < name.as_str()).count();
                body.parts.insert(at, Self::attribute(name, value));
            }
            Change::Block { within, kind, value, lists_are_blocks } => {
                let body = self.find(*within, |shape| matches!(shape.tag, Tag::Block(..)))?.parts.first_mut()?;
                let is_kind = |part: &Self| matches!(&part.tag, Tag::Block(known, _) if known == kind);
                let sibling = body.parts.iter().rev().find(|part| is_kind(part)).cloned();
                // How a resource is treated stays last.
                let is_last = |part: &Self| matches!(&part.tag, Tag::Block(known, _) if known == "lifecycle");
                let end = body.parts.iter().position(is_last).unwrap_or(body.parts.len());
                let at = body.parts.iter().rposition(is_kind).map_or(end, |at| at + 1);
                body.parts.insert(at, Self::block(kind, value, sibling.as_ref(), *lists_are_blocks));
            }
            Change::Key { within, key, value } => {
                let object = self.find(*within, |shape| shape.tag == Tag::Object)?;
                object.parts.push(Self::item(key, value));
            }
            Change::Merge { at, key, value } => {
                let shape = self.find(*at, |shape| shape.is_expression())?;
                let object = Self::new(Span::default(), Tag::Object, vec![Self::item(key, value)]);
                if shape.tag == merge() {
                    shape.parts.push(object);
                } else {
                    let of = shape.clone();
                    *shape = Self::new(shape.span, merge(), vec![of, object]);
                }
            }
            Change::Element { within, index, value } => {
                let tuple = self.find(*within, |shape| shape.tag == Tag::Tuple)?;
                tuple.parts.insert((*index).min(tuple.parts.len()), Self::value(value));
            }
            Change::Remove { at } => self.remove(*at)?,
            Change::RemoveElement { within, index } => {
                let tuple = self.find(*within, |shape| shape.tag == Tag::Tuple)?;
                if *index >= tuple.parts.len() {
                    return None;
                }
                tuple.parts.remove(*index);
            }
        }
        Some(())
    }

    fn is_expression(&self) -> bool {
        !matches!(self.tag, Tag::Body | Tag::Attribute(_) | Tag::Block(..) | Tag::Item | Tag::Piece(_))
    }

    /// A block with these arguments and blocks, which of them they are told by a block of the same type, or lists of maps are
    /// blocks.
    fn block(kind: &str, value: &Map<String, Value>, sibling: Option<&Self>, lists_are_blocks: bool) -> Self {
        let body = sibling.and_then(|sibling| sibling.parts.first());
        let inner = |kind: &str| {
            let mut blocks = body.into_iter().flat_map(|body| &body.parts);
            blocks.find(|part| matches!(&part.tag, Tag::Block(known, _) if known == kind))
        };
        let is_argument = |name: &str| {
            let mut parts = body.into_iter().flat_map(|body| &body.parts);
            parts.any(|part| matches!(&part.tag, Tag::Attribute(known) if known == name))
        };
        let (mut attributes, mut blocks) = (Vec::new(), Vec::new());
        for (name, value) in value {
            match (inner(name), value) {
                (sibling, Value::Array(items))
                    if items.iter().all(Value::is_object)
                        && (sibling.is_some() || lists_are_blocks && !items.is_empty() && !is_argument(name)) =>
                {
                    let items = items.iter().filter_map(Value::as_object);
                    blocks.extend(items.map(|item| Self::block(name, item, sibling, lists_are_blocks)));
                }
                _ => attributes.push(Self::attribute(name, value)),
            }
        }
        attributes.sort_by(|a, b| a.name().cmp(b.name()));
        // Those of one type stand together, as they are written.
        attributes.extend(blocks);
        let none = Span::default();
        Self::new(none, Tag::Block(kind.to_owned(), Vec::new()), vec![Self::new(none, Tag::Body, attributes)])
    }

    /// The node at these bytes that fits.
    fn find(&mut self, at: Span, fits: impl Fn(&Self) -> bool + Copy) -> Option<&mut Self> {
        if (self.span == at || self.inner == Some(at)) && fits(self) {
            return Some(self);
        }
        stacker::maybe_grow(64 << 10, 1 << 20, || self.parts.iter_mut().find_map(|part| part.find(at, fits)))
    }

    fn remove(&mut self, at: Span) -> Option<()> {
        let is_it = |part: &Self| part.span == at && !matches!(part.tag, Tag::Piece(_));
        if matches!(self.tag, Tag::Body | Tag::Object | Tag::Tuple)
            && let Some(index) = self.parts.iter().position(is_it)
        {
            self.parts.remove(index);
            return Some(());
        }
        stacker::maybe_grow(64 << 10, 1 << 20, || self.parts.iter_mut().find_map(|part| part.remove(at)))
    }

    fn literal(&self) -> Option<Value> {
        Some(match &self.tag {
            Tag::Null => Value::Null,
            Tag::Bool(bool) => Value::Bool(*bool),
            Tag::Number(text) => Value::Number(text.parse().ok()?),
            Tag::Text(text) => Value::String(text.clone()),
            Tag::Tuple => Value::Array(self.parts.iter().map(Self::literal).collect::<Option<_>>()?),
            Tag::Object => {
                let item = |item: &Self| match &item.parts[..] {
                    [Self { tag: Tag::Text(key), .. }, value] => Some((key.clone(), value.literal()?)),
                    _ => None,
                };
                Value::Object(self.parts.iter().map(item).collect::<Option<_>>()?)
            }
            Tag::Other(tag) if tag == "-" => match &self.parts[..] {
                [Self { tag: Tag::Number(text), .. }] => Value::Number(format!("-{text}").parse().ok()?),
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// What a call is.
fn call_of(name: &str, is_spread: bool) -> String {
    format!("call {name} {is_spread}")
}

/// A call of `merge`, its arguments one by one.
fn merge() -> Tag {
    Tag::Other(call_of("merge", false))
}

/// The value that an expression says without referring to anything.
pub(super) fn literal(expression: &Expression) -> Option<Value> {
    Shape::expression(expression).literal()
}
