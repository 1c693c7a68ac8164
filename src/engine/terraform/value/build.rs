//! Making values. What is made has no origins of its own until [`Value::with_flow`] gives them.

use std::rc::Rc;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{Datum, Entry, Key, Mapping, Marks, Str, Value};
use crate::{
    engine::terraform::{
        equal,
        leaf::Leaf,
        number::Number,
        types::Type,
        unknown::{Reason, Refinement, Unknown},
    },
    source::lineage::{
        sets::{Flow, SetId, Sets},
        text::{MadeOf, Text, TextBuilder},
    },
};

impl Value {
    fn plain(ty: Type, datum: Datum) -> Self {
        let (depth, size) = extent(&datum);
        Self { ty, datum, flow: Flow::default(), marks: Marks::NONE, depth, size }
    }

    /// `true` or `false`.
    pub fn bool(bool: bool) -> Self {
        Self::plain(Type::Bool, Datum::Bool(bool))
    }

    /// A number.
    pub fn number(number: impl Into<Number>) -> Self {
        Self::plain(Type::Number, Datum::Number(number.into()))
    }

    /// A string that no file says.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::string(Text::plain(text.as_ref().as_bytes()))
    }

    /// A string. What is not in normal form is normalised, and what is behind the first change then comes from anywhere
    /// unless all of it comes from one leaf; bytes that are not UTF-8 become U+FFFD.
    pub fn string(text: Text) -> Self {
        Self::encoding(text, None)
    }

    /// A string that encodes a value.
    pub fn encoding(text: Text, encodes: Option<Self>) -> Self {
        let string = Str { text: normalised(text), encodes };
        Self::plain(Type::String, Datum::String(Rc::new(string)))
    }

    /// Null of a type.
    pub fn null(ty: Type) -> Self {
        Self::plain(ty.without_optional(), Datum::Null)
    }

    /// An unknown value of a type. What is known of it may decide what it is: null, a number, an empty collection, a list of
    /// so many unknown elements. Of a value whose type is open nothing else can be known.
    pub fn not_known(ty: Type, unknown: Unknown) -> Self {
        let ty = ty.without_optional();
        let Unknown { reason, refinement } = unknown;
        if ty == Type::Dynamic {
            return Self::plain(ty, Datum::Unknown(Rc::new(Unknown::new(reason))));
        }
        let element = || Self::not_known(ty.element().cloned().unwrap_or(Type::Dynamic), Unknown::new(reason.clone()));
        if refinement.is_not_null {
            if let (Some(lower), Some(upper)) = (&refinement.lower, &refinement.upper)
                && lower.is_inclusive
                && upper.is_inclusive
                && lower.number == upper.number
            {
                return Self::number(lower.number.clone());
            }
            match (&ty, refinement.least, refinement.most) {
                (Type::List(_) | Type::Set(_), 0, Some(0)) => return Self::plain(ty, Datum::Sequence([].into())),
                (Type::Map(_), 0, Some(0)) => return Self::plain(ty, Datum::Mapping(Rc::default())),
                (Type::List(_), least, Some(most)) if least == most && least <= MAX_PLACEHOLDERS => {
                    return Self::plain(ty.clone(), Datum::Sequence((0..least).map(|_| element()).collect()));
                }
                (Type::Set(_), 1, Some(1)) => {
                    return Self::plain(ty.clone(), Datum::Sequence([element()].into()));
                }
                _ => {}
            }
        }
        Self::plain(ty, Datum::Unknown(Rc::new(Unknown { reason, refinement })))
    }

    /// An unknown value of a type of which nothing is known.
    pub fn unknown_of(ty: Type, reason: Reason) -> Self {
        Self::not_known(ty, Unknown::new(reason))
    }

    /// The same value with more known of it, if it is unknown.
    #[must_use]
    pub fn refined(self, refine: impl FnOnce(Refinement) -> Refinement) -> Self {
        let Datum::Unknown(unknown) = &self.datum else { return self };
        let refined = Unknown { reason: unknown.reason.clone(), refinement: refine(unknown.refinement.clone()) };
        Self { flow: self.flow, marks: self.marks, ..Self::not_known(self.ty, refined) }
    }

    /// A list, its elements of this type; elements whose type is open take it.
    pub fn list(element: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        let elements: Rc<[Self]> = elements.into_iter().map(|value| value.typed(&element)).collect();
        Self::plain(Type::list(element), Datum::Sequence(elements))
    }

    /// A list whose element type is the one of its elements, open where there are none.
    pub fn list_of(elements: Vec<Self>) -> Self {
        Self::list(common(elements.iter()), elements)
    }

    /// A set, its elements of this type. Equal elements are one: the first, at which the others count as what decided over
    /// it. The marks of elements become the set's.
    pub fn set(sets: &mut Sets<Leaf>, element: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        let mut marks = Marks::NONE;
        let elements: Vec<Self> = elements
            .into_iter()
            .map(|value| {
                marks = marks.with(value.marks_within());
                value.typed(&element).unmarked()
            })
            .collect();
        let elements = equal::distinct_in_order(sets, elements);
        Self::plain(Type::set(element), Datum::Sequence(elements.into())).with_marks(marks)
    }

    /// A set whose element type is the one of its elements, open where there are none.
    pub fn set_of(sets: &mut Sets<Leaf>, elements: Vec<Self>) -> Self {
        Self::set(sets, common(elements.iter()), elements)
    }

    /// A tuple.
    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        let elements: Rc<[Self]> = elements.into_iter().collect();
        let ty = Type::tuple(elements.iter().map(|value| value.ty.clone()));
        Self::plain(ty, Datum::Sequence(elements))
    }

    /// A map, its elements of this type, the last of a key winning.
    pub fn map(element: Type, entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries = entries.into_iter().map(|Entry { key, value }| Entry { key, value: value.typed(&element) });
        let mapping = Mapping::of(entries);
        Self::plain(Type::map(element), Datum::Mapping(Rc::new(mapping)))
    }

    /// A map whose element type is the one of its elements, open where there are none.
    pub fn map_of(entries: Vec<Entry>) -> Self {
        Self::map(common(entries.iter().map(|entry| &entry.value)), entries)
    }

    /// An object, the last attribute of a name winning.
    pub fn object(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mapping = Mapping::of(entries);
        let ty =
            Type::object(mapping.entries.iter().map(|Entry { key, value }| (key.as_str().into(), value.ty.clone())));
        Self::plain(ty, Datum::Mapping(Rc::new(mapping)))
    }

    /// The same object as a resource or block of which its provider may know more attributes.
    #[must_use]
    pub fn opened(self, address: Rc<str>) -> Self {
        Self { ty: self.ty.opened(address), ..self }
    }

    /// The same value without marks, at any depth.
    #[must_use]
    pub fn unmarked(self) -> Self {
        if self.marks_within() == Marks::NONE {
            return self;
        }
        let datum = match &self.datum {
            Datum::Sequence(elements) => Datum::Sequence(elements.iter().cloned().map(Self::unmarked).collect()),
            Datum::Mapping(mapping) => {
                let entry = |entry: &Entry| Entry { key: entry.key.clone(), value: entry.value.clone().unmarked() };
                Datum::Mapping(Rc::new(Mapping { entries: mapping.entries.iter().map(entry).collect() }))
            }
            datum => datum.clone(),
        };
        Self { datum, marks: Marks::NONE, ..self }
    }

    /// The same value with exactly these marks of its own; those of elements stay.
    #[must_use]
    pub fn marked_only(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// The same value that is there for another reason as well.
    #[must_use]
    pub fn under(self, sets: &mut Sets<Leaf>, control: SetId) -> Self {
        if control.is_empty() {
            return self;
        }
        let control = sets.union(self.flow.control, control);
        Self { flow: Flow { control, ..self.flow }, ..self }
    }

    /// The same value as one that is computed: it and all that it holds is made of the same leaves.
    #[must_use]
    pub fn derived(self, flow: Flow) -> Self {
        if flow == Flow::default() {
            return self;
        }
        let text = |text: &Text| Text::new(text.bytes(), MadeOf::Derived(flow.data));
        let datum = match &self.datum {
            Datum::String(string) => {
                Datum::String(Rc::new(Str { text: text(&string.text), encodes: string.encodes.clone() }))
            }
            Datum::Sequence(elements) => {
                Datum::Sequence(elements.iter().map(|element| element.clone().derived(flow)).collect())
            }
            Datum::Mapping(mapping) => {
                let entry = |entry: &Entry| Entry {
                    key: Key { text: text(&entry.key.text), flow },
                    value: entry.value.clone().derived(flow),
                };
                Datum::Mapping(Rc::new(Mapping { entries: mapping.entries.iter().map(entry).collect() }))
            }
            datum => datum.clone(),
        };
        Self { datum, flow, ..self }
    }

    /// The same value as an element of a collection of such values: one whose type is open takes it.
    fn typed(self, element: &Type) -> Self {
        if self.ty != Type::Dynamic || *element == Type::Dynamic {
            return self;
        }
        let (flow, marks) = (self.flow, self.marks);
        let value = match self.datum {
            Datum::Unknown(unknown) => Self::not_known(element.clone(), (*unknown).clone()),
            _ => Self::null(element.clone()),
        };
        value.with_flow(flow).with_marks(marks)
    }
}

