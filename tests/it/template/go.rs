//! The tables of Go 1.23's own tests, `text/template/parse/parse_test.go`: what trees print, and which types numbers fit.

use sourceward::engine::helm::template::{
    ast::{Branch, Fields, Node, NodeKind, Operand, OperandKind, Pipeline},
    constant::number::{self, Shape},
    parse::parse,
};

#[test]
fn trees_print_as_go_prints_them() {
    for (text, printed) in TREES {
        let file = parse(text, &|name| ["printf", "contains"].contains(&name));
        let file = file.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(nodes(text, &file.body), *printed, "{text:?}");
    }
}

#[test]
fn numbers_fit_the_types_that_they_fit_in_go() {
    for (text, int, uint, float) in NUMBERS {
        let shape = match text {
            text if text.starts_with('\'') => Shape::Character,
            text if text.ends_with('i') && text[1..].contains(['+', '-']) => Shape::Complex,
            _ => Shape::Plain,
        };
        let number = number::parse(text, shape).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((number.int, number.uint, number.float), (*int, *uint, *float), "{text}");
    }
    for text in ["+-2", "0x123.", "1e.", "0xi.", "1+2.", "'x", "'xx'", "'433937734937734969526500969526500'"] {
        let shape = if text.starts_with('\'') { Shape::Character } else { Shape::Plain };
        number::parse(text, shape).expect_err(text);
    }
}

#[test]
fn empty_trees_are_those_that_go_takes_for_empty() {
    for (text, empty) in [
        ("", true),
        ("hello", false),
        (" \t\n \t\n", true),
        ("{{/* comment */}}", true),
        ("{{define \"x\"}}something{{end}}", true),
        ("{{define `x`}}something{{end}}\n\n{{define `y`}}something{{end}}\n\n", true),
        ("{{define `x`}}something{{end}}\nx\n{{define `y`}}something{{end}}\ny\n", false),
        ("{{define `x`}}something{{end}}{{if 3}}foo{{end}}", false),
        ("{{\"\"}}", false),
        ("\u{a0}\u{3000}\u{85}", true),
        ("\u{200b}", false),
    ] {
        let file = parse(text, &|_| true).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(file.is_empty(text), empty, "{text:?}");
        let defined = format!("{{{{define \"d\"}}}}{text}{{{{end}}}}");
        if !text.contains("define") {
            let file = parse(&defined, &|_| true).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(file.defines[0].is_empty(&defined), empty, "{text:?}");
        }
    }
}

#[test]
fn words_are_functions_where_there_are_functions_of_that_name() {
    let text = "{{range .X}}{{break 20}}{{end}}";
    assert!(parse(text, &|name| name == "break").is_ok());
    let error = parse(text, &|_| false).expect_err("a word");
    assert_eq!(error.message, "unexpected \"20\" in {{break}}");
}

#[test]
fn blocks_are_templates_that_are_defined_in_place() {
    let text = "a{{block \"inner\" .}}bar{{.}}baz{{end}}b";
    let file = parse(text, &|_| false).expect("a template");
    assert_eq!(nodes(text, &file.body), "\"a\"{{template \"inner\" .}}\"b\"");
    assert_eq!(nodes(text, &file.defines[0].body), "\"bar\"{{.}}\"baz\"");
    assert_eq!((&*file.defines[0].name, file.defines.len()), ("inner", 1));
    assert_eq!(file.defines[0].span, file.body[1].span());
}

/// Go's `Node.String`, with texts quoted.
pub(crate) fn nodes(text: &str, body: &[Node]) -> String {
    body.iter().map(|node| self::node(text, node)).collect()
}

fn node(text: &str, node: &Node) -> String {
    match &node.kind {
        NodeKind::Text => format!("{:?}", &text[node.span().range()]),
        NodeKind::Action(one) => format!("{{{{{}}}}}", pipeline(text, one)),
        NodeKind::If(one) => branch(text, "if", one),
        NodeKind::With(one) => branch(text, "with", one),
        NodeKind::Range(one) => branch(text, "range", one),
        NodeKind::Template(inclusion) => {
            let argument = inclusion.argument.as_ref().map(|one| format!(" {}", pipeline(text, one)));
            format!("{{{{template {:?}{}}}}}", inclusion.name, argument.unwrap_or_default())
        }
        NodeKind::Break => "{{break}}".into(),
        NodeKind::Continue => "{{continue}}".into(),
    }
}

