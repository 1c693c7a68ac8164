//! What all steps of a build share.

use super::{
    helm_charts::Inflate,
    leaf::Leaf,
    node::{Content, Node, Scalar, Style, Tag},
    problem::Problem,
    schema::Schemas,
    sources::Sources,
    tables::Merges,
};
use crate::source::lineage::{sets::Sets, text::Text};

/// The most steps of one build: nodes read, visited, compared or copied.
pub const MAX_STEPS: u64 = 12_000_000;

/// What all steps of a build share.
pub struct Context<'t> {
    /// The files.
    pub sources: Sources<'t>,
    /// The origins.
    pub sets: Sets<Leaf>,
    /// What inflates charts, where the build may ask for them: `--enable-helm`.
    pub charts: Option<&'t Inflate<'t>>,
    /// What is known of the kinds' lists.
    pub schemas: Schemas,
    /// The tables of fields that were merged.
    pub merges: Merges,
    /// Whether objects were loaded.
    pub has_objects: bool,
    steps: u64,
}

impl<'t> Context<'t> {
    /// Nothing read yet.
    pub fn new(sources: Sources<'t>) -> Self {
        Self {
            sets: Sets::default(),
            charts: None,
            schemas: Schemas::new(sources.built_in().clone()),
            merges: Merges::new(sources.built_in().clone()),
            sources,
            has_objects: false,
            steps: 0,
        }
    }

    /// A scalar whose places are all that its text comes from.
    pub fn scalar(&mut self, text: Text, tag: Tag) -> Node {
        let places = self.sets.union_all(text.pieces().iter().map(|piece| piece.made_of.set()));
        Node { content: Content::Scalar(Scalar { text, tag, style: Style::Plain }), places }
    }

    /// Puts a text in the place of a scalar's: it stays in quotes where it is, and is read anew otherwise, so that `1` before
    /// `e3` becomes a number (`FieldSetter` with neither name nor tag). The old place still counts, since it asked for the text.
    pub fn replace_text(&mut self, node: &mut Node, text: Text) {
        let style = node.as_scalar().map_or(Style::Plain, |scalar| scalar.style);
        let tag = if style == Style::Plain { Tag::Unresolved } else { Tag::String };
        let places = text.pieces().iter().map(|piece| piece.made_of.set());
        let places = self.sets.union_all(places.chain([node.places]));
        *node = Node { content: Content::Scalar(Scalar { text, tag, style }), places };
    }

    /// Counts work that grows with the input.
    ///
    /// # Errors
    /// Where a build does more than any real one.
    pub fn spend(&mut self, steps: usize) -> Result<(), Problem> {
        self.steps += steps as u64;
        if self.steps > MAX_STEPS {
            return Err(Problem::limit("the kustomization takes more steps than a build may; split it"));
        }
        Ok(())
    }
}
