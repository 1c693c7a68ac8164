//! What some senders ask before they post: whether they may.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question that a product asks of a new address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handshake {
    /// Azure Event Grid posts an event with a code, which the answer has to repeat.
    EventGrid,
    /// CloudEvents 1.0 HTTP webhooks: `OPTIONS` with `WebHook-Request-Origin`, answered by `WebHook-Allowed-Origin`.
    CloudEvents,
}

/// The code that an Event Grid subscription has to be answered with, if the body is the event that asks for it.
pub fn event_grid_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let event = body.get(0).unwrap_or(&body);
    let asks = event.get("eventType")? == "Microsoft.EventGrid.SubscriptionValidationEvent";
    let code = event.pointer("/data/validationCode")?.as_str().filter(|code| asks && code.len() <= 256)?;
    Some(code.to_owned())
}
