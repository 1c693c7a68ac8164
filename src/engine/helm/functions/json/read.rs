//! JSON to values, as Go's `encoding/json` reads it, with Go's words for what is wrong.

use std::ops::Range;

use super::number;
use crate::{
    engine::helm::template::{
        context::{Context, MAX_NESTING},
        fault::Fault,
        value::{Datum, Element, List, Map, MapKind, Value},
    },
    source::{
        lineage::{
            sets::SetId,
            text::{MadeOf, Text, TextBuilder},
        },
        yaml::rope::Rope,
    },
};

/// Why a text is not read.
pub(in crate::engine::helm::functions) enum ReadError {
    /// Go says so.
    Syntax(String),
    /// The render stops.
    Fault(Fault),
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Reads a text. Beside the value stands the first number that is too large, in whose place the value is `nil`.
pub(in crate::engine::helm::functions) fn read(
    context: &mut Context,
    text: &Text,
) -> Result<(Value, Option<String>), ReadError> {
    let rope = Rope::new(text.clone());
    let mut reader = Reader { context, bytes: text.bytes(), rope: &rope, at: 0, depth: 0, overflow: None };
    let value = reader.value()?;
    match reader.next_token() {
        None => Ok((value, reader.overflow)),
        Some(c) => Err(unexpected(c, "after top-level value")),
    }
}

/// What the scalar of a range is made of, and what decided that it is there: verbatim only where its bytes are what Go prints
/// of it.
pub(in crate::engine::helm::functions) fn origin(
    context: &mut Context,
    rope: &Rope,
    range: Range<usize>,
    printed: &str,
) -> (MadeOf, SetId) {
    let mut slices = rope.slices(range.clone()).filter(|slice| !slice.range.is_empty());
    if let (Some(slice), None) = (slices.next(), slices.next())
        && rope.text().bytes()[range.clone()] == *printed.as_bytes()
    {
        return (slice.made_of, slice.control);
    }
    let flow = rope.flow(range, &mut context.sets);
    (MadeOf::Derived(flow.data), flow.control)
}

/// What a list or map of a range is made of, and what decided what is in it: what could have put more into it left a mark.
pub(in crate::engine::helm::functions) fn origin_of_container(
    context: &mut Context,
    rope: &Rope,
    range: Range<usize>,
    is_empty: bool,
) -> (MadeOf, SetId) {
    if is_empty {
        let flow = rope.flow(range, &mut context.sets);
        return (MadeOf::Derived(flow.data), flow.control);
    }
    let marks: Vec<SetId> =
        rope.slices(range).filter(|slice| slice.range.is_empty()).map(|slice| slice.control).collect();
    (MadeOf::NOTHING, context.sets.union_all(marks))
}

struct Reader<'c, 't> {
    context: &'c mut Context,
    bytes: &'t [u8],
    rope: &'t Rope,
    at: usize,
    depth: usize,
    overflow: Option<String>,
}

impl Reader<'_, '_> {
    fn value(&mut self) -> Result<Value, ReadError> {
        self.context.budget.step(1)?;
        let first = self.next_token();
        let start = self.at;
        match first {
            None => Err(end()),
            Some(b'{') => self.object(start),
            Some(b'[') => self.array(start),
            Some(b'"') => Ok(Value::text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(start),
            Some(b't') => self.literal(start, "true", Datum::Bool(true)),
            Some(b'f') => self.literal(start, "false", Datum::Bool(false)),
            Some(b'n') => self.literal(start, "null", Datum::Nil),
            Some(c) => Err(unexpected(c, "looking for beginning of value")),
        }
    }

    fn object(&mut self, start: usize) -> Result<Value, ReadError> {
        let map = Map::new(MapKind::Any);
        self.enter()?;
        if self.next_token() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                match self.next_token() {
                    None => return Err(end()),
                    Some(b'"') => {}
                    Some(c) => return Err(unexpected(c, "looking for beginning of object key string")),
                }
                let key = self.string()?;
                self.expect(b':', "after object key")?;
                let value = self.value()?;
                map.insert(key, value);
                match self.next_token() {
                    None => return Err(end()),
                    Some(b',') => self.at += 1,
                    Some(b'}') => break self.at += 1,
                    Some(c) => return Err(unexpected(c, "after object key:value pair")),
                }
            }
        }
        self.depth -= 1;
        let (made_of, control) = origin_of_container(self.context, self.rope, start..self.at, map.is_empty());
        Ok(Value { datum: Datum::Map(map), made_of, control })
    }

