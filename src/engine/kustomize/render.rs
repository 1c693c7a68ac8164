//! From a kustomization to resources, as `kubectl kustomize` builds it.
