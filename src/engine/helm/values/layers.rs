//! Documents and arguments to values that know their place.

use serde_json::Value as Json;

use super::{Argument, Release, ValuesSource, by_kind, coalesce, set};
use crate::{
    engine::helm::{
        sources::{Layer, LayerContent, Problem, Role, Sources, Written, Yaml},
        template::{
            context::Context,
            fault::Fault,
            leaf::{FileId, LayerId, Leaf, PathId},
            value::{Datum, Map, MapKind, Value},
        },
    },
    source::{
        lineage::text::{MadeOf, Text},
        span::line_of,
        yaml::resolve::{self, Reader},
    },
};

use std::sync::Arc;

/// The values of a release, and its layers in the order in which they were laid.
pub(super) fn user_values(
    release: &Release,
    sources: &mut Sources<'_>,
    context: &mut Context,
) -> Result<(Map, Vec<LayerId>), Problem> {
    let (values, mut layers) = (Map::new(MapKind::Any), Vec::new());
    for (index, source) in release.values.iter().enumerate() {
        let (layer, map) = read(source, index, sources)?;
        layers.push(layer);
        if let Some(Json::Object(map)) = map.as_deref() {
            let over = map_value(map, layer, PathId::ROOT, context);
            coalesce::lay_over(&values, &over, context, 0)?;
        }
    }
    for (kind, arguments) in by_kind(&release.arguments) {
        for (index, argument) in arguments.into_iter().enumerate() {
            let layer = argument_layer(argument, Role::Argument(kind, index), sources);
            let assigned = {
                let mut read = |path: &str| read_file(path, release, sources);
                set::apply(argument, layer, &values, context, &mut read).map_err(|problem| match &argument.written {
                    Some((file, _, _)) if problem.file.is_none() => Problem { file: Some(file.clone()), ..problem },
                    _ => problem,
                })?
            };
            sources.layer_mut(layer).content = LayerContent::Assigned(assigned);
            layers.push(layer);
        }
    }
    Ok((values, layers))
}

/// Reads a source of values as a layer.
fn read(
    source: &ValuesSource,
    index: usize,
    sources: &mut Sources<'_>,
) -> Result<(LayerId, Option<Arc<Json>>), Problem> {
    let (path, document, at, is_text) = match source {
        ValuesSource::File(path) => (path, None, None, false),
        ValuesSource::Node { file, document, at } => (file, Some(*document), Some(at), false),
        ValuesSource::Text { file, document, at } => (file, Some(*document), Some(at), true),
    };
    let file = sources.file(path);
    let outer = sources.yaml(file)?;
    let (document, base) = (document.unwrap_or(outer.first), at.cloned().unwrap_or_default());
    let mut written = Written { file, document, base: base.clone(), embedded: false };
    let (yaml, value, document, base) = match at {
        None => {
            outer.root_map().map_err(|(line, fault)| sources.problem_at(file, line, fault))?;
            let value = outer.value.clone().ok();
            (outer, value, document, base)
        }
        Some(at) => {
            let missing = || sources.problem(file, Fault::failed(format!("document {document} has no {at}")));
            let inside = outer.stream.documents.get(document).ok_or_else(missing)?;
            let node = resolve::find(inside, at, Reader::Helm).ok_or_else(missing)?.node;
            let line = line_of(&outer.text, inside.node(node).span.start);
            let value = resolve::value(inside, node, Reader::Helm)
                .map_err(|error| sources.problem_at(file, line, Fault::failed(error.to_string())))?;
            match value {
                Json::String(text) if is_text => {
                    written.embedded = true;
                    let shifted = |(inner, fault): (usize, Fault)| sources.problem_at(file, line + inner, fault);
                    let yaml = Arc::new(Yaml::of(text, 0).map_err(shifted)?);
                    yaml.root_map().map_err(shifted)?;
                    let (value, first) = (yaml.value.clone().ok(), yaml.first);
                    (yaml, value, first, Default::default())
                }
                value @ (Json::Object(_) | Json::Null) if !is_text => (outer, Some(Arc::new(value)), document, base),
                Json::Null => (outer, None, document, base),
                _ => {
                    let expected = if is_text { "a text that is YAML" } else { "a map" };
                    return Err(sources.problem_at(file, line, Fault::failed(format!("{at} must be {expected}"))));
                }
            }
        }
    };
    let content = LayerContent::Document { yaml, document, base };
    let layer = sources.add_layer(Layer { role: Role::Values(index), written: Some(written), content });
    Ok((layer, value))
}

fn argument_layer(argument: &Argument, role: Role, sources: &mut Sources<'_>) -> LayerId {
    let written = argument.written.as_ref().map(|(path, document, base)| Written {
        file: sources.file(path),
        document: *document,
        base: base.clone(),
        embedded: true,
    });
    sources.add_layer(Layer { role, written, content: LayerContent::Assigned(Vec::new()) })
}

/// The file that an argument names.
fn read_file(path: &str, release: &Release, sources: &mut Sources<'_>) -> Result<(FileId, Arc<[u8]>), Problem> {
    if path.trim() == "-" || path.contains("://") {
        return Err(Fault::unsupported(format!("{path:?} is no file of the repository")).into());
    }
    let path = release.folder.resolve(path).map_err(|error| Fault::unsupported(error.to_string()))?;
    let file = sources.file(&path);
    Ok((file, sources.content(file)?))
}

/// The values of a chart's own `values.yaml`.
pub(super) fn chart_values(layer: LayerId, sources: &Sources<'_>, context: &mut Context) -> Option<Map> {
    let LayerContent::Document { yaml, .. } = &sources.layer(layer).content else { return None };
    let yaml = yaml.clone();
    let map = yaml.root_map().ok().flatten()?;
    Some(map_value(map, layer, PathId::ROOT, context))
}

fn map_value(map: &serde_json::Map<String, Json>, layer: LayerId, at: PathId, context: &mut Context) -> Map {
    let values = Map::new(MapKind::Any);
    for (key, value) in map {
        let at = context.paths.join(at, key);
        let leaf = context.sets.leaf(Leaf::Key { layer, at });
        let value = self::value(value, layer, at, context);
        values.insert(Text::verbatim(key.as_bytes(), leaf), value);
    }
    values
}

/// A value of a layer: every scalar is what its place prints, every list and map is made of its place.
pub(super) fn value(value: &Json, layer: LayerId, at: PathId, context: &mut Context) -> Value {
    let leaf = context.sets.leaf(Leaf::Node { layer, at });
    let scalar = |datum| Value::new(datum, MadeOf::Verbatim { leaf, offset: 0 });
    match value {
        Json::Null => scalar(Datum::Nil),
        Json::Bool(value) => scalar(Datum::Bool(*value)),
        Json::Number(number) => scalar(Datum::Float(number.as_f64().unwrap_or_default())),
        Json::String(text) => scalar(Datum::Text(Text::verbatim(text.as_bytes(), leaf))),
        Json::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let at = context.paths.join(at, &index.to_string());
                self::value(item, layer, at, context)
            });
            let list = Value::list(items.collect());
            Value { made_of: MadeOf::Derived(leaf.into()), ..list }
        }
        Json::Object(map) => {
            let map = map_value(map, layer, at, context);
            Value::new(Datum::Map(map), MadeOf::Derived(leaf.into()))
        }
    }
}
