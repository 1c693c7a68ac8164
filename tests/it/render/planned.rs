//! What root modules come to, held to what `terraform plan` knew.
//!
//! A case is a folder `render/terraform/<semantic>/` with the files of the repository, `stack.yaml` (the keys of a stack's
//! `terraform:`; the root is the folder unless it says otherwise), and what terraform 1.11.4 made of it: `expected.json`, the
//! planned values of every managed resource with the pointers of those that are unknown, or `fails.txt`, what it said. Only
//! configurations that need no provider: `terraform_data` is built in. `UPDATE_EXPECT=1` records terraform's answers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Map, Value, json};
use sourceward::{
    model::{pointer::Pointer, refusal::Refusal},
    source::tree::MemoryTree,
    stack::catalog::Catalog,
};

use super::collect;
use crate::tools::left_out;

/// The version whose answers are recorded.
const TERRAFORM: &str = "1.11.4";

#[test]
fn root_modules_plan_as_recorded() {
    let cases = cases();
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.compare(&case.rendered()).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_record_is_what_terraform_plans() {
    let Ok(version) = terraform(Path::new("."), None).args(["version", "-json"]).output() else {
        return left_out("there is no terraform");
    };
    let version: Value = serde_json::from_slice(&version.stdout).expect("terraform prints JSON");
    if version["terraform_version"] != TERRAFORM {
        return left_out(&format!("terraform is {}", version["terraform_version"]));
    }
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let answer = case.asked();
        if update {
            case.record(&answer);
        } else if let Err(why) = case.compare(&answer) {
            wrong.push(why);
        }
    }
    assert!(wrong.is_empty(), "the record is not what terraform says:\n{}", wrong.join("\n"));
}

/// What a root module comes to, or why it does not.
type Answer = Result<Value, String>;

struct Case {
    folder: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    stack: Map<String, Value>,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/render/terraform");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

fn terraform(folder: &Path, workspace: Option<&str>) -> Command {
    let mut command = Command::new("terraform");
    command.current_dir(folder).env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
    command.env("TF_CLI_CONFIG_FILE", if cfg!(windows) { "nul" } else { "/dev/null" });
    command.env("TF_WORKSPACE", workspace.unwrap_or("default"));
    command
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let mut files = BTreeMap::new();
        collect(&folder, &folder, &mut files);
        for answer in ["expected.json", "fails.txt"] {
            files.remove(answer);
        }
        let stack = match files.remove("stack.yaml") {
            Some(text) => serde_yaml::from_slice(&text).expect("stack.yaml is a map"),
            None => Map::new(),
        };
        Self { folder, files, stack }
    }

    fn name(&self) -> String {
        self.folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// What our engine makes of it.
    fn rendered(&self) -> Answer {
        let mut stack = self.stack.clone();
        stack.entry("root").or_insert_with(|| json!("."));
        let config = json!({"version": 1, "stacks": [{"name": "case", "terraform": stack}]});
        let mut files: Vec<(_, Vec<u8>)> =
            self.files.iter().map(|(path, text)| (path.parse().expect("a path"), text.clone())).collect();
        let path = sourceward::stack::config::PATH.parse().expect("a path");
        files.push((path, config.to_string().into_bytes()));
        let tree = MemoryTree::of(files);
        let said = |refusal: Refusal| format!("{}: {}", refusal.code, refusal.message);
        let rendered = Catalog::of(&tree).and_then(|catalog| catalog.rendered(0)).map_err(said)?;
        let printed = rendered.text().map_err(said)?.expect("root modules print JSON");
        Ok(serde_json::from_str(&printed).expect("it is JSON"))
    }

    /// What terraform plans.
    fn asked(&self) -> Answer {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in &self.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("writes");
        }
        let text = |key: &str| self.stack.get(key).and_then(Value::as_str);
        let root = folder.path().join(text("root").unwrap_or("."));
        let run = |workspace: Option<&str>, arguments: &[&str]| -> Result<Output, String> {
            let output = terraform(&root, workspace).args(arguments).arg("-no-color").output().expect("terraform runs");
            if output.status.success() { Ok(output) } else { Err(said(&output)) }
        };
        run(None, &["init", "-input=false"])?;
        if let Some(workspace) = text("workspace") {
            run(None, &["workspace", "new", workspace]).or_else(|_| run(Some(workspace), &["workspace", "show"]))?;
        }
        let up = "../".repeat(text("root").map_or(0, |root| root.split('/').filter(|part| *part != ".").count()));
        let var_files = self.stack.get("var_files").and_then(Value::as_array).cloned().unwrap_or_default();
        let var_files: Vec<String> =
            var_files.iter().map(|file| format!("-var-file={up}{}", file.as_str().expect("a path"))).collect();
        let mut arguments = vec!["plan", "-input=false", "-refresh=false", "-out=plan"];
        arguments.extend(var_files.iter().map(String::as_str));
        run(text("workspace"), &arguments)?;
        let shown = run(text("workspace"), &["show", "-json", "plan"])?;
        let plan: Value = serde_json::from_slice(&shown.stdout).expect("terraform prints JSON");
        let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
        let mut planned: Vec<Value> = changes.iter().filter(|change| change["mode"] == "managed").map(known).collect();
        planned.sort_by_key(|resource| resource["address"].as_str().expect("an address").to_owned());
        Ok(planned.into())
    }

