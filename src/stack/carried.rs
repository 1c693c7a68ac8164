//! Places in files that no repository has, looked up where they are really written: in the object that describes the stack,
//! and through the stack that declares that object, as far up as it takes.

use serde_json::Value;

use super::{
    argocd::kustomize::image_text,
    catalog::Catalog,
    lowered::{Added, Field, Form, Item, Laid, Rendering, Says, Target, is_laid},
    object::{World, place},
};
use crate::{
    engine::{
        Resource,
        site::{Lists, MAX_SITES, Site, Wording},
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        lineage::{Address, Cause, Chain, Origin, Place, Role},
        path::RepoPath,
        span::Span,
        yaml::{edit::Draft, resolve::Reader},
    },
};

/// How many objects an edit may be carried through.
const MAX_DEPTH: usize = 12;

/// Where each step of the change of a stack's resource to the wanted one could be made, best first, in files of the repository.
///
/// # Errors
/// A refusal where the source has no place that could say one.
pub fn sites(
    catalog: &Catalog<'_>,
    stack: usize,
    resource: &Resource,
    steps: &[Change],
    (wanted, lists): (&Value, Lists),
) -> Result<Vec<Vec<Site>>, Refusal> {
    let rendering = catalog.rendering(stack)?;
    carried(catalog, &rendering, resource, steps, (wanted, lists), MAX_DEPTH)
}

fn carried(
    catalog: &Catalog<'_>,
    rendering: &Rendering,
    resource: &Resource,
    steps: &[Change],
    (wanted, lists): (&Value, Lists),
    depth: usize,
) -> Result<Vec<Vec<Site>>, Refusal> {
    let found = resource.sites(steps, wanted, lists)?;
    if rendering.laid.is_empty() {
        return Ok(found);
    }
    let through = |(sites, step): (Vec<Site>, &Change)| {
        let mut carried: Vec<Site> = Vec::new();
        for site in sites {
            for site in way(catalog, rendering, site, depth) {
                if carried.len() < MAX_SITES && !carried.contains(&site) {
                    carried.push(site);
                }
            }
        }
        if carried.is_empty() {
            let (file, line) = resource.declared_at();
            let message = format!("nothing in this repository that could be edited says {}", step.at);
            let refusal = Refusal::new(Code::NotExpressible, message, "change the source by hand");
            return Err(if is_laid(file) { refusal } else { refusal.at(file, Some(line)) });
        }
        Ok(carried)
    };
    found.into_iter().zip(steps).map(through).collect()
}

/// The ways to do what is done at a site in files of the repository.
fn way(catalog: &Catalog<'_>, rendering: &Rendering, site: Site, depth: usize) -> Vec<Site> {
    let Site { file, label, wording, also } = site;
    let mut more = Vec::new();
    for site in also {
        // What has to happen with it happens in the best place for it.
        let Some(first) = way(catalog, rendering, site, depth).into_iter().next() else { return Vec::new() };
        more.push(first);
    }
    let ways = one(catalog, rendering, Site { file, label, wording, also: Vec::new() }, depth);
    let with = |mut site: Site| {
        site.also.extend(more.iter().cloned());
        site
    };
    ways.into_iter().map(with).collect()
}

fn one(catalog: &Catalog<'_>, rendering: &Rendering, site: Site, depth: usize) -> Vec<Site> {
    let Some(laid) = rendering.laid.get(&site.file) else {
        return if is_laid(&site.file) { Vec::new() } else { vec![site] };
    };
    if depth == 0 {
        return Vec::new();
    }
    match &laid.says {
        Says::Copy(file) => match &site.wording {
            // The chart's own values do not count beside the files that stand in their place.
            _ if *file == site.file => Vec::new(),
            _ => vec![Site { file: file.clone(), ..site }],
        },
        Says::Value(target) => match change_of(&site.wording, laid) {
            Some(change) => at(catalog, target, &change, &site.label, depth),
            None => Vec::new(),
        },
        Says::Text(target) => match reworded(&site.wording, laid) {
            Some(text) => {
                let change = Change { at: Pointer::root(), action: Action::Set(Value::String(text)) };
                let mut ways = at(catalog, target, &change, &site.label, depth);
                // In the file itself the text is changed line by line.
                ways.iter_mut().for_each(|way| way.label.clone_from(&site.label));
                ways
            }
            None => Vec::new(),
        },
        Says::Kustomization { own, fields } => kustomization(catalog, laid, own.as_ref(), fields, &site, depth),
        Says::Objects(before) => objects(catalog, before, &site, depth),
    }
}

