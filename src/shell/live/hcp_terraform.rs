//! HCP Terraform's API: what a health assessment found.
//!
//! `GET /api/v2/assessment-results/{id}/json-output` is `terraform show -json` of a refresh-only plan; the token must be a
//! user's or a team's that administers the workspace (`api-docs/assessment-results`). The notification tells the id of the
//! assessment in its link; the link itself is not followed.

use super::{
    Seen,
    read::{ReadApi, several},
};
use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        uri::encoded,
    },
    shell::config::live::Api as Source,
};

/// HCP Terraform or a Terraform Enterprise.
pub struct HcpTerraform(ReadApi);

impl HcpTerraform {
    pub fn open(source: &Source) -> anyhow::Result<Self> {
        Ok(Self(ReadApi::open(source, "terraform")?))
    }

    /// What drifted in the workspace of a finding.
    pub async fn workspace(&self, finding: &Finding) -> anyhow::Result<Seen> {
        let missing = |message: String, hint: &str| Seen::Refused(Refusal::new(Code::LiveStateMissing, message, hint));
        let Some(assessment) = finding.links.iter().find_map(|link| assessment(link)) else {
            let message = format!("the report on {} names no assessment", finding.resource);
            return Ok(missing(
                message,
                "let HCP Terraform's notifications of the workspace's health be sent as they are",
            ));
        };
        let path = format!("/api/v2/assessment-results/{}/json-output", encoded(assessment));
        let Some(told) = self.0.findings(&path).await? else {
            let message = format!("HCP Terraform shows no output of the assessment {assessment}");
            return Ok(missing(message, "give sourceward a token of a team that administers the workspace"));
        };
        Ok(several(finding, told, "the assessment shows no drift of a resource"))
    }
}

/// The id of the assessment that a link leads to.
fn assessment(link: &str) -> Option<&str> {
    let (_, id) = link.split_once("/assessment-results/")?;
    let id = id.split(['/', '?', '#']).next()?;
    let is_id = id.starts_with("asmtres-") && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::assessment;

    #[test]
    fn only_an_id_is_taken_from_a_link() {
        let id = Some("asmtres-cHh5777xm");
        for (link, expected) in [
            ("https://app.terraform.io/api/v2/assessment-results/asmtres-cHh5777xm", id),
            ("/api/v2/assessment-results/asmtres-cHh5777xm/json-output", id),
            ("https://evil.example/assessment-results/../../admin", None),
            ("https://app.terraform.io/app/acme/workspaces/net", None),
        ] {
            assert_eq!(assessment(link), expected, "{link}");
        }
    }
}
