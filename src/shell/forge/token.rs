//! Tokens of an App's installation: each for one repository, with the least permissions, minted once and not too late.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use serde::Deserialize;
use serde_json::json;

use super::{
    Error,
    call::{By, Connection},
};
use crate::model::{repository::RepoSlug, secret::Secret};

/// A token is renewed this long before it expires: a push that has begun with it shall end with it.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// GitHub's tokens live an hour. Where this machine's clock is wrong, they are renewed by this at the latest.
const RENEW_AFTER: Duration = Duration::from_secs(3300);

/// What nothing can be done without, and what is asked for where it was granted: without `checks` there is no check, without
/// `issues` no dashboard. Never more than these, and never `workflows`.
const NEEDED: [&str; 2] = ["contents", "pull_requests"];
const WELCOME: [&str; 2] = ["checks", "issues"];

/// The tokens that are held, by repository. A repository's slot is locked while its token is minted: who comes meanwhile
/// waits for that one instead of minting another.
#[derive(Default)]
pub(super) struct Tokens {
    slots: Mutex<BTreeMap<RepoSlug, Arc<tokio::sync::Mutex<Slot>>>>,
}

#[derive(Default)]
struct Slot {
    installation: Option<Installation>,
    held: Option<Held>,
}

struct Held {
    token: Secret,
    renew_at: Instant,
}

impl Tokens {
    /// Forgets a token that was refused, unless another one has taken its place.
    pub(super) async fn forget(&self, slug: &RepoSlug, token: &Secret) {
        let slot = self.slot(slug);
        let mut slot = slot.lock().await;
        if slot.held.as_ref().is_some_and(|held| held.token == *token) {
            slot.held = None;
        }
    }

    fn slot(&self, slug: &RepoSlug) -> Arc<tokio::sync::Mutex<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(slug.clone()).or_default().clone()
    }
}

impl Connection {
    pub(super) async fn installation_token(&self, slug: &RepoSlug) -> Result<Secret, Error> {
        let slot = self.tokens.slot(slug);
        let mut slot = slot.lock().await;
        if let Some(held) = slot.held.as_ref().filter(|held| Instant::now() < held.renew_at) {
            return Ok(held.token.clone());
        }
        let installation = match &slot.installation {
            Some(found) => found,
            None => {
                let found: Installation = self.get(By::Ourselves, &format!("/repos/{slug}/installation")).await?;
                slot.installation.insert(found)
            }
        };
        match self.mint(installation, slug).await {
            Ok(held) => Ok(slot.held.insert(held).token.clone()),
            Err(error) => {
                // The App may have been installed anew, under another number.
                slot.installation = None;
                Err(error)
            }
        }
    }

    async fn mint(&self, installation: &Installation, slug: &RepoSlug) -> Result<Held, Error> {
        let route = format!("/app/installations/{}/access_tokens", installation.id);
        let granted = |name: &&&str| installation.permissions.get(**name).is_some_and(|level| level == "write");
        let permissions: BTreeMap<&str, &str> =
            NEEDED.iter().chain(WELCOME.iter().filter(granted)).map(|name| (*name, "write")).collect();
        let body = json!({"repositories": [slug.name()], "permissions": permissions});
        let minted: Minted = self.make(By::Ourselves, &route, &body).await?;
        let malformed = |why: &str| Error::Malformed { doing: format!("POST {route}"), why: why.to_owned() };
        match minted.repositories.as_slice() {
            [only] if only.full_name.eq_ignore_ascii_case(&slug.to_string()) => {}
            _ => return Err(malformed("the token is not for the one repository that was asked for")),
        }
        let expires = utc(&minted.expires_at).ok_or_else(|| malformed("expires_at is no time"))?;
        let left = expires.duration_since(SystemTime::now()).unwrap_or_default();
        let renew_at = Instant::now() + left.saturating_sub(RENEW_BEFORE).min(RENEW_AFTER);
        Ok(Held { token: Secret::new(minted.token), renew_at })
    }
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    /// What whoever installed the App has granted.
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: String,
    #[serde(default)]
    repositories: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    full_name: String,
}

/// Reads `2026-11-21T09:30:00Z`, the one form in which GitHub writes times.
pub(super) fn utc(text: &str) -> Option<SystemTime> {
    let numbers: Vec<u64> =
        text.strip_suffix('Z')?.split(['-', 'T', ':']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[year, month @ 1..=12, day @ 1..=31, hour @ 0..=23, minute @ 0..=59, second @ 0..=60] = numbers.as_slice()
    else {
        return None;
    };
    if !(1970..=9999).contains(&year) {
        return None;
    }
    // Days since 1970 of the proleptic Gregorian calendar, with years that begin in March so that a leap day ends one.
    let shifted = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-11-21T09:30:00Z", 1_795_253_400),
        ] {
            assert_eq!(utc(text), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        for bad in
            ["", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T09:30:00+01:00", "x", "99999999999-01-01T00:00:00Z"]
        {
            assert_eq!(utc(bad), None, "{bad}");
        }
    }
}
