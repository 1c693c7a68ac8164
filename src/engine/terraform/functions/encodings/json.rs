//! JSON as Terraform writes and reads it: keys sorted, no spaces, `<`, `>` and `&` escaped; objects and tuples come back.

use super::decoded::{Source, as_json};
use crate::{
    engine::{
        go::quote::quoted,
        terraform::{
            budget::MAX_DEPTH,
            context::Context,
            convert::digits_cost,
            functions::argument::{string, text},
            leaf::{PathId, Says},
            number::Number,
            problem::Problem,
            types::Type,
            value::{Datum, Entry, Value},
        },
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text, TextBuilder},
    },
};

/// `jsonencode`: the answer carries the value that it encodes.
pub(super) fn encode(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let value = &arguments[0];
    if let Some(reason) = value.reason() {
        let prefix = match value.ty() {
            _ if !value.is_not_null() => "",
            Type::String => "\"",
            Type::Object(_) | Type::Map(_) => "{",
            Type::Tuple(_) | Type::List(_) | Type::Set(_) => "[",
            _ => "",
        };
        let flow = value.whole_flow(&mut context.sets);
        let unknown = Value::unknown_of(ty.clone(), reason.clone()).with_flow(flow);
        return Ok(unknown.refined(|refinement| refinement.with_prefix(prefix)));
    }
    let text = text_of(context, value)?;
    Ok(Value::encoding(text, Some(value.clone())))
}

/// The JSON of a known value.
pub(super) fn text_of(context: &mut Context<'_>, value: &Value) -> Result<Text, Problem> {
    let mut writer = Writer { context, out: TextBuilder::default() };
    writer.value(value)?;
    Ok(writer.out.build())
}

struct Writer<'c, 't> {
    context: &'c mut Context<'t>,
    out: TextBuilder,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), Problem> {
        self.context.budget.step(1)?;
        let flow = value.own_flow(&mut self.context.sets);
        match value.datum() {
            Datum::Null => self.put("null", flow),
            Datum::Bool(bool) => self.put(if *bool { "true" } else { "false" }, flow),
            Datum::Number(number) if number.is_infinite() => Err(Problem::broken("cannot serialize infinity as JSON")),
            Datum::Number(number) => {
                self.context.budget.step(number.cost())?;
                let text =
                    number.spelled().ok_or_else(|| Problem::limit("a number has more digits than are spelled out"))?;
                self.put(&text, flow)
            }
            Datum::String(string) => self.string(string.text(), flow),
            Datum::Sequence(elements) => {
                self.put("[", flow)?;
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        self.put(",", flow)?;
                    }
                    self.value(element)?;
                }
                self.put("]", flow)
            }
            Datum::Mapping(mapping) => {
                self.put("{", flow)?;
                for (index, Entry { key, value }) in mapping.entries().iter().enumerate() {
                    if index > 0 {
                        self.put(",", flow)?;
                    }
                    let key_flow = key.whole_flow(&mut self.context.sets);
                    self.string(key.text(), key_flow)?;
                    self.put(":", flow)?;
                    self.value(value)?;
                }
                self.put("}", flow)
            }
            Datum::Unknown(_) => Err(Problem::broken("value is not known")),
        }
    }

    fn put(&mut self, text: &str, flow: Flow) -> Result<(), Problem> {
        self.context.budget.text(text.len())?;
        self.out.push_bytes(text.as_bytes(), MadeOf::Derived(flow.data), flow.control);
        Ok(())
    }

    /// A string in quotes; what needs no escape keeps its pieces.
    fn string(&mut self, text: &Text, flow: Flow) -> Result<(), Problem> {
        self.context.budget.text(text.len() + 2)?;
        self.put("\"", flow)?;
        let content = text.as_str().unwrap_or_default();
        let mut cursor = text.cursor();
        for (at, character) in content.char_indices() {
            let escaped = match character {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(character)),
                _ => continue,
            };
            cursor.take(at, &mut self.out);
            let (made_of, control) = cursor.here();
            self.context.budget.text(escaped.len())?;
            self.out.push_bytes(escaped.as_bytes(), MadeOf::Derived(made_of.set()), control);
            cursor.skip(at + character.len_utf8());
        }
        cursor.take(content.len(), &mut self.out);
        self.put("\"", flow)
    }
}

/// What the type can be as long as the text is not known; that of a known text is the value's own.
pub(super) fn decoded_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let Some(unknown) = arguments[0].unknown() else { return Ok(Type::Dynamic) };
    match unknown.refinement.prefix.trim().chars().next() {
        Some('"') => Ok(Type::String),
        Some('t' | 'f') => Ok(Type::Bool),
        Some('-' | '.' | '0'..='9') => Ok(Type::Number),
        None | Some('{' | '[' | 'n') => Ok(Type::Dynamic),
        Some(other) => {
            let message = format!("a JSON document cannot begin with the character {:?}", other);
            Err(Problem::argument(0, message))
        }
    }
}

