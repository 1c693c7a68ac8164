//! The stacks that Argo CD's and Flux's objects describe: what is found in a repository, by name.

use std::time::{Duration, Instant};

use sourceward::{
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

/// What a case is about, its files, and the stacks that are found.
type Case = (&'static str, Vec<(&'static str, String)>, &'static [&'static str]);

const OWN: &str = "https://github.com/acme/gitops";

/// The stacks of a repository, each with what it deploys or why it is not rendered.
fn stacks(files: &[(&str, String)]) -> Vec<String> {
    let tree = tree(files);
    let catalog = Catalog::of(&tree).expect("a catalog");
    let described = |(position, stack): (usize, &sourceward::stack::Stack)| match catalog.contents(position) {
        Ok(contents) => {
            let ids: Vec<String> = contents.resources.iter().map(|resource| resource.id.to_string()).collect();
            format!("{}: {}", stack.name, ids.join(", "))
        }
        Err(refusal) => format!("{}! {}", stack.name, refusal.message),
    };
    catalog.stacks().iter().enumerate().map(described).collect()
}

fn tree(files: &[(&str, String)]) -> MemoryTree {
    MemoryTree::of(
        files.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text.as_bytes().to_vec())),
    )
}

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

fn application(name: &str, source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\n\
         spec:\n  source: {{repoURL: {OWN}, {source}}}\n  destination: {{namespace: web}}\n"
    )
}

fn set(generators: &str, go: bool, name: &str, path: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: all, namespace: argocd}}\n\
         spec:\n  goTemplate: {go}\n  generators: {generators}\n  template:\n    metadata: {{name: '{name}'}}\n\
         \x20   spec:\n      source: {{repoURL: {OWN}, path: '{path}'}}\n      destination: {{namespace: web}}\n"
    )
}

fn kustomization(name: &str, more: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\n\
         spec:\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n{more}"
    )
}

