//! One delivery: from its head to the answer.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{
    App,
    body::{self, Unread, Whole},
    mapping::Unmapped,
    senders::Endpoint,
};
use crate::{
    model::finding::Finding,
    shell::{
        store::{
            StoreError,
            accept::{Acceptance, Accepted, Arrival, Delivery, Rejection},
        },
        telemetry::{self, Overrun, SecretUse, Verdict},
    },
    webhook::{
        map::{self, Mapped},
        signature::{self, Verified, VerifyError},
    },
};

/// Bodies of more bytes are verified on a thread, so that no other request waits for the hash.
const HASHED_IN_PLACE: usize = 64 << 10;

/// How long the identity of a delivery without an id of its own counts, in milliseconds: long enough for a sender's
/// retries. After it the same bytes are a new report, for a trouble that came back looks exactly as it did before.
const NAMELESS: i64 = 5 * 60 * 1000;

/// Answers a delivery.
pub(super) async fn receive(State(app): State<Arc<App>>, request: Request) -> Response {
    let began = Instant::now();
    let path = request.uri().path();
    let (sender, answer) = match app.endpoints.at(path).cloned() {
        None => {
            if let Some(sender) = app.endpoints.unconfigured(path) {
                tracing::warn!(sender, "a delivery for a sender that is not configured");
            }
            ("unknown".to_owned(), Answer::error(StatusCode::NOT_FOUND, "there is no sender at this path"))
        }
        Some(endpoint) => {
            let answer = deliver(&app, &endpoint, request).await.unwrap_or_else(|answer| answer);
            app.metrics.acknowledged.observe(began.elapsed().as_secs_f64());
            (endpoint.name.clone(), answer)
        }
    };
    let labels = telemetry::Delivery { sender, code: answer.status.as_u16() };
    app.metrics.deliveries.get_or_create(&labels).inc();
    answer.into_response()
}

/// An answer in the making.
struct Answer {
    status: StatusCode,
    body: Value,
    headers: HeaderMap,
}

impl Answer {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, headers: HeaderMap::new() }
    }

    fn error(status: StatusCode, problem: &str) -> Self {
        Self::new(status, json!({"error": problem}))
    }

    fn busy(problem: &str, seconds: u32) -> Self {
        Self::error(StatusCode::SERVICE_UNAVAILABLE, problem).with(header::RETRY_AFTER, seconds.into())
    }

    fn with(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Ends the connection after the answer: what is left of the body is not read.
    fn closing(self) -> Self {
        self.with(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        (self.status, [(header::CONTENT_TYPE, json)], self.headers, format!("{}\n", self.body)).into_response()
    }
}

async fn deliver(app: &Arc<App>, endpoint: &Arc<Endpoint>, request: Request) -> Result<Answer, Answer> {
    let (head, body) = request.into_parts();
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
            tracing::debug!(sender = endpoint.name, problem, "a body broke off");
            Answer::error(StatusCode::BAD_REQUEST, "the body broke off")
        }
    });
    let whole = whole.map_err(Answer::closing)?;

    let headers = Arc::new(head.headers);
    let now = (app.clock)();
    let verified = verify(endpoint, &headers, whole.bytes.clone(), now).await.map_err(|error| {
        tracing::warn!(security = 3, sender = endpoint.name, %error, "a delivery was not accepted");
        Answer::error(StatusCode::UNAUTHORIZED, "not authenticated")
    })?;
    if let Some(secret) = verified.secret().and_then(|secret| u32::try_from(secret).ok()) {
        app.metrics.secrets.get_or_create(&SecretUse { sender: endpoint.name.clone(), secret }).inc();
    }

    let size = whole.bytes.len();
    let coming = app.store.expect();
    let work = {
        let (app, endpoint) = (Arc::clone(app), Arc::clone(endpoint));
        // The body moves along: its share of the memory is free again when the mapping ends, be it after the deadline.
        move || prepare(&app, &endpoint, &headers, &whole, now)
    };
    let prepared = app.mapping.run(&endpoint.overruns, work).await.map_err(|unmapped| match unmapped {
        Unmapped::Busy => Answer::busy("mapping takes too long", 10),
        Unmapped::Overrun => {
            app.metrics.overruns.get_or_create(&Overrun { sender: endpoint.name.clone() }).inc();
            tracing::error!(sender = endpoint.name, size, "the mapping program did not end in time");
            Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "mapping takes too long")
        }
        Unmapped::Panicked(reason) => {
            tracing::error!(sender = endpoint.name, reason, "the mapping program panicked");
            Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "the mapping program failed")
        }
    })?;

    let id = prepared.delivery.id.clone();
    let (arrivals, ignored) = match prepared.mapped {
        Ok(mapped) => mapped,
        Err(reason) => {
            let kept = (app.redact.text)(&reason);
            tracing::warn!(sender = endpoint.name, delivery = id, reason = kept, "a delivery could not be mapped");
            let rejection = Rejection {
                sender: endpoint.name.clone(),
                delivery: id,
                received_at: now,
                size: i64::try_from(size).unwrap_or(i64::MAX),
                reason: kept,
            };
            let rejected = app.store.reject(rejection).answer();
            drop(coming);
            if let Err(error) = rejected.await {
                tracing::warn!(%error, "the reason could not be kept");
            }
            return Err(Answer::error(StatusCode::UNPROCESSABLE_ENTITY, &reason));
        }
    };
    let accepted = app.store.accept(prepared.delivery, arrivals).answer();
    drop(coming);
    match timeout(app.limits.commit, accepted).await {
        Ok(Ok(Acceptance::Accepted(cases))) => Ok(taken(app, endpoint, &id, &cases, &ignored)),
        Ok(Ok(Acceptance::Duplicate)) => Ok(Answer::new(StatusCode::OK, json!({"accepted": 0, "duplicate": true}))),
        Ok(Ok(Acceptance::Conflict)) => {
            tracing::warn!(security = 3, sender = endpoint.name, delivery = id, "another body under a known id");
            Err(Answer::error(StatusCode::CONFLICT, "another delivery came under this id before"))
        }
        Ok(Err(StoreError::Busy)) => Err(Answer::busy("too much to write", 2)),
        Ok(Err(StoreError::Full)) => Err(Answer::busy("no room to write", 60)),
        Ok(Err(error)) => {
            tracing::error!(sender = endpoint.name, delivery = id, %error, "a delivery could not be stored");
            Err(Answer::busy("the delivery could not be stored", 10))
        }
        // It may still be written: then the repeated delivery is a duplicate.
        Err(_) => Err(Answer::busy("writing takes too long", 10)),
    }
}

