//! What a finding costs on its way: verified, mapped, parsed, located, judged, worded; for charts, each step of the renderer.

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use sourceward::{
    engine::{
        Parsed,
        helm::{functions::Functions, template::parse},
    },
    model::{finding::Finding, fingerprint::Fingerprint, pointer::Pointer, secret::Secret},
    remedy::{
        Verdict, judge,
        policy::Policy,
        pull_request::{Circumstances, pull_request},
        rule::set::Rules,
    },
    source::{
        path::RepoPath,
        tree::{MemoryTree, Overlay},
        yaml::{
            self,
            edit::{Change, edit},
            resolve::{Reader, value},
        },
    },
    stack::catalog::Catalog,
    webhook::{
        map::map,
        sender::Senders,
        signature::{Authentication, Presented, sign_standard_webhooks, verify},
    },
};

/// A manifest of about 3 kB.
const MANIFEST: &str = include_str!("../tests/it/kubernetes/deployment/newer-fields/live-1.32.yaml");

fn signature(c: &mut Criterion) {
    let (secret, body) = (Secret::new("whsec_c2VjcmV0IG9mIHRoZSBiZW5jaG1hcms="), vec![b'x'; 1024]);
    let signed = sign_standard_webhooks(&secret, "msg_1", 1_700_000_000, &body);
    let header = |name: &str| match name {
        "webhook-id" => Some("msg_1".to_owned()),
        "webhook-timestamp" => Some("1700000000".to_owned()),
        "webhook-signature" => Some(signed.clone()),
        _ => None,
    };
    let secrets = [secret.clone()];
    c.bench_function("verify/standard-webhooks 1 KiB", |b| {
        b.iter(|| {
            let body = black_box(&body);
            let presented =
                Presented { header: &header, token: None, by_proxy: false, body, key: None, now_unix: 1_700_000_001 };
            verify(&Authentication::StandardWebhooks, &secrets, &presented).expect("it fits")
        });
    });
}

fn mapping(c: &mut Criterion) {
    let senders = Senders::embedded().expect("the senders are in order");
    for (name, payload) in [
        ("generic", include_bytes!("../webhooks/generic/samples/drift_patch.json").as_slice()),
        ("argocd", include_bytes!("../webhooks/argocd/samples/out_of_sync.json")),
    ] {
        let sender = senders.get(name).expect("it is embedded");
        c.bench_function(&format!("map/{name}"), |b| {
            b.iter(|| map(sender, black_box(payload), None).expect("findings"))
        });
    }
}

fn manifests(c: &mut Criterion) {
    let large = many(200 * 1024 / MANIFEST.len());
    for (size, text) in [("3 kB", MANIFEST), ("200 kB", &large)] {
        c.bench_function(&format!("yaml/parse {size}"), |b| {
            b.iter(|| yaml::parse::parse(black_box(text)).expect("YAML"))
        });
        c.bench_function(&format!("yaml/parse and resolve {size}"), |b| {
            b.iter(|| {
                let stream = yaml::parse::parse(black_box(text)).expect("YAML");
                let roots = stream.documents.iter().filter_map(|document| Some((document, document.root?)));
                roots
                    .map(|(document, root)| value(document, root, Reader::Manifest).expect("a value"))
                    .collect::<Vec<_>>()
            });
        });
        let at: Pointer = "/spec/replicas".parse().expect("a pointer");
        c.bench_function(&format!("yaml/edit one scalar of {size}"), |b| {
            b.iter(|| edit(black_box(text), 0, &at, &Change::Set(json!(17)), Reader::Manifest).expect("an edit"));
        });
    }
}