fn branch(text: &str, word: &str, branch: &Branch) -> String {
    let otherwise =
        branch.otherwise.as_ref().map_or_else(String::new, |body| format!("{{{{else}}}}{}", nodes(text, body)));
    format!("{{{{{word} {}}}}}{}{otherwise}{{{{end}}}}", pipeline(text, &branch.pipeline), nodes(text, &branch.body))
}

fn pipeline(text: &str, pipeline: &Pipeline) -> String {
    let names: Vec<&str> = pipeline.variables.iter().map(|variable| variable.name(text)).collect();
    let sets = match (names.is_empty(), pipeline.assigns) {
        (true, _) => "",
        (_, true) => " = ",
        (_, false) => " := ",
    };
    let commands: Vec<String> = pipeline
        .commands()
        .map(|command| command.operands().map(|one| operand(text, one)).collect::<Vec<_>>().join(" "))
        .collect();
    format!("{}{sets}{}", names.join(", "), commands.join(" | "))
}

fn operand(text: &str, operand: &Operand) -> String {
    let written = &text[operand.span().range()];
    let after = |fields: &Fields| -> String { fields.names(text).map(|name| format!(".{name}")).collect() };
    match &operand.kind {
        OperandKind::Dot => ".".into(),
        OperandKind::Nil => "nil".into(),
        OperandKind::Bool(value) => value.to_string(),
        OperandKind::Number(_) => written.to_string(),
        OperandKind::Text(constant) => format!("{:?}", String::from_utf8_lossy(constant.value(written))),
        OperandKind::Field(fields) => after(fields),
        OperandKind::Variable { variable, fields } => format!("{}{}", variable.name(text), after(fields)),
        OperandKind::Function => written.to_string(),
        OperandKind::Pipeline(inner) => format!("({})", pipeline(text, inner)),
        OperandKind::Chain { of, fields } => format!("{}{}", self::operand(text, of), after(fields)),
    }
}

