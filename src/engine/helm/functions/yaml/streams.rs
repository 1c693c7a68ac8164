//! Texts that templates have had read as YAML: charts hand the same few texts to `fromYaml` again and again.

use std::{collections::HashMap, rc::Rc};

use crate::source::{
    lineage::{hash::Seeded, text::Text},
    yaml::{
        parse::{ParseError, parse_first},
        tree::Stream,
    },
};

/// The bytes of all texts that are remembered.
const MAX_KEPT: usize = 1 << 20;

/// What texts were parsed to.
#[derive(Debug, Default)]
pub struct Streams {
    parsed: HashMap<Rc<[u8]>, Rc<Stream>, Seeded>,
    kept: usize,
}

impl Streams {
    /// What a text is as YAML, of which only the first document counts. `source` is the text.
    ///
    /// # Errors
    /// What the parser says.
    pub fn parse(&mut self, text: &Text, source: &str) -> Result<Rc<Stream>, ParseError> {
        if let Some(known) = self.parsed.get(text.bytes()) {
            return Ok(known.clone());
        }
        let stream = Rc::new(parse_first(source)?);
        if self.kept + text.len() > MAX_KEPT {
            self.parsed.clear();
            self.kept = 0;
        }
        if text.len() <= MAX_KEPT {
            self.kept += text.len();
            self.parsed.insert(text.shared_bytes(), stream.clone());
        }
        Ok(stream)
    }
}
