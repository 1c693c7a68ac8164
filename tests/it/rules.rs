//! The rules of `remediations/`, which test themselves, and the way from a violation to a proved edit.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::{Value, json};
use sourceward::{
    model::{finding::Finding, refusal::Code},
    remedy::{Verdict, judge, policy::Policy, rule::set::Rules},
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

/// The rules, read once for all tests.
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::embedded().expect("the rules are rules"));

#[test]
fn every_rule_does_what_its_examples_say() {
    let rules = &*RULES;
    let count = rules.iter().count();
    assert!(count >= 200, "there are {count}");
    let mut wrong = Vec::new();
    for rule in rules.iter() {
        if let Err(error) = rule.check() {
            wrong.push(error.to_string());
            continue;
        }
        wrong.extend(
            rule.examples.iter().filter_map(|example| rule.disproved(example)).map(|why| format!("{}: {why}", rule.id)),
        );
        if rule.references.is_empty() || rule.rationale.trim().is_empty() {
            wrong.push(format!("{}: nobody knows why", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rules_of_every_domain_have_remedies() {
    let rules = &*RULES;
    let remedies = |domain: &str| rules.iter().filter(|rule| rule.id.starts_with(domain) && rule.has_remedy()).count();
    for (domain, least) in
        [("kubernetes/", 25), ("terraform/aws/", 35), ("terraform/google/", 25), ("terraform/azure/", 12)]
    {
        assert!(remedies(domain) >= least, "{domain} has {}", remedies(domain));
    }
}

#[test]
fn an_id_is_listed_once_in_a_rule_and_the_rule_is_found_by_it() {
    let rules = &*RULES;
    for rule in rules.iter() {
        for (product, ids) in &rule.matches {
            let unique: BTreeSet<&String> = ids.iter().collect();
            assert_eq!(unique.len(), ids.len(), "{}: {product}", rule.id);
            for id in ids {
                assert!(rules.answering(id).any(|found| found.id == rule.id), "{id} does not lead to {}", rule.id);
            }
        }
    }
}

const CART: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart # the cart
spec:
  template:
    spec:
      containers:
        - name: web
          image: acme/cart:1.2
          securityContext:
            privileged: true
        - name: log
          image: acme/log:3.1
";

fn judged(files: &[(&str, &str)], finding: Value) -> Verdict {
    let files = files.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), (*text).to_owned()));
    let tree = MemoryTree::of(files);
    let finding: Finding = serde_json::from_value(finding).expect("a finding");
    let rules = &*RULES;
    judge(&Catalog::of(&tree).expect("a catalog"), &finding, Policy::of(rules))
}

fn of_cart(rule: Value, hints: Value) -> Value {
    json!({
        "intent": "violation", "rule": rule, "hints": hints,
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "cart"}},
    })
}

#[track_caller]
fn patched(verdict: Verdict) -> String {
    match verdict {
        Verdict::Patched(proved) => proved.diff(),
        other => panic!("not patched: {other:?}"),
    }
}

