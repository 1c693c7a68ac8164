//! Loading charts and merging values as helm does: its own answers are the table, and it is asked again where it is there.

use std::{collections::BTreeMap, fs, process::Command, sync::Arc};

use serde_json::{Map, Value as Json, json};
use sourceward::{
    engine::helm::{
        chart::Chart,
        sources::{ArgumentKind, Parsed, Problem, Sources},
        template::{
            context::Context,
            fault::{Fault, FaultKind},
            leaf::{LayerId, Leaf},
            value::{Datum, Value},
        },
        values::{Argument, Prepared, Release, ValuesSource, prepare},
    },
    source::{lineage::text::MadeOf, path::RepoPath, tree::MemoryTree},
};

use crate::tools::left_out;

/// A chart, how it is released, and the values of its charts by their paths, or how helm fails.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    files: BTreeMap<String, String>,
    #[serde(default)]
    args: Vec<String>,
    release: Option<String>,
    values: Option<BTreeMap<String, Json>>,
    fails: Option<String>,
}

/// Printed by every chart of a case.
const TEMPLATE: &str = "{{ .Values | toJson }}\n";

fn cases() -> Vec<Case> {
    serde_yaml::from_str(include_str!("helm_values/cases.yaml")).expect("the table of cases")
}

impl Case {
    /// The files, with a template in every chart.
    fn all_files(&self) -> BTreeMap<String, String> {
        let mut files = self.files.clone();
        for chart in self.files.keys().filter_map(|path| path.strip_suffix("Chart.yaml")) {
            files.insert(format!("{chart}templates/values.yaml"), TEMPLATE.to_owned());
        }
        files
    }

    fn tree(&self) -> MemoryTree {
        MemoryTree::of(self.all_files().into_iter().map(|(name, content)| (path(&name), content)))
    }

    fn released(&self) -> Release {
        let mut release = release(self.release.as_deref().unwrap_or("rel"));
        for pair in self.args.chunks(2) {
            let text = pair[1].clone();
            let kind = match pair[0].as_str() {
                "-f" => {
                    release.values.push(ValuesSource::File(path(&text)));
                    continue;
                }
                "--kube-version" => {
                    release.kube_version = Some(text);
                    continue;
                }
                "--set" => ArgumentKind::Set,
                "--set-string" => ArgumentKind::SetString,
                "--set-file" => ArgumentKind::SetFile,
                "--set-json" => ArgumentKind::SetJson,
                "--set-literal" => ArgumentKind::SetLiteral,
                other => panic!("an argument that the table should not have: {other}"),
            };
            release.arguments.push(Argument { kind, text, written: None });
        }
        release
    }
}

fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

fn release(name: &str) -> Release {
    Release {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        is_upgrade: false,
        kube_version: None,
        api_versions: Vec::new(),
        values: Vec::new(),
        arguments: Vec::new(),
        folder: RepoPath::root(),
    }
}

/// `toYaml` is not asked for here.
fn no_yaml(_: &mut Context, _: &[Value]) -> Result<Value, Fault> {
    Err(Fault::unsupported("no YAML here"))
}

fn prepared(sources: &mut Sources<'_>, context: &mut Context, release: &Release) -> Result<Prepared, Problem> {
    let chart = Arc::new(Chart::load(sources, &path("c"))?);
    prepare(&chart, release, sources, context, no_yaml)
}

/// A value as JSON; every number as a float, so that kinds of numbers do not count.
fn as_json(value: &Value) -> Json {
    match &value.datum {
        Datum::Nil => Json::Null,
        Datum::Bool(value) => json!(value),
        Datum::Int(value) | Datum::Int64(value) => json!(*value as f64),
        Datum::Float(value) => json!(value),
        Datum::Text(text) => json!(text.as_str().expect("UTF-8")),
        Datum::List(list) => list.items.iter().map(as_json).collect(),
        Datum::Map(map) => {
            let entries = map.snapshot().into_iter();
            Json::Object(entries.map(|entry| (entry.key.lossy().into_owned(), as_json(&entry.value))).collect())
        }
        other => panic!("values hold {other:?}"),
    }
}

