//! Root modules that share modules come to what each comes to when nothing was rendered before.
//!
//! A module that was found valid is not looked through again. Where it would be found invalid, under another root or with
//! another line in it, that must show.

use sourceward::{
    engine::Parsed,
    source::{
        path::RepoPath,
        tree::{MemoryTree, Overlay, SourceTree},
    },
    stack::catalog::Catalog,
};

use super::{edits, told};

/// Repositories by what could make a module valid here and invalid there.
const ROOTS: &[(&str, &[(&str, &str)])] = &[
    (
        "a block without instances refers to what one line declares",
        &[
            ("a/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
            ("b/main.tf", "module \"m\" {\n  source = \"../m\"\n  size   = 3\n}\n"),
            (
                "m/main.tf",
                "variable \"size\" {\n  type    = number\n  default = 1\n}\nlocals {\n  half = var.size\n}\nresource \
                 \"terraform_data\" \"none\" {\n  count = 0\n  input = local.half.x\n}\n",
            ),
        ],
    ),
    (
        "a file that only one root has",
        &[
            ("a/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
            ("a/greeting.txt", "hello\n"),
            ("b/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
            (
                "m/main.tf",
                "resource \"terraform_data\" \"none\" {\n  count = 0\n  input = file(\"${path.root}/greeting.txt\")\n}\n",
            ),
        ],
    ),
    (
        "a module of a module that a root's workspace or path decides over",
        &[
            ("a/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
            ("c/d/main.tf", "module \"m\" {\n  source = \"../../m\"\n}\n"),
            ("m/main.tf", "module \"n\" {\n  source = \"./n\"\n  given  = 1\n}\n"),
            (
                "m/n/main.tf",
                "variable \"given\" {}\nresource \"terraform_data\" \"none\" {\n  count = 0\n  input = \
                 tomap({ a = 1 })[path.module == \"../m/n\" ? \"a\" : \"b\"]\n}\n",
            ),
        ],
    ),
    (
        "what a call without instances gives does not fit",
        &[
            ("a/main.tf", "module \"m\" {\n  source = \"../m\"\n  count  = 0\n  sizes  = [1]\n}\n"),
            ("b/main.tf", "module \"m\" {\n  source = \"../m\"\n  count  = 0\n  sizes  = 1\n}\n"),
            (
                "m/main.tf",
                "variable \"sizes\" {\n  type = list(number)\n}\nresource \"terraform_data\" \"each\" {\n  for_each = \
                 toset([])\n  input    = var.sizes[0]\n}\n",
            ),
        ],
    ),
    (
        "an override file and a file of JSON",
        &[
            ("a/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
            ("b/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
            ("m/main.tf", "resource \"terraform_data\" \"none\" {\n  count = 0\n  input = local.a\n}\n"),
            ("m/main_override.tf", "resource \"terraform_data\" \"none\" {\n  input = local.b\n}\n"),
            ("m/more.tf.json", "{\n\"locals\": {\n\"a\": 1,\n\"b\": 2\n}\n}\n"),
        ],
    ),
];

#[test]
fn roots_rendered_after_others_are_what_they_are_alone() {
    for (name, files) in ROOTS {
        let path = |name: &str| name.parse::<RepoPath>().expect("a path");
        let files = files.iter().map(|(name, text)| (path(name), *text));
        let tree = MemoryTree::of(files.clone().map(|(path, text)| (path, text.as_bytes().to_vec())));
        let catalog = Catalog::of(&tree).expect("no configuration");
        let check = |tree: &dyn SourceTree, edit: &str| {
            for stack in catalog.stacks() {
                let again = told(&stack.declaration.render(tree, catalog.memory()));
                assert_eq!(again, told(&stack.declaration.render(tree, &Parsed::default())), "{name}: {edit}");
            }
        };
        assert!(catalog.stacks().len() > 1, "{name}: roots were not found");
        check(&tree, "nothing is edited");
        for (file, text) in files {
            for edited in edits(text) {
                let over = Overlay::new(&tree, [(file.clone(), Some(edited.as_bytes().into()))].into());
                check(&over, &format!("{file} as {edited:?}"));
                check(&tree, "nothing is edited any more");
            }
        }
    }
}
