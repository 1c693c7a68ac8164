//! Where a change of a planned resource could be written, best first.
//!
//! What says the value comes first, as near to this root as it is said. A default gives way to what may be said over it: an
//! entry of a file of variables that the root reads already, an argument of the module's call. A literal that speaks for
//! several instances gives way to the entry of the one, if the expression would have taken one. Which of them does what is
//! wanted and nothing else, only the proof can tell: rendering all roots that read the file.

mod ends;
mod inputs;
mod json;
mod labels;
mod leaves;
mod numbered;
mod referred;
mod structure;
mod wrapped;

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{
    leaf::{Leaf, Role, Says},
    resources::Planned,
    scope::Repetition,
    value::{Datum, Entry, Value},
    whole::Whole,
};
use crate::{
    engine::{
        site::{Found, Lists, Site},
        window::{Window, as_text},
    },
    model::{
        change::{Action, Change},
        pointer::{Pointer, list_index},
        refusal::{Code, Refusal},
    },
    source::{
        lineage::text::{MadeOf, Slice},
        path::RepoPath,
    },
};

/// A resource whose change is looked for.
#[derive(Clone, Copy)]
pub(super) struct Built<'b> {
    /// What is left of the evaluation.
    pub whole: &'b Whole,
    /// The resource.
    pub planned: &'b Planned,
    /// The file and line that declare it.
    pub declared: (&'b RepoPath, usize),
    /// What new lists of maps are.
    pub lists: Lists,
}

/// The places at which each step of the change could be taken.
///
/// # Errors
/// `ignored-by-source` where the resource says that its changes are to be left alone, `secret` for what is marked sensitive,
/// `not-expressible` where no file that may be edited says anything of a step.
pub(super) fn sites(built: Built<'_>, steps: &[Change]) -> Result<Vec<Vec<Site>>, Refusal> {
    let mut trail = Trail::default();
    for step in steps {
        let at = trail.original(&step.at, &built.planned.value).unwrap_or_else(|| step.at.clone());
        let at = target(&at, &step.action);
        built.refuse_ignored(&at)?;
        if let Some(own) = labels::own(built, &at) {
            built.refuse_ignored(&own)?;
        }
        trail.take(step, &built.planned.value);
    }
    built.of_steps(&built.planned.value, steps, &Pointer::root())
}

/// What a step is about: the key that it adds, not the map.
fn target(at: &Pointer, action: &Action) -> Pointer {
    match action {
        Action::AddKey { key, .. } => at.join(key),
        _ => at.clone(),
    }
}

impl Built<'_> {
    /// The sites of steps in a value, which is found at a place of the resource.
    fn of_steps(&self, value: &Value, steps: &[Change], above: &Pointer) -> Result<Vec<Vec<Site>>, Refusal> {
        let mut trail = Trail::default();
        let mut all = Vec::new();
        for step in steps {
            let mut search = Search { built: *self, found: Found::default(), why: None };
            let at = trail.original(&step.at, value);
            if let Some(at) = &at {
                search.step(value, at, step)?;
            }
            trail.take(step, value);
            let shown = Pointer::of(above.tokens().iter().chain(target(&step.at, &step.action).tokens()).cloned());
            let why = search.why.take();
            all.push(search.found.into_sites(|| why.unwrap_or_else(|| self.nowhere(&shown, &[])))?);
        }
        Ok(all)
    }

    fn refuse_ignored(&self, at: &Pointer) -> Result<(), Refusal> {
        let ignored = &self.planned.ignored;
        let covers = |names: &Vec<String>| at.tokens().starts_with(names);
        if !ignored.all && !ignored.attributes.iter().any(covers) {
            return Ok(());
        }
        let address = &self.planned.address;
        let message = format!("{address} ignores changes of {at}: its lifecycle says so");
        let hint = "nothing has to be done; to have it mended, take the attribute out of ignore_changes";
        Err(Refusal::new(Code::IgnoredBySource, message, hint).at(self.declared.0, Some(self.declared.1)))
    }

    fn refusal(&self, message: String, hint: &str) -> Refusal {
        Refusal::new(Code::NotExpressible, message, hint).at(self.declared.0, Some(self.declared.1))
    }

    /// The refusal that nothing says a value, naming what it is computed from.
    fn nowhere(&self, at: &Pointer, from: &[Leaf]) -> Refusal {
        let mut places: Vec<String> = Vec::new();
        for place in from.iter().filter_map(|leaf| leaf.place) {
            let (file, line) = self.whole.line(place);
            let place = format!("{file}:{line}");
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let message = match &places[..] {
            [] => format!("nothing in this repository that could be edited says {at}"),
            places => {
                let shown = places[..places.len().min(4)].join(", ");
                format!("{at} is computed from what stands in {shown}, and which of it should change is not to be told")
            }
        };
        self.refusal(message, "change the source by hand")
    }
}

/// The search for the sites of one step.
struct Search<'b> {
    built: Built<'b>,
    found: Found,
    /// Why there may be none.
    why: Option<Refusal>,
}

