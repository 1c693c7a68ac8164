//! What a state knows: which cloud resource an address stands for.
//!
//! Who watches a cloud names a resource as the cloud does. Only the state tells which declaration made it. Read are state files
//! of version 4 and what `terraform show -json` prints of a state or a plan. Of each resource only what clouds name it by is
//! kept: a state is full of secrets, and none of them is needed.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use crate::model::{
    refusal::{Code, Refusal},
    resource::{CloudId, TerraformId},
};

/// The managed resources of a state.
#[derive(Debug, Default)]
pub struct State {
    instances: Vec<Instance>,
    /// The root module that it is of, by the name of its stack, where that is known.
    stack: Option<String>,
}

/// Where a cloud resource is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its address.
    pub id: TerraformId,
    /// The stack of the state that knows it, where that is known.
    pub stack: Option<String>,
}

#[derive(Debug)]
struct Instance {
    address: String,
    kind: String,
    names: Names,
}

/// Why a text is no state. Nothing of the text is quoted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It is no JSON, or another.
    #[error("this is neither a state file of version 4 nor what `terraform show -json` prints: {0}")]
    Unreadable(String),
    /// OpenTofu encrypts states.
    #[error("the state is encrypted: give what `tofu show -json` prints of it")]
    Encrypted,
}

/// The tag by which Yor (yor.io) marks a block of the source.
const TRACE: &str = "yor_trace";

impl State {
    /// Reads a state.
    ///
    /// # Errors
    /// What is none, or encrypted.
    pub fn read(text: &[u8]) -> Result<Self, StateError> {
        let whole: Whole = serde_json::from_slice(text).map_err(|error| StateError::Unreadable(unquoted(&error)))?;
        let mut state = Self::default();
        match whole {
            Whole { encrypted_data: Some(_), .. } => return Err(StateError::Encrypted),
            Whole { version: Some(4), resources, .. } => {
                let managed = resources.into_iter().flatten().filter(|resource| resource.mode == "managed");
                managed.for_each(|resource| state.take(resource));
            }
            Whole { values: Some(values), .. } | Whole { prior_state: Some(Prior { values: Some(values) }), .. } => {
                let mut modules: Vec<Shown> = values.root_module.into_iter().collect();
                while let Some(module) = modules.pop() {
                    modules.extend(module.child_modules);
                    let managed = module.resources.into_iter().filter(|resource| resource.mode == "managed");
                    state.instances.extend(managed.map(|shown| Instance {
                        address: shown.address,
                        kind: shown.kind,
                        names: shown.values.unwrap_or_default(),
                    }));
                }
            }
            // An empty state is shown without values.
            Whole { format_version: Some(_), .. } => {}
            _ => return Err(StateError::Unreadable("it has neither version 4 nor values".to_owned())),
        }
        Ok(state)
    }

    /// The same state, of the root module of a stack.
    pub fn of_stack(self, stack: Option<String>) -> Self {
        Self { stack, ..self }
    }

    fn take(&mut self, resource: Resource) {
        let module = resource.module.map_or_else(String::new, |module| format!("{module}."));
        // What is deposed is about to go.
        for instance in resource.instances.into_iter().filter(|instance| instance.deposed.is_none()) {
            let quoted = |key: Value| key.to_string().replace("${", "$${").replace("%{", "%%{");
            let key = instance.index_key.map_or_else(String::new, |key| format!("[{}]", quoted(key)));
            let address = format!("{module}{}.{}{key}", resource.kind, resource.name);
            let names = instance.attributes.unwrap_or_default();
            self.instances.push(Instance { address, kind: resource.kind.clone(), names });
        }
    }

