//! The hash of its content that goes behind the name of a generated object.
//!
//! It is computed once all layers have worked on the object, so a patch of a generated ConfigMap renames it, and with it what
//! refers to it.
//!
//! References: `api/hasher/hasher.go` and `HashTransformer.go` of Kustomize 5.5.0, and Go's `encoding/json`.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    context::Context,
    leaf::Leaf,
    node::{Content, Node, Tag},
    problem::Problem,
    resources::{Resource, Resources},
};
use crate::{
    model::hex::hex,
    source::lineage::{
        sets::SetId,
        text::{MadeOf, TextBuilder},
    },
};

/// The number of characters of a hash.
const LENGTH: usize = 10;

/// Puts hashes behind the names of the objects that need them.
///
/// # Errors
/// Where an object's content cannot be printed, or its kind is not one that generators make.
pub fn apply(resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
    for resource in &mut resources.list {
        context.spend(1)?;
        if resource.needs_hash {
            let (source, span) = resource.declared;
            rename(resource, context).map_err(|problem| problem.at(source, span))?;
        }
    }
    Ok(())
}

fn rename(resource: &mut Resource, context: &mut Context<'_>) -> Result<(), Problem> {
    let kind = resource.kind().to_owned();
    let fields: &[&str] = match kind.as_str() {
        "ConfigMap" => &["data", "binaryData"],
        "Secret" => &["type", "data", "stringData"],
        // Kustomize hashes its parser's structures there, lines and columns included.
        _ => return Err(Problem::unsupported(format!("a hash behind the name of a {kind}"))),
    };
    let hash = of(&kind, fields, &resource.node)?;
    let mut sets = vec![context.sets.leaf(Leaf::BuiltIn("hash")).into()];
    for field in fields {
        if let Some(node) = resource.node.get(field) {
            origins(node, &mut sets, context)?;
        }
    }
    let made_of = MadeOf::Derived(context.sets.union_all(sets));
    resource.remember_id();
    let mut name = TextBuilder::default();
    if let Some(known) = resource.node.at(&["metadata", "name"]).and_then(Node::as_scalar) {
        name.push(&known.text);
    }
    name.push_bytes(b"-", made_of, SetId::EMPTY);
    name.push_bytes(hash.as_bytes(), made_of, SetId::EMPTY);
    let name = context.scalar(name.build(), Tag::String);
    resource.set_metadata("name", name);
    Ok(())
}

/// The hash of an object's fields.
fn of(kind: &str, fields: &[&str], object: &Node) -> Result<String, Problem> {
    // The name is looked for under the key `metadata/name`, which is not there.
    let mut content = vec![("kind", Value::from(kind)), ("name", Value::from(""))];
    for field in fields {
        let value = match object.get(field) {
            None => Value::from(""),
            Some(Node { content: Content::Scalar(scalar), .. }) => Value::from(scalar.text.lossy()),
            Some(Node { content: Content::List(_), .. }) => Value::Null,
            Some(map) => map.to_json().map_err(|text| Problem::broken(format!("json: unsupported value: {text}")))?,
        };
        let is_map = matches!(value, Value::Object(_) | Value::Null);
        if is_map || !matches!(*field, "binaryData" | "stringData") {
            content.push((field, value));
        }
    }
    content.sort_by_key(|(key, _)| *key);
    let mut json = Vec::new();
    json.push(b'{');
    for (at, (key, value)) in content.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        write_string(key, &mut json);
        json.push(b':');
        write(value, &mut json);
    }
    json.push(b'}');
    Ok(encoded(&json))
}

/// The first characters of the digest in hexadecimal, without those that could spell something.
fn encoded(json: &[u8]) -> String {
    let hexadecimal = hex(&Sha256::digest(json));
    let spelled = |character| match character {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    hexadecimal.chars().take(LENGTH).map(spelled).collect()
}

/// Writes JSON as Go does what it has decoded itself: keys sorted, numbers as 64-bit floats.
fn write(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::Null => into.extend(b"null"),
        Value::Bool(truth) => into.extend(truth.to_string().as_bytes()),
        Value::Number(number) => into.extend(float(number.as_f64().unwrap_or_default()).as_bytes()),
        Value::String(text) => write_string(text, into),
        Value::Array(items) => {
            into.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    into.push(b',');
                }
                write(item, into);
            }
            into.push(b']');
        }
        Value::Object(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            into.push(b'{');
            for (at, (key, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    into.push(b',');
                }
                write_string(key, into);
                into.push(b':');
                write(value, into);
            }
            into.push(b'}');
        }
    }
}

