//! What kinds of values there are.

use std::{fmt, rc::Rc};

/// The type of a value, or what a value has to be (go-cty's `Type`). Cheap to clone and, where shared, to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Not decided: `any` in a constraint, and the type of an unknown value of which not even the type is known.
    Dynamic,
    /// `true` and `false`.
    Bool,
    /// Numbers.
    Number,
    /// Text.
    String,
    /// Any number of values of one type, in order.
    List(Rc<Self>),
    /// Any number of different values of one type.
    Set(Rc<Self>),
    /// Values of one type, by their keys.
    Map(Rc<Self>),
    /// Values of a type each, in order: what `[…]` makes.
    Tuple(Rc<Vec<Self>>),
    /// Values of a type each, by their names: what `{…}` makes.
    Object(Rc<Object>),
}

/// The attributes of an object type, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Object {
    attributes: Vec<Attribute>,
    /// The address of the resource or block that it is, where its provider may know more attributes than the configuration
    /// says.
    open: Option<Rc<str>>,
}

/// One attribute of an object type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: Rc<str>,
    /// Its type.
    pub ty: Type,
    /// Whether a value without it becomes one with null. Only constraints have such attributes, never a value's own type.
    pub is_optional: bool,
}

impl Type {
    /// A list of such elements.
    pub fn list(element: Self) -> Self {
        Self::List(Rc::new(element))
    }

    /// A set of such elements.
    pub fn set(element: Self) -> Self {
        Self::Set(Rc::new(element))
    }

    /// A map to such elements.
    pub fn map(element: Self) -> Self {
        Self::Map(Rc::new(element))
    }

