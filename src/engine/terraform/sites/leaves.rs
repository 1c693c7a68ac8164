//! What stands at one leaf, changed there or overridden.

use serde_json::{Value as Json, json};

use super::Built;
use crate::{
    engine::{
        site::{Site, Wording},
        terraform::{
            leaf::{FileId, Leaf, Place, Role, Says},
            scope::InstanceId,
            whole::Call,
        },
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::{
        hcl::{
            self,
            edit::{Change as Edit, literal},
            json::{Json as Node, JsonKind},
            tree::{Attribute, Block, Body, Expression, ExpressionKind, Item, Key, ObjectItem},
        },
        path::RepoPath,
        span::Span,
        yaml::{
            parse::parse as parse_yaml,
            resolve::{Reader, find},
            tree::NodeKind,
        },
    },
};

/// The ways to do something to what stands at a leaf: a default gives way to what can be said over it.
pub(super) fn sites(built: Built<'_>, leaf: &Leaf, action: &Action) -> Vec<Site> {
    let (here, over) = (direct(built, leaf, action), over(built, leaf, action));
    match leaf.role {
        Role::VariableDefault | Role::TypeDefault => over.into_iter().chain(here).collect(),
        _ => here.into_iter().chain(over).collect(),
    }
}

/// The change where the leaf stands.
fn direct(built: Built<'_>, leaf: &Leaf, action: &Action) -> Option<Site> {
    let place = leaf.place?;
    let path = built.whole.file(place).clone();
    let wording = if leaf.role == Role::File && !path.as_str().ends_with(".tf") {
        data_file(built, leaf, action)?
    } else if path.as_str().ends_with(".json") {
        json_file(built, place, leaf.says, action)?
    } else {
        Wording::Hcl(match (leaf.says, action) {
            (Says::Literal | Says::Container, Action::Set(value)) => Edit::Set { at: place.span, value: value.clone() },
            (Says::Key, Action::Set(Json::String(name))) => Edit::Rename { at: place.span, name: name.clone() },
            (Says::Container, Action::AddKey { key, value }) => {
                Edit::Key { within: place.span, key: key.clone(), value: value.clone() }
            }
            (Says::Block, Action::AddKey { key, value }) => {
                Edit::Argument { within: Some(place.span), name: key.clone(), value: value.clone() }
            }
            (Says::Container, Action::AddItem { index, value }) => {
                Edit::Element { within: place.span, index: *index, value: value.clone() }
            }
            (Says::Key | Says::Block, Action::Remove) => Edit::Remove { at: place.span },
            _ => return None,
        })
    };
    Some(Site { file: path, label: label(built, leaf, action), wording, also: Vec::new() })
}

/// What a place is, for people.
pub(super) fn label(built: Built<'_>, leaf: &Leaf, action: &Action) -> String {
    let mut names = built.whole.names(leaf.path);
    if let Action::AddKey { key, .. } = action {
        names.push(key);
    }
    match (leaf.role, &names[..]) {
        (Role::Resource, [_, ty, name, rest @ ..]) if !rest.is_empty() => {
            format!("argument {} of {ty}.{name}", rest.join("."))
        }
        (Role::Provider, [_, name, rest @ ..]) if !rest.is_empty() => {
            format!("argument {} of provider {name}", rest.join("."))
        }
        (Role::ModuleArgument, [_, name, rest @ ..]) if !rest.is_empty() => {
            format!("argument {} of module.{name}", rest.join("."))
        }
        (Role::Local, [_, rest @ ..]) => format!("local.{}", rest.join(".")),
        (Role::VariableDefault | Role::TypeDefault, [_, name, ..]) => format!("default of var.{name}"),
        (Role::VariableValue, rest) => format!("variable {}", rest.join(".")),
        (Role::Output, [_, name, ..]) => format!("output {name}"),
        (Role::File, rest) => format!("field /{}", rest.join("/")),
        (_, rest) => rest.join("."),
    }
}

/// A change of a file that a function decodes.
fn data_file(built: Built<'_>, leaf: &Leaf, action: &Action) -> Option<Wording> {
    let place = leaf.place?;
    let file = built.whole.file(place).as_str();
    if ![".yaml", ".yml", ".json"].iter().any(|end| file.ends_with(end)) {
        return None;
    }
    let at = Pointer::of(built.whole.names(leaf.path));
    match (leaf.says, action) {
        (Says::Key, Action::Set(_)) | (Says::Literal | Says::Template | Says::Content, _) => return None,
        _ => {}
    }
    Some(yaml(at, action.clone()))
}

fn yaml(at: Pointer, action: Action) -> Wording {
    Wording::Yaml { document: 0, change: Change { at, action }, reader: Reader::Manifest }
}

/// A change of a file of HCL that is written as JSON.
fn json_file(built: Built<'_>, place: Place, says: Says, action: &Action) -> Option<Wording> {
    let text = built.whole.text(place.file);
    let is_template = built.whole.file(place).as_str().ends_with(".tf.json");
    let root = hcl::json::read::parse(text).ok()?;
    let at = pointer(&root, place.span, &mut Vec::new())?;
    let said = |value: &Json| if is_template { escaped(value) } else { value.clone() };
    let action = match (says, action) {
        (Says::Literal | Says::Container, Action::Set(value)) => Action::Set(said(value)),
        (Says::Container | Says::Block, Action::AddKey { key, value }) => {
            Action::AddKey { key: key.clone(), value: said(value) }
        }
        (Says::Container, Action::AddItem { index, value }) => Action::AddItem { index: *index, value: said(value) },
        (Says::Key, Action::Remove) => Action::Remove,
        _ => return None,
    };
    Some(yaml(at, action))
}

/// Texts as templates that say them.
fn escaped(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace("${", "$${").replace("%{", "%%{")),
        Json::Array(items) => items.iter().map(escaped).collect(),
        Json::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), escaped(value))).collect()),
        other => other.clone(),
    }
}

