//! Titles, commit subjects and branch names: a fixed grammar around foreign pieces of a harmless alphabet.
//!
//! Other people's workflows paste titles and branch names into shells, and forges turn words into mentions, links, closed
//! issues and skipped checks. So foreign pieces are letters, digits and `._/-:()=+~,` only, and even of those no URL and no
//! `GH-1` remain.

use serde_json::Value;

use crate::model::{
    finding::Intent,
    fingerprint::Fingerprint,
    pointer::{Pointer, list_index},
    repository::BranchName,
    resource::ResourceId,
};

/// How titles and commit subjects are worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Titles {
    /// `Set spec.replicas of Deployment shop/cart to 5`.
    #[default]
    Plain,
    /// `fix(drift): set spec.replicas of Deployment shop/cart to 5`, as Conventional Commits 1.0 writes it.
    Conventional,
}

/// A field that a title speaks of.
pub struct Named<'p> {
    /// Which field.
    pub path: &'p Pointer,
    /// Its new value, where it may be shown; `None` where it is removed or withheld.
    pub after: Option<&'p Value>,
    /// Whether it is removed.
    pub removed: bool,
}

/// The most telling title of at most `limit` characters, which are bytes: all of them are ASCII.
pub fn title(titles: Titles, intent: Intent, resource: &ResourceId, fields: &[Named<'_>], limit: usize) -> String {
    let whole = safe(&resource.to_string(), 60);
    let name = safe(resource.to_string().rsplit(['/', ' ']).next().unwrap_or_default(), 40);
    let mut options = Vec::new();
    for of in [&whole, &name] {
        match fields {
            [field] => options.extend(one(field, of)),
            [first, ..]
                if fields.iter().all(|field| field.path.parent() == first.path.parent())
                    && first.path.tokens().len() > 1 =>
            {
                let parent = first.path.parent().unwrap_or_default();
                options.push(format!("change {} fields of {} of {of}", fields.len(), dotted(parent.tokens())));
                options.push(format!("change {} fields of {of}", fields.len()));
            }
            _ => options.push(format!("change {} fields of {of}", fields.len())),
        }
    }
    let worded = options.into_iter().map(|option| word(titles, intent, &option));
    let fits = worded.into_iter().find(|title| title.len() <= limit);
    fits.unwrap_or_else(|| word(titles, intent, "bring a resource in line with what runs"))
}

/// The title of a pull request that changes fields of several resources: `Change 5 fields of 3 resources (stack shop/prod)`.
pub fn title_of_many(
    titles: Titles,
    intent: Intent,
    (fields, resources): (usize, usize),
    of: &str,
    limit: usize,
) -> String {
    let short = format!("change {fields} fields of {resources} resources");
    let options = [format!("{short} ({})", safe(of, 48)), short.clone()];
    let worded = options.iter().map(|option| word(titles, intent, option));
    worded.into_iter().find(|title| title.len() <= limit).unwrap_or_else(|| word(titles, intent, &short))
}

/// Tells whether a commit's subject is worded as Conventional Commits 1.0 has it.
pub fn is_conventional(subject: &str) -> bool {
    let Some((head, text)) = subject.split_once(": ") else { return false };
    let head = head.strip_suffix('!').unwrap_or(head);
    let kind = head.split_once('(').map_or(head, |(kind, scope)| if scope.ends_with(')') { kind } else { "" });
    let known = ["feat", "fix", "docs", "style", "refactor", "perf", "test", "build", "ci", "chore", "revert", "deps"];
    known.contains(&kind) && !text.trim().is_empty()
}

/// The branch of a case: `sourceward/deployment-cart-0a1b2c3d`, at most 100 characters.
pub fn branch(resource: &ResourceId, case: &Fingerprint) -> BranchName {
    branch_below("sourceward/", resource, case)
}

/// The branch of a group: `sourceward/stack-shop-prod-0a1b2c3d`.
pub fn branch_of_group(prefix: &str, name: &str, group: &Fingerprint) -> BranchName {
    named(prefix, &[part(name, 60), group.short().to_owned()])
}

/// The branch of a case below another prefix.
pub fn branch_below(prefix: &str, resource: &ResourceId, case: &Fingerprint) -> BranchName {
    let (kind, name) = match resource {
        ResourceId::Kubernetes(id) => (id.kind.clone(), id.name.clone()),
        ResourceId::Terraform(id) => {
            let address = id.address.split('[').next().unwrap_or_default();
            let mut parts = address.rsplit('.');
            let name = parts.next().unwrap_or_default();
            (parts.next().unwrap_or_default().to_owned(), name.to_owned())
        }
        ResourceId::Cloud(id) => (id.kind.clone(), id.id.clone()),
        ResourceId::Argocd(id) => ("application".to_owned(), id.name.clone()),
        ResourceId::Workspace(id) => ("workspace".to_owned(), id.name.clone()),
        ResourceId::File(id) => ("file".to_owned(), id.path.clone()),
    };
    named(prefix, &[part(&kind, 36), part(&name, 40), case.short().to_owned()])
}

/// A branch of harmless parts below a prefix that was checked when it was read.
fn named(prefix: &str, parts: &[String]) -> BranchName {
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    format!("{prefix}{}", parts.join("-"))
        .parse()
        .expect("a prefix of a branch name and lower-case letters, digits and single hyphens are one")
}

/// A foreign text in the harmless alphabet, cut after `limit` characters.
pub fn safe(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        out.push(match c {
            '[' | '{' => '(',
            ']' | '}' => ')',
            ' ' => ' ',
            '"' | '\'' => continue,
            c if c.is_ascii_alphanumeric() || "._/-:()=+~,".contains(c) => c,
            _ => '_',
        });
        if out.len() > limit {
            out.truncate(limit.saturating_sub(3));
            out.push_str("...");
            break;
        }
    }
    defused(&out)
}