/// `jsondecode`; a string that a function encoded gives back what was encoded.
pub(super) fn decode(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    read(context, &arguments[0])
}

fn read(context: &mut Context<'_>, value: &Value) -> Result<Value, Problem> {
    if let Some(encoded) = string(value).encodes() {
        context.budget.step(encoded.size())?;
        let flow = value.flow();
        let because = context.sets.union(flow.data, flow.control);
        return Ok(as_json(encoded).under(&mut context.sets, because));
    }
    let source = Source::new(string(value).text(), value.flow(), context);
    let mut reader = Reader { context, source: &source, text: text(value), at: 0, depth: 0 };
    let decoded = reader.value(PathId::ROOT)?;
    match reader.next() {
        // Go's decoder only asks whether another value could begin here.
        None | Some('}' | ']') => Ok(decoded),
        Some(_) => Err(Problem::broken("extraneous data after JSON object")),
    }
}

struct Reader<'c, 't, 's> {
    context: &'c mut Context<'t>,
    source: &'s Source,
    text: &'s str,
    at: usize,
    depth: u16,
}

impl Reader<'_, '_, '_> {
    /// The next character that is no white space; it is not taken.
    fn next(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.text[self.at..].chars().next()
    }

    fn value(&mut self, path: PathId) -> Result<Value, Problem> {
        self.context.budget.step(1)?;
        let first = self.next();
        let start = self.at;
        match first {
            None => Err(Problem::broken("EOF")),
            Some('{') => self.object(path),
            Some('[') => self.array(path),
            Some('"') => {
                let decoded = self.string()?;
                Ok(self.source.string(self.context, start + 1..self.at - 1, decoded, path))
            }
            Some('t') => self.word("true", Value::bool(true), path),
            Some('f') => self.word("false", Value::bool(false), path),
            Some('n') => self.word("null", Value::null(Type::Dynamic), path),
            Some('-' | '0'..='9') => self.number(path),
            Some(other) => Err(unexpected(other, "looking for beginning of value")),
        }
    }

    fn enter(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        self.at += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::limit(format!("JSON is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    fn object(&mut self, path: PathId) -> Result<Value, Problem> {
        let start = self.at;
        self.enter()?;
        let mut entries: Vec<Entry> = Vec::new();
        if self.next() == Some('}') {
            self.at += 1;
        } else {
            loop {
                match self.next() {
                    None => return Err(Problem::broken("EOF")),
                    Some('"') => {}
                    Some(other) => return Err(unexpected(other, "looking for beginning of object key string")),
                }
                let key_at = self.at;
                let name = self.string()?;
                let below = self.context.paths.join(path, &name.lossy());
                let key = self.source.key(self.context, key_at + 1..self.at - 1, name, below);
                match self.next() {
                    None => return Err(Problem::broken("EOF")),
                    Some(':') => self.at += 1,
                    Some(other) => return Err(unexpected(other, "after object key")),
                }
                let value = self.value(below)?;
                entries.push(Entry { key, value });
                match self.next() {
                    None => return Err(Problem::broken("EOF")),
                    Some(',') => self.at += 1,
                    Some('}') => {
                        self.at += 1;
                        break;
                    }
                    Some(other) => return Err(unexpected(other, "after object key:value pair")),
                }
            }
        }
        self.depth -= 1;
        let flow = self.source.flow(self.context, start..self.at, Says::Container, path);
        self.same_types(&entries)?;
        Ok(Value::object(entries).with_flow(flow))
    }

    /// Terraform reads every value as the type of the last one of its key; where that is another one, the outcome is odd.
    fn same_types(&mut self, entries: &[Entry]) -> Result<(), Problem> {
        let mut types: std::collections::BTreeMap<&str, &Type> = std::collections::BTreeMap::new();
        for entry in entries {
            if let Some(earlier) = types.insert(entry.key.as_str(), entry.value.ty())
                && earlier != entry.value.ty()
            {
                let key = entry.key.as_str();
                return Err(Problem::unsupported(format!("the JSON key {key:?} is there twice with different types")));
            }
        }
        Ok(())
    }

    fn array(&mut self, path: PathId) -> Result<Value, Problem> {
        let start = self.at;
        self.enter()?;
        let mut elements = Vec::new();
        if self.next() == Some(']') {
            self.at += 1;
        } else {
            loop {
                let below = self.context.paths.join_index(path, elements.len());
                elements.push(self.value(below)?);
                match self.next() {
                    None => return Err(Problem::broken("EOF")),
                    Some(',') => self.at += 1,
                    Some(']') => {
                        self.at += 1;
                        break;
                    }
                    Some(other) => return Err(unexpected(other, "after array element")),
                }
            }
        }
        self.depth -= 1;
        let flow = self.source.flow(self.context, start..self.at, Says::Container, path);
        Ok(Value::tuple(elements).with_flow(flow))
    }

    fn word(&mut self, word: &str, value: Value, path: PathId) -> Result<Value, Problem> {
        let start = self.at;
        for wanted in word.chars() {
            match self.text[self.at..].chars().next() {
                Some(found) if found == wanted => self.at += 1,
                Some(other) => {
                    return Err(unexpected(other, &format!("in literal {word} (expecting {})", go_char(wanted))));
                }
                None => return Err(Problem::broken("unexpected EOF")),
            }
        }
        let flow = self.source.flow(self.context, start..self.at, Says::Scalar, path);
        Ok(value.with_flow(flow))
    }

    fn number(&mut self, path: PathId) -> Result<Value, Problem> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        if bytes[self.at] == b'-' {
            self.at += 1;
        }
        let wrong = |at: usize, context: &str| match self.text[at..].chars().next() {
            Some(other) => unexpected(other, context),
            None => Problem::broken("unexpected EOF"),
        };
        if bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else if !digits(&mut self.at) {
            return Err(wrong(self.at, "in numeric literal"));
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if !digits(&mut self.at) {
                return Err(wrong(self.at, "after decimal point in numeric literal"));
            }
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !digits(&mut self.at) {
                return Err(wrong(self.at, "in exponent of numeric literal"));
            }
        }
        self.context.budget.step(digits_cost(&self.text[start..self.at]))?;
        let number = Number::parse(&self.text[start..self.at])
            .ok_or_else(|| Problem::unsupported("a number of JSON is too large"))?;
        let flow = self.source.flow(self.context, start..self.at, Says::Scalar, path);
        Ok(Value::number(number).with_flow(flow))
    }

    /// A string, its quotes taken; what is not escaped keeps its pieces.
    fn string(&mut self) -> Result<Text, Problem> {
        self.at += 1;
        let mut builder = TextBuilder::default();
        let mut run = self.at;
        loop {
            let Some(character) = self.text[self.at..].chars().next() else {
                return Err(Problem::broken("unexpected EOF"));
            };
            match character {
                '"' => {
                    self.source.rope().push_slice(run..self.at, &mut builder);
                    self.at += 1;
                    return Ok(builder.build());
                }
                '\\' => {
                    self.source.rope().push_slice(run..self.at, &mut builder);
                    let start = self.at;
                    let decoded = self.escape()?;
                    let flow = self.source.rope().flow(start..self.at, &mut self.context.sets);
                    let mut buffer = [0; 4];
                    let bytes = decoded.encode_utf8(&mut buffer).as_bytes();
                    builder.push_bytes(bytes, MadeOf::Derived(flow.data), SetId::EMPTY);
                    run = self.at;
                }
                '\0'..' ' => return Err(unexpected(character, "in string literal")),
                _ => self.at += character.len_utf8(),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let Some(character) = self.text[self.at + 1..].chars().next() else {
            return Err(Problem::broken("unexpected EOF"));
        };
        self.at += 1 + character.len_utf8();
        Ok(match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.unit()?;
                // Half of a pair that has no other half is no character.
                let pair = (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u");
                if pair {
                    let back = self.at;
                    self.at += 2;
                    let second = self.unit()?;
                    if let Some(Ok(character)) = char::decode_utf16([first, second]).next() {
                        return Ok(character);
                    }
                    self.at = back;
                }
                char::from_u32(u32::from(first)).unwrap_or('\u{fffd}')
            }
            other => return Err(unexpected(other, "in string escape code")),
        })
    }

    fn unit(&mut self) -> Result<u16, Problem> {
        let mut unit = 0_u16;
        for _ in 0..4 {
            let Some(character) = self.text[self.at..].chars().next() else {
                return Err(Problem::broken("unexpected EOF"));
            };
            let Some(digit) = character.to_digit(16) else {
                return Err(unexpected(character, "in \\u hexadecimal character escape"));
            };
            unit = unit << 4 | digit as u16;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// A character in Go's words; it looks at bytes.
fn go_char(character: char) -> String {
    match character {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        _ => {
            let byte = character.to_string().into_bytes()[0];
            let inner = quoted(char::from(byte).to_string());
            format!("'{}'", &inner[1..inner.len() - 1])
        }
    }
}

fn unexpected(character: char, context: &str) -> Problem {
    Problem::broken(format!("invalid character {} {context}", go_char(character)))
}
