//! `sourceward serve`: the receiver and its workers, until the process is told to end.

use std::{io::Write, path::PathBuf};

use anyhow::Context;

use super::Exit;
use crate::shell::{
    charts::Charts,
    config::{Config, Identity},
    live::Live,
    rules,
    server::{
        Parts, Server,
        setup::{self, Setup},
        terminated,
    },
    telemetry::{Format, start_logging},
    worker::remediate::Remediation,
};

#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The server's configuration.
    #[arg(long, value_name = "FILE", env = "SOURCEWARD_CONFIG")]
    config: PathBuf,
    /// A folder of charts that are in no repository, as folders or .tgz.
    #[arg(long, value_name = "DIR", env = "SOURCEWARD_CHARTS")]
    charts: Option<PathBuf>,
    /// A folder of further rules; one with the id of ours replaces it.
    #[arg(long, value_name = "DIR", env = "SOURCEWARD_RULES")]
    rules: Option<PathBuf>,
    /// How to log.
    #[arg(long, value_enum, default_value = "auto", env = "SOURCEWARD_LOG_FORMAT")]
    log_format: LogFormat,
    /// What to log, in the syntax of RUST_LOG.
    #[arg(long, default_value = "info", env = "SOURCEWARD_LOG")]
    log: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    /// One line for people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<Exit> {
        start_logging(self.log_format.into(), &self.log)?;
        let config = Config::read(&self.config, &|name| std::env::var(name).ok())?;
        let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
        runtime.block_on(async {
            let job = match config.github.as_ref().map(|github| &github.identity) {
                Some(Identity::Setup(_)) => None,
                _ => Some(self.remediation(&config).await?),
            };
            let takes_events = config.github.as_ref().is_some_and(|github| !github.webhook_secrets.is_empty());
            let github = job.as_ref().map(|job| job.github.clone());
            let deliveries = github.filter(|github| github.is_app() && takes_events);
            let parts = Parts { deliveries, ..Parts::from_config(&config, job.map(Remediation::job))? };
            let setup = parts.setup.as_ref().map(Setup::address);
            if parts.work.is_none() && setup.is_none() {
                let folder = config.data.join(setup::FOLDER);
                tracing::warn!(folder = %folder.display(), "an App is registered: name it in the configuration in the place of setup");
            }
            let server = Server::bind(config.listen, config.metrics, parts).await?;
            tracing::info!(address = %server.address()?, "listening");
            if let Some(address) = setup {
                // Not logged: logs are kept, and read by others.
                writeln!(anstream::stdout(), "Register the GitHub App within an hour, once: {address}")?;
            }
            server
                .run(async {
                    if let Err(error) = terminated().await {
                        tracing::error!("{error:#}")
                    }
                })
                .await
        })?;
        Ok(Exit::Done)
    }

    async fn remediation(&self, config: &Config) -> anyhow::Result<Remediation> {
        let charts = self.charts.as_deref().map(Charts::read).transpose()?.unwrap_or_default();
        let live = Live::open(&config.live).await?;
        let rules = rules::read(self.rules.as_deref())?;
        Ok(Remediation { charts, live, ..Remediation::from_config(config, rules)? })
    }
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Auto => Self::Automatic,
            LogFormat::Human => Self::Human,
            LogFormat::Json => Self::Json,
        }
    }
}
