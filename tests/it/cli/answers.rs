//! `fix`: which answer, of which shape, with which exit code.

use serde_json::{Value, json};

use super::{CART, Repository, deployment, drift, members, replicas};

#[test]
fn a_patched_answer_has_the_contracts_shape_and_its_diff_applies() {
    let repository = Repository::cart();
    let (code, answers) = repository.fix(&["--finding", "-"], &replicas("case-1", 5).to_string());
    assert_eq!((code, answers.len()), (0, 1));
    let answer = &answers[0];
    assert_eq!(members(answer), ["id", "outcome", "stack", "edits", "diff", "proof", "resource"]);
    assert_eq!(
        (&answer["id"], &answer["outcome"], &answer["stack"]),
        (&json!("case-1"), &json!("patched"), &json!("k8s"))
    );
    let edit = json!([{"file": "k8s/cart.yaml", "line": 10, "site": "manifest field /spec/replicas", "before": "3", "after": "5"}]);
    assert_eq!(answer["edits"], edit);
    let changed = json!([{"resource": "Deployment shop/cart", "path": "/spec/replicas", "before": 3, "after": 5}]);
    assert_eq!(answer["proof"], json!({"changed": changed, "derived": [], "stacks": ["k8s"]}));
    assert_eq!(repository.text("k8s/cart.yaml"), CART, "without --write nothing is written");
    repository.git_with(&["apply", "-"], answer["diff"].as_str().expect("text"));
    assert_eq!(repository.text("k8s/cart.yaml"), CART.replace("replicas: 3", "replicas: 5"));
    let (code, answers) = repository.fix(&["--finding", "-"], &replicas("case-1", 5).to_string());
    assert_eq!(
        (code, &answers[0]),
        (0, &json!({"id": "case-1", "outcome": "in-sync", "resource": deployment("cart")}))
    );
}

#[test]
fn a_refused_answer_has_the_contracts_shape() {
    let repository = Repository::cart();
    let finding = drift("case-2", json!([{"op": "replace", "path": "/metadata/labels/app", "value": "x"}]));
    let (code, answers) = repository.fix(&["--finding", "-"], &finding.to_string());
    assert_eq!(code, 3);
    let answer = &answers[0];
    assert_eq!(members(answer), ["id", "outcome", "reason", "resource"]);
    assert_eq!(members(&answer["reason"]), ["code", "message", "hint", "file", "line"]);
    assert_eq!(answer["reason"]["code"], "aliased-value");
    assert_eq!((&answer["reason"]["file"], &answer["reason"]["line"]), (&json!("k8s/cart.yaml"), &json!(7)));
}