    /// A tuple of these.
    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::Tuple(Rc::new(elements.into_iter().collect()))
    }

    /// An object with these attributes, all required, the last of a name winning.
    pub fn object(attributes: impl IntoIterator<Item = (Rc<str>, Self)>) -> Self {
        Self::constraint(attributes.into_iter().map(|(name, ty)| Attribute { name, ty, is_optional: false }))
    }

    /// An object with these attributes, some of them optional, the last of a name winning.
    pub fn constraint(attributes: impl IntoIterator<Item = Attribute>) -> Self {
        let mut attributes: Vec<Attribute> = attributes.into_iter().collect();
        attributes.reverse();
        attributes.sort_by(|a, b| a.name.cmp(&b.name));
        attributes.dedup_by(|later, earlier| later.name == earlier.name);
        Self::Object(Rc::new(Object { attributes, open: None }))
    }

    /// The same object type as that of a resource or block of which its provider may know more attributes.
    #[must_use]
    pub fn opened(&self, address: Rc<str>) -> Self {
        match self {
            Self::Object(object) => {
                Self::Object(Rc::new(Object { attributes: object.attributes.clone(), open: Some(address) }))
            }
            ty => ty.clone(),
        }
    }

    /// Tells whether its provider may know more attributes of it.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Object(object) if object.open.is_some())
    }

    /// Tells whether it, or a type within it, is one of which its provider may know more attributes.
    pub fn has_open(&self) -> bool {
        match self {
            Self::Dynamic | Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_open(),
            Self::Tuple(elements) => elements.iter().any(Self::has_open),
            Self::Object(object) => {
                object.open.is_some() || object.attributes.iter().any(|attribute| attribute.ty.has_open())
            }
        }
    }

    /// The type of the elements of a list, set or map.
    pub fn element(&self) -> Option<&Self> {
        match self {
            Self::List(element) | Self::Set(element) | Self::Map(element) => Some(element),
            _ => None,
        }
    }

    /// Tells whether it is a bool, number or string.
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Tells whether it is a list, set or map.
    pub fn is_collection(&self) -> bool {
        self.element().is_some()
    }

    /// Tells whether it, or a type within it, is not decided.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(object) => object.attributes.iter().any(|attribute| attribute.ty.has_dynamic()),
        }
    }

    /// The same type with every attribute required, at every depth.
    #[must_use]
    pub fn without_optional(&self) -> Self {
        if !self.has_optional() {
            return self.clone();
        }
        match self {
            Self::Dynamic | Self::Bool | Self::Number | Self::String => self.clone(),
            Self::List(element) => Self::list(element.without_optional()),
            Self::Set(element) => Self::set(element.without_optional()),
            Self::Map(element) => Self::map(element.without_optional()),
            Self::Tuple(elements) => Self::tuple(elements.iter().map(Self::without_optional)),
            Self::Object(object) => Self::object(
                object.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.ty.without_optional())),
            ),
        }
    }

    fn has_optional(&self) -> bool {
        match self {
            Self::Dynamic | Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_optional(),
            Self::Tuple(elements) => elements.iter().any(Self::has_optional),
            Self::Object(object) => {
                object.attributes.iter().any(|attribute| attribute.is_optional || attribute.ty.has_optional())
            }
        }
    }

    /// Tells whether a value of this type is one of `wanted` as it stands: equal but for what `wanted` leaves open, and
    /// for optional attributes (go-cty's `TestConformance`).
    pub fn conforms_to(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (_, Self::Dynamic) => true,
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) | (Self::Map(a), Self::Map(b)) => {
                a.conforms_to(b)
            }
            (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.conforms_to(b))
            }
            (Self::Object(a), Self::Object(b)) => {
                a.attributes.len() == b.attributes.len()
                    && a.attributes.iter().zip(&b.attributes).all(|(a, b)| a.name == b.name && a.ty.conforms_to(&b.ty))
            }
            _ => self == wanted,
        }
    }

    /// How many types there are within it and itself.
    pub fn size(&self) -> usize {
        1 + match self {
            Self::Dynamic | Self::Bool | Self::Number | Self::String => 0,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.size(),
            Self::Tuple(elements) => elements.iter().map(Self::size).sum(),
            Self::Object(object) => object.attributes.iter().map(|attribute| attribute.ty.size()).sum(),
        }
    }

    /// What messages call it: `list of string`, `object`.
    pub fn friendly(&self) -> String {
        self.named("dynamic")
    }

    /// The same of a type that a value has to have: `any type` where that is open.
    pub fn friendly_constraint(&self) -> String {
        self.named("any type")
    }

    fn named(&self, dynamic: &str) -> String {
        let of = |kind: &str, element: &Self| {
            format!(
                "{kind} of {}",
                if *element == Self::Dynamic && dynamic == "any type" {
                    "any single type".to_owned()
                } else {
                    element.named(dynamic)
                }
            )
        };
        match self {
            Self::Dynamic => dynamic.to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Number => "number".to_owned(),
            Self::String => "string".to_owned(),
            Self::List(element) => of("list", element),
            Self::Set(element) => of("set", element),
            Self::Map(element) => of("map", element),
            Self::Tuple(_) => "tuple".to_owned(),
            Self::Object(_) => "object".to_owned(),
        }
    }
}

/// Which resource it is does not count: the instances of one resource are of one type.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.attributes == other.attributes && self.open.is_some() == other.open.is_some()
    }
}

impl Eq for Object {}

impl Object {
    /// The attributes, sorted by name.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The address of the resource or block that it is, where its provider may know more attributes.
    pub fn open(&self) -> Option<&str> {
        self.open.as_deref()
    }

    /// The attribute of a name.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        let at = self.attributes.binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()?;
        Some(&self.attributes[at])
    }
}

/// As Terraform writes type constraints: `list(string)`, `object({a=string})`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynamic => f.write_str("dynamic"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("])")
            }
            Self::Object(object) => {
                f.write_str("object({")?;
                for (index, Attribute { name, ty, is_optional }) in object.attributes.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    if *is_optional {
                        write!(f, "{comma}{name}=optional({ty})")?;
                    } else {
                        write!(f, "{comma}{name}={ty}")?;
                    }
                }
                f.write_str("})")
            }
        }
    }
}
