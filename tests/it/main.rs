//! The integration tests: one binary, a file a subject.

mod architecture;
mod documents;
mod fix;
mod forge;
mod git;
mod github;
mod hostile;
mod kubernetes;
mod pull_request;
mod remote;
mod server;
mod store;
mod webhook;
mod yaml_edit;
mod yaml_read;
