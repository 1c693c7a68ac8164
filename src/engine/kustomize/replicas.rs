//! `replicas`: how many of a workload there are.
//!
//! References: `ReplicaCountTransformer.go` and `api/filters/replicacount` of Kustomize 5.5.0.

use super::{
    context::Context,
    field_spec::{Create, FieldSpec},
    fields::{fields, integer, text},
    identity::Identity,
    node::{Content, Node, Scalar, Tag},
    problem::Problem,
    resources::Resources,
};
use crate::source::lineage::{
    sets::SetId,
    text::{MadeOf, Text},
};

/// How many of a workload there are.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// Its name, now or ever before.
    pub name: Text,
    /// The number.
    pub count: Text,
    /// Where the number is said, or the entry that leaves it out.
    pub places: SetId,
}

impl Replicas {
    /// Reads an entry of `replicas`.
    ///
    /// # Errors
    /// Where Kustomize refuses it.
    pub fn read(item: &Node) -> Result<Self, Problem> {
        let [name, count] = fields(item, ["name", "count"])?;
        let number = integer(count)?.to_string();
        let written = count.and_then(Node::as_scalar).filter(|scalar| scalar.text.bytes() == number.as_bytes());
        let places = count.unwrap_or(item).places;
        let count =
            written.map_or_else(|| Text::new(number.as_bytes(), MadeOf::Derived(places)), |scalar| scalar.text.clone());
        Ok(Self { name: text(name)?, count, places })
    }

    /// Sets the number in the objects of that name.
    ///
    /// # Errors
    /// Where there is none whose kind has the field.
    pub fn apply(
        &self,
        specs: &[FieldSpec],
        resources: &mut Resources,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let mut found = false;
        for spec in specs {
            context.spend(resources.list.len())?;
            let fits = |id: &Identity| id.name.as_bytes() == self.name.bytes() && id.gvk.is_selected(&spec.gvk);
            for at in resources.with_any_id(fits) {
                found = true;
                spec.visit(&mut resources.list[at].node, Create::Scalar, context, &mut |node, _| self.set(node))?;
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<&str> = specs.iter().map(|spec| spec.gvk.kind.as_str()).collect();
        let (name, kinds) = (self.name.lossy(), kinds.join(" "));
        Err(Problem::broken(format!(
            "resource with name {name} does not match a config with the following GVK [{kinds}]"
        )))
    }

    fn set(&self, node: &mut Node) -> Result<(), Problem> {
        let Some(old) = node.as_scalar() else {
            return Err(Problem::broken("wrong node kind: the number of replicas is no scalar"));
        };
        // Quotes stay, and make a text of it.
        let tag = if old.is_quoted() { Tag::String } else { Tag::Integer };
        node.content = Content::Scalar(Scalar { text: self.count.clone(), tag, style: old.style });
        node.places = self.places;
        Ok(())
    }
}
