//! Pushing.
