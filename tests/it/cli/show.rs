//! `explain`, `render`, `stacks`, `sender` and `findings`.

use serde_json::{Value, json};
use sourceward::source::yaml::{
    parse::parse,
    resolve::{Reader, value},
};

use super::{CART, Repository, members};

const CHART: (&str, &str) = ("charts/x/Chart.yaml", "name: x\n");

#[test]
fn explain_shows_every_field_with_its_line() {
    let run = Repository::cart().run(&["explain", "deployment/cart"], "");
    let expected = "\
Deployment shop/cart in stack k8s  k8s/cart.yaml:2
  k8s/cart.yaml
      2  /apiVersion                             \"apps/v1\"
      3  /kind                                   \"Deployment\"
      5  /metadata/name                          \"cart\"
      6  /metadata/namespace                     \"shop\"
      8  /metadata/labels/app                    \"cart\"  shared through an anchor
     10  /spec/replicas                          3
      8  /spec/selector/matchLabels/app          \"cart\"  shared through an anchor
      8  /spec/template/metadata/labels/app      \"cart\"  shared through an anchor
     18  /spec/template/spec/containers/0/name   \"cart\"
     19  /spec/template/spec/containers/0/image  \"registry.example.com/cart:1.4.2\"
";
    assert_eq!((run.code, run.out.as_str()), (0, expected));
}

#[test]
fn explain_shows_one_field_and_what_an_edit_would_reach() {
    let overlay = ("overlays/prod/kustomization.yaml", "resources: [../../k8s/cart.yaml]\n");
    let repository = Repository::cart();
    assert_eq!(repository.run(&["explain", "Shop/deployment/cart"], "").code, 3, "a namespace is as it is written");
    let alone = Repository::cart().run(&["explain", "shop/Deployment/cart", "/spec/replicas"], "");
    let heading = "Deployment shop/cart in stack k8s  k8s/cart.yaml:2\n\n";
    assert_eq!(alone.out, format!("{heading}  /spec/replicas  3\n  k8s/cart.yaml:10  written for this field alone\n"));
    let base = ("k8s/cart.yaml", CART);
    let config = ".github/sourceward.yaml";
    let twice =
        "version: 1\nstacks:\n- {name: a, manifests: {path: k8s}}\n- {name: b, kustomize: {path: overlays/prod}}\n";
    let read_twice = Repository::of(&[base, overlay, (config, twice)]);
    let run = read_twice.run(&["explain", "deployment/cart", "/spec/replicas"], "");
    assert!(run.out.ends_with("  also read by the stack b (Kustomize)\n"), "{}", run.out);
    let shared = Repository::cart().run(&["explain", "deployment/cart", "/spec/selector/matchLabels/app"], "");
    assert!(shared.out.contains("k8s/cart.yaml:8  shared through an anchor: an edit there moves all that refer to it"));
}

