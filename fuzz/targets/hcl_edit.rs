//! Any edit of any file of HCL is refused, or changes nothing but what it names and reads back.
//!
//! The first bytes of the input choose the place, what happens there and the value; the rest is the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use sourceward::source::{
    hcl::{
        edit::{Change, applied, word},
        json,
        lex::{Start, tokens},
        parse, parse_expression, parse_template,
        tree::{Body, Expression, ExpressionKind, Item, Key, Part, Step, StepKind},
    },
    span::Span,
};

fuzz_target!(|input: &[u8]| {
    let [place, change, value, position, bytes @ ..] = input else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for start in [Start::Language, Start::Template] {
        let mut end = 0;
        for token in tokens(text, start) {
            let span = token.span();
            assert!(end <= span.start && text.get(span.range()).is_some(), "{token:?} behind {end} of {text:?}");
            end = span.end;
        }
    }
    let _ = parse_expression(text);
    let _ = parse_template(text);
    let _ = json::read::parse(text);
    let Ok(file) = parse(text) else { return };
    let mut spans = Vec::new();
    body(&file.body, &mut spans);
    for span in &spans {
        assert!(text.get(span.range()).is_some(), "{span:?} is no part of {text:?}");
    }
    let Some(at) = spans.get(usize::from(*place) % spans.len().max(1)) else { return };
    let change = chosen(*change, *at, value_of(*value), usize::from(*position));
    let Ok(splices) = word(text, &change) else { return };
    let mut end = 0;
    for splice in &splices {
        assert!(end <= splice.span.start && splice.span.start <= splice.span.end, "{splices:?} overlap");
        end = splice.span.end;
    }
    let after = applied(text, &splices);
    assert!(parse(&after).is_ok(), "{text:?} {change:?} {after:?}");
});

fn chosen(which: u8, at: Span, value: Value, position: usize) -> Change {
    let name = ["a", "b c", "tags", "x-y", "${", "for"][position % 6].to_owned();
    match which % 10 {
        0 => Change::Set { at, value },
        1 => Change::Text { at, range: (position / 8, position / 4), text: value.to_string() },
        2 => Change::Rename { at, name },
        3 => Change::Argument { within: Some(at), name, value },
        4 => Change::Argument { within: None, name, value },
        5 => {
            let value = Map::from_iter([("a".to_owned(), value)]);
            Change::Block { within: at, kind: name, value, lists_are_blocks: false }
        }
        6 => Change::Key { within: at, key: name, value },
        7 => Change::Element { within: at, index: position, value },
        8 => Change::Remove { at },
        _ => Change::RemoveElement { within: at, index: position },
    }
}

fn value_of(which: u8) -> Value {
    match which % 8 {
        0 => json!("x"),
        1 => json!("${b} %{c} \"q\" \\ $ \n\r\u{7}"),
        2 => json!(-1.5),
        3 => Value::Null,
        4 => json!(["a", {"b": [1, {}]}]),
        5 => json!({"a": {"b c": "EOT\n"}, "for": true}),
        6 => json!("one\n  two\n\n"),
        _ => json!([]),
    }
}

fn body(of: &Body, found: &mut Vec<Span>) {
    for item in &of.items {
        found.push(item.span());
        match item {
            Item::Attribute(attribute) => {
                found.push(attribute.name.span);
                expression(&attribute.value, found);
            }
            Item::Block(block) => {
                found.extend(block.labels.iter().map(|label| label.span));
                body(&block.body, found);
            }
        }
    }
}

fn expression(of: &Expression, found: &mut Vec<Span>) {
    found.push(of.span);
    match &of.kind {
        ExpressionKind::Null | ExpressionKind::Bool(_) | ExpressionKind::Number(_) | ExpressionKind::Variable(_) => {}
        ExpressionKind::Template(template) => parts(&template.parts, found),
        ExpressionKind::Parenthesis(inner) => expression(inner, found),
        ExpressionKind::Tuple(items) => items.iter().for_each(|item| expression(item, found)),
        ExpressionKind::Object(object) => {
            for item in &object.items {
                found.push(item.key.span());
                if let Key::Expression(key) = &item.key {
                    expression(key, found);
                }
                expression(&item.value, found);
            }
        }
        ExpressionKind::For(each) => {
            let all = [Some(&each.collection), each.key.as_ref(), Some(&each.value), each.test.as_ref()];
            all.into_iter().flatten().for_each(|part| expression(part, found));
        }
        ExpressionKind::Call(call) => call.arguments.iter().for_each(|argument| expression(argument, found)),
        ExpressionKind::Steps { of, steps } => {
            expression(of, found);
            self::steps(steps, found);
        }
        ExpressionKind::Unary { operand, .. } => expression(operand, found),
        ExpressionKind::Operation(operation) => {
            expression(&operation.first, found);
            operation.rest.iter().for_each(|operand| expression(&operand.value, found));
        }
        ExpressionKind::Conditional(each) => {
            [&each.test, &each.then, &each.otherwise].into_iter().for_each(|part| expression(part, found));
        }
    }
}

fn steps(all: &[Step], found: &mut Vec<Span>) {
    for step in all {
        found.push(step.span);
        match &step.kind {
            StepKind::Attribute(_) | StepKind::LegacyIndex(_) => {}
            StepKind::Index(key) => expression(key, found),
            StepKind::AttributeSplat(each) | StepKind::Splat(each) => steps(each, found),
        }
    }
}

fn parts(all: &[Part], found: &mut Vec<Span>) {
    for part in all {
        found.push(part.span());
        match part {
            Part::Text(_) => {}
            Part::Interpolation { value, .. } => expression(value, found),
            Part::If(directive) => {
                expression(&directive.test, found);
                parts(&directive.then, found);
                parts(directive.otherwise.as_deref().unwrap_or_default(), found);
            }
            Part::For(directive) => {
                expression(&directive.collection, found);
                parts(&directive.body, found);
            }
        }
    }
}
