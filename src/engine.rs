//! Stacks in, resources with lineage out.
