//! The YAML reader against what `kubectl`, `helm` and `kustomize` themselves answered, and against hostile input.
//!
//! `yaml/scalars.json` holds plain scalars, `yaml/snippets.json` texts that become the `spec` of a custom resource,
//! `yaml/streams.json` whole files; each row with the tools' answers, `[value]` or `[]` for a refusal. To add a row, write its
//! `text` and run the tests with `SOURCEWARD_RECORD=1` and both tools present: the answers are then written anew. Without it,
//! tools that are present (`helm`, or what `SOURCEWARD_HELM` names, and `kubectl`) must still answer as recorded.

mod limits;
mod oracle;
mod shape;
mod written;

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use sourceward::{
    model::{pointer::Pointer, value::same},
    source::yaml::{
        parse::{looks_templated, parse},
        resolve::{Reader, Via, find, is_string_for_all, key_text, plain, value},
        tree::{Document, NodeKind},
    },
};

const READERS: [(Reader, &str); 3] =
    [(Reader::Manifest, "kubectl"), (Reader::Helm, "helm"), (Reader::Kustomize, "kustomize")];

/// One text and what each tool makes of it.
struct Row {
    text: String,
    answers: Value,
}

impl Row {
    /// The tool's value; nothing where it refuses.
    fn answer(&self, tool: &str) -> Option<&Value> {
        self.answers[tool].as_array().unwrap_or_else(|| panic!("{:?} has no answer of {tool}", self.text)).first()
    }
}

/// The rows of a record, which is first held to the tools that are present, or written anew.
fn rows(name: &str, wrap: fn(&str) -> String, pick: fn(Value) -> Value, tools: &[&str]) -> Vec<Row> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/yaml").join(name);
    let mut record: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("the record")).expect("the record is JSON");
    let texts: Vec<String> =
        record["rows"].as_array().expect("rows").iter().map(|row| row["text"].as_str().expect("text").into()).collect();
    let wrapped: Vec<String> = texts.iter().map(|text| wrap(text)).collect();
    let recording = std::env::var_os("SOURCEWARD_RECORD").is_some();
    for tool in tools {
        let expected: Option<Vec<bool>> = (!recording).then(|| {
            let rows = record["rows"].as_array().expect("rows");
            rows.iter().map(|row| !row[*tool].as_array().expect("an answer").is_empty()).collect()
        });
        let Some(version) = oracle::version(tool) else {
            crate::tools::left_out(&format!("{tool} is not there"));
            continue;
        };
        let recorded = record["tools"][*tool].as_str().unwrap_or_default();
        if !recording && minor(recorded) != minor(&version) {
            crate::tools::left_out(&format!("{tool} is {version}, the record is of {recorded}"));
            continue;
        }
        let answers = oracle::ask(tool, &wrapped, expected.as_deref());
        for (at, answer) in answers.into_iter().enumerate() {
            let Some(answer) = answer else { continue };
            let answer: Vec<Value> = answer.map(pick).into_iter().collect();
            let row = &mut record["rows"][at];
            if recording {
                row[*tool] = answer.into();
            } else {
                assert!(
                    agree(row[*tool].as_array().and_then(|a| a.first()), answer.first()),
                    "{tool} {version}: {row}"
                );
            }
        }
        if recording {
            record["tools"][*tool] = version.into();
        }
    }
    if recording {
        let rows: Vec<String> = record["rows"].as_array().expect("rows").iter().map(Value::to_string).collect();
        let text = format!("{{\"tools\":{},\"rows\":[\n{}\n]}}\n", record["tools"], rows.join(",\n"));
        fs::write(&path, text).expect("the record is written");
    }
    let rows = record["rows"].as_array().expect("rows");
    texts.into_iter().zip(rows).map(|(text, row)| Row { text, answers: row.clone() }).collect()
}

/// `v1.32` of `v1.32.4`.
fn minor(version: &str) -> Vec<&str> {
    version.split('.').take(2).collect()
}

fn agree(ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => same(ours, theirs),
        (None, None) => true,
        _ => false,
    }
}

/// The value of a file's first document.
fn first(text: &str, reader: Reader) -> Option<Value> {
    let stream = parse(text).ok()?;
    let document = &stream.documents[0];
    document.root.map_or(Some(Value::Null), |root| value(document, root, reader).ok())
}

