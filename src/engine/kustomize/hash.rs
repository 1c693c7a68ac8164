//! The hash behind the name of a generated object.
