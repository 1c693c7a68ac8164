//! Edits of HCL: what they come to, and that `terraform fmt` has nothing to add.

use std::{fs, process::Command};

use proptest::{prelude::*, strategy::ValueTree};
use serde_json::{Map, Value, json};
use sourceward::source::{
    hcl::{
        edit::{Change, EditError, applied, literal, word},
        parse,
        tree::Item,
    },
    span::Span,
};

fn at(text: &str, needle: &str) -> Span {
    let start = text.find(needle).unwrap_or_else(|| panic!("{needle:?} is not in {text:?}"));
    Span::new(start, start + needle.len())
}

fn set(needle: &'static str, value: Value) -> impl Fn(&str) -> Change {
    move |text| Change::Set { at: at(text, needle), value: value.clone() }
}

fn says(needle: &'static str, range: (usize, usize), new: &'static str) -> impl Fn(&str) -> Change {
    move |text| Change::Text { at: at(text, needle), range, text: new.to_owned() }
}

fn argument(within: &'static str, name: &'static str, value: Value) -> impl Fn(&str) -> Change {
    move |text| {
        let within = (!within.is_empty()).then(|| at(text, within));
        Change::Argument { within, name: name.to_owned(), value: value.clone() }
    }
}

fn key(within: &'static str, key: &'static str, value: Value) -> impl Fn(&str) -> Change {
    move |text| Change::Key { within: at(text, within), key: key.to_owned(), value: value.clone() }
}

fn merge(needle: &'static str, key: &'static str, value: Value) -> impl Fn(&str) -> Change {
    move |text| Change::Merge { at: at(text, needle), key: key.to_owned(), value: value.clone() }
}

fn element(within: &'static str, index: usize, value: Value) -> impl Fn(&str) -> Change {
    move |text| Change::Element { within: at(text, within), index, value: value.clone() }
}

fn remove(needle: &'static str) -> impl Fn(&str) -> Change {
    move |text| Change::Remove { at: at(text, needle) }
}

fn drop_element(within: &'static str, index: usize) -> impl Fn(&str) -> Change {
    move |text| Change::RemoveElement { within: at(text, within), index }
}

fn block(within: &'static str, kind: &'static str, value: Value) -> impl Fn(&str) -> Change {
    move |text| {
        let Value::Object(value) = value.clone() else { panic!("a block is a map") };
        Change::Block { within: at(text, within), kind: kind.to_owned(), value, lists_are_blocks: false }
    }
}

/// A block whose lists of maps are blocks.
fn blocks(within: &'static str, kind: &'static str, value: Value) -> impl Fn(&str) -> Change {
    let block = block(within, kind, value);
    move |text| match block(text) {
        Change::Block { within, kind, value, .. } => Change::Block { within, kind, value, lists_are_blocks: true },
        other => other,
    }
}

type Case = (&'static str, Box<dyn Fn(&str) -> Change>, &'static str);

fn case(before: &'static str, change: impl Fn(&str) -> Change + 'static, after: &'static str) -> Case {
    (before, Box::new(change), after)
}

