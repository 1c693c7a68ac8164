//! One-line templates: what helm 3.17.3 answers to them, which origins their bytes have, and where hostile ones end.

mod answers;
mod origins;

use std::rc::Rc;

use super::{
    super::{
        leaf::{FileId, LayerId, Leaf, PathId},
        parse,
        program::Source,
        value::{Element, List, Map, MapKind},
    },
    *,
};
use crate::engine::helm::functions::Functions;

/// The values of all questions; `i` is set with `--set`.
const VALUES: &str = r##"{"a": 1, "f": 1.5, "big": 1000000, "s": "text", "e": "", "t": true, "nf": false, "n": null,
"l": [1, "x", null, true, [2], {"k": "v"}], "m": {"b": 2, "a": "x", "10": "ten", "9": "nine", "z": null}, "u": "é日本", "el": [], "em": {},
"deep": {"a": {"b": {"c": "d"}}}, "q": "a\"b\\c\n\t'<>&= é/?", "nv": "a<no value>b", "neg": -3, "small": 1e-05, "huge": 1e+21,
"third": 0.333333333333333, "ls": ["p", "q"], "lm": [{"n": "one"}, {"n": "two"}], "nl": [null, null], "p": "100%", "k": "deep", "inv": "x"}"##;

/// A value of JSON whose scalars, maps and lists are leaves of layer 0.
fn value(json: &serde_json::Value, at: PathId, context: &mut Context) -> Value {
    use serde_json::Value as Json;
    let leaf = context.sets.leaf(Leaf::Node { layer: LayerId(0), at });
    let made_of = MadeOf::Verbatim { leaf, offset: 0 };
    let datum = match json {
        Json::Null => Datum::Nil,
        Json::Bool(value) => Datum::Bool(*value),
        Json::Number(number) => Datum::Float(number.as_f64().unwrap()),
        Json::String(text) => Datum::Text(Text::verbatim(text.as_bytes(), leaf)),
        Json::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let at = context.paths.join(at, &index.to_string());
                value(item, at, context)
            });
            Datum::List(List::new(Element::Any, items.collect::<Vec<_>>()))
        }
        Json::Object(entries) => {
            let map = Map::new(MapKind::Any);
            map.set_places(vec![at]);
            for (key, item) in entries {
                let at = context.paths.join(at, key);
                let leaf = context.sets.leaf(Leaf::Key { layer: LayerId(0), at });
                map.insert(Text::verbatim(key.as_bytes(), leaf), value(item, at, context));
            }
            Datum::Map(map)
        }
    };
    Value::new(datum, made_of)
}

/// The root object of a chart with these values.
fn root(json: &str, context: &mut Context) -> Value {
    let values = value(&serde_json::from_str(json).unwrap(), PathId::ROOT, context);
    let Datum::Map(values) = values.datum else { panic!("the values are no map") };
    values.insert(Text::plain("i"), Value::plain(Datum::Int64(7)));
    let root = Map::new(MapKind::Values);
    root.insert(Text::plain("Values"), Value::plain(Datum::Map(values.held_as(MapKind::Values))));
    Value::plain(Datum::Map(root))
}

fn program(files: &[(&str, &str)]) -> Program {
    let functions = Rc::new(Functions::all());
    let sources = files.iter().enumerate().map(|(file, (name, text))| {
        let ast = parse::parse(text, &|name| functions.contains(name)).unwrap();
        Source { name: (*name).into(), file: FileId(file as u32), text: (*text).into(), ast: Rc::new(ast) }
    });
    let sources = sources.collect();
    Program::new(functions, sources)
}

const NAME: &str = "c/templates/a.yaml";

fn rendered(template: &str) -> Result<String, String> {
    let program = program(&[(NAME, template)]);
    let mut evaluator = Evaluator::new(&program, Context::default());
    let root = root(VALUES, &mut evaluator.context);
    let text = evaluator.execute(NAME, root);
    text.map(|text| text.lossy().into_owned()).map_err(|failure| failure.message)
}

