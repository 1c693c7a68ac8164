//! Which objects a target means.
