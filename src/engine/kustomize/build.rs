//! One kustomization after another: load, generate, include, transform.
