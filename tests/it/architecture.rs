//! Who may import whom. The table is the one of ARCHITECTURE.md; a forbidden import fails here and names the rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each folder of `src` and the folders that it may import.
const FOLDERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("source", &["model"]),
    ("engine", &["model", "source"]),
    ("stack", &["model", "source", "engine"]),
    ("remedy", &["model", "source", "engine", "stack"]),
    ("webhook", &["model"]),
    ("shell", &["model", "source", "engine", "stack", "remedy", "webhook"]),
];

/// Inside the shell, imports go only downwards: each row may import the rows below it.
const SHELL_ROWS: &[&[&str]] = &[
    &["cli"],
    &["demo"],
    &["server", "action"],
    &["worker"],
    &["forge", "git", "live", "store", "stream"],
    &["clock", "config", "input", "rules", "senders", "telemetry", "terminal"],
];

/// What the pure core must not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "thread",
    "SystemTime",
    "Instant",
    "tokio",
    "octocrab",
    "git2",
    "axum",
    "rusqlite",
];

/// The one module of the core that shares work out among threads (docs/decisions/0011-the-core-uses-the-machines-processors.md).
const AT_ONCE: &str = "src/engine/at_once.rs";

#[test]
fn folders_import_only_what_the_table_allows() {
    let found = violations(&sources());
    assert!(found.is_empty(), "the import table (ARCHITECTURE.md) is broken:\n{}", found.join("\n"));
}

#[test]
fn a_planted_import_is_found() {
    let planted = |file: &str, line: &str| violations(&[(PathBuf::from(file), line.to_owned())]);
    assert_eq!(planted("src/model/value.rs", "use crate::source::span::Span;").len(), 1);
    assert_eq!(planted("src/engine/manifest.rs", "use crate::{model::value, shell::git};").len(), 1);
    assert_eq!(planted("src/remedy/plan.rs", "let now = std::time::SystemTime::now();").len(), 1);
    assert_eq!(planted("src/stack/owner.rs", "use std::{sync::Arc, thread};").len(), 1);
    assert!(planted(AT_ONCE, "use std::thread;").is_empty());
    assert_eq!(planted("src/shell/store.rs", "use crate::shell::worker::Claim;").len(), 1);
    assert_eq!(planted("src/shell/worker.rs", "use crate::shell::{store::Store, server::serve};").len(), 1);
    assert_eq!(planted("src/engine/helm/values.rs", "use crate::engine::kustomize::build;").len(), 1);
    assert_eq!(planted("src/novelty.rs", "").len(), 1);
    assert!(planted("src/shell/worker.rs", "use super::store::Store; use std::fs;").is_empty());
}

