//! What an argument would have taken, had it been said: `lookup(each.value, "size", "small")` takes the size of the entry,
//! `coalesce(var.size, "small")` that of the variable.

use serde_json::Value as Json;

use super::{Search, find, leaves};
use crate::{
    engine::terraform::{
        leaf::{Leaf, Role, Says},
        number::Number,
        scope::{InstanceId, Repetition},
        value::{Entry, Value, walk::flow_of},
    },
    model::{change::Action, pointer::Pointer},
    source::{
        hcl::{
            edit::expression_of,
            tree::{Expression, ExpressionKind, Part, Step, StepKind},
        },
        lineage::sets::SetId,
    },
};

/// A name and the names behind it: `each value size`.
type Reference = Vec<String>;

/// What stands for the position of the instance in a reference: `var.rules[count.index]`.
const COUNT: &str = "count.index";

/// Finds the entries and variables that the argument at a pointer refers to and that do not say the value yet.
pub(super) fn sites(search: &mut Search<'_>, at: &Pointer, new: &Json) {
    let Some((leaf, expression)) = written(search, at) else { return };
    let mut all = Vec::new();
    references(&expression, &mut all);
    let module = search.built.planned.module;
    let (module, repetition) = match (leaf.role, &search.built.whole.module(module).call) {
        (Role::ModuleArgument, Some(call)) => (call.instance, call.repetition.clone()),
        (Role::Resource, _) => (module, search.built.planned.repetition.clone()),
        _ => return,
    };
    let index = match &repetition {
        Repetition::Count(index) => index.as_number().and_then(Number::to_i64).map(|index| index.to_string()),
        Repetition::Once | Repetition::Each(..) => None,
    };
    for mut reference in all {
        for name in reference.iter_mut().filter(|name| *name == COUNT) {
            let Some(index) = &index else { break };
            name.clone_from(index);
        }
        let names: Vec<&str> = reference.iter().map(String::as_str).collect();
        match (&names[..], &repetition) {
            (["each", "value", above @ .., last], Repetition::Each(_, value)) => {
                lacking(search, value, above, last, new)
            }
            (["var", name], _) => variable(search, module, name, new),
            (["var", name, above @ .., last], _) => {
                let value = search.built.whole.module(module).variables.get(*name).cloned();
                if let Some(value) = value {
                    lacking(search, &value, above, last, new);
                }
            }
            _ => {}
        }
    }
}

/// The innermost argument or item on the way to a field that is written in a file of the configuration.
pub(super) fn written(search: &Search<'_>, at: &Pointer) -> Option<(Leaf, Expression)> {
    let mut found = None;
    let mut value = &search.built.planned.value;
    for token in at.tokens() {
        let entry = value.as_mapping().and_then(|mapping| mapping.get(token));
        found = entry.and_then(|entry| said(search, entry)).or(found);
        value = find(value, &Pointer::of([token.as_str()]))?;
    }
    found
}

/// The argument or item that says an entry, if it is written in a file of the configuration, and what it is set to.
pub(super) fn said(search: &Search<'_>, entry: &Entry) -> Option<(Leaf, Expression)> {
    let whole = search.built.whole;
    let flow = flow_of(&mut whole.sets.borrow_mut(), entry.key.text());
    match whole.leaves(flow.data)[..] {
        [leaf @ Leaf { says: Says::Key, place: Some(place), .. }] => {
            Some((leaf, expression_of(&whole.parsed(place.file)?.body, place.span)?))
        }
        _ => None,
    }
}

/// An object that lacks an attribute, or has nothing but a default of it, gets it.
fn lacking(search: &mut Search<'_>, value: &Value, above: &[&str], last: &str, new: &Json) {
    let Some(object) = find(value, &Pointer::of(above.iter().copied())) else { return };
    let Some(mapping) = object.as_mapping() else { return };
    if let Some(entry) = mapping.get(last) {
        let key = flow_of(&mut search.built.whole.sets.borrow_mut(), entry.key.text());
        if key.data != SetId::EMPTY {
            // It is written: null, or a value that something else was taken over.
            for leaf in search.leaves(&entry.value) {
                search.at_leaf(&leaf, &Action::Set(new.clone()));
            }
            return;
        }
    }
    let containers = search.built.whole.leaves(object.flow().data);
    for leaf in containers.iter().filter(|leaf| leaf.says == Says::Container) {
        search.at_leaf(leaf, &Action::AddKey { key: last.to_owned(), value: new.clone() });
    }
}

/// A variable is given the value.
fn variable(search: &mut Search<'_>, module: InstanceId, name: &str, new: &Json) {
    let Some(value) = search.built.whole.module(module).variables.get(name).cloned() else { return };
    if value.is_null() {
        search.found.add(leaves::given(search.built, module, name, new));
    }
    for leaf in search.leaves(&value).iter().filter(|leaf| leaf.says == Says::Literal) {
        search.at_leaf(leaf, &Action::Set(new.clone()));
    }
}

/// What an expression refers to, with the keys that `lookup` asks for.
fn references(expression: &Expression, found: &mut Vec<Reference>) {
    stacker::maybe_grow(64 << 10, 1 << 20, || match &expression.kind {
        ExpressionKind::Steps { of, steps } => match path(of, steps) {
            Some(path) => found.push(path),
            None => references(of, found),
        },
        ExpressionKind::Call(call) => {
            if let ("lookup", [of, key, ..]) = (&*call.name.text, &call.arguments[..])
                && let ExpressionKind::Steps { of, steps } = &of.kind
                && let (Some(mut path), Some(key)) = (path(of, steps), key.literal())
            {
                path.push(key.value.to_string());
                found.push(path);
            }
            call.arguments.iter().for_each(|argument| references(argument, found));
        }
        ExpressionKind::Parenthesis(inner) => references(inner, found),
        ExpressionKind::Conditional(each) => {
            [&each.test, &each.then, &each.otherwise].into_iter().for_each(|part| references(part, found));
        }
        ExpressionKind::Operation(operation) => {
            references(&operation.first, found);
            operation.rest.iter().for_each(|operand| references(&operand.value, found));
        }
        ExpressionKind::Template(template) => {
            for part in &template.parts {
                if let Part::Interpolation { value, .. } = part {
                    references(value, found);
                }
            }
        }
        _ => {}
    });
}

/// A reference that is nothing but names.
pub(super) fn path(of: &Expression, steps: &[Step]) -> Option<Reference> {
    let ExpressionKind::Variable(name) = &of.kind else { return None };
    let mut names = vec![name.text.to_string()];
    for step in steps {
        names.push(match &step.kind {
            StepKind::Attribute(name) => name.text.to_string(),
            StepKind::Index(key) if is_count(key) => COUNT.to_owned(),
            StepKind::Index(key) => key.literal()?.value.to_string(),
            _ => return None,
        });
    }
    Some(names)
}

fn is_count(key: &Expression) -> bool {
    let ExpressionKind::Steps { of, steps } = &key.kind else { return false };
    match (&of.kind, &steps[..]) {
        (ExpressionKind::Variable(name), [Step { kind: StepKind::Attribute(step), .. }]) => {
            *name.text == *"count" && *step.text == *"index"
        }
        _ => false,
    }
}