const TREES: &[(&str, &str)] = &[
    ("", ""),
    ("{{/*\n\n\n*/}}", ""),
    (" \t\n", "\" \\t\\n\""),
    ("some text", "\"some text\""),
    ("{{.X}}", "{{.X}}"),
    ("{{printf}}", "{{printf}}"),
    ("{{$}}", "{{$}}"),
    ("{{with $x := 3}}{{$x 23}}{{end}}", "{{with $x := 3}}{{$x 23}}{{end}}"),
    ("{{$.I}}", "{{$.I}}"),
    ("{{printf `%d` 23}}", "{{printf \"%d\" 23}}"),
    ("{{.X|.Y}}", "{{.X | .Y}}"),
    ("{{$x := .X|.Y}}", "{{$x := .X | .Y}}"),
    ("{{.X (.Y .Z) (.A | .B .C) (.E)}}", "{{.X (.Y .Z) (.A | .B .C) (.E)}}"),
    ("{{(.Y .Z).Field}}", "{{(.Y .Z).Field}}"),
    ("{{if .X}}hello{{end}}", "{{if .X}}\"hello\"{{end}}"),
    ("{{if .X}}true{{else}}false{{end}}", "{{if .X}}\"true\"{{else}}\"false\"{{end}}"),
    ("{{if .X}}true{{else if .Y}}false{{end}}", "{{if .X}}\"true\"{{else}}{{if .Y}}\"false\"{{end}}{{end}}"),
    (
        "+{{if .X}}X{{else if .Y}}Y{{else if .Z}}Z{{end}}+",
        "\"+\"{{if .X}}\"X\"{{else}}{{if .Y}}\"Y\"{{else}}{{if .Z}}\"Z\"{{end}}{{end}}{{end}}\"+\"",
    ),
    ("{{range .X}}hello{{end}}", "{{range .X}}\"hello\"{{end}}"),
    ("{{range .X.Y.Z}}hello{{end}}", "{{range .X.Y.Z}}\"hello\"{{end}}"),
    (
        "{{range .X}}hello{{range .Y}}goodbye{{end}}{{end}}",
        "{{range .X}}\"hello\"{{range .Y}}\"goodbye\"{{end}}{{end}}",
    ),
    ("{{range .X}}true{{else}}false{{end}}", "{{range .X}}\"true\"{{else}}\"false\"{{end}}"),
    ("{{range .X|.M}}true{{else}}false{{end}}", "{{range .X | .M}}\"true\"{{else}}\"false\"{{end}}"),
    ("{{range .SI}}{{.}}{{end}}", "{{range .SI}}{{.}}{{end}}"),
    ("{{range $x := .SI}}{{.}}{{end}}", "{{range $x := .SI}}{{.}}{{end}}"),
    ("{{range $x, $y := .SI}}{{.}}{{end}}", "{{range $x, $y := .SI}}{{.}}{{end}}"),
    ("{{range .SI}}{{.}}{{break}}{{end}}", "{{range .SI}}{{.}}{{break}}{{end}}"),
    ("{{range .SI}}{{.}}{{continue}}{{end}}", "{{range .SI}}{{.}}{{continue}}{{end}}"),
    ("{{range .SI 1 -3.2i true false 'a' nil}}{{end}}", "{{range .SI 1 -3.2i true false 'a' nil}}{{end}}"),
    ("{{template `x`}}", "{{template \"x\"}}"),
    ("{{template `x` .Y}}", "{{template \"x\" .Y}}"),
    ("{{with .X}}hello{{end}}", "{{with .X}}\"hello\"{{end}}"),
    ("{{with .X}}hello{{else}}goodbye{{end}}", "{{with .X}}\"hello\"{{else}}\"goodbye\"{{end}}"),
    (
        "{{with .X}}hello{{else with .Y}}goodbye{{end}}",
        "{{with .X}}\"hello\"{{else}}{{with .Y}}\"goodbye\"{{end}}{{end}}",
    ),
    (
        "{{with .X}}X{{else with .Y}}Y{{else with .Z}}Z{{end}}",
        "{{with .X}}\"X\"{{else}}{{with .Y}}\"Y\"{{else}}{{with .Z}}\"Z\"{{end}}{{end}}{{end}}",
    ),
    ("x \r\n\t{{- 3}}", "\"x\"{{3}}"),
    ("{{3 -}}\n\n\ty", "{{3}}\"y\""),
    ("x \r\n\t{{- 3 -}}\n\n\ty", "\"x\"{{3}}\"y\""),
    ("x\n{{-  3   -}}\ny", "\"x\"{{3}}\"y\""),
    ("x \r\n\t{{- /* hi */}}", "\"x\""),
    ("{{/* hi */ -}}\n\n\ty", "\"y\""),
    ("x \r\n\t{{- /* */ -}}\n\n\ty", "\"x\"\"y\""),
    ("{{block \"foo\" .}}hello{{end}}", "{{template \"foo\" .}}"),
    ("{{ $x \n := \n 1 \n }}", "{{$x := 1}}"),
    ("{{\n\"x\"\n|\nprintf\n}}", "{{\"x\" | printf}}"),
    ("{{/*\nhello\n*/}}", ""),
    ("{{-\n/*\nhello\n*/\n-}}", ""),
    ("{{range .SI}}{{.}}{{ continue }}{{end}}", "{{range .SI}}{{.}}{{continue}}{{end}}"),
    ("{{range .SI}}{{.}}{{ break }}{{end}}", "{{range .SI}}{{.}}{{break}}{{end}}"),
    ("{{$x := 0}}{{$x}}", "{{$x := 0}}{{$x}}"),
    ("{{$x:=.}}{{$x +2}}", "{{$x := .}}{{$x +2}}"),
    ("{{range $x := 0}}{{$x}}{{end}}", "{{range $x := 0}}{{$x}}{{end}}"),
    ("{{range $x = 0}}{{$x}}{{end}}", "{{range $x = 0}}{{$x}}{{end}}"),
    ("{{ (( 1 )) }}", "{{((1))}}"),
    ("{{ ((( 1 ))) | printf }}", "{{(((1))) | printf}}"),
    ("{{ if ((( true ))) }}YES{{ end }}", "{{if (((true)))}}\"YES\"{{end}}"),
];

