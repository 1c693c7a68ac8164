//! Files to objects.
//!
//! References: `kyaml/kio/byteio_reader.go` and `api/resource/factory.go` of Kustomize 5.5.0. A file is cut at the lines that
//! begin with `---`; of each piece the first document counts. Whatever is not empty must be an object with a kind and a name,
//! or a list of such.

use std::collections::VecDeque;

use serde_json::Value;

use super::{
    context::Context,
    identity::Gvk,
    leaf::{Leaf, SourceId},
    node::{Content, Node, Tag, read},
    problem::{Kind, Problem},
    resources::{Resource, Resources},
};
use crate::source::{
    lineage::text::{MadeOf, Text},
    span::Span,
    yaml::{
        parse::ParseError,
        resolve::{Reader, ResolveError, Unresolvable},
        tree::{Document, Stream},
    },
};

/// The objects of a file, each under its own name.
///
/// # Errors
/// As [`nodes`], and where two objects have one identity.
pub fn resources(source: SourceId, context: &mut Context<'_>) -> Result<Resources, Problem> {
    let mut resources = Resources::default();
    let mut loaded = Vec::new();
    for (node, _) in nodes(source, context)? {
        let declared = span_of(&node, context).unwrap_or((source, Span::empty(0)));
        context.has_objects = true;
        let gvk = Gvk::of_node(&node);
        if context.schemas.says_cluster_wide(&gvk) {
            let why = format!("the schema's word that {} is of the whole cluster", gvk.kind);
            return Err(Problem::unsupported(why).at(declared.0, declared.1));
        }
        loaded.push(Resource::new(node, declared));
    }
    resources.append_all(Resources { list: loaded })?;
    Ok(resources)
}

/// The objects of a file or text with the documents that they are in, counted from 0; lists are taken apart.
///
/// # Errors
/// Where it is no YAML, and where something in it is no object.
pub fn nodes(source: SourceId, context: &mut Context<'_>) -> Result<Vec<(Node, u32)>, Problem> {
    let yaml = context.sources.yaml(source)?;
    let stream = stream(&yaml.stream, source)?;
    let pieces = Pieces::of(&yaml.text, source)?;
    let (mut found, mut last) = (Vec::new(), None);
    for (index, document) in stream.documents.iter().enumerate() {
        let Some(root) = document.root else { continue };
        let piece = pieces.of_byte(document.start_marker.unwrap_or(document.node(root).span).start);
        if last.replace(piece) == Some(piece) {
            // Behind `...`: only the first document of a piece is read.
            continue;
        }
        context.spend(document.nodes.len())?;
        let node = read::read(document, source, index, Reader::Kustomize, &mut context.sets)
            .map_err(|error| unresolved(&error, source))?;
        let index = u32::try_from(index).expect("a file has fewer than 2^32 documents");
        found.extend(node.filter(|node| !node.is_null()).map(|node| (node, index)));
    }
    if pieces.is_one()
        && let [(node, document)] = &mut found[..]
        && matches!(text(node, "kind"), "List" | "ResourceList")
        && let Some(items) = node.remove("items")
    {
        let document = *document;
        let items = match items.value.content {
            Content::List(items) => items,
            Content::Map(_) => return Err(Problem::unsupported("a List whose items are a map")),
            Content::Scalar(_) => Vec::new(),
        };
        found = items.into_iter().map(|item| (item, document)).collect();
    }
    inline(good(found, context)?, context)
}

/// The first document of a file: what Go's `Unmarshal` reads. Nothing where it is empty.
///
/// # Errors
/// Where it is no YAML.
pub fn first(source: SourceId, reader: Reader, context: &mut Context<'_>) -> Result<Option<Node>, Problem> {
    let yaml = context.sources.yaml(source)?;
    let stream = stream(&yaml.stream, source)?;
    let comments = |document: &&Document| document.root.is_none() && document.start_marker.is_none();
    let index = stream.documents.iter().take_while(comments).count();
    let Some(document) = stream.documents.get(index) else { return Ok(None) };
    context.spend(document.nodes.len())?;
    read::read(document, source, index, reader, &mut context.sets).map_err(|error| unresolved(&error, source))
}

/// Where a node is written that is written once.
pub fn span_of(node: &Node, context: &Context<'_>) -> Option<(SourceId, Span)> {
    let leaf = context.sets.leaves(node.places).next()?;
    let (source, document, node) = match context.sets.get(leaf) {
        Leaf::Node { source, document, node } | Leaf::Key { source, document, node } => (source, document, node),
        Leaf::Bytes { source, span } => return Some((*source, *span)),
        Leaf::BuiltIn(_) => return None,
    };
    let yaml = context.sources.get(*source).yaml()?;
    let document = yaml.stream.as_ref().ok()?.documents.get(*document as usize)?;
    Some((*source, document.nodes.get(node.0)?.span))
}

fn stream(stream: &Result<Stream, ParseError>, source: SourceId) -> Result<&Stream, Problem> {
    stream.as_ref().map_err(|error| {
        let kind = if error.go.is_some() { Kind::Broken } else { Kind::Unsupported };
        let problem = Problem { kind, message: format!("MalformedYAMLError: {error}"), at: None };
        problem.at(source, Span::empty(0))
    })
}

fn unresolved(error: &ResolveError, source: SourceId) -> Problem {
    let problem = match error.problem {
        Unresolvable::TooLarge | Unresolvable::TooDeep => Problem::limit(error.to_string()),
        _ => Problem::broken(error.to_string()),
    };
    problem.at(source, error.span)
}

/// A text cut at the lines that begin with `---`.
struct Pieces(Vec<usize>);

