//! Reads YAML by go-yaml's rules.