/// The text without what forges read in plain letters: URLs, `www.` addresses and `GH-1`.
fn defused(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = text.to_owned().into_bytes();
    for (start, at) in [("://", 0), ("www.", 3), ("gh-", 2), ("--", 1)] {
        for (found, _) in lower.match_indices(start) {
            out[found + at] = b'_';
        }
    }
    String::from_utf8(out).expect("one ASCII character replaced another")
}

fn one(field: &Named<'_>, of: &str) -> Vec<String> {
    let tokens = field.path.tokens();
    let mut options = Vec::new();
    for kept in [tokens.len(), 4, 3, 2, 1] {
        let tail = &tokens[tokens.len().saturating_sub(kept)..];
        // `1.value` says less than nothing.
        if tail.first().is_none_or(|first| list_index(first).is_some()) {
            continue;
        }
        let path = dotted(tail);
        if field.removed {
            options.push(format!("remove {path} of {of}"));
            continue;
        }
        if let Some(value) = field.after.and_then(plain) {
            options.push(format!("set {path} of {of} to {value}"));
        }
        options.push(format!("change {path} of {of}"));
    }
    options
}

/// A scalar that the harmless alphabet shows as it is, without spaces.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    };
    let shown = safe(&text, 48);
    (!text.is_empty() && text == shown && !text.contains(' ')).then_some(text)
}

fn dotted(tokens: &[String]) -> String {
    let path = tokens.iter().map(|token| token.replace(' ', "_")).collect::<Vec<_>>().join(".");
    safe(&path, 80)
}

fn word(titles: Titles, intent: Intent, text: &str) -> String {
    match (titles, intent) {
        (Titles::Plain, _) => {
            let mut chars = text.chars();
            chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
        }
        (Titles::Conventional, Intent::Drift) => format!("fix(drift): {text}"),
        (Titles::Conventional, Intent::Violation) => format!("fix(violation): {text}"),
    }
}

/// A piece of a branch name: lower-case letters and digits between single hyphens.
fn part(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            _ if out.ends_with('-') || out.is_empty() => {}
            _ => out.push('-'),
        }
        if out.len() == limit {
            break;
        }
    }
    out.trim_matches('-').to_owned()
}
