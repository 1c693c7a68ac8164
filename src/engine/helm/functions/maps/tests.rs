use super::*;
use crate::engine::helm::template::fault::FaultKind;

struct Origins {
    context: Context,
}

impl Origins {
    fn new() -> Self {
        Self { context: Context::default() }
    }

    fn place(&mut self, path: &str) -> PathId {
        path.split('.').fold(PathId::ROOT, |above, key| self.context.paths.join(above, key))
    }

    /// The leaf of a key that is missing at a path; it stands for leaves of every kind.
    fn leaf(&mut self, path: &str) -> SetId {
        let at = self.place(path);
        self.context.sets.leaf(Leaf::Absent { at }).into()
    }

    fn number(&mut self, number: f64, leaf: &str) -> Value {
        Value::new(Datum::Float(number), MadeOf::Derived(self.leaf(leaf)))
    }

    /// A map of the values with its place; keys are made of `key:` and their name.
    fn map(&mut self, place: &str, entries: &[(&str, Value)]) -> Value {
        let map = Map::new(MapKind::Any);
        for (key, value) in entries {
            let leaf = self.leaf(&format!("key:{key}"));
            map.insert(Text::new(key.as_bytes(), MadeOf::Derived(leaf)), value.clone());
        }
        map.set_places(vec![self.place(place)]);
        Value::plain(Datum::Map(map))
    }

    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Value, Fault> {
        let function = FUNCTIONS.iter().find(|function| function.name == name).expect("a function of maps");
        (function.body)(&mut self.context, arguments)
    }

    fn below(&self, value: &Value, key: &str) -> Value {
        as_map(value).get(key.as_bytes()).unwrap_or_else(|| panic!("no {key} in {value:?}"))
    }
}

fn as_map(value: &Value) -> &Map {
    match &value.datum {
        Datum::Map(map) => map,
        other => panic!("{other:?} is no map"),
    }
}

fn key(name: &str) -> Value {
    Value::text(Text::plain(name))
}

#[test]
fn what_is_missing_leads_to_where_it_would_be_set() {
    let mut origins = Origins::new();
    let absent = origins.leaf("web.port");
    let web = origins.map("web", &[]);
    let got = origins.call("get", &[web.clone(), key("port")]).unwrap();
    assert_eq!(got.made_of.set(), absent);
    let known = origins.call("hasKey", &[web.clone(), key("port")]).unwrap();
    assert_eq!((known.is_true(), known.made_of.set()), (false, absent));
    let root = origins.map("", &[("web", web)]);
    let fallback = origins.number(80.0, "literal");
    let dug = origins.call("dig", &[key("web"), key("port"), fallback.clone(), root]).unwrap();
    assert_eq!((dug.made_of, dug.control), (fallback.made_of, absent));
}

#[test]
fn merging_fills_what_is_absent_or_empty_and_says_so() {
    let mut origins = Origins::new();
    let (specific, empty) = (origins.number(1.0, "specific.a"), origins.number(0.0, "specific.b"));
    let general = ["general.a", "general.b", "general.c"].map(|leaf| origins.number(9.0, leaf));
    let destination = origins.map("specific", &[("a", specific.clone()), ("b", empty.clone())]);
    let source =
        origins.map("general", &[("a", general[0].clone()), ("b", general[1].clone()), ("c", general[2].clone())]);
    let merged = origins.call("merge", &[destination.clone(), source]).unwrap();
    let absent = origins.leaf("specific.c");
    for (name, made_of, control) in [
        ("a", specific.made_of, SetId::EMPTY),
        ("b", general[1].made_of, empty.made_of.set()),
        ("c", general[2].made_of, absent),
    ] {
        let value = origins.below(&merged, name);
        assert_eq!((value.made_of, value.control), (made_of, control), "{name}");
    }
    assert!(as_map(&merged).is(as_map(&destination)));
    let places = [origins.place("specific"), origins.place("general")];
    assert_eq!(as_map(&merged).places(), places);
    let missing = absent_of(&mut origins, &merged, "d");
    let both = ["specific.d", "general.d"].map(|leaf| origins.leaf(leaf));
    assert_eq!(missing, origins.context.sets.union_all(both));
}