/// What happens at a site, as a change of its document; a text within it is changed as a whole.
fn change_of(wording: &Wording, laid: &Laid) -> Option<Change> {
    match wording {
        Wording::Yaml { change, .. } => Some(change.clone()),
        Wording::Within { document, at, reader, inner } => {
            let mut draft = draft(laid)?;
            let text = draft.scalar(*document, at, *reader).ok()?;
            let mut inside = Draft::new(text, None);
            inner.in_draft(&mut inside)?;
            Some(Change { at: at.clone(), action: Action::Set(Value::String(inside.into_text())) })
        }
        Wording::Text { .. } | Wording::Hcl(_) | Wording::Create { .. } => None,
    }
}

/// The whole text of a laid file after what happens at a site.
fn reworded(wording: &Wording, laid: &Laid) -> Option<String> {
    let mut draft = draft(laid)?;
    wording.in_draft(&mut draft)?;
    Some(draft.into_text())
}

fn draft(laid: &Laid) -> Option<Draft> {
    Some(Draft::new(String::from_utf8(laid.content.to_vec()).ok()?, None))
}

/// A change of the value at a target.
fn at(catalog: &Catalog<'_>, target: &Target, change: &Change, label: &str, depth: usize) -> Vec<Site> {
    match target {
        Target::File(file, base) => {
            let Some(now) = value_of(catalog, file) else { return Vec::new() };
            let Some(change) = rebased(&now, base, change) else { return Vec::new() };
            let wording = Wording::Yaml { document: 0, change, reader: Reader::Manifest };
            vec![Site { file: file.clone(), label: label.to_owned(), wording, also: Vec::new() }]
        }
        Target::Object(reference, base) => {
            let Ok(rendering) = catalog.rendering(reference.stack) else { return Vec::new() };
            let resources = &rendering.rendered.resources;
            let found =
                resources.iter().find(|resource| resource.lasting_id() == reference.id || resource.id == reference.id);
            let Some(resource) = found else { return Vec::new() };
            let Some(change) = rebased(&resource.value, base, change) else { return Vec::new() };
            let mut wanted = (*resource.value).clone();
            if !change.apply(&mut wanted) {
                return Vec::new();
            }
            let steps = std::slice::from_ref(&change);
            let found = carried(catalog, &rendering, resource, steps, (&wanted, Lists::Unclear), depth - 1);
            found.unwrap_or_default().into_iter().flatten().collect()
        }
    }
}

fn value_of(catalog: &Catalog<'_>, file: &RepoPath) -> Option<Value> {
    let bytes = World::tree(catalog).read(file).ok()?;
    let stream = crate::source::yaml::parse::parse(std::str::from_utf8(&bytes).ok()?).ok()?;
    let document = stream.documents.first()?;
    crate::source::yaml::resolve::value(document, document.root?, Reader::Manifest).ok()
}

/// A change below a place of a value that may not say anything there yet.
fn rebased(now: &Value, base: &Pointer, change: &Change) -> Option<Change> {
    let join = |at: &Pointer| Pointer::of(base.tokens().iter().chain(at.tokens()).cloned());
    let whole = join(&change.at);
    if whole.get(now).is_some_and(|value| !value.is_null() || matches!(change.action, Action::Set(_) | Action::Remove))
    {
        return Some(Change { at: whole, action: change.action.clone() });
    }
    match &change.action {
        Action::Set(value) => Some(place(now, &whole, value.clone())),
        Action::AddKey { key, value } => Some(place(now, &whole.join(key), value.clone())),
        Action::AddItem { index: 0, value } => Some(place(now, &whole, Value::Array(vec![value.clone()]))),
        Action::AddItem { .. } | Action::Remove => None,
    }
}