/// The way to a value, or to the property with this name.
fn pointer(node: &Node, at: Span, way: &mut Vec<String>) -> Option<Pointer> {
    if node.span == at {
        return Some(Pointer::of(way.iter()));
    }
    if at.start < node.span.start || node.span.end < at.end {
        return None;
    }
    let mut step = |name: String, node: Option<&Node>| {
        way.push(name);
        let found = match node {
            Some(node) => pointer(node, at, way),
            None => Some(Pointer::of(way.iter())),
        };
        way.pop();
        found
    };
    match &node.kind {
        JsonKind::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| step(index.to_string(), Some(item)))
        }
        JsonKind::Object(properties) => properties.iter().find_map(|property| {
            let name = property.name.text.to_string();
            if property.name.span == at { step(name, None) } else { step(name, Some(&property.value)) }
        }),
        _ => None,
    }
}

/// What can be said over a value of a variable.
fn over(built: Built<'_>, leaf: &Leaf, action: &Action) -> Vec<Site> {
    let Some(place) = leaf.place else { return Vec::new() };
    let names = built.whole.names(leaf.path);
    match (leaf.role, &names[..]) {
        (Role::VariableDefault, ["variable", name, "default", below @ ..]) => {
            let default = || attribute(built, place.file, &["variable", name], "default");
            let Some(value) = changed(default, below, action) else { return Vec::new() };
            variable(built, built.whole.file(place).parent().as_ref(), name, &value)
        }
        (Role::VariableValue, ["variable", name]) => match action {
            Action::Set(value) => variable(built, built.whole.file(place).parent().as_ref(), name, value),
            _ => Vec::new(),
        },
        (Role::VariableValue, [name, below @ ..]) => {
            let known = built.whole.file(place);
            let files = &built.whole.variable_files;
            let Some(at) = files.iter().position(|file| file == known) else { return Vec::new() };
            let own = || attribute(built, place.file, &[], name);
            let Some(value) = changed(own, below, action) else { return Vec::new() };
            files[at + 1..].iter().rev().filter_map(|file| entry(built, file, name, &value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The most values of a default that are said again over it: a larger one would drift from the default unseen.
const MAX_COPIED: usize = 16;

/// A whole value with a change at a place of it.
fn changed(whole: impl FnOnce() -> Option<Json>, below: &[&str], action: &Action) -> Option<Json> {
    if let (Action::Set(value), []) = (action, below) {
        return Some(value.clone());
    }
    let mut value = whole().filter(|value| count(value) <= MAX_COPIED)?;
    let at = Pointer::of(below.iter().copied());
    Change { at, action: action.clone() }.apply(&mut value).then_some(value)
}

fn count(value: &Json) -> usize {
    match value {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(map) => map.values().map(count).sum(),
        _ => 1,
    }
}

/// What an argument says, if it is literal: of a block by its type and labels, or of the file.
fn attribute(built: Built<'_>, file: FileId, block: &[&str], name: &str) -> Option<Json> {
    let path = built.whole.file(Place { file, span: Span::default() }).as_str();
    if path.ends_with(".tfvars.json") && block.is_empty() {
        let json: Json = serde_json::from_str(built.whole.text(file)).ok()?;
        return json.get(name).cloned();
    }
    let parsed = built.whole.parsed(file)?;
    let mut body = &parsed.body;
    if let [kind, labels @ ..] = block {
        let is_it = |block: &&Block| {
            *block.kind.text == **kind && block.labels.iter().map(|label| &*label.text).eq(labels.iter().copied())
        };
        body = &body.blocks().find(is_it)?.body;
    }
    literal(&body.attribute(name)?.value)
}

/// The ways to give a variable of a module a value: where the root reads values from, or where the module is called.
pub(super) fn variable(built: Built<'_>, folder: Option<&RepoPath>, name: &str, value: &Json) -> Vec<Site> {
    let Some(folder) = folder else { return Vec::new() };
    let mut found = Vec::new();
    for module in chain(built) {
        if built.whole.module(module).folder == *folder {
            found.extend(given(built, module, name, value));
        }
    }
    found
}

/// The instances of modules that a resource is in, the innermost first.
pub(super) fn chain(built: Built<'_>) -> Vec<InstanceId> {
    let mut all = vec![built.planned.module];
    while let Some(call) = &built.whole.module(all[all.len() - 1]).call {
        all.push(call.instance);
    }
    all
}

/// The ways to give a variable of one instance a value.
pub(super) fn given(built: Built<'_>, module: InstanceId, name: &str, value: &Json) -> Vec<Site> {
    match &built.whole.module(module).call {
        Some(call) => argument(built, call, name, value).into_iter().collect(),
        None => {
            let files = built.whole.variable_files.iter().rev().filter_map(|file| entry(built, file, name, value));
            input(built, name, value).into_iter().chain(files).collect()
        }
    }
}

/// A new entry of the inputs that a unit of Terragrunt says itself.
pub(super) fn input(built: Built<'_>, name: &str, value: &Json) -> Option<Site> {
    let (file, own) = built.whole.unit.as_ref()?;
    let change = match own {
        Some(own) => {
            let parsed = built.whole.parsed(own.file)?;
            let ExpressionKind::Object(object) = &parsed.body.attribute("inputs")?.value.kind else { return None };
            let is_it = |item: &ObjectItem| match &item.key {
                Key::Name(key) => *key.text == *name,
                // A key that is worked out may be any.
                Key::Expression(key) => key.literal().is_none_or(|key| *key.value == *name),
            };
            if object.items.iter().any(is_it) {
                return None;
            }
            Edit::Key { within: own.span, key: name.to_owned(), value: value.clone() }
        }
        None => {
            let parsed = built.whole.parsed(built.whole.find(file)?)?;
            if parsed.body.attribute("inputs").is_some() {
                return None;
            }
            Edit::Argument { within: None, name: "inputs".to_owned(), value: json!({name: value}) }
        }
    };
    Some(Site { file: file.clone(), label: format!("input {name}"), wording: Wording::Hcl(change), also: Vec::new() })
}

/// A new argument of a call.
fn argument(built: Built<'_>, call: &Call, name: &str, value: &Json) -> Option<Site> {
    let file = built.whole.file(call.block).clone();
    let is_json = file.as_str().ends_with(".json");
    let wording = if is_json {
        let action = Action::AddKey { key: name.to_owned(), value: value.clone() };
        json_file(built, call.block, Says::Block, &action)?
    } else {
        let parsed = built.whole.parsed(call.block.file)?;
        let block = block_at(&parsed.body, call.block.span)?;
        match block.body.attribute(name) {
            // What is null leaves the variable to its default.
            Some(Attribute { value: known @ Expression { kind: ExpressionKind::Null, .. }, .. }) => {
                Wording::Hcl(Edit::Set { at: known.span, value: value.clone() })
            }
            Some(_) => return None,
            None => Wording::Hcl(Edit::Argument {
                within: Some(call.block.span),
                name: name.to_owned(),
                value: value.clone(),
            }),
        }
    };
    Some(Site { file, label: format!("argument {name} of module.{}", call.name), wording, also: Vec::new() })
}

/// A new entry of a file of variables.
fn entry(built: Built<'_>, file: &RepoPath, name: &str, value: &Json) -> Option<Site> {
    let id = built.whole.find(file)?;
    let wording = if file.as_str().ends_with(".json") {
        let json: Json = serde_json::from_str(built.whole.text(id)).ok()?;
        if json.get(name).is_some() {
            return None;
        }
        yaml(Pointer::root(), Action::AddKey { key: name.to_owned(), value: value.clone() })
    } else {
        match built.whole.parsed(id)?.body.attribute(name) {
            Some(_) => return None,
            None => Wording::Hcl(Edit::Argument { within: None, name: name.to_owned(), value: value.clone() }),
        }
    };
    Some(Site { file: file.clone(), label: format!("variable {name}"), wording, also: Vec::new() })
}

/// The block with these bytes.
pub(super) fn block_at(body: &Body, at: Span) -> Option<&Block> {
    body.items.iter().find_map(|item| match item {
        Item::Block(block) if block.span == at => Some(block),
        Item::Block(block) if block.span.start <= at.start && at.end <= block.span.end => block_at(&block.body, at),
        _ => None,
    })
}

/// What a literal says.
pub(super) fn literal_of(built: Built<'_>, leaf: &Leaf) -> Option<Json> {
    let place = leaf.place?;
    if leaf.says != Says::Literal {
        return None;
    }
    let text = built.whole.text(place.file).get(place.span.range())?;
    if built.whole.file(place).as_str().ends_with(".json") {
        return serde_json::from_str(text).ok();
    }
    literal(&hcl::parse_expression(text).ok()?)
}

/// The text that the offsets of a leaf count in.
pub(super) fn content_of(built: Built<'_>, leaf: &Leaf) -> Option<String> {
    match leaf.says {
        Says::Literal => match literal_of(built, leaf)? {
            Json::String(text) => Some(text),
            // A number or bool that was turned into text.
            other => Some(crate::engine::window::as_text(&other)),
        },
        Says::Key => built.whole.names(leaf.path).last().map(|name| (*name).to_owned()),
        Says::Scalar => {
            let stream = parse_yaml(built.whole.text(leaf.place?.file)).ok()?;
            let document = stream.documents.first()?;
            let node = find(document, &Pointer::of(built.whole.names(leaf.path)), Reader::Manifest)?.node;
            match &document.node(node).kind {
                NodeKind::Scalar { text, .. } => Some(text.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Other bytes of the literal text of a template.
pub(super) fn template_text(
    built: Built<'_>,
    leaf: &Leaf,
    range: (usize, usize),
    before: &str,
    new: &str,
) -> Option<Site> {
    let place = leaf.place?;
    let file = built.whole.file(place).clone();
    let is_hcl = [".tf", ".tfvars", ".hcl"].iter().any(|end| file.as_str().ends_with(end));
    let wording = if is_hcl {
        Wording::Hcl(Edit::Text { at: place.span, range, text: new.to_owned() })
    } else if file.as_str().ends_with(".json") {
        return None;
    } else {
        // A template in a file of its own, where nothing but the markers of sequences is escaped.
        let start = place.span.start + range.0;
        plain(built, place, Span::new(start, start + before.len()), before, new)?
    };
    Some(Site { file, label: label(built, leaf, &Action::Remove), wording, also: Vec::new() })
}

/// Other bytes of a file that is read as it stands.
pub(super) fn content(built: Built<'_>, leaf: &Leaf, range: (usize, usize), before: &str, new: &str) -> Option<Site> {
    let place = leaf.place?;
    let file = built.whole.file(place).clone();
    let start = place.span.start + range.0;
    let text = built.whole.text(place.file);
    if text.get(start..start + before.len()) != Some(before) {
        return None;
    }
    let wording = Wording::Text {
        span: Span::new(start, start + before.len()),
        before: before.to_owned(),
        after: new.to_owned(),
    };
    Some(Site { file, label: "text of the file".to_owned(), wording, also: Vec::new() })
}

fn plain(built: Built<'_>, place: Place, span: Span, before: &str, new: &str) -> Option<Wording> {
    let text = built.whole.text(place.file);
    // Only where everything before stands for itself are offsets those of the file.
    let leading = text.get(place.span.start..span.start)?;
    let is_plain = !leading.contains("$${") && !leading.contains("%%{") && text.get(span.range()) == Some(before);
    let after = new.replace("${", "$${").replace("%{", "%%{");
    is_plain.then(|| Wording::Text { span, before: before.to_owned(), after })
}
