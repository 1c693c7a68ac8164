//! What is known of a repository besides its files: the addresses that it is known by, the clusters that it is deployed to,
//! the charts beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::source::{
    path::RepoPath,
    tree::{SourceTree, within},
};

/// Where charts of other places stand in the tree, where the operator has given any: no repository can have such a folder.
pub const CHARTS: &str = ".git/charts";

/// What is known of a repository besides its files.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The addresses that the repository's configuration gives for it: no other counts.
    pub repositories: Vec<String>,
    /// The addresses that it was cloned from. Where its objects name one of them, no other counts; where they name none, it
    /// is a fork or mirror, and they say so themselves.
    pub remotes: Vec<String>,
    /// The clusters that applications are generated for, each as a cluster generator sees it.
    pub clusters: Vec<Value>,
    /// Without a known address: those that the repository's own objects give for it.
    pub evident: BTreeSet<String>,
}

/// Whose a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This repository's.
    Own,
    /// Another repository's.
    Foreign,
    /// Nothing tells.
    Unknown,
}

impl Surroundings {
    /// Tells whose files an address leads to.
    pub fn whose(&self, url: &str) -> Whose {
        let url = normal(url);
        if !self.repositories.is_empty() {
            let is_own = self.repositories.iter().any(|own| normal(own) == url);
            return if is_own { Whose::Own } else { Whose::Foreign };
        }
        if self.evident.contains(&url) {
            Whose::Own
        } else if self.evident.is_empty() {
            Whose::Unknown
        } else {
            Whose::Foreign
        }
    }

    /// Why a source's files are not here, for people.
    pub fn foreign(&self, url: &str) -> (String, String) {
        let message = format!("its source is another repository, {url}");
        let hint = "where that is this repository, name the address under `repositories` in .github/sourceward.yaml";
        (message, hint.to_owned())
    }
}

/// What tells an address's repository from others: without scheme, user, port, `.git` and letter case.
pub fn normal(url: &str) -> String {
    let url = url.trim().to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://").map_or(("", &*url), |(scheme, rest)| (scheme, rest));
    let rest = match rest.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => rest,
    };
    // `git@host:owner/name` has a colon where others have a slash or a port.
    let rest = match rest.split_once(':') {
        Some((host, path)) if scheme.is_empty() && !host.contains('/') => format!("{host}/{path}"),
        Some((host, path)) if !host.contains('/') => match path.split_once('/') {
            Some((port, path)) if port.bytes().all(|byte| byte.is_ascii_digit()) => format!("{host}/{path}"),
            _ => rest.to_owned(),
        },
        _ => rest.to_owned(),
    };
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).trim_end_matches('/').to_owned()
}

/// The addresses that a repository's own objects give for it: those of whose paths more than half are here, and of several
/// such the one with the most, together with its forks.
pub fn evident(tree: &dyn SourceTree, sources: &BTreeSet<(String, RepoPath)>) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    // The root is in every repository.
    for (url, path) in sources.iter().filter(|(_, path)| !path.as_str().is_empty()) {
        let (here, all) = counts.entry(url).or_default();
        *all += 1;
        *here += usize::from(is_here(tree, path));
    }
    counts.retain(|_, (here, all)| *here * 2 > *all);
    let most = counts.values().map(|(here, _)| *here).max().unwrap_or_default();
    let names: BTreeSet<&str> =
        counts.iter().filter(|(_, (here, _))| *here == most).filter_map(|(url, _)| url.rsplit('/').next()).collect();
    // Two repositories that fit equally well: neither is believed.
    if names.len() != 1 {
        return BTreeSet::new();
    }
    counts
        .keys()
        .filter(|url| url.rsplit('/').next().is_some_and(|name| names.contains(name)))
        .map(|url| (*url).to_owned())
        .collect()
}

/// Tells whether there is a file or folder of this name.
pub fn is_here(tree: &dyn SourceTree, path: &RepoPath) -> bool {
    crate::source::tree::entry(tree, path).is_some() || within(tree, path).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tree::MemoryTree;

    #[test]
    fn addresses_of_one_repository_are_one() {
        let same = [
            "https://github.com/Acme/Shop.git",
            "git@github.com:acme/shop",
            "ssh://git@github.com:22/acme/shop.git/",
            "https://user:token@github.com/acme/shop/",
        ];
        assert!(same.iter().all(|url| normal(url) == "github.com/acme/shop"), "{:?}", same.map(normal));
        assert_ne!(normal("https://github.com/acme/shop-charts"), normal(same[0]));
    }

    #[test]
    fn the_address_whose_paths_are_here_is_the_repositorys_own() {
        let path = |text: &str| text.parse::<RepoPath>().expect("a path");
        let tree = MemoryTree::of([(path("apps/a/x.yaml"), ""), (path("apps/b/x.yaml"), "")]);
        let sources = |list: &[(&str, &str)]| {
            evident(&tree, &list.iter().map(|(url, at)| ((*url).to_owned(), path(at))).collect())
        };
        let own = BTreeSet::from(["h/acme/ops".to_owned()]);
        assert_eq!(sources(&[("h/acme/ops", "apps/a"), ("h/acme/ops", "apps/b"), ("h/other/x", "apps/a")]), own);
        assert_eq!(
            sources(&[("h/acme/ops", "apps/a"), ("h/acme/ops", "gone"), ("h/acme/ops", "away")]),
            BTreeSet::new()
        );
        assert_eq!(sources(&[("h/acme/ops", "apps/a"), ("h/other/x", "apps/a")]), BTreeSet::new());
        assert_eq!(sources(&[("h/acme/ops", "")]), BTreeSet::new());
    }
}