fn as_spec(text: &str) -> String {
    let lines: String = text.split('\n').map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: thing}}\nspec:\n{lines}")
}

fn spec(resource: Value) -> Value {
    resource["spec"].clone()
}

#[test]
fn plain_scalars_are_typed_as_by_the_tools() {
    let rows = rows(
        "scalars.json",
        |text| as_spec(&format!("v: {text}")),
        |object| object["spec"]["v"].clone(),
        &oracle::TOOLS,
    );
    for row in &rows {
        for (reader, tool) in READERS {
            let ours = plain(&row.text, reader).ok();
            assert!(
                agree(ours.as_ref(), row.answer(tool)),
                "{tool} {:?}: {ours:?}, not {:?}",
                row.text,
                row.answer(tool)
            );
        }
        let string = READERS.iter().all(|(_, tool)| row.answer(tool) == Some(&json!(row.text)));
        assert!(string || !is_string_for_all(&row.text), "{:?} is no string for all", row.text);
    }
    assert!(rows.len() > 150);
}

#[test]
fn some_strings_need_no_quotes_and_some_do() {
    for text in ["a", "nginx:1.25", "10m", "1Gi", "v1.2", "1.2.3", "a b", "-a", "http://a:80", "10.0.0.1", "yes please"]
    {
        assert!(is_string_for_all(text), "{text:?}");
    }
    for text in [
        "",
        "~",
        "null",
        "yES",
        "oFF",
        "Y",
        "tRUE",
        "1",
        "-0",
        "0o7",
        "1_0",
        "1e3",
        ".5",
        "1:30",
        "-1:30:59.5",
        "inf",
        "-.INF",
        "NaN",
        "=",
        "<<",
        "2024-01-02",
        "2024-1-2 3:4:5",
        "2024-01-02T03:04:05",
    ] {
        assert!(!is_string_for_all(text), "{text:?}");
    }
}

#[test]
fn tags_keys_merges_and_aliases_are_read_as_by_the_tools() {
    let rows = rows("snippets.json", as_spec, spec, &oracle::TOOLS);
    for row in &rows {
        for (reader, tool) in READERS {
            if reader == Reader::Kustomize && KUSTOMIZE_LOSES.contains(&row.text.as_str()) {
                continue;
            }
            let ours = first(&as_spec(&row.text), reader).map(spec);
            assert!(
                agree(ours.as_ref(), row.answer(tool)),
                "{tool} {:?}: {ours:?}, not {:?}",
                row.text,
                row.answer(tool)
            );
        }
        shape::check(&as_spec(&row.text));
    }
    assert!(rows.len() > 90);
}

/// Files whose first document Go reads although what stands behind it is malformed, which Go then never looks at.
const MALFORMED_BEHIND: &[&str] =
    &[">\nb\n", "|\nb\n", " a: 1\nb: 2\n", "[a]]", "{a: b}}", "[a]b", "---\na: &x 1\n---\nb: *x\n"];

/// What Kustomize reads by printing and reading again, with a loss that it had better not be relied on: it is refused, or
/// read as it was meant.
const KUSTOMIZE_LOSES: &[&str] = &["c:\n  '<<': 5", "c:\n  !!str <<: 5", "b: &b {<<: *b}", "c: \"\\N\""];

#[test]
fn files_are_read_as_by_helm() {
    let rows = rows("streams.json", str::to_owned, |value| value, &["helm"]);
    for row in &rows {
        let ours = first(&row.text, Reader::Helm).map(shown);
        if MALFORMED_BEHIND.contains(&row.text.as_str()) {
            assert!(ours.is_none() && row.answer("helm").is_some(), "{:?}", row.text);
            continue;
        }
        assert!(agree(ours.as_ref(), row.answer("helm")), "{:?}: {ours:?}, not {:?}", row.text, row.answer("helm"));
        shape::check(&row.text);
    }
    assert!(rows.len() > 300);
}

/// A scalar as the oracle can show it: `fromYaml` tells no more of it than its type.
fn shown(value: Value) -> Value {
    match value {
        Value::String(_) => json!({"a scalar": "string"}),
        Value::Number(_) => json!({"a scalar": "number"}),
        Value::Bool(_) => json!({"a scalar": "bool"}),
        value => value,
    }
}

