//! Numbers of replicas: `replicas`.
