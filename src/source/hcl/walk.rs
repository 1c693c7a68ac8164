//! What an expression refers to, whether it is worked out or not.

use super::tree::{Expression, ExpressionKind, Key, Name, Part, Step, StepKind, Template};

/// Calls back for every name that is none of those that a `for` around it gives, with the steps behind it.
pub fn references<'e>(expression: &'e Expression, found: &mut dyn FnMut(&'e Name, &'e [Step])) {
    Walker { bound: Vec::new(), found }.expression(expression);
}

/// The same of a template.
pub fn template<'e>(template: &'e Template, found: &mut dyn FnMut(&'e Name, &'e [Step])) {
    Walker { bound: Vec::new(), found }.parts(&template.parts);
}

struct Walker<'e, 'f> {
    /// The names that stand for elements here.
    bound: Vec<&'e str>,
    found: &'f mut dyn FnMut(&'e Name, &'e [Step]),
}

impl<'e> Walker<'e, '_> {
    fn expression(&mut self, expression: &'e Expression) {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.parts_of(expression));
    }

    fn parts_of(&mut self, expression: &'e Expression) {
        match &expression.kind {
            ExpressionKind::Null | ExpressionKind::Bool(_) | ExpressionKind::Number(_) => {}
            ExpressionKind::Template(template) => self.parts(&template.parts),
            ExpressionKind::Variable(name) => self.name(name, &[]),
            ExpressionKind::Parenthesis(inner) => self.expression(inner),
            ExpressionKind::Tuple(items) => items.iter().for_each(|item| self.expression(item)),
            ExpressionKind::Object(object) => {
                for item in &object.items {
                    if let Key::Expression(key) = &item.key {
                        self.expression(key);
                    }
                    self.expression(&item.value);
                }
            }
            ExpressionKind::For(all) => {
                self.expression(&all.collection);
                self.with_names(&all.key_name, &all.value_name, |walker| {
                    for part in [&all.key, &all.test].into_iter().flatten().chain([&all.value]) {
                        walker.expression(part);
                    }
                });
            }
            ExpressionKind::Call(call) => call.arguments.iter().for_each(|argument| self.expression(argument)),
            ExpressionKind::Steps { of, steps } => {
                match &of.kind {
                    ExpressionKind::Variable(name) => self.name(name, steps),
                    _ => self.expression(of),
                }
                self.steps(steps);
            }
            ExpressionKind::Unary { operand, .. } => self.expression(operand),
            ExpressionKind::Operation(operation) => {
                self.expression(&operation.first);
                operation.rest.iter().for_each(|operand| self.expression(&operand.value));
            }
            ExpressionKind::Conditional(all) => {
                [&all.test, &all.then, &all.otherwise].into_iter().for_each(|part| self.expression(part));
            }
        }
    }

    fn name(&mut self, name: &'e Name, steps: &'e [Step]) {
        if !self.bound.contains(&&*name.text) {
            (self.found)(name, steps);
        }
    }

    fn steps(&mut self, steps: &'e [Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Attribute(_) | StepKind::LegacyIndex(_) => {}
                StepKind::Index(key) => self.expression(key),
                StepKind::AttributeSplat(each) | StepKind::Splat(each) => self.steps(each),
            }
        }
    }

    fn parts(&mut self, parts: &'e [Part]) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Interpolation { value, .. } => self.expression(value),
                Part::If(directive) => {
                    self.expression(&directive.test);
                    self.parts(&directive.then);
                    self.parts(directive.otherwise.as_deref().unwrap_or_default());
                }
                Part::For(directive) => {
                    self.expression(&directive.collection);
                    self.with_names(&directive.key_name, &directive.value_name, |walker| walker.parts(&directive.body));
                }
            }
        }
    }

    fn with_names(&mut self, key: &'e Option<Name>, value: &'e Name, walk: impl FnOnce(&mut Self)) {
        let outside = self.bound.len();
        self.bound.extend(key.iter().chain([value]).map(|name| &*name.text));
        walk(self);
        self.bound.truncate(outside);
    }
}
