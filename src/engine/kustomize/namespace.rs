//! One namespace for all objects.
