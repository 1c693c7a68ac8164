//! TOML in templates: `BurntSushi/toml` 1.4 both ways.

mod read;
mod write;

use super::json::{Root, made, not_text, write::Unwritable};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Function, Lineage, Parameter},
        value::{Datum, Value},
    },
    source::lineage::text::{MadeOf, Text},
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "toToml",
        parameters: &[Parameter::Any],
        rest: None,
        lineage: Lineage::Own,
        body: |context, arguments| to_toml(context, &arguments[0]),
    },
    Function {
        name: "fromToml",
        parameters: &[Parameter::Text],
        rest: None,
        lineage: Lineage::Own,
        body: |context, arguments| from_toml(context, &arguments[0]),
    },
];

/// Prints a value. An error is printed in its place: Helm does not swallow this one.
fn to_toml(context: &mut Context, value: &Value) -> Result<Value, Fault> {
    match write::write(context, value) {
        Ok(text) => Ok(made(value, text)),
        Err(Unwritable::Failed(message)) => {
            let flow = value.deep_flow(context)?;
            let text = Text::new(message.as_bytes(), MadeOf::Derived(flow.data));
            Ok(Value::text(text).under(flow.control, context))
        }
        Err(Unwritable::Fault(fault)) => Err(fault),
    }
}

fn from_toml(context: &mut Context, argument: &Value) -> Result<Value, Fault> {
    let Datum::Text(text) = &argument.datum else { return Err(not_text()) };
    let flow = argument.flow(context);
    match read::read(context, text)? {
        Ok(value) => Ok(value.under(argument.control, context)),
        Err((line, problem)) => Ok(Root::Map.error(context, &format!("toml: line {line}: {problem}"), false, flow)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::helm::{functions::json, template::value::Value};

    fn call(name: &str, context: &mut Context, argument: Value) -> Result<String, Fault> {
        let function = FUNCTIONS.iter().chain(json::FUNCTIONS).find(|function| function.name == name).expect(name);
        let value = (function.body)(context, &[argument])?;
        let Datum::Text(text) = &value.datum else { return call("toJson", context, value) };
        Ok(text.lossy().into_owned())
    }

    fn parsed(context: &mut Context, json: &str) -> Value {
        let function = json::FUNCTIONS.iter().find(|function| function.name == "mustFromJson").expect("is there");
        (function.body)(context, &[Value::text(Text::plain(json))]).expect(json)
    }

    /// What helm 3.17 printed for these values, whose numbers are floats.
    #[test]
    fn values_are_printed_as_helm_prints_them() {
        for (json, expected) in WRITTEN {
            let mut context = Context::default();
            let value = parsed(&mut context, json);
            assert_eq!(call("toToml", &mut context, value).as_deref(), Ok(*expected), "{json}");
        }
    }

    /// What helm 3.17 read of these texts, as JSON.
    #[test]
    fn texts_are_read_as_helm_reads_them() {
        for (toml, expected) in READ {
            let mut context = Context::default();
            let read = call("fromToml", &mut context, Value::text(Text::plain(toml))).expect(toml);
            if *expected == "error" {
                assert!(read.starts_with("{\"Error\":\"toml: "), "{toml}: {read}");
            } else {
                assert_eq!(read, *expected, "{toml}");
            }
        }
    }

    #[test]
    fn dates_and_null_are_not_guessed() {
        let mut context = Context::default();
        let date = call("fromToml", &mut context, Value::text(Text::plain("a = 1979-05-27")));
        assert_eq!(date.expect_err("is not read").kind, crate::engine::helm::template::fault::FaultKind::Unsupported);
        assert!(call("toToml", &mut context, Value::nil()).is_err());
    }

    const WRITTEN: &[(&str, &str)] = &[
        ("{\"a\":1}", "a = 1.0\n"),
        (
            "{\"a\":1,\"b\":{\"c\":2.5,\"d\":[1,2]},\"l\":[{\"x\":1},{\"x\":2}]}",
            "a = 1.0\n\n[b]\n  c = 2.5\n  d = [1.0, 2.0]\n\n[[l]]\n  x = 1.0\n\n[[l]]\n  x = 2.0\n",
        ),
        ("{\"b\":{\"c\":{\"d\":1}},\"a\":\"x\"}", "a = \"x\"\n\n[b]\n  [b.c]\n    d = 1.0\n"),
        (
            "{\"a b\":\"q\\\"\\\\\\n\\t\\u0001\",\"\":1,\"é\":true}",
            "\"\" = 1.0\n\"a b\" = \"q\\\"\\\\\\n\\t\\u0001\"\n\"é\" = true\n",
        ),
        ("[1]", "[1.0]"),
        ("[{\"a\":1}]", "toml: top-level values must be Go maps or structs"),
        ("\"x\"", "\"x\""),
        ("5", "5.0"),
        ("true", "true"),
        ("{\"a\":null,\"b\":1}", "b = 1.0\n"),
        ("{\"a\":[1,\"b\"]}", "a = [1.0, \"b\"]\n"),
        ("{\"a\":[null]}", "toml: cannot encode array with nil element"),
        ("{\"a\":[[1],[{\"b\":1}]]}", "a = [[1.0], [{b = 1.0}]]\n"),
        ("{\"a\":[1,{\"b\":1,\"c\":{\"d\":[]},\"e\":null}]}", "a = [1.0, {b = 1.0, c = {d = []}}]\n"),
        ("{\"a\":{}}", "[a]\n"),
        ("{\"a\":[]}", "a = []\n"),
        ("{}", ""),
        ("[]", "[]"),
        (
            "{\"a\":1e21,\"b\":1e-7,\"c\":-0.0,\"d\":123456789.5}",
            "a = 1000000000000000000000.0\nb = 0.0000001\nc = -0.0\nd = 123456789.5\n",
        ),
        ("{\"l\":[{\"m\":[{\"n\":1}]},{}]}", "[[l]]\n\n  [[l.m]]\n    n = 1.0\n\n[[l]]\n"),
        ("{\"a\":{\"b.c\":{\"d\":1}},\"z\":1}", "z = 1.0\n\n[a]\n  [a.\"b.c\"]\n    d = 1.0\n"),
        ("{\"a\":{\"b\":1},\"c\":{\"d\":1}}", "[a]\n  b = 1.0\n\n[c]\n  d = 1.0\n"),
        ("{\"a\":[[{\"b\":1}]]}", "a = [[{b = 1.0}]]\n"),
        ("{\"a\":[{\"b\":[{\"c\":null}]}]}", "[[a]]\n\n  [[a.b]]\n"),
        ("{\"a\":[1,{\"b\":null,\"c\":1}]}", "a = [1.0, {c = 1.0}]\n"),
        ("{\"a\":[1,{\"b\":1,\"c\":null}]}", "a = [1.0, {b = 1.0, }]\n"),
    ];

    const READ: &[(&str, &str)] = &[
        ("a = 1", "{\"a\":1}"),
        ("a = 1\nb = 1.5\n[x.y]\nz=\"q\"", "{\"a\":1,\"b\":1.5,\"x\":{\"y\":{\"z\":\"q\"}}}"),
        ("a.b.c = 1\na.d = \"x\"", "{\"a\":{\"b\":{\"c\":1},\"d\":\"x\"}}"),
        ("[a]\nb=1\n[a]\nc=1", "error"),
        ("a=1\na=2", "error"),
        ("[[l]]\nx=1\n[[l]]\nx=2\n[l.m]\ny=3", "{\"l\":[{\"x\":1},{\"m\":{\"y\":3},\"x\":2}]}"),
        ("a = [1, 2, [3, \"x\"], {b = 1, c.d = 2}, ] # c", "{\"a\":[1,2,[3,\"x\"],{\"b\":1,\"c\":{\"d\":2}}]}"),
        ("a = \"\"\"\nx\\\n   y\n\"z\"\"\"\" \n", "{\"a\":\"xy\\n\\\"z\\\"\"}"),
        ("a = '''x\ny'''", "{\"a\":\"x\\ny\"}"),
        ("a = 'c:\\x'", "{\"a\":\"c:\\\\x\"}"),
        ("a = \"\\u00e9\\t\\U0001F600\"", "{\"a\":\"é\\t😀\"}"),
        (
            "a = 0x1F\nb = 0o17\nc = 0b11\nd = 1_000\ne = -5\nf = +5",
            "{\"a\":31,\"b\":15,\"c\":3,\"d\":1000,\"e\":-5,\"f\":5}",
        ),
        ("a = 01", "error"),
        ("a = 1__0", "error"),
        ("a = 1.", "error"),
        ("a = .5", "error"),
        ("a = 1e3\nb = 1E-2\nc = 6.626e-34", "{\"a\":1000,\"b\":0.01,\"c\":6.626e-34}"),
        ("a = inf\n", ""),
        ("a = [", "error"),
        ("a", "error"),
        ("a = ", "error"),
        ("= 1", "error"),
        ("\"\" = 1\n\"a b\" = 2\n'c' = 3", "{\"\":1,\"a b\":2,\"c\":3}"),
        ("a = true b = 1", "error"),
        ("[a", "error"),
        ("[a.b]\nc=1\n[a]\nd=1", "{\"a\":{\"b\":{\"c\":1},\"d\":1}}"),
        ("a = \"\\q\"", "error"),
        ("a = 9223372036854775808", "error"),
        ("# only\n", "{}"),
        ("", "{}"),
        ("a = \"x\ny\"", "error"),
        ("[a]\n[a.b]\n[a.c]\nx=1", "{\"a\":{\"b\":{},\"c\":{\"x\":1}}}"),
        ("a = {}\nb = []", "{\"a\":{},\"b\":[]}"),
        ("a=1\r\nb=2\r\n", "{\"a\":1,\"b\":2}"),
        ("[[a]]\n[a]\nb=1", "error"),
        ("a = 1\n[a]\nb=1", "error"),
        ("a = [1\n,2 # x\n]", "{\"a\":[1,2]}"),
        ("x = {a = 1,}", "error"),
        ("[ a . \"b\" ]\nc = 1", "{\"a\":{\"b\":{\"c\":1}}}"),
        ("a = \"\"\nb = ''", "{\"a\":\"\",\"b\":\"\"}"),
        ("a = 1_0.5_0", "{\"a\":10.5}"),
        ("a = +0.0", "{\"a\":0}"),
        ("a = 0x", "error"),
        ("a = \"a\" # c\n# d", "{\"a\":\"a\"}"),
    ];
}
