//! HCL as Terraform reads it: held against `terraform fmt`, which reads a file before it formats it, and against `hcl-edit`.

mod notes;
mod other;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use proptest::prelude::*;
use sourceward::source::hcl::{
    json, parse, parse_expression, parse_template,
    tree::{ExpressionKind, Part, Text},
};

/// Whether Terraform reads a text as a file; nothing where Terraform is not there.
fn terraform_reads(text: &str) -> Option<bool> {
    let mut child = Command::new("terraform")
        .args(["fmt", "-check", "-"])
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    // 3: it would format the file.
    Some(matches!(child.wait().expect("it ends").code(), Some(0 | 3)))
}

const READ: &[&str] = &[
    "",
    "\u{feff}a=1",
    "a = 1",
    "a = 1 # c",
    "a = 1 // c\nb = 2 /* c */ # d\n",
    "/* a\n*/ b = 1\r\n",
    "a {}",
    "a { b = 1 } # c\n",
    "a { # c\n}\n",
    "a \"b\" c {\n}\n",
    "a = {b = 1, c = 2\n d : 3,\n\n e = 4}\n",
    "a = {b = 1\n b = 2}\n",
    "a = {for k, v in x : k => v...}\n",
    "a = {\n  for k, v in x :\n  k\n  => v\n  ? 1 : 2\n  if\n v\n}\n",
    "a = [\n for x\n in y : x]\n",
    "a = [1,\n 2,\n]\n",
    "a = (1\n+\n2)\n",
    "a = f(\n1,\n2,\n)\n",
    "a = f(x...)\n",
    "a = p::q::f(1)\n",
    "a = x.0.y.*.z.0[1][*].b[\n\"c\"\n]\n",
    "a = x [0] . y\n",
    "a = (x.\n0)\n",
    "a = x[*][*].*.y\n",
    "a = - - ! !x.y\n",
    "a = 1e400\nb = 123456789012345678901234567890.5e-3\nc = 1.e5\n",
    "a = x ? y ? 1 : 2 : z ? 3 : 4\n",
    "a = {(b) = 1, \"c${d}\" = 2, 3 = 4, true = 5, null = 6, e.f = 7, g() = 8}\n",
    "a = \"x$\"",
    "a = \"$${x} %%{y} $ % $$ %% \\\" \\\\ \\u00e9 \\U0001F600\"\n",
    "a = \"${x ~} ${~ y}${\n1\n}\"\n",
    "a = \"${\"${\"x\"}\"}\"\n",
    "a = \"%{ if x }y%{ else }z%{ endif }%{ for a, b in c }d%{ endfor\n}\"\n",
    "a = <<E\nE\n",
    "a = <<E\n${x}\n  E  \n",
    "a = <<-E\n    x\n  y\n  E\r\n",
    "a = <<E-1_é\nx $\n$\nE\nE-1_é\n",
    "a = [<<E\nx\nE\n, <<F\ny\nF\n]\n",
    "a = \"${<<F\nx\nF\n}\"\n",
    "a = <<E\n${<<F\nx\nF\n}\nE\n",
    "é-x = ü\n",
    "a = x == y && z != 1 || !b >= c\n",
    "for = if\nin = for\n",
];