impl Search<'_> {
    fn step(&mut self, base: &Value, at: &Pointer, step: &Change) -> Result<(), Refusal> {
        let Some(value) = find(base, at) else { return Ok(()) };
        self.refuse_marked(base, &target(at, &step.action))?;
        if let Some(unknown) = value.unknown() {
            let (address, reason) = (&self.built.planned.address, &unknown.reason);
            let message = format!("{at} of {address} is not known before it is applied: {reason}");
            self.why = Some(self.built.refusal(message, "look at what it comes from, or change the source by hand"));
            return Ok(());
        }
        match &step.action {
            Action::Set(new) => {
                self.set(value, at, new)?;
                inputs::sites(self, value, new);
                labels::sites(self, base, at, new);
            }
            Action::AddKey { key, value: new } => {
                structure::add_key(self, value, at, key, new);
                wrapped::sites(self, base, at, key, new);
            }
            Action::AddItem { index, value: new } => structure::add_item(self, base, value, at, *index, new),
            Action::Remove => {
                let now = step.at.last().and_then(list_index);
                structure::remove(self, base, value, at, now);
            }
        }
        if self.why.is_none() {
            let leaves = self.leaves(value);
            self.why = Some(self.built.nowhere(at, &leaves));
        }
        Ok(())
    }

    /// What is marked sensitive is never written, nor anything in it.
    fn refuse_marked(&self, base: &Value, at: &Pointer) -> Result<(), Refusal> {
        let mut value = Some(base);
        let mut tokens = at.tokens().iter();
        while let Some(here) = value {
            let is_last = tokens.len() == 0;
            let marks = if is_last { here.marks_within() } else { here.marks() };
            if marks.is_sensitive {
                let message = format!("{at} of {} is sensitive and never written", self.built.planned.address);
                let hint = "change it where secrets are kept, or change the source by hand";
                let (file, line) = self.built.declared;
                return Err(Refusal::new(Code::Secret, message, hint).at(file, Some(line)));
            }
            value = tokens.next().and_then(|token| child(here, token));
        }
        Ok(())
    }

    /// What a value itself is made of.
    fn leaves(&self, value: &Value) -> Vec<Leaf> {
        let flow = value.own_flow(&mut self.built.whole.sets.borrow_mut());
        self.built.whole.leaves(flow.data)
    }

    /// A value becomes another one.
    fn set(&mut self, value: &Value, at: &Pointer, new: &Json) -> Result<(), Refusal> {
        if self.is_fallback(value) {
            referred::sites(self, at, new);
        }
        match (value.as_string(), new) {
            (Some(_), Json::String(text)) => self.set_text(value, at, text)?,
            // What several make, by an operator or function, none of them says.
            _ => {
                if let [leaf] = self.leaves(value)[..] {
                    self.at_leaf(&leaf, &Action::Set(self.styled(value, &leaf, new)));
                }
            }
        }
        referred::sites(self, at, new);
        Ok(())
    }

    /// Tells whether a value is a literal that may speak for other instances as well, where one would have one of its own.
    fn is_fallback(&self, value: &Value) -> bool {
        let leaves = self.leaves(value);
        let is_shared = |leaf: &Leaf| matches!(leaf.role, Role::Resource | Role::ModuleArgument | Role::TypeDefault);
        matches!(self.built.planned.repetition, Repetition::Each(..)) && leaves.iter().all(is_shared)
    }

    fn set_text(&mut self, value: &Value, at: &Pointer, new: &str) -> Result<(), Refusal> {
        let Some(string) = value.as_string() else { return Ok(()) };
        let old = string.as_str();
        if json::sites(self, value, at, new)? {
            return Ok(());
        }
        self.set_plain(value, new);
        ends::sites(self, value, at, old, new);
        if old.is_empty() || string.text().pieces().iter().all(|piece| piece.len == 0) {
            for leaf in self.leaves(value) {
                self.at_leaf(&leaf, &Action::Set(new.into()));
            }
        }
        Ok(())
    }

    fn set_plain(&mut self, value: &Value, new: &str) {
        let Some(string) = value.as_string() else { return };
        let old = string.as_str();
        let window = Window::between(old, new);
        let pieces: Vec<Slice> = string.text().slices(0..old.len()).filter(|piece| !piece.range.is_empty()).collect();
        for piece in &pieces {
            if piece.range.start <= window.start && window.end <= piece.range.end {
                self.part(value, piece, &window);
            }
        }
        if pieces.iter().any(|piece| matches!(piece.made_of, MadeOf::Derived(_))) {
            self.computed(value, old, new, &window);
        }
    }

    /// A text that a function made: of a literal that is still in it, or of nothing but one literal.
    fn computed(&mut self, value: &Value, old: &str, new: &str, window: &Window) {
        let leaves = self.leaves(value);
        let is_only = leaves.len() == 1;
        for leaf in leaves.iter().filter(|leaf| matches!(leaf.says, Says::Literal | Says::Scalar)) {
            let Some(content) = leaves::content_of(self.built, leaf).filter(|content| !content.is_empty()) else {
                continue;
            };
            let mut found = old.match_indices(&*content);
            if let (Some((at, _)), None) = (found.next(), found.next())
                && at <= window.start
                && window.end <= at + content.len()
            {
                let new = window.replaced(old, &(at..at + content.len()));
                self.at_leaf(leaf, &Action::Set(self.styled(value, leaf, &Json::String(new))));
            } else if is_only {
                self.at_leaf(leaf, &Action::Set(self.styled(value, leaf, &new.into())));
            }
        }
    }

    /// The piece of a text that holds all that differs, written anew.
    fn part(&mut self, value: &Value, piece: &Slice, window: &Window) {
        let MadeOf::Verbatim { leaf, offset } = piece.made_of else { return };
        let Some(old) = value.as_str() else { return };
        let leaf = self.built.whole.leaf(leaf);
        let offset = offset as usize;
        let (start, end) = (
            window.start.clamp(piece.range.start, piece.range.end),
            window.end.clamp(piece.range.start, piece.range.end),
        );
        let within = (offset + start - piece.range.start, offset + end - piece.range.start);
        match leaf.says {
            Says::Template => {
                self.found.add(leaves::template_text(self.built, &leaf, within, &old[start..end], &window.new))
            }
            Says::Content => self.found.add(leaves::content(self.built, &leaf, within, &old[start..end], &window.new)),
            _ => {
                let Some(content) = leaves::content_of(self.built, &leaf) else { return };
                if content.get(within.0..within.1) != Some(&old[start..end]) {
                    return;
                }
                let new = format!("{}{}{}", &content[..within.0], window.new, &content[within.1..]);
                let is_whole = piece.range == (0..old.len()) && content == old;
                let new = if is_whole { self.styled(value, &leaf, &Json::String(new)) } else { Json::String(new) };
                self.at_leaf(&leaf, &Action::Set(new));
            }
        }
    }

    /// The value in the kind that the source writes it in: what converts a number to a text goes on to do so.
    fn styled(&self, old: &Value, leaf: &Leaf, new: &Json) -> Json {
        let Some(written) = leaves::literal_of(self.built, leaf) else { return new.clone() };
        match (&written, old.datum(), new) {
            (Json::Number(_) | Json::Bool(_), Datum::String(_), Json::String(text)) => match text.parse::<Json>() {
                Ok(parsed @ (Json::Number(_) | Json::Bool(_))) if as_text(&parsed) == *text => parsed,
                _ => new.clone(),
            },
            (Json::String(_), Datum::Number(_) | Datum::Bool(_), Json::Number(_) | Json::Bool(_)) => {
                Json::String(as_text(new))
            }
            _ => new.clone(),
        }
    }

    /// Something happens to what stands at a leaf, or over it.
    fn at_leaf(&mut self, leaf: &Leaf, action: &Action) {
        let sites = leaves::sites(self.built, leaf, action);
        self.found.add(sites);
    }
}

