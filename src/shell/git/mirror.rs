//! Mirrors of remote repositories.
