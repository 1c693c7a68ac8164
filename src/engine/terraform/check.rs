//! What Terraform refuses of a module before it works anything out: references to what is not declared.

use super::{
    evaluate::{
        Broken,
        reference::{Repeats, check_references},
    },
    leaf::{FileId, Place},
    module::{Argument, Definition, Module},
    problem::Problem,
};
use crate::source::hcl::{
    tree::{Block, Body, Expression, Item, StepKind},
    walk,
};

/// A module, and what of it is passed over.
type Checked<'c> = (&'c Module<'c>, &'c Broken);

/// Looks at all expressions of a module but those that are known to be broken.
///
/// # Errors
/// The first reference to something that is not declared.
pub fn check(module: &Module<'_>, broken: &Broken) -> Result<(), Problem> {
    let module = (module, broken);
    let none = Repeats::default();
    for local in module.0.locals.values() {
        check_argument(module, *local, none)?;
    }
    for definition in module.0.outputs.values().chain(module.0.variables.values()).chain(&module.0.others) {
        let is_variable = &*definition.block.kind.text == "variable";
        for argument in definition.arguments.iter().filter(|_| !is_variable) {
            check_argument(module, *argument, none)?;
        }
        for nested in &definition.blocks {
            if matches!(nested.kind(), "precondition" | "assert") {
                check_condition(nested.file, &nested.block.body)?;
            } else if nested.kind() == "validation" {
                check_validation(nested.file, definition.label(0), &nested.block.body)?;
            }
            check_body(module, nested.file, &nested.block.body, none)?;
        }
    }
    for definition in module.0.calls.values() {
        for argument in definition.arguments.iter().filter(|argument| argument.name() != "providers") {
            check_argument(module, *argument, repeats(definition, argument.name()))?;
        }
    }
    for (_, definition) in module.0.resources.iter() {
        for argument in definition.arguments.iter().filter(|argument| argument.name() != "provider") {
            check_argument(module, *argument, repeats(definition, argument.name()))?;
        }
        for nested in &definition.blocks {
            check_block(module, nested.file, nested.block, repeats(definition, ""))?;
        }
    }
    Ok(())
}

/// What an argument sees: those that say how many instances there are see none of them.
fn repeats(definition: &Definition<'_>, argument: &str) -> Repeats {
    let is_meta = matches!(argument, "count" | "for_each" | "depends_on");
    let has = |name: &str| definition.argument(name).is_some() && !is_meta;
    Repeats { each: has("for_each"), count: has("count"), own: false }
}

/// A condition that refers to nothing checks nothing.
fn check_condition(file: FileId, rule: &Body) -> Result<(), Problem> {
    let Some(condition) = rule.attribute("condition") else { return Ok(()) };
    let mut refers = false;
    walk::references(&condition.value, &mut |_, _| refers = true);
    if refers {
        return Ok(());
    }
    let message = "Invalid condition expression: The condition expression must refer to at least one object from elsewhere in \
                   the configuration, or else its result would not be checking anything.";
    Err(Problem::broken(message).at(Place { file, span: condition.value.span }))
}

/// A rule of a variable that does not refer to the variable is a rule of something else.
fn check_validation(file: FileId, name: &str, rule: &Body) -> Result<(), Problem> {
    let Some(condition) = rule.attribute("condition") else { return Ok(()) };
    let mut refers = false;
    walk::references(&condition.value, &mut |root, steps| {
        let first = steps.first().map(|step| &step.kind);
        refers |= &*root.text == "var" && matches!(first, Some(StepKind::Attribute(found)) if *found.text == *name);
    });
    if refers {
        return Ok(());
    }
    let message = format!(
        "Invalid variable validation condition: The condition for variable {name:?} must refer to var.{name} in order to test \
         incoming values."
    );
    Err(Problem::broken(message).at(Place { file, span: condition.value.span }))
}

fn check_argument(module: Checked<'_>, argument: Argument<'_>, sees: Repeats) -> Result<(), Problem> {
    check_expression(module, argument.file, argument.value(), sees)
}

fn check_expression(
    (module, broken): Checked<'_>,
    file: FileId,
    expression: &Expression,
    sees: Repeats,
) -> Result<(), Problem> {
    if broken.contains(&Place { file, span: expression.span }) {
        return Ok(());
    }
    check_references(module, expression, sees)
        .map_err(|(span, message)| Problem::broken(message).at(Place { file, span }))
}

fn check_body(module: Checked<'_>, file: FileId, body: &Body, sees: Repeats) -> Result<(), Problem> {
    for item in &body.items {
        match item {
            Item::Attribute(attribute) => check_expression(module, file, &attribute.value, sees)?,
            Item::Block(block) => check_block(module, file, block, sees)?,
        }
    }
    Ok(())
}

fn check_block(module: Checked<'_>, file: FileId, block: &Block, sees: Repeats) -> Result<(), Problem> {
    match &*block.kind.text {
        // What stands in it is no expression, but for the conditions.
        "lifecycle" => {
            for rule in block.body.blocks() {
                check_condition(file, &rule.body)?;
                let own = &*rule.kind.text == "postcondition";
                check_body(module, file, &rule.body, Repeats { own, ..sees })?;
            }
            Ok(())
        }
        "provisioner" | "connection" => {
            let inner = Repeats { own: true, ..sees };
            for item in &block.body.items {
                match item {
                    Item::Attribute(attribute) if matches!(&*attribute.name.text, "when" | "on_failure") => {}
                    Item::Attribute(attribute) => check_expression(module, file, &attribute.value, inner)?,
                    Item::Block(nested) => check_block(module, file, nested, inner)?,
                }
            }
            Ok(())
        }
        "dynamic" => {
            // What is in its content is only looked at where there is such a block.
            for attribute in block.body.attributes().filter(|attribute| &*attribute.name.text == "for_each") {
                check_expression(module, file, &attribute.value, sees)?;
            }
            Ok(())
        }
        _ => check_body(module, file, &block.body, sees),
    }
}
