//! What of a resource and its sources may be shown: no value that looks secret leaves through an explanation.

use serde_json::Value;

use crate::{
    engine::Resource,
    model::{pointer::Pointer, resource::ResourceId},
    remedy::confidential::{WITHHELD, redacted_value, secrets},
    source::lineage::Cause,
};

/// A resource with its secrets withheld.
pub struct Withheld<'r> {
    resource: &'r Resource,
    shown: Value,
    /// The secret texts themselves.
    secrets: Vec<&'r str>,
}

impl<'r> Withheld<'r> {
    /// Looks at all of a resource: the name of a secret may stand beside it.
    pub fn of(resource: &'r Resource) -> Self {
        let kind = match &resource.id {
            ResourceId::Kubernetes(id) => Some(id.kind.as_str()),
            _ => None,
        };
        let shown = redacted_value(&Pointer::root(), &resource.value, kind);
        let found = secrets(&Pointer::root(), &resource.value, kind);
        let texts = found.iter().filter_map(|at| at.get(&resource.value)?.as_str());
        Self { resource, shown, secrets: texts.filter(|text| !text.is_empty()).collect() }
    }

    /// What may be shown of a field.
    pub fn field(&self, at: &Pointer) -> Option<&Value> {
        at.get(&self.shown)
    }

    /// Tells whether a field is or holds a secret.
    pub fn hides(&self, at: &Pointer) -> bool {
        at.get(&self.shown) != at.get(&self.resource.value)
    }

    /// What may be shown of a value that a field comes from, or that decided over it.
    pub fn value(&self, cause: &Cause, of_secret: bool) -> Option<Value> {
        let value = cause.value.as_ref()?;
        let is_said = |text: &str| self.secrets.iter().any(|secret| text.contains(secret));
        let is_secret = of_secret || value.as_str().is_some_and(is_said);
        if is_secret && !matches!(value, Value::Null | Value::Bool(_)) {
            return Some(Value::from(WITHHELD));
        }
        Some(redacted_value(&Pointer::of(cause.key.iter().cloned()), value, None))
    }
}
