//! Every field of a resource on a line of its own, below the file that says it.

use super::{below, path, reach::leaves, withheld::Withheld};
use crate::{
    engine::Resource,
    model::{pointer::Pointer, value::shown},
    shell::terminal::paint::{DIM, HUNK, paint, visible},
    source::{
        lineage::{Cause, Chain, Role},
        path::RepoPath,
    },
    stack::{carried, catalog::Catalog},
};

/// Every field in the order of the resource, each with all its places.
pub fn in_order(catalog: &Catalog<'_>, position: usize, resource: &Resource) -> String {
    let withheld = Withheld::of(resource);
    let fields = leaves(&resource.value);
    let widest = widest(&fields);
    let (mut text, mut file) = (String::new(), None);
    for (at, origins) in fields.iter().zip(carried::origins(catalog, position, resource, &fields)) {
        let field = described(at, &withheld, widest);
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

/// Every field at or below a pointer, each once, below the file that comes first to say it.
pub fn by_file(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer) -> String {
    let withheld = Withheld::of(resource);
    let fields = below(resource, at);
    let widest = widest(&fields);
    let mut groups: Vec<(Option<RepoPath>, String)> = Vec::new();
    for at in &fields {
        let chain = carried::chain(catalog, position, resource, at).unwrap_or_default();
        let said = foremost(&chain);
        let place = said.and_then(|cause| cause.place.as_ref());
        let line = place.map_or_else(String::new, |place| place.line.to_string());
        let name = said.map_or_else(String::new, |cause| match cause.key.is_empty() {
            true => format!("  {}", cause.role),
            false => format!("  {}, {}", path::cause(cause), cause.role),
        });
        let row = format!("  {line:>5}  {}{}\n", described(at, &withheld, widest), paint(DIM, name));
        let file = place.map(|place| place.file.clone());
        match groups.iter_mut().find(|(known, _)| *known == file) {
            Some((_, rows)) => *rows += &row,
            None => groups.push((file, row)),
        }
    }
    let mut text = String::new();
    for (file, rows) in groups {
        let file = file.map_or_else(|| "in no file".to_owned(), |file| file.to_string());
        text += &format!("  {}\n{rows}", paint(HUNK, file));
    }
    text
}

/// What matters most among what a field is made of: values before what the chart itself says.
fn foremost(chain: &Chain) -> Option<&Cause> {
    let order =
        [Role::Value, Role::Argument, Role::Default, Role::Metadata, Role::BuiltIn, Role::Volatile, Role::Constant];
    let rank = |cause: &&Cause| order.iter().position(|role| *role == cause.role).unwrap_or(order.len());
    chain.parts.iter().flat_map(|part| &part.sources).min_by_key(rank)
}

fn described(at: &Pointer, withheld: &Withheld<'_>, widest: usize) -> String {
    let value = withheld.field(at).map_or_else(String::new, |value| shown(value, 40));
    format!("{}  {}", visible(&format!("{:widest$}", at.to_string())), visible(&value))
}

fn widest(fields: &[Pointer]) -> usize {
    fields.iter().map(|at| at.to_string().chars().count()).filter(|width| *width <= 48).max().unwrap_or(0)
}
