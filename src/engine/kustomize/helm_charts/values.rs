//! What `valuesInline` and a values file come to together.

use serde_json::Value;

use crate::{
    engine::kustomize::{
        context::Context,
        folder::Folder,
        load,
        merge::merge,
        node::{Content, Node, Style},
        problem::Problem,
    },
    source::yaml::resolve::Reader,
};

/// How `valuesInline` and the values file are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// The file's values win.
    Merge,
    /// The inline values win.
    Override,
    /// Only the inline values count.
    Replace,
}

impl Merge {
    /// Reads `valuesMerge`.
    ///
    /// # Errors
    /// Where it is none of the three.
    pub fn of(text: &str) -> Result<Self, Problem> {
        match text {
            "" | "override" => Ok(Self::Override),
            "merge" => Ok(Self::Merge),
            "replace" => Ok(Self::Replace),
            _ => Err(Problem::broken("valuesMerge must be one of [merge override replace]")),
        }
    }

    /// The values that Helm gets.
    ///
    /// # Errors
    /// Where the file is out of reach or no map, and where the two differ in what is a map, a list or a single value.
    pub fn values(
        self,
        inline: &Node,
        file: &str,
        folder: &Folder,
        context: &mut Context<'_>,
    ) -> Result<Value, Problem> {
        let of_file = |context: &mut Context<'_>| {
            let source = folder.file(file, context)?;
            load::first(source, Reader::Kustomize, context)?
                .ok_or_else(|| Problem::broken("could not parse values file into rnode: EOF"))
        };
        let inline = unquoted(inline.clone());
        let merged = match self {
            Self::Replace => Some(inline),
            Self::Override => merge(inline, unquoted(of_file(context)?), context)?,
            Self::Merge => merge(unquoted(of_file(context)?), inline, context)?,
        };
        let values = merged.unwrap_or_else(Node::map).to_json();
        values.map_err(|text| Problem::broken(format!("json: unsupported value: {text}")))
    }
}

/// The same values without their quotes: Kustomize decodes what it has merged without printing it, so that a number in the
/// place of a text in quotes stays a number.
fn unquoted(mut values: Node) -> Node {
    let mut left = vec![&mut values];
    while let Some(node) = left.pop() {
        match &mut node.content {
            Content::Scalar(scalar) => scalar.style = Style::Plain,
            Content::List(items) => left.extend(items),
            Content::Map(entries) => left.extend(entries.iter_mut().map(|entry| &mut entry.value)),
        }
    }
    values
}
