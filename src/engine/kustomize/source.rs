//! Where a resource of a build comes from, and where a change of it could be written.
