//! `labelSelector` and `annotationSelector`: Kubernetes' requirements on labels.
//!
//! Reference: `k8s.io/apimachinery/pkg/labels/selector.go` (0.19.8), as kyaml carries it.

use std::collections::BTreeSet;

use crate::engine::kustomize::{
    node::{Content, Node},
    problem::Problem,
};

/// What labels must be like, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    must: Must,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Must {
    Exist,
    NotExist,
    Be(BTreeSet<String>),
    NotBe(BTreeSet<String>),
    BeGreater(i64),
    BeLess(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'s> {
    Close,
    Comma,
    NotExist,
    DoubleEquals,
    Equals,
    Greater,
    Word(&'s str),
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
    End,
    Wrong,
}

/// The labels or annotations of an object with their texts, whatever their types.
pub fn of<'n>(object: &'n Node, field: &str) -> Vec<(&'n str, &'n str)> {
    let entries = object.at(&["metadata", field]).and_then(Node::entries).unwrap_or_default();
    let said = |node: &'n Node| match &node.content {
        Content::Scalar(scalar) => scalar.text.as_str().unwrap_or_default(),
        Content::List(_) | Content::Map(_) => "",
    };
    entries.iter().filter_map(|entry| Some((entry.key.as_str()?, said(&entry.value)))).collect()
}

impl Requirements {
    /// Reads `app in (a, b), !canary, tier != front`.
    ///
    /// # Errors
    /// Where it is not written like that, or where a key or value cannot be a label's.
    pub fn read(text: &str) -> Result<Self, Problem> {
        Parser { tokens: tokens(text), at: 0 }
            .read()
            .map(Self)
            .map_err(|why| Problem::broken(format!("unable to parse requirement: {why}: {text:?}")))
    }

    /// Tells whether labels are like that.
    pub fn matches(&self, labels: &[(&str, &str)]) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.iter().find(|(key, _)| *key == requirement.key).map(|(_, value)| *value);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.must {
                Must::Exist => value.is_some(),
                Must::NotExist => value.is_none(),
                Must::Be(values) => value.is_some_and(|value| values.contains(value)),
                Must::NotBe(values) => value.is_none_or(|value| !values.contains(value)),
                Must::BeGreater(than) => number().is_some_and(|number| number > *than),
                Must::BeLess(than) => number().is_some_and(|number| number < *than),
            }
        })
    }
}

struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    at: usize,
}

impl<'s> Parser<'s> {
    fn read(mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.ahead() {
                Token::Word(_) | Token::NotExist => {
                    requirements.push(self.requirement()?);
                    match self.next() {
                        Token::End => return Ok(requirements),
                        Token::Comma if matches!(self.ahead(), Token::Word(_) | Token::NotExist) => {}
                        _ => return Err("expected ',' and another requirement, or the end".to_owned()),
                    }
                }
                Token::End => return Ok(requirements),
                _ => return Err("expected '!', a key or the end".to_owned()),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let is_negated = *self.peek() == Token::NotExist;
        if is_negated {
            self.at += 1;
        }
        let Token::Word(key) = self.next() else { return Err("expected a key".to_owned()) };
        check_key(key)?;
        let key = key.to_owned();
        if is_negated {
            return Ok(Requirement { key, must: Must::NotExist });
        }
        if matches!(self.ahead(), Token::End | Token::Comma) {
            return Ok(Requirement { key, must: Must::Exist });
        }
        let operator = self.peek().clone();
        self.at += 1;
        let must = match operator {
            Token::In => Must::Be(self.values()?),
            Token::NotIn => Must::NotBe(self.values()?),
            Token::Equals | Token::DoubleEquals => Must::Be([self.value()?].into()),
            Token::NotEquals => Must::NotBe([self.value()?].into()),
            Token::Greater => Must::BeGreater(self.number()?),
            Token::Less => Must::BeLess(self.number()?),
            _ => return Err("expected '=', '!=', '==', 'in', 'notin'".to_owned()),
        };
        Ok(Requirement { key, must })
    }

    /// `(a, b)`, of which any may be empty.
    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        if self.next() != Token::Open {
            return Err("expected '('".to_owned());
        }
        let mut values = BTreeSet::new();
        match self.ahead() {
            Token::Close => {
                self.at += 1;
                values.insert(String::new());
                return Ok(values);
            }
            Token::Word(_) | Token::Comma => {}
            _ => return Err("expected ',', ')' or a value".to_owned()),
        }
        loop {
            match self.next() {
                Token::Word(value) => {
                    check_value(value)?;
                    values.insert(value.to_owned());
                    match self.ahead() {
                        Token::Comma => {}
                        Token::Close => break,
                        _ => return Err("expected ',' or ')'".to_owned()),
                    }
                }
                Token::Comma => {
                    if values.is_empty() {
                        values.insert(String::new());
                    }
                    match self.ahead() {
                        Token::Close => {
                            values.insert(String::new());
                            break;
                        }
                        Token::Comma => {
                            self.at += 1;
                            values.insert(String::new());
                        }
                        _ => {}
                    }
                }
                _ => return Err("expected ',' or a value".to_owned()),
            }
        }
        self.at += 1;
        Ok(values)
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.ahead(), Token::End | Token::Comma) {
            return Ok(String::new());
        }
        let Token::Word(value) = self.next() else { return Err("expected a value".to_owned()) };
        check_value(value)?;
        Ok(value.to_owned())
    }

    fn number(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_| "for 'Gt', 'Lt' operators, the value must be an integer".to_owned())
    }

    fn peek(&self) -> &Token<'s> {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    /// The next token where a key or value is expected: `in` and `notin` may be one.
    fn ahead(&self) -> Token<'s> {
        match self.peek() {
            Token::In => Token::Word("in"),
            Token::NotIn => Token::Word("notin"),
            token => token.clone(),
        }
    }

    fn next(&mut self) -> Token<'s> {
        let token = self.ahead();
        self.at += 1;
        token
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let is_symbol = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
    let mut tokens = Vec::new();
    // A zero byte is the end to the original.
    let mut rest = text.split('\0').next().unwrap_or_default().trim_start_matches(is_blank);
    while let Some(first) = rest.chars().next() {
        let (token, length) = if is_symbol(first) {
            symbol(rest)
        } else {
            let length = rest.find(|c| is_symbol(c) || is_blank(c)).unwrap_or(rest.len());
            let word = match &rest[..length] {
                "in" => Token::In,
                "notin" => Token::NotIn,
                word => Token::Word(word),
            };
            (word, length)
        };
        tokens.push(token);
        rest = rest[length..].trim_start_matches(is_blank);
    }
    tokens
}

