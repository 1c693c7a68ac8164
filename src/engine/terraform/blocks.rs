//! What Terraform refuses of blocks before it works anything out: names that are taken, blocks that stand twice, arguments of
//! the language itself, which are words and addresses rather than values.

mod lifecycle;
mod provisioner;
mod settings;

use std::collections::BTreeSet;

use super::{
    configuration::literal,
    leaf::Place,
    module::{Argument, Definition, Mode, Module},
    problem::Problem,
};
use crate::source::hcl::{
    tree::{Expression, ExpressionKind, Form, Step, StepKind},
    walk,
};

/// What a call of a module has beside the variables of the module.
const RESERVED: &[&str] =
    &["source", "version", "count", "for_each", "depends_on", "providers", "_", "lifecycle", "locals", "provider"];

/// Looks at the blocks of a module.
///
/// # Errors
/// The first that Terraform refuses.
pub fn check(module: &Module<'_>) -> Result<(), Problem> {
    settings::check(module)?;
    for (name, variable) in &module.variables {
        if RESERVED.contains(name) {
            let message =
                format!("Invalid variable name: {name:?} is reserved due to its meaning inside module blocks.");
            return Err(Problem::broken(message).at(variable.place()));
        }
        constant(variable.argument("description"))?;
    }
    for output in module.outputs.values() {
        constant(output.argument("description"))?;
        if output.block.body.attribute("value").is_none() {
            let message = "Missing required argument: The argument \"value\" is required.";
            return Err(Problem::broken(message).at(output.place()));
        }
    }
    let aliases = settings::aliases(module)?;
    for (mode, resource) in module.resources.iter() {
        check_resource(module, mode, resource, &aliases)?;
    }
    Ok(())
}

fn check_resource(
    module: &Module<'_>,
    mode: Mode,
    resource: &Definition<'_>,
    aliases: &BTreeSet<(&str, &str)>,
) -> Result<(), Problem> {
    for kind in ["lifecycle", "connection"] {
        let mut all = resource.block.body.blocks().filter(|block| *block.kind.text == *kind);
        if let (Some(_), Some(second)) = (all.next(), all.next())
            && (kind == "lifecycle" || mode == Mode::Managed)
        {
            let place = Place { file: resource.file, span: second.kind.span };
            return Err(Problem::broken(format!("Duplicate {kind} block: This resource has one already.")).at(place));
        }
    }
    for nested in &resource.blocks {
        match nested.kind() {
            "lifecycle" => lifecycle::check(module, mode, resource, *nested)?,
            "provisioner" if mode == Mode::Managed => provisioner::check(*nested)?,
            "connection" if mode == Mode::Managed => {}
            "provisioner" => return Err(nested.unexpected()),
            "dynamic" => {}
            _ if (mode, resource.label(0)) == (Mode::Managed, "terraform_data") => return Err(nested.unexpected()),
            _ => {}
        }
    }
    match resource.argument("provider") {
        Some(provider) => check_provider(provider, aliases),
        None => settings::check_type(module, mode, resource),
    }
}

/// A provider is a name with perhaps that of a configuration behind it.
fn check_provider(argument: Argument<'_>, aliases: &BTreeSet<(&str, &str)>) -> Result<(), Problem> {
    let broken = |message: &str| Err(Problem::broken(message).at(argument.place()));
    match &argument.value().kind {
        ExpressionKind::Variable(_) => Ok(()),
        // As it was written once, and as JSON writes it.
        ExpressionKind::Template(template) if template.literal().is_some() => Ok(()),
        ExpressionKind::Steps { of, steps } => match (&of.kind, &steps[..]) {
            (ExpressionKind::Variable(name), [Step { kind: StepKind::Attribute(alias), .. }]) => {
                let is_there = |alias: &str| aliases.contains(&(&*name.text, alias));
                if is_there(&alias.text) || is_there(settings::ANY) {
                    return Ok(());
                }
                broken("Provider configuration not present: There is no provider block with this alias.")
            }
            _ => broken("Invalid provider configuration reference: A name stands alone or has one alias behind it."),
        },
        _ => broken("Invalid provider configuration reference: The provider argument requires a provider's name."),
    }
}

/// Refuses what is not known without anything else.
fn constant(argument: Option<Argument<'_>>) -> Result<(), Problem> {
    let Some(argument) = argument else { return Ok(()) };
    let mut refers = false;
    walk::references(argument.value(), &mut |_, _| refers = true);
    let message = match &argument.value().kind {
        _ if refers => "Variables not allowed: Variables may not be used here.",
        ExpressionKind::Call(_) => "Function calls not allowed: Functions may not be called here.",
        _ => return Ok(()),
    };
    Err(Problem::broken(message).at(argument.place()))
}

/// The words that stand for no value, bare or, as once and in JSON, in quotes.
fn keyword(expression: &Expression) -> Option<&str> {
    match &expression.kind {
        ExpressionKind::Variable(name) => Some(&name.text),
        _ => literal(expression),
    }
}

/// Tells whether it is an address: names and constant keys alone. In JSON it is a text.
pub(super) fn is_address(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Variable(_) => true,
        ExpressionKind::Template(template) => template.form == Form::Bare,
        ExpressionKind::Steps { of, steps } => {
            let is_constant = |step: &Step| match &step.kind {
                StepKind::Attribute(_) | StepKind::LegacyIndex(_) => true,
                StepKind::Index(key) => matches!(key.kind, ExpressionKind::Number(_)) || key.literal().is_some(),
                StepKind::AttributeSplat(_) | StepKind::Splat(_) => false,
            };
            matches!(of.kind, ExpressionKind::Variable(_)) && steps.iter().all(is_constant)
        }
        _ => false,
    }
}
