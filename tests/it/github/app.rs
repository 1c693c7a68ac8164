//! What only Apps have: registration from a manifest, and the deliveries of their webhook.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    APP, APP_KEY,
    api::{Failure, Reply, invalid},
};

/// The permissions that a manifest may name here: a word that GitHub does not know fails the whole manifest there.
const PERMISSIONS: [&str; 8] =
    ["contents", "pull_requests", "checks", "issues", "merge_queues", "metadata", "statuses", "workflows"];

/// The events that an App may subscribe to, and the permission of which each needs one.
const EVENTS: [(&str, &[&str]); 7] = [
    ("push", &["contents"]),
    ("pull_request", &["pull_requests"]),
    ("issue_comment", &["issues", "pull_requests"]),
    ("issues", &["issues"]),
    ("check_run", &["checks"]),
    ("merge_group", &["merge_queues"]),
    ("repository", &["metadata"]),
];

/// What the fake knows of Apps.
#[derive(Default)]
pub(super) struct Apps {
    /// Manifests that a person agreed to, by the code that has not been exchanged.
    codes: BTreeMap<String, Value>,
}

impl Apps {
    /// What GitHub's page does with a posted manifest: the code, or why there is none.
    pub(super) fn agree(&mut self, manifest: &Value, code: &str) -> Result<(), String> {
        for member in ["url", "redirect_url"] {
            manifest[member].as_str().ok_or_else(|| format!("{member} is missing"))?;
        }
        manifest["hook_attributes"]["url"].as_str().ok_or("the hook has no url")?;
        let asked = manifest["default_permissions"].as_object().ok_or("default_permissions is no map")?;
        if let Some(unknown) = asked.keys().find(|name| !PERMISSIONS.contains(&name.as_str())) {
            return Err(format!("{unknown} is no permission"));
        }
        for event in manifest["default_events"].as_array().ok_or("default_events is no list")? {
            let known = EVENTS.iter().find(|(name, _)| event == name);
            let (_, needs) = known.ok_or_else(|| format!("Default events unsupported: {event}"))?;
            if !needs.iter().any(|name| asked.contains_key(*name)) {
                return Err(format!("Default events are not supported by permissions: {event}"));
            }
        }
        self.codes.insert(code.to_owned(), manifest.clone());
        Ok(())
    }

    /// `POST /app-manifests/{code}/conversions`: without a credential, once.
    pub(super) fn convert(&mut self, code: &str, webhook_secret: &str) -> Reply {
        let manifest = self.codes.remove(code).ok_or(Failure::NotFound)?;
        if manifest["public"] != json!(false) {
            return Err(invalid("these tests register private Apps alone"));
        }
        Ok(json!({
            "id": APP,
            "slug": "acme-drift",
            "node_id": "A_4711",
            "client_id": "Iv1.0123456789abcdef",
            "client_secret": "0123456789abcdef0123456789abcdef01234567",
            "webhook_secret": webhook_secret,
            "pem": APP_KEY,
            "name": manifest["name"].as_str().unwrap_or("acme drift"),
            "description": manifest["description"],
            "external_url": manifest["url"],
            "html_url": "https://github.example/apps/acme-drift",
            "owner": {"login": "acme", "id": 7, "type": "Organization"},
            "created_at": "2026-11-21T09:30:00Z",
            "updated_at": "2026-11-21T09:30:00Z",
            "permissions": manifest["default_permissions"],
            "events": manifest["default_events"],
        }))
    }
}