    fn array(&mut self, start: usize) -> Result<Value, ReadError> {
        let mut items = Vec::new();
        self.enter()?;
        if self.next_token() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                items.push(self.value()?);
                match self.next_token() {
                    None => return Err(end()),
                    Some(b',') => self.at += 1,
                    Some(b']') => break self.at += 1,
                    Some(c) => return Err(unexpected(c, "after array element")),
                }
            }
        }
        self.depth -= 1;
        self.context.budget.items(items.len())?;
        let (made_of, control) = origin_of_container(self.context, self.rope, start..self.at, items.is_empty());
        Ok(Value { datum: Datum::List(List::new(Element::Any, items)), made_of, control })
    }

    fn number(&mut self, start: usize) -> Result<Value, ReadError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            None => return Err(end()),
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            Some(c) => return Err(unexpected(c, "in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned();
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let datum = match number {
            Some(number) => Datum::Float(number),
            None => {
                self.overflow.get_or_insert(text);
                Datum::Nil
            }
        };
        let printed = number.map(number::shortest).unwrap_or_default();
        let (made_of, control) = origin(self.context, self.rope, start..self.at, &printed);
        Ok(Value { datum, made_of, control })
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, place: &str) -> Result<(), ReadError> {
        match self.peek() {
            None => Err(end()),
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            Some(c) => Err(unexpected(c, place)),
        }
    }

    fn literal(&mut self, start: usize, word: &str, datum: Datum) -> Result<Value, ReadError> {
        for expected in word.bytes() {
            match self.peek() {
                None => return Err(end()),
                Some(c) if c == expected => self.at += 1,
                Some(c) => {
                    return Err(unexpected(c, &format!("in literal {word} (expecting {})", quoted(expected))));
                }
            }
        }
        let (made_of, control) = origin(self.context, self.rope, start..self.at, word);
        Ok(Value { datum, made_of, control })
    }

    /// A string; what is written as it is keeps its pieces.
    fn string(&mut self) -> Result<Text, ReadError> {
        let open = self.at;
        self.at += 1;
        let mut builder = TextBuilder::default();
        let mut from = self.at;
        loop {
            match self.peek() {
                None => return Err(end()),
                Some(b'"') => break,
                Some(b'\\') => {
                    self.rope.push_slice(from..self.at, &mut builder);
                    let start = self.at;
                    let c = self.escape()?;
                    self.push_derived(&mut builder, c, start..self.at);
                    from = self.at;
                }
                Some(c) if c < 0x20 => return Err(unexpected(c, "in string literal")),
                Some(c) if c < 0x80 => self.at += 1,
                Some(_) => {
                    let width = self.character();
                    if width == 0 {
                        self.rope.push_slice(from..self.at, &mut builder);
                        self.at += 1;
                        self.push_derived(&mut builder, char::REPLACEMENT_CHARACTER, self.at - 1..self.at);
                        from = self.at;
                    }
                    self.at += width;
                }
            }
        }
        if builder.is_empty() && from == self.at {
            let flow = self.rope.flow(open..self.at + 1, &mut self.context.sets);
            builder.push_bytes(b"", MadeOf::Derived(flow.data), flow.control);
        }
        self.rope.push_slice(from..self.at, &mut builder);
        self.at += 1;
        Ok(builder.build())
    }

    fn push_derived(&mut self, builder: &mut TextBuilder, c: char, range: Range<usize>) {
        let flow = self.rope.flow(range, &mut self.context.sets);
        builder.push_bytes(c.encode_utf8(&mut [0; 4]).as_bytes(), MadeOf::Derived(flow.data), flow.control);
    }

    /// The width of the character at hand; nothing where it is not UTF-8.
    fn character(&self) -> usize {
        let bytes = &self.bytes[self.at..(self.at + 4).min(self.bytes.len())];
        bytes.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).map_or(0, char::len_utf8)
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        self.at += 1;
        let c = self.peek().ok_or_else(end)?;
        let plain = match c {
            b'"' | b'\\' | b'/' => char::from(c),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            c => return Err(unexpected(c, "in string escape code")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// The digits of `\u`; half a surrogate pair is U+FFFD.
    fn unicode(&mut self) -> Result<char, ReadError> {
        let high = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&high) && self.bytes[self.at..].starts_with(b"\\u") {
            let behind = self.at;
            self.at += 2;
            let low = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = behind;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u32, ReadError> {
        let mut code = 0;
        for _ in 0..4 {
            let c = self.peek().ok_or_else(end)?;
            let Some(digit) = char::from(c).to_digit(16) else {
                return Err(unexpected(c, "in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn enter(&mut self) -> Result<(), ReadError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(Fault::limit(format!("JSON is nested deeper than {MAX_NESTING} levels")).into());
        }
        Ok(())
    }

    fn expect(&mut self, expected: u8, place: &str) -> Result<(), ReadError> {
        match self.next_token() {
            None => Err(end()),
            Some(c) if c == expected => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(unexpected(c, place)),
        }
    }

    fn next_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.peek()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

fn end() -> ReadError {
    ReadError::Syntax("unexpected end of JSON input".to_owned())
}

fn unexpected(c: u8, place: &str) -> ReadError {
    ReadError::Syntax(format!("invalid character {} {place}", quoted(c)))
}

/// `quoteChar`: a byte as a quoted character of Latin-1.
fn quoted(c: u8) -> String {
    match c {
        b'\'' => "'\\''".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        0x07 => "'\\a'".to_owned(),
        0x08 => "'\\b'".to_owned(),
        0x0b => "'\\v'".to_owned(),
        0x0c => "'\\f'".to_owned(),
        0..=0x1f | 0x7f => format!("'\\x{c:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{c:04x}'"),
        c => format!("'{}'", char::from(c)),
    }
}
