//! helm itself.

use std::{fs, path::PathBuf, process::Command};

use regex::Regex;
use serde_json::{Value, json};
use sourceward::engine::helm::template::parse::ParseError;

/// The version whose answers are recorded.
const HELM: &str = "v3.17.3";

/// One text, and where and how helm complains of it.
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) error: Option<String>,
}

/// The record, which is first held to the helm that is there, or written anew.
pub(crate) fn rows() -> Vec<Row> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/template/syntax.json");
    let record: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(&path).expect("the record")).expect("the record is JSON");
    let mut rows: Vec<Row> = record
        .iter()
        .map(|row| Row {
            text: row["text"].as_str().expect("a text").into(),
            error: row["error"].as_str().map(str::to_owned),
        })
        .collect();
    match Command::new("helm").args(["version", "--template", "{{.Version}}"]).output() {
        Ok(version) if version.stdout == HELM.as_bytes() => {}
        Ok(version) => {
            crate::tools::left_out(&format!("helm is {}", String::from_utf8_lossy(&version.stdout)));
            return rows;
        }
        Err(_) => {
            crate::tools::left_out("there is no helm");
            return rows;
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        for row in &mut rows {
            row.error = complaint(std::slice::from_ref(&row.text));
        }
        let lines: Vec<String> =
            rows.iter().map(|row| json!({"text": row.text, "error": row.error}).to_string()).collect();
        fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n"))).expect("the record is written");
    } else {
        // What helm refuses would cost a run each.
        let taken: Vec<String> = rows.iter().filter(|row| row.error.is_none()).map(|row| row.text.clone()).collect();
        assert_eq!(complaint(&taken), None, "helm refuses what the record says it takes");
    }
    rows
}

/// The line and the last words of helm's complaint of a chart with these partials; helm keeps no others.
fn complaint(partials: &[String]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let templates = folder.path().join("templates");
    fs::create_dir(&templates).expect("a folder");
    fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 0.1.0\n").expect("a file");
    for (at, partial) in partials.iter().enumerate() {
        fs::write(templates.join(format!("_{at}.tpl")), partial).expect("a file");
    }
    let output = Command::new("helm").arg("template").arg("r").arg(folder.path()).output().expect("helm runs");
    if output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.split("\n\nUse --debug").next().expect("a first part").trim_end_matches('\n');
    let complaint = said.strip_prefix("Error: parse error at (c/templates/_0.tpl:");
    Some(complaint.unwrap_or_else(|| panic!("{partials:?}: {said}")).replacen("): ", ": ", 1))
}

/// An error as helm prints it: the line and what stands behind the last colon. Go 1.23 does not count the lines of comments.
pub(crate) fn as_helm_says_it(text: &str, error: &ParseError) -> String {
    let comments = Regex::new(r"(?s)\{\{(-\s)?(/\*.*?\*/)").expect("a pattern");
    let uncounted: usize = comments
        .captures_iter(&text[..error.offset])
        .map(|comment| comment[2].bytes().filter(|byte| *byte == b'\n').count())
        .sum();
    let described = error.describe("c/templates/_0.tpl");
    format!("{}: {}", error.line - uncounted, described.rsplit(": ").next().expect("a last part"))
}
