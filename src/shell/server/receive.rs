//! One delivery: from its head to the answer.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
    response::Response,
};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    App,
    body::{self, Unread, Whole},
    github,
    mapping::{Reply, Unmapped},
    senders::Endpoint,
    setup,
};
use crate::{
    model::finding::Finding,
    shell::{
        store::{
            Expected, Pending, StoreError,
            accept::{Acceptance, Accepted, Arrival, Delivery, Rejection},
        },
        telemetry::{self, Overrun, SecretUse, Verdict},
    },
    webhook::{
        handshake::{self, Handshake},
        map::{self, Mapped},
        signature::{self, Authentication, Presented, Verified, VerifyError, sns::Message},
    },
};

/// Bodies of more bytes are verified on a thread, so that no other request waits for the hash.
const HASHED_IN_PLACE: usize = 64 << 10;

/// Bodies of more bytes are mapped on a thread of their own, by a program of the operator those of any size. What our programs do
/// with so few bytes takes a moment, whatever they say (a test of theirs sees to it).
const MAPPED_IN_PLACE: usize = 8 << 10;

/// How long the identity of a delivery without an id of its own counts, in milliseconds: long enough for a sender's
/// retries. After it the same bytes are a new report, for a trouble that came back looks exactly as it did before.
const NAMELESS: i64 = 5 * 60 * 1000;

/// Answers a delivery.
pub(super) async fn receive(app: &Arc<App>, request: Request<Incoming>, peer: IpAddr) -> Response {
    let began = Instant::now();
    let path = request.uri().path();
    if let (github::PATH, Some(endpoint)) = (path, &app.github) {
        return github::receive(app, endpoint, request).await;
    }
    if let (setup::PATH | setup::DONE, Some(setup)) = (path, &app.setup)
        && let Some(response) = setup.receive(&request).await
    {
        return response;
    }
    let found = app.endpoints.at(path).map(|(endpoint, token)| (Arc::clone(endpoint), token.map(str::to_owned)));
    let (sender, answer) = match found {
        None => {
            if let Some(sender) = app.endpoints.unconfigured(path) {
                tracing::warn!(sender, "a delivery for a sender that is not configured");
            }
            ("unknown".into(), Answer::error(StatusCode::NOT_FOUND, "there is no sender at this path"))
        }
        Some((endpoint, token)) => {
            let shown = Shown { token, by_proxy: endpoint.proxies.iter().any(|proxy| proxy.contains(peer)) };
            let answer = deliver(app, &endpoint, shown, request).await.unwrap_or_else(|answer| answer);
            app.metrics.acknowledged.observe(began.elapsed().as_secs_f64());
            (Arc::clone(&endpoint.name), answer)
        }
    };
    let labels = telemetry::Delivery { sender, code: answer.status.as_u16() };
    app.metrics.deliveries.get_or_create(&labels).inc();
    answer.into_response()
}

