//! Texts in objects that take their value from a field of another: `vars`.