#[track_caller]
fn refused(verdict: Verdict) -> (Code, String) {
    match verdict {
        Verdict::Refused(refusal) => (refusal.code, refusal.message),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_violation_becomes_the_edit_of_its_rule() {
    let files = [("k8s/cart.yaml", CART)];
    let diff = patched(judged(&files, of_cart(json!({"id": "CKV_K8S_16"}), json!({}))));
    assert!(diff.contains("-            privileged: true\n+            privileged: false\n"), "{diff}");
    // Every product's id for the same rule has the same answer.
    for id in [
        "AVD-KSV-0017",
        "KSV017",
        "C-0057",
        "disallow-privileged-containers",
        "K8sPSPPrivilegedContainer",
        "kubernetes/privileged",
    ] {
        assert_eq!(patched(judged(&files, of_cart(json!({"id": id}), json!({})))), diff, "{id}");
    }
    let diff = patched(judged(&files, of_cart(json!({"id": "CKV_K8S_22"}), json!({}))));
    assert_eq!(diff.matches("+            readOnlyRootFilesystem: true").count(), 2, "{diff}");
}

#[test]
fn what_no_rule_settles_is_refused_for_its_reason() {
    let files = [("k8s/cart.yaml", CART)];
    let ask = |id: &str| refused(judged(&files, of_cart(json!({"id": id}), json!({}))));
    assert_eq!(ask("our-own-rule").0, Code::NoRule);
    assert_eq!(ask("CKV_K8S_43"), (Code::RuleDeclines, "kubernetes/image-digest is not applied to Deployment cart: which digest the image has is in no manifest; `crane digest` or the registry says".to_owned()));
    assert_eq!(ask("CKV_K8S_40").0, Code::NeedsParameter);
    assert_eq!(ask("CKV_K8S_20").0, Code::RuleDeclines, "a privileged container may always escalate");
    let scanned = of_cart(json!({"id": "CKV_K8S_14"}), json!({"file": "k8s/cart.yaml", "line": 1, "end_line": 14}));
    assert_eq!(refused(judged(&files, scanned)).0, Code::RuleDisputed);
    let live = of_cart(json!({"id": "CKV_K8S_14"}), json!({}));
    assert!(
        matches!(judged(&files, live), Verdict::InSync),
        "a sender of live state sees what runs, and the source is right"
    );
}

#[test]
fn the_operators_parameters_are_those_of_the_repository() {
    let config = "version: 1\nparameters: {run_as_user: 10001}\n";
    let files = [("k8s/cart.yaml", CART), (".github/sourceward.yaml", config)];
    let diff = patched(judged(&files, of_cart(json!({"id": "CKV_K8S_40"}), json!({}))));
    assert!(diff.contains("+        runAsUser: 10001"), "{diff}");
}

#[test]
fn lines_of_a_file_find_what_is_declared_there() {
    let both = format!("{CART}---\n{}", CART.replace("name: cart", "name: shop"));
    let files = [("k8s/a.yaml", both.as_str()), ("old/b.yaml", CART)];
    let at = |path: &str, line: u32, end: u32| json!({"intent": "violation", "rule": {"id": "KSV017"}, "resource": {"file": {"path": path, "line": line, "end_line": end}}});
    let diff = patched(judged(&files, at("/builds/acme/k8s/a.yaml", 22, 24)));
    assert!(diff.contains("+++ b/k8s/a.yaml") && diff.contains("@@ -24,6 +24,6 @@"), "{diff}");
    assert_eq!(refused(judged(&files, at("k8s/a.yaml", 1, 29))).0, Code::OwnerAmbiguous);
    assert_eq!(refused(judged(&files, at("k8s/c.yaml", 1, 2))).0, Code::OwnerNotFound);
    // Two stacks declare the same name: the file tells which is meant.
    let hinted = of_cart(json!({"id": "CKV_K8S_16"}), json!({"file": "old/b.yaml", "line": 1, "end_line": 14}));
    assert!(patched(judged(&files, hinted)).contains("+++ b/old/b.yaml"));
    assert_eq!(refused(judged(&files, of_cart(json!({"id": "CKV_K8S_16"}), json!({})))).0, Code::OwnerAmbiguous);
}

#[test]
fn of_namesakes_the_one_that_the_scanner_read_is_meant() {
    let named = CART.replace("  name: cart # the cart\n", "  name: cart\n  namespace: default\n");
    let files = [("a/cart.yaml", named.as_str()), ("b/cart.yaml", CART)];
    let ask = |hints: Value| patched(judged(&files, of_cart(json!({"id": "CKV_K8S_16"}), hints)));
    // It says `default` of what has no namespace.
    for file in ["a/cart.yaml", "b/cart.yaml"] {
        let diff = ask(json!({"file": file, "line": 1, "end_line": 15}));
        assert!(diff.contains(&format!("+++ b/{file}")), "{diff}");
    }
    for hints in [json!({}), json!({"file": "templates/cart.yaml"}), json!({"file": "cart.yaml"})] {
        let diff = ask(hints.clone());
        assert!(diff.contains("+++ b/a/cart.yaml"), "{hints}: {diff}");
    }
}

#[test]
fn a_base_is_changed_for_all_its_overlays() {
    let base = "resources: [cart.yaml]\n";
    let overlay = |name: &str| format!("resources: [../base]\nnamePrefix: {name}-\n");
    let (prod, test) = (overlay("prod"), overlay("test"));
    let files = [
        ("base/cart.yaml", CART),
        ("base/kustomization.yaml", base),
        ("prod/kustomization.yaml", prod.as_str()),
        ("test/kustomization.yaml", test.as_str()),
    ];
    let scanned = of_cart(json!({"id": "CKV_K8S_16"}), json!({"file": "base/cart.yaml", "line": 1, "end_line": 14}));
    let verdict = judged(&files, scanned);
    let Verdict::Patched(proved) = verdict else { panic!("not patched: {verdict:?}") };
    assert!(proved.diff().contains("+++ b/base/cart.yaml"), "{}", proved.diff());
    assert!(proved.proof().changed.len() >= 2, "{:?}", proved.proof().changed);
}

#[test]
fn a_terraform_argument_or_block_is_added() {
    let main = "resource \"aws_kms_key\" \"a\" {\n  description = \"a\"\n}\n\nresource \"aws_instance\" \"b\" {\n  count = 2\n  ami   = \"ami-1\"\n}\n";
    let of = |address: &str, rule: &str, line: u32, end: u32| {
        json!({"intent": "violation", "rule": {"id": rule}, "resource": {"terraform": {"address": address}},
            "hints": {"file": "main.tf", "line": line, "end_line": end}})
    };
    let files = [("main.tf", main)];
    let diff = patched(judged(&files, of("aws_kms_key.a", "CKV_AWS_7", 1, 3)));
    assert!(diff.contains("+  description         = \"a\"\n+  enable_key_rotation = true\n"), "{diff}");
    // One declaration, two instances: both become what the rule wants.
    let diff = patched(judged(&files, of("aws_instance.b", "CKV_AWS_79", 5, 8)));
    assert!(diff.contains("+  metadata_options {\n+    http_tokens = \"required\"\n+  }"), "{diff}");
    // A rule knows that what it adds within a new block are blocks as well.
    let files = [("main.tf", "resource \"azurerm_storage_account\" \"a\" {\n  name = \"a\"\n}\n")];
    let diff = patched(judged(&files, of("azurerm_storage_account.a", "CKV2_AZURE_38", 1, 3)));
    assert!(diff.contains("+  blob_properties {\n+    delete_retention_policy {\n+      days = "), "{diff}");
}

#[test]
fn what_terraform_stops_at_leaves_the_rest_of_a_root_module() {
    let broken = "resource \"aws_key_pair\" \"a\" {\n  public_key = file(\"made-before-it-runs.pub\")\n  key_name   = local.nowhere\n}\n";
    let key = "resource \"aws_kms_key\" \"a\" {\n  description = \"a\"\n}\n";
    let ask = |main: &str| {
        judged(
            &[("main.tf", main)],
            json!({"intent": "violation", "rule": {"id": "CKV_AWS_7"}, "resource": {"terraform": {"address": "aws_kms_key.a"}},
                "hints": {"file": "main.tf", "line": 1, "end_line": 3}}),
        )
    };
    let diff = patched(ask(&format!("{key}{broken}")));
    assert!(diff.contains("+  enable_key_rotation = true\n"), "{diff}");
    // What is not known may be made of what is edited.
    let reads = "resource \"aws_instance\" \"a\" {\n  user_data = templatefile(\"nowhere.tpl\", { key = aws_kms_key.a.enable_key_rotation })\n}\n";
    let (code, message) = refused(ask(&format!("{key}{reads}")));
    assert_eq!((code, message.contains("aws_instance.a.user_data")), (Code::SharedSource, true), "{message}");
    // Where the whole is wrong, nothing of it is told.
    let (code, _) = refused(ask(&format!("{key}{broken}resource \"aws_kms_key\" \"a\" {{\n}}\n")));
    assert_eq!(code, Code::OwnerNotFound);
}

#[test]
fn a_root_module_that_terraform_does_not_plan_is_not_shown() {
    let main = "resource \"aws_key_pair\" \"a\" {\n  public_key = file(\"made.pub\")\n}\n";
    let tree = MemoryTree::of([("main.tf".parse::<RepoPath>().expect("a path"), main.to_owned())]);
    let rendered = Catalog::of(&tree).expect("a catalog").rendered(0).expect("in part");
    assert_eq!((rendered.resources.len(), rendered.broken.len()), (1, 1));
    let why = rendered.text().expect_err("Terraform stops");
    assert_eq!((why.code, why.line), (Code::StackUnreadable, Some(2)), "{}", why.message);
}

#[test]
fn what_terraform_stops_at_costs_no_more_than_one_evaluation() {
    let wrong: String = (0..9)
        .map(|at| format!("resource \"aws_key_pair\" \"k{at}\" {{\n  public_key = file(\"nowhere{at}\")\n}}\n"))
        .collect();
    let rendered = |count: usize| {
        let large = format!("locals {{\n  a = [for x in range(1000) : [for y in range({count}) : x + y]]\n}}\n");
        let main = format!("{large}output \"a\" {{\n  value = local.a\n}}\n{wrong}");
        let tree = MemoryTree::of([("main.tf".parse::<RepoPath>().expect("a path"), main)]);
        Catalog::of(&tree).expect("a catalog").rendered(0).map(|rendered| rendered.broken.len())
    };
    assert_eq!(rendered(1), Ok(9));
    let refusal = rendered(400).expect_err("it is too much");
    assert!(refusal.message.contains("nowhere"), "{}", refusal.message);
}

#[test]
fn what_has_to_stand_beside_a_resource_is_written_behind_it() {
    let bucket = "resource \"aws_s3_bucket\" \"logs\" {\n  for_each = toset([\"a\", \"b\"])\n  bucket   = each.key\n}\n\noutput \"x\" {\n  value = 1\n}\n";
    let ask = |files: &[(&str, &str)]| {
        judged(
            files,
            json!({"intent": "violation", "rule": {"id": "CKV2_AWS_6"},
            "resource": {"terraform": {"address": "aws_s3_bucket.logs[\"a\"]"}}, "hints": {"file": "main.tf", "line": 1, "end_line": 4}}),
        )
    };
    let diff = patched(ask(&[("main.tf", bucket)]));
    let wanted = [
        "+resource \"aws_s3_bucket_public_access_block\" \"logs\" {",
        "+  for_each = toset([\"a\", \"b\"])",
        "+",
        "+  bucket                  = aws_s3_bucket.logs[each.key].id",
        "+  block_public_acls       = true",
        "+  block_public_policy     = true",
        "+  ignore_public_acls      = true",
        "+  restrict_public_buckets = true",
        "+}",
    ];
    assert!(diff.contains(&wanted.join("\n")), "{diff}");
    let there =
        "resource \"aws_s3_bucket_public_access_block\" \"other\" {\n  bucket = aws_s3_bucket.logs[\"a\"].bucket\n}\n";
    let (code, message) = refused(ask(&[("main.tf", bucket), ("other.tf", there)]));
    assert_eq!(
        (code, message.contains("aws_s3_bucket_public_access_block.other")),
        (Code::RuleDeclines, true),
        "{message}"
    );
}

#[test]
fn an_allowance_names_one_rule_and_one_stack() {
    let declared = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec: {replicas: 3}\n";
    let drift = json!({"intent": "drift", "patch": [{"op": "replace", "path": "/spec/replicas", "value": 0}],
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}}});
    let with = |allow: &str| {
        let config = format!("version: 1\nstacks: [{{name: shop, manifests: {{path: k8s}}}}]\nallow: [{allow}]\n");
        let files: [(&str, &str); 2] = [("k8s/cart.yaml", declared), (".github/sourceward.yaml", &config)];
        judged(&files, drift.clone())
    };
    let (code, message) = refused(with(""));
    assert_eq!(
        (code, message.as_str()),
        (
            Code::WeakensSecurity,
            "the live Deployment cart breaks the rule kubernetes/replicas, which the source keeps: Nothing is scaled to zero"
        )
    );
    assert_eq!(refused(with("{rule: kubernetes/replicas, stack: other, reason: r}")).0, Code::WeakensSecurity);
    assert!(
        patched(with("{rule: kubernetes/replicas, stack: shop, reason: it sleeps at night}")).contains("replicas: 0")
    );
}