    fn record(&self, answer: &Answer) {
        let (expected, fails) = (self.folder.join("expected.json"), self.folder.join("fails.txt"));
        let (written, gone, text) = match answer {
            Ok(value) => (expected, fails, serde_json::to_string_pretty(value).expect("JSON")),
            Err(why) => (fails, expected, why.clone()),
        };
        fs::write(written, text + "\n").expect("writes");
        if gone.exists() {
            fs::remove_file(gone).expect("removes");
        }
    }

    fn compare(&self, answer: &Answer) -> Result<(), String> {
        let expected = fs::read_to_string(self.folder.join("expected.json"));
        let fails = fs::read_to_string(self.folder.join("fails.txt"));
        match (answer, expected, fails) {
            (Ok(value), Ok(expected), Err(_)) => {
                let expected: Value = serde_json::from_str(&expected).expect("JSON");
                let same = sorted(value) == sorted(&expected);
                if same { Ok(()) } else { Err(format!("{}: {value}, where terraform plans {expected}", self.name())) }
            }
            (Err(_), Err(_), Ok(_)) => Ok(()),
            (Ok(_), Err(_), Ok(fails)) => Err(format!("{}: it renders, but terraform says {fails}", self.name())),
            (Err(why), Ok(_), Err(_)) => Err(format!("{}: terraform plans it, but: {why}", self.name())),
            _ => Err(format!("{}: expected exactly one of expected.json and fails.txt", self.name())),
        }
    }
}

/// A planned resource with null where a value is unknown, and the pointers of those.
fn known(change: &Value) -> Value {
    let mut values = change["change"]["after"].clone();
    let mut unknown = Vec::new();
    take_unknown(&change["change"]["after_unknown"], &Pointer::root(), &mut values, &mut unknown);
    json!({"address": change["address"], "values": values, "unknown": unknown})
}

fn take_unknown(of: &Value, at: &Pointer, values: &mut Value, unknown: &mut Vec<String>) {
    match of {
        Value::Bool(true) => {
            unknown.push(at.to_string());
            *values = Value::Null;
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                take_unknown(item, &at.join(index.to_string()), &mut values[index], unknown);
            }
        }
        Value::Object(items) => {
            for (key, item) in items {
                if *item != Value::Bool(false) {
                    take_unknown(item, &at.join(key), &mut values[key], unknown);
                }
            }
        }
        _ => {}
    }
}

/// The same with the pointers in order.
fn sorted(planned: &Value) -> Value {
    let mut planned = planned.clone();
    for resource in planned.as_array_mut().expect("resources") {
        if let Some(Value::Array(unknown)) = resource.get_mut("unknown") {
            unknown.sort_by_key(|pointer| pointer.as_str().unwrap_or_default().to_owned());
        }
    }
    planned
}

/// What terraform says, without the boxes that it draws.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).replace(['│', '╷', '╵', '├', '─'], " ");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
