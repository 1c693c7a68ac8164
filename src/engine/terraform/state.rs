//! What a state knows: which cloud resource an address stands for.
//!
//! Who watches a cloud names a resource as the cloud does. Only the state tells which declaration made it. Read are state files
//! of version 4 and what `terraform show -json` prints of a state or a plan.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::{
    refusal::{Code, Refusal},
    resource::{CloudId, TerraformId},
};

/// The managed resources of a state.
#[derive(Debug, Default)]
pub struct State {
    instances: Vec<Instance>,
}

#[derive(Debug)]
struct Instance {
    address: String,
    kind: String,
    attributes: Map<String, Value>,
}

/// Why a text is no state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It is no JSON, or another.
    #[error("this is neither a state file of version 4 nor what `terraform show -json` prints: {0}")]
    Unreadable(String),
    /// OpenTofu encrypts states.
    #[error("the state is encrypted: give what `tofu show -json` prints of it")]
    Encrypted,
}

/// The attributes that clouds name resources by, the most exact first.
const NAMES: &[&str] = &["arn", "self_link", "id", "bucket", "name"];

impl State {
    /// Reads a state.
    ///
    /// # Errors
    /// What is none, or encrypted.
    pub fn read(text: &[u8]) -> Result<Self, StateError> {
        let unreadable = |error: serde_json::Error| StateError::Unreadable(error.to_string());
        let whole: Value = serde_json::from_slice(text).map_err(unreadable)?;
        if whole.get("encrypted_data").is_some() {
            return Err(StateError::Encrypted);
        }
        let mut state = Self::default();
        if whole.get("version") == Some(&Value::from(4)) {
            let file = File::deserialize(&whole).map_err(unreadable)?;
            file.resources.into_iter().filter(|resource| resource.mode == "managed").for_each(|it| state.take(it));
            return Ok(state);
        }
        let values = whole.get("values").or_else(|| whole.get("prior_state").and_then(|state| state.get("values")));
        match values.or_else(|| whole.get("format_version").map(|_| &Value::Null)) {
            Some(Value::Null) => {}
            Some(values) => {
                let mut modules = vec![Shown::deserialize(&values["root_module"]).map_err(unreadable)?];
                while let Some(module) = modules.pop() {
                    modules.extend(module.child_modules);
                    let managed = module.resources.into_iter().filter(|resource| resource.mode == "managed");
                    state.instances.extend(managed.map(|shown| Instance {
                        address: shown.address,
                        kind: shown.kind,
                        attributes: shown.values.unwrap_or_default(),
                    }));
                }
            }
            None => return Err(StateError::Unreadable("it has neither a version nor values".to_owned())),
        }
        Ok(state)
    }

    fn take(&mut self, resource: Resource) {
        let module = resource.module.map_or_else(String::new, |module| format!("{module}."));
        // What is deposed is about to go.
        for instance in resource.instances.into_iter().filter(|instance| instance.deposed.is_none()) {
            let quoted = |key: Value| key.to_string().replace("${", "$${").replace("%{", "%%{");
            let key = instance.index_key.map_or_else(String::new, |key| format!("[{}]", quoted(key)));
            let address = format!("{module}{}.{}{key}", resource.kind, resource.name);
            self.instances.push(Instance { address, kind: resource.kind.clone(), attributes: instance.attributes });
        }
    }

    /// The address of a cloud resource among several states: by its whole identifier, else by the last part of it, of the type
    /// that is meant where several share a name.
    ///
    /// # Errors
    /// `owner-not-found`, or `owner-ambiguous` with the addresses.
    pub fn address(states: &[Self], id: &CloudId) -> Result<TerraformId, Refusal> {
        let instances: Vec<&Instance> = states.iter().flat_map(|state| &state.instances).collect();
        let last = id.id.rsplit(['/', ':']).next().unwrap_or_default();
        let named = |instance: &&&Instance, wanted: &str| {
            NAMES.iter().any(|name| instance.attributes.get(*name).and_then(Value::as_str) == Some(wanted))
        };
        let mut found: Vec<&Instance> = instances.iter().filter(|it| named(it, &id.id)).copied().collect();
        if found.is_empty() && last != id.id && !last.is_empty() {
            found = instances.iter().filter(|it| named(it, last) && it.is_of(id)).copied().collect();
        }
        if found.len() > 1 && found.iter().any(|instance| instance.is_of(id)) {
            found.retain(|instance| instance.is_of(id));
        }
        let addresses: BTreeSet<&str> = found.iter().map(|instance| instance.address.as_str()).collect();
        let mut addresses = addresses.into_iter();
        match (addresses.next(), addresses.next()) {
            (Some(address), None) => Ok(TerraformId { address: address.to_owned() }),
            (Some(first), Some(second)) => {
                let message = format!("{} of {} may be {first} or {second} in the state", id.id, id.provider);
                let hint = "send the Terraform address, or the provider's type with the identifier";
                Err(Refusal::new(Code::OwnerAmbiguous, message, hint))
            }
            _ => {
                let message = format!("no resource of the state is {} {} of {}", id.kind, id.id, id.provider);
                let hint = "give the state of the root module that manages it, or send the Terraform address";
                Err(Refusal::new(Code::OwnerNotFound, message, hint))
            }
        }
    }
}

