//! Values of templates: what Go's `reflect` sees in them, and what they are made of.

pub mod changes;
pub mod reads;
mod sorted;

use std::{
    any::Any,
    cell::{Ref, RefCell, RefMut},
    fmt,
    rc::Rc,
};

use super::{
    context::Context,
    fault::Fault,
    leaf::{Leaf, PathId},
};
use crate::source::lineage::{
    sets::{Flow, SetId},
    text::{MadeOf, Text},
};
use reads::{Part, Watch};
use sorted::Sorted;

/// A value and its origins. Cheap to clone; maps are shared, as in Go.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub datum: Datum,
    /// What it is made of. A text's pieces say it for their bytes, and this for the text as a whole: it counts where
    /// there are no bytes. A container's items say it for themselves, and this for the container.
    pub made_of: MadeOf,
    /// What decided that it is this value.
    pub control: SetId,
}

/// What a value is, by its Go type.
#[derive(Clone, Debug)]
pub enum Datum {
    /// `nil`; also what a map answers for a key that it does not have.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: constants, `len`, `int`.
    Int(i64),
    /// `int64`: sprig's arithmetic, `--set`.
    Int64(i64),
    /// `uint64`: the numbers of a `semver`.
    Uint64(u64),
    /// `uint8`: an indexed string.
    Byte(u8),
    /// `int32`: a character constant has type `int`, so only Go's own conversions make these.
    Rune(i32),
    /// `float64`: every number of a values file.
    Float(f64),
    /// `string`: bytes, which need not be UTF-8.
    Text(Text),
    /// `[]byte`: the content of a file.
    Bytes(Text),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A struct or another type with methods: `.Chart`, `.Files`, a time, a version.
    Object(Rc<dyn Object>),
}

/// A slice and the type of its items.
#[derive(Clone, Debug)]
pub struct List {
    /// The type of its items.
    pub element: Element,
    /// The items.
    pub items: Rc<Vec<Value>>,
    /// Whether it is Go's `nil` of its type: empty as any other, but `null` in JSON and equal to `nil`.
    pub is_nil: bool,
}

/// The type of a slice's or map's items, as `typeOf` and type checks tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `interface {}`.
    Any,
    /// `string`.
    Text,
    /// `int`.
    Int,
    /// `float64`.
    Float,
    /// `map[string]interface {}`.
    Map,
    /// `[]interface {}`: what `chunk` makes.
    List,
    /// `uint8`: of Go's `nil` alone, as bytes are [`Datum::Bytes`].
    Byte,
}

/// A map with string keys, shared by all values that hold it. Its type belongs to who holds it: a subchart's values are
/// `chartutil.Values` to the subchart and a plain map to its parent.
#[derive(Clone, Debug)]
pub struct Map {
    kind: MapKind,
    is_nil: bool,
    shared: Rc<RefCell<Entries>>,
}

/// The content of a map.
#[derive(Clone, Debug, Default)]
struct Entries {
    /// The entries in the order of `range`: by bytes.
    entries: Sorted,
    /// Where in the outermost chart's values a missing key of this map would be set; empty for maps that are made in
    /// templates.
    places: Vec<PathId>,
    /// What decided which keys there are, for everyone who holds the map: conditions around calls of `set` on it.
    control: SetId,
    /// Who wants to know what is asked of the map.
    watch: Option<Watch>,
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key with its origin.
    pub key: Text,
    /// The value.
    pub value: Value,
}

/// The Go type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`.
    Any,
    /// `chartutil.Values`: `.Values` itself, not the maps below it.
    Values,
    /// `map[string]string`: `split`, annotations.
    Text,
}

/// A Go struct or another type with methods. Functions find their own types again through [`Any`].
pub trait Object: Any + fmt::Debug {
    /// The type as `typeOf` prints it: `*semver.Version`.
    fn type_name(&self) -> &'static str;

    /// The kind as `kindOf` prints it: `ptr`, `struct`, `map`, `slice`.
    fn kind(&self) -> &'static str;

    /// A field; absent where the type has none of that name.
    fn field(&self, name: &str) -> Option<Value>;

    /// Calls a method; absent where the type has none of that name.
    fn call(&self, name: &str, arguments: &[Value], context: &mut Context) -> Option<Result<Value, Fault>>;

    /// Whether `if` takes it for true.
    fn is_true(&self) -> bool;

    /// What `%v` prints.
    fn print(&self, context: &mut Context) -> Result<Text, Fault>;

