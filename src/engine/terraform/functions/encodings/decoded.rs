//! Values that a text decodes to, with origins inside of that text: of a file, each its own place.

use std::ops::Range;

use crate::{
    engine::terraform::{
        context::Context,
        leaf::{Leaf, PathId, Place, Role, Says},
        value::{Entry, Key, Value},
    },
    source::{
        lineage::{
            sets::{Flow, SetId},
            text::{MadeOf, Text, TextBuilder},
        },
        span::Span,
        yaml::rope::Rope,
    },
};

/// The text that is decoded.
pub struct Source {
    rope: Rope,
    /// What decided that it is this text.
    pub control: SetId,
}

impl Source {
    /// The text of a string, there because of what the string is there.
    pub fn new(text: &Text, flow: Flow, context: &mut Context<'_>) -> Self {
        let control = context.sets.union(flow.data, flow.control);
        Self { rope: Rope::new(text.clone()), control }
    }

    /// The text with its pieces by place.
    pub fn rope(&self) -> &Rope {
        &self.rope
    }

    /// The place in a file that a range of the text is, where it is read from one as it stands.
    fn place(&self, context: &Context<'_>, range: Range<usize>) -> Option<Place> {
        let mut slices = self.rope.slices(range.clone()).filter(|slice| !slice.range.is_empty());
        let (Some(slice), None) = (slices.next(), slices.next()) else { return None };
        let MadeOf::Verbatim { leaf, offset } = slice.made_of else { return None };
        let Leaf { says: Says::Content, place: Some(Place { file, span }), .. } = *context.sets.get(leaf) else {
            return None;
        };
        let start = span.start + offset as usize;
        Some(Place { file, span: Span::new(start, start + range.len()) })
    }

    /// The origins of a range of the text: its own leaf in a file, otherwise whatever the text there is made of.
    pub fn flow(&self, context: &mut Context<'_>, range: Range<usize>, says: Says, path: PathId) -> Flow {
        let slices = self.rope.flow(range.clone(), &mut context.sets);
        let control = context.sets.union(slices.control, self.control);
        let data = match self.place(context, range) {
            Some(place) => context.sets.leaf(Leaf { says, role: Role::File, place: Some(place), path }).into(),
            None => slices.data,
        };
        Flow { data, control }
    }

    /// A string that a range of the text says.
    pub fn string(&self, context: &mut Context<'_>, range: Range<usize>, decoded: Text, path: PathId) -> Value {
        let text = self.text(context, range, decoded, Says::Scalar, path);
        Value::string(text).with_flow(Flow { data: SetId::EMPTY, control: self.control })
    }

    /// A key that a range of the text says.
    pub fn key(&self, context: &mut Context<'_>, range: Range<usize>, decoded: Text, path: PathId) -> Key {
        let mut key = Key::new(self.text(context, range, decoded, Says::Key, path));
        key.flow.control = self.control;
        key
    }

    fn text(&self, context: &mut Context<'_>, range: Range<usize>, decoded: Text, says: Says, path: PathId) -> Text {
        let Some(place) = self.place(context, range) else { return decoded };
        let leaf = context.sets.leaf(Leaf { says, role: Role::File, place: Some(place), path });
        let mut builder = TextBuilder::default();
        builder.push_bytes(decoded.bytes(), MadeOf::Verbatim { leaf, offset: 0 }, SetId::EMPTY);
        builder.build()
    }
}

/// The value as it comes back from JSON: lists and sets are tuples, maps objects, numbers as they are written.
pub fn as_json(value: &Value) -> Value {
    use crate::engine::terraform::{number::Number, types::Type, value::Datum};
    let decoded = match value.datum() {
        Datum::Null => Value::null(Type::Dynamic),
        Datum::Number(number) => match number.spelled().and_then(|text| Number::parse(&text)) {
            Some(number) => Value::number(number),
            None => return value.clone(),
        },
        Datum::Sequence(elements) => Value::tuple(elements.iter().map(as_json)),
        Datum::Mapping(mapping) => {
            let entry = |entry: &Entry| Entry { key: entry.key.clone(), value: as_json(&entry.value) };
            Value::object(mapping.entries().iter().map(entry))
        }
        Datum::Bool(_) | Datum::String(_) | Datum::Unknown(_) => return value.clone(),
    };
    decoded.with_flow(value.flow()).with_marks(value.marks())
}
