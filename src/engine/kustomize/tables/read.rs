//! The files of `configurations`.
//!
//! Reference: `api/internal/plugins/builtinconfig/loaddefaultconfig.go` of Kustomize 5.5.0: the first document of the file, read
//! strictly by `sigs.k8s.io/yaml`.

use super::{BackReferences, Tables};
use crate::{
    engine::kustomize::{
        context::Context,
        field_spec::FieldSpec,
        identity::Gvk,
        leaf::SourceId,
        node::{Content, Entry, Node, Tag, read},
        problem::{Kind, Problem},
    },
    source::{
        span::Span,
        yaml::{
            resolve::{self, Reader, Unresolvable},
            tree::{Document, NodeKind},
        },
    },
};

/// Reads a file of `configurations`.
///
/// # Errors
/// Where it is no YAML, says a key twice, or a field that no configuration has.
pub fn configuration(source: SourceId, context: &mut Context<'_>) -> Result<Tables, Problem> {
    let tables = first(source, true, context)?.map(|node| Tables::read(&node)).transpose()?;
    Ok(tables.unwrap_or_default())
}

impl Tables {
    /// Reads what a configuration says.
    ///
    /// # Errors
    /// Where a field is not known or of another type.
    pub fn read(node: &Node) -> Result<Self, Problem> {
        let mut tables = Self::default();
        for Entry { key, value } in fields(node)? {
            if value.is_null() {
                continue;
            }
            let written = key.lossy().to_ascii_lowercase();
            let specs = match written.as_str() {
                "nameprefix" => &mut tables.name_prefix,
                "namesuffix" => &mut tables.name_suffix,
                "namespace" => &mut tables.namespace,
                "commonlabels" => &mut tables.common_labels,
                "labels" => &mut tables.labels,
                "templatelabels" => &mut tables.template_labels,
                "commonannotations" => &mut tables.common_annotations,
                "varreference" => &mut tables.var_reference,
                "images" => &mut tables.images,
                "replicas" => &mut tables.replicas,
                "namereference" => {
                    let read = |item: &Node| {
                        if item.is_null() { Ok(BackReferences::default()) } else { back_references(item) }
                    };
                    tables.name_reference = list(value)?.iter().map(read).collect::<Result<_, _>>()?;
                    continue;
                }
                _ => return Err(unknown(key.lossy().as_ref())),
            };
            *specs = field_specs(value)?;
            super::sort_specs(specs);
        }
        tables.name_reference.sort_by_cached_key(|references| super::sort_key(&references.gvk));
        Ok(tables)
    }
}

/// Reads a list of field specifications: `fieldSpecs`, `fields`.
///
/// # Errors
/// Where a field is not known or of another type.
pub fn field_specs(node: &Node) -> Result<Vec<FieldSpec>, Problem> {
    if node.is_null() {
        return Ok(Vec::new());
    }
    list(node)?.iter().map(field_spec).collect()
}

fn field_spec(node: &Node) -> Result<FieldSpec, Problem> {
    let mut spec = FieldSpec::default();
    if node.is_null() {
        return Ok(spec);
    }
    for Entry { key, value } in fields(node)? {
        let written = key.lossy().to_ascii_lowercase();
        match written.as_str() {
            _ if value.is_null() && is_field_of_spec(&written) => {}
            "path" => spec.path = path(value)?,
            "create" => spec.create = truth(value)?,
            field if set_kind(&mut spec.gvk, field, value)? => {}
            _ => return Err(unknown(key.lossy().as_ref())),
        }
    }
    Ok(spec)
}

fn back_references(node: &Node) -> Result<BackReferences, Problem> {
    let mut references = BackReferences::default();
    for Entry { key, value } in fields(node)? {
        let written = key.lossy().to_ascii_lowercase();
        match written.as_str() {
            _ if value.is_null() && (written == "fieldspecs" || is_kind(&written)) => {}
            "fieldspecs" => references.specs = field_specs(value)?,
            field if set_kind(&mut references.gvk, field, value)? => {}
            _ => return Err(unknown(key.lossy().as_ref())),
        }
    }
    Ok(references)
}

fn is_kind(field: &str) -> bool {
    matches!(field, "group" | "version" | "kind")
}

fn is_field_of_spec(field: &str) -> bool {
    is_kind(field) || matches!(field, "path" | "create")
}

fn set_kind(gvk: &mut Gvk, field: &str, value: &Node) -> Result<bool, Problem> {
    let part = match field {
        "group" => &mut gvk.group,
        "version" => &mut gvk.version,
        "kind" => &mut gvk.kind,
        _ => return Ok(false),
    };
    *part = text(value)?.to_owned();
    Ok(true)
}

fn fields(node: &Node) -> Result<&[Entry], Problem> {
    node.entries().ok_or_else(|| mismatch(node, "struct"))
}

fn list(node: &Node) -> Result<&[Node], Problem> {
    node.items().ok_or_else(|| mismatch(node, "slice"))
}

fn text(node: &Node) -> Result<&str, Problem> {
    match node.as_scalar() {
        Some(scalar) if matches!(scalar.tag, Tag::String | Tag::Timestamp) => {
            scalar.text.as_str().ok_or_else(|| mismatch(node, "string"))
        }
        _ => Err(mismatch(node, "string")),
    }
}

