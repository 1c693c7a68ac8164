//! YAML in templates: `sigs.k8s.io/yaml` both ways, and go-yaml v3 for `toYamlPretty`.

mod convert;
mod read;

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
    Function {
        name: "toYaml",
        parameters: &[Parameter::Any],
        rest: None,
        lineage: Lineage::Own,
        body: TO_YAML,
    },
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
