//! Which stack declares a resource.

use std::rc::Rc;

use super::{
    Stack,
    catalog::{Catalog, Contents, Declared},
    declared::Lines,
    marks::Marks,
};
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
    /// Whether it was asked for by a name with the hash of another content, so that what is declared stands in its place.
    pub is_successor: bool,
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
/// deployer sets it; a declaration that names the very namespace wins over one that leaves it open, as does one whose namespace
/// is but assumed. A name that ends in the hash of a content finds what is declared with another content, where nothing is
/// declared under the name itself.
///
/// # Errors
/// `stack-unknown`, `owner-not-found`, `owner-ambiguous` (with the declarations), or why the named stack cannot be rendered.
pub fn find(catalog: &Catalog<'_>, stack: Option<&str>, id: &ResourceId) -> Result<Owned, Refusal> {
    find_in(catalog, stack, id, &[])
}

/// The same, of an object whose labels and annotations may say which stack deploys it. What they say is believed where that
/// stack does declare it.
///
/// # Errors
/// As [`find`].
pub fn find_live(catalog: &Catalog<'_>, stack: Option<&str>, id: &ResourceId, marks: &Marks) -> Result<Owned, Refusal> {
    let marked: Vec<usize> = (0..catalog.stacks().len()).filter(|at| marks.mean(catalog.stack(*at))).collect();
    if stack.is_none()
        && !marked.is_empty()
        && let Ok(owned) = find_in(catalog, None, id, &marked)
    {
        return Ok(owned);
    }
    find_in(catalog, stack, id, &[])
}

/// Finds the declaration that a scanner of sources means: by the lines that it names, and by the identity where it names one.
/// Of a declaration that is rendered several times, one; `speaks` tells which resources can be meant at all.
///
/// # Errors
/// As [`find`].
pub fn find_reported(
    catalog: &Catalog<'_>,
    stack: Option<&str>,
    id: &ResourceId,
    lines: Lines<'_>,
    speaks: &dyn Fn(&ResourceId) -> bool,
) -> Result<Owned, Refusal> {
    let plain = match id {
        ResourceId::File(_) => None,
        _ => Some(find(catalog, stack, id)),
    };
    let found = |is_meant: &dyn Fn(&ResourceId) -> bool| {
        let named = |&(stack, index): &(usize, usize)| {
            catalog.contents(stack).is_ok_and(|contents| {
                let declared = &contents.resources[index].id;
                speaks(declared) && is_meant(declared)
            })
        };
        let all = Lines::everything(catalog).into_iter();
        let within = |&(at, _): &(usize, usize)| stack.is_none_or(|name| catalog.stack(at).name == name);
        lines.among(catalog, all.filter(within).filter(named))
    };
    let owned = |(stack, resource): (usize, usize)| {
        Ok(Owned { stack, resource, is_successor: false, rendered: catalog.rendered(stack)? })
    };
    let refusal = match plain {
        // A scanner says `default` of what has no namespace: where both are declared, it means the one that it read.
        Some(Ok(by_name)) => {
            let read = found(&|declared| is_namesake(id, declared)).unwrap_or_default();
            let is_elsewhere = !read.contains(&(by_name.stack, by_name.resource));
            return read.first().filter(|_| is_elsewhere).map_or(Ok(by_name), |&read| owned(read));
        }
        Some(Err(refusal)) if matches!(refusal.code, Code::OwnerAmbiguous | Code::OwnerNotFound) => Some(refusal),
        Some(Err(refusal)) => return Err(refusal),
        None => None,
    };
    let is_meant = |declared: &ResourceId| match (id, declared) {
        // A base's own name may be longer where it is rendered.
        (ResourceId::Kubernetes(id), ResourceId::Kubernetes(declared)) => {
            id.kind == declared.kind && declared.name.contains(&id.name)
        }
        (ResourceId::File(_), _) => true,
        // An address without a key means all instances.
        (ResourceId::Terraform(id), ResourceId::Terraform(declared)) => {
            id.address == declared.address || id.address == without_keys(&declared.address)
        }
        (id, declared) => id == declared,
    };
    match found(&is_meant)?.first() {
        Some(&position) => owned(position),
        None => Err(refusal.unwrap_or_else(|| {
            let message = format!("no stack of the repository declares anything at {id} that the rule speaks of");
            Refusal::new(Code::OwnerNotFound, message, "check that this repository deploys it")
        })),
    }
}

/// Whether an object is of the same kind and name as another, in whatever namespace.
fn is_namesake(id: &ResourceId, declared: &ResourceId) -> bool {
    matches!((id, declared), (ResourceId::Kubernetes(id), ResourceId::Kubernetes(declared))
        if id.kind == declared.kind && id.name == declared.name)
}

