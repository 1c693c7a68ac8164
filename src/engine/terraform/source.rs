//! Where a resource's attributes come from.

use std::{rc::Rc, sync::Arc};

use super::{
    context::Context,
    leaf::{self, Leaf, Says},
    resources::Planned,
    value::{Datum, Value, walk::flow_of},
};
use crate::{
    engine::site::Site,
    model::{
        change::Change,
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        lineage::{
            Address, Origin, Role,
            sets::{Flow, SetId, Sets},
        },
        path::RepoPath,
        span::{Lines, Span},
    },
};

/// What all resources of a render share.
#[derive(Debug)]
pub struct Whole {
    sets: std::cell::RefCell<Sets<Leaf>>,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: RepoPath,
    text: String,
    lines: Lines,
}

/// Where one resource comes from.
#[derive(Clone, Debug)]
pub struct Source {
    whole: Rc<Whole>,
    planned: Planned,
    declared: (RepoPath, usize),
}

impl Whole {
    /// What is left of an evaluation.
    pub fn of(mut context: Context<'_>) -> Self {
        let mut files = Vec::new();
        for id in 0..context.files.count() {
            let path = context.files.path(leaf::FileId(id)).clone();
            let content: Option<Arc<[u8]>> = context.files.read(&path).ok();
            let text = content.map(|content| String::from_utf8_lossy(&content).into_owned()).unwrap_or_default();
            files.push(File { path, lines: Lines::of(&text), text });
        }
        Self { sets: context.sets.into(), files }
    }

    fn line(&self, place: leaf::Place) -> (&RepoPath, usize) {
        let file = &self.files[place.file.0 as usize];
        (&file.path, file.lines.line(&file.text, place.span.start))
    }
}

impl Source {
    /// Where a planned resource comes from.
    pub fn new(whole: Rc<Whole>, planned: Planned) -> Self {
        let declared = {
            let sets = whole.sets.borrow();
            let place = sets.leaves(planned.value.flow().data).find_map(|leaf| sets.get(leaf).place);
            place.map(|place| whole.line(place)).map(|(file, line)| (file.clone(), line))
        };
        Self { whole, planned, declared: declared.unwrap_or_else(|| (RepoPath::root(), 1)) }
    }

    /// The file and line of the resource's block.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        (&self.declared.0, self.declared.1)
    }

    /// The places that say the attribute at a pointer.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        let Some(value) = self.value(at) else { return Vec::new() };
        let mut sets = self.whole.sets.borrow_mut();
        let flow = match value.datum() {
            Datum::String(string) => {
                let text = flow_of(&mut sets, string.text());
                let Flow { data, .. } = value.flow();
                sets.union(text.data, data)
            }
            _ => value.flow().data,
        };
        if flow == SetId::ANY {
            return Vec::new();
        }
        let leaves: Vec<Leaf> = sets.leaves(flow).map(|leaf| *sets.get(leaf)).collect();
        leaves.iter().filter_map(|leaf| self.origin(leaf)).collect()
    }

    fn origin(&self, leaf: &Leaf) -> Option<Origin> {
        let place = leaf.place?;
        let (file, line) = self.whole.line(place);
        let role = match (leaf.says, leaf.role) {
            (Says::Absent, _) => Role::Absent,
            (Says::Template, _) => Role::Template,
            (_, leaf::Role::Resource) => Role::Literal,
            (_, leaf::Role::ModuleArgument) => Role::Argument,
            (_, leaf::Role::Local | leaf::Role::Output) => Role::Constant,
            (_, leaf::Role::VariableDefault | leaf::Role::TypeDefault) => Role::Default,
            (_, leaf::Role::VariableValue) => Role::Value,
            (_, leaf::Role::File) => Role::Entry,
            (_, leaf::Role::BuiltIn) => Role::BuiltIn,
        };
        let span = Span::new(place.span.start, place.span.end);
        Some(Origin { file: file.clone(), line, span, role, address: Address::Text })
    }

    /// The value at a pointer.
    fn value(&self, at: &Pointer) -> Option<&Value> {
        let mut value = &self.planned.value;
        for part in at.tokens() {
            value = match value.datum() {
                Datum::Mapping(mapping) => &mapping.get(part)?.value,
                Datum::Sequence(elements) => elements.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Where a change could be made.
    ///
    /// # Errors
    /// Always: this version shows where values come from, and leaves the edit to a person.
    pub fn sites(&self, _step: &Change) -> Result<Vec<Site>, Refusal> {
        let message = format!("this version does not edit the source of {}", self.planned.address);
        let hint = "change the source by hand; `sourceward explain` shows where the value comes from";
        let refusal = Refusal::new(Code::EngineUnsupported, message, hint);
        Err(refusal.at(&self.declared.0, Some(self.declared.1)))
    }
}
