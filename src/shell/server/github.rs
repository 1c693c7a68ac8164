//! GitHub's own events, at `/github`.
//!
//! They are taken as deliveries of findings are: verified over the raw bytes, once by the delivery's id, durable before they
//! are acknowledged. Whatever GitHub sends, it is never told that we failed unless the store cannot write: an event that we
//! do not know, or cannot read, is counted and ignored.

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use hyper::body::Incoming;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    App,
    body::{self, Unread},
    receive::{Answer, text_of},
};
use crate::{
    model::hex::hex,
    remedy::{check::Check, command, dashboard},
    shell::{
        config::Repository,
        store::{
            StoreError,
            accept::{Acceptance, Delivery},
            request::{About, Effect},
        },
        telemetry,
    },
    webhook::{
        github::{self, Asked, Event, SENDER, Said, queued_number},
        signature::{self, Authentication, Encoding, Hash, Presented},
    },
};

/// Where GitHub posts.
pub(super) const PATH: &str = "/github";

/// The longest body: GitHub sends 25 MB at most.
const LIMIT: usize = 25 << 20;

/// What an endpoint for GitHub's events knows.
pub(super) struct Endpoint {
    pub(super) secrets: Vec<crate::model::secret::Secret>,
    pub(super) repositories: Vec<Repository>,
}

/// How GitHub signs (documented as "Validating webhook deliveries").
fn authentication() -> Authentication {
    Authentication::Hmac {
        hash: Hash::Sha256,
        header: "x-hub-signature-256".to_owned(),
        prefix: "sha256=".to_owned(),
        encoding: Encoding::Hex,
    }
}

/// Answers an event.
pub(super) async fn receive(app: &Arc<App>, endpoint: &Endpoint, request: Request<Incoming>) -> Response {
    let answer = take(app, endpoint, request).await.unwrap_or_else(|answer| answer);
    let labels = telemetry::Delivery { sender: SENDER.into(), code: answer.status.as_u16() };
    app.metrics.deliveries.get_or_create(&labels).inc();
    answer.into_response()
}

async fn take(app: &Arc<App>, endpoint: &Endpoint, request: Request<Incoming>) -> Result<Answer, Answer> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        let answer = Answer::error(StatusCode::METHOD_NOT_ALLOWED, "GitHub posts");
        return Err(answer.with(header::ALLOW, header::HeaderValue::from_static("POST")).closing());
    }
    if *app.stopping.borrow() {
        return Err(Answer::busy("shutting down", 5).closing());
    }
    let whole = body::read(body, LIMIT, app.limits.body, &app.bodies).await.map_err(|unread| match unread {
        Unread::TooLong => Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "25 MiB are accepted").closing(),
        Unread::TooSlow => Answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not come in time").closing(),
        Unread::NoMemory => Answer::busy("too many large deliveries at once", 5).closing(),
        Unread::Broken(_) => Answer::error(StatusCode::BAD_REQUEST, "the body broke off").closing(),
    })?;
    let now = (app.clock)();
    let verified = verify(endpoint, &head.headers, whole.bytes.clone(), now).await;
    let Some(secret) = verified else {
        tracing::warn!(security = 3, sender = SENDER, "an event was not accepted");
        return Err(Answer::error(StatusCode::UNAUTHORIZED, "not authenticated"));
    };
    if let Ok(secret) = u32::try_from(secret) {
        app.metrics.secrets.get_or_create(&telemetry::SecretUse { sender: SENDER.into(), secret }).inc();
    }
    let event = text_of(&head.headers, "x-github-event").unwrap_or_default();
    let is_command = |text: &str| !command::lines(text).is_empty();
    let said = github::read(&event, &whole.bytes, is_command, dashboard::is_dashboard, Check::NAME);
    let ignored = |why: &'static str| {
        app.metrics.events.get_or_create(&telemetry::ForgeEvent { taken: "ignored" }).inc();
        Answer::new(StatusCode::OK, &json!({"accepted": 0, "ignored": [why]}))
    };
    let events = match said {
        Said::Ignored(why) => return Ok(ignored(why)),
        Said::Events(events) => events,
    };
    let effects: Vec<(About, Effect)> =
        events.into_iter().filter_map(|(about, event)| effect(endpoint, about, event)).collect();
    if effects.is_empty() {
        return Ok(ignored("nothing that matters here"));
    }
    let digest: [u8; 32] = Sha256::digest(&whole.bytes).into();
    let id = text_of(&head.headers, "x-github-delivery").unwrap_or_else(|| {
        // GitHub always sends one; without it the same bytes are the same event.
        hex(&digest)
    });
    let delivery = Delivery { sender: SENDER.to_owned(), id: id.clone(), digest, received_at: now };
    match app.store.take(delivery, effects).answer().await {
        Ok(Acceptance::Duplicate | Acceptance::Conflict) => {
            app.metrics.events.get_or_create(&telemetry::ForgeEvent { taken: "duplicate" }).inc();
            Ok(Answer::new(StatusCode::OK, &json!({"accepted": 0, "duplicate": true})))
        }
        Ok(Acceptance::Accepted(_)) => {
            tracing::info!(event, delivery = id, "an event of GitHub was taken");
            app.metrics.events.get_or_create(&telemetry::ForgeEvent { taken: "taken" }).inc();
            Ok(Answer::new(StatusCode::ACCEPTED, &json!({"accepted": 1})))
        }
        Err(StoreError::Busy) => Err(Answer::busy("too much to write", 2)),
        Err(error) => {
            tracing::error!(%error, "an event of GitHub could not be stored");
            Err(Answer::busy("the event could not be stored", 10))
        }
    }
}

/// Verifies the signature over the raw bytes, off the connections' threads; the position of the secret that fits.
async fn verify(endpoint: &Endpoint, headers: &HeaderMap, body: Bytes, now: i64) -> Option<usize> {
    let (secrets, headers) = (endpoint.secrets.clone(), headers.clone());
    let check = move || {
        let presented = Presented {
            header: &|name| text_of(&headers, name),
            token: None,
            by_proxy: false,
            body: &body,
            key: None,
            now_unix: now.div_euclid(1000),
        };
        signature::verify(&authentication(), &secrets, &presented).ok()
    };
    tokio::task::spawn_blocking(check).await.ok().flatten().map(|verified| verified.secret().unwrap_or_default())
}

/// What an event means for the store.
fn effect(endpoint: &Endpoint, about: github::About, event: Event) -> Option<(About, Effect)> {
    let configured = endpoint.repositories.iter().find(|one| one.slug == about.slug);
    let effect = match event {
        // The branch of a repository that was renamed is not known here: the look is cheap.
        Event::Pushed(branch) => configured.is_none_or(|one| one.branch == branch).then_some(Effect::JudgeAgain)?,
        Event::PullRequest(number) => Effect::LookAt(number),
        Event::Asked(asked) => {
            let wakes = match &asked {
                Asked::Comment { number, .. } => Some(*number),
                Asked::CheckAgain { numbers, .. } => Some(*numbers.first()?),
                Asked::Queued { branch, .. } => queued_number(branch),
                Asked::Ticked { .. } => None,
            };
            Effect::Ask { body: serde_json::to_string(&asked).ok()?, wakes }
        }
        Event::Gone => Effect::Gone,
        Event::Away(why) => Effect::Away(why.to_owned()),
        Event::Back => Effect::Back,
        Event::Renamed(slug) => Effect::Renamed(slug),
    };
    Some((About { id: about.id, slug: about.slug, is_configured: configured.is_some() }, effect))
}
