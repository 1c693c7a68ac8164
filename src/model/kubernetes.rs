//! What Kubernetes itself says about objects: which fields the API server fills in, and what identifies a list's items.
//!
//! A live object is its manifest plus what the API server, its controllers and the deployer wrote into it. To say what a
//! person changed, all of that has to be taken away again. The tables (`kinds`, `cluster`, `pod`, `server`) say what
//! becomes of an absent field; `walk` reads declared and live object side by side along them. The tables follow Kubernetes
//! 1.32; `docs/live-objects.md` names the source of each.

mod cluster;
mod filled;
mod kinds;
mod order;
mod pod;
mod quantity;
mod schema;
mod secrets;
mod server;
mod walk;
pub mod writers;

use serde_json::{Map, Value};

use super::pointer::Pointer;
use schema::Place;

/// The declared resource as it would have to be for the cluster to look like `live`: `declared`, with exactly those
/// fields changed that drifted, and equal to it where none did.
///
/// `live` is the object as `kubectl get -o yaml` prints it, in the declared API version or another of the same shape.
/// What the API server and the deployer add counts only where the manifest declares it too; every declared spelling
/// that means the live value stays. A kind without a table (a custom resource) loses `status` and the server's
/// `metadata`; every other difference counts. Any two values are accepted: what is no object is compared as it is. The
/// depth of recursion is that of the values, which their parsers bound.
pub fn adopted(declared: &Value, live: &Value) -> Value {
    let (Value::Object(declared), Value::Object(live)) = (declared, live) else {
        return walk::plain(declared, live);
    };
    let kind = kinds::of(text(declared, "apiVersion"), text(declared, "kind"));
    let mut live = live.clone();
    if kinds::same_shape(text(declared, "apiVersion"), text(&live, "apiVersion"), text(declared, "kind"))
        && let Some(version) = declared.get("apiVersion")
    {
        live.insert("apiVersion".to_owned(), version.clone());
    }
    // Of any kind, also where a manifest says one.
    match declared.get("status") {
        Some(status) => live.insert("status".to_owned(), status.clone()),
        None => live.remove("status"),
    };
    secrets::respell(declared, &mut live);
    pod::without_injected(declared, &mut live);
    let place = Place { declared, live: &live, above: None, comparing: false };
    let map = walk::object(kind.unwrap_or(kinds::UNKNOWN), kind.is_some(), &place);
    Value::Object(map)
}

/// The merge keys of the list at `pointer` of an object of this API version and kind: what identifies its items where
/// Kubernetes merges it item by item (`x-kubernetes-list-map-keys`), `["containerPort", "protocol"]` for a container's
/// ports. Absent for atomic lists, for what is no list and for kinds without a table. Any token may stand for an item.
pub fn merge_keys(api_version: &str, kind: &str, pointer: &Pointer) -> Option<&'static [&'static str]> {
    schema::keys_at(kinds::of(api_version, kind)?, pointer.tokens())
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> &'v str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}
