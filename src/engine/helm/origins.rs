//! The chain from a printed field back to the files: what is printed, and what decided that it is printed.

use super::{
    lineage::Lineage,
    sites::printed::Printed,
    sources::{Layer, Role as LayerRole},
    template::leaf::{FileId, LayerId, Leaf},
};
use crate::{
    model::pointer::Pointer,
    source::{
        lineage::{
            Address, Origin, Role,
            text::{MadeOf, Slice},
        },
        span::{Span, line_of},
    },
};

/// The places that say a field, those that decide that it is printed last.
pub fn origins(lineage: &Lineage, printed: &Printed<'_>, at: &Pointer) -> Vec<Origin> {
    let mut found = Vec::new();
    let slices = match printed.scalar(lineage, at) {
        Some(scalar) => scalar.slices,
        None => printed.block(at),
    };
    for slice in &slices {
        let places: Vec<Origin> = match slice.made_of {
            MadeOf::Verbatim { leaf, offset } => {
                let bytes = (offset as usize, offset as usize + slice.range.len());
                of_leaf(lineage, &lineage.leaf(leaf), Some(bytes)).into_iter().collect()
            }
            MadeOf::Derived(set) => lineage.leaves(set).iter().filter_map(|leaf| of_leaf(lineage, leaf, None)).collect(),
        };
        for place in places {
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
    let deciding: Vec<Slice> = printed.key(at).into_iter().chain(slices).collect();
    for slice in deciding {
        for leaf in lineage.leaves(slice.control) {
            let Some(place) = of_leaf(lineage, &leaf, None) else { continue };
            let place = Origin { role: Role::Condition, ..place };
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
    found
}

/// The place of a leaf; none for what no file says.
fn of_leaf(lineage: &Lineage, leaf: &Leaf, bytes: Option<(usize, usize)>) -> Option<Origin> {
    match leaf {
        Leaf::File(file) => {
            let (start, end) = bytes?;
            Some(in_file(lineage, *file, Span::new(start, end), Role::Template))
        }
        Leaf::Literal { file, span } => Some(in_file(lineage, *file, *span, Role::Template)),
        Leaf::Node { layer, at } | Leaf::Key { layer, at } => {
            in_layer(lineage, *layer, &lineage.paths.keys(*at))
        }
        Leaf::Absent { .. } | Leaf::BuiltIn(_) | Leaf::Volatile(_) => None,
    }
}

fn in_file(lineage: &Lineage, file: FileId, span: Span, role: Role) -> Origin {
    let line = lineage.text_of(file).map_or(1, |text| line_of(text, span.start));
    Origin { file: lineage.file(file).path.clone(), line, span, role, address: Address::Text }
}

fn in_layer(lineage: &Lineage, id: LayerId, at: &[&str]) -> Option<Origin> {
    let layer: &Layer = lineage.layer(id);
    let written = layer.written.as_ref()?;
    let found = layer.find(at)?;
    let (yaml, document) = layer.document()?;
    let span = document.node(found.node).span;
    let line = line_of(&yaml.text, span.start);
    let role = match layer.role {
        LayerRole::Defaults { .. } => Role::Default,
        _ => Role::Value,
    };
    let tokens = written.base.tokens().iter().cloned().chain(at.iter().map(|key| (*key).to_owned()));
    let address = Address::Yaml { document: written.document, at: Pointer::of(tokens) };
    let span = Span::new(span.start + yaml.skipped, span.end + yaml.skipped);
    Some(Origin { file: lineage.file(written.file).path.clone(), line, span, role, address })
}
