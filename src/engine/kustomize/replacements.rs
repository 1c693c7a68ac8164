//! Values copied from one object into others: `replacements`.
//!
//! A source is exactly one field of one object, a target any number of fields of any number of objects. A single value that
//! is replaced keeps its type; where a delimiter is said, only a part of it is replaced.
//!
//! References: `api/filters/replacement/replacement.go`, `api/internal/builtins/ReplacementTransformer.go` and
//! `kyaml/yaml/match.go` of Kustomize 5.5.0.

mod field_path;
mod find;
mod set;

use std::collections::HashMap;

use self::{field_path::FieldPath, set::Options};
use super::{
    context::Context,
    folder::Folder,
    identity::Identity,
    load,
    node::{Content, Node, Scalar},
    problem::Problem,
    resources::Resources,
    selector::{
        self, Fields, Selector,
        labels::{self, Requirements},
    },
    sharing,
};
use crate::source::{lineage::text::Text, yaml::resolve::Reader};

/// An item of `replacements`.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The file that says one or several, in the place of what follows.
    path: String,
    source: Option<Source>,
    targets: Option<Vec<Target>>,
}

#[derive(Clone, Debug)]
struct Source {
    selector: Selector,
    field: FieldPath,
    options: Options,
}

#[derive(Clone, Debug)]
struct Target {
    select: Option<Selector>,
    reject: Vec<Selector>,
    fields: Vec<FieldPath>,
    options: Options,
}

/// Which names a map may have. Files of replacements may have any.
#[derive(Clone, Copy)]
enum Strictness {
    Strict,
    Lenient,
}

impl Strictness {
    fn fields<'n>(self, node: &'n Node, what: &'static str, names: &[&str]) -> Result<Fields<'n>, Problem> {
        match self {
            Self::Strict => Fields::read(node, what, names),
            Self::Lenient => Fields::any(node, what),
        }
    }
}

impl Replacement {
    /// Reads an item of `replacements`.
    ///
    /// # Errors
    /// Where it is none, and where it says both a file and a replacement.
    pub fn read(node: &Node) -> Result<Self, Problem> {
        let replacement = Self::of(node, Strictness::Strict)?;
        let says_targets = replacement.targets.as_ref().is_some_and(|targets| !targets.is_empty());
        if !replacement.path.is_empty() && (replacement.source.is_some() || says_targets) {
            return Err(Problem::broken("cannot specify both path and inline replacement"));
        }
        Ok(replacement)
    }

    fn of(node: &Node, strictness: Strictness) -> Result<Self, Problem> {
        let fields = strictness.fields(node, "a replacement", &["source", "targets", "path"])?;
        let target = |node| Target::read(node, strictness);
        // A list without items counts as none.
        let targets = fields.list("targets")?;
        let targets =
            (!targets.is_empty()).then(|| targets.iter().map(target).collect::<Result<_, _>>()).transpose()?;
        let source = fields.get("source").map(|node| Source::read(node, strictness)).transpose()?;
        let path = if matches!(strictness, Strictness::Strict) { fields.text("path")? } else { String::new() };
        Ok(Self { path, source, targets })
    }

    /// Copies the value into all targets. Many replacements are faster by [`apply`].
    ///
    /// # Errors
    /// Where the source is not exactly one field, and where a field of a target is not there.
    pub fn apply(&self, folder: &Folder, resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
        apply(std::slice::from_ref(self), folder, resources, context)
    }

    /// The replacements that a file says.
    fn load(&self, folder: &Folder, context: &mut Context<'_>) -> Result<Vec<Self>, Problem> {
        let file = folder.file(&self.path, context)?;
        let Some(node) = load::first(file, Reader::Manifest, context)? else { return Err(unknown_file()) };
        match &node.content {
            Content::List(items) => items.iter().map(|item| Self::of(item, Strictness::Lenient)).collect(),
            Content::Map(_) => Ok(vec![Self::of(&node, Strictness::Lenient)?]),
            Content::Scalar(_) => Err(unknown_file()),
        }
    }

