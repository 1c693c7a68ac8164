//! Nodes by number.

use crate::{
    engine::kustomize::{
        context::Context,
        node::{Content, Entry, MAX_DEPTH, Node, Scalar, Style, Tag},
        problem::Problem,
    },
    source::{
        lineage::{sets::SetId, text::Text},
        yaml::resolve::{self, Reader},
    },
};

/// A node's number.
pub(super) type Id = usize;

/// Nodes of two trees, of which one may come to hold nodes of the other.
#[derive(Default)]
pub(super) struct Tree {
    nodes: Vec<Planted>,
}

struct Planted {
    kind: Kind,
    places: SetId,
}

/// What a node is.
pub(super) enum Kind {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Id>),
    /// A map.
    Map(Vec<(Text, Id)>),
}

impl Tree {
    /// Numbers a node and all below it.
    pub(super) fn plant(&mut self, node: Node, context: &mut Context<'_>) -> Result<Id, Problem> {
        self.plant_at(node, 0, context)
    }

    fn plant_at(&mut self, node: Node, depth: usize, context: &mut Context<'_>) -> Result<Id, Problem> {
        context.spend(1)?;
        if depth > MAX_DEPTH {
            return Err(Problem::limit("an object nests too deeply"));
        }
        let kind = match node.content {
            Content::Scalar(scalar) => Kind::Scalar(scalar),
            Content::List(items) => {
                let plant = |item| self.plant_at(item, depth + 1, context);
                Kind::List(items.into_iter().map(plant).collect::<Result<_, _>>()?)
            }
            Content::Map(entries) => {
                let plant = |entry: Entry| Ok((entry.key, self.plant_at(entry.value, depth + 1, context)?));
                Kind::Map(entries.into_iter().map(plant).collect::<Result<_, Problem>>()?)
            }
        };
        Ok(self.add(kind, node.places))
    }

    /// The node and all below it. A node that is in two places is there twice.
    pub(super) fn take(&self, id: Id) -> Node {
        let Planted { kind, places } = &self.nodes[id];
        let content = match kind {
            Kind::Scalar(scalar) => Content::Scalar(scalar.clone()),
            Kind::List(items) => Content::List(items.iter().map(|item| self.take(*item)).collect()),
            Kind::Map(entries) => {
                let entry = |(key, value): &(Text, Id)| Entry { key: key.clone(), value: self.take(*value) };
                Content::Map(entries.iter().map(entry).collect())
            }
        };
        Node { content, places: *places }
    }

    pub(super) fn add(&mut self, kind: Kind, places: SetId) -> Id {
        self.nodes.push(Planted { kind, places });
        self.nodes.len() - 1
    }

    pub(super) fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id].kind
    }

    pub(super) fn kind_mut(&mut self, id: Id) -> &mut Kind {
        &mut self.nodes[id].kind
    }

    pub(super) fn places(&self, id: Id) -> SetId {
        self.nodes[id].places
    }

    pub(super) fn set_places(&mut self, id: Id, places: SetId) {
        self.nodes[id].places = places;
    }

    pub(super) fn is_null(&self, id: Id) -> bool {
        matches!(self.kind(id), Kind::Scalar(Scalar { tag: Tag::Null, .. }))
    }

    /// `IsEmptyMap`, which null counts as.
    pub(super) fn is_empty_map(&self, id: Id) -> bool {
        self.is_null(id) || matches!(self.kind(id), Kind::Map(entries) if entries.is_empty())
    }

    /// `IsNilOrEmpty`.
    pub(super) fn is_empty(&self, id: Id) -> bool {
        self.is_empty_map(id) || matches!(self.kind(id), Kind::List(items) if items.is_empty())
    }

    /// The name that kyaml has for what a node is.
    pub(super) fn kind_name(&self, id: Id) -> &'static str {
        match self.kind(id) {
            Kind::Scalar(_) => "ScalarNode",
            Kind::List(_) => "SequenceNode",
            Kind::Map(_) => "MappingNode",
        }
    }

    /// go-yaml's `Value`: what a scalar says, also null; nothing for lists and maps.
    pub(super) fn said(&self, id: Id) -> &[u8] {
        match self.kind(id) {
            Kind::Scalar(scalar) => scalar.text.bytes(),
            Kind::List(_) | Kind::Map(_) => &[],
        }
    }

    /// The items; none for what is no list.
    pub(super) fn items(&self, id: Id) -> &[Id] {
        match self.kind(id) {
            Kind::List(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => &[],
        }
    }

    /// The entries; none for what is no map.
    pub(super) fn entries(&self, id: Id) -> &[(Text, Id)] {
        match self.kind(id) {
            Kind::Map(entries) => entries,
            Kind::Scalar(_) | Kind::List(_) => &[],
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, id: Id, key: &[u8]) -> Option<Id> {
        self.entries(id).iter().find(|(name, _)| name.bytes() == key).map(|(_, value)| *value)
    }

    /// A scalar that takes another's place in a map is written as that one was: in its quotes it is text.
    pub(super) fn take_over_style(&mut self, before: Id, after: Id) {
        let style = match self.kind(before) {
            Kind::Scalar(scalar) if scalar.tag != Tag::Null => scalar.style,
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => Style::Plain,
        };
        if before != after
            && let Kind::Scalar(scalar) = self.kind_mut(after)
            && scalar.tag != Tag::Null
        {
            scalar.style = style;
            if style != Style::Plain {
                scalar.tag = Tag::String;
            }
        }
    }

    /// Text in a new field that YAML 1.1 would read as something else is put in quotes.
    pub(super) fn quote_ambiguous(&mut self, id: Id) {
        if let Kind::Scalar(scalar) = self.kind_mut(id)
            && matches!(scalar.tag, Tag::String | Tag::Unresolved)
            && !scalar.is_quoted()
            && scalar.text.as_str().is_some_and(|text| !text.is_empty() && !resolve::is_string(text, Reader::Manifest))
        {
            scalar.style = Style::Quoted;
            scalar.tag = Tag::String;
        }
    }
}
