//! Charts on disk.
