//! `config`: the schema that editors use and the reader that the bot uses agree.

use serde_json::{Value, json};
use sourceward::{
    source::yaml::{
        parse::parse,
        resolve::{Reader, value},
    },
    stack::config::Config,
};

use super::Repository;

const FULL: &str = r#"version: 1
stacks:
  - name: shop/prod
    helm: {chart: charts/shop, release: shop, namespace: shop, values: [env/prod/values.yaml], set: ["cart.replicas=2"]}
    cluster: prod-eu
  - name: all
    helm: {chart: ./c, set_string: [a], set_json: [b], set_file: [c], set_literal: [d], include_crds: true, kube_version: "1.32", api_versions: [v1]}
  - name: ingress
    kustomize: {path: overlays/prod}
  - name: raw
    manifests: {path: k8s, recurse: true}
    helm: null
  - name: network
    terraform: {root: terraform/network, var_files: [prod.tfvars], workspace: prod}
"#;

/// A configuration, and the line of what is wrong with it.
const TABLE: &[(&str, Option<usize>)] = &[
    (FULL, None),
    ("version: 1\n", None),
    ("version: 1\nstacks: []\n", None),
    ("{\"version\": 1}\n", None),
    ("version: 2\n", Some(1)),
    ("version: \"1\"\n", Some(1)),
    ("stacks: []\n", Some(1)),
    ("- version: 1\n", Some(1)),
    ("version: 1\nstacks: {}\n", Some(1)),
    ("version: 1\nstacks: null\n", Some(1)),
    ("version: 1\nstack: []\n", Some(1)),
    ("version: 1\nstacks:\n- kustomize: {path: a}\n", Some(3)),
    ("version: 1\nstacks:\n- {name: a, manifests: {path: a}}\n- name: b\n", Some(4)),
    ("version: 1\nstacks:\n- name: b\n  helm: null\n", Some(3)),
    ("version: 1\nstacks:\n- name: b\n  helm: {chart: c}\n  kustomize: {path: d}\n", Some(3)),
    ("version: 1\nstacks:\n- name: ''\n  kustomize: {path: d}\n", Some(3)),
    ("version: 1\nstacks:\n- name: \"a\\nb\"\n  kustomize: {path: d}\n", Some(3)),
    ("version: 1\nstacks:\n- name: 7\n  kustomize: {path: d}\n", Some(3)),
    ("version: 1\nstacks:\n- name: a\n  kustomize: {}\n", Some(3)),
    ("version: 1\nstacks:\n- name: a\n  kustomize: {path: d, recurse: true}\n", Some(3)),
    ("version: 1\nstacks:\n- name: a\n  manifests: {path: d, recurse: 'yes'}\n", Some(3)),
    ("version: 1\nstacks:\n- name: a\n  helm: {chart: d, values: v.yaml}\n", Some(3)),
    ("version: 1\nstacks:\n- name: a\n  helm: {chart: d, values: null}\n", Some(3)),
    ("version: 1\nstacks:\n- name: a\n  terraform: [d]\n", Some(4)),
    ("version: 1\nstacks:\n- [a]\n", Some(3)),
    ("[1]\n", Some(1)),
    ("version: 1\nstacks:\n- name: a\n  cluster: 1\n  terraform: {root: d}\n", Some(3)),
];

/// What only the reader can tell.
const BEYOND_THE_SCHEMA: &[(&str, usize)] = &[
    ("version: 1\nstacks:\n- name: a\n  manifests: {path: a}\n- name: a\n  manifests: {path: b}\n", 5),
    ("version: 1\nstacks:\n- name: a\n  manifests: {path: ../a}\n", 3),
    ("version: 1\nversion: 1\n", 1),
];

#[test]
fn the_schema_and_the_reader_agree() {
    let run = Repository::cart().run(&["config", "schema"], "");
    let schema: Value = serde_json::from_str(&run.out).expect("the schema is JSON");
    assert_eq!((run.code, &schema["$schema"]), (0, &json!("https://json-schema.org/draft/2020-12/schema")));
    for (text, wrong) in TABLE {
        let read = Config::read(text).map(drop).map_err(|error| error.line);
        assert_eq!(read.err(), *wrong, "the reader on\n{text}");
        let checked = check(&schema, &schema, &document(text));
        assert_eq!(checked.is_err(), wrong.is_some(), "the schema on\n{text}{checked:?}");
    }
    for (text, line) in BEYOND_THE_SCHEMA {
        assert_eq!(Config::read(text).map_err(|error| error.line).err(), Some(*line), "{text}");
    }
}

