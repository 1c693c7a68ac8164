//! The words the tables are written in: a field, its shape, and what the API server makes of its absence.

use serde_json::{Map, Value};

/// The fields of a type that need a word. One that is not listed is compared as it is.
pub(super) type Fields = &'static [Field];

/// One field.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) absent: Absent,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A scalar, a map of scalars, or anything else that is compared as it is.
    Plain,
    /// An object.
    Object(Fields),
    /// A list that is replaced as a whole; its items are objects.
    List(Fields),
    /// A list that is replaced as a whole, in which the order of the objects says nothing.
    Set(Fields),
    /// A list whose items these keys identify, whatever their order.
    Keyed(&'static [&'static str], Fields),
    /// A quantity: `500m` is `0.5`.
    Quantity,
    /// A map of quantities.
    Quantities,
    /// A map into which others write too: an undeclared key for which the function answers true is theirs.
    Shared(Owned),
    /// A list in any order into which others write too, likewise, by its items' texts or names; and its merge keys.
    SharedList(Owned, &'static [&'static str]),
}

/// What an absent field becomes.
#[derive(Clone, Copy)]
pub(super) enum Absent {
    /// It stays absent.
    Stays,
    /// It is the Go zero value, which the API server does not print: `""`, `0` and `false` are absent.
    Zero,
    /// An object with nothing but defaults in it.
    Empty,
    /// This text; an empty one is absent too.
    Text(&'static str),
    /// This number.
    Number(i64),
    /// This number; a zero is absent too.
    Positive(i64),
    /// This flag.
    Flag(bool),
    /// Whatever the cluster allocates.
    Allocated,
    /// What the function recognises as filled in.
    Filled(Fills),
    /// Likewise; `""`, `0` and `false` are absent too.
    Computed(Fills),
    /// The cluster's own, even where a manifest declares it.
    Ignored,
}

/// Tells whether an undeclared field's live value is what the API server fills in there.
pub(super) type Fills = fn(&Place<'_>, &Value) -> bool;

/// Tells whether an entry of a shared map or list belongs to the cluster or a deployer.
pub(super) type Owned = fn(&Place<'_>, &str, &Value) -> bool;

/// A pair of objects on the way down, for defaults that depend on other fields.
pub(super) struct Place<'a> {
    pub(super) declared: &'a Map<String, Value>,
    pub(super) live: &'a Map<String, Value>,
    pub(super) above: Option<&'a Self>,
    /// Whether it only matters if the two are the same.
    pub(super) comparing: bool,
}

impl<'a> Place<'a> {
    /// The pair of whole objects.
    pub(super) fn root(&self) -> &Self {
        let mut place = self;
        while let Some(above) = place.above {
            place = above;
        }
        place
    }

    /// The object's kind.
    pub(super) fn kind(&self) -> &str {
        self.root().declared.get("kind").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Absent {
    /// Tells whether a value that is there means the same as none. Empty lists and maps are no concern of this.
    pub(super) fn is(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Self::Zero | Self::Computed(_), Value::Bool(flag)) => !flag,
            (Self::Zero | Self::Computed(_) | Self::Positive(_), Value::Number(zero)) => zero.as_f64() == Some(0.0),
            (Self::Zero | Self::Computed(_) | Self::Text(_), Value::String(text)) => text.is_empty(),
            _ => false,
        }
    }

    /// The value that stands for an absent one, where it is always the same.
    pub(super) fn value(self) -> Option<Value> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Number(number) | Self::Positive(number) => Some(number.into()),
            Self::Flag(flag) => Some(flag.into()),
            _ => None,
        }
    }
}

/// The merge keys of the list that the tokens lead to.
pub(super) fn keys_at(fields: Fields, tokens: &[String]) -> Option<&'static [&'static str]> {
    let (token, rest) = tokens.split_first()?;
    match find(fields, token)?.shape {
        Shape::Object(fields) => keys_at(fields, rest),
        Shape::Keyed(keys, _) if rest.is_empty() => Some(keys),
        Shape::SharedList(_, keys) if rest.is_empty() && !keys.is_empty() => Some(keys),
        Shape::List(fields) | Shape::Set(fields) | Shape::Keyed(_, fields) => keys_at(fields, rest.get(1..)?),
        _ => None,
    }
}

