//! JSON in templates: Go's `encoding/json` both ways.
//!
//! Helm overrides sprig's `toJson` and `fromJson`; the others are sprig's. They differ in what they do with an error: most
//! print nothing, `toRawJson` and the `must…` family fail, and Helm's readers answer with a map or list that holds the error.

pub(super) mod number;
pub(super) mod read;
pub(super) mod write;

use std::rc::Rc;

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
                let list = List { element: Element::Any, items: Rc::new(vec![message]) };
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
        (Datum::Nil, _) => return Err(Fault::unsupported(format!("a null {} out of JSON", root.type_name()))),
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
