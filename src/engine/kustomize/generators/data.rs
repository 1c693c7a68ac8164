//! The maps of generated objects: what becomes of a value that is no text, and which keys cannot be printed.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Made, pairs::Pair};
use crate::{
    engine::kustomize::{
        context::Context,
        fields::printable,
        node::{Content, Entry, Node, Style, Tag, made},
        problem::Problem,
    },
    source::{
        lineage::{
            sets::SetId,
            text::{MadeOf, Text},
        },
        yaml::resolve::{self, Reader},
    },
};

/// The length of the lines that base64 is broken into.
const LINE: usize = 70;

/// The fields `data` and `binaryData` of an object.
///
/// # Errors
/// Where a key is there twice, or Kustomize cannot print a key or value.
pub fn fields(
    pairs: Vec<Pair>,
    kind: Made,
    places: SetId,
    context: &mut Context<'_>,
) -> Result<Vec<(&'static str, Node)>, Problem> {
    let (mut data, mut binary) = (Vec::new(), Vec::new());
    for Pair { key, value } in pairs {
        let is_text = std::str::from_utf8(value.bytes()).is_ok();
        if kind == Made::ConfigMap && is_text {
            printed_as_is(&value.lossy())?;
            let value = string(value, context);
            data.push(Entry { key, value });
        } else {
            let encoded = encoded(&value, context);
            let value = string(encoded, context);
            let entries = if kind == Made::Secret { &mut data } else { &mut binary };
            entries.push(Entry { key, value });
        }
    }
    let mut found = Vec::new();
    let mut all: Vec<&[u8]> = data.iter().chain(&binary).map(|entry| entry.key.bytes()).collect();
    all.sort_unstable();
    if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
        let key = String::from_utf8_lossy(twice[0]).into_owned();
        return Err(Problem::broken(format!("the configmap illegally repeats the key `{key}`")));
    }
    if !data.is_empty() || kind == Made::Secret {
        found.push(("data", map(data, places, context)?));
    }
    if !binary.is_empty() {
        found.push(("binaryData", map(binary, places, context)?));
    }
    Ok(found)
}

/// A value that is text, in quotes or as a block where Kustomize gives it those (`FieldSetter`, `makeConfigMapValueRNode`).
pub fn string(text: Text, context: &mut Context<'_>) -> Node {
    let shown = text.lossy();
    let is_quoted = shown.contains('\n') || !(shown.is_empty() || resolve::is_string(&shown, Reader::Manifest));
    let mut node = context.scalar(text, Tag::String);
    if let Content::Scalar(scalar) = &mut node.content
        && is_quoted
    {
        scalar.style = Style::Quoted;
    }
    node
}

/// A map of entries, sorted by their keys.
///
/// # Errors
/// Where a key would not be read back as text: Kustomize writes keys without quotes, and fails on what it reads then.
pub fn map(mut entries: Vec<Entry>, places: SetId, context: &mut Context<'_>) -> Result<Node, Problem> {
    context.spend(entries.len())?;
    for entry in &entries {
        let key = entry.key.lossy();
        printable(&key)?;
        if key == "<<" || !resolve::is_string(&key, Reader::Kustomize) {
            return Err(Problem::broken(format!(
                "json: unsupported type: the key {key:?} is no text once it is printed"
            )));
        }
    }
    entries.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
    Ok(Node { content: Content::Map(entries), places })
}

/// Base64 in lines (`encodeBase64`).
fn encoded(value: &Text, context: &mut Context<'_>) -> Text {
    let from = context.sets.union_all(value.pieces().iter().map(|piece| piece.made_of.set()));
    let encoded = STANDARD.encode(value.bytes());
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    if encoded.len() < LINE {
        lines = encoded;
    } else {
        for line in encoded.as_bytes().chunks(LINE) {
            lines.extend(line.iter().map(|byte| *byte as char));
            lines.push('\n');
        }
    }
    if from.is_empty() { made(lines) } else { Text::new(lines.as_bytes(), MadeOf::Derived(from)) }
}

/// Fails where Kustomize does not read back what it prints of a text of several lines, which it writes as a literal block.
fn printed_as_is(text: &str) -> Result<(), Problem> {
    printable(text)?;
    // go-yaml says how far a block is indented only where it begins with a blank or a line break.
    if text.starts_with('\t') && text.contains('\n') && is_literal(text) {
        return Err(Problem::broken("yaml: found a tab character where an indentation space is expected"));
    }
    Ok(())
}

/// Tells whether go-yaml writes a text as a block where it is asked to (`yaml_emitter_analyze_scalar`).
fn is_literal(text: &str) -> bool {
    let is_special = |c: char| (c < ' ' && c != '\n' && c != '\t') || matches!(c, '\u{7f}' | '\u{feff}');
    let breaks_after_blank = [" \n", " \u{2028}", " \u{2029}"].iter().any(|pair| text.contains(pair));
    !text.ends_with(' ') && !breaks_after_blank && !text.contains(is_special)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::kustomize::sources::{Parsed, Sources},
        source::tree::MemoryTree,
    };

    fn with_context<T>(of: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let (tree, parsed) = (MemoryTree::default(), Parsed::default());
        of(&mut Context::new(Sources::new(&tree, &parsed)))
    }

    #[test]
    fn base64_is_broken_at_70_characters() {
        let lengths = |bytes: usize| {
            let text = Text::plain("x".repeat(bytes));
            let encoded = with_context(|context| encoded(&text, context));
            encoded.lossy().split_inclusive('\n').map(str::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(51), [68]);
        assert_eq!(lengths(52), [71, 3]);
        assert_eq!(lengths(105), [71, 71]);
    }

    #[test]
    fn texts_that_kubectl_fails_on_are_refused() {
        for text in ["\ta\n", "\t\n", "a\u{7f}\n", "\u{fffe}\n", "\u{80}\n", "a\u{85}b"] {
            assert!(printed_as_is(text).is_err(), "{text:?}");
        }
        for text in ["\ta", "\ta \nb\n", "\ta\n ", "\ta\r\n", "\n\ta\n", " \ta\n", "\ta\nb ", "a\n\tb\n", "a\u{1b}\n"] {
            assert!(printed_as_is(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn keys_that_are_no_text_once_printed_are_refused() {
        let fails = |key: &str| {
            let entry = Entry { key: Text::plain(key), value: Node::string(Text::plain("x")) };
            with_context(|context| map(vec![entry], SetId::EMPTY, context)).is_err()
        };
        for key in ["123", "true", "null", "~", "2024-01-01", "<<", "1.5", ".inf", "0x1", "1_0"] {
            assert!(fails(key), "{key}");
        }
        for key in ["1:30", "yes", "a b", "-", "?", "*", "\u{fc}", "\u{feff}B"] {
            assert!(!fails(key), "{key}");
        }
    }
}
