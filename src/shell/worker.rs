//! Takes accepted findings to their end.
