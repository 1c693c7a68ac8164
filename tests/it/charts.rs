//! Charts that are not plain files in a folder: where what they say leads to.

use serde_json::json;
use sourceward::{
    engine::{
        Rendered,
        helm::{
            render::{Cache, Installation, render},
            values::{Release, ValuesSource},
        },
        site::{Lists, Wording},
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::{path::RepoPath, tree::MemoryTree},
};

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 0.1.0\n";

fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

fn pointer(text: &str) -> Pointer {
    text.parse().expect("a pointer")
}

fn rendered(files: &[(&str, &str)], values: Vec<ValuesSource>) -> Rendered {
    let tree = MemoryTree::of(files.iter().map(|(name, text)| (path(name), text.as_bytes().to_vec())));
    let release = Release {
        name: "rel".to_owned(),
        namespace: "ns".to_owned(),
        is_upgrade: false,
        kube_version: None,
        api_versions: Vec::new(),
        values,
        arguments: Vec::new(),
        folder: RepoPath::root(),
    };
    let installation = Installation::new(&tree, path("shop"), release, false);
    render(&tree, &installation, &Cache::default()).expect("renders")
}

#[test]
fn places_count_the_byte_order_mark_of_their_file() {
    let template = "\u{feff}kind: K\na: x\nb: {{ .Values.b }}\nc: {{ default 7 .Values.c }}\n";
    let values = "\u{feff}b: v\n";
    let files = [("shop/Chart.yaml", CHART), ("shop/values.yaml", values), ("shop/templates/k.yaml", template)];
    let rendered = rendered(&files, Vec::new());
    let resource = &rendered.resources[0];
    assert_eq!(*resource.value, json!({"kind": "K", "a": "x", "b": "v", "c": 7}));
    let text = |file: &RepoPath| files.iter().find(|(name, _)| path(name) == *file).expect("a file").1;
    for (at, expected) in [("/a", "x"), ("/b", "v"), ("/c", "7")] {
        let origin = &resource.origins(&pointer(at))[0];
        assert_eq!(&text(&origin.file)[origin.span.range()], expected, "{at}");
    }
    for (at, value) in [("/a", json!("z")), ("/c", json!(8))] {
        let change = Change { at: pointer(at), action: Action::Set(value) };
        let sites = resource.sites(&[change], &resource.value, Lists::Unclear).expect("sites").concat();
        let worded = sites.iter().filter_map(|site| match &site.wording {
            Wording::Text { span, before, .. } => Some((&text(&site.file)[span.range()], before.as_str())),
            Wording::Yaml { .. } | Wording::Hcl(_) | Wording::Within { .. } | Wording::Create { .. } => None,
        });
        let worded: Vec<_> = worded.collect();
        assert!(!worded.is_empty() && worded.iter().all(|(now, before)| now == before), "{at}: {worded:?}");
    }
}

#[test]
fn values_in_another_document_count_as_a_file_of_their_own() {
    let chart = [
        ("shop/Chart.yaml", CHART),
        ("shop/values.yaml", "a: 1\nb: {c: 2, d: 3}\n"),
        ("shop/templates/k.yaml", "kind: K\na: {{ .Values.a }}\nb: {{ toJson .Values.b }}\n"),
    ];
    let (plain, more) = ("a: 5\nb:\n  c: six\n", "b: {d: 7}\n");
    let application = "kind: Project\n---\nkind: Application\nspec:\n  values: |\n    a: 5\n    b:\n      c: six\n  \
                       valuesObject: {b: {d: 7}}\n";
    let files = |extra: &[(&'static str, &'static str)]| [&chart[..], extra].concat();
    let from_files = rendered(
        &files(&[("a.yaml", plain), ("b.yaml", more)]),
        ["a.yaml", "b.yaml"].map(|file| ValuesSource::File(path(file))).into(),
    );
    let (file, document) = (path("app.yaml"), 1);
    let inside = vec![
        ValuesSource::Text { file: file.clone(), document, at: pointer("/spec/values") },
        ValuesSource::Node { file: file.clone(), document, at: pointer("/spec/valuesObject") },
    ];
    let embedded = rendered(&files(&[("app.yaml", application)]), inside);
    assert_eq!(embedded.printed, from_files.printed);
    assert_eq!(*embedded.resources[0].value, json!({"kind": "K", "a": 5, "b": {"c": "six", "d": 7}}));
    let lines = |at: &str| -> Vec<usize> {
        let origins = embedded.resources[0].origins(&pointer(at)).into_iter();
        origins.filter(|origin| origin.file == file).map(|origin| origin.line).collect()
    };
    assert_eq!(lines("/a"), [6]);
    assert_eq!((lines("/b/c"), lines("/b/d")), (vec![8], vec![9]));
}
