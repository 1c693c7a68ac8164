//! Which bytes of which file produced a rendered field.
