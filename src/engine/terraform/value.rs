//! The values of a configuration, each with its type and what it comes from.
//!
//! They behave as go-cty's do, to which Terraform leaves all of its arithmetic, conversions and comparisons: a value may be
//! null or unknown at any type, map keys and object attributes are sorted, sets have an order of their own, strings are
//! normalised (NFC), and a mark such as `sensitive` spreads to what is made of it. On top of that every value carries a
//! [`Flow`]: the leaves that made it and those that decided that it is there.
//!
//! Containers have origins of their own, apart from those of their elements: the place where they are written out. So have
//! the keys of maps and objects. The origins of a string are the pieces of its text; what is in its flow besides counts too.

pub mod build;
pub mod walk;

use std::rc::Rc;

use super::{
    number::Number,
    types::Type,
    unknown::{Reason, Unknown},
};
use crate::source::lineage::{
    sets::{Flow, SetId},
    text::Text,
};

/// A value. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Value {
    ty: Type,
    datum: Datum,
    flow: Flow,
    marks: Marks,
    depth: u16,
    size: u32,
}

/// What a value is, beside its type. The type says which of them it can be: a list, set and tuple are a [`Datum::Sequence`],
/// a map and object a [`Datum::Mapping`]; anything can be null or unknown.
#[derive(Clone, Debug)]
pub enum Datum {
    /// Null, of the value's type.
    Null,
    /// Not known in a plan.
    Unknown(Rc<Unknown>),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Rc<Str>),
    /// The elements in order: for a set, in the order that go-cty goes through them.
    Sequence(Rc<[Value]>),
    /// The elements by their keys.
    Mapping(Rc<Mapping>),
}

/// A string: UTF-8 in the normal form NFC.
#[derive(Clone, Debug)]
pub struct Str {
    text: Text,
    /// What the string encodes, where a function encoded it: the argument of `jsonencode`, so that an editor finds the
    /// places inside of the text, and `jsondecode` gives back what was put in.
    encodes: Option<Value>,
}

/// The elements of a map or object, sorted by the bytes of their keys, each key once.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    entries: Vec<Entry>,
}

/// One element of a map or object.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// The element.
    pub value: Value,
}

/// The key of a map's element or the name of an object's attribute, with its origins: where it is written.
#[derive(Clone, Debug, Default)]
pub struct Key {
    text: Text,
    /// What decided over the key, and what made it beside its text.
    pub flow: Flow,
}

/// What spreads from a value to all that is made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks {
    /// It is not to be shown.
    pub is_sensitive: bool,
    /// It is not to be kept: it may not become an attribute of a resource.
    pub is_ephemeral: bool,
}

impl Value {
    /// The type; of a known value never one with optional attributes.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// What it is.
    pub fn datum(&self) -> &Datum {
        &self.datum
    }

    /// The origins of the value itself: for containers without those of the elements, for strings without those of the text.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// The marks of the value itself, without those of its elements.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// How many containers stand in one another at its deepest element.
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// How many values there are in it, itself and keys included, as often as each stands there: a value that holds another
    /// one twice shares it in memory, and yet whoever goes through it meets it twice.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// Tells whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.datum, Datum::Null)
    }

    /// Tells whether the value itself is known; its elements may be unknown.
    pub fn is_known(&self) -> bool {
        !matches!(self.datum, Datum::Unknown(_))
    }

    /// What is known of a value that is not known.
    pub fn unknown(&self) -> Option<&Unknown> {
        match &self.datum {
            Datum::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }

    /// Tells whether it is certainly not null.
    pub fn is_not_null(&self) -> bool {
        match &self.datum {
            Datum::Null => false,
            Datum::Unknown(unknown) => unknown.refinement.is_not_null,
            _ => true,
        }
    }

    /// The bool, if it is a known one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.datum {
            Datum::Bool(bool) => Some(bool),
            _ => None,
        }
    }

    /// The number, if it is a known one.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.datum {
            Datum::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The string, if it is a known one.
    pub fn as_string(&self) -> Option<&Str> {
        match &self.datum {
            Datum::String(string) => Some(string),
            _ => None,
        }
    }

    /// The content of the string, if it is a known one.
    pub fn as_str(&self) -> Option<&str> {
        self.as_string().map(Str::as_str)
    }

    /// The elements of a known list, set or tuple in order.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.datum {
            Datum::Sequence(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of a known map or object.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.datum {
            Datum::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// How many elements a known container has.
    pub fn len(&self) -> Option<usize> {
        match &self.datum {
            Datum::Sequence(elements) => Some(elements.len()),
            Datum::Mapping(mapping) => Some(mapping.entries.len()),
            _ => None,
        }
    }

    /// Tells whether it is a known container without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Why it is unknown, or what it holds at any depth; nothing where all of it is known.
    pub fn reason(&self) -> Option<&Reason> {
        match &self.datum {
            Datum::Unknown(unknown) => Some(&unknown.reason),
            Datum::Sequence(elements) => elements.iter().find_map(Self::reason),
            Datum::Mapping(mapping) => mapping.entries.iter().find_map(|entry| entry.value.reason()),
            _ => None,
        }
    }

    /// Tells whether it and all that it holds is known.
    pub fn is_wholly_known(&self) -> bool {
        self.reason().is_none()
    }

    /// The marks of the value and all that it holds.
    pub fn marks_within(&self) -> Marks {
        match &self.datum {
            Datum::Sequence(elements) => {
                elements.iter().fold(self.marks, |marks, element| marks.with(element.marks_within()))
            }
            Datum::Mapping(mapping) => {
                mapping.entries.iter().fold(self.marks, |marks, entry| marks.with(entry.value.marks_within()))
            }
            _ => self.marks,
        }
    }

    /// The same value with these origins instead of its own.
    #[must_use]
    pub fn with_flow(self, flow: Flow) -> Self {
        Self { flow, ..self }
    }

    /// The same value, its own origins made of these leaves.
    #[must_use]
    pub fn with_data(self, data: SetId) -> Self {
        Self { flow: Flow { data, ..self.flow }, ..self }
    }

    /// The same value with these marks added to its own.
    #[must_use]
    pub fn with_marks(self, marks: Marks) -> Self {
        Self { marks: self.marks.with(marks), ..self }
    }
}

impl Str {
    /// The content.
    pub fn as_str(&self) -> &str {
        self.text.as_str().expect("strings are UTF-8 when they are made")
    }

    /// The content with its origins.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// What the string encodes, where a function encoded it.
    pub fn encodes(&self) -> Option<&Value> {
        self.encodes.as_ref()
    }
}

impl Mapping {
    /// The elements, sorted by the bytes of their keys.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The element of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.key.text.bytes().cmp(key.as_bytes())).ok()?;
        Some(&self.entries[at])
    }
}

impl Key {
    /// The key's content.
    pub fn as_str(&self) -> &str {
        self.text.as_str().expect("keys are UTF-8 when they are made")
    }

    /// The content with its origins.
    pub fn text(&self) -> &Text {
        &self.text
    }
}

impl Marks {
    /// None.
    pub const NONE: Self = Self { is_sensitive: false, is_ephemeral: false };

    /// Not to be shown.
    pub const SENSITIVE: Self = Self { is_sensitive: true, is_ephemeral: false };

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            is_sensitive: self.is_sensitive || other.is_sensitive,
            is_ephemeral: self.is_ephemeral || other.is_ephemeral,
        }
    }
}
