//! TOML 1.0 to values.

use std::{collections::BTreeMap, ops::Range, rc::Rc};

use crate::{
    engine::helm::{
        functions::json::{
            number,
            read::{origin, origin_of_container},
        },
        template::{
            context::{Context, MAX_NESTING},
            fault::Fault,
            value::{Datum, Element, List, Map, MapKind, Value},
        },
    },
    source::{
        lineage::{
            sets::SetId,
            text::{MadeOf, Text, TextBuilder},
        },
        span::line_of,
        yaml::rope::Rope,
    },
};

/// A line, and what is wrong there.
pub(super) type Problem = (usize, &'static str);

/// Why reading ended.
enum Stop {
    /// The text is no TOML.
    Problem(&'static str),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A table in the making.
#[derive(Default)]
struct Table {
    entries: BTreeMap<String, (Text, Item)>,
    /// It has a header of its own, or keys with dots have made it: no header may name it again.
    is_defined: bool,
}

enum Item {
    Value(Value),
    Table(Table),
    Tables(Vec<Table>),
}

/// Reads a text.
pub(super) fn read(context: &mut Context, text: &Text) -> Result<Result<Value, Problem>, Fault> {
    let Some(source) = text.as_str() else { return Ok(Err((1, "invalid UTF-8"))) };
    let rope = Rope::new(text.clone());
    let mut reader = Reader { context, source, rope: &rope, at: 0, depth: 0 };
    let mut root = Table { is_defined: true, ..Table::default() };
    match reader.document(&mut root) {
        Ok(()) => {
            let (made_of, control) = origin_of_container(context, &rope, 0..text.len(), root.entries.is_empty());
            Ok(Ok(Value { made_of, control, ..finished(root) }))
        }
        Err(Stop::Problem(problem)) => Ok(Err((line_of(source, reader.at), problem))),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn finished(table: Table) -> Value {
    let map = Map::new(MapKind::Any);
    for (key, item) in table.entries.into_values() {
        let value = match item {
            Item::Value(value) => value,
            Item::Table(table) => finished(table),
            Item::Tables(tables) => {
                let items = Rc::new(tables.into_iter().map(finished).collect());
                Value::plain(Datum::List(List::new(Element::Map, items)))
            }
        };
        map.insert(key, value);
    }
    Value::plain(Datum::Map(map))
}

struct Reader<'c, 't> {
    context: &'c mut Context,
    source: &'t str,
    rope: &'t Rope,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'_, 't> {
    fn document(&mut self, root: &mut Table) -> Result<(), Stop> {
        let mut path: Vec<String> = Vec::new();
        loop {
            self.blank_lines();
            if self.rest().is_empty() {
                return Ok(());
            }
            self.context.budget.step(1)?;
            if self.take("[[") {
                let key = self.header("]]")?;
                let (last, above) = key.split_last().ok_or(Stop::Problem("an empty key"))?;
                let table = descend(root, above)?;
                let entry = table.entries.entry(text_of(last));
                match &mut entry.or_insert_with(|| (last.clone(), Item::Tables(Vec::new()))).1 {
                    Item::Tables(tables) => tables.push(Table { is_defined: true, ..Table::default() }),
                    _ => return Err(Stop::Problem("a key that is there twice")),
                }
                path = key.iter().map(text_of).collect();
            } else if self.take("[") {
                let key = self.header("]")?;
                let table = descend(root, &key)?;
                if std::mem::replace(&mut table.is_defined, true) {
                    return Err(Stop::Problem("a table that is there twice"));
                }
                path = key.iter().map(text_of).collect();
            } else {
                let table = path.iter().try_fold(&mut *root, |table, key| below(table, key));
                self.pair(table.ok_or(Stop::Problem("a table that is gone"))?)?;
            }
            self.end_of_line()?;
        }
    }

    fn header(&mut self, close: &str) -> Result<Vec<Text>, Stop> {
        let key = self.key()?;
        if self.take(close) { Ok(key) } else { Err(Stop::Problem("a table's name without its end")) }
    }

    /// `key = value`.
    fn pair(&mut self, table: &mut Table) -> Result<(), Stop> {
        let key = self.key()?;
        if !self.take("=") {
            return Err(Stop::Problem("a key without \"=\""));
        }
        let value = self.value()?;
        let (last, above) = key.split_last().ok_or(Stop::Problem("an empty key"))?;
        let mut table = table;
        for part in above {
            let entry = table.entries.entry(text_of(part));
            let item = &mut entry.or_insert_with(|| (part.clone(), Item::Table(Table::default()))).1;
            table = match item {
                Item::Table(inner) => inner,
                Item::Value(Value { datum: Datum::Map(_), .. }) => {
                    return Err(Fault::unsupported("a key with dots that goes into an inline table").into());
                }
                _ => return Err(Stop::Problem("a key that is no table")),
            };
            table.is_defined = true;
        }
        match table.entries.insert(text_of(last), (last.clone(), Item::Value(value))) {
            None => Ok(()),
            Some(_) => Err(Stop::Problem("a key that is there twice")),
        }
    }

    /// A key: bare or quoted parts between dots.
    fn key(&mut self) -> Result<Vec<Text>, Stop> {
        let mut parts = Vec::new();
        loop {
            self.blanks();
            let part = match self.peek() {
                Some('"') => self.basic_string(false)?,
                Some('\'') => self.literal_string(false)?,
                _ => {
                    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    let width = self.rest().find(|c| !is_bare(c)).unwrap_or(self.rest().len());
                    if width == 0 {
                        return Err(Stop::Problem("something that is no key"));
                    }
                    self.at += width;
                    self.rope.slice(self.at - width..self.at)
                }
            };
            parts.push(part);
            if parts.len() > MAX_NESTING {
                return Err(too_deep().into());
            }
            self.blanks();
            if !self.take(".") {
                return Ok(parts);
            }
        }
    }

    fn value(&mut self) -> Result<Value, Stop> {
        self.context.budget.step(1)?;
        self.blanks();
        let start = self.at;
        match self.peek() {
            None | Some('\n') => Err(Stop::Problem("a key without a value")),
            Some('"') if self.rest().starts_with("\"\"\"") => Ok(Value::text(self.basic_string(true)?)),
            Some('"') => Ok(Value::text(self.basic_string(false)?)),
            Some('\'') if self.rest().starts_with("'''") => Ok(Value::text(self.literal_string(true)?)),
            Some('\'') => Ok(Value::text(self.literal_string(false)?)),
            Some('[') => self.inside(|reader| reader.array(start)),
            Some('{') => self.inside(|reader| reader.inline_table(start)),
            _ => self.bare(start),
        }
    }

    fn inside(&mut self, read: impl FnOnce(&mut Self) -> Result<Value, Stop>) -> Result<Value, Stop> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(too_deep().into());
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self, start: usize) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            self.blank_lines();
            if self.take("]") {
                break;
            }
            items.push(self.value()?);
            self.blank_lines();
            if !self.take(",") && self.peek() != Some(']') {
                return Err(Stop::Problem("an array's item without \",\" or \"]\" behind it"));
            }
        }
        self.context.budget.items(items.len())?;
        let (made_of, control) = self.container(start, items.is_empty());
        Ok(Value { datum: Datum::List(List::new(Element::Any, items)), made_of, control })
    }

    fn inline_table(&mut self, start: usize) -> Result<Value, Stop> {
        let mut table = Table::default();
        self.blanks();
        if !self.take("}") {
            loop {
                self.pair(&mut table)?;
                self.blanks();
                if self.take("}") {
                    break;
                }
                if !self.take(",") {
                    return Err(Stop::Problem("an entry without \",\" or \"}\" behind it"));
                }
            }
        }
        let (made_of, control) = self.container(start, table.entries.is_empty());
        Ok(Value { made_of, control, ..finished(table) })
    }

    fn container(&mut self, start: usize, is_empty: bool) -> (MadeOf, SetId) {
        origin_of_container(self.context, self.rope, start..self.at, is_empty)
    }

    /// A boolean, number or date.
    fn bare(&mut self, start: usize) -> Result<Value, Stop> {
        let rest = self.rest();
        let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | ':');
        let word = &rest[..rest.find(|c| !is_bare(c)).unwrap_or(rest.len())];
        let datum = match word {
            "true" => Datum::Bool(true),
            "false" => Datum::Bool(false),
            "inf" | "+inf" => Datum::Float(f64::INFINITY),
            "-inf" => Datum::Float(f64::NEG_INFINITY),
            "nan" | "+nan" | "-nan" => Datum::Float(f64::NAN),
            _ if is_date(word) => return Err(Fault::unsupported("a date or time out of TOML").into()),
            _ => integer(word).or_else(|| float(word)).ok_or(Stop::Problem("something that is no value"))?,
        };
        self.at += word.len();
        let printed = match &datum {
            Datum::Int64(int) => int.to_string(),
            Datum::Float(float) => number::shortest(*float),
            _ => word.to_owned(),
        };
        let (made_of, control) = origin(self.context, self.rope, start..self.at, &printed);
        Ok(Value { datum, made_of, control })
    }

    fn literal_string(&mut self, is_multiline: bool) -> Result<Text, Stop> {
        let quote = if is_multiline { "'''" } else { "'" };
        let open = self.at;
        self.at += quote.len();
        if is_multiline {
            self.skip_line_break();
        }
        let mut width = self.rest().find(quote).ok_or(Stop::Problem("a string without its end"))?;
        if is_multiline {
            width += quotes_at_end(&self.rest()[width..], '\'');
        } else if self.rest()[..width].contains('\n') {
            return Err(Stop::Problem("a string without its end"));
        }
        let text = self.piece(open, self.at..self.at + width);
        self.at += width + quote.len();
        Ok(text)
    }

    fn basic_string(&mut self, is_multiline: bool) -> Result<Text, Stop> {
        let quote = if is_multiline { "\"\"\"" } else { "\"" };
        let open = self.at;
        self.at += quote.len();
        if is_multiline {
            self.skip_line_break();
        }
        let mut builder = TextBuilder::default();
        let mut from = self.at;
        loop {
            match self.peek() {
                None => return Err(Stop::Problem("a string without its end")),
                Some('\n') if !is_multiline => return Err(Stop::Problem("a string without its end")),
                Some('"') if self.rest().starts_with(quote) => break,
                Some('\\') => {
                    self.rope.push_slice(from..self.at, &mut builder);
                    let start = self.at;
                    if let Some(c) = self.escape(is_multiline)? {
                        let flow = self.rope.flow(start..self.at, &mut self.context.sets);
                        let bytes = &mut [0; 4];
                        builder.push_bytes(c.encode_utf8(bytes).as_bytes(), MadeOf::Derived(flow.data), flow.control);
                    }
                    from = self.at;
                }
                Some(c) if c < ' ' && !matches!(c, '\t' | '\n' | '\r') || c == '\x7f' => {
                    return Err(Stop::Problem("a control character in a string"));
                }
                Some(c) => self.at += c.len_utf8(),
            }
        }
        if is_multiline {
            self.at += quotes_at_end(self.rest(), '"');
        }
        if builder.is_empty() && from == self.at {
            builder.push_slice(&self.piece(open, from..from), 0..0);
        }
        self.rope.push_slice(from..self.at, &mut builder);
        self.at += quote.len();
        Ok(builder.build())
    }

    /// The bytes of a range; where there are none, a mark that leads to what is around it.
    fn piece(&mut self, open: usize, range: Range<usize>) -> Text {
        if !range.is_empty() {
            return self.rope.slice(range);
        }
        let flow = self.rope.flow(open..range.end + 1, &mut self.context.sets);
        let mut builder = TextBuilder::default();
        builder.push_bytes(b"", MadeOf::Derived(flow.data), flow.control);
        builder.build()
    }

    /// An escape's character; none where it only joins lines.
    fn escape(&mut self, is_multiline: bool) -> Result<Option<char>, Stop> {
        self.at += 1;
        let joined = self.rest().trim_start_matches([' ', '\t', '\r', '\n']);
        let blanks = &self.rest()[..self.rest().len() - joined.len()];
        if is_multiline && blanks.contains('\n') {
            self.at += blanks.len();
            return Ok(None);
        }
        let c = self.peek().ok_or(Stop::Problem("a string without its end"))?;
        self.at += c.len_utf8();
        Ok(Some(match c {
            'b' => '\x08',
            't' => '\t',
            'n' => '\n',
            'f' => '\x0c',
            'r' => '\r',
            '"' | '\\' => c,
            'u' | 'U' => {
                let width = if c == 'u' { 4 } else { 8 };
                let digits = self.rest().get(..width).ok_or(Stop::Problem("an escape without its digits"))?;
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(Stop::Problem("an escape without its digits"));
                }
                let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                self.at += width;
                code.ok_or(Stop::Problem("an escape that is no character"))?
            }
            _ => return Err(Stop::Problem("an escape that TOML does not know")),
        }))
    }

    fn skip_line_break(&mut self) {
        if !self.take("\r\n") {
            self.take("\n");
        }
    }

    /// Goes past white space, line breaks and comments.
    fn blank_lines(&mut self) {
        loop {
            self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
            if self.peek() != Some('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn end_of_line(&mut self) -> Result<(), Stop> {
        self.blanks();
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with(['\n', '#']) || rest.starts_with("\r\n") {
            return Ok(());
        }
        Err(Stop::Problem("something behind the end of the value"))
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, expected: &str) -> bool {
        let is_there = self.rest().starts_with(expected);
        self.at += if is_there { expected.len() } else { 0 };
        is_there
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'t str {
        &self.source[self.at..]
    }
}

/// The table at a path, made where it is missing; of an array of tables the last one.
fn descend<'t>(root: &'t mut Table, path: &[Text]) -> Result<&'t mut Table, Stop> {
    let mut table = root;
    for key in path {
        let entry = table.entries.entry(text_of(key));
        table = match &mut entry.or_insert_with(|| (key.clone(), Item::Table(Table::default()))).1 {
            Item::Table(table) => table,
            Item::Tables(tables) => tables.last_mut().ok_or(Stop::Problem("an array without tables"))?,
            Item::Value(_) => return Err(Stop::Problem("a key that is no table")),
        };
    }
    Ok(table)
}

