//! Where a change of a built resource could be written, best first.
//!
//! What says the field comes first: nobody is surprised by a diff of the line that is wrong. Where that line speaks for others
//! as well, which only the proof can tell, the kustomization of this stack says it over the base: in the entry made for such
//! fields, in a patch that works on the object already, or in a new one in the style of those that are there.

mod entries;
mod generated;
mod patch;
mod place;
mod written;

use serde_json::Value;

use super::{
    identity::Identity,
    kustomization::Kustomization,
    leaf::SourceId,
    node::{Content, Node},
    provenance::Lineage,
    resources::Resource,
    schema::{Definitions, Type},
};
use crate::{
    engine::site::{Found, Site},
    model::{
        change::Change,
        pointer::{Pointer, list_index},
        refusal::{Code, Refusal},
    },
    source::yaml::resolve::{Reader, value},
};

/// A resource whose change is looked for.
pub struct Built<'b> {
    /// The build.
    pub lineage: &'b Lineage,
    /// The kustomizations of the build, the outermost first.
    pub kustomizations: &'b [Kustomization],
    /// What the lists of its kind are merged by.
    pub definitions: &'b Definitions,
    /// The resource with its origins.
    pub resource: &'b Resource,
    /// What it comes to.
    pub declared: &'b Value,
    /// What is wanted of it.
    pub wanted: &'b Value,
}

/// The places at which each step of the change could be taken.
///
/// # Errors
/// `not-expressible` where no file that may be edited says anything of one.
pub fn sites(built: &Built<'_>, steps: &[Change]) -> Result<Vec<Vec<Site>>, Refusal> {
    let layers: Vec<Layer<'_>> = built.kustomizations.iter().filter_map(|layer| built.layer(layer)).collect();
    // A patch says all steps at once.
    let patches: Vec<Vec<Site>> = layers.iter().map(|layer| patch::sites(built, layer, steps)).collect();
    let of_step = |step: &Change| {
        let mut found = Found::default();
        written::sites(built, step, &mut found);
        for (layer, patches) in layers.iter().zip(&patches) {
            generated::sites(built, layer, step, &mut found);
            entries::sites(built, layer, step, &mut found);
            found.add(patches.iter().cloned());
        }
        found.into_sites(|| nowhere(built, step))
    };
    steps.iter().map(of_step).collect()
}

fn nowhere(built: &Built<'_>, step: &Change) -> Refusal {
    let (source, span) = built.resource.declared;
    let (file, line) = built.lineage.place(source, span);
    let message = format!("nothing in this repository that could be edited says {}", step.at);
    Refusal::new(Code::NotExpressible, message, "change the source by hand").at(file, Some(line))
}

/// A kustomization that a resource went through.
struct Layer<'b> {
    kustomization: &'b Kustomization,
    /// What the resource was called when the kustomization's transformers began.
    id: &'b Identity,
    /// The kustomization as it is written, older names of fields included.
    said: Value,
}

impl Layer<'_> {
    /// The items of a list of the kustomization, where it is written.
    fn list(&self, field: &str) -> Option<&Vec<Value>> {
        self.said.get(field).and_then(Value::as_array)
    }
}

impl<'b> Built<'b> {
    fn layer(&self, kustomization: &'b Kustomization) -> Option<Layer<'b>> {
        let (_, id) = self.resource.entered.iter().find(|(file, _)| *file == kustomization.file)?;
        let (_, document) = self.lineage.document(kustomization.file, 0)?;
        let said = value(document, document.root?, Reader::Manifest).ok()?;
        Some(Layer { kustomization, id, said })
    }

    /// The node of a field.
    fn node(&self, at: &Pointer) -> Option<&'b Node> {
        at.tokens().iter().try_fold(&self.resource.node, |node, token| match &node.content {
            Content::Map(_) => node.get(token),
            Content::List(items) => items.get(list_index(token)?),
            Content::Scalar(_) => None,
        })
    }

    fn merge_keys(&self, at: &Pointer) -> Option<&'static [&'static str]> {
        let (api_version, kind) = (self.said("apiVersion"), self.said("kind"));
        crate::model::kubernetes::merge_keys(api_version, kind, at)
    }

    /// The fields by which a strategic merge tells the items of a list apart; none where it replaces the list.
    fn patch_keys(&self, at: &Pointer) -> Vec<String> {
        let (api_version, kind) = (self.said("apiVersion"), self.said("kind"));
        let is_list = |at: &Pointer| matches!(at.get(self.declared), Some(Value::Array(_)));
        let mut above = Pointer::root();
        let mut known = self.definitions.kind(api_version, kind);
        for token in at.tokens() {
            let Some(of) = known else { return Vec::new() };
            known = if is_list(&above) { self.definitions.items(of) } else { self.definitions.field(of, token) };
            above = above.join(token);
        }
        match known {
            Some(Type::List { keys: Some(keys), .. }) => keys.iter().map(|key| key.to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// A change of a document of a file or text.
    fn site(&self, source: SourceId, document: u32, change: Change, label: String) -> Option<Site> {
        place::site(self.lineage, source, document, change, label)
    }

    fn said(&self, key: &str) -> &str {
        self.declared.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}