fn cases() -> Vec<Case> {
    vec![
        // Literals keep their quotes, their escapes and what is around them.
        case("a = \"x\" # why\n", set("\"x\"", json!("y")), "a = \"y\" # why\n"),
        case("a = \"t3\\u00e9x\"\n", set("\"t3\\u00e9x\"", json!("t3\u{e9}y")), "a = \"t3\\u00e9y\"\n"),
        case(
            "a = \"x\"\n",
            set("\"x\"", json!("${b} %{c} \"q\" \\ $ \n")),
            "a = \"$${b} %%{c} \\\"q\\\" \\\\ $ \\n\"\n",
        ),
        case("a = 1\n", set("1", json!(-2.5)), "a = -2.5\n"),
        case("a = true\r\n", set("true", json!(null)), "a = null\r\n"),
        case("a = \"8080\"\n", set("\"8080\"", json!(8081)), "a = 8081\n"),
        case("a = [\"x\", \"y\"]\n", set("[\"x\", \"y\"]", json!(["z"])), "a = [\"z\"]\n"),
        case(
            "a = {\n  b = 1\n}\n",
            set("{\n  b = 1\n}", json!({"b": 1, "cd": "x"})),
            "a = {\n  b  = 1\n  cd = \"x\"\n}\n",
        ),
        case("a = f({ b = 1 })\n", set("{ b = 1 }", json!({"b": [2]})), "a = f({ b = [2] })\n"),
        // Parts of templates.
        case("a = \"${x}-db\"\n", says("-db", (1, 3), "queue"), "a = \"${x}-queue\"\n"),
        case(
            "a = <<-EOT\n    one ${x}\n      two\n    EOT\n",
            says("\n      two\n", (1, 3), "x"),
            "a = <<-EOT\n    one ${x}\n    xtwo\n    EOT\n",
        ),
        case(
            "a = <<EOT\none\ntwo\nEOT\n",
            set("<<EOT\none\ntwo\nEOT", json!("one\n2 ${y}\n")),
            "a = <<EOT\none\n2 $${y}\nEOT\n",
        ),
        case(
            "a = <<-EOT\n    one\n      two\n    EOT\n",
            set("<<-EOT\n    one\n      two\n    EOT", json!("one\nmore\n  two\n")),
            "a = <<-EOT\n    one\n    more\n      two\n    EOT\n",
        ),
        case("a = <<EOT\none\nEOT\n", set("<<EOT\none\nEOT", json!("one")), "a = \"one\"\n"),
        // Columns of the lines around move where they were columns.
        case(
            "r \"t\" \"n\" {\n  ami = 1\n  b   = 2\n}\n",
            argument("r \"t\" \"n\" {\n  ami = 1\n  b   = 2\n}", "longer", json!("x")),
            "r \"t\" \"n\" {\n  ami    = 1\n  b      = 2\n  longer = \"x\"\n}\n",
        ),
        case(
            "r {\n  ami = 1 # c\n  b   = 2 # d\n}\n",
            argument("r {\n  ami = 1 # c\n  b   = 2 # d\n}", "longer", json!("x")),
            "r {\n  ami    = 1 # c\n  b      = 2 # d\n  longer = \"x\"\n}\n",
        ),
        case(
            "r {\n  ami = 1\n  b = 2\n}\n",
            argument("r {\n  ami = 1\n  b = 2\n}", "c", json!("x")),
            "r {\n  ami = 1\n  b = 2\n  c   = \"x\"\n}\n",
        ),
        case(
            "r {\n  ab = 1\n\n  tags = {\n    c = 1\n  }\n\n  lifecycle {}\n}\n",
            argument("r {\n  ab = 1\n\n  tags = {\n    c = 1\n  }\n\n  lifecycle {}\n}", "c", json!({"d": 1})),
            "r {\n  ab = 1\n  c = {\n    d = 1\n  }\n\n  tags = {\n    c = 1\n  }\n\n  lifecycle {}\n}\n",
        ),
        case("r {}\n", argument("r {}", "c", json!(1)), "r {\n  c = 1\n}\n"),
        case("r { a = 1 }\n", argument("r { a = 1 }", "c", json!(1)), "r {\n  a = 1\n  c = 1\n}\n"),
        case("r {\n  b {}\n}\n", argument("r {\n  b {}\n}", "c", json!(1)), "r {\n  c = 1\n\n  b {}\n}\n"),
        case("a   = 1\nbcd = 2", argument("", "e", json!([1])), "a   = 1\nbcd = 2\ne   = [1]"),
        case("# empty\n", argument("", "e", json!("x")), "# empty\ne = \"x\"\n"),
        case("a = 1\r\nb = 2\r\n", argument("", "cc", json!("x")), "a  = 1\r\nb  = 2\r\ncc = \"x\"\r\n"),
        // Items of objects.
        case("a = {}\n", key("{}", "x/y", json!("z")), "a = { \"x/y\" = \"z\" }\n"),
        case("a = { b = 1 }\n", key("{ b = 1 }", "c", json!({"d": 1})), "a = { b = 1, c = { d = 1 } }\n"),
        case("a = {\n  b = 1\n}\n", key("{\n  b = 1\n}", "cd", json!("e")), "a = {\n  b  = 1\n  cd = \"e\"\n}\n"),
        case(
            "a = {\n  b = 1,\n  c = 2\n}\n",
            key("{\n  b = 1,\n  c = 2\n}", "d", json!(3)),
            "a = {\n  b = 1,\n  c = 2,\n  d = 3\n}\n",
        ),
        case(
            "a = {\n  b = 1, # x\n}\n",
            key("{\n  b = 1, # x\n}", "d", json!(3)),
            "a = {\n  b = 1, # x\n  d = 3,\n}\n",
        ),
        case(
            "a = f({\n  \"b\" : 1\n})\n",
            key("{\n  \"b\" : 1\n}", "d", json!(3)),
            "a = f({\n  \"b\" : 1\n  \"d\" : 3\n})\n",
        ),
        case("a = f(x, { b = 1 })\n", key("{ b = 1 }", "c", json!("d")), "a = f(x, { b = 1, c = \"d\" })\n"),
        case("a = {\n}\n", key("{\n}", "c", json!("d")), "a = {\n  c = \"d\"\n}\n"),
        // Elements of tuples.
        case("a = [1, 2]\n", element("[1, 2]", 2, json!(3)), "a = [1, 2, 3]\n"),
        case("a = [1, 2]\n", element("[1, 2]", 0, json!("x")), "a = [\"x\", 1, 2]\n"),
        case("a = []\n", element("[]", 0, json!("x")), "a = [\"x\"]\n"),
        case(
            "a = [\n  1, # one\n  2 # two\n]\n",
            element("[\n  1, # one\n  2 # two\n]", 2, json!(3)),
            "a = [\n  1, # one\n  2, # two\n  3\n]\n",
        ),
        case(
            "a = [\n  1,\n  # two\n  2,\n]\n",
            element("[\n  1,\n  # two\n  2,\n]", 1, json!(3)),
            "a = [\n  1,\n  3,\n  # two\n  2,\n]\n",
        ),
        case(
            "a = [\n  {\n    b = 1\n  },\n]\n",
            element("[\n  {\n    b = 1\n  },\n]", 1, json!({"b": 2, "cd": 3})),
            "a = [\n  {\n    b = 1\n  },\n  {\n    b  = 2\n    cd = 3\n  },\n]\n",
        ),
        // A map that is referred to is merged with what is new.
        case(
            "a   = b.c # d\nbcd = 1\n",
            merge("b.c", "e", json!("x")),
            "a   = merge(b.c, { e = \"x\" }) # d\nbcd = 1\n",
        ),
        case("a = merge(b, c)\n", merge("merge(b, c)", "d/e", json!(1)), "a = merge(b, c, { \"d/e\" = 1 })\n"),
        case("a = merge(b...)\n", merge("merge(b...)", "c", json!(1)), "a = merge(merge(b...), { c = 1 })\n"),
        case(
            "r {\n  a = merge(\n    b,\n    c\n  )\n}\n",
            merge("merge(\n    b,\n    c\n  )", "d", json!(1)),
            "r {\n  a = merge(\n    b,\n    c,\n    {\n      d = 1\n    }\n  )\n}\n",
        ),
        // What goes takes along what belongs to it.
        case(
            "r {\n  a = 1\n  # why\n  longest = 2 # c\n  bc = 3\n}\n",
            remove("longest"),
            "r {\n  a = 1\n  bc = 3\n}\n",
        ),
        case(
            "r {\n  a       = 1\n  longest = 2\n  bc      = 3\n}\n",
            remove("longest"),
            "r {\n  a  = 1\n  bc = 3\n}\n",
        ),
        case("a = {\n  b = 1\n  c = 2\n}\n", remove("c"), "a = {\n  b = 1\n}\n"),
        case("a = {\n  b = 1,\n  c = 2\n}\n", remove("c"), "a = {\n  b = 1\n}\n"),
        case("a = { b = 1, c = 2 }\n", remove("b"), "a = { c = 2 }\n"),
        case("a = { b = 1, c = 2 }\n", remove("c"), "a = { b = 1 }\n"),
        case("a = { b = 1 }\n", remove("b"), "a = {}\n"),
        case("a = 1\nb = 2\n", remove("a"), "b = 2\n"),
        case("\na = 1\n\nb = 2\n", remove("a"), "\nb = 2\n"),
        case("a = [1, 2, 3]\n", drop_element("[1, 2, 3]", 1), "a = [1, 3]\n"),
        case("a = [1, 2, 3]\n", drop_element("[1, 2, 3]", 2), "a = [1, 2]\n"),
        case(
            "a = [\n  1,\n  # two\n  2, # b\n  3,\n]\n",
            drop_element("[\n  1,\n  # two\n  2, # b\n  3,\n]", 1),
            "a = [\n  1,\n  3,\n]\n",
        ),
        case("a = [\n  1,\n]\n", drop_element("[\n  1,\n]", 0), "a = []\n"),
        case(
            "r {\n  a = 1\n\n  b {\n    c = 1\n  }\n\n  d {}\n}\n",
            remove("b {\n    c = 1\n  }"),
            "r {\n  a = 1\n\n  d {}\n}\n",
        ),
        case("r {\n  a = 1\n\n  b {\n    c = 1\n  }\n}\n", remove("b {\n    c = 1\n  }"), "r {\n  a = 1\n}\n"),
        // Blocks look like those of their type.
        case(
            "r {\n  b {\n    to   = 1\n    from = 2\n    c {\n      d = 1\n    }\n  }\n}\n",
            block(
                "r {\n  b {\n    to   = 1\n    from = 2\n    c {\n      d = 1\n    }\n  }\n}",
                "b",
                json!({"c": [{"d": 2}], "from": 3, "to": 4}),
            ),
            "r {\n  b {\n    to   = 1\n    from = 2\n    c {\n      d = 1\n    }\n  }\n\n  b {\n    to   = 4\n    from = 3\n\n    c {\n      d = 2\n    }\n  }\n}\n",
        ),
        case(
            "r {\n  a = 1\n\n  lifecycle {}\n}\n",
            block("r {\n  a = 1\n\n  lifecycle {}\n}", "b", json!({"c": 1})),
            "r {\n  a = 1\n\n  b {\n    c = 1\n  }\n\n  lifecycle {}\n}\n",
        ),
        // Lists of maps are arguments, or blocks as deep as they go, whatever a block of the type has.
        case(
            "r {\n}\n",
            block("r {\n}", "b", json!({"c": [{"d": 2}]})),
            "r {\n  b {\n    c = [\n      {\n        d = 2\n      },\n    ]\n  }\n}\n",
        ),
        case(
            "r {\n}\n",
            blocks("r {\n}", "b", json!({"c": [{"d": [{"e": 1}], "f": []}, {"g": 2}], "h": 3})),
            "r {\n  b {\n    h = 3\n\n    c {\n      f = []\n\n      d {\n        e = 1\n      }\n    }\n\n    c {\n      g = 2\n    }\n  }\n}\n",
        ),
        case(
            "r {\n  b {\n    c = []\n  }\n}\n",
            blocks("r {\n  b {\n    c = []\n  }\n}", "b", json!({"c": [{"d": 1}], "i": [{"j": 1}]})),
            "r {\n  b {\n    c = []\n  }\n\n  b {\n    c = [\n      {\n        d = 1\n      },\n    ]\n\n    i {\n      j = 1\n    }\n  }\n}\n",
        ),
    ]
}

