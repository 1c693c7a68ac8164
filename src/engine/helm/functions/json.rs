//! JSON in templates: Go's `encoding/json` both ways.
//!
//! Helm overrides sprig's `toJson` and `fromJson`; the others are sprig's. They differ in what they do with an error: most
//! print nothing, `toRawJson` and the `must…` family fail, and Helm's readers answer with a map or list that holds the error.

pub(super) mod number;
pub(super) mod read;
pub(super) mod write;

use super::json::{
    read::ReadError,
    write::{Style, Unwritable},
};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Function, Lineage, Parameter},
        leaf::Leaf,
        value::{Datum, Element, List, Map, MapKind, Value},
    },
    source::lineage::{
        sets::Flow,
        text::{MadeOf, Text},
    },
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    function("toJson", &[Parameter::Any], |context, arguments| or_nothing(context, &arguments[0], COMPACT)),
    function("toPrettyJson", &[Parameter::Any], |context, arguments| or_nothing(context, &arguments[0], PRETTY)),
    function("toRawJson", &[Parameter::Any], |context, arguments| or_failed(context, &arguments[0], RAW)),
    function("mustToJson", &[Parameter::Any], |context, arguments| or_failed(context, &arguments[0], COMPACT)),
    function("mustToPrettyJson", &[Parameter::Any], |context, arguments| or_failed(context, &arguments[0], PRETTY)),
    function("mustToRawJson", &[Parameter::Any], |context, arguments| or_failed(context, &arguments[0], RAW)),
    function("fromJson", &[Parameter::Text], |context, arguments| from_json(context, &arguments[0], Root::Map)),
    function("fromJsonArray", &[Parameter::Text], |context, arguments| from_json(context, &arguments[0], Root::List)),
    function("mustFromJson", &[Parameter::Text], must_from_json),
];

const COMPACT: Style = Style { escapes_html: true, pretty: false };
const PRETTY: Style = Style { escapes_html: true, pretty: true };
const RAW: Style = Style { escapes_html: false, pretty: false };

/// What a reader's result has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// `map[string]interface {}`.
    Map,
    /// `[]interface {}`.
    List,
}

impl Root {
    /// The Go type.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
        }
    }

    /// Helm's answer to a text that cannot be read. `known` says that the message is Helm's own; another one is marked as
    /// a text that this render cannot foresee.
    pub(super) fn error(self, context: &mut Context, message: &str, known: bool, mut flow: Flow) -> Value {
        if !known {
            let leaf = context.sets.leaf(Leaf::Volatile("an error's wording"));
            flow.data = context.sets.union(flow.data, leaf.into());
        }
        let message = Value::text(Text::new(message.as_bytes(), MadeOf::Derived(flow.data)));
        let message = message.under(flow.control, context);
        match self {
            Self::Map => {
                let map = Map::new(MapKind::Any);
                map.insert(Text::new(b"Error", MadeOf::Derived(flow.data)), message);
                Value { datum: Datum::Map(map), made_of: MadeOf::Derived(flow.data), control: flow.control }
            }
            Self::List => {
                let list = List::new(Element::Any, vec![message]);
                Value { datum: Datum::List(list), made_of: MadeOf::Derived(flow.data), control: flow.control }
            }
        }
    }
}

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    body: fn(&mut Context, &[Value]) -> Result<Value, Fault>,
) -> Function {
    Function { name, parameters, rest: None, lineage: Lineage::Own, body }
}

/// The text that a function made of a value.
pub(super) fn made(value: &Value, text: Text) -> Value {
    Value { datum: Datum::Text(text), made_of: MadeOf::Derived(value.made_of.set()), control: value.control }
}

/// Nothing, made of a value that cannot be written.
pub(super) fn nothing(context: &mut Context, value: &Value) -> Value {
    let flow = value.flow(context);
    made(value, Text::new(b"", MadeOf::Derived(flow.data)))
}

fn or_nothing(context: &mut Context, value: &Value, style: Style) -> Result<Value, Fault> {
    match write::write(context, value, style) {
        Ok(text) => Ok(made(value, text)),
        Err(Unwritable::Failed(_)) => Ok(nothing(context, value)),
        Err(Unwritable::Fault(fault)) => Err(fault),
    }
}

