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
    value::{Marks, Value},
};

/// The module instances that are made for one configuration.
pub const MAX_INSTANCES: usize = 200_000;

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
        let target = self.module(instance).called[name];
        let known = &self.modules[target].variables;
        for argument in &definition.arguments {
            if !META.contains(&argument.name()) && !known.contains_key(argument.name()) {
                return Err(argument.unexpected().into());
            }
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
        let mut children = Vec::with_capacity(expansion.each.len());
        for (key, repetition) in &expansion.each {
            if self.instances.len() >= MAX_INSTANCES {
                return Err(Problem::limit(format!("more than {MAX_INSTANCES} instances of modules")).into());
            }
            self.context.budget.step(1)?;
            let id = InstanceId(u32::try_from(self.instances.len()).expect("the limit is below"));
            let caller = Caller { instance, name, definition, repetition: repetition.clone() };
            self.instances.push(ModuleInstance {
                module: target,
                address: format!("{above}{dot}module.{name}{}", key.suffix()).into(),
                caller: Some(caller),
                given: Default::default(),
            });
            children.push((key.clone(), id));
        }
        Ok(Instances::Module {
            repeated: expansion.is_repeated,
            by_key: expansion.by_key,
            children: Rc::new(children),
            control: expansion.control,
        })
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
            if within.is_ephemeral && !is_ephemeral {
                let message = "Ephemeral value not allowed: This output value is not declared as returning an ephemeral value.";
                return Err(Problem::broken(message).at(argument.place()).into());
            }
            Ok(value.with_marks(Marks { is_sensitive, is_ephemeral }))
        })
    }
}
