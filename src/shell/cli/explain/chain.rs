//! One field of a chart's resource, for people: what its text is made of, why, and what to edit.

use anstyle::Style;

use super::{
    path,
    reach::{Edit, Reach, Reader, edits, without_effect},
    spoken,
    table::{Table, cut},
    withheld::Withheld,
};
use crate::{
    engine::Resource,
    model::{pointer::Pointer, value::shown},
    remedy::confidential::WITHHELD,
    shell::terminal::{
        answer::count,
        paint::{BOLD, GOOD, WARNING, paint, visible},
    },
    source::lineage::{Chain, Lack, Part, Place, Role},
    stack::catalog::Catalog,
};

/// The most causes of one part, and of one reason.
const MAX_CAUSES: usize = 8;

/// What says a field, and what to change.
pub fn text(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer, chain: &Chain) -> String {
    let withheld = Withheld::of(resource);
    let is_secret = withheld.hides(at);
    let mut table = Table::default();
    for part in &chain.parts {
        part_rows(&mut table, part, &withheld, is_secret);
    }
    for (label, causes) in [("printed because", &chain.printed_because), ("chosen because", &chain.chosen_because)] {
        for (index, cause) in causes.iter().take(MAX_CAUSES).enumerate() {
            let note = withheld.value(cause, false).map_or_else(|| cause.role.to_string(), |value| shown(&value, 60));
            let label = if index == 0 { label } else { "" };
            table.row(Style::new(), label, &place(cause.place.as_ref()), &path::cause(cause), &note);
        }
        more(&mut table, causes.len());
    }
    if chain.is_partial {
        table.row(WARNING, "and more", "", "", "it depends on too many values to list them all");
    }
    table.gap();
    let edits = edits(catalog, position, resource, at, chain);
    for (index, edit) in edits.iter().enumerate() {
        let label = if index == 0 { "to change it" } else { "" };
        let (place, verb) = match edit.now {
            Some((line, _)) => (format!("{}:{line}", edit.file), ""),
            None => (edit.file.to_string(), "set it there; "),
        };
        let name = if edit.key.is_empty() { edit.role.to_string() } else { path::keys(edit.key) };
        table.row(GOOD, label, &place, &name, &format!("{verb}{}", said_of(&edit.reach, edit)));
    }
    if edits.is_empty() {
        let why = if chain.parts.iter().flat_map(|part| &part.sources).any(|cause| cause.role == Role::Volatile) {
            "new in every render: no file says it"
        } else {
            "no file of the repository that can be edited says it"
        };
        table.row(WARNING, "to change it", "", "", why);
    }
    for (index, cause) in without_effect(chain).into_iter().enumerate() {
        let label = if index == 0 { "has no effect" } else { "" };
        let value =
            withheld.value(cause, is_secret).map_or_else(String::new, |value| format!("{}, ", shown(&value, 40)));
        table.row(WARNING, label, &place(cause.place.as_ref()), &path::cause(cause), &format!("{value}overridden"));
    }
    let value = withheld.field(at).map_or_else(String::new, |value| shown(value, 200));
    heading(catalog, position, resource, at, &format!("= {}", visible(&value))) + &table.text()
}

/// Why a field is not there, and what could print it.
pub fn lack(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer, lack: &Lack) -> String {
    let withheld = Withheld::of(resource);
    let mut table = Table::default();
    for passed in lack.passed_over.iter().take(MAX_CAUSES) {
        table.row(Style::new(), "passed over", &place(Some(&passed.place)), "", "a block that could print it");
        for (index, cause) in passed.decided_by.iter().take(MAX_CAUSES).enumerate() {
            let note = withheld.value(cause, false).map_or_else(|| cause.role.to_string(), |value| shown(&value, 60));
            let label = if index == 0 { "because" } else { "" };
            table.row(Style::new(), label, &place(cause.place.as_ref()), &path::cause(cause), &note);
        }
        more(&mut table, passed.decided_by.len());
    }
    more(&mut table, lack.passed_over.len());
    table.gap();
    let mut label = "to set it";
    for over in &lack.settable {
        table.row(GOOD, label, over.file.as_str(), &path::keys(&over.key), "set it there");
        label = "";
    }
    heading(catalog, position, resource, at, "is not printed") + &table.text()
}

fn heading(catalog: &Catalog<'_>, position: usize, resource: &Resource, at: &Pointer, what: &str) -> String {
    let (resource, field) = (paint(BOLD, spoken(&resource.id)), path::field(at, &resource.value));
    let stack = visible(&catalog.stacks()[position].name);
    format!("{resource} in {stack}   {} {what}\n\n", paint(BOLD, field))
}

fn part_rows(table: &mut Table, part: &Part, withheld: &Withheld<'_>, is_secret: bool) {
    let text = match part.text.as_str() {
        "" => "\"\"",
        _ if is_secret => WITHHELD,
        text => text,
    };
    if part.sources.is_empty() {
        table.row(BOLD, text, "", "", "made by a function of the template");
    }
    for (index, cause) in part.sources.iter().take(MAX_CAUSES).enumerate() {
        let mut notes = Vec::new();
        if part.computed {
            let value = withheld.value(cause, is_secret);
            notes.push(
                value.map_or_else(|| "computed".to_owned(), |value| format!("computed from {}", shown(&value, 40))),
            );
        }
        match cause.overrides.first() {
            Some(over) => {
                let value = withheld.value(over, is_secret).map_or_else(String::new, |value| shown(&value, 40));
                let others = match cause.overrides.len() {
                    1 => String::new(),
                    all => format!(" and {} more", all - 1),
                };
                let place = over.place.as_ref().map_or_else(|| over.role.to_string(), |at| place(Some(at)));
                notes.push(format!("overrides {place} {value}{others}"));
            }
            None => notes.push(cause.role.to_string()),
        }
        table.row(
            BOLD,
            if index == 0 { text } else { "" },
            &place(cause.place.as_ref()),
            &path::cause(cause),
            &notes.join(", "),
        );
    }
    more(table, part.sources.len());
}

fn more(table: &mut Table, all: usize) {
    if all > MAX_CAUSES {
        table.row(Style::new(), "", &format!("and {} more", all - MAX_CAUSES), "", "");
    }
}

fn place(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| {
        let inside = place.inside.as_ref().map_or_else(String::new, |inside| format!("!{inside}"));
        format!("{}{inside}:{}", place.file, place.line)
    })
}

/// What an edit moves, in words.
fn said_of(reach: &Reach, edit: &Edit<'_>) -> String {
    if reach.moves.is_empty() && reach.decides == 0 && reach.stacks.is_empty() {
        return "moves this field only".to_owned();
    }
    let (mut moved, mut said) = (Vec::new(), Vec::new());
    if let [one, others @ ..] = &reach.moves[..] {
        moved.push(cut(&format!("{} {}", one.resource, one.field), 80));
        if !others.is_empty() {
            moved.push(count(others.len(), "more field"));
        }
    }
    for Reader { stack, fields } in &reach.stacks {
        match fields {
            Some(fields) => moved.push(format!("{} of the stack {stack}", count(*fields, "field"))),
            None => said.push(format!("{} is also read by the stack {stack}", edit.file)),
        }
    }
    if !moved.is_empty() {
        said.insert(0, format!("also moves {}", moved.join(" and ")));
    }
    if reach.decides > 0 {
        said.push(format!("decides over {}", count(reach.decides, "other field")));
    }
    said.join("; ")
}
