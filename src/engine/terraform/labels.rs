//! What a provider adds to the labels of its resources: `default_tags` of AWS, `default_labels` of Google Cloud.
//!
//! A resource has its own labels and, in an attribute that the provider works out, all of them: the provider's with the own
//! ones over them. What is live is all of them; whether a label is the resource's own or the provider's is a matter of where
//! the source says it. So a label that differs is one difference, although a plan reports it twice.

pub mod provider;
mod types;

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use super::{
    convert::convert,
    evaluate::Evaluator,
    leaf::FileId,
    module::{Definition, Mode},
    print::attributes,
    resources::Planned,
    scope::InstanceId,
    types::Type,
    unknown::Reason,
    value::{Entry, Value},
};
use crate::{
    model::{diff::FieldChange, value::same},
    source::{hcl::tree::Item, lineage::sets::Flow, text::readable},
};
use provider::{Found, Said};

/// How the resources of a provider are labelled.
#[derive(Debug)]
pub struct Kind {
    /// What the types of its resources begin with.
    prefix: &'static str,
    /// The attribute of a resource's own labels.
    own: &'static str,
    /// The attribute of all of them, which the provider works out.
    all: &'static str,
    /// The block of the provider that says labels, where it is one, and the argument that does.
    block: Option<&'static str>,
    argument: &'static str,
    /// What else tells of them.
    others: &'static [&'static str],
}

/// The providers that do so.
const KINDS: [Kind; 2] = [
    Kind {
        prefix: "aws_",
        own: "tags",
        all: "tags_all",
        block: Some("default_tags"),
        argument: "tags",
        others: &["tags_all", "aws_default_tags"],
    },
    Kind {
        prefix: "google_",
        own: "labels",
        all: "terraform_labels",
        block: None,
        argument: "default_labels",
        others: &["terraform_labels", "effective_labels"],
    },
];

impl Kind {
    fn of(ty: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| ty.starts_with(kind.prefix))
    }

    /// What a provider's block calls the block or argument that says labels.
    fn said(&self) -> &'static str {
        self.block.unwrap_or(self.argument)
    }

    /// Tells whether a resource of a type takes the provider's labels; nothing where only its provider knows.
    fn takes(&self, ty: &str, value: &Value, definition: &Definition<'_>) -> Option<bool> {
        let known = value.as_mapping()?;
        if known.get(self.all).is_some() || definition.blocks_of("override_provider").next().is_some() {
            return None;
        }
        match known.get(self.own) {
            Some(own) => Some(own.value.as_sequence().is_none()),
            None => types::takes(ty),
        }
    }
}

/// The labels of a resource to which its provider adds some.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The attribute of its own.
    pub own: &'static str,
    /// The attribute of all.
    pub all: &'static str,
    /// The provider's.
    defaults: Value,
}

/// The blocks of providers, each by the instance of its module and its number there, whose labels show in resources and
/// nowhere else.
pub type Told = BTreeSet<(InstanceId, usize)>;

/// Adds to each resource all the labels that it has.
pub fn lay(evaluator: &mut Evaluator<'_, '_>, planned: &mut [Planned], others: &[Planned]) -> Told {
    let mut all = provider::with_labels(evaluator);
    if all.is_empty() {
        return Told::new();
    }
    let mut known = HashMap::new();
    let mut is_clear = evaluator.gaps.is_empty() && !mentions(evaluator);
    for resource in planned.iter_mut() {
        let Some((_, ty, name)) = declared(evaluator, resource) else { continue };
        let Some(kind) = Kind::of(&ty) else { continue };
        let module = evaluator.module(resource.module);
        let Some(definition) = module.resource(Mode::Managed, &ty, &name) else { continue };
        let at = match provider::of(evaluator, resource.module, definition, &ty) {
            Found::Nowhere => continue,
            Found::Unclear => {
                is_clear = false;
                continue;
            }
            Found::At(instance, position) => (instance, position),
        };
        let defaults = known.entry(at).or_insert_with(|| provider::labels(evaluator, at, kind));
        let defaults = match defaults {
            Said::Labels(defaults) => defaults,
            Said::Nothing => continue,
            Said::Unreadable => {
                all.remove(&at);
                continue;
            }
        };
        match kind.takes(&ty, &resource.value, definition) {
            Some(true) => add(evaluator, resource, kind, defaults.clone()),
            Some(false) => {}
            None => {
                all.remove(&at);
            }
        }
    }
    for other in others {
        if let Some((block, ty, _)) = declared(evaluator, other)
            && block == "resource"
            && Kind::of(&ty).is_some()
        {
            is_clear = false;
        }
    }
    if is_clear { all } else { Told::new() }
}

