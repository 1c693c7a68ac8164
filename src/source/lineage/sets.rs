//! Interned sets of origins.
//!
//! Every value that an engine computes carries the set of leaves that made it and the set of leaves that decided that it is
//! there. Most sets occur thousands of times, so a set is one small number, and the union of two sets is worked out once.
//!
//! Leaves are listed in the order in which a render first asked for them. A render that goes on with the sets of the one
//! before keeps all numbers, and has an order of its own: what is listed does not tell the one way from the other.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

use super::hash::{Mixed, Mixing};

/// The most leaves of one set; a larger one becomes [`SetId::ANY`].
pub const MAX_SET: usize = 4_096;

/// The most leaves of all sets together; beyond them every new set is [`SetId::ANY`].
pub const MAX_TOTAL: usize = 8 << 20;

/// A leaf: one place outside of the computation that a value can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafId(u32);

/// A set of leaves. Two sets with the same leaves have the same id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId(u32);

/// What made a value, and what decided that it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The leaves whose content is in the value.
    pub data: SetId,
    /// The leaves that conditions, loops and choices on the way to the value looked at.
    pub control: SetId,
}

/// All leaves and sets of one render. `L` says what a leaf is.
#[derive(Clone, Debug)]
pub struct Sets<L> {
    leaves: Vec<L>,
    /// The leaves by their hashes, each under the first number from its hash that no other leaf has.
    leaf_ids: HashMap<u64, LeafId, Mixed>,
    /// The leaves of all sets, one after the other.
    members: Vec<LeafId>,
    /// Where each set ends in them.
    ends: Vec<u32>,
    /// The sets by their hashes, each under the first number from its hash that no other set has.
    set_ids: HashMap<u64, SetId, Mixed>,
    unions: HashMap<(SetId, SetId), SetId, Mixing>,
    order: Order,
    /// Whether nobody wants to know what is asked for at the moment.
    is_paused: bool,
    /// Room to work in.
    distinct: Vec<SetId>,
    gathered: Vec<LeafId>,
}

/// When the current render first asked for each leaf, as far as somebody wants to know.
#[derive(Clone, Debug, Default)]
struct Order {
    /// Whether the order is another than that of the numbers.
    is_own: bool,
    /// Where it is its own, by leaf: how many leaves were asked for before it; [`NEVER`] for those that were not.
    ranks: Vec<u32>,
    asked: u32,
    /// The chapters begun.
    chapter: u32,
    /// Once there are chapters, by leaf: the latest that asked for it.
    chapters: Vec<u32>,
    /// The leaves that the chapter asked for, each once.
    noted: Vec<LeafId>,
}

/// The rank of a leaf that was not asked for.
const NEVER: u32 = u32::MAX;

/// A set of one leaf carries it in its id, so that wrapping a leaf needs no table.
const SINGLE: u32 = 1 << 31;

impl SetId {
    /// No leaf.
    pub const EMPTY: Self = Self(0);

    /// Too many leaves to list: possibly every one.
    pub const ANY: Self = Self(1);

    /// Tells whether there is no leaf in it.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// The leaf of a set of one.
    pub fn single(self) -> Option<LeafId> {
        (self.0 & SINGLE != 0).then_some(LeafId(self.0 & !SINGLE))
    }
}

impl LeafId {
    /// The leaf so many places behind in its row; see [`Sets::row`].
    pub fn after(self, places: usize) -> Self {
        Self(self.0 + places as u32)
    }
}

impl From<LeafId> for SetId {
    fn from(leaf: LeafId) -> Self {
        Self(leaf.0 | SINGLE)
    }
}

impl Flow {
    /// A value made of these leaves whose presence nothing decided.
    pub fn data(data: SetId) -> Self {
        Self { data, control: SetId::EMPTY }
    }
}

impl<L> Default for Sets<L> {
    fn default() -> Self {
        Self {
            leaves: Vec::new(),
            leaf_ids: HashMap::default(),
            members: Vec::new(),
            ends: vec![0, 0],
            set_ids: HashMap::default(),
            unions: HashMap::default(),
            order: Order::default(),
            is_paused: false,
            distinct: Vec::new(),
            gathered: Vec::new(),
        }
    }
}

impl<L: Clone + Eq + Hash> Sets<L> {
    /// From here on nothing new is listed: until [`Sets::go_on`], whichever leaf or union is asked for is one that there is, and
    /// means nothing. Rows may not be asked for.
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Lists what is new again.
    pub fn go_on(&mut self) {
        self.is_paused = false;
    }

