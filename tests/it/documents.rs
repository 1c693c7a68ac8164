//! Documents say what is true: the paths they name exist, their examples are the ones that the tests run.

use std::{fs, path::Path};

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
    let shown: serde_json::Value = serde_json::from_str(example).expect("the README's finding is JSON");
    let tested: serde_json::Value =
        serde_json::from_str(&read("fixtures/manifests/scalar/finding.json")).expect("JSON");
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
