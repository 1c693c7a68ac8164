//! Which subcharts a release has, and what they give to their parents' values.
//!
//! `chartutil/dependencies.go` of helm 3.17.3, step by step: aliases, conditions, tags, removal of what is disabled, level by
//! level, and then `import-values` from the innermost chart outwards. A chart that is listed under two aliases is copied
//! shallowly, so its own list of dependencies is shared by both copies, mistakes that follow from it included.

use std::sync::Arc;

use super::coalesce::{self, Wanted};
use crate::{
    engine::helm::{
        chart::{
            Chart, MAX_CHARTS, constraint,
            metadata::{Dependency, Import, Word},
        },
        template::{
            context::Context,
            fault::Fault,
            leaf::{Leaf, PathId},
            value::{Datum, Map, MapKind, Value},
        },
    },
    source::lineage::{sets::SetId, text::Text},
};

/// All charts of a render, by number.
#[derive(Debug, Default)]
pub(super) struct Charts {
    nodes: Vec<Node>,
    listed: Vec<Listed>,
}

/// A chart in its place.
#[derive(Debug)]
struct Node {
    chart: Arc<Chart>,
    name: Word,
    /// The dependencies that it lists: numbers into [`Charts::listed`]; absent where it lists none.
    listed: Option<Vec<usize>>,
    children: Vec<usize>,
    parent: Option<usize>,
    values: Option<Map>,
    control: SetId,
    /// Tables of subcharts that became part of its values: the subchart's name, the path in its values, the path here.
    imports: Vec<Imported>,
}

/// A table that a subchart gave to its parent.
#[derive(Clone, Debug)]
pub(super) struct Imported {
    /// The subchart's name.
    pub(super) child: String,
    /// The path in the subchart's values.
    pub(super) from: Vec<String>,
    /// The path in the parent's values.
    pub(super) to: Vec<String>,
}

/// A dependency that a chart lists.
#[derive(Debug)]
struct Listed {
    dependency: Dependency,
    /// The name, which becomes the alias when the chart is processed.
    name: String,
    enabled: bool,
}

impl Charts {
    /// A chart and everything in it; the root is number 0. `values` makes a chart's own values.
    pub(super) fn of(chart: &Arc<Chart>, values: &mut dyn FnMut(&Chart) -> Option<Map>) -> Result<Self, Fault> {
        let mut charts = Self::default();
        charts.add(chart, None, values)?;
        Ok(charts)
    }

    fn add(
        &mut self,
        chart: &Arc<Chart>,
        parent: Option<usize>,
        values: &mut dyn FnMut(&Chart) -> Option<Map>,
    ) -> Result<usize, Fault> {
        let listed = chart.metadata.dependencies.as_ref().map(|dependencies| {
            let first = self.listed.len();
            self.listed.extend(dependencies.iter().flatten().map(|dependency| Listed {
                dependency: dependency.clone(),
                name: dependency.name.text.clone(),
                enabled: dependency.enabled,
            }));
            (first..self.listed.len()).collect()
        });
        let node = self.push(Node {
            chart: chart.clone(),
            name: chart.metadata.name.clone(),
            listed,
            children: Vec::new(),
            parent,
            values: values(chart),
            control: SetId::EMPTY,
            imports: Vec::new(),
        })?;
        for child in &chart.dependencies {
            let child = self.add(child, Some(node), values)?;
            self.nodes[node].children.push(child);
        }
        Ok(node)
    }

