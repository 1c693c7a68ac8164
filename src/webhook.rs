//! Bytes of a delivery in, verified and mapped findings out.
