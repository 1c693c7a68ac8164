//! Which bytes a text has.
//!
//! Every text of every report is looked at for secrets, and most are a name or a sentence: their bytes alone tell which
//! kinds of secrets they cannot hold, in one pass instead of one for each kind.

/// The bytes that occur in a text.
pub struct Census([bool; 256]);

impl Census {
    /// Looks at every byte of a text.
    pub fn of(text: &str) -> Self {
        let mut seen = [false; 256];
        text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
        Self(seen)
    }

    /// Tells whether each of these bytes occurs.
    pub fn has_all(&self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.0[usize::from(*byte)])
    }

    /// Tells whether one of these bytes occurs.
    pub fn has_any(&self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.0[usize::from(*byte)])
    }
}