#[test]
fn every_file_of_a_corpus_is_read_as_by_helm() {
    let Some(root) = std::env::var_os("SOURCEWARD_CORPUS") else { return };
    let (mut todo, mut parts, mut read) = (vec![PathBuf::from(root)], Vec::new(), 0);
    while let Some(path) = todo.pop() {
        if path.is_dir() && !path.is_symlink() {
            todo.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
            && let Ok(text) = fs::read_to_string(&path)
        {
            shape::check(&text);
            read += 1;
            let mut part = String::new();
            for line in text.split_inclusive('\n') {
                if line.trim_end() == "---" && !part.trim().is_empty() {
                    parts.push((path.clone(), std::mem::take(&mut part)));
                }
                part += line;
            }
            parts.push((path, part));
        }
    }
    let mut accepted = 0;
    for batch in parts.chunks(200) {
        let texts: Vec<String> = batch.iter().map(|(_, text)| text.clone()).collect();
        if oracle::version("helm").is_none() {
            return crate::tools::left_out("helm is not there");
        }
        let answers = oracle::ask("helm", &texts, None);
        for ((path, text), answer) in batch.iter().zip(answers) {
            let (ours, theirs) = (first(text, Reader::Helm).map(shown), answer.expect("helm is asked for all"));
            assert!(agree(ours.as_ref(), theirs.as_ref()), "{}: {ours:?}, not {theirs:?}", path.display());
            accepted += usize::from(theirs.is_some());
        }
    }
    assert!(accepted > 0, "{read} files of the corpus, {} documents", parts.len());
}

fn document(text: &str) -> Document {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).documents.swap_remove(0)
}

fn pointer(text: &str) -> Pointer {
    text.parse().expect("a pointer")
}

#[test]
fn places_are_found_with_the_detours_that_lead_there() {
    let text = "base: &b {x: 1, z: 2}\nown:\n  <<: *b\n  x: 3\nalias: *b\nlist: [*b, {k: v}]\nk: 1\nk: 2\non: 5\n";
    let slice = |reader, at: &str| {
        let document = document(text);
        let found = find(&document, &pointer(at), reader)?;
        let key = found.key.map(|key| text[document.node(key).span.range()].to_owned());
        let via: Vec<String> = found
            .via
            .iter()
            .map(|via| match via {
                Via::Alias(id) => format!("alias at {}", document.node(*id).span.start),
                Via::Merge(id) => format!("merge at {}", document.node(*id).span.start),
            })
            .collect();
        let node = document.node(found.node).span;
        Some((key.unwrap_or_default(), text[node.range()].to_owned(), via.join(", ")))
    };
    let at = |place: &str| text.find(place).expect("a place");
    let merge = at("*b\n  x");
    for (place, key, node, via) in [
        ("/base/x", "x", "1", String::new()),
        ("/own/x", "x", "3", String::new()),
        ("/own/z", "z", "2", format!("merge at {merge}, alias at {merge}")),
        ("/alias", "alias", "{x: 1, z: 2}", format!("alias at {}", at("*b\nlist"))),
        ("/alias/x", "x", "1", format!("alias at {}", at("*b\nlist"))),
        ("/list/0/z", "z", "2", format!("alias at {}", at("*b, "))),
        ("/list/1/k", "k", "v", String::new()),
        ("/list/1", "", "{k: v}", String::new()),
        ("/k", "k", "2", String::new()),
        ("/true", "on", "5", String::new()),
    ] {
        assert_eq!(slice(Reader::Helm, place), Some((key.into(), node.into(), via)), "{place}");
    }
    for place in ["/on", "/list/2", "/list/01", "/base/w", "/k/0", "/own/<<"] {
        assert_eq!(slice(Reader::Helm, place), None, "{place}");
    }
    assert_eq!(slice(Reader::Kustomize, "/base/x"), None, "Kustomize refuses the whole map for its second k");
}

#[test]
fn a_merge_below_a_key_wins_except_in_kustomize() {
    let document = document("a: &a {k: merged}\nb:\n  k: own\n  <<: *a\n");
    for (reader, expected) in [(Reader::Manifest, "merged"), (Reader::Helm, "merged"), (Reader::Kustomize, "own")] {
        let found = find(&document, &pointer("/b/k"), reader).expect("found");
        let all = value(&document, document.root.expect("a root"), reader).expect("a value");
        assert_eq!(all["b"]["k"], expected);
        assert_eq!(found.via.is_empty(), expected == "own");
    }
}

