//! `$patch`: what a map or list of a patch does to that of the object.

use super::{
    Merge,
    tree::{Id, Kind},
};
use crate::engine::kustomize::problem::Problem;

const KEY: &[u8] = b"$patch";

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    /// Both are merged.
    Merge,
    /// The patch's takes the place of the object's.
    Replace,
    /// The object's goes.
    Delete,
}

impl Merge<'_, '_> {
    /// The directive of a map or list, which is taken out of it (`determineSmpDirective`).
    pub(super) fn directive(&mut self, patch: Id) -> Result<Directive, Problem> {
        match self.tree.kind(patch) {
            Kind::Scalar(_) => Err(Problem::broken("no implemented strategic merge patch strategy for a single value")),
            Kind::Map(_) => {
                let Some(value) = self.tree.get(patch, KEY) else { return Ok(Directive::Merge) };
                let directive = of_text(self.tree.said(value))?;
                if let Kind::Map(entries) = self.tree.kind_mut(patch) {
                    entries.retain(|(key, _)| key.bytes() != KEY);
                }
                Ok(directive)
            }
            Kind::List(items) => {
                let found = items.iter().find_map(|item| Some((*item, self.tree.get(*item, KEY)?)));
                let Some((_, value)) = found.filter(|(item, _)| self.tree.entries(*item).len() == 1) else {
                    return Ok(Directive::Merge);
                };
                let said = self.tree.said(value).to_vec();
                let directive = of_text(&said)?;
                self.set_item(patch, None, &[KEY.to_vec()], &[said])?;
                Ok(directive)
            }
        }
    }
}

fn of_text(text: &[u8]) -> Result<Directive, Problem> {
    match text {
        b"merge" => Ok(Directive::Merge),
        b"replace" => Ok(Directive::Replace),
        b"delete" => Ok(Directive::Delete),
        _ => Err(Problem::broken(format!("unknown patch strategy '{}'", String::from_utf8_lossy(text)))),
    }
}