/// What each kind of input ends with: (arguments, input, exit code).
#[test]
fn the_exit_code_tells_the_outcome() {
    let repository = Repository::cart();
    let (patched, in_sync) = (replicas("a", 5).to_string(), replicas("a", 3).to_string());
    let refused = json!({"intent": "drift", "resource": deployment("gone"), "patch": []}).to_string();
    let object =
        "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{port: 80}]}\n";
    repository.put("finding.txt", &patched);
    let cases: &[(&[&str], &str, i32)] = &[
        (&["--finding", "-"], &patched, 0),
        (&["--finding", "finding.txt"], "", 0),
        (&["--finding", "-"], &in_sync, 0),
        (&["--finding", "-"], &refused, 3),
        (&["--finding", "-"], "{", 4),
        (&["--finding", "-"], "", 4),
        (&["--finding", "-"], r#"{"intent": "tea"}"#, 4),
        (&["--finding", "-"], r#"["a", "drift", "open", null, {"terraform": {"address": "a.b"}}]"#, 4),
        (&["--finding", "missing.json"], "", 4),
        (&["--batch", "missing.json"], "", 4),
        (&["--batch", "-"], &refused, 0),
        (&["--batch", "-"], "", 0),
        (&["--batch", "-"], "\n{\n", 4),
        (&["--live", "-"], object, 0),
        (&["--live", "-"], "kind: Service\n", 4),
        (&["--live", "-"], "a: [", 4),
        (&["--live", "-"], "", 4),
        (&["--finding", "-", "--sender", "generic"], &refused, 0),
        (&["--finding", "-", "--sender", "generic"], "[1]", 4),
        (&["--finding", "-", "--sender", "tea"], &patched, 2),
        (&["--sender", "generic"], &patched, 2),
        (&[], "", 2),
        (&["--finding", "-", "--batch", "-"], "", 2),
        (&["--finding", "-", "--format", "yaml"], "", 2),
        (&["--finding", "-", "--repo", "missing"], &patched, 2),
        (&["--finding", "-", "--repo", "k8s"], &patched, 2),
        (&["--finding", "-", "--nonsense"], "", 2),
    ];
    for (arguments, input, code) in cases {
        for format in ["text", "diff", "json"] {
            let run = repository.run(&[&["fix", "--format", format][..], arguments].concat(), input);
            assert_eq!(run.code, *code, "{arguments:?} {format} {input:?}\n{}{}", run.out, run.err);
            let said = format!("{}{}", run.out, run.err);
            assert!(*code == 0 || !said.trim().is_empty(), "{arguments:?} {format} {input:?} ends without a word");
        }
    }
}

#[test]
fn a_batch_judges_each_line_against_the_same_tree() {
    let repository = Repository::cart();
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example.com/cart:2"}]);
    let lines = [
        replicas("first", 5).to_string(),
        "not JSON".to_owned(),
        replicas("second", 7).to_string(),
        String::new(),
        r#"{"id": "third", "intent": "drift"}"#.to_owned(),
        drift("fourth", image).to_string() + "\r",
        json!({"id": "fifth", "intent": "drift", "resource": deployment("gone"), "patch": []}).to_string(),
    ];
    let (code, answers) = repository.fix(&["--batch", "-"], &lines.join("\n"));
    assert_eq!(code, 4, "a line could not be read");
    let seen: Vec<_> = answers
        .iter()
        .map(|answer| {
            (answer["id"].as_str(), answer["outcome"].as_str().expect("text"), answer["edits"][0]["before"].as_str())
        })
        .collect();
    let expected = [
        (Some("first"), "patched", Some("3")),
        (None, "unreadable", None),
        (Some("second"), "patched", Some("3")),
        (Some("third"), "unreadable", None),
        (Some("fourth"), "patched", Some("'registry.example.com/cart:1.4.2'")),
        (Some("fifth"), "refused", None),
    ];
    assert_eq!(seen, expected);
    assert!(answers[1]["why"].as_str().expect("text").starts_with("line 2: "), "{}", answers[1]);
    assert!(
        answers[3]["why"].as_str().expect("text").starts_with("line 5: missing field `resource`"),
        "{}",
        answers[3]
    );
}

#[test]
fn live_objects_come_singly_in_documents_and_in_lists() {
    let repository = Repository::cart();
    let deployment = CART.split("---\n").next().expect("the first").replace("replicas: 3", "replicas: 4");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop, uid: 5a8f}\n\
                   spec: {ports: [{port: 81, protocol: TCP, targetPort: 81}], type: ClusterIP}\nstatus: {loadBalancer: {}}\n";
    let item = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n-\n{}-\n{}", item(&deployment), item(service));
    let inputs = [
        (deployment.clone(), vec![("Deployment shop/cart", "4")]),
        (
            format!("{deployment}---\n# nothing\n---\n{service}"),
            vec![("Deployment shop/cart", "4"), ("Service shop/cart", "81")],
        ),
        (list, vec![("Deployment shop/cart", "4"), ("Service shop/cart", "81")]),
    ];
    for (input, expected) in inputs {
        let (code, answers) = repository.fix(&["--live", "-"], &input);
        let seen: Vec<_> = answers
            .iter()
            .map(|answer| {
                (answer["id"].as_str().expect("an id"), answer["edits"][0]["after"].as_str().unwrap_or_default())
            })
            .collect();
        assert_eq!((code, seen), (0, expected), "{input}\n{answers:#?}");
    }
}

#[test]
fn a_payload_of_several_findings_gets_an_answer_each() {
    let repository = Repository::cart();
    let violation =
        json!({"id": "v", "intent": "violation", "rule": {"id": "own-rule"}, "resource": deployment("cart")});
    let (code, answers) =
        repository.fix(&["--finding", "-", "--sender", "generic"], &json!([replicas("d", 5), violation]).to_string());
    assert_eq!((code, answers.len()), (0, 2));
    assert_eq!(answers[0]["outcome"], "patched");
    assert_eq!(members(&answers[1]), ["id", "outcome", "reason", "rule", "resource"]);
    assert_eq!(
        (&answers[1]["rule"], &answers[1]["resource"], &answers[1]["reason"]["code"]),
        (&json!("own-rule"), &deployment("cart"), &json!("no-rule"))
    );

    let (code, answers) = repository.fix(
        &["--finding", "-", "--sender", "argocd"],
        include_str!("../../../webhooks/argocd/samples/out_of_sync.json"),
    );
    let outcomes: Vec<_> = answers.iter().map(|answer| answer["outcome"].as_str().expect("text")).collect();
    assert_eq!((code, outcomes), (0, vec!["refused", "refused", "ignored", "ignored"]));
    assert_eq!(answers[0]["reason"]["code"], "live-state-missing");

    let (code, answers) = repository
        .fix(&["--finding", "-", "--sender", "argocd"], include_str!("../../../webhooks/argocd/samples/in_sync.json"));
    assert!(code == 0 && answers.iter().all(|answer| answer["outcome"] == "in-sync"), "{answers:#?}");
}

#[test]
fn what_is_not_committed_is_read_and_a_bare_repository_too() {
    let repository = Repository::cart();
    let bare = repository.bare();
    let line = |answers: &[Value]| answers[0]["edits"][0]["line"].clone();
    repository.put("k8s/cart.yaml", &format!("# One more line.\n{CART}"));
    let untracked = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new, namespace: shop}\ndata: {size: small}\n";
    repository.put("k8s/new.yaml", untracked);
    let finding = replicas("a", 5).to_string();
    assert_eq!(line(&repository.fix(&["--finding", "-"], &finding).1), 11);
    assert_eq!(line(&bare.fix(&["--finding", "-"], &finding).1), 10);
    let live = untracked.replace("small", "large");
    assert_eq!(line(&repository.fix(&["--live", "-"], &live).1), 4);
    assert_eq!(bare.fix(&["--live", "-"], &live).1[0]["reason"]["code"], "owner-not-found");
}

#[test]
fn the_formats_say_the_same() {
    let repository = Repository::cart();
    let finding = replicas("a", 5).to_string();
    let diff = repository.run(&["fix", "--finding", "-", "--format", "diff"], &finding);
    let (_, answers) = repository.fix(&["--finding", "-"], &finding);
    assert_eq!(diff.out, answers[0]["diff"].as_str().expect("text"));
    let text = repository.run(&["fix", "--finding", "-"], &finding);
    let expected = format!(
        "can be fixed Deployment shop/cart in stack k8s\n  /spec/replicas  3 → 5\n  \
         k8s/cart.yaml:10  manifest field /spec/replicas\n\n{}\n\
         proved: rendered before and after, exactly 1 field changed, nothing else moved in k8s\n",
        diff.out
    );
    assert_eq!(text.out, expected);
}
