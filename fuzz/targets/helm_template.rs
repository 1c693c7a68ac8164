//! Any text is a template or none, and every part of a template stands where it says, within what holds it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sourceward::{
    engine::helm::{
        functions::Functions,
        template::{
            ast::{Branch, Fields, Node, NodeKind, Operand, OperandKind, Pipeline},
            parse::parse,
        },
    },
    source::span::Span,
};

thread_local! {
    static FUNCTIONS: Functions = Functions::all();
}

fuzz_target!(|text: &str| {
    FUNCTIONS.with(|functions| match parse(text, &|name| functions.contains(name)) {
        Err(error) => {
            assert!(error.offset <= text.len(), "{text:?}: {error:?}");
            assert!((1..=1 + text.matches('\n').count()).contains(&error.line), "{text:?}: {error:?}");
            let _ = error.describe("t.yaml");
        }
        Ok(file) => {
            let whole = Span::new(0, text.len());
            nodes(text, &file.body, whole);
            for define in &file.defines {
                within(text, define.span, whole);
                nodes(text, &define.body, define.span);
                let _ = define.is_empty(text);
            }
        }
    });
});

fn within(text: &str, inner: Span, outer: Span) {
    assert!(text.get(inner.range()).is_some(), "{inner:?} is no part of {text:?}");
    assert!(outer.start <= inner.start && inner.end <= outer.end, "{inner:?} is not in {outer:?} of {text:?}");
}

/// Nodes follow each other; a `block` is where its definition stands.
fn nodes(text: &str, all: &[Node], outer: Span) {
    let mut end = outer.start;
    for node in all {
        let span = node.span();
        within(text, span, outer);
        assert!(end <= span.start, "{span:?} begins before {end} in {text:?}");
        end = span.end;
        match &node.kind {
            NodeKind::Text | NodeKind::Break | NodeKind::Continue => {}
            NodeKind::Action(of) => pipeline(text, of, span),
            NodeKind::If(branch) | NodeKind::With(branch) | NodeKind::Range(branch) => self::branch(text, branch, span),
            NodeKind::Template(inclusion) => {
                within(text, inclusion.name_span, span);
                inclusion.argument.iter().for_each(|of| pipeline(text, of, span));
            }
        }
    }
}

fn branch(text: &str, of: &Branch, outer: Span) {
    pipeline(text, &of.pipeline, outer);
    nodes(text, &of.body, outer);
    nodes(text, of.otherwise.as_deref().unwrap_or_default(), outer);
}

fn pipeline(text: &str, of: &Pipeline, outer: Span) {
    within(text, of.span(), outer);
    of.variables.iter().for_each(|variable| within(text, variable.span(), of.span()));
    for command in of.commands() {
        within(text, command.span(), of.span());
        command.operands().for_each(|each| operand(text, each, command.span()));
    }
}

fn operand(text: &str, of: &Operand, outer: Span) {
    within(text, of.span(), outer);
    match &of.kind {
        OperandKind::Field(fields) => self::fields(text, *fields, of.span()),
        OperandKind::Variable { variable, fields } => {
            within(text, variable.span(), of.span());
            assert!(variable.name(text).starts_with('$'), "{text:?}");
            self::fields(text, *fields, of.span());
        }
        OperandKind::Pipeline(inner) => pipeline(text, inner, of.span()),
        OperandKind::Chain { of: inner, fields } => {
            operand(text, inner, of.span());
            self::fields(text, *fields, of.span());
        }
        OperandKind::Dot
        | OperandKind::Nil
        | OperandKind::Bool(_)
        | OperandKind::Number(_)
        | OperandKind::Text(_)
        | OperandKind::Function => {}
    }
}

fn fields(text: &str, of: Fields, outer: Span) {
    within(text, of.span(), outer);
    assert!(of.names(text).all(|name| !name.is_empty()), "{text:?}");
    assert_eq!(of.is_empty(), of.names(text).next().is_none());
}
