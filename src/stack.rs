//! What is deployed from where.
