//! Calls: of functions, and of what looks like one but works on expressions.

use super::Evaluator;
use crate::{
    engine::terraform::{
        configuration::{syntax_problem, text},
        convert::convert,
        functions,
        leaf::{PathId, Role},
        problem::Problem,
        scope::{Scope, Sees, Stop},
        terragrunt::functions::holds_checkout,
        types::Type,
        unknown::Reason,
        value::{Datum, Value},
    },
    source::{
        hcl::{
            identifier::is_name,
            parse_template,
            tree::{Call, Expression, ExpressionKind, Step, StepKind, Template},
            walk,
        },
        span::Span,
    },
};

/// The functions that hand on elements without a look at what is in them.
const OPAQUE: &[&str] = &[
    "concat", "element", "flatten", "keys", "length", "lookup", "merge", "one", "reverse", "slice", "values", "zipmap",
];

impl Evaluator<'_, '_> {
    pub(super) fn call(&mut self, call: &Call, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        if let Sees::Nothing = scope.sees {
            return Err(scope.broken(span, "Function calls not allowed: Functions may not be called here."));
        }
        let name = call.name.text.strip_prefix("core::").unwrap_or(&call.name.text);
        if name.starts_with("provider::") {
            let values: Result<Vec<Value>, Stop> =
                call.arguments.iter().map(|argument| self.evaluate(argument, scope)).collect();
            let flow = self.flow_of(&values?);
            return Ok(
                Value::unknown_of(Type::Dynamic, Reason::Unsupported(format!("{name}()").into())).with_flow(flow)
            );
        }
        if self.validates && functions::may_read(name) {
            self.note_particular(scope);
        }
        if call.spread.is_none() {
            match name {
                "try" => return self.try_each(&call.arguments, span, scope),
                "can" => return self.can(&call.arguments, span, scope),
                "templatestring" => return self.template_string(&call.arguments, span, scope),
                _ => {}
            }
        }
        let mut values = Vec::with_capacity(call.arguments.len());
        let mut spans = Vec::with_capacity(call.arguments.len());
        let plain = call.arguments.len() - usize::from(call.spread.is_some());
        for argument in &call.arguments[..plain] {
            values.push(self.evaluate(argument, scope)?);
            spans.push(argument.span);
        }
        if let Some(last) = call.arguments.get(plain) {
            match self.spread(last, scope)? {
                Err(unknown) => {
                    let flow = self.flow_of(values.iter().chain([&unknown]));
                    return Ok(unknown.with_flow(flow));
                }
                Ok(more) => {
                    spans.extend(more.iter().map(|_| last.span));
                    values.extend(more);
                }
            }
        }
        if let Sees::Terragrunt(at, _) = scope.sees
            && let Some(answer) = self
                .terragrunt_call(name, &values, at)
                .map_err(|stop| Stop::from(stop.problem.at(scope.place(span))))?
        {
            return Ok(answer);
        }
        if name == "templatefile" {
            return self.template_file(values, &spans, span, scope);
        }
        let looks_inside = !OPAQUE.contains(&name) || values.iter().any(|value| value.ty().is_open());
        if looks_inside && values.iter().any(|value| value.ty().has_open()) {
            let unknown =
                Value::unknown_of(Type::Dynamic, Reason::Unsupported(format!("{name}() of a resource").into()));
            let flow = self.flow_of(&values);
            return Ok(unknown.with_flow(flow));
        }
        let Some(function) = functions::find(name) else {
            let message = format!("Call to unknown function: There is no function named {name:?}.");
            return Err(scope.broken(call.name.span, message));
        };
        // The folder above the checkout is another one on every machine.
        let leaves_checkout = name == "dirname" && matches!(scope.sees, Sees::Terragrunt(..));
        let given = if leaves_checkout { values.clone() } else { Vec::new() };
        let answer = functions::call(&mut self.context, function, values);
        if answer.as_ref().is_ok_and(|answer| !holds_checkout(answer)) && given.iter().any(holds_checkout) {
            return Ok(self.open_call(name, &given));
        }
        answer.map_err(|problem| {
            let at = problem.argument.and_then(|argument| spans.get(argument)).copied().unwrap_or(span);
            scope.stop(at, Problem { argument: None, ..problem })
        })
    }

