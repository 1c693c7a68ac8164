//! Which stack declares a resource.

use std::rc::Rc;

use super::catalog::Catalog;
use crate::{
    engine::{Rendered, Resource},
    model::{
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
    },
};

/// A resource where it is declared.
#[derive(Clone, Debug)]
pub struct Owned {
    /// The stack's position in the catalog.
    pub stack: usize,
    /// The resource's position in what the stack renders.
    pub resource: usize,
    rendered: Rc<Rendered>,
}

impl Owned {
    /// The resource as it is declared.
    pub fn resource(&self) -> &Resource {
        &self.rendered.resources[self.resource]
    }
}

/// Finds the declaration of a resource: in the stack of that name where one is given, else in all stacks.
///
/// An object of another API version or kind is another object. A namespace matches itself, or the absence of one where the
/// deployer sets it; a declaration that names the very namespace wins over one that leaves it open.
///
/// # Errors
/// `stack-unknown`, `owner-not-found`, `owner-ambiguous` (with the declarations), or why the named stack cannot be rendered.
pub fn find(catalog: &Catalog<'_>, stack: Option<&str>, id: &ResourceId) -> Result<Owned, Refusal> {
    let searched = match stack {
        Some(name) => vec![catalog.position(name)?],
        None => (0..catalog.stacks().len()).collect(),
    };
    let (mut exact, mut open, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for &position in &searched {
        let rendered = match catalog.rendered(position) {
            Ok(rendered) => rendered,
            Err(refusal) if stack.is_some() => return Err(refusal),
            Err(refusal) => {
                unreadable.push(format!("{} ({})", catalog.stacks()[position].name, refusal.code));
                continue;
            }
        };
        for skipped in rendered.skipped.iter().filter(|skipped| skipped.broken) {
            unreadable.push(format!("{} ({})", skipped.file, skipped.why));
        }
        for (index, resource) in rendered.resources.iter().enumerate() {
            let owned = || Owned { stack: position, resource: index, rendered: rendered.clone() };
            match matches(&resource.id, id) {
                Some(Match::Exact) => exact.push(owned()),
                Some(Match::Open) => open.push(owned()),
                None => {}
            }
        }
    }
    let mut found = if exact.is_empty() { open } else { exact };
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(not_found(id, stack, &unreadable)),
        _ => Err(ambiguous(catalog, id, &found)),
    }
}

enum Match {
    Exact,
    Open,
}

fn matches(declared: &ResourceId, wanted: &ResourceId) -> Option<Match> {
    let (ResourceId::Kubernetes(declared), ResourceId::Kubernetes(wanted)) = (declared, wanted) else {
        return (declared == wanted).then_some(Match::Exact);
    };
    fn named(id: &KubernetesId) -> [&str; 3] {
        [&id.name, &id.kind, &id.api_version]
    }
    if wanted.name.is_empty() || named(declared) != named(wanted) {
        return None;
    }
    match (&declared.namespace, &wanted.namespace) {
        (declared, wanted) if declared == wanted => Some(Match::Exact),
        (None, _) | (_, None) => Some(Match::Open),
        _ => None,
    }
}

fn not_found(id: &ResourceId, stack: Option<&str>, unreadable: &[String]) -> Refusal {
    let message = match stack {
        Some(name) => format!("the stack {name} does not declare {id}"),
        None => format!("no stack of the repository declares {id}"),
    };
    let mut hint = "check that this repository deploys it; `sourceward stacks` lists what was searched".to_owned();
    if !unreadable.is_empty() {
        let more = unreadable.len().saturating_sub(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        hint = format!("{hint}; not searched: {}{more}", unreadable[..unreadable.len().min(5)].join(", "));
    }
    Refusal::new(Code::OwnerNotFound, message, hint)
}

fn ambiguous(catalog: &Catalog<'_>, id: &ResourceId, found: &[Owned]) -> Refusal {
    let places: Vec<String> = found
        .iter()
        .take(5)
        .map(|owned| {
            let (file, line) = owned.resource().declared_at();
            format!("{} ({file}:{line})", catalog.stacks()[owned.stack].name)
        })
        .collect();
    Refusal::new(
        Code::OwnerAmbiguous,
        format!("{} declarations of {id}: {}", found.len(), places.join(", ")),
        "name the stack in the finding, or in .github/sourceward.yaml the stacks that are deployed",
    )
}
