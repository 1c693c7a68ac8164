//! Operators. Strings that look like numbers and bools are taken as such.

use super::{ANYTHING, Evaluator};
use crate::{
    engine::terraform::{
        convert::convert,
        equal::equal,
        number::Number,
        problem::Problem,
        scope::{Scope, Sees, Stop},
        types::Type,
        unknown::{Reason, Unknown},
        value::{Marks, Value},
    },
    source::{
        hcl::tree::{Expression, Operation, Operator, Unary},
        lineage::sets::Flow,
        span::Span,
    },
};

/// What an operator makes.
fn result_type(operator: Operator) -> Type {
    match operator {
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Modulo => Type::Number,
        _ => Type::Bool,
    }
}

/// What an operator's operands have to be.
fn operand_type(operator: Operator) -> Type {
    match operator {
        Operator::Or | Operator::And => Type::Bool,
        Operator::Equal | Operator::NotEqual => Type::Dynamic,
        _ => Type::Number,
    }
}

impl Evaluator<'_, '_> {
    pub(super) fn operation(&mut self, operation: &Operation, scope: Scope<'_>) -> Result<Value, Stop> {
        let mut left = self.evaluate(&operation.first, scope);
        let mut span = operation.first.span;
        for operand in &operation.rest {
            let ty = result_type(operand.operator);
            let right = self.evaluate(&operand.value, scope);
            let whole = Span::new(operation.first.span.start, operand.value.span.end);
            if self.is_lazy
                && let Some(decided) = self.decided(operand.operator, &left, &right)
            {
                (left, span) = (decided.map_err(|stop| stop.typed(ty)), whole);
                continue;
            }
            left = match (left, right) {
                (Err(stop), Err(other)) => Err(if stop.can_be_tried { other } else { stop }.typed(ty)),
                (Err(stop), _) | (_, Err(stop)) => Err(stop.typed(ty)),
                (Ok(left), Ok(right))
                    if matches!(scope.sees, Sees::Terragrunt(..))
                        && self.meets_checkout(&[left.clone(), right.clone()])? =>
                {
                    Ok(self.open_call("a comparison of paths", &[left, right]))
                }
                (Ok(left), Ok(right)) => {
                    let spans = [span, operand.value.span];
                    let value = self.binary(operand.operator, [left, right], spans, whole, scope);
                    value.map_err(|stop| stop.typed(ty))
                }
            };
            span = whole;
        }
        left
    }

    /// What one operand of `&&` or `||` decides on its own, whatever is wrong with the other one (HashiCorp's `ShortCircuit` of
    /// Terraform 1.12; before, both had to be right).
    fn decided(
        &mut self,
        operator: Operator,
        left: &Result<Value, Stop>,
        right: &Result<Value, Stop>,
    ) -> Option<Result<Value, Stop>> {
        let deciding = match operator {
            Operator::And => false,
            Operator::Or => true,
            _ => return None,
        };
        let mut operands = Vec::with_capacity(2);
        for operand in [left, right] {
            match operand {
                Ok(value) => operands.push(Some(convert(&mut self.context, value, &Type::Bool).ok()?)),
                Err(stop) if stop.can_be_tried => operands.push(None),
                Err(_) => return None,
            }
        }
        let known = |operand: &Option<Value>| operand.as_ref().and_then(Value::as_bool);
        let is_null = |operand: &Option<Value>| operand.as_ref().is_some_and(Value::is_null);
        let [left_value, right_value] = &operands[..] else { return None };
        if is_null(left_value) || is_null(right_value) {
            return None;
        }
        let answer = match (known(left_value), known(right_value)) {
            (Some(bool), _) | (_, Some(bool)) if bool == deciding => Value::bool(deciding),
            // The first is right and not known: whether the second one is ever looked at is not known either.
            (None, None) if left_value.is_some() && right_value.is_none() => {
                let reason = left_value.as_ref()?.reason().cloned()?;
                Value::not_known(Type::Bool, Unknown::not_null(reason)).with_flow(ANYTHING)
            }
            _ => return None,
        };
        let flow = self.flow_of(operands.iter().flatten());
        let marks = operands.iter().flatten().fold(Marks::NONE, |marks, operand| marks.with(operand.marks_within()));
        let flow = self.context.sets.join(flow, answer.flow());
        Some(Ok(answer.with_flow(flow).with_marks(marks)))
    }

    fn binary(
        &mut self,
        operator: Operator,
        operands: [Value; 2],
        spans: [Span; 2],
        whole: Span,
        scope: Scope<'_>,
    ) -> Result<Value, Stop> {
        let ty = operand_type(operator);
        let mut converted = Vec::with_capacity(2);
        for ((operand, span), side) in operands.iter().zip(spans).zip(["left", "right"]) {
            let value = convert(&mut self.context, operand, &ty).map_err(|problem| {
                let message = format!("Invalid operand: Unsuitable value for {side} operand: {problem}.");
                scope.stop(span, Problem { message, ..problem })
            })?;
            if value.is_null() && ty != Type::Dynamic {
                let message = format!("Operation failed: Error during operation: the {side} operand must not be null.");
                return Err(scope.broken(span, message));
            }
            converted.push(value);
        }
        let [left, right] = &converted[..] else { unreachable!("there are two operands") };
        self.context.budget.step(left.size() + right.size()).map_err(|problem| scope.stop(whole, problem))?;
        let value = self.applied(operator, left, right).map_err(|problem| scope.stop(whole, problem))?;
        let flow = if left.is_null() || right.is_null() {
            // Whether a value is null does not depend on what it holds.
            let sets = &mut self.context.sets;
            let (left, right) = (left.own_flow(sets), right.own_flow(sets));
            sets.join(left, right)
        } else {
            self.flow_of([left, right])
        };
        let marks = left.marks_within().with(right.marks_within());
        Ok(value.with_flow(flow).with_marks(marks))
    }

