//! The objects while they are patched, by their names.

use std::collections::HashMap;

use super::lay::{Allowed, allow, fit, lay};
use crate::engine::kustomize::{
    context::Context,
    identity::{Gvk, Identity},
    node::Node,
    operations::Operations,
    problem::Problem,
    resources::{Resources, Touch},
    selector::Selector,
};

/// What tells objects apart to the cluster.
type Key = (String, Gvk, String);

/// The objects while they are patched, found by every name that they have or had.
pub(super) struct Workbench<'r> {
    resources: &'r mut Resources,
    /// Whether each object is still there.
    is_there: Vec<bool>,
    /// What each object is to the cluster.
    keys: Vec<Key>,
    /// How many objects are the same to the cluster.
    count: HashMap<Key, usize>,
    /// How many are not the only ones.
    twice: usize,
    by_name: HashMap<String, Vec<usize>>,
    /// Whether an object went in this entry without being taken out of the list, over which Kustomize stumbles.
    has_hole: bool,
}

impl<'r> Workbench<'r> {
    pub(super) fn new(resources: &'r mut Resources, context: &mut Context<'_>) -> Result<Self, Problem> {
        let length = resources.list.len();
        let mut bench = Self {
            is_there: vec![true; length],
            keys: Vec::with_capacity(length),
            count: HashMap::new(),
            twice: 0,
            by_name: HashMap::new(),
            has_hole: false,
            resources,
        };
        for at in 0..length {
            let ids: Vec<Identity> = bench.resources.list[at].any_ids().collect();
            context.spend(ids.len())?;
            for id in &ids {
                let named = bench.by_name.entry(id.name.clone()).or_default();
                if named.last() != Some(&at) {
                    named.push(at);
                }
            }
            let key = ids.last().map(key_of).unwrap_or_default();
            bench.enter(&key);
            bench.keys.push(key);
        }
        Ok(bench)
    }

    /// The one object that a patch without a target means, by any name that it has or had.
    pub(super) fn only(&self, patch: &Node, context: &mut Context<'_>) -> Result<usize, Problem> {
        if self.has_hole {
            return Err(Problem::broken("a patch behind one of the same file that deletes an object"));
        }
        let id = Identity::of_node(patch);
        let candidates = self.by_name.get(&id.name).map_or(&[][..], Vec::as_slice);
        context.spend(1 + candidates.len())?;
        let is_meant =
            |at: &&usize| self.is_there[**at] && self.resources.list[**at].any_ids().any(|other| id.equals(&other));
        let mut found = candidates.iter().filter(is_meant);
        let how_many = match (found.next(), found.next()) {
            (Some(at), None) => return Ok(*at),
            (None, _) => "no",
            (Some(_), Some(_)) => "multiple",
        };
        let problem =
            Problem::broken(format!("{how_many} matches for Id {id}; failed to find unique target for patch {id}"));
        Err(match crate::engine::kustomize::load::span_of(patch, context) {
            Some((source, span)) => problem.at(source, span),
            None => problem,
        })
    }

    /// The objects that a target means, in order.
    pub(super) fn select(&self, target: &Selector, context: &mut Context<'_>) -> Result<Vec<usize>, Problem> {
        let target = target.target()?;
        let all;
        let candidates = match target.only_name() {
            Some(name) => self.by_name.get(name).map_or(&[][..], Vec::as_slice),
            None => {
                all = (0..self.is_there.len()).collect::<Vec<_>>();
                &all
            }
        };
        let mut selected = Vec::new();
        for at in candidates {
            context.spend(1)?;
            if self.is_there[*at] && target.matches(&self.resources.list[*at])? {
                selected.push(*at);
            }
        }
        selected.sort_unstable();
        Ok(selected)
    }

    /// Lays a patch over objects that its target means, or that its name does in `patchesStrategicMerge`.
    pub(super) fn lay_over(
        &mut self,
        selected: &[usize],
        patch: &Node,
        allowed: Allowed,
        touch: &Touch,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        for at in selected {
            let mut patch = patch.clone();
            allow(&mut patch, allowed, context)?;
            fit(&mut patch, &self.resources.list[*at].node, context)?;
            self.lay(*at, patch, allowed, touch.clone(), context)?;
        }
        self.refuse_twins()
    }

    /// Lays a patch over the object that its name means.
    pub(super) fn lay_as_is(
        &mut self,
        at: usize,
        mut patch: Node,
        allowed: Allowed,
        touch: Touch,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        allow(&mut patch, allowed, context)?;
        self.has_hole |= !self.lay(at, patch, allowed, touch, context)?;
        Ok(())
    }

    /// Applies operations to an object. `stores_id` tells whether what it is called now is remembered before.
    pub(super) fn operate(
        &mut self,
        at: usize,
        operations: &Operations,
        stores_id: bool,
        touch: &Touch,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let resource = &mut self.resources.list[at];
        if stores_id {
            resource.remember_id();
        }
        let object = std::mem::replace(&mut resource.node, Node::map());
        resource.node = operations.apply(object, resource.has_state(), context)?;
        resource.shared.clear();
        resource.touched.push(touch.clone());
        self.changed(at);
        Ok(())
    }

    /// Ends an entry: what was deleted is taken out of the list.
    pub(super) fn sweep(&mut self) {
        self.has_hole = false;
    }

    /// Leaves the objects that are still there.
    pub(super) fn finish(self) {
        let mut is_there = self.is_there.into_iter();
        self.resources.list.retain(|_| is_there.next().unwrap_or(true));
    }

    fn lay(
        &mut self,
        at: usize,
        patch: Node,
        allowed: Allowed,
        touch: Touch,
        context: &mut Context<'_>,
    ) -> Result<bool, Problem> {
        let resource = &mut self.resources.list[at];
        let stays = lay(resource, patch, allowed, context)?;
        if stays {
            resource.touched.push(touch);
            self.changed(at);
        } else {
            self.is_there[at] = false;
            self.leave(at);
        }
        Ok(stays)
    }

    /// Two objects may not be the same to the cluster, however they came to be.
    fn refuse_twins(&self) -> Result<(), Problem> {
        if self.twice == 0 {
            return Ok(());
        }
        let twin = (0..self.keys.len()).find(|at| self.is_there[*at] && self.count[&self.keys[*at]] > 1);
        let id = twin.map(|at| self.resources.list[at].id()).unwrap_or_default();
        Err(Problem::broken(format!("may not add resource with an already registered id: {id}")))
    }

    /// Notices that an object may be called otherwise now.
    fn changed(&mut self, at: usize) {
        let id = self.resources.list[at].id();
        let key = key_of(&id);
        if self.keys[at] != key {
            self.leave(at);
            self.enter(&key);
            self.keys[at] = key;
            let named = self.by_name.entry(id.name).or_default();
            if !named.contains(&at) {
                named.push(at);
            }
        }
    }

    fn enter(&mut self, key: &Key) {
        let count = self.count.entry(key.clone()).or_default();
        *count += 1;
        self.twice += usize::from(*count > 1);
    }

    fn leave(&mut self, at: usize) {
        if let Some(count) = self.count.get_mut(&self.keys[at]) {
            self.twice -= usize::from(*count > 1);
            *count -= 1;
        }
    }
}

fn key_of(id: &Identity) -> Key {
    (id.effective_namespace().to_owned(), id.gvk.clone(), id.name.clone())
}
