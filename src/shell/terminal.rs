//! What a person sees on a terminal.

pub mod answer;
pub mod paint;