#[test]
fn edits_look_like_what_is_around_them() {
    for (before, change, after) in cases() {
        // A byte order mark changes nothing of it.
        for mark in ["", "\u{feff}"] {
            let (before, after) = (format!("{mark}{before}"), format!("{mark}{after}"));
            let change = change(&before);
            match word(&before, &change) {
                Ok(splices) => assert_eq!(applied(&before, &splices), after, "{before:?} {change:?}"),
                Err(error) => panic!("{before:?} {change:?}: {error}"),
            }
        }
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    let refused = |text: &str, change: Change| word(text, &change).expect_err("it is refused");
    let text = "a = 1\nb = <<EOT\nx\nEOT\nc = { d = 1 }\n";
    let exists = refused(text, argument("", "b", json!(1))(text));
    assert_eq!(exists, EditError::Exists { name: "b".into(), line: 2 });
    let exists = refused(text, key("{ d = 1 }", "d", json!(1))(text));
    assert_eq!(exists, EditError::Exists { name: "d".into(), line: 5 });
    assert!(matches!(refused(text, argument("", "b c", json!(1))(text)), EditError::NotFound { .. }));
    assert!(matches!(refused(text, set("= 1", json!(1))(text)), EditError::NotFound { .. }));
    assert!(matches!(refused("a = \n", set("a", json!(1))("a")), EditError::Unparsed(_)));
}

/// Files of definitions that are in `terraform fmt` form.
fn any_file() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(vec!["a", "bc", "def", "longer_name", "x-y", "é", "tags"]);
    let text = prop_oneof!["[ -~]{0,8}", Just("${x}".to_owned()), Just("é\n$${".to_owned()), Just("EOT\n".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let keys = prop_oneof![name.clone().prop_map(str::to_owned), "[a-z./]{1,6}"];
    let value = leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(name.prop_map(str::to_owned), value, 0..6)
        .prop_map(|entries| entries.into_iter().collect())
}

/// The file that says these values, made by one edit an argument.
fn written(values: &Map<String, Value>) -> String {
    values.iter().fold(String::new(), |text, (name, value)| {
        let change = Change::Argument { within: None, name: name.clone(), value: value.clone() };
        let splices = word(&text, &change).unwrap_or_else(|error| panic!("{text:?} {change:?}: {error}"));
        applied(&text, &splices)
    })
}

fn read(text: &str) -> Map<String, Value> {
    let file = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let attributes = file.body.items.iter().map(|item| match item {
        Item::Attribute(attribute) => {
            (attribute.name.text.to_string(), literal(&attribute.value).expect("all of it is literal"))
        }
        Item::Block(block) => panic!("{:?} is a block", block.kind.text),
    });
    attributes.collect()
}

/// The tuples and objects of a file, as values beside their bytes.
fn places(text: &str) -> Vec<(Span, Value)> {
    use sourceward::source::hcl::tree::{Expression, ExpressionKind};
    fn gather(expression: &Expression, found: &mut Vec<(Span, Value)>) {
        found.push((expression.span, literal(expression).expect("literal")));
        match &expression.kind {
            ExpressionKind::Tuple(items) => items.iter().for_each(|item| gather(item, found)),
            ExpressionKind::Object(object) => object.items.iter().for_each(|item| gather(&item.value, found)),
            _ => {}
        }
    }
    let (file, mut found) = (parse(text).expect("it is read"), Vec::new());
    file.body.attributes().for_each(|attribute| gather(&attribute.value, &mut found));
    found
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(values in any_file()) {
        prop_assert_eq!(read(&written(&values)), values);
    }

    #[test]
    fn one_edit_changes_one_place(values in any_file(), new in any_file(), pick in any::<prop::sample::Index>(), position in any::<prop::sample::Index>()) {
        let text = written(&values);
        let places = places(&text);
        prop_assume!(!places.is_empty());
        let (span, value) = pick.get(&places);
        let new = Value::Object(new);
        let (change, wanted) = match value {
            Value::Array(items) => {
                let index = position.index(items.len() + 1);
                let mut wanted = items.clone();
                if items.len() > 1 && index < items.len() {
                    wanted.remove(index);
                    (Change::RemoveElement { within: *span, index }, Value::Array(wanted))
                } else {
                    wanted.insert(index, new.clone());
                    (Change::Element { within: *span, index, value: new }, Value::Array(wanted))
                }
            }
            Value::Object(map) => {
                let mut wanted = map.clone();
                wanted.insert("quite new".to_owned(), new.clone());
                (Change::Key { within: *span, key: "quite new".to_owned(), value: new }, Value::Object(wanted))
            }
            _ => (Change::Set { at: *span, value: new.clone() }, new),
        };
        let after = applied(&text, &word(&text, &change).map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?);
        // The oracle: the values with the wanted one in their place, found by counting the values before it.
        let nth = places.iter().position(|(other, _)| other == span).expect("it is one of them");
        let mut expected = Value::Object(read(&text));
        *nth_value(&mut expected, &mut (nth + 1)).expect("there are as many") = wanted;
        prop_assert_eq!(Value::Object(read(&after)), expected, "{}\n{:?}\n{}", text, change, after);
    }
}

/// The value at a position among all values of a tree, each before those in it.
fn nth_value<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_value(item, left)),
        Value::Object(map) => map.values_mut().find_map(|item| nth_value(item, left)),
        _ => None,
    }
}

