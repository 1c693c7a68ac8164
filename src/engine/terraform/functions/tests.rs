//! Where answers come from.

use super::{call, find};
use crate::{
    engine::terraform::{
        context::Context,
        files::Files,
        leaf::{Leaf, PathId, Place, Role, Says},
        types::Type,
        unknown::Reason,
        value::{Entry, Key, Value},
    },
    source::{
        lineage::{
            sets::{LeafId, SetId},
            text::{MadeOf, Text},
        },
        path::RepoPath,
        span::Span,
        tree::MemoryTree,
    },
};

const JSON: &str = "{\"a\": {\"b\": [10, \"two\"]}}";
const YAML: &str = "a:\n  - x\n  - 'y z'\nport: 8080\n";

fn with(test: impl FnOnce(&mut Context<'_>)) {
    let files = [("data.json", JSON), ("data.yaml", YAML)];
    let tree = MemoryTree::of(files.map(|(name, content)| (name.parse::<RepoPath>().expect("a path"), content)));
    test(&mut Context::new(Files::new(&tree, RepoPath::root())));
}

/// A literal at a place of a configuration.
fn leaf(context: &mut Context<'_>, at: usize) -> LeafId {
    let file = context.files.id(&"main.tf".parse().expect("a path"));
    let place = Some(Place { file, span: Span::new(at, at + 1) });
    context.sets.leaf(Leaf { says: Says::Literal, role: Role::Local, place, path: PathId::ROOT })
}

fn string(context: &mut Context<'_>, at: usize, text: &str) -> Value {
    let leaf = leaf(context, at);
    Value::string(Text::verbatim(text.as_bytes(), leaf))
}

fn answer(context: &mut Context<'_>, name: &str, arguments: impl IntoIterator<Item = Value>) -> Value {
    let function = find(name).expect("a function");
    call(context, function, arguments.into_iter().collect()).expect("an answer")
}

/// What a value is made of, as the first bytes of its leaves.
fn data(context: &mut Context<'_>, value: &Value) -> Vec<usize> {
    let flow = value.own_flow(&mut context.sets);
    places(context, flow.data)
}

fn places(context: &Context<'_>, set: SetId) -> Vec<usize> {
    let place = |leaf: LeafId| context.sets.get(leaf).place.expect("a place").span.start;
    context.sets.leaves(set).map(place).collect()
}

fn at<'v>(value: &'v Value, name: &str) -> &'v Value {
    match name.parse::<usize>() {
        Ok(index) => &value.as_sequence().expect("a sequence")[index],
        Err(_) => &value.as_mapping().expect("a mapping").get(name).expect("an entry").value,
    }
}

#[test]
fn what_is_decoded_from_a_file_lies_in_that_file() {
    with(|context| {
        for (decode, file, source, path, wanted) in [
            ("jsondecode", "data.json", JSON, &["a", "b", "0"][..], "10"),
            ("jsondecode", "data.json", JSON, &["a", "b", "1"], "two"),
            ("jsondecode", "data.json", JSON, &["a", "b"], "[10, \"two\"]"),
            ("yamldecode", "data.yaml", YAML, &["a", "1"], "'y z'"),
            ("yamldecode", "data.yaml", YAML, &["port"], "8080"),
        ] {
            let text = answer(context, "file", [Value::text(file)]);
            let decoded = answer(context, decode, [text]);
            let value = path.iter().fold(&decoded, |value, name| at(value, name)).clone();
            let flow = value.own_flow(&mut context.sets);
            let only = flow.data.single().expect("one leaf");
            let Leaf { role, place, path: names, .. } = *context.sets.get(only);
            let place = place.expect("a place");
            assert_eq!(context.files.path(place.file).as_str(), file);
            assert_eq!(&source[place.span.range()], wanted);
            assert_eq!((role, context.paths.names(names)), (Role::File, path.to_vec()));
        }
    });
}

#[test]
fn what_was_encoded_comes_back_with_its_origins() {
    with(|context| {
        let number = leaf(context, 7);
        let inner = Value::list(Type::Number, [Value::number(1_i64).with_data(number.into())]);
        let object = Value::object([Entry::plain("k", inner)]);
        let encoded = answer(context, "jsonencode", [object]);
        assert_eq!(encoded.as_str(), Some("{\"k\":[1]}"));
        let decoded = answer(context, "jsondecode", [encoded]);
        let element = at(at(&decoded, "k"), "0").clone();
        assert_eq!(*at(&decoded, "k").ty(), Type::tuple([Type::Number]));
        assert_eq!(data(context, &element), [7]);
    });
}