/// The table's line for a field, if it has one.
pub(super) fn find(fields: Fields, name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

impl Field {
    const fn new(name: &'static str, shape: Shape, absent: Absent) -> Self {
        Self { name, shape, absent }
    }

    /// The same field with another meaning of its absence.
    pub(super) const fn or(self, absent: Absent) -> Self {
        Self { name: self.name, shape: self.shape, absent }
    }
}

/// A scalar that the API server does not print when it is `""`, `0` or `false`.
pub(super) const fn zero(name: &'static str) -> Field {
    Field::new(name, Shape::Plain, Absent::Zero)
}

/// A text with a default.
pub(super) const fn text(name: &'static str, default: &'static str) -> Field {
    Field::new(name, Shape::Plain, Absent::Text(default))
}

/// A number with a default; a declared zero is a zero.
pub(super) const fn number(name: &'static str, default: i64) -> Field {
    Field::new(name, Shape::Plain, Absent::Number(default))
}

/// A number with a default that also replaces a zero.
pub(super) const fn positive(name: &'static str, default: i64) -> Field {
    Field::new(name, Shape::Plain, Absent::Positive(default))
}

/// A boolean with a default.
pub(super) const fn flag(name: &'static str, default: bool) -> Field {
    Field::new(name, Shape::Plain, Absent::Flag(default))
}

/// A field whose undeclared value is the cluster's.
pub(super) const fn allocated(name: &'static str) -> Field {
    Field::new(name, Shape::Plain, Absent::Allocated)
}

/// A field that is the cluster's even where it is declared.
pub(super) const fn ignored(name: &'static str) -> Field {
    Field::new(name, Shape::Plain, Absent::Ignored)
}

/// A field whose undeclared value the function recognises.
pub(super) const fn filled(name: &'static str, by: Fills) -> Field {
    Field::new(name, Shape::Plain, Absent::Filled(by))
}

/// Likewise, for a field that the API server does not print when it is `""`, `0` or `false`.
pub(super) const fn computed(name: &'static str, by: Fills) -> Field {
    Field::new(name, Shape::Plain, Absent::Computed(by))
}

/// An object whose presence says something.
pub(super) const fn object(name: &'static str, fields: Fields) -> Field {
    Field::new(name, Shape::Object(fields), Absent::Stays)
}

/// An object that is the same as none when nothing but defaults is in it.
pub(super) const fn section(name: &'static str, fields: Fields) -> Field {
    Field::new(name, Shape::Object(fields), Absent::Empty)
}

/// A list that is replaced as a whole.
pub(super) const fn list(name: &'static str, fields: Fields) -> Field {
    Field::new(name, Shape::List(fields), Absent::Stays)
}

/// A list in which the order says nothing.
pub(super) const fn set(name: &'static str, fields: Fields) -> Field {
    Field::new(name, Shape::Set(fields), Absent::Stays)
}

/// A list whose items are identified by keys.
pub(super) const fn keyed(name: &'static str, keys: &'static [&'static str], fields: Fields) -> Field {
    Field::new(name, Shape::Keyed(keys, fields), Absent::Stays)
}

/// A quantity.
pub(super) const fn quantity(name: &'static str) -> Field {
    Field::new(name, Shape::Quantity, Absent::Stays)
}

/// A map of quantities.
pub(super) const fn quantities(name: &'static str) -> Field {
    Field::new(name, Shape::Quantities, Absent::Empty)
}

/// A map into which the cluster and deployers write too.
pub(super) const fn shared(name: &'static str, owned: Owned) -> Field {
    Field::new(name, Shape::Shared(owned), Absent::Empty)
}

/// A list into which the cluster writes too.
pub(super) const fn shared_list(name: &'static str, keys: &'static [&'static str], owned: Owned) -> Field {
    Field::new(name, Shape::SharedList(owned, keys), Absent::Stays)
}

/// A plain map that is the same as none when it is empty.
pub(super) const fn map(name: &'static str) -> Field {
    Field::new(name, Shape::Plain, Absent::Empty)
}
