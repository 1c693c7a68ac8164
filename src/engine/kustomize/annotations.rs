//! Annotations for all objects: `commonAnnotations`.
