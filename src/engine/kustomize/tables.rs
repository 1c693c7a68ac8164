//! Which fields the transformers work on: the tables of Kustomize, and what configurations add to them.