    /// The id of a leaf.
    pub fn leaf(&mut self, leaf: L) -> LeafId {
        if self.is_paused && !self.leaves.is_empty() {
            return LeafId(0);
        }
        let mut hash = Mixing::default().hash_one(&leaf);
        while let Some(id) = self.leaf_ids.get(&hash) {
            if self.leaves[id.0 as usize] == leaf {
                let id = *id;
                self.order.ask(id);
                return id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = LeafId(u32::try_from(self.leaves.len()).expect("a render has fewer than 2^31 leaves") & !SINGLE);
        self.leaves.push(leaf);
        self.leaf_ids.insert(hash, id);
        self.order.ask(id);
        id
    }

    /// The first of leaves that are numbered in a row, such as the parts of a document: they need no table.
    ///
    /// The row is known again by its first leaf. The others are found by their places in it alone: to ask for one of them
    /// as [`Sets::leaf`] gives another id.
    pub fn row(&mut self, first: L, others: impl IntoIterator<Item = L>) -> LeafId {
        let known = self.leaves.len();
        let first = self.leaf(first);
        if self.leaves.len() > known {
            self.leaves.extend(others);
        }
        first
    }

    /// Begins a render that goes on with what there is: no leaf was asked for yet.
    pub fn begin_render(&mut self) {
        self.order.is_own |= !self.leaves.is_empty();
        self.order.asked = 0;
        self.order.ranks.clear();
    }

    /// Begins a chapter of the render, whose leaves are noted.
    pub fn begin_chapter(&mut self) {
        self.order.chapter += 1;
        self.order.noted.clear();
    }

    /// The leaves that the chapter asked for, in this order.
    pub fn chapter(&self) -> &[LeafId] {
        &self.order.noted
    }

    /// Asks for leaves as a chapter of an earlier render did.
    pub fn ask_again(&mut self, chapter: &[LeafId]) {
        chapter.iter().for_each(|leaf| self.order.ask(*leaf));
    }

    /// How many leaves all sets have together.
    pub fn total(&self) -> usize {
        self.members.len() + self.leaves.len()
    }

    /// What a leaf is.
    pub fn get(&self, leaf: LeafId) -> &L {
        &self.leaves[leaf.0 as usize]
    }

    /// The leaves of a set in the order of the render; none for [`SetId::ANY`], which has to be asked for first.
    pub fn leaves(&self, set: SetId) -> impl Iterator<Item = LeafId> + '_ {
        let (mut ordered, mut rest) = (Vec::new(), SetId::EMPTY);
        if self.order.is_own {
            ordered.extend(self.members(set));
            ordered.sort_by_key(|leaf| self.order.rank(*leaf));
        } else {
            rest = set;
        }
        ordered.into_iter().chain(self.members(rest))
    }

    /// The leaves of a set in the order of their numbers.
    fn members(&self, set: SetId) -> impl Iterator<Item = LeafId> + '_ {
        let single = (set.0 & SINGLE != 0).then_some(LeafId(set.0 & !SINGLE));
        let many: &[LeafId] = if single.is_some() { &[] } else { self.listed(set) };
        single.into_iter().chain(many.iter().copied())
    }

    /// Everything that is in one or the other.
    pub fn union(&mut self, a: SetId, b: SetId) -> SetId {
        if a == b || b.is_empty() {
            return a;
        }
        if a.is_empty() {
            return b;
        }
        if self.is_paused || a == SetId::ANY || b == SetId::ANY {
            return SetId::ANY;
        }
        let pair = (a.min(b), a.max(b));
        if let Some(union) = self.unions.get(&pair) {
            return *union;
        }
        let union = self.merged(&[a, b]);
        self.unions.insert(pair, union);
        union
    }

    /// Everything that is in any of the sets.
    pub fn union_all(&mut self, sets: impl IntoIterator<Item = SetId>) -> SetId {
        let mut distinct = std::mem::take(&mut self.distinct);
        distinct.clear();
        for set in sets {
            if !set.is_empty() && distinct.last() != Some(&set) {
                distinct.push(set);
            }
        }
        distinct.sort_unstable();
        distinct.dedup();
        let union = match distinct[..] {
            [] => SetId::EMPTY,
            [one] => one,
            [one, other] => self.union(one, other),
            _ if self.is_paused || distinct.contains(&SetId::ANY) => SetId::ANY,
            _ => self.merged(&distinct),
        };
        self.distinct = distinct;
        union
    }

    /// Both flows together.
    pub fn join(&mut self, a: Flow, b: Flow) -> Flow {
        Flow { data: self.union(a.data, b.data), control: self.union(a.control, b.control) }
    }

    /// The set of leaves that are in `set` and fit.
    pub fn filter(&mut self, set: SetId, fits: impl Fn(&L) -> bool) -> SetId {
        if self.is_paused || set == SetId::ANY {
            return set;
        }
        let mut kept = std::mem::take(&mut self.gathered);
        kept.clear();
        kept.extend(self.members(set).filter(|leaf| fits(self.get(*leaf))));
        let id = self.set(&kept);
        self.gathered = kept;
        id
    }

    fn merged(&mut self, sets: &[SetId]) -> SetId {
        let mut leaves = std::mem::take(&mut self.gathered);
        leaves.clear();
        sets.iter().for_each(|set| leaves.extend(self.members(*set)));
        leaves.sort_unstable();
        leaves.dedup();
        let id = self.set(&leaves);
        self.gathered = leaves;
        id
    }

