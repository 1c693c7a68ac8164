//! The form of a rule's file. Its JSON Schema is what `sourceward rules schema` prints.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::finding::Severity;

/// A rule as its file says it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Its domain and name, as the file is called: `kubernetes/privileged`.
    pub id: String,
    /// What it asks for, in one sentence.
    pub title: String,
    /// How bad it is to break it.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// The rules of other products that mean the same, by product: `checkov: [CKV_K8S_16]`.
    #[serde(default)]
    pub matches: BTreeMap<String, Vec<String>>,
    /// Kinds of Kubernetes objects or types of Terraform resources. `workloads` are all kinds that have a pod template.
    pub resources: Vec<String>,
    /// A jq program over the resource: true where it breaks the rule, or a list of what in it does. A drift that adds to the
    /// list breaks the rule as well.
    #[serde(default)]
    pub when: Option<String>,
    /// A jq program over `{"declared": …, "live": …}` that is true where live is weaker than declared.
    #[serde(default)]
    pub weakens: Option<String>,
    /// What becomes of a drift that breaks it.
    #[serde(default)]
    pub adoption: Adoption,
    /// The changes that keep it.
    #[serde(default)]
    pub patch: Vec<OperationFile>,
    /// Resources that it takes beside the one that breaks it.
    #[serde(default)]
    pub companions: Vec<Companion>,
    /// Where it is not applied, although it is broken.
    #[serde(default)]
    pub declines: Vec<DeclineFile>,
    /// What the operator may say in `.github/sourceward.yaml`.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// Why the rule is there, and what keeping it may break.
    pub rationale: String,
    /// Benchmarks and documentation.
    pub references: Vec<String>,
    /// Resources, and what the rule makes of them; they run as tests.
    pub examples: Vec<Example>,
}

/// What becomes of a drift that breaks a rule which the source keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Adoption {
    /// It is refused: the live state has to be put back.
    #[default]
    Refuse,
    /// It may be adopted: the rule is good advice, not protection.
    Allow,
}

/// One change, as RFC 6902 has it, with selectors in its path.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationFile {
    /// What happens.
    pub op: Op,
    /// A JSON Pointer whose tokens may select: `/spec/containers[name=*]/image`.
    pub path: String,
    /// What is put in place; `{parameter: NAME}` stands for a parameter.
    #[serde(default)]
    pub value: Option<Value>,
    /// Instead of a value, a jq program over the selected item, or over the resource, that makes it.
    #[serde(default)]
    pub compute: Option<String>,
    /// Whether what is already there stays.
    #[serde(default)]
    pub keep: bool,
    /// A jq program over the selected item, or over the resource, that is true where the change is made.
    #[serde(default)]
    pub of: Option<String>,
}

/// What happens at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// The value is put in place, with the maps above it.
    Add,
    /// The value is put in the place of another.
    Replace,
    /// The value goes, where there is one.
    Remove,
}

/// A Terraform resource that is added beside the one that breaks a rule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The argument by which it refers to the resource, and which attribute of that it refers to.
    pub refers: Reference,
    /// Its other arguments; a list of maps is a list of blocks.
    #[serde(default)]
    pub arguments: serde_json::Map<String, Value>,
}

/// How a companion refers to the resource that it stands beside.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The companion's argument.
    pub argument: String,
    /// The resource's attribute.
    pub attribute: String,
}

/// Where a rule is not applied.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineFile {
    /// A jq program over the resource; without one, nowhere.
    #[serde(default)]
    pub when: Option<String>,
    /// Why, in one sentence: what a person has to decide.
    pub because: String,
}

/// Something that only the operator knows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is.
    pub description: String,
    /// What it is where the operator says nothing; without one, the rule is not applied then.
    #[serde(default)]
    pub default: Option<Value>,
}

/// A resource, and what the rule makes of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// For rules about Terraform that speak of several types: which one this is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A resource that breaks the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What the patch makes of it; without one, the rule breaks and is not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// A resource that keeps the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<Value>,
    /// A declared resource, of which `live` or `harmless` is a drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Value>,
    /// A drift that is never adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// A drift that the rule does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harmless: Option<Value>,
    /// The operator's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// The container that the finding names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}