const REFUSED: &[&str] = &[
    "a",
    "a =",
    "a = 1 b = 2",
    "a = 1\na = 2\n",
    "a = 1,\n",
    "\"a\" = 1",
    "a = b c",
    "a {\n",
    "a { b = 1\n}\n",
    "a { b = 1, c = 2 }\n",
    "a { b {} }\n",
    "a {} b {}\n",
    "a\n{}\n",
    "a \"${b}\" {}\n",
    "a = 'b'\n",
    "a = `b`\n",
    "a = 1; b = 2\n",
    "a = x & y\n",
    "a = ~x\n",
    "a = x ** y\n",
    "a = \"b\nc\"\n",
    "a = \"\\x\"\n",
    "a = \"\\u12\"\n",
    "a = \"\\ud800\"\n",
    "a = \"\\é\"\n",
    "a = \"b",
    "a = \"%{\"\n",
    "a = \"${\"\n",
    "a = \"${x y}\"\n",
    "a = \"%{ if x }\"\n",
    "a = \"%{ endif }\"\n",
    "a = \"%{ if x }%{ endfor }\"\n",
    "a = \"%{ if x }%{ else }%{ else }%{ endif }\"\n",
    "a = \"%{ while x }\"\n",
    "a = <<E\nx\nE",
    "a = <<E \nx\nE\n",
    "a = <<E\nx\n",
    "a = <<E\nx\ry\nE\n",
    "a = << E\nx\nE\n",
    "a = 1..2\n",
    "a = 1.2.3\n",
    "a = 1e5e5\n",
    "a = .5\n",
    "a = 1.\n",
    "a = x.0.1.y\n",
    "a = x.*.y.*.z\n",
    "a = x.\n0\n",
    "a = x[\n*]\n",
    "a = x[*\n]\n",
    "a = x[]\n",
    "a = [1 2]\n",
    "a = [,]\n",
    "a = f(,)\n",
    "a = f(x..., y)\n",
    "a = f(x...,)\n",
    "a = p::(1)\n",
    "a = p::f\n",
    "a = {b = 1,, c = 2}\n",
    "a = {b = 1\n, c = 2}\n",
    "a = {b\n= 1}\n",
    "a = {b c = 1}\n",
    "a = {for k, v in x : v}\n",
    "a = {\nfor = 1\n}\n",
    "a = [for k, v in x : k => v]\n",
    "a = [for x in y : x...]\n",
    "a = [for x y : x]\n",
    "a = x ? 1\n",
    "a = x ? 1 :\n",
    "a = 1 +\n2\n",
    "a = (1\n",
    "a = }\n",
    "a = \"${x}}\" ~}\n",
    "a = 1\r",
    "a = /* b\n",
    "a \u{a0}= 1\n",
    "\u{661}a = 1\n",
];

#[test]
fn what_terraform_reads_is_read_and_what_it_refuses_is_refused() {
    for (texts, is_read) in [(READ, true), (REFUSED, false)] {
        for text in texts {
            let ours = parse(text);
            assert_eq!(ours.is_ok(), is_read, "{text:?}: {ours:?}");
            match terraform_reads(text) {
                Some(theirs) => assert_eq!(theirs, is_read, "terraform: {text:?}"),
                None => return crate::tools::left_out("terraform is not there"),
            }
        }
    }
}

/// The one text of a template, however it is written.
fn text_of(template: &str) -> Text {
    let expression = parse_expression(template).unwrap_or_else(|error| panic!("{template:?}: {error}"));
    notes::of_expression(template, &expression);
    expression.literal().unwrap_or_else(|| panic!("{template:?}: {expression:?}")).clone()
}

#[test]
fn texts_say_what_terraform_makes_of_them() {
    for (written, expected) in [
        ("\"\"", ""),
        ("\"a\\n\\r\\t\\\"\\\\\"", "a\n\r\t\"\\"),
        ("\"\\u00e9\\U0001F600\"", "é😀"),
        ("\"e\\u0301 e\u{301}\"", "é é"),
        ("\"$${a} %%{b} $$ %% $c %d\"", "${a} %{b} $$ %% $c %d"),
        ("\"$$${a}\"", "$${a}"),
        ("\"%%%{\"", "%%{"),
        ("<<E\na\\n\"b\" $${c}\nE\n", "a\\n\"b\" ${c}\n"),
        ("<<E\r\na\r\nb\r\n\tE \r\n", "a\r\nb\r\n"),
        ("<<-E\n    a\n      b\n\n    c\n  E\n", "a\n  b\n\nc\n"),
        ("<<-E\n    a\n  \n    c\n  E\n", "a\n  \nc\n"),
        ("<<-E\n\ta\n \tb\nE\n", "a\n\tb\n"),
        ("<<-E\n  $a\n   $\nE\n", "$a\n $\n"),
        ("<<-E\nE\n", ""),
    ] {
        assert_eq!(&*text_of(written).value, expected, "{written:?}");
    }
}

/// The parts of a template: texts, and `*` for what stands between them.
fn parts(parts: &[Part]) -> Vec<String> {
    let part = |part: &Part| match part {
        Part::Text(text) => text.value.to_string(),
        Part::Interpolation { .. } => "*".to_owned(),
        Part::If(directive) => format!("if{:?}", parts_of_if(directive)),
        Part::For(directive) => format!("for{:?}", self::parts(&directive.body)),
    };
    parts.iter().map(part).collect()
}

