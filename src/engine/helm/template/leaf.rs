//! What a value of a chart can come from.

use std::{collections::HashMap, hash::BuildHasher, rc::Rc};

use crate::source::{
    lineage::hash::{Mixed, Seeded},
    span::Span,
};

/// A file of the render: a template, a values file, a file that `.Files` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A layer of values: one YAML document, a part of one, or the `--set` arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(pub u32);

/// A path of keys, interned. List indices are keys in decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u32);

/// One place outside of the evaluation that a value can come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// Text of a file. A verbatim piece's offset counts from the first byte behind a byte order mark.
    File(FileId),
    /// A constant inside of an action.
    Literal {
        /// The template's file.
        file: FileId,
        /// The constant's bytes.
        span: Span,
    },
    /// A scalar, list or map of a layer. A verbatim piece's offset counts from the first byte of what the scalar prints.
    Node {
        /// The layer.
        layer: LayerId,
        /// The place in the layer.
        at: PathId,
    },
    /// A map's key in a layer.
    Key {
        /// The layer.
        layer: LayerId,
        /// The place in the layer of the value that the key names.
        at: PathId,
    },
    /// A key that was looked up in the values and is not set.
    Absent {
        /// The place in the values of the outermost chart.
        at: PathId,
    },
    /// What Helm itself supplies: `.Release.Name`, `.Capabilities.KubeVersion`.
    BuiltIn(&'static str),
    /// What is new in every render: random text, certificates, the time.
    Volatile(&'static str),
}

/// All paths of one render, each as a key below another path.
#[derive(Clone, Debug)]
pub struct Paths {
    steps: Vec<(PathId, Rc<str>)>,
    /// The paths by their hashes, each under the first number from its hash that no other path has.
    ids: HashMap<u64, PathId, Mixed>,
    hashing: Seeded,
}

impl PathId {
    /// The empty path.
    pub const ROOT: Self = Self(0);
}

impl Default for Paths {
    fn default() -> Self {
        Self { steps: vec![(PathId::ROOT, Rc::default())], ids: HashMap::default(), hashing: Seeded::default() }
    }
}

impl Paths {
    /// The path of a key below a path.
    pub fn join(&mut self, above: PathId, key: &str) -> PathId {
        let mut hash = self.hashing.hash_one((above, key));
        while let Some(id) = self.ids.get(&hash) {
            let (known_above, known) = &self.steps[id.0 as usize];
            if *known_above == above && **known == *key {
                return *id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = PathId(u32::try_from(self.steps.len()).expect("a render has fewer than 2^32 paths"));
        self.steps.push((above, key.into()));
        self.ids.insert(hash, id);
        id
    }

    /// The keys of a path from the outermost one.
    pub fn keys(&self, mut path: PathId) -> Vec<&str> {
        let mut keys = Vec::new();
        while path != PathId::ROOT {
            let (above, key) = &self.steps[path.0 as usize];
            keys.push(&**key);
            path = *above;
        }
        keys.reverse();
        keys
    }
}
