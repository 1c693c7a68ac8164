//! What the standard library of Go does to texts: Helm and Terraform are written in Go, and what their functions answer is
//! what Go's answer, of the version of Go and of Unicode that they are built with.

pub mod digest;
pub mod duration;
pub mod math;
pub mod printable;
pub mod quote;
pub mod regex;
pub mod runes;
pub mod time;
