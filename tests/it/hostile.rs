//! Repositories and findings made to hurt: each ends in a clear answer, without much time, memory or stack.

use serde_json::{Value, json};
use sourceward::{
    model::{finding::Finding, refusal::Code},
    remedy::{Verdict, judge, policy::Policy, rule::set::Rules},
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

const CART: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cart\n  namespace: shop\ndata:\n  a: x\n";

#[test]
fn copies_of_copies_end_at_a_limit() {
    let mut patch = vec![json!({"op": "add", "path": "/data/l", "value": ["x"]})];
    patch.extend((0..60).map(|n| json!({"op": "copy", "from": "/data", "path": format!("/data/c{n}")})));
    let (code, message) = refused(&[("k8s/cart.yaml", CART)], json!(patch));
    assert_eq!(code, Code::PatchDoesNotApply);
    assert!(message.contains("larger than") || message.contains("deeper than"), "{message}");
}

#[test]
fn a_resource_that_is_gone_stays_declared() {
    let (code, message) = refused(&[("k8s/cart.yaml", CART)], json!([{"op": "remove", "path": ""}]));
    assert_eq!(code, Code::PatchDoesNotApply);
    assert!(message.contains("does not exist any more"), "{message}");
}

#[test]
fn a_patch_that_nests_on_and_on_ends_at_a_limit() {
    let patch: Vec<_> =
        (1..900).map(|n| json!({"op": "add", "path": format!("/data{}", "/a".repeat(n)), "value": {}})).collect();
    let (code, message) = refused(&[("k8s/cart.yaml", CART)], json!(patch));
    assert_eq!(code, Code::PatchDoesNotApply);
    assert!(message.contains("deeper than"), "{message}");

    let far = json!([{"op": "replace", "path": "/a".repeat(10_000), "value": 1}]);
    assert_eq!(refused(&[("k8s/cart.yaml", CART)], far).0, Code::PatchDoesNotApply);
}

#[test]
fn many_edits_of_a_large_file_are_refused_before_they_are_worded() {
    let keys: String = (0..10_000).map(|n| format!("  k{n}: some text\n")).collect();
    let text = format!("{CART}{keys}");
    let patch: Vec<_> =
        (0..150).map(|n| json!({"op": "replace", "path": format!("/data/k{}", n * 10), "value": "other"})).collect();
    let (code, message) = refused(&[("k8s/cart.yaml", &text)], json!(patch));
    assert_eq!(code, Code::NotExpressible);
    assert!(message.contains("too many for a file as large"), "{message}");
}

#[test]
fn kustomizations_that_all_name_each_other_are_followed_once() {
    let names: String = (0..300).map(|n| format!("- ../c{n}\n")).collect();
    let text = format!("resources:\n- https://example.com/far.yaml\n{names}");
    let mut files: Vec<(String, &str)> = (0..300).map(|n| (format!("c{n}/kustomization.yaml"), &*text)).collect();
    files.push(("k8s/cart.yaml".to_owned(), CART));
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let patch = json!([{"op": "replace", "path": "/data/a", "value": "y"}]);
    // More steps than are followed: what is beyond counts as reading everything.
    assert_eq!(refused(&files, patch).0, Code::EngineUnsupported);
}

#[test]
fn a_kustomization_that_cannot_be_parsed_still_protects_what_it_names() {
    let files =
        [("k8s/cart.yaml", CART), ("over/kustomization.yaml", "resources:\n- ../k8s/cart.yaml\n{{ more }}: [\n")];
    let patch = json!([{"op": "replace", "path": "/data/a", "value": "y"}]);
    assert_eq!(refused(&files, patch.clone()).0, Code::OwnerNotFound);
    let files = [("k8s/cart.yaml", CART), ("over/.base/kustomization.yaml", "resources: [../../k8s/cart.yaml]\n")];
    assert_eq!(refused(&files, patch).0, Code::OwnerNotFound);
}

#[test]
fn what_is_kept_of_many_large_files_does_not_change_the_answer() {
    // Three files of which two fit into what is kept: each is asked for while another one is.
    let items = "1,".repeat(120_000);
    let text = |n: usize| {
        format!(
            "apiVersion: v1\nkind: Wide\nmetadata: {{name: wide}}\nspec: [{items}]\n---\n{}",
            CART.replace("cart", &format!("cart{n}"))
        )
    };
    let files = (0..3).map(|n| (format!("k{n}/cart.yaml").parse::<RepoPath>().expect("a path"), text(n)));
    let tree = MemoryTree::of(files);
    let catalog = Catalog::of(&tree).expect("a catalog");
    for n in [0, 2, 1, 0] {
        match judge(
            &catalog,
            &finding(&format!("cart{n}"), json!([{"op": "replace", "path": "/data/a", "value": "y"}])),
            Policy::of(&Rules::default()),
        ) {
            Verdict::Patched(proved) => assert_eq!(proved.stack(), format!("k{n}")),
            other => panic!("it is not patched: {other:?}"),
        }
        // The repository's own text stays known, not the one that was tried.
        let path: RepoPath = format!("k{n}/cart.yaml").parse().expect("a path");
        assert!(catalog.parsed(&path, &text(n)).is_some());
    }
}

#[test]
fn a_folder_of_too_many_values_is_not_read() {
    let text = format!("[{}]\n", "[],".repeat(240_000));
    let names: Vec<String> = (0..3).map(|n| format!("k8s/{n}.yaml")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (&**name, &*text)).collect();
    files.push(("k8s/cart.yaml", CART));
    let replace = json!([{"op": "replace", "path": "/data/a", "value": "y"}]);
    assert_eq!(refused(&files, replace.clone()).0, Code::OwnerNotFound);
    let mut named = finding("cart", replace);
    named.stack = Some("k8s".to_owned());
    let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text)));
    match judge(&Catalog::of(&tree).expect("a catalog"), &named, Policy::of(&Rules::default())) {
        Verdict::Refused(refusal) => assert_eq!(refusal.code, Code::StackUnreadable, "{}", refusal.message),
        other => panic!("it is not refused: {other:?}"),
    }
}

