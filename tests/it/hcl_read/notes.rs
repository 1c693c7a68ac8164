//! What a tree says, as a list of notes that another reader's tree can be held against: a line for each part, with its bytes.

use sourceward::source::{
    hcl::tree::{
        Body, Expression, ExpressionKind, File, Form, Item, Key, Operator, Part, Step, StepKind, Template, Unary,
    },
    span::Span,
};

/// The notes, and what there is besides them to be checked: that spans lie in each other, in order and on characters.
pub(crate) fn of(text: &str, file: &File) -> Vec<String> {
    let mut notes = Notes { text, all: Vec::new() };
    notes.body(&file.body);
    for comment in &file.comments {
        notes.check(*comment, file.body.span);
        assert!(text[comment.range()].starts_with(['#', '/']), "{:?}", &text[comment.range()]);
    }
    notes.all.sort();
    notes.all
}

/// The same of one expression.
pub(crate) fn of_expression(text: &str, expression: &Expression) {
    let mut notes = Notes { text, all: Vec::new() };
    notes.expression(expression, Span::new(0, text.len()));
}

struct Notes<'t> {
    text: &'t str,
    all: Vec<String>,
}

impl Notes<'_> {
    fn note(&mut self, what: &str, span: Span) {
        self.all.push(format!("{:07} {what} ..{}", span.start, span.end));
    }

    /// A part lies within what it is a part of.
    fn check(&self, span: Span, within: Span) {
        let text = self.text;
        assert!(within.start <= span.start && span.end <= within.end, "{span:?} is not in {within:?} of {text:?}");
        assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?} of {text:?}");
    }

    fn body(&mut self, body: &Body) {
        let mut last = body.span.start;
        for item in &body.items {
            let span = item.span();
            self.check(span, body.span);
            assert!(last <= span.start, "items are in order");
            last = span.end;
            match item {
                Item::Attribute(attribute) => {
                    assert_eq!(&self.text[attribute.name.span.range()], &*attribute.name.text);
                    self.note(&format!("attribute {}", attribute.name.text), span);
                    self.expression(&attribute.value, span);
                }
                Item::Block(block) => {
                    for part in [block.kind.span, block.open, block.body.span, block.close] {
                        self.check(part, span);
                    }
                    assert_eq!((&self.text[block.open.range()], &self.text[block.close.range()]), ("{", "}"));
                    for label in &block.labels {
                        self.check(label.span, span);
                        self.note(&format!("label {:?}", label.text), label.span);
                    }
                    self.note(&format!("block {}", block.kind.text), span);
                    self.body(&block.body);
                }
            }
        }
    }

    fn expressions(&mut self, all: &[Expression], within: Span) {
        let mut last = within.start;
        for expression in all {
            assert!(last <= expression.span.start, "they are in order");
            last = expression.span.end;
            self.expression(expression, within);
        }
    }

    fn expression(&mut self, expression: &Expression, within: Span) {
        let span = expression.span;
        self.check(span, within);
        match &expression.kind {
            ExpressionKind::Null => self.note("null", span),
            ExpressionKind::Bool(value) => self.note(&format!("{value}"), span),
            ExpressionKind::Number(number) => {
                assert_eq!(&**number, &self.text[span.range()]);
                self.note("number", span);
            }
            ExpressionKind::Template(template) => self.quoted(template, span),
            ExpressionKind::Variable(name) => self.note(&format!("variable {}", name.text), span),
            ExpressionKind::Parenthesis(inner) => {
                self.note("parenthesis", span);
                self.expression(inner, span);
            }
            ExpressionKind::Tuple(items) => {
                self.note("tuple", span);
                self.expressions(items, span);
            }
            ExpressionKind::Object(object) => {
                self.note(&format!("object of {}", object.items.len()), span);
                for item in &object.items {
                    self.check(item.span, span);
                    match &item.key {
                        Key::Name(name) => self.note(&format!("key {}", name.text), name.span),
                        Key::Expression(key) => self.expression(key, item.span),
                    }
                    self.note(&format!("{:?}", item.separator), Span::empty(item.key.span().start));
                    self.expression(&item.value, item.span);
                }
            }
            ExpressionKind::For(all) => {
                let key_name = all.key_name.as_ref().map(|name| name.text.to_string());
                let group = all.group.is_some();
                self.note(&format!("for {key_name:?} {} {group}", all.value_name.text), span);
                self.expression(&all.collection, span);
                for part in [&all.key, &all.test].into_iter().flatten().chain([&all.value]) {
                    self.expression(part, span);
                }
            }
            ExpressionKind::Call(call) => {
                self.check(call.open, span);
                self.check(call.close, span);
                let (name, spread) = (&call.name.text, call.spread.is_some());
                self.note(&format!("call {name} of {} {spread}", call.arguments.len()), span);
                self.expressions(&call.arguments, span);
            }
            ExpressionKind::Steps { of, steps } => {
                self.note("steps", span);
                self.expression(of, span);
                self.steps(steps, span);
            }
            ExpressionKind::Unary { operator, operand } => {
                self.note(if *operator == Unary::Minus { "unary -" } else { "unary !" }, span);
                self.expression(operand, span);
            }
            ExpressionKind::Operation(operation) => {
                self.expression(&operation.first, span);
                let mut last = operation.first.span;
                for operand in &operation.rest {
                    assert_eq!(&self.text[operand.operator_span.range()], sign(operand.operator));
                    let left = Span::new(span.start, operand.value.span.end);
                    self.note(&format!("binary {}", sign(operand.operator)), left);
                    assert!(last.end <= operand.operator_span.start);
                    last = operand.value.span;
                    self.expression(&operand.value, span);
                }
            }
            ExpressionKind::Conditional(all) => {
                self.note("conditional", span);
                for part in [&all.test, &all.then, &all.otherwise] {
                    self.expression(part, span);
                }
            }
        }
    }

    fn steps(&mut self, steps: &[Step], within: Span) {
        for step in steps {
            self.check(step.span, within);
            match &step.kind {
                StepKind::Attribute(name) => self.note(&format!(".{}", name.text), Span::empty(name.span.end)),
                StepKind::LegacyIndex(number) => self.note(&format!(".{number}"), Span::empty(step.span.end)),
                StepKind::Index(key) => {
                    self.note("[]", Span::empty(step.span.end));
                    self.expression(key, step.span);
                }
                StepKind::AttributeSplat(each) => {
                    self.note(".*", Span::empty(each.first().map_or(step.span.end, |first| first.span.start)));
                    self.steps(each, step.span);
                }
                StepKind::Splat(each) => {
                    self.note("[*]", Span::empty(each.first().map_or(step.span.end, |first| first.span.start)));
                    self.steps(each, step.span);
                }
            }
        }
    }

    fn quoted(&mut self, template: &Template, span: Span) {
        match template.form {
            Form::Quoted => self.note("quoted", span),
            Form::Heredoc { word, close, .. } => {
                assert_eq!(&self.text[word.range()], self.text[close.range()].trim());
                self.note("heredoc", Span::empty(span.start));
            }
            Form::Bare => self.note("bare", span),
        }
        self.parts(&template.parts, span, template.form);
    }

    fn parts(&mut self, parts: &[Part], within: Span, form: Form) {
        let mut last = within.start;
        for part in parts {
            let span = part.span();
            self.check(span, within);
            assert!(last <= span.start, "parts are in order");
            last = span.end;
            match part {
                Part::Text(text) => {
                    let mut at = 0;
                    for piece in &text.pieces {
                        self.check(piece.raw, text.span);
                        let says = &text.value[at..at + piece.len as usize];
                        assert!(!piece.is_verbatim || *says == self.text[piece.raw.range()], "{piece:?} of {text:?}");
                        at += piece.len as usize;
                    }
                    assert_eq!(at, text.value.len(), "pieces tile the value");
                    if form == Form::Quoted {
                        self.note(&format!("text {:?}", text.value), Span::empty(0));
                    }
                }
                Part::Interpolation { value, span } => {
                    self.note("interpolation", *span);
                    self.expression(value, *span);
                }
                Part::If(directive) => {
                    self.note("if", directive.span);
                    self.expression(&directive.test, directive.span);
                    self.parts(&directive.then, directive.span, form);
                    self.parts(directive.otherwise.as_deref().unwrap_or_default(), directive.span, form);
                }
                Part::For(directive) => {
                    self.note("for", directive.span);
                    self.expression(&directive.collection, directive.span);
                    self.parts(&directive.body, directive.span, form);
                }
            }
        }
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Or => "||",
        Operator::And => "&&",
        Operator::Equal => "==",
        Operator::NotEqual => "!=",
        Operator::Greater => ">",
        Operator::GreaterEqual => ">=",
        Operator::Less => "<",
        Operator::LessEqual => "<=",
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::Modulo => "%",
    }
}
