//! Which provider a resource belongs to, and the labels that it says.

use super::{KINDS, Kind, Told, unknown};
use crate::{
    engine::terraform::{
        convert::convert,
        evaluate::Evaluator,
        leaf::Role,
        module::{Argument, Definition},
        scope::{InstanceId, Repetition, Scope, Sees},
        types::Type,
        value::Value,
    },
    source::hcl::tree::{Expression, ExpressionKind, Key, StepKind},
};

/// Where the configuration of a provider stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nowhere: the provider does as it does by itself.
    Nowhere,
    /// It cannot be told.
    Unclear,
    /// In an instance of a module, the block of this number among the module's others.
    At(InstanceId, usize),
}

/// The blocks of providers that say labels.
pub fn with_labels(evaluator: &Evaluator<'_, '_>) -> Told {
    let mut found = Told::new();
    for index in 0..evaluator.instances.len() {
        let Ok(index) = u32::try_from(index) else { break };
        let instance = InstanceId(index);
        for (position, definition) in evaluator.module(instance).others.iter().enumerate() {
            if is_provider(definition) && KINDS.iter().any(|kind| says_labels(definition, kind)) {
                found.insert((instance, position));
            }
        }
    }
    found
}

fn is_provider(definition: &Definition<'_>) -> bool {
    &*definition.block.kind.text == "provider"
}

fn says_labels(definition: &Definition<'_>, kind: &Kind) -> bool {
    let is_it = |name: &str| name == kind.said();
    definition.arguments.iter().any(|argument| is_it(argument.name()))
        || definition
            .blocks
            .iter()
            .any(|nested| is_it(nested.kind()) || nested.block.labels.first().is_some_and(|label| is_it(&label.text)))
}

/// The name of a provider as a module calls it, and the alias of its configuration.
type Name = (String, Option<String>);

/// The name that an expression is: `aws`, `aws.west`, or either as a text.
fn name_of(expression: &Expression) -> Option<Name> {
    if let Some(text) = expression.literal() {
        let mut parts = text.value.split('.').map(str::to_owned);
        let name = (parts.next()?, parts.next());
        return parts.next().is_none().then_some(name);
    }
    match &expression.kind {
        ExpressionKind::Variable(name) => Some((name.text.to_string(), None)),
        ExpressionKind::Steps { of, steps } => match (&of.kind, &steps[..]) {
            (ExpressionKind::Variable(name), [step]) => match &step.kind {
                StepKind::Attribute(alias) => Some((name.text.to_string(), Some(alias.text.to_string()))),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The configuration that a resource's provider has.
pub fn of(evaluator: &Evaluator<'_, '_>, instance: InstanceId, definition: &Definition<'_>, ty: &str) -> Found {
    let named = match definition.argument("provider") {
        Some(argument) => name_of(argument.value()),
        None => ty.split('_').next().map(|name| (name.to_owned(), None)),
    };
    let (Some(mut name), mut instance) = (named, instance) else { return Found::Unclear };
    loop {
        let caller = evaluator.instances[instance.0 as usize].caller.as_ref();
        if let Some((caller, passed)) = caller.and_then(|it| Some((it, it.definition.argument("providers")?))) {
            match handed(passed, &name) {
                Err(()) => return Found::Unclear,
                Ok(Some(outer)) => {
                    (name, instance) = (outer, caller.instance);
                    continue;
                }
                Ok(None) => {}
            }
        }
        let others = evaluator.module(instance).others.iter().enumerate();
        let mut here = others.filter(|(_, other)| is_provider(other) && is_named(other, &name) != Some(false));
        match (here.next(), here.next()) {
            (Some((position, only)), None) if is_named(only, &name).is_some() => {
                // An empty block of a module may stand for what its caller hands it.
                let is_empty = only.arguments.is_empty() && only.blocks.is_empty();
                return if is_empty && caller.is_some() { Found::Unclear } else { Found::At(instance, position) };
            }
            (None, _) => {}
            _ => return Found::Unclear,
        }
        match caller {
            _ if name.1.is_some() => return Found::Unclear,
            Some(caller) => instance = caller.instance,
            None => return Found::Nowhere,
        }
    }
}

/// The name that a provider has where the module is called, if the call says it.
fn handed(providers: Argument<'_>, wanted: &Name) -> Result<Option<Name>, ()> {
    let ExpressionKind::Object(object) = &providers.value().kind else { return Err(()) };
    for item in &object.items {
        let inner = match &item.key {
            Key::Name(name) => (name.text.to_string(), None),
            Key::Expression(expression) => name_of(expression).ok_or(())?,
        };
        if inner == *wanted {
            return name_of(&item.value).map(Some).ok_or(());
        }
    }
    Ok(None)
}

/// Tells whether a block configures the provider of a name; nothing where that is worked out.
fn is_named(definition: &Definition<'_>, (name, alias): &Name) -> Option<bool> {
    if definition.label(0) != name {
        return Some(false);
    }
    match definition.argument("alias") {
        None => Some(alias.is_none()),
        Some(known) => known.value().literal().map(|known| alias.as_deref() == Some(&*known.value)),
    }
}

/// What a provider's block says of labels.
#[derive(Clone, Debug)]
pub enum Said {
    /// None.
    Nothing,
    /// These, which may be unknown.
    Labels(Value),
    /// Some, in a way that is not read.
    Unreadable,
}

/// The labels that a provider's block says.
pub fn labels(evaluator: &mut Evaluator<'_, '_>, (instance, position): (InstanceId, usize), kind: &Kind) -> Said {
    let definition = &evaluator.module(instance).others[position];
    if !says_labels(definition, kind) {
        return Said::Nothing;
    }
    let Some(argument) = argument(definition, kind) else { return Said::Unreadable };
    let mut names = vec!["provider", definition.label(0)];
    names.extend(kind.block);
    names.push(kind.argument);
    let path = evaluator.path(&names);
    let sees = Sees::Module(instance, &Repetition::Once);
    let scope = Scope { file: argument.file, role: Role::Provider, path, names: None, sees };
    let Ok(value) = evaluator.evaluate(argument.value(), scope) else { return Said::Unreadable };
    if value.is_null() {
        return Said::Unreadable;
    }
    let flow = evaluator.flow_of([&value]);
    let texts = convert(&mut evaluator.context, &value, &Type::map(Type::String)).ok();
    let is_plain = |texts: &Value| {
        texts.as_mapping().is_some_and(|texts| texts.entries().iter().all(|entry| !entry.value.is_null()))
    };
    // What is to be passed over is not among the labels either.
    let passes_over = definition.blocks.iter().any(|nested| nested.kind() == "ignore_tags")
        || definition.argument("ignore_tags").is_some();
    match texts.filter(|texts| is_plain(texts) && !passes_over) {
        Some(texts) => Said::Labels(texts),
        None => Said::Labels(unknown(value.reason(), kind, flow)),
    }
}

/// The argument that says labels, if it is the only one that does.
fn argument<'p>(definition: &Definition<'p>, kind: &Kind) -> Option<Argument<'p>> {
    let Some(block) = kind.block else { return definition.argument(kind.argument) };
    if definition.blocks.iter().any(|nested| nested.kind() == "dynamic") || definition.argument(block).is_some() {
        return None;
    }
    let mut blocks = definition.blocks_of(block);
    let (Some(nested), None) = (blocks.next(), blocks.next()) else { return None };
    let attribute = nested.block.body.attribute(kind.argument)?;
    let is_only = nested.block.body.items.len() == 1;
    is_only.then_some(Argument { file: nested.file, attribute })
}
