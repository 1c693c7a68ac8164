//! `explain` on Helm releases: recorded answers on `fixtures/helm/umbrella-and-environments`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use expect_test::{expect, expect_file};
use serde_json::{Value, json};

use super::{Repository, members};

const SECRET: &str = "Vb7-kQ2m_9sTzR4w";

const FIELDS: &[&str] = &[
    // Two values and a separator; one overrides a default.
    "deployment/cart /spec/template/spec/containers/0/image --stack shop/prod",
    "deployment/cart /spec/template/spec/containers/0/image --stack shop/staging",
    "deployment/cart /spec/replicas",
    // Computed, from what another template prints.
    "deployment/cart /spec/template/spec/containers/0/env/0/value --stack shop/staging",
    "deployment/cart /spec/template/metadata/annotations/checksum~1config --stack shop/prod",
    // A built-in, the chart's metadata in the place of a value that is not set, text of the template alone.
    "statefulset/shop-redis /metadata/name",
    "statefulset/shop-redis /spec/template/spec/containers/0/image",
    "deployment/cart /metadata/labels/app.kubernetes.io~1name --stack shop/prod",
    "service/cart /spec/ports/0/port --stack shop/prod",
    // A subchart's value by the release, over the chart's own; a secret.
    "statefulset/shop-redis /spec/volumeClaimTemplates/0/spec/resources/requests/storage",
    "deployment/cart /spec/template/spec/containers/0/env/1/value --stack shop/prod",
    // An empty map, which is merged with what the environments say.
    "deployment/cart /spec/template/spec/containers/0/resources --stack shop/staging",
    // Not printed: a condition, an empty value, a key of a map of values; nothing known.
    "deployment/cart /spec/template/spec/containers/0/ports/1 --stack shop/prod",
    "deployment/cart /spec/template/spec/nodeSelector --stack shop/prod",
    "deployment/cart /spec/template/spec/containers/0/resources/limits/cpu --stack shop/prod",
    "deployment/cart /spec/paused --stack shop/prod",
    // All of a resource, and a part of it.
    "deployment/cart --stack shop/prod",
    "deployment/cart /spec/template/spec/containers/0/ports --stack shop/prod",
];

#[test]
fn chains_read_as_recorded() {
    let shop = shop();
    let mut said = String::new();
    for arguments in FIELDS {
        let run = shop.run(&[&["explain"], &arguments.split(' ').collect::<Vec<_>>()[..]].concat(), "");
        assert_eq!(run.code, if run.err.is_empty() { 0 } else { 3 }, "{arguments}");
        said += &format!("$ sourceward explain {arguments}\n{}{}\n", run.out, run.err);
    }
    expect_file!["explain.txt"].assert_eq(&said);
}

#[test]
fn chains_are_told_to_machines() {
    let shop = shop();
    let mut said = String::new();
    for arguments in FIELDS.iter().filter(|arguments| arguments.contains("containers/0/")) {
        let arguments: Vec<&str> = arguments.split(' ').chain(["--format", "json"]).collect();
        let run = shop.run(&[&["explain"], &arguments[..]].concat(), "");
        let answer: Value = serde_json::from_str(&run.out).expect("an object on one line");
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
        said += &(serde_json::to_string_pretty(&answer).expect("JSON") + "\n");
    }
    expect_file!["explain.json"].assert_eq(&said);
}

