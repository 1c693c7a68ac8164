//! `spec.template.spec.containers.[name=cart].image`: the way to a field.
//!
//! Reference: `kyaml/utils/pathsplitter.go` of Kustomize 5.5.0.

use crate::{engine::kustomize::node::Node, source::lineage::sets::SetId};

/// The way to a field.
#[derive(Clone, Debug)]
pub(super) struct FieldPath {
    /// As written.
    pub(super) text: String,
    /// Its parts.
    pub(super) parts: Vec<String>,
    /// Where it is written.
    pub(super) places: SetId,
}

impl FieldPath {
    /// `metadata.name`, which an empty one stands for.
    pub(super) fn name() -> Self {
        let parts = vec!["metadata".to_owned(), "name".to_owned()];
        Self { text: "metadata.name".to_owned(), parts, places: SetId::EMPTY }
    }

    /// Reads a scalar.
    pub(super) fn read(node: &Node) -> Self {
        let text = node.text().unwrap_or_default().to_owned();
        Self { parts: split_around_brackets(&text), text, places: node.places }
    }
}

/// `SmarterPathSplitter` with points.
fn split_around_brackets(path: &str) -> Vec<String> {
    let mut result = Vec::new();
    let mut parts = split(path).into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut bracketed = part;
        for part in parts.by_ref() {
            bracketed.push('.');
            bracketed.push_str(&part);
            if part.ends_with(']') {
                break;
            }
        }
        let is_selector = bracketed.contains('=');
        result.push(if is_selector { bracketed } else { bracketed.trim_matches(['[', ']']).to_owned() });
    }
    result
}

/// `PathSplitter` with points.
fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<&str> = path.split('.').collect();
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    let mut result: Vec<String> = Vec::new();
    for part in parts {
        match result.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(part);
            }
            _ => result.push(part.to_owned()),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_brackets_and_behind_backslashes_do_not_split() {
        let cases: [(&str, &[&str]); 8] = [
            ("spec.replicas", &["spec", "replicas"]),
            (".spec", &["spec"]),
            ("", &[""]),
            (r"metadata.annotations.a\.b/c", &["metadata", "annotations", "a.b/c"]),
            ("metadata.annotations.[a.b/c].d", &["metadata", "annotations", "a.b/c", "d"]),
            ("c.[name=a.b].image", &["c", "[name=a.b]", "image"]),
            ("c.[=x].*", &["c", "[=x]", "*"]),
            ("c.[a", &["c", "a"]),
        ];
        for (path, parts) in cases {
            assert_eq!(split_around_brackets(path), parts, "{path}");
        }
    }
}
