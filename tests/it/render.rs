//! What the engines render, held to what the field's own tools rendered.
//!
//! A case is a folder `render/<engine>/<semantic>/`. For Helm it holds `chart/` (without a `Chart.yaml` it gets a plain one),
//! any other files of the repository, `links` with its symbolic links (`where -> target`, one a line), `release.yaml` (the
//! keys of a stack's `helm:` but `chart`; the release is `rel` in `ns` unless it says otherwise), and what helm 3.17.3 made
//! of it: `expected.yaml`, its output to the byte, or `fails.txt`, what it said. For Kustomize it holds the repository's files, `target` with the folder to build where that is not the root, and
//! the same two of `kubectl kustomize` (Kustomize 5.5.0). `kustomize-with-charts` is the
//! same with `--enable-helm`. Adding a case touches no Rust; `UPDATE_EXPECT=1` records the tools' answers.

mod again;
mod linked;
mod moved;
mod planned;
mod unseen;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};
use sourceward::{source::tree::MemoryTree, stack::catalog::Catalog};

use crate::tools::left_out;

/// The versions whose answers are recorded.
const HELM: &str = "v3.17.3";
const KUSTOMIZE: &str = "v5.5.0";

/// The folder of the kustomizations that are built with `--enable-helm`.
const WITH_CHARTS: &str = "kustomize-with-charts";

/// The chart of a case that brings none of its own.
const CHART: &str = "apiVersion: v2\nname: case\nversion: 0.1.0\nappVersion: \"2.0\"\n";

#[test]
fn helm_charts_render_as_recorded() {
    render_as_recorded(&cases("helm"));
}

#[test]
fn kustomizations_render_as_recorded() {
    render_as_recorded(&cases("kustomize"));
}

#[test]
fn the_record_is_what_helm_answers() {
    let version = Command::new("helm").args(["version", "--template", "{{.Version}}"]).output();
    match version {
        Ok(version) if version.stdout == HELM.as_bytes() => {}
        Ok(version) => return left_out(&format!("helm is {}", String::from_utf8_lossy(&version.stdout))),
        Err(_) => return left_out("there is no helm"),
    }
    hold_to_record(&cases("helm"));
}

#[test]
fn kustomizations_with_charts_render_as_recorded() {
    render_as_recorded(&cases(WITH_CHARTS));
}

#[test]
fn the_record_is_what_kubectl_answers() {
    let version = Command::new("kubectl").args(["version", "--client", "--output", "json"]).output();
    let Ok(version) = version else { return left_out("there is no kubectl") };
    let version: Value = serde_json::from_slice(&version.stdout).expect("kubectl prints JSON");
    let version = version.get("kustomizeVersion").and_then(Value::as_str).unwrap_or_default();
    if version != KUSTOMIZE {
        return left_out(&format!("kubectl has Kustomize {version}"));
    }
    hold_to_record(&cases("kustomize"));
    let helm = Command::new("helm").args(["version", "--template", "{{.Version}}"]).output();
    if helm.is_ok_and(|version| version.stdout == HELM.as_bytes()) {
        hold_to_record(&cases(WITH_CHARTS));
    } else {
        left_out("there is no helm of the recorded version");
    }
}

