//! `sourceward explain`: which bytes of which file say a field.

mod chain;
mod json;
mod path;
mod reach;
mod table;
mod whole;
mod withheld;

use std::io::{self, Write};

use serde_json::{Value, json};

use self::{reach::leaves, withheld::Withheld};
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
        paint::{BOLD, DIM, WARNING, paint, visible},
    },
    source::lineage::{Lack, Role},
    stack::{carried, carriers::Carriers, catalog::Catalog},
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
        let (local, charts) = (self.repository.open()?, self.repository.charts()?);
        let tree = charts.beside(&local);
        match Catalog::known_as(&tree, &local.remotes()).and_then(|catalog| self.explain(&catalog)) {
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
        let mut hidden = None;
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
            if let Some(missing) = rendered.missing.iter().find(|missing| missing.may_hold(&self.resource)) {
                hidden.get_or_insert_with(|| missing.why.clone());
            }
            let broken = rendered.skipped.iter().filter(|skipped| skipped.broken);
            unsearched.extend(broken.map(|skipped| format!("{} ({})", skipped.file, skipped.why)));
            for resource in rendered.resources.iter().filter(|resource| is_meant(&resource.id, &self.resource)) {
                let as_json = self.format == Format::Json;
                match &self.pointer {
                    Some(pointer) if pointer.get(&resource.value).is_none() => match resource.lack(pointer) {
                        lack if lack == Lack::default() => {
                            fieldless.get_or_insert_with(|| without(resource, pointer));
                        }
                        lack if as_json => texts.push(json::lack(catalog, position, resource, pointer, &lack)),
                        lack => texts.push(chain::lack(catalog, position, resource, pointer, &lack)),
                    },
                    pointer if as_json => texts.push(json::text(catalog, position, resource, pointer.as_ref())),
                    Some(pointer) => texts.push(field(catalog, position, resource, pointer)),
                    None => texts.push(whole(catalog, position, resource, &Pointer::root())),
                }
            }
        }
        match (texts.is_empty(), fieldless) {
            (false, _) => Ok(texts.join(if self.format == Format::Json { "" } else { "\n" })),
            (true, Some(refusal)) => Err(refusal),
            (true, None) => Err(hidden.unwrap_or_else(|| self.not_found(&unsearched))),
        }
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
fn field(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer) -> String {
    let stack = &catalog.stacks()[position].name;
    if let Some(chain) = carried::chain(catalog, position, resource, at) {
        return match at.get(&resource.value) {
            Some(value) if is_filled(value) => whole(catalog, position, resource, at),
            _ => chain::text(catalog, position, resource, at, &chain),
        };
    }
    let withheld = Withheld::of(resource);
    let value = withheld.field(at).map_or_else(String::new, |value| shown(value, 200));
    let mut text = format!("{}\n  {}  {}\n", heading(stack, resource), paint(BOLD, at.to_string()), visible(&value));
    let origins = carried::origins(catalog, position, resource, std::slice::from_ref(at));
    for origin in origins.into_iter().flatten() {
        let place = visible(&format!("{}:{}", origin.file, origin.line));
        let reach = match origin.role {
            Role::Literal => "written for this field alone".to_owned(),
            Role::Anchored => "shared through an anchor: an edit there moves all that refer to it".to_owned(),
            Role::Merged => "inherited through a merge key: a key of its own would override it".to_owned(),
            role => role.to_string(),
        };
        text += &format!("  {place}  {}\n", paint(DIM, reach));
        let carriers = Carriers::of(catalog, position).stacks();
        let others = catalog.stacks().iter().enumerate().filter(|(at, _)| *at != position && !carriers.contains(at));
        for (_, other) in others.filter(|(_, other)| other.declaration.may_read(&origin.file)) {
            let language = other.declaration.language();
            text += &format!("  {}\n", paint(WARNING, format!("also read by the stack {} ({language})", other.name)));
        }
    }
    text
}

/// Every field at or below a pointer.
fn whole(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer) -> String {
    let has_chains = leaves(&resource.value).first().is_some_and(|first| resource.chain(first).is_some());
    let fields = if has_chains {
        whole::by_file(catalog, position, resource, at)
    } else {
        whole::in_order(catalog, position, resource)
    };
    heading(&catalog.stacks()[position].name, resource) + &fields
}

fn heading(stack: &str, resource: &Resource) -> String {
    let (file, line) = resource.declared_at();
    let resource = paint(BOLD, resource.id.to_string());
    format!("{resource} in stack {}  {}\n", visible(stack), paint(DIM, format!("{file}:{line}")))
}

/// A resource as the command line takes it: `shop/deployment/cart`.
fn spoken(id: &ResourceId) -> String {
    let ResourceId::Kubernetes(id) = id else { return id.to_string() };
    let namespace = id.namespace.as_ref().map_or_else(String::new, |namespace| format!("{namespace}/"));
    format!("{namespace}{}/{}", id.kind.to_lowercase(), id.name)
}

/// The fields at or below a pointer that hold a single value or an empty collection.
fn below(resource: &Resource, at: &Pointer) -> Vec<Pointer> {
    leaves(&resource.value).into_iter().filter(|field| field.is_within(at)).collect()
}

/// Tells whether a value is a list or map with something in it.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
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