#[test]
fn validate_names_the_file_and_the_line() {
    let repository = Repository::of(&[(".github/sourceward.yaml", FULL)]);
    let fine = repository.run(&["config", "validate"], "");
    assert_eq!((fine.code, fine.out.as_str()), (0, "valid: 5 stacks\n"));
    let discovered = repository.run(&["config", "validate", "-"], "version: 1\n");
    assert_eq!((discovered.code, discovered.out.as_str()), (0, "valid: it names no stacks, so they are discovered\n"));
    repository.put("other.yaml", "version: 1\nstacks:\n- name: a\n  helm: {}\n");
    for (file, input, code, said) in [
        ("other.yaml", "", 3, "other.yaml:3: missing field `chart`\n"),
        ("-", "version: 3\n", 3, "standard input:1: version 3 is not known: expected 1\n"),
        ("-", "a: [\n", 3, "standard input:1: line 1, column 4: this bracket is never closed"),
        ("-", "", 3, "standard input:1: the file is empty"),
        ("missing.yaml", "", 4, "sourceward: missing.yaml cannot be opened"),
    ] {
        let run = repository.run(&["config", "validate", file], input);
        assert!(run.code == code && run.err.starts_with(said), "{file} {input:?}: {} {}", run.code, run.err);
    }
}

#[test]
fn a_wrong_configuration_is_a_refusal_with_its_line() {
    let repository = Repository::cart();
    repository.put(".github/sourceward.yaml", "version: 1\nstacks:\n- name: a\n");
    let (code, answers) = repository.fix(&["--finding", "-"], &super::replicas("a", 5).to_string());
    let reason = &answers[0]["reason"];
    assert_eq!((code, &reason["code"], &reason["line"]), (3, &json!("stack-unreadable"), &json!(3)));
    for command in [&["stacks"][..], &["render", "k8s"], &["explain", "service/cart"]] {
        let run = repository.run(command, "");
        assert!(run.code == 3 && run.err.contains("at .github/sourceward.yaml:3"), "{command:?}: {}", run.err);
    }
}

fn document(text: &str) -> Value {
    let stream = parse(text).expect("YAML");
    let document = &stream.documents[0];
    value(document, document.root.expect("a root"), Reader::Manifest).expect("a value")
}

/// Checks a value against the part of JSON Schema that the schema uses; any other keyword fails the test.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        let good = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
            "$ref" => {
                let at = wanted.as_str().and_then(|target| target.strip_prefix('#')).expect("a local reference");
                check(root, root.pointer(at).expect("the reference leads somewhere"), value)?;
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|wanted| is(value, wanted)),
                wanted => is(value, wanted),
            },
            "required" => value.as_object().is_none_or(|map| {
                wanted.as_array().expect("a list").iter().all(|key| map.contains_key(key.as_str().expect("text")))
            }),
            "properties" => {
                for (key, schema) in wanted.as_object().expect("a map") {
                    value.get(key).map_or(Ok(()), |value| check(root, schema, value))?;
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(*wanted, json!(false), "only closed objects are checked");
                value.as_object().is_none_or(|map| map.keys().all(|key| schema["properties"].get(key).is_some()))
            }
            "items" => {
                value.as_array().into_iter().flatten().try_for_each(|item| check(root, wanted, item))?;
                true
            }
            "minimum" => value.as_f64().is_none_or(|number| Some(number) >= wanted.as_f64()),
            "maximum" => value.as_f64().is_none_or(|number| Some(number) <= wanted.as_f64()),
            "minLength" => {
                value.as_str().is_none_or(|text| text.chars().count() as u64 >= wanted.as_u64().expect("a number"))
            }
            "pattern" => {
                assert_eq!(*wanted, json!(r"^[^\x00-\x1f\x7f-\x9f]*$"), "only this pattern is known here");
                value.as_str().is_none_or(|text| !text.contains(char::is_control))
            }
            "anyOf" => wanted.as_array().expect("a list").iter().any(|schema| check(root, schema, value).is_ok()),
            "oneOf" => {
                wanted.as_array().expect("a list").iter().filter(|schema| check(root, schema, value).is_ok()).count()
                    == 1
            }
            keyword => panic!("the schema uses {keyword}, which this test does not check"),
        };
        if !good {
            return Err(format!("{keyword} {wanted} is not fulfilled by {value}"));
        }
    }
    Ok(())
}

fn is(value: &Value, wanted: &Value) -> bool {
    match wanted.as_str().expect("a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema uses the type {other}"),
    }
}
