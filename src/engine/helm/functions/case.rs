//! Upper, lower, title, camel, snake, kebab: changes of case, by Go's `strings`, goutils 1.1.1 and xstrings 1.5.0.

use super::argument::{remade, text};
use crate::{
    engine::go::runes::{Class, Classes, REPLACEMENT, first, is_space, runes},
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Function, Lineage, Parameter},
        value::Value,
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// The functions that change case.
pub const FUNCTIONS: &[Function] = &[
    of_text("upper", Lineage::Own, upper),
    of_text("lower", Lineage::Own, lower),
    of_text("title", Lineage::Own, title),
    of_text("untitle", Lineage::Own, untitle),
    of_text("swapcase", Lineage::Own, swapcase),
    of_text("camelcase", Lineage::Derived, camelcase),
    of_text("snakecase", Lineage::Derived, snakecase),
    of_text("kebabcase", Lineage::Derived, kebabcase),
];

const fn of_text(
    name: &'static str,
    lineage: Lineage,
    body: fn(&mut Context, &[Value]) -> Result<Value, Fault>,
) -> Function {
    Function { name, parameters: &[Parameter::Text], rest: None, lineage, body }
}

fn upper(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    mapped(context, arguments, Classes::upper)
}

fn lower(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    mapped(context, arguments, Classes::lower)
}

/// `strings.Title`: what follows no letter, digit or underscore is a beginning, so `it's` becomes `It'S`.
fn title(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut before = ' ';
    mapped(context, arguments, |classes, rune| {
        let separated =
            if before.is_ascii() { !before.is_ascii_alphanumeric() && before != '_' } else { is_space(before) };
        before = rune;
        if separated { classes.title(rune) } else { rune }
    })
}

/// goutils' `Uncapitalize`: the first letter of every word.
fn untitle(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut begins = true;
    mapped(context, arguments, |classes, rune| {
        if is_space(rune) {
            begins = true;
            rune
        } else if std::mem::take(&mut begins) {
            classes.lower(rune)
        } else {
            rune
        }
    })
}

/// goutils' `SwapCase`: a lower-case letter after white space becomes a title-case one.
fn swapcase(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut after_space = true;
    mapped(context, arguments, |classes, rune| {
        if classes.has(Class::Upper, rune) || classes.has(Class::Title, rune) {
            after_space = false;
            classes.lower(rune)
        } else if classes.has(Class::Lower, rune) {
            if std::mem::take(&mut after_space) { classes.title(rune) } else { classes.upper(rune) }
        } else {
            after_space = is_space(rune);
            rune
        }
    })
}

/// Each character replaced by another. A piece that stays as it is keeps its origin; one that changes is derived from it.
fn mapped(
    context: &mut Context,
    arguments: &[Value],
    mut map: impl FnMut(&Classes, char) -> char,
) -> Result<Value, Fault> {
    let value = &arguments[0];
    let text = text(&arguments[0])?;
    context.budget.text(text.len())?;
    let mut changed = false;
    let mut bytes = Vec::with_capacity(text.len());
    // Where each piece of the text ends in the new bytes, and whether it is another there.
    let mut ends: Vec<(usize, bool)> = Vec::with_capacity(text.pieces().len());
    let mut pieces = text.pieces().iter();
    let mut piece_end = pieces.next().map_or(0, |piece| piece.len as usize);
    let mut piece_changed = false;
    for (at, len, rune) in runes(text.bytes()) {
        while at >= piece_end {
            let Some(next) = pieces.next() else { break };
            ends.push((bytes.len(), piece_changed));
            piece_end += next.len as usize;
            piece_changed = false;
        }
        let new = map(&context.classes, rune);
        if new != rune || (rune == REPLACEMENT && len == 1) || at + len > piece_end {
            piece_changed = true;
            changed |= new != rune || len != new.len_utf8();
        }
        bytes.extend_from_slice(new.encode_utf8(&mut [0; 4]).as_bytes());
    }
    if !changed {
        return Ok(value.clone());
    }
    ends.push((bytes.len(), piece_changed));
    let mut builder = TextBuilder::default();
    let mut start = 0;
    for (index, piece) in text.pieces().iter().enumerate() {
        let (end, changed) = ends.get(index).copied().unwrap_or((bytes.len(), false));
        let same = !changed && end - start == piece.len as usize;
        let made_of = if same { piece.made_of } else { MadeOf::Derived(piece.made_of.set()) };
        builder.push_bytes(&bytes[start..end], made_of, piece.control);
        start = end;
    }
    builder.push_bytes(&bytes[start..], MadeOf::NOTHING, SetId::EMPTY);
    Ok(remade(context, builder.build(), value, value.control))
}

