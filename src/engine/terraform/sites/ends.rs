//! Text before or behind what a template puts together: `"cart-${var.env}"` becomes `"cart-${var.env}-2"`.
//!
//! Where a template ends with what it refers to, no text of it could take what comes there; to write it into what is
//! referred to would move whatever else is.

use super::{Search, leaves, referred::written};
use crate::{
    engine::{
        site::{Site, Wording},
        terraform::{
            leaf::{Leaf, Place, Says},
            value::Value,
        },
        window::Window,
    },
    model::{change::Action, pointer::Pointer},
    source::{
        hcl::{
            edit::template_of,
            tree::{ExpressionKind, Form, Part, Template},
        },
        span::Span,
    },
};

/// Finds the templates that a text begins or ends with: that of the argument itself first.
pub(super) fn sites(search: &mut Search<'_>, value: &Value, at: &Pointer, old: &str, new: &str) {
    let window = Window::between(old, new);
    let is_first = window.end == 0;
    if window.start != window.end || !(is_first || window.start == old.len()) || !is_plain(&window.new) {
        return;
    }
    let whole = search.built.whole;
    let mut all = Vec::new();
    if let Some((leaf, expression)) = written(search, at)
        && let (Some(place), ExpressionKind::Template(template)) = (leaf.place, &expression.kind)
    {
        all.extend(site(search, &leaf, place, template, is_first, &window.new));
    }
    for leaf in search.leaves(value).iter().filter(|leaf| leaf.says == Says::Template) {
        if let Some(place) = leaf.place
            && let Some(template) = whole.parsed(place.file).and_then(|file| template_of(&file.body, place.span))
        {
            all.extend(site(search, leaf, place, &template, is_first, &window.new));
        }
    }
    search.found.add(all);
}

/// Tells whether a text stands for itself in quotes, whatever it is put beside.
fn is_plain(text: &str) -> bool {
    !text.contains(|char: char| char.is_control() || matches!(char, '"' | '\\' | '$' | '%'))
}

fn site(
    search: &Search<'_>,
    leaf: &Leaf,
    place: Place,
    template: &Template,
    is_first: bool,
    new: &str,
) -> Option<Site> {
    let end = if is_first { template.parts.first() } else { template.parts.last() };
    let part = end.filter(|part| template.form == Form::Quoted && !matches!(part, Part::Text(_)))?.span();
    let file = search.built.whole.file(place).clone();
    if !file.as_str().ends_with(".tf") {
        return None;
    }
    let span = Span::empty(if is_first { part.start } else { part.end });
    let wording = Wording::Text { span, before: String::new(), after: new.to_owned() };
    Some(Site { file, label: leaves::label(search.built, leaf, &Action::Remove), wording, also: Vec::new() })
}
