//! YAML in templates: `sigs.k8s.io/yaml` both ways, and go-yaml v3 for `toYamlPretty`.

mod convert;
mod read;
pub mod streams;

use super::json::{Root, made, not_text, nothing, write::Unwritable};
use crate::{
    engine::helm::template::{
        context::{Context, MAX_TEXT},
        fault::Fault,
        function::{Body, Function, Lineage, Parameter},
        value::{Datum, Value},
    },
    source::yaml::write::{self, Dialect},
};

/// `toYaml`, which `.Files.AsConfig` prints with as well.
pub const TO_YAML: Body = |context, arguments| to_yaml(context, &arguments[0], Dialect::Two);

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "toYaml", parameters: &[Parameter::Any], rest: None, lineage: Lineage::Own, body: TO_YAML },
    Function {
        name: "toYamlPretty",
        parameters: &[Parameter::Any],
        rest: None,
        lineage: Lineage::Own,
        body: |context, arguments| to_yaml(context, &arguments[0], Dialect::Three),
    },
    Function {
        name: "fromYaml",
        parameters: &[Parameter::Text],
        rest: None,
        lineage: Lineage::Own,
        body: |context, arguments| from_yaml(context, &arguments[0], Root::Map),
    },
    Function {
        name: "fromYamlArray",
        parameters: &[Parameter::Text],
        rest: None,
        lineage: Lineage::Own,
        body: |context, arguments| from_yaml(context, &arguments[0], Root::List),
    },
];

/// Prints a value; nothing where it cannot be printed, and without the last line break.
fn to_yaml(context: &mut Context, value: &Value, dialect: Dialect) -> Result<Value, Fault> {
    let node = match convert::node(context, value, dialect) {
        Ok(node) => node,
        Err(Unwritable::Failed(_)) => return Ok(nothing(context, value)),
        Err(Unwritable::Fault(fault)) => return Err(fault),
    };
    let text = write::write(&node, dialect, MAX_TEXT).map_err(|error| Fault::limit(error.to_string()))?;
    context.budget.text(text.len())?;
    let end = if text.bytes().ends_with(b"\n") { text.len() - 1 } else { text.len() };
    Ok(made(value, text.slice(0..end)))
}

