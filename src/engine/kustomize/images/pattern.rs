//! The expression that tells which images an entry is about.
//!
//! Kustomize puts the name as it stands between `^` and what may follow a name, and has Go's `regexp` compile that: `.` is any
//! character, and `acme/.*` any image of one registry. An expression that Go does not compile makes Kustomize crash.

use regex::{Regex, RegexBuilder};

use crate::engine::kustomize::{problem::Problem, selector::pattern::fits};

/// What may follow a name; see [`is_rest`].
const REST: &str = r"(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$";

/// The most memory of one expression in bytes.
const MAX_BYTES: usize = 1 << 20;

/// An expression for images.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Characters, of which a point stands for any: nearly every name, and compiling one takes longer than a small build.
    Name(String),
    Other(Regex),
}

impl Pattern {
    /// The expression for a name.
    ///
    /// # Errors
    /// Where the name uses what Go's expressions and these understand differently, and where it is none.
    pub fn of(name: &str) -> Result<Self, Problem> {
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.:@".contains(&byte)) {
            return Ok(Self(Kind::Name(name.to_owned())));
        }
        if let Some(sign) = unclear(name) {
            return Err(Problem::unsupported(format!("the image name {name:?} with the expression {sign:?}")));
        }
        let expression = RegexBuilder::new(&format!("^{name}{REST}")).size_limit(MAX_BYTES).build();
        expression.map(|regex| Self(Kind::Other(regex))).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                Problem::limit(format!("the image name {name:?} is too large an expression"))
            }
            _ => {
                Problem::broken(format!("the image name {name:?} is no regular expression, on which Kustomize crashes"))
            }
        })
    }

    /// Tells whether an image is one of these.
    pub fn matches(&self, image: &str) -> bool {
        match &self.0 {
            Kind::Name(name) => fits(name, image).is_some_and(|end| is_rest(&image[end..])),
            Kind::Other(regex) => regex.is_match(image),
        }
    }
}

/// Tells whether a text may follow a name.
fn is_rest(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.{}-".contains(c);
    let behind_tag = match text.strip_prefix(':') {
        Some(tag) => tag.trim_start_matches(is_plain),
        None => text,
    };
    match behind_tag.strip_prefix("@sha256:") {
        Some(digest) => digest.chars().all(is_plain),
        None => behind_tag.is_empty(),
    }
}

/// The first sign of a name that Go and the `regex` crate may understand differently: all but the signs of names, `.`, `*`,
/// `+`, `?`, `|`, groups without flags, plain classes, and signs that stand for themselves behind a backslash.
fn unclear(name: &str) -> Option<String> {
    let mut rest = name.chars().peekable();
    let mut class: Option<Vec<char>> = None;
    while let Some(sign) = rest.next() {
        match (sign, &mut class) {
            ('\\', None) => match rest.next() {
                Some(escaped) if escaped.is_ascii_punctuation() && !matches!(escaped, '<' | '>') => {}
                escaped => return Some(format!("\\{}", escaped.map_or_else(String::new, String::from))),
            },
            ('(', None) if rest.peek() == Some(&'?') => return Some("(?".to_owned()),
            ('[', None) => class = Some(Vec::new()),
            (']', Some(signs)) if !signs.is_empty() && *signs != ['^'] => class = None,
            (sign, Some(signs)) => {
                let repeats = signs.last() == Some(&sign) && matches!(sign, '&' | '-' | '~');
                if repeats || matches!(sign, '[' | ']' | '\\') {
                    return Some(sign.to_string());
                }
                signs.push(sign);
            }
            ('{' | '}' | ']', None) => return Some(sign.to_string()),
            (sign, None) if sign.is_whitespace() || sign.is_control() => return Some(sign.to_string()),
            // Go refuses two of them in a row.
            ('*' | '+' | '?', None) if matches!(rest.peek(), Some('*' | '+')) => return Some(sign.to_string()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_expression_for_the_whole_name() {
        let cases = [
            ("nginx", "nginx", true),
            ("nginx", "nginx:1.0", true),
            ("nginx", "nginx@sha256:aa", true),
            ("nginx", "nginx:1@sha256:aa", true),
            ("nginx", "nginx@sha512:aa", false),
            ("nginx", "library/nginx", false),
            ("nginx", "nginx-x", false),
            ("nginx", "nginx:{tag}", true),
            ("nginx", "nginx:a b", false),
            ("nginx", "nginx:1:2", false),
            ("nginx", "nginx@sha256:aa:1", false),
            ("nginx", "nginx:1@sha256:", true),
            ("acme.io:5000/x", "acmexio:5000/x:@sha256:aa", true),
            ("a.b", "a\nb", false),
            ("a.b", "a\u{e9}b", true),
            ("a.b", "axb:1", true),
            ("a\\.b", "axb:1", false),
            ("acme/.*", "acme/cart/x:1", true),
            ("a|b", "ax", true),
            ("a|b", "xb", true),
            ("[ab]x", "bx:1", true),
            ("", ":1", true),
            ("", "x", false),
        ];
        for (name, image, expected) in cases {
            assert_eq!(Pattern::of(name).map(|pattern| pattern.matches(image)), Ok(expected), "{name} {image}");
            let compiled = Regex::new(&format!("^{name}{REST}")).expect("an expression");
            assert_eq!(compiled.is_match(image), expected, "{name} {image}");
        }
    }

    #[test]
    fn what_go_may_read_otherwise_is_refused() {
        for name in ["a{2}", "\\d", "(?i)a", "[[:alpha:]]", "[a&&b]", "a**", "(a", "[a", "a b"] {
            assert!(Pattern::of(name).is_err(), "{name}");
        }
    }
}
