//! A kustomization with what an object adds to it, as Argo CD and Flux write it into a copy of the file before they build.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::lowered::{Added, Field, Form, Item, Laid, Says, Target};
use crate::{
    engine::kustomize::kustomization::NAMES,
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
};

/// A kustomization and what is added to it.
#[derive(Clone, Debug)]
pub struct Adding {
    /// The kustomization's file, where there is one.
    pub own: Option<RepoPath>,
    /// What it says, with what was added so far.
    pub value: Map<String, Value>,
    /// Where what was added is from.
    pub fields: Vec<Field>,
}

impl Adding {
    /// The kustomization of a folder.
    ///
    /// # Errors
    /// `stack-unreadable` where the file is no map.
    pub fn to(tree: &dyn SourceTree, folder: &RepoPath) -> Result<Self, Refusal> {
        let mut names = NAMES.iter().filter_map(|name| folder.resolve(name).ok());
        let Some(path) = names.find(|path| entry(tree, path).is_some()) else { return Ok(Self::nothing()) };
        let unreadable = |why: &str| {
            let message = format!("the kustomization {path} cannot be read: {why}");
            Refusal::new(Code::StackUnreadable, message, "mend the kustomization").at(&path, None)
        };
        let bytes = tree.read(&path).map_err(|error| unreadable(&error.to_string()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8 text"))?;
        let stream = parse(text).map_err(|error| unreadable(&error.to_string()))?;
        let document = stream.documents.iter().find(|document| document.root.is_some());
        let root = document.and_then(|document| Some((document, document.root?)));
        let said = root.map(|(document, root)| value(document, root, Reader::Manifest)).transpose();
        match said.map_err(|error| unreadable(&error.to_string()))? {
            Some(Value::Object(value)) => Ok(Self { own: Some(path), value, fields: Vec::new() }),
            None | Some(Value::Null) => Ok(Self { own: Some(path), ..Self::nothing() }),
            Some(_) => Err(unreadable("it is no map")),
        }
    }

    /// No kustomization yet.
    pub fn nothing() -> Self {
        Self { own: None, value: Map::new(), fields: Vec::new() }
    }

    /// A field that the object says instead.
    pub fn set(&mut self, name: &str, value: Option<Value>, target: Target) {
        let is_said = value.is_some();
        if let Some(value) = value {
            self.value.insert(name.to_owned(), value);
        }
        self.add_field(name, target, Added::Whole(is_said));
    }

    /// Items that come behind those of a list.
    pub fn append(&mut self, name: &str, items: Vec<Value>, target: Target) {
        let mut list = self.list(name);
        let mut from: Vec<Item> = (0..list.len()).map(Item::File).collect();
        let own = items.len();
        from.extend((0..own).map(Item::Object));
        list.extend(items);
        self.finish(name, list, Added::Items { items: from, form: Form::Same, own }, target);
    }

    /// Items that replace those of the same name, the whole then sorted by name: `kustomize edit set`.
    pub fn replace(&mut self, name: &str, items: Vec<Value>, form: Form, target: Target) {
        let own = items.len();
        let is_new = |item: &Value| items.iter().any(|new| new.get("name") == item.get("name"));
        let kept = self.list(name).into_iter().enumerate().filter(|(_, item)| !is_new(item));
        let mut all: Vec<(Item, Value)> = kept.map(|(at, item)| (Item::File(at), item)).collect();
        all.extend(items.iter().enumerate().map(|(at, item)| (Item::Object(at), item.clone())));
        all.sort_by_key(|(_, item)| item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned());
        let (from, list) = all.into_iter().unzip();
        self.finish(name, list, Added::Items { items: from, form, own }, target);
    }

    /// Images whose fields are laid over those of the same name: Flux's generator.
    pub fn merge_images(&mut self, images: &[Value], target: Target) {
        let mut list = self.list("images");
        let mut from: Vec<Item> = (0..list.len()).map(Item::File).collect();
        for (at, image) in images.iter().enumerate() {
            let said = |key: &str| image.get(key).filter(|value| value.as_str().is_some_and(|text| !text.is_empty()));
            let known = list.iter().position(|known| known.get("name") == image.get("name"));
            let Some(Value::Object(entry)) = known.and_then(|known| list.get_mut(known)) else {
                list.push(image.clone());
                from.push(Item::Object(at));
                continue;
            };
            let mut fields = BTreeSet::new();
            if said("newTag").is_some() || said("digest").is_some() {
                entry.shift_remove("newTag");
                entry.shift_remove("digest");
            }
            for key in ["newName", "newTag", "digest"] {
                if let Some(value) = said(key) {
                    entry.insert(key.to_owned(), value.clone());
                    fields.insert(key.to_owned());
                }
            }
            if let Some(slot) = known.and_then(|known| from.get_mut(known)) {
                *slot = match slot {
                    Item::File(own) => Item::Both(*own, at, fields),
                    _ => Item::Object(at),
                };
            }
        }
        let own = images.len();
        self.finish("images", list, Added::Items { items: from, form: Form::Same, own }, target);
    }

    /// Keys of a map.
    pub fn keys(&mut self, name: &str, keys: &Map<String, Value>, target: Target) {
        let map = self.value.entry(name.to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(map) = map {
            map.extend(keys.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        self.add_field(name, target, Added::Keys(keys.keys().cloned().collect()));
    }

    /// The kustomization as a file.
    pub fn laid(self) -> Laid {
        let content = Value::Object(self.value).to_string().into_bytes().into();
        Laid { content, says: Says::Kustomization { own: self.own, fields: self.fields } }
    }

    /// The items of a list.
    pub fn list(&self, name: &str) -> Vec<Value> {
        self.value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn finish(&mut self, name: &str, list: Vec<Value>, added: Added, target: Target) {
        if !list.is_empty() {
            self.value.insert(name.to_owned(), Value::Array(list));
        }
        self.add_field(name, target, added);
    }

    fn add_field(&mut self, name: &str, target: Target, added: Added) {
        self.fields.push(Field { name: name.to_owned(), target, added });
    }
}

/// The fields of an object below a pointer.
pub fn field(target: &Target, name: &str) -> Target {
    target.below(&Pointer::of([name]))
}
