//! Everything that templates are rendered with: `ToRenderValues` and `recAllTpls` of helm 3.17.3.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    Crd, Instance, Prepared, Release, Template,
    coalesce::{self, GLOBAL},
    dependencies::Charts,
    layers,
    lookup::Layering,
    release_name, schema,
};
use crate::{
    engine::helm::{
        chart::{
            Chart, ChartFile,
            constraint::{self, Version},
            files::{Content, File, Files},
            object,
        },
        sources::{BYTE_ORDER_MARK, Problem, Role, Sources, mentions_files},
        template::{
            context::Context,
            fault::Fault,
            function::Body,
            leaf::{FileId, Leaf, PathId},
            value::{Datum, Map, MapKind, Value},
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// The version of Kubernetes that helm 3.17.3 renders for when it is told none.
const KUBERNETES: &str = "1.32.0";

/// See [`super::prepare`].
pub(super) fn prepare(
    chart: &Arc<Chart>,
    release: &Release,
    sources: &mut Sources<'_>,
    context: &mut Context,
    to_yaml: Body,
) -> Result<Prepared, Problem> {
    let version = release.kube_version.as_deref().unwrap_or(KUBERNETES);
    let version = Version::parse(version).ok_or_else(|| Fault::failed(format!("invalid kube version {version:?}")))?;
    if !release_name::is_valid(&release.name) {
        return Err(Fault::failed(format!("invalid release name {:?}", release.name)).into());
    }
    let (user, user_layers) = layers::user_values(release, sources, context)?;
    let mut charts = {
        let mut values = |chart: &Chart| layers::chart_values(chart.values?, sources, context);
        Charts::of(chart, &mut values)?
    };
    charts.process(&user, context)?;
    let values = coalesce::coalesced(&charts, 0, &user, None, false, context)?;
    place(&values, vec![PathId::ROOT], Some((&charts, 0)), &[], context, 0)?;
    schema::check(&charts, &values, sources, context)?;
    let range = &chart.metadata.kube_version.text;
    if !range.is_empty() && !constraint::fits(range, &format!("v{version}")) {
        let why = format!("chart requires kubeVersion: {range} which is incompatible with Kubernetes v{version}");
        return Err(chart.problem(sources, Fault::failed(why)));
    }
    let mut preparation = Preparation {
        charts: &charts,
        sources,
        to_yaml,
        release: release_value(release, context),
        capabilities: object::capabilities(&version, &release.api_versions, context),
        reads_files: false,
        instances: Vec::new(),
        templates: BTreeMap::new(),
        crds: Vec::new(),
    };
    preparation.reads_files = preparation.mention_files(0, release)?;
    let root = Value::new(Datum::Map(values.clone()), MadeOf::NOTHING);
    preparation.instance(0, root, &[], SetId::EMPTY, context)?;
    preparation.add_crds(0, SetId::EMPTY, context);
    let Preparation { instances, templates, crds, .. } = preparation;
    let mut templates: Vec<Template> = templates.into_values().collect();
    templates.sort_by_cached_key(|template| {
        Reverse((template.name.bytes().filter(|byte| *byte == b'/').count(), template.name.clone()))
    });
    let layering = Layering::of(&user_layers, &charts);
    Ok(Prepared { charts: instances, templates, crds, user, values, layering })
}

/// The value of `.Template` for a template.
pub(super) fn template_value(template: &Template) -> Value {
    let map = Map::new(MapKind::Values);
    for (key, text) in [("Name", &template.name), ("BasePath", &template.base_path)] {
        map.insert(Text::plain(key), Value::text(Text::plain(text)));
    }
    Value::plain(Datum::Map(map))
}

/// `.Release`, one map for all charts.
fn release_value(release: &Release, context: &mut Context) -> Value {
    let map = Map::new(MapKind::Any);
    let mut put = |key: &'static str, name: &'static str, of: &dyn Fn(MadeOf) -> Datum| {
        let leaf = context.sets.leaf(Leaf::BuiltIn(name));
        let made_of = MadeOf::Verbatim { leaf, offset: 0 };
        map.insert(Text::plain(key), Value::new(of(made_of), made_of));
    };
    put("Name", "Release.Name", &|made_of| Datum::Text(Text::new(release.name.as_bytes(), made_of)));
    put("Namespace", "Release.Namespace", &|made_of| Datum::Text(Text::new(release.namespace.as_bytes(), made_of)));
    put("IsUpgrade", "Release.IsUpgrade", &|_| Datum::Bool(release.is_upgrade));
    put("IsInstall", "Release.IsInstall", &|_| Datum::Bool(!release.is_upgrade));
    put("Revision", "Release.Revision", &|_| Datum::Int(1));
    put("Service", "Release.Service", &|made_of| Datum::Text(Text::new(b"Helm", made_of)));
    Value::plain(Datum::Map(map))
}

/// Says of each map where in the outermost chart's values a key that it lacks would be set. What is said in `global` of an
/// outer chart is seen by the inner ones, so those maps have a place at every level.
fn place(
    map: &Map,
    at: Vec<PathId>,
    chart: Option<(&Charts, usize)>,
    outer_globals: &[PathId],
    context: &mut Context,
    depth: usize,
) -> Result<(), Fault> {
    if depth > crate::engine::helm::template::context::MAX_NESTING {
        return Err(Fault::limit("values are nested too deeply"));
    }
    let mut places = map.places();
    places.extend(at.iter().filter(|place| !places.contains(place)).copied().collect::<Vec<_>>());
    map.set_places(places);
    let globals: Vec<PathId> = match chart {
        Some(_) => {
            let own: Vec<PathId> = at.iter().map(|at| context.paths.join(*at, GLOBAL)).collect();
            own.into_iter().chain(outer_globals.iter().copied()).collect()
        }
        None => Vec::new(),
    };
    for entry in map.snapshot() {
        if !matches!(entry.value.datum, Datum::Map(_) | Datum::List(_)) {
            continue;
        }
        let key = entry.key.lossy();
        let (below, inner) = match chart {
            Some(_) if key == GLOBAL => (globals.clone(), None),
            Some((charts, chart)) => {
                let child = charts.children(chart).iter().find(|child| charts.name(**child) == key);
                (at.iter().map(|at| context.paths.join(*at, &key)).collect(), child.map(|child| (charts, *child)))
            }
            None => (at.iter().map(|at| context.paths.join(*at, &key)).collect(), None),
        };
        place_value(&entry.value, below, inner, &globals, context, depth + 1)?;
    }
    Ok(())
}

fn place_value(
    value: &Value,
    at: Vec<PathId>,
    chart: Option<(&Charts, usize)>,
    outer_globals: &[PathId],
    context: &mut Context,
    depth: usize,
) -> Result<(), Fault> {
    match &value.datum {
        Datum::Map(map) => place(map, at, chart, outer_globals, context, depth),
        Datum::List(list) => list.items.iter().enumerate().try_for_each(|(index, item)| {
            if !matches!(item.datum, Datum::Map(_) | Datum::List(_)) {
                return Ok(());
            }
            let below = at.iter().map(|at| context.paths.join(*at, &index.to_string())).collect();
            place_value(item, below, None, &[], context, depth + 1)
        }),
        _ => Ok(()),
    }
}

/// What is gathered chart by chart.
struct Preparation<'p, 't> {
    charts: &'p Charts,
    sources: &'p mut Sources<'t>,
    to_yaml: Body,
    release: Value,
    capabilities: Value,
    /// Whether anything may ask for `.Files`.
    reads_files: bool,
    instances: Vec<Instance>,
    /// By name: of two templates of one name the later counts.
    templates: BTreeMap<String, Template>,
    crds: Vec<Crd>,
}

impl Preparation<'_, '_> {
    /// Tells whether a template, or a value that `tpl` may take for one, has the word `Files` in it. If none has, `.Files`
    /// is not asked for, and a chart's other files need not be read.
    fn mention_files(&mut self, chart: usize, release: &Release) -> Result<bool, Problem> {
        if release.arguments.iter().any(|argument| mentions_files(&argument.text)) {
            return Ok(true);
        }
        if chart == 0 {
            let written = self.sources.layers().iter().filter_map(|layer| layer.written.as_ref());
            let read: BTreeSet<FileId> = written.map(|at| at.file).collect();
            for file in read {
                if self.sources.yaml(file).map_or(true, |yaml| yaml.mentions_files) {
                    return Ok(true);
                }
            }
        }
        let loaded = self.charts.chart(chart).clone();
        for ChartFile { file, .. } in &loaded.templates {
            if self.sources.template(*file)?.mentions_files {
                return Ok(true);
            }
        }
        for child in self.charts.children(chart) {
            if self.mention_files(*child, release)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `recAllTpls`: the dot of a chart, after those of its subcharts; `values` is what its templates see as `.Values`.
    fn instance(
        &mut self,
        chart: usize,
        values: Value,
        above: &[String],
        control: SetId,
        context: &mut Context,
    ) -> Result<Map, Problem> {
        let loaded = self.charts.chart(chart).clone();
        let control = context.sets.union(control, self.charts.control(chart));
        let path = self.charts.path(chart);
        let mount: Vec<String> = match chart {
            0 => Vec::new(),
            _ => above.iter().cloned().chain([self.charts.name(chart).to_owned()]).collect(),
        };
        for layer in [loaded.values, loaded.metadata_layer].into_iter().flatten() {
            if let Role::Defaults { chart } | Role::Metadata { chart } = &mut self.sources.layer_mut(layer).role
                && chart.is_empty()
            {
                chart.clone_from(&path);
            }
        }
        let dot = Map::new(MapKind::Values);
        let subcharts = Map::new(MapKind::Any);
        let dependencies = self.charts.dependencies(chart);
        let name = self.charts.word(chart);
        let about = object::chart(&loaded.metadata, name, dependencies.as_deref(), chart == 0, context);
        let held = match &values.datum {
            Datum::Map(map) => Value { datum: Datum::Map(map.held_as(MapKind::Values)), ..values.clone() },
            _ => Value::plain(Datum::Map(Map::new(MapKind::Values))),
        };
        for (key, value) in [
            ("Chart", about),
            ("Files", self.files(&loaded, context)),
            ("Release", self.release.clone()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", held),
            ("Subcharts", Value::plain(Datum::Map(subcharts.clone()))),
        ] {
            dot.insert(Text::plain(key), value);
        }
        for child in self.charts.children(chart) {
            let name = self.charts.name(*child);
            let below = name.split('.').try_fold(values.clone(), |value, key| match &value.datum {
                Datum::Map(map) => map.get(key.as_bytes()).filter(|value| matches!(value.datum, Datum::Map(_))),
                _ => None,
            });
            let inner = self.instance(*child, below.unwrap_or_else(Value::nil), &mount, control, context)?;
            subcharts.insert(Text::plain(name), Value::plain(Datum::Map(inner.held_as(MapKind::Any))));
        }
        let number = self.instances.len();
        for ChartFile { name, file } in &loaded.templates {
            let is_partial = name.rsplit('/').next().unwrap_or_default().starts_with('_');
            if loaded.metadata.is_library() && !is_partial {
                continue;
            }
            let read = self.sources.template(*file)?;
            let Some(text) = read.text.clone() else {
                return Err(self.sources.problem(*file, Fault::unsupported("the template is not UTF-8 text")));
            };
            let name = format!("{path}/{name}");
            let template = Template {
                name: name.clone(),
                chart: number,
                base_path: format!("{path}/templates"),
                file: *file,
                skipped: read.skipped,
                text,
                is_partial,
            };
            self.templates.insert(name, template);
        }
        self.instances.push(Instance { path, mount, dot: dot.clone(), control, chart: loaded });
        Ok(dot)
    }

    fn files(&mut self, chart: &Chart, context: &mut Context) -> Value {
        let mut entries = Vec::with_capacity(chart.files.len());
        for ChartFile { name, file } in &chart.files {
            let content = if self.reads_files {
                self.sources.content(*file).map_err(|problem| problem.fault)
            } else {
                Err(Fault::unsupported(format!("{name} was not read, since no template names \".Files\"")))
            };
            let leaf = context.sets.leaf(Leaf::File(*file));
            let content = content.map(|bytes| {
                let skipped = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
                Content::new(bytes, skipped, leaf)
            });
            entries.push(File { name: Rc::from(name.as_str()), content });
        }
        Value::plain(Datum::Object(Rc::new(Files::new(entries, chart.links.clone(), self.to_yaml))))
    }

    /// `CRDObjects`: a chart's own, then its subcharts'.
    fn add_crds(&mut self, chart: usize, control: SetId, context: &mut Context) {
        let control = context.sets.union(control, self.charts.control(chart));
        let (loaded, path) = (self.charts.chart(chart).clone(), self.charts.path(chart));
        for ChartFile { name, file } in loaded.crds() {
            self.crds.push(Crd { name: format!("{path}/{name}"), file: *file, control });
        }
        for child in self.charts.children(chart) {
            self.add_crds(*child, control, context);
        }
    }
}
