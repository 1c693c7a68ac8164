//! `provisioner`: what is done once a resource is made, or before it goes.

use super::keyword;
use crate::{
    engine::terraform::{
        leaf::Place,
        module::{Argument, Definition, Nested},
        problem::Problem,
    },
    source::hcl::{
        tree::{Body, Step, StepKind},
        walk,
    },
};

/// A kind of provisioner: its name, what it takes and what it has to be given.
type Kind = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The provisioners that Terraform brings.
const KINDS: &[Kind] = &[
    ("file", &["source", "content", "destination"], &["destination"]),
    ("local-exec", &["command", "interpreter", "working_dir", "environment", "quiet"], &["command"]),
    ("remote-exec", &["inline", "script", "scripts"], &[]),
];

/// Looks at the block of a resource.
pub(super) fn check(nested: Nested<'_>) -> Result<(), Problem> {
    let provisioner = Definition::of(nested.file, nested.block);
    let broken = |message: String| Err(Problem::broken(message).at(provisioner.place()));
    let [label] = &nested.block.labels[..] else {
        return broken("All provisioner blocks must have 1 label, their type.".to_owned());
    };
    let Some((_, known, required)) = KINDS.iter().find(|(kind, ..)| *kind == &*label.text) else {
        return broken(format!("Missing required provisioner plugin: There is no provisioner {:?}.", label.text));
    };
    for argument in &provisioner.arguments {
        match argument.name() {
            "when" => word(*argument, &["create", "destroy"])?,
            "on_failure" => word(*argument, &["continue", "fail"])?,
            name if known.contains(&name) => {}
            _ => return Err(argument.unexpected()),
        }
    }
    provisioner.only_blocks(&["connection"])?;
    if let Some(missing) = required.iter().find(|name| provisioner.argument(name).is_none()) {
        return broken(format!("Missing required argument: The argument {missing:?} is required."));
    }
    if provisioner.argument("when").is_some_and(|when| keyword(when.value()) == Some("destroy")) {
        check_own(&nested, &nested.block.body)?;
        provisioner.blocks.iter().try_for_each(|connection| check_own(connection, &connection.block.body))?;
    }
    Ok(())
}

fn word(argument: Argument<'_>, known: &[&str]) -> Result<(), Problem> {
    if keyword(argument.value()).is_some_and(|word| known.contains(&word)) {
        return Ok(());
    }
    let message = format!("Invalid {:?} keyword: one of {known:?} is required.", argument.name());
    Err(Problem::broken(message).at(argument.place()))
}

/// What is done before a resource goes may look at the resource alone.
fn check_own(nested: &Nested<'_>, body: &Body) -> Result<(), Problem> {
    for attribute in
        body.attributes().filter(|attribute| &*attribute.name.text != "when" && &*attribute.name.text != "on_failure")
    {
        let mut is_own = true;
        walk::references(&attribute.value, &mut |root, steps: &[Step]| {
            let is_named = |wanted: &str| matches!(steps.first().map(|step| &step.kind), Some(StepKind::Attribute(name)) if &*name.text == wanted);
            is_own &= match &*root.text {
                "self" | "path" | "terraform" => true,
                "count" => is_named("index"),
                "each" => is_named("key"),
                _ => false,
            };
        });
        if !is_own {
            let message = "Invalid reference from destroy provisioner: It may only refer to the resource itself, via \"self\", \
                           \"count.index\" or \"each.key\".";
            return Err(Problem::broken(message).at(Place { file: nested.file, span: attribute.value.span }));
        }
    }
    Ok(())
}
