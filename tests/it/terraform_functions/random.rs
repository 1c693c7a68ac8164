//! Whatever they are given, functions answer or refuse; conversions, sets and numbers keep their promises.

use proptest::prelude::*;
use sourceward::{
    engine::terraform::{
        budget::MAX_DEPTH,
        context::Context,
        convert::convert,
        equal::equal,
        files::Files,
        functions::{TABLES, call},
        number::Number,
        problem::Kind,
        types::Type,
        unknown::{Reason, Unknown},
        value::{Entry, Marks, Value},
    },
    source::{path::RepoPath, tree::MemoryTree},
};

/// How a value is made.
#[derive(Clone, Debug)]
enum Recipe {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Unknown,
    UnknownText,
    Sensitive(Box<Self>),
    Tuple(Vec<Self>),
    List(Vec<Self>),
    Set(Vec<Self>),
    Object(Vec<(String, Self)>),
    Map(Vec<(String, Self)>),
}

impl Recipe {
    fn value(&self, context: &mut Context<'_>) -> Value {
        let reason = || Reason::Run("a test".into());
        let all = |parts: &[Self], context: &mut Context<'_>| -> Vec<Value> {
            parts.iter().map(|part| part.value(context)).collect()
        };
        let entries = |parts: &[(String, Self)], context: &mut Context<'_>| -> Vec<Entry> {
            parts.iter().map(|(key, part)| Entry::plain(key, part.value(context))).collect()
        };
        let collected =
            |context: &mut Context<'_>, value: Value, ty: Type| convert(context, &value, &ty).unwrap_or(value);
        match self {
            Self::Null => Value::null(Type::Dynamic),
            Self::Bool(bool) => Value::bool(*bool),
            Self::Number(number) => Value::number(Number::parse(number).expect("a number")),
            Self::Text(text) => Value::text(text),
            Self::Unknown => Value::unknown_of(Type::Dynamic, reason()),
            Self::UnknownText => Value::not_known(Type::String, Unknown::not_null(reason())),
            Self::Sensitive(inner) => inner.value(context).with_marks(Marks::SENSITIVE),
            Self::Tuple(parts) => Value::tuple(all(parts, context)),
            Self::List(parts) => {
                let tuple = Value::tuple(all(parts, context));
                collected(context, tuple, Type::list(Type::Dynamic))
            }
            Self::Set(parts) => {
                let tuple = Value::tuple(all(parts, context));
                collected(context, tuple, Type::set(Type::Dynamic))
            }
            Self::Object(parts) => Value::object(entries(parts, context)),
            Self::Map(parts) => {
                let object = Value::object(entries(parts, context));
                collected(context, object, Type::map(Type::Dynamic))
            }
        }
    }
}

fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        (-20_i64..20).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?",
        "-?[0-9]{1,5}e-?[0-9]{1,4}",
    ]
}

fn texts() -> impl Strategy<Value = String> {
    let known = [
        "",
        "a",
        "a,b\n1,2\n",
        "%s-%d",
        "%5.2f",
        "10.0.0.0/8",
        "fd00::/64",
        "2024-02-29T13:04:05Z",
        "1h",
        "YYYY-MM-DD'",
        "[1, {\"a\": null}]",
        "a: [1, &x b, *x]\n",
        "(a)(?P<x>b)?",
        "/(a+)/",
        "UTF-16LE",
        "aGVsbG8=",
        "dns",
        "hello.txt",
        "**/*",
        "../x",
        "e\u{301}👨‍👩‍👧",
        "true",
        "0x1f",
        "yes",
        "\u{feff}a",
        "${a}",
        "$1",
    ];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), ".{0,12}", "[a-c/*{},'%.\\[\\]-]{0,10}"]
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let leaf = prop_oneof![
        1 => Just(Recipe::Null),
        2 => any::<bool>().prop_map(Recipe::Bool),
        4 => numbers().prop_map(Recipe::Number),
        6 => texts().prop_map(Recipe::Text),
        1 => Just(Recipe::Unknown),
        1 => Just(Recipe::UnknownText),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..4);
        let named = prop::collection::vec(("[a-cé]{0,2}", inner.clone()), 0..4);
        prop_oneof![
            inner.prop_map(|inner| Recipe::Sensitive(Box::new(inner))),
            parts.clone().prop_map(Recipe::Tuple),
            parts.clone().prop_map(Recipe::List),
            parts.prop_map(Recipe::Set),
            named.clone().prop_map(Recipe::Object),
            named.prop_map(Recipe::Map),
        ]
    })
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Dynamic), Just(Type::Bool), Just(Type::Number), Just(Type::String)];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::tuple),
            prop::collection::vec(("[a-c]", inner), 0..3)
                .prop_map(|parts| Type::object(parts.into_iter().map(|(name, ty)| (name.into(), ty)))),
        ]
    })
}