#[test]
fn stacks_that_share_a_kustomization_follow_it_once() {
    let stacks: String = (0..2_000).map(|n| format!("- name: s{n}\n  kustomize: {{path: c0}}\n")).collect();
    let config = format!("version: 1\nstacks:\n- name: k8s\n  manifests: {{path: k8s}}\n{stacks}");
    let chain: Vec<_> =
        (0..200).map(|n| (format!("c{n}/kustomization.yaml"), format!("resources: [../c{}]\n", n + 1))).collect();
    let mut files: Vec<_> = chain.iter().map(|(path, text)| (&**path, &**text)).collect();
    files.extend([(".github/sourceward.yaml", &*config), ("k8s/cart.yaml", CART)]);
    let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text)));
    let replace = json!([{"op": "replace", "path": "/data/a", "value": "y"}]);
    // Followed for each stack, the chain would take more steps than are taken, and count as reading everything.
    let verdict =
        judge(&Catalog::of(&tree).expect("a catalog"), &finding("cart", replace), Policy::of(&Rules::default()));
    assert!(matches!(verdict, Verdict::Patched(_)), "{verdict:?}");
}

#[test]
fn kustomizations_made_to_hurt_end_in_a_refusal() {
    let cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let resource = |n: usize| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n");
    let many: String = (0..4_000).map(resource).collect();
    let patch = |n: usize| format!("- target: {{name: c.*}}\n  patch: '[{{op: add, path: /data{n}, value: x}}]'\n");
    let patches: String = (0..4_000).map(patch).collect();
    let deep: String = (1..2_000)
        .map(|n| format!("- {{op: add, path: /x{}, value: {{}}}}\n", "/a".repeat(n)))
        .map(|line| format!("    {line}"))
        .collect();
    let bomb: String = (1..12).map(|n| format!("k{n}: &k{n} [{}]\n", format!("*k{},", n - 1).repeat(9))).collect();
    let labels: String = (0..20_000).map(|n| format!("  k{n}: v\n")).collect();
    let mut chain: Vec<(String, String)> =
        (0..500).map(|n| (format!("c{n}/kustomization.yaml"), format!("resources: [../c{}]\n", n + 1))).collect();
    chain[0].0 = "k/kustomization.yaml".to_owned();
    let fan: Vec<(String, String)> = (0..40)
        .flat_map(|n| ["l", "r"].map(|side| (n, side)))
        .map(|(n, side)| {
            let name = if n == 0 && side == "l" { "k".to_owned() } else { format!("{side}{n}") };
            let below = n + 1;
            (format!("{name}/kustomization.yaml"), format!("resources: [../l{below}, ../r{below}]\n"))
        })
        .chain(["l40", "r40"].map(|name| (format!("{name}/kustomization.yaml"), "resources: []\n".to_owned())))
        .collect();
    let one = |name: &str, text: String| (format!("k/{name}"), text);
    let cases: [(&str, Vec<(String, String)>); 9] = [
        ("a chain", chain),
        ("a fan", fan),
        ("itself", vec![one("kustomization.yaml", "resources: [../k]\n".to_owned())]),
        ("outside", vec![one("kustomization.yaml", "resources: [../../../x.yaml]\n".to_owned())]),
        (
            "aliases",
            vec![
                one("kustomization.yaml", "resources: [a.yaml]\n".to_owned()),
                one("a.yaml", format!("{cm}k0: &k0 x\n{bomb}")),
            ],
        ),
        (
            "patches",
            vec![
                one("kustomization.yaml", format!("resources: [a.yaml]\npatches:\n{patches}")),
                one("a.yaml", many.clone()),
            ],
        ),
        (
            "nesting",
            vec![
                one(
                    "kustomization.yaml",
                    format!(
                        "resources: [a.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |-\n    - {{op: add, path: /x, value: {{}}}}\n{deep}"
                    ),
                ),
                one("a.yaml", cm.to_owned()),
            ],
        ),
        (
            "labels",
            vec![
                one("kustomization.yaml", format!("resources: [a.yaml]\ncommonLabels:\n{labels}")),
                one("a.yaml", many),
            ],
        ),
        (
            "a large file",
            vec![
                one("kustomization.yaml", "resources: [a.yaml]\n".to_owned()),
                one("a.yaml", format!("{cm}data: {{a: {}}}\n", "x".repeat(6 << 20))),
            ],
        ),
    ];
    for (what, mut files) in cases {
        let config = "version: 1\nstacks:\n- {name: k, kustomize: {path: k}}\n";
        files.push((".github/sourceward.yaml".to_owned(), config.to_owned()));
        let files = files.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text));
        let tree = MemoryTree::of(files);
        let rendered = Catalog::of(&tree).expect("a catalog").rendered(0);
        assert!(rendered.is_err(), "{what} is built");
    }
}

