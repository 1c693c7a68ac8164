//! The columns that `terraform fmt` puts equals signs and comments in (`hclwrite/format.go`, `formatCells`).
//!
//! Consecutive lines that have an equals sign, and behind it no bracket that stays open, have it in one column; so have
//! comments at the ends of consecutive lines.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use super::applied;
use crate::source::{
    edit::Splice,
    hcl::lex::{Start, Token, TokenKind, tokens},
    span::Span,
};

/// A line with its cells, by the bytes at which they begin.
#[derive(Debug, Default)]
struct Line {
    start: usize,
    end: usize,
    equals: Option<Cell>,
    comment: Option<Cell>,
}

/// The end of what is before a cell, and the cell's first byte.
#[derive(Clone, Copy, Debug)]
struct Cell {
    behind: usize,
    at: usize,
}

/// The same splices, and those of blanks that keep columns as they are meant: of what is new, and of the lines that share a
/// column with it, if they were all in their column before.
pub(super) fn aligned(text: &str, splices: &[Splice]) -> Vec<Splice> {
    let after = applied(text, splices);
    let (old, new) = (lines(text), lines(&after));
    let clean = clean(text, &old);
    // Where each splice came to be.
    let mut moved = Vec::new();
    let mut shift = 0_isize;
    for splice in splices {
        let start = splice.span.start.wrapping_add_signed(shift);
        moved.push((start, start + splice.text.len()));
        shift += splice.text.len() as isize - splice.span.len() as isize;
    }
    let is_new = |at: usize| moved.iter().any(|(start, end)| *start <= at && at < *end);
    let touches = |line: &Line| moved.iter().any(|(start, end)| *start <= line.end && line.start <= *end);
    // The place of a byte before the splices.
    let before = |at: usize| {
        let passed = splices.iter().zip(&moved).filter(|(_, (_, end))| *end <= at);
        let shift: isize = passed.map(|(splice, _)| splice.text.len() as isize - splice.span.len() as isize).sum();
        at.wrapping_add_signed(-shift)
    };
    // The comments stand behind the columns of the equals signs, so that those are put right first.
    let mut blanks: Vec<(usize, usize, usize)> = Vec::new();
    for is_comment in [false, true] {
        let cell = |line: &Line| if is_comment { line.comment } else { line.equals };
        for chain in chains(&new, cell) {
            if !chain.iter().any(|line| touches(line)) {
                continue;
            }
            let extra = |line: &Line| -> isize {
                let within = blanks.iter().filter(|(start, end, _)| line.start <= *start && *end <= line.end);
                within.map(|(start, end, wanted)| *wanted as isize - (end - start) as isize).sum()
            };
            let column =
                |line: &Line, cell: Cell| columns(&after[line.start..cell.behind]).wrapping_add_signed(extra(line));
            let cells: Vec<(&Line, Cell)> = chain.iter().filter_map(|line| Some((*line, cell(line)?))).collect();
            let are_clean = cells
                .iter()
                .filter(|(_, cell)| !is_new(cell.at))
                .all(|(_, cell)| clean.get(&before(cell.at)) == Some(&true));
            let most = cells.iter().map(|(line, cell)| column(line, *cell)).max().unwrap_or(0);
            let known = cells
                .iter()
                .find(|(_, cell)| !is_new(cell.at))
                .map(|(line, cell)| column(line, *cell) + cell.at - cell.behind);
            let mut chain_blanks = Vec::new();
            for (line, cell) in cells {
                let wanted = match known {
                    _ if are_clean => most + 1,
                    // What is out of line stays so, and what is new follows its neighbour.
                    Some(known) if is_new(cell.at) => known.max(column(line, cell) + 1),
                    _ => continue,
                };
                let wanted = wanted - column(line, cell);
                if wanted != cell.at - cell.behind {
                    chain_blanks.push((cell.behind, cell.at, wanted));
                }
            }
            blanks.extend(chain_blanks);
        }
    }
    blanks.sort_unstable();
    merged(splices, &moved, &blanks, before)
}

