//! YAML whose every part knows where it is written.
//!
//! Kustomize works on the nodes that go-yaml v3 parses: a scalar is a text with a type, what it means is decided when it is
//! printed. So it is here, except that texts carry their origins byte for byte, and lists and maps the places that say their
//! items and entries. Aliases and merge keys are written out, as Kustomize does before anything else.

pub mod read;

use serde_json::Value;

use crate::source::{
    lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
    yaml::resolve::{self, Reader},
};

/// How deep objects may nest. A document nests less; patches and replacements can put one thing into another again and again.
pub const MAX_DEPTH: usize = 256;

/// A value with its origins.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub content: Content,
    /// The nodes of files that say it. A list or map that was merged has several: an entry could be written in each.
    pub places: SetId,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of its entries; no key is there twice.
    Map(Vec<Entry>),
}

/// A single value.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// Its text.
    pub text: Text,
    /// How it is read.
    pub tag: Tag,
    /// How it is written, and so printed. What a strategic merge puts in its place takes that over.
    pub style: Style,
}

/// How a scalar is written, as far as that decides what it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes: it is read as what it looks like.
    Plain,
    /// In quotes or as a literal block: it is text, whatever is put in its place. Nothing in brackets (`{a: }`) is null, but
    /// printed as quotes, and so text in the end.
    Quoted,
    /// As a folded block: it is text too, and may come out with more empty lines than it has.
    Folded,
}

/// How a scalar's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// As text.
    String,
    /// As nothing.
    Null,
    /// As a truth value.
    Boolean,
    /// As a whole number.
    Integer,
    /// As another number.
    Float,
    /// As a time, which is text in another form once it is printed.
    Timestamp,
    /// As whatever it looks like once it is printed: go-yaml's scalar without a tag.
    Unresolved,
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Text,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A scalar of a text that is read as text.
    pub fn string(text: Text) -> Self {
        Self::scalar(text, Tag::String)
    }

    /// A scalar; the places that its text comes from are where it is said.
    pub fn scalar(text: Text, tag: Tag) -> Self {
        let places = match text.pieces() {
            [piece] => piece.made_of.set(),
            _ => SetId::EMPTY,
        };
        Self { content: Content::Scalar(Scalar { text, tag, style: Style::Plain }), places }
    }

    /// An empty map that no file says.
    pub fn map() -> Self {
        Self { content: Content::Map(Vec::new()), places: SetId::EMPTY }
    }

    /// An empty list that no file says.
    pub fn list() -> Self {
        Self { content: Content::List(Vec::new()), places: SetId::EMPTY }
    }

    /// What a scalar says, whatever its type; nothing for null, lists and maps.
    pub fn text(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| scalar.tag != Tag::Null)?.text.as_str()
    }

    /// The scalar, where it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    /// The items to change, where it is a list.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, where it is a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries to change, where it is a map.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.content {
            Content::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Tells whether it is null.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.tag == Tag::Null)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|entry| entry.key.bytes() == key.as_bytes()).map(|entry| &entry.value)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let entry = self.entries_mut()?.iter_mut().find(|entry| entry.key.bytes() == key.as_bytes());
        entry.map(|entry| &mut entry.value)
    }

    /// The value behind keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The value behind keys, to change.
    pub fn at_mut(&mut self, keys: &[&str]) -> Option<&mut Self> {
        keys.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Sets a key of a map: in its place where it is there, at the end where it is not. Nothing happens to what is no map.
    pub fn set(&mut self, key: Text, value: Self) {
        let Some(entries) = self.entries_mut() else { return };
        match entries.iter_mut().find(|entry| entry.key.bytes() == key.bytes()) {
            Some(entry) => entry.value = value,
            None => entries.push(Entry { key, value }),
        }
    }

    /// Removes a key of a map and answers what it was.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let entries = self.entries_mut()?;
        let at = entries.iter().position(|entry| entry.key.bytes() == key.as_bytes())?;
        Some(entries.remove(at))
    }

    /// How many lists and maps are nested in it, itself included.
    pub fn depth(&self) -> usize {
        match &self.content {
            Content::Scalar(_) => 0,
            Content::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Content::Map(entries) => 1 + entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
        }
    }

    /// How many nodes it is made of.
    pub fn count(&self) -> usize {
        1 + match &self.content {
            Content::Scalar(_) => 0,
            Content::List(items) => items.iter().map(Self::count).sum(),
            Content::Map(entries) => entries.iter().map(|entry| entry.value.count()).sum(),
        }
    }

    /// What it is once it is printed and decoded.
    ///
    /// # Errors
    /// The text of a scalar that JSON cannot say: `.inf`.
    pub fn to_json(&self) -> Result<Value, String> {
        Ok(match &self.content {
            Content::Scalar(scalar) => scalar.to_json()?,
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect::<Result<_, _>>()?),
            Content::Map(entries) => {
                let entry = |entry: &Entry| Ok((entry.key.lossy().into_owned(), entry.value.to_json()?));
                Value::Object(entries.iter().map(entry).collect::<Result<_, String>>()?)
            }
        })
    }
}

impl Scalar {
    /// Tells whether it is text by the way it is written.
    pub fn is_quoted(&self) -> bool {
        self.style != Style::Plain
    }

    /// What it is once it is printed and decoded.
    ///
    /// # Errors
    /// The text, where JSON cannot say it.
    pub fn to_json(&self) -> Result<Value, String> {
        let text = self.text.lossy();
        match self.tag {
            Tag::Null if self.is_quoted() => Ok(Value::String(text.into_owned())),
            Tag::String => Ok(Value::String(text.into_owned())),
            Tag::Null => Ok(Value::Null),
            Tag::Boolean | Tag::Integer | Tag::Float | Tag::Timestamp | Tag::Unresolved => {
                resolve::plain(&text, Reader::Kustomize).map_err(|_| text.into_owned())
            }
        }
    }
}

/// A text that Kustomize itself makes.
pub fn made(text: impl AsRef<[u8]>) -> Text {
    Text::new(text.as_ref(), MadeOf::NOTHING)
}
