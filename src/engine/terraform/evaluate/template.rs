//! Templates: text with sequences.

use unicode_segmentation::UnicodeSegmentation;

use super::Evaluator;
use crate::{
    engine::terraform::{
        convert::convert,
        leaf::{Leaf, Says},
        problem::Problem,
        scope::{Scope, Stop},
        types::Type,
        unknown::{Reason, Refinement, Unknown},
        value::{Marks, Value, walk::flow_of},
    },
    source::{
        hcl::tree::{Form, If, Part, Template},
        lineage::{
            sets::{Flow, SetId, Sets},
            text::{MadeOf, Text, TextBuilder},
        },
        span::Span,
    },
};

/// The most bytes that Terraform keeps of what an unknown string begins with.
const MAX_PREFIX: usize = 128;

impl Evaluator<'_, '_> {
    /// A template as an expression.
    pub(super) fn template(&mut self, template: &Template, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        if let Some(inner) = template.wrapped() {
            return self.evaluate(inner, scope).map_err(|stop| stop.typed(Type::Dynamic));
        }
        if let (Some(text), Form::Quoted | Form::Bare) = (template.literal(), template.form) {
            let leaf = self.context.sets.leaf(scope.leaf(Says::Literal, span));
            self.context.budget.text(text.value.len()).map_err(|problem| scope.stop(span, problem))?;
            return Ok(Value::string(Text::verbatim(text.value.as_bytes(), leaf)));
        }
        self.parts(&template.parts, span, scope).map_err(|stop| stop.typed(Type::String))
    }

    /// The text that parts make.
    pub(super) fn parts(&mut self, parts: &[Part], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        let mut all =
            Joined { builder: TextBuilder::default(), marks: Marks::NONE, unknown: None, control: SetId::EMPTY };
        for part in parts {
            let value = match part {
                Part::Text(text) => {
                    let leaf = self.context.sets.leaf(scope.leaf(Says::Template, text.span));
                    let text = Text::verbatim(text.value.as_bytes(), leaf);
                    self.context.budget.text(text.len()).map_err(|problem| scope.stop(span, problem))?;
                    all.push(&text, SetId::EMPTY, &mut self.context.sets);
                    continue;
                }
                Part::Interpolation { value, .. } => self.evaluate(value, scope)?,
                Part::If(directive) => self.deeper(|evaluator| evaluator.if_directive(directive, scope))?,
                Part::For(directive) => self.deeper(|evaluator| evaluator.for_directive(directive, scope))?,
            };
            self.append(&mut all, &value, part.span(), scope)?;
        }
        Ok(all.value(&mut self.context.sets))
    }

    /// Appends a value to a text.
    fn append(&mut self, all: &mut Joined, value: &Value, span: Span, scope: Scope<'_>) -> Result<(), Stop> {
        if value.is_null() {
            let message = "Invalid template interpolation value: The expression result is null. Cannot include a null value in \
                           a string template.";
            return Err(scope.broken(span, message));
        }
        all.marks = all.marks.with(value.marks());
        if !value.is_known() {
            let flow = value.flow();
            all.control = self.context.sets.union_all([all.control, flow.control, flow.data]);
            all.unknown = all.unknown.take().or_else(|| value.reason().cloned());
            return Ok(());
        }
        let converted = convert(&mut self.context, &value.clone().marked_only(Marks::NONE), &Type::String);
        let converted = converted.map_err(|problem| {
            let message = format!(
                "Invalid template interpolation value: Cannot include the given value in a string template: {problem}."
            );
            scope.stop(span, Problem { message, ..problem })
        })?;
        if let Some(string) = converted.as_string() {
            self.context.budget.text(string.text().len()).map_err(|problem| scope.stop(span, problem))?;
            all.push(string.text(), converted.flow().control, &mut self.context.sets);
        }
        Ok(())
    }

