//! Patches of a kustomization: which objects they work on, and how.