#[test]
fn what_is_described_is_found_and_listed_once() {
    let cases: &[Case] = &[
        (
            "an application stands for the folder that it deploys",
            vec![("apps/a.yaml", application("a", "path: x")), ("x/m.yaml", map("m"))],
            &["a: ConfigMap m", "apps: Application argocd/a"],
        ),
        (
            "an application that deploys its own folder is followed once",
            vec![("apps/a.yaml", application("a", "path: apps")), ("apps/b.yaml", application("b", "path: x")), ("x/m.yaml", map("m"))],
            &["a: Application argocd/a, Application argocd/b", "b: ConfigMap m"],
        ),
        (
            "applications that deploy each other end",
            vec![
                ("a/b.yaml", application("b", "path: b")),
                ("b/a.yaml", application("a", "path: a")),
                ("x/m.yaml", map("m")),
            ],
            &["a: Application argocd/b", "b: Application argocd/a", "x: ConfigMap m"],
        ),
        (
            "what is kept of a folder is the rest",
            vec![
                ("apps/a.yaml", application("a", "path: x, directory: {include: '{m,n}.yaml'}")),
                ("x/m.yaml", map("m")),
                ("x/o.yaml", map("o")),
            ],
            &["a: ConfigMap m", "apps: Application argocd/a", "x: ConfigMap o"],
        ),
        (
            "applications of one name in two namespaces",
            vec![
                ("apps/a.yaml", application("a", "path: x")),
                ("apps/b.yaml", application("a", "path: z").replace("namespace: argocd", "namespace: team")),
                ("x/m.yaml", map("m")),
                ("z/w.yaml", map("w")),
            ],
            &["apps: Application argocd/a, Application team/a", "argocd/a: ConfigMap m", "team/a: ConfigMap w"],
        ),
        (
            "one application in two folders",
            vec![
                ("eu/a.yaml", application("a", "path: x, kustomize: {nameSuffix: -eu}")),
                ("us/a.yaml", application("a", "path: x, kustomize: {nameSuffix: -us}")),
                ("x/kustomization.yaml", "resources: [m.yaml]\n".to_owned()),
                ("x/m.yaml", map("m")),
            ],
            &["eu: Application argocd/a", "eu:argocd/a: ConfigMap m-eu", "us: Application argocd/a", "us:argocd/a: ConfigMap m-us"],
        ),
        (
            "a plain set over folders, without those that are excluded",
            vec![
                (
                    "sets/s.yaml",
                    set(
                        &format!("[{{git: {{repoURL: {OWN}, directories: [{{path: 'x/*'}}, {{path: x/c, exclude: true}}]}}}}]"),
                        false,
                        "app-{{path.basename}}",
                        "{{path}}",
                    ),
                ),
                ("x/a/m.yaml", map("a")),
                ("x/b/m.yaml", map("b")),
                ("x/c/m.yaml", map("c")),
            ],
            &[
                "all: Application argocd/app-a, Application argocd/app-b",
                "app-a: ConfigMap a",
                "app-b: ConfigMap b",
                "sets: ApplicationSet argocd/all",
                "x/c: ConfigMap c",
            ],
        ),
        (
            "a matrix whose second generator mentions the first, and a selector",
            vec![
                (".github/sourceward.yaml", format!("version: 1\nrepositories: [{OWN}]\n")),
                (
                    "sets/s.yaml",
                    set(
                        &format!(
                            "[{{matrix: {{generators: [{{list: {{elements: [{{env: eu}}, {{env: us}}]}}}}, \
                             {{git: {{repoURL: {OWN}, directories: [{{path: '{{{{ .env }}}}/*'}}]}}}}]}}, \
                             selector: {{matchLabels: {{env: eu}}}}}}]"
                        ),
                        true,
                        "{{ .env }}-{{ index .path.segments 1 }}",
                        "{{ .path.path }}",
                    ),
                ),
                ("eu/a/m.yaml", map("a")),
                ("us/b/m.yaml", map("b")),
            ],
            &["all: Application argocd/eu-a", "eu-a: ConfigMap a", "sets: ApplicationSet argocd/all", "us/b: ConfigMap b"],
        ),
        (
            "clusters are those of the configuration",
            vec![
                (
                    ".github/sourceward.yaml",
                    "version: 1\nrepositories: [git@github.com:acme/gitops.git]\nclusters:\n- {name: Prod_EU, server: 'https://eu', labels: {env: prod}}\n- {name: dev, server: 'https://dev'}\n".to_owned(),
                ),
                ("sets/s.yaml", set("[{clusters: {selector: {matchLabels: {env: prod}}}}]", false, "x-{{nameNormalized}}", "x")),
                ("x/m.yaml", map("m")),
            ],
            &["all: Application argocd/x-prod-eu", "sets: ApplicationSet argocd/all", "x-prod-eu: ConfigMap m"],
        ),
        (
            "clusters that only Argo CD knows",
            vec![("sets/s.yaml", set("[{clusters: {}}]", false, "x-{{name}}", "x")), ("x/m.yaml", map("m"))],
            &[
                "all! ApplicationSet argocd/all generates applications for clusters that only Argo CD knows",
                "sets: ApplicationSet argocd/all",
                "x: ConfigMap m",
            ],
        ),
        (
            "a parameter that is not there",
            vec![("sets/s.yaml", set("[{list: {elements: [{a: b}]}}]", true, "{{ .c }}", "x")), ("x/m.yaml", map("m"))],
            &[
                "all! a template of ApplicationSet argocd/all does not render: it mentions a parameter that is not there",
                "sets: ApplicationSet argocd/all",
                "x: ConfigMap m",
            ],
        ),
        (
            "a path outside of the repository",
            vec![("apps/a.yaml", application("a", "path: ../../etc"))],
            &[
                "a! the application a deploys \"../../etc\": \"../../etc\" is not a path inside the repository: expected relative parts between \"/\", without \"..\"",
                "apps: Application argocd/a",
            ],
        ),
        (
            "a source in another repository",
            vec![
                ("apps/a.yaml", application("a", "path: x")),
                ("apps/b.yaml", application("b", "path: z").replace("acme/gitops", "else/where")),
                ("x/m.yaml", map("m")),
            ],
            &[
                "a: ConfigMap m",
                "apps: Application argocd/a, Application argocd/b",
                "b! the application b: its source is another repository, https://github.com/else/where",
            ],
        ),
        (
            "a kustomization of Flux over folders with and without one of their own",
            vec![
                ("clusters/c/k.yaml", kustomization("apps", "  path: ./apps\n  targetNamespace: web\n")),
                ("apps/a/m.yaml", map("a")),
                ("apps/b/kustomization.yaml", "resources: [m.yaml]\nnamePrefix: p-\n".to_owned()),
                ("apps/b/m.yaml", map("b")),
                ("apps/.sops.yaml", "creation_rules: []\n".to_owned()),
            ],
            &["clusters/c: Kustomization flux-system/apps", "flux-system/apps: ConfigMap web/a, ConfigMap web/p-b"],
        ),
        (
            "variables in names",
            vec![
                ("clusters/c/k.yaml", kustomization("apps", "  path: ./apps\n  postBuild: {substitute: {env: prod}}\n")),
                ("apps/m.yaml", map("m-${env}")),
            ],
            &["clusters/c: Kustomization flux-system/apps", "flux-system/apps: ConfigMap m-prod"],
        ),
    ];
    for (what, files, expected) in cases {
        assert_eq!(stacks(files), *expected, "{what}");
    }
}