/// A change of a kustomization with what an object adds to it: in the object, or in the kustomization's file.
fn kustomization(
    catalog: &Catalog<'_>,
    laid: &Laid,
    own: Option<&RepoPath>,
    fields: &[Field],
    site: &Site,
    depth: usize,
) -> Vec<Site> {
    let Some(value) = draft(laid).and_then(|draft| serde_json::from_str::<Value>(draft.text()).ok()) else {
        return Vec::new();
    };
    let in_file = |wording: Wording| {
        own.map(|file| Site { file: file.clone(), label: site.label.clone(), wording, also: Vec::new() })
    };
    let Some(whole) = change_of(&site.wording, laid) else { return Vec::new() };
    let (name, rest) = match whole.at.tokens() {
        [] => match &whole.action {
            Action::AddKey { key, .. } => (key.clone(), &[][..]),
            _ => return Vec::new(),
        },
        [name, rest @ ..] => (name.clone(), rest),
    };
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        return in_file(site.wording.clone()).into_iter().collect();
    };
    let object = |change: Change| at(catalog, &field.target, &change, &site.label, depth);
    match (&field.added, rest) {
        (Added::Whole(true), _) => object(Change { at: Pointer::root(), action: whole.action }),
        (Added::Whole(false), _) => in_file(site.wording.clone()).into_iter().collect(),
        (Added::Keys(keys), [key, ..]) if keys.contains(key) => {
            object(Change { at: Pointer::of(rest.iter().cloned()), action: whole.action })
        }
        (Added::Keys(_), _) => in_file(site.wording.clone()).into_iter().collect(),
        (Added::Items { items, form, own }, []) => {
            // A new item, or a new list.
            let new = match &whole.action {
                Action::AddItem { value, .. } => value.clone(),
                Action::AddKey { value: Value::Array(list), .. } => match &list[..] {
                    [only] => only.clone(),
                    _ => return Vec::new(),
                },
                _ => return Vec::new(),
            };
            let in_object = match added(*form, *own, &new) {
                Some(change) => object(change),
                None => Vec::new(),
            };
            let filed = items.iter().filter(|item| matches!(item, Item::File(_) | Item::Both(..))).count();
            let action = match filed {
                0 => Action::AddKey { key: name.clone(), value: Value::Array(vec![new]) },
                _ => Action::AddItem { index: filed, value: new },
            };
            let at = if filed == 0 { Pointer::root() } else { Pointer::of([name]) };
            let change = Change { at, action };
            let in_file = in_file(Wording::Yaml { document: 0, change, reader: Reader::Manifest });
            match *own {
                0 => in_file.into_iter().chain(in_object).collect(),
                _ => in_object.into_iter().chain(in_file).collect(),
            }
        }
        (Added::Items { items, form, .. }, [index, inner @ ..]) => {
            let Some(from) = index.parse::<usize>().ok().and_then(|index| items.get(index)) else { return Vec::new() };
            let (file, said) = match from {
                Item::File(file) => (Some(*file), None),
                Item::Object(said) => (None, Some(*said)),
                Item::Both(file, said, keys) => {
                    let key = inner.first().or(match &whole.action {
                        Action::AddKey { key, .. } => Some(key),
                        _ => None,
                    });
                    match key.is_some_and(|key| keys.contains(key)) {
                        true => (None, Some(*said)),
                        false => (Some(*file), None),
                    }
                }
            };
            if let Some(file) = file {
                let moved = |wording: &Wording| renumbered(wording, &name, file);
                return in_file(moved(&site.wording)).into_iter().collect();
            }
            let Some(said) = said else { return Vec::new() };
            match form {
                Form::Same => {
                    let tokens = [said.to_string()].into_iter().chain(inner.iter().cloned());
                    object(Change { at: Pointer::of(tokens), action: whole.action })
                }
                Form::Image => {
                    let mut item = value.get(&name).and_then(|list| list.get(index.parse::<usize>().ok()?)).cloned();
                    let change = Change { at: Pointer::of(inner.iter().cloned()), action: whole.action };
                    let text = item.as_mut().and_then(|item| change.apply(item).then(|| image_text(item))?);
                    let Some(text) = text else { return Vec::new() };
                    object(Change { at: Pointer::of([said.to_string()]), action: Action::Set(text.into()) })
                }
            }
        }
    }
}

/// The change by which an object gets a new item of a list that has so many.
fn added(form: Form, own: usize, item: &Value) -> Option<Change> {
    let item = match form {
        // A patch in a file of its own cannot be named from an object.
        Form::Same if item.get("path").is_some() => return None,
        Form::Same => item.clone(),
        Form::Image => image_text(item)?.into(),
    };
    Some(match own {
        0 => Change { at: Pointer::root(), action: Action::Set(Value::Array(vec![item])) },
        own => Change { at: Pointer::root(), action: Action::AddItem { index: own, value: item } },
    })
}

