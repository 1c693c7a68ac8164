//! A fake GitHub that behaves.
