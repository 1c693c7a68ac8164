//! What the engines render, held to what the field's own tools rendered.
//!
//! A case is a folder `render/<engine>/<semantic>/`. For Helm it holds `chart/` (without a `Chart.yaml` it gets a plain one),
//! any other files of the repository, `release.yaml` (the keys of a stack's `helm:` but `chart`; the release is `rel` in `ns`
//! unless it says otherwise), and what helm 3.17.3 made of it: `expected.yaml`, its output to the byte, or `fails.txt`, what
//! it said. Adding a case touches no Rust; `UPDATE_EXPECT=1` records helm's answers.

mod moved;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};
use sourceward::{source::tree::MemoryTree, stack::catalog::Catalog};

use crate::tools::left_out;

/// The version whose answers are recorded.
const HELM: &str = "v3.17.3";

/// The chart of a case that brings none of its own.
const CHART: &str = "apiVersion: v2\nname: case\nversion: 0.1.0\nappVersion: \"2.0\"\n";

#[test]
fn helm_charts_render_as_recorded() {
    let cases = cases("helm");
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.compare(&case.rendered()).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_record_is_what_helm_answers() {
    let version = Command::new("helm").args(["version", "--template", "{{.Version}}"]).output();
    match version {
        Ok(version) if version.stdout == HELM.as_bytes() => {}
        Ok(version) => return left_out(&format!("helm is {}", String::from_utf8_lossy(&version.stdout))),
        Err(_) => return left_out("there is no helm"),
    }
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for case in cases("helm") {
        let answer = case.asked();
        if update {
            case.record(&answer);
        } else if let Err(why) = case.compare(&answer) {
            wrong.push(why);
        }
    }
    assert!(wrong.is_empty(), "the record is not what helm says:\n{}", wrong.join("\n"));
}

/// What a chart comes to: its documents as text, or why it does not render.
type Answer = Result<String, String>;

struct Case {
    folder: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    release: Map<String, Value>,
}

fn cases(engine: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/render").join(engine);
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let mut files = BTreeMap::new();
        collect(&folder, &folder, &mut files);
        files.entry("chart/Chart.yaml".to_owned()).or_insert_with(|| CHART.into());
        for answer in ["expected.yaml", "fails.txt"] {
            files.remove(answer);
        }
        let mut release = match files.remove("release.yaml") {
            Some(text) => serde_yaml::from_slice(&text).expect("release.yaml is a map"),
            None => Map::new(),
        };
        for (key, value) in [("chart", "chart"), ("release", "rel"), ("namespace", "ns")] {
            release.entry(key).or_insert_with(|| json!(value));
        }
        Self { folder, files, release }
    }

    fn name(&self) -> String {
        self.folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// What our engine makes of it.
    fn rendered(&self) -> Answer {
        let config = json!({"version": 1, "stacks": [{"name": "case", "helm": self.release}]});
        let mut files: Vec<(_, Vec<u8>)> =
            self.files.iter().map(|(path, text)| (path.parse().expect("a path"), text.clone())).collect();
        let path = sourceward::stack::config::PATH.parse().expect("a path");
        files.push((path, config.to_string().into_bytes()));
        let tree = MemoryTree::of(files);
        let said = |refusal: sourceward::model::refusal::Refusal| format!("{}: {}", refusal.code, refusal.message);
        let rendered = Catalog::of(&tree).and_then(|catalog| catalog.rendered(0)).map_err(said)?;
        Ok(rendered.printed.clone().expect("helm stacks print text"))
    }

    /// What helm makes of it.
    fn asked(&self) -> Answer {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in &self.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("writes");
        }
        let text = |key: &str| self.release.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut helm = Command::new("helm");
        helm.current_dir(&folder).args([
            "template",
            &text("release"),
            &text("chart"),
            "--namespace",
            &text("namespace"),
        ]);
        for (key, value) in &self.release {
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
        let output = helm.output().expect("helm runs");
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).expect("UTF-8"))
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(said.lines().filter(|line| line.starts_with("Error: ")).collect())
        }
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
            (Ok(_), Err(_), Ok(fails)) => Err(format!("{}: it renders, but helm says {fails}", self.name())),
            (Err(why), Ok(_), Err(_)) => Err(format!("{}: helm renders it, but: {why}", self.name())),
            _ => Err(format!("{}: expected exactly one of expected.yaml and fails.txt", self.name())),
        }
    }
}

fn first_difference(text: &str, expected: &str) -> String {
    let lines = text.lines().map(Some).chain([None]).zip(expected.lines().map(Some).chain([None]));
    match lines.enumerate().find(|(_, (got, wanted))| got != wanted) {
        Some((at, (got, wanted))) => format!("line {}: {got:?}, where helm prints {wanted:?}", at + 1),
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
