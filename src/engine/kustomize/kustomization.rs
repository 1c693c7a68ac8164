//! A kustomization file: its fields, old and new.
