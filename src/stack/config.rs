//! The repository's own configuration, `.github/sourceward.yaml`.
//!
//! It is read from the default branch only, so that nobody's pull request can widen what the bot does.

pub mod pull_requests;
pub mod quiet;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, json};

use self::pull_requests::PullRequests;
use crate::{
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        span::line_of,
        yaml::{
            parse::parse,
            resolve::{Reader, find, value},
            tree::Document,
        },
    },
};

/// Where the configuration lives.
pub const PATH: &str = ".github/sourceward.yaml";

/// The repository's configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The stacks of the repository. With none, they are discovered.
    #[serde(default)]
    pub stacks: Vec<StackConfig>,
    /// The addresses that Argo CD and Flux know the repository by. With none, they are taken from the clone, or else from what
    /// the repository's own objects name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// The clusters that Argo CD's cluster generators see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<ClusterConfig>,
    /// How pull requests are made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_requests: Option<PullRequests>,
    /// What rules cannot know: user ids, sizes, names of buckets and keys. `sourceward rules show` names a rule's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// The rules that a drift of a stack may break and be adopted all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allowed>,
}

/// A rule that a drift of a stack may break. Each is named, and why: nobody can allow everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// The rule's id: `kubernetes/replicas`.
    pub rule: String,
    /// The stack's name.
    pub stack: String,
    /// Why it may.
    pub reason: String,
}

/// A cluster as Argo CD knows it: the content of its secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// Its name.
    pub name: String,
    /// The address of its API server.
    pub server: String,
    /// The project that it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
    /// The labels of its secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The annotations of its secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One stack: a name, exactly one of `helm`, `kustomize`, `manifests`, `terraform` and `terragrunt`, and where it is deployed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = kinds()))]
pub struct StackConfig {
    /// The name that findings and pull requests use, unique in the repository.
    #[schemars(length(min = 1), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
    pub name: String,
    /// A Helm release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm: Option<Helm>,
    /// A kustomization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<Kustomize>,
    /// A folder of plain Kubernetes manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<Manifests>,
    /// A Terraform root module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terraform: Option<Terraform>,
    /// A unit of Terragrunt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terragrunt: Option<Terragrunt>,
    /// The cluster that the stack is deployed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// A chart and what it is released with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Helm {
    /// The chart's folder.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "path")]
    pub chart: RepoPath,
    /// The release's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The release's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Values files in the order of `-f`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "paths")]
    #[schemars(with = "Vec<String>")]
    pub values: Vec<RepoPath>,
    /// As `--set`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// As `--set-string`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_string: Vec<String>,
    /// As `--set-json`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_json: Vec<String>,
    /// As `--set-file`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_file: Vec<String>,
    /// As `--set-literal`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_literal: Vec<String>,
    /// As `--include-crds`.
    #[serde(default)]
    pub include_crds: bool,
    /// As `--kube-version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_version: Option<String>,
    /// As `--api-versions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
}

/// A kustomization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kustomize {
    /// The folder of the kustomization file.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "path")]
    pub path: RepoPath,
    /// Whether the charts of `helmCharts` are rendered, as `--enable-helm` says; they must be in the repository.
    #[serde(default)]
    pub enable_helm: bool,
}

/// A folder of manifests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifests {
    /// The folder; empty or `.` for the repository's root.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "path")]
    pub path: RepoPath,
    /// Whether folders below it belong to it.
    #[serde(default)]
    pub recurse: bool,
}

/// A root module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terraform {
    /// The root module's folder.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "path")]
    pub root: RepoPath,
    /// Variable files in the order of `-var-file`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "paths")]
    #[schemars(with = "Vec<String>")]
    pub var_files: Vec<RepoPath>,
    /// The workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// A unit of Terragrunt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terragrunt {
    /// The folder of its `terragrunt.hcl`.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "path")]
    pub path: RepoPath,
    /// The workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// What is wrong with a configuration, where, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{PATH}:{line}: {what}")]
