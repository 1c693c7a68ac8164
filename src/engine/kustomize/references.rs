//! Names in objects that follow when the named object is renamed.
