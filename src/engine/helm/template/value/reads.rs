//! What a template reads of the values that its chart is rendered with.
//!
//! Every map of those values is watched while templates are executed: what is asked of it is noted, key by key, and so is
//! that something wrote to it. A template that read nothing that an edit changed prints what it printed before the edit.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    hash::BuildHasher,
    rc::Rc,
};

use crate::source::lineage::hash::Mixing;

/// Something that was asked of a watched map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Read {
    /// The map's number.
    pub map: u32,
    /// What was asked.
    pub part: Part,
}

/// A part of a map that can be asked for, and can change. A key is its hash: two keys of one hash count as one, so that a
/// change of either is a change of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part(u32);

/// What was noted since [`Reads::begin`].
#[derive(Debug, Default)]
pub struct Reads {
    noted: RefCell<HashSet<Read, Mixing>>,
    is_written: Cell<bool>,
}

/// The watch over one map.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The map's number.
    pub map: u32,
    /// Where it is noted what is asked of the map.
    pub reads: Rc<Reads>,
}

impl Part {
    /// All entries with their keys.
    pub const ALL: Self = Self(0);

    /// How many entries there are.
    pub const COUNT: Self = Self(1);

    /// Whether there are any.
    pub const PRESENCE: Self = Self(2);

    /// What the map says of the keys that it lacks.
    pub const LACK: Self = Self(3);

    /// The entry of a key, or that there is none.
    pub fn key(key: &[u8]) -> Self {
        let hash = Mixing::default().hash_one(key);
        Self(((hash ^ (hash >> 32)) as u32).max(4))
    }
}

impl Reads {
    /// Forgets what was noted.
    pub fn begin(&self) {
        self.noted.borrow_mut().clear();
        self.is_written.set(false);
    }

    /// Whether a watched map was written to.
    pub fn is_written(&self) -> bool {
        self.is_written.get()
    }

    /// What was read, sorted.
    pub fn noted(&self) -> Box<[Read]> {
        let mut noted: Box<[Read]> = self.noted.borrow().iter().copied().collect();
        noted.sort_unstable();
        noted
    }
}

impl Watch {
    /// Notes a read.
    pub fn read(&self, part: Part) {
        self.reads.noted.borrow_mut().insert(Read { map: self.map, part });
    }

    /// Notes that the map was written to.
    pub fn written(&self) {
        self.reads.is_written.set(true);
    }
}
