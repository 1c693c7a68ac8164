//! The order in which objects are printed.