    /// Everything that some values are made of.
    pub(in crate::engine::terraform) fn flow_of<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) -> Flow {
        let sets = &mut self.context.sets;
        values.into_iter().fold(Flow::default(), |all, value| {
            let flow = value.whole_flow(sets);
            sets.join(all, flow)
        })
    }

    /// The result of an operator, without its origins.
    fn applied(&mut self, operator: Operator, left: &Value, right: &Value) -> Result<Value, Problem> {
        let unknown = |ty: Type| {
            let reason = left.reason().or(right.reason()).cloned();
            let reason = reason.unwrap_or_else(|| Reason::Unsupported("an operand".into()));
            Value::not_known(ty, Unknown::not_null(reason))
        };
        if let Operator::Equal | Operator::NotEqual = operator {
            // A resource is never null, but whether it equals another one its provider knows.
            let is_open = left.ty().has_open() || right.ty().has_open();
            let is_equal = if is_open && !left.is_null() && !right.is_null() { None } else { equal(left, right) };
            return Ok(match is_equal {
                Some(is_equal) => Value::bool(is_equal == (operator == Operator::Equal)),
                None => unknown(Type::Bool),
            });
        }
        if let (Some(left), Some(right)) = (left.as_bool(), right.as_bool()) {
            return Ok(Value::bool(if operator == Operator::And { left && right } else { left || right }));
        }
        let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else {
            let known = compared(operator, left, right);
            return Ok(known.map_or_else(|| unknown(result_type(operator)), Value::bool));
        };
        let number = |result: Option<Number>, why: &str| {
            let problem = || Problem::broken(format!("Operation failed: Error during operation: {why}."));
            result.map(Value::number).ok_or_else(problem)
        };
        match operator {
            Operator::Add => number(a.add(b), "can't compute sum of opposing infinities"),
            Operator::Subtract => number(a.subtract(b), "can't subtract infinity from itself"),
            Operator::Multiply => number(a.multiply(b), "can't multiply zero by infinity"),
            Operator::Divide => number(a.divide(b), "can't divide zero by zero or infinity by infinity"),
            Operator::Modulo => number(a.remainder(b), "can't use modulo with zero and infinity"),
            Operator::Greater => Ok(Value::bool(a > b)),
            Operator::GreaterEqual => Ok(Value::bool(a >= b)),
            Operator::Less => Ok(Value::bool(a < b)),
            Operator::LessEqual => Ok(Value::bool(a <= b)),
            Operator::Or | Operator::And | Operator::Equal | Operator::NotEqual => Ok(unknown(Type::Bool)),
        }
    }

    pub(super) fn unary(
        &mut self,
        operator: Unary,
        operand: &Expression,
        span: Span,
        scope: Scope<'_>,
    ) -> Result<Value, Stop> {
        let ty = if operator == Unary::Minus { Type::Number } else { Type::Bool };
        let value = self.evaluate(operand, scope).map_err(|stop| stop.typed(ty.clone()))?;
        let value = convert(&mut self.context, &value, &ty).map_err(|problem| {
            let message = format!("Invalid operand: Unsuitable value for unary operand: {problem}.");
            scope.stop(operand.span, Problem { message, ..problem }).typed(ty.clone())
        })?;
        if value.is_null() {
            let message = "Operation failed: Error during operation: argument must not be null.";
            return Err(scope.broken(span, message).typed(ty));
        }
        let result = match (value.as_bool(), value.as_number()) {
            (Some(bool), _) => Value::bool(!bool),
            (_, Some(number)) => Value::number(number.negated()),
            _ => {
                let reason = value.reason().cloned();
                Value::not_known(
                    ty,
                    Unknown::not_null(reason.unwrap_or_else(|| Reason::Unsupported("an operand".into()))),
                )
            }
        };
        let flow = self.flow_of([&value]);
        Ok(result.with_flow(flow).with_marks(value.marks().with(Marks::NONE)))
    }
}

/// What a comparison is whatever the unknown numbers turn out to be, as their bounds say.
fn compared(operator: Operator, left: &Value, right: &Value) -> Option<bool> {
    let (greater, less) = (is_beyond(left, right), is_beyond(right, left));
    match operator {
        Operator::Greater | Operator::GreaterEqual if greater => Some(true),
        Operator::Less | Operator::LessEqual if less => Some(true),
        Operator::Greater if less => Some(false),
        Operator::Less if greater => Some(false),
        Operator::GreaterEqual if less && equal(left, right) == Some(false) => Some(false),
        Operator::LessEqual if greater && equal(left, right) == Some(false) => Some(false),
        _ => None,
    }
}

/// Tells whether one number is certainly greater than another one.
fn is_beyond(greater: &Value, less: &Value) -> bool {
    let bound = |value: &Value, is_lower: bool| match (value.as_number(), value.unknown()) {
        (Some(number), _) => Some(number.clone()),
        (None, Some(unknown)) => {
            let bound = if is_lower { &unknown.refinement.lower } else { &unknown.refinement.upper };
            bound.as_ref().map(|bound| bound.number.clone())
        }
        (None, None) => None,
    };
    bound(greater, true).zip(bound(less, false)).is_some_and(|(lower, upper)| lower > upper)
}
