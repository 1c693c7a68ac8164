//! What names refer to.

use super::{ANYTHING, Evaluator, Item, step::is_static};
use crate::{
    engine::terraform::{
        leaf::{Leaf, PathId, Place, Role, Says},
        module::{Mode, Module, address},
        problem::{Kind, Problem},
        resources::Instances,
        scope::{InstanceId, Repetition, Scope, Sees, Stop},
        types::Type,
        unknown::{Reason, Refinement, Unknown},
        value::{Entry, Value},
    },
    source::{
        hcl::tree::{Expression, Name, Step, StepKind},
        hcl::walk,
        lineage::text::Text,
        span::Span,
    },
};

/// What the name of a step is, where it is one.
fn attribute_name(step: Option<&Step>) -> Option<&str> {
    match &step?.kind {
        StepKind::Attribute(name) => Some(&name.text),
        _ => None,
    }
}

/// Refuses what refers to nothing, whether it is ever worked out or not.
///
/// # Errors
/// The first reference to something that the module does not declare.
pub fn check_references(module: &Module<'_>, expression: &Expression, sees: Repeats) -> Result<(), (Span, String)> {
    let mut problem = None;
    walk::references(expression, &mut |name, steps| {
        if problem.is_none() {
            problem = undeclared(module, name, steps, sees).map(|message| (name.span, message));
        }
    });
    problem.map_or(Ok(()), Err)
}

/// What `each`, `count` and `self` mean at a place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repeats {
    /// `each` is there.
    pub each: bool,
    /// `count` is there.
    pub count: bool,
    /// `self` is there.
    pub own: bool,
}

fn undeclared(module: &Module<'_>, name: &Name, steps: &[Step], sees: Repeats) -> Option<String> {
    let root = &*name.text;
    let first = attribute_name(steps.first());
    let indirect = || {
        Some(format!(
            "Invalid reference: The {root:?} object cannot be accessed directly. Instead, access one of its attributes."
        ))
    };
    match root {
        "var" | "local" | "path" | "terraform" | "each" | "count" | "module" if first.is_none() => indirect(),
        "var" => {
            let first = first?;
            (!module.variables.contains_key(first)).then(|| {
                format!("Reference to undeclared input variable: An input variable with the name {first:?} has not been declared.")
            })
        }
        "local" => {
            let first = first?;
            (!module.locals.contains_key(first)).then(|| {
                format!(
                    "Reference to undeclared local value: A local value with the name {first:?} has not been declared."
                )
            })
        }
        "module" => {
            let first = first?;
            (!module.calls.contains_key(first))
                .then(|| format!("Reference to undeclared module: No module call named {first:?} is declared."))
        }
        "path" => (!matches!(first?, "module" | "root" | "cwd")).then(|| {
            format!(
                "Invalid \"path\" attribute: The \"path\" object does not have an attribute named {:?}.",
                first.unwrap_or_default()
            )
        }),
        "terraform" => (!matches!(first?, "workspace" | "applying")).then(|| {
            format!(
                "Invalid \"terraform\" attribute: The \"terraform\" object does not have an attribute named {:?}.",
                first.unwrap_or_default()
            )
        }),
        "each" if !sees.each => Some(
            "Reference to \"each\" in context without for_each: The \"each\" object can be used only in \"module\" or \
             \"resource\" blocks, and only when the \"for_each\" argument is set."
                .to_owned(),
        ),
        "each" => (!matches!(first?, "key" | "value"))
            .then(|| "Invalid \"each\" attribute: The \"each\" object does not have such an attribute.".to_owned()),
        "count" if !sees.count => Some(
            "Reference to \"count\" in non-counted context: The \"count\" object can only be used in \"module\", \
             \"resource\", and \"data\" blocks, and only when the \"count\" argument is set."
                .to_owned(),
        ),
        "count" => (first? != "index")
            .then(|| "Invalid \"count\" attribute: The \"count\" object does not have such an attribute.".to_owned()),
        "self" => (!sees.own)
            .then(|| "Invalid \"self\" reference: The \"self\" object is not available in this context.".to_owned()),
        "template" | "lazy" | "arg" => Some(format!("Reserved symbol name: The symbol name {root:?} is reserved.")),
        "data" | "resource" | "ephemeral" => {
            let (Some(ty), Some(label)) = (first, attribute_name(steps.get(1))) else {
                return Some(format!(
                    "Invalid reference: The {root:?} object must be followed by two attribute names: the type and the name."
                ));
            };
            let mode = match root {
                "data" => Mode::Data,
                "ephemeral" => Mode::Ephemeral,
                _ => Mode::Managed,
            };
            undeclared_resource(module, mode, ty, label, &steps[2..])
        }
        ty => match first {
            Some(label) => undeclared_resource(module, Mode::Managed, ty, label, &steps[1..]),
            None => Some(
                "Invalid reference: A reference to a resource type must be followed by at least one attribute access, \
                 specifying the resource name."
                    .to_owned(),
            ),
        },
    }
}

