//! Charts of other places: those that stand in the repository's `charts` folder or in the operator's, found by name and
//! version.

use serde_json::Value;

use super::surroundings::CHARTS;
use crate::{
    engine::helm::chart::constraint::{Version, fits},
    model::refusal::{Code, Refusal},
    source::{
        path::RepoPath,
        tree::{SourceTree, within},
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

/// The folders that charts of other places stand in.
const FOLDERS: [&str; 2] = ["charts", CHARTS];

/// How deep below such a folder a chart may be: `charts/acme/shop`.
const MAX_DEPTH: usize = 2;

/// A chart of another place, as an object asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// Its name.
    pub name: &'w str,
    /// Its version or a range of versions; empty for the latest.
    pub version: &'w str,
    /// Where it is published.
    pub url: &'w str,
}

/// Finds a chart: its folder or archive, the highest version of those that fit.
///
/// # Errors
/// `engine-unsupported`, saying exactly what is missing.
pub fn find(tree: &dyn SourceTree, wanted: Wanted<'_>) -> Result<RepoPath, Refusal> {
    let mut found: Vec<(Version, RepoPath)> = Vec::new();
    let mut others = Vec::new();
    for folder in FOLDERS {
        let folder: RepoPath = folder.parse().expect("a path");
        let depth = folder.as_str().matches('/').count();
        for entry in within(tree, &folder) {
            let below = entry.path.as_str().matches('/').count() - depth;
            if below > MAX_DEPTH + 1 {
                continue;
            }
            let Some((version, path)) = chart(tree, &entry.path, wanted.name) else { continue };
            match Version::parse(&version) {
                Some(parsed) if is_wanted(wanted.version, &version) => found.push((parsed, path)),
                _ => others.push(version),
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.numbers.cmp(&b.numbers).then_with(|| b.prerelease.cmp(&a.prerelease)));
    found.pop().map(|(_, path)| path).ok_or_else(|| {
        let Wanted { name, version, url } = wanted;
        let version = if version.is_empty() { "of any version".to_owned() } else { version.to_owned() };
        let here = if others.is_empty() { String::new() } else { format!("; here is {}", others.join(", ")) };
        Refusal::new(
            Code::EngineUnsupported,
            format!("the chart {name} {version} of {url} is not in the repository{here}"),
            "put the chart, as a folder or .tgz, into a folder and name that with --charts DIR",
        )
    })
}

/// The version and path of a chart of a name that an entry of the tree is, or is the `Chart.yaml` of.
fn chart(tree: &dyn SourceTree, path: &RepoPath, name: &str) -> Option<(String, RepoPath)> {
    if let Some(archive) = path.name().strip_suffix(".tgz") {
        let version = archive.strip_prefix(name)?.strip_prefix('-')?;
        return Some((version.to_owned(), path.clone()));
    }
    if path.name() != "Chart.yaml" {
        return None;
    }
    let bytes = tree.read(path).ok()?;
    let stream = parse(std::str::from_utf8(&bytes).ok()?).ok()?;
    let document = stream.documents.first()?;
    let chart = value(document, document.root?, Reader::Helm).ok()?;
    let text = |key: &str| chart.get(key).and_then(Value::as_str);
    (text("name")? == name).then_some(())?;
    Some((text("version")?.to_owned(), path.parent()?))
}

/// Tells whether a version is one that is asked for; a `v` before either says nothing.
fn is_wanted(wanted: &str, version: &str) -> bool {
    match wanted.trim() {
        "" => fits("*", version),
        wanted => fits(wanted, version) || wanted.trim_start_matches('v') == version.trim_start_matches('v'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tree::MemoryTree;

    #[test]
    fn the_highest_version_that_fits_is_found() {
        let chart = |version: &str| format!("name: redis\nversion: {version}\n");
        let files = [
            ("charts/redis/Chart.yaml", chart("1.2.3")),
            ("charts/other/redis/Chart.yaml", chart("1.4.0")),
            (".git/charts/redis-2.0.1.tgz", String::new()),
            ("deep/charts/redis/Chart.yaml", chart("9.9.9")),
        ];
        let tree = MemoryTree::of(files.map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text)));
        let find = |version: &str| find(&tree, Wanted { name: "redis", version, url: "https://charts" });
        let cases = [
            ("", ".git/charts/redis-2.0.1.tgz"),
            ("1.x", "charts/other/redis"),
            ("1.2.3", "charts/redis"),
            ("v1.2.3", "charts/redis"),
        ];
        for (version, path) in cases {
            assert_eq!(find(version).expect("a chart").as_str(), path, "{version}");
        }
        let missing = find("3.0.0").expect_err("no such version").message;
        assert!(
            missing.starts_with("the chart redis 3.0.0 of https://charts is not in the repository; here is"),
            "{missing}"
        );
    }
}
