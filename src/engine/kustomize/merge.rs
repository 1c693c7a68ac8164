//! Strategic merge: a part of an object laid over it.
