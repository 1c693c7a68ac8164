//! Everything that a value comes from.

use super::{Datum, Key, Value};
use crate::{
    engine::terraform::leaf::Leaf,
    source::lineage::{
        sets::{Flow, SetId, Sets},
        text::Text,
    },
};

impl Value {
    /// The origins of the value itself, of a string those of its text with them; without those of elements.
    pub fn own_flow(&self, sets: &mut Sets<Leaf>) -> Flow {
        match &self.datum {
            Datum::String(string) => {
                let text = flow_of(sets, &string.text);
                sets.join(self.flow, text)
            }
            _ => self.flow,
        }
    }

    /// The origins of the value and all that it holds, keys included.
    pub fn whole_flow(&self, sets: &mut Sets<Leaf>) -> Flow {
        let mut flows = Vec::new();
        self.gather(&mut flows);
        let data = sets.union_all(flows.iter().map(|flow| flow.data));
        let control = sets.union_all(flows.iter().map(|flow| flow.control));
        Flow { data, control }
    }

    fn gather(&self, flows: &mut Vec<Flow>) {
        if self.flow != Flow::default() {
            flows.push(self.flow);
        }
        match &self.datum {
            Datum::String(string) => gather_text(&string.text, flows),
            Datum::Sequence(elements) => elements.iter().for_each(|element| element.gather(flows)),
            Datum::Mapping(mapping) => {
                for entry in &mapping.entries {
                    flows.push(entry.key.flow);
                    gather_text(&entry.key.text, flows);
                    entry.value.gather(flows);
                }
            }
            _ => {}
        }
    }
}

impl Key {
    /// The origins of the key, those of its text with them.
    pub fn whole_flow(&self, sets: &mut Sets<Leaf>) -> Flow {
        let text = flow_of(sets, &self.text);
        sets.join(self.flow, text)
    }
}

/// The origins of all pieces of a text.
pub fn flow_of(sets: &mut Sets<Leaf>, text: &Text) -> Flow {
    match text.pieces() {
        [] => Flow::default(),
        [piece] => Flow { data: piece.made_of.set(), control: piece.control },
        pieces => Flow {
            data: sets.union_all(pieces.iter().map(|piece| piece.made_of.set())),
            control: sets.union_all(pieces.iter().map(|piece| piece.control)),
        },
    }
}

fn gather_text(text: &Text, flows: &mut Vec<Flow>) {
    for piece in text.pieces() {
        let flow = Flow { data: piece.made_of.set(), control: piece.control };
        if flow != (Flow { data: SetId::EMPTY, control: SetId::EMPTY }) && flows.last() != Some(&flow) {
            flows.push(flow);
        }
    }
}
