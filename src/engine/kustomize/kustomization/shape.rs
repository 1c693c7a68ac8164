//! What fields a kustomization has, and which type each is of.
//!
//! Go's decoder prefers a key of a field's exact name and otherwise takes one that differs in case only; `null` leaves a field
//! as if it were not there.

use crate::{
    engine::kustomize::{
        node::{Content, Entry, Node, Tag, made},
        problem::Problem,
    },
    source::lineage::text::{MadeOf, Text},
};

/// A type of Go's.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// `string`.
    Text,
    /// `bool`.
    Flag,
    /// `int`, `int64`.
    Whole,
    /// Whatever is written.
    Anything,
    /// A slice.
    List(&'static Self),
    /// A map with keys of any name.
    Map(&'static Self),
    /// A structure.
    Fields(&'static [(&'static str, Self)]),
}

use Shape::{Anything, Fields, Flag, List, Map, Text as Words, Whole};

/// A list of texts.
const TEXTS: Shape = List(&Words);

/// A map of texts.
const PAIRS: Shape = Map(&Words);

/// `types.Kustomization`.
const KUSTOMIZATION: Shape = Fields(&[
    ("kind", Words),
    ("apiVersion", Words),
    ("metadata", Fields(&[("name", Words), ("namespace", Words), ("labels", PAIRS), ("annotations", PAIRS)])),
    ("openapi", PAIRS),
    ("namePrefix", Words),
    ("nameSuffix", Words),
    ("namespace", Words),
    ("commonLabels", PAIRS),
    ("labels", List(&LABEL)),
    ("commonAnnotations", PAIRS),
    ("patchesStrategicMerge", TEXTS),
    ("patchesJson6902", List(&PATCH)),
    ("patches", List(&PATCH)),
    ("images", List(&IMAGE)),
    ("imageTags", List(&IMAGE)),
    ("replacements", List(&REPLACEMENT)),
    ("replicas", List(&Fields(&[("name", Words), ("count", Whole)]))),
    ("vars", List(&VARIABLE)),
    ("sortOptions", SORT_OPTIONS),
    ("resources", TEXTS),
    ("components", TEXTS),
    ("crds", TEXTS),
    ("bases", TEXTS),
    ("configMapGenerator", List(&CONFIG_MAP)),
    ("secretGenerator", List(&SECRET)),
    ("helmGlobals", Fields(&[("chartHome", Words), ("configHome", Words)])),
    ("helmCharts", List(&HELM_CHART)),
    ("helmChartInflationGenerator", List(&HELM_CHART_INFLATION)),
    ("generatorOptions", GENERATOR_OPTIONS),
    ("configurations", TEXTS),
    ("generators", TEXTS),
    ("transformers", TEXTS),
    ("validators", TEXTS),
    ("buildMetadata", TEXTS),
]);

/// `types.Label`.
const LABEL: Shape =
    Fields(&[("pairs", PAIRS), ("includeSelectors", Flag), ("includeTemplates", Flag), ("fields", List(&FIELD_SPEC))]);

/// `types.FieldSpec`.
const FIELD_SPEC: Shape =
    Fields(&[("group", Words), ("version", Words), ("kind", Words), ("path", Words), ("create", Flag)]);

/// `types.Patch`.
const PATCH: Shape = Fields(&[("path", Words), ("patch", Words), ("target", SELECTOR), ("options", Map(&Flag))]);

/// `types.Selector`.
const SELECTOR: Shape = Fields(&[
    ("group", Words),
    ("version", Words),
    ("kind", Words),
    ("name", Words),
    ("namespace", Words),
    ("annotationSelector", Words),
    ("labelSelector", Words),
]);

/// `types.Image`.
const IMAGE: Shape =
    Fields(&[("name", Words), ("newName", Words), ("tagSuffix", Words), ("newTag", Words), ("digest", Words)]);

/// `types.FieldOptions`.
const FIELD_OPTIONS: Shape = Fields(&[("delimiter", Words), ("index", Whole), ("encoding", Words), ("create", Flag)]);

/// `types.ReplacementField`.
const REPLACEMENT: Shape = Fields(&[
    ("path", Words),
    (
        "source",
        Fields(&[
            ("group", Words),
            ("version", Words),
            ("kind", Words),
            ("name", Words),
            ("namespace", Words),
            ("fieldPath", Words),
            ("options", FIELD_OPTIONS),
        ]),
    ),
    (
        "targets",
        List(&Fields(&[
            ("select", SELECTOR),
            ("reject", List(&SELECTOR)),
            ("fieldPaths", TEXTS),
            ("options", FIELD_OPTIONS),
        ])),
    ),
]);

/// `types.Var`.
const VARIABLE: Shape = Fields(&[
    ("name", Words),
    (
        "objref",
        Fields(&[
            ("apiVersion", Words),
            ("group", Words),
            ("version", Words),
            ("kind", Words),
            ("name", Words),
            ("namespace", Words),
        ]),
    ),
    ("fieldref", Fields(&[("fieldPath", Words)])),
]);

/// `types.SortOptions`.
const SORT_OPTIONS: Shape =
    Fields(&[("order", Words), ("legacySortOptions", Fields(&[("orderFirst", TEXTS), ("orderLast", TEXTS)]))]);

/// `types.GeneratorOptions`.
const GENERATOR_OPTIONS: Shape =
    Fields(&[("labels", PAIRS), ("annotations", PAIRS), ("disableNameSuffixHash", Flag), ("immutable", Flag)]);

/// `types.ConfigMapArgs`.
const CONFIG_MAP: Shape = Fields(&[
    ("namespace", Words),
    ("name", Words),
    ("behavior", Words),
    ("literals", TEXTS),
    ("files", TEXTS),
    ("envs", TEXTS),
    ("env", Words),
    ("options", GENERATOR_OPTIONS),
]);

