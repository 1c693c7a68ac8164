//! Values copied from one object into others: `replacements`.
