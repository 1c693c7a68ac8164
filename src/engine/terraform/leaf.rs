//! What a value of a configuration can come from.

use std::{collections::HashMap, hash::BuildHasher};

use crate::source::{
    lineage::hash::{Mixed, Seeded},
    span::Span,
};

/// A file of the render, as [`super::files::Files`] counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A path of names and indices, interned. Indices are names in decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u32);

/// One place outside of the evaluation that a value can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// What stands there.
    pub says: Says,
    /// What it is part of.
    pub role: Role,
    /// Where it stands; nothing for what no file says.
    pub place: Option<Place>,
    /// The names that lead to it from the top of its file: `resource aws_vpc main tags Name`, `locals tags Name`,
    /// `variable region default`, in a file of variables `region`, in a file that is decoded its own keys and indices. Of
    /// what no file says, the names that lead to it from its built-in.
    pub path: PathId,
}

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The bytes, counted from the file's first, a byte order mark included.
    pub span: Span,
}

/// What stands at a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Says {
    /// A literal: a number, `true`, `null`, or a quoted string without interpolation, quotes included. A verbatim piece's
    /// offset counts from the first byte of what the string means, not of how it is written.
    Literal,
    /// Literal text of a template between its interpolations. Offsets as for a literal.
    Template,
    /// The key of an item of an object, or the name of an argument. Offsets count in what the key means.
    Key,
    /// An object or tuple that is written out, brackets included: where an item is added or removed.
    Container,
    /// A block: where an argument or block is added or removed.
    Block,
    /// An expression, or part of one, of which nothing but its wording is known.
    Wording,
    /// All of a file that `file()` and its like read. A verbatim piece's offset counts in the file.
    Content,
    /// A scalar of a file that a function decodes. Offsets count in what the scalar means.
    Scalar,
    /// What Terraform itself supplies: `path.module`, `terraform.workspace`, `count.index`.
    BuiltIn(&'static str),
    /// A variable that nothing sets, or an optional attribute that is left out: setting it is how the value can be told.
    Absent,
}

/// What a leaf is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An argument of a resource, data source or provider.
    Resource,
    /// What a provider adds to its resources.
    Provider,
    /// An argument of a module call.
    ModuleArgument,
    /// A local value.
    Local,
    /// An output.
    Output,
    /// The default of a variable.
    VariableDefault,
    /// The default of an optional attribute in the type of a variable.
    TypeDefault,
    /// A value of a variable in a file of variables.
    VariableValue,
    /// A file that a function reads.
    File,
    /// No file says it.
    BuiltIn,
}

/// All paths of one render, each as a name below another path.
#[derive(Debug)]
pub struct Paths {
    steps: Vec<(PathId, Box<str>)>,
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
        Self { steps: vec![(PathId::ROOT, Box::default())], ids: HashMap::default(), hashing: Seeded::default() }
    }
}

impl Paths {
    /// The path of a name below a path.
    pub fn join(&mut self, above: PathId, name: &str) -> PathId {
        let mut hash = self.hashing.hash_one((above, name));
        while let Some(id) = self.ids.get(&hash) {
            let (known_above, known) = &self.steps[id.0 as usize];
            if *known_above == above && **known == *name {
                return *id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = PathId(u32::try_from(self.steps.len()).expect("a render has fewer than 2^32 paths"));
        self.steps.push((above, name.into()));
        self.ids.insert(hash, id);
        id
    }

    /// The path of an element below a path.
    pub fn join_index(&mut self, above: PathId, index: usize) -> PathId {
        const SHORT: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        match SHORT.get(index) {
            Some(name) => self.join(above, name),
            None => self.join(above, &index.to_string()),
        }
    }

    /// The names of a path from the outermost one.
    pub fn names(&self, mut path: PathId) -> Vec<&str> {
        let mut names = Vec::new();
        while path != PathId::ROOT {
            let (above, name) = &self.steps[path.0 as usize];
            names.push(&**name);
            path = *above;
        }
        names.reverse();
        names
    }
}
