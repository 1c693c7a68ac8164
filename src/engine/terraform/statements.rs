//! What says something of resources and changes no value: `moved`, `import`, `removed` and `check`.
//!
//! They are read for what Terraform refuses of them alone.

use std::collections::{HashMap, HashSet};

use super::{
    blocks::is_address,
    module::{Argument, Definition, Mode, Module},
    problem::Problem,
    version,
};
use crate::source::hcl::{
    parse_expression,
    tree::{Expression, ExpressionKind, Form, Step, StepKind},
};

/// Looks at the statements of all modules, the first of which is the root.
///
/// # Errors
/// The first that Terraform refuses.
pub fn check(modules: &[Module<'_>]) -> Result<(), Problem> {
    for (index, module) in modules.iter().enumerate() {
        check_moves(module)?;
        for statement in &module.statements {
            match &*statement.block.kind.text {
                "moved" => moved(module, statement)?,
                "removed" => removed(modules, module, statement)?,
                _ if index > 0 => {
                    let message = "Invalid import configuration: Import blocks are only allowed in the root module.";
                    return Err(Problem::broken(message).at(statement.place()));
                }
                _ => import(modules, module, statement)?,
            }
        }
        for check in module.others.iter().filter(|other| &*other.block.kind.text == "check") {
            assertions(check)?;
        }
    }
    Ok(())
}

fn moved(module: &Module<'_>, statement: &Definition<'_>) -> Result<(), Problem> {
    statement.only_arguments(&["from", "to"])?;
    statement.only_blocks(&[])?;
    let (from, to) = (required(statement, "from")?, required(statement, "to")?);
    address(from)?;
    address(to)?;
    let (Some(from), Some(to)) = (Target::of(from.value()), Target::of(to.value())) else { return Ok(()) };
    let message = if from == to {
        "Redundant move statement: This statement declares a move to the same address."
    } else if from.resource.is_none() != to.resource.is_none() {
        "Invalid \"moved\" addresses: The \"from\" and \"to\" addresses must either both refer to resources or both refer to \
         modules."
    } else if from.calls.is_empty() && from.index.is_none() && !from.is_same_resource(&to) && from.is_declared(module) {
        "Moved object still exists: This statement declares a move of a resource that is still declared."
    } else {
        return Ok(());
    };
    Err(Problem::broken(message).at(statement.place()))
}

fn removed(modules: &[Module<'_>], module: &Module<'_>, statement: &Definition<'_>) -> Result<(), Problem> {
    statement.only_arguments(&["from"])?;
    statement.only_blocks(&["lifecycle", "connection", "provisioner"])?;
    let from = required(statement, "from")?;
    address(from)?;
    for lifecycle in statement.blocks_of("lifecycle") {
        Definition::of(lifecycle.file, lifecycle.block).only_arguments(&["destroy"])?;
    }
    let Some(target) = Target::of(from.value()) else { return Ok(()) };
    let message = if matches!(target.resource, Some((Mode::Data, ..))) {
        "Data source address not allowed: Data sources are never destroyed."
    } else if target.index.is_some() || target.calls.iter().any(|call| call.index.is_some()) {
        "Invalid \"removed\" address: It must not include instance keys."
    } else if target.within(modules, module).is_some_and(|module| target.is_declared(module)) {
        "Removed resource still exists: This statement declares that something was removed, but it is still declared."
    } else {
        return Ok(());
    };
    Err(Problem::broken(message).at(from.place()))
}

fn import(modules: &[Module<'_>], module: &Module<'_>, statement: &Definition<'_>) -> Result<(), Problem> {
    // By its identity it can be imported from Terraform 1.12 on.
    let has_identity = version::demands(module, 12) && statement.argument("identity").is_some();
    let known: &[&str] =
        if has_identity { &["to", "identity", "provider", "for_each"] } else { &["to", "id", "provider", "for_each"] };
    statement.only_arguments(known)?;
    statement.only_blocks(&[])?;
    let to = required(statement, "to")?;
    let is_text = matches!(&to.value().kind, ExpressionKind::Template(template) if template.form != Form::Bare);
    if is_text || matches!(to.value().kind, ExpressionKind::Call(_)) {
        return Err(not_an_address(to));
    }
    if !has_identity {
        let id = required(statement, "id")?;
        let is_empty = match &id.value().kind {
            ExpressionKind::Null => true,
            ExpressionKind::Template(template) => {
                template.parts.is_empty() || template.literal().is_some_and(|text| text.value.is_empty())
            }
            _ => false,
        };
        if is_empty {
            return Err(Problem::broken("Invalid import id argument: It must not be empty.").at(id.place()));
        }
    }
    let Some(target) = Target::of(to.value()) else { return Ok(()) };
    let is_there = target.within(modules, module).is_none_or(|module| target.is_declared(module));
    if is_there && target.resource.is_some() {
        return Ok(());
    }
    let message = "Configuration for import target does not exist: Only what is declared can be imported.";
    Err(Problem::broken(message).at(to.place()))
}

fn assertions(check: &Definition<'_>) -> Result<(), Problem> {
    check.only_arguments(&[])?;
    check.only_blocks(&["assert", "data"])?;
    let message = if check.blocks_of("assert").next().is_none() {
        "Zero assert blocks: Check blocks must have at least one assert block."
    } else if check.blocks_of("data").count() > 1 {
        "Multiple data resource blocks: A check block can have one alone."
    } else {
        return Ok(());
    };
    Err(Problem::broken(message).at(check.place()))
}

/// Refuses moves that contradict each other or lead back to where they began, and what is imported twice.
fn check_moves(module: &Module<'_>) -> Result<(), Problem> {
    let (mut moves, mut imported) = (Moves::default(), HashSet::new());
    for statement in &module.statements {
        let kind = &*statement.block.kind.text;
        let of = |name: &str| statement.argument(name).and_then(|argument| Target::of(argument.value()));
        let message = match (kind, of("from"), of("to")) {
            ("moved", Some(from), Some(to)) => moves.add(&from, &to),
            ("import", _, Some(to)) => to
                .address()
                .is_some_and(|to| !imported.insert(to))
                .then_some("Duplicate import configuration: A resource can have only one import block."),
            _ => None,
        };
        if let Some(message) = message {
            return Err(Problem::broken(message).at(statement.place()));
        }
    }
    Ok(())
}

/// Where things move to. As one place moves to one place only, the moves form chains, of which only the ends are known: a file
/// may have tens of thousands.
#[derive(Default)]
struct Moves {
    to: HashMap<String, Option<String>>,
    from: HashMap<String, Option<String>>,
    /// The end of a chain by its beginning, and the other way round.
    ends: HashMap<String, String>,
    beginnings: HashMap<String, String>,
}

impl Moves {
    /// Takes in a move; what is wrong with it.
    fn add(&mut self, from: &Target, to: &Target) -> Option<&'static str> {
        let (from, to) = (from.address(), to.address());
        let known = [(&mut self.to, &from, &to), (&mut self.from, &to, &from)];
        let mut is_new = true;
        for (known, one, other) in known {
            let Some(one) = one else { continue };
            if let Some(before) = known.insert(one.clone(), other.clone()) {
                if other.is_none() || before != *other {
                    return Some("Ambiguous move statements: Something can move to one place only, and from one.");
                }
                is_new = false;
            }
        }
        let (from, to) = from.zip(to).filter(|(from, to)| is_new && from != to)?;
        let end = self.ends.remove(&to).unwrap_or_else(|| to.clone());
        if end == from {
            return Some("Cyclic dependency in move statements: A chain of them must end.");
        }
        let beginning = self.beginnings.remove(&from).unwrap_or(from);
        self.beginnings.insert(end.clone(), beginning.clone());
        self.ends.insert(beginning, end);
        None
    }
}

/// Refuses what is no address of something that there may be in a state.
fn address(argument: Argument<'_>) -> Result<(), Problem> {
    if !is_address(argument.value()) {
        return Err(not_an_address(argument));
    }
    let (root, steps) = match &argument.value().kind {
        ExpressionKind::Variable(name) => (name, &[][..]),
        ExpressionKind::Steps { of, steps } => match &of.kind {
            ExpressionKind::Variable(name) => (name, &steps[..]),
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    let is_reserved = matches!(&*root.text, "local" | "var" | "each" | "count" | "self" | "path");
    let is_named = match &*root.text {
        "module" | "data" | "resource" | "ephemeral" => true,
        _ => matches!(
            steps,
            [Step { kind: StepKind::Attribute(_), .. }]
                | [Step { kind: StepKind::Attribute(_), .. }, Step { kind: StepKind::Index(_), .. }]
        ),
    };
    if is_reserved || !is_named {
        let message = "Invalid address: A resource has a type and a name, and perhaps a key in square brackets.";
        return Err(Problem::broken(message).at(argument.place()));
    }
    Ok(())
}

fn not_an_address(argument: Argument<'_>) -> Problem {
    let message = "Invalid expression: A single static variable reference is required: only attribute access and indexing \
                   with constant keys.";
    Problem::broken(message).at(argument.place())
}

fn required<'p>(statement: &Definition<'p>, name: &str) -> Result<Argument<'p>, Problem> {
    statement.argument(name).ok_or_else(|| {
        let message =
            format!("Missing required argument: The argument {name:?} is required, but no definition was found.");
        Problem::broken(message).at(statement.place())
    })
}

/// What an address names.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    /// The module calls that lead to it.
    calls: Vec<Call>,
    /// The resource by its kind, type and name; nothing for the module itself.
    resource: Option<(Mode, String, String)>,
    /// The key of the resource's instance.
    index: Option<Index>,
}

/// A step through a module call.
#[derive(Clone, Debug, PartialEq)]
struct Call {
    name: String,
    index: Option<Index>,
}

/// The key of an instance.
#[derive(Clone, Debug)]
enum Index {
    Key(String),
    /// What is worked out.
    Other,
}

impl PartialEq for Index {
    /// Keys that are worked out may be any: they are the same as none.
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Key(one), Self::Key(two)) if one == two)
    }
}