/// `types.SecretArgs`.
const SECRET: Shape = Fields(&[
    ("namespace", Words),
    ("name", Words),
    ("behavior", Words),
    ("literals", TEXTS),
    ("files", TEXTS),
    ("envs", TEXTS),
    ("env", Words),
    ("options", GENERATOR_OPTIONS),
    ("type", Words),
]);

/// `types.HelmChart`.
const HELM_CHART: Shape = Fields(&[
    ("name", Words),
    ("version", Words),
    ("repo", Words),
    ("releaseName", Words),
    ("namespace", Words),
    ("additionalValuesFiles", TEXTS),
    ("valuesFile", Words),
    ("valuesInline", Map(&Anything)),
    ("valuesMerge", Words),
    ("includeCRDs", Flag),
    ("skipHooks", Flag),
    ("apiVersions", TEXTS),
    ("kubeVersion", Words),
    ("nameTemplate", Words),
    ("skipTests", Flag),
    ("debug", Flag),
]);

/// `types.HelmChartArgs`.
const HELM_CHART_INFLATION: Shape = Fields(&[
    ("chartName", Words),
    ("chartVersion", Words),
    ("chartRepoUrl", Words),
    ("chartHome", Words),
    ("chartRepoName", Words),
    ("helmBin", Words),
    ("helmHome", Words),
    ("values", Words),
    ("valuesLocal", Map(&Anything)),
    ("valuesMerge", Words),
    ("releaseName", Words),
    ("releaseNamespace", Words),
    ("extraArgs", TEXTS),
]);

/// A kustomization with every field under its name and of its type.
///
/// # Errors
/// Where a field is not known or of another type.
pub fn known(root: Node) -> Result<Node, Problem> {
    if root.is_null() {
        return Ok(Node::map());
    }
    decode(root, KUSTOMIZATION, "Kustomization")
}

fn decode(node: Node, shape: Shape, field: &str) -> Result<Node, Problem> {
    let Node { content, places } = node;
    let content = match (shape, content) {
        (Anything, content) => content,
        (Words, Content::Scalar(scalar)) if matches!(scalar.tag, Tag::String | Tag::Timestamp) => {
            Content::Scalar(scalar)
        }
        (Flag, Content::Scalar(scalar)) if scalar.tag == Tag::Boolean => Content::Scalar(scalar),
        (Whole, Content::Scalar(scalar)) if scalar.to_json().is_ok_and(|value| value.is_i64()) => {
            Content::Scalar(scalar)
        }
        (List(of), Content::List(items)) => {
            let item = |item: Node| if item.is_null() { Ok(nothing(*of)) } else { decode(item, *of, field) };
            Content::List(items.into_iter().map(item).collect::<Result<_, _>>()?)
        }
        (Map(of), Content::Map(entries)) => {
            let entry = |entry: Entry| {
                let value = if entry.value.is_null() { nothing(*of) } else { decode(entry.value, *of, field)? };
                Ok(Entry { key: entry.key, value })
            };
            Content::Map(entries.into_iter().map(entry).collect::<Result<_, Problem>>()?)
        }
        (Fields(fields), Content::Map(entries)) => Content::Map(structure(entries, fields, field)?),
        (shape, content) => {
            let (found, wanted) = (name_of(&content), shape.name());
            return Err(Problem::broken(format!(
                "json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"
            )));
        }
    };
    Ok(Node { content, places })
}

fn structure(entries: Vec<Entry>, fields: &[(&'static str, Shape)], within: &str) -> Result<Vec<Entry>, Problem> {
    let mut found: Vec<Entry> = Vec::with_capacity(entries.len());
    for Entry { key, value } in entries {
        let written = key.lossy();
        let exact = fields.iter().find(|(name, _)| *name == written);
        let field = exact.or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(&written)));
        let Some((name, shape)) = field else {
            return Err(Problem::broken(format!("json: unknown field {written:?}")));
        };
        if value.is_null() {
            continue;
        }
        if found.iter().any(|known| known.key.bytes() == name.as_bytes()) {
            return Err(Problem::unsupported(format!("the field {name} is there twice, in different letters")));
        }
        let value = decode(value, *shape, &format!("{within}.{name}"))?;
        let key = if *name == written { key } else { renamed(&key, name) };
        found.push(Entry { key, value });
    }
    Ok(found)
}

/// A key in the letters that it is known by.
fn renamed(key: &Text, name: &str) -> Text {
    match key.pieces() {
        [piece] => Text::new(name.as_bytes(), MadeOf::Derived(piece.made_of.set())),
        _ => made(name),
    }
}

/// What `null` is as an item or value.
fn nothing(shape: Shape) -> Node {
    match shape {
        Words => Node::string(made("")),
        Flag => Node::scalar(made("false"), Tag::Boolean),
        Whole => Node::scalar(made("0"), Tag::Integer),
        Anything => Node::scalar(made("null"), Tag::Null),
        List(_) => Node::list(),
        Map(_) | Fields(_) => Node::map(),
    }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Words => "string",
            Flag => "bool",
            Whole => "int64",
            Anything => "interface {}",
            List(_) => "[]",
            Map(_) => "map[string]",
            Fields(_) => "struct",
        }
    }
}

fn name_of(content: &Content) -> &'static str {
    match content {
        Content::List(_) => "array",
        Content::Map(_) => "object",
        Content::Scalar(scalar) => match scalar.tag {
            Tag::Boolean => "bool",
            Tag::Integer | Tag::Float => "number",
            _ => "string",
        },
    }
}