/// The same at another item of a list.
fn renumbered(wording: &Wording, name: &str, index: usize) -> Wording {
    let moved = |at: &Pointer| {
        let mut tokens = at.tokens().to_vec();
        if tokens.first().is_some_and(|first| first == name)
            && let Some(token) = tokens.get_mut(1)
        {
            *token = index.to_string();
        }
        Pointer::of(tokens)
    };
    match wording.clone() {
        Wording::Yaml { document, change, reader } => {
            let change = Change { at: moved(&change.at), action: change.action };
            Wording::Yaml { document, change, reader }
        }
        Wording::Within { document, at, reader, inner } => Wording::Within { document, at: moved(&at), reader, inner },
        other => other,
    }
}

/// A change of an object of an earlier render.
fn objects(catalog: &Catalog<'_>, before: &Rendering, site: &Site, depth: usize) -> Vec<Site> {
    let (Wording::Yaml { document, change, .. }, Some(_)) = (&site.wording, Some(())) else { return Vec::new() };
    let Some(resource) = before.rendered.resources.get(*document) else { return Vec::new() };
    let mut wanted = (*resource.value).clone();
    if !change.apply(&mut wanted) {
        return Vec::new();
    }
    let steps = std::slice::from_ref(change);
    let found = carried(catalog, before, resource, steps, (&wanted, Lists::Unclear), depth - 1);
    found.unwrap_or_default().into_iter().flatten().collect()
}

/// The places that say fields of a stack's resource, in files of the repository.
pub fn origins(catalog: &Catalog<'_>, stack: usize, resource: &Resource, fields: &[Pointer]) -> Vec<Vec<Origin>> {
    let found = resource.all_origins(fields);
    let Ok(rendering) = catalog.rendering(stack) else { return found };
    let through = |origins: Vec<Origin>| {
        origins.into_iter().flat_map(|origin| original(catalog, &rendering, origin, MAX_DEPTH)).collect()
    };
    found.into_iter().map(through).collect()
}

/// The places that are really meant by one that may be in a laid file.
fn original(catalog: &Catalog<'_>, rendering: &Rendering, origin: Origin, depth: usize) -> Vec<Origin> {
    let Some(laid) = rendering.laid.get(&origin.file) else {
        return if is_laid(&origin.file) { Vec::new() } else { vec![origin] };
    };
    let Address::Yaml { document, at } = &origin.address else { return Vec::new() };
    let target = match &laid.says {
        _ if depth == 0 => return Vec::new(),
        Says::Value(target) => target.below(at),
        Says::Text(target) => target.clone(),
        Says::Copy(file) => Target::File(file.clone(), at.clone()),
        Says::Kustomization { own, fields } => match said_by(fields, own.as_ref(), at) {
            Some(target) => target,
            None => return Vec::new(),
        },
        Says::Objects(before) => {
            let Some(resource) = before.rendered.resources.get(*document) else { return Vec::new() };
            let found = resource.origins(at).into_iter();
            return found.flat_map(|origin| original(catalog, before, origin, depth - 1)).collect();
        }
    };
    match target {
        Target::File(file, at) => in_file(catalog, file, at, &origin).into_iter().collect(),
        Target::Object(reference, at) => {
            let Ok(rendering) = catalog.rendering(reference.stack) else { return Vec::new() };
            let resources = &rendering.rendered.resources;
            let found =
                resources.iter().find(|resource| resource.lasting_id() == reference.id || resource.id == reference.id);
            let Some(resource) = found else { return Vec::new() };
            let found = resource.origins(&at).into_iter();
            let found = found.flat_map(|origin| original(catalog, &rendering, origin, depth - 1));
            found.map(|found| Origin { role: origin.role, ..found }).collect()
        }
    }
}

