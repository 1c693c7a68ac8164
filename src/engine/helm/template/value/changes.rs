//! What of the values differs from those of the render before.
//!
//! Two trees of values are walked side by side. Where a map of the new one stands for a map of the old one it takes over its
//! number, and the parts in which they differ are noted; origins count as much as content. A map stands for one other at
//! most: where that does not come out, because a map that two places shared became two or two became one, all that was read
//! of the old one counts as changed, for `set` through one place would be seen, or not be seen, through the other.

use std::{collections::HashSet, rc::Rc};

use super::{
    Datum, Entries, Entry, Map, Value,
    reads::{Part, Read, Reads, Watch},
};
use crate::source::lineage::{hash::Mixing, text::Text};

/// The differences between the values of two renders, for as long as the new ones are watched.
#[derive(Debug)]
pub struct Changes {
    parts: HashSet<Read, Mixing>,
    /// Maps of which everything counts as changed.
    lost: HashSet<u32, Mixing>,
    /// The numbers of old maps that new ones took over.
    taken: HashSet<u32, Mixing>,
    reads: Rc<Reads>,
    /// The next number that no map has.
    next: u32,
    /// How many entries the new maps have.
    entries: usize,
}

impl Changes {
    /// Nothing is compared yet; `next` is the first number that no map of the old values has.
    pub fn new(next: u32, reads: Rc<Reads>) -> Self {
        Self { parts: HashSet::default(), lost: HashSet::default(), taken: HashSet::default(), reads, next, entries: 0 }
    }

    /// Tells whether what was read is what would be read now.
    pub fn spare(&self, reads: &[Read]) -> bool {
        let is_lost = || reads.iter().any(|read| self.lost.contains(&read.map));
        !self.parts.iter().any(|part| reads.binary_search(part).is_ok()) && (self.lost.is_empty() || !is_lost())
    }

    /// The first number that no map has.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// How many entries the maps have that are watched.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Watches a map and everything in it that nothing is known of.
    pub fn watch(&mut self, map: &Map) {
        if map.watched().is_some() {
            return;
        }
        map.watch(Watch { map: self.next, reads: self.reads.clone() });
        self.next += 1;
        let entries = map.shared.borrow();
        self.entries += entries.entries.len();
        entries.entries.iter().for_each(|entry| self.watch_value(&entry.value));
    }

    fn watch_value(&mut self, value: &Value) {
        match &value.datum {
            Datum::Map(map) => self.watch(map),
            Datum::List(list) => list.items.iter().for_each(|item| self.watch_value(item)),
            Datum::Object(object) => object.held().into_iter().for_each(|held| self.watch_value(held)),
            _ => {}
        }
    }

    /// Watches a map that stands where an old one stood. The entry `except` of the old one does not count.
    pub fn compare(&mut self, old: &Map, new: &Map, except: Option<&[u8]>) {
        let Some(number) = old.watched() else { return self.watch(new) };
        match new.watched() {
            Some(own) if own == number => return,
            Some(_) => {
                self.lost.insert(number);
                return;
            }
            None if !self.taken.insert(number) => {
                self.lost.insert(number);
                return self.watch(new);
            }
            None => new.watch(Watch { map: number, reads: self.reads.clone() }),
        }
        let (old, new) = (old.shared.borrow(), new.shared.borrow());
        self.compare_entries(number, &old, &new, except);
    }

    fn compare_entries(&mut self, number: u32, old: &Entries, new: &Entries, except: Option<&[u8]>) {
        self.entries += new.entries.len();
        let mut before = old.entries.iter().filter(|entry| Some(entry.key.bytes()) != except).peekable();
        let (mut count, mut is_changed) = (0, false);
        let mut changed = |changes: &mut Self, key: &Text| {
            changes.parts.insert(Read { map: number, part: Part::key(key.bytes()) });
            is_changed = true;
        };
        for entry in new.entries.iter() {
            while let Some(gone) = before.next_if(|old| old.key.bytes() < entry.key.bytes()) {
                changed(self, &gone.key);
                count += 1;
            }
            let known = before.next_if(|old| old.key.bytes() == entry.key.bytes());
            count += usize::from(known.is_some());
            if !known.is_some_and(|known| self.is_same_entry(known, entry)) {
                changed(self, &entry.key);
                self.watch_value(&entry.value);
            }
        }
        for gone in before {
            changed(self, &gone.key);
            count += 1;
        }
        if is_changed {
            self.parts.insert(Read { map: number, part: Part::ALL });
        }
        let differences = [
            (Part::COUNT, count != new.entries.len()),
            (Part::PRESENCE, (count == 0) != (new.entries.len() == 0)),
            (Part::LACK, old.places != new.places || old.control != new.control),
        ];
        let differ = differences.into_iter().filter(|(_, differs)| *differs);
        self.parts.extend(differ.map(|(part, _)| Read { map: number, part }));
    }

    fn is_same_entry(&mut self, old: &Entry, new: &Entry) -> bool {
        old.key.is_same(&new.key) && self.is_same(&old.value, &new.value)
    }

    /// Tells whether two values are the same but for what the maps in them hold, which is compared by itself.
    fn is_same(&mut self, old: &Value, new: &Value) -> bool {
        old.made_of == new.made_of
            && old.control == new.control
            && match (&old.datum, &new.datum) {
                (Datum::Nil, Datum::Nil) => true,
                (Datum::Bool(old), Datum::Bool(new)) => old == new,
                (Datum::Int(old), Datum::Int(new)) | (Datum::Int64(old), Datum::Int64(new)) => old == new,
                (Datum::Uint64(old), Datum::Uint64(new)) => old == new,
                (Datum::Byte(old), Datum::Byte(new)) => old == new,
                (Datum::Rune(old), Datum::Rune(new)) => old == new,
                (Datum::Float(old), Datum::Float(new)) => old.to_bits() == new.to_bits(),
                (Datum::Text(old), Datum::Text(new)) | (Datum::Bytes(old), Datum::Bytes(new)) => old.is_same(new),
                (Datum::List(old), Datum::List(new)) => {
                    (old.element, old.is_nil, old.items.len()) == (new.element, new.is_nil, new.items.len())
                        && old.items.iter().zip(new.items.iter()).all(|(old, new)| self.is_same(old, new))
                }
                (Datum::Map(old), Datum::Map(new)) if (old.kind(), old.is_nil()) == (new.kind(), new.is_nil()) => {
                    self.compare(old, new, None);
                    true
                }
                (Datum::Object(old), Datum::Object(new)) => {
                    let (before, now) = (old.held(), new.held());
                    old.is_same(&**new)
                        && before.len() == now.len()
                        && before.into_iter().zip(now).all(|(old, new)| self.is_same(old, new))
                }
                _ => false,
            }
    }
}
