//! What the operator says to have a GitHub App registered by the server itself.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Reading;

/// The longest name of an App.
const MAX_NAME: usize = 34;

/// How an App is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Where the browser of the operator, and GitHub, reach this server; without a slash at the end.
    pub url: String,
    /// The organization that is to own the App; absent for the user who registers it.
    pub organization: Option<String>,
    /// The App's name; absent to be asked for it.
    pub name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Where the operator's browser, and GitHub, reach this server: https://sourceward.example.com
    url: String,
    /// The organization that is to own the App; without it the user who registers it.
    organization: Option<String>,
    /// The App's name, unique on its GitHub; without it GitHub asks for one.
    name: Option<String>,
}

impl Reading<'_> {
    pub(super) fn setup(&mut self, written: Written) -> Option<Setup> {
        let url = self.base("github.setup.url", &written.url, "https://sourceward.example.com");
        let login = |name: &str| {
            !name.is_empty()
                && name.len() <= 45
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let organization = written.organization;
        if organization.as_deref().is_some_and(|name| !login(name)) {
            self.problem("github.setup.organization", "expected the login of an organization");
        }
        let name = written.name;
        let fits = |name: &str| (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains(char::is_control);
        if name.as_deref().is_some_and(|name| !fits(name)) {
            self.problem("github.setup.name", &format!("expected 1 to {MAX_NAME} characters"));
        }
        Some(Setup { url: url?, organization, name })
    }
}
