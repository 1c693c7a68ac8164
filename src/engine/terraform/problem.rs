//! Why a configuration does not evaluate.

use super::leaf::Place;

/// What stopped an evaluation, and where. Values that are merely not known are no problem: they are
/// [`super::unknown::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Who would stop there.
    pub kind: Kind,
    /// Why, close to Terraform's words where it would stop as well.
    pub message: String,
    /// Of a call: the argument that it is about, from 0.
    pub argument: Option<usize>,
    /// The bytes that it is about, where they are known.
    pub at: Option<Place>,
}

/// Who would stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Terraform stops as well: the configuration is broken, or `try` and `can` go on with something else.
    Broken,
    /// Terraform might go on; this evaluation would take too much time or memory.
    Limit,
    /// Terraform goes on, in a way that this version cannot say.
    Unsupported,
}

impl Problem {
    /// Terraform stops here as well.
    pub fn broken(message: impl Into<String>) -> Self {
        Self { kind: Kind::Broken, message: message.into(), argument: None, at: None }
    }

    /// The same, about one argument of a call, from 0.
    pub fn argument(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), ..Self::broken(message) }
    }

    /// Too much for one evaluation.
    pub fn limit(message: impl Into<String>) -> Self {
        Self { kind: Kind::Limit, ..Self::broken(message) }
    }

    /// Beyond this version.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unsupported, ..Self::broken(message) }
    }

    /// The same problem, of these bytes, unless it is known to be of others.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { at: self.at.or(Some(place)), ..self }
    }

    /// The same problem behind what it stopped: `local.tags: …`.
    #[must_use]
    pub fn during(self, what: impl std::fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}