fn said_by(fields: &[Field], own: Option<&RepoPath>, at: &Pointer) -> Option<Target> {
    let in_file = |at: Pointer| own.map(|file| Target::File(file.clone(), at));
    let [name, rest @ ..] = at.tokens() else { return in_file(at.clone()) };
    let Some(field) = fields.iter().find(|field| field.name == *name) else { return in_file(at.clone()) };
    let below = |tokens: &[String]| field.target.below(&Pointer::of(tokens.iter().cloned()));
    match (&field.added, rest) {
        (Added::Whole(true), _) => Some(field.target.clone()),
        (Added::Keys(keys), [key, ..]) if keys.contains(key) => Some(below(rest)),
        (Added::Items { items, form, .. }, [index, inner @ ..]) => match items.get(index.parse::<usize>().ok()?)? {
            Item::Object(said) | Item::Both(_, said, _) => {
                let inner = if *form == Form::Image { &[] } else { inner };
                Some(below(&[&[said.to_string()], inner].concat()))
            }
            Item::File(file) => {
                in_file(Pointer::of([name.clone(), file.to_string()].into_iter().chain(inner.iter().cloned())))
            }
        },
        _ => in_file(at.clone()),
    }
}

/// The place of a file's first document.
fn in_file(catalog: &Catalog<'_>, file: RepoPath, at: Pointer, like: &Origin) -> Option<Origin> {
    let bytes = World::tree(catalog).read(&file).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let stream = crate::source::yaml::parse::parse(text).ok()?;
    let document = stream.documents.first()?;
    let found = crate::source::yaml::resolve::find(document, &at, Reader::Manifest)?;
    let span = document.node(found.node).span;
    let line = crate::source::span::line_of(text, span.start);
    Some(Origin { file, line, span, role: like.role, address: Address::Yaml { document: 0, at } })
}

/// How a field of a stack's resource came to be, with places in files of the repository.
pub fn chain(catalog: &Catalog<'_>, stack: usize, resource: &Resource, at: &Pointer) -> Option<Chain> {
    let mut chain = resource.chain(at)?;
    let Ok(rendering) = catalog.rendering(stack) else { return Some(chain) };
    if !rendering.laid.is_empty() {
        let parts = chain.parts.iter_mut().flat_map(|part| &mut part.sources);
        let causes = parts.chain(&mut chain.printed_because).chain(&mut chain.chosen_because);
        causes.for_each(|cause| real(catalog, &rendering, cause));
    }
    Some(chain)
}

/// Leads a cause to where it is really written; what is written nowhere has no place.
fn real(catalog: &Catalog<'_>, rendering: &Rendering, cause: &mut Cause) {
    cause.overrides.iter_mut().for_each(|over| real(catalog, rendering, over));
    let of = cause.role;
    let found = |file: &RepoPath, key: &[String]| {
        let (role, at) = (Role::Value, Pointer::of(key.iter().cloned()));
        // An argument's file says its value alone.
        let at = if of == Role::Argument { Pointer::root() } else { at };
        let address = Address::Yaml { document: 0, at };
        let origin = Origin { file: file.clone(), line: 1, span: Span::empty(0), role, address };
        original(catalog, rendering, origin, MAX_DEPTH).into_iter().next()
    };
    if let Some(place) = cause.place.as_mut().filter(|place| is_laid(&place.file)) {
        match found(&place.file, &cause.key) {
            Some(Origin { file, line, span, .. }) => {
                *place = Place { file, inside: None, line, span };
            }
            None => cause.place = None,
        }
    }
    if let Some(over) = cause.override_at.as_mut().filter(|over| is_laid(&over.file)) {
        let written = match rendering.laid.get(&over.file).map(|laid| &laid.says) {
            Some(Says::Value(Target::Object(reference, base)) | Says::Text(Target::Object(reference, base))) => {
                let key: Vec<String> = base.tokens().iter().chain(&over.key).cloned().collect();
                let rendering = catalog.rendering(reference.stack).ok();
                let declared = rendering.and_then(|rendering| {
                    let mut resources = rendering.rendered.resources.iter();
                    let resource = resources.find(|resource| resource.lasting_id() == reference.id)?;
                    Some(resource.declared_at().0.clone()).filter(|file| !is_laid(file))
                });
                declared.map(|file| (file, key))
            }
            Some(Says::Value(Target::File(file, base))) => {
                Some((file.clone(), base.tokens().iter().chain(&over.key).cloned().collect()))
            }
            Some(Says::Copy(file)) => Some((file.clone(), over.key.clone())),
            _ => None,
        };
        match written {
            Some((file, key)) => (over.file, over.key) = (file, key),
            None => cause.override_at = None,
        }
    }
}
