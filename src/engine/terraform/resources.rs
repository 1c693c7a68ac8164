//! Resources: how many of them there are, and what their arguments and blocks come to.

mod body;
pub mod expansion;

use std::rc::Rc;

use super::{
    evaluate::{Evaluator, Item},
    labels::Labels,
    leaf::Role,
    module::{Definition, Mode},
    problem::Problem,
    scope::{InstanceId, Repetition, Stop},
    types::Type,
    unknown::Reason,
    value::{Datum, Entry, Key, Marks, Value},
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
        /// Where it is not known how many there are: one that stands for all that there may be.
        any: Option<Rc<Planned>>,
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
        /// Why it is not known what they come to, where it is not.
        unknown: Option<Reason>,
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
    /// Its labels, where its provider adds to them.
    pub labels: Option<Rc<Labels>>,
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
                // What an override file says comes last and counts alone, unless it is nothing.
                ExpressionKind::Tuple(items) if items.is_empty() => {}
                ExpressionKind::Tuple(items) => all.attributes = items.iter().filter_map(attribute_path).collect(),
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

/// Tells whether a data source asks for something that is only known when it is applied.
fn depends_on_made(value: &Value) -> bool {
    match value.datum() {
        Datum::Unknown(unknown) => {
            matches!(
                unknown.reason,
                Reason::Resource(_) | Reason::Run(_) | Reason::Deferred(_) | Reason::Unsupported(_)
            )
        }
        Datum::Sequence(elements) => elements.iter().any(depends_on_made),
        Datum::Mapping(mapping) => mapping.entries().iter().any(|entry| depends_on_made(&entry.value)),
        _ => false,
    }
}

impl<'p> Evaluator<'p, '_> {
    /// Tells whether a definition is to wait for others, by itself or by a call of its module.
    fn waits(&self, instance: InstanceId, definition: &Definition<'p>) -> bool {
        let mut waits = definition.argument("depends_on").is_some();
        let mut next = self.instances[instance.0 as usize].caller.as_ref();
        while let (false, Some(caller)) = (waits, next) {
            waits = caller.definition.argument("depends_on").is_some();
            next = self.instances[caller.instance.0 as usize].caller.as_ref();
        }
        waits
    }

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
        if let [(_, repetition)] = &expansion.each[..]
            && let Some(undecided) = expansion.undecided
        {
            let address: Rc<str> = stem.into();
            self.hide(mode == Mode::Managed, &address, undecided.problem);
            self.hidden.push((format!("{address} count"), undecided.value));
            let value = self.instance(instance, (mode, ty, name), definition, repetition, &address);
            let value = self.possible(value, &undecided.reason)?;
            let any = Planned {
                address: address.clone(),
                value,
                module: instance,
                repetition: repetition.clone(),
                ignored,
                labels: None,
            };
            let reason = if mode == Mode::Data { Reason::Deferred(address) } else { undecided.reason };
            let is_ephemeral = mode == Mode::Ephemeral;
            let value = Value::unknown_of(Type::Dynamic, reason).with_marks(Marks { is_ephemeral, ..Marks::NONE });
            let value = value.under(&mut self.context.sets, expansion.control);
            return Ok(Instances::Resource { value, each: Rc::default(), any: Some(any.into()) });
        }
        let mut each = Vec::with_capacity(expansion.each.len());
        for (key, repetition) in &expansion.each {
            self.context.budget.instance()?;
            let address: Rc<str> = format!("{stem}{}", key.suffix()).into();
            let value = self.instance(instance, (mode, ty, name), definition, repetition, &address)?;
            each.push(Planned {
                address,
                value,
                module: instance,
                repetition: repetition.clone(),
                ignored: ignored.clone(),
                labels: None,
            });
        }
        if self.validates {
            let value = Value::unknown_of(Type::Dynamic, Reason::Resource(stem.into()));
            return Ok(Instances::Resource { value, each: Rc::new(each), any: None });
        }
        let is_deferred = mode == Mode::Data && self.waits(instance, definition);
        let seen = each.iter().map(|planned| match mode {
            Mode::Managed => planned.value.clone(),
            Mode::Data if is_deferred || depends_on_made(&planned.value) => {
                Value::unknown_of(Type::Dynamic, Reason::Deferred(planned.address.clone()))
            }
            Mode::Data => Value::unknown_of(Type::Dynamic, Reason::Data(planned.address.clone())),
            Mode::Ephemeral => Value::unknown_of(Type::Dynamic, Reason::Run(planned.address.clone()))
                .with_marks(Marks { is_ephemeral: true, ..Marks::NONE }),
        });
        let seen: Vec<Value> = seen.collect();
        let value = together(&expansion, seen).ok_or_else(|| Problem::unsupported("a resource without instances"))?;
        let value = value.under(&mut self.context.sets, expansion.control);
        Ok(Instances::Resource { value, each: Rc::new(each), any: None })
    }
}
