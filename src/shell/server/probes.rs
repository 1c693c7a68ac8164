//! What watches the server asks: is it alive, can it take deliveries, what has it counted.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::time::timeout;

use super::App;
use crate::shell::{
    store::{QUEUE, Store, StoreError, read::Counts},
    telemetry::CaseState,
};

/// The queue beyond which no further deliveries should be sent here.
const HIGH_WATER: usize = QUEUE / 4 * 3;

/// How long a write may take before the store counts as not writable.
const WRITABLE: Duration = Duration::from_secs(2);

/// The paths that [`router`] answers.
pub(super) const PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Answers what watches the server.
pub(super) fn router(app: Arc<App>) -> Router {
    let [health, readiness, counted] = PATHS;
    Router::new().route(health, get(alive)).route(readiness, get(ready)).route(counted, get(metrics)).with_state(app)
}

/// `/healthz`: the process answers.
async fn alive() -> &'static str {
    "alive\n"
}

/// `/readyz`: deliveries can be taken.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let problem = if *app.stopping.borrow() {
        Some("shutting down".to_owned())
    } else if app.store.progress().queued >= HIGH_WATER {
        Some("the store's queue is nearly full".to_owned())
    } else {
        match timeout(WRITABLE, app.store.ping().answer()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the store does not write".to_owned()),
        }
    };
    match problem {
        None => "ready\n".into_response(),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {problem}\n")).into_response(),
    }
}

/// `/metrics`: everything that is counted, for Prometheus.
async fn metrics(State(app): State<Arc<App>>) -> Response {
    let counted = tokio::task::spawn_blocking({
        let store = app.store.clone();
        move || counts(&store)
    });
    match counted.await {
        Ok(Ok(counts)) => show(&app, &counts),
        Ok(Err(error)) => tracing::warn!(%error, "the cases could not be counted"),
        Err(error) => tracing::error!(%error, "the cases could not be counted"),
    }
    match app.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn counts(store: &Store) -> Result<Counts, StoreError> {
    store.reader()?.counts()
}

fn show(app: &App, counts: &Counts) {
    let metrics = &app.metrics;
    for (state, cases) in &counts.cases {
        metrics.cases.get_or_create(&CaseState { state: state.to_string() }).set(*cases);
    }
    let age = counts.oldest_due.map_or(0, |due| ((app.clock)() - due).max(0) / 1000);
    metrics.queue_oldest.set(age);
    let progress = app.store.progress();
    metrics.queue_depth.set(i64::try_from(progress.queued).unwrap_or(i64::MAX));
    metrics.commits.inner().store(progress.commits, std::sync::atomic::Ordering::Relaxed);
    metrics.operations.inner().store(progress.operations, std::sync::atomic::Ordering::Relaxed);
}
