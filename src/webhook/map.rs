//! The way from a delivery's bytes to findings, and the name of a delivery.
//!
//! Nothing is dropped in silence: for every item the program yields findings or says `{"ignored": "why"}`, and an output
//! that is neither stops the whole delivery with what was expected where, so that a changed product is noticed.

use json_patch::{Patch, PatchOperation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    envelope::{self, EnvelopeError, Item},
    sender::Sender,
};
use crate::model::{
    finding::{Actor, Finding, Hints, Intent, RuleRef, Severity, State},
    hex::hex,
    program::{self, RunError},
    resource::{ArgocdId, CloudId, FileId, KubernetesId, ResourceId, TerraformId, WorkspaceId},
    value,
};

/// What became of one output of a sender's program; as JSON a finding, or `{"ignored": "why"}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Mapped {
    /// A finding to work on.
    Finding(Box<Finding>),
    /// Nothing to do, as for heartbeats and passing reports.
    Ignored {
        /// One sentence of the program.
        #[serde(rename = "ignored")]
        why: String,
        /// Whether it is said of a whole report that holds items, and not of an item.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        of_report: bool,
    },
}

/// Why a delivery maps to nothing: the answer is 422 and says what was expected where.
///
/// Its text may quote up to 200 characters of the delivery. Items and outputs are counted from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MapError {
    /// Longer than the sender's body limit.
    #[error("the body has {bytes} bytes, {limit} are accepted")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The sender's limit.
        limit: usize,
    },
    /// The body holds no items.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The sender's program failed.
    #[error("item {item}: {error}")]
    Program {
        /// The item.
        item: usize,
        /// What it says.
        error: RunError,
    },
    /// The sender's program yielded nothing at all.
    #[error("item {item} mapped to nothing: expected a finding or {{\"ignored\": \"why\"}}")]
    Nothing {
        /// The item.
        item: usize,
    },
    /// The items together map to more than one delivery may hold.
    #[error("the delivery maps to more than {0} findings: send fewer at a time")]
    TooMany(usize),
    /// An output is no finding.
    #[error("item {item}, output {output}: {detail}")]
    NotAFinding {
        /// The item.
        item: usize,
        /// The output of that item.
        output: usize,
        /// The member, as a JSON Pointer into the output, and what was expected there.
        detail: String,
    },
}

/// Maps the body of a verified delivery.
///
/// `content_type` is the header's value. One bad item fails the delivery as a whole: the sender repeats it or a person
/// looks, and nothing is half done. The program may run for ever: the caller gives this call a thread with a deadline.
pub fn map(sender: &Sender, body: &[u8], content_type: Option<&str>) -> Result<Vec<Mapped>, MapError> {
    if body.len() > sender.body_limit() {
        return Err(MapError::TooLarge { bytes: body.len(), limit: sender.body_limit() });
    }
    let limit = sender.limit();
    let items = envelope::items(body, content_type, sender.wrappings(), limit)?;
    if items.is_empty() {
        return Ok(vec![Mapped::Ignored { why: "the delivery is an empty list".to_owned(), of_report: false }]);
    }
    let mut all = Vec::new();
    for (item, content) in (1..).zip(items) {
        let value = match content {
            Item::Event(value) => value,
            Item::Notice(why) => {
                all.push(Mapped::Ignored { why, of_report: false });
                continue;
            }
        };
        let outputs = sender.program().run(value, limit).map_err(|error| MapError::Program { item, error })?;
        if outputs.is_empty() {
            return Err(MapError::Nothing { item });
        }
        if all.len() + outputs.len() > limit {
            return Err(MapError::TooMany(limit));
        }
        for (output, value) in (1..).zip(outputs) {
            all.push(mapped(value).map_err(|detail| MapError::NotAFinding { item, output, detail })?);
        }
    }
    Ok(all)
}

