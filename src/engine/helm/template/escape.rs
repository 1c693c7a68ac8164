//! Go's double quotes: `strconv.Quote`, which `quote` and `%q` write.

use super::{
    context::Context,
    runes::{Class, REPLACEMENT, runes},
};
use crate::source::lineage::{
    sets::SetId,
    text::{MadeOf, Text, TextBuilder},
};

/// Appends a text in double quotes. What needs no escape keeps its origins, an escape is derived from what it stands for,
/// and the quotes themselves belong to `data`. `control` decided that the text is there at all.
pub fn push(builder: &mut TextBuilder, text: &Text, data: SetId, control: SetId, context: &mut Context) {
    builder.push_bytes(b"\"", MadeOf::Derived(data), control);
    if text.bytes().iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'"' && *byte != b'\\') {
        let sets = &mut context.sets;
        builder.push_under(text, |own| sets.union(own, control));
    } else {
        let escaped = escaped(text, context);
        let sets = &mut context.sets;
        builder.push_under(&escaped, |own| sets.union(own, control));
    }
    builder.push_bytes(b"\"", MadeOf::Derived(data), control);
}

/// The text between the quotes.
fn escaped(text: &Text, context: &Context) -> Text {
    let mut builder = TextBuilder::default();
    let mut cursor = text.cursor();
    for (at, len, rune) in runes(text.bytes()) {
        let broken = rune == REPLACEMENT && len == 1;
        let escape = match rune {
            _ if broken => format!("\\x{:02x}", text.bytes()[at]),
            '"' | '\\' => format!("\\{rune}"),
            '\u{7}' => "\\a".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\u{b}' => "\\v".to_owned(),
            _ if context.classes.has(Class::Print, rune) => continue,
            _ if rune < ' ' || rune == '\u{7f}' => format!("\\x{:02x}", rune as u32),
            _ if rune < '\u{10000}' => format!("\\u{:04x}", rune as u32),
            _ => format!("\\U{:08x}", rune as u32),
        };
        cursor.take(at, &mut builder);
        let (made_of, control) = cursor.here();
        builder.push_bytes(escape.as_bytes(), MadeOf::Derived(made_of.set()), control);
        cursor.skip(at + len);
    }
    cursor.take(text.len(), &mut builder);
    builder.build()
}
