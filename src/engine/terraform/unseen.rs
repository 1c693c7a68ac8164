//! What resources depend on and do not show.
//!
//! An edit may change more than a plan tells: the text in front of an identifier that a provider has yet to make, the region
//! of a provider, what a data source asks for. A digest of the known parts of all that tells whether it stays.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    evaluate::{ANYTHING, Evaluator},
    labels::{self, Told},
    leaf::{PathId, Role, Says},
    module::Module,
    print::attributes,
    resources::Planned,
    scope::{InstanceId, Repetition, Scope, Sees},
    types::Type,
    unknown::Reason,
    value::{Datum, Value},
    whole::Whole,
};
use crate::source::{
    hcl::tree::Item,
    lineage::sets::{Flow, SetId},
};

/// The digests of what is not known of resources, by their addresses and attributes.
pub fn of_resources(whole: &Whole) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for planned in &whole.planned {
        unknown(whole, &planned.value, Flow::default(), &mut planned.address.to_string(), &mut found);
    }
    found
}

/// `around` is what the list or map is made of that the value is in, for elements of which nothing but their number is known.
fn unknown(whole: &Whole, value: &Value, around: Flow, at: &mut String, found: &mut BTreeMap<String, u64>) {
    let len = at.len();
    let own = value.flow();
    match value.datum() {
        Datum::Unknown(_) => {
            found.insert(at.clone(), digest(whole, if own == Flow::default() { around } else { own }));
        }
        Datum::Sequence(elements) => {
            for (index, element) in elements.iter().enumerate() {
                *at += &format!("[{index}]");
                unknown(whole, element, own, at, found);
                at.truncate(len);
            }
        }
        Datum::Mapping(mapping) => {
            for entry in mapping.entries() {
                *at += &format!(".{}", entry.key.as_str());
                unknown(whole, &entry.value, own, at, found);
                at.truncate(len);
            }
        }
        _ => {}
    }
}

/// A digest of what is written that made something or decided over it, in the order of the files.
fn digest(whole: &Whole, flow: Flow) -> u64 {
    if flow.data == SetId::ANY || flow.control == SetId::ANY {
        return whole.digest();
    }
    let mut hasher = DefaultHasher::new();
    let leaves = whole.leaves(flow.data).into_iter().chain(whole.leaves(flow.control));
    let says = leaves.filter_map(|leaf| {
        let place = leaf.place?;
        let is_text = !matches!(leaf.says, Says::Container | Says::Block | Says::BuiltIn(_) | Says::Absent);
        let text = whole.text(place.file).get(place.span.range())?;
        is_text.then_some((whole.file(place), place.span, leaf.role, text))
    });
    let mut says: Vec<_> = says.collect();
    says.sort_unstable_by_key(|(file, span, role, _)| (*file, span.start, span.end, *role));
    says.dedup();
    for (_, _, role, text) in says {
        (role, text).hash(&mut hasher);
    }
    hasher.finish()
}

/// Values that no resource shows, by what they are of.
pub type Others = Vec<(String, Value)>;

/// What the arguments of data sources and providers come to, and of what there may be or not. What providers say of labels that
/// show in resources is left to those.
pub fn others(evaluator: &mut Evaluator<'_, '_>, others: &[Planned], told: &Told) -> Others {
    let mut found: Others = others.iter().map(|other| (other.address.to_string(), other.value.clone())).collect();
    found.append(&mut evaluator.hidden);
    for index in 0..evaluator.instances.len() {
        let instance = InstanceId(u32::try_from(index).expect("there are fewer than 2^32 instances"));
        let module: &Module<'_> = evaluator.module(instance);
        for (position, definition) in module.others.iter().enumerate() {
            if &*definition.block.kind.text == "provider" {
                let sees = Sees::Module(instance, &Repetition::Once);
                let scope =
                    Scope { file: definition.file, role: Role::Resource, path: PathId::ROOT, names: None, sees };
                let what = format!("provider {} {position} of {index}", definition.label(0));
                let is_told = told.contains(&(instance, position));
                let is_left = |item: &Item| is_told && labels::says(item);
                let items = definition.block.body.items.iter().enumerate().filter(|(_, item)| !is_left(item));
                arguments(evaluator, items, scope, &what, &mut found);
            }
        }
    }
    found
}

fn arguments<'i>(
    evaluator: &mut Evaluator<'_, '_>,
    items: impl Iterator<Item = (usize, &'i Item)>,
    scope: Scope<'_>,
    what: &str,
    found: &mut Others,
) {
    for (index, item) in items {
        match item {
            Item::Attribute(attribute) => {
                let value = evaluator
                    .evaluate(&attribute.value, scope)
                    .or_else(|_| evaluator.unworkable(&attribute.value, scope))
                    .unwrap_or_else(|_| {
                        let reason = Reason::Unsupported("what is wrong with it".into());
                        Value::unknown_of(Type::Dynamic, reason).with_flow(ANYTHING)
                    });
                found.push((format!("{what} {}", attribute.name.text), value));
            }
            Item::Block(block) => {
                let what = format!("{what} {} {index}", block.kind.text);
                let items: Vec<(usize, &Item)> = block.body.items.iter().enumerate().collect();
                arguments(evaluator, items.into_iter(), scope, &what, found);
            }
        }
    }
}

/// The digests of such values.
pub fn of_others(whole: &Whole, others: &Others) -> BTreeMap<String, u64> {
    let one = |(what, value): &(String, Value)| {
        let mut hasher = DefaultHasher::new();
        attributes(value).to_string().hash(&mut hasher);
        if !value.is_wholly_known() {
            let flow = value.whole_flow(&mut whole.sets.borrow_mut());
            digest(whole, flow).hash(&mut hasher);
        }
        (what.clone(), hasher.finish())
    };
    others.iter().map(one).collect()
}