/// The most unknown elements that a list of known length is spelled out with.
const MAX_PLACEHOLDERS: usize = 100_000;

impl Mapping {
    /// Sorts entries by key, the last of a key winning.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        let is_sorted = entries.is_sorted_by(|a, b| a.key.text.bytes() < b.key.text.bytes());
        if !is_sorted {
            entries.reverse();
            entries.sort_by(|a, b| a.key.text.bytes().cmp(b.key.text.bytes()));
            entries.dedup_by(|later, kept| later.key.text.bytes() == kept.key.text.bytes());
        }
        Self { entries }
    }
}

impl Entry {
    /// An element under a key that no file says.
    pub fn plain(key: impl AsRef<str>, value: Value) -> Self {
        Self { key: Key::plain(key), value }
    }
}

impl Key {
    /// A key with the origins of its text; it is normalised as strings are.
    pub fn new(text: Text) -> Self {
        Self { text: normalised(text), flow: Flow::default() }
    }

    /// A key that no file says.
    pub fn plain(key: impl AsRef<str>) -> Self {
        Self::new(Text::plain(key.as_ref().as_bytes()))
    }

    /// The key that a known string is.
    pub fn of(value: &Value) -> Option<Self> {
        let string = value.as_string()?;
        Some(Self { text: string.text.clone(), flow: value.flow })
    }

