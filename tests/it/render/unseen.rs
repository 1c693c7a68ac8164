//! What an edit changes of a root module without a plan showing it.

use sourceward::{source::tree::MemoryTree, stack::catalog::Catalog};

/// What is rendered of a root module in one file, with digests of what is not.
fn unseen(text: &str) -> std::collections::BTreeMap<String, u64> {
    let tree = MemoryTree::of([("main.tf".parse().expect("a path"), text)]);
    let catalog = Catalog::of(&tree).expect("a catalog");
    catalog.rendered(0).unwrap_or_else(|refusal| panic!("{}: {text}", refusal.message)).unseen.clone()
}

#[test]
fn what_unknown_values_are_made_of_is_told_apart() {
    let around = |expression: &str| {
        format!(
            "data \"http\" \"x\" {{}}\nlocals {{\n  map = {{ a = \"1\", b = \"2\" }}\n}}\nresource \"a_b\" \"c\" {{\n  d = {expression}\n}}\n"
        )
    };
    let cases = [
        // The order and number of equal texts count.
        ("join(data.http.x.id, [\"a\", \"b\", \"a\"])", "join(data.http.x.id, [\"a\", \"b\", \"b\"])"),
        ("join(data.http.x.id, [\"a\", \"b\"])", "join(data.http.x.id, [\"b\", \"a\"])"),
        // So does what any branch, element or default holds.
        ("data.http.x.id == \"\" ? { a = \"1\" } : {}", "data.http.x.id == \"\" ? { a = \"2\" } : {}"),
        ("data.http.x.id == \"\" ? null : [][0]", "data.http.x.id == \"\" ? null : [][1]"),
        ("try([data.http.x.id, { a = \"1\" }], 1)", "try([data.http.x.id, { a = \"2\" }], 1)"),
        ("{ (data.http.x.id) = \"1\" }", "{ (data.http.x.id) = \"2\" }"),
        ("[for x in data.http.x.ids : { a = x, b = \"1\" }]", "[for x in data.http.x.ids : { a = x, b = \"2\" }]"),
        ("[for x in data.http.x.ids : x if x != \"1\"]", "[for x in data.http.x.ids : x if x != \"2\"]"),
        ("{ a = \"1\", b = \"2\" }[data.http.x.id]", "{ a = \"1\", b = \"3\" }[data.http.x.id]"),
        ("lookup({ a = \"1\" }, data.http.x.id, \"d\")", "lookup({ a = \"1\" }, data.http.x.id, \"e\")"),
        ("zipmap(data.http.x.ids, [\"1\"])", "zipmap(data.http.x.ids, [\"2\"])"),
        ("contains([\"1\"], data.http.x.id)", "contains([\"2\"], data.http.x.id)"),
        ("\"%{ for x in data.http.x.ids }a%{ endfor }\"", "\"%{ for x in data.http.x.ids }b%{ endfor }\""),
        ("\"%{ if data.http.x.ok }a%{ else }b%{ endif }\"", "\"%{ if data.http.x.ok }a%{ else }c%{ endif }\""),
        ("format(\"%s-1\", data.http.x.id)", "format(\"%s-2\", data.http.x.id)"),
        ("provider::a::b(\"1\")", "provider::a::b(\"2\")"),
        ("[for x in data.http.x.ids : local.map.a]", "[for x in data.http.x.ids : local.map.b]"),
    ];
    for (before, after) in cases {
        let (before, after) = (unseen(&around(before)), unseen(&around(after)));
        assert!(!before.is_empty() && before.keys().eq(after.keys()), "{before:?} {after:?}");
        assert_ne!(before, after);
    }
    // Where it stands does not count, nor what is of no consequence.
    let text = around("join(data.http.x.id, [\"a\", \"b\"])");
    assert_eq!(unseen(&text), unseen(&text.replace("resource", "# a comment\n\nresource")));
    assert_eq!(unseen(&text), unseen(&text.replace("b = \"2\"", "b = \"3\"")));
}

#[test]
fn what_may_be_there_or_not_is_told_apart() {
    let text = "data \"http\" \"x\" {}
locals {
  a = \"1\"
  b = { k = \"2\" }
}
resource \"a_b\" \"counted\" {
  count = length(data.http.x.ids)
  c     = local.a
}
resource \"a_b\" \"each\" {
  for_each = data.http.x.ok ? local.b : {}
  c        = each.value
}
module \"elsewhere\" {
  source = \"a/b/c\"
  input  = \"3\"
}
resource \"a_b\" \"told\" {
  c = module.elsewhere.output
}
";
    let before = unseen(text);
    for (what, old, new) in [
        ("a_b.counted", "\"1\"", "\"9\""),
        ("a_b.counted count", "length(data.http.x.ids)", "length(data.http.x.ids) + 1"),
        ("a_b.each count", "\"2\"", "\"9\""),
        ("module.elsewhere input", "\"3\"", "\"9\""),
    ] {
        let after = unseen(&text.replace(old, new));
        assert!(before.contains_key(what), "{what}: {:?}", before.keys());
        assert_ne!(before[what], after[what], "{what}");
    }
}