    /// The text of a `%{if}`; a conditional of two templates.
    fn if_directive(&mut self, directive: &If, scope: Scope<'_>) -> Result<Value, Stop> {
        let test = self.evaluate(&directive.test, scope)?;
        let then = self.parts(&directive.then, directive.span, scope);
        let otherwise = self.parts(directive.otherwise.as_deref().unwrap_or_default(), directive.span, scope);
        for result in [&then, &otherwise] {
            if let Err(stop) = result
                && !stop.can_be_tried
            {
                return Err(stop.clone());
            }
        }
        if test.is_null() {
            return Err(scope.broken(directive.test.span, "Null condition: Conditions must either be true or false."));
        }
        let control = self.control_of(&test);
        let marks = test.marks();
        if !test.is_known() {
            let reason = test.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a condition".into()));
            let is_not_null = then.is_ok() && otherwise.is_ok();
            let refinement = Refinement { is_not_null, ..Refinement::default() };
            let value = Value::not_known(Type::String, Unknown { reason, refinement });
            let flow = self.flow_of(then.iter().chain(&otherwise));
            let flow = self.with_wording(flow, directive.span, scope);
            return Ok(value.with_flow(flow).with_marks(marks).under(&mut self.context.sets, control));
        }
        let test = convert(&mut self.context, &test.unmarked(), &Type::Bool).map_err(|problem| {
            let message = "Incorrect condition type: The condition expression must be of type bool.".to_owned();
            scope.stop(directive.test.span, Problem { message, ..problem })
        })?;
        let value = if test.as_bool() == Some(true) { then? } else { otherwise? };
        Ok(value.with_marks(marks).under(&mut self.context.sets, control))
    }

    /// One text of the texts of a `%{for}`.
    pub(super) fn joined(&mut self, values: &[Value], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        let mut all =
            Joined { builder: TextBuilder::default(), marks: Marks::NONE, unknown: None, control: SetId::EMPTY };
        for value in values {
            if !value.is_known() {
                let reason = value.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a value".into()));
                let flow = self.flow_of(values);
                return Ok(Value::unknown_of(Type::String, reason).with_marks(value.marks()).with_flow(flow));
            }
            self.append(&mut all, value, span, scope)?;
        }
        Ok(all.value(&mut self.context.sets))
    }
}

/// A text in the making.
struct Joined {
    builder: TextBuilder,
    marks: Marks,
    /// Why it is not known, from where on what follows counts no more.
    unknown: Option<Reason>,
    control: SetId,
}

impl Joined {
    fn push(&mut self, text: &Text, control: SetId, sets: &mut Sets<Leaf>) {
        if self.unknown.is_some() {
            let flow = flow_of(sets, text);
            self.control = sets.union_all([self.control, flow.data, flow.control, control]);
        } else {
            self.builder.push_under(text, |own| sets.union(own, control));
            if text.is_empty() && text.pieces().is_empty() && !control.is_empty() {
                self.builder.push_bytes(&[], MadeOf::NOTHING, control);
            }
        }
    }

    fn value(self, sets: &mut Sets<Leaf>) -> Value {
        let text = self.builder.build();
        match self.unknown {
            None => Value::string(text).with_marks(self.marks),
            Some(reason) => {
                let flow = flow_of(sets, &text);
                let data = sets.union(flow.data, self.control);
                let prefix = text.as_str().map(safe_prefix).unwrap_or_default();
                let refinement = Refinement::not_null().with_prefix(prefix);
                let value = Value::not_known(Type::String, Unknown { reason, refinement });
                let flow = Flow { data, control: flow.control };
                value.with_flow(flow).with_marks(self.marks)
            }
        }
    }
}

/// What stays as it is whatever follows it: all but the last character, which might become another one together with what
/// follows, unless it is one that never does (go-cty's `SafeKnownPrefix`).
fn safe_prefix(text: &str) -> &str {
    let mut end = text.len().min(MAX_PREFIX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    match text.grapheme_indices(true).next_back() {
        Some((_, last)) if last.len() == 1 && "-_:;/\\,.(){}[]|?!~ \t@#$%^&*+\"'".contains(last) => text,
        Some((at, _)) => &text[..at],
        None => text,
    }
}
