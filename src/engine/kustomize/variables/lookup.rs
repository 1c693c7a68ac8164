//! The field that a variable takes its value from.
//!
//! References: `RNode.GetFieldValue`, `PathGetter` and `utils.SmarterPathSplitter` of kyaml in Kustomize 5.5.0.

use crate::engine::kustomize::{
    node::{Content, Node},
    path::split_around_brackets,
};

/// A part of a path leads to something that it cannot lead through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misled;

/// The value at a path of keys with `.` between: `a.b`, `a[0].b`, `a.[name=x].b`, `a.[b.c]`, `a\.b`.
///
/// # Errors
/// Where the path leads through something that is neither a map nor a list.
pub fn field<'n>(node: &'n Node, path: &str) -> Result<Option<&'n Node>, Misled> {
    let mut at = node;
    for part in parts(path).iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        if at.is_null() {
            return Ok(None);
        }
        let next = match part.parse::<i64>() {
            Ok(index) => {
                let items = at.items().ok_or(Misled)?;
                items.get(usize::try_from(index).map_err(|_| Misled)?)
            }
            Err(_) if part == "-" => at.items().ok_or(Misled)?.last(),
            Err(_) if part == "*" => return Err(Misled),
            Err(_) if part.starts_with('[') && part.ends_with(']') => item(at, part)?,
            Err(_) => {
                at.entries().ok_or(Misled)?;
                at.get(part)
            }
        };
        match next {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// The first item of a list with a field of a value, `[name=x]`, or of a value itself, `[=x]`.
fn item<'n>(list: &'n Node, part: &str) -> Result<Option<&'n Node>, Misled> {
    let items = list.items().ok_or(Misled)?;
    let inner = part.strip_prefix('[').unwrap_or(part);
    let (name, value) = inner.strip_suffix(']').unwrap_or(inner).split_once('=').ok_or(Misled)?;
    let is = |node: &Node| match &node.content {
        Content::Scalar(scalar) => scalar.text.bytes() == value.as_bytes(),
        _ => value.is_empty(),
    };
    Ok(items.iter().find(|item| if name.is_empty() { is(item) } else { item.get(name).is_some_and(is) }))
}

/// The parts of a path, indices apart from their lists (`convertSliceIndex`).
fn parts(path: &str) -> Vec<String> {
    split_around_brackets(path).into_iter().flat_map(with_index).collect()
}

/// `a[0]` as `a` and `0`.
fn with_index(part: String) -> Vec<String> {
    let split = part.strip_suffix(']').and_then(|part| part.rsplit_once('['));
    match split.filter(|(_, index)| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(("", index)) => vec![index.to_owned()],
        Some((key, index)) => vec![key.to_owned(), index.to_owned()],
        None => vec![part],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_dots_brackets_and_indices() {
        let cases: [(&str, &[&str]); 8] = [
            ("metadata.name", &["metadata", "name"]),
            ("spec.containers[0].image", &["spec", "containers", "0", "image"]),
            ("spec.containers.1.image", &["spec", "containers", "1", "image"]),
            ("spec.containers.[name=a.b].image", &["spec", "containers", "[name=a.b]", "image"]),
            ("metadata.annotations.[a.b/c]", &["metadata", "annotations", "a.b/c"]),
            (r"metadata.annotations.a\.b/c", &["metadata", "annotations", "a.b/c"]),
            ("a.[0]", &["a", "0"]),
            ("a[0][1]", &["a[0]", "1"]),
        ];
        for (path, expected) in cases {
            assert_eq!(parts(path), expected, "{path}");
        }
    }
}