fn below<'t>(table: &'t mut Table, key: &str) -> Option<&'t mut Table> {
    match &mut table.entries.get_mut(key)?.1 {
        Item::Table(table) => Some(table),
        Item::Tables(tables) => tables.last_mut(),
        Item::Value(_) => None,
    }
}

fn text_of(key: &Text) -> String {
    key.lossy().into_owned()
}

fn too_deep() -> Fault {
    Fault::limit(format!("TOML is nested deeper than {MAX_NESTING} levels"))
}

/// Up to two quotes that belong to a multi-line string, in front of the three that end it.
fn quotes_at_end(text: &str, quote: char) -> usize {
    text.chars().take(5).take_while(|c| *c == quote).count().saturating_sub(3)
}

fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    digits(0, 4) && bytes.get(4) == Some(&b'-') || digits(0, 2) && bytes.get(2) == Some(&b':')
}

fn integer(word: &str) -> Option<Datum> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    let signed = word.starts_with(['+', '-']);
    let zero = radix == 10 && digits.len() > 1 && digits.starts_with('0');
    if zero || radix != 10 && signed || !separated(digits) {
        return None;
    }
    let digits = digits.replace('_', "");
    let text = if word.starts_with('-') { format!("-{digits}") } else { digits };
    i64::from_str_radix(&text, radix).ok().map(Datum::Int64)
}

fn float(word: &str) -> Option<Datum> {
    let number = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (&number[..at], Some(&number[at + 1..])),
        None => (number, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| separated(text) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let fits = digits(whole)
        && !(whole.len() > 1 && whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        && (fraction.is_some() || exponent.is_some());
    let float = if fits { word.replace('_', "").parse().ok() } else { None };
    float.filter(|float: &f64| float.is_finite()).map(Datum::Float)
}

/// Tells whether there are digits, and underscores only between two of them.
fn separated(digits: &str) -> bool {
    !digits.is_empty() && !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__")
}
