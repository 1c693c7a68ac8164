//! What makes two findings the same case.
//!
//! A fingerprint names the trouble, not the report: neither times nor counts nor live values enter it, so that a further
//! change of the same field is a new revision of the same case and updates the same pull request.

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    finding::{Finding, Intent},
    hex::hex,
};

/// The identity of a case: 64 hexadecimal digits of SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Computes the fingerprint of a finding.
    ///
    /// It is the SHA-256 of the canonical JSON list `[intent, rule id or "drift", stack, resource, sorted field paths]`;
    /// a finding that gives the whole live object stands for all of its fields.
    pub fn of(finding: &Finding) -> Self {
        Self::of_both(finding).0
    }

    /// Computes the fingerprint of a finding and that of what it is about, whichever of its fields it names.
    pub fn of_both(finding: &Finding) -> (Self, Self) {
        let cause = match finding.intent {
            Intent::Drift => "drift",
            Intent::Violation => finding.rule.as_ref().map_or("", |rule| &rule.id),
        };
        let subject = canonical(json!([finding.intent, cause, finding.stack, finding.resource, []]));
        let of_subject = Self::over(&subject);
        let mut paths: Vec<String> =
            finding.patch.iter().flat_map(|patch| patch.0.iter().map(|op| op.path().to_string())).collect();
        if paths.is_empty() {
            return (of_subject.clone(), of_subject);
        }
        paths.sort();
        paths.dedup();
        let without_paths = subject.strip_suffix("[]]").expect("the list of paths is the last and empty");
        (Self::over(&format!("{without_paths}{}]", canonical(json!(paths)))), of_subject)
    }

    fn over(canonical: &str) -> Self {
        Self(hex(&Sha256::digest(canonical)))
    }

    /// The fingerprint of something else that is known by a text, such as a group of cases.
    pub fn of_text(text: &str) -> Self {
        Self::over(text)
    }

    /// Takes a fingerprint back from the store.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| Self(text.to_owned()))
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, for branch names and logs.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes JSON without white space and with sorted keys, so that equal values are equal bytes.
fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    serde_json::to_string(&value).expect("a value with text keys is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(text: Value) -> Finding {
        serde_json::from_value(text).expect("a finding")
    }

    #[test]
    fn it_is_the_digest_of_the_canonical_list() {
        let found = Fingerprint::of_both(&finding(json!({
            "intent": "drift",
            "resource": {"kubernetes": {"apiVersion": "v1", "kind": "Secret", "namespace": "shop", "name": "cart"}},
            "patch": [{"op": "remove", "path": "/b"}, {"op": "remove", "path": "/a"}, {"op": "test", "path": "/b", "value": 1}],
        })));
        let list = |paths: &str| {
            let resource = r#"{"kubernetes":{"apiVersion":"v1","kind":"Secret","name":"cart","namespace":"shop"}}"#;
            Fingerprint(hex(&Sha256::digest(format!(r#"["drift","drift",null,{resource},{paths}]"#))))
        };
        assert_eq!(found, (list(r#"["/a","/b"]"#), list("[]")));
    }

    #[test]
    fn a_new_live_value_is_the_same_case_and_another_field_is_not() {
        let drift = |path: &str, value: u32| {
            Fingerprint::of(&finding(json!({
                "id": value.to_string(), "intent": "drift", "time": "2026-01-01T00:00:00Z",
                "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}},
                "patch": [{"op": "replace", "path": path, "value": value}],
            })))
        };
        assert_eq!(drift("/spec/replicas", 5), drift("/spec/replicas", 6));
        assert_ne!(drift("/spec/replicas", 5), drift("/spec/paused", 5));
        assert_eq!(Fingerprint::parse(drift("/spec/replicas", 5).as_str()), Some(drift("/spec/replicas", 5)));
    }
}
