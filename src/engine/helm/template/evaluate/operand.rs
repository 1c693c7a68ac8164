//! Pipelines, commands, variables, constants and fields.

use super::super::{
    ast::{Command, Constant, Fields, Number, Operand, OperandKind, Pipeline},
    fault::Fault,
    leaf::Leaf,
    program::Written,
    value::{Datum, Map, MapKind, Value},
};
use super::{Eval, Evaluator, Held, variable::Slot};
use crate::source::{
    lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
    span::Span,
};

impl Evaluator<'_> {
    /// A pipeline's value; sets its variables.
    pub(super) fn pipeline(&mut self, dot: &Held, pipeline: &Pipeline) -> Eval<Value> {
        let mut last: Option<Value> = None;
        for command in pipeline.commands() {
            last = Some(self.command(dot, command, last)?.value);
        }
        let mut value = last.unwrap_or_else(Value::nil);
        let said_by = self.said_by(pipeline.span());
        value.control = self.context.sets.union(value.control, said_by);
        for variable in &pipeline.variables {
            let held = Held { value: value.clone(), boxed: false };
            if pipeline.assigns {
                self.assign(*variable, held)?;
            } else {
                self.variables.push(Slot { name: Some(*variable), held });
            }
        }
        Ok(value)
    }

    /// The values that a pipeline itself is written in: `tpl` evaluates their text.
    fn said_by(&mut self, span: Span) -> SetId {
        let Some(Written::Text(text)) = self.current.as_ref().map(|current| &current.template.unit.written) else {
            return SetId::EMPTY;
        };
        let pieces: Vec<SetId> =
            text.slices(span.range()).flat_map(|slice| [slice.made_of.set(), slice.control]).collect();
        let said_by = self.context.sets.union_all(pieces);
        self.steering(said_by)
    }

    fn command(&mut self, dot: &Held, command: &Command, last: Option<Value>) -> Eval<Held> {
        let Command { first, arguments, .. } = command;
        let unboxed = |value| Held { value, boxed: false };
        match &first.kind {
            OperandKind::Function => self.call(dot, first, command.span(), arguments, last).map(unboxed),
            OperandKind::Field(fields) => self.fields(dot, dot.clone(), *fields, first.span(), arguments, last),
            OperandKind::Chain { of, fields } => {
                let of = self.chained(dot, of, first.span())?;
                self.fields(dot, of, *fields, first.span(), arguments, last)
            }
            OperandKind::Variable { variable, fields } => {
                let held = self.variable(*variable)?;
                if fields.is_empty() {
                    self.takes_no_arguments(first, arguments, last.as_ref())?;
                    return Ok(held);
                }
                self.fields(dot, held, *fields, first.span(), arguments, last)
            }
            kind => {
                self.takes_no_arguments(first, arguments, last.as_ref())?;
                match kind {
                    OperandKind::Pipeline(pipeline) => self.nested(dot, pipeline).map(unboxed),
                    OperandKind::Dot => Ok(dot.clone()),
                    OperandKind::Nil => Err(self.fail(first.span(), Fault::failed("nil is not a command"))),
                    _ => self.constant(first).map(unboxed),
                }
            }
        }
    }

    /// A pipeline in brackets.
    pub(super) fn nested(&mut self, dot: &Held, pipeline: &Pipeline) -> Eval<Value> {
        stacker::maybe_grow(128 << 10, 2 << 20, || self.pipeline(dot, pipeline))
    }

    /// What the fields of a chain are taken of.
    pub(super) fn chained(&mut self, dot: &Held, of: &Operand, span: Span) -> Eval<Held> {
        let unboxed = |value| Held { value, boxed: false };
        match &of.kind {
            OperandKind::Pipeline(pipeline) => self.nested(dot, pipeline).map(unboxed),
            OperandKind::Function => self.call(dot, of, of.span(), &[], None).map(unboxed),
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Field(fields) => self.fields(dot, dot.clone(), *fields, of.span(), &[], None),
            OperandKind::Variable { variable, fields } => {
                let held = self.variable(*variable)?;
                self.fields(dot, held, *fields, of.span(), &[], None)
            }
            OperandKind::Chain { of, fields } => {
                let held = self.chained(dot, of, span)?;
                self.fields(dot, held, *fields, of.span(), &[], None)
            }
            OperandKind::Nil => {
                let source = self.quote(span);
                Err(self.fail(span, Fault::failed(format!("indirection through explicit nil in {source}"))))
            }
            _ => self.constant(of).map(unboxed),
        }
    }

    fn takes_no_arguments(&self, first: &Operand, arguments: &[Operand], last: Option<&Value>) -> Eval<()> {
        if arguments.is_empty() && last.is_none() {
            return Ok(());
        }
        let span = match &first.kind {
            OperandKind::Pipeline(pipeline) => pipeline.span(),
            _ => first.span(),
        };
        let source = self.quote(span);
        Err(self.fail(span, Fault::failed(format!("can't give argument to non-function {source}"))))
    }

    /// `.a.b.c` of a receiver; the arguments are the last field's.
    pub(super) fn fields(
        &mut self,
        dot: &Held,
        mut receiver: Held,
        fields: Fields,
        span: Span,
        arguments: &[Operand],
        last: Option<Value>,
    ) -> Eval<Held> {
        let unit = self.unit().clone();
        let mut names = fields.names(&unit.text).peekable();
        let takes = !arguments.is_empty() || last.is_some();
        while let Some(name) = names.next() {
            if takes && names.peek().is_none() {
                return self.method(dot, receiver, name, span, arguments, last);
            }
            receiver = self.field(&receiver, name, span, None)?;
        }
        Ok(receiver)
    }

    /// `.c` with arguments, of a receiver.
    fn method(
        &mut self,
        dot: &Held,
        receiver: Held,
        name: &str,
        span: Span,
        arguments: &[Operand],
        last: Option<Value>,
    ) -> Eval<Held> {
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.argument(dot, argument, super::Parameter::Any, "")?);
        }
        values.extend(last);
        self.field(&receiver, name, span, Some(&values))
    }

    /// Go's `evalField`: a method, a field, or a map's key.
    fn field(&mut self, receiver: &Held, name: &str, span: Span, arguments: Option<&[Value]>) -> Eval<Held> {
        let failed = |message: String| Fault::failed(message);
        let type_name = if receiver.boxed { "interface {}" } else { receiver.value.type_name() };
        match &receiver.value.datum {
            Datum::Nil if receiver.boxed => {
                Err(self.fail(span, failed(format!("nil pointer evaluating interface {{}}.{name}"))))
            }
            Datum::Nil => {
                let made_of = self.below(receiver.value.made_of, name);
                let value = Value { datum: Datum::Nil, made_of, control: receiver.value.control };
                Ok(Held { value, boxed: false })
            }
            Datum::Map(map) => {
                if map.kind() == MapKind::Values
                    && let Some(value) = self.values_method(&receiver.value, map, name, span, arguments)?
                {
                    return Ok(Held { value, boxed: false });
                }
                if arguments.is_some() {
                    return Err(self.fail(span, failed(format!("{name} is not a method but has arguments"))));
                }
                let value = map.read(&receiver.value, name.as_bytes(), &mut self.context);
                Ok(Held { value, boxed: map.kind() != MapKind::Text })
            }
            Datum::Object(object) => {
                let is_bare = arguments.is_none();
                let arguments = arguments.unwrap_or_default();
                match object.call(name, arguments, &mut self.context) {
                    Some(Ok(value)) => {
                        Ok(Held { value: value.under(receiver.value.control, &mut self.context), boxed: false })
                    }
                    Some(Err(fault)) => {
                        let message = format!("error calling {name}: {}", fault.message);
                        Err(self.fail(span, Fault { message, ..fault }))
                    }
                    None => match object.field(name) {
                        Some(value) if is_bare => {
                            let value = value.under(receiver.value.control, &mut self.context);
                            Ok(Held { value, boxed: false })
                        }
                        Some(_) => {
                            let message = format!("{name} has arguments but cannot be invoked as function");
                            Err(self.fail(span, failed(message)))
                        }
                        None => Err(self.fail(span, no_field(name, type_name))),
                    },
                }
            }
            _ => Err(self.fail(span, no_field(name, type_name))),
        }
    }

    /// The methods of `chartutil.Values`, which hide keys of their names.
    fn values_method(
        &mut self,
        receiver: &Value,
        map: &Map,
        name: &str,
        span: Span,
        arguments: Option<&[Value]>,
    ) -> Eval<Option<Value>> {
        let arguments = arguments.unwrap_or_default();
        let wanted = match name {
            "AsMap" | "YAML" => 0,
            "Table" | "PathValue" | "Encode" => 1,
            _ => return Ok(None),
        };
        if arguments.len() != wanted {
            let message = format!("wrong number of args for {name}: want {wanted} got {}", arguments.len());
            return Err(self.fail(span, Fault::failed(message)));
        }
        if name == "AsMap" {
            let datum = Datum::Map(map.held_as(MapKind::Any));
            return Ok(Some(Value { datum, ..receiver.clone() }));
        }
        Err(self.fail(span, Fault::unsupported(format!("the method {name} of chartutil.Values"))))
    }

    /// What a missing key below something missing is made of: the places where it would be set.
    fn below(&mut self, made_of: MadeOf, key: &str) -> MadeOf {
        let set = made_of.set();
        if set.is_empty() || set == SetId::ANY {
            return made_of;
        }
        let leaves: Vec<Leaf> = self.context.sets.leaves(set).map(|leaf| self.context.sets.get(leaf).clone()).collect();
        let below: Vec<SetId> = leaves
            .into_iter()
            .map(|leaf| match leaf {
                Leaf::Absent { at } => Leaf::Absent { at: self.context.paths.join(at, key) },
                other => other,
            })
            .map(|leaf| self.context.sets.leaf(leaf).into())
            .collect();
        MadeOf::Derived(self.context.sets.union_all(below))
    }

    /// A constant where nothing says which type it should have.
    pub(super) fn constant(&mut self, operand: &Operand) -> Eval<Value> {
        let datum = match &operand.kind {
            OperandKind::Bool(value) => Datum::Bool(*value),
            OperandKind::Text(constant) => return Ok(self.text_constant(constant, operand.span())),
            OperandKind::Number(number) => {
                ideal(number, self.unit().slice(operand.span())).map_err(|fault| self.fail(operand.span(), fault))?
            }
            _ => {
                let source = self.quote(operand.span());
                let message = format!("can't evaluate command {source:?}");
                return Err(self.fail(operand.span(), Fault::failed(message)));
            }
        };
        Ok(Value::new(datum, self.written_at(operand.span())))
    }

    /// A string constant: the bytes between its quotes, where it says them as they are.
    pub(super) fn text_constant(&mut self, constant: &Constant, span: Span) -> Value {
        let current = self.current();
        let inner = Span { start: (span.start + 1).min(span.end), end: span.end.saturating_sub(1).max(span.start + 1) };
        let unit = &current.template.unit;
        let bytes = constant.value(unit.slice(span));
        let as_written = unit.text.as_bytes().get(inner.range()) == Some(&**bytes);
        let text = match (&unit.written, current.leaf) {
            (Written::File(_), Some(leaf)) if as_written => {
                Text::shared(bytes.clone(), MadeOf::Verbatim { leaf, offset: inner.start as u32 })
            }
            (Written::Text(text), _) if as_written => text.slice(inner.start..inner.end),
            _ => Text::shared(bytes.clone(), MadeOf::Derived(self.written_at(span).set())),
        };
        Value::text(text)
    }

    /// What a constant is made of.
    pub(super) fn written_at(&mut self, span: Span) -> MadeOf {
        let Some(current) = &self.current else { return MadeOf::NOTHING };
        match &current.template.unit.written {
            Written::File(file) => {
                let leaf = self.context.sets.leaf(Leaf::Literal { file: *file, span });
                MadeOf::Verbatim { leaf, offset: 0 }
            }
            Written::Text(text) => {
                let sets: Vec<SetId> = text.slices(span.start..span.end).map(|slice| slice.made_of.set()).collect();
                MadeOf::Derived(self.context.sets.union_all(sets))
            }
        }
    }

    /// The source of a node, for messages.
    pub(super) fn quote(&self, span: Span) -> String {
        self.current.as_ref().map_or_else(String::new, |current| current.template.unit.slice(span).to_owned())
    }
}

fn no_field(name: &str, type_name: &str) -> Fault {
    Fault::failed(format!("can't evaluate field {name} in type {type_name}"))
}

/// Go's `idealConstant`.
fn ideal(number: &Number, text: &str) -> Result<Datum, Fault> {
    let is_hex = text.len() > 2 && (text.starts_with("0x") || text.starts_with("0X")) && !text.contains(['p', 'P']);
    let is_float = !is_hex && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P']);
    match (number.float, number.int) {
        (Some(float), _) if is_float => Ok(Datum::Float(float)),
        (_, Some(int)) => Ok(Datum::Int(int)),
        _ if number.uint.is_some() => Err(Fault::failed(format!("{text} overflows int"))),
        _ => Err(Fault::unsupported(format!("the complex number {text}"))),
    }
}
