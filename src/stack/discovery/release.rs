//! What a release is called where nobody says it.

use crate::{
    engine::helm::values::release_name::{MAX, is_valid},
    source::{
        path::RepoPath,
        text::readable,
        tree::SourceTree,
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

/// What helm itself says where nobody does.
const NAMELESS: &str = "release-name";

/// The name of a release of a chart: that of the chart's folder, or of the chart where that is the whole repository, in
/// letters that helm takes.
pub fn name(tree: &dyn SourceTree, chart: &RepoPath) -> String {
    let named = match chart.name() {
        "" => said(tree, chart).unwrap_or_default(),
        folder => folder.to_owned(),
    };
    let named = named.to_lowercase();
    if is_valid(&named) {
        return named;
    }
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let plain: String =
        named.trim_start_matches(|letter: char| plain(letter) == '-').chars().map(plain).take(MAX).collect();
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() { NAMELESS.to_owned() } else { plain.to_owned() }
}

/// What the chart says that it is called.
fn said(tree: &dyn SourceTree, chart: &RepoPath) -> Option<String> {
    let content = tree.read(&chart.resolve("Chart.yaml").ok()?).ok()?;
    let stream = parse(&readable(&content)).ok()?;
    let document = stream.documents.first()?;
    let metadata = value(document, document.root?, Reader::Manifest).ok()?;
    metadata.get("name")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tree::MemoryTree;

    #[test]
    fn a_release_is_called_as_its_chart() {
        let cases = [
            ("charts/shop", "", "shop"),
            ("charts/My_Shop", "", "my-shop"),
            ("charts/_shop_", "", "shop"),
            ("charts/shop.v2", "", "shop.v2"),
            ("charts/___", "", "release-name"),
            ("", "name: harbor\n", "harbor"),
            ("", "name: {{ .Name }}\n", "release-name"),
            ("", "name: Ünder\n", "nder"),
            ("", "version: 1.0.0\n", "release-name"),
        ];
        for (chart, metadata, expected) in cases {
            let folder: RepoPath = if chart.is_empty() { RepoPath::root() } else { chart.parse().expect("a path") };
            let file = folder.resolve("Chart.yaml").expect("a path");
            let tree = MemoryTree::of([(file, metadata.as_bytes().to_vec())]);
            assert_eq!(name(&tree, &folder), expected, "{chart:?} {metadata:?}");
        }
        let tree = MemoryTree::of::<Vec<u8>>([]);
        assert_eq!(name(&tree, &"x".repeat(60).parse().expect("a path")), "x".repeat(53));
    }
}
