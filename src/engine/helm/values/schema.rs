//! `values.schema.json`: what a chart demands of its values.
//!
//! Helm checks the merged values of every chart by `gojsonschema`, which knows drafts 4, 6 and 7 and takes any other schema for
//! a mixture of them. A schema that only it would understand is refused, never passed over.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value as Json;

use super::dependencies::Charts;
use crate::engine::helm::{
    sources::{Problem, Sources},
    template::{
        context::{Context, MAX_NESTING},
        fault::{Fault, FaultKind},
        value::{Datum, Map, Value},
    },
};

/// Checks the values of a chart and of its subcharts.
pub(super) fn check(
    charts: &Charts,
    values: &Map,
    sources: &mut Sources<'_>,
    context: &mut Context,
) -> Result<(), Problem> {
    let mut failures = Vec::new();
    check_chart(charts, 0, values, sources, context, &mut failures)?;
    let Some(first) = failures.first().cloned() else { return Ok(()) };
    let all: Vec<&str> = failures.iter().map(|failure| failure.fault.message.as_str()).collect();
    let all = all.join("\n");
    let why = format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{all}");
    Err(Problem { fault: Fault::failed(why), ..first })
}

fn check_chart(
    charts: &Charts,
    chart: usize,
    values: &Map,
    sources: &mut Sources<'_>,
    context: &mut Context,
    failures: &mut Vec<Problem>,
) -> Result<(), Problem> {
    if let Some(schema) = charts.chart(chart).schema {
        let known = sources.schema(schema)?;
        let values = json_of_map(values, context, 0)?;
        if let Err(fault) = known.and_then(|schema| schema.check(&values)) {
            let problem = sources.problem(schema, fault);
            if problem.fault.kind != FaultKind::Failed {
                return Err(problem);
            }
            let message = format!("{}:\n{}", charts.name(chart), problem.fault.message);
            failures.push(Problem { fault: Fault::failed(message), ..problem });
        }
    }
    for child in charts.children(chart) {
        if let Some(Value { datum: Datum::Map(values), .. }) = values.get(charts.name(*child).as_bytes()) {
            check_chart(charts, *child, &values, sources, context, failures)?;
        }
    }
    Ok(())
}

/// A schema that values are checked against.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// Where it is no JSON, or none that can be followed.
    pub fn read(schema: &[u8]) -> Result<Self, Fault> {
        let schema = schema.strip_prefix(crate::engine::helm::sources::BYTE_ORDER_MARK).unwrap_or(schema);
        let schema: Json =
            serde_json::from_slice(schema).map_err(|error| Fault::failed(format!("the schema is no JSON: {error}")))?;
        if let Some(reference) = foreign_reference(&schema) {
            return Err(Fault::unsupported(format!("the schema refers to {reference:?}, which is not read")));
        }
        let named = schema.get("$schema").and_then(Json::as_str).unwrap_or_default();
        let draft = match named.trim_end_matches('#') {
            "http://json-schema.org/draft-04/schema" | "https://json-schema.org/draft-04/schema" => Draft::Draft4,
            "http://json-schema.org/draft-06/schema" | "https://json-schema.org/draft-06/schema" => Draft::Draft6,
            _ => Draft::Draft7,
        };
        jsonschema::options()
            .with_draft(draft)
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .build(&schema)
            .map_err(|error| Fault::unsupported(format!("the schema cannot be compiled: {error}")))
            .map(Self)
    }

    /// Checks values.
    fn check(&self, values: &Json) -> Result<(), Fault> {
        let errors: Vec<String> = self
            .0
            .iter_errors(values)
            .take(MAX_ERRORS)
            .map(|error| {
                let path = error.instance_path().to_string();
                let place = if path.is_empty() { "(root)".to_owned() } else { path[1..].replace('/', ".") };
                format!("- {place}: {error}")
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Fault::failed(errors.join("\n"))) }
    }
}

/// The most violations of one chart that are told.
const MAX_ERRORS: usize = 20;

/// A reference that does not stay in its document.
fn foreign_reference(schema: &Json) -> Option<&str> {
    match schema {
        Json::Object(fields) => fields.iter().find_map(|(key, value)| match value {
            Json::String(reference) if key == "$ref" => (!reference.starts_with('#')).then_some(reference.as_str()),
            value => foreign_reference(value),
        }),
        Json::Array(items) => items.iter().find_map(foreign_reference),
        _ => None,
    }
}

fn json_of_map(map: &Map, context: &mut Context, depth: usize) -> Result<Json, Fault> {
    if depth > MAX_NESTING {
        return Err(Fault::limit("values are nested too deeply"));
    }
    let mut fields = serde_json::Map::new();
    for entry in map.snapshot() {
        fields.insert(entry.key.lossy().into_owned(), json_of(&entry.value, context, depth + 1)?);
    }
    Ok(Json::Object(fields))
}

fn json_of(value: &Value, context: &mut Context, depth: usize) -> Result<Json, Fault> {
    context.budget.step(1)?;
    Ok(match &value.datum {
        Datum::Nil => Json::Null,
        Datum::Bool(value) => (*value).into(),
        Datum::Int(value) | Datum::Int64(value) => (*value).into(),
        Datum::Float(value) if value.fract() == 0.0 && value.abs() < 9.0e15 => (*value as i64).into(),
        Datum::Float(value) => (*value).into(),
        Datum::Text(text) => text.lossy().into_owned().into(),
        Datum::List(list) => {
            let items: Result<Vec<Json>, Fault> =
                list.items.iter().map(|item| json_of(item, context, depth + 1)).collect();
            items?.into()
        }
        Datum::Map(map) => json_of_map(map, context, depth)?,
        other => return Err(Fault::unsupported(format!("values hold something that no file can say: {other:?}"))),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_are_checked_or_refused_never_passed_over() {
        let check = |schema: &str| Schema::read(schema.as_bytes())?.check(&json!({"a": "x"}));
        let kind = |schema: &str| check(schema).err().map(|fault| fault.kind);
        for (schema, expected) in [
            (r#"{"required": ["a"]}"#, None),
            (r#"{"required": ["b"]}"#, Some(FaultKind::Failed)),
            (r#"{"properties": {"a": {"$ref": "other.json"}}}"#, Some(FaultKind::Unsupported)),
            (r#"{"type": 5}"#, Some(FaultKind::Unsupported)),
            (r#"{"properties": {"a": {"pattern": "(?=x)"}}}"#, Some(FaultKind::Unsupported)),
            (r##"{"properties": {"a": {"$ref": "#/gone"}}}"##, Some(FaultKind::Unsupported)),
            ("{", Some(FaultKind::Failed)),
        ] {
            assert_eq!(kind(schema), expected, "{schema}");
        }
    }
}