fn with_context<T>(test: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let tree = MemoryTree::of([("hello.txt".parse::<RepoPath>().expect("a path"), "hello")]);
    test(&mut Context::new(Files::new(&tree, RepoPath::root())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn no_function_panics(pick in any::<prop::sample::Index>(), given in prop::collection::vec(recipes(), 0..5)) {
        with_context(|context| {
            let functions: Vec<_> = TABLES.iter().flat_map(|table| table.iter()).collect();
            let function = functions[pick.index(functions.len())];
            let mut arguments: Vec<Value> = given.iter().map(|recipe| recipe.value(context)).collect();
            let wanted = function.parameters.len();
            while arguments.len() < wanted {
                arguments.push(Value::text("a"));
            }
            if function.rest.is_none() {
                arguments.truncate(wanted);
            }
            let sensitive = arguments.iter().any(|argument| argument.marks().is_sensitive);
            match call(context, function, arguments) {
                Ok(answer) => {
                    prop_assert!(answer.depth() <= MAX_DEPTH);
                    // `merge` leaves nulls out, and what marks them.
                    let clears = matches!(
                        function.name,
                        "nonsensitive" | "issensitive" | "coalesce" | "lookup" | "merge" | "sensitive"
                    );
                    let shows = answer.is_known() && !answer.marks_within().is_sensitive;
                    prop_assert!(clears || !sensitive || !shows, "{} shows it", function.name);
                }
                Err(problem) => prop_assert!(!problem.message.is_empty() && problem.kind != Kind::Limit),
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_converted_value_stays_as_it_is(recipe in recipes(), ty in types()) {
        with_context(|context| {
            let value = recipe.value(context);
            if let Ok(once) = convert(context, &value, &ty) {
                prop_assert!(once.ty().conforms_to(&ty) || !once.is_wholly_known(), "{} is no {ty}", once.ty());
                let twice = convert(context, &once, &ty).expect("converted before");
                prop_assert!(once.ty() == twice.ty() || !once.is_wholly_known());
                if once.is_wholly_known() {
                    prop_assert_eq!(equal(&once, &twice), Some(true));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_order_of_a_set_does_not_depend_on_how_it_was_filled(parts in prop::collection::vec(texts(), 0..6), turn in 0_usize..6) {
        with_context(|context| {
            let mut elements: Vec<Value> = parts.iter().map(|text| Value::tuple([Value::text(text)])).collect();
            let one = Value::set_of(&mut context.sets, elements.clone());
            let middle = turn.min(elements.len());
            elements.rotate_left(middle);
            let other = Value::set_of(&mut context.sets, elements);
            prop_assert_eq!(equal(&one, &other), Some(true));
            for (a, b) in one.as_sequence().expect("a set").iter().zip(other.as_sequence().expect("a set")) {
                prop_assert_eq!(equal(a, b), Some(true));
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_number_is_what_it_prints(text in numbers()) {
        let number = Number::parse(&text).expect("a number");
        let printed = number.spelled().expect("few digits");
        let again = Number::parse(&printed).expect("printed");
        prop_assert_eq!(&again, &number, "{} {}", text, printed);
        prop_assert_eq!(again.spelled().expect("few digits"), printed);
    }

    #[test]
    fn sixty_four_bits_count_as_integers_do(a in any::<i32>(), b in any::<i32>()) {
        let (x, y) = (Number::from(i64::from(a)), Number::from(i64::from(b)));
        let (a, b) = (i64::from(a), i64::from(b));
        prop_assert_eq!(x.add(&y).and_then(|sum| sum.to_i64()), Some(a + b));
        prop_assert_eq!(x.multiply(&y).and_then(|product| product.to_i64()), Some(a * b));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        if b != 0 {
            prop_assert_eq!(x.remainder(&y).and_then(|rest| rest.to_i64()), Some(a % b));
        }
    }

    #[test]
    fn floats_come_back(float in any::<f64>()) {
        prop_assume!(!float.is_nan());
        prop_assert_eq!(Number::of_float(float).expect("a number").to_f64(), float);
    }
}