/// A chart with a subchart, and the values of two environments.
fn charts(c: &mut Criterion) {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/helm/umbrella-and-environments");
    let mut files = Vec::new();
    collect(&case.join("repo"), "", &mut files);
    let tree = MemoryTree::of(files);
    let catalog = Catalog::of(&tree).expect("a catalog");
    let finding: Finding =
        serde_json::from_slice(&fs::read(case.join("finding.json")).expect("a file")).expect("a finding");

    let functions = Functions::all();
    let template = fs::read_to_string(case.join("repo/charts/shop/templates/cart.yaml")).expect("a template");
    c.bench_function("helm/parse a template of 1 kB", |b| {
        b.iter(|| parse::parse(black_box(&template), &|name| functions.contains(name)).expect("a template"));
    });
    let stack = catalog.position("shop/prod").expect("a stack");
    let declaration = &catalog.stacks()[stack].declaration;
    c.bench_function("helm/render, cold", |b| {
        b.iter(|| declaration.render(black_box(&tree), &Parsed::default()).expect("resources"));
    });
    let values: RepoPath = "env/prod/values.yaml".parse().expect("a path");
    let edited = |replicas: usize| {
        let text = format!("cart:\n  enabled: true\n  replicas: {replicas}\n");
        Overlay::new(&tree, [(values.clone(), Some(text.as_bytes().into()))].into())
    };
    // More than a file's remembered contents, so that the values are read anew each time.
    let (edits, parsed, mut next) = ([3, 4, 5, 6, 7].map(edited), Parsed::default(), 0);
    c.bench_function("helm/render, one values file edited", |b| {
        b.iter(|| {
            next += 1;
            declaration.render(black_box(&edits[next % edits.len()]), &parsed).expect("resources")
        });
    });
    let rendered = catalog.rendered(stack).expect("resources");
    let deployment = rendered.resources.iter().find(|resource| resource.value["kind"] == "Deployment");
    let deployment = deployment.expect("a deployment");
    let replicas: Pointer = "/spec/replicas".parse().expect("a pointer");
    c.bench_function("helm/lineage of a field", |b| {
        b.iter(|| assert!(!deployment.origins(black_box(&replicas)).is_empty()));
    });
    c.bench_function("helm/fix, cold catalog", |b| {
        b.iter(|| proved(&Catalog::of(&tree).expect("a catalog"), &finding));
    });
    c.bench_function("helm/fix, warm catalog", |b| b.iter(|| proved(&catalog, &finding)));
}

/// The files of a folder, named from there.
fn collect(folder: &Path, above: &str, files: &mut Vec<(RepoPath, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = format!("{above}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.push((name.parse().expect("a path"), fs::read(&path).expect("a file")));
        }
    }
}

fn judging(c: &mut Criterion) {
    for files in [10, 300] {
        let tree = stack(files);
        let finding = finding(files / 2);
        c.bench_function(&format!("judge/{files} files, cold catalog"), |b| {
            b.iter(|| proved(&Catalog::of(&tree).expect("a catalog"), &finding));
        });
        let catalog = Catalog::of(&tree).expect("a catalog");
        c.bench_function(&format!("judge/{files} files, warm catalog"), |b| b.iter(|| proved(&catalog, &finding)));
        let mut next = 0;
        c.bench_function(&format!("judge/{files} files, another file each time"), |b| {
            b.iter_custom(|count| {
                (0..count)
                    .map(|_| {
                        next = (next + 1) % files;
                        let finding = self::finding(next);
                        let began = Instant::now();
                        proved(&catalog, &finding);
                        began.elapsed()
                    })
                    .sum()
            });
        });
    }
}

fn words(c: &mut Criterion) {
    let tree = stack(10);
    let (catalog, finding) = (Catalog::of(&tree).expect("a catalog"), finding(5));
    let Verdict::Patched(proved) = judge(&catalog, &finding, Policy::of(&Rules::default())) else {
        panic!("it is patched")
    };
    let case = Fingerprint::of(&finding);
    c.bench_function("words/pull request", |b| {
        b.iter(|| pull_request(&finding, black_box(&proved), &case, Circumstances::default()));
    });
}

fn proved(catalog: &Catalog<'_>, finding: &Finding) {
    let verdict = judge(catalog, black_box(finding), Policy::of(&Rules::default()));
    assert!(matches!(verdict, Verdict::Patched(_)), "{verdict:?}");
}

fn named(index: usize) -> String {
    MANIFEST.replacen("  name: ", &format!("  name: app-{index}-"), 1)
}

fn many(count: usize) -> String {
    (0..count).map(|index| named(index) + "---\n").collect()
}

/// One folder of that many files.
fn stack(files: usize) -> MemoryTree {
    let path = |index| format!("k8s/app-{index:03}.yaml").parse().expect("a path");
    MemoryTree::of((0..files).map(|index| (path(index), named(index))))
}

/// Somebody scaled one of them.
fn finding(index: usize) -> Finding {
    let stream = yaml::parse::parse(&named(index)).expect("YAML");
    let root = stream.documents[0].root.expect("a root");
    let declared = value(&stream.documents[0], root, Reader::Manifest).expect("a value");
    let of = |at: &str| declared.pointer(at).cloned().unwrap_or(Value::Null);
    serde_json::from_value(json!({
        "intent": "drift",
        "resource": {"kubernetes": {
            "apiVersion": of("/apiVersion"), "kind": of("/kind"), "namespace": of("/metadata/namespace"), "name": of("/metadata/name"),
        }},
        "patch": [{"op": "replace", "path": "/spec/replicas", "value": 17}],
    }))
    .expect("a finding")
}

criterion_group! {
    name = pipeline;
    config = Criterion::default()
        .sample_size(20)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = signature, mapping, manifests, charts, judging, words
}
criterion_main!(pipeline);
