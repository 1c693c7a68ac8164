//! What helm 3.17.3 answers to expressions: one a line in `answers.tsv`, with its type and what `%v` prints, or its error.
//!
//! `$a = …` before `;;` sets a variable first. Expressions whose functions this build does not have are left out.

use std::rc::Rc;

use super::Functions;
use crate::{
    engine::helm::template::{
        context::Context,
        evaluate::Evaluator,
        leaf::FileId,
        parse::parse,
        program::{Program, Source},
        value::{Datum, Map, MapKind, Value},
    },
    source::lineage::text::Text,
};

const ANSWERS: &str = include_str!("answers.tsv");

fn values() -> Value {
    let entries = |kind, entries: Vec<(&str, Value)>| {
        let map = Map::new(kind);
        for (key, value) in entries {
            map.insert(Text::plain(key), value);
        }
        Value::plain(Datum::Map(map))
    };
    let below = entries(MapKind::Any, vec![("x", Value::plain(Datum::Float(1.0)))]);
    let values = entries(MapKind::Values, vec![("m", below), ("empty", entries(MapKind::Any, vec![]))]);
    entries(MapKind::Any, vec![("Values", values)])
}

fn template(expression: &str) -> String {
    let mut steps: Vec<&str> = expression.split(" ;; ").collect();
    let last = steps.pop().expect("a split has a part");
    let mut template: String = steps
        .into_iter()
        .map(|step| match step.split_once(" = ") {
            Some((variable, value)) if variable.starts_with('$') => format!("{{{{ {variable} := {value} }}}}"),
            _ => format!("{{{{ $_ := {step} }}}}"),
        })
        .collect();
    template.push_str(&format!("{{{{ $r := {last} }}}}{{{{ printf \"%T|%v\" $r $r }}}}"));
    template
}

/// The answer; nothing where a function is missing.
fn answer(functions: &Rc<Functions>, expression: &str) -> Option<String> {
    let text = template(expression);
    let ast = match parse(&text, &|name| functions.contains(name)) {
        Ok(ast) => ast,
        Err(error) if error.to_string().contains("not defined") => return None,
        Err(error) => return Some(format!("ERR {error}")),
    };
    let name: Rc<str> = "c/templates/q.yaml".into();
    let source = Source { name: name.clone(), file: FileId(0), text: text.into(), ast: Rc::new(ast) };
    let program = Program::new(functions.clone(), vec![source]);
    let mut evaluator = Evaluator::new(&program, Context::default());
    Some(match evaluator.execute(&name, values()) {
        Ok(text) => text.lossy().replace('\\', "\\\\").replace('\n', "\\n"),
        Err(failure) => format!("ERR {}", failure.message),
    })
}

#[test]
fn helm_gives_the_same_answers() {
    let functions = Rc::new(Functions::all());
    let mut wrong = Vec::new();
    let mut asked = 0;
    for line in ANSWERS.lines() {
        let (expression, expected) = line.split_once('\t').expect("an expression and its answer");
        let Some(got) = answer(&functions, expression) else { continue };
        asked += 1;
        let same = match (expected.strip_prefix("ERR "), got.strip_prefix("ERR ")) {
            (Some(expected), Some(got)) => got.replace('\n', "\\n").contains(expected),
            (None, None) => got == expected,
            _ => false,
        };
        if !same {
            wrong.push(format!("{expression}\n    helm: {expected}\n    here: {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 1_400, "only {asked} expressions could be asked");
}
