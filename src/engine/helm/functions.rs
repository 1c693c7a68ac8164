//! The functions of Helm's templates: sprig 3.3.0's text functions and Helm's own.

pub mod arguments;
pub mod case;
pub mod encode;
pub mod equal;
pub mod lists;
pub mod regex;
pub mod strings;

#[cfg(test)]
mod tests;
