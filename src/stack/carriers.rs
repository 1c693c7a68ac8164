//! What an edit may change on its way: the objects that describe the stack in which something is wanted, where they say
//! values, and what they refer to.

use std::collections::BTreeSet;

use super::{catalog::Catalog, description::How, object::Reference};
use crate::{
    engine::Resource,
    model::{
        pointer::Pointer,
        resource::{KubernetesId, ResourceId},
    },
};

/// The objects that carry values to a stack.
#[derive(Debug, Default)]
pub struct Carriers {
    carriers: Vec<Carrier>,
}

#[derive(Debug)]
struct Carrier {
    /// The stacks that deploy the object.
    stacks: BTreeSet<usize>,
    object: ResourceId,
    /// How it describes a stack; absent for a ConfigMap or Secret that values are taken from.
    how: Option<How>,
}

impl Carriers {
    /// The objects that carry values to a stack.
    pub fn of(catalog: &Catalog<'_>, stack: usize) -> Self {
        let chain: Vec<usize> = catalog.chain(stack).collect();
        let mut carriers = Vec::new();
        for position in &chain {
            let Some(described) = &catalog.stack(*position).described else { continue };
            let (object, how) = (described.object.id.clone(), Some(described.how.clone()));
            carriers.push(Carrier { stacks: chain.iter().copied().collect(), object, how });
            let Ok(rendering) = catalog.rendering(*position) else { continue };
            for (Reference { stack, id }, _) in &rendering.references {
                let is_source = matches!(id, ResourceId::Kubernetes(KubernetesId { kind, .. }) if matches!(kind.as_str(), "ConfigMap" | "Secret"));
                if is_source {
                    let stacks = catalog.chain(*stack).collect();
                    carriers.push(Carrier { stacks, object: id.clone(), how: None });
                }
            }
        }
        Self { carriers }
    }

    /// Tells whether a field of a stack's resource may change with the edit, because it says what is wanted elsewhere.
    pub fn carries(&self, stack: usize, resource: &Resource, at: &Pointer) -> bool {
        self.carriers.iter().any(|carrier| {
            let is_it = carrier.object == resource.id || carrier.object == resource.lasting_id();
            is_it
                && carrier.stacks.contains(&stack)
                && match &carrier.how {
                    Some(how) => how.carries(at),
                    None => matches!(at.tokens().first().map(String::as_str), Some("data" | "stringData")),
                }
        })
    }

    /// The stacks that deploy one of the objects.
    pub fn stacks(&self) -> BTreeSet<usize> {
        self.carriers.iter().flat_map(|carrier| &carrier.stacks).copied().collect()
    }
}

/// Tells whether a stack is what a resource describes, or is described by what that deploys.
pub fn follows(catalog: &Catalog<'_>, stack: usize, owner: usize, resource: &Resource) -> bool {
    catalog.chain(stack).any(|stack| {
        catalog.stack(stack).described.as_ref().is_some_and(|described| {
            let at = &described.object;
            at.stack == owner && (at.id == resource.id || at.id == resource.lasting_id())
        })
    })
}