fn undeclared_resource(module: &Module<'_>, mode: Mode, ty: &str, name: &str, steps: &[Step]) -> Option<String> {
    let what = || address(mode, ty, name);
    let Some(definition) = module.resource(mode, ty, name) else {
        return Some(format!("Reference to undeclared resource: A resource {} has not been declared.", what()));
    };
    let repeated = ["count", "for_each"].into_iter().find(|meta| definition.argument(meta).is_some());
    // Of what is behind a key that is worked out, nothing is looked at.
    let is_literal_key = |step: &Step| matches!(step.kind, StepKind::Index(_)) && is_static(step);
    let rest = match (steps.first().map(|step| (&step.kind, is_literal_key(step))), repeated) {
        (Some((StepKind::Attribute(_), _)), Some(meta)) => {
            return Some(format!(
                "Missing resource instance key: Because {} has {meta:?} set, its attributes must be accessed on specific \
                 instances.",
                what()
            ));
        }
        (Some((_, true)), None) => {
            return Some(format!(
                "Unexpected resource instance key: Because {} does not have \"count\" or \"for_each\" set, references to it must \
                 not include an index key.",
                what()
            ));
        }
        (Some((_, true)), Some(_)) => &steps[1..],
        _ => steps,
    };
    match (&rest.first()?.kind, attribute_name(rest.get(1))) {
        (StepKind::Attribute(name), next) if (mode, ty) == (Mode::Managed, "terraform_data") => {
            match (&*name.text, next) {
                ("id", Some(_)) => Some(
                    "Unsupported attribute: Can't access attributes on a primitive-typed value (string).".to_owned(),
                ),
                ("id", None) if rest.get(1).is_some_and(is_literal_key) => {
                    Some("Invalid index: This value does not have any indices.".to_owned())
                }
                ("id" | "input" | "output" | "triggers_replace", _) => None,
                (name, _) => Some(format!(
                    "Unsupported attribute: This object has no argument, nested block, or exported attribute named {name:?}."
                )),
            }
        }
        _ => None,
    }
}