fn find_in(catalog: &Catalog<'_>, stack: Option<&str>, id: &ResourceId, among: &[usize]) -> Result<Owned, Refusal> {
    let searched = match stack {
        Some(name) => vec![catalog.position(name)?],
        None if !among.is_empty() => among.to_vec(),
        None => (0..catalog.stacks().len()).collect(),
    };
    let (mut exact, mut open, mut successors, mut unread) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut hidden = Vec::new();
    let unhashed = without_hash(id);
    catalog.look_through(searched.iter().copied());
    for &position in &searched {
        let contents = match catalog.contents(position) {
            Ok(contents) => contents,
            Err(refusal) if stack.is_some() => return Err(refusal),
            Err(refusal) => {
                unread.push((position, Err(refusal.code)));
                continue;
            }
        };
        for (index, resource) in contents.resources.iter().enumerate() {
            match matches(&resource.id, id, catalog.stack(position)) {
                Some(Match::Exact) => exact.push((position, index)),
                Some(Match::Open) => open.push((position, index)),
                None => {
                    if let (Some(lasting), Some(unhashed)) = (&resource.lasting, &unhashed)
                        && matches(lasting, unhashed, catalog.stack(position)).is_some()
                    {
                        successors.push((position, index));
                    }
                }
            }
        }
        hidden.extend(contents.missing_for(id).map(|missing| missing.why.clone()));
        unread.push((position, Ok(contents)));
    }
    // What an object is known to deploy is what runs; the same that only lies there is not.
    for found in [&mut exact, &mut open, &mut successors] {
        let is_deployed = |(position, _): &(usize, usize)| catalog.stack(*position).described.is_some();
        if found.iter().any(is_deployed) {
            found.retain(is_deployed);
        }
    }
    let is_successor = exact.is_empty() && open.is_empty();
    match if is_successor {
        successors
    } else if exact.is_empty() {
        open
    } else {
        exact
    }[..]
    {
        [(stack, resource)] => Ok(Owned { stack, resource, is_successor, rendered: catalog.rendered(stack)? }),
        [] if !hidden.is_empty() => Err(hidden.swap_remove(0)),
        [] => Err(not_found(id, stack, &unread_of(catalog, unread))),
        ref several => Err(ambiguous(catalog, id, several)),
    }
}

/// An address without the keys of instances: `module.net.aws_subnet.private`.
fn without_keys(address: &str) -> String {
    let (mut names, mut depth, mut quoted) = (String::new(), 0_usize, false);
    for c in address.chars() {
        match c {
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            c if depth == 0 => names.push(c),
            _ => {}
        }
    }
    names
}

/// What was not searched, and why.
fn unread_of(catalog: &Catalog<'_>, searched: Vec<(usize, Result<Rc<Contents>, Code>)>) -> Vec<String> {
    let unread = |(position, contents): (usize, Result<Rc<Contents>, Code>)| match contents {
        Ok(contents) => contents.unread().map(|unread| format!("{} ({})", unread.file, unread.why)).collect(),
        Err(code) => vec![format!("{} ({code})", catalog.stacks()[position].name)],
    };
    searched.into_iter().flat_map(unread).collect()
}

/// An object by its name without what may be the hash of its content: ten of the characters that Kustomize writes hashes in
/// (`hasher.encode`).
fn without_hash(id: &ResourceId) -> Option<ResourceId> {
    let ResourceId::Kubernetes(id) = id else { return None };
    let (stem, hash) = id.name.rsplit_once('-')?;
    let is_hash = hash.len() == 10 && hash.bytes().all(|byte| b"bcdfghkmt2456789".contains(&byte));
    is_hash.then(|| ResourceId::Kubernetes(KubernetesId { name: stem.to_owned(), ..id.clone() }))
}

enum Match {
    Exact,
    Open,
}

fn matches(declared: &ResourceId, wanted: &ResourceId, stack: &Stack) -> Option<Match> {
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
        (Some(declared), Some(wanted)) if declared == wanted && stack.assumed.as_ref() == Some(wanted) => {
            Some(Match::Open)
        }
        (declared, wanted) if declared == wanted => Some(Match::Exact),
        // Where the deployer's namespace is known, it is the object's.
        (None, Some(wanted)) if stack.namespace.as_ref().is_some_and(|own| own == wanted) => Some(Match::Exact),
        (None, Some(_)) if stack.namespace.is_some() => None,
        (None, _) | (_, None) => Some(Match::Open),
        _ => None,
    }
}

fn not_found(id: &ResourceId, stack: Option<&str>, unreadable: &[String]) -> Refusal {
    let message = match stack {
        Some(name) => format!("the stack {name} does not declare {id}"),
        None => format!("no stack of the repository declares {id}"),
    };
    if let ResourceId::Cloud(_) = id {
        let message = format!("{id} is named as its cloud does, and no state tells its Terraform address");
        let hint = "give the Terraform state that knows it: `--state FILE`, or `states` of the repository in the server's \
                    configuration; or send the address";
        return Refusal::new(Code::OwnerNotFound, message, hint);
    }
    let mut hint = "check that this repository deploys it; `sourceward stacks` lists what was searched".to_owned();
    if !unreadable.is_empty() {
        let more = unreadable.len().saturating_sub(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        hint = format!("{hint}; not searched: {}{more}", unreadable[..unreadable.len().min(5)].join(", "));
    }
    Refusal::new(Code::OwnerNotFound, message, hint)
}

fn ambiguous(catalog: &Catalog<'_>, id: &ResourceId, found: &[(usize, usize)]) -> Refusal {
    let place = |&(stack, resource): &(usize, usize)| {
        let contents = catalog.contents(stack).ok()?;
        let Declared { file, line, .. } = contents.resources.get(resource)?;
        Some(format!("{} ({file}:{line})", catalog.stacks()[stack].name))
    };
    let places: Vec<String> = found.iter().take(5).filter_map(place).collect();
    Refusal::new(
        Code::OwnerAmbiguous,
        format!("{} declarations of {id}: {}", found.len(), places.join(", ")),
        "name the stack in the finding, or in .github/sourceward.yaml the stacks that are deployed",
    )
}
