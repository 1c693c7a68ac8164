//! The functions that templates call, by group.
//!
//! Sprig's text functions, Helm's own and Go's, under the names that templates know them by. Where more than one has a name,
//! Helm's wins over sprig's and sprig's over Go's.

pub mod argument;
pub mod case;
pub mod crypto;
pub mod dates;
pub mod defaults;
pub mod encode;
pub mod equal;
pub mod go;
pub mod json;
pub mod lists;
pub mod maps;
pub mod numbers;
pub mod paths;
pub mod random;
pub mod reflect;
pub mod regex;
pub mod semver;
pub mod strings;
pub mod template;
pub mod toml;
pub mod urls;
pub mod yaml;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::template::function::Function;

/// All functions by name.
#[derive(Clone, Debug)]
pub struct Functions {
    by_name: HashMap<&'static str, Callee, BuildHasherDefault<NameHasher>>,
}

/// More than there are.
const MANY: usize = 400;

/// What a function's name stands for.
#[derive(Clone, Copy, Debug)]
pub enum Callee {
    /// A function that needs nothing of the evaluator.
    Plain(&'static Function),
    /// Go's `and`, which evaluates no more arguments than it needs.
    And,
    /// Go's `or`.
    Or,
    /// Go's `call`, whose messages name its first operand.
    Call,
    /// Helm's `include`.
    Include,
    /// Helm's `tpl`.
    Tpl,
}

impl Functions {
    /// Everything that this version knows; a name of a later group wins.
    pub fn all() -> Self {
        let groups: &[&'static [Function]] = &[
            go::FUNCTIONS,
            strings::FUNCTIONS,
            case::FUNCTIONS,
            regex::FUNCTIONS,
            lists::FUNCTIONS,
            encode::FUNCTIONS,
            json::FUNCTIONS,
            toml::FUNCTIONS,
            yaml::FUNCTIONS,
            crypto::FUNCTIONS,
            dates::FUNCTIONS,
            defaults::FUNCTIONS,
            maps::FUNCTIONS,
            numbers::FUNCTIONS,
            paths::FUNCTIONS,
            random::FUNCTIONS,
            reflect::FUNCTIONS,
            semver::FUNCTIONS,
            urls::FUNCTIONS,
            template::FUNCTIONS,
        ];
        let mut by_name = HashMap::with_capacity_and_hasher(MANY, BuildHasherDefault::default());
        for function in groups.iter().copied().flatten() {
            by_name.insert(function.name, Callee::Plain(function));
        }
        by_name.extend([
            ("and", Callee::And),
            ("or", Callee::Or),
            ("call", Callee::Call),
            ("include", Callee::Include),
            ("tpl", Callee::Tpl),
        ]);
        Self { by_name }
    }

    /// The same with more functions, which win over those of their names.
    #[must_use]
    pub fn with(mut self, more: &'static [Function]) -> Self {
        self.by_name.extend(more.iter().map(|function| (function.name, Callee::Plain(function))));
        self
    }

    /// What a name stands for.
    pub fn find(&self, name: &str) -> Option<Callee> {
        self.by_name.get(name).copied()
    }

    /// Tells whether there is a function of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

/// FNV-1a: names are short and the table is fixed, so nobody can choose colliding ones.
#[derive(Clone, Copy, Debug)]
pub struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
