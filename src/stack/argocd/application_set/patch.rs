//! `templatePatch`: a text that is rendered and laid over each application.

use serde_json::Value;

use super::{
    parameters::{Layers, Parameters},
    template::{RenderedPart, Renderer, Texts, located},
};
use crate::{
    engine::parts::Place,
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        yaml::{
            parse::parse,
            resolve::{Reader, value},
            tree::{Document, NodeId, NodeKind},
        },
    },
};

/// Lays the rendered patch over an application. Fields that the patch says lead to it, or to the parameters in it.
///
/// # Errors
/// Where Argo CD fails: the text is no map.
#[expect(clippy::too_many_arguments, reason = "the parts of one application")]
pub(super) fn apply(
    application: &mut Value,
    text: &str,
    file: &RepoPath,
    parameters: &Parameters,
    layers: &Layers,
    renderer: &mut Renderer<'_>,
    texts: &mut Texts,
    foreign: &mut Vec<Pointer>,
) -> Result<(), Refusal> {
    let rendered = renderer.text(text, parameters)?;
    let broken =
        |why: String| Refusal::new(Code::StackUnreadable, format!("the templatePatch {why}"), "mend the templatePatch");
    let stream = parse(&rendered.text).map_err(|error| broken(format!("is no YAML: {error}")))?;
    let Some((document, root)) = stream.documents.iter().find_map(|document| Some((document, document.root?))) else {
        return Ok(());
    };
    let said = value(document, root, Reader::Manifest).map_err(|error| broken(error.to_string()))?;
    if said.is_null() {
        return Ok(());
    }
    if !said.is_object() {
        return Err(broken("is no map".to_owned()));
    }
    let project = application.pointer("/spec/project").cloned();
    json_patch::merge(application, &said);
    if let (Some(Value::Object(spec)), Some(project)) = (application.get_mut("spec"), project) {
        spec.insert("project".to_owned(), project);
    }
    let at = Pointer::of(["spec", "templatePatch"]);
    let place = Place { file: file.clone(), document: 0, at, now: text.into(), label: "templatePatch".to_owned() };
    let mut walk = Walk { document, text: &rendered.text, parts: &rendered.parts, layers, place, texts, foreign };
    walk.node(root, &Pointer::root());
    Ok(())
}

struct Walk<'w> {
    document: &'w Document,
    text: &'w str,
    parts: &'w [RenderedPart],
    layers: &'w Layers,
    place: Place,
    texts: &'w mut Texts,
    foreign: &'w mut Vec<Pointer>,
}

impl Walk<'_> {
    fn node(&mut self, node: NodeId, at: &Pointer) {
        match &self.document.node(node).kind {
            NodeKind::Mapping { entries, .. } => {
                for entry in entries {
                    if let NodeKind::Scalar { text, .. } = &self.document.node(entry.key).kind {
                        self.node(entry.value, &at.join(text));
                    }
                }
            }
            NodeKind::Sequence { items, .. } => {
                // A list takes the place of the template's.
                self.texts.retain(|known, _| !known.is_within(at));
                for (index, item) in items.iter().enumerate() {
                    self.node(item.node, &at.join(index.to_string()));
                }
                self.foreign.push(at.clone());
            }
            NodeKind::Scalar { text, .. } => {
                self.texts.retain(|known, _| !known.is_within(at));
                self.foreign.push(at.clone());
                let range = self.document.node(node).span.range();
                // In quotes or as a block it is written otherwise than it is read.
                if self.text.get(range.clone()) != Some(text) {
                    return;
                }
                let within = |part: &RenderedPart| {
                    let (start, end) = (part.range.start.max(range.start), part.range.end.min(range.end));
                    (start < end).then(|| RenderedPart {
                        range: start - range.start..end - range.start,
                        from: part.from.clone(),
                        offset: part.offset.map(|offset| offset + start - part.range.start),
                    })
                };
                let parts: Vec<RenderedPart> = self.parts.iter().filter_map(within).collect();
                self.texts.insert(at.clone(), located(&parts, self.layers, &self.place));
            }
            NodeKind::Alias { .. } => self.foreign.push(at.clone()),
        }
    }
}
