//! Why a template does not render.

/// What stopped an evaluation; the evaluator adds the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Who would stop there.
    pub kind: FaultKind,
    /// Why, in Go's words where Go would fail as well.
    pub message: String,
}

/// Who would stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Helm fails in the same place.
    Failed,
    /// Helm might go on; this render would take too much time or memory.
    Limit,
    /// Helm goes on; this version cannot say what it would print.
    Unsupported,
}

impl Fault {
    /// Helm fails here as well.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Failed, message: message.into() }
    }

    /// Too much for one render.
    pub fn limit(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Limit, message: message.into() }
    }

    /// Beyond this version.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Unsupported, message: message.into() }
    }
}
