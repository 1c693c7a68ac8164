//! Where bytes lead after they went through functions.

use proptest::prelude::*;

use super::function;
use crate::{
    engine::helm::template::{
        context::Context,
        leaf::Leaf,
        value::{Datum, Value},
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// A function, the arguments before a leaf's text, the text, and the arguments behind it.
type Call = (&'static str, Vec<Value>, &'static [u8], Vec<Value>);

/// The arguments of a call on a text.
type Arguments<'a> = Box<dyn Fn(&Value) -> Vec<Value> + 'a>;

/// A text that is a leaf's.
fn leaf(context: &mut Context, name: &'static str, bytes: &[u8]) -> Value {
    let leaf = context.sets.leaf(Leaf::BuiltIn(name));
    let text = Text::verbatim(bytes, leaf);
    Value::new(Datum::Text(text), MadeOf::Verbatim { leaf, offset: 0 })
}

fn names(context: &Context, set: SetId) -> String {
    let name = |leaf| match context.sets.get(leaf) {
        Leaf::BuiltIn(name) => *name,
        _ => "?",
    };
    context.sets.leaves(set).map(name).collect::<Vec<_>>().join("+")
}

/// The pieces of a text: bytes, then the leaf with the offset in it, or in brackets the leaves that they are derived from.
fn pieces(context: &Context, value: &Value) -> String {
    let Datum::Text(text) = &value.datum else { panic!("{value:?} is a text") };
    let shown = text.slices(0..text.len()).map(|slice| {
        let bytes = String::from_utf8_lossy(&text.bytes()[slice.range.clone()]).into_owned();
        match slice.made_of {
            MadeOf::Verbatim { offset, .. } => format!("{bytes:?}@{}:{offset}", names(context, slice.made_of.set())),
            MadeOf::Derived(set) => format!("{bytes:?}[{}]", names(context, set)),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn bytes_that_are_only_moved_keep_their_place() {
    let n = |value| Value::plain(Datum::Int(value));
    let t = |value: &str| Value::text(Text::plain(value));
    let cases: Vec<(Call, &str)> = vec![
        (("trim", vec![], b" a b ", vec![]), r#""a b"@x:1"#),
        (("trunc", vec![n(2)], b"abc", vec![]), r#""ab"@x:0"#),
        (("trunc", vec![n(-2)], b"abc", vec![]), r#""bc"@x:1"#),
        (("substr", vec![n(1), n(2)], b"abc", vec![]), r#""b"@x:1"#),
        (("trimSuffix", vec![t("-")], b"ab-", vec![]), r#""ab"@x:0"#),
        (("abbrev", vec![n(5)], b"abcdefgh", vec![]), r#""ab"@x:0 "..."[x]"#),
        (("quote", vec![], b"a\"b", vec![]), r#""\""[x] "a"@x:0 "\\\""[x] "b"@x:2 "\""[x]"#),
        (("quote", vec![], b"", vec![]), r#""\""[x] ""@x:0 "\""[x]"#),
        (("squote", vec![], b"ab", vec![]), r#""'"[x] "ab"@x:0 "'"[x]"#),
        (("nindent", vec![n(2)], b"a\nb", vec![]), r#""\n  "[x] "a\n"@x:0 "  "[x] "b"@x:2"#),
        (("replace", vec![t("-"), t("_")], b"a-b", vec![]), r#""a"@x:0 "_"[] "b"@x:2"#),
        (("upper", vec![], b"ab", vec![]), r#""AB"[x]"#),
        (("lower", vec![], b"ab", vec![]), r#""ab"@x:0"#),
        (("nospace", vec![], b"a b", vec![]), r#""a"@x:0 "b"@x:2"#),
        (("repeat", vec![n(2)], b"ab", vec![]), r#""ab"@x:0 "ab"@x:0"#),
        (("cat", vec![], b"ab", vec![t("c")]), r#""ab"@x:0 " c"[]"#),
        (("wrap", vec![n(2)], b"ab cd", vec![]), r#""ab"@x:0 "\n"[x] "cd"@x:3"#),
        (("regexFind", vec![t("b+")], b"abba", vec![]), r#""bb"@x:1"#),
        (("regexReplaceAll", vec![t("(b)b*")], b"abbac", vec![t("<$1>")]), r#""a"@x:0 "<"[] "b"@x:1 ">"[] "ac"@x:3"#),
        (("regexReplaceAllLiteral", vec![t("b")], b"abc", vec![t("$1")]), r#""a"@x:0 "$1"[] "c"@x:2"#),
        (("regexQuoteMeta", vec![], b"a.b", vec![]), r#""a"@x:0 "\\"[x] ".b"@x:1"#),
        (("toString", vec![], b"ab", vec![]), r#""ab"@x:0"#),
    ];
    for ((name, before, bytes, after), expected) in cases {
        let mut context = Context::default();
        let x = leaf(&mut context, "x", bytes);
        let arguments: Vec<Value> = before.into_iter().chain([x]).chain(after).collect();
        let value = (function(name).body)(&mut context, &arguments).expect("the call succeeds");
        assert_eq!(pieces(&context, &value), expected, "{name}");
    }
}

#[test]
fn what_is_cut_away_entirely_still_leads_to_its_leaf() {
    let t = |value: &str| Value::text(Text::plain(value));
    let n = |value| Value::plain(Datum::Int(value));
    let cases: Vec<Call> = vec![
        ("trim", vec![], b"  ", vec![]),
        ("trunc", vec![n(0)], b"abc", vec![]),
        ("trimPrefix", vec![t("a")], b"a", vec![]),
        ("replace", vec![t("a"), t("")], b"aa", vec![]),
        ("regexFind", vec![t("b")], b"a", vec![]),
        ("regexReplaceAll", vec![t("a")], b"a", vec![t("")]),
        ("repeat", vec![n(0)], b"a", vec![]),
        ("nospace", vec![], b" ", vec![]),
        ("indent", vec![n(0)], b"", vec![]),
        ("upper", vec![], b"", vec![]),
        ("cat", vec![], b"", vec![]),
        ("join", vec![t("-")], b"", vec![]),
    ];
    for (name, before, bytes, after) in cases {
        let mut context = Context::default();
        let x = leaf(&mut context, "x", bytes);
        let arguments: Vec<Value> = before.into_iter().chain([x]).chain(after).collect();
        let value = (function(name).body)(&mut context, &arguments).expect("the call succeeds");
        assert!(matches!(&value.datum, Datum::Text(text) if text.is_empty()), "{name} leaves nothing");
        let data = value.flow(&mut context).data;
        assert_eq!(names(&context, data), "x", "{name}");
    }
}

#[test]
fn what_cuts_decides() {
    let mut context = Context::default();
    let (x, suffix) = (leaf(&mut context, "x", b"a-"), leaf(&mut context, "suffix", b"-"));
    let cut = (function("trimSuffix").body)(&mut context, &[suffix.clone(), x.clone()]).expect("the call succeeds");
    assert_eq!(names(&context, cut.control), "suffix");
    let parts = (function("splitList").body)(&mut context, &[suffix, x]).expect("the call succeeds");
    let Datum::List(list) = &parts.datum else { panic!("{parts:?} is a list") };
    assert_eq!(pieces(&context, &list.items[0]), r#""a"@x:0"#);
    assert_eq!(names(&context, list.items[1].made_of.set()), "x");
    let chosen = (function("last").body)(&mut context, &[parts]).expect("the call succeeds");
    assert_eq!(names(&context, chosen.control), "suffix");
}

#[test]
fn what_would_take_too_much_is_not_made() {
    let n = |value| Value::plain(Datum::Int(value));
    let t = |value: &str| Value::text(Text::plain(value));
    let long = "x".repeat(1 << 20);
    let cases = [
        ("repeat", vec![n(i64::MAX), t("ab")]),
        ("repeat", vec![n(1 << 25), t("a")]),
        ("indent", vec![n(i64::MAX), t("a")]),
        ("nindent", vec![n(1 << 24), t("a\nb")]),
        ("replace", vec![t(""), t(&"y".repeat(1 << 10)), t(&long)]),
        ("regexReplaceAll", vec![t(""), t(&long), t(&"y".repeat(1 << 10))]),
        ("splitList", vec![t(""), t(&long)]),
        ("regexFind", vec![t("(?:\\pL{1000}){1}|(?:\\p{Any}{1000})"), t("a")]),
        ("regexMatch", vec![t(&"(".repeat(1 << 17)), t("a")]),
    ];
    for (name, arguments) in cases {
        let fault = (function(name).body)(&mut Context::default(), &arguments).expect_err("the call is stopped");
        assert_eq!(fault.kind, crate::engine::helm::template::fault::FaultKind::Limit, "{name}: {fault}");
    }
}

/// Texts of a few awkward bytes in pieces of several leaves.
fn awkward() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let part = prop::collection::vec(prop::sample::select(b"ab -\n\"A_\xc3\xa9\xff\xe2\x82".to_vec()), 0..6);
    prop::collection::vec(part, 0..5)
}

const LEAVES: [&str; 5] = ["a", "b", "c", "d", "e"];

proptest! {
    /// Every byte that a result calls a leaf's is that byte of the leaf, the pieces tile the bytes, and the bytes do not
    /// depend on the pieces.
    #[test]
    fn verbatim_bytes_are_those_of_the_leaf(
        parts in awkward(),
        other in prop::collection::vec(prop::sample::select(b"ab -\xc3\xa9".to_vec()), 0..3),
        number in -3_i64..12,
    ) {
        let mut context = Context::default();
        let mut builder = TextBuilder::default();
        for (part, name) in parts.iter().zip(LEAVES) {
            builder.push(&Text::verbatim(part, context.sets.leaf(Leaf::BuiltIn(name))));
        }
        let text = Value::text(builder.build());
        let flat = Value::text(Text::plain(parts.concat()));
        let other = Value::text(Text::plain(&other));
        let n = Value::plain(Datum::Int(number));
        let x = Value::text(Text::plain("<$0>"));
        let calls: Vec<(&str, Arguments)> = vec![
            ("trim", Box::new(|text| vec![text.clone()])),
            ("quote", Box::new(|text| vec![text.clone()])),
            ("upper", Box::new(|text| vec![text.clone()])),
            ("title", Box::new(|text| vec![text.clone()])),
            ("nospace", Box::new(|text| vec![text.clone()])),
            ("regexQuoteMeta", Box::new(|text| vec![text.clone()])),
            ("trimAll", Box::new(|text| vec![other.clone(), text.clone()])),
            ("trunc", Box::new(|text| vec![n.clone(), text.clone()])),
            ("nindent", Box::new(|text| vec![n.clone(), text.clone()])),
            ("wrap", Box::new(|text| vec![n.clone(), text.clone()])),
            ("abbrev", Box::new(|text| vec![n.clone(), text.clone()])),
            ("replace", Box::new(|text| vec![other.clone(), x.clone(), text.clone()])),
            ("regexReplaceAll", Box::new(|text| {
                vec![Value::text(Text::plain("[ab]*|\u{FFFD}")), text.clone(), x.clone()]
            })),
        ];
        for (name, arguments) in calls {
            let made = (function(name).body)(&mut context, &arguments(&text));
            let plain = (function(name).body)(&mut context, &arguments(&flat));
            let (made, plain) = match (made, plain) {
                (Ok(made), Ok(plain)) => (made, plain),
                (made, plain) => {
                    prop_assert_eq!(made.err(), plain.err());
                    continue;
                }
            };
            let (Datum::Text(made), Datum::Text(plain)) = (&made.datum, &plain.datum) else { panic!("texts") };
            prop_assert_eq!(made.bytes(), plain.bytes(), "{}", name);
            let tiled: usize = made.pieces().iter().map(|piece| piece.len as usize).sum();
            prop_assert_eq!(tiled, made.len(), "{}", name);
            for slice in made.slices(0..made.len()) {
                let MadeOf::Verbatim { leaf, offset } = slice.made_of else { continue };
                let Leaf::BuiltIn(leaf) = context.sets.get(leaf) else { panic!("a leaf of this test") };
                let part = &parts[LEAVES.iter().position(|name| name == leaf).expect("a leaf of this test")];
                let from = offset as usize;
                prop_assert_eq!(&made.bytes()[slice.range.clone()], &part[from..from + slice.range.len()], "{}", name);
            }
        }
    }
}