fn render_as_recorded(cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.compare(&case.rendered()).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Holds the record to what the tool itself answers, or records that where `UPDATE_EXPECT` is set.
fn hold_to_record(cases: &[Case]) {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for case in cases {
        let answer = case.asked();
        if update {
            case.record(&answer);
        } else if let Err(why) = case.compare(&answer) {
            wrong.push(why);
        }
    }
    assert!(wrong.is_empty(), "the record is not what the tool says:\n{}", wrong.join("\n"));
}

/// What a stack comes to: its documents as text, or why it does not render.
type Answer = Result<String, String>;

struct Case {
    folder: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    links: Vec<(String, String)>,
    stack: Stack,
}

enum Stack {
    /// The keys of a stack's `helm:`.
    Helm(Map<String, Value>),
    /// The folder of a kustomization, and whether its charts are inflated.
    Kustomize(String, bool),
}

fn cases(engine: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/render").join(engine);
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders.into_iter().map(|folder| Case::read(folder, engine)).collect()
}

impl Case {
    fn read(folder: PathBuf, engine: &str) -> Self {
        let mut files = BTreeMap::new();
        collect(&folder, &folder, &mut files);
        for answer in ["expected.yaml", "fails.txt"] {
            files.remove(answer);
        }
        let links = files.remove("links").map(|text| String::from_utf8(text).expect("UTF-8")).unwrap_or_default();
        let link = |line: &str| line.split_once(" -> ").map(|(at, to)| (at.to_owned(), to.to_owned())).expect("a link");
        let links = links.lines().map(link).collect();
        let stack = if engine.starts_with("kustomize") {
            let target = files.remove("target").map(|text| String::from_utf8(text).expect("UTF-8"));
            let target = target.map_or_else(|| ".".to_owned(), |target| target.trim().to_owned());
            Stack::Kustomize(target, engine == WITH_CHARTS)
        } else {
            files.entry("chart/Chart.yaml".to_owned()).or_insert_with(|| CHART.into());
            let mut release = match files.remove("release.yaml") {
                Some(text) => serde_yaml::from_slice(&text).expect("release.yaml is a map"),
                None => Map::new(),
            };
            for (key, value) in [("chart", "chart"), ("release", "rel"), ("namespace", "ns")] {
                release.entry(key).or_insert_with(|| json!(value));
            }
            Stack::Helm(release)
        };
        Self { folder, files, links, stack }
    }

    fn name(&self) -> String {
        self.folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// What our engine makes of it.
    fn rendered(&self) -> Answer {
        let stack = match &self.stack {
            Stack::Helm(release) => json!({"name": "case", "helm": release}),
            Stack::Kustomize(path, enable_helm) => {
                json!({"name": "case", "kustomize": {"path": path, "enable_helm": enable_helm}})
            }
        };
        let config = json!({"version": 1, "stacks": [stack]});
        let mut files: Vec<(_, Vec<u8>)> =
            self.files.iter().map(|(path, text)| (path.parse().expect("a path"), text.clone())).collect();
        let path = sourceward::stack::config::PATH.parse().expect("a path");
        files.push((path, config.to_string().into_bytes()));
        let links = self.links.iter().map(|(at, to)| (at.parse().expect("a path"), to.clone()));
        let tree = MemoryTree::of(files).with_links(links);
        let said = |refusal: sourceward::model::refusal::Refusal| format!("{}: {}", refusal.code, refusal.message);
        let rendered = Catalog::of(&tree).and_then(|catalog| catalog.rendered(0)).map_err(said)?;
        Ok(rendered.text().map_err(said)?.expect("these stacks print text").into_owned())
    }

    /// What the field's tool makes of it.
    fn asked(&self) -> Answer {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in &self.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("writes");
        }
        for (at, to) in &self.links {
            let path = folder.path().join(at);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::os::unix::fs::symlink(to, path).expect("links");
        }
        let output = match &self.stack {
            Stack::Helm(release) => self.helm(release).current_dir(&folder).output().expect("helm runs"),
            Stack::Kustomize(path, enable_helm) => {
                let option: &[&str] = if *enable_helm { &["--enable-helm"] } else { &[] };
                Command::new("kubectl")
                    .current_dir(&folder)
                    .args(["kustomize", path])
                    .args(option)
                    .output()
                    .expect("kubectl runs")
            }
        };
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).expect("UTF-8"))
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            let at = |folder: &Path| folder.to_string_lossy().into_owned();
            let said = said.replace(&at(&folder.path().canonicalize().expect("a folder")), "");
            // `Error: …`, or kubectl's logged line of which only the end is always the same.
            let why = said.rsplit_once("err=").map_or(said.as_str(), |(_, why)| why);
            Err(why.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    }

    fn helm(&self, release: &Map<String, Value>) -> Command {
        let text = |key: &str| release.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut helm = Command::new("helm");
        helm.args(["template", &text("release"), &text("chart"), "--namespace", &text("namespace")]);
        for (key, value) in release {
            let flag = match key.as_str() {
                "chart" | "release" | "namespace" => continue,
                "values" => "-f".to_owned(),
                key => format!("--{}", key.replace('_', "-")),
            };
            match value {
                Value::Bool(true) => {
                    helm.arg(flag);
                }
                Value::String(one) => {
                    helm.args([&flag, one]);
                }
                Value::Array(many) => {
                    for one in many {
                        helm.args([&flag, one.as_str().expect("a text")]);
                    }
                }
                other => panic!("{}: {key}: {other}", self.name()),
            }
        }
        helm
    }

    fn record(&self, answer: &Answer) {
        let (expected, fails) = (self.folder.join("expected.yaml"), self.folder.join("fails.txt"));
        let (written, gone, text) = match answer {
            Ok(text) => (expected, fails, text.clone()),
            Err(why) => (fails, expected, format!("{why}\n")),
        };
        fs::write(written, text).expect("writes");
        if gone.exists() {
            fs::remove_file(gone).expect("removes");
        }
    }

    /// Holds an answer to the record: text to the byte, failures by failing.
    fn compare(&self, answer: &Answer) -> Result<(), String> {
        let expected = fs::read_to_string(self.folder.join("expected.yaml"));
        let fails = fs::read_to_string(self.folder.join("fails.txt"));
        match (answer, expected, fails) {
            (Ok(text), Ok(expected), Err(_)) if *text == expected => Ok(()),
            (Ok(text), Ok(expected), Err(_)) => Err(format!("{}: {}", self.name(), first_difference(text, &expected))),
            (Err(_), Err(_), Ok(_)) => Ok(()),
            (Ok(_), Err(_), Ok(fails)) => Err(format!("{}: it renders, but the tool says {fails}", self.name())),
            (Err(why), Ok(_), Err(_)) => Err(format!("{}: the tool renders it, but: {why}", self.name())),
            _ => Err(format!("{}: expected exactly one of expected.yaml and fails.txt", self.name())),
        }
    }
}

fn first_difference(text: &str, expected: &str) -> String {
    let lines = text.lines().map(Some).chain([None]).zip(expected.lines().map(Some).chain([None]));
    match lines.enumerate().find(|(_, (got, wanted))| got != wanted) {
        Some((at, (got, wanted))) => format!("line {}: {got:?}, where the tool prints {wanted:?}", at + 1),
        None => "the last line break".to_owned(),
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("inside").to_str().expect("UTF-8").to_owned();
            files.insert(name, fs::read(&path).expect("reads"));
        }
    }
}