#[test]
fn modules_of_a_folder_form_no_cycle() {
    for (folder, _) in FOLDERS {
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, text) in sources() {
            let Some(module) = module_of(&path).filter(|module| module.first().is_some_and(|first| first == folder))
            else {
                continue;
            };
            let Some(from) = module.get(1).cloned() else { continue };
            for import in imports(&module, &text) {
                if import.first().is_some_and(|first| first == folder)
                    && let Some(to) = import.get(1).filter(|to| **to != from && to.starts_with(char::is_lowercase))
                {
                    edges.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        while let Some(leaf) = edges.keys().find(|from| edges[*from].iter().all(|to| !edges.contains_key(to))).cloned()
        {
            edges.remove(&leaf);
        }
        assert!(edges.is_empty(), "modules of src/{folder} import each other in a circle: {edges:?}");
    }
}

fn violations(sources: &[(PathBuf, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        let Some(module) = module_of(path) else { continue };
        let Some((folder, allowed)) = FOLDERS.iter().find(|(folder, _)| *folder == module[0]) else {
            found.push(format!("{}: not one of the seven folders", path.display()));
            continue;
        };
        for import in imports(&module, text) {
            let target = import[0].as_str();
            if target != *folder && FOLDERS.iter().any(|(name, _)| *name == target) && !allowed.contains(&target) {
                found.push(format!("{}: {folder} may import {allowed:?}, not {target}", path.display()));
            }
            let sibling = import.get(1).map(String::as_str);
            if *folder == "engine"
                && target == "engine"
                && module.len() > 1
                && sibling.is_some_and(|to| to != module[1] && is_engine(to))
            {
                found.push(format!(
                    "{}: engines are siblings that do not import each other, but it names {sibling:?}",
                    path.display()
                ));
            }
            if *folder == "shell" && target == "shell" {
                let row = |name: &str| SHELL_ROWS.iter().position(|row| row.contains(&name));
                let (from, to) = (module.get(1).and_then(|from| row(from)), sibling.and_then(row));
                if let (Some(from), Some(to)) = (from, to)
                    && module.get(1).map(String::as_str) != sibling
                    && to <= from
                {
                    found.push(format!(
                        "{}: inside the shell imports go only downwards, but it names {sibling:?}",
                        path.display()
                    ));
                }
            }
        }
        if *folder != "shell" {
            for (number, line) in production(text).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let is_named = |word: &&&str| names(code, word) && !(**word == "thread" && path.ends_with(AT_ONCE));
                for word in IMPURE.iter().filter(is_named) {
                    found.push(format!("{}:{}: the core is pure, but it names {word}", path.display(), number + 1));
                }
            }
        }
    }
    found
}

fn is_engine(module: &str) -> bool {
    matches!(module, "manifest" | "kustomize" | "helm" | "terraform")
}

/// Tells whether code names a word, not merely a longer one that holds it.
fn names(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
}

/// The text before its unit tests.
fn production(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or_default()
}

/// `src/engine/helm/values.rs` → `[engine, helm, values]`; nothing for the crate's own roots.
fn module_of(path: &Path) -> Option<Vec<String>> {
    let inside = path.strip_prefix("src").ok()?.with_extension("");
    let parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    (!matches!(parts[0].as_str(), "lib" | "main")).then_some(parts)
}

/// The crate paths that a file's production code names, spelled out from the crate's root.
fn imports(module: &[String], text: &str) -> Vec<Vec<String>> {
    let code: String = production(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut found = Vec::new();
    for (prefix, up) in
        [("crate::", None), ("super::super::super::", Some(3)), ("super::super::", Some(2)), ("super::", Some(1))]
    {
        for (at, _) in code.match_indices(prefix) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':')) {
                continue;
            }
            let base: Vec<String> = match up {
                None => Vec::new(),
                Some(up) if up <= module.len() => module[..module.len() - up].to_vec(),
                Some(_) => continue,
            };
            for tail in expand(&code[at + prefix.len()..]) {
                let path: Vec<String> = base.iter().cloned().chain(tail).filter(|part| part != "super").collect();
                if !path.is_empty() {
                    found.push(path);
                }
            }
        }
    }
    found
}

/// `a::{b::c, d}` → `[[a, b, c], [a, d]]`.
fn expand(text: &str) -> Vec<Vec<String>> {
    if let Some(group) = text.strip_prefix('{') {
        let (mut depth, mut start, mut out) = (0, 0, Vec::new());
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    out.extend(expand(group[start..at].trim()));
                    start = at + 1;
                    if c == '}' {
                        return out;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        return out;
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Vec::new();
    }
    match rest.strip_prefix("::") {
        Some(rest) => expand(rest).into_iter().map(|tail| [vec![name.to_owned()], tail].concat()).collect(),
        None => vec![vec![name.to_owned()]],
    }
}

/// Every Rust file below `src`, relative to the repository.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut todo, mut found) = (vec![root.join("src")], Vec::new());
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of src") {
            let path = entry.expect("an entry of src").path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.push((path.strip_prefix(root).expect("inside").to_owned(), text));
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}