/// The splices with blanks in what they bring, and around them.
fn merged(
    splices: &[Splice],
    moved: &[(usize, usize)],
    blanks: &[(usize, usize, usize)],
    before: impl Fn(usize) -> usize,
) -> Vec<Splice> {
    let mut all: Vec<Splice> = Vec::new();
    let mut texts: Vec<(usize, String)> = splices.iter().map(|splice| (0, splice.text.clone())).collect();
    let mut reach: Vec<Span> = splices.iter().map(|splice| splice.span).collect();
    for (start, end, wanted) in blanks.iter().rev() {
        let spaces = " ".repeat(*wanted);
        match moved
            .iter()
            .position(|(from, to)| *start < *to && *from < *end || from <= start && end <= to && from < to)
        {
            Some(index) => {
                let (from, to) = moved[index];
                // What lies before or behind the splice is taken into it.
                let (cut_start, cut_end) = (*start.max(&from), *end.min(&to));
                texts[index].1.replace_range(cut_start - from..cut_end - from, &spaces);
                if *end > to {
                    reach[index].end += end - to;
                }
                if *start < from {
                    reach[index].start -= from - start;
                }
            }
            None => all.push(Splice::new(Span::new(before(*start), before(*start) + (end - start)), spaces)),
        }
    }
    all.extend(reach.into_iter().zip(texts).map(|(span, (_, text))| Splice::new(span, text)));
    all.sort_by_key(|splice| (splice.span.start, splice.span.end));
    all
}

/// Whether each cell, by its first byte, is in the column that it should be in.
fn clean(text: &str, lines: &[Line]) -> HashMap<usize, bool> {
    let mut found = HashMap::new();
    for cell in [|line: &Line| line.equals, |line: &Line| line.comment] {
        for chain in chains(lines, cell) {
            let column = |line: &Line, cell: Cell| columns(&text[line.start..cell.behind]);
            let cells: Vec<(&Line, Cell)> = chain.iter().filter_map(|line| Some((*line, cell(line)?))).collect();
            let most = cells.iter().map(|(line, cell)| column(line, *cell)).max().unwrap_or(0);
            for (line, cell) in cells {
                found.insert(cell.at, column(line, cell) + cell.at - cell.behind == most + 1);
            }
        }
    }
    found
}

/// Consecutive lines that have a cell.
fn chains(lines: &[Line], cell: impl Fn(&Line) -> Option<Cell>) -> Vec<Vec<&Line>> {
    let mut chains = Vec::new();
    let mut chain: Vec<&Line> = Vec::new();
    for line in lines {
        if cell(line).is_some() {
            chain.push(line);
        } else if !chain.is_empty() {
            chains.push(std::mem::take(&mut chain));
        }
    }
    chains.push(chain);
    chains
}

fn columns(text: &str) -> usize {
    // A byte order mark takes none.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.graphemes(true).count()
}

/// The lines of a text: a heredoc is one.
fn lines(text: &str) -> Vec<Line> {
    let tokens = tokens(text, Start::Language);
    let mut lines = Vec::new();
    let mut start = 0;
    let mut first = 0;
    for (index, token) in tokens.iter().enumerate() {
        let is_break = token.kind == TokenKind::Newline
            || token.kind == TokenKind::Comment && text[token.span().range()].ends_with('\n');
        if is_break || token.kind == TokenKind::End {
            lines.push(line(text, start, &tokens[first..=index]));
            (start, first) = (token.end as usize, index + 1);
        }
    }
    lines
}

fn line(text: &str, start: usize, tokens: &[Token]) -> Line {
    let end = tokens.last().map_or(start, |last| last.end as usize);
    let mut line = Line { start, end, ..Line::default() };
    // fmt does not count the line break that ends a line, but a comment that ends one.
    let mut own: &[Token] = tokens;
    while let [rest @ .., last] = own
        && matches!(last.kind, TokenKind::Newline | TokenKind::End)
    {
        own = rest;
    }
    if own.len() > 1
        && let [rest @ .., last] = own
        && last.kind == TokenKind::Comment
    {
        line.comment = rest.last().map(|behind| Cell { behind: behind.end as usize, at: last.start as usize });
        own = rest;
    }
    let equals = own.iter().skip(1).position(|token| token.kind == TokenKind::Equal).map(|at| at + 1);
    if let Some(at) = equals {
        let net: i32 = own[at..].iter().map(|token| bracket(token.kind)).sum();
        if net == 0 {
            line.equals = Some(Cell { behind: own[at - 1].end as usize, at: own[at].start as usize });
        }
    }
    let is_blank = |cell: &Cell| text[cell.behind..cell.at].bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    line.equals = line.equals.filter(is_blank);
    line.comment = line.comment.filter(is_blank);
    line
}

fn bracket(kind: TokenKind) -> i32 {
    match kind {
        TokenKind::OpenBrace
        | TokenKind::OpenBracket
        | TokenKind::OpenParenthesis
        | TokenKind::Interpolation
        | TokenKind::Control => 1,
        TokenKind::CloseBrace | TokenKind::CloseBracket | TokenKind::CloseParenthesis | TokenKind::SequenceEnd => -1,
        _ => 0,
    }
}
