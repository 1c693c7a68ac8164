//! Just enough of HCL's expressions to say what rows say: literals, calls, conditionals, arithmetic. `terraform_data.u.id`
//! is a string and `terraform_data.u.output` anything that a plan does not know.

use hcl_edit::{
    Span,
    expr::{BinaryOperator, Expression, ObjectKey, TraversalOperator, UnaryOperator},
    parser,
};
use sourceward::engine::terraform::{
    context::Context,
    convert::convert,
    equal::equal,
    functions,
    number::Number,
    problem::Problem,
    types::Type,
    unify::{Safety, unify},
    unknown::{Reason, Unknown},
    value::{Entry, Key, Marks, Value},
};

/// The value of an expression.
pub(crate) fn evaluate(context: &mut Context<'_>, source: &str) -> Result<Value, Problem> {
    let parsed = parser::parse_expr(source).map_err(|error| Problem::broken(format!("no expression: {error}")))?;
    Evaluator { context, source }.value(&parsed)
}

struct Evaluator<'c, 't, 's> {
    context: &'c mut Context<'t>,
    source: &'s str,
}

impl Evaluator<'_, '_, '_> {
    fn value(&mut self, expression: &Expression) -> Result<Value, Problem> {
        Ok(match expression {
            Expression::Null(_) => Value::null(Type::Dynamic),
            Expression::Bool(bool) => Value::bool(*bool.value()),
            Expression::Number(number) => {
                let written = &self.source[number.span().expect("a span")];
                Value::number(Number::parse(written).expect("a number"))
            }
            Expression::String(string) => Value::text(string.value()),
            Expression::Parenthesis(inner) => self.value(inner.inner())?,
            Expression::Array(array) => {
                let elements: Vec<Value> = array.iter().map(|element| self.value(element)).collect::<Result<_, _>>()?;
                Value::tuple(elements)
            }
            Expression::Object(object) => {
                let mut entries = Vec::new();
                for (key, value) in object.iter() {
                    let key = match key {
                        ObjectKey::Ident(name) => Key::plain(name.as_str()),
                        ObjectKey::Expression(expression) => {
                            let key = self.value(expression)?;
                            let key = convert(self.context, &key, &Type::String)?;
                            Key::of(&key).expect("a known key")
                        }
                    };
                    entries.push(Entry { key, value: self.value(value.expr())? });
                }
                Value::object(entries)
            }
            Expression::FuncCall(call) => {
                let name = call.name.name.as_str();
                let Some(function) = functions::find(name) else {
                    return Err(Problem::broken(format!("There is no function named {name:?}.")));
                };
                let mut arguments: Vec<Value> =
                    call.args.iter().map(|argument| self.value(argument)).collect::<Result<_, _>>()?;
                if call.args.expand_final() {
                    let last = arguments.pop().expect("an argument to expand");
                    arguments.extend(last.as_sequence().expect("a sequence to expand").iter().cloned());
                }
                functions::call(self.context, function, arguments)?
            }
            Expression::Traversal(traversal) => {
                let names: Vec<String> = traversal
                    .operators
                    .iter()
                    .map(|operator| match operator.value() {
                        TraversalOperator::GetAttr(name) => name.to_string(),
                        other => panic!("{other:?} is not evaluated here"),
                    })
                    .collect();
                let reason = Reason::Resource("terraform_data.u".into());
                match names.last().map(String::as_str) {
                    Some("id") => Value::not_known(Type::String, Unknown::not_null(reason)),
                    Some("output") => Value::unknown_of(Type::Dynamic, reason),
                    other => panic!("{other:?} is not evaluated here"),
                }
            }
            Expression::UnaryOp(operation) => {
                let operand = self.value(&operation.expr)?;
                match operation.operator.value() {
                    UnaryOperator::Neg => {
                        let number = convert(self.context, &operand, &Type::Number)?;
                        Value::number(number.as_number().expect("a known number").negated())
                    }
                    UnaryOperator::Not => {
                        let bool = convert(self.context, &operand, &Type::Bool)?;
                        Value::bool(!bool.as_bool().expect("a known bool"))
                    }
                }
            }
            Expression::Conditional(conditional) => {
                let (then, otherwise) = (self.value(&conditional.true_expr)?, self.value(&conditional.false_expr)?);
                let decided = self.value(&conditional.cond_expr)?;
                let types = [then.ty().clone(), otherwise.ty().clone()];
                let open = |value: &Value| value.is_null() && *value.ty() == Type::Dynamic;
                let ty = match (open(&then), open(&otherwise)) {
                    (true, _) => otherwise.ty().clone(),
                    (_, true) => then.ty().clone(),
                    _ => unify(&types, Safety::Unsafe)
                        .ok_or_else(|| Problem::broken("Inconsistent conditional result types"))?,
                };
                let chosen = if decided.as_bool() == Some(true) { then } else { otherwise };
                convert(self.context, &chosen, &ty)?
            }
            Expression::BinaryOp(operation) => {
                let (left, right) = (self.value(&operation.lhs_expr)?, self.value(&operation.rhs_expr)?);
                self.operated(*operation.operator.value(), &left, &right)?
            }
            other => panic!("{other:?} is not evaluated here"),
        })
    }

    fn operated(&mut self, operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value, Problem> {
        let marks = left.marks_within().with(right.marks_within());
        if let BinaryOperator::Eq | BinaryOperator::NotEq = operator {
            let equal = equal(&left.clone().unmarked(), &right.clone().unmarked());
            let reason = left.reason().or_else(|| right.reason()).cloned();
            let answer = match equal {
                Some(equal) => Value::bool(equal == (operator == BinaryOperator::Eq)),
                None => Value::unknown_of(Type::Bool, reason.expect("something is unknown")),
            };
            return Ok(answer.with_marks(marks));
        }
        let (left, right) = (convert(self.context, left, &Type::Number)?, convert(self.context, right, &Type::Number)?);
        let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else {
            panic!("arithmetic of unknown values is not evaluated here")
        };
        let answer = match operator {
            BinaryOperator::Plus => a.add(b),
            BinaryOperator::Minus => a.subtract(b),
            BinaryOperator::Mul => a.multiply(b),
            BinaryOperator::Div => a.divide(b),
            BinaryOperator::Mod => a.remainder(b),
            BinaryOperator::Less => return Ok(Value::bool(a < b).with_marks(marks)),
            BinaryOperator::Greater => return Ok(Value::bool(a > b).with_marks(marks)),
            other => panic!("{other:?} is not evaluated here"),
        };
        let marks: Marks = marks;
        answer.map(|number| Value::number(number).with_marks(marks)).ok_or_else(|| Problem::broken("Operation failed"))
    }
}