#[test]
fn what_a_detector_reports_is_not_taken_over() {
    let declared =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: shop}\nspec: {replicas: 3}\n";
    let tree = MemoryTree::of([("k8s/cart.yaml".parse::<RepoPath>().expect("a path"), declared)]);
    let catalog = Catalog::of(&tree).expect("a catalog");
    let resource =
        json!({"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}});
    let read = |value: Value| serde_json::from_value::<Finding>(value).expect("a finding");
    let drift = read(
        json!({"intent": "drift", "resource": resource, "patch": [{"op": "replace", "path": "/spec/replicas", "value": 5}]}),
    );
    let shell = |more: Value| {
        let mut finding =
            json!({"intent": "violation", "resource": resource, "rule": {"id": "Terminal shell in container"}});
        finding.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        read(finding)
    };
    let rules = &*RULES;
    let with = |suspicion: Finding| judge(&catalog, &drift, Policy { rules, suspicions: &[suspicion] });
    assert_eq!(refused(with(shell(json!({})))).0, Code::UnderSuspicion);
    for more in [
        json!({"state": "resolved"}),
        json!({"hints": {"file": "k8s/cart.yaml"}}),
        json!({"resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "db"}}}),
    ] {
        assert!(matches!(with(shell(more.clone())), Verdict::Patched(_)), "{more}");
    }
}
