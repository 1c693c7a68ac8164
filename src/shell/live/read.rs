//! An API whose answers a sender of ours reads, so that a file of an answer and the API itself lead to the same findings.

use anyhow::Context;

use super::{Seen, api::Api, with_report};
use crate::{
    model::finding::Finding,
    shell::config::live::Api as Source,
    webhook::{
        map::{Mapped, map},
        sender::Senders,
    },
};

/// An API and the sender that reads it.
pub struct ReadApi {
    api: Api,
    senders: Senders,
    sender: &'static str,
}

impl ReadApi {
    pub fn open(source: &Source, sender: &'static str) -> anyhow::Result<Self> {
        Ok(Self { api: Api::new(source)?, senders: Senders::embedded()?, sender })
    }

    /// What an answer says differs; nothing where there is no such thing to ask about.
    pub async fn findings(&self, path: &str) -> anyhow::Result<Option<Vec<Finding>>> {
        let Some(body) = self.api.get(path).await? else { return Ok(None) };
        let sender = self.senders.get(self.sender).with_context(|| format!("there is no sender {}", self.sender))?;
        let mapped = map(sender, &body, Some("application/json"))?.into_iter();
        let findings = mapped.filter_map(|item| match item {
            Mapped::Finding(finding) => Some(*finding),
            Mapped::Ignored { .. } => None,
        });
        Ok(Some(findings.collect()))
    }
}

/// Each of what was told as a finding of its own, with what `report` knows of it; `over` says that there is none.
pub fn several(report: &Finding, told: Vec<Finding>, over: &str) -> Seen {
    if told.is_empty() {
        return Seen::Over(over.to_owned());
    }
    let one = |told: Finding| Finding { id: told.id.clone(), ..with_report(report, told) };
    Seen::Several(told.into_iter().map(one).collect())
}
