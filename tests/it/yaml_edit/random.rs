//! Random edits of random files: whatever the style, an edit gives exactly the wanted document and keeps everything else.

use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use serde_json::{Map, Value, json};
use sourceward::{
    model::{pointer::Pointer, value::same},
    source::yaml::{
        edit::{Change, EditError, edit},
        parse::parse,
        resolve::{Reader, value},
    },
};

/// Decisions drawn one after the other; 0 when there are none left, so that fewer and smaller bytes give simpler files.
pub(super) struct Choices<'b> {
    bytes: &'b [u8],
}

impl<'b> Choices<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % count.max(1)
    }

    fn sometimes(&mut self, one_in: usize) -> bool {
        self.below(one_in) == one_in - 1
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

/// Values as text on one line, in block and flow style alike.
const SCALARS: &[&str] = &[
    "x",
    "1",
    "true",
    "some text",
    "null",
    "~",
    "0x1F",
    "1.5",
    "off",
    "2024-01-02",
    "http://x:80/p#q",
    "-x",
    "'it''s'",
    "'y'",
    "\"d\"",
    "\"a\\tb\\\"c\\n\"",
    "\"# no: comment\"",
    "!!str 5",
    "v1.2.3",
    "a'b",
    "012",
    "ä日本",
];

/// Values over several lines, with `>` standing for the indentation of their lines.
const BLOCKS: &[&str] = &[
    "|\n>one\n>two",
    "|-\n>one\n\n>  two",
    "|+\n>one\n>two\n",
    ">-\n>one\n>two\n\n>three",
    ">\n>one two",
    "plain\n>more",
    "\"quoted\n>more\"",
    "|2\n>one\n> two",
    "|- # why\n>one",
];

/// Strings that are hard to write.
const STRINGS: &[&str] = &[
    "z",
    "new text",
    "yes",
    "Off",
    "n",
    "~",
    "",
    "null",
    "1e3",
    "0o17",
    "1_000",
    "017",
    ".5",
    "2024-01-02",
    "1:30",
    "a: b",
    "a #b",
    "- a",
    "a:",
    "#a",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a",
    "{a}",
    "[a",
    "a, b",
    "it's",
    "\"q\"",
    " a",
    "a ",
    "a\tb",
    "l1\nl2",
    "l1\nl2\n",
    "l1\n\n",
    "\nl1\n",
    "  l1\nl2\n",
    "l1\n  l2",
    "\n",
    "\u{7}",
    "\u{85}",
    "\u{feff}a",
    "😀",
    "a\r\nb",
    "---",
    "...",
    "--- a",
    "? a",
    ": a",
    "|",
    ">",
    "<<",
    "=",
    "a\\b",
    "l1 \nl2",
    "l1\n l2\n\n\n",
    "a\n#b\n",
    "\tl1\nl2",
];

/// Writes a file. Every comment names its owner: what it may go with.
struct Writer<'b> {
    choices: Choices<'b>,
    out: String,
    anchors: Vec<(String, bool)>,
    count: usize,
    unit: usize,
}

