//! Kustomize's own plugins as objects: what `generators:`, `transformers:` and `validators:` list.