/// Tells whether a file mentions what all labels of something are, so that more than resources may follow them.
fn mentions(evaluator: &mut Evaluator<'_, '_>) -> bool {
    let files = &mut evaluator.context.files;
    (0..files.count()).any(|id| {
        let path = files.path(FileId(id)).clone();
        let content = files.read(&path).unwrap_or_default();
        let text = readable(&content);
        KINDS.iter().flat_map(|kind| kind.others).any(|word| text.contains(word))
    })
}

/// What declares a resource: the type of the block, the type and the name.
fn declared(evaluator: &Evaluator<'_, '_>, planned: &Planned) -> Option<(String, String, String)> {
    let sets = &evaluator.context.sets;
    let leaf = sets.leaves(planned.value.flow().data).next()?;
    match evaluator.context.paths.names(sets.get(leaf).path)[..] {
        [block, ty, name] => Some((block.to_owned(), ty.to_owned(), name.to_owned())),
        _ => None,
    }
}

/// Adds all labels to one resource.
fn add(evaluator: &mut Evaluator<'_, '_>, resource: &mut Planned, kind: &Kind, defaults: Value) {
    let Some(mapping) = resource.value.as_mapping() else { return };
    let own = mapping.get(kind.own).map(|entry| entry.value.clone()).filter(|own| !own.is_null());
    let value = all(evaluator, kind, own, &defaults);
    let entries = mapping.entries().iter().cloned().chain([Entry::plain(kind.all, value)]);
    let labelled = Value::object(entries).opened(resource.address.clone());
    resource.value = labelled.with_flow(resource.value.flow()).with_marks(resource.value.marks());
    resource.labels = Some(Labels { own: kind.own, all: kind.all, defaults }.into());
}

/// The provider's labels with the own ones over them.
fn all(evaluator: &mut Evaluator<'_, '_>, kind: &Kind, own: Option<Value>, defaults: &Value) -> Value {
    let Some(own) = own else { return defaults.clone() };
    let marks = own.marks_within().with(defaults.marks_within());
    let texts = convert(&mut evaluator.context, &own, &Type::map(Type::String)).ok();
    let merged = match (defaults.as_mapping(), texts.as_ref().and_then(Value::as_mapping)) {
        (Some(under), Some(over)) if over.entries().iter().all(|entry| !entry.value.is_null()) => {
            let entries = under.entries().iter().chain(over.entries()).cloned();
            let flow = evaluator.context.sets.join(own.flow(), defaults.flow());
            Value::map(Type::String, entries).with_flow(flow)
        }
        _ => {
            let flow = evaluator.flow_of([&own, defaults]);
            unknown(own.reason().or(defaults.reason()), kind, flow)
        }
    };
    merged.with_marks(marks)
}

/// Labels that cannot be told.
fn unknown(reason: Option<&Reason>, kind: &Kind, flow: Flow) -> Value {
    let reason = reason.cloned().unwrap_or_else(|| Reason::Unsupported(format!("{} like these", kind.said()).into()));
    Value::unknown_of(Type::map(Type::String), reason).with_flow(flow)
}

/// Tells whether an argument or block of a provider says labels.
pub fn says(item: &Item) -> bool {
    let name = match item {
        Item::Attribute(attribute) => &attribute.name.text,
        Item::Block(block) => &block.kind.text,
    };
    KINDS.iter().any(|kind| **name == *kind.said())
}

/// What an attribute says of labels: nothing and null are none.
fn labels_of(attribute: Option<&Json>) -> Option<Map<String, Json>> {
    match attribute {
        None | Some(Json::Null) => Some(Map::new()),
        Some(Json::Object(labels)) => Some(labels.clone()),
        Some(_) => None,
    }
}

fn differs(before: Option<&Json>, after: Option<&Json>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => !same(before, after),
        (before, after) => before.is_some() != after.is_some(),
    }
}

