//! Registers a GitHub App from a manifest (GitHub's "Registering a GitHub App from a manifest"): what it is asked to be, where
//! the operator's browser sends that, and how the code that comes back is exchanged for its credentials.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Credential, Error,
    address::web_address,
    call::{Connection, Limits},
};
use crate::model::secret::Secret;

/// What the App may do: what its tokens ask for, the merge queues' event (which GitHub sends to those only that may read
/// queues), and what every App has. Never `workflows`: GitHub itself then refuses what touches them.
pub const PERMISSIONS: [(&str, &str); 6] = [
    ("contents", "write"),
    ("pull_requests", "write"),
    ("checks", "write"),
    ("issues", "write"),
    ("merge_queues", "read"),
    ("metadata", "read"),
];

/// The events that it is sent. Those of installations come by themselves, and GitHub refuses a manifest that names them.
pub const EVENTS: [&str; 7] =
    ["push", "pull_request", "issue_comment", "issues", "check_run", "merge_group", "repository"];

/// The longest code that is exchanged; GitHub's have 40 characters.
const MAX_CODE: usize = 200;

/// How the exchange is named where the code must not be said.
const EXCHANGE: &str = "POST /app-manifests/…/conversions";

/// An App that was just registered.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its id.
    pub id: u64,
    /// Its name in addresses: lower-case letters, digits and `-`.
    pub slug: String,
    /// Its private key, PEM.
    pub private_key: Secret,
    /// What its events are signed with.
    pub webhook_secret: Secret,
}

/// The manifest of an App whose server is reached at `url`; without a name GitHub asks for one.
pub fn manifest(url: &str, name: Option<&str>) -> Value {
    let permissions: serde_json::Map<String, Value> =
        PERMISSIONS.iter().map(|(name, level)| ((*name).to_owned(), json!(level))).collect();
    let mut manifest = json!({
        "url": url,
        "description": "Moves live fixes back into the source, as proved pull requests.",
        "hook_attributes": {"url": format!("{url}/github"), "active": true},
        "redirect_url": format!("{url}/setup/done"),
        "public": false,
        "default_permissions": permissions,
        "default_events": EVENTS,
    });
    if let Some(name) = name {
        manifest["name"] = json!(name);
    }
    manifest
}

/// Where a browser posts the manifest, of the user or of an organization; `state` comes back with the code.
pub fn registration_address(api: &str, organization: Option<&str>, state: &str) -> String {
    let web = web_address(api);
    match organization {
        Some(organization) => format!("{web}/organizations/{organization}/settings/apps/new?state={state}"),
        None => format!("{web}/settings/apps/new?state={state}"),
    }
}

/// Where an App is installed on repositories.
pub fn installation_address(api: &str, app: &Registered) -> String {
    // GitHub Enterprise Server has them elsewhere.
    let below = if api.ends_with("/api/v3") { "github-apps" } else { "apps" };
    format!("{}/{below}/{}/installations/new", web_address(api), app.slug)
}

/// Exchanges the code for the App, once: GitHub gives the private key to nobody a second time.
///
/// # Errors
/// No error says the code or anything of the answer.
pub async fn exchange(api: &str, code: &str, limits: Limits) -> Result<Registered, Error> {
    let malformed = |why: &str| Error::Malformed { doing: EXCHANGE.to_owned(), why: why.to_owned() };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if code.is_empty() || code.len() > MAX_CODE || !code.bytes().all(plain) {
        return Err(malformed("that is no code of GitHub's"));
    }
    let connection = Connection::new(api, &Credential::Token(Secret::new("")), limits)?;
    let route = format!("/app-manifests/{code}/conversions");
    let answer = connection.as_nobody(EXCHANGE, &Method::POST, &route).await?;
    let app: Answer = serde_json::from_slice(&answer).map_err(|_| malformed("it holds no App with its credentials"))?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if app.slug.is_empty() || !app.slug.bytes().all(plain) || !app.pem.contains("PRIVATE KEY-----") {
        return Err(malformed("its App has no usable name or key"));
    }
    if app.webhook_secret.is_empty() {
        return Err(malformed("its App has no webhook secret"));
    }
    Ok(Registered {
        id: app.id,
        slug: app.slug,
        private_key: Secret::new(app.pem),
        webhook_secret: Secret::new(app.webhook_secret),
    })
}

#[derive(Deserialize)]
struct Answer {
    id: u64,
    slug: String,
    pem: String,
    webhook_secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_asks_for_what_is_needed_and_never_for_workflows() {
        let manifest = manifest("https://bot.example", Some("drift"));
        assert_eq!(manifest["hook_attributes"]["url"], "https://bot.example/github");
        assert_eq!(manifest["redirect_url"], "https://bot.example/setup/done");
        assert_eq!((&manifest["public"], &manifest["name"]), (&json!(false), &json!("drift")));
        let asked = manifest["default_permissions"].as_object().expect("a map");
        let names: Vec<&str> = asked.keys().map(String::as_str).collect();
        assert_eq!(names, ["contents", "pull_requests", "checks", "issues", "merge_queues", "metadata"]);
        let events = manifest["default_events"].as_array().expect("a list");
        assert!(!events.iter().any(|event| event.as_str().is_some_and(|event| event.starts_with("installation"))));
    }

    #[test]
    fn the_form_goes_to_the_configured_github() {
        for (api, organization, expected) in [
            ("https://api.github.com", None, "https://github.com/settings/apps/new?state=s"),
            (
                "https://ghe.example/api/v3",
                Some("acme"),
                "https://ghe.example/organizations/acme/settings/apps/new?state=s",
            ),
            ("https://api.acme.ghe.com", None, "https://acme.ghe.com/settings/apps/new?state=s"),
        ] {
            assert_eq!(registration_address(api, organization, "s"), expected);
        }
    }
}
