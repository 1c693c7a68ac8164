//! Prefixes and suffixes of names.
