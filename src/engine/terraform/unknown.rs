//! Values that a plan does not know, and what is known of them all the same.

use std::rc::Rc;

use unicode_segmentation::UnicodeSegmentation;

use super::number::Number;
use crate::source::path::RepoPath;

/// A value that only a provider, a data source, a run or an operator can tell. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// Why it is not known.
    pub reason: Reason,
    /// What is known of it.
    pub refinement: Refinement,
}

/// Why a value is not known. What is computed of several unknown values is unknown for the first one's reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The provider decides over it: an attribute of this resource, by its address and path.
    Resource(Rc<str>),
    /// A data source is read by the provider: its address.
    Data(Rc<str>),
    /// A data source that is perhaps only read when it is applied, since it depends on what is made then: its address.
    Deferred(Rc<str>),
    /// An operator gives it: a variable of the root without a value, by its name.
    Variable(Rc<str>),
    /// It is new in every run, or depends on the machine of the run: what makes it, `timestamp()`.
    Run(Rc<str>),
    /// Terraform would know it; this version does not: what is missing.
    Unsupported(Rc<str>),
}

/// What is known of an unknown value (go-cty's refinements). Terraform decides by it: `length` of a list of known length is
/// known, `startswith` of a string with a known start may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refinement {
    /// It is not null.
    pub is_not_null: bool,
    /// Of a string: it begins with this.
    pub prefix: Rc<str>,
    /// Of an absolute path: it ends with these folders of the repository, wherever its checkout is; empty for its top, and
    /// for what is no such path.
    pub folder: RepoPath,
    /// Of a number: it is not less than this, or greater.
    pub lower: Option<Bound>,
    /// Of a number: it is not greater than this, or less.
    pub upper: Option<Bound>,
    /// Of a collection: it has at least so many elements.
    pub least: usize,
    /// Of a collection: it has at most so many elements.
    pub most: Option<usize>,
}

/// The end of a range of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The number.
    pub number: Number,
    /// Whether it belongs to the range.
    pub is_inclusive: bool,
}

impl Unknown {
    /// Nothing known of it.
    pub fn new(reason: Reason) -> Self {
        Self { reason, refinement: Refinement::default() }
    }

    /// Nothing known but that it is not null.
    pub fn not_null(reason: Reason) -> Self {
        Self { reason, refinement: Refinement::not_null() }
    }
}

impl Refinement {
    /// It is not null; nothing else.
    pub fn not_null() -> Self {
        Self { is_not_null: true, ..Self::default() }
    }

    /// The same with bounds of a collection's length.
    #[must_use]
    pub fn with_length(self, least: usize, most: Option<usize>) -> Self {
        let most = match (self.most, most) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { least: self.least.max(least), most, ..self }
    }

    /// The same with the start of a string, if that says more.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        if prefix.len() > self.prefix.len() { Self { prefix: prefix.into(), ..self } } else { self }
    }

    /// The same as the path that a folder of the repository has in a checkout.
    #[must_use]
    pub fn with_folder(self, folder: RepoPath) -> Self {
        Self { folder, ..self }
    }

    /// The same with the least number.
    #[must_use]
    pub fn with_lower(self, number: Number, is_inclusive: bool) -> Self {
        let says_more = self.lower.as_ref().is_none_or(|known| {
            if is_inclusive && !known.is_inclusive { number > known.number } else { number >= known.number }
        });
        if says_more { Self { lower: Some(Bound { number, is_inclusive }), ..self } } else { self }
    }

    /// The same with the greatest number.
    #[must_use]
    pub fn with_upper(self, number: Number, is_inclusive: bool) -> Self {
        let says_more = self.upper.as_ref().is_none_or(|known| {
            if is_inclusive && !known.is_inclusive { number < known.number } else { number <= known.number }
        });
        if says_more { Self { upper: Some(Bound { number, is_inclusive }), ..self } } else { self }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource(what) => write!(f, "the provider decides over {what}"),
            Self::Data(what) => write!(f, "the provider reads {what}"),
            Self::Deferred(what) => write!(f, "the provider reads {what}, perhaps only when it is applied"),
            Self::Variable(what) => write!(f, "variable {what} is set from outside of the repository"),
            Self::Run(what) => write!(f, "{what} depends on the run"),
            Self::Unsupported(what) => write!(f, "this version does not evaluate {what}"),
        }
    }
}

/// As much of the known start of a string as no text behind it can change: a last letter may get an accent, and then is
/// another one. Shorter than that where it is not ASCII.
pub fn safe_prefix(prefix: &str) -> &str {
    const FINAL: &str = "-_:;/\\,.(){}[]|?!~ \t@#$%^&*+\"'";
    let Some((last, grapheme)) = prefix.grapheme_indices(true).next_back() else { return prefix };
    let is_final = grapheme.len() == 1 && FINAL.contains(grapheme);
    if is_final { prefix } else { &prefix[..last] }
}
