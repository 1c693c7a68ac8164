//! The tools themselves.

use std::{
    env, fs,
    process::{Command, Output},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const TOOLS: [&str; 3] = ["kubectl", "helm", "kustomize"];

/// What a tool makes of each file's first document: `Some(None)` is a refusal, `None` was not asked. With `accepted` known,
/// what `kubectl` and Kustomize accept is asked in one run; what they refuse would cost a run each and is asked only to
/// record it.
pub(crate) fn ask(tool: &str, files: &[String], accepted: Option<&[bool]>) -> Vec<Option<Option<Value>>> {
    if tool == "helm" {
        return helm(files).into_iter().map(Some).collect();
    }
    let mut answers = vec![None; files.len()];
    let wanted: Vec<usize> = (0..files.len()).filter(|at| accepted.is_none_or(|accepted| accepted[*at])).collect();
    ask_halves(tool, files, &wanted, &mut answers);
    answers
}

/// One refused file makes the tool refuse all of a run: then each half is asked again.
fn ask_halves(tool: &str, files: &[String], wanted: &[usize], answers: &mut [Option<Option<Value>>]) {
    if wanted.is_empty() {
        return;
    }
    let batch: Vec<String> =
        wanted.iter().map(|at| files[*at].replacen("{name: thing}", &format!("{{name: thing-{at}}}"), 1)).collect();
    let found = if tool == "kubectl" { kubectl(&batch) } else { kustomize(&batch) };
    match found {
        Some(objects) => {
            assert_eq!(objects.len(), wanted.len(), "{tool} answers for every file");
            for object in objects {
                let name = object["metadata"]["name"].as_str().expect("a name");
                let at: usize = name.strip_prefix("thing-").and_then(|at| at.parse().ok()).expect("a number");
                answers[at] = Some(Some(object));
            }
        }
        None if wanted.len() == 1 => answers[wanted[0]] = Some(None),
        None => {
            let (left, right) = wanted.split_at(wanted.len() / 2);
            ask_halves(tool, files, left, answers);
            ask_halves(tool, files, right, answers);
        }
    }
}

/// The tool's version; nothing where it is absent.
pub(crate) fn version(tool: &str) -> Option<String> {
    let output = match tool {
        "helm" => run(helm_command().args(["version", "--short"]))?,
        "kubectl" => run(Command::new("kubectl").args(["version", "--client", "-o", "json"]))?,
        _ => run(Command::new("kubectl").args(["version", "--client", "-o", "json"]))?,
    };
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let field = match tool {
        "helm" => return Some(text),
        "kubectl" => "/clientVersion/gitVersion",
        _ => "/kustomizeVersion",
    };
    serde_json::from_str::<Value>(&text).ok()?.pointer(field)?.as_str().map(str::to_owned)
}

fn helm_command() -> Command {
    Command::new(env::var_os("SOURCEWARD_HELM").unwrap_or_else(|| "helm".into()))
}

/// Nothing where the program cannot be started.
fn run(command: &mut Command) -> Option<Output> {
    command.output().ok()
}

/// A chart that prints what `fromYaml` and `fromYamlArray` make of each text.
fn helm(files: &[String]) -> Vec<Option<Value>> {
    let template = "{{- range .Values.files }}\n@{{ b64dec . | fromYaml | toJson }}\n@{{ b64dec . | fromYamlArray | toJson }}\n{{- end }}\n";
    let chart = tempfile::tempdir().expect("a folder");
    let values = json!({"files": files.iter().map(|file| STANDARD.encode(file)).collect::<Vec<_>>()});
    fs::create_dir(chart.path().join("templates")).expect("a folder");
    fs::write(chart.path().join("Chart.yaml"), "apiVersion: v2\nname: oracle\nversion: 0.1.0\n").expect("a file");
    fs::write(chart.path().join("values.yaml"), values.to_string()).expect("a file");
    fs::write(chart.path().join("templates/answers.yaml"), template).expect("a file");
    let output = run(helm_command().args(["template", "oracle", "--debug"]).arg(chart.path())).expect("helm starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix('@'))
        .map(|answer| serde_json::from_str(answer).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), files.len() * 2, "{}", String::from_utf8_lossy(&output.stderr));
    answers.chunks(2).map(|pair| helm_answer(&pair[0], &pair[1])).collect()
}

/// `fromYaml` reads maps and `fromYamlArray` lists; both put an error into the value. A scalar is an error of both that names
/// its type only.
fn helm_answer(map: &Value, list: &Value) -> Option<Value> {
    const OTHER: &str = "json: cannot unmarshal ";
    let error = |text: &str| text.starts_with("error converting YAML") || text.starts_with("error unmarshaling JSON");
    match map["Error"].as_str().filter(|text| error(text)) {
        None if map == &json!({}) && list == &json!([]) => Some(Value::Null),
        None => Some(map.clone()),
        Some(text) if text.contains(&format!("{OTHER}array")) => Some(list.clone()),
        Some(text) => {
            let (_, kind) = text.split_once(OTHER)?;
            Some(json!({"a scalar": kind.split(' ').next()}))
        }
    }
}

fn kubectl(files: &[String]) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("things.yaml");
    fs::write(&path, files.join("\n---\n")).expect("a file");
    let mut command = Command::new("kubectl");
    command.args(["patch", "--local", "--type=merge", "-p", "{}", "-o", "json", "-f"]).arg(path);
    let output = run(&mut command).filter(|output| output.status.success())?;
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect::<Result<_, _>>().ok()
}

fn kustomize(files: &[String]) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("kustomization.yaml"), "resources: [things.yaml]\n").expect("a file");
    fs::write(folder.path().join("things.yaml"), files.join("\n---\n")).expect("a file");
    let output = run(Command::new("kubectl").arg("kustomize").arg(folder.path())).filter(|o| o.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_yaml::Deserializer::from_str(&text).map(Value::deserialize).collect::<Result<_, _>>().ok()
}
