//! What Kubernetes itself says about objects: which fields the API server fills in, and what identifies a list's items.