impl Pieces {
    /// Finds the cuts (`splitDocuments`).
    fn of(text: &str, source: SourceId) -> Result<Self, Problem> {
        let (mut cuts, mut from) = (Vec::new(), 0);
        while let Some(start) = text[from..].find("\n---").map(|at| from + at) {
            let Some(length) = text[start + 1..].find('\n') else { break };
            let end = start + 1 + length;
            let behind = text[start + 4..end].trim();
            if !behind.is_empty() && !behind.starts_with('#') {
                let line = text[start + 1..end].trim();
                let problem = Problem::broken(format!("invalid document separator: {line}"));
                return Err(problem.at(source, Span::new(start + 1, end)));
            }
            cuts.push(start + 1);
            from = end + 1;
            if from > text.len() {
                break;
            }
        }
        Ok(Self(cuts))
    }

    fn is_one(&self) -> bool {
        self.0.is_empty()
    }

    fn of_byte(&self, byte: usize) -> usize {
        self.0.partition_point(|cut| *cut <= byte)
    }
}

/// Drops what is empty and refuses what is no object (`dropBadNodes`).
fn good(nodes: Vec<(Node, u32)>, context: &Context<'_>) -> Result<Vec<(Node, u32)>, Problem> {
    let mut kept = Vec::with_capacity(nodes.len());
    for (node, document) in nodes {
        let empty = match &node.content {
            Content::Scalar(scalar) => scalar.tag == Tag::Null,
            Content::List(items) => items.is_empty(),
            Content::Map(entries) => entries.is_empty(),
        };
        if !empty {
            validate(&node).map_err(|problem| match span_of(&node, context) {
                Some((source, span)) => problem.at(source, span),
                None => problem,
            })?;
            kept.push((node, document));
        }
    }
    Ok(kept)
}

/// Refuses what has no kind or no name (`GetValidatedMetadata`).
///
/// # Errors
/// As Kustomize words it.
pub fn validate(node: &Node) -> Result<(), Problem> {
    let kind = text(node, "kind");
    let metadata = node.get("metadata").filter(|metadata| !is_empty(metadata));
    if kind.is_empty() {
        let nothing = text(node, "apiVersion").is_empty() && metadata.is_none();
        let why = if nothing { "missing Resource metadata" } else { "missing kind in object" };
        return Err(Problem::broken(why));
    }
    let name = metadata.and_then(|metadata| metadata.get("name")).filter(|name| !is_empty(name));
    if kind.ends_with("List") || name.is_some_and(|name| name.text().is_some_and(|name| !name.is_empty())) {
        return Ok(());
    }
    Err(Problem::broken(format!("missing metadata.name in object of kind {kind}")))
}

/// Takes lists apart: their items come behind everything else (`inlineAnyEmbeddedLists`).
fn inline(nodes: Vec<(Node, u32)>, context: &mut Context<'_>) -> Result<Vec<(Node, u32)>, Problem> {
    let (mut result, mut todo) = (Vec::with_capacity(nodes.len()), VecDeque::from(nodes));
    while let Some((mut node, document)) = todo.pop_front() {
        context.spend(1)?;
        let is_list = text(&node, "kind").ends_with("List");
        let items = if is_list { node.get("items") } else { None };
        match items.map(|items| &items.content) {
            None => result.push((node, document)),
            Some(Content::List(_)) => {
                let Some(Content::List(items)) = node.remove("items").map(|items| items.value.content) else {
                    continue;
                };
                let mut inner = Vec::with_capacity(items.len());
                for mut item in items {
                    as_json(&mut item, context)?;
                    let of_list = match &mut item {
                        item if !matches!(text(item, "kind"), "List" | "ResourceList") => None,
                        item => item.remove("items"),
                    };
                    match of_list.map(|items| items.value.content) {
                        None if item.is_null() => {}
                        None => inner.push((item, document)),
                        Some(Content::List(items)) => inner.extend(items.into_iter().map(|item| (item, document))),
                        Some(_) => {}
                    }
                }
                todo.extend(good(inner, context)?);
            }
            Some(Content::Scalar(scalar)) if scalar.tag == Tag::Null => {}
            Some(_) => {
                let kind = text(&node, "kind");
                return Err(Problem::broken(format!("expected array in {kind}/items")));
            }
        }
    }
    Ok(result)
}

/// What becomes of a value that goes through JSON: its numbers and times are in JSON's form.
fn as_json(node: &mut Node, context: &mut Context<'_>) -> Result<(), Problem> {
    context.spend(1)?;
    match &mut node.content {
        Content::List(items) => items.iter_mut().try_for_each(|item| as_json(item, context)),
        Content::Map(entries) => entries.iter_mut().try_for_each(|entry| as_json(&mut entry.value, context)),
        Content::Scalar(scalar) => {
            let value = scalar.to_json().map_err(|text| Problem::broken(format!("{text} is no JSON number")))?;
            let (text, tag) = match &value {
                Value::Null => ("null".to_owned(), Tag::Null),
                Value::Bool(value) => (value.to_string(), Tag::Boolean),
                Value::Number(number) if number.is_f64() => (number.to_string(), Tag::Float),
                Value::Number(number) => (number.to_string(), Tag::Integer),
                Value::String(text) => (text.clone(), Tag::String),
                Value::Array(_) | Value::Object(_) => return Ok(()),
            };
            scalar.tag = tag;
            if scalar.text.bytes() != text.as_bytes() {
                scalar.text = Text::new(text.as_bytes(), MadeOf::Derived(node.places));
            }
            Ok(())
        }
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.content {
        Content::Scalar(scalar) => scalar.tag == Tag::Null,
        Content::List(items) => items.is_empty(),
        Content::Map(entries) => entries.is_empty(),
    }
}

fn text<'n>(node: &'n Node, key: &str) -> &'n str {
    node.get(key).and_then(Node::text).unwrap_or_default()
}
