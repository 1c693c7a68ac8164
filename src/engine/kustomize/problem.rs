//! Why a kustomization does not build.

use super::leaf::SourceId;
use crate::source::span::Span;

/// What stopped a build, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Who would stop there.
    pub kind: Kind,
    /// Why, in Kustomize's words where it would fail as well.
    pub message: String,
    /// The bytes that it is about, where they are known.
    pub at: Option<(SourceId, Span)>,
}

/// Who would stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Kustomize fails as well: the stack is broken.
    Broken,
    /// Kustomize might go on; this build would take too much time or memory.
    Limit,
    /// Kustomize goes on, with the network or a plugin, or in a way that this version cannot say.
    Unsupported,
}

impl Problem {
    /// Kustomize fails here as well.
    pub fn broken(message: impl Into<String>) -> Self {
        Self { kind: Kind::Broken, message: message.into(), at: None }
    }

    /// Too much for one build.
    pub fn limit(message: impl Into<String>) -> Self {
        Self { kind: Kind::Limit, message: message.into(), at: None }
    }

    /// Beyond this version.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unsupported, message: message.into(), at: None }
    }

    /// The same problem, of these bytes, unless it is known to be of others.
    #[must_use]
    pub fn at(self, source: SourceId, span: Span) -> Self {
        Self { at: self.at.or(Some((source, span))), ..self }
    }

    /// The same problem behind what it stopped: `accumulating resources: …`.
    #[must_use]
    pub fn during(self, what: impl std::fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}
