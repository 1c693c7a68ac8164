//! What Kustomize itself says of kinds and fields: the same in every build, and so read once for all that share a memory.

use std::sync::{Arc, OnceLock};

use super::{schema::Definitions, tables::Tables};

/// The tables and the API description that Kustomize carries.
#[derive(Debug, Default)]
pub struct BuiltIn {
    tables: OnceLock<Arc<Tables>>,
    definitions: OnceLock<Arc<Definitions>>,
    none: Arc<Tables>,
}

impl BuiltIn {
    /// Which fields the transformers work on.
    pub fn tables(&self) -> &Arc<Tables> {
        self.tables.get_or_init(|| Arc::new(Tables::standard()))
    }

    /// The tables that say nothing of any field.
    pub fn none(&self) -> &Arc<Tables> {
        &self.none
    }

    /// The API description.
    pub fn definitions(&self) -> &Arc<Definitions> {
        self.definitions.get_or_init(|| Arc::new(Definitions::built_in()))
    }
}