impl Writer<'_> {
    fn comment(&mut self, owner: &Pointer) -> String {
        self.count += 1;
        format!("# {} of <{owner}>", self.count)
    }

    fn trailing(&mut self, owner: &Pointer) {
        if self.choices.sometimes(4) {
            let comment = self.comment(owner);
            self.out.push(' ');
            self.out.push_str(&comment);
        }
    }

    /// What stands between members: empty lines and comments.
    fn between(&mut self, collection: &Pointer, member: &Pointer, column: usize, first: bool) {
        let margin = " ".repeat(column);
        if self.choices.sometimes(6) {
            if !first {
                self.out.push('\n');
            }
            if self.choices.sometimes(3) {
                let section = self.comment(collection);
                self.out.push_str(&format!("{margin}{section}\n\n"));
            }
        }
        for _ in 0..[0, 0, 0, 0, 1, 2][self.choices.below(6)] {
            let comment = self.comment(if first { collection } else { member });
            self.out.push_str(&format!("{margin}{comment}\n"));
        }
    }

    fn map(&mut self, at: &Pointer, column: usize, depth: usize, mut inline: bool) {
        let count = 1 + self.choices.below(4);
        for number in 0..count {
            let name = format!("k{number}");
            let member = at.join(&name);
            if !inline {
                self.between(at, &member, column, number == 0);
                self.out.push_str(&" ".repeat(column));
            }
            inline = false;
            let maps: Vec<String> = self.anchors.iter().filter(|(_, map)| *map).map(|(name, _)| name.clone()).collect();
            if number == 0 && !maps.is_empty() && self.choices.sometimes(3) {
                let anchor = maps[self.choices.below(maps.len())].clone();
                self.out.push_str(&format!("<<: *{anchor}"));
                self.trailing(at);
                self.out.push('\n');
                self.out.push_str(&" ".repeat(column));
            }
            let key = match self.choices.below(5) {
                3 => format!("'{name}'"),
                4 => format!("\"{name}\""),
                _ => name,
            };
            self.out.push_str(&format!("{key}:"));
            self.value(&member, column, depth, false);
        }
    }

    fn list(&mut self, at: &Pointer, column: usize, depth: usize, mut inline: bool) {
        for number in 0..1 + self.choices.below(3) {
            let member = at.join(number.to_string());
            if !inline {
                self.between(at, &member, column, number == 0);
                self.out.push_str(&" ".repeat(column));
            }
            inline = false;
            self.out.push('-');
            self.value(&member, column, depth, true);
        }
    }

    /// A value behind a `:` or `-`, through the end of its last line.
    fn value(&mut self, at: &Pointer, column: usize, depth: usize, item: bool) {
        let collections = if depth > 0 { 4 } else { 0 };
        let choice = self.choices.below(9 + collections);
        let anchor = self.choices.sometimes(8).then(|| format!("a{}", self.anchors.len()));
        if let Some(anchor) = anchor.as_ref().filter(|_| choice != 7) {
            self.out.push_str(&format!(" &{anchor}"));
        }
        match choice {
            5 => {
                let block = self.choices.one_of(BLOCKS);
                let margin = " ".repeat(column + self.unit.max(2));
                let block = if block.starts_with("|2") && self.unit != 2 { BLOCKS[0] } else { block };
                self.out.push_str(&format!(" {}\n", block.replace("\n>", &format!("\n{margin}"))));
            }
            6 => {
                self.trailing(at);
                self.out.push('\n');
            }
            7 if !self.anchors.is_empty() => {
                let number = self.choices.below(self.anchors.len());
                self.out.push_str(&format!(" *{}", self.anchors[number].0));
                self.trailing(at);
                self.out.push('\n');
            }
            8 => {
                self.out.push(' ');
                self.flow(at, column, 2);
                self.trailing(at);
                self.out.push('\n');
            }
            9.. => self.collection(at, column, depth - 1, item, anchor.is_some(), choice),
            _ => {
                let scalar = self.choices.one_of(SCALARS);
                self.out.push_str(&format!(" {scalar}"));
                self.trailing(at);
                self.out.push('\n');
            }
        }
        if let Some(anchor) = anchor.filter(|_| choice != 7) {
            self.anchors.push((anchor, matches!(choice, 9 | 10)));
        }
    }

    fn collection(&mut self, at: &Pointer, column: usize, depth: usize, item: bool, anchored: bool, choice: usize) {
        let map = matches!(choice, 9 | 10);
        let inline = item && !anchored && !self.choices.sometimes(4);
        let step = match inline {
            true => 2 + [0, 0, 2][self.choices.below(3)],
            false if map => self.unit,
            false if item => 2,
            false => [0, 2][self.choices.below(2)],
        };
        if inline {
            self.out.push_str(&" ".repeat(step - 1));
        } else {
            self.trailing(at);
            self.out.push('\n');
        }
        match map {
            true => self.map(at, column + step, depth, inline),
            false => self.list(at, column + step, depth, inline),
        }
        if step > 0 && self.choices.sometimes(8) {
            let comment = self.comment(at);
            self.out.push_str(&format!("{}{comment}\n", " ".repeat(column + step)));
        }
    }

    fn flow(&mut self, at: &Pointer, column: usize, depth: usize) {
        let map = self.choices.sometimes(2);
        let count = self.choices.below(4);
        let lines = self.choices.sometimes(4);
        let pad = if self.choices.sometimes(3) { " " } else { "" };
        let margin = format!("\n{}", " ".repeat(column + 2));
        self.out.push_str(if map { "{" } else { "[" });
        for number in 0..count {
            self.out.push_str(match (number, lines) {
                (_, true) => &margin,
                (0, false) => pad,
                (_, false) => " ",
            });
            let token = if map { format!("k{number}") } else { number.to_string() };
            let member = at.join(token);
            if map {
                let quote = self.choices.one_of(&["", "\"", "'"]);
                self.out.push_str(&format!("{quote}k{number}{quote}: "));
            }
            match self.choices.below(6) {
                5 if depth > 0 => self.flow(&member, column + 2, depth - 1),
                _ => {
                    let scalar = self.choices.one_of(SCALARS);
                    self.out.push_str(scalar);
                }
            }
            if number + 1 < count || self.choices.sometimes(3) {
                self.out.push(',');
            }
            if lines {
                self.trailing(&member);
            }
        }
        let end = if lines && count > 0 { format!("\n{}", " ".repeat(column + 1)) } else { pad.to_owned() };
        self.out.push_str(&end);
        self.out.push(if map { '}' } else { ']' });
    }
}

