//! Bytes of a delivery in, verified and mapped findings out.
//!
//! ```text
//! delivery ─► signature ─► envelope ─► map.jq ─► Finding
//! (bytes)     over the     JSON items  of the
//!             raw body                 sender
//! ```
//!
//! A sender is data: a folder below `webhooks/` with a manifest, a jq program, samples and what they map to. Nothing here
//! reads a clock, a file or the environment, and nothing is parsed before it is authenticated.

pub mod envelope;
pub mod github;
pub mod handshake;
pub mod map;
pub mod sender;
pub mod signature;
