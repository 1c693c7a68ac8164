//! Calls of functions, and the functions that are the evaluator's own: `and`, `or`, `call`, `include`, `tpl`.

use crate::engine::go::quote;
use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::super::{
    ast::Operand,
    fault::Fault,
    function::{Function, Lineage, Parameter},
    parse,
    program::{Unit, Written, associate},
    value::{Datum, Element, Entry, List, Map, Value},
};
use super::{Eval, Evaluator, Held, MAX_TPL, failure::Failure, without_no_value};
use crate::{
    engine::helm::functions::Callee,
    source::{
        lineage::{
            sets::Flow,
            text::{MadeOf, Text},
        },
        span::Span,
    },
};

/// A call as it is written, with what the pipeline gives it.
#[derive(Clone, Copy)]
struct Call<'call> {
    dot: &'call Held,
    name: &'call str,
    span: Span,
    operands: &'call [Operand],
}

impl Evaluator<'_> {
    /// Calls the function that an operand names. `last` is the value of the command before it in the pipeline.
    pub(super) fn call(
        &mut self,
        dot: &Held,
        function: &Operand,
        span: Span,
        operands: &[Operand],
        last: Option<Value>,
    ) -> Eval<Value> {
        self.step(1, span)?;
        let unit = self.unit().clone();
        let name = unit.slice(function.span());
        let call = Call { dot, name, span, operands };
        match self.program.functions.find(name) {
            Some(Callee::Plain(function)) => self.plain(call, function, last),
            Some(Callee::And) => self.either(call, false, last),
            Some(Callee::Or) => self.either(call, true, last),
            Some(Callee::Call) => self.called(call, last),
            Some(Callee::Include) => {
                let arguments = self.arguments(call, &[Parameter::Text, Parameter::Any], None, last)?;
                self.include(call, &arguments)
            }
            Some(Callee::Tpl) => {
                let arguments = self.arguments(call, &[Parameter::Text, Parameter::Any], None, last)?;
                self.tpl(call, &arguments)
            }
            None => Err(self.fail(span, Fault::failed(format!("{name:?} is not a defined function")))),
        }
    }

    /// The arguments, after Go's checks of their number and types.
    fn arguments(
        &mut self,
        call: Call<'_>,
        fixed: &[Parameter],
        rest: Option<Parameter>,
        last: Option<Value>,
    ) -> Eval<Vec<Value>> {
        let (given, wanted) = (call.operands.len() + usize::from(last.is_some()), fixed.len());
        let wrong = match rest {
            Some(_) if given < wanted => Some(format!("want at least {wanted} got {}", call.operands.len())),
            None if given != wanted => Some(format!("want {wanted} got {given}")),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let message = format!("wrong number of args for {}: {wrong}", call.name);
            let name = Span::new(call.span.start, call.span.start + call.name.len());
            return Err(self.fail(name, Fault::failed(message)));
        }
        let mut values = Vec::with_capacity(given);
        let parameter = |at: usize| fixed.get(at).copied().or(rest).unwrap_or(Parameter::Any);
        for (at, operand) in call.operands.iter().enumerate() {
            values.push(self.argument(call.dot, operand, parameter(at), call.name)?);
        }
        if let Some(value) = last {
            let held = Held { value, boxed: false };
            values.push(self.checked(held, parameter(given - 1), call.span, call.name)?);
        }
        Ok(values)
    }

    fn plain(&mut self, call: Call<'_>, function: &'static Function, last: Option<Value>) -> Eval<Value> {
        let mut arguments = self.arguments(call, function.parameters, function.rest, last)?;
        if function.name == "set"
            && let Some(stored) = arguments.last_mut()
        {
            // What stands under a condition is stored under it.
            stored.control = self.context.sets.union(stored.control, self.context.control);
        }
        let result = match function.lineage {
            Lineage::Own => (function.body)(&mut self.context, &arguments),
            Lineage::Derived => self.derived(function, &arguments),
        };
        let result = result.map_err(|fault| self.failed_call(call, fault))?;
        if function.name == "sortAlpha" {
            let held = arguments.swap_remove(0);
            self.sorted(held, &result).map_err(|fault| self.failed_call(call, fault))?;
        }
        Ok(result)
    }

    /// sprig sorts texts where they are, so that whoever holds the list has it sorted.
    fn sorted(&mut self, before: Value, after: &Value) -> Result<(), Fault> {
        let (Datum::List(before), Datum::List(after)) = (before.datum, &after.datum) else { return Ok(()) };
        if before.element != Element::Text || before.items.is_sorted_by(|a, b| bytes(a) <= bytes(b)) {
            return Ok(());
        }
        for slot in &mut self.variables {
            if let Datum::List(held) = &mut slot.held.value.datum
                && Rc::ptr_eq(&held.items, &before.items)
            {
                held.items = after.items.clone();
            }
        }
        match Rc::strong_count(&before.items) {
            1 => Ok(()),
            _ => Err(Fault::unsupported("it sorts a list that a map or another list holds as well")),
        }
    }

    /// Calls a function whose result is made of everything in its arguments.
    fn derived(&mut self, function: &Function, arguments: &[Value]) -> Result<Value, Fault> {
        let result = (function.body)(&mut self.context, arguments)?;
        let mut flow = Flow::default();
        for argument in arguments {
            let more = argument.deep_flow(&mut self.context)?;
            flow = self.context.sets.join(flow, more);
        }
        self.marked(result, flow, 0)
    }

    /// The value with everything in it made of `flow`.
    fn marked(&mut self, value: Value, flow: Flow, depth: usize) -> Result<Value, Fault> {
        if depth > super::super::context::MAX_NESTING {
            return Err(Fault::limit("a value is nested too deeply, or in itself"));
        }
        self.context.budget.step(1)?;
        let made_of = MadeOf::Derived(flow.data);
        let datum = match value.datum {
            Datum::Text(text) => Datum::Text(Text::new(text.bytes(), made_of)),
            Datum::Bytes(text) => Datum::Bytes(Text::new(text.bytes(), made_of)),
            Datum::List(list) => {
                let items = list.items.iter().map(|item| self.marked(item.clone(), flow, depth + 1));
                Datum::List(List::new(list.element, items.collect::<Result<Vec<_>, _>>()?))
            }
            Datum::Map(map) => {
                let marked = Map::new(map.kind());
                for Entry { key, value } in map.snapshot() {
                    marked.insert(Text::new(key.bytes(), made_of), self.marked(value, flow, depth + 1)?);
                }
                Datum::Map(marked)
            }
            other => other,
        };
        let control = self.context.sets.union(value.control, flow.control);
        Ok(Value { datum, made_of, control })
    }

    /// `and` and `or`: the first operand that decides, under the control of those before it.
    fn either(&mut self, call: Call<'_>, decides: bool, last: Option<Value>) -> Eval<Value> {
        if call.operands.is_empty() && last.is_none() {
            let message = format!("wrong number of args for {}: want at least 1 got 0", call.name);
            return Err(self.fail(call.span, Fault::failed(message)));
        }
        let mut control = crate::source::lineage::sets::SetId::EMPTY;
        let mut chosen = None;
        for operand in call.operands {
            if let Some(passed) = chosen.take() {
                let decided_by = self.decided_by(&passed);
                control = self.context.sets.union(control, decided_by);
            }
            let value = self.argument(call.dot, operand, Parameter::Any, call.name)?;
            if value.is_true() == decides {
                return Ok(value.under(control, &mut self.context));
            }
            chosen = Some(value);
        }
        if let Some(last) = last {
            if let Some(passed) = chosen.take() {
                let decided_by = self.decided_by(&passed);
                control = self.context.sets.union(control, decided_by);
            }
            chosen = Some(last);
        }
        Ok(chosen.unwrap_or_else(Value::nil).under(control, &mut self.context))
    }

    /// `call`: no value of a chart is a function, so it never succeeds.
    fn called(&mut self, call: Call<'_>, last: Option<Value>) -> Eval<Value> {
        let arguments = self.arguments(call, &[Parameter::Any], Some(Parameter::Any), last)?;
        let message = match arguments.first() {
            None | Some(Value { datum: Datum::Nil, .. }) => "call of nil".to_owned(),
            Some(value) => {
                let name = call.operands.first().map_or_else(String::new, |operand| self.quote(operand.span()));
                format!("non-function {name} of type {}", value.type_name())
            }
        };
        Err(self.failed_call(call, Fault::failed(message)))
    }

    fn failed_call(&self, call: Call<'_>, fault: Fault) -> Box<Failure> {
        let message = format!("error calling {}: {}", call.name, fault.message);
        self.fail(call.span, Fault { message, ..fault })
    }

    fn include(&mut self, call: Call<'_>, arguments: &[Value]) -> Eval<Value> {
        let [Value { datum: Datum::Text(name), .. }, dot] = arguments else {
            return Err(self.failed_call(call, Fault::failed("its arguments are a name and a value")));
        };
        let found = name.as_str().and_then(|name| self.template(name)).cloned();
        let nested = match self.included.get_mut(name.bytes()) {
            Some(nested) => nested,
            None => self.included.entry(name.shared_bytes()).or_default(),
        };
        if *nested > MAX_INCLUDED {
            let message =
                format!("rendering template has a nested reference name: {}: unable to execute template", name.lossy());
            return Err(self.failed_call(call, Fault::failed(message)));
        }
        *nested += 1;
        let Some(template) = found else {
            let name = quote::quoted(name.bytes());
            let message = format!("template: no template {name} associated with template \"gotpl\"");
            return Err(self.failed_call(call, Fault::failed(message)));
        };
        let text = self.text_of(&template, dot.clone()).map_err(|failure| self.through(failure, call))?;
        if let Some(nested) = self.included.get_mut(name.bytes()) {
            *nested -= 1;
        }
        let control = self.decided_by(&Value::text(name.clone()));
        Ok(Value::text(text).under(control, &mut self.context))
    }

    /// `tpl`: executes a string as a template that sees every other, and whose own definitions end with it.
    fn tpl(&mut self, call: Call<'_>, arguments: &[Value]) -> Eval<Value> {
        let [Value { datum: Datum::Text(text), control, .. }, dot] = arguments else {
            return Err(self.failed_call(call, Fault::failed("its arguments are a template and a value")));
        };
        if self.spaces.len() == MAX_TPL {
            return Err(self.failed_call(call, Fault::limit("`tpl` is nested too deeply")));
        }
        let (source, ast) = match self.parsed.get(text.bytes()) {
            Some(known) => known.clone(),
            None => {
                let Some(source) = text.as_str() else {
                    let message = "templates that are not UTF-8 are not read";
                    return Err(self.failed_call(call, Fault::unsupported(message)));
                };
                self.step(text.len() / 16, call.span)?;
                let functions = &self.program.functions;
                let parsed = parse::parse(source, &|name| functions.contains(name)).map_err(|error| {
                    let message =
                        format!("cannot parse template {}: {}", quote::quoted(text.bytes()), error.describe("gotpl"));
                    self.failed_call(call, Fault { kind: error.kind, message })
                })?;
                let parsed = (Arc::from(source), Rc::new(parsed));
                self.parsed.insert(text.shared_bytes(), parsed.clone());
                parsed
            }
        };
        let unit =
            Rc::new(Unit { name: "gotpl".into(), written: Written::Text(text.clone()), text: source, ast, index: 0 });
        let mut space = HashMap::default();
        for (name, template) in unit.templates() {
            // Nothing but white space replaces no template that is already there, wherever it was defined.
            if !template.is_empty() || self.template(&name).is_none() {
                associate(&mut space, name, template);
            }
        }
        self.spaces.push(space);
        let template = super::Template { unit, define: None };
        let printed = self.text_of(&template, dot.clone()).map_err(|mut failure| {
            let context = format!("error during tpl function execution for {}", quote::quoted(text.bytes()));
            failure.message = format!("{context}: {}", failure.message);
            self.through(failure, call)
        })?;
        self.spaces.pop();
        let mut value = Value::text(without_no_value(&printed));
        if printed.is_empty() {
            value.made_of = MadeOf::Derived(text_data(text, &mut self.context));
        }
        Ok(value.under(*control, &mut self.context))
    }

    fn through(&self, failure: Box<Failure>, call: Call<'_>) -> Box<Failure> {
        match &self.current {
            None => failure,
            Some(current) => failure.through(&current.template, call.span, call.name),
        }
    }
}

/// How often a template may be included from within itself before Helm stops.
const MAX_INCLUDED: usize = 1_000;

fn text_data(text: &Text, context: &mut super::super::context::Context) -> crate::source::lineage::sets::SetId {
    Value::text(text.clone()).flow(context).data
}

fn bytes(value: &Value) -> &[u8] {
    match &value.datum {
        Datum::Text(text) => text.bytes(),
        _ => &[],
    }
}
