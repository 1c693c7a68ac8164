//! Random arguments.
