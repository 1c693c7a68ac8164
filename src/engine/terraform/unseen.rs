//! What resources depend on and do not show.
//!
//! An edit may change more than a plan tells: the text in front of an identifier that a provider has yet to make, the region
//! of a provider, what a data source asks for. A digest of the known parts of all that tells whether it stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    evaluate::Evaluator,
    leaf::{PathId, Role, Says},
    module::Module,
    print::attributes,
    resources::Planned,
    scope::{InstanceId, Repetition, Scope, Sees},
    value::{Datum, Value},
    whole::Whole,
};
use crate::source::hcl::tree::{Body, Item};

/// The digests of what is not known of resources, by their addresses and attributes.
pub fn of_resources(whole: &Whole) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for planned in &whole.planned {
        unknown(whole, &planned.value, &mut planned.address.to_string(), &mut found);
    }
    found
}

fn unknown(whole: &Whole, value: &Value, at: &mut String, found: &mut BTreeMap<String, u64>) {
    let len = at.len();
    match value.datum() {
        Datum::Unknown(_) => {
            found.insert(at.clone(), digest(whole, value));
        }
        Datum::Sequence(elements) => {
            for (index, element) in elements.iter().enumerate() {
                *at += &format!("[{index}]");
                unknown(whole, element, at, found);
                at.truncate(len);
            }
        }
        Datum::Mapping(mapping) => {
            for entry in mapping.entries() {
                *at += &format!(".{}", entry.key.as_str());
                unknown(whole, &entry.value, at, found);
                at.truncate(len);
            }
        }
        _ => {}
    }
}

/// A digest of the literals that a value is made of or decided by, wherever they stand.
fn digest(whole: &Whole, value: &Value) -> u64 {
    let flow = value.whole_flow(&mut whole.sets.borrow_mut());
    let leaves = whole.leaves(flow.data).into_iter().chain(whole.leaves(flow.control));
    let says = leaves.filter_map(|leaf| {
        let place = leaf.place?;
        let is_text = matches!(leaf.says, Says::Literal | Says::Template | Says::Scalar | Says::Content | Says::Key);
        let text = whole.text(place.file).get(place.span.range())?;
        is_text.then_some((leaf.role, text))
    });
    let says: BTreeSet<(Role, &str)> = says.collect();
    let mut hasher = DefaultHasher::new();
    says.hash(&mut hasher);
    hasher.finish()
}

/// Values that no resource shows, by what they are of.
pub type Others = Vec<(String, Value)>;

/// What the arguments of data sources and providers come to, as far as they can be worked out.
pub fn others(evaluator: &mut Evaluator<'_, '_>, data: &[Planned]) -> Others {
    let mut found: Others = data.iter().map(|data| (data.address.to_string(), data.value.clone())).collect();
    for index in 0..evaluator.instances.len() {
        let instance = InstanceId(u32::try_from(index).expect("there are fewer than 2^32 instances"));
        let module: &Module<'_> = evaluator.module(instance);
        for (position, definition) in module.others.iter().enumerate() {
            if &*definition.block.kind.text == "provider" {
                let sees = Sees::Module(instance, &Repetition::Once);
                let scope =
                    Scope { file: definition.file, role: Role::Resource, path: PathId::ROOT, names: None, sees };
                let what = format!("provider {} {position} of {index}", definition.label(0));
                arguments(evaluator, &definition.block.body, scope, &what, &mut found);
            }
        }
    }
    found
}

fn arguments(evaluator: &mut Evaluator<'_, '_>, body: &Body, scope: Scope<'_>, what: &str, found: &mut Others) {
    for (index, item) in body.items.iter().enumerate() {
        match item {
            Item::Attribute(attribute) => {
                if let Ok(value) = evaluator.evaluate(&attribute.value, scope) {
                    found.push((format!("{what} {}", attribute.name.text), value));
                }
            }
            Item::Block(block) => {
                arguments(evaluator, &block.body, scope, &format!("{what} {} {index}", block.kind.text), found);
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
            digest(whole, value).hash(&mut hasher);
        }
        (what.clone(), hasher.finish())
    };
    others.iter().map(one).collect()
}
