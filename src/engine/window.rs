//! What differs between two texts, so that the part of a text that has to change can be told from the parts that stay.

use std::ops::Range;

use serde_json::Value;

/// What differs between two texts: everything before and after is the same.
pub struct Window {
    /// The first byte of the old text that differs.
    pub start: usize,
    /// The byte behind the last of the old text that differs.
    pub end: usize,
    /// What comes in its place.
    pub new: String,
}

impl Window {
    /// The smallest window.
    pub fn between(old: &str, new: &str) -> Self {
        let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>();
        let (old_rest, new_rest) = (&old[same..], &new[same..]);
        let tail: usize = old_rest
            .chars()
            .rev()
            .zip(new_rest.chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        Self { start: same, end: old.len() - tail, new: new[same..new.len() - tail].to_owned() }
    }

    /// A part of the old text with what differs replaced; the window lies within it.
    pub fn replaced(&self, old: &str, part: &Range<usize>) -> String {
        let (start, end) = (self.start.clamp(part.start, part.end), self.end.clamp(part.start, part.end));
        format!("{}{}{}", &old[part.start..start], self.new, &old[end..part.end])
    }
}

/// What a scalar looks like in text.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