fn from_yaml(context: &mut Context, argument: &Value, root: Root) -> Result<Value, Fault> {
    let Datum::Text(text) = &argument.datum else { return Err(not_text()) };
    let flow = argument.flow(context);
    match read::read(context, text, root)? {
        Ok(value) => Ok(value.under(argument.control, context)),
        Err(failure) => Ok(root.error(context, &failure.message, failure.known, flow)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::helm::{
            functions::json,
            template::{
                fault::FaultKind,
                leaf::Leaf,
                value::{Map, MapKind},
            },
        },
        source::lineage::{
            sets::SetId,
            text::{MadeOf, Text},
        },
    };

    fn call(name: &str, context: &mut Context, argument: Value) -> Result<Value, Fault> {
        let mut functions = FUNCTIONS.iter().chain(json::FUNCTIONS);
        let function = functions.find(|function| function.name == name).expect(name);
        (function.body)(context, &[argument])
    }

    fn text(value: &Value) -> &Text {
        match &value.datum {
            Datum::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    /// What helm 3.17 answers to these texts, as JSON.
    #[test]
    fn texts_are_read_as_helm_reads_them() {
        let mismatch = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
        for (name, source, expected) in [
            (
                "fromYaml",
                "- a",
                format!("{{\"Error\":\"{mismatch} array into Go value of type map[string]interface {{}}\"}}"),
            ),
            (
                "fromYaml",
                "5",
                format!("{{\"Error\":\"{mismatch} number into Go value of type map[string]interface {{}}\"}}"),
            ),
            ("fromYamlArray", "a: 1", format!("[\"{mismatch} object into Go value of type []interface {{}}\"]")),
            (
                "fromYaml",
                "a: .inf",
                r#"{"Error":"error converting YAML to JSON: json: unsupported value: +Inf"}"#.to_owned(),
            ),
            (
                "fromYaml",
                "a: 1\nb: *x",
                r#"{"Error":"error converting YAML to JSON: yaml: unknown anchor 'x' referenced"}"#.to_owned(),
            ),
            ("fromYaml", "", "{}".to_owned()),
            ("fromYaml", "# c\n", "{}".to_owned()),
            ("fromYamlArray", "", "[]".to_owned()),
            ("fromYaml", "b:\n  p: 2\n  <<: {p: 1}", r#"{"b":{"p":1}}"#.to_owned()),
            ("fromYaml", "a: |\n  x", r#"{"a":"x"}"#.to_owned()),
            ("fromYaml", "y: 1\n0755: 08\nx: !!binary YWI=", r#"{"493":8,"true":1,"x":"ab"}"#.to_owned()),
            (
                "fromYaml",
                "a: 9007199254740993\nb: 1_000\nc: 2001-01-01",
                r#"{"a":9007199254740992,"b":1000,"c":"2001-01-01"}"#.to_owned(),
            ),
            ("fromYaml", "a: 1\n---\nb: [", r#"{"a":1}"#.to_owned()),
        ] {
            let mut context = Context::default();
            let read = call(name, &mut context, Value::text(Text::plain(source))).expect(source);
            let json = call("toJson", &mut context, read).expect(source);
            assert_eq!(text(&json).lossy(), expected, "{name} {source:?}");
        }
    }

    #[test]
    fn an_error_in_other_words_than_helms_is_marked() {
        let mut context = Context::default();
        let read = call("fromYaml", &mut context, Value::text(Text::plain("a: !!int 2001-01-01"))).expect("answers");
        let Datum::Map(map) = &read.datum else { panic!("{read:?}") };
        let error = map.get(b"Error").expect("an error");
        let leaf = context.sets.leaf(Leaf::Volatile("an error's wording"));
        assert_eq!(text(&error).pieces()[0].made_of.set(), SetId::from(leaf));
    }

    /// Each with what its dashes, colons, quotes and indentation belong to.
    #[test]
    fn everything_printed_leads_somewhere() {
        let mut context = Context::default();
        let [value_leaf, key_leaf, map_leaf, empty_leaf] =
            ["value", "key", "map", "empty"].map(|name| context.sets.leaf(Leaf::BuiltIn(name)));
        let control = SetId::from(context.sets.leaf(Leaf::BuiltIn("condition")));
        let map = Map::new(MapKind::Any);
        map.insert(Text::verbatim(b"k", key_leaf), Value::text(Text::verbatim(b"8080", value_leaf)));
        map.insert(Text::plain("none"), Value::text(Text::verbatim(b"", empty_leaf)));
        let value = Value { datum: Datum::Map(map), made_of: MadeOf::Derived(map_leaf.into()), control };
        let printed = call("toYaml", &mut context, value).expect("prints");
        let printed = text(&printed);
        assert_eq!(printed.lossy(), "k: \"8080\"\nnone: \"\"");
        let made_of = |at: usize| printed.slices(at..at + 1).next().expect("a piece").made_of;
        assert_eq!(made_of(0), MadeOf::Verbatim { leaf: key_leaf, offset: 0 });
        assert_eq!(made_of(1), MadeOf::Derived(map_leaf.into()));
        assert_eq!(made_of(3), MadeOf::Derived(value_leaf.into()));
        assert_eq!(made_of(5), MadeOf::Verbatim { leaf: value_leaf, offset: 1 });
        assert_eq!(made_of(printed.len() - 1).set(), empty_leaf.into());
        assert!(printed.pieces().iter().all(|piece| piece.control == control));
    }

    #[test]
    fn values_that_hold_themselves_print_nothing_where_helm_survives() {
        let map = Map::new(MapKind::Any);
        map.insert(Text::plain("x"), Value::plain(Datum::Map(map.clone())));
        let value = Value::plain(Datum::Map(map.clone()));
        let printed = call("toYaml", &mut Context::default(), value.clone()).expect("prints");
        assert!(text(&printed).is_empty());
        let fault = call("toYamlPretty", &mut Context::default(), value).expect_err("helm crashes");
        assert_eq!(fault.kind, FaultKind::Limit);
        map.clear();
    }

    /// Depth times lines is more than the text itself.
    #[test]
    fn output_is_limited_before_it_is_made() {
        let lines = Value::text(Text::plain("x\n".repeat(100_000)));
        let deep = (0..120).fold(lines, |value, _| {
            let map = Map::new(MapKind::Any);
            map.insert(Text::plain("a"), value);
            Value::plain(Datum::Map(map))
        });
        let fault = call("toYaml", &mut Context::default(), deep).expect_err("is too long");
        assert_eq!(fault.kind, FaultKind::Limit);
    }
}
