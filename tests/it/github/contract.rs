//! What GitHub says of its own API, held against every exchange with the fake, so that neither our client nor the fake can
//! drift from it.
//!
//! `described` holds an extract of GitHub's OpenAPI descriptions, of github.com and of GitHub Enterprise Server, and of its
//! GraphQL schema; `.ci/describe-github.mjs` makes it, and `.ci/run` checks that it still is what GitHub says.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The most violations of one exchange that are told.
const MAX_TOLD: usize = 5;

/// What the descriptions leave to GitHub's guides, for every operation: "Troubleshooting the REST API" (401, 403, 404) and
/// "Best practices", section "follow redirects" (301).
const ANYWHERE: [u16; 4] = [301, 401, 403, 404];

/// GitHub names a repository by its number where it leads to one: the redirect of a renamed one, which the descriptions have
/// as 301, and the next page of a list; `@octokit/fixtures` recorded both (`rename-repository`, `paginate-issues`). What lies
/// below is what lies below its name.
fn named(path: &str) -> String {
    let Some((number, rest)) =
        path.strip_prefix("/repositories/").map(|path| path.split_once('/').unwrap_or((path, "")))
    else {
        return path.to_owned();
    };
    match number.parse::<u64>() {
        Ok(_) if rest.is_empty() => "/repos/owner/name".to_owned(),
        Ok(_) => format!("/repos/owner/name/{rest}"),
        Err(_) => path.to_owned(),
    }
}

/// One description.
pub(crate) struct Description {
    /// Which package said it, and of which GitHub.
    by: String,
    operations: Vec<Operation>,
    schemas: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

struct Operation {
    /// `POST /repos/{owner}/{repo}/pulls`.
    name: String,
    method: String,
    template: Vec<String>,
    /// The parameter that may hold slashes.
    long: Option<String>,
    said: Value,
}

/// github.com.
pub(crate) static GITHUB: LazyLock<Description> =
    LazyLock::new(|| Description::of(include_str!("described/github.json")));

/// The newest GitHub Enterprise Server that is described.
pub(crate) static SERVER: LazyLock<Description> =
    LazyLock::new(|| Description::of(include_str!("described/server.json")));

static GRAPHQL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("described/graphql.json")).expect("JSON"));

/// Both.
pub(crate) fn all() -> [&'static Description; 2] {
    [&GITHUB, &SERVER]
}

impl Description {
    fn of(text: &str) -> Self {
        let mut read: Value = serde_json::from_str(text).expect("JSON");
        let by = read["by"].as_str().expect("a text").to_owned();
        let Value::Object(operations) = read["operations"].take() else { panic!("no operations") };
        let mut operations: Vec<Operation> =
            operations.into_iter().map(|(name, said)| Operation::of(&name, said)).collect();
        // `commits/{ref}/statuses` before `commits/{ref}`, whose `ref` may hold slashes.
        operations.sort_by_key(|one| std::cmp::Reverse(one.template.len()));
        Self { by, operations, schemas: read["schemas"].take(), compiled: Mutex::default() }
    }

    /// What a request does that is not described.
    pub(crate) fn wrong_request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<String> {
        let Some((operation, parameters)) = self.operation(method, path) else {
            return vec![format!("{method} {path} is no operation of {}", self.by)];
        };
        let mut wrong = Vec::new();
        for (name, value) in &parameters {
            let schema = &operation.said["path"][name];
            self.hold(&format!("{} {name}", operation.name), schema, &read_as(schema, value), &mut wrong);
        }
        for (name, value) in query {
            match operation.said["query"].get(name) {
                Some(schema) => {
                    self.hold(&format!("{} ?{name}", operation.name), schema, &read_as(schema, value), &mut wrong);
                }
                None => wrong.push(format!("the parameter {name} is not declared")),
            }
        }
        for name in operation.said["required"].as_array().into_iter().flatten() {
            if !query.iter().any(|(given, _)| name == given) {
                wrong.push(format!("the parameter {name} is missing"));
            }
        }
        match (body, operation.said.get("body").filter(|schema| !schema.is_null())) {
            (Some(body), Some(schema)) => {
                self.hold(&format!("{} request", operation.name), schema, body, &mut wrong);
            }
            (Some(_), None) => wrong.push("a body is sent where none is declared".to_owned()),
            (None, Some(_)) if operation.said["needsBody"] == json!(true) => {
                wrong.push("the body is missing".to_owned())
            }
            _ => {}
        }
        self.told(&format!("the request {method} {path}"), wrong)
    }