/// An answer in the making.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: String,
    headers: HeaderMap,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).expect("answers are JSON") + "\n";
        let json = HeaderValue::from_static("application/json");
        Self { status, body, headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]) }
    }

    pub(super) fn error(status: StatusCode, problem: &str) -> Self {
        Self::new(status, &json!({"error": problem}))
    }

    pub(super) fn busy(problem: &str, seconds: u32) -> Self {
        Self::error(StatusCode::SERVICE_UNAVAILABLE, problem).with(header::RETRY_AFTER, seconds.into())
    }

    pub(super) fn with(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Ends the connection after the answer: what is left of the body is not read.
    pub(super) fn closing(self) -> Self {
        self.with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// What became of a delivery whose mapping ended in time.
enum Outcome {
    /// It was handed to the store, which answered.
    Stored { delivery: String, ignored: Vec<String>, acceptance: Result<Acceptance, StoreError> },
    /// It could not be mapped; the reason is being kept.
    Rejected { reason: String, kept: Pending<()> },
}

/// The answer to a delivery that was taken.
#[derive(Serialize)]
struct Taken<'a> {
    accepted: usize,
    cases: &'a [Accepted],
    ignored: &'a [String],
}

/// What the way that a delivery came tells of its sender.
struct Shown {
    /// What follows the sender's path.
    token: Option<String>,
    /// Whether it came from one of its proxies.
    by_proxy: bool,
}

async fn deliver(
    app: &Arc<App>,
    endpoint: &Arc<Endpoint>,
    shown: Shown,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let (head, body) = request.into_parts();
    let asks = |handshake| endpoint.sender().handshakes().contains(&handshake);
    if head.method == Method::OPTIONS
        && asks(Handshake::CloudEvents)
        && let Some(origin) = head.headers.get("webhook-request-origin")
    {
        // Who may post shows in each delivery; that somebody may ask is no secret.
        let answer = Answer::new(StatusCode::OK, &json!({}));
        let answer = answer.with(HeaderName::from_static("webhook-allowed-origin"), origin.clone());
        return Ok(answer.with(header::ALLOW, HeaderValue::from_static("POST")));
    }
    if !endpoint.allows(head.method.as_str()) {
        let allowed = HeaderValue::from_str(&endpoint.methods()).unwrap_or(HeaderValue::from_static("POST"));
        let answer = Answer::error(StatusCode::METHOD_NOT_ALLOWED, "this sender posts");
        return Err(answer.with(header::ALLOW, allowed).closing());
    }
    if *app.stopping.borrow() {
        return Err(Answer::busy("shutting down", 5).closing());
    }
    let encoding = head.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(Answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the body uncompressed").closing());
    }
    let limit = endpoint.sender().body_limit();
    let whole = body::read(body, limit, app.limits.body, &app.bodies).await.map_err(|unread| match unread {
        Unread::TooLong => Answer::error(StatusCode::PAYLOAD_TOO_LARGE, &format!("{limit} bytes are accepted")),
        Unread::TooSlow => Answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        Unread::NoMemory => Answer::busy("too many large deliveries at once", 5),
        Unread::Broken(problem) => {
            tracing::debug!(sender = &*endpoint.name, problem, "a body broke off");
            Answer::error(StatusCode::BAD_REQUEST, "the body broke off")
        }
    });
    let whole = whole.map_err(Answer::closing)?;

    let headers = Arc::new(head.headers);
    let now = (app.clock)();
    let verified = verify(app, endpoint, shown, &headers, whole.bytes.clone(), now).await.map_err(|error| {
        tracing::warn!(security = 3, sender = &*endpoint.name, %error, "a delivery was not accepted");
        match error {
            // Not the sender's fault, and soon over.
            VerifyError::NoKey(_) => Answer::busy("the key of the signature cannot be had now", 10),
            _ => Answer::error(StatusCode::UNAUTHORIZED, "not authenticated"),
        }
    })?;
    if let Some(secret) = verified.secret().and_then(|secret| u32::try_from(secret).ok()) {
        app.metrics.secrets.get_or_create(&SecretUse { sender: Arc::clone(&endpoint.name), secret }).inc();
    }

    if let Some(answer) = answered(app, endpoint, &headers, &whole.bytes).await? {
        return Ok(answer);
    }
    let size = whole.bytes.len();
    let coming = app.store.expect();
    let work = {
        let (app, endpoint) = (Arc::clone(app), Arc::clone(endpoint));
        // The body moves along: its share of the memory is free again when the mapping ends, be it after the deadline.
        move || prepare(&app, &endpoint, &headers, &whole, now)
    };
    let hand_on = {
        let (app, coming) = (Arc::clone(app), coming.clone());
        move |prepared, reply| store(&app, prepared, coming, reply)
    };
    let outcome = if size <= MAPPED_IN_PLACE && endpoint.sender().is_embedded() {
        app.mapping.run_here(work, hand_on).await
    } else {
        app.mapping.run(&endpoint.overruns, work, hand_on).await
    };
    // What did not end in time comes no more.
    drop(coming);
    let outcome = outcome.map_err(|unmapped| match unmapped {
        Unmapped::Busy => Answer::busy("mapping takes too long", 10),
        Unmapped::Overrun => {
            app.metrics.overruns.get_or_create(&Overrun { sender: Arc::clone(&endpoint.name) }).inc();
            tracing::error!(sender = &*endpoint.name, size, "the mapping program did not end in time");
            Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "mapping takes too long")
        }
        Unmapped::Panicked(reason) => {
            tracing::error!(sender = &*endpoint.name, reason, "the mapping program panicked");
            Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "the mapping program failed")
        }
        // It may still be written: then the repeated delivery is a duplicate.
        Unmapped::Unanswered => Answer::busy("writing takes too long", 10),
    })?;
    let (delivery, ignored, acceptance) = match outcome {
        Outcome::Stored { delivery, ignored, acceptance } => (delivery, ignored, acceptance),
        Outcome::Rejected { reason, kept } => {
            if let Err(error) = kept.answer().await {
                tracing::warn!(%error, "the reason could not be kept");
            }
            return Err(Answer::error(StatusCode::UNPROCESSABLE_ENTITY, &reason));
        }
    };
    match acceptance {
        Ok(Acceptance::Accepted(cases)) => Ok(taken(app, endpoint, &delivery, &cases, &ignored)),
        Ok(Acceptance::Duplicate) => Ok(Answer::new(StatusCode::OK, &json!({"accepted": 0, "duplicate": true}))),
        Ok(Acceptance::Conflict) => {
            tracing::warn!(security = 3, sender = &*endpoint.name, delivery, "another body under a known id");
            Err(Answer::error(StatusCode::CONFLICT, "another delivery came under this id before"))
        }
        Err(StoreError::Busy) => Err(Answer::busy("too much to write", 2)),
        Err(StoreError::Full) => Err(Answer::busy("no room to write", 60)),
        Err(error) => {
            tracing::error!(sender = &*endpoint.name, delivery, %error, "a delivery could not be stored");
            Err(Answer::busy("the delivery could not be stored", 10))
        }
    }
}