    fn push(&mut self, node: Node) -> Result<usize, Fault> {
        if self.nodes.len() >= MAX_CHARTS {
            return Err(Fault::limit(format!("the release has more than {MAX_CHARTS} charts")));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// The subcharts of a chart in helm's order.
    pub(super) fn children(&self, chart: usize) -> &[usize] {
        &self.nodes[chart].children
    }

    /// The name that a chart has in its parent's values.
    pub(super) fn name(&self, chart: usize) -> &str {
        &self.nodes[chart].name.text
    }

    /// The name with the place that gives it.
    pub(super) fn word(&self, chart: usize) -> &Word {
        &self.nodes[chart].name
    }

    /// The chart's own values.
    pub(super) fn values(&self, chart: usize) -> Option<&Map> {
        self.nodes[chart].values.as_ref()
    }

    /// What was loaded.
    pub(super) fn chart(&self, chart: usize) -> &Arc<Chart> {
        &self.nodes[chart].chart
    }

    /// What let a chart in, without what let its parent in.
    pub(super) fn control(&self, chart: usize) -> SetId {
        self.nodes[chart].control
    }

    /// What its subcharts gave to its values.
    pub(super) fn imports(&self, chart: usize) -> &[Imported] {
        &self.nodes[chart].imports
    }

    /// The dependencies that are left, each with its name and whether it is enabled; absent where none are listed.
    pub(super) fn dependencies(&self, chart: usize) -> Option<Vec<(Dependency, String, bool)>> {
        let listed = self.nodes[chart].listed.as_ref()?;
        let dependency = |number: &usize| {
            let Listed { dependency, name, enabled } = &self.listed[*number];
            (dependency.clone(), name.clone(), *enabled)
        };
        Some(listed.iter().map(dependency).collect())
    }

    /// The path of a chart as in `# Source:`.
    pub(super) fn path(&self, chart: usize) -> String {
        match self.nodes[chart].parent {
            Some(parent) => format!("{}/charts/{}", self.path(parent), self.name(chart)),
            None => self.name(chart).to_owned(),
        }
    }

    /// `ProcessDependenciesWithMerge`: from here on only enabled charts are left, and parents have what they import.
    pub(super) fn process(&mut self, user: &Map, context: &mut Context) -> Result<(), Fault> {
        let mut wanted = Wanted::default();
        self.add_lookups(0, &[], &mut wanted);
        self.enable(0, user, &[], &wanted, context)?;
        self.import(0, context)
    }

    /// Adds every path that conditions and tags may ask for.
    fn add_lookups(&self, chart: usize, path: &[&str], wanted: &mut Wanted) {
        let listed = || self.nodes[chart].listed.iter().flatten().map(|number| &self.listed[*number]);
        for dependency in listed() {
            for condition in conditions(&dependency.dependency) {
                let keys: Vec<&str> = path.iter().copied().chain(condition.split('.')).collect();
                wanted.add(&keys);
            }
            for tag in dependency.dependency.tags.iter().flatten() {
                wanted.add(&["tags", &tag.text]);
            }
        }
        for child in &self.nodes[chart].children {
            let own = self.name(*child);
            let aliases = listed().filter(|one| one.dependency.name.text == own);
            let names = aliases.map(|one| one.dependency.called().text.as_str()).chain([own]);
            for name in names {
                // A name with dots counts as so many keys, as it does in helm's lookup.
                let below: Vec<&str> = path.iter().copied().chain(name.split('.')).collect();
                self.add_lookups(*child, &below, wanted);
            }
        }
    }

    /// `processDependencyEnabled`: `path` leads from the root's values to this chart's.
    fn enable(
        &mut self,
        chart: usize,
        values: &Map,
        path: &[String],
        wanted: &Wanted,
        context: &mut Context,
    ) -> Result<(), Fault> {
        let Some(listed) = self.nodes[chart].listed.clone() else { return Ok(()) };
        let held = self.nodes[chart].children.clone();
        let mut children = Vec::new();
        for child in &held {
            let is_listed = |number: &usize| {
                let Listed { dependency, name, .. } = &self.listed[*number];
                name == self.name(*child) && constraint::fits(&dependency.version.text, self.version(*child))
            };
            if !listed.iter().any(is_listed) {
                children.push(*child);
            }
        }
        for number in &listed {
            let Listed { dependency, name, .. } = &self.listed[*number];
            let alias = dependency.alias.clone();
            let fits = |child: &&usize| {
                self.name(**child) == name && constraint::fits(&dependency.version.text, self.version(**child))
            };
            if let Some(child) = held.iter().find(fits) {
                let Node { chart: loaded, name, listed, children: inner, parent, values, control, .. } =
                    &self.nodes[*child];
                let copy = Node {
                    chart: loaded.clone(),
                    name: if alias.text.is_empty() { name.clone() } else { alias.clone() },
                    listed: listed.clone(),
                    children: inner.clone(),
                    parent: *parent,
                    values: values.clone(),
                    control: *control,
                    imports: Vec::new(),
                };
                children.push(self.push(copy)?);
            }
            if !alias.text.is_empty() {
                self.listed[*number].name = alias.text;
            }
        }
        self.set_children(chart, children.clone());
        for number in &listed {
            self.listed[*number].enabled = true;
        }
        let values = coalesce::coalesced(self, chart, values, Some(wanted), false, context)?;
        let mut decided = Vec::new();
        for number in &listed {
            let (enabled, control) = self.decide(*number, &values, path, context);
            self.listed[*number].enabled = enabled;
            decided.push((self.listed[*number].name.clone(), enabled, control));
        }
        children.retain(|child| {
            let name = self.name(*child);
            !decided.iter().any(|(disabled, enabled, _)| !enabled && disabled == name)
        });
        let kept: Vec<usize> = listed
            .into_iter()
            .filter(|number| {
                let name = &self.listed[*number].name;
                !decided.iter().any(|(disabled, enabled, _)| !enabled && disabled == name)
            })
            .collect();
        for child in &children {
            let name = self.name(*child).to_owned();
            let own = decided.iter().filter(|(of, _, _)| *of == name).map(|(_, _, control)| *control);
            self.nodes[*child].control = context.sets.union_all(own);
            let below: Vec<String> = path.iter().cloned().chain(name.split('.').map(str::to_owned)).collect();
            self.enable(*child, &values, &below, wanted, context)?;
        }
        self.nodes[chart].listed = if kept.is_empty() { None } else { Some(kept) };
        self.set_children(chart, children);
        Ok(())
    }

    fn set_children(&mut self, chart: usize, children: Vec<usize>) {
        for child in &children {
            self.nodes[*child].parent = Some(chart);
        }
        self.nodes[chart].children = children;
    }

    fn version(&self, chart: usize) -> &str {
        &self.nodes[chart].chart.metadata.version.text
    }

    /// Whether a dependency is enabled, and what was looked at to tell. A condition that is a boolean beats the tags.
    fn decide(&self, number: usize, values: &Map, path: &[String], context: &mut Context) -> (bool, SetId) {
        let dependency = &self.listed[number].dependency;
        let mut looked_at = Vec::new();
        for condition in conditions(dependency) {
            let keys: Vec<&str> = path.iter().map(String::as_str).chain(condition.split('.')).collect();
            let found = path_value(values, &keys);
            looked_at.push(lookup_set(found.as_ref(), &keys, context));
            if let Some(Value { datum: Datum::Bool(enabled), .. }) = found {
                return (enabled, context.sets.union_all(looked_at));
            }
        }
        let (mut has_true, mut has_false) = (false, false);
        if let Some(Value { datum: Datum::Map(tags), .. }) = values.get(b"tags") {
            for tag in dependency.tags.iter().flatten() {
                match tags.get(tag.text.as_bytes()).map(|value| value.datum) {
                    Some(Datum::Bool(true)) => has_true = true,
                    Some(Datum::Bool(false)) => has_false = true,
                    _ => {}
                }
            }
        }
        for tag in dependency.tags.iter().flatten() {
            let keys = ["tags", &tag.text];
            looked_at.push(lookup_set(path_value(values, &keys).as_ref(), &keys, context));
        }
        (has_true || !has_false, context.sets.union_all(looked_at))
    }

    /// `processDependencyImportValues`: innermost charts first.
    fn import(&mut self, chart: usize, context: &mut Context) -> Result<(), Fault> {
        for child in self.nodes[chart].children.clone() {
            self.import(child, context)?;
        }
        let Some(listed) = self.nodes[chart].listed.clone() else { return Ok(()) };
        let mut values = coalesce::coalesced(self, chart, &Map::new(MapKind::Any), None, true, context)?;
        let imported = Map::new(MapKind::Any);
        let mut imports = Vec::new();
        for number in listed {
            let Listed { dependency, name, .. } = &self.listed[number];
            for entry in dependency.import_values.iter().flatten() {
                let (child, parent) = match Import::of(entry) {
                    Import::Export(export) => (format!("exports.{export}"), ".".to_owned()),
                    Import::Table { child, parent } => (child, parent),
                    Import::Other => continue,
                    Import::Broken => {
                        let why = "an entry of import-values needs a child and a parent that are texts";
                        return Err(Fault::failed(format!("{why}, in the dependency {name}")));
                    }
                };
                let from = format!("{name}.{child}");
                let Some((table, made_of)) = table(&values, &from.split('.').collect::<Vec<_>>()) else { continue };
                let to: Vec<&str> = if parent == "." { Vec::new() } else { parent.split('.').collect() };
                let nested = to.iter().rev().fold(table.clone(), |inner, key| {
                    let outer = Map::new(MapKind::Any);
                    outer.insert(Text::plain(key), Value::new(Datum::Map(inner), made_of.made_of));
                    outer
                });
                coalesce::merge_tables(&imported, &nested, true, context, 0)?;
                imports.push(Imported {
                    child: name.clone(),
                    from: child.split('.').map(str::to_owned).collect(),
                    to: to.into_iter().map(str::to_owned).collect(),
                });
            }
        }
        if !imported.is_empty() {
            // What is imported is part of the values.
            values = coalesce::copied(&values, context)?;
            coalesce::merge_tables(&values, &imported, true, context, 0)?;
        }
        self.nodes[chart].values = Some(values);
        self.nodes[chart].imports = imports;
        Ok(())
    }
}

/// The paths of a condition, as helm cuts them: spaces between them belong to them.
fn conditions(dependency: &Dependency) -> impl Iterator<Item = &str> {
    dependency.condition.text.trim().split(',').filter(|path| !path.is_empty())
}

/// What is at a path, unless that is a map.
fn path_value(values: &Map, keys: &[&str]) -> Option<Value> {
    let (last, above) = keys.split_last()?;
    let (map, _) = table(values, above)?;
    map.get(last.as_bytes()).filter(|value| !matches!(value.datum, Datum::Map(_)))
}

/// The map at a path, and the value that holds it.
fn table(values: &Map, keys: &[&str]) -> Option<(Map, Value)> {
    let mut found = (values.clone(), Value::nil());
    for key in keys {
        let value = found.0.get(key.as_bytes())?;
        let Datum::Map(map) = &value.datum else { return None };
        found = (map.clone(), value.clone());
    }
    Some(found)
}

/// What a lookup saw: the value's origins, or that the key is absent.
fn lookup_set(found: Option<&Value>, keys: &[&str], context: &mut Context) -> SetId {
    match found {
        Some(value) => {
            let flow = value.flow(context);
            context.sets.union(flow.data, flow.control)
        }
        None => {
            let at = keys.iter().fold(PathId::ROOT, |at, key| context.paths.join(at, key));
            context.sets.leaf(Leaf::Absent { at }).into()
        }
    }
}
