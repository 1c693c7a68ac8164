//! A quick hash for what a render looks up all the time.
//!
//! Ids of leaves, sets and nodes are given out by the render itself, so nobody outside can choose colliding ones. Names and
//! keys are chosen outside: their hashes start from a number that is new in every table.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, BuildHasherDefault, Hasher},
};

/// Hashes ids and small structures of them.
pub type Mixing = BuildHasherDefault<Mixer>;

/// Hashes names and keys, which others choose.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

/// Takes numbers that are hashes already as they are.
pub type Mixed = BuildHasherDefault<Taken>;

/// Multiplies and folds, one machine word at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mixer(u64);

/// The last number, unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken(u64);

/// The fractional part of the golden ratio, odd.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        // The last word may overlap the one before it, so the length counts as well.
        let last = match (rest, bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            ([], ..) => return,
            (_, Some(last), ..) => u64::from_le_bytes(*last),
            (_, _, Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
            }
            _ => rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
        };
        self.0 = self.0.wrapping_add(bytes.len() as u64);
        self.write_u64(last);
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ FACTOR) * u128::from(FACTOR.rotate_left(23) | 1);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(self.0)
    }
}

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash << 8) | u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pairs_of_small_numbers_have_hashes_of_their_own() {
        let pairs = (0..300_u32).flat_map(|a| (0..300_u32).map(move |b| (a, b)));
        let hashes: HashSet<u64> = pairs.map(|pair| Mixing::default().hash_one(pair)).collect();
        assert_eq!(hashes.len(), 90_000);
    }

    #[test]
    fn names_are_hashed_from_a_start_of_their_own() {
        let (one, other) = (Seeded::default(), Seeded::default());
        assert_eq!(one.hash_one("image"), one.hash_one("image"));
        assert_ne!(one.hash_one("image"), other.hash_one("image"));
        assert_ne!(one.hash_one("image"), one.hash_one("imagf"));
    }
}