/// Hands to the store what was mapped, on the thread that mapped it.
fn store(app: &App, prepared: Prepared, coming: Expected, reply: Reply<Outcome>) {
    let Prepared { delivery, size, mapped } = prepared;
    match mapped {
        Ok((arrivals, ignored)) => {
            let id = delivery.id.clone();
            app.store.accept_then(delivery, arrivals, move |acceptance| {
                reply.send(Outcome::Stored { delivery: id, ignored, acceptance });
            });
        }
        Err(Unfit { reason, kept }) => {
            let Delivery { sender, id, received_at, .. } = delivery;
            tracing::warn!(sender, delivery = id, reason = kept, "a delivery could not be mapped");
            let rejection = Rejection { sender, delivery: id, received_at, size, reason: kept };
            reply.send(Outcome::Rejected { reason, kept: app.store.reject(rejection) });
        }
    }
    drop(coming);
}

fn taken(app: &App, endpoint: &Endpoint, delivery: &str, cases: &[Accepted], ignored: &[String]) -> Answer {
    for one in cases {
        let (verdict, case) = (one.status.as_str(), one.id.map(|id| id.0));
        let (sender, finding) = (&*endpoint.name, one.fingerprint.short());
        tracing::info!(sender, delivery, case, finding, verdict, "taken");
        app.metrics.findings.get_or_create(&Verdict { verdict }).inc();
    }
    Answer::new(StatusCode::ACCEPTED, &Taken { accepted: cases.len(), cases, ignored })
}

