//! Where a field is inside a resource: a parsed RFC 6901 JSON Pointer.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// A field's place in a rendered resource, as RFC 6901 writes it (`/spec/containers/0/image`); empty is the whole resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer {
    tokens: Vec<String>,
}

/// Why a text is no pointer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PointerError {
    /// RFC 6901 pointers are empty or begin with a slash.
    #[error("the pointer {0:?} must be empty or begin with \"/\"")]
    NoSlash(String),
    /// `~` is only the first half of `~0` and `~1`.
    #[error("the pointer {0:?} has a \"~\" that is neither \"~0\" nor \"~1\"")]
    BadEscape(String),
}

impl Pointer {
    /// The whole resource.
    pub fn root() -> Self {
        Self::default()
    }

    /// A pointer of unescaped tokens.
    pub fn of<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        Self { tokens: tokens.into_iter().map(Into::into).collect() }
    }

    /// The unescaped tokens from the root downwards.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The last token, absent at the root.
    pub fn last(&self) -> Option<&str> {
        self.tokens.last().map(String::as_str)
    }

    /// The pointer of the value that holds this one, absent at the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.tokens.split_last()?;
        Some(Self { tokens: above.to_vec() })
    }

    /// This pointer with one more token below it.
    pub fn join(&self, token: impl Into<String>) -> Self {
        let mut tokens = self.tokens.clone();
        tokens.push(token.into());
        Self { tokens }
    }

    /// Tells whether this is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.tokens.starts_with(&other.tokens)
    }

    /// The value at this place; list items by decimal index without leading zeros.
    pub fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.tokens.iter().try_fold(value, |value, token| match value {
            Value::Object(map) => map.get(token),
            Value::Array(items) => items.get(list_index(token)?),
            _ => None,
        })
    }

    /// The value at this place, to change.
    pub fn get_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.tokens.iter().try_fold(value, |value, token| match value {
            Value::Object(map) => map.get_mut(token),
            Value::Array(items) => items.get_mut(list_index(token)?),
            _ => None,
        })
    }
}

/// Reads a token as a list index: decimal digits, no leading zero (RFC 6901 §4).
pub fn list_index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit());
    if digits && (token == "0" || !token.starts_with('0')) { token.parse().ok() } else { None }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(PointerError::NoSlash(text.to_owned()));
        };
        let tokens = rest.split('/').map(unescape).collect::<Option<_>>();
        tokens.map(|tokens| Self { tokens }).ok_or_else(|| PointerError::BadEscape(text.to_owned()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_examples_of_rfc_6901_resolve() {
        let document =
            json!({"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8});
        for (pointer, expected) in [
            ("", document.clone()),
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ] {
            let parsed: Pointer = pointer.parse().expect(pointer);
            assert_eq!(parsed.get(&document), Some(&expected), "{pointer}");
            assert_eq!(parsed.to_string(), pointer);
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        assert!(matches!("a".parse::<Pointer>(), Err(PointerError::NoSlash(_))));
        assert!(matches!("/a~2".parse::<Pointer>(), Err(PointerError::BadEscape(_))));
        assert!(matches!("/a~".parse::<Pointer>(), Err(PointerError::BadEscape(_))));
        assert_eq!("/foo/01".parse::<Pointer>().expect("parses").get(&json!({"foo": [1, 2]})), None);
    }
}