    /// The elements of the last argument, each an argument; or an unknown result.
    fn spread(&mut self, last: &Expression, scope: Scope<'_>) -> Result<Result<Vec<Value>, Value>, Stop> {
        let value = self.evaluate(last, scope)?;
        let wrong = |why: &str| {
            scope.broken(last.span, format!("Invalid expanding argument value: The expanding argument {why}."))
        };
        if !matches!(value.ty(), Type::Dynamic | Type::Tuple(_) | Type::List(_) | Type::Set(_)) {
            return Err(wrong("must be of a tuple, list, or set type"));
        }
        if value.is_null() {
            return Err(wrong("must not be null"));
        }
        match value.datum() {
            Datum::Sequence(elements) => {
                self.context.budget.elements(elements.len()).map_err(|problem| scope.stop(last.span, problem))?;
                let control = value.flow().control;
                let element =
                    |element: &Value| element.clone().with_marks(value.marks()).under(&mut self.context.sets, control);
                Ok(Ok(elements.iter().map(element).collect()))
            }
            _ => {
                let reason = value.reason().cloned().unwrap_or_else(|| Reason::Unsupported("an argument".into()));
                Ok(Err(Value::unknown_of(Type::Dynamic, reason).with_flow(value.flow())))
            }
        }
    }

    /// The first argument that has a value.
    fn try_each(&mut self, arguments: &[Expression], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        if arguments.is_empty() {
            return Err(scope.broken(span, "Error in function call: at least one argument is required."));
        }
        let mut last = None;
        for argument in arguments {
            match self.evaluate(argument, scope) {
                Err(stop) if stop.can_be_tried => last = Some(stop),
                Err(stop) => return Err(stop),
                Ok(value) if is_handed_on(argument) && is_told_by_a_plan(&value) => return Ok(value),
                Ok(value) => return Ok(self.as_unknown_if_partly(value)),
            }
        }
        let why = last.map(|stop| stop.problem.message).unwrap_or_default();
        let message = format!("Call to function \"try\" failed: no expression succeeded: {why}");
        Err(scope.broken(span, message))
    }

    /// Whether the argument has a value.
    fn can(&mut self, arguments: &[Expression], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        let [argument] = arguments else {
            return Err(scope.broken(span, "Function \"can\" expects 1 argument(s)."));
        };
        match self.evaluate(argument, scope) {
            Err(stop) if stop.can_be_tried => Ok(Value::bool(false)),
            Err(stop) => Err(stop),
            Ok(value) => {
                let flow = value.whole_flow(&mut self.context.sets);
                let answer = match value.reason() {
                    Some(reason) => Value::unknown_of(Type::Bool, reason.clone()),
                    None => Value::bool(true),
                };
                let control = self.context.sets.union(flow.data, flow.control);
                Ok(answer.under(&mut self.context.sets, control))
            }
        }
    }

    fn template_file(
        &mut self,
        values: Vec<Value>,
        spans: &[Span],
        span: Span,
        scope: Scope<'_>,
    ) -> Result<Value, Stop> {
        const NAME: &str = "templatefile";
        let [path, variables] = &values[..] else {
            return Err(scope.broken(span, format!("Function {NAME:?} expects 2 argument(s).")));
        };
        if let Sees::Template(_) = scope.sees {
            let message =
                format!("Call to function {NAME:?} failed: cannot recursively call {NAME} from inside a template.");
            return Err(scope.broken(span, message));
        }
        let path = convert(&mut self.context, path, &Type::String).map_err(|problem| scope.stop(spans[0], problem))?;
        let marks = path.marks().with(variables.marks());
        let Some(name) = path.as_str() else {
            if path.is_null() {
                return Err(scope.broken(spans[0], "Invalid value for \"path\" parameter: argument must not be null."));
            }
            let flow = self.flow_of([&path, variables]);
            return Ok(self.unknown_call(&path, Type::Dynamic).with_flow(flow).with_marks(marks));
        };
        let file = self.context.files.resolve(name).map_err(|problem| scope.stop(spans[0], problem))?;
        let text = text(&mut self.context, &file).map_err(|problem| scope.stop(spans[0], problem))?;
        let id = self.context.files.id(&file);
        let template = parse_template(&text).map_err(|error| scope.stop(span, syntax_problem(id, &file, &error)))?;
        let inner = Scope { file: id, role: Role::File, path: PathId::ROOT, names: None, sees: Sees::Nothing };
        let whole = Span::new(0, text.len());
        let value = self.template_with(&template, whole, inner, variables, spans[1], scope)?;
        Ok(value.with_marks(marks).under(&mut self.context.sets, path.flow().control))
    }