/// Cases 54 and 55 of the research: depth of the path, then its bytes, decide which definition stays.
#[test]
fn the_last_definition_in_helms_order_stays() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[
                ("p/templates/_a.tpl", r#"{{ define "n" }}parent{{ end }}"#),
                ("p/charts/s/templates/_a.tpl", r#"{{ define "n" }}sub{{ end }}"#),
            ],
            "parent",
        ),
        (
            &[
                ("p/templates/_a.tpl", r#"{{ define "n" }}a{{ end }}"#),
                ("p/templates/_b.tpl", r#"{{ define "n" }}b{{ end }}"#),
            ],
            "a",
        ),
        (
            &[
                ("p/templates/_a.tpl", r#"{{ define "n" }} {{ end }}"#),
                ("p/templates/_b.tpl", r#"{{ define "n" }}b{{ end }}"#),
            ],
            "b",
        ),
    ];
    for (files, printed) in cases {
        let mut files = files.to_vec();
        files.push(("p/charts/s/templates/x.yaml", r#"{{ include "n" . }}"#));
        let program = program(&files);
        let mut evaluator = Evaluator::new(&program, Context::default());
        let text = evaluator.execute("p/charts/s/templates/x.yaml", Value::nil()).unwrap();
        assert_eq!(text.lossy(), *printed);
        assert_eq!(program.names().map(|name| &**name).collect::<Vec<_>>(), ["p/charts/s/templates/x.yaml"]);
    }
}

#[test]
fn hostile_templates_end() {
    let doubling: String = (0..25)
        .map(|n| {
            format!(
                "{{{{ define \"d{n}\" }}}}{{{{ include \"d{m}\" . }}}}{{{{ include \"d{m}\" . }}}}{{{{ end }}}}",
                m = n + 1
            )
        })
        .collect();
    let doubling = doubling + r#"{{ define "d25" }}x{{ end }}{{ include "d0" . }}"#;
    let cases = [
        (
            r#"{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}"#,
            "rendering template has a nested reference name: x",
        ),
        (r#"{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}"#, "templates are nested too deeply"),
        (
            r#"{{ define "x" }}{{ include "y" . }}{{ end }}{{ define "y" }}{{ template "x" . }}{{ end }}{{ include "x" . }}"#,
            "nested",
        ),
        (
            r#"{{ define "x" }}{{ tpl "{{ include \"x\" . }}" . }}{{ end }}{{ include "x" . }}"#,
            "`tpl` is nested too deeply",
        ),
        (&doubling, "rendering takes more than 5000000 steps"),
        (
            r#"{{ printf "%1000000d" 1 | printf "%1000000s%s" "x" | print | len }}{{ $x := "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }}{{ range .Values.l }}{{ range $.Values.l }}{{ range $.Values.l }}{{ range $.Values.l }}{{ $x = print $x $x }}{{ end }}{{ end }}{{ end }}{{ end }}"#,
            "bytes",
        ),
    ];
    for (template, reason) in cases {
        let message = rendered(template).unwrap_err();
        assert!(message.contains(reason), "{}", &message[message.len().saturating_sub(300)..]);
    }
}

#[test]
fn a_map_in_itself_is_not_printed() {
    let mut context = Context::default();
    let map = Map::new(MapKind::Any);
    map.insert(Text::plain("x"), Value::plain(Datum::Map(map.clone())));
    let value = Value::plain(Datum::Map(map.clone()));
    assert!(print::value(&value, &mut context).unwrap_err().message.contains("nested too deeply"));
    map.clear();
}

#[test]
fn integers_are_gone_through_from_go_1_24_on() {
    let program =
        program(&[(NAME, "{{ range $i, $v := 3 }}{{ $i }}{{ $v }},{{ end }}{{ range 0 }}{{ else }}none{{ end }}")]);
    let mut context = Context::default();
    context.profile.ranges_over_integers = true;
    let text = Evaluator::new(&program, context).execute(NAME, Value::nil()).unwrap();
    assert_eq!(text.lossy(), "00,11,22,none");
}
