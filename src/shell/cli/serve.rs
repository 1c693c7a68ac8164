//! `sourceward serve`: the receiver and its workers, until the process is told to end.

use std::path::PathBuf;

use anyhow::Context;

use super::Exit;
use crate::shell::{
    charts::Charts,
    config::Config,
    live::Live,
    rules,
    server::{Parts, Server, terminated},
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
            let charts = self.charts.as_deref().map(Charts::read).transpose()?.unwrap_or_default();
            let live = Live::open(&config.live).await?;
            let rules = rules::read(self.rules.as_deref())?;
            let job = Remediation { charts, live, ..Remediation::from_config(&config, rules)? }.job();
            let parts = Parts::from_config(&config, Some(job))?;
            let server = Server::bind(config.listen, config.metrics, parts).await?;
            tracing::info!(address = %server.address()?, "listening");
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
