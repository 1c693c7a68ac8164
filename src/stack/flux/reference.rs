//! ConfigMaps and Secrets that Flux's objects refer to, as far as the repository has them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    model::pointer::Pointer,
    stack::{
        lowered::Target,
        object::{Object, World},
    },
};

/// An entry of a ConfigMap or Secret.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Its text, and where it is written.
    Text(String, Target),
    /// Only the cluster knows it: it is encrypted here.
    Withheld,
}

/// The object that a reference by kind and name means.
pub(super) fn find(object: &Object, reference: &Value, world: &dyn World) -> Option<Object> {
    let text = |key: &str| reference.get(key).and_then(Value::as_str);
    world.find(object.at.stack, "", text("kind")?, object.namespace(), text("name")?)
}

/// The entries of a ConfigMap or Secret by key; of both maps of a Secret, `stringData` wins.
pub(super) fn entries(map: &Object) -> Vec<(String, Said)> {
    let is_encrypted = map.get("/sops").is_some();
    let is_secret = map.text("/kind") == Some("Secret");
    let mut found = Vec::new();
    for field in ["data", "stringData"] {
        let entries = map.value.get(field).and_then(Value::as_object).into_iter().flatten();
        for (key, value) in entries {
            let Some(text) = value.as_str() else { continue };
            let target = Target::Object(map.at.clone(), Pointer::of([field, key]));
            let said = if is_encrypted && text.starts_with("ENC[") {
                Said::Withheld
            } else if is_secret && field == "data" {
                let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.map_or(Said::Withheld, |text| Said::Text(text, target))
            } else {
                Said::Text(text.to_owned(), target)
            };
            found.retain(|(known, _)| known != key);
            found.push((key.clone(), said));
        }
    }
    found
}
