//! Other names, tags and digests for images: `images`.
