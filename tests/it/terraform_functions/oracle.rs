//! What the real terraform says of expressions, many in one plan.

use std::{env, fs, path::Path, process::Command};

use serde_json::Value as Json;

/// What terraform makes of an expression.
#[derive(Debug)]
pub(crate) enum Said {
    /// Its type and value.
    Answer(String),
    /// The words of its first error.
    Refusal(String),
}

/// Tells whether terraform is on PATH.
pub(crate) fn is_there() -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join("terraform").is_file())
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", folder.join("none.tfrc"))
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .expect("terraform runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The names of all functions.
pub(crate) fn function_names() -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let listed: Json = serde_json::from_str(&run(folder.path(), &["metadata", "functions", "-json"])).expect("JSON");
    let signatures = listed["function_signatures"].as_object().expect("signatures");
    assert!(signatures.len() > 200, "the names were not found");
    signatures.keys().cloned().collect()
}

/// Asks about expressions, many in one plan.
pub(crate) fn ask(expressions: &[&str]) -> Vec<Said> {
    let outside = tempfile::tempdir().expect("a folder");
    // Expressions look for files beside the module too, where nothing of anybody else's may stand.
    let folder = outside.path().join("module");
    fs::create_dir(&folder).expect("a folder");
    copy(&super::folder("files"), &folder);
    fs::write(folder.join("none.tfrc"), "").expect("a file");
    fs::write(folder.join("main.tf"), "resource \"terraform_data\" \"u\" {}\n").expect("a file");
    run(&folder, &["init", "-no-color"]);
    expressions.chunks(AT_ONCE).flat_map(|some| ask_some(&folder, some)).collect()
}

/// How many expressions are asked at once: a plan takes longer with the square of its errors.
const AT_ONCE: usize = 40;

/// Each is an output of one configuration. Those that fail are left out of a second plan, which says what the others answer.
fn ask_some(folder: &Path, expressions: &[&str]) -> Vec<Said> {
    let mut said: Vec<Option<Said>> = expressions.iter().map(|_| None).collect();
    loop {
        let written: String = expressions
            .iter()
            .enumerate()
            .map(|(index, expression)| match said[index] {
                Some(_) => "\n".repeat(LINES),
                None => format!(
                    "output \"r{index}\" {{\nvalue = {{v = {expression}, j = jsonencode({expression}), s = \
                     issensitive({expression}) }}\nsensitive = true\n}}\n"
                ),
            })
            .collect();
        fs::write(folder.join("rows.tf"), written).expect("a file");
        let plan = run(folder, &["plan", "-json", "-no-color", "-out", "plan"]);
        let mut failed = false;
        for line in plan.lines() {
            let Ok(message) = serde_json::from_str::<Json>(line) else { continue };
            let diagnostic = &message["diagnostic"];
            if diagnostic["severity"] != "error" {
                continue;
            }
            let at = diagnostic["range"]["start"]["line"].as_u64();
            let at = at.unwrap_or_else(|| panic!("an error of no row: {diagnostic}")) as usize;
            let index = (at - 1) / LINES;
            failed = true;
            if said[index].is_none() {
                said[index] = Some(Said::Refusal(words(diagnostic["detail"].as_str().unwrap_or_default())));
            }
        }
        if !failed {
            break;
        }
    }
    let shown: Json = serde_json::from_str(&run(folder, &["show", "-json", "plan"])).expect("a plan");
    let answers = said.into_iter().enumerate().map(|(index, said)| {
        said.unwrap_or_else(|| {
            let name = format!("r{index}");
            let planned = &shown["planned_values"]["outputs"][&name];
            Said::Answer(answer(&planned["type"], &shown["output_changes"][&name]))
        })
    });
    answers.collect()
}

/// How many lines a row takes in the configuration.
const LINES: usize = 4;

/// The first line of an error that a panic made is all that does not depend on where it ran.
fn words(detail: &str) -> String {
    detail.lines().next().unwrap_or_default().to_owned()
}

fn answer(ty: &Json, change: &Json) -> String {
    let (after, unknown) = (&change["after"], &change["after_unknown"]);
    let marks = if after["s"] == true { "sensitive " } else { "" };
    if unknown["v"] == true {
        return format!("{marks}?");
    }
    match after["j"].as_str() {
        Some(json) => {
            let json = unescaped(json);
            format!("{marks}{} {json}", type_name(&ty[1]["v"]))
        }
        None => format!("{marks}{}", partly(&after["v"], &unknown["v"])),
    }
}

/// `jsonencode` escapes more than others do.
fn unescaped(json: &str) -> String {
    let mut plain = String::new();
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escape = &rest[at..];
        let known =
            [("\\u003c", '<'), ("\\u003e", '>'), ("\\u0026", '&'), ("\\u2028", '\u{2028}'), ("\\u2029", '\u{2029}')];
        let length = match known.iter().find(|(written, _)| escape.starts_with(written)) {
            Some((written, character)) => {
                plain.push(*character);
                written.len()
            }
            None => {
                plain.push_str(&escape[..2]);
                2
            }
        };
        rest = &escape[length..];
    }
    plain + rest
}

fn partly(known: &Json, unknown: &Json) -> String {
    match (known, unknown) {
        (_, Json::Bool(true)) => "?".to_owned(),
        (Json::Array(elements), _) => {
            let parts: Vec<String> =
                elements.iter().enumerate().map(|(index, element)| partly(element, &unknown[index])).collect();
            format!("[{}]", parts.join(","))
        }
        (Json::Object(attributes), _) => {
            let unknown_names = unknown.as_object().into_iter().flat_map(|attributes| attributes.keys());
            let mut names: Vec<&String> = attributes.keys().chain(unknown_names).collect();
            names.sort();
            names.dedup();
            let part = |name: &String| format!("{}:{}", super::quoted(name), partly(&known[name], &unknown[name]));
            format!("{{{}}}", names.into_iter().map(part).collect::<Vec<_>>().join(","))
        }
        _ => known.to_string(),
    }
}

fn type_name(ty: &Json) -> String {
    match ty {
        Json::String(name) => name.clone(),
        Json::Array(parts) => match (parts[0].as_str().unwrap_or_default(), &parts[1]) {
            ("tuple", Json::Array(elements)) => {
                format!("tuple([{}])", elements.iter().map(type_name).collect::<Vec<_>>().join(","))
            }
            ("object", Json::Object(attributes)) => {
                let mut names: Vec<_> = attributes.iter().collect();
                names.sort_by_key(|(name, _)| *name);
                let attribute = |(name, ty): &(&String, &Json)| format!("{name}={}", type_name(ty));
                format!("object({{{}}})", names.iter().map(attribute).collect::<Vec<_>>().join(","))
            }
            (kind, element) => format!("{kind}({})", type_name(element)),
        },
        _ => "dynamic".to_owned(),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}
