//! Links of charts that lead elsewhere, and who reads what links lead to.

use sourceward::{
    model::refusal::Refusal,
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

/// Charts that share a template, a subchart and what a chart says of itself by links.
const FILES: &[(&str, &str)] = &[
    (
        ".github/sourceward.yaml",
        "version: 1\nstacks:\n- {name: app, helm: {chart: app}}\n- {name: other, helm: {chart: other}}\n- {name: moved, helm: {chart: moved}}\n",
    ),
    ("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: lib, version: 0.1.0}\n"),
    ("lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\n"),
    ("lib/templates/b.yaml", "apiVersion: v1\nkind: B\nmetadata: {name: b}\n"),
    ("other/Chart.yaml", "apiVersion: v2\nname: other\nversion: 1.0.0\n"),
    ("shared/values.yaml", "count: 3\n"),
    (
        "shared/Chart.yaml",
        "apiVersion: v2\nname: moved\nversion: 1.0.0\ndependencies:\n- {name: lib, version: 0.1.0, repository: 'file://../lib'}\n",
    ),
    ("moved/templates/a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"),
    // What an operator lays beside a repository.
    (".git/charts/y/Chart.yaml", "apiVersion: v2\nname: y\nversion: 1.0.0\n"),
];

const LINKS: &[(&str, &str)] = &[
    ("app/README.md", "/etc/passwd"),
    ("app/charts/lib", "../../lib"),
    ("app/values.yaml", "../shared/values.yaml"),
    ("moved/Chart.yaml", "../shared/Chart.yaml"),
    ("other/templates/b.yaml", "../../lib/templates/b.yaml"),
];

fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

fn tree<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
    links: impl Iterator<Item = (&'a str, &'a str)>,
) -> MemoryTree {
    MemoryTree::of(files.map(|(file, text)| (path(file), text)))
        .with_links(links.map(|(link, target)| (path(link), target.to_owned())))
}

fn refused(tree: &MemoryTree) -> Option<Refusal> {
    Catalog::of(tree).expect("a catalog").rendered(0).err()
}

#[test]
fn an_edit_where_a_link_leads_concerns_whoever_reads_that() {
    let tree = tree(FILES.iter().copied(), LINKS.iter().copied());
    let catalog = Catalog::of(&tree).expect("a catalog");
    for (file, app, other) in [
        ("lib/values.yaml", true, false),
        ("lib/templates/b.yaml", true, true),
        ("shared/values.yaml", true, false),
        ("unrelated", false, false),
    ] {
        assert_eq!((catalog.may_read(0, &path(file)), catalog.may_read(1, &path(file))), (app, other), "{file}");
    }
    // The dependency stands in a linked file.
    assert_eq!(catalog.rendered(2).expect("it renders").resources.len(), 2);
    assert!(catalog.may_read(2, &path("lib/templates/b.yaml")) && catalog.may_read(2, &path("shared/Chart.yaml")));
    let files = &catalog.rendered(0).expect("it renders").files;
    assert!(files.contains(&path("shared/values.yaml")) && !files.contains(&path("app/values.yaml")), "{files:?}");
}

#[test]
fn links_that_lead_elsewhere_are_refused() {
    for (link, target) in [
        ("app/templates/x.yaml", "/etc/passwd"),
        ("app/templates/x.yaml", "../../../outside.yaml"),
        ("app/templates/x.yaml", "missing.yaml"),
        ("app/templates/x.yaml", "../values.yaml"),
        ("app/charts/x", "../.."),
        ("app/charts/x", "../charts"),
        ("app/charts/x", "lib"),
        ("app/charts/x", "../../.git/charts/y"),
    ] {
        let links = LINKS.iter().copied().chain([(link, target)]);
        let refusal = refused(&tree(FILES.iter().copied(), links)).expect(target);
        assert!(refusal.message.contains("a link to nothing of the repository"), "{target}: {}", refusal.message);
    }
}

#[test]
fn what_links_lead_to_is_limited() {
    let many: Vec<String> = (0..3_000).map(|n| format!("big/f{n}")).collect();
    let files = FILES.iter().copied().chain(many.iter().map(|file| (file.as_str(), "")));
    let links = (0..4).map(|n| format!("app/templates/l{n}")).collect::<Vec<_>>();
    let links = LINKS.iter().copied().chain(links.iter().map(|link| (link.as_str(), "../../big")));
    let refusal = refused(&tree(files, links)).expect("too many");
    assert!(refusal.message.contains("more than 10000 files"), "{}", refusal.message);
}
