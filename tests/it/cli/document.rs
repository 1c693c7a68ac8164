//! `docs/command-line.md`: every example of it is run, and says what the program says.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Repository, finish, program};

#[test]
fn the_examples_of_the_document_are_what_the_program_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/command-line.md")).expect("the document");
    let case = root.join("fixtures/manifests/scalar");
    let cart = fs::read_to_string(case.join("repo/k8s/cart.yaml")).expect("the manifest");
    let repository = Repository::of(&[("k8s/cart.yaml", &cart)]);
    // Beside the repository, where it is no manifest of it.
    let finding = case.join("finding.json").into_os_string().into_string().expect("UTF-8");

    let mut ran = 0;
    for block in document.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        for example in block.split("$ ").skip(1) {
            let (command, expected) = example.split_once('\n').expect("a command and what it says");
            let arguments = command.strip_prefix("sourceward ").expect(command).split(' ');
            let arguments: Vec<_> = arguments.map(|it| if it == "finding.json" { &finding } else { it }).collect();
            let run = finish(program(repository.0.path(), &arguments), "");
            let said = format!("{}{}", run.out, run.err);
            match serde_json::from_str::<Value>(&said) {
                Ok(said) if said.is_object() => {
                    assert_eq!(serde_json::from_str::<Value>(expected).expect(command), said, "{command}");
                }
                _ => assert_eq!(expected.trim_end(), said.trim_end(), "{command}"),
            }
            ran += 1;
        }
    }
    assert!(ran >= 5, "the examples were not found");
}
