//! `sourceward explain`: which bytes of which file say a field.

use std::io::Write;

use serde_json::{Value, json};

use super::{Exit, Format, Repository};
use crate::{
    engine::Resource,
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
        resource::ResourceId,
        value::shown,
    },
    shell::{
        git::local::LocalTree,
        terminal::{
            answer,
            paint::{BOLD, DIM, paint, visible},
        },
    },
    stack::catalog::Catalog,
};

#[derive(Debug, clap::Args)]
pub struct Explain {
    #[command(flatten)]
    repository: Repository,
    /// The resource: deployment/cart, or with its namespace shop/deployment/cart.
    resource: String,
    /// The field, as a JSON pointer: /spec/replicas. Without one, every field.
    pointer: Option<Pointer>,
    /// Only in this stack.
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Explain {
    pub fn run(self) -> anyhow::Result<Exit> {
        let tree = LocalTree::open(&self.repository.repo)?;
        let mut out = anstream::stdout().lock();
        match Catalog::of(&tree).and_then(|catalog| self.explain(&catalog)) {
            Ok(text) => write!(out, "{text}")?,
            Err(refusal) => {
                match self.format {
                    Format::Json => writeln!(out, "{}", json!({"outcome": "refused", "reason": refusal}))?,
                    _ => write!(anstream::stderr(), "{}", answer::refusal(&refusal))?,
                }
                return Ok(Exit::Refused);
            }
        }
        Ok(Exit::Done)
    }

    fn explain(&self, catalog: &Catalog<'_>) -> Result<String, Refusal> {
        let mut texts = Vec::new();
        for (position, stack) in catalog.stacks().iter().enumerate() {
            if self.stack.as_ref().is_some_and(|name| *name != stack.name) {
                continue;
            }
            let rendered = match catalog.rendered(position) {
                Ok(rendered) => rendered,
                Err(refusal) if self.stack.is_some() => return Err(refusal),
                Err(_) => continue,
            };
            for resource in rendered.resources.iter().filter(|resource| is_meant(&resource.id, &self.resource)) {
                texts.push(self.one(&stack.name, resource)?);
            }
        }
        if texts.is_empty() {
            let message = format!("no stack declares {:?}", self.resource);
            let hint = "name it as kind/name or namespace/kind/name; `sourceward stacks` lists what was searched";
            return Err(Refusal::new(Code::OwnerNotFound, message, hint));
        }
        Ok(texts.join("\n"))
    }

    fn one(&self, stack: &str, resource: &Resource) -> Result<String, Refusal> {
        let fields = match &self.pointer {
            Some(pointer) if pointer.get(&resource.value).is_none() => {
                let (file, line) = resource.declared_at();
                let message = format!("{} has no field {pointer}", resource.id);
                return Err(Refusal::new(Code::PatchDoesNotApply, message, "without a field, every field is shown")
                    .at(file, Some(line)));
            }
            Some(pointer) => vec![pointer.clone()],
            None => leaves(&resource.value),
        };
        if self.format == Format::Json {
            let described: Vec<Value> = fields.iter().map(|at| described(resource, at)).collect();
            return Ok(format!("{}\n", json!({"resource": resource.id, "stack": stack, "fields": described})));
        }
        let (file, line) = resource.declared_at();
        let mut text = format!(
            "{} in stack {}   {}\n\n",
            paint(BOLD, resource.id.to_string()),
            visible(stack),
            paint(DIM, format!("{file}:{line}")),
        );
        let widest = fields.iter().map(|at| at.to_string().chars().count()).max().unwrap_or_default().min(60);
        for at in &fields {
            let value = at.get(&resource.value).map_or_else(String::new, |value| shown(value, 40));
            let places: Vec<String> = resource
                .origins(at)
                .iter()
                .map(|origin| format!("{}:{}  {}", origin.file, origin.line, paint(DIM, origin.role.to_string())))
                .collect();
            let field = format!("{:widest$}", at.to_string());
            text += &format!("  {}  {:42}  {}\n", visible(&field), visible(&value), places.join(", "));
        }
        Ok(text)
    }
}

fn described(resource: &Resource, at: &Pointer) -> Value {
    let origins: Vec<Value> = resource
        .origins(at)
        .iter()
        .map(|origin| {
            json!({
                "file": origin.file, "line": origin.line, "role": origin.role.to_string(),
                "bytes": [origin.span.start, origin.span.end],
            })
        })
        .collect();
    json!({"path": at, "value": at.get(&resource.value), "origins": origins})
}

/// `deployment/cart` or `shop/deployment/cart`, without regard to the kind's case.
fn is_meant(id: &ResourceId, wanted: &str) -> bool {
    let ResourceId::Kubernetes(id) = id else { return id.to_string() == wanted };
    let parts: Vec<&str> = wanted.split('/').collect();
    let (namespace, kind, name) = match parts[..] {
        [kind, name] => (None, kind, name),
        [namespace, kind, name] => (Some(namespace), kind, name),
        _ => return false,
    };
    id.name == name
        && id.kind.eq_ignore_ascii_case(kind)
        && namespace.is_none_or(|namespace| id.namespace.as_deref() == Some(namespace))
}

/// Every field that holds a single value or an empty collection.
fn leaves(value: &Value) -> Vec<Pointer> {
    let (mut found, mut todo) = (Vec::new(), vec![(Pointer::root(), value)]);
    while let Some((at, value)) = todo.pop() {
        match value {
            Value::Object(map) if !map.is_empty() => {
                todo.extend(map.iter().rev().map(|(key, value)| (at.join(key), value)));
            }
            Value::Array(items) if !items.is_empty() => {
                todo.extend(items.iter().enumerate().rev().map(|(index, value)| (at.join(index.to_string()), value)));
            }
            _ => found.push(at),
        }
    }
    found
}
