//! What type and value Go gives to a node.
