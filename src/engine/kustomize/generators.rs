//! ConfigMaps and Secrets that kustomizations make of literals and files.