/// xstrings' `ToPascalCase`.
fn camelcase(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(&arguments[0])?;
    context.budget.text(text.len().saturating_mul(3))?;
    let classes = &context.classes;
    let mut made = String::with_capacity(text.len());
    let mut runes = runes(text.bytes()).map(|(_, _, rune)| rune);
    let mut current = None;
    let mut began_upper = false;
    for rune in runes.by_ref() {
        if !is_connector(rune) {
            began_upper = classes.has(Class::Upper, rune);
            current = Some(classes.upper(rune));
            break;
        }
        made.push(rune);
        current = Some(rune);
    }
    let Some(mut current) = current else { return Ok(arguments[0].clone()) };
    let mut runes = runes.peekable();
    if runes.peek().is_none() {
        // What is written twice here is what the library writes twice: the last of several connectors.
        made.push(current);
        return Ok(Value::text(Text::plain(made)));
    }
    for mut rune in runes {
        let before = current;
        if is_connector(rune) && is_connector(before) {
            made.push(before);
        } else if is_connector(before) {
            began_upper = classes.has(Class::Upper, rune);
            rune = classes.upper(rune);
        } else {
            if began_upper {
                if classes.has(Class::Upper, rune) {
                    rune = classes.lower(rune);
                } else {
                    began_upper = false;
                }
            }
            made.push(before);
        }
        current = rune;
    }
    made.push(current);
    Ok(Value::text(Text::plain(made)))
}

fn snakecase(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    connected(context, arguments, b'_')
}

fn kebabcase(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    connected(context, arguments, b'-')
}

/// What xstrings takes a run of characters for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// Lower-case words with a connector between them: xstrings' `camelCaseToLowerCase`.
fn connected(context: &mut Context, arguments: &[Value], connector: u8) -> Result<Value, Fault> {
    let text = text(&arguments[0])?;
    context.budget.text(text.len().saturating_mul(4))?;
    let classes = &context.classes;
    let mut made = Vec::with_capacity(text.len() + 8);
    let push = |made: &mut Vec<u8>, word: Word, bytes: &[u8]| {
        if word != Word::Upper && word != Word::Connector {
            made.extend_from_slice(bytes);
            return;
        }
        for (_, _, rune) in runes(bytes) {
            if is_connector(rune) {
                made.push(connector);
            } else {
                let lower = if classes.has(Class::Upper, rune) { classes.lower(rune) } else { rune };
                made.extend_from_slice(lower.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    };
    let (mut kind, mut word, mut remaining) = next_word(classes, text.bytes());
    while !remaining.is_empty() {
        if kind != Word::Connector {
            push(&mut made, kind, word);
        }
        let (before, last) = (kind, word);
        (kind, word, remaining) = next_word(classes, remaining);
        match before {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push(&mut made, kind, word);
                    (kind, word, remaining) = next_word(classes, remaining);
                }
                if !matches!(kind, Word::Invalid | Word::Punctuation | Word::Connector) {
                    made.push(connector);
                }
            }
            Word::Connector => push(&mut made, before, last),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    made.push(connector);
                }
            }
            _ if remaining.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, remaining) = next_word(classes, remaining);
                if kind != Word::Alphabet {
                    push(&mut made, Word::Number, number);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        made.push(connector);
                    }
                    continue;
                }
                made.push(connector);
                push(&mut made, Word::Number, number);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push(&mut made, kind, word);
                    (kind, word, remaining) = next_word(classes, remaining);
                }
                if !matches!(kind, Word::Invalid | Word::Connector | Word::Punctuation) {
                    made.push(connector);
                }
            }
        }
    }
    push(&mut made, kind, word);
    Ok(Value::text(Text::new(&made, MadeOf::Derived(SetId::EMPTY))))
}

