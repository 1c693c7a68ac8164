//! Values, each written in one of many styles.

use proptest::prelude::*;
use serde_json::{Value, json};
use sourceward::source::yaml::resolve::is_string_for_all;

/// A value and one of the ways to write it.
pub(crate) fn written() -> impl Strategy<Value = (Value, String)> {
    let text = prop_oneof![
        "[a-z]{1,8}",
        "[ -~]{0,12}",
        "\\PC{0,8}",
        "([a-z ]{0,6}\n){1,3}[a-z]{0,3}",
        Just("yes".to_owned()),
        Just("012".to_owned()),
        Just(String::new()),
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,6}|[ -~]{1,6}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    (tree, any::<u64>()).prop_map(|(value, style)| {
        let mut text = String::new();
        Writer { style }.write(&value, 0, &mut text);
        (value, text)
    })
}

/// Writes a value in styles that it takes bit by bit from a number.
struct Writer {
    style: u64,
}

impl Writer {
    fn choose(&mut self, ways: u64) -> u64 {
        self.style = self.style.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.style >> 33) % ways
    }

    /// Writes what stands behind a `-` or `:`, or the whole text, up to and with its line break.
    fn write(&mut self, value: &Value, indent: usize, out: &mut String) {
        let comment = ["", "", " # c"][self.choose(3) as usize];
        let pad = " ".repeat(indent);
        match value {
            Value::Array(items) if !items.is_empty() && self.choose(3) > 0 => {
                *out += &format!("{comment}\n");
                for item in items {
                    *out += &format!("{pad}-");
                    self.write(item, indent + 2, out);
                }
            }
            Value::Object(map) if !map.is_empty() && self.choose(3) > 0 => {
                *out += &format!("{comment}\n");
                for (key, value) in map {
                    let key = if is_string_for_all(key) && key.bytes().all(|b| b.is_ascii_lowercase()) {
                        key.clone()
                    } else {
                        json!(key).to_string()
                    };
                    *out += &format!("{pad}{key}:");
                    self.write(value, indent + 2, out);
                }
            }
            Value::String(text) => {
                let simple = text.chars().all(|c| matches!(c, ' '..='~' | 'à'..='ÿ'));
                let lines = text.split('\n').all(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
                match self.choose(4) {
                    0 if is_string_for_all(text) && text.bytes().all(|b| b.is_ascii_lowercase()) => {
                        *out += &format!(" {text}{comment}\n");
                    }
                    1 if simple => *out += &format!(" '{}'{comment}\n", text.replace('\'', "''")),
                    2 if lines && indent > 0 => {
                        *out += &format!(" |-{comment}\n");
                        text.split('\n').for_each(|line| *out += &format!("{pad}{line}\n"));
                    }
                    _ => *out += &format!(" {}{comment}\n", quoted(text)),
                }
            }
            value => *out += &format!(" {}{comment}\n", flow(value)),
        }
    }
}

/// JSON is YAML, but for the characters that YAML allows only as escapes.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in json!(text).to_string().chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out += &format!("\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::String(text) => quoted(text),
        value => value.to_string(),
    }
}
