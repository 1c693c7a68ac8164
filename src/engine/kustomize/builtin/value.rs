//! `ValueAddTransformer`: one value in a field of many objects, or in the file path that a field holds.
//!
//! References: `ValueAddTransformer.go`, `api/filters/valueadd` and `InsertPathPart` in `kyaml/filesys` of Kustomize 5.5.0.

use super::only;
use crate::{
    engine::kustomize::{
        context::Context,
        fields::{fields, integer, items, text},
        folder::Folder,
        load, namespace,
        node::{Content, Node, Tag, made},
        problem::Problem,
        resources::Resources,
        selector::{self, Selector},
    },
    source::{
        lineage::{
            sets::SetId,
            text::{MadeOf, Text, TextBuilder},
        },
        yaml::resolve::Reader,
    },
};

/// Where a value goes.
struct Place {
    selector: Option<selector::Target>,
    path: String,
    /// Before which part of a file path, from 1; 0 where the field is the value.
    position: usize,
}

/// Adds the value that a configuration says.
///
/// # Errors
/// Where Kustomize refuses the configuration, where a field is no scalar, and where a path leads through a list.
pub fn add(
    config: &Node,
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let [value, file] = fields(config, ["value", "targetFilePath"])?;
    let mut value = trimmed(&text(value)?);
    if value.is_empty() {
        value = made(folder.path.name());
    }
    if value.is_empty() {
        return Err(Problem::unsupported("a value that is the name of the folder that the repository is in"));
    }
    let mut places = places(config)?;
    let file = text(file)?;
    if !file.is_empty() {
        let source = folder.file(&file.lossy(), context)?;
        if let Some(more) = load::first(source, Reader::Manifest, context)? {
            places.extend(self::places(&more)?);
        }
    }
    if places.is_empty() {
        return Err(Problem::broken("must specify at least one target"));
    }
    for place in &places {
        for resource in &mut resources.list {
            context.spend(1)?;
            if let Some(selector) = &place.selector
                && !selector.matches(resource)?
            {
                continue;
            }
            if place.path == "metadata/namespace" {
                namespace::set(resource, &value, &[], namespace::Options::default(), context)?;
            } else if let Some(field) = field(&mut resource.node, &place.path)? {
                put(field, place.position, &value, context)?;
            }
        }
    }
    Ok(())
}

fn places(config: &Node) -> Result<Vec<Place>, Problem> {
    let [targets] = fields(config, ["targets"])?;
    let place = |item: &Node| {
        let [selector, path, position] = fields(item, ["selector", "fieldPath", "filePathPosition"])?;
        let target = |node: &Node| Selector::read(&only(node, selector::FIELDS))?.target();
        let selector = selector.map(target).transpose()?;
        let (path, position) = (text(path)?.lossy().into_owned(), integer(position)?);
        if path.is_empty() {
            return Err(Problem::broken("fieldPath cannot be empty"));
        }
        let position = usize::try_from(position)
            .map_err(|_| Problem::broken(format!("value of FilePathPosition ({position}) cannot be negative")))?;
        Ok(Place { selector, path, position })
    };
    items(targets)?.iter().map(place).collect()
}

/// The field at a path, made where it is not there; nothing where null is on the way.
fn field<'n>(object: &'n mut Node, path: &str) -> Result<Option<&'n mut Node>, Problem> {
    let mut keys: Vec<String> = Vec::new();
    for part in path.split('/') {
        match keys.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push('/');
                last.push_str(part);
            }
            None => keys.push(part.to_owned()),
        }
    }
    keys.retain(|key| !key.trim().is_empty());
    let mut at = object;
    for (index, key) in keys.iter().enumerate() {
        if key.parse::<i64>().is_ok() || matches!(key.as_str(), "-" | "*") || key.starts_with('[') || key.trim() != key
        {
            return Err(Problem::unsupported(format!("the path {path} of a ValueAddTransformer")));
        }
        if at.is_null() {
            return Ok(None);
        }
        if at.entries().is_none() {
            return Err(Problem::broken(format!("wrong node kind on the way to {path}: expected MappingNode")));
        }
        if at.get(key).is_none() {
            let is_last = index + 1 == keys.len();
            at.set(made(key), if is_last { Node::scalar(made(""), Tag::Unresolved) } else { Node::map() });
        }
        let Some(next) = at.get_mut(key) else { return Ok(None) };
        at = next;
    }
    Ok(Some(at))
}

fn put(field: &mut Node, position: usize, value: &Text, context: &mut Context<'_>) -> Result<(), Problem> {
    let Content::Scalar(scalar) = &field.content else {
        return Err(Problem::broken("wrong node kind: expected ScalarNode"));
    };
    let text = match position.checked_sub(1) {
        Some(position) => inserted(&scalar.text, position, value)?,
        None => value.clone(),
    };
    context.replace_text(field, text);
    Ok(())
}

/// A file path with one more part.
fn inserted(path: &Text, position: usize, part: &Text) -> Result<Text, Problem> {
    let (old, new) = (path.lossy(), part.lossy());
    let is_clean = |path: &str| !path.split('/').any(|part| matches!(part, "" | "." | ".."));
    let relative = old.strip_prefix('/').unwrap_or(&old);
    if !(relative.is_empty() || is_clean(relative)) || !is_clean(&new) {
        return Err(Problem::unsupported(format!("the file path {old:?}, which Kustomize would make shorter")));
    }
    let start = old.len() - relative.len();
    let ends = relative.match_indices('/').map(|(at, _)| start + at + 1);
    // Where a part may begin: at the first one, and behind every slash.
    let begins: Vec<usize> = std::iter::once(start).chain(ends).collect();
    let mut into = TextBuilder::default();
    match begins.get(position) {
        Some(at) if !relative.is_empty() => {
            into.push_slice(path, 0..*at);
            into.push(part);
            into.push_bytes(b"/", MadeOf::NOTHING, SetId::EMPTY);
            into.push_slice(path, *at..path.len());
        }
        _ => {
            into.push(path);
            if !relative.is_empty() {
                into.push_bytes(b"/", MadeOf::NOTHING, SetId::EMPTY);
            }
            into.push(part);
        }
    }
    Ok(into.build())
}

/// A text without the white space around it.
fn trimmed(text: &Text) -> Text {
    let shown = text.lossy();
    let start = shown.len() - shown.trim_start().len();
    let end = start + shown.trim().len();
    text.slice(start..end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_into_a_path_as_kustomize_says() {
        let cases = [
            ("", 3, "PEACH"),
            ("/", 0, "/PEACH"),
            ("pie", 0, "PEACH/pie"),
            ("/pie", 0, "/PEACH/pie"),
            ("raw", 1, "raw/PEACH"),
            ("/raw", 1, "/raw/PEACH"),
            ("a/nice/warm/pie", 3, "a/nice/warm/PEACH/pie"),
            ("/a/nice/warm/pie", 3, "/a/nice/warm/PEACH/pie"),
            ("a/b", 9_999, "a/b/PEACH"),
        ];
        for (path, position, expected) in cases {
            let inserted = inserted(&Text::plain(path), position, &Text::plain("PEACH")).expect("a path");
            assert_eq!(inserted.as_str(), Some(expected), "{path}");
        }
    }
}