impl Target {
    /// What an expression names; nothing where it is no address.
    fn of(expression: &Expression) -> Option<Self> {
        // In a file of JSON an address is a text.
        if let Some(text) = expression.literal() {
            return Self::of(&parse_expression(&text.value).ok().filter(|inner| inner.literal().is_none())?);
        }
        let ExpressionKind::Steps { of, steps } = &expression.kind else { return None };
        let ExpressionKind::Variable(root) = &of.kind else { return None };
        let mut steps = steps.iter().peekable();
        let mut name = Some(root.text.to_string());
        let mut target = Self { calls: Vec::new(), resource: None, index: None };
        loop {
            let mut next = || match &steps.next()?.kind {
                StepKind::Attribute(name) => Some(name.text.to_string()),
                _ => None,
            };
            let Some(kind) = name.take() else { return Some(target) };
            if kind == "module" {
                let name = next()?;
                let index = steps.next_if(|step| matches!(step.kind, StepKind::Index(_)));
                target.calls.push(Call { name, index: index.map(|step| Index::of(&step.kind)) });
            } else {
                let (mode, ty) = if kind == "data" { (Mode::Data, next()?) } else { (Mode::Managed, kind) };
                target.resource = Some((mode, ty, next()?));
                target.index = steps.next().map(|step| Index::of(&step.kind));
                return steps.next().is_none().then_some(target);
            }
            name = match steps.next() {
                None => None,
                Some(step) => match &step.kind {
                    StepKind::Attribute(name) => Some(name.text.to_string()),
                    _ => return None,
                },
            };
        }
    }

