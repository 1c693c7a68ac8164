//! What is known of resources as JSON: numbers with all their digits, unknown values apart.

use serde_json::{Map, Value as Json, json};

use super::{
    number::Number,
    problem::Problem,
    resources::Planned,
    value::{Datum, Value},
};
use crate::model::pointer::Pointer;

/// What stands for an unknown value among known ones.
pub const UNKNOWN: &str = "(known after apply)";

/// All resources as a JSON array of `{"address", "values", "unknown"}`, a line each. What a provider works out is left to it.
///
/// # Errors
/// A number that JSON does not have.
pub fn all(planned: &[Planned]) -> Result<String, Problem> {
    let mut text = String::from("[");
    for (index, planned) in planned.iter().enumerate() {
        text += if index == 0 { "\n" } else { ",\n" };
        let mut unknown = Vec::new();
        let mut values = String::new();
        let computed = planned.labels.as_ref().map(|labels| labels.all);
        print(&planned.value, computed, &mut Vec::new(), &mut values, &mut unknown)?;
        let (address, unknown) = (json!(&*planned.address), json!(unknown));
        text += &format!("{{\"address\": {address}, \"values\": {values}, \"unknown\": {unknown}}}");
    }
    text += "\n]\n";
    Ok(text)
}

fn print(
    value: &Value,
    without: Option<&str>,
    path: &mut Vec<String>,
    text: &mut String,
    unknown: &mut Vec<String>,
) -> Result<(), Problem> {
    match value.datum() {
        Datum::Null => text.push_str("null"),
        Datum::Unknown(_) => {
            unknown.push(Pointer::of(path.iter()).to_string());
            text.push_str("null");
        }
        Datum::Bool(bool) => text.push_str(if *bool { "true" } else { "false" }),
        Datum::Number(number) => *text += &digits(number)?,
        Datum::String(string) => *text += &json!(string.as_str()).to_string(),
        Datum::Sequence(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                path.push(index.to_string());
                print(element, None, path, text, unknown)?;
                path.pop();
            }
            text.push(']');
        }
        Datum::Mapping(mapping) => {
            text.push('{');
            let shown = mapping.entries().iter().filter(|entry| without != Some(entry.key.as_str()));
            for (index, entry) in shown.enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                *text += &format!("{}: ", json!(entry.key.as_str()));
                path.push(entry.key.as_str().to_owned());
                print(&entry.value, None, path, text, unknown)?;
                path.pop();
            }
            text.push('}');
        }
    }
    Ok(())
}

fn digits(number: &Number) -> Result<String, Problem> {
    let spelled = if number.is_infinite() { None } else { number.spelled() };
    spelled.ok_or_else(|| Problem::unsupported("this version does not print a number without end"))
}

/// The attributes of a resource, [`UNKNOWN`] standing for what is not known. A number that JSON's usual readers would round is
/// a string here.
pub fn attributes(value: &Value) -> Json {
    match value.datum() {
        Datum::Null => Json::Null,
        Datum::Unknown(_) => Json::String(UNKNOWN.to_owned()),
        Datum::Bool(bool) => Json::Bool(*bool),
        Datum::Number(number) => as_json(number),
        Datum::String(string) => Json::String(string.as_str().to_owned()),
        Datum::Sequence(elements) => elements.iter().map(attributes).collect(),
        Datum::Mapping(mapping) => {
            let entry = |entry: &super::value::Entry| (entry.key.as_str().to_owned(), attributes(&entry.value));
            Json::Object(mapping.entries().iter().map(entry).collect::<Map<String, Json>>())
        }
    }
}

fn as_json(number: &Number) -> Json {
    if let Some(integer) = number.to_i64() {
        return json!(integer);
    }
    let float = number.to_f64();
    match number.spelled() {
        Some(spelled) if Number::of_float(float).as_ref() == Some(number) || float.to_string() == spelled => {
            json!(float)
        }
        Some(spelled) => Json::String(spelled),
        None => Json::String("infinity".to_owned()),
    }
}