    /// What an answer says that is not described; `null` is an answer without a body.
    pub(crate) fn wrong_answer(&self, method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
        let Some((operation, _)) = self.operation(method, path) else { return Vec::new() };
        let declared = operation.said["answers"].get(status.to_string());
        let fallback = json!({"$ref": "#/$defs/basic-error"});
        let schema = match declared {
            Some(schema) => schema,
            None if ANYWHERE.contains(&status) => &fallback,
            None => {
                return self.told(&format!("{method} {path}"), vec![format!("the status {status} is not declared")]);
            }
        };
        let mut wrong = Vec::new();
        if schema.is_null() {
            if !body.is_null() {
                wrong.push("a body is answered where none is declared".to_owned());
            }
        } else {
            self.hold(&format!("{} {status}", operation.name), schema, body, &mut wrong);
        }
        self.told(&format!("the answer {status} to {method} {path}"), wrong)
    }

    /// An answer with all that is described as always there and that no test cares about.
    pub(crate) fn completed(&self, method: &str, path: &str, status: u16, mut body: Value) -> Value {
        if let Some((operation, _)) = self.operation(method, path)
            && let Some(schema) = operation.said["answers"].get(status.to_string())
        {
            self.complete(schema, &mut body);
        }
        body
    }

    /// The status of success, where only one is described.
    pub(crate) fn success(&self, method: &str, path: &str) -> Option<u16> {
        let (operation, _) = self.operation(method, path)?;
        let answers = operation.said["answers"].as_object()?;
        let mut good = answers.keys().filter_map(|status| status.parse().ok()).filter(|status| *status < 300);
        good.next().filter(|_| good.next().is_none())
    }

    fn operation(&self, method: &str, path: &str) -> Option<(&Operation, Vec<(&str, String)>)> {
        let path = named(path);
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let ours = self.operations.iter().filter(|one| one.method == method);
        ours.filter_map(|one| Some((one, one.parameters(&parts)?))).next()
    }

    fn hold(&self, part: &str, schema: &Value, value: &Value, wrong: &mut Vec<String>) {
        let validator = {
            let mut compiled = self.compiled.lock().expect("no panic");
            let make = || Arc::new(compile(schema, &self.schemas));
            Arc::clone(compiled.entry(part.to_owned()).or_insert_with(make))
        };
        let errors = validator.iter_errors(value).take(MAX_TOLD);
        wrong.extend(errors.map(|error| {
            let text: String = error.to_string().chars().take(300).collect();
            format!("{}: {text}", error.instance_path())
        }));
    }

