//! Labels for all objects: `labels` and `commonLabels`.
