//! The order of keys: go-yaml's `sorter.go`.
//!
//! The comparison is not a total order for every input (numbers wrap), which `slice::sort_by` may answer with a panic; so the
//! merging is done here.

use std::cmp::Ordering;

use super::{Dialect, Entry};

/// Sorts entries by key.
pub(super) fn sort(entries: &mut Vec<Entry>, dialect: Dialect) {
    if entries.len() < 2 {
        return;
    }
    // Words without digits are ordered as bytes are, and maps hold their entries in that order.
    let is_word = |entry: &Entry| entry.key.bytes().iter().all(u8::is_ascii_alphabetic);
    if entries.iter().all(is_word) && entries.is_sorted_by(|a, b| a.key.bytes() <= b.key.bytes()) {
        return;
    }
    let keys: Vec<Vec<char>> = entries.iter().map(|entry| entry.key.lossy().chars().collect()).collect();
    let order = merged((0..entries.len()).collect(), &mut |a, b| compare(&keys[a], &keys[b], dialect));
    let mut taken: Vec<Option<Entry>> = std::mem::take(entries).into_iter().map(Some).collect();
    entries.extend(order.into_iter().filter_map(|at| taken[at].take()));
}

fn merged(items: Vec<usize>, compare: &mut impl FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    if items.len() < 2 {
        return items;
    }
    let mut width = 1;
    let mut items = items;
    while width < items.len() {
        let mut next = Vec::with_capacity(items.len());
        for pair in items.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut l, mut r) = (left.iter().peekable(), right.iter().peekable());
            while let (Some(a), Some(b)) = (l.peek(), r.peek()) {
                let first = if compare(**b, **a) == Ordering::Less { r.next() } else { l.next() };
                next.extend(first);
            }
            next.extend(l.chain(r));
        }
        items = next;
        width *= 2;
    }
    items
}

/// `keyList.Less` both ways. After a run of equal digits v3 puts letters first, v2 never does.
fn compare(a: &[char], b: &[char], dialect: Dialect) -> Ordering {
    let mut digits = false;
    for (at, (x, y)) in a.iter().zip(b).enumerate() {
        if x == y {
            digits = is_digit(*x);
            continue;
        }
        match (is_letter(*x), is_letter(*y)) {
            (true, true) => return x.cmp(y),
            (false, false) => return numbers(a, b, at).then(x.cmp(y)),
            (x_is_letter, _) => {
                let letters_first = digits && dialect == Dialect::Three;
                return if x_is_letter == letters_first { Ordering::Less } else { Ordering::Greater };
            }
        }
    }
    a.len().cmp(&b.len())
}

/// Compares the numbers that begin at, or go on at, the first difference.
fn numbers(a: &[char], b: &[char], at: usize) -> Ordering {
    let behind_digits = a[..at].iter().rev().take_while(|c| is_digit(**c)).any(|c| *c != '0');
    let start = i64::from((a[at] == '0' || b[at] == '0') && behind_digits);
    let value = |text: &[char]| {
        let run = text[at..].iter().take_while(|c| is_digit(**c));
        run.fold((start, 0_usize), |(number, width), c| {
            let digit = i64::from(u32::from(*c)) - i64::from(u32::from('0'));
            (number.wrapping_mul(10).wrapping_add(digit), width + 1)
        })
    };
    value(a).cmp(&value(b))
}

/// `unicode.IsLetter`; the few marks that Rust counts as alphabetic and Go does not are no matter of keys.
fn is_letter(c: char) -> bool {
    c.is_alphabetic()
}

/// `unicode.IsDigit`: ASCII digits, and for others what is numeric without being a letter.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric() && !c.is_alphabetic() && c.to_digit(36).is_none())
}