fn floats(value: &Json) -> Json {
    match value {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(items) => items.iter().map(floats).collect(),
        Json::Object(map) => map.iter().map(|(key, value)| (key.clone(), floats(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

#[test]
fn values_are_merged_as_by_helm() {
    for case in cases() {
        let (tree, parsed) = (case.tree(), Parsed::default());
        let (mut sources, mut context) = (Sources::new(&tree, &parsed), Context::default());
        let result = prepared(&mut sources, &mut context, &case.released());
        match (&case.values, result) {
            (Some(expected), Ok(prepared)) => {
                let values = prepared.templates.iter().map(|template| {
                    let chart = &prepared.charts[template.chart];
                    (chart.path.clone(), as_json(&chart.dot.get(b"Values").expect("values")))
                });
                let expected: BTreeMap<_, _> =
                    expected.iter().map(|(path, values)| (path.clone(), floats(values))).collect();
                assert_eq!(values.collect::<BTreeMap<_, _>>(), expected, "{}", case.name);
                assert_winners(&case.name, &prepared, &sources, &context);
            }
            (Some(_), Err(problem)) => panic!("{}: helm renders, but: {problem}", case.name),
            (None, Ok(prepared)) => panic!("{}: helm fails: {:?}; but: {:?}", case.name, case.fails, prepared.values),
            (None, Err(problem)) => {
                assert!(case.fails.is_some(), "{}: neither values nor a failure", case.name);
                assert_eq!(problem.fault.kind, FaultKind::Failed, "{}: {problem}", case.name);
            }
        }
    }
}

/// Every scalar of the root's values leads to the layer that wins there, and that layer says it.
fn assert_winners(name: &str, prepared: &Prepared, sources: &Sources<'_>, context: &Context) {
    let mut stack = vec![(Vec::new(), Value::plain(Datum::Map(prepared.values.clone())))];
    while let Some((path, value)) = stack.pop() {
        match &value.datum {
            Datum::Map(map) => stack.extend(map.snapshot().into_iter().map(|entry| {
                let key = entry.key.lossy().into_owned();
                (path.iter().cloned().chain([key]).collect(), entry.value)
            })),
            Datum::List(_) => {}
            _ => {
                let MadeOf::Verbatim { leaf, .. } = value.made_of else { panic!("{name}: {path:?} is not verbatim") };
                let Leaf::Node { layer, at } = context.sets.get(leaf) else { continue };
                let (layer, at): (LayerId, Vec<&str>) = (*layer, context.paths.keys(*at));
                assert!(sources.layer(layer).says(&at), "{name}: the layer of {path:?} does not say {at:?}");
                let keys: Vec<&str> = path.iter().map(String::as_str).collect();
                let said = prepared.layers_of(&keys, sources, context);
                let winner = said.first().map(|said| (said.layer, said.at.iter().map(String::as_str).collect()));
                assert_eq!(winner, Some((layer, at)), "{name}: {path:?}");
            }
        }
    }
}

#[test]
fn helm_gives_the_recorded_answers() {
    if Command::new("helm").arg("version").output().is_err() {
        return left_out("helm is not on PATH");
    }
    for case in cases() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in case.all_files() {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, content).expect("a file");
        }
        let name = case.release.as_deref().unwrap_or("rel");
        let output = Command::new("helm")
            .current_dir(&folder)
            .args(["template", name, "c"])
            .args(&case.args)
            .output()
            .expect("helm runs");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.success(), case.values.is_some(), "{}", case.name);
        let printed: BTreeMap<String, Json> = printed
            .split("---\n# Source: ")
            .filter_map(|document| document.split_once('\n'))
            // Where nothing is rendered, helm prints an empty line.
            .filter(|(path, _)| !path.is_empty())
            .map(|(path, values)| {
                let path =
                    path.strip_suffix("/templates/values.yaml").unwrap_or_else(|| panic!("{}: {path}", case.name));
                let path = path.to_owned();
                (path, serde_json::from_str(values).expect("JSON"))
            })
            .collect();
        assert_eq!(printed, case.values.unwrap_or_default(), "{}", case.name);
    }
}

/// A repository of named files.
fn repository(files: &[(&str, &str)]) -> MemoryTree {
    MemoryTree::of(files.iter().map(|(name, content)| (path(name), *content)))
}

/// Prepares the chart at `app`, or says why not.
fn app(tree: &MemoryTree) -> Result<Vec<String>, Problem> {
    let (parsed, mut context) = (Parsed::default(), Context::default());
    let mut sources = Sources::new(tree, &parsed);
    let chart = Arc::new(Chart::load(&mut sources, &path("app"))?);
    let prepared = prepare(&chart, &release("rel"), &mut sources, &mut context, no_yaml)?;
    Ok(prepared.charts.into_iter().map(|chart| chart.path).collect())
}

const APP: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: lib\n  version: \">=1.0 <2\"\n  \
                   repository: file://../lib\n  alias: l\n  condition: l.on\n  tags: [x]\n  import-values:\n  - data\n  \
                   - {parent: p, child: c}\n";

/// As `helm dependency update` wrote it for [`APP`].
const LOCK: &str = "dependencies:\n- name: lib\n  repository: file://../lib\n  version: 1.2.3\ndigest: \
                    sha256:b60b7afec6012639c7d8bfd6eea7aca113fe19e0db6c4348ff9ab2b16d96b48e\ngenerated: \
                    \"2026-11-21T12:47:31.580779472Z\"\n";

#[test]
fn siblings_are_loaded_as_if_built() {
    let lib = |version: &str| format!("apiVersion: v2\nname: lib\nversion: {version}\n");
    let with = |app_yaml: &str, lock: Option<&str>, version: &str| {
        let lib = lib(version);
        let mut files = vec![("app/Chart.yaml", app_yaml), ("lib/Chart.yaml", lib.as_str())];
        files.extend(lock.map(|lock| ("app/Chart.lock", lock)));
        app(&repository(&files)).map_err(|problem| problem.to_string())
    };
    let both = vec!["app/charts/l".to_owned(), "app".to_owned()];
    assert_eq!(with(APP, None, "1.2.3"), Ok(both.clone()));
    assert_eq!(with(APP, Some(LOCK), "1.2.3"), Ok(both));
    let refused = |result: Result<Vec<String>, String>, why: &str| {
        let problem = result.expect_err(why);
        assert!(problem.contains(why), "{problem}");
    };
    refused(with(APP, Some(LOCK), "1.2.4"), "can't get a valid version for dependency lib");
    refused(with(APP, None, "2.0.0"), "can't get a valid version for dependency lib");
    refused(with(&APP.replace("alias: l", "alias: m"), Some(LOCK), "1.2.3"), "out of sync");
    refused(with(&APP.replace("../lib", "../../lib"), None, "1.2.3"), "out of the repository");
    refused(with(&APP.replace("file://../lib", "https://e.com"), None, "1.2.3"), "missing in charts/ directory: lib");
    refused(with(&APP.replace("../lib", "../gone"), None, "1.2.3"), "no chart in gone");
}

#[test]
fn a_subchart_knows_what_let_it_in_and_a_map_where_its_keys_would_be_set() {
    let tree = repository(&[
        (
            "c/Chart.yaml",
            "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [{name: s, version: '*', condition: 'x,s.ok', \
             tags: [t]}, {name: u, version: '*', tags: [t]}]\n",
        ),
        ("c/values.yaml", "global: {g: {}}\ns: {ok: true}\n"),
        ("c/charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"),
        ("c/charts/s/values.yaml", "m: {l: [{}]}\n"),
        ("c/charts/u/Chart.yaml", "apiVersion: v2\nname: u\nversion: 0.1.0\n"),
    ]);
    let (parsed, mut context) = (Parsed::default(), Context::default());
    let mut sources = Sources::new(&tree, &parsed);
    let prepared = prepared(&mut sources, &mut context, &release("rel")).expect("prepares");
    let control = |index: usize| -> Vec<String> {
        let leaves = context.sets.leaves(prepared.charts[index].control);
        let told = leaves.map(|leaf| match context.sets.get(leaf) {
            Leaf::Node { at, .. } => context.paths.keys(*at).join("."),
            Leaf::Absent { at } => format!("no {}", context.paths.keys(*at).join(".")),
            other => panic!("{other:?}"),
        });
        told.collect()
    };
    assert_eq!(prepared.charts[0].path, "c/charts/s");
    assert_eq!(control(0), ["s.ok", "no x"]);
    assert_eq!(control(1), ["no tags.t"]);
    assert_eq!(control(2), [""; 0]);
    let places = |at: &[&str]| -> Vec<String> {
        let root = Value::plain(Datum::Map(prepared.values.clone()));
        let found = at.iter().fold(root, |value, key| match value.datum {
            Datum::Map(map) => map.get(key.as_bytes()).expect(key),
            Datum::List(list) => list.items[key.parse::<usize>().expect("an index")].clone(),
            other => panic!("{other:?}"),
        });
        let Datum::Map(map) = found.datum else { panic!("no map at {at:?}") };
        map.places().into_iter().map(|place| context.paths.keys(place).join(".")).collect()
    };
    assert_eq!(places(&[]), [""]);
    assert_eq!(places(&["s", "m", "l", "0"]), ["s.m.l.0"]);
    assert_eq!(places(&["s", "global"]), ["s.global", "global"]);
    assert_eq!(places(&["s", "global", "g"]), ["s.global.g", "global.g"]);
}
