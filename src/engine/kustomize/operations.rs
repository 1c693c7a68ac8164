//! RFC 6902 operations on an object.