    /// The key as a string value: what `each.key` and `keys` give.
    pub fn value(&self) -> Value {
        let string = Str { text: self.text.clone(), encodes: None };
        Value::plain(Type::String, Datum::String(Rc::new(string))).with_flow(self.flow)
    }
}

/// How deep a value with this content is, and how many values there are in it.
fn extent(datum: &Datum) -> (u16, u32) {
    let of = |(depth, size): (u16, u32), value: &Value| (depth.max(value.depth), size.saturating_add(value.size));
    let (depth, size) = match datum {
        Datum::Sequence(elements) => elements.iter().fold((0, 1), of),
        Datum::Mapping(mapping) => {
            let keys = u32::try_from(mapping.entries.len()).unwrap_or(u32::MAX);
            mapping.entries.iter().map(|entry| &entry.value).fold((0, keys.saturating_add(1)), of)
        }
        _ => return (0, 1),
    };
    (depth.saturating_add(1), size)
}

/// The type of the first value whose type is not open.
fn common<'v>(mut values: impl Iterator<Item = &'v Value>) -> Type {
    values.find(|value| value.ty != Type::Dynamic).map_or(Type::Dynamic, |value| value.ty.clone())
}

/// A text as Terraform keeps strings: UTF-8 in the normal form NFC.
fn normalised(text: Text) -> Text {
    if text.bytes().is_ascii() {
        return text;
    }
    match text.as_str() {
        Some(content) if is_nfc_quick(content.chars()) == IsNormalized::Yes => return text,
        Some(content) if content.nfc().eq(content.chars()) => return text,
        _ => {}
    }
    // Characters of different pieces may become one, so that all of it is made of all of them. Whatever decided that
    // a piece is there decides over all of it.
    let content = text.lossy();
    let mut builder = TextBuilder::default();
    let mut rest = 0;
    let whole: String = content.nfc().collect();
    if text.as_str().is_some() {
        // What comes first and is normal as it stands keeps its origins.
        let same = content.bytes().zip(whole.bytes()).take_while(|(a, b)| a == b).count();
        rest = (0..=same).rev().find(|at| content.is_char_boundary(*at) && whole.is_char_boundary(*at)).unwrap_or(0);
        builder.push_slice(&text, 0..rest);
    }
    let mut sources = text.slices(rest..text.len());
    let (made_of, control) = match (sources.next(), sources.next()) {
        (Some(only), None) => (MadeOf::Derived(only.made_of.set()), only.control),
        (None, _) => (MadeOf::NOTHING, SetId::EMPTY),
        _ => (MadeOf::Derived(SetId::ANY), SetId::ANY),
    };
    builder.push_bytes(&whole.as_bytes()[rest..], made_of, control);
    builder.build()
}
