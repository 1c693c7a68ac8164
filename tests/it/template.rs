//! The parser of Helm's templates against what helm itself and Go's own tests say, and against hostile input.
//!
//! `template/syntax.json` holds texts, each with the line and the last words of helm's complaint, or `null` where helm takes
//! it. To add a row, write its `text` and run the tests with `UPDATE_EXPECT=1` and helm 3.17.3 on PATH: all are then asked anew.
//! Without it, a helm that is there must still take what the record says it takes.

mod corpus;
mod go;
mod oracle;
mod shape;

use std::collections::HashSet;

use proptest::prelude::*;
use sourceward::engine::helm::template::{
    fault::FaultKind,
    parse::{MAX_DEPTH, MAX_PARTS, ParseError, parse},
};

/// The functions that helm 3.17.3 knows.
const FUNCTIONS: &str = include_str!("template/functions.txt");

fn read(text: &str) -> Result<sourceward::engine::helm::template::ast::File, ParseError> {
    thread_local! {
        static NAMES: HashSet<&'static str> = FUNCTIONS.split_whitespace().collect();
    }
    NAMES.with(|names| parse(text, &|name| names.contains(name)))
}

#[test]
fn syntax_is_taken_and_refused_as_by_helm() {
    let rows = oracle::rows();
    let mut wrong = Vec::new();
    for row in &rows {
        let ours = match read(&row.text) {
            Ok(file) => {
                shape::check(&row.text, &file);
                None
            }
            Err(error) => {
                assert_eq!(error.kind, FaultKind::Failed, "{:?}: {error}", row.text);
                Some(oracle::as_helm_says_it(&row.text, &error))
            }
        };
        if ours != row.error {
            wrong.push(format!("{:?}: {ours:?}, not {:?}", row.text, row.error));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn letters_are_those_of_unicode_15() {
    for newer in ['\u{2ebf0}', '\u{1c89}', '\u{10d50}', '\u{a7cb}'] {
        let error = read(&format!("{{{{ .{newer} }}}}")).expect_err("a letter that Go 1.23 does not know");
        assert!(error.message.starts_with("bad character U+"), "{error}");
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |open: &str, close: &str, levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
    for (open, close) in [
        ("{{ if . }}", "{{ end }}"),
        ("{{ with . }}", "{{ end }}"),
        ("{{ range . }}", "{{ end }}"),
        ("{{ if . }}{{ else }}", "{{ end }}"),
    ] {
        let parsed = read(&nested(open, close, MAX_DEPTH - 1)).unwrap_or_else(|error| panic!("{open}: {error}"));
        assert_eq!(parsed.body.len(), 1, "{open}");
        for levels in [MAX_DEPTH + 1, 100 * MAX_DEPTH] {
            let error = read(&nested(open, close, levels)).expect_err("a limit");
            assert_eq!((error.kind, error.offset < 100 * MAX_DEPTH), (FaultKind::Limit, true), "{open}: {error}");
        }
    }
    let blocks = |levels: usize| (0..levels).map(|at| format!("{{{{ block `{at}` . }}}}")).collect::<String>();
    assert!(read(&format!("{}{}", blocks(MAX_DEPTH - 1), "{{ end }}".repeat(MAX_DEPTH - 1))).is_ok());
    assert_eq!(read(&blocks(2 * MAX_DEPTH)).expect_err("a limit").kind, FaultKind::Limit);
    let brackets = |levels| format!("{{{{ {} }}}}", nested("(", ")", levels).replace("()", "(1)"));
    assert!(read(&brackets(MAX_DEPTH - 1)).is_ok());
    let error = read(&brackets(100 * MAX_DEPTH)).expect_err("a limit");
    assert_eq!(error.kind, FaultKind::Limit, "{error}");
    let chain = |levels: usize| format!("{{{{ if . }}}}{}{{{{ end }}}}", "{{ else if . }}".repeat(levels));
    assert!(read(&chain(MAX_DEPTH - 2)).is_ok());
    assert_eq!(read(&chain(100 * MAX_DEPTH)).expect_err("a limit").kind, FaultKind::Limit);
}

#[test]
fn the_size_of_a_tree_is_limited() {
    for unit in ["{{1}}", "{{/**/}}x{{1}}", "{{.a.b.c}}"] {
        let error = read(&unit.repeat(MAX_PARTS)).expect_err("a limit");
        assert_eq!(error.kind, FaultKind::Limit, "{unit}: {error}");
    }
    for inner in ["1 ", ".x", "1|print|", "print 1|"] {
        let error = read(&format!("{{{{ .{} }}}}", inner.repeat(MAX_PARTS))).expect_err("a limit, or a mistake");
        assert!(error.kind == FaultKind::Limit || inner == "1|print|", "{inner}: {error}");
    }
}

#[test]
fn many_variables_are_no_burden() {
    let declared: String = (0..10_000).map(|at| format!("{{{{$x{at}:=1}}}}{{{{$x{}}}}}", at / 2)).collect();
    let started = std::time::Instant::now();
    read(&declared).expect("a template");
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn a_name_that_is_not_utf_8_is_beyond_this_parser() {
    let error = read(r#"{{ define "\xff" }}{{ end }}"#).expect_err("a name of bytes");
    assert_eq!(error.kind, FaultKind::Unsupported, "{error}");
}

/// A template whose every part is of the language, though it need not make sense.
fn template() -> impl Strategy<Value = String> {
    let constant = prop_oneof![
        Just("1".to_owned()),
        Just("-0x1F".to_owned()),
        Just("1_000.5e3".to_owned()),
        Just("'\\n'".to_owned()),
        Just("nil".to_owned()),
        Just("true".to_owned()),
        Just(".".to_owned()),
        r#""([ -!#-\[\]-~é日]|\\[abfnrtv\\"]|\\xf[0-9a-f]|\\u00e9)*""#,
        "`[ -_a-z\r\né]*`",
    ];
    let place = prop_oneof![Just("$".to_owned()), r"\.[a-zA-Z_é][a-z0-9_]{0,3}(\.[a-z日]{1,3}){0,2}"];
    let pipeline = prop_oneof![constant, place].prop_recursive(4, 12, 4, |inner| {
        let space = prop_oneof![Just(" "), Just("\n\t")];
        prop_oneof![
            (prop::collection::vec(inner.clone(), 1..4), space).prop_map(|(operands, space)| format!(
                "({} {})",
                "print",
                operands.join(space)
            )),
            (inner.clone(), prop_oneof![Just("|"), Just(" | "), Just("\n| ")])
                .prop_map(|(value, pipe)| format!("({value}{pipe}print{pipe}quote 1)")),
            inner.prop_map(|value| format!("({value}).x.y")),
        ]
    });
    let delimiters = (
        prop_oneof![Just("{{"), Just("{{ "), Just("{{- "), Just("{{-\n")],
        prop_oneof![Just("}}"), Just(" }}"), Just("  -}}"), Just("\n-}}")],
    );
    let text = "[ \n}a-zé-]{0,6}|\\{[a-z ]";
    let action = (delimiters, pipeline).prop_map(|((left, right), pipeline)| (left, pipeline, right));
    let leaf = prop_oneof![
        text.prop_map(String::from),
        action.clone().prop_map(|(left, pipeline, right)| {
            let left = if pipeline.starts_with('-') && left == "{{" { "{{ " } else { left };
            format!("{left}{pipeline}{right}")
        }),
        Just("{{/* c }} */}}".to_owned()),
        Just("{{- /* c */ -}}".to_owned()),
        Just("{{ $x := 1 }}{{ $x = 2 }}{{ $x.y }}".to_owned()),
        Just("{{ template \"t\" . }}".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let word = prop_oneof![Just("if"), Just("with"), Just("range"), Just("range $i, $v :="), Just("block `b`")];
        (word, action.clone(), prop::collection::vec(inner, 1..5), 0usize..4).prop_map(|(word, action, parts, at)| {
            let (left, pipeline, right) = action;
            let body = match parts.get(at).filter(|_| !word.starts_with("block")) {
                Some(otherwise) => format!("{}{left}else{right}{otherwise}", parts.concat()),
                None => parts.concat(),
            };
            let end = if right.contains('-') { "{{- end -}}" } else { "{{end}}" };
            format!("{left}{word} {pipeline}{right}{body}{end}")
        })
    })
}

proptest! {
    #[test]
    fn every_byte_has_its_place(mut parts in prop::collection::vec(template(), 0..6), at in 0usize..9) {
        if let Some(part) = parts.get_mut(at) {
            *part = format!("{{{{ define \"d\" }}}}{part}{{{{ end }}}}");
        }
        let text = parts.concat();
        match read(&text) {
            Ok(file) => shape::check(&text, &file),
            // Two blocks of one name are the one mistake that can be made here.
            Err(error) => prop_assert!(error.message.contains("multiple definition"), "{text:?}: {error}"),
        }
    }

    #[test]
    fn no_text_is_too_strange(text in r"([{}.$|:=()',`\-+*/a-zA-Z0-9é\\\n\r\t _]|\{\{|\}\}|\{\{- | -\}\}|/\*|\*/|if|else|end|define|range|print){0,60}") {
        if let Ok(file) = read(&text) {
            shape::check(&text, &file);
        }
        let inside = format!("{{{{ {text} }}}}");
        if let Ok(file) = read(&inside) {
            shape::check(&inside, &file);
        }
    }

    #[test]
    fn a_chart_that_was_tampered_with_is_read_or_refused(cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6)) {
        const CHART: &str = include_str!("template/sample.tpl");
        let mut text = CHART.to_owned();
        for (from, to, put) in cuts {
            let place = |index: prop::sample::Index, text: &str| text.floor_char_boundary(index.index(text.len() + 1));
            let (from, to) = (place(from, &text), place(to, &text));
            let (from, to) = (from.min(to), from.max(to).min(text.floor_char_boundary(from.min(to) + 40)));
            let put = place(put, CHART);
            text.replace_range(from..to, &CHART[put..CHART.floor_char_boundary(put + 12)]);
        }
        if let Ok(file) = read(&text) {
            shape::check(&text, &file);
        }
    }
}