    /// What an action prints, where that is not what `%v` prints: Go then takes the address of a field and finds `String`.
    fn print_in_action(&self, context: &mut Context) -> Result<Text, Fault> {
        self.print(context)
    }

    /// The order in which `toJson` prints the keys of [`Object::json`], where it is not sorted: a struct's.
    fn json_keys(&self) -> Option<Vec<&'static str>> {
        None
    }

    /// What `toJson` and `toYaml` see: a map, list or scalar, in which there may be objects again.
    fn json(&self, context: &mut Context) -> Result<Value, Fault>;

    /// The entries, where the type is a map or slice: `range`, `index` and `len` see them. A fault where they are not known.
    fn entries(&self) -> Option<Result<Vec<(Value, Value)>, Fault>> {
        None
    }

    /// The values that it gives out, where it has any.
    fn held(&self) -> Vec<&Value> {
        Vec::new()
    }

    /// Tells whether another of an earlier render is the same, apart from what both hold.
    fn is_same(&self, _: &dyn Object) -> bool {
        false
    }
}

impl Value {
    /// A value that the program itself made.
    pub fn plain(datum: Datum) -> Self {
        Self { datum, made_of: MadeOf::NOTHING, control: SetId::EMPTY }
    }

    /// A value made of something.
    pub fn new(datum: Datum, made_of: MadeOf) -> Self {
        Self { datum, made_of, control: SetId::EMPTY }
    }

    /// `nil` that nothing made.
    pub fn nil() -> Self {
        Self::plain(Datum::Nil)
    }

    /// A text; its pieces say what it is made of.
    pub fn text(text: Text) -> Self {
        Self::plain(Datum::Text(text))
    }