/// What `terraform fmt` would change, of these files.
fn unformatted(files: &[(String, String)]) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let run =
        Command::new("terraform").args(["fmt", "-check", "-list=true"]).current_dir(folder.path()).output().ok()?;
    Some(String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect())
}

#[test]
fn files_that_were_formatted_stay_so() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut files: Vec<(String, String)> = Vec::new();
    let mut pairs: Vec<(String, String)> = cases()
        .into_iter()
        .map(|(before, change, _)| {
            let change = change(before);
            (before.to_owned(), applied(before, &word(before, &change).expect("it is worded")))
        })
        .collect();
    for _ in 0..200 {
        let values = any_file().new_tree(&mut runner).expect("a file").current();
        let before = written(&values);
        for (span, value) in places(&before) {
            let change = match value {
                Value::Array(items) => Change::Element { within: span, index: items.len(), value: json!("new") },
                Value::Object(_) => Change::Key { within: span, key: "brand_new".into(), value: json!("new") },
                _ => Change::Set { at: span, value: json!("new") },
            };
            let after = applied(&before, &word(&before, &change).expect("it is worded"));
            pairs.push((before.clone(), after));
        }
    }
    for (index, (before, after)) in pairs.iter().enumerate() {
        files.push((format!("{index:05}_a.tf"), before.clone()));
        files.push((format!("{index:05}_b.tf"), after.clone()));
    }
    let Some(listed) = unformatted(&files) else { return crate::tools::left_out("terraform is not there") };
    let spoiled: Vec<&(String, String)> = pairs
        .iter()
        .enumerate()
        .filter(|(index, _)| {
            let is_listed = |side: &str| listed.contains(&format!("{index:05}_{side}.tf"));
            !is_listed("a") && is_listed("b")
        })
        .map(|(_, pair)| pair)
        .collect();
    let clean = pairs.len() - (0..pairs.len()).filter(|index| listed.contains(&format!("{index:05}_a.tf"))).count();
    assert!(clean * 10 > pairs.len() * 9, "{clean} of {} were formatted before", pairs.len());
    assert!(spoiled.is_empty(), "{} of {clean}, such as {:#?}", spoiled.len(), &spoiled[..spoiled.len().min(3)]);
}
