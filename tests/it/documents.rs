//! Documents say what is true: the paths they name exist, their examples are the ones that the tests run.

use std::{fs, path::Path};

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file at the top and below `docs`.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in [".", "docs", "docs/decisions"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).into_iter().flatten() {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            if name.ends_with(".md") {
                found.push(format!("{folder}/{name}").trim_start_matches("./").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_path_that_a_document_names_exists() {
    let folders = ["src", "tests", "docs", "fixtures", "webhooks", "remediations", "benches", "fuzz", ".ci"];
    let mut missing = Vec::new();
    for document in documents() {
        let text = read(&document);
        for code in text.split('`').skip(1).step_by(2) {
            let inside = folders.iter().any(|folder| code == *folder || code.starts_with(&format!("{folder}/")));
            let pattern = code.contains(['<', '*', ' ', '\n']);
            if inside && !pattern && !Path::new(env!("CARGO_MANIFEST_DIR")).join(code).exists() {
                missing.push(format!("{document}: {code}"));
            }
        }
        let folder = Path::new(&document).parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://");
            if !elsewhere && !Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target).exists() {
                missing.push(format!("{document}: link to {link}"));
            }
        }
    }
    assert!(missing.is_empty(), "documents name what does not exist:\n{}", missing.join("\n"));
}

#[test]
fn the_readme_shows_a_case_that_is_tested() {
    let readme = read("README.md");
    let patch = read("fixtures/manifests/scalar/expected.patch");
    assert!(
        readme.contains(&format!("```diff\n{patch}```")),
        "the diff of the README is not the recorded one:\n{patch}"
    );
    let example =
        readme.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example finding");
    let shown: Value = serde_json::from_str(example).expect("the README's finding is JSON");
    let tested: Value = serde_json::from_str(&read("fixtures/manifests/scalar/finding.json")).expect("JSON");
    assert_eq!((&shown["resource"], &shown["patch"]), (&tested["resource"], &tested["patch"]));
}

#[test]
fn the_readme_runs_the_demo_first_and_the_tests_second() {
    let readme = read("README.md");
    let commands: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.lines().next())
        .filter(|line| line.starts_with("cargo"))
        .collect();
    assert_eq!(commands, ["cargo run --release -- demo", "cargo test"]);
    assert!(read(".ci/run").contains("\ncargo test --locked\n"), ".ci/run calls the same test command");
}

#[test]
fn workflows_use_the_action_as_it_is_and_name_the_permissions() {
    let action: Value = serde_yaml::from_str(&read("action.yml")).expect("YAML");
    let mut shown = Vec::new();
    for document in documents() {
        let text = read(&document);
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let mut permissions = Value::Null;
        for block in blocks.filter(|block| block.contains("uses: sourceward/")) {
            let workflow: Value =
                serde_yaml::from_str(block).unwrap_or_else(|error| panic!("{document}: {error}:\n{block}"));
            // A list is of further steps of the workflow above it.
            if !workflow.is_array() {
                permissions = workflow["permissions"].clone();
            }
            let mut ours = None;
            for step in steps(&workflow) {
                let needed: &[&str] = match step["uses"].as_str() {
                    Some("sourceward/sourceward@v0") => {
                        ours = Some(step);
                        &["contents", "pull-requests"]
                    }
                    Some(used) if used.starts_with("github/codeql-action/upload-sarif@") => &["security-events"],
                    _ => &[],
                };
                for name in needed {
                    assert_eq!(permissions[name], "write", "{document}: {} needs {name}", step["uses"]);
                }
            }
            let ours = ours.unwrap_or_else(|| panic!("{document}: no step of this version in\n{block}"));
            for name in ours["with"].as_object().expect("inputs").keys() {
                assert!(action["inputs"].get(name).is_some(), "{document}: there is no input {name}");
            }
            for reference in block.split("steps.").skip(1) {
                let (id, rest) = reference.split_once(".outputs.").expect("an output");
                let output = rest.split([' ', '}']).next().expect("a name");
                assert_eq!(ours["id"], id, "{document}: steps.{id}.outputs.{output} is not of our step");
                assert!(action["outputs"].get(output).is_some(), "{document}: there is no output {output}");
            }
            assert!(ours["with"]["findings"].is_string(), "{document}: no findings in\n{block}");
            shown.push(format!("{document}: {}", ours["with"]["sender"].as_str().expect("a sender")));
        }
    }
    let expected = [
        "README.md: terraform",
        "README.md: checkov",
        "README.md: argocd",
        "docs/action.md: checkov",
        "docs/action.md: argocd",
    ];
    assert_eq!(shown, expected);
}

/// The steps of a workflow, of a job, or as a list.
fn steps(shown: &Value) -> Vec<&Value> {
    let jobs = shown["jobs"].as_object().into_iter().flat_map(serde_json::Map::values);
    let lists = jobs.chain([shown]).filter_map(|job| job["steps"].as_array()).chain(shown.as_array());
    lists.flatten().collect()
}

#[test]
fn the_changelog_has_a_place_for_this_version() {
    assert!(read("CHANGELOG.md").contains("## Unreleased"));
}

#[test]
fn nothing_speaks_of_a_registry_or_a_machine() {
    for document in documents() {
        let text = read(&document).to_lowercase();
        for word in ["index.crates.io", "pypi.org", "registry.npmjs", "/root/", "/home/"] {
            assert!(!text.contains(word), "{document} names {word}");
        }
    }
}
