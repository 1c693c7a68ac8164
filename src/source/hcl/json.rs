//! HCL written as JSON: `.tf.json` and `.tfvars.json`.
//!
//! A property of JSON does not tell whether it is an attribute or a block: whoever asks for a body says which blocks there can
//! be. Strings are templates where Terraform reads them as such, and literal in `.tfvars.json`.

pub mod read;
use std::{collections::HashSet, sync::Arc};

use super::{
    SyntaxError,
    lex::Start,
    parse::{Parser, Places},
    tree::{
        Attribute, Block, Body, Expression, ExpressionKind, Form, Item, Key, Label, Name, Object, ObjectItem, Part,
        Piece, Separator, Template, Text,
    },
};
use crate::source::span::Span;
use read::decode;

/// A value of JSON.
#[derive(Clone, Debug)]
pub struct Json {
    /// Its bytes.
    pub span: Span,
    /// What it is.
    pub kind: JsonKind,
}

/// What a value of JSON is.
#[derive(Clone, Debug)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written.
    Number(Arc<str>),
    /// What a string says.
    String(Arc<str>),
    /// `[…]`.
    Array(Vec<Json>),
    /// `{…}`; a name may occur more than once.
    Object(Vec<Property>),
}

/// A property of an object.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its name; the bytes are those of the quoted string.
    pub name: Name,
    /// Its value.
    pub value: Json,
}

/// The blocks that a body can have.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Each of them; everything else is an attribute.
    pub blocks: &'static [BlockShape],
    /// The attributes whose strings are no templates, as nothing is worked out there.
    pub literal: &'static [&'static str],
}

/// A block that a body can have.
#[derive(Clone, Copy, Debug)]
pub struct BlockShape {
    /// Its type.
    pub kind: &'static str,
    /// How many labels it has.
    pub labels: usize,
    /// The blocks in it.
    pub body: &'static Schema,
}

/// How strings are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// As templates.
    Templates,
    /// As they stand.
    Literal,
}

/// The body that a value is, as far as a schema goes.
///
/// # Errors
/// What HashiCorp's reader refuses: a body that is no object, an attribute that is set twice, a string that is no template.
pub fn body(text: &str, json: &Json, schema: &Schema, strings: Strings) -> Result<Body, SyntaxError> {
    if strings == Strings::Literal && matches!(json.kind, JsonKind::Array(_)) {
        let detail = "A JSON object is required here, setting the arguments for this block.";
        return Err(SyntaxError::new(text, json.span, "Incorrect JSON value type", detail));
    }
    let mut items = Vec::new();
    let mut names = HashSet::new();
    for property in properties(text, json)? {
        let name = &property.name;
        if &*name.text == "//" {
            continue;
        }
        if let Some(shape) = schema.blocks.iter().find(|shape| *shape.kind == *name.text) {
            let mut found = Found { text, shape, kind: name, strings, items: &mut items };
            found.blocks(&property.value, &mut Vec::new())?;
            continue;
        }
        if !names.insert(&name.text) {
            let detail = format!("The argument {:?} was already set.", name.text);
            return Err(SyntaxError::new(text, name.span, "Duplicate argument", detail));
        }
        let strings = if schema.literal.contains(&&*name.text) { Strings::Literal } else { strings };
        let value = expression(text, &property.value, strings)?;
        let span = Span::new(name.span.start, property.value.span.end);
        items.push(Item::Attribute(Attribute { name: name.clone(), value, span }));
    }
    let inside = if json.span.len() < 2 { json.span } else { Span::new(json.span.start + 1, json.span.end - 1) };
    Ok(Body { items, span: inside })
}

/// The value as an expression.
///
/// # Errors
/// A string that is no template.
pub fn expression(text: &str, json: &Json, strings: Strings) -> Result<Expression, SyntaxError> {
    let kind = match &json.kind {
        JsonKind::Null => ExpressionKind::Null,
        JsonKind::Bool(bool) => ExpressionKind::Bool(*bool),
        JsonKind::Number(number) => ExpressionKind::Number(Arc::clone(number)),
        JsonKind::String(_) => return string(text, json.span, strings),
        JsonKind::Array(items) => {
            let items: Result<_, _> = items.iter().map(|item| expression(text, item, strings)).collect();
            ExpressionKind::Tuple(items?)
        }
        JsonKind::Object(properties) => {
            let items = properties.iter().map(|property| {
                let key = string(text, property.name.span, strings)?;
                let value = expression(text, &property.value, strings)?;
                let span = Span::new(key.span.start, value.span.end);
                Ok(ObjectItem { key: Key::Expression(key), separator: Separator::Colon, value, span })
            });
            let items: Result<_, SyntaxError> = items.collect();
            ExpressionKind::Object(Object { items: items?, is_json: true })
        }
    };
    Ok(Expression { span: json.span, kind })
}