fn or_failed(context: &mut Context, value: &Value, style: Style) -> Result<Value, Fault> {
    match write::write(context, value, style) {
        Ok(text) => Ok(made(value, text)),
        Err(Unwritable::Failed(why)) => Err(Fault::failed(format!("json: unsupported value: {why}"))),
        Err(Unwritable::Fault(fault)) => Err(fault),
    }
}

fn from_json(context: &mut Context, argument: &Value, root: Root) -> Result<Value, Fault> {
    let Datum::Text(text) = &argument.datum else { return Err(not_text()) };
    let flow = argument.flow(context);
    let (read, overflow) = match read::read(context, text) {
        Ok(read) => read,
        Err(ReadError::Syntax(message)) => return Ok(root.error(context, &message, true, flow)),
        Err(ReadError::Fault(fault)) => return Err(fault),
    };
    let found = match (&read.datum, root) {
        (Datum::Map(map), Root::Map) => {
            if let Some(number) = overflow {
                let message = format!("json: cannot unmarshal number {number} into Go value of type float64");
                let message = Value::text(Text::new(message.as_bytes(), MadeOf::Derived(flow.data)));
                map.insert(Text::new(b"Error", MadeOf::Derived(flow.data)), message.under(flow.control, context));
            }
            return Ok(read.under(argument.control, context));
        }
        (Datum::List(_), Root::List) if overflow.is_none() => return Ok(read.under(argument.control, context)),
        (Datum::List(_), Root::List) => {
            let number = overflow.unwrap_or_default();
            let message = format!("json: cannot unmarshal number {number} into Go value of type float64");
            return Ok(root.error(context, &message, true, flow));
        }
        (Datum::Nil, Root::List) => {
            let datum = Datum::List(List::nil(Element::Any));
            return Ok(Value { datum, ..read }.under(argument.control, context));
        }
        (Datum::Nil, Root::Map) => return Err(Fault::unsupported(format!("a null {} out of JSON", root.type_name()))),
        (Datum::Map(_), _) => "object",
        (Datum::List(_), _) => "array",
        (Datum::Bool(_), _) => "bool",
        (Datum::Text(_), _) => "string",
        _ => "number",
    };
    let message = format!("json: cannot unmarshal {found} into Go value of type {}", root.type_name());
    Ok(root.error(context, &message, true, flow))
}

fn must_from_json(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let Datum::Text(text) = &arguments[0].datum else { return Err(not_text()) };
    match read::read(context, text) {
        Ok((value, None)) => Ok(value.under(arguments[0].control, context)),
        Ok((_, Some(number))) => {
            Err(Fault::failed(format!("json: cannot unmarshal number {number} into Go value of type float64")))
        }
        Err(ReadError::Syntax(message)) => Err(Fault::failed(message)),
        Err(ReadError::Fault(fault)) => Err(fault),
    }
}