pub struct ConfigError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let stream = parse(text).map_err(|error| ConfigError { line: error.line, what: error.to_string() })?;
        let [document] = &stream.documents[..] else {
            return Err(ConfigError { line: 1, what: "expected one YAML document".to_owned() });
        };
        let place = Place { text, document };
        let Some(root) = document.root else {
            return Err(ConfigError { line: 1, what: "the file is empty: expected \"version: 1\"".to_owned() });
        };
        let mut root = value(document, root, Reader::Kustomize)
            .map_err(|error| ConfigError { line: 1, what: error.to_string() })?;
        // Entry by entry, so that an error can name its line.
        let allowed = match root.get_mut("allow") {
            Some(Value::Array(entries)) => std::mem::take(entries),
            _ => Vec::new(),
        };
        let entries = match root.get_mut("stacks") {
            Some(Value::Array(entries)) => std::mem::take(entries),
            _ => Vec::new(),
        };
        let mut config: Self = place.read(root, &Pointer::root())?;
        if config.version != 1 {
            let what = format!("version {} is not known: expected 1", config.version);
            return Err(place.error(&Pointer::of(["version"]), what));
        }
        if let Some(Err((member, what))) = config.pull_requests.as_ref().map(PullRequests::check) {
            let at = Pointer::of(["pull_requests", member]);
            return Err(place.error(&at, format!("pull_requests.{member}: {what}")));
        }
        for (index, entry) in entries.into_iter().enumerate() {
            let at = Pointer::of(["stacks".to_owned(), index.to_string()]);
            let stack: StackConfig = place.read(entry, &at)?;
            stack.check().map_err(|what| place.error(&at, what))?;
            if config.stacks.iter().any(|other| other.name == stack.name) {
                return Err(place.error(&at.join("name"), format!("the stack {:?} is there twice", stack.name)));
            }
            config.stacks.push(stack);
        }
        for (index, entry) in allowed.into_iter().enumerate() {
            let at = Pointer::of(["allow".to_owned(), index.to_string()]);
            let allowed: Allowed = place.read(entry, &at)?;
            allowed.check().map_err(|what| place.error(&at, what))?;
            config.allow.push(allowed);
        }
        Ok(config)
    }
}

impl Allowed {
    fn check(&self) -> Result<(), String> {
        let wild = |text: &str| text.is_empty() || text.contains(['*', '?']);
        if wild(&self.rule) || wild(&self.stack) || !self.rule.contains('/') {
            return Err("name one rule by its id and one stack by its name: nobody can allow everything".to_owned());
        }
        if self.reason.trim().is_empty() {
            return Err("say why the rule may be broken: a reason is missing".to_owned());
        }
        Ok(())
    }
}

impl StackConfig {
    fn check(&self) -> Result<(), String> {
        let kinds = [
            self.helm.is_some(),
            self.kustomize.is_some(),
            self.manifests.is_some(),
            self.terraform.is_some(),
            self.terragrunt.is_some(),
        ];
        if kinds.iter().filter(|given| **given).count() != 1 {
            return Err("a stack has exactly one of helm, kustomize, manifests, terraform and terragrunt".to_owned());
        }
        let printable = self.name.chars().all(|c| !c.is_control());
        if self.name.is_empty() || self.name.len() > 200 || !printable {
            return Err("a stack's name has between 1 and 200 printable characters".to_owned());
        }
        Ok(())
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        let hint = "mend the configuration; `sourceward config validate` checks it";
        Self::new(Code::StackUnreadable, error.what, hint).at(PATH, Some(error.line))
    }
}

/// The keys of which a stack has exactly one.
const KINDS: [&str; 5] = ["helm", "kustomize", "manifests", "terraform", "terragrunt"];

/// What the schema says of a stack's kinds: exactly one, where null stands for none.
fn kinds() -> Value {
    let one = |kind: &str| json!({"required": [kind], "properties": {kind: {"type": "object"}}});
    KINDS.iter().map(|kind| one(kind)).collect()
}

struct Place<'t> {
    text: &'t str,
    document: &'t Document,
}

impl Place<'_> {
    fn read<T: DeserializeOwned>(&self, value: Value, at: &Pointer) -> Result<T, ConfigError> {
        // A list would be read as well, its items taken for the fields in their order.
        if value.is_array() {
            return Err(self.error(at, "expected a map, found a list".to_owned()));
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            if KINDS.contains(&key.as_str()) && inner.is_array() {
                return Err(self.error(&at.join(key), format!("{key}: expected a map, found a list")));
            }
        }
        serde_json::from_value(value).map_err(|error| self.error(at, error.to_string()))
    }

    fn error(&self, at: &Pointer, what: String) -> ConfigError {
        let start =
            find(self.document, at, Reader::Kustomize).map_or(0, |found| self.document.node(found.node).span.start);
        ConfigError { line: line_of(self.text, start), what }
    }
}

/// Reads a path as people write them: `.`, `./k8s` and `k8s/` are fine, what leads outside is not.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RepoPath, D::Error> {
    RepoPath::root().resolve(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RepoPath>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| RepoPath::root().resolve(text)).collect::<Result<_, _>>().map_err(D::Error::custom)
}
