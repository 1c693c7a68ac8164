//! sourceward moves live fixes back into the source.
//!
//! ```text
//! delivery ─► webhook ─► Finding ─► owner ─► render ─► Change ─► lineage ─► Plan ─► Proof ─► PullRequest
//! ```
//!
//! Everything but [`shell`] is a pure, synchronous core: no file system, network, clock, environment or process.
//! A folder may import only folders named in the table of ARCHITECTURE.md; a test reads the imports and enforces it.

pub mod engine;
pub mod model;
pub mod remedy;
pub mod shell;
pub mod source;
pub mod stack;
pub mod webhook;
