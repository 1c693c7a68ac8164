//! Resources: how many of them there are, and what their arguments and blocks come to.

mod body;
pub mod expansion;

use std::rc::Rc;

use super::{
    evaluate::{Evaluator, Item},
    leaf::Role,
    module::{Definition, Mode},
    problem::Problem,
    scope::{InstanceId, Repetition, Stop},
    types::Type,
    unknown::Reason,
    value::{Entry, Key, Value},
};
use crate::source::{
    hcl::tree::{Expression, ExpressionKind, StepKind},
    lineage::sets::SetId,
};
use expansion::{Expansion, InstanceKey};

/// The instances of a resource or of a module call.
#[derive(Clone, Debug)]
pub enum Instances {
    /// Of a resource.
    Resource {
        /// All of them, as others see it.
        value: Value,
        /// Each of them.
        each: Rc<Vec<Planned>>,
    },
    /// Of a module call.
    Module {
        /// Whether there is a `count` or `for_each`.
        repeated: bool,
        /// Whether it is `for_each`.
        by_key: bool,
        /// Each of them.
        children: Rc<Vec<(InstanceKey, InstanceId)>>,
        /// What decided how many there are.
        control: SetId,
    },
}

/// One instance of a resource.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its address.
    pub address: Rc<str>,
    /// What a plan knows of it.
    pub value: Value,
    /// The instance of the module that it is in.
    pub module: InstanceId,
    /// Which of several it is.
    pub repetition: Repetition,
    /// The attributes whose changes are to be left alone.
    pub ignored: Rc<Ignored>,
}

/// What `lifecycle.ignore_changes` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Everything.
    pub all: bool,
    /// Attributes, each by the names and indices that lead to it.
    pub attributes: Vec<Vec<String>>,
}

impl Ignored {
    /// What a resource's block names.
    fn of(definition: &Definition<'_>) -> Self {
        let mut all = Self::default();
        for lifecycle in definition.blocks_of("lifecycle") {
            let Some(argument) = lifecycle.block.body.attribute("ignore_changes") else { continue };
            match &argument.value.kind {
                ExpressionKind::Tuple(items) => all.attributes.extend(items.iter().filter_map(attribute_path)),
                _ => all.all = true,
            }
        }
        all
    }
}

/// The names of an attribute that is named in a list: bare or, as once, in quotes.
fn attribute_path(expression: &Expression) -> Option<Vec<String>> {
    match &expression.kind {
        ExpressionKind::Variable(name) => Some(vec![name.text.to_string()]),
        ExpressionKind::Template(template) => Some(template.literal()?.value.split('.').map(str::to_owned).collect()),
        ExpressionKind::Steps { of, steps } => {
            let mut names = attribute_path(of)?;
            for step in steps {
                names.push(match &step.kind {
                    StepKind::Attribute(name) => name.text.to_string(),
                    StepKind::LegacyIndex(index) => index.to_string(),
                    StepKind::Index(key) => match &key.kind {
                        ExpressionKind::Number(number) => number.to_string(),
                        _ => key.literal()?.value.to_string(),
                    },
                    StepKind::AttributeSplat(_) | StepKind::Splat(_) => return Some(names),
                });
            }
            Some(names)
        }
        _ => None,
    }
}

impl Instances {
    /// The instance of a module by its key; nothing where the key is not known, or there is none.
    pub fn child(&self, key: Option<&Value>) -> Option<InstanceId> {
        let Self::Module { repeated, children, .. } = self else { return None };
        let Some(key) = key else {
            return children.first().filter(|_| !repeated).map(|(_, child)| *child);
        };
        let wanted = match (key.as_str(), key.as_number()) {
            (Some(text), _) => InstanceKey::Text(text.into()),
            (_, Some(number)) => InstanceKey::Number(number.to_i64().and_then(|number| usize::try_from(number).ok())?),
            _ => return None,
        };
        let at = children.binary_search_by(|(key, _)| key.cmp(&wanted)).ok()?;
        Some(children[at].1)
    }

    /// What decided how many there are.
    pub fn control(&self) -> SetId {
        match self {
            Self::Resource { .. } => SetId::EMPTY,
            Self::Module { control, .. } => *control,
        }
    }
}

/// What several instances are as one value: the only one, a tuple, or an object by key.
pub fn together(expansion: &Expansion, values: Vec<Value>) -> Option<Value> {
    if !expansion.is_repeated {
        return values.into_iter().next();
    }
    if !expansion.by_key {
        return Some(Value::tuple(values));
    }
    let keys = expansion.each.iter().map(|(key, repetition)| match repetition {
        Repetition::Each(each, _) => Key::of(each).unwrap_or_default(),
        _ => Key::plain(key.name()),
    });
    Some(Value::object(keys.zip(values).map(|(key, value)| Entry { key, value })))
}

impl<'p> Evaluator<'p, '_> {
    /// The instances of a resource.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn resource(&mut self, instance: InstanceId, mode: Mode, ty: &str, name: &str) -> Result<Instances, Stop> {
        let module = self.module(instance);
        let definition = module.resource(mode, ty, name).expect("references are checked");
        let (ty, name) = (definition.label(0), definition.label(1));
        self.instances_of(instance, Item::Resource(mode, ty, name), |evaluator| {
            evaluator.deeper(|evaluator| evaluator.planned(instance, (mode, ty, name), definition))
        })
    }

    fn planned(
        &mut self,
        instance: InstanceId,
        (mode, ty, name): (Mode, &'p str, &'p str),
        definition: &'p Definition<'p>,
    ) -> Result<Instances, Stop> {
        let block = match mode {
            Mode::Managed => "resource",
            Mode::Data => "data",
            Mode::Ephemeral => "ephemeral",
        };
        let expansion = self.expansion(definition, instance, Role::Resource, &[block, ty, name])?;
        self.has_none |= expansion.each.is_empty();
        let above = self.instances[instance.0 as usize].address.clone();
        let dot = if above.is_empty() { "" } else { "." };
        let stem = format!("{above}{dot}{}{ty}.{name}", mode.prefix());
        let ignored = Rc::new(Ignored::of(definition));
        let mut each = Vec::with_capacity(expansion.each.len());
        for (key, repetition) in &expansion.each {
            self.context.budget.step(1)?;
            let address: Rc<str> = format!("{stem}{}", key.suffix()).into();
            let value = self.instance(instance, (mode, ty, name), definition, repetition, &address)?;
            each.push(Planned {
                address,
                value,
                module: instance,
                repetition: repetition.clone(),
                ignored: ignored.clone(),
            });
        }
        if self.validates {
            let value = Value::unknown_of(Type::Dynamic, Reason::Resource(stem.into()));
            return Ok(Instances::Resource { value, each: Rc::new(each) });
        }
        let seen = each.iter().map(|planned| match mode {
            Mode::Managed => planned.value.clone(),
            Mode::Data => Value::unknown_of(Type::Dynamic, Reason::Data(planned.address.clone())),
            Mode::Ephemeral => Value::unknown_of(Type::Dynamic, Reason::Run(planned.address.clone()))
                .with_marks(super::value::Marks { is_sensitive: false, is_ephemeral: true }),
        });
        let seen: Vec<Value> = seen.collect();
        let value = together(&expansion, seen).ok_or_else(|| Problem::unsupported("a resource without instances"))?;
        let value = value.under(&mut self.context.sets, expansion.control);
        Ok(Instances::Resource { value, each: Rc::new(each) })
    }
}
