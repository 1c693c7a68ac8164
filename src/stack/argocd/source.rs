//! A source of an application, with what `.argocd-source.yaml` files beside it override.

use serde_json::Value;

use crate::{
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        tree::{SourceTree, entry},
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
    stack::{lowered::Target, object::Object},
};

/// A source, and which place says what of it.
#[derive(Clone, Debug)]
pub struct Source {
    /// All of it.
    pub value: Value,
    /// The place of the source in the application.
    pub at: Target,
    /// The files that override it, the later over the earlier.
    overrides: Vec<(RepoPath, Value)>,
}

/// The fields that no file overrides.
const FIXED: [&str; 4] = ["chart", "path", "repoURL", "targetRevision"];

impl Source {
    /// A source of an application at a pointer.
    pub fn of(application: &Object, at: &Pointer) -> Self {
        let value = at.get(&application.value).cloned().unwrap_or_default();
        Self { value, at: Target::Object(application.at.clone(), at.clone()), overrides: Vec::new() }
    }

    /// The same with what the files in its folder override: `.argocd-source.yaml`, then `.argocd-source-<name>.yaml`.
    ///
    /// # Errors
    /// `stack-unreadable` where one of them is no map.
    pub fn overridden(mut self, tree: &dyn SourceTree, folder: &RepoPath, name: &str) -> Result<Self, Refusal> {
        for file in [".argocd-source.yaml".to_owned(), format!(".argocd-source-{name}.yaml")] {
            let Ok(path) = folder.resolve(&file) else { continue };
            if entry(tree, &path).is_none() {
                continue;
            }
            let said = read(tree, &path).ok_or_else(|| {
                let message = format!("{path} is no map that could override a source");
                Refusal::new(Code::StackUnreadable, message, "mend the file").at(&path, None)
            })?;
            let fixed: Vec<Option<Value>> = FIXED.iter().map(|key| self.value.get(key).cloned()).collect();
            json_patch::merge(&mut self.value, &said);
            if let Value::Object(map) = &mut self.value {
                for (key, value) in FIXED.into_iter().zip(fixed) {
                    match value {
                        Some(value) => map.insert(key.to_owned(), value),
                        None => map.shift_remove(key),
                    };
                }
            }
            self.overrides.push((path, said));
        }
        Ok(self)
    }

    /// The files that override it.
    pub fn files(&self) -> impl Iterator<Item = &RepoPath> {
        self.overrides.iter().map(|(path, _)| path)
    }

    /// Where a field of the source is written, or would be.
    pub fn target(&self, at: &Pointer) -> Target {
        // A merge patch replaces what is no map as a whole.
        let says = |said: &Value| {
            let mut value = said;
            for token in at.tokens() {
                match value {
                    Value::Object(map) => match map.get(token) {
                        Some(inner) => value = inner,
                        None => return false,
                    },
                    _ => return true,
                }
            }
            true
        };
        match self.overrides.iter().rev().find(|(_, said)| says(said)) {
            Some((path, _)) => Target::File(path.clone(), at.clone()),
            None => self.at.below(at),
        }
    }

    /// The text of a field, where it has any.
    pub fn text(&self, at: &str) -> Option<&str> {
        self.value.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The items of a list.
    pub fn list(&self, at: &str) -> &[Value] {
        self.value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a field is true.
    pub fn flag(&self, at: &str) -> bool {
        self.value.pointer(at).and_then(Value::as_bool).unwrap_or_default()
    }
}

fn read(tree: &dyn SourceTree, path: &RepoPath) -> Option<Value> {
    let bytes = tree.read(path).ok()?;
    let stream = parse(std::str::from_utf8(&bytes).ok()?).ok()?;
    let document = stream.documents.first()?;
    value(document, document.root?, Reader::Manifest).ok().filter(Value::is_object)
}
