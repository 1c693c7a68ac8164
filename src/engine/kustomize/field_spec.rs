//! Which field of which kind a transformer works on, and the walk to it.
//!
//! References: `api/types/fieldspec.go` and `api/filters/fieldspec/fieldspec.go` of Kustomize 5.5.0.

use super::{
    context::Context,
    identity::Gvk,
    node::{Content, Node, Tag, made},
    path,
    problem::Problem,
};
use crate::source::yaml::resolve::{Reader, is_string};

/// A field of the objects of some kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSpec {
    /// The kinds; what is empty does not matter.
    pub gvk: Gvk,
    /// The keys from the root, separated by `/` (`\/` is a slash of a key); `key[]` where the value must be a list. Lists on
    /// the way are gone through without being named.
    pub path: String,
    /// Whether the field is made where it is not there.
    pub create: bool,
}

/// What a missing field becomes before it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// It stays missing, whatever the specification says.
    Nothing,
    /// A scalar.
    Scalar,
    /// A map.
    Map,
}

impl FieldSpec {
    /// The keys of its path.
    pub fn keys(&self) -> Vec<String> {
        path::split(&self.path, '/')
    }

    /// Lets a function work on every node of an object that the specification names.
    ///
    /// # Errors
    /// What the function fails with, and where the object has a scalar on the way, as Kustomize does.
    pub fn visit(
        &self,
        object: &mut Node,
        create: Create,
        context: &mut Context<'_>,
        set: &mut dyn FnMut(&mut Node, &mut Context<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if !Gvk::of_node(object).is_selected(&self.gvk) {
            return Ok(());
        }
        self.walk(object, create, context, set)
    }

    /// As [`Self::visit`], for an object whose kind is known to be meant.
    ///
    /// # Errors
    /// As [`Self::visit`].
    pub fn walk(
        &self,
        object: &mut Node,
        create: Create,
        context: &mut Context<'_>,
        set: &mut dyn FnMut(&mut Node, &mut Context<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let create = if self.create { create } else { Create::Nothing };
        visit(object, &self.keys(), create, context, set)
            .map_err(|problem| problem.during(format_args!("considering field '{}'", self.path)))
    }
}

/// Tells whether a key stands for an item of a list wherever keys are looked up (`PathGetter`).
fn is_item(key: &str) -> bool {
    key.parse::<i64>().is_ok() || key == "-" || key == "*" || (key.starts_with('[') && key.ends_with(']'))
}

/// What is wrong with a key that a map cannot have once it is printed and read again: it reads as no text.
pub fn no_text(key: &str) -> Problem {
    Problem::broken(format!("the key {key} is no text, which a map's keys must be"))
}

fn visit(
    node: &mut Node,
    keys: &[String],
    create: Create,
    context: &mut Context<'_>,
    set: &mut dyn FnMut(&mut Node, &mut Context<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    context.spend(1)?;
    let [key, rest @ ..] = keys else { return set(node, context) };
    if node.is_null() {
        return Ok(());
    }
    match &mut node.content {
        Content::List(items) => items.iter_mut().try_for_each(|item| visit(item, keys, create, context, set)),
        Content::Scalar(_) => Err(Problem::broken("expected sequence or mapping node")),
        Content::Map(_) => {
            let name = key.strip_suffix("[]").unwrap_or(key);
            let is_list = name != key;
            if name.is_empty() {
                return Err(Problem::broken("cannot set or create an empty field name"));
            }
            if is_item(name) {
                return Err(Problem::broken(format!(
                    "wrong node kind: {name} stands for an item of a list, not a field"
                )));
            }
            let becomes = match (create, is_list) {
                (_, true) => Some(Node::list()),
                (Create::Nothing, _) => None,
                (Create::Scalar, _) if rest.is_empty() => Some(Node::scalar(made(""), Tag::Unresolved)),
                (Create::Scalar | Create::Map, _) => Some(Node::map()),
            };
            match (node.get_mut(name), becomes) {
                (Some(field), Some(becomes)) if field.is_null() => match (&mut field.content, becomes.content) {
                    // The text of the null stays.
                    (Content::Scalar(null), Content::Scalar(_)) => null.tag = Tag::Unresolved,
                    (content, becomes) => *content = becomes,
                },
                (None, Some(_)) if !is_list && !is_string(name, Reader::Kustomize) => return Err(no_text(name)),
                (None, Some(becomes)) if !is_list => node.set(made(name), becomes),
                _ => {}
            }
            match node.get_mut(name) {
                Some(field) => visit(field, rest, create, context, set),
                None => Ok(()),
            }
        }
    }
}
