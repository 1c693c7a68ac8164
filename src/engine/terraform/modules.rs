//! Module calls and outputs.

use std::rc::Rc;

use super::{
    configuration::{is_local, literal},
    evaluate::{Evaluator, Item, ModuleInstance},
    leaf::Role,
    module::Definition,
    problem::Problem,
    resources::Instances,
    scope::{InstanceId, Repetition, Scope, Sees, Stop},
    unknown::Reason,
    value::{Marks, Value},
};

/// The module instances that are made for one configuration.
pub const MAX_MODULE_INSTANCES: usize = 50_000;

/// Who calls a module.
#[derive(Clone, Debug)]
pub struct Caller<'p> {
    /// The instance that the call stands in.
    pub instance: InstanceId,
    /// The name of the call.
    pub name: &'p str,
    /// The call.
    pub definition: &'p Definition<'p>,
    /// Which of several it is.
    pub repetition: Repetition,
}

/// The arguments of a call that are no variables.
const META: &[&str] = &["source", "version", "count", "for_each", "providers", "depends_on"];

impl<'p> Evaluator<'p, '_> {
    /// The instances of a module call.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn call_instances(&mut self, instance: InstanceId, name: &str) -> Result<Instances, Stop> {
        let module = self.module(instance);
        let (name, definition) = module.calls.get_key_value(name).expect("references are checked");
        let name = *name;
        self.instances_of(instance, Item::Call(name), |evaluator| {
            evaluator.deeper(|evaluator| evaluator.called(instance, name, definition))
        })
    }

    fn called(
        &mut self,
        instance: InstanceId,
        name: &'p str,
        definition: &'p Definition<'p>,
    ) -> Result<Instances, Stop> {
        let target = self.module(instance).called.get(name).copied();
        let known = target.map(|target| &self.modules[target].variables);
        let is_known = |name: &str| META.contains(&name) || known.is_none_or(|known| known.contains_key(name));
        if let Some(argument) = definition.arguments.iter().find(|argument| !is_known(argument.name())) {
            return Err(argument.unexpected().into());
        }
        definition.only_blocks(&[])?;
        if let (Some(version), Some(source)) = (definition.argument("version"), definition.argument("source"))
            && literal(source.value()).is_some_and(is_local)
        {
            let message =
                "Invalid registry module source address: the argument \"version\" applies only to registry modules.";
            return Err(Problem::broken(message).at(version.place()).into());
        }
        let expansion = self.expansion(definition, instance, Role::ModuleArgument, &["module", name])?;
        self.has_none |= expansion.each.is_empty();
        let above = self.instances[instance.0 as usize].address.clone();
        let dot = if above.is_empty() { "" } else { "." };
        let address: Rc<str> = format!("{above}{dot}module.{name}").into();
        let mut unknown = None;
        if let Some(undecided) = expansion.undecided {
            self.hide(true, &address, undecided.problem);
            self.hidden.push((format!("{address} count"), undecided.value));
            unknown = Some(undecided.reason);
        }
        let Some(target) = target else {
            let source = self.module(instance).missing.get(name).copied().unwrap_or_default();
            let problem = if is_local(source) {
                format!("the module {source:?} is outside of the repository")
            } else {
                let path = self.call_path(instance, name);
                format!("module {path} comes from {source:?}, which is not in the repository")
            };
            self.hide(true, &address, Problem::unsupported(problem).at(definition.place()));
            let what = format!("module {name}, whose source {source:?} is not in the repository");
            return Ok(Instances::Module {
                repeated: expansion.is_repeated,
                by_key: expansion.by_key,
                children: Rc::default(),
                control: expansion.control,
                unknown: Some(Reason::Unsupported(what.into())),
            });
        };
        let is_possible = unknown.is_some() || self.instances[instance.0 as usize].is_possible;
        let mut children = Vec::with_capacity(expansion.each.len());
        for (key, repetition) in &expansion.each {
            if self.instances.len() >= MAX_MODULE_INSTANCES {
                return Err(Problem::limit(format!("more than {MAX_MODULE_INSTANCES} instances of modules")).into());
            }
            self.context.budget.step(1)?;
            let id = InstanceId(u32::try_from(self.instances.len()).expect("the limit is below"));
            let caller = Caller { instance, name, definition, repetition: repetition.clone() };
            self.instances.push(ModuleInstance {
                module: target,
                address: format!("{address}{}", key.suffix()).into(),
                caller: Some(caller),
                is_possible,
                given: Default::default(),
            });
            children.push((key.clone(), id));
        }
        Ok(Instances::Module {
            repeated: expansion.is_repeated,
            by_key: expansion.by_key,
            children: Rc::new(children),
            control: expansion.control,
            unknown,
        })
    }

    /// The names of the calls that lead to a call, with dots between.
    fn call_path(&self, instance: InstanceId, name: &str) -> String {
        let mut names = vec![name];
        let mut next = self.instances[instance.0 as usize].caller.as_ref();
        while let Some(caller) = next {
            names.push(caller.name);
            next = self.instances[caller.instance.0 as usize].caller.as_ref();
        }
        names.reverse();
        names.join(".")
    }

    /// Works out what a module is given that is not there.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn missing_call(&mut self, instance: InstanceId, name: &str) -> Result<(), Stop> {
        let module = self.module(instance);
        let (name, definition) = module.calls.get_key_value(name).expect("references are checked");
        let above = self.instances[instance.0 as usize].address.clone();
        let dot = if above.is_empty() { "" } else { "." };
        let expansion = self.expansion(definition, instance, Role::ModuleArgument, &["module", name])?;
        for (key, repetition) in &expansion.each {
            for argument in definition.arguments.iter().filter(|argument| !META.contains(&argument.name())) {
                let path = self.path(&["module", name, argument.name()]);
                let sees = Sees::Module(instance, repetition);
                let scope = Scope { file: argument.file, role: Role::ModuleArgument, path, names: None, sees };
                let value = self.evaluate(argument.value(), scope);
                let value = match &expansion.undecided {
                    Some(undecided) => self.possible(value, &undecided.reason)?,
                    None => value?,
                };
                self.hidden.push((format!("{above}{dot}module.{name}{} {}", key.suffix(), argument.name()), value));
            }
        }
        Ok(())
    }

    /// An output.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn output(&mut self, instance: InstanceId, name: &str) -> Result<Value, Stop> {
        let module = self.module(instance);
        let (name, definition) = module.outputs.get_key_value(name).expect("outputs are looked up");
        let name = *name;
        self.value_of(instance, Item::Output(name), |evaluator| {
            definition.only_arguments(&["value", "description", "sensitive", "ephemeral", "depends_on", "deprecated"])?;
            definition.only_blocks(&["precondition"])?;
            let Some(argument) = definition.argument("value") else {
                let message = format!("Missing required argument: output {name:?} has no value.");
                return Err(Problem::broken(message).at(definition.place()).into());
            };
            let path = evaluator.path(&["output", name]);
            let scope = Scope {
                file: argument.file,
                role: Role::Output,
                path,
                names: None,
                sees: Sees::Module(instance, &Repetition::Once),
            };
            for rule in definition.blocks_of("precondition") {
                let rule = Definition::of(rule.file, rule.block);
                evaluator.condition(&rule, instance, &Repetition::Once, None, "Module output value precondition failed")?;
            }
            let value = evaluator.deeper(|evaluator| evaluator.evaluate(argument.value(), scope))?;
            let is_sensitive = evaluator.flag(definition, "sensitive", false)?;
            let is_ephemeral = evaluator.flag(definition, "ephemeral", false)?;
            let within = value.marks_within();
            if instance == InstanceId(0) && within.is_sensitive && !is_sensitive {
                let message = "Output refers to sensitive values: To reduce the risk of accidentally exporting sensitive data, \
                               Terraform requires that any root module output containing sensitive data be explicitly marked as \
                               sensitive.";
                return Err(Problem::broken(message).at(argument.place()).into());
            }
            let message = match is_ephemeral {
                true if instance == InstanceId(0) => {
                    "Ephemeral output not allowed: Ephemeral outputs are not allowed in a root module."
                }
                true if !within.is_ephemeral && value.is_wholly_known() => {
                    "Value not allowed in ephemeral output: It can only be set to an ephemeral value."
                }
                _ => "",
            };
            if !message.is_empty() {
                return Err(Problem::broken(message).at(argument.place()).into());
            }
            if within.is_ephemeral && !is_ephemeral {
                let message = "Ephemeral value not allowed: This output value is not declared as returning an ephemeral value.";
                return Err(Problem::broken(message).at(argument.place()).into());
            }
            Ok(value.with_marks(Marks { is_sensitive, is_ephemeral }))
        })
    }
}