    fn template_string(&mut self, arguments: &[Expression], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        const NAME: &str = "templatestring";
        let [template, variables] = arguments else {
            return Err(scope.broken(span, format!("Function {NAME:?} expects 2 argument(s).")));
        };
        if let Sees::Template(_) = scope.sees {
            let message =
                format!("Call to function {NAME:?} failed: cannot recursively call {NAME} from inside a template.");
            return Err(scope.broken(span, message));
        }
        let is_reference = match &template.kind {
            ExpressionKind::Variable(_) => true,
            ExpressionKind::Steps { of, .. } => matches!(of.kind, ExpressionKind::Variable(_)),
            _ => false,
        };
        if !is_reference {
            let message = "Invalid value for \"template\" parameter: templatestring is only for rendering templates retrieved \
                           dynamically from elsewhere, and so does not support providing a literal template.";
            return Err(scope.broken(template.span, message));
        }
        let value = self.evaluate(template, scope)?;
        let given = self.evaluate(variables, scope)?;
        let value =
            convert(&mut self.context, &value, &Type::String).map_err(|problem| scope.stop(template.span, problem))?;
        let marks = value.marks().with(given.marks());
        let Some(text) = value.as_str() else {
            if value.is_null() {
                return Err(
                    scope.broken(template.span, "Invalid value for \"template\" parameter: argument must not be null.")
                );
            }
            let flow = self.flow_of([&value, &given]);
            return Ok(self.unknown_call(&value, Type::Dynamic).with_flow(flow).with_marks(marks));
        };
        let parsed = parse_template(text).map_err(|error| {
            let message = format!("Invalid value for \"template\" parameter: {error}");
            let problem = if error.is_limit { Problem::limit(message) } else { Problem::broken(message) };
            scope.stop(template.span, problem)
        })?;
        // The text has no place of its own, as it may be put together from several.
        let inner = Scope { names: None, ..scope };
        let made = self.template_with(&parsed, template.span, inner, &given, variables.span, scope)?;
        let flow = self.flow_of([&value, &made]);
        let made = made.derived(flow);
        Ok(made.with_marks(marks))
    }

    /// A template with the variables that it is given.
    fn template_with(
        &mut self,
        template: &Template,
        whole: Span,
        inner: Scope<'_>,
        variables: &Value,
        at: Span,
        scope: Scope<'_>,
    ) -> Result<Value, Stop> {
        if variables.is_null() {
            return Err(scope.broken(at, "Invalid value for \"vars\" parameter: argument must not be null."));
        }
        if !matches!(variables.ty(), Type::Dynamic | Type::Map(_) | Type::Object(_)) {
            return Err(scope.broken(at, "Invalid value for \"vars\" parameter: invalid vars value: must be a map."));
        }
        let Some(mapping) = variables.as_mapping().filter(|_| !variables.ty().is_open()) else {
            let unknown = self.unknown_call(variables, Type::Dynamic);
            let flow = self.with_wording(unknown.flow(), whole, inner);
            return Ok(unknown.with_flow(flow));
        };
        if let Some(entry) = mapping.entries().iter().find(|entry| !is_name(entry.key.as_str())) {
            let message = format!(
                "Invalid value for \"vars\" parameter: invalid template variable name {:?}: must start with a letter, \
                 followed by zero or more letters, digits, and underscores.",
                entry.key.as_str()
            );
            return Err(scope.broken(at, message));
        }
        let mut missing = None;
        walk::template(template, &mut |name, _| {
            if missing.is_none() && mapping.get(&name.text).is_none() {
                missing = Some(name.text.clone());
            }
        });
        if let Some(name) = missing {
            let message = format!(
                "Invalid value for \"vars\" parameter: vars map does not contain key {name:?}, referenced in the template."
            );
            return Err(scope.broken(at, message));
        }
        let inner = Scope { names: None, sees: Sees::Template(variables), ..inner };
        self.template(template, whole, inner)
    }

    /// The unknown result of a call.
    fn unknown_call(&mut self, because: &Value, ty: Type) -> Value {
        let reason = because.reason().cloned().unwrap_or_else(|| Reason::Unsupported("an argument".into()));
        let flow = because.whole_flow(&mut self.context.sets);
        Value::unknown_of(ty, reason).with_flow(flow)
    }

    /// The value, or one of which nothing is known where something within it is not.
    fn as_unknown_if_partly(&mut self, value: Value) -> Value {
        match value.reason().cloned() {
            Some(_) => self.unknown_call(&value, Type::Dynamic),
            None => value,
        }
    }
}

/// Tells whether an expression hands on what is worked out elsewhere, so that nothing in it can fail.
fn is_handed_on(expression: &Expression) -> bool {
    let ExpressionKind::Steps { of, steps } = &expression.kind else { return false };
    let ExpressionKind::Variable(name) = &of.kind else { return false };
    matches!(&*name.text, "var" | "local") && matches!(&steps[..], [Step { kind: StepKind::Attribute(_), .. }])
}

/// Tells whether a plan knows all that is not known of a container here: what an operator says, or a data source.
fn is_told_by_a_plan(value: &Value) -> bool {
    match value.datum() {
        Datum::Sequence(elements) => elements.iter().all(is_told),
        Datum::Mapping(mapping) => mapping.entries().iter().all(|entry| is_told(&entry.value)),
        _ => false,
    }
}

fn is_told(value: &Value) -> bool {
    match value.datum() {
        Datum::Unknown(unknown) => matches!(unknown.reason, Reason::Data(_) | Reason::Variable(_)),
        Datum::Sequence(_) | Datum::Mapping(_) => is_told_by_a_plan(value),
        _ => true,
    }
}
