//! Go's `text/template`, with origins.
//!
//! The language is Go 1.23's as helm 3.17 carries it, mistakes included: what Go rejects is rejected, and what it prints is
//! printed. Values know what they are made of, and printed text is a rope of pieces that do.

pub mod ast;
pub mod compare;
pub mod constant;
pub mod context;
pub mod evaluate;
pub mod fault;
pub mod function;
pub mod leaf;
pub mod lex;
pub mod parse;
pub mod print;
pub mod program;
pub mod value;
