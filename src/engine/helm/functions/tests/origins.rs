//! Where bytes lead after they went through functions.
