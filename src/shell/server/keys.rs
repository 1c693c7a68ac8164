//! Public keys of senders that sign with their own: fetched from where the core says, and kept.
//!
//! A delivery makes us fetch, so anybody can: what is fetched is bounded in number, size and time, and what was fetched
//! once serves every further delivery.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode},
};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::timeout;

use crate::shell::worker::Clock;

/// Gets what stands at an https URL.
pub type Fetch = Arc<dyn Fn(String) -> Fetched + Send + Sync>;

/// What [`Fetch`] gives.
pub type Fetched = Pin<Box<dyn Future<Output = anyhow::Result<Bytes>> + Send>>;

/// The longest answer that is read; certificates have 2 kB, Google's keys 1 kB.
const MAX_BYTES: usize = 64 << 10;

/// How long an answer may take: the sender waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long a key serves before it is asked for again, in milliseconds: a certificate never changes under its URL, a key
/// set changes daily.
const KEPT: i64 = 60 * 60 * 1000;

/// How long a failure serves, in milliseconds, so that forged deliveries make us ask no more often.
const FAILED: i64 = 10 * 1000;

/// Keys that are kept at once.
const MAX_KEYS: usize = 64;

/// The keys that were fetched.
pub(super) struct Keys {
    fetch: Fetch,
    kept: Mutex<BTreeMap<String, Kept>>,
}

struct Kept {
    key: Option<Bytes>,
    until: i64,
}

impl Keys {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self { fetch, kept: Mutex::default() }
    }

    /// The key at a URL; absent where it cannot be had now.
    pub(super) async fn get(&self, url: String, clock: &Clock) -> Option<Bytes> {
        let now = clock();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|_, one| one.until > now);
            if let Some(one) = kept.get(&url) {
                return one.key.clone();
            }
            if kept.len() >= MAX_KEYS {
                tracing::warn!(security = 3, "too many different keys are asked for");
                return None;
            }
            // Whoever comes meanwhile finds this and is told to come again, instead of asking as well.
            kept.insert(url.clone(), Kept { key: None, until: now.saturating_add(FAILED) });
        }
        let fetched = (self.fetch)(url.clone()).await;
        let key = match fetched {
            Ok(key) => key,
            Err(error) => {
                tracing::warn!(url, error = format!("{error:#}"), "a key cannot be fetched");
                return None;
            }
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(url, Kept { key: Some(key.clone()), until: now.saturating_add(KEPT) });
        Some(key)
    }

    /// Opens a URL for its effect.
    pub(super) async fn open(&self, url: String) -> anyhow::Result<Bytes> {
        (self.fetch)(url).await
    }
}

/// Fetches over TLS with the machine's certificates; follows no redirection.
pub fn over_https() -> anyhow::Result<Fetch> {
    let tls = HttpsConnectorBuilder::new().with_native_roots().context("the machine's certificates cannot be read")?;
    let client = Client::builder(TokioExecutor::new()).build(tls.https_only().enable_http1().build());
    Ok(Arc::new(move |url| {
        let client = client.clone();
        Box::pin(async move {
            let request = Request::get(&url).body(Body::empty()).context("not a URL")?;
            let asked = async {
                let answer = client.request(request).await?;
                ensure!(answer.status() == StatusCode::OK, "the answer is {}", answer.status());
                Ok(to_bytes(Body::new(answer.into_body()), MAX_BYTES).await?)
            };
            timeout(PATIENCE, asked).await.context("no answer in time")?
        })
    }))
}
