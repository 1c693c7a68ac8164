//! What becomes of an input on its way to a variable: Terragrunt hands it over as text, in the environment, which Terraform
//! reads by the type of the variable.

use crate::engine::terraform::{
    configuration::literal,
    convert::convert,
    evaluate::Evaluator,
    module::Definition,
    scope::Stop,
    types::Type,
    unknown::Reason,
    value::{Datum, Value},
};
use crate::source::hcl::tree::ExpressionKind;

/// How Terraform reads the text for a variable.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    /// As it stands.
    Literally,
    /// As a number or bool.
    Scalar,
    /// As an expression.
    Expression,
}

fn reads(definition: &Definition<'_>) -> Reads {
    let Some(ty) = definition.argument("type") else { return Reads::Literally };
    let name = match &ty.value().kind {
        ExpressionKind::Variable(name) => Some(&*name.text),
        _ => literal(ty.value()),
    };
    match name {
        Some("string") => Reads::Literally,
        Some("number" | "bool") => Reads::Scalar,
        _ => Reads::Expression,
    }
}

impl Evaluator<'_, '_> {
    /// The value that a variable gets from an input.
    ///
    /// # Errors
    /// A limit.
    pub(in crate::engine::terraform) fn passed(
        &mut self,
        value: Value,
        definition: &Definition<'_>,
    ) -> Result<Value, Stop> {
        if self.meets_checkout(std::slice::from_ref(&value))? {
            return Ok(self.open_input(&value, "the folder of the checkout"));
        }
        let reads = reads(definition);
        Ok(match (value.datum(), reads) {
            (Datum::Null | Datum::Unknown(_), _) => value,
            (Datum::String(_), Reads::Literally | Reads::Scalar) => value,
            (Datum::String(_), Reads::Expression) => self.open_input(&value, "a text that is read as an expression"),
            (Datum::Bool(_) | Datum::Number(_), Reads::Literally) => {
                match convert(&mut self.context, &value, &Type::String) {
                    Ok(text) => text,
                    Err(_) => self.open_input(&value, "a number as text"),
                }
            }
            (Datum::Bool(_) | Datum::Number(_), _) => value,
            (Datum::Sequence(_) | Datum::Mapping(_), Reads::Literally) => {
                self.open_input(&value, "a list or map that is handed over as text")
            }
            (Datum::Sequence(_), _) if matches!(value.ty(), Type::Set(_)) => {
                self.open_input(&value, "a set that is handed over as a list")
            }
            (Datum::Sequence(_) | Datum::Mapping(_), _) => value,
        })
    }

    fn open_input(&mut self, value: &Value, why: &str) -> Value {
        let flow = value.whole_flow(&mut self.context.sets);
        Value::unknown_of(Type::Dynamic, Reason::Run(why.into())).with_flow(flow).with_marks(value.marks_within())
    }
}