    /// The address of a cloud resource among several states: by its whole identifier, else by a part of it and the type that is
    /// meant, else by the trace that Yor tagged it with. What is of another account or region is another resource.
    ///
    /// # Errors
    /// `owner-not-found`, or `owner-ambiguous` with the addresses.
    pub fn address<'s>(
        states: impl IntoIterator<Item = &'s Self>,
        id: &CloudId,
        trace: Option<&str>,
    ) -> Result<Located, Refusal> {
        let known = states.into_iter().flat_map(|state| state.instances.iter().map(move |instance| (state, instance)));
        let possible: Vec<(&Self, &Instance)> = known.filter(|(_, instance)| !instance.contradicts(id)).collect();
        let named = |part: &str, is_enough: bool| -> Vec<(&Self, &Instance)> {
            let is_meant = |instance: &Instance| instance.is_named(part, id) && (is_enough || instance.is_of(id));
            possible.iter().copied().filter(|(_, instance)| is_meant(instance)).collect()
        };
        let mut found = named(&id.id, is_of_one(&id.id) || id.kind.is_empty());
        for part in parts(&id.id) {
            if found.is_empty() {
                found = named(part, false);
            }
        }
        if let Some(trace) = trace {
            // One block may make several, and what it makes may carry its tags: a trace decides among names, or alone.
            let traced = |(_, instance): &(&Self, &Instance)| instance.names.trace() == Some(trace);
            if found.is_empty() {
                let is_meant = |it: &(&Self, &Instance)| traced(it) && it.1.is_of(id);
                found = possible.iter().copied().filter(is_meant).collect();
            } else if found.iter().any(traced) {
                found.retain(traced);
            }
        }
        if found.len() > 1 && found.iter().any(|(_, instance)| instance.is_of(id)) {
            found.retain(|(_, instance)| instance.is_of(id));
        }
        let places: BTreeSet<(&str, Option<&str>)> =
            found.iter().map(|(state, instance)| (instance.address.as_str(), state.stack.as_deref())).collect();
        let mut places = places.into_iter();
        let shown = |(address, stack): (&str, Option<&str>)| match stack {
            Some(stack) => format!("{address} of {stack}"),
            None => address.to_owned(),
        };
        match (places.next(), places.next()) {
            (Some((address, stack)), None) => {
                Ok(Located { id: TerraformId { address: address.to_owned() }, stack: stack.map(str::to_owned) })
            }
            (Some(first), Some(second)) => {
                let (first, second) = (shown(first), shown(second));
                let message = format!("{} of {} may be {first} or {second} in the state", id.id, id.provider);
                let hint = "send the Terraform address, or the provider's type and the account with the identifier";
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

/// Tells whether an identifier names one resource and nothing that belongs to it: an ARN, a path, or what EC2 makes
/// (`sg-0a1b2c3d`). A plain name is that of a bucket, its policy and its versioning alike.
fn is_of_one(id: &str) -> bool {
    let is_made = |(kind, number): (&str, &str)| {
        let hexadecimal = number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        matches!(number.len(), 8 | 17) && hexadecimal && kind.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    id.contains([':', '/']) || id.split_once('-').is_some_and(is_made)
}

/// Where a reader stopped and why, without the value that it stopped at.
fn unquoted(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => format!("it has another form at line {line} column {column}"),
        _ => format!("it is no JSON from line {line} column {column} on"),
    }
}

/// The parts of an identifier that a resource may be named by, the longest first: of an ARN what stands behind the type, and the
/// last part of any path.
fn parts(id: &str) -> impl Iterator<Item = &str> {
    let id = id.trim_end_matches(":*");
    let of_arn = id.starts_with("arn:").then(|| id.splitn(6, ':').nth(5)).flatten();
    let behind_type = of_arn.and_then(|rest| rest.split_once([':', '/'])).map(|(_, name)| name);
    let last = id.rsplit(['/', ':']).next();
    [Some(id), of_arn, behind_type, last].into_iter().flatten().filter(|part| !part.is_empty())
}

/// A part of an ARN, where it says one: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
fn of_arn(id: &str, part: usize) -> Option<&str> {
    id.starts_with("arn:").then(|| id.split(':').nth(part)).flatten().filter(|part| !part.is_empty())
}

/// The subscription of an identifier of Azure.
fn subscription(id: &str) -> Option<&str> {
    let mut segments = id.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case("subscriptions"))?;
    segments.next()
}

impl Instance {
    fn is_named(&self, wanted: &str, id: &CloudId) -> bool {
        let same = |name: &str| match id.provider.as_str() {
            // Azure writes its identifiers in any case.
            "azure" => name.eq_ignore_ascii_case(wanted),
            _ => name == wanted,
        };
        self.names.all().any(same)
    }

    /// Tells whether it says to be of another account, project, subscription or region than the one that is meant.
    fn contradicts(&self, id: &CloudId) -> bool {
        let differ = |one: Option<&str>, other: Option<&str>| {
            one.zip(other).is_some_and(|(one, other)| !one.eq_ignore_ascii_case(other))
        };
        let arn = text(&self.names.arn).unwrap_or_default();
        let (account, region) = (id.account.as_deref(), id.region.as_deref());
        match id.provider.as_str() {
            "aws" => {
                differ(of_arn(arn, 4), of_arn(&id.id, 4).or(account))
                    || differ(of_arn(arn, 3), of_arn(&id.id, 3).or(region.filter(|region| *region != "global")))
            }
            "azure" => {
                let own = text(&self.names.id).and_then(subscription);
                differ(own, subscription(&id.id).or(account.filter(|account| account.len() == 36)))
            }
            // A project has a number as well as a name, and the state knows the name.
            "gcp" => {
                let named = account.filter(|account| account.starts_with(|c: char| c.is_ascii_lowercase()));
                differ(text(&self.names.project), named.filter(|name| !name.contains('/')))
            }
            _ => false,
        }
    }

    /// Tells whether it is of the provider's type that a cloud calls `AWS::S3::Bucket`, `Microsoft.Storage/storageAccounts` or
    /// `storage.googleapis.com/Bucket`, or Terraform `aws_s3_bucket`: the words of the type's name are in the cloud's, in their
    /// order, and the last one ends it.
    fn is_of(&self, id: &CloudId) -> bool {
        let plain: String = id.kind.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_lowercase();
        let plain = plain.strip_suffix('s').unwrap_or(&plain);
        let kind = self.kind.strip_prefix("aws_default_").map(|kind| format!("aws_{kind}"));
        let kind = kind.as_deref().unwrap_or(&self.kind);
        if self.kind == id.kind || OTHER_WORDS.contains(&(kind, plain)) {
            return true;
        }
        let mut words = kind.split('_').skip(1);
        let rest = words.try_fold(plain, |rest, word| {
            let word = word.strip_suffix('s').unwrap_or(word);
            rest.find(word).map(|at| &rest[at + word.len()..])
        });
        kind.contains('_') && rest == Some("")
    }
}

/// Types of Terraform that clouds call by other words.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("aws_alb", "awselasticloadbalancingv2loadbalancer"),
    ("aws_cloudtrail", "awscloudtrailtrail"),
    ("aws_cloudwatch_log_group", "awslogsloggroup"),
    ("aws_ebs_volume", "awsec2volume"),
    ("aws_elb", "awselasticloadbalancingloadbalancer"),
    ("aws_lb", "awselasticloadbalancingv2loadbalancer"),
    ("azurerm_key_vault", "microsoftkeyvaultvault"),
    ("azurerm_kubernetes_cluster", "microsoftcontainerservicemanagedcluster"),
    ("azurerm_linux_virtual_machine", "microsoftcomputevirtualmachine"),
    ("azurerm_linux_web_app", "microsoftwebsite"),
    ("azurerm_mssql_server", "microsoftsqlserver"),
    ("azurerm_windows_virtual_machine", "microsoftcomputevirtualmachine"),
    ("azurerm_windows_web_app", "microsoftwebsite"),
    ("google_sql_database_instance", "sqladmingoogleapiscominstance"),
];

/// What a resource is called by clouds and by us: of its attributes these alone are read.
#[derive(Debug, Default, Deserialize)]
struct Names {
    arn: Option<Value>,
    self_link: Option<Value>,
    id: Option<Value>,
    bucket: Option<Value>,
    identifier: Option<Value>,
    cluster_identifier: Option<Value>,
    instance_id: Option<Value>,
    unique_id: Option<Value>,
    name: Option<Value>,
    project: Option<Value>,
    #[serde(default, deserialize_with = "trace")]
    tags_all: Option<String>,
    #[serde(default, deserialize_with = "trace")]
    tags: Option<String>,
    #[serde(default, deserialize_with = "trace")]
    labels: Option<String>,
}

impl Names {
    fn all(&self) -> impl Iterator<Item = &str> {
        let exact = [&self.arn, &self.self_link, &self.id, &self.instance_id, &self.unique_id];
        let given = [&self.bucket, &self.identifier, &self.cluster_identifier, &self.name];
        exact.into_iter().chain(given).filter_map(text)
    }

    fn trace(&self) -> Option<&str> {
        [&self.tags_all, &self.tags, &self.labels].into_iter().flatten().map(String::as_str).next()
    }
}

/// The one tag that counts: the others are not kept.
fn trace<'d, D: Deserializer<'d>>(tags: D) -> Result<Option<String>, D::Error> {
    let tags = Value::deserialize(tags)?;
    Ok(tags.get(TRACE).and_then(Value::as_str).map(str::to_owned))
}

fn text(value: &Option<Value>) -> Option<&str> {
    value.as_ref().and_then(Value::as_str)
}

/// A state file, or what is shown of a state or a plan.
#[derive(Deserialize)]
struct Whole {
    encrypted_data: Option<IgnoredAny>,
    version: Option<u64>,
    resources: Option<Vec<Resource>>,
    format_version: Option<IgnoredAny>,
    values: Option<Values>,
    prior_state: Option<Prior>,
}

#[derive(Deserialize)]
struct Prior {
    values: Option<Values>,
}

#[derive(Deserialize)]
struct Values {
    root_module: Option<Shown>,
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
    attributes: Option<Names>,
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
    values: Option<Names>,
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
            ("AWS::S3::BucketPolicy", "shop", "owner-not-found"),
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
            let found = State::address(&states, &cloud, None);
            let found = found.map_or_else(|refusal| refusal.code.to_string(), |found| found.id.address);
            assert_eq!(found, expected, "{kind} {id}");
        }
    }

    const ACCOUNTS: &str = r#"{"version": 4, "resources": [
        {"mode": "managed", "type": "aws_iam_role", "name": "a", "instances": [{"attributes": {"id": "admin", "name": "admin",
            "arn": "arn:aws:iam::111111111111:role/admin"}}]},
        {"mode": "managed", "type": "aws_sqs_queue", "name": "q", "instances": [{"attributes": {"name": "jobs",
            "arn": "arn:aws:sqs:eu-west-1:111111111111:jobs", "tags": {"yor_trace": "t-1"}}}]},
        {"mode": "managed", "type": "aws_cloudwatch_log_group", "name": "l", "instances": [{"attributes": {"name": "/aws/eks/shop",
            "arn": "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/eks/shop"}}]},
        {"mode": "managed", "type": "aws_instance", "name": "w", "instances": [
            {"index_key": 0, "attributes": {"id": "i-1", "tags_all": {"yor_trace": "t-2"}}},
            {"index_key": 1, "attributes": {"id": "i-2", "tags_all": {"yor_trace": "t-2"}}}]},
        {"mode": "managed", "type": "azurerm_storage_account", "name": "s", "instances": [{"attributes": {"name": "logs",
            "id": "/subscriptions/AAAAAAAA-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/logs"}}]},
        {"mode": "managed", "type": "google_storage_bucket", "name": "g", "instances": [{"attributes": {"name": "g", "project": "acme"}}]}]}"#;

    /// Who is meant, by account, region and trace, and the address or why there is none.
    #[test]
    fn another_account_or_region_is_another_resource_and_a_trace_finds_what_no_name_does() {
        let state = State::read(ACCOUNTS.as_bytes()).expect("a state");
        let here = Some("111111111111");
        let azure = "/subscriptions/aaaaaaaa-0000-0000-0000-000000000000/resourcegroups/RG/providers/Microsoft.Storage/storageAccounts/logs";
        let elsewhere = azure.replace("aaaaaaaa", "bbbbbbbb");
        let cases = [
            ("aws", here, None, "AWS::IAM::Role", "admin", None, "aws_iam_role.a"),
            ("aws", Some("222222222222"), None, "AWS::IAM::Role", "admin", None, "owner-not-found"),
            ("aws", None, None, "AWS::IAM::Role", "arn:aws:iam::222222222222:role/admin", None, "owner-not-found"),
            ("aws", here, Some("eu-west-1"), "AWS::SQS::Queue", "jobs", None, "aws_sqs_queue.q"),
            ("aws", here, Some("us-east-1"), "AWS::SQS::Queue", "jobs", None, "owner-not-found"),
            (
                "aws",
                here,
                None,
                "AWS::Logs::LogGroup",
                "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/eks/shop:*",
                None,
                "aws_cloudwatch_log_group.l",
            ),
            ("aws", here, None, "AWS::SQS::Queue", "renamed", Some("t-1"), "aws_sqs_queue.q"),
            ("aws", here, None, "AWS::SNS::Topic", "renamed", Some("t-1"), "owner-not-found"),
            ("aws", here, None, "AWS::EC2::Instance", "i-9", Some("t-2"), "owner-ambiguous"),
            ("aws", here, None, "AWS::EC2::Instance", "i-2", Some("t-2"), "aws_instance.w[1]"),
            ("azure", None, None, "Microsoft.Storage/storageAccounts", azure, None, "azurerm_storage_account.s"),
            ("azure", None, None, "Microsoft.Storage/storageAccounts", &elsewhere, None, "owner-not-found"),
            (
                "gcp",
                Some("acme"),
                None,
                "storage.googleapis.com/Bucket",
                "//storage.googleapis.com/g",
                None,
                "google_storage_bucket.g",
            ),
            (
                "gcp",
                Some("other"),
                None,
                "storage.googleapis.com/Bucket",
                "//storage.googleapis.com/g",
                None,
                "owner-not-found",
            ),
        ];
        for (provider, account, region, kind, id, trace, expected) in cases {
            let cloud = CloudId {
                provider: provider.to_owned(),
                account: account.map(str::to_owned),
                region: region.map(str::to_owned),
                kind: kind.to_owned(),
                id: id.to_owned(),
            };
            let found = State::address([&state], &cloud, trace);
            let found = found.map_or_else(|refusal| refusal.code.to_string(), |found| found.id.address);
            assert_eq!(found, expected, "{kind} {id} of {account:?} in {region:?}");
        }
    }

    #[test]
    fn two_states_with_one_address_are_told_apart_by_their_stacks() {
        let state = |id: &str, stack: &str| {
            let text = format!(
                r#"{{"version": 4, "resources": [{{"mode": "managed", "type": "aws_vpc", "name": "main", "instances": [
                    {{"attributes": {{"id": "{id}", "tags": {{"yor_trace": "t"}}}}}}]}}]}}"#
            );
            State::read(text.as_bytes()).expect("a state").of_stack(Some(stack.to_owned()))
        };
        let states = [state("vpc-0a1b2c3d", "network/prod"), state("vpc-1a1b2c3d", "network/test")];
        let vpc = |id: &str| CloudId {
            provider: "aws".to_owned(),
            account: None,
            region: None,
            kind: "AWS::EC2::VPC".to_owned(),
            id: id.to_owned(),
        };
        let found = State::address(&states, &vpc("vpc-1a1b2c3d"), None).expect("one");
        assert_eq!((found.id.address.as_str(), found.stack.as_deref()), ("aws_vpc.main", Some("network/test")));
        let refusal = State::address(&states, &vpc("vpc-9"), Some("t")).expect_err("both have the trace");
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (
                Code::OwnerAmbiguous,
                "vpc-9 of aws may be aws_vpc.main of network/prod or aws_vpc.main of network/test in the state"
            )
        );
    }

    #[test]
    fn nothing_of_a_state_is_kept_or_quoted_but_names() {
        let planted = r#"{"version": 4, "resources": [{"mode": "managed", "type": "aws_db_instance", "name": "d", "instances": [
            {"attributes": {"id": "db-1", "password": "hunter2"}, "private": "hunter2"}]}], "outputs": {"p": "hunter2"}}"#;
        assert!(!format!("{:?}", State::read(planted.as_bytes())).contains("hunter2"));
        for broken in [
            planted.replace("[{\"mode\"", "[\"hunter2\", {\"mode\""),
            planted.replace("\"managed\"", "{\"hunter2\": 1}"),
        ] {
            let error = State::read(broken.as_bytes()).expect_err("another form");
            assert!(
                error.to_string().contains("line 1") && !format!("{error:?} {error}").contains("hunter2"),
                "{error}"
            );
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
