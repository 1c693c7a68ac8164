//! `sourceward explain`: which bytes of which file say a field.

use std::io::{self, Write};

use serde::Serialize;
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
    shell::terminal::{
        answer,
        paint::{BOLD, DIM, HUNK, WARNING, paint, visible},
    },
    source::{
        lineage::{Origin, Role},
        path::RepoPath,
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
        let tree = self.repository.open()?;
        match Catalog::of(&tree).and_then(|catalog| self.explain(&catalog)) {
            Ok(text) if self.format == Format::Json => write!(io::stdout(), "{text}")?,
            Ok(text) => write!(anstream::stdout(), "{text}")?,
            Err(refusal) => {
                match self.format {
                    Format::Json => writeln!(io::stdout(), "{}", json!({"outcome": "refused", "reason": refusal}))?,
                    Format::Text => write!(anstream::stderr(), "{}", answer::refused(None, &refusal))?,
                }
                return Ok(Exit::Refused);
            }
        }
        Ok(Exit::Done)
    }

    fn explain(&self, catalog: &Catalog<'_>) -> Result<String, Refusal> {
        let (mut texts, mut fieldless, mut unsearched) = (Vec::new(), None, Vec::new());
        let searched = match &self.stack {
            Some(name) => vec![catalog.position(name)?],
            None => (0..catalog.stacks().len()).collect(),
        };
        for position in searched {
            let stack = &catalog.stacks()[position];
            let rendered = match catalog.rendered(position) {
                Ok(rendered) => rendered,
                Err(refusal) if self.stack.is_some() => return Err(refusal),
                Err(refusal) => {
                    unsearched.push(format!("{} ({})", stack.name, refusal.code));
                    continue;
                }
            };
            let broken = rendered.skipped.iter().filter(|skipped| skipped.broken);
            unsearched.extend(broken.map(|skipped| format!("{} ({})", skipped.file, skipped.why)));
            for resource in rendered.resources.iter().filter(|resource| is_meant(&resource.id, &self.resource)) {
                match &self.pointer {
                    Some(pointer) if pointer.get(&resource.value).is_none() => {
                        fieldless.get_or_insert_with(|| without(resource, pointer));
                    }
                    _ if self.format == Format::Json => texts.push(self.json(&stack.name, resource)),
                    Some(pointer) => texts.push(field(catalog, &stack.name, resource, pointer)),
                    None => texts.push(whole(&stack.name, resource)),
                }
            }
        }
        match (texts.is_empty(), fieldless) {
            (false, _) => Ok(texts.join(if self.format == Format::Json { "" } else { "\n" })),
            (true, Some(refusal)) => Err(refusal),
            (true, None) => Err(self.not_found(&unsearched)),
        }
    }

    fn json(&self, stack: &str, resource: &Resource) -> String {
        let fields = self.pointer.clone().map_or_else(|| leaves(&resource.value), |pointer| vec![pointer]);
        let described = fields.iter().zip(resource.all_origins(&fields)).map(|(at, origins)| Field {
            path: at,
            value: at.get(&resource.value),
            origins: origins.into_iter().map(Place::of).collect(),
        });
        let explained = Explained { resource: &resource.id, stack, fields: described.collect() };
        serde_json::to_string(&explained).expect("all keys are texts") + "\n"
    }

    fn not_found(&self, unsearched: &[String]) -> Refusal {
        let message = match &self.stack {
            Some(name) => format!("the stack {name} does not declare {:?}", self.resource),
            None => format!("no stack declares {:?}", self.resource),
        };
        let mut hint =
            "name it as kind/name or namespace/kind/name; `sourceward stacks` lists what was searched".to_owned();
        if !unsearched.is_empty() {
            let more = unsearched.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            hint = format!("{hint}; not searched: {}{more}", unsearched[..unsearched.len().min(5)].join(", "));
        }
        Refusal::new(Code::OwnerNotFound, message, hint)
    }
}

