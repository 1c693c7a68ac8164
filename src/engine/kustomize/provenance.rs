//! Annotations that tell where objects come from: `buildMetadata`.