fn taken(app: &App, endpoint: &Endpoint, id: &str, cases: &[Accepted], ignored: &[String]) -> Answer {
    for one in cases {
        let verdict = serde_json::to_value(one.status).ok().and_then(|text| text.as_str().map(str::to_owned));
        let verdict = verdict.unwrap_or_default();
        let case = one.id.map(|id| id.0);
        tracing::info!(
            sender = endpoint.name,
            delivery = id,
            case,
            finding = one.fingerprint.short(),
            verdict,
            "taken"
        );
        app.metrics.findings.get_or_create(&Verdict { verdict }).inc();
    }
    Answer::new(StatusCode::ACCEPTED, json!({"accepted": cases.len(), "cases": cases, "ignored": ignored}))
}

async fn verify(
    endpoint: &Arc<Endpoint>,
    headers: &Arc<HeaderMap>,
    body: Bytes,
    now: i64,
) -> Result<Verified, VerifyError> {
    let small = body.len() <= HASHED_IN_PLACE;
    let (endpoint, headers) = (Arc::clone(endpoint), Arc::clone(headers));
    let check = move || {
        let header = |name: &str| text_of(&headers, name);
        signature::verify(&endpoint.authentication, &endpoint.secrets, &header, &body, now.div_euclid(1000))
    };
    if small {
        return check();
    }
    tokio::task::spawn_blocking(check).await.unwrap_or(Err(VerifyError::Mismatch))
}

/// What the mapping thread makes of a delivery.
struct Prepared {
    delivery: Delivery,
    /// What is to be stored and what the sender's program ignored, or why it could not be mapped.
    mapped: Result<(Vec<Arrival>, Vec<String>), String>,
}

fn prepare(app: &App, endpoint: &Endpoint, headers: &HeaderMap, whole: &Whole, now: i64) -> Prepared {
    let body: &[u8] = &whole.bytes;
    let sender = endpoint.sender();
    let mut id = map::delivery_id(sender, &|name| text_of(headers, name), body);
    if id.starts_with("sha256:") {
        id = format!("{id}@{}", now.div_euclid(NAMELESS));
    }
    let digest = Sha256::digest(body).into();
    let delivery = Delivery { sender: endpoint.name.clone(), id, digest, received_at: now };
    let content_type = text_of(headers, "content-type");
    let mapped = map::map(sender, body, content_type.as_deref()).map_err(|error| error.to_string()).map(|all| {
        let (mut arrivals, mut ignored) = (Vec::new(), Vec::new());
        for one in all {
            match one {
                Mapped::Finding(finding) => arrivals.push(arrival(app, &finding)),
                Mapped::Ignored { why } => ignored.push(why),
            }
        }
        (arrivals, ignored)
    });
    Prepared { delivery, mapped }
}

fn arrival(app: &App, finding: &Finding) -> Arrival {
    Arrival::new(finding, (app.route)(finding), |finding| (app.redact.finding)(finding))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
