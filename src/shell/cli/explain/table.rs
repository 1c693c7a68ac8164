//! Rows of a chain in columns that line up.

use anstyle::Style;

use crate::shell::terminal::paint::{DIM, visible};

/// Rows under a heading.
#[derive(Default)]
pub struct Table(Vec<Option<Row>>);

/// What is said, where, by which name, and what about it.
struct Row {
    cells: [String; 3],
    style: Style,
    note: String,
}

/// The widest that a column makes the others move.
const MAX_WIDTHS: [usize; 3] = [40, 56, 40];

impl Table {
    /// A row; its first cell in a style.
    pub fn row(&mut self, style: Style, first: &str, place: &str, name: &str, note: &str) {
        let first = cut(&visible(first), MAX_WIDTHS[0]);
        self.0.push(Some(Row { cells: [first, visible(place), visible(name)], style, note: visible(note) }));
    }

    /// A blank line, where there is something before it.
    pub fn gap(&mut self) {
        if matches!(self.0.last(), Some(Some(_))) {
            self.0.push(None);
        }
    }

    /// The lines.
    pub fn text(&self) -> String {
        let rows = || self.0.iter().flatten();
        let width = |column: usize| {
            let widths = rows().map(|row| row.cells[column].chars().count());
            widths.filter(|width| *width <= MAX_WIDTHS[column]).max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        let mut text = String::new();
        for row in &self.0 {
            if let Some(Row { cells, style, note }) = row {
                let [first, place, name] = [0, 1, 2].map(|column| {
                    let blanks = widths[column].saturating_sub(cells[column].chars().count());
                    (&cells[column], if widths[column] == 0 { String::new() } else { " ".repeat(blanks + 3) })
                });
                let (place, gap_place) = place;
                let line = format!(
                    "  {style}{}{style:#}{}{place}{gap_place}{}{}{DIM}{note}{DIM:#}",
                    first.0, first.1, name.0, name.1
                );
                let end = format!("{DIM}{DIM:#}");
                text += line.strip_suffix(&end).unwrap_or(&line).trim_end();
            }
            text.push('\n');
        }
        text
    }
}

/// A text of so many characters at most.
pub fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some(_) => text.chars().take(limit - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