impl Instance {
    /// Tells whether it is of the provider's type that a cloud calls `AWS::S3::Bucket`, `Microsoft.Storage/storageAccounts` or
    /// `storage.googleapis.com/Bucket`, or Terraform `aws_s3_bucket`: the words of the type's name are in the cloud's, in their
    /// order, and the last one ends it.
    fn is_of(&self, id: &CloudId) -> bool {
        let plain: String = id.kind.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_lowercase();
        let plain = plain.strip_suffix('s').unwrap_or(&plain);
        let mut words = self.kind.split('_').skip(1);
        let rest = words.try_fold(plain, |rest, word| {
            let word = word.strip_suffix('s').unwrap_or(word);
            rest.find(word).map(|at| &rest[at + word.len()..])
        });
        self.kind == id.kind || self.kind.contains('_') && rest == Some("")
    }
}

/// A state file.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<InstanceOf>,
}

#[derive(Deserialize)]
struct InstanceOf {
    index_key: Option<Value>,
    #[serde(default)]
    attributes: Map<String, Value>,
    deposed: Option<String>,
}

/// A module as it is shown.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    resources: Vec<ShownResource>,
    #[serde(default)]
    child_modules: Vec<Self>,
}

#[derive(Deserialize)]
struct ShownResource {
    address: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    values: Option<Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"version": 4, "resources": [
        {"mode": "managed", "type": "aws_s3_bucket", "name": "a", "instances": [{"attributes": {"id": "shop", "arn": "arn:aws:s3:::shop"}}]},
        {"mode": "managed", "type": "aws_s3_bucket_versioning", "name": "a", "instances": [{"attributes": {"id": "shop"}}]},
        {"mode": "data", "type": "aws_vpc", "name": "d", "instances": [{"attributes": {"id": "vpc-1"}}]},
        {"module": "module.net[\"x\"]", "mode": "managed", "type": "aws_security_group", "name": "b", "instances": [
            {"index_key": "k", "attributes": {"id": "sg-1"}}, {"index_key": 0, "attributes": {"id": "sg-2"}},
            {"deposed": "00", "index_key": 0, "attributes": {"id": "sg-3"}}]}]}"#;

    const SHOWN: &str = r#"{"format_version": "1.0", "values": {"root_module": {"child_modules": [{"resources": [
        {"address": "module.m.google_storage_bucket.c", "mode": "managed", "type": "google_storage_bucket", "values": {"name": "logs"}}]}]}}}"#;

    #[test]
    fn a_cloud_resource_is_found_by_what_its_cloud_calls_it() {
        let states = [FILE, SHOWN].map(|text| State::read(text.as_bytes()).expect("a state"));
        let cases = [
            ("AWS::S3::Bucket", "arn:aws:s3:::shop", "aws_s3_bucket.a"),
            ("AWS::S3::Bucket", "shop", "aws_s3_bucket.a"),
            ("aws_s3_bucket_versioning", "shop", "aws_s3_bucket_versioning.a"),
            ("", "shop", "owner-ambiguous"),
            ("AWS::EC2::SecurityGroup", "sg-1", "module.net[\"x\"].aws_security_group.b[\"k\"]"),
            (
                "AWS::EC2::SecurityGroup",
                "arn:aws:ec2:eu-west-1:1:security-group/sg-2",
                "module.net[\"x\"].aws_security_group.b[0]",
            ),
            ("AWS::EC2::SecurityGroup", "sg-3", "owner-not-found"),
            ("AWS::EC2::VPC", "vpc-1", "owner-not-found"),
            ("storage.googleapis.com/Bucket", "//storage.googleapis.com/logs", "module.m.google_storage_bucket.c"),
            ("compute.googleapis.com/Disk", "//compute.googleapis.com/disks/logs", "owner-not-found"),
        ];
        for (kind, id, expected) in cases {
            let cloud = CloudId {
                provider: "aws".to_owned(),
                account: None,
                region: None,
                kind: kind.to_owned(),
                id: id.to_owned(),
            };
            let found = State::address(&states, &cloud);
            let found = found.map_or_else(|refusal| refusal.code.to_string(), |found| found.address);
            assert_eq!(found, expected, "{kind} {id}");
        }
    }

    #[test]
    fn what_is_no_state_is_said_to_be_none() {
        for text in ["", "[]", "{}", r#"{"version": 3, "modules": []}"#, r#"{"version": 4, "resources": 1}"#] {
            assert!(matches!(State::read(text.as_bytes()), Err(StateError::Unreadable(_))), "{text}");
        }
        let encrypted = r#"{"encrypted_data": "x", "encryption_version": "v0"}"#;
        assert!(matches!(State::read(encrypted.as_bytes()), Err(StateError::Encrypted)));
        assert!(State::read(br#"{"format_version": "1.0"}"#).is_ok_and(|state| state.instances.is_empty()));
    }
}
