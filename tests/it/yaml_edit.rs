//! Edits of YAML files: the cases of `tests/it/yaml_edit/*.txt`, random edits of random files, and a corpus on request.
//!
//! A case is a title, a file, a change, and the file after it or the refusal:
//!
//! ```text
//! = keeps single quotes
//! | a: 'x'  # why
//! set /a "y"
//! | a: 'y'  # why
//! ```
//!
//! Changes are `set POINTER VALUE`, `key POINTER KEY VALUE`, `item POINTER INDEX VALUE` and `remove POINTER`, keys and values
//! in JSON. A refusal is `! Variant line`. Lines between title and file may say `reader helm`, `document 1`, or how the
//! file's bytes differ from what is shown: `crlf`, `bom`, `open` (no line break at its end; before and after), and
//! `closed` (one after the edit all the same).

mod corpus;
mod random;

use std::{fs, path::Path};

use serde_json::Value;
use sourceward::{
    model::pointer::Pointer,
    source::yaml::{
        edit::{Change, EditError, edit},
        resolve::Reader,
    },
};

struct Case {
    title: String,
    before: String,
    document: usize,
    reader: Reader,
    at: Pointer,
    change: Change,
    expected: Result<String, String>,
}

#[test]
fn every_case_edits_as_it_says() {
    let cases = cases();
    assert!(cases.len() >= 120, "only {} cases were found", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let found = edit(&case.before, case.document, &case.at, &case.change, case.reader);
        let found = found.map(|splice| splice.apply(&case.before)).map_err(|error| named(&error));
        if found != case.expected {
            failures.push(format!("= {}\nexpected {}\nfound    {}", case.title, shown(&case.expected), shown(&found)));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

fn shown(outcome: &Result<String, String>) -> String {
    match outcome {
        Ok(text) => format!("{text:?}\n{text}"),
        Err(error) => error.clone(),
    }
}

/// `Variant line`, as the cases write a refusal.
fn named(error: &EditError) -> String {
    match error {
        EditError::Unparsed(error) => format!("Unparsed {}", error.line),
        EditError::OddLineBreak { line, .. } => format!("OddLineBreak {line}"),
        EditError::Unreadable { line, .. } => format!("Unreadable {line}"),
        EditError::NoDocument { .. } => "NoDocument".to_owned(),
        EditError::NotFound { line, .. } => format!("NotFound {line}"),
        EditError::KeyExists { line, .. } => format!("KeyExists {line}"),
        EditError::WrongKind { line, .. } => format!("WrongKind {line}"),
        EditError::Aliased { line, .. } => format!("Aliased {line}"),
        EditError::NotExpressible { line } => format!("NotExpressible {line}"),
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/yaml_edit");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    files.sort();
    let read = |path| fs::read_to_string(path).expect("a file of cases");
    files.iter().flat_map(|path| read(path).split("\n= ").skip(1).map(case).collect::<Vec<_>>()).collect()
}

fn case(text: &str) -> Case {
    let (title, rest) = text.split_once('\n').expect("a title and a file");
    let (mut before, mut after, mut refusal, mut change) = (Vec::new(), Vec::new(), None, None);
    let (mut document, mut reader, mut options) = (0, Reader::Manifest, Vec::new());
    for line in rest.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            _ if line == "|" || line.starts_with("| ") => {
                let side = if change.is_none() { &mut before } else { &mut after };
                side.push(line.get(2..).unwrap_or_default());
            }
            ["!", ..] => refusal = Some(line[2..].to_owned()),
            ["reader", "helm"] => reader = Reader::Helm,
            ["reader", "kustomize"] => reader = Reader::Kustomize,
            ["document", index] => document = index.parse().expect("an index"),
            ["crlf" | "bom" | "open" | "closed"] => options.push(words[0]),
            [verb, pointer, ..] => {
                let rest = line[verb.len() + 1 + pointer.len()..].trim_start();
                let pointer = if pointer == "." { "" } else { pointer };
                change = Some((pointer.parse().expect("a pointer"), parsed_change(title, verb, rest)));
            }
            _ => panic!("{title}: what does {line:?} mean?"),
        }
    }
    let bytes = |lines: &[&str], open: bool| {
        let newline = if options.contains(&"crlf") { "\r\n" } else { "\n" };
        let bom = if options.contains(&"bom") { "\u{feff}" } else { "" };
        let last = if open || lines.is_empty() { "" } else { newline };
        format!("{bom}{}{last}", lines.join(newline))
    };
    let open = options.contains(&"open");
    let (at, change) = change.unwrap_or_else(|| panic!("{title}: no change"));
    let expected = refusal.map_or_else(|| Ok(bytes(&after, open && !options.contains(&"closed"))), Err);
    Case { title: title.to_owned(), before: bytes(&before, open), document, reader, at, change, expected }
}

fn parsed_change(title: &str, verb: &str, rest: &str) -> Change {
    let values: Vec<Value> = serde_json::Deserializer::from_str(rest)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{title}: {rest}: {error}"));
    match (verb, &values[..]) {
        ("set", [value]) => Change::Set(value.clone()),
        ("key", [Value::String(key), value]) => Change::InsertKey { key: key.clone(), value: value.clone() },
        ("item", [index, value]) => Change::InsertItem {
            index: index.as_u64().and_then(|index| index.try_into().ok()).expect("an index"),
            value: value.clone(),
        },
        ("remove", []) => Change::Remove,
        _ => panic!("{title}: what does {verb} {rest} mean?"),
    }
}
