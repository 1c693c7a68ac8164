//! Tables of comma-separated values, as Go's `encoding/csv` reads them; the first line names the columns.

use super::decoded::Source;
use crate::{
    engine::terraform::{
        context::Context,
        functions::argument::{string, text},
        leaf::{PathId, Says},
        problem::Problem,
        types::Type,
        value::{Entry, Key, Value},
    },
    source::lineage::text::{MadeOf, Text, TextBuilder},
};

/// A field: its bytes, quotes included, and what they mean.
struct Field {
    range: std::ops::Range<usize>,
    text: Text,
}

struct Record {
    /// The line that it begins on, from 1.
    line: usize,
    fields: Vec<Field>,
}

struct Reader<'s> {
    source: &'s Source,
    text: &'s str,
    at: usize,
    line: usize,
}

impl Reader<'_> {
    fn error(&self, line: usize, what: &str) -> Problem {
        Problem::broken(format!("CSV parse error on line {line}: {what}"))
    }

    /// The end of the line at a place, and where the next one begins.
    fn line_end(&self, at: usize) -> (usize, usize) {
        match self.text[at..].find('\n') {
            Some(found) => {
                let end = at + found;
                let content = if self.text[at..end].ends_with('\r') { end - 1 } else { end };
                (content, end + 1)
            }
            None => {
                let end = self.text.len();
                // A lone carriage return at the very end is none.
                let content = if self.text[at..].ends_with('\r') { end - 1 } else { end };
                (content, end)
            }
        }
    }

    fn record(&mut self, context: &mut Context<'_>) -> Result<Option<Record>, Problem> {
        loop {
            if self.at >= self.text.len() {
                return Ok(None);
            }
            let (end, next) = self.line_end(self.at);
            if end > self.at {
                break;
            }
            self.at = next;
            self.line += 1;
        }
        let start_line = self.line;
        let (mut end, mut next) = self.line_end(self.at);
        let mut fields = Vec::new();
        loop {
            context.budget.step(1)?;
            if self.text[self.at..end].starts_with('"') {
                let field_at = self.at;
                let mut builder = TextBuilder::default();
                self.at += 1;
                loop {
                    match self.text[self.at..end].find('"') {
                        Some(quote) => {
                            let quote_at = self.at + quote;
                            self.source.rope().push_slice(self.at..quote_at, &mut builder);
                            self.at = quote_at + 1;
                            if self.text[self.at..end].starts_with('"') {
                                let flow = self.source.rope().flow(quote_at..self.at + 1, &mut context.sets);
                                builder.push_bytes(b"\"", MadeOf::Derived(flow.data), flow.control);
                                self.at += 1;
                            } else if self.at == end || self.text[self.at..end].starts_with(',') {
                                break;
                            } else {
                                return Err(self.error(self.line, "extraneous or missing \" in quoted-field"));
                            }
                        }
                        None => {
                            if next >= self.text.len() && !self.text[..next].ends_with('\n') {
                                return Err(self.error(self.line, "extraneous or missing \" in quoted-field"));
                            }
                            self.source.rope().push_slice(self.at..end, &mut builder);
                            let flow = self.source.rope().flow(end..next, &mut context.sets);
                            builder.push_bytes(b"\n", MadeOf::Derived(flow.data), flow.control);
                            self.at = next;
                            self.line += 1;
                            if self.at >= self.text.len() {
                                return Err(self.error(self.line, "extraneous or missing \" in quoted-field"));
                            }
                            (end, next) = self.line_end(self.at);
                        }
                    }
                }
                fields.push(Field { range: field_at..self.at, text: builder.build() });
            } else {
                let stop = self.text[self.at..end].find(',').map_or(end, |comma| self.at + comma);
                if self.text[self.at..stop].contains('"') {
                    return Err(self.error(self.line, "bare \" in non-quoted-field"));
                }
                fields.push(Field { range: self.at..stop, text: self.source.rope().slice(self.at..stop) });
                self.at = stop;
            }
            if self.at >= end {
                break;
            }
            self.at += 1;
        }
        self.at = next;
        self.line += 1;
        Ok(Some(Record { line: start_line, fields }))
    }
}

fn headers(context: &mut Context<'_>, reader: &mut Reader<'_>) -> Result<Vec<Field>, Problem> {
    let record = reader.record(context)?.ok_or_else(|| Problem::broken("missing header line"))?;
    Ok(record.fields)
}

/// A list of objects with an attribute for each column.
pub(super) fn decoded_type(context: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    if !arguments[0].is_known() {
        return Ok(Type::Dynamic);
    }
    let source = Source::new(string(&arguments[0]).text(), arguments[0].flow(), context);
    let mut reader = Reader { source: &source, text: text(&arguments[0]), at: 0, line: 1 };
    let mut names: Vec<String> = Vec::new();
    for field in headers(context, &mut reader)? {
        let name = field.text.lossy().into_owned();
        if names.contains(&name) {
            return Err(Problem::broken(format!("duplicate column name {name:?}")));
        }
        names.push(name);
    }
    let attributes = names.iter().map(|name| (Key::plain(name).as_str().into(), Type::String));
    Ok(Type::list(Type::object(attributes)))
}

/// `csvdecode`.
pub(super) fn decode(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let source = Source::new(string(&arguments[0]).text(), arguments[0].flow(), context);
    let whole = text(&arguments[0]);
    let mut reader = Reader { source: &source, text: whole, at: 0, line: 1 };
    let names = headers(context, &mut reader)?;
    let mut rows = Vec::new();
    while let Some(record) = reader.record(context)? {
        if record.fields.len() != names.len() {
            return Err(reader.error(record.line, "wrong number of fields"));
        }
        let row_path = context.paths.join_index(PathId::ROOT, rows.len());
        let row_range = record.fields.first().map_or(0, |first| first.range.start)
            ..record.fields.last().map_or(0, |last| last.range.end);
        let mut entries = Vec::with_capacity(names.len());
        for (name, field) in names.iter().zip(record.fields) {
            let path = context.paths.join(row_path, &name.text.lossy());
            let key = source.key(context, name.range.clone(), name.text.clone(), path);
            let value = source.string(context, field.range, field.text, path);
            entries.push(Entry { key, value });
        }
        let flow = source.flow(context, row_range, Says::Container, row_path);
        rows.push(Value::object(entries).with_flow(flow));
    }
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    let flow = source.flow(context, 0..whole.len(), Says::Container, PathId::ROOT);
    Ok(Value::list(element, rows).with_flow(flow))
}
