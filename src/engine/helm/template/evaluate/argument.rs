//! Arguments of functions: Go's `evalArg` and `validateType`.

use super::super::{
    ast::{Operand, OperandKind},
    fault::Fault,
    function::Parameter,
    value::{Datum, Element, List, Map, MapKind, Value},
};
use super::{Eval, Evaluator, Held};
use crate::source::span::Span;

impl Evaluator<'_> {
    /// An operand as an argument for a parameter of the function.
    pub(super) fn argument(
        &mut self,
        dot: &Held,
        operand: &Operand,
        parameter: Parameter,
        function: &str,
    ) -> Eval<Value> {
        let held = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Field(fields) => self.fields(dot, dot.clone(), *fields, operand.span(), &[], None)?,
            OperandKind::Variable { variable, fields } => {
                let held = self.variable(*variable)?;
                self.fields(dot, held, *fields, operand.span(), &[], None)?
            }
            OperandKind::Pipeline(pipeline) => Held { value: self.nested(dot, pipeline)?, boxed: false },
            OperandKind::Function => Held { value: self.call(dot, operand, operand.span(), &[], None)?, boxed: false },
            OperandKind::Chain { .. } => self.chained(dot, operand, operand.span())?,
            OperandKind::Nil => {
                return match parameter {
                    Parameter::Any => Ok(Value::nil()),
                    Parameter::Map | Parameter::List => {
                        self.typed_nil(Value::nil(), parameter, operand.span(), function)
                    }
                    _ => {
                        let message = format!("cannot assign nil to {}", type_of(parameter));
                        Err(self.fail(operand.span(), Fault::failed(message)))
                    }
                };
            }
            _ => return self.typed_constant(operand, parameter),
        };
        self.checked(held, parameter, operand.span(), function)
    }

    /// The value if it is of the parameter's type: Go's `validateType`.
    pub(super) fn checked(&mut self, held: Held, parameter: Parameter, span: Span, function: &str) -> Eval<Value> {
        let value = held.value;
        let fits = match (parameter, &value.datum) {
            (Parameter::Any, _)
            | (Parameter::Text, Datum::Text(_))
            | (Parameter::Bool, Datum::Bool(_))
            | (Parameter::Int, Datum::Int(_))
            | (Parameter::Int64, Datum::Int64(_))
            | (Parameter::Float, Datum::Float(_)) => true,
            (Parameter::Map, Datum::Map(map)) => map.kind() != MapKind::Text,
            (Parameter::List, Datum::List(list)) => list.element == Element::Any,
            (Parameter::Object(name), Datum::Object(object)) => {
                object.type_name().trim_start_matches('*') == name.trim_start_matches('*')
            }
            (Parameter::Map | Parameter::List, Datum::Nil) if !held.boxed => {
                return self.typed_nil(value, parameter, span, function);
            }
            (_, Datum::Nil) if !held.boxed => {
                let message = format!("invalid value; expected {}", type_of(parameter));
                return Err(self.fail(span, Fault::failed(message)));
            }
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        let got = if let Datum::Nil = value.datum { "interface {}" } else { value.type_name() };
        let message = format!("wrong type for value; expected {}; got {got}", type_of(parameter));
        Err(self.fail(span, Fault::failed(message)))
    }

    /// Go's nil map or nil slice: it reads like an empty one, and `set` is the one function that writes to it.
    fn typed_nil(&mut self, nil: Value, parameter: Parameter, span: Span, function: &str) -> Eval<Value> {
        let datum = match parameter {
            Parameter::Map if function == "set" => {
                let message = "error calling set: assignment to entry in nil map";
                return Err(self.fail(span, Fault::failed(message)));
            }
            Parameter::Map => Datum::Map(Map::new(MapKind::Any)),
            _ => Datum::List(List::nil(Element::Any)),
        };
        Ok(Value { datum, ..nil })
    }

    /// A constant for a parameter, which decides its type.
    fn typed_constant(&mut self, operand: &Operand, parameter: Parameter) -> Eval<Value> {
        let datum = match (parameter, &operand.kind) {
            (Parameter::Any, _) => return self.constant(operand),
            (Parameter::Text, OperandKind::Text(constant)) => return Ok(self.text_constant(constant, operand.span())),
            (Parameter::Bool, OperandKind::Bool(value)) => Some(Datum::Bool(*value)),
            (Parameter::Int, OperandKind::Number(number)) => number.int.map(Datum::Int),
            (Parameter::Int64, OperandKind::Number(number)) => number.int.map(Datum::Int64),
            (Parameter::Uint32, OperandKind::Number(number)) => {
                number.uint.map(|value| Datum::Uint64(value & 0xffff_ffff))
            }
            (Parameter::Float, OperandKind::Number(number)) => number.float.map(Datum::Float),
            _ => None,
        };
        if let Some(datum) = datum {
            return Ok(Value::new(datum, self.written_at(operand.span())));
        }
        let source = self.quote(operand.span());
        let expected = match parameter {
            Parameter::Text => "string",
            Parameter::Bool => "bool",
            Parameter::Int | Parameter::Int64 => "integer",
            Parameter::Uint32 => "unsigned integer",
            Parameter::Float => "float",
            _ => {
                let message = format!("can't handle {source} for arg of type {}", type_of(parameter));
                return Err(self.fail(operand.span(), Fault::failed(message)));
            }
        };
        Err(self.fail(operand.span(), Fault::failed(format!("expected {expected}; found {source}"))))
    }
}

/// The type as Go's messages name it.
fn type_of(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Any => "interface {}",
        Parameter::Text => "string",
        Parameter::Bool => "bool",
        Parameter::Int => "int",
        Parameter::Int64 => "int64",
        Parameter::Uint32 => "uint32",
        Parameter::Float => "float64",
        Parameter::Map => "map[string]interface {}",
        Parameter::List => "[]interface {}",
        Parameter::Object(name) => name,
    }
}
