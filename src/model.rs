//! The nouns that every other folder speaks. They know nothing of files, engines or senders.

pub mod change;
pub mod diff;
pub mod finding;
pub mod fingerprint;
pub mod hex;
pub mod kubernetes;
pub mod patch;
pub mod pointer;
pub mod program;
pub mod refusal;
pub mod repository;
pub mod resource;
pub mod secret;
pub mod taken;
pub mod uri;
pub mod value;