/// A random file.
fn file(bytes: &[u8]) -> String {
    let mut choices = Choices::new(bytes);
    let documents = 1 + choices.below(3);
    let (bom, crlf, open, marker) =
        (choices.sometimes(6), choices.sometimes(4), choices.sometimes(5), choices.sometimes(2));
    let unit = [2, 2, 4, 3][choices.below(4)];
    let mut writer = Writer { choices, out: String::new(), anchors: Vec::new(), count: 0, unit };
    for number in 0..documents {
        writer.anchors.clear();
        if number > 0 || marker {
            writer.out.push_str("---");
            writer.trailing(&Pointer::root());
            writer.out.push('\n');
        }
        match writer.choices.below(6) {
            4 => writer.list(&Pointer::root(), 0, 3, false),
            5 => {
                writer.flow(&Pointer::root(), 0, 2);
                writer.out.push('\n');
            }
            _ => writer.map(&Pointer::root(), 0, 4, false),
        }
        if writer.choices.sometimes(5) {
            writer.out.push_str("...\n");
        }
    }
    let mut text = if open { writer.out.trim_end_matches('\n').to_owned() } else { writer.out };
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    if bom { format!("\u{feff}{text}") } else { text }
}

/// A random value, a collection at most `depth` deep.
fn random_value(choices: &mut Choices<'_>, depth: usize) -> Value {
    match choices.below(if depth > 0 { 9 } else { 7 }) {
        0 => json!(7),
        1 => json!(true),
        2 => json!(null),
        3 => json!(-2.5),
        7 => (0..choices.below(4)).map(|_| random_value(choices, depth - 1)).collect(),
        8 => {
            let mut map = Map::new();
            for number in 0..choices.below(4) {
                let key = [format!("n{number}"), choices.one_of(STRINGS).to_owned()][choices.below(2)].clone();
                map.insert(key, random_value(choices, depth - 1));
            }
            Value::Object(map)
        }
        _ => json!(choices.one_of(STRINGS)),
    }
}

