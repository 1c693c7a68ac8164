//! Edits of real files: set `SOURCEWARD_CORPUS` to a folder and every YAML file below it is edited.
//!
//! Setting a value to itself must change nothing, setting a string to another one and back must give the same bytes, and
//! random edits must give exactly the wanted document or a typed refusal. `SOURCEWARD_CORPUS_DIFFS` names a file to which
//! every so many of the random edits is written as a diff, to look at.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf};

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::Value;
use similar::TextDiff;
use sourceward::{
    model::pointer::Pointer,
    source::yaml::{
        edit::{Change, EditError, edit},
        resolve::Reader,
    },
};

use super::random::{Choices, change, documents, wrong};

const READERS: [Reader; 3] = [Reader::Manifest, Reader::Helm, Reader::Kustomize];

/// Values of one file that are set to themselves, and random edits of it.
const PER_FILE: usize = 6;

#[test]
fn files_of_a_corpus_survive_edits() {
    let Some(folder) = env::var_os("SOURCEWARD_CORPUS") else { return };
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut counts, mut diffs) = (BTreeMap::<String, usize>::new(), String::new());
    let mut count = |name: &str| *counts.entry(name.to_owned()).or_default() += 1;
    let mut refused = String::new();
    for path in files(folder.into()) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if text.len() > 200_000 {
            count("too large for this test");
            continue;
        }
        for number in 0..PER_FILE {
            let reader = READERS[number % READERS.len()];
            let Some(values) = documents(&text, reader).filter(|values| values.iter().any(|value| !value.is_null()))
            else {
                count("unreadable");
                continue;
            };
            let mut bytes = [0; 64];
            random.fill_bytes(&mut bytes);
            let mut choices = Choices::new(&bytes);
            let mut index = choices.below(values.len());
            while values[index].is_null() {
                index = (index + 1) % values.len();
            }
            there_and_back(&text, index, &values[index], &mut choices, reader, &mut count);
            let (at, change) = change(&mut choices, &values[index]);
            let context = format!("{} {index} {at} {change:?}", path.display());
            match edit(&text, index, &at, &change, reader) {
                Ok(splice) => {
                    let after = splice.apply(&text);
                    assert_eq!(wrong(&text, &after, index, &at, &change, reader), None, "{context}");
                    count("edited");
                    if random.next_u32().is_multiple_of(40) {
                        let diff = TextDiff::from_lines(&text, &after);
                        let diff = diff.unified_diff().context_radius(4).to_string();
                        let short: String = diff.lines().take(40).map(|line| format!("{line}\n")).collect();
                        write!(diffs, "#### {context}\n{short}\n").expect("a string grows");
                    }
                }
                Err(EditError::Aliased { .. }) => count("refused: aliased"),
                Err(error) => {
                    count("refused: other");
                    writeln!(refused, "{context}\n  {error}").expect("a string grows");
                }
            }
        }
    }
    if let Some(path) = env::var_os("SOURCEWARD_CORPUS_DIFFS") {
        fs::write(path, diffs + &refused + &format!("{counts:#?}\n")).expect("the diffs are written");
    }
    let of = |name: &str| counts.get(name).copied().unwrap_or(0);
    assert!(of("edited") > 0, "the corpus holds no YAML: {counts:?}");
    assert!(of("refused: other") * 100 <= of("edited"), "{counts:?}\n{refused}");
}

/// Sets one scalar to itself, and one string to another one and back.
fn there_and_back(
    text: &str,
    index: usize,
    document: &Value,
    choices: &mut Choices<'_>,
    reader: Reader,
    count: &mut impl FnMut(&str),
) {
    let (mut at, mut here) = (Pointer::root(), document);
    loop {
        let members: Vec<(String, &Value)> = match here {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => break,
        };
        let Some((token, value)) = members.get(choices.below(members.len())) else { break };
        (at, here) = (at.join(token), value);
    }
    match edit(text, index, &at, &Change::Set(here.clone()), reader) {
        Ok(splice) => assert_eq!(splice.apply(text), text, "{at} over itself"),
        Err(EditError::Aliased { .. }) => return,
        Err(error) => panic!("{at} over itself: {error}"),
    }
    count("set to itself");
    let Some(old) = here.as_str().filter(|old| !old.contains('\n')) else { return };
    let Ok(there) = edit(text, index, &at, &Change::Set("sw-other".into()), reader) else { return };
    let other = there.apply(text);
    let back = edit(&other, index, &at, &Change::Set(old.into()), reader).expect("the way back").apply(&other);
    count(if back == text { "there and back: the same bytes" } else { "there and back: other bytes" });
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let (mut todo, mut found) = (vec![folder], Vec::new());
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the corpus").flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                todo.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
