//! Helm's own functions that have to do with rendering: `required`, `fail`, `lookup`. `include` and `tpl` are the
//! evaluator's.

use crate::engine::helm::template::{
    context::Context,
    fault::Fault,
    function::{Function, Lineage, Parameter},
    value::{Datum, Map, MapKind, Value},
};

/// What Helm puts before the texts of `fail` and `required`, to find them again in Go's message.
pub const WARNING_START: &str = "HELM_ERR_START";

/// What Helm puts behind them.
pub const WARNING_END: &str = "HELM_ERR_END";

/// Helm's functions.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "required",
        parameters: &[Parameter::Text, Parameter::Any],
        rest: None,
        lineage: Lineage::Own,
        body: required,
    },
    Function { name: "fail", parameters: &[Parameter::Text], rest: None, lineage: Lineage::Own, body: fail },
    Function {
        name: "lookup",
        parameters: &[Parameter::Text, Parameter::Text, Parameter::Text, Parameter::Text],
        rest: None,
        lineage: Lineage::Own,
        // Without a cluster, nothing is found.
        body: |_, _| Ok(Value::plain(Datum::Map(Map::new(MapKind::Any)))),
    },
];

fn required(_: &mut Context, values: &[Value]) -> Result<Value, Fault> {
    match values {
        [Value { datum: Datum::Text(warning), .. }, value] => match &value.datum {
            Datum::Nil => Err(stopped(&warning.lossy())),
            Datum::Text(text) if text.is_empty() => Err(stopped(&warning.lossy())),
            _ => Ok(value.clone()),
        },
        _ => Err(Fault::failed("its arguments are a warning and a value")),
    }
}

fn fail(_: &mut Context, values: &[Value]) -> Result<Value, Fault> {
    match values {
        [Value { datum: Datum::Text(message), .. }] => Err(stopped(&message.lossy())),
        _ => Err(Fault::failed("its argument is a message")),
    }
}

fn stopped(message: &str) -> Fault {
    Fault::failed(format!("{WARNING_START}{message}{WARNING_END}"))
}