    /// A list of `interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::plain(Datum::List(List::new(Element::Any, items)))
    }

    /// A list of `string`.
    pub fn texts(items: Vec<Text>) -> Self {
        let items = Rc::new(items.into_iter().map(Self::text).collect());
        Self::plain(Datum::List(List::new(Element::Text, items)))
    }

    /// The same value, which something more decided.
    pub fn under(mut self, control: SetId, context: &mut Context) -> Self {
        self.control = context.sets.union(self.control, control);
        self
    }

    /// The leaves of the value itself: of a text with its pieces, of a container without its items.
    pub fn flow(&self, context: &mut Context) -> Flow {
        let mut flow = Flow { data: self.made_of.set(), control: self.control };
        if let Datum::Text(text) | Datum::Bytes(text) = &self.datum {
            match text.pieces() {
                [] => {}
                [one] => {
                    flow = context.sets.join(flow, Flow { data: one.made_of.set(), control: one.control });
                }
                pieces => {
                    let data = pieces.iter().map(|piece| piece.made_of.set()).chain([flow.data]);
                    flow.data = context.sets.union_all(data);
                    let control = pieces.iter().map(|piece| piece.control).chain([flow.control]);
                    flow.control = context.sets.union_all(control);
                }
            }
        }
        if let Datum::Map(map) = &self.datum {
            flow.control = context.sets.union(flow.control, map.control());
        }
        flow
    }

    /// The leaves of the value and of everything in it, keys included.
    ///
    /// # Errors
    /// A limit for values that are nested too deeply or too large.
    pub fn deep_flow(&self, context: &mut Context) -> Result<Flow, Fault> {
        let mut flow = Flow::default();
        self.add_deep_flow(&mut flow, context, 0)?;
        Ok(flow)
    }

    fn add_deep_flow(&self, flow: &mut Flow, context: &mut Context, depth: usize) -> Result<(), Fault> {
        if depth > super::context::MAX_NESTING {
            return Err(Fault::limit("a value is nested too deeply, or in itself"));
        }
        context.budget.step(1)?;
        let own = self.flow(context);
        *flow = context.sets.join(*flow, own);
        match &self.datum {
            Datum::List(list) => {
                for item in list.items.iter() {
                    item.add_deep_flow(flow, context, depth + 1)?;
                }
            }
            Datum::Map(map) => {
                for entry in map.snapshot() {
                    let key = Self::text(entry.key).flow(context);
                    *flow = context.sets.join(*flow, key);
                    entry.value.add_deep_flow(flow, context, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether `if` takes it for true: Go's `template.IsTrue`.
    pub fn is_true(&self) -> bool {
        match &self.datum {
            Datum::Nil => false,
            Datum::Bool(value) => *value,
            Datum::Int(value) | Datum::Int64(value) => *value != 0,
            Datum::Uint64(value) => *value != 0,
            Datum::Byte(value) => *value != 0,
            Datum::Rune(value) => *value != 0,
            Datum::Float(value) => *value != 0.0,
            Datum::Text(text) | Datum::Bytes(text) => !text.is_empty(),
            Datum::List(list) => !list.items.is_empty(),
            Datum::Map(map) => !map.is_empty(),
            Datum::Object(object) => object.is_true(),
        }
    }

    /// The Go type, as `typeOf` and `%T` print it.
    pub fn type_name(&self) -> &'static str {
        match &self.datum {
            Datum::Nil => "<nil>",
            Datum::Bool(_) => "bool",
            Datum::Int(_) => "int",
            Datum::Int64(_) => "int64",
            Datum::Uint64(_) => "uint64",
            Datum::Byte(_) => "uint8",
            Datum::Rune(_) => "int32",
            Datum::Float(_) => "float64",
            Datum::Text(_) => "string",
            Datum::Bytes(_) => "[]uint8",
            Datum::List(list) => match list.element {
                Element::Any => "[]interface {}",
                Element::Text => "[]string",
                Element::Int => "[]int",
                Element::Float => "[]float64",
                Element::Map => "[]map[string]interface {}",
                Element::List => "[][]interface {}",
                Element::Byte => "[]uint8",
            },
            Datum::Map(map) => match map.kind() {
                MapKind::Any => "map[string]interface {}",
                MapKind::Values => "chartutil.Values",
                MapKind::Text => "map[string]string",
            },
            Datum::Object(object) => object.type_name(),
        }
    }

    /// The Go kind, as `kindOf` prints it.
    pub fn kind(&self) -> &'static str {
        match &self.datum {
            Datum::Nil => "invalid",
            Datum::Bool(_) => "bool",
            Datum::Int(_) => "int",
            Datum::Int64(_) => "int64",
            Datum::Uint64(_) => "uint64",
            Datum::Byte(_) => "uint8",
            Datum::Rune(_) => "int32",
            Datum::Float(_) => "float64",
            Datum::Text(_) => "string",
            Datum::Bytes(_) | Datum::List(_) => "slice",
            Datum::Map(_) => "map",
            Datum::Object(object) => object.kind(),
        }
    }
}

impl Datum {
    /// Tells whether it is Go's `nil` of its type.
    pub fn is_nil_of_its_type(&self) -> bool {
        match self {
            Self::List(list) => list.is_nil,
            Self::Map(map) => map.is_nil(),
            _ => false,
        }
    }
}

impl List {
    /// A slice of these items.
    pub fn new(element: Element, items: impl Into<Rc<Vec<Value>>>) -> Self {
        Self { element, items: items.into(), is_nil: false }
    }

    /// The slice that Go has where none was ever made.
    pub fn nil(element: Element) -> Self {
        Self { element, items: Rc::default(), is_nil: true }
    }
}

impl Map {
    /// An empty map.
    pub fn new(kind: MapKind) -> Self {
        Self { kind, is_nil: false, shared: Rc::default() }
    }

    /// The map that Go has where none was ever made: empty as any other, but `null` in JSON and equal to `nil`.
    pub fn nil(kind: MapKind) -> Self {
        Self { is_nil: true, ..Self::new(kind) }
    }

    /// Its Go type.
    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// Whether it is Go's `nil` of its type.
    pub fn is_nil(&self) -> bool {
        self.is_nil
    }

    /// The same map, held as another type.
    pub fn held_as(&self, kind: MapKind) -> Self {
        Self { kind, ..self.clone() }
    }

    /// Tells whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.asked(|| Part::PRESENCE).entries.len() == 0
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.asked(|| Part::COUNT).entries.len()
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.asked(|| Part::key(key)).entries.get(key).map(|entry| entry.value.clone())
    }

    /// The entry of a key.
    pub fn entry(&self, key: &[u8]) -> Option<Entry> {
        self.asked(|| Part::key(key)).entries.get(key).cloned()
    }

    /// What a template reads under a key: the entry with the control of the value that holds the map, or else Go's zero
    /// value, made of the places where the key would be set.
    pub fn read(&self, holder: &Value, key: &[u8], context: &mut Context) -> Value {
        if let Some(value) = self.get(key) {
            return value.under(holder.control, context);
        }
        let key = String::from_utf8_lossy(key);
        let places = self.places();
        let absent = places.into_iter().map(|place| {
            let at = context.paths.join(place, &key);
            SetId::from(context.sets.leaf(Leaf::Absent { at }))
        });
        let absent: Vec<SetId> = absent.collect();
        let made_of = match absent[..] {
            [] => MadeOf::Derived(holder.made_of.set()),
            _ => MadeOf::Derived(context.sets.union_all(absent)),
        };
        let control = context.sets.union(holder.control, self.control());
        let datum = match self.kind() {
            MapKind::Text => Datum::Text(Text::new(b"", made_of)),
            MapKind::Any | MapKind::Values => Datum::Nil,
        };
        Value { datum, made_of, control }
    }

    /// Sets a key, for everyone who holds the map.
    pub fn insert(&self, key: Text, value: Value) {
        self.written().entries.insert(Entry { key, value });
    }

    /// Removes a key, for everyone who holds the map.
    pub fn remove(&self, key: &[u8]) -> Option<Entry> {
        self.written().entries.remove(key)
    }

    /// The entries as they are now, in the order of `range`.
    pub fn snapshot(&self) -> Vec<Entry> {
        self.asked(|| Part::ALL).entries.to_vec()
    }

    /// Where in the outermost chart's values a missing key would be set.
    pub fn places(&self) -> Vec<PathId> {
        self.asked(|| Part::LACK).places.clone()
    }

    /// Says where in the outermost chart's values a missing key would be set.
    pub fn set_places(&self, places: Vec<PathId>) {
        self.written().places = places;
    }

    /// What decided which keys there are.
    pub fn control(&self) -> SetId {
        self.asked(|| Part::LACK).control
    }

    /// Says that something more decided which keys there are.
    pub fn add_control(&self, control: SetId, context: &mut Context) {
        let mut entries = self.written();
        entries.control = context.sets.union(entries.control, control);
    }

    /// Says that something more decided an entry's value, if it is there.
    pub fn add_entry_control(&self, key: &[u8], control: SetId, context: &mut Context) {
        if let Some(entry) = self.written().entries.get_mut(key) {
            entry.value.control = context.sets.union(entry.value.control, control);
        }
    }

    /// Tells whether both are one map.
    pub fn is(&self, other: &Self) -> bool {
        drop((self.asked(|| Part::LACK), other.asked(|| Part::LACK)));
        Rc::ptr_eq(&self.shared, &other.shared)
    }

    /// Another map of the same type with the same entries, whose values are shared.
    pub fn shallow_copy(&self) -> Self {
        let copy = Entries { watch: None, ..self.asked(|| Part::ALL).clone() };
        Self { kind: self.kind, is_nil: self.is_nil, shared: Rc::new(RefCell::new(copy)) }
    }

    /// Another map of the same type with the same keys, of which each entry is made of the one here.
    ///
    /// # Errors
    /// The first that making an entry gives.
    pub fn try_map<E>(&self, of: impl FnMut(&Entry) -> Result<Entry, E>) -> Result<Self, E> {
        let shared = self.asked(|| Part::ALL);
        let entries = shared.entries.try_map(of)?;
        let copy = Entries { entries, places: shared.places.clone(), control: shared.control, watch: None };
        Ok(Self { kind: self.kind, is_nil: self.is_nil, shared: Rc::new(RefCell::new(copy)) })
    }

    /// Lets go of all entries, so that a map which holds itself can be freed.
    pub fn clear(&self) {
        self.written().entries.clear();
    }

    /// Lets somebody know from now on what is asked of the map.
    pub fn watch(&self, watch: Watch) {
        self.shared.borrow_mut().watch = Some(watch);
    }

    /// The map's number, where it is watched.
    pub fn watched(&self) -> Option<u32> {
        self.shared.borrow().watch.as_ref().map(|watch| watch.map)
    }

    /// The content, of which a part is asked for.
    fn asked(&self, part: impl FnOnce() -> Part) -> Ref<'_, Entries> {
        let entries = self.shared.borrow();
        if let Some(watch) = &entries.watch {
            watch.read(part());
        }
        entries
    }

    /// The content, to be written to.
    fn written(&self) -> RefMut<'_, Entries> {
        let entries = self.shared.borrow_mut();
        if let Some(watch) = &entries.watch {
            watch.written();
        }
        entries
    }
}