    /// The id of sorted, distinct leaves.
    fn set(&mut self, leaves: &[LeafId]) -> SetId {
        match *leaves {
            [] => return SetId::EMPTY,
            [one] => return one.into(),
            _ => {}
        }
        let mut hash = Mixing::default().hash_one(leaves);
        while let Some(id) = self.set_ids.get(&hash) {
            if self.listed(*id) == leaves {
                return *id;
            }
            hash = hash.wrapping_add(1);
        }
        if leaves.len() > MAX_SET || self.members.len() + leaves.len() > MAX_TOTAL {
            return SetId::ANY;
        }
        let id = SetId(u32::try_from(self.ends.len()).expect("the total bounds the number of sets"));
        self.members.extend_from_slice(leaves);
        self.ends.push(self.members.len() as u32);
        self.set_ids.insert(hash, id);
        id
    }

    /// The leaves of a set that is no single one.
    fn listed(&self, set: SetId) -> &[LeafId] {
        let at = set.0 as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.members[start..self.ends[at] as usize]
    }
}

impl Order {
    fn ask(&mut self, leaf: LeafId) {
        let at = leaf.0 as usize;
        if self.is_own && self.rank(leaf) == NEVER {
            if at >= self.ranks.len() {
                self.ranks.resize(at + 1, NEVER);
            }
            self.ranks[at] = self.asked;
            self.asked += 1;
        }
        if self.chapter > 0 {
            if at >= self.chapters.len() {
                self.chapters.resize(at + 1, 0);
            }
            if self.chapters[at] != self.chapter {
                self.chapters[at] = self.chapter;
                self.noted.push(leaf);
            }
        }
    }

    fn rank(&self, leaf: LeafId) -> u32 {
        self.ranks.get(leaf.0 as usize).copied().unwrap_or(NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(sets: &Sets<u64>, set: SetId) -> Vec<u64> {
        sets.leaves(set).map(|leaf| *sets.get(leaf)).collect()
    }

    #[test]
    fn equal_sets_have_one_id() {
        let mut sets = Sets::default();
        let [a, b, c] = [10, 20, 30].map(|leaf| SetId::from(sets.leaf(leaf)));
        let ab = sets.union(a, b);
        let abc = sets.union(ab, c);
        assert_eq!(listed(&sets, abc), [10, 20, 30]);
        assert_eq!(sets.union_all([c, b, a, SetId::EMPTY, b]), abc);
        assert_eq!(sets.union(abc, a), abc);
        assert_eq!(sets.union(SetId::EMPTY, a), a);
        assert_eq!(sets.filter(abc, |leaf| *leaf == 20), b);
        assert_eq!(SetId::from(sets.leaf(20)), b);
    }

    #[test]
    fn nothing_is_listed_while_it_pauses() {
        let mut sets = Sets::default();
        let [a, b] = [10, 20].map(|leaf| SetId::from(sets.leaf(leaf)));
        sets.pause();
        let total = sets.total();
        let new = sets.leaf(30);
        assert!([10, 20].contains(sets.get(new)));
        sets.union(a, b);
        sets.union_all([a, b, SetId::from(new)]);
        assert_eq!(sets.filter(a, |_| false), a);
        assert_eq!(sets.total(), total);
        sets.go_on();
        let ab = sets.union(a, b);
        assert_eq!(listed(&sets, ab), [10, 20]);
        assert_eq!(*sets.get(sets.clone().leaf(20)), 20);
    }

    #[test]
    fn a_row_is_known_by_its_first_leaf() {
        let mut sets = Sets::default();
        let alone = sets.leaf(7);
        let row = sets.row(10, [11, 12]);
        assert_eq!([0, 1, 2].map(|place| *sets.get(row.after(place))), [10, 11, 12]);
        assert_eq!(sets.row(10, [11, 12]), row);
        assert_eq!(sets.leaf(10), row);
        let next = sets.row(20, [7]);
        assert_eq!((next, sets.leaf(7)), (row.after(3), alone));
        assert_eq!(sets.total(), 6);
    }

    #[test]
    fn a_set_that_grows_too_large_becomes_any() {
        let mut sets = Sets::default();
        let all: Vec<SetId> = (0..=MAX_SET as u64).map(|leaf| sets.leaf(leaf).into()).collect();
        let union = sets.union_all(all);
        assert_eq!(union, SetId::ANY);
        assert_eq!(sets.union(union, SetId::EMPTY), SetId::ANY);
        assert_eq!(listed(&sets, union), [0; 0]);
    }

    #[test]
    fn a_render_that_goes_on_lists_leaves_as_if_it_began_anew() {
        let mut sets = Sets::default();
        let (a, b) = (SetId::from(sets.leaf(10)), SetId::from(sets.leaf(20)));
        let ab = sets.union(a, b);
        sets.begin_render();
        sets.begin_chapter();
        sets.leaf(20);
        sets.leaf(30);
        let chapter = sets.chapter().to_vec();
        sets.leaf(10);
        assert_eq!(listed(&sets, ab), [20, 10]);
        let abc = sets.union_all([ab, sets.chapter()[1].into()]);
        assert_eq!(listed(&sets, abc), [20, 30, 10]);
        sets.begin_render();
        sets.leaf(10);
        sets.ask_again(&chapter);
        assert_eq!(listed(&sets, abc), [10, 20, 30]);
    }
}
