//! Words an edit of a YAML file as one splice.
