//! The deliveries of an App's webhook, as GitHub lists them. It repeats none by itself: whoever was down asks for them again.

use std::time::SystemTime;

use serde::Deserialize;

use super::{Error, GitHub, call::By, token::utc};

/// The most pages of deliveries that are read at once: 3,000 of them.
const MAX_PAGES: usize = 30;

/// A delivery that GitHub tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Of this try.
    pub number: u64,
    /// Of the delivery, the same in all its tries: what its header says.
    pub id: String,
    /// When it was tried.
    pub at: SystemTime,
    /// Whether it was acknowledged.
    pub arrived: bool,
}

#[derive(Deserialize)]
struct Shown {
    id: u64,
    guid: String,
    delivered_at: String,
    status_code: u16,
}

impl GitHub {
    /// Tells whether we are an App, which alone has deliveries.
    pub fn is_app(&self) -> bool {
        self.connection.is_app()
    }

    /// The tries since a time, the latest first, and whether these are all of them: at most some thousands are read.
    pub async fn deliveries(&self, since: SystemTime) -> Result<(Vec<Delivery>, bool), Error> {
        let mut found = Vec::new();
        let mut next = Some("/app/hook/deliveries?per_page=100".to_owned());
        for _ in 0..MAX_PAGES {
            let Some(route) = next else { return Ok((found, true)) };
            let (page, after) = self.connection.page::<Shown>(By::Ourselves, &route).await?;
            next = after;
            for shown in page {
                let malformed = || Error::Malformed {
                    doing: "GET /app/hook/deliveries".to_owned(),
                    why: "delivered_at is no time".to_owned(),
                };
                let at = tried_at(&shown.delivered_at).ok_or_else(malformed)?;
                if at < since {
                    return Ok((found, true));
                }
                let arrived = (200..300).contains(&shown.status_code);
                found.push(Delivery { number: shown.id, id: shown.guid, at, arrived });
            }
        }
        Ok((found, next.is_none()))
    }

    /// Asks for a delivery again, by the number of one of its tries. It comes at some later time.
    pub async fn deliver_again(&self, number: u64) -> Result<(), Error> {
        self.connection.ask(By::Ourselves, &format!("/app/hook/deliveries/{number}/attempts")).await
    }
}

/// Deliveries are timed to parts of a second on some servers.
fn tried_at(text: &str) -> Option<SystemTime> {
    match text.split_once('.') {
        Some((seconds, rest)) if rest.ends_with('Z') => utc(&format!("{seconds}Z")),
        _ => utc(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_timed_with_or_without_parts_of_seconds() {
        let whole = tried_at("2026-11-21T09:30:00Z").expect("a time");
        assert_eq!(tried_at("2026-11-21T09:30:00.123456Z"), Some(whole));
        assert_eq!(tried_at("2026-11-21T09:30:00.1"), None);
    }
}
