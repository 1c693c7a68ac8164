//! What transports put around a producer's object, and how it comes off.
//!
//! A wrapping is recognised by members that only it has; an object without them is left as it is, so that the same sender
//! also takes what comes without that transport.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jaq_json::{Map, Val};
use serde::{Deserialize, Serialize};

use super::{Item, inexact_number};

/// A wrapping that a transport puts around the producer's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unwrap {
    /// CloudEvents 1.0 in structured or batch mode: the item is `data`, or what `data_base64` holds. In binary mode the
    /// body is the item already.
    CloudEvents,
    /// Amazon SNS over HTTPS: the item is the JSON in `Message`; text and the protocol's own messages are notices.
    Sns,
    /// Amazon EventBridge: the item is `detail`.
    EventBridge,
    /// Google Cloud Pub/Sub push: the item is the JSON in `message.data`.
    PubSub,
    /// What AWS hands to functions: `Records` of SNS or SQS, `records` of Kafka by topic.
    Records,
    /// A Kubernetes list, as `kubectl get -o json` prints it: the items are its `items`.
    Kubernetes,
    /// A line of a log as shippers forward it: the item is the JSON object in `message` or `log`.
    Log,
}

type Contents = Result<Vec<Item>, String>;

impl Unwrap {
    /// What is in this wrapping; absent for an object that is not in it.
    pub(super) fn unwrapped(self, outer: &Map) -> Option<Contents> {
        match self {
            Self::CloudEvents => text(outer, "specversion").map(|_| cloud_event(outer)),
            Self::Sns => {
                text(outer, "TopicArn")?;
                Some(notification(text(outer, "Type")?, text(outer, "Message").unwrap_or_default()))
            }
            Self::EventBridge => {
                text(outer, "detail-type")?;
                match member(outer, "detail") {
                    Some(detail @ Val::Obj(_)) => Some(one(detail.clone())),
                    _ => Some(Err("detail of an EventBridge event must be an object".to_owned())),
                }
            }
            Self::PubSub => {
                text(outer, "subscription")?;
                let Some(Val::Obj(message)) = member(outer, "message") else { return None };
                Some(published(message))
            }
            Self::Records => match (member(outer, "Records"), member(outer, "records")) {
                (Some(Val::Arr(records)), _) if records.iter().all(is_carrier) => {
                    Some(records.iter().map(record).collect())
                }
                (_, Some(Val::Obj(topics))) if text(outer, "eventSource").is_some() => Some(consumed(topics)),
                _ => None,
            },
            Self::Kubernetes => match member(outer, "items") {
                Some(Val::Arr(items)) if text(outer, "kind")?.ends_with(b"List") => {
                    Some(Ok(items.iter().cloned().map(Item::Event).collect()))
                }
                _ => None,
            },
            Self::Log => {
                let line = text(outer, "message").or_else(|| text(outer, "log"))?.trim_ascii();
                let object = line.starts_with(b"{").then(|| json(line).ok())??;
                matches!(object, Val::Obj(_)).then(|| one(object))
            }
        }
    }
}

fn cloud_event(event: &Map) -> Contents {
    match (member(event, "data"), member(event, "data_base64")) {
        // Dapr and others put JSON into a string where the sender did not say that it is JSON.
        (Some(Val::TStr(data)), _) => one(json(data).unwrap_or_else(|_| Val::TStr(data.clone()))),
        (Some(data), _) => one(data.clone()),
        (None, Some(Val::TStr(encoded))) => one(decoded(encoded, "data_base64 of a CloudEvent")?),
        (None, Some(_)) => Err("data_base64 of a CloudEvent must be a string".to_owned()),
        (None, None) => Err("a CloudEvent needs data or data_base64".to_owned()),
    }
}

fn notification(kind: &[u8], message: &[u8]) -> Contents {
    let notice = |text: &str| Ok(vec![Item::Notice(text.to_owned())]);
    match kind {
        b"Notification" => match message.trim_ascii_start().first() {
            Some(b'{' | b'[') => {
                one(json(message).map_err(|error| format!("Message of an SNS notification is not JSON: {error}"))?)
            }
            _ => notice("the SNS notification is plain text, not an event in JSON"),
        },
        b"SubscriptionConfirmation" => notice("Amazon SNS asks to confirm a subscription"),
        b"UnsubscribeConfirmation" => notice("Amazon SNS tells that a subscription has ended"),
        _ => Err("Type of an SNS message must be Notification or a confirmation".to_owned()),
    }
}

fn published(message: &Map) -> Contents {
    match member(message, "data") {
        Some(Val::TStr(data)) if !data.is_empty() => one(decoded(data, "message.data of a Pub/Sub delivery")?),
        None | Some(Val::Null | Val::TStr(_)) => {
            Ok(vec![Item::Notice("the Pub/Sub message has attributes only and no data".to_owned())])
        }
        Some(_) => Err("message.data of a Pub/Sub delivery must be a string".to_owned()),
    }
}

/// Whether a record is of SNS or SQS, and not of the producer itself.
fn is_carrier(record: &Val) -> bool {
    match record {
        Val::Obj(record) => member(record, "Sns").is_some() || text(record, "body").is_some(),
        _ => false,
    }
}

fn record(record: &Val) -> Result<Item, String> {
    let Val::Obj(record) = record else { return Err("Records must hold objects".to_owned()) };
    if let Some(notification @ Val::Obj(_)) = member(record, "Sns") {
        return Ok(Item::Event(notification.clone()));
    }
    let body = text(record, "body").ok_or("a record needs Sns, or a body of text")?;
    match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => {
            json(body).map(Item::Event).map_err(|error| format!("the body of a record is not JSON: {error}"))
        }
        _ => Ok(Item::Notice("the message of the queue is plain text, not an event in JSON".to_owned())),
    }
}

fn consumed(topics: &Map) -> Contents {
    let mut all = Vec::new();
    for records in topics.values() {
        let Val::Arr(records) = records else { return Err("records of a topic must be a list".to_owned()) };
        for record in records.iter() {
            let value = match record {
                Val::Obj(record) => text(record, "value"),
                _ => None,
            };
            all.push(Item::Event(decoded(value.ok_or("a Kafka record needs a value in base64")?, "a Kafka record")?));
        }
    }
    Ok(all)
}

fn one(value: Val) -> Contents {
    Ok(vec![Item::Event(value)])
}

fn decoded(encoded: &[u8], what: &str) -> Result<Val, String> {
    let bytes = STANDARD.decode(encoded).map_err(|_| format!("{what} is not base64"))?;
    json(&bytes).map_err(|error| format!("{what} is not JSON: {error}"))
}

fn json(bytes: &[u8]) -> Result<Val, String> {
    match inexact_number(bytes) {
        Some(number) => Err(format!("a whole number that 64 bits do not hold: {number}")),
        None => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
    }
}

fn member<'a>(map: &'a Map, name: &str) -> Option<&'a Val> {
    map.get(&Val::utf8_str(name.to_owned()))
}

fn text<'a>(map: &'a Map, name: &str) -> Option<&'a [u8]> {
    match member(map, name) {
        Some(Val::TStr(text)) => Some(text),
        _ => None,
    }
}
