//! Files to objects.
