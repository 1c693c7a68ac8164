//! What only Apps have: registration from a manifest, and the deliveries of their webhook.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use super::{
    APP, APP_KEY,
    api::{Failure, Reply, invalid, utc},
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

/// The number of the first try; GitHub's are beyond what a float holds exactly.
const FIRST_TRY: u64 = 12_345_678_901_234_567;

/// What the fake knows of Apps.
#[derive(Default)]
pub(super) struct Apps {
    /// Manifests that a person agreed to, by the code that has not been exchanged.
    codes: BTreeMap<String, Value>,
    /// The tries of deliveries, the oldest first.
    tries: Vec<Try>,
}

struct Try {
    id: String,
    at: SystemTime,
    status: u16,
    redelivery: bool,
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

    /// A delivery that was tried, so long ago, with this answer.
    pub(super) fn delivered(&mut self, id: &str, ago: Duration, status: u16) {
        let redelivery = self.tries.iter().any(|one| one.id == id);
        self.tries.push(Try { id: id.to_owned(), at: SystemTime::now() - ago, status, redelivery });
    }

    /// `GET /app/hook/deliveries`: the latest first, with a cursor that means nothing to anybody else.
    pub(super) fn deliveries(&self, query: &BTreeMap<String, String>, address: &str) -> (Option<String>, Value) {
        let size = query.get("per_page").and_then(|size| size.parse().ok()).unwrap_or(30).clamp(1, 100);
        let from = query.get("cursor").and_then(|cursor| cursor.strip_prefix("v1_")?.parse().ok()).unwrap_or(0);
        let show = |(at, one): (usize, &Try)| {
            json!({
                "id": FIRST_TRY + at as u64,
                "guid": one.id,
                "delivered_at": utc(one.at),
                "redelivery": one.redelivery,
                "duration": 0.03,
                "status": if one.status < 300 { "OK" } else { "failed to connect to host" },
                "status_code": one.status,
                "event": "push",
                "action": null,
                "installation_id": 77,
                "repository_id": 1000,
            })
        };
        let page: Vec<Value> = self.tries.iter().enumerate().rev().skip(from).take(size).map(show).collect();
        let next = from + page.len();
        let more = next < self.tries.len();
        let link = format!("<{address}/app/hook/deliveries?per_page={size}&cursor=v1_{next}>; rel=\"next\"");
        (more.then_some(link), page.into())
    }

    /// `POST /app/hook/deliveries/{number}/attempts`: it comes at some later time.
    pub(super) fn attempt(&self, number: &str) -> Reply {
        let number: u64 = number.parse().map_err(|_| Failure::NotFound)?;
        let known = number.checked_sub(FIRST_TRY).is_some_and(|at| (at as usize) < self.tries.len());
        if known { Ok(json!({})) } else { Err(Failure::NotFound) }
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