fn parts_of_if(directive: &sourceward::source::hcl::tree::If) -> Vec<String> {
    let otherwise = directive.otherwise.as_ref().map(|all| parts(all));
    parts(&directive.then)
        .into_iter()
        .chain(otherwise.into_iter().flat_map(|all| [vec!["|".to_owned()], all].concat()))
        .collect()
}

#[test]
fn blanks_are_stripped_and_indents_cut_as_by_terraform() {
    for (written, expected) in [
        ("\"${a}\"", &["*"][..]),
        ("\" ${~ a}\"", &["", "*"]),
        ("\"a \\n ${~ b ~} \\u2003 c\"", &["a", "*", "c"]),
        ("\"a $ ${~ b ~} $ c\"", &["a $", "*", "$ c"]),
        ("\"%{ if a ~}  b  %{~ else ~} c %{ endif ~} d\"", &["if[\"b\", \"|\", \"c \"]", "d"]),
        ("\"${a}%{ for b in c }d${b}%{ endfor }\"", &["*", "for[\"d\", \"*\"]"]),
        ("<<E\n${a}\nE\n", &["*", "\n"]),
        // One piece of text is stripped, and a heredoc has one a line.
        ("<<E\na\n\n  ${~ b ~}\n\n  c\nE\n", &["a\n\n", "*", "\n  c\n"]),
        ("<<E\n$ \n${~ b}\nE\n", &["$ ", "*", "\n"]),
        // The indent of a template is cut, not that of what it prints.
        ("<<-E\n    ${a}\n      b\n    E\n", &["", "*", "\n  b\n"]),
        ("<<-E\n    a\n  %{ if b ~}\n    c\n  %{ endif ~}\n    d\nE\n", &["  a\n", "if[\"    c\\n\"]", "    d\n"]),
        ("<<-E\n    a ${~ b}\n   c\nE\n", &[" a", "*", "\nc\n"]),
    ] {
        let expression = parse_expression(written).expect(written);
        notes::of_expression(written, &expression);
        let ExpressionKind::Template(template) = &expression.kind else { panic!("{written:?}") };
        assert_eq!(parts(&template.parts), expected, "{written:?}");
    }
}

#[test]
fn a_file_is_a_template_as_a_whole() {
    for (file, expected) in [
        ("", &[""][..]),
        ("a\n${b}\n", &["a\n", "*", "\n"]),
        ("\"a\" $${b} \\n", &["\"a\" ${b} \\n"]),
        ("a\r\n${b}", &["a\r\n", "*"]),
        ("a\rb ${c}", &["a\rb ${c}"]),
        ("a $", &["a $"]),
    ] {
        assert_eq!(parts(&parse_template(file).expect(file).parts), expected, "{file:?}");
    }
    assert!(parse_template("${").is_err() && parse_template("%{ if a }").is_err());
}

#[test]
fn each_byte_of_a_text_knows_what_says_it() {
    for (written, expected) in [
        ("\"ab\\ncd\"", &[("ab", "ab"), ("\n", "\\n"), ("cd", "cd")][..]),
        ("\"$${a}\"", &[("${", "$${"), ("a}", "a}")]),
        ("<<-E\n    a\n      b\n    E\n", &[("a\n", "a\n"), ("  b\n", "  b\n")]),
        ("\"e\u{301}x\"", &[("éx", "e\u{301}x")]),
    ] {
        let text = text_of(written);
        let mut at = 0;
        let pieces = text.pieces.iter().map(|piece| {
            at += piece.len as usize;
            (&text.value[at - piece.len as usize..at], &written[piece.raw.range()])
        });
        assert_eq!(pieces.collect::<Vec<_>>(), expected, "{written:?}");
    }
}

