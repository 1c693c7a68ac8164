//! The chain from a printed field back to the files: what is printed, and what decided that it is printed.

use super::{
    lineage::Lineage,
    sites::printed::Printed,
    sources::{Layer, LayerContent, Role as LayerRole, Written, Yaml},
    template::leaf::{FileId, LayerId, Leaf},
};
use crate::{
    model::pointer::Pointer,
    source::{
        lineage::{
            Address, Origin, Place, Role,
            text::{MadeOf, Slice},
        },
        span::{Span, line_of},
        yaml::resolve::{self, Reader},
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
            MadeOf::Derived(set) => {
                lineage.leaves(set).iter().filter_map(|leaf| of_leaf(lineage, leaf, None)).collect()
            }
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

/// The origin that a leaf is; none for what no file says.
fn of_leaf(lineage: &Lineage, leaf: &Leaf, bytes: Option<(usize, usize)>) -> Option<Origin> {
    let (Place { file, line, span, .. }, address) = place_of(lineage, leaf, bytes)?;
    Some(Origin { file, line, span, role: role_of(lineage, leaf), address })
}

/// What a leaf is to the fields that come from it.
pub fn role_of(lineage: &Lineage, leaf: &Leaf) -> Role {
    match leaf {
        Leaf::File(_) => Role::Template,
        Leaf::Literal { .. } => Role::Constant,
        Leaf::Node { layer, .. } | Leaf::Key { layer, .. } => role_in(lineage.layer(*layer)),
        Leaf::Absent { .. } => Role::Absent,
        Leaf::BuiltIn(_) => Role::BuiltIn,
        Leaf::Volatile(_) => Role::Volatile,
    }
}

/// What the values of a layer are to the fields that come from them.
pub fn role_in(layer: &Layer) -> Role {
    match layer.role {
        LayerRole::Values(_) => Role::Value,
        LayerRole::Argument(..) => Role::Argument,
        LayerRole::Defaults { .. } => Role::Default,
        LayerRole::Metadata { .. } => Role::Metadata,
    }
}

/// Where a leaf is written, of the text of a file the bytes that are given; none for what no file says.
pub fn place_of(lineage: &Lineage, leaf: &Leaf, bytes: Option<(usize, usize)>) -> Option<(Place, Address)> {
    match leaf {
        Leaf::File(file) => {
            let (start, end) = bytes?;
            Some((place_in_file(lineage, *file, Span::new(start, end)), Address::Text))
        }
        Leaf::Literal { file, span } => Some((place_in_file(lineage, *file, *span), Address::Text)),
        Leaf::Node { layer, at } => place_in_layer(lineage, *layer, &lineage.paths.keys(*at), false),
        Leaf::Key { layer, at } => place_in_layer(lineage, *layer, &lineage.paths.keys(*at), true),
        Leaf::Absent { .. } | Leaf::BuiltIn(_) | Leaf::Volatile(_) => None,
    }
}

/// Bytes of a file, given by their place in its text.
pub fn place_in_file(lineage: &Lineage, file: FileId, span: Span) -> Place {
    let line = lineage.text_of(file).map_or(1, |text| line_of(text, span.start));
    let (source, span) = (lineage.file(file), lineage.in_file(file, span));
    Place { file: source.path.clone(), inside: source.inside.as_deref().map(str::to_owned), line, span }
}

/// Where a layer says something, or says its key.
pub fn place_in_layer(lineage: &Lineage, id: LayerId, at: &[&str], of_key: bool) -> Option<(Place, Address)> {
    let layer = lineage.layer(id);
    let written = layer.written.as_ref()?;
    let source = lineage.file(written.file);
    let place = |line, span| Place {
        file: source.path.clone(),
        inside: source.inside.as_deref().map(str::to_owned),
        line,
        span,
    };
    let LayerContent::Document { .. } = layer.content else {
        let (line, span) = outside(lineage, written)?;
        return Some((place(line, span), Address::Yaml { document: written.document, at: written.base.clone() }));
    };
    let found = layer.find(at)?;
    let (yaml, document) = layer.document()?;
    let node = if of_key { found.key.unwrap_or(found.node) } else { found.node };
    let span = document.node(node).span;
    let line = line_of(&yaml.text, span.start);
    if written.embedded {
        let (outer, span) = outside(lineage, written)?;
        return Some((
            place(outer + line, span),
            Address::Yaml { document: written.document, at: written.base.clone() },
        ));
    }
    let tokens = written.base.tokens().iter().cloned().chain(at.iter().map(|key| (*key).to_owned()));
    let address = Address::Yaml { document: written.document, at: Pointer::of(tokens) };
    Some((place(line, Span::new(span.start + yaml.skipped, span.end + yaml.skipped)), address))
}

/// The line and bytes of the text that holds a layer.
fn outside(lineage: &Lineage, written: &Written) -> Option<(usize, Span)> {
    let yaml = Yaml::read(lineage.file(written.file).content()?).ok()?;
    let document = yaml.stream.documents.get(written.document)?;
    let span = document.node(resolve::find(document, &written.base, Reader::Helm)?.node).span;
    Some((line_of(&yaml.text, span.start), Span::new(span.start + yaml.skipped, span.end + yaml.skipped)))
}
