//! What is said when a template does not render: Go's message with its place, as Helm prints it.

use crate::engine::go::quote;
use std::fmt;

use super::super::{
    fault::{Fault, FaultKind},
    leaf::FileId,
    program::{Template, Written},
};
use crate::{
    engine::helm::functions::template::{WARNING_END, WARNING_START},
    source::span::Span,
};

/// Why a template does not render, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who would stop there.
    pub kind: FaultKind,
    /// The message as Helm prints it, each template on the way with its place.
    pub message: String,
    /// The innermost reason alone.
    pub reason: String,
    /// Where it happened; absent in the text that `tpl` was given, and where no template was executed.
    pub place: Option<Place>,
}

/// A place in a template's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Span,
}

impl Failure {
    /// A failure outside of all templates.
    pub(super) fn nowhere(fault: Fault) -> Box<Self> {
        Box::new(Self { kind: fault.kind, reason: fault.message.clone(), message: fault.message, place: None })
    }

    /// Go's `state.errorf`.
    pub(super) fn at(template: &Template, span: Span, fault: Fault) -> Box<Self> {
        let message = located(template, span, &fault.message);
        let place = match template.unit.written {
            Written::File(file) => Some(Place { file, span }),
            Written::Text(_) => None,
        };
        Box::new(Self { kind: fault.kind, reason: fault.message, message, place })
    }

    /// The failure of a template, seen from the call that executed it.
    pub(super) fn through(mut self: Box<Self>, template: &Template, span: Span, call: &str) -> Box<Self> {
        self.message = located(template, span, &format!("error calling {call}: {}", self.message));
        self
    }

    /// Helm's `cleanupExecError`: of `fail` and `required`, only the first place and their own text are told.
    pub(super) fn in_helms_words(mut self: Box<Self>) -> Box<Self> {
        let marked = (self.message.find(WARNING_START), self.message.rfind(WARNING_END));
        if let (Some(start), Some(end)) = marked
            && let Some(location) = self.message.split(": ").nth(1)
            && start + WARNING_START.len() <= end
        {
            let warning = &self.message[start + WARNING_START.len()..end];
            self.message = format!("execution error at ({location}): {warning}");
        }
        self.reason = self.reason.replace(WARNING_START, "").replace(WARNING_END, "");
        self
    }
}

fn located(template: &Template, span: Span, message: &str) -> String {
    let unit = &template.unit;
    let source = unit.slice(span);
    let start = (span.start + position(source)).min(unit.text.len());
    let before = &unit.text.as_bytes()[..start];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    let name = match template.define {
        None => &unit.name,
        Some(at) => &unit.ast.defines[at].name,
    };
    let executing = quote::quoted(name.as_bytes());
    format!("template: {}:{line}:{column}: executing {executing} at <{source}>: {message}", unit.name)
}

/// Where in a node's source Go counts it from: a chain of fields from its second part.
fn position(source: &str) -> usize {
    let is_chain = !source.contains(|character: char| character.is_whitespace() || "()|\"'`".contains(character));
    match source.strip_prefix(['.', '$']) {
        Some(rest) if is_chain => rest.find('.').map_or(0, |dot| dot + 1),
        _ => 0,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
