//! The values that a part of the output mentions: what it was printed from and what decided that it is printed.

use crate::{
    engine::helm::{sites::layers::Layers, template::leaf::Leaf},
    source::lineage::{sets::SetId, text::Slice},
};

/// A path of values that a part of the output depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The path in the outermost chart's values.
    pub path: Vec<String>,
    /// How.
    pub how: How,
}

/// How output depends on a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Its content is printed there.
    Data,
    /// A condition, loop or choice looked at it.
    Control,
}

impl Mention {
    /// What slices of the output mention, in the order of the output, data before control.
    pub fn all(layers: &Layers<'_>, slices: &[Slice]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for how in [How::Data, How::Control] {
            let mut seen = Vec::new();
            for slice in slices {
                let set = match how {
                    How::Data => slice.made_of.set(),
                    How::Control => slice.control,
                };
                if set.is_empty() || set == SetId::ANY || seen.contains(&set) {
                    continue;
                }
                seen.push(set);
                for path in Self::paths(layers, set) {
                    if !found.iter().any(|mention| mention.path == path) {
                        found.push(Self { path, how });
                    }
                }
            }
        }
        found
    }

    /// The paths that a set of leaves stands for.
    pub fn paths(layers: &Layers<'_>, set: SetId) -> Vec<Vec<String>> {
        let lineage = layers.lineage;
        let mut paths = Vec::new();
        for leaf in lineage.leaves(set) {
            match leaf {
                Leaf::Node { layer, at } => paths.extend(layers.paths(layer, &lineage.paths.keys(at))),
                Leaf::Absent { at } => paths.push(lineage.paths.keys(at).into_iter().map(str::to_owned).collect()),
                _ => {}
            }
        }
        paths
    }

    /// Tells whether the value is called like a field: `podAnnotations` like `annotations`, `extraEnv` like `env`.
    pub fn is_named_like(&self, field: &str) -> bool {
        let plain = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let Some(own) = self.path.last().map(|own| plain(own)) else { return false };
        let field = plain(field);
        !field.is_empty() && (own.ends_with(&field) || own.trim_end_matches('s').ends_with(field.trim_end_matches('s')))
    }
}
