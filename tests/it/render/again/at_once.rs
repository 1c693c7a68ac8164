//! Stacks that several threads look through at once declare what each declares alone.

use std::{collections::BTreeMap, path::Path};

use sourceward::{
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

use crate::render::collect;

#[test]
fn stacks_looked_through_at_once_declare_what_each_does_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/render");
    let mut files = BTreeMap::new();
    for engine in ["helm", "kustomize", "terraform"] {
        collect(&root, &root.join(engine), &mut files);
    }
    let files = files.into_iter().filter_map(|(path, text)| Some((path.parse::<RepoPath>().ok()?, text)));
    let tree = MemoryTree::of(files);
    let [alone, at_once] = [(), ()].map(|()| Catalog::of(&tree).expect("a catalog"));
    let stacks = alone.stacks().len();
    assert!(stacks > 400, "{stacks} stacks");
    at_once.look_through(0..stacks);
    let mut declared = 0;
    for stack in 0..stacks {
        let [one, other] = [&alone, &at_once].map(|catalog| catalog.contents(stack));
        declared += one.as_ref().map_or(0, |contents| contents.resources.len());
        assert_eq!(format!("{one:?}"), format!("{other:?}"), "{}", alone.stack(stack).name);
    }
    assert!(declared > 400, "{declared} resources");
}
