//! `--set` and its kin: helm's `strvals`, which writes into the values that are there.
//!
//! `a.b=1,c={x,y},l[0].n=z`: keys between dots, indices in brackets, a backslash takes the next character as it is. Numbers
//! become `int64` unless they begin with a zero, `true`, `false` and `null` are what they say in any case, everything else is
//! text. What is not a map or list where one is needed makes helm fail.

use std::sync::Arc;

use super::{Argument, layers};
use crate::{
    engine::helm::{
        sources::{ArgumentKind, Problem},
        template::{
            context::Context,
            fault::Fault,
            leaf::{FileId, LayerId, Leaf, PathId},
            value::{Datum, Element, Entry, List, Map, MapKind, Value},
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// The largest index.
const MAX_INDEX: usize = 65_536;

/// The most keys of one path.
const MAX_KEYS: usize = 30;

/// Reads the file that an argument names.
pub(super) type ReadFile<'r> = dyn FnMut(&str) -> Result<(FileId, Arc<[u8]>), Problem> + 'r;

/// Writes an argument into values; says which paths it assigned.
pub(super) fn apply(
    argument: &Argument,
    layer: LayerId,
    values: &Map,
    context: &mut Context,
    read_file: &mut ReadFile<'_>,
) -> Result<Vec<Vec<String>>, Problem> {
    let mut parser =
        Parser { kind: argument.kind, text: &argument.text, at: 0, layer, context, read_file, assigned: Vec::new() };
    loop {
        match parser.key(values, PathId::ROOT, 0) {
            Ok(()) => {}
            Err(Stop::End) => break,
            Err(Stop::Failed(problem)) => {
                let option = match argument.kind {
                    ArgumentKind::SetJson => "--set-json",
                    ArgumentKind::Set => "--set",
                    ArgumentKind::SetString => "--set-string",
                    ArgumentKind::SetFile => "--set-file",
                    ArgumentKind::SetLiteral => "--set-literal",
                };
                let message = format!("failed parsing {option} {:?}: {}", argument.text, problem.fault.message);
                return Err(Problem { fault: Fault { message, ..problem.fault }, ..problem });
            }
        }
    }
    let Parser { assigned, context, .. } = parser;
    let keys = |path: PathId| context.paths.keys(path).into_iter().map(str::to_owned).collect();
    Ok(assigned.into_iter().map(keys).collect())
}

/// Why parsing stops.
enum Stop {
    /// Nothing is left: Go's `io.EOF`, which is a success at the outside and sometimes a silent loss inside.
    End,
    Failed(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

fn failed<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Fault::failed(why).into())
}

struct Parser<'p, 'r> {
    kind: ArgumentKind,
    text: &'p str,
    at: usize,
    layer: LayerId,
    context: &'p mut Context,
    read_file: &'p mut ReadFile<'r>,
    assigned: Vec<PathId>,
}

impl Parser<'_, '_> {
    fn next(&mut self) -> Option<char> {
        let c = self.text[self.at..].chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Text up to one of the characters, which is taken; without one, up to the end.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (text, Some(c));
            }
            if c == '\\' && self.kind != ArgumentKind::SetLiteral {
                // A lone backslash at the end is lost.
                text.extend(self.next());
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    fn leaf(&mut self, at: PathId) -> SetId {
        self.context.sets.leaf(Leaf::Node { layer: self.layer, at }).into()
    }

    /// Sets a key; an empty one is passed over.
    fn set(&mut self, data: &Map, key: &str, at: PathId, value: Value) {
        if !key.is_empty() {
            let leaf = self.context.sets.leaf(Leaf::Key { layer: self.layer, at });
            data.insert(Text::verbatim(key.as_bytes(), leaf), value);
        }
    }

    fn key(&mut self, data: &Map, above: PathId, depth: usize) -> Result<(), Stop> {
        self.context.budget.step(1)?;
        let stops: &[char] =
            if self.kind == ArgumentKind::SetLiteral { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        let at = self.context.paths.join(above, &key);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => failed(format!("key {key:?} has no value")),
            Some('[') => {
                let index = self.index()?;
                let entry = data.entry(key.as_bytes());
                let mut list = match &entry {
                    None => Vec::new(),
                    Some(Entry { value: Value { datum: Datum::List(list), .. }, .. }) => list.items.to_vec(),
                    Some(Entry { value, .. }) => {
                        return failed(format!("{key} is {}, not a list", value.type_name()));
                    }
                };
                let result = self.item(&mut list, at, index, depth);
                let own = self.leaf(at);
                let before = entry.map_or(SetId::EMPTY, |entry| entry.value.made_of.set());
                let made_of = MadeOf::Derived(self.context.sets.union(before, own));
                self.set(data, &key, at, list_of(list, made_of));
                result
            }
            Some('=') => {
                let (value, result) = self.value(at)?;
                self.set(data, &key, at, value);
                result
            }
            Some(',') => failed(format!("key {key:?} has no value (cannot end with ,)")),
            Some(_) => {
                if depth + 1 > MAX_KEYS {
                    return failed(format!("a path has more than {MAX_KEYS} keys"));
                }
                let entry = data.entry(key.as_bytes());
                let inner = match &entry {
                    None => Map::new(MapKind::Any),
                    Some(Entry { value: Value { datum: Datum::Map(map), .. }, .. }) => map.clone(),
                    Some(Entry { value, .. }) => return failed(format!("{key} is {}, not a map", value.type_name())),
                };
                let result = self.key(&inner, at, depth + 1);
                if result.is_ok() && inner.is_empty() {
                    return failed(format!("key map {key:?} has no value"));
                }
                if !inner.is_empty() {
                    let own = self.leaf(at);
                    let before = entry.map_or(SetId::EMPTY, |entry| entry.value.made_of.set());
                    let made_of = MadeOf::Derived(self.context.sets.union(before, own));
                    self.set(data, &key, at, Value::new(Datum::Map(inner), made_of));
                }
                result
            }
        }
    }

    /// The number between the brackets.
    fn index(&mut self) -> Result<i64, Stop> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return failed("error parsing index: no \"]\"");
        }
        text.parse().or_else(|_| failed(format!("error parsing index: {text:?} is no number")))
    }

    /// What follows an index: `=`, another index or a key.
    fn item(&mut self, list: &mut Vec<Value>, above: PathId, index: i64, depth: usize) -> Result<(), Stop> {
        let Ok(index) = usize::try_from(index) else { return failed(format!("negative {index} index not allowed")) };
        let at = self.context.paths.join(above, &index.to_string());
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return failed(format!("unexpected data at end of array index: {text:?}"));
        }
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let (value, _) = self.value(at)?;
                self.set_index(list, index, value)
            }
            Some('[') => {
                let next = self.index()?;
                let (mut inner, before) = match list.get(index) {
                    None => (Vec::new(), SetId::EMPTY),
                    Some(value) => match &value.datum {
                        Datum::Nil => (Vec::new(), SetId::EMPTY),
                        Datum::List(list) => (list.items.to_vec(), value.made_of.set()),
                        _ => return failed(format!("item {index} is {}, not a list", value.type_name())),
                    },
                };
                self.context.budget.step(1)?;
                if depth >= MAX_KEYS {
                    return Err(Fault::limit("too many indices in a row").into());
                }
                self.item(&mut inner, at, next, depth + 1)?;
                let own = self.leaf(at);
                let made_of = MadeOf::Derived(self.context.sets.union(before, own));
                self.set_index(list, index, list_of(inner, made_of))
            }
            Some(_) => {
                let own = MadeOf::Derived(self.leaf(at));
                let inner = match list.get(index) {
                    None => Value::new(Datum::Map(Map::new(MapKind::Any)), own),
                    Some(value @ Value { datum: Datum::Map(_), .. }) => value.clone(),
                    Some(_) => {
                        list[index] = Value::new(Datum::Map(Map::new(MapKind::Any)), own);
                        list[index].clone()
                    }
                };
                if let Datum::Map(map) = &inner.datum {
                    self.key(map, at, depth)?;
                }
                self.set_index(list, index, inner)
            }
        }
    }

    fn set_index(&mut self, list: &mut Vec<Value>, index: usize, value: Value) -> Result<(), Stop> {
        if index > MAX_INDEX {
            return failed(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}"));
        }
        if list.len() <= index {
            self.context.budget.items(index + 1 - list.len())?;
            list.resize_with(index + 1, Value::nil);
        }
        list[index] = value;
        Ok(())
    }

    /// The value behind `=`, and how its parsing ended.
    fn value(&mut self, at: PathId) -> Result<(Value, Result<(), Stop>), Stop> {
        match self.kind {
            ArgumentKind::SetLiteral => {
                let text = self.text[self.at..].to_owned();
                self.at = self.text.len();
                Ok((self.scalar(text, at)?, Ok(())))
            }
            ArgumentKind::SetJson => {
                if self.skip_blanks() {
                    self.assigned.push(at);
                    let leaf = self.context.sets.leaf(Leaf::Node { layer: self.layer, at });
                    return Ok((Value::new(Datum::Nil, MadeOf::Verbatim { leaf, offset: 0 }), Ok(())));
                }
                let rest = &self.text[self.at..];
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
                let json = match values.next() {
                    Some(Ok(json)) => json,
                    Some(Err(error)) => return failed(error.to_string()),
                    None => return failed("a JSON value is missing"),
                };
                self.at += values.byte_offset();
                self.skip_blanks();
                self.assigned.push(at);
                Ok((layers::value(&json, self.layer, at, self.context), Ok(())))
            }
            _ => match self.text[self.at..].chars().next() {
                None => Ok((self.constant(String::new(), at), Err(Stop::End))),
                Some('{') => {
                    self.at += 1;
                    Ok((self.list(at)?, Ok(())))
                }
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    Ok((self.scalar(text, at)?, Ok(())))
                }
            },
        }
    }

    /// The items up to `}`.
    fn list(&mut self, at: PathId) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return failed("list must terminate with '}'");
            }
            self.context.budget.items(1)?;
            let item = self.context.paths.join(at, &items.len().to_string());
            let value = self.scalar(text, item)?;
            items.push(value);
            if stop == Some('}') {
                if self.text[self.at..].starts_with(',') {
                    self.at += 1;
                }
                self.assigned.push(at);
                let own = MadeOf::Derived(self.leaf(at));
                return Ok(list_of(items, own));
            }
        }
    }

    /// Skips white space and one comma; tells whether there was a comma, or nothing at all.
    fn skip_blanks(&mut self) -> bool {
        loop {
            let before = self.at;
            match self.next() {
                None | Some(',') => return true,
                Some(c) if c.is_whitespace() => {}
                Some(_) => {
                    self.at = before;
                    return false;
                }
            }
        }
    }

    /// A value by the kind of argument.
    fn scalar(&mut self, text: String, at: PathId) -> Result<Value, Stop> {
        if self.kind == ArgumentKind::SetFile {
            let (file, content) = (self.read_file)(&text)?;
            self.assigned.push(at);
            let leaf = self.context.sets.leaf(Leaf::File(file));
            return Ok(Value::new(Datum::Text(Text::verbatim(&content, leaf)), MadeOf::Verbatim { leaf, offset: 0 }));
        }
        let leaf = self.context.sets.leaf(Leaf::Node { layer: self.layer, at });
        let datum = if self.kind == ArgumentKind::Set { typed(&text) } else { None };
        match datum {
            Some(datum) => {
                self.assigned.push(at);
                Ok(Value::new(datum, MadeOf::Verbatim { leaf, offset: 0 }))
            }
            None => Ok(self.constant(text, at)),
        }
    }

    /// A text of the argument itself.
    fn constant(&mut self, text: String, at: PathId) -> Value {
        self.assigned.push(at);
        let leaf = self.context.sets.leaf(Leaf::Node { layer: self.layer, at });
        Value::new(Datum::Text(Text::verbatim(text.as_bytes(), leaf)), MadeOf::Verbatim { leaf, offset: 0 })
    }
}

fn list_of(items: Vec<Value>, made_of: MadeOf) -> Value {
    Value::new(Datum::List(List::new(Element::Any, items)), made_of)
}

/// `typedVal`: what is not text.
fn typed(text: &str) -> Option<Datum> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") || is("false") {
        return Some(Datum::Bool(is("true")));
    }
    if is("null") {
        return Some(Datum::Nil);
    }
    if text == "0" {
        return Some(Datum::Int64(0));
    }
    if text.starts_with('0') { None } else { text.parse().ok().map(Datum::Int64) }
}
