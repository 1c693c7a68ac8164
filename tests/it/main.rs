//! The integration tests: one binary, a file a subject.

mod architecture;
mod charts;
mod cli;
mod described;
mod documents;
mod fix;
mod forge;
mod git;
mod github;
mod helm_values;
mod hostile;
mod kill;
mod kubernetes;
mod pull_request;
mod remote;
mod render;
mod serve;
mod server;
mod store;
mod template;
mod tools;
mod webhook;
mod yaml_edit;
mod yaml_read;
mod yaml_write;