#[test]
fn terraform_made_to_hurt_ends_in_a_refusal() {
    let doubled = |first: &str, next: &dyn Fn(usize) -> String| {
        let next: String = (1..60).map(|n| format!("  a{n} = {}\n", next(n - 1))).collect();
        format!("  a0 = {first}\n{next}")
    };
    let bomb: String =
        (1..10).map(|n| format!("k{n}: &k{n} [{}]\n", vec![format!("*k{}", n - 1); 9].join(","))).collect();
    let cases = [
        (
            "shared lists",
            doubled("[1, 2, 3]", &|n| format!("[local.a{n}, local.a{n}, local.a{n}]")),
            "jsonencode(local.a59)",
        ),
        (
            "shared objects",
            doubled("{x = 1}", &|n| format!("{{l = local.a{n}, r = local.a{n}}}")),
            "keys(local.a59)[0]",
        ),
        ("growing text", doubled("\"x\"", &|n| format!("\"${{local.a{n}}}${{local.a{n}}}\"")), "local.a59"),
        ("aliases", format!("  a = yamldecode(<<E\nk0: &k0 [x]\n{bomb}E\n  )\n"), "jsonencode(local.a)"),
        (
            "loops",
            "  r = range(1000)\n".to_owned(),
            "join(\"\", [for a in local.r : join(\"\", [for b in local.r : join(\"\", [for c in local.r : \"x\"])])])",
        ),
        ("digits", String::new(), "format(\"%1000000000d\", 1)"),
    ];
    for (what, locals, value) in cases {
        let main = format!("locals {{\n{locals}}}\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = {value}\n}}\n");
        let tree = MemoryTree::of([("t/main.tf".parse::<RepoPath>().expect("a path"), main)]);
        let catalog = Catalog::of(&tree).expect("a catalog");
        let told = match catalog.rendered(0) {
            Err(refusal) => refusal.message.clone(),
            Ok(rendered) => rendered.missing.first().map(|missing| missing.why.message.clone()).unwrap_or_default(),
        };
        assert!(told.contains("is too much to evaluate"), "{what}: {told}");
    }
}

#[test]
fn a_chain_of_very_many_moves_is_followed_once() {
    let chain = |last: usize| {
        let step = |n: usize| format!("moved {{\n  from = a.m{}\n  to   = a.m{n}\n}}\n", (n + 1) % last);
        let moves: String = (0..20_000).map(step).collect();
        let main = format!("{moves}resource \"a\" \"m0\" {{}}\n");
        let tree = MemoryTree::of([("t/main.tf".parse::<RepoPath>().expect("a path"), main)]);
        let catalog = Catalog::of(&tree).expect("a catalog");
        catalog.rendered(0).map(|rendered| rendered.resources.len()).map_err(|refusal| refusal.message)
    };
    assert_eq!(chain(30_000), Ok(1));
    let circle = chain(20_000).expect_err("the last one leads to the first");
    assert!(circle.contains("Cyclic dependency in move statements"), "{circle}");
}

fn refused(files: &[(&str, &str)], patch: Value) -> (Code, String) {
    let files = files.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text));
    let tree = MemoryTree::of(files);
    match judge(&Catalog::of(&tree).expect("a catalog"), &finding("cart", patch), Policy::of(&Rules::default())) {
        Verdict::Refused(refusal) => (refusal.code, refusal.message),
        other => panic!("it is not refused: {other:?}"),
    }
}

fn finding(name: &str, patch: Value) -> Finding {
    serde_json::from_value(json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": name}},
        "patch": patch,
    }))
    .expect("a finding")
}
