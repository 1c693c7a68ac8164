//! Logs and metrics.
//!
//! Logs name the case that a line is about, never a body and never a secret; what others have worded reaches a terminal
//! only with its control characters escaped. Metrics live in a value that is passed around, so that a test or a second
//! server has its own.

use std::{fmt, io, io::IsTerminal, sync::Arc};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};
use tracing_subscriber::{EnvFilter, fmt::format, util::SubscriberInitExt};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people on a terminal, JSON elsewhere.
    #[default]
    Automatic,
    /// One line for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Everything that is counted; `/metrics` shows it.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Deliveries by sender and answer.
    pub deliveries: Family<Delivery, Counter>,
    /// Time from a delivery's headers to its answer.
    pub acknowledged: Histogram,
    /// Verified deliveries by the position of the secret that fitted: at zero, a rotated secret can go.
    pub secrets: Family<SecretUse, Counter>,
    /// Findings by what they meant for their case.
    pub findings: Family<Verdict, Counter>,
    /// Mapping programs that did not end in time.
    pub overruns: Family<Overrun, Counter>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Operations that wait for the store's writer.
    pub queue_depth: Gauge,
    /// Age in seconds of the case that has been due longest.
    pub queue_oldest: Gauge,
    /// Cases by state.
    pub cases: Family<CaseState, Gauge>,
    /// The store's transactions that wrote something, each one flush.
    pub commits: Counter,
    /// The store's operations.
    pub operations: Counter,
    /// Events of GitHub by what became of them.
    pub events: Family<ForgeEvent, Counter>,
    /// Lost events of GitHub that were asked for again.
    pub redeliveries: Counter,
    /// Jobs by how they ended.
    pub jobs: Family<JobEnd, Counter>,
    /// Time that jobs took.
    pub job_seconds: Histogram,
}

/// Labels of [`Metrics::deliveries`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Delivery {
    /// The sender, `unknown` if there is none at the path.
    pub sender: Arc<str>,
    /// The HTTP status of the answer.
    pub code: u16,
}

/// Labels of [`Metrics::secrets`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SecretUse {
    /// The sender.
    pub sender: Arc<str>,
    /// The position of the secret in the configuration.
    pub secret: u32,
}

/// Labels of [`Metrics::findings`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Verdict {
    /// `new`, `revised`, `repeat`, …
    pub verdict: &'static str,
}

/// Labels of [`Metrics::overruns`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Overrun {
    /// The sender.
    pub sender: Arc<str>,
}

/// Labels of [`Metrics::cases`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CaseState {
    /// `ready`, `waiting`, …
    pub state: String,
}

/// Labels of [`Metrics::jobs`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JobEnd {
    /// `done`, `panicked`, `fenced`, `released`
    pub end: String,
}

