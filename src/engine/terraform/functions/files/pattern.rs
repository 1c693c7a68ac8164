//! Patterns of `fileset`, as the Go package doublestar 1.1 reads them: `*` and `?` stop at a slash, `**` between slashes is
//! any number of folders, `[a-z]` and `[^a-z]` are one character, `{one,two}` is one of several.

use crate::engine::terraform::{budget::Budget, problem::Problem};

/// A compiled pattern, folder by folder.
#[derive(Debug)]
pub struct Pattern(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// Any number of folders.
    Folders,
    /// One name.
    Name(Vec<Vec<Part>>),
}

#[derive(Debug)]
enum Part {
    One(char),
    AnyOne,
    Any,
    Class { is_negated: bool, ranges: Vec<(char, char)> },
}

/// Why a pattern is not read: it is wrong, or says something that is not followed here.
#[derive(Debug)]
pub struct Unreadable;

/// The most alternatives of a name.
const MAX_ALTERNATIVES: usize = 256;

impl Pattern {
    /// Reads a pattern of a whole path.
    ///
    /// # Errors
    /// Unreadable for brackets and braces without end, alternatives with slashes, and `**` beside other text.
    pub fn parse(pattern: &str) -> Result<Self, Unreadable> {
        let mut steps = Vec::new();
        for part in pattern.split('/') {
            if part == "**" {
                steps.push(Step::Folders);
            } else if part.contains("**") {
                return Err(Unreadable);
            } else {
                let alternatives = alternatives(&part.chars().collect::<Vec<_>>())?;
                let names = alternatives.iter().map(|text| parts(text)).collect::<Result<_, _>>()?;
                steps.push(Step::Name(names));
            }
        }
        Ok(Self(steps))
    }

    /// Tells whether a whole path matches.
    ///
    /// # Errors
    /// A limit when that takes too long.
    pub fn matches(&self, path: &str, budget: &mut Budget) -> Result<bool, Problem> {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        // Which names may have been taken before the next step.
        let mut taken = vec![false; names.len() + 1];
        taken[0] = true;
        for step in &self.0 {
            budget.step(names.len())?;
            let mut next = vec![false; names.len() + 1];
            match step {
                Step::Folders => {
                    let first = taken.iter().position(|taken| *taken).unwrap_or(names.len() + 1);
                    next[first.min(names.len() + 1)..].fill(true);
                }
                Step::Name(alternatives) => {
                    for at in (0..names.len()).filter(|at| taken[*at]) {
                        next[at + 1] |= alternatives.iter().any(|parts| is_match(parts, &names[at]));
                    }
                }
            }
            taken = next;
        }
        Ok(taken[names.len()])
    }
}

fn is_match(parts: &[Part], name: &[char]) -> bool {
    let (mut part, mut at, mut star) = (0, 0, None);
    while at < name.len() {
        let fits = match parts.get(part) {
            Some(Part::One(wanted)) => *wanted == name[at],
            Some(Part::AnyOne) => true,
            Some(Part::Class { is_negated, ranges }) => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&&name[at])) != *is_negated
            }
            Some(Part::Any) => {
                star = Some((part + 1, at));
                part += 1;
                continue;
            }
            None => false,
        };
        match star {
            _ if fits => (part, at) = (part + 1, at + 1),
            Some((after, from)) => {
                (part, at) = (after, from + 1);
                star = Some((after, from + 1));
            }
            None => return false,
        }
    }
    parts[part..].iter().all(|part| matches!(part, Part::Any))
}

/// Spells out braces.
fn alternatives(text: &[char]) -> Result<Vec<Vec<char>>, Unreadable> {
    let Some(open) = find(text, 0, '{') else {
        return if find(text, 0, '}').is_some() { Err(Unreadable) } else { Ok(vec![text.to_vec()]) };
    };
    let close = find(text, open + 1, '}').ok_or(Unreadable)?;
    let inner = &text[open + 1..close];
    if find(inner, 0, '{').is_some() {
        return Err(Unreadable);
    }
    let rests = alternatives(&text[close + 1..])?;
    let mut all = Vec::new();
    for choice in inner.split(|character| *character == ',') {
        for rest in &rests {
            all.push([&text[..open], choice, rest].concat());
        }
    }
    if all.len() > MAX_ALTERNATIVES { Err(Unreadable) } else { Ok(all) }
}

/// The place of a character that no backslash stands before.
fn find(text: &[char], from: usize, wanted: char) -> Option<usize> {
    let mut at = from;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            character if character == wanted => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn parts(text: &[char]) -> Result<Vec<Part>, Unreadable> {
    let (mut parts, mut at) = (Vec::new(), 0);
    while let Some(character) = text.get(at) {
        at += 1;
        parts.push(match character {
            '*' => Part::Any,
            '?' => Part::AnyOne,
            '\\' => {
                at += 1;
                Part::One(*text.get(at - 1).ok_or(Unreadable)?)
            }
            '[' => {
                let close = find(text, at, ']').filter(|close| *close > at).ok_or(Unreadable)?;
                let (is_negated, inner) = match text[at..close].split_first() {
                    Some(('^', inner)) => (true, inner),
                    _ => (false, &text[at..close]),
                };
                at = close + 1;
                Part::Class { is_negated, ranges: ranges(inner)? }
            }
            other => Part::One(*other),
        });
    }
    Ok(parts)
}

fn ranges(text: &[char]) -> Result<Vec<(char, char)>, Unreadable> {
    let (mut ranges, mut at) = (Vec::new(), 0);
    let one = |at: &mut usize| -> Result<char, Unreadable> {
        let mut character = *text.get(*at).ok_or(Unreadable)?;
        if character == '\\' {
            *at += 1;
            character = *text.get(*at).ok_or(Unreadable)?;
        }
        *at += 1;
        Ok(character)
    };
    while at < text.len() {
        let low = one(&mut at)?;
        let high = if text.get(at) == Some(&'-') {
            at += 1;
            one(&mut at)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    if ranges.is_empty() { Err(Unreadable) } else { Ok(ranges) }
}

/// A pattern below a folder, cleaned; nothing where it leads out of the repository.
pub fn joined(folder: &str, pattern: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder that all matches of a pattern lie in, as far as it is plain text.
pub fn fixed_folder(pattern: &str) -> String {
    let names: Vec<&str> = pattern.split('/').collect();
    let plain =
        names[..names.len().saturating_sub(1)].iter().take_while(|name| !name.contains(['*', '?', '[', '{', '\\']));
    plain.copied().collect::<Vec<_>>().join("/")
}

/// The way from a folder to a file.
pub fn relative(folder: &str, file: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) =
        (folder.split('/').filter(|part| !part.is_empty()).collect(), file.split('/').collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[same..].iter().map(|_| "..");
    up.chain(to[same..].iter().copied()).collect::<Vec<_>>().join("/")
}
