//! Putting a value, or a part of one, into a field.

use super::{
    Strictness,
    field_path::FieldPath,
    find::{Finder, Found, New},
    said,
};
use crate::{
    engine::kustomize::{
        context::Context,
        node::{Content, MAX_DEPTH, Node, Scalar, Tag},
        problem::Problem,
    },
    source::{
        lineage::text::{Text, TextBuilder},
        yaml::resolve::{self, Reader},
    },
};

/// How a source is cut, and a target replaced.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// What separates the parts of a text; empty where it is taken as a whole.
    delimiter: Text,
    /// Which part it is. Of a target one before all others below 0, one behind all others beyond their number.
    index: i64,
    /// Whether a field that is not there is made.
    create: bool,
}

impl Options {
    pub(super) fn read(node: Option<&Node>, strictness: Strictness) -> Result<Self, Problem> {
        let Some(node) = node else { return Ok(Self::default()) };
        let names = ["delimiter", "index", "encoding", "create"];
        let fields = strictness.fields(node, "the options of a replacement", &names)?;
        fields.text("encoding")?;
        fields.text("delimiter")?;
        Ok(Self {
            delimiter: fields.get("delimiter").map(said).unwrap_or_default(),
            index: fields.number("index")?,
            create: fields.flag("create")?,
        })
    }

    /// The part of a source's value that is meant (`getRefinedValue`).
    pub(super) fn cut(&self, value: Node, context: &mut Context<'_>) -> Result<Node, Problem> {
        if self.delimiter.is_empty() {
            return Ok(value);
        }
        let Content::Scalar(scalar) = &value.content else { return Err(no_scalar()) };
        let parts = self.parts(&scalar.text);
        let part = usize::try_from(self.index).ok().and_then(|index| parts.get(index)).ok_or_else(|| {
            let (index, value) = (self.index, scalar.text.lossy());
            Problem::broken(format!("options.index {index} is out of bounds for value {value}"))
        })?;
        Ok(with_text(scalar, scalar.text.slice(part.clone()), context))
    }

    /// Puts a value into the fields of an object that a path leads to (`copyValueToTarget`).
    pub(super) fn set(
        &self,
        object: &mut Node,
        path: &FieldPath,
        value: &Node,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let create = self.create.then_some(match &value.content {
            Content::Scalar(_) => New::Scalar,
            Content::List(_) => New::List,
            Content::Map(_) => New::Map,
        });
        if path.parts.len() + value.depth() > MAX_DEPTH {
            return Err(Problem::limit("an object nests too deeply"));
        }
        let missing = || {
            let or_create = if self.create { " or create" } else { "" };
            format!("unable to find{or_create} field {:?} in replacement target", path.text)
        };
        let mut finder = Finder { path, create, context, found: Vec::new() };
        finder.find(object, 0, &mut Vec::new()).map_err(|problem| problem.during(missing()))?;
        let found = finder.found;
        if found.is_empty() {
            return Err(Problem::broken(missing()));
        }
        for found in found {
            let Found::At(at) = found else { continue };
            context.spend(value.count())?;
            if let Some(field) = node_at(object, &at) {
                self.replace(field, value, context)?;
            }
        }
        Ok(())
    }

    /// `setFieldValue`.
    fn replace(&self, field: &mut Node, value: &Node, context: &mut Context<'_>) -> Result<(), Problem> {
        let Content::Scalar(target) = &field.content else {
            if !self.delimiter.is_empty() {
                return Err(no_scalar());
            }
            field.clone_from(value);
            return Ok(());
        };
        let text = if self.delimiter.is_empty() { said(value) } else { self.composed(&target.text, &said(value)) };
        let node = with_text(target, text, context);
        if let Content::Scalar(scalar) = &node.content {
            check(scalar)?;
        }
        *field = node;
        Ok(())
    }

    /// A target's text with the value in the place of a part, in front of all, or behind all.
    fn composed(&self, target: &Text, value: &Text) -> Text {
        let parts = self.parts(target);
        let mut builder = TextBuilder::default();
        match usize::try_from(self.index) {
            Err(_) => {
                builder.push(value);
                builder.push(&self.delimiter);
                builder.push(target);
            }
            Ok(index) => match parts.get(index) {
                Some(part) => {
                    builder.push_slice(target, 0..part.start);
                    builder.push(value);
                    builder.push_slice(target, part.end..target.len());
                }
                None => {
                    builder.push(target);
                    builder.push(&self.delimiter);
                    builder.push(value);
                }
            },
        }
        builder.build()
    }

    /// The parts of a text between delimiters.
    fn parts(&self, text: &Text) -> Vec<std::ops::Range<usize>> {
        let (bytes, delimiter) = (text.bytes(), self.delimiter.bytes());
        let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
        while at + delimiter.len() <= bytes.len() {
            if bytes[at..].starts_with(delimiter) {
                parts.push(start..at);
                at += delimiter.len();
                start = at;
            } else {
                at += 1;
            }
        }
        parts.push(start..bytes.len());
        parts
    }
}

/// A scalar of the same type with another text.
fn with_text(scalar: &Scalar, text: Text, context: &mut Context<'_>) -> Node {
    let mut node = context.scalar(text, scalar.tag);
    if let Content::Scalar(new) = &mut node.content {
        new.style = scalar.style;
    }
    node
}

/// Tells whether a text can be read as what the field is; Kustomize finds that out when it prints the object.
fn check(scalar: &Scalar) -> Result<(), Problem> {
    let text = scalar.text.lossy();
    let value = resolve::plain(&text, Reader::Kustomize);
    let fits = match (scalar.tag, &value) {
        (Tag::String | Tag::Unresolved, _) => true,
        (Tag::Null, Ok(value)) => value.is_null(),
        (Tag::Boolean, Ok(value)) => value.is_boolean(),
        // `5.0` is a float that is a whole number.
        (Tag::Integer, Ok(value)) => value.is_number() && !text.contains(['.', 'e', 'E']) || text.starts_with("0x"),
        (Tag::Float, Ok(value)) => value.is_number(),
        (Tag::Timestamp, Ok(value)) => value.is_string() && !resolve::is_string(&text, Reader::Kustomize),
        (_, Err(_)) => false,
    };
    if fits { Ok(()) } else { Err(Problem::broken(format!("yaml: cannot decode `{text}` as what the field is"))) }
}

fn no_scalar() -> Problem {
    Problem::broken("delimiter option can only be used with scalar nodes")
}

fn node_at<'n>(object: &'n mut Node, at: &[usize]) -> Option<&'n mut Node> {
    at.iter().try_fold(object, |node, index| match &mut node.content {
        Content::List(items) => items.get_mut(*index),
        Content::Map(entries) => entries.get_mut(*index).map(|entry| &mut entry.value),
        Content::Scalar(_) => None,
    })
}