/// The value at a pointer.
pub(super) fn find<'v>(value: &'v Value, at: &Pointer) -> Option<&'v Value> {
    at.tokens().iter().try_fold(value, |value, token| child(value, token))
}

fn child<'v>(value: &'v Value, token: &str) -> Option<&'v Value> {
    match value.datum() {
        Datum::Mapping(mapping) => mapping.get(token).map(|Entry { value, .. }| value),
        Datum::Sequence(elements) => elements.get(list_index(token)?),
        _ => None,
    }
}

/// Where the elements of lists went: a pointer of a step counts what the steps before it left.
#[derive(Default)]
struct Trail {
    /// The original positions of the elements of a list that was changed; nothing for what is new.
    lists: HashMap<Pointer, Vec<Option<usize>>>,
}

impl Trail {
    /// The same place in the original value; nothing for what was not there.
    fn original(&self, at: &Pointer, value: &Value) -> Option<Pointer> {
        let mut original = Pointer::root();
        for token in at.tokens() {
            let moved = match (self.lists.get(&original), list_index(token)) {
                (Some(positions), Some(index)) => match positions.get(index) {
                    Some(position) => (*position)?.to_string(),
                    None => token.clone(),
                },
                _ => token.clone(),
            };
            original = original.join(moved);
        }
        find(value, &original).is_some().then_some(original)
    }

    fn take(&mut self, step: &Change, value: &Value) {
        let (list, index, is_new) = match (&step.action, step.at.parent(), step.at.last().and_then(list_index)) {
            (Action::AddItem { index, .. }, _, _) => (step.at.clone(), *index, true),
            (Action::Remove, Some(list), Some(index)) => (list, index, false),
            _ => return,
        };
        let Some(list) = self.original(&list, value) else { return };
        let Some(elements) = find(value, &list).and_then(Value::as_sequence) else { return };
        let positions = self.lists.entry(list).or_insert_with(|| (0..elements.len()).map(Some).collect());
        if is_new {
            positions.insert(index.min(positions.len()), None);
        } else if index < positions.len() {
            positions.remove(index);
        }
    }
}