/// The first run of characters of one kind, and what follows it: xstrings' `nextWord`.
fn next_word<'a>(classes: &Classes, bytes: &'a [u8]) -> (Word, &'a [u8], &'a [u8]) {
    if bytes.is_empty() {
        return (Word::Invalid, bytes, bytes);
    }
    let (rune, size) = next_valid(bytes, REPLACEMENT);
    let extended = |from: usize, mut last: char, goes_on: &dyn Fn(char, usize) -> bool| {
        let mut end = from;
        while end < bytes.len() {
            let (next, size) = next_valid(&bytes[end..], last);
            last = next;
            if !goes_on(next, size) {
                break;
            }
            end += size;
        }
        (end, last)
    };
    let alphabetic = |rune| is_alphabetic(classes, rune);
    let lower = |rune: char, _: usize| alphabetic(rune) && !classes.has(Class::Upper, rune);
    let (kind, end) = if rune == REPLACEMENT {
        (Word::Invalid, size)
    } else if is_connector(rune) {
        (Word::Connector, extended(size, rune, &|rune, _| is_connector(rune)).0)
    } else if classes.has(Class::Punctuation, rune) {
        (Word::Punctuation, extended(size, rune, &|rune, _| classes.has(Class::Punctuation, rune)).0)
    } else if classes.has(Class::Upper, rune) {
        (Word::Upper, upper_word(classes, bytes, rune, size))
    } else if alphabetic(rune) {
        (Word::Alphabet, extended(size, rune, &lower).0)
    } else if classes.has(Class::Number, rune) {
        (Word::Number, extended(size, rune, &|rune, _| classes.has(Class::Number, rune)).0)
    } else {
        let other = |rune: char, size: usize| {
            size > 0
                && !is_connector(rune)
                && !alphabetic(rune)
                && !classes.has(Class::Number, rune)
                && !classes.has(Class::Punctuation, rune)
        };
        (Word::Other, extended(size, rune, &other).0)
    };
    (kind, &bytes[..end], &bytes[end..])
}

/// Where a word ends that begins with a capital of `size` bytes: `HTTP` of `HTTPServer`, `Server` of `Server2`.
fn upper_word(classes: &Classes, bytes: &[u8], rune: char, size: usize) -> usize {
    if size == bytes.len() {
        return size;
    }
    let (second, second_size) = next_valid(&bytes[size..], rune);
    let mut end = size;
    let mut last = second;
    if classes.has(Class::Upper, second) {
        let mut previous = second_size;
        end += second_size;
        while end < bytes.len() {
            let (next, size) = next_valid(&bytes[end..], last);
            last = next;
            if !classes.has(Class::Upper, next) {
                break;
            }
            previous = size;
            end += size;
        }
        // The last capital begins the next word if letters follow it.
        if end < bytes.len() && is_alphabetic(classes, last) {
            end -= previous;
        }
    } else if is_alphabetic(classes, second) {
        end += second_size;
        while end < bytes.len() {
            let (next, size) = next_valid(&bytes[end..], last);
            last = next;
            if !is_alphabetic(classes, next) || classes.has(Class::Upper, next) {
                break;
            }
            end += size;
        }
    }
    end
}

/// The first character that is none of U+FFFD, with the length of all before it; the one before where there is none.
fn next_valid(bytes: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    while let Some((rune, len)) = first(&bytes[size..]) {
        size += len;
        if rune != REPLACEMENT {
            return (rune, size);
        }
    }
    (before, size)
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || is_space(rune)
}

/// A letter of an alphabet, which Chinese characters are not.
fn is_alphabetic(classes: &Classes, rune: char) -> bool {
    classes.has(Class::Letter, rune)
        && !matches!(rune, '\u{4E00}'..='\u{9FCC}' | '\u{3400}'..='\u{4D85}' | '\u{20000}'..='\u{2B81D}')
}