/// The longest symbol at the beginning.
fn symbol(rest: &str) -> (Token<'_>, usize) {
    for (text, token) in [("==", Token::DoubleEquals), ("!=", Token::NotEquals)] {
        if rest.starts_with(text) {
            return (token, 2);
        }
    }
    let token = match rest.as_bytes().first() {
        Some(b'=') => Token::Equals,
        Some(b'!') => Token::NotExist,
        Some(b'(') => Token::Open,
        Some(b')') => Token::Close,
        Some(b',') => Token::Comma,
        Some(b'>') => Token::Greater,
        Some(b'<') => Token::Less,
        _ => Token::Wrong,
    };
    (token, 1)
}

/// `IsQualifiedName`.
fn check_key(key: &str) -> Result<(), String> {
    let parts: Vec<&str> = key.split('/').collect();
    let is_valid = match parts[..] {
        [name] => is_name(name),
        [prefix, name] => is_domain(prefix) && is_name(name),
        _ => false,
    };
    if is_valid { Ok(()) } else { Err(format!("invalid label key {key:?}")) }
}

/// `IsValidLabelValue`.
fn check_value(value: &str) -> Result<(), String> {
    if value.is_empty() || is_name(value) { Ok(()) } else { Err(format!("invalid label value: {value:?}")) }
}

fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    is_framed(name, |byte| byte.is_ascii_alphanumeric()) && name.len() <= 63 && name.bytes().all(is_inner)
}

fn is_domain(name: &str) -> bool {
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| is_framed(label, is_lower) && label.bytes().all(|byte| is_lower(byte) || byte == b'-');
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Tells whether the first and the last byte are such.
fn is_framed(text: &str, is_such: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|byte| is_such(*byte)) && bytes.last().is_some_and(|byte| is_such(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_kubernetes_own() {
        let labels = [("app", "d"), ("n", "5"), ("e", "")];
        let cases = [
            ("app in (d,e),!z", Some(true)),
            ("app=d", Some(true)),
            ("app == d , n", Some(true)),
            ("app!=d", Some(false)),
            ("z!=d", Some(true)),
            ("app notin (x, y)", Some(true)),
            ("z notin (x)", Some(true)),
            ("!app", Some(false)),
            ("! z", Some(true)),
            ("n>4,n<6", Some(true)),
            ("n>x", None),
            ("e=", Some(true)),
            ("e in ()", Some(true)),
            ("e in (,a)", Some(true)),
            ("in in (in)", Some(false)),
            ("", Some(true)),
            ("app,", None),
            ("app in d", None),
            ("app=-d", None),
            ("a b", None),
            ("app=d=e", None),
            ("-a", None),
            ("x.io/app", Some(false)),
            ("X.io/app", None),
            ("app in (d", None),
            ("app!d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Requirements::read(text).ok().map(|read| read.matches(&labels)), expected, "{text}");
        }
    }
}
