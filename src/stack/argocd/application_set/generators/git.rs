//! The git generator: folders of this repository, or files with parameters in it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Generators;
use crate::{
    engine::helm::chart::glob::Glob,
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
    stack::{
        argocd::application_set::{
            MAX_APPLICATIONS,
            functions::normalized,
            parameters::{Parameter, Parameters, flattened},
        },
        surroundings::Whose,
    },
};

/// The parameter sets: one a folder, or one an object of a file.
///
/// # Errors
/// `engine-unsupported` where the repository is another.
pub(super) fn parameters(
    generators: &mut Generators<'_, '_>,
    said: &Value,
    at: &Pointer,
    computed: &[Pointer],
) -> Result<Vec<Parameters>, Refusal> {
    let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    let (surroundings, url) = (generators.world.surroundings(), text("repoURL"));
    if surroundings.whose(url) != Whose::Own {
        let (why, hint) = surroundings.foreign(url);
        let message = format!("{}: {}", generators.object.at.id, why.replace("its source", "what it generates from"));
        return Err(Refusal::new(Code::EngineUnsupported, message, hint));
    }
    let items = |key: &str| said.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let prefix = text("pathParamPrefix").to_owned();
    let values = said.get("values").map(|values| (values.clone(), at.join("values")));
    let mut sets = Vec::new();
    if !items("directories").is_empty() {
        for folder in folders(generators, &items("directories"))? {
            let mut set = Parameters::new();
            add_path(&mut set, &folder, None, &prefix, generators.renderer.is_go);
            generators.add_values(values.as_ref().map(|(values, at)| (values, at.clone())), &mut set, computed)?;
            sets.push(set);
        }
        return Ok(sets);
    }
    for file in files(generators, &items("files"))? {
        let Some(content) = read(generators, &file) else {
            return Err(generators.unreadable(&format!("{file} cannot be read as parameters")));
        };
        generators.files.push(file.clone());
        let layer = generators.layers.add(file.clone(), content.clone());
        let objects: Vec<(Value, Pointer)> = match content {
            Value::Array(items) => {
                let item = |(index, item): (usize, Value)| (item, Pointer::of([index.to_string()]));
                items.into_iter().enumerate().map(item).collect()
            }
            Value::Null => vec![(Value::Object(Default::default()), Pointer::root())],
            object => vec![(object, Pointer::root())],
        };
        for (object, base) in objects {
            let parameter = Parameter::of(&object, layer, &base, &[]);
            let mut set = match (&parameter, generators.renderer.is_go) {
                (Parameter::Map(map), true) => map.clone(),
                (Parameter::Map(_), false) => flattened(&parameter),
                _ => return Err(generators.unreadable(&format!("{file} is neither a map nor a list of such"))),
            };
            let folder = file.parent().unwrap_or_default();
            add_path(&mut set, &folder, Some(file.name()), &prefix, generators.renderer.is_go);
            generators.add_values(values.as_ref().map(|(values, at)| (values, at.clone())), &mut set, computed)?;
            sets.push(set);
            if sets.len() > MAX_APPLICATIONS {
                return Err(generators.too_many());
            }
        }
    }
    Ok(sets)
}

fn read(generators: &Generators<'_, '_>, file: &RepoPath) -> Option<Value> {
    let bytes = generators.world.tree().read(file).ok()?;
    let stream = parse(std::str::from_utf8(&bytes).ok()?).ok()?;
    match stream.documents.first() {
        Some(document) => match document.root {
            Some(root) => value(document, root, Reader::Manifest).ok(),
            None => Some(Value::Null),
        },
        None => Some(Value::Null),
    }
}

/// The folders that fit a pattern and none that excludes; hidden ones and what is in them do not count.
fn folders(generators: &Generators<'_, '_>, items: &[Value]) -> Result<Vec<RepoPath>, Refusal> {
    let patterns = patterns(items);
    let mut all = BTreeSet::new();
    for entry in generators.world.tree().entries() {
        let above = std::iter::successors(entry.path.parent(), RepoPath::parent);
        for folder in above.take_while(|folder| !folder.as_str().is_empty()) {
            if !all.insert(folder) {
                break;
            }
        }
    }
    let is_hidden = |folder: &RepoPath| folder.as_str().split('/').any(|part| part.starts_with('.'));
    let fits = |folder: &RepoPath| chosen(&patterns, folder.as_str());
    let found: Vec<RepoPath> = all.into_iter().filter(|folder| !is_hidden(folder) && fits(folder)).collect();
    if found.len() > MAX_APPLICATIONS { Err(generators.too_many()) } else { Ok(found) }
}

/// The files that fit. Git's own patterns are used, whose stars go over slashes.
fn files(generators: &Generators<'_, '_>, items: &[Value]) -> Result<Vec<RepoPath>, Refusal> {
    let patterns: Vec<(Glob, bool)> = items
        .iter()
        .map(|item| {
            let path = item.get("path").and_then(Value::as_str).unwrap_or_default();
            (Glob::new(&path.replace("**", "*").replace('*', "**")), is_excluded(item))
        })
        .collect();
    let entries = generators.world.tree().entries().iter().map(|entry| &entry.path);
    let entries = entries.filter(|path| !path.as_str().starts_with(".git/"));
    let found: Vec<RepoPath> = entries.filter(|path| chosen(&patterns, path.as_str())).cloned().collect();
    if found.len() > MAX_APPLICATIONS { Err(generators.too_many()) } else { Ok(found) }
}

fn patterns(items: &[Value]) -> Vec<(Glob, bool)> {
    let pattern = |item: &Value| {
        let path = item.get("path").and_then(Value::as_str).unwrap_or_default();
        (Glob::new(path), is_excluded(item))
    };
    items.iter().map(pattern).collect()
}

fn is_excluded(item: &Value) -> bool {
    item.get("exclude").and_then(Value::as_bool).unwrap_or_default()
}

fn chosen(patterns: &[(Glob, bool)], name: &str) -> bool {
    let any = |excluded: bool| patterns.iter().any(|(glob, exclude)| *exclude == excluded && glob.matches(name));
    any(false) && !any(true)
}

/// Adds what is known of the path.
fn add_path(set: &mut Parameters, folder: &RepoPath, file: Option<&str>, prefix: &str, is_go: bool) {
    // Go's `path.Dir` says a dot for the root.
    let path = if folder.as_str().is_empty() { "." } else { folder.as_str() };
    let basename = path.rsplit('/').next().unwrap_or_default();
    let mut known = vec![("basename", basename.to_owned()), ("basenameNormalized", normalized(basename))];
    if let Some(file) = file {
        known.extend([("filename", file.to_owned()), ("filenameNormalized", normalized(file))]);
    }
    if is_go {
        let mut map: Parameters =
            known.into_iter().map(|(key, text)| (key.to_owned(), Parameter::text(text))).collect();
        map.insert("path".to_owned(), Parameter::text(path));
        map.insert("segments".to_owned(), Parameter::List(path.split('/').map(Parameter::text).collect()));
        let path = Parameters::from([("path".to_owned(), Parameter::Map(map))]);
        if prefix.is_empty() {
            set.extend(path);
        } else {
            set.insert(prefix.to_owned(), Parameter::Map(path));
        }
        return;
    }
    let name = if prefix.is_empty() { "path".to_owned() } else { format!("{prefix}.path") };
    for (key, text) in known {
        set.insert(format!("{name}.{key}"), Parameter::text(text));
    }
    for (index, segment) in path.split('/').enumerate() {
        set.insert(format!("{name}[{index}]"), Parameter::text(segment));
    }
    set.insert(name, Parameter::text(path));
}
