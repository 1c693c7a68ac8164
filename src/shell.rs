//! All input and output. Everything here acts; what to do was decided in the core.

pub mod action;
pub mod addresses;
pub mod charts;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod forge;
pub mod git;
pub mod input;
pub mod live;
pub mod rules;
pub mod senders;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod terminal;
pub mod worker;