#[test]
fn a_helper_that_prints_nothing_says_why() {
    let release = fixture("key-that-a-helper-prints-from-an-unset-value");
    let field = ["persistentvolumeclaim/prod-orders", "/spec/storageClassName", "--stack", "shop/prod"];
    let run = release.run(&[&["explain"], &field[..]].concat(), "");
    expect![[r#"
        persistentvolumeclaim/prod-orders in shop/prod   spec.storageClassName is not printed

          passed over   charts/shop/templates/_storage.tpl:3                              a block that could print it
          because       charts/shop/values.yaml:3              persistence.storageClass   ""
                                                               global.storageClass        not set

          to set it     env/prod/values.yaml                   persistence.storageClass   set it there
                        env/prod/values.yaml                   global.storageClass        set it there
    "#]]
    .assert_eq(&run.out);
}

#[test]
fn every_byte_of_a_field_has_a_part_and_every_place_holds_what_it_is_said_to() {
    let shop = shop();
    let run = shop.run(&["explain", "deployment/cart", "--format", "json"], "");
    let mut places = 0;
    for answer in run.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")) {
        for field in answer["fields"].as_array().expect("fields") {
            let parts = field["parts"].as_array().expect("parts");
            let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            let value = field["value"].as_str().map_or_else(|| field["value"].to_string(), str::to_owned);
            assert_eq!(text, value, "{field}");
            for part in parts.iter().filter(|part| part["computed"] == false && part["text"] != "[withheld]") {
                let source = &part["sources"][0];
                let Some(file) = source["file"].as_str() else { continue };
                let bytes: Vec<usize> = serde_json::from_value(source["bytes"].clone()).expect("two numbers");
                let held = &shop.text(file)[bytes[0]..bytes[1]];
                assert!(held.trim_matches('"').contains(part["text"].as_str().expect("a text")), "{source} {held}");
                places += 1;
            }
        }
    }
    assert!(places > 20, "{places}");
}

#[test]
fn secrets_are_withheld_from_every_answer() {
    let shop = shop();
    shop.put(
        "k8s/secret.yaml",
        &format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {SECRET}}}\n"),
    );
    shop.put(
        ".github/sourceward.yaml",
        &format!("{}  - {{name: plain, manifests: {{path: k8s}}}}\n", shop.text(".github/sourceward.yaml")),
    );
    let env = "/spec/template/spec/containers/0/env/1/value";
    for arguments in [
        &["deployment/cart"][..],
        &["deployment/cart", env],
        &["secret/s"],
        &["secret/s", "/stringData/a"],
        &["secret/s", "/stringData"],
    ] {
        for format in ["text", "json"] {
            let run = shop.run(&[&["explain", "--format", format], arguments].concat(), "");
            assert_eq!(run.code, 0, "{arguments:?}: {}", run.err);
            assert!(run.out.contains("[withheld]") && !run.out.contains(SECRET), "{arguments:?} {}", run.out);
        }
    }
}

#[test]
fn arguments_win_over_every_file_and_anchors_move_together() {
    let files = [
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        ("chart/values.yaml", "a: &a one\nb: *a\nc: 1\n"),
        (
            "chart/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: {{ .Values.a }}\n  b: {{ .Values.b }}\n  c: {{ .Values.c | quote }}\n  d: {{ randAlpha 5 }}\n",
        ),
        ("values.yaml", "c: 2\n"),
        (
            ".github/sourceward.yaml",
            "version: 1\nstacks: [{name: s, helm: {chart: chart, values: [values.yaml], set: [c=3]}}]\n",
        ),
    ];
    let repository = Repository::of(&files);
    let field = |at: &str| -> Value {
        let run = repository.run(&["explain", "configmap/c", at, "--format", "json"], "");
        let answer: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
        answer["fields"][0].clone()
    };
    let given = field("/data/c");
    let source = &given["parts"][0]["sources"][0];
    assert_eq!((&source["role"], &source["name"]), (&json!("argument of the release"), &json!("c")));
    let lines: Vec<&Value> =
        given["has_no_effect"].as_array().expect("sources").iter().map(|source| &source["file"]).collect();
    assert_eq!(lines, [&json!("values.yaml"), &json!("chart/values.yaml")]);
    assert_eq!(given["to_change_it"], json!([]), "no file says it, and none wins over it");
    let shared = field("/data/a");
    let edits: Vec<(&Value, &Value)> = shared["to_change_it"]
        .as_array()
        .expect("edits")
        .iter()
        .map(|edit| (&edit["file"], &edit["moves"][0]["path"]))
        .collect();
    assert_eq!(
        edits,
        [(&json!("values.yaml"), &Value::Null), (&json!("chart/values.yaml"), &json!("/data/b"))],
        "a key of its own moves one, the anchor both"
    );
    let random = field("/data/d");
    assert_eq!(random["parts"][0]["sources"][0]["role"], "new in every render");
    assert!(!members(&random).contains(&"lacks"));
}

#[test]
fn the_examples_of_the_document_are_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let document = fs::read_to_string(&path).expect("the document");
    let (shop, mut now, mut rest) = (shop(), String::new(), &document[..]);
    while let Some((before, block)) = rest.split_once("```console shop\n$ sourceward ") {
        let (command, after) = block.split_once('\n').expect("a command");
        let run = shop.run(&command.split(' ').collect::<Vec<_>>(), "");
        now += &format!("{before}```console shop\n$ sourceward {command}\n{}", run.out);
        rest = &after[after.find("```").expect("the block ends")..];
    }
    now += rest;
    assert_ne!(rest.len(), document.len(), "the examples were not found");
    expect_file![path].assert_eq(&now);
}

/// The repository of the fixture.
fn shop() -> Repository {
    fixture("umbrella-and-environments")
}

fn fixture(name: &str) -> Repository {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/helm").join(name).join("repo");
    let (mut files, mut todo): (Vec<(String, String)>, Vec<PathBuf>) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let name = path.strip_prefix(&root).expect("inside").to_str().expect("UTF-8").to_owned();
                files.push((name, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Repository::of(&files)
}
