//! Values to TOML: `Encoder` of `BurntSushi/toml`.

use crate::{
    engine::helm::{
        functions::json::write::{Nesting, Unwritable, fits, flow_of, under},
        template::{
            context::Context,
            fault::Fault,
            value::{Datum, Entry, Map, Value},
        },
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text, TextBuilder, cursor::Cursor},
    },
};

/// Writes a value.
pub(super) fn write(context: &mut Context, value: &Value) -> Result<Text, Unwritable> {
    let mut writer = Writer { context, out: TextBuilder::default(), nesting: Nesting::default() };
    writer.item(&[], value, value.control)?;
    let text = writer.out.build();
    context.budget.text(text.len())?;
    Ok(text)
}

struct Writer<'c> {
    context: &'c mut Context,
    out: TextBuilder,
    nesting: Nesting,
}

/// What TOML takes a value for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Scalar,
    Table,
    Tables,
}

impl Writer<'_> {
    /// Writes an entry: a line, or tables of their own.
    fn item(&mut self, key: &[Text], value: &Value, control: SetId) -> Result<(), Unwritable> {
        let flow = Flow { data: value.made_of.set(), control };
        match (&value.datum, self.kind(value)?) {
            (Datum::Nil, _) if key.is_empty() => {
                Err(Fault::failed("reflect: call of reflect.Value.Type on zero Value").into())
            }
            (_, Kind::Nil) => Ok(()),
            (Datum::List(_), Kind::Tables) if key.is_empty() => {
                Err(Unwritable::Failed("toml: top-level values must be Go maps or structs".to_owned()))
            }
            (Datum::List(list), Kind::Tables) => {
                for table in list.items.iter() {
                    let Datum::Map(map) = &table.datum else { continue };
                    let control = self.context.sets.union(control, table.control);
                    self.new_line(flow);
                    self.header(key, "[[", "]]", flow)?;
                    self.table(key, map, control)?;
                }
                Ok(())
            }
            (Datum::Map(map), _) => {
                if key.len() == 1 {
                    self.new_line(flow);
                }
                if !key.is_empty() {
                    self.header(key, "[", "]", flow)?;
                }
                self.table(key, map, control)
            }
            _ => {
                if let Some(last) = key.last() {
                    self.indent(key.len(), flow);
                    self.key(last)?;
                    self.put(" = ", flow);
                }
                self.element(value, control)?;
                if !key.is_empty() {
                    self.put("\n", flow);
                }
                Ok(())
            }
        }
    }

    fn table(&mut self, key: &[Text], map: &Map, control: SetId) -> Result<(), Unwritable> {
        self.nesting.enter(Some(map))?;
        let (lines, tables) = self.entries(map)?;
        for entry in lines.iter().chain(&tables) {
            let name = under(self.context, &entry.key, control).into_owned();
            let below: Vec<Text> = key.iter().cloned().chain([name]).collect();
            let control = self.context.sets.union(control, entry.value.control);
            self.item(&below, &entry.value, control)?;
        }
        self.nesting.leave();
        Ok(())
    }

    /// A map's entries: first those on lines of their own, `nil` among them, then the tables.
    fn entries(&mut self, map: &Map) -> Result<(Vec<Entry>, Vec<Entry>), Unwritable> {
        let (mut lines, mut tables) = (Vec::new(), Vec::new());
        for entry in map.snapshot() {
            match self.kind(&entry.value)? {
                Kind::Nil | Kind::Scalar => lines.push(entry),
                Kind::Table | Kind::Tables => tables.push(entry),
            }
        }
        Ok((lines, tables))
    }

    fn kind(&mut self, value: &Value) -> Result<Kind, Unwritable> {
        self.context.budget.step(1)?;
        Ok(match &value.datum {
            Datum::Nil => Kind::Nil,
            datum if datum.is_nil_of_its_type() => Kind::Nil,
            Datum::Map(_) => Kind::Table,
            Datum::List(list) if !list.items.is_empty() => {
                self.nesting.enter(None)?;
                let mut tables = true;
                for item in list.items.iter() {
                    match self.kind(item)? {
                        Kind::Nil => {
                            let message = "toml: cannot encode array with nil element";
                            return Err(Unwritable::Failed(message.to_owned()));
                        }
                        kind => tables &= kind == Kind::Table,
                    }
                }
                self.nesting.leave();
                if tables { Kind::Tables } else { Kind::Scalar }
            }
            Datum::Object(_) => {
                return Err(Fault::unsupported(format!("toToml of a {}", value.type_name())).into());
            }
            _ => Kind::Scalar,
        })
    }

    /// Writes a value on the line.
    fn element(&mut self, value: &Value, control: SetId) -> Result<(), Unwritable> {
        fits(self.context, &self.out)?;
        let flow = Flow { data: value.made_of.set(), control };
        let bare = |text: &str, writer: &mut Self| writer.out.push_bytes(text.as_bytes(), value.made_of, control);
        match &value.datum {
            Datum::Nil => return Err(Unwritable::Failed("toml: cannot encode array with nil element".to_owned())),
            Datum::Bool(bool) => bare(if *bool { "true" } else { "false" }, self),
            Datum::Int(int) | Datum::Int64(int) => bare(&int.to_string(), self),
            Datum::Uint64(int) => bare(&int.to_string(), self),
            Datum::Byte(byte) => bare(&byte.to_string(), self),
            Datum::Rune(rune) => bare(&rune.to_string(), self),
            Datum::Float(float) => bare(&spelled(*float), self),
            Datum::Text(text) => {
                let data = value.flow(self.context).data;
                let text = under(self.context, text, control).into_owned();
                self.quoted(&text, Flow { data, control })?;
            }
            Datum::Bytes(bytes) => {
                self.context.budget.items(bytes.len())?;
                let numbers: Vec<String> = bytes.bytes().iter().map(u8::to_string).collect();
                let flow = value.flow(self.context);
                let control = self.context.sets.union(flow.control, control);
                self.put(&format!("[{}]", numbers.join(", ")), Flow { control, ..flow });
            }
            Datum::List(list) => {
                self.nesting.enter(None)?;
                self.put("[", flow);
                for (at, item) in list.items.iter().enumerate() {
                    if at > 0 {
                        self.put(", ", flow);
                    }
                    let control = self.context.sets.union(control, item.control);
                    self.element(item, control)?;
                }
                self.put("]", flow);
                self.nesting.leave();
            }
            Datum::Map(map) => {
                self.nesting.enter(Some(map))?;
                let (lines, tables) = self.entries(map)?;
                self.put("{", flow);
                self.inline(&lines, !tables.is_empty(), flow)?;
                self.inline(&tables, false, flow)?;
                self.put("}", flow);
                self.nesting.leave();
            }
            Datum::Object(_) => {
                return Err(Fault::unsupported(format!("toToml of a {}", value.type_name())).into());
            }
        }
        Ok(())
    }

    fn inline(&mut self, entries: &[Entry], more: bool, flow: Flow) -> Result<(), Unwritable> {
        for (at, entry) in entries.iter().enumerate() {
            if matches!(entry.value.datum, Datum::Nil) {
                continue;
            }
            let key = under(self.context, &entry.key, flow.control).into_owned();
            self.key(&key)?;
            self.put(" = ", flow);
            let control = self.context.sets.union(flow.control, entry.value.control);
            self.element(&entry.value, control)?;
            if more || at + 1 < entries.len() {
                self.put(", ", flow);
            }
        }
        Ok(())
    }

    fn header(&mut self, key: &[Text], open: &str, close: &str, flow: Flow) -> Result<(), Unwritable> {
        fits(self.context, &self.out)?;
        self.indent(key.len(), flow);
        self.put(open, flow);
        for (at, part) in key.iter().enumerate() {
            if at > 0 {
                self.put(".", flow);
            }
            self.key(part)?;
        }
        self.put(close, flow);
        self.put("\n", flow);
        Ok(())
    }

    fn key(&mut self, key: &Text) -> Result<(), Unwritable> {
        let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !key.is_empty() && key.bytes().iter().all(is_bare) {
            self.out.push(key);
            Ok(())
        } else {
            let flow = flow_of(self.context, key);
            self.quoted(key, flow)
        }
    }

    fn quoted(&mut self, text: &Text, quotes: Flow) -> Result<(), Unwritable> {
        self.put("\"", quotes);
        let mut cursor = Cursor::new(text);
        for (at, byte) in text.bytes().iter().enumerate() {
            let escape = match byte {
                b'"' => "\\\"".to_owned(),
                b'\\' => "\\\\".to_owned(),
                0x08 => "\\b".to_owned(),
                b'\t' => "\\t".to_owned(),
                b'\n' => "\\n".to_owned(),
                0x0c => "\\f".to_owned(),
                b'\r' => "\\r".to_owned(),
                0..=0x1f | 0x7f => format!("\\u{byte:04x}"),
                _ => continue,
            };
            cursor.copy(&mut self.out, at);
            let flow = cursor.flow();
            self.put(&escape, flow);
            fits(self.context, &self.out)?;
            cursor.skip(at + 1);
        }
        cursor.finish(&mut self.out);
        self.put("\"", quotes);
        fits(self.context, &self.out)
    }

    /// An empty line, unless nothing is written yet.
    fn new_line(&mut self, flow: Flow) {
        if !self.out.is_empty() {
            self.put("\n", flow);
        }
    }

    fn indent(&mut self, depth: usize, flow: Flow) {
        for _ in 1..depth {
            self.put("  ", flow);
        }
    }

    fn put(&mut self, text: &str, flow: Flow) {
        self.out.push_bytes(text.as_bytes(), MadeOf::Derived(flow.data), flow.control);
    }
}

/// A float with all its digits and a point.
fn spelled(float: f64) -> String {
    if float.is_nan() {
        return if float.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if float.is_infinite() {
        return if float < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let text = float.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}
