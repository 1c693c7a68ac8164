//! The operator's configuration of the server.
