//! New values as `terraform fmt` would have them.

use serde_json::{Map, Value};

use super::may_be_blocks;
use crate::source::hcl::identifier::is_name;

/// How a value may be written.
#[derive(Clone, Copy)]
pub(super) enum Layout<'l> {
    /// On one line.
    Line,
    /// Maps on lines of their own.
    Lines {
        /// The blanks that the line begins with on which the value begins.
        indent: &'l str,
        /// The line break.
        line_break: &'l str,
    },
}

/// A value.
pub(super) fn value(value: &Value, layout: Layout<'_>) -> String {
    match (value, layout) {
        (Value::String(text), _) => quoted(text),
        (Value::Array(items), Layout::Lines { indent, line_break }) if items.iter().any(has_map) => {
            let inner = format!("{indent}  ");
            let layout = Layout::Lines { indent: &inner, line_break };
            let items: String =
                items.iter().map(|item| format!("{inner}{},{line_break}", self::value(item, layout))).collect();
            format!("[{line_break}{items}{indent}]")
        }
        (Value::Array(items), _) => {
            let items: Vec<String> = items.iter().map(|item| self::value(item, Layout::Line)).collect();
            format!("[{}]", items.join(", "))
        }
        (Value::Object(map), _) if map.is_empty() => "{}".to_owned(),
        (Value::Object(map), Layout::Lines { indent, line_break }) => {
            let inner = format!("{indent}  ");
            let layout = Layout::Lines { indent: &inner, line_break };
            let items: String = map
                .iter()
                .map(|(name, item)| format!("{inner}{} = {}{line_break}", key(name), self::value(item, layout)))
                .collect();
            format!("{{{line_break}{items}{indent}}}")
        }
        (Value::Object(map), Layout::Line) => {
            let items: Vec<String> =
                map.iter().map(|(name, item)| format!("{} = {}", key(name), self::value(item, layout))).collect();
            format!("{{ {} }}", items.join(", "))
        }
        (scalar, _) => scalar.to_string(),
    }
}

fn has_map(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => items.iter().any(has_map),
        _ => false,
    }
}

/// A block with these arguments; `order` are the names that a block like it has.
pub(super) fn block(kind: &str, map: &Map<String, Value>, like: &Like, indent: &str, line_break: &str) -> String {
    let inner = format!("{indent}  ");
    let mut names: Vec<&String> = map.keys().collect();
    let rank = |name: &String| like.names.iter().position(|known| known == name).unwrap_or(usize::MAX);
    names.sort_by_key(|name| rank(name));
    let mut lines = String::new();
    let mut is_first = true;
    let (blocks, arguments): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|name| like.block(name, &map[*name]).is_some());
    for name in arguments {
        let layout = Layout::Lines { indent: &inner, line_break };
        lines += &format!("{inner}{name} = {}{line_break}", value(&map[name], layout));
        is_first = false;
    }
    for name in blocks {
        for item in map[name].as_array().into_iter().flatten().filter_map(Value::as_object) {
            let nested = like.block(name, &map[name]).expect("it was told apart by that");
            let gap = if is_first { "" } else { line_break };
            lines += &format!("{gap}{inner}{}{line_break}", block(name, item, nested, &inner, line_break));
            is_first = false;
        }
    }
    if lines.is_empty() { format!("{kind} {{}}") } else { format!("{kind} {{{line_break}{lines}{indent}}}") }
}

/// What is known of blocks of a type: the names in one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Like {
    /// Arguments and types of blocks, in their order.
    pub(super) names: Vec<String>,
    /// The first block of each type in it.
    pub(super) blocks: Vec<(String, Self)>,
}

impl Like {
    /// The same with the lists of maps of a value as blocks, those that are known to be arguments aside.
    pub(super) fn with_blocks_of(mut self, map: &Map<String, Value>) -> Self {
        for (name, value) in map.iter().filter(|(_, value)| may_be_blocks(value)) {
            let at = match self.blocks.iter().position(|(known, _)| known == name) {
                Some(at) => at,
                None if self.names.contains(name) => continue,
                None => {
                    self.blocks.push((name.clone(), Self::default()));
                    self.blocks.len() - 1
                }
            };
            for item in value.as_array().into_iter().flatten().filter_map(Value::as_object) {
                let like = std::mem::take(&mut self.blocks[at].1);
                self.blocks[at].1 = like.with_blocks_of(item);
            }
        }
        self
    }

    fn block(&self, name: &str, value: &Value) -> Option<&Self> {
        let is_list = value.as_array().is_some_and(|items| items.iter().all(Value::is_object));
        self.blocks.iter().find(|(known, _)| is_list && known == name).map(|(_, like)| like)
    }
}

/// A key of an object, in quotes where it has to be.
pub(super) fn key(name: &str) -> String {
    const WORDS: &[&str] = &["for", "if", "in", "null", "true", "false"];
    if is_name(name) && !WORDS.contains(&name) { name.to_owned() } else { quoted(name) }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text as it stands between quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(char);
                out.push(char);
            }
            char if char.is_control() => out += &format!("\\u{:04x}", u32::from(char)),
            char => out.push(char),
        }
    }
    out
}

/// A text as it stands in a heredoc, where only the markers of sequences are escaped.
pub(super) fn unquoted(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}
