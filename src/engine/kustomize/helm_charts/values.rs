//! What `valuesInline` and a values file come to together.

use serde_json::Value;

use crate::engine::kustomize::{context::Context, folder::Folder, node::Node, print, problem::Problem};

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
        let merged = match self {
            Self::Replace => inline.clone(),
            Self::Override | Self::Merge => {
                return Err(Problem::unsupported(format!(
                    "values merged of valuesInline and {file} in {}",
                    folder.path
                )));
            }
        };
        print::value(&merged, context)
    }
}