    fn told(&self, what: &str, wrong: Vec<String>) -> Vec<String> {
        wrong.into_iter().map(|wrong| format!("{}: {what}: {wrong}", self.by)).collect()
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
            Some(name) => self.resolved(&self.schemas[name]),
            None => schema,
        }
    }

    fn complete(&self, schema: &Value, value: &mut Value) {
        let schema = self.resolved(schema);
        for part in list(&schema["allOf"]) {
            self.complete(part, value);
        }
        let is_object = value.is_object();
        let kind = if is_object { "object" } else { "array" };
        let fits = |one: &&Value| {
            let one = self.resolved(one);
            let composed = ["allOf", "anyOf", "oneOf"].iter().any(|word| one.get(word).is_some());
            types(one).contains(&kind) || composed || is_object && one.get("properties").is_some()
        };
        for word in ["anyOf", "oneOf"] {
            if let Some(one) = list(&schema[word]).iter().find(fits) {
                self.complete(one, value);
            }
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.complete(&schema["items"], item)),
            Value::Object(fields) => {
                for (key, of) in schema["properties"].as_object().into_iter().flatten() {
                    match fields.get_mut(key) {
                        Some(value) => self.complete(of, value),
                        None if list(&schema["required"]).contains(&json!(key)) => {
                            fields.insert(key.clone(), self.sample(of));
                        }
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Any value that a schema takes: null rather than something.
    fn sample(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(values) = schema["enum"].as_array() {
            return values.iter().find(|value| value.is_null()).unwrap_or(&values[0]).clone();
        }
        for word in ["anyOf", "oneOf"] {
            let branches = list(&schema[word]);
            if branches.iter().any(|one| types(self.resolved(one)).contains(&"null")) {
                return Value::Null;
            }
            if let Some(first) = branches.first() {
                return self.sample(first);
            }
        }
        let types = types(schema);
        if types.contains(&"null") {
            return Value::Null;
        }
        match types.first().copied().unwrap_or("object") {
            "string" => json!(match schema["format"].as_str() {
                Some("date-time") => "2026-01-02T03:04:05Z",
                Some("uri") => "https://github.example/x",
                Some("email") => "x@github.example",
                _ => "x",
            }),
            "integer" | "number" => json!(1),
            "boolean" => json!(false),
            "array" => json!([]),
            _ => {
                let mut value = Value::Object(Map::new());
                self.complete(schema, &mut value);
                value
            }
        }
    }
}

impl Operation {
    fn of(name: &str, said: Value) -> Self {
        let (method, path) = name.split_once(' ').expect("a method and a path");
        let template = path.trim_start_matches('/').split('/').map(str::to_owned).collect();
        let long = said["long"].as_str().map(str::to_owned);
        Self { name: name.to_owned(), method: method.to_owned(), template, long, said }
    }

    /// What a path says for the parameters, if it is one of this operation's.
    fn parameters(&self, parts: &[&str]) -> Option<Vec<(&str, String)>> {
        let mut found = Vec::new();
        let mut rest = parts;
        for (at, part) in self.template.iter().enumerate() {
            let after = self.template.len() - at - 1;
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => {
                    let long = self.long.as_deref() == Some(name);
                    let count = if long { rest.len().checked_sub(after).filter(|count| *count > 0)? } else { 1 };
                    let (taken, left) = rest.split_at_checked(count)?;
                    if taken.iter().any(|part| part.is_empty()) {
                        return None;
                    }
                    found.push((name, taken.join("/")));
                    rest = left;
                }
                None if rest.first() == Some(&part.as_str()) => rest = &rest[1..],
                None => return None,
            }
        }
        rest.is_empty().then_some(found)
    }
}

/// The GraphQL documents that GitHub's schema was asked about.
pub(crate) fn documents() -> Vec<&'static str> {
    list(&GRAPHQL["documents"]).iter().filter_map(|document| document["text"].as_str()).collect()
}

/// What is wrong with a body that is posted to GraphQL: a document that is not known to be valid, or other variables than it
/// declares.
pub(crate) fn wrong_query(body: &Value) -> Vec<String> {
    let Some(document) = document(body) else {
        return vec![format!("{} is no document that {} was held against", body["query"], GRAPHQL["by"])];
    };
    let mut wrong = violations(&document["variables"], &body["variables"]);
    for key in
        body.as_object().into_iter().flat_map(Map::keys).filter(|key| !["query", "variables"].contains(&key.as_str()))
    {
        wrong.push(format!("{key} is sent beside the query"));
    }
    wrong
}

/// What is wrong with GraphQL's answer to such a body (section 7.1 of its specification).
pub(crate) fn wrong_reply(body: &Value, reply: &Value) -> Vec<String> {
    let Some(document) = document(body) else { return Vec::new() };
    let mut wrong = violations(&document["data"], &reply["data"]);
    let error = json!({"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}});
    let errors = json!({"type": "array", "minItems": 1, "items": error});
    wrong.extend(reply.get("errors").into_iter().flat_map(|given| violations(&errors, given)));
    wrong
}

fn document(body: &Value) -> Option<&'static Value> {
    list(&GRAPHQL["documents"]).iter().find(|document| document["text"] == body["query"])
}

fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let validator = compile(schema, &json!({}));
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn compile(schema: &Value, schemas: &Value) -> Validator {
    let whole = json!({"allOf": [schema], "$defs": schemas});
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(&whole).expect("a schema")
}

/// A parameter's text as the type that is declared for it.
fn read_as(schema: &Value, text: &str) -> Value {
    let plain = types(schema).into_iter().find(|name| *name != "null");
    match plain {
        Some("integer" | "boolean" | "number") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        _ => json!(text),
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