impl<'p> Evaluator<'p, '_> {
    /// The value of a name with what follows it.
    pub(super) fn reference(
        &mut self,
        name: &Name,
        steps: &[Step],
        span: Span,
        scope: Scope<'_>,
    ) -> Result<Value, Stop> {
        if let Some(value) = scope.name(&name.text) {
            return self.steps(value.clone(), steps, scope);
        }
        let (instance, repetition) = match scope.sees {
            Sees::Module(instance, repetition) => (instance, repetition),
            Sees::Template(variables) | Sees::Terragrunt(_, variables) => {
                let entry = variables.as_mapping().and_then(|mapping| mapping.get(&name.text));
                let Some(entry) = entry else {
                    return Err(
                        scope.broken(span, format!("Unknown variable: There is no variable named {:?}.", name.text))
                    );
                };
                let value = entry.value.clone().with_marks(variables.marks());
                return self.steps(value, steps, scope);
            }
            Sees::Nothing => {
                return Err(scope.broken(span, "Variables not allowed: Variables may not be used here."));
            }
        };
        let module = self.module(instance);
        let sees = Repeats {
            each: matches!(repetition, Repetition::Each(..)),
            count: matches!(repetition, Repetition::Count(_)),
            own: false,
        };
        let first = attribute_name(steps.first()).unwrap_or_default();
        // Most references: what is found is declared.
        let found = match &*name.text {
            "var" => self.variable_if_declared(instance, first),
            "local" => self.local_if_declared(instance, first),
            _ => None,
        };
        if let Some(value) = found {
            return self.steps(value?, &steps[1..], scope);
        }
        if let Some(message) = undeclared(module, name, steps, sees) {
            return Err(scope.broken(name.span, message).elsewhere());
        }
        let (value, taken) = match &*name.text {
            "path" | "terraform" => {
                self.note_particular(scope);
                (self.built_in(instance, &name.text, first, scope.place(span))?, 1)
            }
            "each" => match (repetition, first) {
                (Repetition::Each(key, _), "key") => (key.clone(), 1),
                (Repetition::Each(_, value), _) => (value.clone(), 1),
                _ => return Err(scope.broken(span, "each is not there")),
            },
            "count" => match repetition {
                Repetition::Count(index) => (index.clone(), 1),
                _ => return Err(scope.broken(span, "count is not there")),
            },
            "module" => return self.module_reference(instance, first, steps, span, scope),
            "data" | "resource" | "ephemeral" => {
                let mode = match &*name.text {
                    "data" => Mode::Data,
                    "ephemeral" => Mode::Ephemeral,
                    _ => Mode::Managed,
                };
                let label = attribute_name(steps.get(1)).unwrap_or_default();
                (self.resource_value(instance, mode, first, label)?, 2)
            }
            ty => (self.resource_value(instance, Mode::Managed, ty, first)?, 1),
        };
        self.steps(value, &steps[taken..], scope)
    }

    /// What stands for an expression that Terraform stops at: not known, and made of its wording and of all that it refers to.
    ///
    /// # Errors
    /// What stops any evaluation.
    pub fn unworkable(&mut self, expression: &Expression, scope: Scope<'_>) -> Result<Value, Stop> {
        let mut names = Vec::new();
        walk::references(expression, &mut |name, steps| names.push((name, steps)));
        let (mut known, mut is_open) = (Vec::new(), false);
        for (name, steps) in names {
            // Where the whole of a reference is wrong, a part of it may lead somewhere all the same.
            let mut found = Ok(None);
            for taken in (0..=steps.len()).rev() {
                match self.deeper(|evaluator| evaluator.reference(name, &steps[..taken], name.span, scope)) {
                    Ok(value) => found = Ok(Some(value)),
                    Err(stop) if stop.problem.kind == Kind::Broken => continue,
                    Err(stop) => found = Err(stop),
                }
                break;
            }
            match found? {
                Some(value) => known.push(value),
                // What is not declared depends on nothing that is.
                None => is_open |= !self.is_undeclared(name, steps, scope),
            }
        }
        let flow = if is_open { ANYTHING } else { self.flow_of(&known) };
        let flow = self.with_wording(flow, expression.span, scope);
        Ok(Value::unknown_of(Type::Dynamic, Reason::Run("what Terraform stops at".into())).with_flow(flow))
    }

    fn is_undeclared(&self, name: &Name, steps: &[Step], scope: Scope<'_>) -> bool {
        let Sees::Module(instance, _) = scope.sees else { return true };
        undeclared(self.module(instance), name, steps, Repeats { each: true, count: true, own: true }).is_some()
    }

    /// A local value.
    pub fn local(&mut self, instance: InstanceId, name: &str) -> Result<Value, Stop> {
        self.local_if_declared(instance, name).expect("references are checked")
    }

    fn local_if_declared(&mut self, instance: InstanceId, name: &str) -> Option<Result<Value, Stop>> {
        let module = self.module(instance);
        let (name, argument) = module.locals.get_key_value(name).map(|(name, argument)| (*name, *argument))?;
        Some(self.value_of(instance, Item::Local(name), |evaluator| {
            let path = evaluator.path(&["locals", name]);
            let scope = Scope {
                file: argument.file,
                role: Role::Local,
                path,
                names: None,
                sees: Sees::Module(instance, &Repetition::Once),
            };
            evaluator.deeper(|evaluator| evaluator.evaluate(argument.value(), scope))
        }))
    }

    /// A path of names.
    pub fn path(&mut self, names: &[&str]) -> PathId {
        names.iter().fold(PathId::ROOT, |path, name| self.context.paths.join(path, name))
    }

    fn built_in(&mut self, instance: InstanceId, object: &str, attribute: &str, place: Place) -> Result<Value, Stop> {
        let (name, value) = match (object, attribute) {
            ("path", "module") => ("path.module", Some(self.module_path(instance))),
            ("path", "root") => ("path.root", Some(".".to_owned())),
            ("path", _) => ("path.cwd", None),
            (_, "workspace") => ("terraform.workspace", Some(self.workspace.clone())),
            _ => {
                let problem = Problem::unsupported("this version does not evaluate terraform.applying");
                return Err(problem.at(place).into());
            }
        };
        let path = self.path(&[name]);
        let leaf = Leaf { says: Says::BuiltIn(name), role: Role::BuiltIn, place: None, path };
        let leaf = self.context.sets.leaf(leaf);
        let Some(value) = value else {
            let folder = self.context.runs_in.clone().unwrap_or_default();
            let refinement = Refinement::not_null().with_folder(folder);
            let unknown = Unknown { reason: Reason::Run(name.into()), refinement };
            return Ok(Value::not_known(Type::String, unknown).with_data(leaf.into()));
        };
        Ok(Value::string(Text::verbatim(value.as_bytes(), leaf)))
    }

    /// The folder of a module as Terraform tells it: relative to the root's.
    fn module_path(&self, instance: InstanceId) -> String {
        let root: Vec<&str> = parts(self.modules[0].folder.as_str());
        let folder: Vec<&str> = parts(self.module(instance).folder.as_str());
        let shared = root.iter().zip(&folder).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", root.len() - shared);
        let path: Vec<&str> = up.chain(folder[shared..].iter().copied()).collect();
        if path.is_empty() { ".".to_owned() } else { path.join("/") }
    }

    /// A module call, or one output of it: outputs that are not asked for are not worked out, since they may depend on who
    /// asks.
    fn module_reference(
        &mut self,
        instance: InstanceId,
        call: &str,
        steps: &[Step],
        span: Span,
        scope: Scope<'_>,
    ) -> Result<Value, Stop> {
        let instances = self.call_instances(instance, call)?;
        if let Instances::Module { unknown: Some(reason), control, .. } = &instances {
            let any = Value::unknown_of(Type::Dynamic, reason.clone()).under(&mut self.context.sets, *control);
            return self.steps(any, &steps[1..], scope);
        }
        if self.validates {
            let asked = attribute_name(steps.get(1)).filter(|output| self.has_output(&instances, output));
            let (value, taken) = match asked {
                Some(_) => (any_output(call), 2),
                None => (self.any_call(&instances, call), 1),
            };
            return self.steps(value, &steps[taken..], scope);
        }
        let (index, output, taken) = match (steps.get(1).map(|step| &step.kind), attribute_name(steps.get(2))) {
            (Some(StepKind::Attribute(name)), _) if matches!(instances, Instances::Module { repeated: false, .. }) => {
                (None, Some(&*name.text), 2)
            }
            (Some(StepKind::Index(key)), Some(output)) if steps.get(1).is_some_and(is_static) => {
                (Some(self.evaluate(key, scope)?), Some(output), 3)
            }
            _ => (None, None, 1),
        };
        if let (Some(output), Some(child)) = (output, instances.child(index.as_ref())) {
            if !self.module(child).outputs.contains_key(output) {
                let message =
                    format!("Unsupported attribute: This object does not have an attribute named {output:?}.");
                return Err(scope.broken(span, message));
            }
            let value = self.output(child, output)?;
            let value = value.under(&mut self.context.sets, instances.control());
            return self.steps(value, &steps[taken..], scope);
        }
        let whole = self.call_value(&instances)?;
        self.steps(whole, &steps[1..], scope)
    }

    /// What any instance of a module may be.
    fn any_call(&self, instances: &Instances, call: &str) -> Value {
        match instances {
            Instances::Module { repeated: false, children, .. } => {
                let outputs = children.first().map(|(_, child)| self.module(*child).outputs.keys());
                Value::object(outputs.into_iter().flatten().map(|name| Entry::plain(name, any_output(call))))
            }
            _ => any_output(call),
        }
    }

    /// Tells whether a call of which there is one module has an output.
    fn has_output(&self, instances: &Instances, output: &str) -> bool {
        let Instances::Module { repeated: false, children, .. } = instances else { return false };
        children.first().is_some_and(|(_, child)| self.module(*child).outputs.contains_key(output))
    }

    /// A module call with all its outputs.
    fn call_value(&mut self, instances: &Instances) -> Result<Value, Stop> {
        let Instances::Module { repeated, by_key, children, control, .. } = instances else {
            return Err(Problem::unsupported("a resource where a module was expected").into());
        };
        let mut objects = Vec::with_capacity(children.len());
        for (key, child) in children.iter() {
            let names: Vec<&str> = self.module(*child).outputs.keys().copied().collect();
            let mut entries = Vec::with_capacity(names.len());
            for name in names {
                entries.push(Entry::plain(name, self.output(*child, name)?));
            }
            objects.push((key, Value::object(entries)));
        }
        let value = match (repeated, by_key) {
            (true, true) => Value::object(objects.into_iter().map(|(key, value)| Entry::plain(key.name(), value))),
            (true, false) => Value::tuple(objects.into_iter().map(|(_, value)| value)),
            _ => objects.into_iter().next().map(|(_, value)| value).unwrap_or_else(|| Value::object([])),
        };
        Ok(value.under(&mut self.context.sets, *control))
    }

    /// A resource as others see it.
    fn resource_value(&mut self, instance: InstanceId, mode: Mode, ty: &str, name: &str) -> Result<Value, Stop> {
        let instances = self.resource(instance, mode, ty, name)?;
        match instances {
            Instances::Resource { ref value, .. } => Ok(value.clone()),
            Instances::Module { .. } => Err(Problem::unsupported("a module where a resource was expected").into()),
        }
    }
}

/// What any output of a call may be.
fn any_output(call: &str) -> Value {
    Value::unknown_of(Type::Dynamic, Reason::Run(format!("module.{call}").into()))
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}