fn absent_of(origins: &mut Origins, map: &Value, name: &str) -> SetId {
    super::absent(&mut origins.context, as_map(map), name.as_bytes())
}

#[test]
fn what_overwriting_leaves_alone_leads_to_where_it_would_be_overwritten() {
    let mut origins = Origins::new();
    let (kept, lost, won) =
        (origins.number(1.0, "base.kept"), origins.number(2.0, "base.lost"), origins.number(0.0, "over.lost"));
    let base = origins.map("base", &[("kept", kept.clone()), ("lost", lost)]);
    let over = origins.map("over", &[("lost", won.clone())]);
    let merged = origins.call("mergeOverwrite", &[base, over]).unwrap();
    let absent = origins.leaf("over.kept");
    let (stayed, replaced) = (origins.below(&merged, "kept"), origins.below(&merged, "lost"));
    assert_eq!((stayed.made_of, stayed.control), (kept.made_of, absent));
    assert_eq!((replaced.made_of, replaced.control), (won.made_of, SetId::EMPTY));
    let places = [origins.place("over"), origins.place("base")];
    assert_eq!(as_map(&merged).places(), places);
}

#[test]
fn copies_and_choices_of_entries_keep_keys_values_and_places() {
    let mut origins = Origins::new();
    let (one, two) = (origins.number(1.0, "web.one"), origins.number(2.0, "web.two"));
    let below = origins.map("web.below", &[("two", two.clone())]);
    let web = origins.map("web", &[("one", one.clone()), ("below", below.clone())]);
    let computed = Value::text(Text::new(b"below", MadeOf::Derived(origins.leaf("name"))));
    let places = [origins.place("web")];
    let name = origins.leaf("name");
    for (function, arguments, control) in [
        ("deepCopy", vec![web.clone()], SetId::EMPTY),
        ("pick", vec![web.clone(), key("one")], SetId::EMPTY),
        ("omit", vec![web.clone(), computed], name),
    ] {
        let made = origins.call(function, &arguments).unwrap();
        let key_leaf = origins.leaf("key:one");
        let entry = as_map(&made).entry(b"one").unwrap();
        assert_eq!(entry.key.pieces()[0].made_of.set(), key_leaf, "{function}");
        assert_eq!(entry.value.made_of, one.made_of, "{function}");
        assert_eq!(as_map(&made).places(), places, "{function}");
        // A name that is no constant is part of what chose the entries.
        let constant = SetId::EMPTY;
        assert_eq!(made.control, if function == "omit" { control } else { constant }, "{function}");
        assert!(!as_map(&made).is(as_map(&web)), "{function}");
    }
    let copy = origins.call("deepCopy", &[web]).unwrap();
    let copied = origins.below(&copy, "below");
    assert!(!as_map(&copied).is(as_map(&below)));
    assert_eq!(as_map(&copied).places(), [origins.place("web.below")]);
}

#[test]
fn only_an_order_that_go_chooses_is_volatile() {
    let mut origins = Origins::new();
    let number = origins.number(1.0, "n");
    let one = origins.map("web", &[("a", number.clone())]);
    let two = origins.map("web", &[("a", number.clone()), ("b", number)]);
    for (function, map, volatile) in
        [("keys", &one, false), ("keys", &two, true), ("values", &one, false), ("values", &two, true)]
    {
        let list = origins.call(function, std::slice::from_ref(map)).unwrap();
        let sets = &origins.context.sets;
        let is_volatile = sets.leaves(list.made_of.set()).any(|leaf| matches!(sets.get(leaf), Leaf::Volatile(_)));
        assert_eq!(is_volatile, volatile, "{function} {map:?}");
    }
}

#[test]
fn a_map_in_itself_ends_in_a_limit() {
    let mut origins = Origins::new();
    let [a, b] = ["a", "b"].map(|place| {
        let map = origins.map(place, &[]);
        origins.call("set", &[map.clone(), key("x"), map]).unwrap()
    });
    for (function, arguments) in [
        ("deepCopy", vec![a.clone()]),
        ("merge", vec![a.clone(), b.clone()]),
        ("mergeOverwrite", vec![a.clone(), b.clone()]),
    ] {
        let fault = origins.call(function, &arguments).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Limit, "{function}");
    }
    for map in [a, b] {
        as_map(&map).clear();
    }
}
