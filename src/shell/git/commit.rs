//! New commits, made from trees.
