//! The notes of `hcl-edit`, another reader of HCL.

use hcl_edit::{
    Span as _,
    expr::{Expression, ObjectKey, ObjectValueAssignment, TraversalOperator},
    structure::{Body, Structure},
    template::{Directive, Element, Template},
};

/// The notes of a file, or why `hcl-edit` refuses it.
pub(crate) fn of(text: &str) -> Result<Vec<String>, String> {
    let body = hcl_edit::parser::parse_body(text).map_err(|error| error.to_string())?;
    let mut notes = Notes(text, Vec::new());
    notes.body(&body);
    notes.1.sort();
    Ok(notes.1)
}

struct Notes<'t>(&'t str, Vec<String>);

impl Notes<'_> {
    fn note(&mut self, what: &str, span: std::ops::Range<usize>) {
        self.1.push(format!("{:07} {what} ..{}", span.start, span.end));
    }

    fn at(&mut self, what: &str, place: usize) {
        self.note(what, place..place);
    }

    fn body(&mut self, body: &Body) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let span = attribute.span().expect("an attribute has a place");
                    let value = attribute.value.span().expect("a value has a place");
                    self.note(&format!("attribute {}", attribute.key.as_str()), span.start..value.end);
                    self.expression(&attribute.value);
                }
                Structure::Block(block) => {
                    self.note(&format!("block {}", block.ident.as_str()), block.span().expect("a place"));
                    for label in &block.labels {
                        let span = label.span().expect("a label has a place");
                        self.note(&format!("label {:?}", label.as_str()), span);
                    }
                    self.body(&block.body);
                }
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        let span = expression.span().expect("an expression has a place");
        match expression {
            Expression::Null(_) => self.note("null", span),
            Expression::Bool(value) => self.note(&format!("{}", value.value()), span),
            Expression::Number(_) => {
                // A minus sign is part of the number here.
                let number = self.0[span.clone()].trim_start_matches('-').trim_start().len();
                if number < span.len() {
                    self.note("unary -", span.clone());
                }
                self.note("number", span.end - number..span.end);
            }
            Expression::String(text) => {
                self.note("quoted", span);
                self.at(&format!("text {:?}", text.as_str()), 0);
            }
            Expression::StringTemplate(template) => {
                self.note("quoted", span);
                self.elements(template.iter(), true);
            }
            Expression::HeredocTemplate(heredoc) => {
                self.at("heredoc", span.start);
                self.template(&heredoc.template, false);
            }
            Expression::Variable(name) => self.note(&format!("variable {}", name.as_str()), span),
            Expression::Parenthesis(inner) => {
                self.note("parenthesis", span);
                self.expression(inner.inner());
            }
            Expression::Array(items) => {
                self.note("tuple", span);
                items.iter().for_each(|item| self.expression(item));
            }
            Expression::Object(object) => {
                self.note(&format!("object of {}", object.len()), span);
                for (key, value) in object {
                    let place = key.span().expect("a key has a place");
                    match key {
                        ObjectKey::Ident(name) => self.note(&format!("key {}", name.as_str()), place.clone()),
                        ObjectKey::Expression(Expression::Variable(name)) => {
                            self.note(&format!("key {}", name.as_str()), place.clone());
                        }
                        ObjectKey::Expression(key) => self.expression(key),
                    }
                    let is_equals = value.assignment() == ObjectValueAssignment::Equals;
                    self.at(if is_equals { "Equals" } else { "Colon" }, place.start);
                    self.expression(value.expr());
                }
            }
            Expression::ForExpr(all) => {
                let key_name = all.intro.key_var.as_ref().map(|name| name.as_str().to_owned());
                self.note(&format!("for {key_name:?} {} {}", all.intro.value_var.as_str(), all.grouping), span);
                self.expression(&all.intro.collection_expr);
                self.expression(&all.value_expr);
                all.key_expr.iter().for_each(|key| self.expression(key));
                all.cond.iter().for_each(|test| self.expression(&test.expr));
            }
            Expression::FuncCall(call) => {
                let names = call.name.namespace.iter().chain([&call.name.name]);
                let name = names.map(|name| name.as_str()).collect::<Vec<_>>().join("::");
                self.note(&format!("call {name} of {} {}", call.args.len(), call.args.expand_final()), span);
                call.args.iter().for_each(|argument| self.expression(argument));
            }
            Expression::Traversal(traversal) => {
                self.note("steps", span);
                self.expression(&traversal.expr);
                for operator in &traversal.operators {
                    let place = operator.span().expect("an operator has a place");
                    match operator.value() {
                        TraversalOperator::AttrSplat(_) => self.at(".*", place.end),
                        TraversalOperator::FullSplat(_) => self.at("[*]", place.end),
                        TraversalOperator::GetAttr(name) => self.at(&format!(".{}", name.as_str()), place.end),
                        TraversalOperator::Index(key) => {
                            self.at("[]", place.end);
                            self.expression(key);
                        }
                        TraversalOperator::LegacyIndex(number) => self.at(&format!(".{}", number.value()), place.end),
                    }
                }
            }
            Expression::UnaryOp(operation) => {
                self.note(&format!("unary {}", operation.operator.value().as_str()), span);
                self.expression(&operation.expr);
            }
            Expression::BinaryOp(operation) => {
                self.note(&format!("binary {}", operation.operator.value().as_str()), span);
                self.expression(&operation.lhs_expr);
                self.expression(&operation.rhs_expr);
            }
            Expression::Conditional(all) => {
                self.note("conditional", span);
                for part in [&all.cond_expr, &all.true_expr, &all.false_expr] {
                    self.expression(part);
                }
            }
        }
    }

    fn template(&mut self, template: &Template, has_text: bool) {
        self.elements(template.iter(), has_text);
    }

    fn elements<'e>(&mut self, elements: impl Iterator<Item = &'e Element>, has_text: bool) {
        for element in elements {
            match element {
                Element::Literal(text) if has_text => self.at(&format!("text {:?}", text.as_str()), 0),
                Element::Literal(_) => {}
                Element::Interpolation(interpolation) => {
                    self.note("interpolation", interpolation.span().expect("a place"));
                    self.expression(&interpolation.expr);
                }
                Element::Directive(directive) => {
                    let span = directive.span().expect("a place");
                    match &**directive {
                        Directive::If(directive) => {
                            self.note("if", span);
                            self.expression(&directive.if_expr.cond_expr);
                            self.template(&directive.if_expr.template, has_text);
                            directive.else_expr.iter().for_each(|other| self.template(&other.template, has_text));
                        }
                        Directive::For(directive) => {
                            self.note("for", span);
                            self.expression(&directive.for_expr.collection_expr);
                            self.template(&directive.for_expr.template, has_text);
                        }
                    }
                }
            }
        }
    }
}
