//! What units of Terragrunt come to.
//!
//! A case is a folder `terragrunt/<semantic>/` with `repo/` and `rendered.txt`: each stack that is discovered there, and what
//! its resources come to, or why it is refused. `UPDATE_EXPECT=1` writes what comes of it: hold it against Terragrunt's
//! documentation before it is believed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sourceward::{
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

#[test]
fn units_come_to_what_is_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/terragrunt");
    let cases = folders(&root);
    assert!(cases.len() >= 10, "the cases were not found");
    let wrong: Vec<String> = cases.iter().filter_map(|case| compare(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn compare(case: &Path) -> Result<(), String> {
    let (now, file) = (rendered(&case.join("repo")), case.join("rendered.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(file, now).expect("the expectation can be written");
        return Ok(());
    }
    let recorded = fs::read_to_string(&file).unwrap_or_default();
    if recorded == now {
        return Ok(());
    }
    Err(format!("{}\n--- recorded\n{recorded}--- now\n{now}", case.display()))
}

fn rendered(repo: &Path) -> String {
    let mut files = Vec::new();
    collect(repo, repo, &mut files);
    let tree = MemoryTree::of(files);
    let catalog = Catalog::of(&tree).expect("a repository without a configuration");
    let mut text = String::new();
    for (position, stack) in catalog.stacks().iter().enumerate() {
        let printed =
            catalog.rendered(position).and_then(|rendered| Ok(rendered.text()?.map(|text| text.into_owned())));
        let said = printed.map_or_else(|why| format!("{}: {}", why.code, why.message), Option::unwrap_or_default);
        text += &format!("{}\n{}\n", stack.name, said.trim());
    }
    text
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(RepoPath, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, found);
            continue;
        }
        let name = path.strip_prefix(root).expect("inside").to_str().expect("UTF-8");
        found.push((name.parse().expect("a path"), fs::read(&path).expect("a file")));
    }
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(root).into_iter().flatten().filter_map(Result::ok).map(|it| it.path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}
