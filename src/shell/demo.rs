//! The main job, shown on an embedded example.
