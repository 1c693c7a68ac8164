//! Where a resource's attributes come from.

use std::rc::Rc;

use serde_json::Value as Json;

use super::{
    leaf::{self, Leaf, Says},
    resources::Planned,
    settle::settled,
    sites::{self, Built},
    value::{Datum, Value, walk::flow_of},
    whole::Whole,
};
use crate::{
    engine::site::{Lists, Site},
    model::{
        change::Change,
        diff::FieldChange,
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        lineage::{
            Address, Dependence, Origin, Role, Spot,
            sets::{Flow, SetId},
        },
        path::RepoPath,
        span::Span,
    },
};

/// Where one resource comes from.
#[derive(Clone, Debug)]
pub struct Source {
    whole: Rc<Whole>,
    planned: Planned,
    declared: (RepoPath, usize),
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
        let Some(value) = sites::find(&self.planned.value, at) else { return Vec::new() };
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
            (_, leaf::Role::Resource) => Role::ResourceArgument,
            (_, leaf::Role::Provider) => Role::ProviderArgument,
            (_, leaf::Role::ModuleArgument) => Role::ModuleArgument,
            (_, leaf::Role::Local | leaf::Role::Output) => Role::Local,
            (_, leaf::Role::VariableDefault | leaf::Role::TypeDefault) => Role::VariableDefault,
            (_, leaf::Role::VariableValue) => Role::VariableValue,
            (_, leaf::Role::File) => Role::FileEntry,
            (_, leaf::Role::BuiltIn) => Role::BuiltIn,
        };
        let span = Span::new(place.span.start, place.span.end);
        Some(Origin { file: file.clone(), line, span, role, address: Address::Text })
    }

    /// The fields that depend on a spot, of those that are asked for.
    pub fn dependents(&self, fields: &[Pointer], spot: &Spot<'_>) -> Vec<(Pointer, Dependence)> {
        let Spot::Bytes(file, span, _) = spot else { return Vec::new() };
        let holds = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
        let meets = |origin: &Origin| origin.file == **file && (holds(origin.span, *span) || holds(*span, origin.span));
        let moved = fields.iter().filter(|at| self.origins(at).iter().any(meets));
        moved.map(|at| (at.clone(), Dependence::Data)).collect()
    }

    /// What is wanted, in the form in which the source says such things.
    pub fn settled(&self, wanted: Json) -> Json {
        let wanted = match &self.planned.labels {
            Some(labels) => labels.settled(&self.planned.value, wanted),
            None => wanted,
        };
        let mut wanted = settled(&self.planned.value, wanted);
        if let (Json::Object(wanted), Some(declared)) = (&mut wanted, self.planned.value.as_mapping()) {
            for entry in declared.entries().iter().filter(|entry| self.is_given(&entry.value)) {
                wanted.entry(entry.key.as_str()).or_insert(Json::Null);
            }
        }
        wanted
    }

    /// Tells whether a field differs from what is wanted because another one does that says the same.
    pub fn echoes(&self, declared: &Json, wanted: &Json, change: &FieldChange) -> bool {
        self.planned.labels.as_ref().is_some_and(|labels| labels.echoes(declared, wanted, change))
    }

    /// Tells whether a module is given a value by who calls it, or by its defaults. Such an argument goes by becoming null:
    /// taken out of the module it would be gone for all of its callers.
    fn is_given(&self, value: &Value) -> bool {
        let flow = value.own_flow(&mut self.whole.sets.borrow_mut());
        let leaves = self.whole.leaves(flow.data);
        self.whole.module(self.planned.module).call.is_some()
            && !leaves.is_empty()
            && leaves.iter().all(|leaf| {
                let given = [leaf::Role::ModuleArgument, leaf::Role::VariableDefault, leaf::Role::TypeDefault];
                given.contains(&leaf.role)
            })
    }

    /// Checks that it is rendered as whoever applies it reads it.
    ///
    /// # Errors
    /// `engine-unsupported` where OpenTofu reads other files than Terraform.
    pub fn check_tool(&self) -> Result<(), Refusal> {
        let Some(file) = &self.whole.opentofu else { return Ok(()) };
        let message = format!("{file} is read by OpenTofu and not by Terraform, and either may be at work here");
        Err(Refusal::new(Code::EngineUnsupported, message, "change the source by hand").at(file, None))
    }

    /// Where each step of a change could be written.
    ///
    /// # Errors
    /// A refusal where nothing that may be edited says one, where the source wants it left alone, or as [`Self::check_tool`].
    pub fn sites(&self, steps: &[Change], lists: Lists) -> Result<Vec<Vec<Site>>, Refusal> {
        self.check_tool()?;
        let declared = (&self.declared.0, self.declared.1);
        sites::sites(Built { whole: &self.whole, planned: &self.planned, declared, lists }, steps)
    }
}