/// The string in these bytes, quotes included.
fn string(text: &str, span: Span, strings: Strings) -> Result<Expression, SyntaxError> {
    let inside = Span::new(span.start + 1, span.end - 1);
    let raw = &text[inside.range()];
    let (value, mut places) = decode(raw).ok_or_else(|| {
        SyntaxError::new(text, span, "Invalid JSON string", "There is a syntax error in the given JSON string.")
    })?;
    places.iter_mut().for_each(|place| *place += inside.start as u32);
    let template = match strings {
        Strings::Templates => {
            let parsed =
                Parser::new(&value, Start::Template, Places::Listed(&places)).and_then(|parser| parser.only_template());
            parsed.map_err(|error| SyntaxError { line: super::line_of(text, span.start), ..error })?
        }
        Strings::Literal => {
            let normal = super::literal::normal(&value);
            let is_verbatim = normal == raw;
            let pieces = vec![Piece { len: normal.len() as u32, raw: inside, is_verbatim }];
            let text = Text { value: normal.into(), span: inside, pieces };
            Template { form: Form::Bare, parts: vec![Part::Text(text)] }
        }
    };
    Ok(Expression { span, kind: ExpressionKind::Template(template) })
}

/// The properties of an object, or of all objects of a list.
fn properties<'j>(text: &str, json: &'j Json) -> Result<Vec<&'j Property>, SyntaxError> {
    let wrong = |json: &Json| {
        let detail = "Either a JSON object or JSON array of objects is required here.";
        SyntaxError::new(text, json.span, "Incorrect JSON value type", detail)
    };
    match &json.kind {
        JsonKind::Null => Ok(Vec::new()),
        JsonKind::Object(properties) => Ok(properties.iter().collect()),
        JsonKind::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                let JsonKind::Object(properties) = &item.kind else { return Err(wrong(item)) };
                all.extend(properties);
            }
            Ok(all)
        }
        _ => Err(wrong(json)),
    }
}

/// The blocks that a property holds.
struct Found<'a> {
    text: &'a str,
    shape: &'a BlockShape,
    kind: &'a Name,
    strings: Strings,
    items: &'a mut Vec<Item>,
}

impl Found<'_> {
    fn blocks(&mut self, json: &Json, labels: &mut Vec<Label>) -> Result<(), SyntaxError> {
        if labels.len() < self.shape.labels {
            let properties = properties(self.text, json)?;
            if properties.is_empty() {
                let detail =
                    format!("At least one object property is required, which labels the {} block.", self.shape.kind);
                return Err(SyntaxError::new(self.text, json.span, "Missing block label", detail));
            }
            for property in properties {
                let Name { text, span } = property.name.clone();
                labels.push(Label { text, span });
                self.blocks(&property.value, labels)?;
                labels.pop();
            }
            return Ok(());
        }
        match &json.kind {
            JsonKind::Null => Ok(()),
            JsonKind::Object(_) => self.block(json, labels),
            JsonKind::Array(items) => items.iter().try_for_each(|item| self.block(item, labels)),
            _ => {
                let detail =
                    format!("Either a JSON object or a JSON array is required, for {:?} blocks.", self.shape.kind);
                Err(SyntaxError::new(self.text, json.span, "Incorrect JSON value type", detail))
            }
        }
    }

    fn block(&mut self, json: &Json, labels: &[Label]) -> Result<(), SyntaxError> {
        let body = body(self.text, json, self.shape.body, self.strings)?;
        let (open, close) = match json.span.len() {
            0 | 1 => (json.span, json.span),
            _ => (Span::new(json.span.start, json.span.start + 1), Span::new(json.span.end - 1, json.span.end)),
        };
        self.items.push(Item::Block(Block {
            kind: self.kind.clone(),
            labels: labels.to_vec(),
            open,
            body,
            close,
            span: json.span,
        }));
        Ok(())
    }
}
