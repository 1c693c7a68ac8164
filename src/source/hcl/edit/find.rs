//! What is at bytes of a file, and what is around it.

use crate::source::{
    hcl::tree::{
        Attribute, Block, Body, Expression, ExpressionKind, Form, Item, Key, Object, Part, Step, StepKind, Text,
    },
    span::Span,
};

/// Something in a file, with what holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'t> {
    /// An argument of a body.
    Attribute(&'t Body, &'t Attribute),
    /// A block of a body.
    Block(&'t Body, &'t Block),
    /// A value.
    Expression(&'t Expression),
    /// An element of a tuple, by its position.
    Element(&'t Expression, &'t [Expression], usize),
    /// An item of an object, by its position.
    Item(&'t Expression, &'t Object, usize),
    /// Literal text of a template.
    Text(&'t Text, Form),
}

/// The first thing around these bytes, from the outside inwards, that is what is looked for.
pub(super) fn find<'t, T>(body: &'t Body, at: Span, mut pick: impl FnMut(Node<'t>) -> Option<T>) -> Option<T> {
    let mut found = None;
    let mut search = Search {
        at,
        visit: &mut |node| {
            if found.is_none() {
                found = pick(node);
            }
            found.is_none()
        },
    };
    search.body(body);
    found
}

/// The elements of the tuple at these bytes.
pub(super) fn elements(body: &Body, at: Span) -> Option<Vec<Span>> {
    find(body, at, |node| match node {
        Node::Expression(Expression { kind: ExpressionKind::Tuple(items), span, .. }) if *span == at => {
            Some(items.iter().map(|item| item.span).collect())
        }
        _ => None,
    })
}

struct Search<'v, 't> {
    at: Span,
    /// Tells whether to go on.
    visit: &'v mut dyn FnMut(Node<'t>) -> bool,
}

impl<'t> Search<'_, 't> {
    fn holds(&self, span: Span) -> bool {
        span.start <= self.at.start && self.at.end <= span.end
    }

    fn body(&mut self, body: &'t Body) {
        for item in body.items.iter().filter(|item| self.holds(item.span())).collect::<Vec<_>>() {
            match item {
                Item::Attribute(attribute) => {
                    if !(self.visit)(Node::Attribute(body, attribute)) {
                        return;
                    }
                    self.expression(&attribute.value);
                }
                Item::Block(block) => {
                    if !(self.visit)(Node::Block(body, block)) {
                        return;
                    }
                    self.body(&block.body);
                }
            }
        }
    }

    fn expression(&mut self, expression: &'t Expression) {
        if self.holds(expression.span) && (self.visit)(Node::Expression(expression)) {
            stacker::maybe_grow(64 << 10, 1 << 20, || self.inside(expression));
        }
    }

    fn inside(&mut self, expression: &'t Expression) {
        match &expression.kind {
            ExpressionKind::Null
            | ExpressionKind::Bool(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::Variable(_) => {}
            ExpressionKind::Template(template) => self.parts(&template.parts, template.form),
            ExpressionKind::Parenthesis(inner) => self.expression(inner),
            ExpressionKind::Tuple(items) => {
                for (index, item) in
                    items.iter().enumerate().filter(|(_, item)| self.holds(item.span)).collect::<Vec<_>>()
                {
                    if (self.visit)(Node::Element(expression, items, index)) {
                        self.expression(item);
                    }
                }
            }
            ExpressionKind::Object(object) => {
                for (index, item) in object.items.iter().enumerate() {
                    if self.holds(item.span) && (self.visit)(Node::Item(expression, object, index)) {
                        if let Key::Expression(key) = &item.key {
                            self.expression(key);
                        }
                        self.expression(&item.value);
                    }
                }
            }
            ExpressionKind::For(each) => {
                let parts = [Some(&each.collection), each.key.as_ref(), Some(&each.value), each.test.as_ref()];
                parts.into_iter().flatten().for_each(|part| self.expression(part));
            }
            ExpressionKind::Call(call) => call.arguments.iter().for_each(|argument| self.expression(argument)),
            ExpressionKind::Steps { of, steps } => {
                self.expression(of);
                self.steps(steps);
            }
            ExpressionKind::Unary { operand, .. } => self.expression(operand),
            ExpressionKind::Operation(operation) => {
                self.expression(&operation.first);
                operation.rest.iter().for_each(|operand| self.expression(&operand.value));
            }
            ExpressionKind::Conditional(each) => {
                [&each.test, &each.then, &each.otherwise].into_iter().for_each(|part| self.expression(part));
            }
        }
    }

    fn steps(&mut self, steps: &'t [Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Attribute(_) | StepKind::LegacyIndex(_) => {}
                StepKind::Index(key) => self.expression(key),
                StepKind::AttributeSplat(each) | StepKind::Splat(each) => self.steps(each),
            }
        }
    }

    fn parts(&mut self, parts: &'t [Part], form: Form) {
        for part in parts.iter().filter(|part| self.holds(part.span())).collect::<Vec<_>>() {
            match part {
                Part::Text(text) => {
                    (self.visit)(Node::Text(text, form));
                }
                Part::Interpolation { value, .. } => self.expression(value),
                Part::If(directive) => {
                    self.expression(&directive.test);
                    self.parts(&directive.then, form);
                    self.parts(directive.otherwise.as_deref().unwrap_or_default(), form);
                }
                Part::For(directive) => {
                    self.expression(&directive.collection);
                    self.parts(&directive.body, form);
                }
            }
        }
    }
}