/// The name of a delivery, equal when the same delivery is sent again.
///
/// It is the first of the manifest's headers that is present, else the text at all of the manifest's pointers, else
/// `sha256:` and the digest of the sender's name, a zero byte and the body.
pub fn delivery_id(sender: &Sender, header: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> String {
    let places = sender.delivery_id();
    let fits = |id: &String| !id.is_empty() && id.len() <= 256 && id.bytes().all(|b| b.is_ascii_graphic());
    let from_header = || places.headers.iter().filter_map(|name| header(name)).find(fits);
    let from_body = || {
        let body: Value = if places.body.is_empty() { None } else { serde_json::from_slice(body).ok() }?;
        let parts = places.body.iter().map(|pointer| match pointer.get(&body)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/")).filter(fits)
    };
    from_header().or_else(from_body).unwrap_or_else(|| {
        let mut digest = Sha256::new();
        digest.update(sender.name());
        digest.update([0]);
        digest.update(body);
        format!("sha256:{}", hex(&digest.finalize()))
    })
}

fn mapped(value: Value) -> Result<Mapped, String> {
    let Value::Object(members) = &value else {
        return Err(format!("expected a finding or {{\"ignored\": \"why\"}}, found {}", value::type_name(&value)));
    };
    if let Some(why) = members.get("ignored") {
        let of_report = members.get("of_report") == Some(&Value::Bool(true));
        return match why {
            Value::String(why) if members.len() == 1 + usize::from(of_report) && !why.is_empty() => {
                Ok(Mapped::Ignored { why: why.clone(), of_report })
            }
            _ => Err("/ignored: expected one sentence and no other member".to_owned()),
        };
    }
    match Finding::deserialize(&value) {
        Ok(finding) if finding.intent == Intent::Violation && finding.rule.is_none() => {
            Err("/rule: a violation needs the rule that it breaks".to_owned())
        }
        Ok(finding) => Ok(Mapped::Finding(Box::new(finding))),
        Err(error) => Err(program::cut(&misfit(&value).unwrap_or_else(|| error.to_string()))),
    }
}

/// The first member of a would-be finding that is not what it must be, with what was expected there.
///
/// `serde_json` says what but not where; so each member is read on its own, operations and identities one level further.
fn misfit(finding: &Value) -> Option<String> {
    fn read<T: DeserializeOwned>(value: &Value) -> Option<String> {
        T::deserialize(value).err().map(|error| format!(": {error}"))
    }
    type Misfit = fn(&Value) -> Option<String>;
    const MEMBERS: &[(&str, Misfit)] = &[
        ("id", read::<String>),
        ("intent", read::<Intent>),
        ("state", read::<State>),
        ("stack", read::<Option<String>>),
        ("resource", misfit_resource),
        ("patch", misfit_patch),
        ("rule", read::<Option<RuleRef>>),
        ("severity", read::<Option<Severity>>),
        ("title", read::<Option<String>>),
        ("first_seen", read::<Option<String>>),
        ("time", read::<Option<String>>),
        ("actor", read::<Option<Actor>>),
        ("hints", read::<Hints>),
        ("links", read::<Vec<String>>),
    ];
    fn misfit_resource(resource: &Value) -> Option<String> {
        let inside = resource.as_object().filter(|worlds| worlds.len() == 1).and_then(|worlds| worlds.iter().next());
        let wrong = inside.and_then(|(world, id)| match world.as_str() {
            "kubernetes" => Some(format!("/kubernetes{}", read::<KubernetesId>(id)?)),
            "terraform" => Some(format!("/terraform{}", read::<TerraformId>(id)?)),
            "cloud" => Some(format!("/cloud{}", read::<CloudId>(id)?)),
            "argocd" => Some(format!("/argocd{}", read::<ArgocdId>(id)?)),
            "workspace" => Some(format!("/workspace{}", read::<WorkspaceId>(id)?)),
            "file" => Some(format!("/file{}", read::<FileId>(id)?)),
            _ => None,
        });
        wrong.or_else(|| read::<ResourceId>(resource))
    }
    fn misfit_patch(patch: &Value) -> Option<String> {
        let operations = patch.as_array().map_or(&[] as &[_], Vec::as_slice);
        let mut numbered = operations.iter().enumerate();
        numbered
            .find_map(|(at, one)| Some(format!("/{at}{}", read::<PatchOperation>(one)?)))
            .or_else(|| read::<Option<Patch>>(patch))
    }
    ["intent", "resource"].into_iter().find(|name| finding.get(name).is_none()).map_or_else(
        || MEMBERS.iter().find_map(|(name, wrong)| Some(format!("/{name}{}", wrong(finding.get(name)?)?))),
        |missing| Some(format!("/{missing}: a finding needs this member")),
    )
}