/// What is made to take long is refused, or done, within a second.
#[test]
fn hostile_descriptions_end_soon() {
    let elements: String = (0..10_000).map(|at| format!("{{name: n{at}}}, ")).collect();
    let many = set(&format!("[{{list: {{elements: [{elements}]}}}}]"), true, "{{ .name }}", "x");
    let half: String = (0..200).map(|at| format!("{{a: n{at}}}, ")).collect();
    let other: String = (0..200).map(|at| format!("{{b: n{at}}}, ")).collect();
    let matrix = set(
        &format!("[{{matrix: {{generators: [{{list: {{elements: [{half}]}}}}, {{list: {{elements: [{other}]}}}}]}}}}]"),
        true,
        "{{ .a }}{{ .b }}",
        "x",
    );
    let bomb = set(
        "[{list: {elements: [{a: b}]}}]",
        true,
        "{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}",
        "x",
    );
    let chart = |body: &str| {
        vec![
            ("apps/Chart.yaml", "apiVersion: v2\nname: apps\nversion: 1.0.0\n".to_owned()),
            ("apps/templates/a.yaml", body.to_owned()),
            ("root.yaml", application("root", "path: apps")),
        ]
    };
    // Each application deploys the chart again, under another name.
    let endless = application("{{ .Release.Name }}x", "path: apps").replace("metadata: {name:", "metadata: {name: ");
    let nested = "a: ".to_owned() + &"[".repeat(5_000);
    let cases: Vec<(&str, Vec<(&str, String)>)> = vec![
        ("ten thousand elements", vec![("s.yaml", many), ("x/m.yaml", map("m"))]),
        ("a matrix of forty thousand", vec![("s.yaml", matrix), ("x/m.yaml", map("m"))]),
        ("a template that loops", vec![("s.yaml", bomb), ("x/m.yaml", map("m"))]),
        ("applications without end", chart(&endless)),
        ("values that nest", chart(&application("a", &format!("path: apps, helm: {{values: '{nested}'}}")))),
    ];
    for (what, files) in cases {
        let tree = tree(&files);
        let began = Instant::now();
        let catalog = Catalog::of(&tree).expect("a catalog");
        let refused = (0..catalog.stacks().len()).filter(|stack| catalog.rendered(*stack).is_err()).count();
        // Unoptimised builds take several times as long.
        assert!(began.elapsed() < Duration::from_secs(6), "{what}: {:?}", began.elapsed());
        assert!(refused > 0, "{what}: nothing was refused");
    }
}
