//! `images`: another name, tag or digest for the images of containers.
//!
//! The name of an entry is part of a regular expression, as in Kustomize. What an image consists of keeps its origin: the name
//! may still be the base's where the tag is the entry's.
//!
//! References: `ImageTagTransformer.go`, `api/filters/imagetag` and `api/internal/image` of Kustomize 5.5.0.

pub mod pattern;
pub mod reference;

use std::ops::Range;

use super::{
    context::Context,
    field_spec::{Create, FieldSpec},
    fields::{fields, text},
    identity::Gvk,
    node::{Content, Node},
    problem::Problem,
    resources::Resources,
};
use crate::source::lineage::{
    sets::SetId,
    text::{MadeOf, Text, TextBuilder},
};
use pattern::Pattern;
use reference::Reference;

/// The keys whose lists hold containers, wherever they stand.
const CONTAINERS: [&[u8]; 2] = [b"containers", b"initContainers"];

/// The most lists and maps in one another that are looked through for containers.
const MAX_DEPTH: usize = 1_000;

/// What becomes of the images of some name.
#[derive(Clone, Debug)]
pub struct Image {
    /// The images, as a regular expression for the name.
    pub pattern: Pattern,
    /// The name they get; empty where it stays.
    pub new_name: Text,
    /// The tag they get; empty where it stays.
    pub new_tag: Text,
    /// What goes behind the tag that they have, where no other is said.
    pub tag_suffix: Text,
    /// The digest they get; empty where it stays.
    pub digest: Text,
}

impl Image {
    /// Reads an entry of `images`.
    ///
    /// # Errors
    /// Where Kustomize refuses it, or its name is an expression that this version does not know.
    pub fn read(item: &Node) -> Result<Self, Problem> {
        let names = ["name", "newName", "tagSuffix", "newTag", "digest"];
        let [name, new_name, tag_suffix, new_tag, digest] = fields(item, names)?;
        Ok(Self {
            pattern: Pattern::of(&text(name)?.lossy())?,
            new_name: text(new_name)?,
            new_tag: text(new_tag)?,
            tag_suffix: text(tag_suffix)?,
            digest: text(digest)?,
        })
    }

    /// Changes the images of all objects: first in every list of containers, then in the fields of the specifications. Where
    /// both lead to an image it is changed twice, which shows in the suffix of a tag.
    ///
    /// # Errors
    /// Where an image, or the container around it, is of another type.
    pub fn apply(
        &self,
        specs: &[FieldSpec],
        resources: &mut Resources,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        for in_containers in [true, false] {
            for resource in &mut resources.list {
                if Gvk::of_node(&resource.node).kind == "CustomResourceDefinition" {
                    continue;
                }
                if in_containers {
                    self.walk(&mut resource.node, 0, context)?;
                    continue;
                }
                for spec in specs {
                    let set = &mut |node: &mut Node, context: &mut Context<'_>| self.set(node, context);
                    spec.visit(&mut resource.node, Create::Nothing, context, set)?;
                }
            }
        }
        Ok(())
    }

    fn walk(&self, node: &mut Node, depth: usize, context: &mut Context<'_>) -> Result<(), Problem> {
        context.spend(1)?;
        if depth > MAX_DEPTH {
            return Err(Problem::limit("an object nests too deeply"));
        }
        match &mut node.content {
            Content::Scalar(_) => Ok(()),
            Content::List(items) => items.iter_mut().try_for_each(|item| self.walk(item, depth + 1, context)),
            Content::Map(entries) => entries.iter_mut().try_for_each(|entry| {
                self.walk(&mut entry.value, depth + 1, context)?;
                let items = CONTAINERS.contains(&entry.key.bytes()).then(|| entry.value.items_mut()).flatten();
                items.into_iter().flatten().try_for_each(|container| match &container.content {
                    Content::Map(_) => container.get_mut("image").map_or(Ok(()), |image| self.set(image, context)),
                    _ if container.is_null() => Ok(()),
                    _ => Err(Problem::broken("wrong node kind: expected a map for a container")),
                })
            }),
        }
    }

    /// Changes one image, if it is one of these.
    fn set(&self, node: &mut Node, context: &mut Context<'_>) -> Result<(), Problem> {
        let Content::Scalar(scalar) = &node.content else {
            return Err(Problem::broken("wrong node kind: expected a scalar for an image"));
        };
        context.spend(1 + scalar.text.len() / 64)?;
        let Some(value) = scalar.text.as_str().filter(|value| self.pattern.matches(value)) else { return Ok(()) };
        let text = self.changed(&scalar.text, &Reference::of(value));
        context.replace_text(node, text);
        Ok(())
    }

    fn changed(&self, old: &Text, reference: &Reference) -> Text {
        let part = |range: &Range<usize>| old.slice(range.clone());
        let with = |text: &Text| (!text.is_empty()).then(|| text.clone());
        let name = with(&self.new_name);
        let (tag, digest) = match (with(&self.new_tag), with(&self.digest), with(&self.tag_suffix)) {
            (None, None, None) if name.is_none() => return old.clone(),
            (None, None, None) => (part(&reference.tag), part(&reference.digest)),
            (Some(tag), digest, _) => (tag, digest.unwrap_or_default()),
            (None, Some(digest), _) => (Text::default(), digest),
            (None, None, Some(suffix)) => {
                let mut tag = TextBuilder::default();
                tag.push(&part(&reference.tag));
                tag.push(&suffix);
                (tag.build(), Text::default())
            }
        };
        let mut image = TextBuilder::default();
        image.push(&name.unwrap_or_else(|| part(&reference.name)));
        for (sign, part) in [(b":", tag), (b"@", digest)] {
            if !part.is_empty() {
                image.push_bytes(sign, MadeOf::NOTHING, SetId::EMPTY);
                image.push(&part);
            }
        }
        image.build()
    }
}
