//! Text that comes before or behind what an action prints is written there, and the action stays: `{{ .Values.tier }}`
//! becomes `{{ .Values.tier }}-canary`.
//!
//! A value that says other fields as well may not change with this one, and a constant in the place of the action would cut
//! the field off from its value.

use serde_json::Value;

use super::printed::{Printed, said_at, text_site};
use crate::{
    engine::{
        helm::{lineage::Lineage, template::leaf::FileId},
        site::Found,
        window::Window,
    },
    model::change::{Action, Change},
    source::{
        span::Span,
        yaml::{edit, resolve::Reader},
    },
};

/// What keeps the parts of a name apart: 801 is no 80 with text behind it.
const SEPARATORS: [char; 7] = ['-', '_', '.', '/', ':', ',', ' '];

/// Actions that print nothing themselves.
const STRUCTURE: [&str; 9] = ["if", "else", "end", "with", "range", "define", "block", "break", "continue"];

/// Adds the places in templates at which the text could be written.
pub fn add(printed: &Printed<'_>, lineage: &Lineage, step: &Change, found: &mut Found) {
    let (Action::Set(value @ Value::String(_)), Some(text)) = (&step.action, printed.document.text().as_str()) else {
        return;
    };
    let set = edit::Change::Set(value.clone());
    let Ok(splice) = edit::edit(text, 0, &printed.absolute(&step.at), &set, Reader::Manifest) else { return };
    let Window { start, end, new } = Window::between(&text[splice.span.range()], &splice.text);
    let is_apart = start > 0 && new.starts_with(SEPARATORS) || new.ends_with(SEPARATORS);
    if start < end || !is_apart || new.contains('\n') || new.contains("{{") {
        return;
    }
    let at = splice.span.start + start;
    let mut places = printed.template_spans(lineage, Span::empty(at));
    places.extend(behind_action(printed, lineage, splice.span.start, at));
    places.retain(|(file, place)| {
        let Some(template) = lineage.text_of(*file) else { return false };
        is_beside_action(template, place.start) || is_within_text(template, place.start, (text, at))
    });
    found.add(places.into_iter().filter_map(|place| text_site(lineage, place, "", new.clone())));
}

/// Behind the first action after the last text of a template on a line: where white space is trimmed behind it, or the
/// document ends, the text that follows says nothing of that place.
fn behind_action(printed: &Printed<'_>, lineage: &Lineage, from: usize, to: usize) -> Option<(FileId, Span)> {
    let above = &printed.document.text().bytes()[..from];
    let line = above.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let said =
        printed.document.slices(line..to).filter(|slice| !slice.range.is_empty()).filter_map(|slice| {
            said_at(lineage, slice.made_of).map(|(file, offset)| (file, offset + slice.range.len()))
        });
    let (file, end) = said.last()?;
    let action = lineage.text_of(file)?.get(end..).filter(|text| text.starts_with("{{"))?;
    Some((file, Span::empty(end + action.find("}}")? + 2)))
}

/// Tells whether an action that prints ends or begins at a place. What else stands there where white space was trimmed may
/// belong to a condition that only happens to be met.
fn is_beside_action(text: &str, at: usize) -> bool {
    let Some((before, behind)) = text.split_at_checked(at) else { return false };
    let left = before.strip_suffix("}}").and_then(|before| before.rsplit("{{").next());
    let right = behind.strip_prefix("{{").and_then(|behind| behind.split("}}").next());
    left.into_iter().chain(right).any(prints)
}

/// Tells whether a place is in the midst of text that is printed as it stands in the template.
fn is_within_text(template: &str, place: usize, (printed, at): (&str, usize)) -> bool {
    fn around(text: &str, at: usize) -> Option<&[u8]> {
        text.as_bytes().get(at.checked_sub(1)?..=at)
    }
    around(template, place).is_some_and(|bytes| around(printed, at) == Some(bytes))
}

/// Tells whether the inside of an action prints something by itself.
fn prints(action: &str) -> bool {
    let action = action.trim_matches(['-', ' ', '\t', '\n', '\r']);
    let word = action.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_assigned =
        action.starts_with('$') && action.split_whitespace().nth(1).is_some_and(|sign| [":=", "="].contains(&sign));
    !action.is_empty() && !STRUCTURE.contains(&word) && !action.starts_with("/*") && !is_assigned
}