fn without(resource: &Resource, pointer: &Pointer) -> Refusal {
    let (file, line) = resource.declared_at();
    let message = format!("{} has no field {pointer}", resource.id);
    Refusal::new(Code::PatchDoesNotApply, message, "leave the field away to see every field").at(file, Some(line))
}

/// One field, and what an edit of it would reach.
fn field(catalog: &Catalog<'_>, stack: &str, resource: &Resource, at: &Pointer) -> String {
    let value = at.get(&resource.value).map_or_else(String::new, |value| shown(value, 200));
    let mut text = format!("{}\n  {}  {}\n", heading(stack, resource), paint(BOLD, at.to_string()), visible(&value));
    for origin in resource.origins(at) {
        let place = visible(&format!("{}:{}", origin.file, origin.line));
        let reach = match origin.role {
            Role::Literal => "written for this field alone",
            Role::Anchored => "shared through an anchor: an edit there moves all that refer to it",
            Role::Value => "value of the release",
            Role::Default => "default of the chart: a value of the release overrides it",
            Role::Template => "in the template, for every release of the chart",
            Role::Condition => "decided that it is printed, or which value it has",
            Role::Merged => "inherited through a merge key: a key of its own would override it",
        };
        text += &format!("  {place}  {}\n", paint(DIM, reach));
        let readers = catalog.stacks().iter().filter(|other| other.name != stack);
        for other in readers.filter(|other| other.declaration.may_read(&origin.file)) {
            let language = other.declaration.language();
            text += &format!("  {}\n", paint(WARNING, format!("also read by the stack {} ({language})", other.name)));
        }
    }
    text
}

/// Every field, below the file that says it and with its line.
fn whole(stack: &str, resource: &Resource) -> String {
    let fields = leaves(&resource.value);
    let widest = fields.iter().map(|at| at.to_string().chars().count()).filter(|width| *width <= 48).max().unwrap_or(0);
    let mut text = heading(stack, resource);
    let mut file = None;
    for (at, origins) in fields.iter().zip(resource.all_origins(&fields)) {
        let value = at.get(&resource.value).map_or_else(String::new, |value| shown(value, 40));
        let field = format!("{}  {}", visible(&format!("{:widest$}", at.to_string())), visible(&value));
        let mut origins = origins.into_iter();
        let Some(first) = origins.next() else {
            text += &format!("  {:>5}  {field}\n", "");
            continue;
        };
        if file.as_ref() != Some(&first.file) {
            text += &format!("  {}\n", paint(HUNK, first.file.as_str()));
            file = Some(first.file);
        }
        let role = |role: Role| if role == Role::Literal { String::new() } else { format!("  {role}") };
        text += &format!("  {:>5}  {field}{}\n", first.line, paint(DIM, role(first.role)));
        for other in origins {
            let more = format!("and {}:{}{}", other.file, other.line, role(other.role));
            text += &format!("  {:>5}  {}\n", "", paint(DIM, more));
        }
    }
    text
}

fn heading(stack: &str, resource: &Resource) -> String {
    let (file, line) = resource.declared_at();
    let resource = paint(BOLD, resource.id.to_string());
    format!("{resource} in stack {}  {}\n", visible(stack), paint(DIM, format!("{file}:{line}")))
}

/// What a resource's fields come from, for machines.
#[derive(Serialize)]
struct Explained<'r> {
    resource: &'r ResourceId,
    stack: &'r str,
    fields: Vec<Field<'r>>,
}

#[derive(Serialize)]
struct Field<'r> {
    path: &'r Pointer,
    value: Option<&'r Value>,
    origins: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    file: RepoPath,
    line: usize,
    role: String,
    bytes: [usize; 2],
}

impl Place {
    fn of(origin: Origin) -> Self {
        let Origin { file, line, span, role, .. } = origin;
        Self { file, line, role: role.to_string(), bytes: [span.start, span.end] }
    }
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
