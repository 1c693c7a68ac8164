//! RFC 6902 operations on an object.
//!
//! Kustomize prints the object as JSON, patches that and reads it again, so whatever operations touch an object, all of its
//! numbers, times and nulls come back in one form, and with its annotations as text. What the operations do follows the
//! library more than the RFC: `replace` adds what is not there, negative indices count from the end, `copy` of nothing is
//! null.
//!
//! References: `evanphx/json-patch` 4.12, `api/filters/patchjson6902` and `kyaml/yaml/rnode.go` of Kustomize 5.5.0.

mod apply;
pub mod json;

use serde_json::Value;

use super::{
    context::Context,
    leaf::{Leaf, SourceId},
    load,
    node::{Content, Node, Scalar, Style, Tag},
    problem::Problem,
};
use crate::source::{lineage::text::Text, yaml::resolve::Reader};

/// A list of operations.
#[derive(Clone, Debug)]
pub struct Operations {
    /// What is wrong with one stops the build only where it is applied.
    list: Vec<Result<Operation, Problem>>,
    /// The document that says them, from 0.
    pub document: u32,
    /// Whether a `test` compares with a number or text that JSON could also be written otherwise, which the library notices.
    compares_spelling: bool,
}

#[derive(Clone, Debug)]
enum Operation {
    Add(Path, Node),
    Remove(Path),
    Replace(Path, Node),
    Move {
        from: Path,
        to: Path,
    },
    Copy {
        from: Path,
        to: Path,
    },
    /// The value, or nothing where it is null or not there.
    Test(Path, Value),
}

/// A JSON Pointer, as the library reads it: what stands before the first `/` counts for nothing.
#[derive(Clone, Debug)]
struct Path {
    /// As written.
    text: String,
    /// The keys; none where there is no `/`.
    keys: Vec<Text>,
}

impl Operations {
    /// Reads the first document of a text. Nothing where it is empty or null: then there are no operations.
    ///
    /// # Errors
    /// Where it is no list of maps. What is wrong with one of them is an error, as in Kustomize, only when it is applied.
    pub fn read(source: SourceId, context: &mut Context<'_>) -> Result<Option<Self>, Problem> {
        let text = context.sources.get(source).content.clone();
        let Some(first) = text.first() else { return Err(Problem::broken("empty json patch operations")) };
        let is_json = *first == b'[';
        let spelled = is_json.then(|| json::spelled(&text)).transpose()?;
        let Some(node) = load::first(source, Reader::Manifest, context)? else { return Ok(None) };
        if node.is_null() {
            return Ok(None);
        }
        let no_list = || Problem::broken("json: cannot unmarshal into Go value of type jsonpatch.Patch");
        let items = node.items().ok_or_else(no_list)?;
        let compares_spelling = match spelled {
            Some(spelled) => {
                if json::value(&node, Reader::Manifest)? != spelled.value {
                    return Err(Problem::unsupported("a patch in JSON that is other YAML"));
                }
                spelled.is_unusual && items.iter().any(|item| said(item, "op") == Some("test"))
            }
            None => false,
        };
        if items.iter().any(|item| item.entries().is_none() && !item.is_null()) {
            return Err(Problem::broken("json: cannot unmarshal into Go value of type jsonpatch.Operation"));
        }
        let document = context.sets.leaves(node.places).find_map(|leaf| match context.sets.get(leaf) {
            Leaf::Node { document, .. } => Some(*document),
            _ => None,
        });
        let list = items.iter().map(|item| Operation::read(item, context)).collect();
        Ok(Some(Self { list, document: document.unwrap_or(0), compares_spelling }))
    }

    /// No operations. What they are applied to goes through JSON all the same.
    pub fn none() -> Self {
        Self { list: Vec::new(), document: 0, compares_spelling: false }
    }

    /// Tells whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Applies the operations to an object, one after the other. `has_state` tells whether Kustomize keeps annotations of its
    /// own in the object by now; they are not in it here.
    ///
    /// # Errors
    /// Where an operation does not apply.
    pub fn apply(&self, mut object: Node, has_state: bool, context: &mut Context<'_>) -> Result<Node, Problem> {
        if self.compares_spelling {
            return Err(Problem::unsupported("a patch in JSON that tests how a value is written"));
        }
        if has_state {
            provide_annotations(&mut object);
        }
        for operation in &self.list {
            context.spend(1)?;
            let operation = operation.as_ref().map_err(Clone::clone)?;
            operation.apply(&mut object, has_state, context)?;
        }
        if object.entries().is_none() {
            return Err(Problem::broken("json: cannot unmarshal array into Go value of type map[string]interface {}"));
        }
        let mut object = json::round(object, context)?;
        stringify(&mut object, "annotations", context)?;
        Ok(object)
    }
}