/// Labels of [`Metrics::events`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ForgeEvent {
    /// `taken`, `duplicate`, `ignored`
    pub taken: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sourceward");
        let seconds = || Histogram::new(exponential_buckets(0.000_5, 2.0, 16));
        let metrics = Self {
            deliveries: Family::default(),
            acknowledged: seconds(),
            secrets: Family::default(),
            findings: Family::default(),
            overruns: Family::default(),
            connections: Gauge::default(),
            queue_depth: Gauge::default(),
            queue_oldest: Gauge::default(),
            cases: Family::default(),
            commits: Counter::default(),
            operations: Counter::default(),
            events: Family::default(),
            redeliveries: Counter::default(),
            jobs: Family::default(),
            job_seconds: Histogram::new(exponential_buckets(0.01, 2.0, 16)),
            registry: Registry::default(),
        };
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What runs", build);
        registry.register("deliveries", "Deliveries by sender and answer", metrics.deliveries.clone());
        registry.register_with_unit(
            "delivery_ack",
            "Time from a delivery's headers to its answer",
            Unit::Seconds,
            metrics.acknowledged.clone(),
        );
        registry.register("secret_uses", "Verified deliveries by secret", metrics.secrets.clone());
        registry.register("findings", "Findings by what they meant for their case", metrics.findings.clone());
        registry.register("mapping_overruns", "Mappings that did not end in time", metrics.overruns.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("queue_depth", "Operations that wait for the store", metrics.queue_depth.clone());
        registry.register_with_unit(
            "queue_oldest",
            "Age of the case that has been due longest",
            Unit::Seconds,
            metrics.queue_oldest.clone(),
        );
        registry.register("cases", "Cases by state", metrics.cases.clone());
        registry.register("store_commits", "Transactions, each one flush", metrics.commits.clone());
        registry.register("store_operations", "Operations of the store", metrics.operations.clone());
        registry.register("github_events", "Events of GitHub by what became of them", metrics.events.clone());
        registry.register("github_redeliveries", "Lost events that were asked for again", metrics.redeliveries.clone());
        registry.register("jobs", "Jobs by how they ended", metrics.jobs.clone());
        registry.register_with_unit("job", "Time that jobs took", Unit::Seconds, metrics.job_seconds.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Everything in the text format of OpenMetrics 1.0, which Prometheus reads.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Starts logging to standard error for the whole process; `filter` is in the syntax of `RUST_LOG`.
pub fn start_logging(form: Format, filter: &str) -> anyhow::Result<()> {
    // The client of Kubernetes quotes answers in its debugging lines.
    let filter = EnvFilter::try_new(filter)?.add_directive("kube_client=info".parse()?);
    let terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match form {
        Format::Automatic if !terminal => lines.json().flatten_event(true).finish().try_init()?,
        Format::Json => lines.json().flatten_event(true).finish().try_init()?,
        Format::Automatic | Format::Human => {
            lines.with_ansi(terminal).with_target(false).fmt_fields(format::debug_fn(field)).finish().try_init()?;
        }
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic: {}", message(panic.payload()));
    }));
    Ok(())
}

/// What a panic says.
pub fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "(no message)".to_owned())
}

/// Escapes what can steer a terminal or reorder a line: control characters, line breaks, bidirectional and zero-width
/// marks.
pub fn escaped(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if steers(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// Writes a field for people.
fn field(writer: &mut format::Writer<'_>, field: &tracing::field::Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = escaped(&format!("{value:?}"));
    match field.name() {
        "message" => writer.write_str(&text),
        name => write!(writer, "{name}={text} "),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn the_metrics_have_the_names_of_their_documentation() {
        let metrics = Metrics::default();
        metrics.deliveries.get_or_create(&Delivery { sender: "falco".into(), code: 202 }).inc();
        metrics.acknowledged.observe(0.004);
        let text = metrics.text().expect("writes");
        for line in [
            r#"sourceward_deliveries_total{sender="falco",code="202"} 1"#,
            "# TYPE sourceward_delivery_ack_seconds histogram",
            "sourceward_delivery_ack_seconds_count 1",
            "sourceward_queue_depth 0",
            "sourceward_queue_oldest_seconds 0",
            "sourceward_store_commits_total 0",
            "# TYPE sourceward_build info",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn foreign_text_cannot_steer_a_terminal_or_forge_a_line() {
        #[derive(Clone, Default)]
        struct Sink(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().expect("no panic").extend(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let hostile = "\u{1b}[2Jgone\r\n2026-01-01 INFO forged\u{9b}31m\u{202e}\u{7f}";
        for json in [false, true] {
            let sink = Sink::default();
            let writer = sink.clone();
            let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
            let log = || {
                let _span = tracing::info_span!("case", case = hostile).entered();
                tracing::info!(name = hostile, other = %hostile, "{hostile}");
            };
            if json {
                tracing::subscriber::with_default(lines.json().flatten_event(true).finish(), log);
            } else {
                tracing::subscriber::with_default(lines.fmt_fields(format::debug_fn(field)).finish(), log);
            }
            let bytes = sink.0.lock().expect("no panic").clone();
            let text = String::from_utf8(bytes).expect("UTF-8");
            assert!(text.contains("forged") && text.ends_with('\n'));
            let line = text.trim_end_matches('\n');
            let raw =
                |c: char| c == '\u{1b}' || c == '\n' || c == '\r' || (!json && (c.is_control() || c == '\u{202e}'));
            assert!(!line.contains(raw), "{text:?}");
        }
    }
}