    /// The same text for the same target; nothing where a key is worked out, as that is the same as none.
    fn address(&self) -> Option<String> {
        let mut keys = self.calls.iter().map(|call| &call.index).chain([&self.index]);
        (!keys.any(|key| matches!(key, Some(Index::Other)))).then(|| format!("{self:?}"))
    }

    fn is_same_resource(&self, other: &Self) -> bool {
        self.calls == other.calls && self.resource == other.resource
    }

    /// The module that the calls lead to, the last one left out for a module; nothing where it is not in the repository.
    fn within<'m, 'p>(&self, modules: &'m [Module<'p>], from: &'m Module<'p>) -> Option<&'m Module<'p>> {
        let calls = if self.resource.is_some() { &self.calls[..] } else { self.calls.split_last()?.1 };
        calls.iter().try_fold(from, |module, call| modules.get(*module.called.get(&*call.name)?))
    }

    /// Tells whether a module declares it.
    fn is_declared(&self, module: &Module<'_>) -> bool {
        match &self.resource {
            Some((mode, ty, name)) => module.resource(*mode, ty, name).is_some(),
            None => self.calls.last().is_some_and(|call| module.calls.contains_key(&*call.name)),
        }
    }
}

impl Index {
    fn of(step: &StepKind) -> Self {
        let StepKind::Index(key) = step else { return Self::Other };
        match (&key.kind, key.literal()) {
            (ExpressionKind::Number(text), _) => Self::Key(text.to_string()),
            (_, Some(text)) => Self::Key(format!("{:?}", text.value)),
            _ => Self::Other,
        }
    }
}