    fn run(&self, bench: &mut Bench<'_>, context: &mut Context<'_>) -> Result<(), Problem> {
        let (Some(source), Some(targets)) = (&self.source, &self.targets) else {
            return Err(Problem::broken("replacements must specify a source and at least one target"));
        };
        let value = source.value(bench, context)?;
        for target in targets {
            target.replace(&value, bench, context)?;
        }
        Ok(())
    }
}

/// Makes replacements one after the other.
///
/// # Errors
/// As [`Replacement::apply`].
pub fn apply(
    replacements: &[Replacement],
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let mut all = Vec::new();
    for replacement in replacements {
        if replacement.path.is_empty() {
            all.push(replacement.clone());
        } else {
            all.extend(replacement.load(folder, context)?);
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    let mut bench = Bench::new(resources, context)?;
    all.iter().try_for_each(|replacement| replacement.run(&mut bench, context))
}

fn unknown_file() -> Problem {
    Problem::broken("unsupported replacement type encountered within replacement path")
}

impl Source {
    fn read(node: &Node, strictness: Strictness) -> Result<Self, Problem> {
        let names = ["group", "version", "kind", "name", "namespace", "fieldPath", "options"];
        let fields = strictness.fields(node, "the source of a replacement", &names)?;
        let mut selector = Selector::of(fields)?;
        (selector.labels, selector.annotations) = Default::default();
        let path = fields.get("fieldPath").filter(|path| path.text().is_some_and(|path| !path.is_empty()));
        fields.text("fieldPath")?;
        Ok(Self {
            selector,
            field: path.map_or_else(FieldPath::name, FieldPath::read),
            options: Options::read(fields.get("options"), strictness)?,
        })
    }

    /// The one field, or the part of it that the delimiter cuts out.
    fn value(&self, bench: &Bench<'_>, context: &mut Context<'_>) -> Result<Node, Problem> {
        let mut found = Vec::new();
        for at in bench.candidates(&self.selector) {
            context.spend(1)?;
            if bench.ids[at].iter().any(|id| self.selector.selects(id)) {
                found.push(at);
            }
        }
        let object = match found[..] {
            [one] => &bench.resources.list[one].node,
            [] => return Err(Problem::broken(format!("nothing selected by {}", self.selector.identity))),
            _ => return Err(Problem::broken(format!("multiple matches for selector {}", self.selector.identity))),
        };
        let value = find::lookup(object, &self.field, context)
            .map_err(|problem| problem.during("error looking up replacement source"))?;
        let is_empty = |node: &Node| {
            node.is_null()
                || node.entries().is_some_and(<[_]>::is_empty)
                || node.items().is_some_and(<[Node]>::is_empty)
        };
        let value = value.filter(|value| !is_empty(value)).ok_or_else(|| {
            let (path, of) = (&self.field.text, &self.selector.identity);
            Problem::broken(format!("fieldPath `{path}` is missing for replacement source {of}"))
        })?;
        self.options.cut(value.clone(), context)
    }
}

impl Target {
    fn read(node: &Node, strictness: Strictness) -> Result<Self, Problem> {
        let missing = || Problem::broken("a target of a replacement is null");
        if node.is_null() {
            return Err(missing());
        }
        let names = ["select", "reject", "fieldPaths", "options"];
        let fields = strictness.fields(node, "a target of a replacement", &names)?;
        let selector = |node: &Node| Selector::of(strictness.fields(node, "a selector", selector::FIELDS)?);
        let rejected = |node: &Node| if node.is_null() { Err(missing()) } else { selector(node) };
        let text = |node: &Node| match node.to_json() {
            Ok(serde_json::Value::String(_)) => Ok(FieldPath::read(node)),
            _ => Err(Problem::broken("invalid Kustomization: a field path of a replacement is no text")),
        };
        let paths = fields.list("fieldPaths")?.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            select: fields.get("select").map(selector).transpose()?,
            reject: fields.list("reject")?.iter().map(rejected).collect::<Result<_, _>>()?,
            fields: if paths.is_empty() { vec![FieldPath::name()] } else { paths },
            options: Options::read(fields.get("options"), strictness)?,
        })
    }

    fn replace(&self, value: &Node, bench: &mut Bench<'_>, context: &mut Context<'_>) -> Result<(), Problem> {
        let Some(select) = &self.select else {
            return Err(Problem::broken("target must specify resources to select"));
        };
        if bench.resources.list.is_empty() {
            return Ok(());
        }
        let wanted = Wanted::read(select)?;
        let refused: Vec<Wanted> = self.reject.iter().map(Wanted::read).collect::<Result<_, _>>()?;
        for at in bench.candidates(select) {
            context.spend(1 + self.reject.len())?;
            let (ids, node) = (&bench.ids[at], &bench.resources.list[at].node);
            let is_refused = |(reject, wanted): (&Selector, &Wanted)| {
                (wanted.says_anything() && wanted.matches(node))
                    || (!reject.is_any() && ids.iter().any(|id| reject.selects(id)))
            };
            if ids.iter().any(|id| select.selects(id))
                && wanted.matches(node)
                && !self.reject.iter().zip(&refused).any(is_refused)
            {
                for field in &self.fields {
                    sharing::keeping(&mut bench.resources.list[at], context, |resource, context| {
                        self.options.set(&mut resource.node, field, value, context)
                    })?;
                }
                bench.changed(at);
            }
        }
        Ok(())
    }
}

