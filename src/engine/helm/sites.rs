//! Where a change of a rendered resource could be written, best first.
//!
//! The lineage names places, not edits: that a field was printed from `image.tag` says neither that the key may be set for
//! this release alone nor that nothing else reads it. So every place that could say what is wanted becomes a candidate, those
//! nearest to the release first, and the proof decides. Guessing is safe here because nothing leaves without having been
//! rendered.

mod around;
mod beside;
mod layers;
mod mention;
pub mod printed;
mod scalar;
mod structure;

use serde_json::Value;

use self::{layers::Layers, mention::Mention, printed::Printed};
use super::lineage::Lineage;
use crate::{
    engine::site::{Found, Site},
    model::{
        change::{Action, Change},
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
};

/// How many levels above a field its values are looked for as a whole.
const LEVELS: usize = 3;

/// The places at which a step could be taken.
///
/// # Errors
/// `not-expressible` where no file that may be edited says anything of it.
pub fn sites(
    lineage: &Lineage,
    printed: &Printed<'_>,
    step: &Change,
    declared: &Value,
    wanted: &Value,
) -> Result<Vec<Site>, Refusal> {
    let layers = Layers::new(lineage);
    if matches!(step.action, Action::Set(_) | Action::Remove)
        && let Some(what) = lineage.volatile(&printed.block(&step.at))
    {
        let (file, line) = printed.declared_at(lineage);
        let message = format!("{} is made anew in every render ({what})", step.at);
        return Err(Refusal::new(Code::NotExpressible, message, "change the chart by hand").at(file, line));
    }
    let mut found = Found::default();
    match &step.action {
        Action::Set(value) if is_scalar(value) => scalar::set(&layers, printed, &step.at, value, &mut found),
        Action::Set(_) => {}
        Action::AddKey { key, value } => {
            structure::add_key(&layers, printed, &step.at, key, value, &mut found);
        }
        Action::AddItem { index, value } => {
            structure::add_item(&layers, printed, &step.at, *index, value, &mut found);
        }
        Action::Remove => structure::remove(&layers, printed, &step.at, &mut found),
    }
    whole(&layers, printed, step, declared, wanted, &mut found);
    let mut said = Found::default();
    around::add(printed, lineage, step, &mut said);
    printed.literal(lineage, step, &mut said);
    beside::add(printed, lineage, step, &mut said);
    // What the template says itself is no guess: it is tried, however much was guessed.
    found.add_last(said);
    found.into_sites(|| nowhere(lineage, printed, step))
}

/// Values that are printed as a whole somewhere around the field: the value becomes what is wanted of the whole.
fn whole(
    layers: &Layers<'_>,
    printed: &Printed<'_>,
    step: &Change,
    declared: &Value,
    wanted: &Value,
    found: &mut Found,
) {
    let mut around = match step.action {
        Action::Set(_) | Action::Remove => step.at.parent(),
        Action::AddKey { .. } | Action::AddItem { .. } => Some(step.at.clone()),
    };
    for _ in 0..LEVELS {
        let Some(at) = around else { return };
        let Some(name) = at.last().map(str::to_owned) else { return };
        let value = at.get(wanted).filter(|value| !is_scalar(value) && at.get(declared).is_some());
        if let Some(value) = value {
            for mention in Mention::all(layers, &printed.block(&at)) {
                if mention.is_named_like(&name) {
                    found.add(layers.set(&mention.path, value));
                }
            }
        }
        around = at.parent();
    }
}

fn nowhere(lineage: &Lineage, printed: &Printed<'_>, step: &Change) -> Refusal {
    let (file, line) = printed.declared_at(lineage);
    let message = format!("nothing in this repository that could be edited says {}", step.at);
    Refusal::new(Code::NotExpressible, message, "change the chart or its values by hand").at(file, line)
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// A pointer's last step as a list index.
fn index(at: &Pointer) -> Option<usize> {
    at.last().and_then(|last| last.parse().ok())
}
