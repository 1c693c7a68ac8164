//! What a resource comes from, for machines; docs/command-line.md names the members.

use serde::Serialize;
use serde_json::Value;

use super::{
    path,
    reach::{Reach, edits, leaves, without_effect},
    withheld::Withheld,
};
use crate::{
    engine::Resource,
    model::{pointer::Pointer, resource::ResourceId},
    remedy::confidential::WITHHELD,
    source::{
        lineage::{Cause, Chain, Lack, Origin, Part},
        path::RepoPath,
        span::Span,
    },
    stack::{carried, catalog::Catalog},
};

#[derive(Serialize)]
struct Explained<'r> {
    resource: &'r ResourceId,
    stack: &'r str,
    fields: Vec<Field<'r>>,
}

#[derive(Serialize)]
struct Field<'r> {
    path: &'r Pointer,
    value: Option<&'r Value>,
    origins: Vec<Place>,
    #[serde(flatten)]
    chain: Option<Told>,
    #[serde(flatten)]
    advice: Option<Advice>,
}

#[derive(Serialize)]
struct Place {
    file: RepoPath,
    line: usize,
    role: String,
    bytes: [usize; 2],
}

/// How a field came to be.
#[derive(Serialize)]
struct Told {
    parts: Vec<ToldPart>,
    printed_because: Vec<Source>,
    chosen_because: Vec<Source>,
    partial: bool,
}

#[derive(Serialize)]
struct ToldPart {
    text: String,
    computed: bool,
    sources: Vec<Source>,
}

#[derive(Serialize)]
struct Source {
    role: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<RepoPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<Self>,
}

/// What to do about a field.
#[derive(Serialize)]
struct Advice {
    to_change_it: Vec<Edit>,
    has_no_effect: Vec<Source>,
}

#[derive(Serialize)]
struct Edit {
    file: RepoPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(flatten)]
    reach: Reach,
}

/// A field that is not there.
#[derive(Serialize)]
struct Lacking<'r> {
    resource: &'r ResourceId,
    stack: &'r str,
    lacks: &'r Pointer,
    passed_over: Vec<PassedOver>,
    to_set_it: Vec<Settable>,
}

#[derive(Serialize)]
struct PassedOver {
    file: RepoPath,
    line: usize,
    bytes: [usize; 2],
    because: Vec<Source>,
}

#[derive(Serialize)]
struct Settable {
    file: RepoPath,
    name: String,
}

/// A resource, or a field of it, on one line.
pub fn text(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: Option<&Pointer>) -> String {
    let withheld = Withheld::of(resource);
    let fields = match at {
        None => leaves(&resource.value),
        Some(at) => match resource.chain(at).and(at.get(&resource.value)) {
            Some(value) if super::is_filled(value) => super::below(resource, at),
            _ => vec![at.clone()],
        },
    };
    let describe = |(path, origins): (_, Vec<Origin>)| {
        let chain = carried::chain(catalog, position, resource, path);
        let is_secret = withheld.hides(path);
        let advice = chain.as_ref().filter(|_| at == Some(path)).map(|chain| Advice {
            to_change_it: edits(catalog, position, resource, path, chain)
                .into_iter()
                .map(|edit| Edit {
                    line: edit.now.map(|(line, _)| line),
                    bytes: edit.now.map(|(_, span)| bytes(span)),
                    name: path::keys(edit.key),
                    file: edit.file,
                    reach: edit.reach,
                })
                .collect(),
            has_no_effect: sources(without_effect(chain), &withheld, is_secret),
        });
        let chain = chain.map(|chain| Told::of(&chain, &withheld, is_secret));
        let origins = origins.into_iter().map(Place::of).collect();
        Field { path, value: withheld.field(path), origins, chain, advice }
    };
    let described = fields.iter().zip(carried::origins(catalog, position, resource, &fields)).map(describe).collect();
    let stack = &catalog.stacks()[position].name;
    line(&Explained { resource: &resource.id, stack, fields: described })
}

/// A field that is not there, on one line.
pub fn lack(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer, lack: &Lack) -> String {
    let withheld = Withheld::of(resource);
    let passed_over = lack.passed_over.iter().map(|passed| PassedOver {
        file: passed.place.file.clone(),
        line: passed.place.line,
        bytes: bytes(passed.place.span),
        because: sources(&passed.decided_by, &withheld, false),
    });
    let settable = lack.settable.iter().map(|over| Settable { file: over.file.clone(), name: path::keys(&over.key) });
    line(&Lacking {
        resource: &resource.id,
        stack: &catalog.stacks()[position].name,
        lacks: at,
        passed_over: passed_over.collect(),
        to_set_it: settable.collect(),
    })
}

impl Place {
    fn of(origin: Origin) -> Self {
        let Origin { file, line, span, role, .. } = origin;
        Self { file, line, role: role.to_string(), bytes: bytes(span) }
    }
}

impl Told {
    fn of(chain: &Chain, withheld: &Withheld<'_>, is_secret: bool) -> Self {
        let part = |part: &Part| ToldPart {
            text: if is_secret && !part.text.is_empty() { WITHHELD.to_owned() } else { part.text.clone() },
            computed: part.computed,
            sources: sources(&part.sources, withheld, is_secret),
        };
        Self {
            parts: chain.parts.iter().map(part).collect(),
            printed_because: sources(&chain.printed_because, withheld, false),
            chosen_because: sources(&chain.chosen_because, withheld, false),
            partial: chain.is_partial,
        }
    }
}

fn sources<'c>(causes: impl IntoIterator<Item = &'c Cause>, withheld: &Withheld<'_>, is_secret: bool) -> Vec<Source> {
    let source = |cause: &'c Cause| Source {
        role: cause.role.to_string(),
        name: path::cause(cause),
        file: cause.place.as_ref().map(|place| place.file.clone()),
        inside: cause.place.as_ref().and_then(|place| place.inside.clone()),
        line: cause.place.as_ref().map(|place| place.line),
        bytes: cause.place.as_ref().map(|place| bytes(place.span)),
        value: withheld.value(cause, is_secret),
        overrides: sources(&cause.overrides, withheld, is_secret),
    };
    causes.into_iter().map(source).collect()
}

fn bytes(span: Span) -> [usize; 2] {
    [span.start, span.end]
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("all keys are texts") + "\n"
}