/// Writes a string with what Go escapes, HTML's characters among it.
fn write_string(text: &str, into: &mut Vec<u8>) {
    into.push(b'"');
    for character in text.chars() {
        match character {
            '"' => into.extend(b"\\\""),
            '\\' => into.extend(b"\\\\"),
            '\n' => into.extend(b"\\n"),
            '\r' => into.extend(b"\\r"),
            '\t' => into.extend(b"\\t"),
            '\u{8}' => into.extend(b"\\b"),
            '\u{c}' => into.extend(b"\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                into.extend(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            other => into.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    into.push(b'"');
}

/// A number as Go writes a 64-bit float to JSON: the fewest digits that mean it, with an exponent below 1e-6 and from 1e21.
fn float(number: f64) -> String {
    if number != 0.0 && (number.abs() < 1e-6 || number.abs() >= 1e21) {
        let text = format!("{number:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    format!("{number}")
}

/// The origins of everything below a node.
fn origins(node: &Node, into: &mut Vec<SetId>, context: &mut Context<'_>) -> Result<(), Problem> {
    let mut left = vec![node];
    while let Some(node) = left.pop() {
        context.spend(1)?;
        into.push(node.places);
        match &node.content {
            Content::Scalar(scalar) => into.extend(scalar.text.pieces().iter().map(|piece| piece.made_of.set())),
            Content::List(items) => left.extend(items),
            Content::Map(entries) => {
                for entry in entries {
                    into.extend(entry.key.pieces().iter().map(|piece| piece.made_of.set()));
                    left.push(&entry.value);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::kustomize::node::made, source::lineage::text::Text};

    fn object(entries: &[(&str, Node)]) -> Node {
        let mut object = Node::map();
        for (key, value) in entries {
            object.set(made(key), value.clone());
        }
        object
    }

    fn string(text: &str) -> Node {
        Node::string(Text::plain(text))
    }

    #[test]
    fn hashes_are_kubectl_s() {
        let config_map = |data: Option<&[(&str, &str)]>| {
            let entries: Option<Vec<_>> = data.map(|data| data.iter().map(|(k, v)| (*k, string(v))).collect());
            let node = entries.map_or_else(Node::map, |entries| object(&[("data", object(&entries))]));
            of("ConfigMap", &["data", "binaryData"], &node)
        };
        type Data<'d> = Option<&'d [(&'d str, &'d str)]>;
        let cases: [(Data<'_>, &str); 6] = [
            (Some(&[("a", "b")]), "4h2mbtbbt6"),
            (Some(&[("a", "<b>&\u{e9}")]), "2c27d2449m"),
            (None, "6ct58987ht"),
            (Some(&[("f", "")]), "tfc944m6c2"),
            (Some(&[("f", "a\u{2028}b\n")]), "8789297fdh"),
            (Some(&[("f", "a\u{1b}b\n")]), "mgm9gthg44"),
        ];
        for (data, expected) in cases {
            assert_eq!(config_map(data).as_deref(), Ok(expected), "{data:?}");
        }
        let secret = object(&[("type", string("kubernetes.io/tls")), ("data", object(&[("a", string("Yg=="))]))]);
        assert_eq!(of("Secret", &["type", "data", "stringData"], &secret).as_deref(), Ok("92982c4m8f"));
    }

    #[test]
    fn numbers_are_go_s() {
        let cases = [
            (1.0, "1"),
            (1.5, "1.5"),
            (-0.0, "-0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e-7, "1.25e-7"),
            (0.000001, "0.000001"),
            (12_345_678_901_234_567_890.0, "12345678901234567000"),
        ];
        for (number, expected) in cases {
            assert_eq!(float(number), expected);
        }
    }
}