/// A random change of a document.
pub(super) fn change(choices: &mut Choices<'_>, document: &Value) -> (Pointer, Change) {
    let (mut at, mut here) = (Pointer::root(), document);
    loop {
        let members: Vec<(String, &Value)> = match here {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        let stop = choices.below(5) == 4 && !at.tokens().is_empty();
        let Some((token, value)) = members.get(choices.below(members.len())).filter(|_| !stop) else { break };
        (at, here) = (at.join(token), value);
    }
    let kind = choices.below(4);
    if let (1 | 2, Value::Bool(_) | Value::Number(_) | Value::String(_), Some(parent)) = (kind, here, at.parent()) {
        here = parent.get(document).expect("the collection");
        at = parent;
    }
    let change = match (kind, here) {
        (2, Value::Object(map)) if !map.contains_key("first") => {
            Change::InsertKey { key: "first".to_owned(), value: random_value(choices, 2) }
        }
        (1, Value::Object(map)) => {
            let key = ["new".to_owned(), choices.one_of(STRINGS).to_owned()][choices.below(2)].clone();
            let key = if map.contains_key(&key) { "newer".to_owned() } else { key };
            Change::InsertKey { key, value: random_value(choices, 2) }
        }
        (1, Value::Null) => Change::InsertKey { key: "new".to_owned(), value: random_value(choices, 2) },
        (2, Value::Null) => Change::InsertItem { index: 0, value: random_value(choices, 2) },
        (1 | 2, Value::Array(items)) => {
            Change::InsertItem { index: choices.below(items.len() + 1), value: random_value(choices, 2) }
        }
        (3, _) if !at.tokens().is_empty() => Change::Remove,
        _ => Change::Set(random_value(choices, 2)),
    };
    (at, change)
}

/// The document after a change, by the plainest means.
pub(super) fn changed(document: &Value, at: &Pointer, change: &Change) -> Value {
    let mut document = document.clone();
    let here = at.get_mut(&mut document).expect("the place");
    match change {
        Change::Set(value) => *here = value.clone(),
        Change::InsertKey { key, value } => {
            if here.is_null() {
                *here = json!({});
            }
            here[key] = value.clone();
        }
        Change::InsertItem { index, value } => {
            if here.is_null() {
                *here = json!([]);
            }
            here.as_array_mut().expect("a list").insert(*index, value.clone());
        }
        Change::Remove => {
            let (parent, last) = at.parent().zip(at.last()).expect("a member");
            match parent.get_mut(&mut document).expect("the collection") {
                Value::Array(items) => drop(items.remove(last.parse().expect("an index"))),
                Value::Object(map) => drop(map.shift_remove(last)),
                _ => unreachable!("only collections have members"),
            }
        }
    }
    document
}

/// The values of all documents; nothing where the text cannot be read.
pub(super) fn documents(text: &str, reader: Reader) -> Option<Vec<Value>> {
    let stream = parse(text).ok()?;
    let read = |document: &sourceward::source::yaml::tree::Document| match document.root {
        Some(root) => value(document, root, reader).ok(),
        None => Some(Value::Null),
    };
    stream.documents.iter().map(read).collect()
}

/// Why an edit is wrong; nothing where it is right.
pub(super) fn wrong(
    text: &str,
    after: &str,
    index: usize,
    at: &Pointer,
    change: &Change,
    reader: Reader,
) -> Option<String> {
    let (Some(old), Some(new)) = (documents(text, reader), documents(after, reader)) else {
        return Some("it cannot be read any more".to_owned());
    };
    if old.len() != new.len() {
        return Some("the number of documents changed".to_owned());
    }
    for (number, (old, new)) in old.iter().zip(&new).enumerate() {
        let wanted = if number == index { changed(old, at, change) } else { old.clone() };
        if !same(&wanted, new) {
            return Some(format!("document {number} is {new}, not {wanted}"));
        }
    }
    None
}

/// Comments with their owners, of the document with an index.
fn comments(text: &str, index: usize) -> Vec<String> {
    let stream = parse(text).expect("it was read before");
    let comments = &stream.documents[index].comments;
    let texts = comments.iter().map(|span| text[span.range()].to_owned());
    texts.filter(|comment| comment.contains('<')).collect()
}

/// Holds a file to its promise: exactly the wanted document, no foreign comment lost, one kind of line break.
fn hold(text: &str, random: &[u8], reader: Reader) -> Result<(), TestCaseError> {
    let Some(values) = documents(text, reader) else {
        return Err(TestCaseError::reject("the file is not valid"));
    };
    let mut choices = Choices::new(random);
    let index = choices.below(values.len());
    let (at, change) = change(&mut choices, &values[index]);
    let context = format!("{text}\n{text:?}\n{index} {at} {change:?}");
    match edit(text, index, &at, &change, reader) {
        Ok(splice) => {
            let after = splice.apply(text);
            let problem = wrong(text, &after, index, &at, &change, reader);
            prop_assert!(problem.is_none(), "{context}\n{problem:?}\n{after}");
            let kept = comments(&after, index);
            let replaced = matches!(change, Change::Set(_) | Change::Remove);
            let alone = matches!(change, Change::Remove)
                && at.parent().and_then(|parent| parent.get(&values[index])).is_some_and(|around| match around {
                    Value::Object(map) => map.len() == 1,
                    Value::Array(items) => items.len() == 1,
                    _ => false,
                });
            let gone = if alone { at.parent().unwrap_or_default() } else { at.clone() };
            for comment in comments(text, index).iter().filter(|comment| !kept.contains(comment)) {
                let owner = comment.split(['<', '>']).nth(1).and_then(|owner| owner.parse::<Pointer>().ok());
                let mine = owner.is_some_and(|owner| owner.is_within(&gone));
                prop_assert!(replaced && mine, "{context}\nlost {comment}\n{after}");
            }
            let crlf = text.contains("\r\n");
            prop_assert!(!crlf || !after.replace("\r\n", "").contains('\n'), "{context}\nmixed breaks\n{after:?}");
        }
        Err(EditError::Aliased { .. }) => prop_assert!(text.contains(['&', '*']), "{context}"),
        // To Kustomize `<<` merges even in quotes.
        Err(EditError::NotExpressible { .. })
            if reader == Reader::Kustomize && format!("{change:?}").contains("\"<<\": ")
                || matches!(&change, Change::InsertKey { key, .. } if key == "<<") => {}
        Err(error) => prop_assert!(false, "{context}\n{error}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1000), max_global_rejects: 1_000_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_give_exactly_the_wanted_document(
        bytes in vec(any::<u8>(), 0..200),
        random in vec(any::<u8>(), 0..40),
        reader in prop_oneof![Just(Reader::Manifest), Just(Reader::Helm), Just(Reader::Kustomize)],
    ) {
        hold(&file(&bytes), &random, reader)?;
    }

    #[test]
    fn damaged_files_are_edited_right_or_refused(
        bytes in vec(any::<u8>(), 0..200),
        damage in vec((any::<prop::sample::Index>(), 0..4_usize, "[ -~\\t\\r\\n\u{85}\u{2028}\u{feff}ä]{0,3}"), 1..4),
        random in vec(any::<u8>(), 0..40),
        reader in prop_oneof![Just(Reader::Manifest), Just(Reader::Helm), Just(Reader::Kustomize)],
    ) {
        let mut text: Vec<char> = file(&bytes).chars().collect();
        for (at, gone, new) in damage {
            let start = at.index(text.len() + 1);
            text.splice(start..(start + gone).min(text.len()), new.chars());
        }
        let text: String = text.into_iter().collect();
        let Some(values) = documents(&text, reader) else { return Err(TestCaseError::reject("not valid")) };
        let mut choices = Choices::new(&random);
        let index = choices.below(values.len());
        let (at, change) = change(&mut choices, &values[index]);
        if let Ok(splice) = edit(&text, index, &at, &change, reader) {
            let after = splice.apply(&text);
            let problem = wrong(&text, &after, index, &at, &change, reader);
            prop_assert!(problem.is_none(), "{text}\n{text:?}\n{index} {at} {change:?}\n{problem:?}\n{after}");
        }
    }
}