/// A constant, and its value in each type that it fits.
type NumberRow = (&'static str, Option<i64>, Option<u64>, Option<f64>);

/// Behind Go's own rows, numbers at the ends of the types.
const NUMBERS: &[NumberRow] = &[
    ("0", Some(0), Some(0), Some(0.0)),
    ("-0", Some(0), Some(0), Some(0.0)),
    ("73", Some(73), Some(73), Some(73.0)),
    ("7_3", Some(73), Some(73), Some(73.0)),
    ("0b10_010_01", Some(73), Some(73), Some(73.0)),
    ("0B10_010_01", Some(73), Some(73), Some(73.0)),
    ("073", Some(59), Some(59), Some(59.0)),
    ("0o73", Some(59), Some(59), Some(59.0)),
    ("0O73", Some(59), Some(59), Some(59.0)),
    ("0x73", Some(115), Some(115), Some(115.0)),
    ("0X73", Some(115), Some(115), Some(115.0)),
    ("0x7_3", Some(115), Some(115), Some(115.0)),
    ("-73", Some(-73), None, Some(-73.0)),
    ("+73", Some(73), None, Some(73.0)),
    ("100", Some(100), Some(100), Some(100.0)),
    ("1e9", Some(1_000_000_000), Some(1_000_000_000), Some(1e9)),
    ("-1e9", Some(-1_000_000_000), None, Some(-1e9)),
    ("-1.2", None, None, Some(-1.2)),
    ("1e19", None, Some(10_000_000_000_000_000_000), Some(1e19)),
    ("1e1_9", None, Some(10_000_000_000_000_000_000), Some(1e19)),
    ("1E19", None, Some(10_000_000_000_000_000_000), Some(1e19)),
    ("-1e19", None, None, Some(-1e19)),
    ("0x_1p4", Some(16), Some(16), Some(16.0)),
    ("0X_1P4", Some(16), Some(16), Some(16.0)),
    ("0x_1p-4", None, None, Some(0.0625)),
    ("4i", None, None, None),
    ("-1.2+4.2i", None, None, None),
    ("073i", None, None, None),
    ("0i", Some(0), Some(0), Some(0.0)),
    ("-1.2+0i", None, None, Some(-1.2)),
    ("-12+0i", Some(-12), None, Some(-12.0)),
    ("13+0i", Some(13), Some(13), Some(13.0)),
    ("0123", Some(83), Some(83), Some(83.0)),
    ("-0x0", Some(0), Some(0), Some(0.0)),
    ("0xdeadbeef", Some(3_735_928_559), Some(3_735_928_559), Some(3735928559.0)),
    ("'a'", Some(97), Some(97), Some(97.0)),
    ("'\\n'", Some(10), Some(10), Some(10.0)),
    ("'\\\\'", Some(92), Some(92), Some(92.0)),
    ("'\\''", Some(39), Some(39), Some(39.0)),
    ("'\\xFF'", Some(255), Some(255), Some(255.0)),
    ("'パ'", Some(12_497), Some(12_497), Some(12497.0)),
    ("'\\u30d1'", Some(12_497), Some(12_497), Some(12497.0)),
    ("'\\U000030d1'", Some(12_497), Some(12_497), Some(12497.0)),
    ("0xef", Some(239), Some(239), Some(239.0)),
    (
        "9223372036854775807",
        Some(9_223_372_036_854_775_807),
        Some(9_223_372_036_854_775_807),
        Some(9_223_372_036_854_775_807.0),
    ),
    ("9223372036854775808", None, Some(9_223_372_036_854_775_808), Some(9_223_372_036_854_775_808.0)),
    ("18446744073709551615", None, Some(18_446_744_073_709_551_615), Some(18_446_744_073_709_551_615.0)),
    ("-9223372036854775808", Some(i64::MIN), None, Some(-9_223_372_036_854_775_808.0)),
    ("9223372036854775808.0", None, Some(9_223_372_036_854_775_808), Some(9_223_372_036_854_775_808.0)),
    ("1.8446744073709552e19", None, None, Some(1.8446744073709552e19)),
    ("-0.0", Some(0), Some(0), Some(0.0)),
    (".5", None, None, Some(0.5)),
    ("1.", Some(1), Some(1), Some(1.0)),
    ("1e-400", Some(0), Some(0), Some(0.0)),
];
