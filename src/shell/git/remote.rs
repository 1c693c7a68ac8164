//! Where a remote repository is.