/// The evaluator checks the types of arguments; this is what it would say.
pub(super) fn not_text() -> Fault {
    Fault::failed("wrong type for value; expected string")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::helm::template::{
        context::{MAX_NESTING, MAX_TEXT},
        fault::FaultKind,
    };

    fn call(name: &str, context: &mut Context, argument: Value) -> Result<Value, Fault> {
        let function = FUNCTIONS.iter().find(|function| function.name == name).expect(name);
        (function.body)(context, &[argument])
    }

    fn printed(name: &str, argument: Value) -> Result<String, Fault> {
        match call(name, &mut Context::default(), argument)?.datum {
            Datum::Text(text) => Ok(text.lossy().into_owned()),
            other => panic!("{name} gives {other:?}"),
        }
    }

    /// What helm 3.17 answers to these texts, as JSON.
    #[test]
    fn texts_are_read_as_go_reads_them() {
        for (name, text, expected) in [
            (
                "fromJson",
                "[1]",
                r#"{"Error":"json: cannot unmarshal array into Go value of type map[string]interface {}"}"#,
            ),
            (
                "fromJson",
                "{\"a\":1,}",
                r#"{"Error":"invalid character '}' looking for beginning of object key string"}"#,
            ),
            (
                "fromJson",
                "{\"a\":1e400,\"b\":2}",
                r#"{"Error":"json: cannot unmarshal number 1e400 into Go value of type float64","a":null,"b":2}"#,
            ),
            ("fromJson", "", r#"{"Error":"unexpected end of JSON input"}"#),
            (
                "fromJson",
                "5",
                r#"{"Error":"json: cannot unmarshal number into Go value of type map[string]interface {}"}"#,
            ),
            ("fromJson", "{\"a\":\"\\ud800x\\u00e9\"}", "{\"a\":\"\u{fffd}xé\"}"),
            ("fromJsonArray", "{}", r#"["json: cannot unmarshal object into Go value of type []interface {}"]"#),
            ("fromJsonArray", " [ 1 , \"a\\/b\" ] ", r#"[1,"a/b"]"#),
            ("mustFromJson", "\"\\ud83d\\ude00\"", "\"\u{1f600}\""),
            ("mustFromJson", "{\"a\":1,\"a\":2}", "{\"a\":2}"),
        ] {
            let mut context = Context::default();
            let read = call(name, &mut context, Value::text(Text::plain(text))).expect(text);
            assert_eq!(printed("toJson", read).as_deref(), Ok(expected), "{name} {text}");
        }
    }

    /// The words are those of Go's `encoding/json` for these texts.
    #[test]
    fn what_must_be_read_fails_in_gos_words() {
        for (text, expected) in [
            ("{", "unexpected end of JSON input"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\"}", "invalid character '}' after object key"),
            ("{\"a\":1 2", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("1 2", "invalid character '2' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-a", "invalid character 'a' in numeric literal"),
            ("1.a", "invalid character 'a' after decimal point in numeric literal"),
            ("1e+'", "invalid character '\\'' in exponent of numeric literal"),
            ("tru\"", "invalid character '\"' in literal true (expecting 'e')"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("é", "invalid character 'Ã' looking for beginning of value"),
        ] {
            let fault = call("mustFromJson", &mut Context::default(), Value::text(Text::plain(text))).expect_err(text);
            assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Failed, expected), "{text}");
        }
    }

    #[test]
    fn values_that_hold_themselves_print_nothing_or_fail() {
        let map = Map::new(MapKind::Any);
        map.insert(Text::plain("x"), Value::plain(Datum::Map(map.clone())));
        let value = Value::plain(Datum::Map(map.clone()));
        assert_eq!(printed("toJson", value.clone()).as_deref(), Ok(""));
        assert_eq!(printed("toPrettyJson", value.clone()).as_deref(), Ok(""));
        let fault = printed("toRawJson", value).expect_err("fails");
        assert_eq!(fault.message, "json: unsupported value: encountered a cycle via map[string]interface {}");
        map.clear();
        assert_eq!(printed("toJson", Value::plain(Datum::Float(f64::NAN))).as_deref(), Ok(""));
    }

    #[test]
    fn deep_and_long_values_are_refused() {
        let deep = (0..=MAX_NESTING).fold(Value::nil(), |value, _| Value::list(vec![value]));
        assert_eq!(printed("toJson", deep).expect_err("is too deep").kind, FaultKind::Limit);
        let text = Value::text(Text::plain("[".repeat(MAX_NESTING + 1)));
        let fault = call("mustFromJson", &mut Context::default(), text).expect_err("is too deep");
        assert_eq!(fault.kind, FaultKind::Limit);
        let long = Value::text(Text::plain("\x01".repeat(MAX_TEXT / 6 + 1)));
        assert_eq!(printed("toJson", long).err().map(|fault| fault.kind), Some(FaultKind::Limit));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_files_are_base64() {
        let cut = Value::text(Text::plain(b"\xc3x\xff"));
        assert_eq!(printed("toJson", cut).as_deref(), Ok("\"\\ufffdx\\ufffd\""));
        let file = Value::plain(Datum::Bytes(Text::plain("ab")));
        assert_eq!(printed("toJson", file).as_deref(), Ok("\"YWI=\""));
    }
}
