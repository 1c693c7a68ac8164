//! Binary data, which a manifest may spell in ways that the API server does not keep.
//!
//! A Secret's `stringData` is write-only: the live object holds it in `data`, in base64. Base64 itself may be broken over
//! lines. Here the live object is spelled as the manifest would, wherever both mean the same bytes.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

/// Spells a live Secret's or ConfigMap's data as the manifest spells it.
pub(super) fn respell(declared: &Map<String, Value>, live: &mut Map<String, Value>) {
    let core = declared.get("apiVersion").and_then(Value::as_str) == Some("v1");
    match declared.get("kind").and_then(Value::as_str) {
        Some("Secret") if core => {
            to_strings(declared, live);
            same_bytes(declared, live, "data");
        }
        Some("ConfigMap") if core => same_bytes(declared, live, "binaryData"),
        _ => {}
    }
}

/// Moves the live entries that the manifest declares as `stringData` there, decoded, and new ones too where the manifest
/// has no `data`. What is no UTF-8 stays in `data`.
fn to_strings(declared: &Map<String, Value>, live: &mut Map<String, Value>) {
    let Some(Value::Object(strings)) = declared.get("stringData") else { return };
    let Some(Value::Object(data)) = live.get("data") else { return };
    let encoded = declared.get("data").and_then(Value::as_object);
    let (mut moved, mut left, mut both) = (Map::new(), Map::new(), Map::new());
    for (name, value) in data {
        let is_ours = strings.contains_key(name) || encoded.is_none_or(Map::is_empty) && !strings.is_empty();
        match decoded(value).and_then(|bytes| String::from_utf8(bytes).ok()).filter(|_| is_ours) {
            Some(text) => {
                if let Some(shadowed) = encoded.and_then(|encoded| encoded.get(name)) {
                    both.insert(name.clone(), shadowed.clone());
                }
                moved.insert(name.clone(), text.into());
            }
            None => {
                left.insert(name.clone(), value.clone());
            }
        }
    }
    left.append(&mut both);
    live.insert("stringData".to_owned(), Value::Object(moved));
    live.insert("data".to_owned(), Value::Object(left));
}

/// Replaces a live entry by its declared spelling where both are the same bytes.
fn same_bytes(declared: &Map<String, Value>, live: &mut Map<String, Value>, field: &str) {
    let Some(Value::Object(declared)) = declared.get(field) else { return };
    let Some(Value::Object(live)) = live.get_mut(field) else { return };
    for (name, value) in live {
        if let Some(spelled) = declared.get(name)
            && decoded(spelled).is_some_and(|bytes| decoded(value) == Some(bytes))
        {
            *value = spelled.clone();
        }
    }
}

/// The bytes of a base64 text, which Go reads over line breaks.
fn decoded(value: &Value) -> Option<Vec<u8>> {
    let text: String = value.as_str()?.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(text).ok()
}