impl Operation {
    fn read(node: &Node, context: &mut Context<'_>) -> Result<Self, Problem> {
        let missing = |field: &str| Problem::broken(format!("operation missing {field} field: missing value"));
        let path = |field: &str, context: &mut Context<'_>| match node.get(field).map(|node| &node.content) {
            Some(Content::Scalar(Scalar { text, tag: Tag::String, .. })) => Ok(Path::read(text, context)),
            _ => Err(missing(field)),
        };
        let value = |context: &mut Context<'_>| match node.get("value") {
            Some(value) => json::exact(value.clone(), context),
            None => Ok(Node { places: node.places, ..json::null() }),
        };
        Ok(match said(node, "op").unwrap_or("unknown") {
            "add" => Self::Add(path("path", context)?, value(context)?),
            "remove" => Self::Remove(path("path", context)?),
            "replace" => Self::Replace(path("path", context)?, value(context)?),
            "move" => Self::Move { from: path("from", context)?, to: path("path", context)? },
            "copy" => Self::Copy { from: path("from", context)?, to: path("path", context)? },
            "test" if node.get("value").is_none() => return Err(Problem::broken("a test operation without a value")),
            "test" => Self::Test(path("path", context)?, json::value(&value(context)?, Reader::Kustomize)?),
            other => return Err(Problem::broken(format!("Unexpected kind: {other}"))),
        })
    }
}

impl Path {
    fn read(text: &Text, context: &mut Context<'_>) -> Self {
        let written = text.lossy().into_owned();
        let mut keys = Vec::new();
        let mut at = written.find('/').map(|slash| slash + 1);
        while let Some(start) = at {
            let end = written[start..].find('/').map_or(written.len(), |slash| start + slash);
            let key = &written[start..end];
            keys.push(if key.contains('~') {
                // The library decodes both at once, from the left.
                let whole = context.sets.union_all(text.pieces().iter().map(|piece| piece.made_of.set()));
                let decoded = key.replace("~1", "/").replace("~0", "~");
                Text::new(decoded.as_bytes(), crate::source::lineage::text::MadeOf::Derived(whole))
            } else {
                text.slice(start..end)
            });
            at = (end < written.len()).then_some(end + 1);
        }
        Self { text: written, keys }
    }

    /// Tells whether it leads to these keys, or to something that they are in.
    fn leads_to(&self, keys: &[&str]) -> bool {
        self.keys.len() <= keys.len()
            && self.keys.iter().zip(keys).all(|(key, wanted)| key.bytes() == wanted.as_bytes())
    }
}

/// Makes every object's map of annotations be there, as it is once Kustomize keeps something in it.
pub fn provide_annotations(object: &mut Node) {
    if let Some(metadata) = object.get_mut("metadata").filter(|metadata| metadata.entries().is_some())
        && metadata.get("annotations").is_none_or(Node::is_null)
    {
        metadata.remove("annotations");
        metadata.set(super::node::made("annotations"), Node::map());
    }
}

/// Makes the values of a map of the metadata texts, sorted by their keys; an empty one goes (`SetAnnotations`, `SetLabels`).
///
/// # Errors
/// Where it is a list, of which Kustomize makes a map.
pub fn stringify(object: &mut Node, field: &str, context: &mut Context<'_>) -> Result<(), Problem> {
    let Some(metadata) = object.get_mut("metadata") else { return Ok(()) };
    let Some(map) = metadata.get_mut(field) else { return Ok(()) };
    match &mut map.content {
        Content::List(_) => return Err(Problem::unsupported(format!("metadata.{field} that is a list"))),
        Content::Map(entries) if !entries.is_empty() => {
            context.spend(entries.len())?;
            entries.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
            for entry in entries {
                let text = match &entry.value.content {
                    Content::Scalar(scalar) => scalar.text.clone(),
                    Content::List(_) | Content::Map(_) => Text::default(),
                };
                let is_quoted = text.as_str().is_some_and(json::is_quoted_as_text);
                let style = if is_quoted { Style::Quoted } else { Style::Plain };
                entry.value.content = Content::Scalar(Scalar { text, tag: Tag::String, style });
            }
        }
        _ => {
            metadata.remove(field);
        }
    }
    Ok(())
}

fn said<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key)?.as_scalar().filter(|scalar| scalar.tag == Tag::String)?.text.as_str()
}
