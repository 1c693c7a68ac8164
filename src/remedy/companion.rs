//! A Terraform resource that has to stand beside another one, such as the access block of a bucket.
//!
//! It is worded as a block behind that of the resource which it refers to, of the same name, with its `count` or `for_each`. Only
//! the proof lets it pass: nothing but it may appear, and nothing else may move.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    plan::{Plan, SourceEdit},
    rule::{Rule, file::Companion},
};
use crate::{
    engine::Resource,
    model::{
        refusal::{Code, Refusal},
        resource::{ResourceId, TerraformId},
    },
    source::{
        hcl::{self, tree::Block},
        path::RepoPath,
        span::line_of,
        tree::SourceTree,
    },
};

/// The deepest blocks of a companion.
const MAX_DEPTH: usize = 8;

/// Companions as they are written.
#[derive(Debug)]
pub struct Companions {
    /// The edit that adds them.
    pub plan: Plan,
    /// The type and arguments of each; all have the resource's own name.
    added: Vec<(String, Map<String, Value>)>,
    /// The name.
    label: String,
    owner: String,
}

impl Companions {
    /// The companions that rules want beside a resource.
    ///
    /// # Errors
    /// `not-expressible` where the block of the resource is not found, `rule-declines` where a resource like one of them is
    /// there already, and as [`Resource::check_tool`].
    pub fn beside(tree: &dyn SourceTree, resource: &Resource, rules: &[&Rule]) -> Result<Self, Refusal> {
        resource.check_tool()?;
        let (file, line) = resource.declared_at();
        let refused = |code: Code, message: String| Refusal::new(code, message, "add it by hand").at(file, Some(line));
        let unworded = || {
            let message =
                format!("the block that declares {} was not found, to write another one beside it", resource.id);
            refused(Code::NotExpressible, message)
        };
        let text = read(tree, file).ok_or_else(unworded)?;
        let parsed = hcl::parse(&text).map_err(|_| unworded())?;
        let is_declaration = |block: &&Block| {
            let (first, last) = (line_of(&text, block.span.start), line_of(&text, block.span.end));
            &*block.kind.text == "resource" && block.labels.len() == 2 && (first..=last).contains(&line)
        };
        let block = parsed.body.blocks().find(is_declaration).ok_or_else(unworded)?;
        let (kind, label) = (&*block.labels[0].text, &*block.labels[1].text);
        let source = |name: &str| {
            block.body.attribute(name).and_then(|argument| text.get(argument.value.span.range())).map(str::to_owned)
        };
        let repetition = [("count", "[count.index]"), ("for_each", "[each.key]")]
            .into_iter()
            .find_map(|(name, key)| Some((name, source(name)?, key)));
        let (mut added, mut written) = (Vec::new(), String::new());
        for companion in rules.iter().flat_map(|rule| &rule.companions) {
            if let Some(there) = there_is(tree, file, companion, &format!("{kind}.{label}"), label) {
                let message = format!("{there} is there already beside {}", resource.id);
                return Err(refused(Code::RuleDeclines, message));
            }
            let key = repetition.as_ref().map_or("", |(_, _, key)| key);
            let reference = format!("{kind}.{label}{key}.{}", companion.refers.attribute);
            let mut lines = Vec::new();
            if let Some((name, value, _)) = &repetition {
                written += &format!("\n\nresource \"{}\" \"{label}\" {{\n  {name} = {value}\n\n", companion.kind);
            } else {
                written += &format!("\n\nresource \"{}\" \"{label}\" {{\n", companion.kind);
            }
            lines.push((companion.refers.argument.clone(), reference));
            written += &body(lines, &companion.arguments, 1).ok_or_else(unworded)?;
            written += "}";
            added.push((companion.kind.clone(), companion.arguments.clone()));
        }
        let at = block.span.end;
        let after = format!("{}{written}{}", &text[..at], &text[at..]);
        let edit = SourceEdit {
            file: file.clone(),
            line: line_of(&text, at),
            site: format!("resource beside {kind}.{label}"),
            before: String::new(),
            after: written,
        };
        let plan = Plan { edits: vec![edit], files: BTreeMap::from([(file.clone(), after)]) };
        Ok(Self { plan, added, label: label.to_owned(), owner: kind.to_owned() })
    }

    /// Tells whether a resource that the edit made appear is one of them, as it should be.
    pub fn holds(&self, resource: &Resource) -> bool {
        let ResourceId::Terraform(TerraformId { address }) = &resource.id else { return false };
        let Some((_, arguments)) = self.added.iter().find(|(kind, _)| resource.id.kind().as_deref() == Some(kind))
        else {
            return false;
        };
        let name = address.rsplit_once('.').map_or("", |(_, name)| name);
        let name = name.split('[').next().unwrap_or_default();
        let says = |(key, value): (&String, &Value)| resource.value.get(key) == Some(value);
        !self.owner.is_empty() && name == self.label && arguments.iter().all(says)
    }
}

fn read(tree: &dyn SourceTree, file: &RepoPath) -> Option<String> {
    String::from_utf8(tree.read(file).ok()?.to_vec()).ok()
}

/// A resource of the folder that does for the owner what the companion would, or has its name.
fn there_is(tree: &dyn SourceTree, file: &RepoPath, companion: &Companion, owner: &str, label: &str) -> Option<String> {
    let folder = file.parent()?;
    let beside = tree.entries().iter().map(|entry| &entry.path);
    for path in beside.filter(|path| path.as_str().ends_with(".tf") && path.parent().as_ref() == Some(&folder)) {
        let Some(text) = read(tree, path) else { continue };
        let Ok(parsed) = hcl::parse(&text) else { continue };
        for block in parsed.body.blocks().filter(|block| &*block.kind.text == "resource" && block.labels.len() == 2) {
            if *block.labels[0].text != *companion.kind {
                continue;
            }
            let refers = block.body.attribute(&companion.refers.argument);
            let refers = refers.and_then(|argument| text.get(argument.value.span.range())).unwrap_or_default();
            let is_of_owner = refers
                .match_indices(owner)
                .any(|(at, _)| refers[at + owner.len()..].starts_with(['.', '[']) || at + owner.len() == refers.len());
            if is_of_owner || *block.labels[1].text == *label {
                return Some(format!("{}.{}", companion.kind, block.labels[1].text));
            }
        }
    }
    None
}

/// The inside of a block as `terraform fmt` has it: arguments with their signs in one column, then blocks.
fn body(mut lines: Vec<(String, String)>, arguments: &Map<String, Value>, depth: usize) -> Option<String> {
    let is_blocks = |value: &Value| value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
    let indent = "  ".repeat(depth);
    for (name, value) in arguments.iter().filter(|(_, value)| !is_blocks(value)) {
        lines.push((name.clone(), serde_json::to_string(value).ok()?));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text: String = lines.iter().map(|(name, value)| format!("{indent}{name:width$} = {value}\n")).collect();
    for (name, value) in arguments.iter().filter(|(_, value)| is_blocks(value)) {
        for item in value.as_array()? {
            if depth == MAX_DEPTH {
                return None;
            }
            let gap = if text.is_empty() { "" } else { "\n" };
            text += &format!("{gap}{indent}{name} {{\n{}{indent}}}\n", body(Vec::new(), item.as_object()?, depth + 1)?);
        }
    }
    Some(text)
}
