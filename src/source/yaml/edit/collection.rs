//! How a value that is new as a whole is worded: in lines, or in brackets on one line.

use serde_json::{Map, Value};

use super::{
    scalar::{BlockScalar, bare, double_quoted, is_plain, literal, quoted},
    style::{Quoting, Style},
};

/// A worded value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Worded {
    /// Goes where the value goes, on the line.
    Inline(String),
    /// Goes on lines of its own below a head, which is empty for a collection and the header for a block scalar.
    Lines {
        /// What stays on the line of the key or dash.
        head: String,
        /// The lines with their indentation.
        lines: Vec<String>,
    },
}

/// How plainly a value is worded. A later one is tried where the one before does not read back as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// As the neighbours are.
    Natural,
    /// Without block scalars, whose end depends on what follows.
    NoBlockScalars,
    /// In addition, all strings in quotes.
    Quoted,
}

/// Words values for one place.
#[derive(Clone, Copy)]
pub(super) struct Words<'s> {
    pub(super) style: &'s Style,
    pub(super) quoting: Quoting,
    pub(super) care: Care,
    /// How much further than its key a list is indented.
    pub(super) list_offset: usize,
    /// How much further than its dash an item's map is indented.
    pub(super) item_step: usize,
}

/// Where a value goes in block style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The column of a map's keys.
    pub(super) map: usize,
    /// The column of a list's dashes.
    pub(super) list: usize,
    /// The column of a block scalar's text.
    pub(super) text: usize,
    /// The column of the collection around, absent at the root.
    pub(super) around: Option<usize>,
}

impl Words<'_> {
    /// Words a value in block style: collections with members and strings of several lines on lines of their own.
    pub(super) fn block(self, value: &Value, columns: Columns) -> Worded {
        match value {
            Value::Object(map) if !map.is_empty() => {
                Worded::Lines { head: String::new(), lines: self.entries(map, columns.map) }
            }
            Value::Array(items) if !items.is_empty() => {
                Worded::Lines { head: String::new(), lines: self.items(items, columns.list) }
            }
            Value::String(text) if text.contains('\n') && self.care == Care::Natural => {
                match literal(text, columns.text, columns.around, false, false) {
                    Some(BlockScalar { header, lines }) => Worded::Lines { head: header, lines },
                    None => Worded::Inline(double_quoted(text)),
                }
            }
            value => Worded::Inline(self.flow(value, false)),
        }
    }

    /// Words a value on one line.
    pub(super) fn flow(self, value: &Value, inside: bool) -> String {
        match value {
            Value::String(text) => self.string(text, inside),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.flow(item, true)).collect();
                self.brackets('[', items, ']', self.style.padded_lists)
            }
            Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| self.flow_entry(key, value)).collect();
                self.brackets('{', entries, '}', self.style.padded_maps)
            }
            value => bare(value).unwrap_or_default(),
        }
    }

    /// Words an entry of a flow map.
    pub(super) fn flow_entry(self, key: &str, value: &Value) -> String {
        let gap = if self.style.compact { "" } else { " " };
        format!("{}:{gap}{}", self.key(key, true), self.flow(value, true))
    }

    /// Words a value as JSON over several lines, the first one without indentation; lists of scalars stay on one line.
    pub(super) fn pretty(self, value: &Value, column: usize) -> String {
        let deeper = column + self.style.unit;
        let (open, members, close): (_, Vec<String>, _) = match value {
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                ('[', items.iter().map(|item| self.pretty(item, deeper)).collect(), ']')
            }
            Value::Object(map) if !map.is_empty() => {
                let entry = |(key, value): (&String, &Value)| {
                    format!("{}: {}", self.key(key, true), self.pretty(value, deeper))
                };
                ('{', map.iter().map(entry).collect(), '}')
            }
            value => return self.flow(value, true),
        };
        let margin = " ".repeat(deeper);
        format!("{open}\n{margin}{}\n{}{close}", members.join(&format!(",\n{margin}")), " ".repeat(column))
    }

    /// Words a key.
    pub(super) fn key(self, key: &str, flow: bool) -> String {
        match self.quoting.keys {
            // As a plain key `<<` merges.
            None if is_plain(key, flow) && key != "<<" => key.to_owned(),
            quote => self.quoted(key, quote),
        }
    }

    /// The lines of a map's entries, with their indentation.
    pub(super) fn entries(self, map: &Map<String, Value>, column: usize) -> Vec<String> {
        map.iter().flat_map(|(key, value)| self.entry(key, value, column)).collect()
    }

    /// The lines of an entry, with their indentation.
    pub(super) fn entry(self, key: &str, value: &Value, column: usize) -> Vec<String> {
        let columns = Columns {
            map: column + self.style.unit,
            list: column + self.list_offset,
            text: column + self.style.unit,
            around: Some(column),
        };
        let start = format!("{}{}:", " ".repeat(column), self.key(key, false));
        match self.block(value, columns) {
            Worded::Inline(text) => vec![format!("{start} {text}")],
            Worded::Lines { head, lines } => {
                let gap = if head.is_empty() { "" } else { " " };
                [vec![format!("{start}{gap}{head}")], lines].concat()
            }
        }
    }

    /// The lines of a list's items, with their indentation.
    pub(super) fn items(self, items: &[Value], column: usize) -> Vec<String> {
        items.iter().flat_map(|item| self.item(item, column)).collect()
    }

    /// The lines of an item, with their indentation.
    pub(super) fn item(self, item: &Value, column: usize) -> Vec<String> {
        let inside = column + self.item_step;
        let columns =
            Columns { map: inside, list: inside, text: column + self.style.unit.max(2), around: Some(column) };
        let start = format!("{}-{}", " ".repeat(column), " ".repeat(self.item_step - 1));
        match self.block(item, columns) {
            Worded::Inline(text) => vec![format!("{start}{text}")],
            Worded::Lines { head, mut lines } if head.is_empty() => {
                lines[0] = format!("{start}{}", &lines[0][inside..]);
                lines
            }
            Worded::Lines { head, lines } => [vec![format!("{start}{head}")], lines].concat(),
        }
    }

    /// Words a string on one line.
    pub(super) fn string(self, text: &str, flow: bool) -> String {
        match self.quoting.values {
            None if is_plain(text, flow) && self.care != Care::Quoted => text.to_owned(),
            quote => self.quoted(text, quote),
        }
    }

    fn quoted(self, text: &str, quote: Option<super::scalar::Quote>) -> String {
        if self.care == Care::Quoted { double_quoted(text) } else { quoted(text, quote.unwrap_or(self.quoting.needed)) }
    }

    fn brackets(self, open: char, members: Vec<String>, close: char, padded: bool) -> String {
        let pad = if padded && !members.is_empty() { " " } else { "" };
        let comma = if self.style.compact { "," } else { ", " };
        format!("{open}{pad}{}{pad}{close}", members.join(comma))
    }
}
