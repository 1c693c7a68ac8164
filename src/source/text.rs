//! Bytes of a file as text, where it may be none.

use std::borrow::Cow;

/// What is readable of bytes: all of UTF-8, and a mark in the place of whatever is none. Most files are UTF-8 as a whole, which
/// is told many times sooner than [`String::from_utf8_lossy`] takes them apart.
pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