/// What a selector says of labels and annotations.
struct Wanted {
    labels: Option<Requirements>,
    annotations: Option<Requirements>,
}

impl Wanted {
    fn read(selector: &Selector) -> Result<Self, Problem> {
        let read = |text: &str| (!text.is_empty()).then(|| Requirements::read(text)).transpose();
        Ok(Self { annotations: read(&selector.annotations)?, labels: read(&selector.labels)? })
    }

    fn says_anything(&self) -> bool {
        self.labels.is_some() || self.annotations.is_some()
    }

    fn matches(&self, node: &Node) -> bool {
        let fits = |requirements: &Option<Requirements>, field: &str| {
            requirements.as_ref().is_none_or(|requirements| requirements.matches(&labels::of(node, field)))
        };
        fits(&self.labels, "labels") && fits(&self.annotations, "annotations")
    }
}

/// The objects with every identity that they have or had, found by their names.
struct Bench<'r> {
    resources: &'r mut Resources,
    ids: Vec<Vec<Identity>>,
    by_name: HashMap<String, Vec<usize>>,
}

impl<'r> Bench<'r> {
    fn new(resources: &'r mut Resources, context: &mut Context<'_>) -> Result<Self, Problem> {
        let mut bench = Self { resources, ids: Vec::new(), by_name: HashMap::new() };
        for at in 0..bench.resources.list.len() {
            bench.ids.push(Vec::new());
            bench.changed(at);
            context.spend(bench.ids[at].len())?;
        }
        Ok(bench)
    }

    /// The objects that a selector can mean, in order.
    fn candidates(&self, selector: &Selector) -> Vec<usize> {
        if selector.identity.name.is_empty() {
            return (0..self.ids.len()).collect();
        }
        let mut named = self.by_name.get(&selector.identity.name).cloned().unwrap_or_default();
        named.sort_unstable();
        named
    }

    /// Notices that an object may be called otherwise now.
    fn changed(&mut self, at: usize) {
        let ids: Vec<Identity> = self.resources.list[at].any_ids().collect();
        if ids == self.ids[at] {
            return;
        }
        for id in &ids {
            let named = self.by_name.entry(id.name.clone()).or_default();
            if named.last() != Some(&at) && !named.contains(&at) {
                named.push(at);
            }
        }
        self.ids[at] = ids;
    }
}

/// What a single value says, whatever its type; nothing for lists and maps.
fn said(node: &Node) -> Text {
    match &node.content {
        Content::Scalar(Scalar { text, .. }) => text.clone(),
        Content::List(_) | Content::Map(_) => Text::default(),
    }
}