#[test]
fn keys_have_the_text_that_json_has() {
    for (key, manifest, kustomize) in [
        ("a", Some("a"), Some("a")),
        ("\"a\"", Some("a"), Some("a")),
        ("on", Some("true"), Some("on")),
        ("1", Some("1"), None),
        ("0x10", Some("16"), None),
        ("!!str 1", Some("1"), Some("1")),
        ("~", None, None),
        ("<<", None, None),
        ("[a]", None, None),
        ("2024-01-02", Some("2024-01-02"), None),
    ] {
        let document = document(&format!("{key}: {{}}"));
        let NodeKind::Mapping { entries, .. } = &document.nodes[0].kind else { panic!("{key} makes no map") };
        assert_eq!(key_text(&document, entries[0].key, Reader::Manifest).as_deref(), manifest, "{key}");
        assert_eq!(key_text(&document, entries[0].key, Reader::Kustomize).as_deref(), kustomize, "{key}");
    }
}

#[test]
fn spans_hold_what_belongs_to_a_node_and_no_more() {
    for (text, place, expected) in [
        ("a: |\n  b\n\n\nc: 1\n", "/a", "|\n  b"),
        ("a: |+\n  b\n\n\nc: 1\n", "/a", "|+\n  b\n\n"),
        ("a: |+\n  b\n  \n\nc: 1\n", "/a", "|+\n  b\n  \n"),
        ("a: | # c\n  b\n# d\n", "/a", "| # c\n  b"),
        ("a: | # c\n", "/a", "|"),
        ("a: >-\n\n  b\n   \n  c\n \n", "/a", ">-\n\n  b\n   \n  c"),
        ("a: |\r\n  b\r\n  c\r\n", "/a", "|\r\n  b\r\n  c"),
        ("a: |\n  b", "/a", "|\n  b"),
        ("a: b\n\n  c # d\n", "/a", "b\n\n  c"),
        ("a: 'b\n\n c' # d\n", "/a", "'b\n\n c'"),
        ("a: &x !!str  b\n", "/a", "b"),
        ("a: &x\n", "/a", ""),
        ("a: [ b ] # c\n", "/a", "[ b ]"),
        ("a:\n  b: 1 # c\n  # d\n\ne: 2\n", "/a", "b: 1"),
        ("a:\n- b\n- c: |\n    d\n\n# e\nf: 1\n", "/a", "- b\n- c: |\n    d"),
        ("a:\n- b\n- # c\nd: 1\n", "/a", "- b\n-"),
        ("a:\n  b:\n  # c\nd: 1\n", "/a", "b:"),
        ("a:\n  ? b\n  # c\nd: 1\n", "/a", "? b"),
        ("a: !!map &x\n  &y b: 1\n", "/a", "&y b: 1"),
        ("- - a\n  - b\n", "/0", "- a\n  - b"),
        ("[a: b , c]", "/0", "a: b"),
        ("[a: , c]", "/0", "a:"),
        ("--- >\n a\n b\n...\n", "", ">\n a\n b"),
        ("\u{feff}a: é # ü\n", "/a", "é"),
    ] {
        let document = document(text);
        let found = find(&document, &pointer(place), Reader::Manifest).expect(text);
        assert_eq!(&text[document.node(found.node).span.range()], expected, "{text:?}");
        shape::check(text);
    }
}

#[test]
fn documents_tile_the_file_and_own_their_comments() {
    for (text, documents) in [
        ("", &[""][..]),
        ("# c\n", &["# c\n"]),
        ("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"]),
        ("# c\n---\na: 1\n# d\n--- # e\n# f\n---\n", &["# c\n---\na: 1\n# d\n", "--- # e\n# f\n", "---\n"]),
        ("a: 1\n... # c\n# d\n---\nb: 2\n", &["a: 1\n... # c\n", "# d\n---\nb: 2\n"]),
        ("a: 1\n...\n...\n", &["a: 1\n...\n...\n"]),
        ("a: 1\n%YAML 1.1\n---\nb: 2\n", &["a: 1\n", "%YAML 1.1\n---\nb: 2\n"]),
        ("\u{feff}---\r\na\r\n---\r\n", &["\u{feff}---\r\na\r\n", "---\r\n"]),
    ] {
        let stream = parse(text).expect(text);
        let spans: Vec<&str> = stream.documents.iter().map(|document| &text[document.span.range()]).collect();
        assert_eq!(spans, documents);
        let comments: usize = stream.documents.iter().map(|document| document.comments.len()).sum();
        assert_eq!(comments, text.matches('#').count(), "{text:?}");
    }
    assert!(parse("# c\n").expect("parses").documents[0].root.is_none());
    assert!(parse("---\n...\n").expect("parses").documents[0].root.is_none());
    assert!(parse("--- &a\n").expect("parses").documents[0].root.is_some());
}