impl Labels {
    /// What is wanted of a resource, each label that differs said once: as its own where it is, or where none says it yet, and
    /// else as one of all.
    pub fn settled(&self, declared: &Value, wanted: Json) -> Json {
        self.once(&attributes(declared), &wanted).unwrap_or(wanted)
    }

    fn once(&self, declared: &Json, wanted: &Json) -> Option<Json> {
        let Json::Object(defaults) = attributes(&self.defaults) else { return None };
        let (own, all) = (labels_of(declared.get(self.own))?, labels_of(declared.get(self.all))?);
        let (mut new_own, mut new_all) = (labels_of(wanted.get(self.own))?, labels_of(wanted.get(self.all))?);
        let names: BTreeSet<String> =
            own.keys().chain(all.keys()).chain(new_own.keys()).chain(new_all.keys()).cloned().collect();
        for name in &names {
            let is_own = own.contains_key(name) || !defaults.contains_key(name);
            let is_default = defaults.contains_key(name);
            let (in_own, in_all) = (new_own.get(name).cloned(), new_all.get(name).cloned());
            let own_differs = differs(own.get(name), in_own.as_ref());
            if !differs(all.get(name), in_all.as_ref()) {
                continue;
            }
            let live = in_all.clone();
            match (own_differs, live) {
                // Both say the same, or only one says what both mean.
                (true, Some(live)) if in_own.as_ref().is_some_and(|own| same(own, &live)) => {
                    if is_own {
                        put(&mut new_all, name, all.get(name));
                    } else {
                        put(&mut new_own, name, own.get(name));
                    }
                }
                // Without its own label the resource has the provider's.
                (true, Some(live)) if in_own.is_none() && defaults.get(name).is_some_and(|it| same(it, &live)) => {
                    put(&mut new_all, name, all.get(name));
                }
                (true, None) if in_own.is_none() && !is_default => put(&mut new_all, name, all.get(name)),
                (false, Some(live)) if is_own => {
                    new_own.insert(name.clone(), live);
                    put(&mut new_all, name, all.get(name));
                }
                (false, None) if is_own => {
                    new_own.shift_remove(name);
                    if !is_default {
                        put(&mut new_all, name, all.get(name));
                    }
                }
                _ => {}
            }
        }
        let mut settled = wanted.as_object()?.clone();
        for (attribute, labels, before) in [(self.own, new_own, &own), (self.all, new_all, &all)] {
            if same(&Json::Object(labels.clone()), &Json::Object(before.clone())) {
                put(&mut settled, attribute, declared.get(attribute));
            } else {
                settled.insert(attribute.to_owned(), Json::Object(labels));
            }
        }
        Some(Json::Object(settled))
    }

    /// Tells whether a field differs from what is wanted because a label does that is wanted so: it is among the own ones and
    /// all of them.
    pub fn echoes(&self, declared: &Json, wanted: &Json, change: &FieldChange) -> bool {
        match change.path.tokens() {
            [attribute, name] => self.is_echo(attribute, name, declared, wanted),
            [attribute] => {
                let maps = [&change.before, &change.after].map(|side| labels_of(side.as_ref()));
                let [Some(before), Some(after)] = &maps else { return false };
                let mut names = before.keys().chain(after.keys());
                names.all(|name| {
                    !differs(before.get(name), after.get(name)) || self.is_echo(attribute, name, declared, wanted)
                })
            }
            _ => false,
        }
    }

    fn is_echo(&self, attribute: &str, name: &str, declared: &Json, wanted: &Json) -> bool {
        let other = match attribute {
            _ if attribute == self.own => self.all,
            _ if attribute == self.all => self.own,
            _ => return false,
        };
        let is_wanted = |attribute: &str| {
            let label = |of: &Json| labels_of(of.get(attribute)).and_then(|labels| labels.get(name).cloned());
            differs(label(declared).as_ref(), label(wanted).as_ref())
        };
        is_wanted(other) && !is_wanted(attribute)
    }
}

/// Puts back what was there, if anything.
fn put(map: &mut Map<String, Json>, name: &str, value: Option<&Json>) {
    match value {
        Some(value) => {
            map.insert(name.to_owned(), value.clone());
        }
        None => {
            map.shift_remove(name);
        }
    }
}
