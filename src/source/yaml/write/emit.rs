//! The emitter's state and the block collections.

use super::{Content, Dialect, Entry, Node, TooLong, scalar};
use crate::source::lineage::{
    sets::Flow,
    text::{MadeOf, Text, TextBuilder},
};

/// The column behind which v2 folds.
const WIDTH: usize = 80;

/// The longest key in bytes that is written without `?`.
const SIMPLE_KEY: usize = 128;

/// What libyaml's emitter remembers between two writes.
pub(super) struct Emitter {
    pub(super) out: TextBuilder,
    pub(super) dialect: Dialect,
    /// In characters.
    pub(super) column: usize,
    /// Before anything is open it is absent.
    indent: Option<usize>,
    /// The last character was white space.
    pub(super) whitespace: bool,
    /// Only indentation and indicators are on the line.
    pub(super) indention: bool,
    limit: usize,
}

/// Prints a document.
pub(super) fn write(node: &Node, dialect: Dialect, limit: usize) -> Result<Text, TooLong> {
    let mut emitter = Emitter {
        out: TextBuilder::default(),
        dialect,
        column: 0,
        indent: None,
        whitespace: true,
        indention: true,
        limit,
    };
    emitter.node(node, false)?;
    emitter.write_indent(node.flow)?;
    Ok(emitter.out.build())
}

impl Emitter {
    /// Prints a node; `mapping` says that it is a map's value or key.
    fn node(&mut self, node: &Node, mapping: bool) -> Result<(), TooLong> {
        match &node.content {
            Content::Text(text) => scalar::write(self, text, node.flow, false),
            Content::Bare(text) => scalar::write_bare(self, text, node.flow),
            Content::List(items) if items.is_empty() => self.empty("[", "]", node.flow),
            Content::Map(entries) if entries.is_empty() => self.empty("{", "}", node.flow),
            Content::List(items) => self.list(items, node.flow, mapping),
            Content::Map(entries) => self.map(entries, node.flow),
        }
    }

    fn empty(&mut self, open: &str, close: &str, flow: Flow) -> Result<(), TooLong> {
        self.indicator(open, true, true, false, flow)?;
        self.indicator(close, false, false, false, flow)
    }

    fn list(&mut self, items: &[Node], flow: Flow, mapping: bool) -> Result<(), TooLong> {
        let indent = self.indent;
        let indentless = self.dialect != Dialect::Three && mapping && !self.indention;
        if !(indentless && indent.is_some()) {
            self.indent = Some(indent.map_or(0, |indent| indent + 2));
        }
        for item in items {
            self.write_indent(flow)?;
            self.indicator("-", true, false, true, flow)?;
            self.node(item, false)?;
        }
        self.indent = indent;
        Ok(())
    }

    fn map(&mut self, entries: &[Entry], flow: Flow) -> Result<(), TooLong> {
        let indent = self.indent;
        self.indent = Some(indent.map_or(0, |indent| indent + 2));
        for entry in entries {
            self.write_indent(flow)?;
            if scalar::is_simple_key(&entry.key, SIMPLE_KEY) {
                scalar::write(self, &entry.key, entry.key_flow, true)?;
                self.indicator(":", false, false, false, flow)?;
            } else {
                self.indicator("?", true, false, true, flow)?;
                scalar::write(self, &entry.key, entry.key_flow, false)?;
                self.write_indent(flow)?;
                self.indicator(":", true, false, true, flow)?;
            }
            self.node(&entry.value, true)?;
        }
        self.indent = indent;
        Ok(())
    }

    /// Runs the writing of a scalar, one level further in.
    pub(super) fn indented(&mut self, write: impl FnOnce(&mut Self) -> Result<(), TooLong>) -> Result<(), TooLong> {
        let indent = self.indent;
        self.indent = Some(indent.map_or(2, |indent| indent + 2));
        write(self)?;
        self.indent = indent;
        Ok(())
    }

    /// Adds characters of one byte each.
    pub(super) fn put(&mut self, text: &str, flow: Flow) -> Result<(), TooLong> {
        self.out.push_bytes(text.as_bytes(), MadeOf::Derived(flow.data), flow.control);
        self.column += text.len();
        self.check()
    }

    /// Adds a line break.
    pub(super) fn put_break(&mut self, flow: Flow) -> Result<(), TooLong> {
        self.out.push_bytes(b"\n", MadeOf::Derived(flow.data), flow.control);
        self.column = 0;
        self.check()
    }

    /// Begins a line at the current indentation, unless one has just begun.
    pub(super) fn write_indent(&mut self, flow: Flow) -> Result<(), TooLong> {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break(flow)?;
        }
        const SPACES: &str = "                                                                ";
        while self.column < indent {
            self.put(&SPACES[..SPACES.len().min(indent - self.column)], flow)?;
        }
        self.whitespace = true;
        self.indention = true;
        Ok(())
    }

    /// Adds punctuation.
    pub(super) fn indicator(
        &mut self,
        indicator: &str,
        needs_whitespace: bool,
        is_whitespace: bool,
        is_indention: bool,
        flow: Flow,
    ) -> Result<(), TooLong> {
        if needs_whitespace && !self.whitespace {
            self.put(" ", flow)?;
        }
        self.put(indicator, flow)?;
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
        Ok(())
    }

    /// Tells whether a space may become a line break here.
    pub(super) fn is_wide(&self) -> bool {
        self.dialect != Dialect::Three && self.column > WIDTH
    }

    pub(super) fn check(&self) -> Result<(), TooLong> {
        if self.out.len() > self.limit { Err(TooLong(self.limit)) } else { Ok(()) }
    }
}