#[test]
fn what_is_cut_and_joined_keeps_its_pieces() {
    with(|context| {
        let whole = string(context, 10, "eu-west-1,eu-west-2");
        let parts = answer(context, "split", [Value::text(","), whole]);
        let second = at(&parts, "1").as_string().expect("a string").text().clone();
        let slice = second.slices(0..second.len()).next().expect("a piece");
        assert!(matches!(slice.made_of, MadeOf::Verbatim { offset: 10, .. }), "{slice:?}");
        let name = string(context, 40, "web");
        let joined = answer(context, "join", [Value::text("-"), Value::tuple([name, at(&parts, "0").clone()])]);
        assert_eq!((joined.as_str(), data(context, &joined)), (Some("web-eu-west-1"), vec![10, 40]));
        let formatted = answer(context, "format", [Value::text("%s!"), joined]);
        assert_eq!(data(context, &formatted), [10, 40]);
    });
}

#[test]
fn what_is_picked_stays_itself_and_knows_why_it_was_picked() {
    with(|context| {
        let (empty, chosen) = (string(context, 1, ""), string(context, 2, "x"));
        let picked = answer(context, "coalesce", [empty, chosen]);
        let flow = picked.own_flow(&mut context.sets);
        assert_eq!((places(context, flow.data), places(context, flow.control)), (vec![2], vec![1]));
        let key = leaf(context, 20);
        let entry = Entry { key: Key::new(Text::verbatim(b"a", key)), value: string(context, 21, "v") };
        let map = Value::object([entry]).with_data(leaf(context, 22).into());
        let wanted = string(context, 23, "a");
        let looked_up = answer(context, "lookup", [map.clone(), wanted, Value::text("d")]);
        let flow = looked_up.own_flow(&mut context.sets);
        assert_eq!((places(context, flow.data), places(context, flow.control)), (vec![21], vec![22, 23]));
        let keys = answer(context, "keys", [map]);
        let first = at(&keys, "0").clone();
        assert_eq!(data(context, &first), [20]);
    });
}

#[test]
fn what_is_computed_comes_from_everything() {
    with(|context| {
        let (a, b) = (string(context, 1, "10.0.0.0/8"), leaf(context, 2));
        let bits = Value::number(8_i64).with_data(b.into());
        let subnet = answer(context, "cidrsubnet", [a, bits, Value::number(3_i64)]);
        assert_eq!((subnet.as_str(), data(context, &subnet)), (Some("10.3.0.0/16"), vec![1, 2]));
    });
}

#[test]
fn what_only_a_run_knows_is_unknown_for_that_reason() {
    with(|context| {
        for name in ["timestamp", "plantimestamp", "uuid"] {
            let value = answer(context, name, []);
            assert!(matches!(value.reason(), Some(Reason::Run(_))) && value.is_not_null(), "{name}");
        }
        let path = answer(context, "abspath", [Value::text("a")]);
        assert!(matches!(path.reason(), Some(Reason::Run(_))));
    });
}

#[test]
fn of_a_path_of_the_checkout_the_folders_of_the_repository_are_known() {
    with(|context| {
        let name = |context: &mut Context<'_>, path: &str| {
            let path = answer(context, "abspath", [Value::text(path)]);
            let (above, name) =
                (answer(context, "dirname", [path.clone()]), answer(context, "basename", [path.clone()]));
            let above = answer(context, "basename", [above]);
            assert!(!path.is_known());
            (above.as_str().map(str::to_owned), name.as_str().map(str::to_owned))
        };
        assert_eq!(name(context, "."), (None, None), "of a run that is elsewhere nothing is known");
        context.runs_in = Some("live/prod".parse().expect("a path"));
        let known = |above: &str, name: &str| (Some(above.to_owned()), Some(name.to_owned()));
        assert_eq!(name(context, "."), known("live", "prod"));
        assert_eq!(name(context, "a//b/../"), known("prod", "a"));
        assert_eq!(name(context, ".."), (None, Some("live".to_owned())), "the checkout may be called anything");
        for elsewhere in ["../..", "../../..", "/live/prod"] {
            assert_eq!(name(context, elsewhere), (None, None), "{elsewhere}");
        }
    });
}