#[test]
fn explain_answers_in_json() {
    let run = Repository::cart().run(&["explain", "service/cart", "/spec/ports/0/port", "--format", "json"], "");
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    let at = CART.find("80\n").expect("the port");
    let origin = json!([{"file": "k8s/cart.yaml", "line": 26, "role": "literal", "bytes": [at, at + 2]}]);
    let id = json!({"kubernetes": {"apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "cart"}});
    let field = json!([{"path": "/spec/ports/0/port", "value": 80, "origins": origin}]);
    assert_eq!((run.code, answer), (0, json!({"resource": id, "stack": "k8s", "fields": field})));
    let refused = Repository::cart().run(&["explain", "service/none", "--format", "json"], "");
    let answer: Value = serde_json::from_str(&refused.out).expect("JSON");
    assert_eq!((refused.code, &answer["reason"]["code"]), (3, &json!("owner-not-found")));
}

#[test]
fn explain_says_what_it_did_not_find_and_where_it_did_not_look() {
    let repository = Repository::of(&[("a/cart.yaml", CART), ("b/cart.yaml", CART), CHART, ("c/bad.yaml", "a: [\n")]);
    let two = repository.run(&["explain", "service/cart", "/spec/ports"], "");
    assert_eq!((two.code, two.out.matches("Service shop/cart in stack").count()), (0, 2), "{}", two.out);
    let one = repository.run(&["explain", "service/cart", "--stack", "b"], "");
    assert_eq!((one.code, one.out.lines().next()), (0, Some("Service shop/cart in stack b  b/cart.yaml:21")));
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["service/none"],
            &["no stack declares \"service/none\" [owner-not-found]", "charts/x (stack-unreadable)", "c/bad.yaml"],
        ),
        (&["service/cart", "/spec/nope"], &["Service shop/cart has no field /spec/nope", "at a/cart.yaml:21"]),
        (&["service/cart", "--stack", "nope"], &["no stack \"nope\" [stack-unknown]", "it has a, b, c, charts/x"]),
        (&["service/cart", "--stack", "charts/x"], &["[stack-unreadable]"]),
    ];
    for (arguments, expected) in cases {
        let run = repository.run(&[&["explain"], *arguments].concat(), "");
        assert_eq!((run.code, run.out.as_str()), (3, ""), "{arguments:?}");
        assert!(expected.iter().all(|part| run.err.contains(part)), "{arguments:?}: {}", run.err);
    }
    assert_eq!(repository.run(&["explain", "service/cart", "spec"], "").code, 2, "a pointer begins with a slash");
}

const NASTY: &str = r##"apiVersion: v1
kind: ConfigMap
metadata: {name: nasty}
data:
  no: "no"
  octal: "017"
  empty: ""
  space: " a "
  hash: "a #b"
  colon: "a: b"
  dash: "- a"
  tilde: "~"
  number: "1_000"
  bell: "\a"
  lines: |+
    # no comment
     indented

  crlf: "a\r\nb\n"
  emoji: "🙂\u2028"
  long: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccccccccccccccc"
list: [[], {}, [[1]], {a: [{b: }]}, 1.5, 1e300, -0, 9007199254740993, true, null]
"? odd": {"": x, "a b": {"<<": y}}
"##;

#[test]
fn rendered_yaml_reads_back_as_the_values() {
    let repository = Repository::of(&[("k8s/cart.yaml", CART), ("k8s/nasty.yaml", NASTY)]);
    let json = repository.run(&["render", "k8s", "--format", "json"], "");
    let values: Vec<Value> = serde_json::from_str(&json.out).expect("an array");
    let names: Vec<_> = values.iter().map(|value| value["kind"].as_str().expect("a kind")).collect();
    assert_eq!((json.code, names), (0, vec!["Deployment", "Service", "ConfigMap"]));
    let yaml = repository.run(&["render", "k8s"], "");
    let stream = parse(&yaml.out).expect("YAML");
    let read: Vec<Value> = stream
        .documents
        .iter()
        .map(|document| value(document, document.root.expect("a root"), Reader::Manifest).expect("a value"))
        .collect();
    assert_eq!(read, values, "{}", yaml.out);
    // Another reader, which splits the documents by itself.
    let other: Vec<Value> = serde_yaml::Deserializer::from_str(&yaml.out)
        .map(|document| serde::Deserialize::deserialize(document).expect("a value"))
        .collect();
    assert_eq!(other, values, "{}", yaml.out);
}

#[test]
fn render_ends_with_3_where_something_cannot_be_read() {
    let repository =
        Repository::of(&[("k8s/bad.yaml", "a: [\n"), ("k8s/cart.yaml", CART), ("k8s/ci.yaml", "a: 1\n"), CHART]);
    let run = repository.run(&["render", "k8s", "--format", "json"], "");
    let values: Vec<Value> = serde_json::from_str(&run.out).expect("what could be read is printed");
    assert_eq!((run.code, values.len()), (3, 2));
    assert!(
        run.err.contains("unreadable  k8s/bad.yaml:") && run.err.contains("passed over  k8s/ci.yaml:1"),
        "{}",
        run.err
    );
    for (stack, code) in [("charts/x", "[stack-unreadable]"), ("nope", "[stack-unknown]")] {
        let run = repository.run(&["render", stack], "");
        assert!(run.code == 3 && run.out.is_empty() && run.err.contains(code), "{}", run.err);
    }
    let fine = Repository::of(&[("k8s/cart.yaml", CART), ("k8s/ci.yaml", "a: 1\n")]);
    assert_eq!(
        fine.run(&["render", "k8s"], "").code,
        0,
        "what is no object is passed over as kubectl would refuse it apart"
    );
}

#[test]
fn stacks_are_listed_in_columns() {
    let repository = Repository::of(&[("k8s/shop/cart.yaml", CART), ("bad/x.yaml", "a: [\n"), CHART]);
    let run = repository.run(&["stacks"], "");
    let expected = "\
bad       manifests  0 resources, 1 file unreadable
charts/x  Helm       the chart charts/x does not render: validation: chart.metadata.version is required
k8s/shop  manifests  2 resources
";
    assert_eq!((run.code, run.out.as_str()), (0, expected));
    let run = repository.run(&["stacks", "--format", "json"], "");
    let listed: Vec<Value> = serde_json::from_str(&run.out).expect("an array");
    assert_eq!(members(&listed[1]), ["name", "engine", "path", "refused"]);
    let shop = json!({"name": "k8s/shop", "engine": "manifests", "path": "k8s/shop", "resources": 2, "skipped": []});
    assert_eq!(listed[2], shop);
    assert_eq!(listed[0]["skipped"][0]["broken"], true);
    let empty = Repository::of(&[("README.md", "x")]).run(&["stacks"], "");
    assert_eq!((empty.code, empty.out.as_str()), (0, ""));
    assert!(empty.err.starts_with("no stacks: "), "{}", empty.err);
}

#[test]
fn a_sender_maps_a_payload_to_one_line_an_item() {
    let repository = Repository::cart();
    let list = repository.run(&["sender", "list"], "");
    assert!(list.out.lines().any(|line| line == "argocd            Argo CD notifications"), "{}", list.out);
    let payload = include_str!("../../../webhooks/argocd/samples/out_of_sync.json");
    let run = repository.run(&["sender", "map", "argocd", "-"], payload);
    let items: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let expected: Value =
        serde_json::from_str(include_str!("../../../webhooks/argocd/expected/out_of_sync.json")).expect("JSON");
    assert_eq!((run.code, Value::Array(items)), (0, expected));
    for (arguments, input, code, said) in [
        (["sender", "map", "tea", "-"], "{}", 2, "there is no sender \"tea\": name one of alertmanager, argocd,"),
        (["sender", "map", "generic", "missing.json"], "", 4, "missing.json cannot be opened"),
        (["sender", "map", "generic", "-"], "[1]", 4, "expected a finding"),
    ] {
        let run = repository.run(&arguments, input);
        assert!(run.code == code && run.out.is_empty() && run.err.contains(said), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn an_operators_sender_is_mapped_listed_and_tested() {
    let repository = Repository::cart();
    let own = |file: &str| repository.path(&format!("own/mine/{file}"));
    for folder in ["samples", "expected"] {
        std::fs::create_dir_all(own(folder)).expect("a folder");
    }
    let manifest = "name: mine\ntitle: Mine\nauthentication: [{kind: bearer}]\nunwrap: [kubernetes]\nprogram: map.jq\n";
    for (file, text) in [
        ("sender.yaml", manifest),
        ("map.jq", "if .kind then ignored(\"a \\(.kind)\") else error(\"expected a kind\") end"),
        ("samples/one.json", "{\"kind\": \"Pod\"}"),
        ("samples/objects.yaml", "kind: List\nitems: [{kind: Pod}]\n---\nkind: Job\n"),
        ("samples/nasty.ndjson", "{}\n"),
    ] {
        std::fs::write(own(file), text).expect("a file");
    }
    let list = repository.run(&["sender", "list", "--senders", "own"], "");
    assert!(list.out.lines().any(|line| line.ends_with("  Mine")) && list.out.contains("falco"), "{}", list.out);
    let objects = "apiVersion: v1\nkind: ConfigMap\n";
    let run = repository.run(&["sender", "map", "mine", "-", "--senders", "own"], objects);
    assert_eq!((run.code, run.out.as_str()), (0, "{\"ignored\":\"a ConfigMap\"}\n"));
    let fix = ["fix", "--finding", "-", "--sender", "mine", "--senders", "own", "--format", "json"];
    let run = repository.run(&fix, objects);
    assert_eq!((run.code, run.out.as_str()), (0, "{\"outcome\":\"ignored\",\"why\":\"a ConfigMap\"}\n"));

    let missing = repository.run(&["sender", "test", "own/mine"], "");
    assert_eq!((missing.code, missing.out.matches("no expected file").count()), (3, 3), "{}", missing.out);
    let updated = repository.run(&["sender", "test", "own/mine", "--update"], "");
    assert_eq!((updated.code, updated.out.matches("ok ").count()), (0, 3), "{}", updated.out);
    let nasty = std::fs::read_to_string(own("expected/nasty.json")).expect("it was written");
    assert_eq!(nasty, "{\n  \"error\": \"item 1: expected a kind\"\n}\n");
    std::fs::write(own("expected/one.json"), "[]\n").expect("a file");
    std::fs::write(own("expected/old.json"), "[]\n").expect("a file");
    let differs = repository.run(&["sender", "test", "own/mine"], "");
    assert_eq!(differs.code, 3);
    assert!(
        differs.out.contains("differs") && differs.out.contains("a Pod") && differs.out.contains("no sample"),
        "{}",
        differs.out
    );
    for wrong in ["own", "nowhere"] {
        assert_eq!(repository.run(&["sender", "test", wrong], "").code, 2, "{wrong}");
    }
}

#[test]
fn findings_say_where_they_would_be() {
    let repository = Repository::cart();
    let nowhere = repository.run(&["findings", "list"], "");
    assert_eq!((nowhere.code, nowhere.err.contains("--data")), (2, true), "{}", nowhere.err);
    let unused = repository.run(&["findings", "list", "--data", "missing"], "");
    assert_eq!((unused.code, unused.err.contains("no server has used it yet")), (1, true), "{}", unused.err);
    assert!(!repository.path("missing").exists(), "looking creates nothing");
}
