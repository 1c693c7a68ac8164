//! Git repositories through git2, never checked out.
