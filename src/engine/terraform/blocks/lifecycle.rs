//! `lifecycle`: what a resource says of how it is changed.

use super::{is_address, keyword};
use crate::{
    engine::terraform::{
        configuration::literal,
        leaf::Place,
        module::{Argument, Definition, Mode, Module, Nested},
        problem::Problem,
    },
    source::hcl::{
        tree::{Expression, ExpressionKind, Form, Name, Step, StepKind},
        walk,
    },
};

/// The attributes of the only resource that needs no provider.
const BUILT_IN: &[&str] = &["id", "input", "output", "triggers_replace"];

/// Looks at the block of a resource.
pub(super) fn check(
    module: &Module<'_>,
    mode: Mode,
    resource: &Definition<'_>,
    nested: Nested<'_>,
) -> Result<(), Problem> {
    for attribute in nested.block.body.attributes() {
        let argument = Argument { file: nested.file, attribute };
        match argument.name() {
            _ if mode != Mode::Managed => {
                let message = format!("the lifecycle argument {:?} is for managed resources alone", argument.name());
                return Err(Problem::broken(message).at(argument.place()));
            }
            "create_before_destroy" | "prevent_destroy" => check_flag(argument)?,
            "ignore_changes" => check_ignored(resource, argument)?,
            "replace_triggered_by" => check_triggers(module, resource, argument)?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(())
}

/// What holds is said by a constant.
fn check_flag(argument: Argument<'_>) -> Result<(), Problem> {
    super::constant(Some(argument))?;
    let is_flag = match (&argument.value().kind, literal(argument.value())) {
        (_, Some(text)) => matches!(text, "true" | "false"),
        (
            ExpressionKind::Null | ExpressionKind::Number(_) | ExpressionKind::Tuple(_) | ExpressionKind::Object(_),
            _,
        ) => false,
        _ => true,
    };
    if is_flag {
        return Ok(());
    }
    Err(Problem::broken("Unsuitable value type: a bool is required").at(argument.place()))
}

/// A list of attributes, or the word `all`.
fn check_ignored(resource: &Definition<'_>, argument: Argument<'_>) -> Result<(), Problem> {
    let broken = |expression: &Expression, message: String| {
        Err(Problem::broken(message).at(Place { file: argument.file, span: expression.span }))
    };
    if keyword(argument.value()) == Some("all") {
        return Ok(());
    }
    let ExpressionKind::Tuple(items) = &argument.value().kind else {
        return broken(argument.value(), "Invalid expression: A static list expression is required.".to_owned());
    };
    for item in items {
        let is_text = matches!(&item.kind, ExpressionKind::Template(template) if template.form == Form::Quoted);
        if literal(item) == Some("*") {
            return broken(item, "Invalid ignore_changes wildcard: Use \"ignore_changes = all\".".to_owned());
        }
        let is_written = is_text && literal(item).is_some();
        if !is_address(item) && !is_written {
            return broken(item, "Invalid expression: A single static variable reference is required.".to_owned());
        }
        let root = match &item.kind {
            ExpressionKind::Steps { of, .. } => keyword(of),
            _ => keyword(item).and_then(|text| text.split(['.', '[']).next()),
        };
        if resource.label(0) == "terraform_data"
            && let Some(root) = root
            && !BUILT_IN.contains(&root)
        {
            return broken(item, format!("Unsupported attribute: This object has no argument named {root:?}."));
        }
    }
    Ok(())
}

/// A list of resources, their instances or their attributes.
fn check_triggers(module: &Module<'_>, resource: &Definition<'_>, argument: Argument<'_>) -> Result<(), Problem> {
    let broken = |expression: &Expression, message: &str| {
        Err(Problem::broken(message).at(Place { file: argument.file, span: expression.span }))
    };
    let ExpressionKind::Tuple(items) = &argument.value().kind else {
        return broken(argument.value(), "Invalid expression: A static list expression is required.");
    };
    // A text of JSON is not followed.
    for item in items.iter().filter(|item| !matches!(item.kind, ExpressionKind::Template(_))) {
        let (mut problem, mut resources) = (None, 0);
        walk::references(item, &mut |root: &Name, steps: &[Step]| {
            let named = |at: usize| match steps.get(at).map(|step| &step.kind) {
                Some(StepKind::Attribute(name)) => &*name.text,
                _ => "",
            };
            problem = problem.or(match &*root.text {
                "count" if resource.argument("count").is_none() => {
                    Some("Reference to \"count\" in non-counted context.")
                }
                "each" if resource.argument("for_each").is_none() => Some("Reference to \"each\" without for_each."),
                "count" | "each" => None,
                "var" | "local" | "module" | "path" | "terraform" | "self" => {
                    Some("Only resources, count.index, and each.key may be used in replace_triggered_by.")
                }
                root => {
                    resources += 1;
                    let (mode, ty, name) = match root {
                        "data" => (Mode::Data, named(0), named(1)),
                        "resource" => (Mode::Managed, named(0), named(1)),
                        ty => (Mode::Managed, ty, named(0)),
                    };
                    let is_own = mode == Mode::Managed && (ty, name) == (resource.label(0), resource.label(1));
                    match module.resource(mode, ty, name) {
                        None => Some("Reference to undeclared resource in replace_triggered_by."),
                        Some(_) if is_own => Some("A resource cannot be replaced because of itself."),
                        Some(_) => None,
                    }
                }
            });
        });
        match problem {
            Some(problem) => return broken(item, problem),
            None if resources == 0 => {
                return broken(item, "Missing resource reference in replace_triggered_by expression.");
            }
            None => {}
        }
    }
    Ok(())
}
