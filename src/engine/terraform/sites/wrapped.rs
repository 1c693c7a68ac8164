//! A map that others share gets a key for this resource alone: `tags = local.tags` becomes
//! `tags = merge(local.tags, { Name = "x" })`, as people write it.
//!
//! Nothing that is shared is contradicted: a key that the map has keeps its value, so that only what is new is worded like
//! this.

use serde_json::Value as Json;

use super::{
    Search, find, leaves,
    referred::{path, said},
};
use crate::{
    engine::{
        site::{Site, Wording},
        terraform::{leaf::Place, scope::InstanceId, value::Value},
    },
    model::{change::Action, pointer::Pointer},
    source::hcl::{
        edit::Change as Edit,
        tree::{Expression, ExpressionKind},
    },
};

/// Finds the expressions that refer to a map and could be merged with a key: those of the calls of the modules that it comes
/// through, the outermost first, then that of the argument itself.
pub(super) fn sites(search: &mut Search<'_>, base: &Value, at: &Pointer, key: &str, new: &Json) {
    let Some((above, last)) = at.parent().zip(at.last()) else { return };
    let Some(entry) = find(base, &above).and_then(Value::as_mapping).and_then(|mapping| mapping.get(last)) else {
        return;
    };
    let Some((leaf, expression)) = said(search, entry).filter(|_| entry.value.as_mapping().is_some()) else { return };
    let Some(place) = leaf.place else { return };
    let merged = Merged { key, new };
    let label = leaves::label(search.built, &leaf, &Action::AddKey { key: key.to_owned(), value: new.clone() });
    let mut all = merged.of_calls(search, search.built.planned.module, &expression);
    all.extend(merged.site(search, place, &expression, label));
    search.found.add(all);
}

/// What a map is merged with.
struct Merged<'m> {
    key: &'m str,
    new: &'m Json,
}

impl Merged<'_> {
    /// The arguments of the call of a module that give the variables which an expression in it refers to.
    fn of_calls(&self, search: &Search<'_>, module: InstanceId, expression: &Expression) -> Vec<Site> {
        let whole = search.built.whole;
        let mut all = Vec::new();
        let Some(call) = &whole.module(module).call else { return all };
        let Some(parsed) = whole.parsed(call.block.file) else { return all };
        let Some(block) = leaves::block_at(&parsed.body, call.block.span) else { return all };
        for name in referred(expression).into_iter().flatten() {
            let [root, name] = &name[..] else { continue };
            let value = whole.module(module).variables.get(name).filter(|_| root == "var");
            let Some(argument) = block.body.attribute(name) else { continue };
            if value.is_some_and(|value| value.as_mapping().is_some()) {
                all.extend(self.of_calls(search, call.instance, &argument.value));
                let label = format!("argument {name}.{} of module.{}", self.key, call.name);
                all.extend(self.site(search, call.block, &argument.value, label));
            }
        }
        all
    }

    fn site(&self, search: &Search<'_>, place: Place, expression: &Expression, label: String) -> Option<Site> {
        referred(expression)?;
        let file = search.built.whole.file(place).clone();
        let wording = Edit::Merge { at: expression.span, key: self.key.to_owned(), value: self.new.clone() };
        Some(Site { file, label, wording: Wording::Hcl(wording), also: Vec::new() })
    }
}

/// The names of what an expression refers to, which is a reference or a call of `merge`; nothing for any other.
fn referred(expression: &Expression) -> Option<Vec<Vec<String>>> {
    match &expression.kind {
        ExpressionKind::Steps { of, steps } => path(of, steps).map(|path| vec![path]),
        ExpressionKind::Call(call) if &*call.name.text == "merge" && call.spread.is_none() => {
            let paths = call.arguments.iter().map(|argument| match &argument.kind {
                ExpressionKind::Steps { of, steps } => path(of, steps),
                _ => None,
            });
            Some(paths.flatten().collect())
        }
        _ => None,
    }
}