/// A path, which may also be a number or a truth value: they are taken as text, in Go's form of them.
fn path(node: &Node) -> Result<String, Problem> {
    match node.as_scalar() {
        Some(scalar) if scalar.tag == Tag::Boolean => Ok(scalar.text.lossy().into_owned()),
        Some(scalar) if matches!(scalar.tag, Tag::Integer | Tag::Float) => {
            scalar.to_json().map(|value| value.to_string()).map_err(Problem::broken)
        }
        _ => text(node).map(str::to_owned),
    }
}

fn truth(node: &Node) -> Result<bool, Problem> {
    match node.as_scalar() {
        Some(scalar) if scalar.tag == Tag::Boolean => Ok(scalar.text.bytes() == b"true"),
        _ => Err(mismatch(node, "bool")),
    }
}

fn unknown(field: &str) -> Problem {
    Problem::broken(format!("error unmarshaling JSON: while decoding JSON: json: unknown field \"{field}\""))
}

fn mismatch(node: &Node, wanted: &str) -> Problem {
    let found = match &node.content {
        Content::Map(_) => "object",
        Content::List(_) => "array",
        Content::Scalar(scalar) => match scalar.tag {
            Tag::Boolean => "bool",
            Tag::Integer | Tag::Float => "number",
            _ => "string",
        },
    };
    Problem::broken(format!("error unmarshaling JSON: cannot unmarshal {found} into Go value of type {wanted}"))
}

/// The first document of a file as `sigs.k8s.io/yaml` reads it; nothing where it is empty.
///
/// # Errors
/// Where it is no YAML, or a map says a key twice and `is_strict`.
pub fn first(source: SourceId, is_strict: bool, context: &mut Context<'_>) -> Result<Option<Node>, Problem> {
    let yaml = context.sources.yaml(source)?;
    let stream = yaml.stream.as_ref().map_err(|error| {
        let kind = if error.go.is_some() { Kind::Broken } else { Kind::Unsupported };
        let problem = Problem { kind, message: format!("error converting YAML to JSON: {error}"), at: None };
        problem.at(source, Span::empty(0))
    })?;
    let comments = |document: &&Document| document.root.is_none() && document.start_marker.is_none();
    let index = stream.documents.iter().take_while(comments).count();
    let Some(document) = stream.documents.get(index) else { return Ok(None) };
    context.spend(document.nodes.len())?;
    if is_strict && let Some(span) = repeated_key(document) {
        return Err(Problem::broken("error converting YAML to JSON: key already set in map").at(source, span));
    }
    let node = read::read(document, source, index, Reader::Manifest, &mut context.sets).map_err(|error| {
        let problem = match error.problem {
            Unresolvable::TooLarge | Unresolvable::TooDeep => Problem::limit(error.to_string()),
            _ => Problem::broken(error.to_string()),
        };
        problem.at(source, error.span)
    })?;
    Ok(node.filter(|node| !node.is_null()))
}

/// A key that a map of the document says a second time.
fn repeated_key(document: &Document) -> Option<Span> {
    document.nodes.iter().find_map(|node| {
        let NodeKind::Mapping { entries, .. } = &node.kind else { return None };
        let mut keys = std::collections::HashSet::new();
        let mut is_new = |key| resolve::key_text(document, key, Reader::Manifest).is_none_or(|text| keys.insert(text));
        let entry = entries.iter().find(|entry| !is_new(entry.key))?;
        Some(document.node(entry.key).span)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::kustomize::sources::{Parsed, Sources},
        source::{path::RepoPath, tree::MemoryTree},
    };

    #[test]
    fn a_configuration_is_read_strictly() {
        let cases = [
            ("namespace: [{path: a, foo: 1}]", Err("unknown field \"foo\"")),
            ("apiVersion: v1", Err("unknown field \"apiVersion\"")),
            ("namespace: []\nnamespace: []", Err("already set")),
            ("namespace: [{path: a, create: 'true'}]", Err("cannot unmarshal string")),
            ("namespace: [{path: a, kind: 5}]", Err("cannot unmarshal number")),
            ("- a", Err("cannot unmarshal array")),
            ("# nothing", Ok("")),
            (
                "Namespace: [{Path: data/a, KIND: ConfigMap, create: yes, version: null}]\nnamePrefix: ~",
                Ok("data/a ConfigMap true"),
            ),
            ("namespace: [{path: 5}]", Ok("5  false")),
            ("namespace: [{path: a}]\n---\nnamespace: [{path: b}]", Ok("a  false")),
        ];
        for (text, expected) in cases {
            let path = "c.yaml".parse::<RepoPath>().expect("a path");
            let (tree, parsed) = (MemoryTree::of([(path.clone(), text)]), Parsed::default());
            let mut context = Context::new(Sources::new(&tree, &parsed));
            let source = context.sources.file(&path).expect("a file");
            let read = configuration(source, &mut context);
            let told = read.map(|tables| {
                let spec = tables.namespace.first();
                spec.map(|spec| format!("{} {} {}", spec.path, spec.gvk.kind, spec.create)).unwrap_or_default()
            });
            match (told, expected) {
                (Ok(told), Ok(expected)) => assert_eq!(told, expected, "{text}"),
                (Err(problem), Err(part)) => assert!(problem.message.contains(part), "{text}: {problem}"),
                (told, expected) => panic!("{text}: {told:?} instead of {expected:?}"),
            }
        }
    }
}