/// The answer to a verified question, instead of a delivery.
async fn answered(app: &App, endpoint: &Endpoint, headers: &HeaderMap, body: &[u8]) -> Result<Option<Answer>, Answer> {
    if endpoint.sender().handshakes().contains(&Handshake::EventGrid)
        && text_of(headers, "aeg-event-type").as_deref() == Some("SubscriptionValidation")
        && let Some(code) = handshake::event_grid_code(body)
    {
        return Ok(Some(Answer::new(StatusCode::OK, &json!({"validationResponse": code}))));
    }
    if endpoint.authentication == Authentication::Sns
        && let Ok(message) = Message::read(body)
        && let Some(url) = message.confirmation()
    {
        app.keys.open(url.to_owned()).await.map_err(|error| {
            tracing::warn!(sender = &*endpoint.name, error = format!("{error:#}"), "a subscription is not confirmed");
            Answer::busy("the subscription cannot be confirmed now", 10)
        })?;
        tracing::info!(sender = &*endpoint.name, "a subscription is confirmed");
        return Ok(Some(Answer::new(
            StatusCode::OK,
            &json!({"accepted": 0, "ignored": ["the subscription is confirmed"]}),
        )));
    }
    Ok(None)
}

async fn verify(
    app: &App,
    endpoint: &Arc<Endpoint>,
    shown: Shown,
    headers: &Arc<HeaderMap>,
    body: Bytes,
    now: i64,
) -> Result<Verified, VerifyError> {
    let key = match endpoint.authentication.key_of(&endpoint.secrets, &body)? {
        Some(url) => Some(app.keys.get(url, &app.clock).await.ok_or(VerifyError::NoKey("it cannot be fetched"))?),
        None => None,
    };
    let small = body.len() <= HASHED_IN_PLACE;
    let (endpoint, headers) = (Arc::clone(endpoint), Arc::clone(headers));
    let check = move || {
        let header = |name: &str| text_of(&headers, name);
        let presented = Presented {
            header: &header,
            token: shown.token.as_deref(),
            by_proxy: shown.by_proxy,
            body: &body,
            key: key.as_deref(),
            now_unix: now.div_euclid(1000),
        };
        signature::verify(&endpoint.authentication, &endpoint.secrets, &presented)
    };
    if small {
        return check();
    }
    tokio::task::spawn_blocking(check).await.unwrap_or(Err(VerifyError::Mismatch))
}

/// What the mapping thread makes of a delivery.
struct Prepared {
    delivery: Delivery,
    /// Of the body, in bytes.
    size: i64,
    /// What is to be stored and what the sender's program ignored, or why it could not be mapped.
    mapped: Result<(Vec<Arrival>, Vec<String>), Unfit>,
}

/// Why a delivery could not be mapped.
struct Unfit {
    /// For its sender.
    reason: String,
    /// What of it may be kept and logged.
    kept: String,
}

fn prepare(app: &App, endpoint: &Endpoint, headers: &HeaderMap, whole: &Whole, now: i64) -> Prepared {
    let body: &[u8] = &whole.bytes;
    let sender = endpoint.sender();
    let mut id = map::delivery_id(sender, &|name| text_of(headers, name), body);
    if id.starts_with("sha256:") {
        id = format!("{id}@{}", now.div_euclid(NAMELESS));
    }
    let digest = Sha256::digest(body).into();
    let delivery = Delivery { sender: endpoint.name.to_string(), id, digest, received_at: now };
    let content_type = text_of(headers, "content-type");
    let unfit = |reason: String| Unfit { kept: (app.redact.text)(&reason), reason };
    let mapped = map::map(sender, body, content_type.as_deref()).map_err(|error| unfit(error.to_string())).map(|all| {
        let (mut arrivals, mut ignored) = (Vec::new(), Vec::new());
        for one in all {
            match one {
                Mapped::Finding(finding) => arrivals.push(arrival(app, *finding)),
                Mapped::Ignored { why, .. } => ignored.push(why),
            }
        }
        (arrivals, ignored)
    });
    Prepared { delivery, size: i64::try_from(body.len()).unwrap_or(i64::MAX), mapped }
}

fn arrival(app: &App, finding: Finding) -> Arrival {
    let repository = (app.route)(&finding);
    Arrival::new(finding, repository, |finding| (app.redact.finding)(finding))
}

pub(super) fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