#[test]
fn errors_tell_where_and_what() {
    for (text, expected) in [
        ("a: [b\n", "line 1, column 4: this bracket is never closed"),
        ("a: [b\nc: d\n", "line 2, column 2: a comma or the closing bracket is missing here"),
        ("a: é 'b\nc: \"d\n", "line 2, column 4: this quote is never closed"),
        ("a: b: c\n", "line 1, column 5: a \": \" cannot stand here"),
        ("a: 1\nb\n", "line 2, column 1: there is no \":\" after this key"),
        ("a:\n\tb: 1\n", "line 2, column 1: a tab cannot indent; use spaces"),
        ("a: *b\n", "line 1, column 4: the alias \"*b\" has no anchor \"&b\" before it"),
        ("a: @b\n", "line 1, column 4: a value cannot begin with \"@\" or a backquote; quote it"),
        ("a: \"é\\/\"\n", "line 1, column 6: \"\\/\" is no escape that Go knows"),
        ("é\u{7}", "line 1, column 2: the character U+0007 is not allowed"),
        ("a: !x!y z\n", "line 1, column 4: the tag handle \"!x!\" is not declared"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn templates_are_told_from_yaml() {
    for text in [
        "{{- if .Values.x }}\na: 1\n{{- end }}\n",
        "a: {{ .Values.x }}\n",
        "a:\n  - {{ .Values.x }}\n",
        "a:\n  {{- toYaml .Values.x | nindent 2 }}\n",
        "- name: {{ include \"x\" . }}\n",
    ] {
        assert!(looks_templated(text), "{text:?}");
    }
    for text in ["a: \"{{ x }}\"\n", "a: x {{ y }}\n", "# a: {{ x }}\n", "a: {b: {c: d}}\n", "a: |\n  x\n", ""] {
        assert!(!looks_templated(text), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back((expected, text) in written::written()) {
        for reader in [Reader::Manifest, Reader::Helm, Reader::Kustomize] {
            let read = first(&text, reader);
            prop_assert!(read.as_ref().is_some_and(|read| same(read, &expected)), "{reader:?} {text:?}: {read:?}");
        }
        shape::check(&text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}|[-?:,\\[\\]{}&*!|>'\"%@`# \t\r\na-c0-9~<=]{0,60}") {
        shape::check(&text);
        looks_templated(&text);
        for (reader, _) in READERS {
            let _ = plain(&text, reader);
        }
    }

    #[test]
    fn no_mixture_of_pieces_breaks_the_tree(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        shape::check(&pieces.concat());
    }

    #[test]
    fn a_string_for_all_is_its_own_text(text in "[-+.0-9a-zA-Z_:~<=]{0,8}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[tT ]?[0-9:.]{0,8}") {
        if is_string_for_all(&text) {
            for (reader, _) in READERS {
                prop_assert_eq!(plain(&text, reader), Ok(Value::from(text.as_str())));
            }
        }
    }
}

const PIECES: &[&str] = &[
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "  ",
    "\t",
    " #c",
    "# c\n",
    "&x ",
    "*x",
    "*x ",
    "!!str ",
    "! ",
    "|",
    "|-\n",
    "|+\n ",
    ">\n",
    "'",
    "\"",
    "\\n",
    "\\\n",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "---\n",
    "--- ",
    "...\n",
    "%YAML 1.1\n---\n",
    "<<: *x\n",
    "<<: {a: 1}\n",
    "1",
    "yes",
    "~",
    "\r\n",
    "\r",
    "\u{85}",
    "\u{2028}",
    "é",
    "\u{feff}",
    "''",
    "a: 1\n",
    "- x\n",
    "k:\n",
    "k: v\n  ",
    "&a k: v\n",
    "{a: b}",
    "[a, b]",
    "[a: b]",
    "? a\n: b\n",
    "k: &x {p: 1}\n",
    "k: |\n  t\n",
    "k: >+\n  t\n\n",
];