#[test]
fn json_has_the_same_tree() {
    use sourceward::source::hcl::json::{BlockShape, Schema, Strings};
    const INNER: Schema = Schema { blocks: &[], literal: &[] };
    const SCHEMA: Schema = Schema {
        blocks: &[
            BlockShape { kind: "resource", labels: 2, body: &INNER },
            BlockShape { kind: "b", labels: 0, body: &INNER },
        ],
        literal: &[],
    };
    let text = r#"[{"resource": {"t": [{"n": {"a": "x\u0041${v}y", "//": 1}}, {"m": [{}, {}]}]}}, {"b": null, "c": {"${k}": [1e400]}}]"#;
    let json = json::read::parse(text).expect("it is JSON");
    let body = json::body(text, &json, &SCHEMA, Strings::Templates).expect("it has the shape");
    let blocks = body.blocks().map(|block| {
        let labels: Vec<&str> = block.labels.iter().map(|label| &*label.text).collect();
        format!("{labels:?} {}", &text[block.span.range()])
    });
    assert_eq!(
        blocks.collect::<Vec<String>>(),
        ["[\"t\", \"n\"] {\"a\": \"x\\u0041${v}y\", \"//\": 1}", "[\"t\", \"m\"] {}", "[\"t\", \"m\"] {}",]
    );
    let a = body.blocks().next().and_then(|block| block.body.attribute("a")).expect("it is there");
    let ExpressionKind::Template(template) = &a.value.kind else { panic!("{a:?}") };
    let slices: Vec<&str> = template.parts.iter().map(|part| &text[part.span().range()]).collect();
    assert_eq!(
        (parts(&template.parts), slices),
        (vec!["xA".into(), "*".into(), "y".into()], vec!["x\\u0041", "${v}", "y"])
    );
    assert!(json::body(text, &json, &SCHEMA, Strings::Literal).is_err(), "a file of variables is no list");
    let text = r#"{"c": {"${k}": [1e400]}}"#;
    let json = json::read::parse(text).expect("it is JSON");
    let literal = json::body(text, &json, &SCHEMA, Strings::Literal).expect("it has the shape");
    let c = literal.attribute("c").expect("it is there");
    assert_eq!(&text[c.value.span.range()], "{\"${k}\": [1e400]}");
    for refused in ["", "1", "[1", "{\"a\" 1}", "{\"a\": 1,}", "[1,]", "{\"a\": tru}", "{'a': 1}", "{} x", "\u{feff}{}"]
    {
        assert!(json::read::parse(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn comments_are_found_from_what_they_stand_at() {
    let text = "# a\n\n# b\n// c\nx = 1 /* d */ # e\n/* f */ y = 2\nz = 3\n";
    let file = parse(text).expect("it is HCL");
    let at = |place: &str| text.find(place).expect("a place");
    let slices = |place: &str| -> Vec<&str> {
        file.leading_comments(text, at(place)).iter().map(|comment| text[comment.range()].trim_end()).collect()
    };
    assert_eq!(slices("x = 1"), ["# b", "// c"]);
    assert!(slices("y = 2").is_empty() && slices("z = 3").is_empty());
    let trailing = file.trailing_comment(text, at("1 /*")).map(|comment| &text[comment.range()]);
    assert_eq!(trailing, Some("# e\n"));
    assert_eq!(file.trailing_comment(text, at("z = 3")), None);
}

#[test]
fn depth_and_size_have_limits_and_time_is_linear() {
    let nested =
        |open: &str, close: &str, levels: usize| format!("a = {}1{}\n", open.repeat(levels), close.repeat(levels));
    for (open, close) in
        [("[", "]"), ("(", ")"), ("{b=", "}"), ("f(", ")"), ("\"${", "}\""), ("!", ""), ("1 ? 2 : ", "")]
    {
        assert!(parse(&nested(open, close, 300)).is_ok(), "{open}");
        let error = parse(&nested(open, close, 20_000)).expect_err(open);
        assert!(error.is_limit, "{open}: {error}");
    }
    assert!(parse(&format!("{}{}", "a {\n".repeat(20_000), "}\n".repeat(20_000))).expect_err("deep").is_limit);
    assert!(parse(&" ".repeat(6 << 20)).expect_err("long").is_limit);
    for text in [
        format!("a = 1{}\n", "+1".repeat(500_000)),
        format!("a = {{{}}}\n", (0..100_000).map(|at| format!("k{at} = 1\n")).collect::<String>()),
        (0..100_000).map(|at| format!("k{at} = 1\n")).collect(),
        format!("a = \"{}\"\n", "${b}".repeat(400_000)),
        format!("a = \"{}{}\"\n", "${b ~}", "\\n".repeat(900_000)),
        format!("a = x{}\n", "[*]".repeat(300)),
        format!("a = x{}\n", "[0]".repeat(500_000)),
        format!("a = [{}]\n", "#\n".repeat(900_000)),
        format!("a = <<-E\n{}E\n", "  x\n".repeat(400_000)),
    ] {
        assert!(parse(&text).is_ok(), "{}", &text[..40]);
    }
}

fn corpus() -> Vec<(PathBuf, String)> {
    let root = env::var_os("SOURCEWARD_CORPUS").map_or_else(|| PathBuf::from("fixtures"), PathBuf::from);
    let (mut todo, mut files) = (vec![root], Vec::new());
    while let Some(path) = todo.pop() {
        if path.is_dir() && !path.is_symlink() {
            todo.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|ending| ending == "tf" || ending == "tfvars" || ending == "hcl")
            && let Ok(text) = fs::read_to_string(&path)
        {
            files.push((path, text));
        }
    }
    files.sort();
    files
}

/// Holds a text against `hcl-edit`, which refuses some things that Terraform reads, and says what became of it.
fn compare(path: &str, text: &str) -> &'static str {
    let Ok(file) = parse(text) else {
        return if other::of(text).is_ok() { "read by hcl-edit only" } else { "refused by both" };
    };
    let ours = notes::of(text, &file);
    let Ok(theirs) = other::of(text) else { return "refused by hcl-edit only" };
    if text.contains('~') || text.contains('\r') {
        return "read by both";
    }
    let differing = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
    assert!(differing.is_none() && ours.len() == theirs.len(), "{path}: {differing:?}");
    "equal"
}

#[test]
fn every_file_of_a_corpus_has_the_tree_that_another_reader_sees() {
    let mut counts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, text) in corpus() {
        let path = path.display().to_string();
        counts.entry(compare(&path, &text)).or_default().push(path);
    }
    for (what, files) in &counts {
        println!("{what}: {} {:?}", files.len(), files.iter().take(9).collect::<Vec<_>>());
    }
    assert!(!counts.contains_key("read by hcl-edit only"), "{counts:?}");
}

#[test]
fn every_file_of_a_corpus_is_read_if_terraform_reads_it() {
    if env::var_os("SOURCEWARD_CORPUS").is_none() {
        return;
    }
    let (mut read, mut refused) = (0, 0);
    for (path, text) in corpus() {
        let Some(theirs) = terraform_reads(&text) else { return crate::tools::left_out("terraform is not there") };
        assert_eq!(parse(&text).is_ok(), theirs, "{}", path.display());
        *(if theirs { &mut read } else { &mut refused }) += 1;
    }
    println!("read {read}, refused {refused}");
}

const PIECES: &[&str] = &[
    "a",
    " = ",
    "1",
    "\n",
    "\"",
    "${",
    "}",
    "%{ if ",
    "%{ endif }",
    "%{ for x in ",
    "%{ endfor }",
    "~",
    "{",
    "[",
    "]",
    "(",
    ")",
    "<<E\n",
    "<<-E\n",
    "\nE\n",
    "  ",
    "E",
    ",",
    ":",
    "?",
    ".",
    "*",
    "[*]",
    ".*",
    ".0",
    "...",
    "=>",
    "for ",
    " in ",
    " if ",
    "else",
    "\\n",
    "\\",
    "$",
    "%",
    "$${",
    "#",
    "//",
    "/*",
    "*/",
    "::",
    "f(",
    "\r\n",
    "\r",
    "é",
    "\u{301}",
    "\t",
    "+",
    "-",
    "!",
    "&&",
    "==",
    "\u{feff}",
    "true",
    "null",
    "b {\n",
    "}\n",
    "x = 1\n",
    "\"c\" {",
    "\u{a0}",
    "\u{2028}",
    "1e5",
    "0.1",
    "\\u00e9",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mixture_of_pieces_breaks_the_tree(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..32)) {
        let text = pieces.concat();
        if let Ok(file) = parse(&text) {
            notes::of(&text, &file);
        }
        if let Ok(expression) = parse_expression(&text) {
            notes::of_expression(&text, &expression);
        }
        let _ = parse_template(&text);
        let _ = json::read::parse(&text);
    }

    #[test]
    fn a_file_with_some_bytes_changed_breaks_nothing(
        changes in prop::collection::vec((0..1_000_usize, prop::sample::select(PIECES)), 1..4),
    ) {
        let mut text = READ.concat();
        for (at, piece) in changes {
            let at = (at..).find(|at| text.is_char_boundary(at % text.len())).expect("the first byte is one") % text.len();
            let end = (at + 1..).find(|end| text.is_char_boundary(*end)).expect("the end is one");
            text.replace_range(at..end, piece);
        }
        for part in text.split("\n\n").chain([&*text]) {
            if let Ok(file) = parse(part) {
                notes::of(part, &file);
                compare("changed", part);
            }
        }
    }
}
