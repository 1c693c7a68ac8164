//! The operator's configuration of the server.
//!
//! One YAML file that can be shown to anybody: secrets are named by file or environment variable and never written in
//! it. Reading it yields values that can be used as they are, or every problem at once, each with its place and what to
//! do.

pub mod live;
pub mod network;
pub mod setup;
pub mod states;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;

use network::Network;
use setup::Setup;

use crate::{
    model::{
        repository::{BranchName, RepoSlug},
        secret::Secret,
    },
    remedy::onboarding::Onboarding,
    stack::config::pull_requests::PullRequests,
};

/// The longest file that is read, for the configuration and for a secret.
const LONGEST_FILE: u64 = 1 << 20;

/// What the server runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where senders post.
    pub listen: SocketAddr,
    /// Where `/metrics` and the probes answer; absent to answer at `listen`.
    pub metrics: Option<SocketAddr>,
    /// The folder of the store.
    pub data: PathBuf,
    /// The most bytes of the database, absent for what the disk holds.
    pub data_limit: Option<u64>,
    /// A folder of further senders.
    pub webhooks: Option<PathBuf>,
    /// Who may post, by name of sender.
    pub senders: BTreeMap<String, SenderAccess>,
    /// The repositories that are looked after.
    pub repositories: Vec<Repository>,
    /// How GitHub is reached; absent to propose nothing there.
    pub github: Option<GitHub>,
    /// Where live state may be read.
    pub live: live::Sources,
    /// How many repositories are worked on at once.
    pub workers: usize,
    /// How long a claim of a repository holds without a sign of life.
    pub lease: Duration,
    /// How pull requests are made where a repository does not say.
    pub pull_requests: PullRequests,
    /// How many pull requests are opened in an hour in all repositories of an owner; absent for our default.
    pub hourly_of_all: Option<usize>,
}

/// How a sender shows who it is.
#[derive(Clone, Debug)]
pub struct SenderAccess {
    /// The kind of authentication; absent for the one that the sender's manifest recommends.
    pub authentication: Option<String>,
    /// The secrets that are valid at once.
    pub secrets: Vec<Secret>,
    /// The proxies whose word about client certificates counts.
    pub proxies: Vec<Network>,
}

/// A repository that is looked after.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Its name on the forge.
    pub slug: RepoSlug,
    /// Where it is fetched from; absent for the forge's own URL.
    pub remote: Option<String>,
    /// The branch that is deployed and that pull requests go to.
    pub branch: BranchName,
    /// The states of what it deploys.
    pub states: Vec<states::Source>,
}

/// How GitHub is reached.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// The base URL of its REST API, without a slash at the end.
    pub api: String,
    /// As whom.
    pub identity: Identity,
    /// What GitHub signs its own events with, all valid at once; none to take no events.
    pub webhook_secrets: Vec<Secret>,
    /// How much is asked of it.
    pub budget: Budget,
    /// Whether repositories are asked before anything is proposed there.
    pub onboarding: Onboarding,
}

/// How much is asked of GitHub by installation; absent for its published limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Requests that create content, a minute.
    pub changes_per_minute: Option<usize>,
    /// The same, an hour.
    pub changes_per_hour: Option<usize>,
    /// Points a minute: a look is one, a change five.
    pub points_per_minute: Option<usize>,
}

/// As whom GitHub sees us.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The owner of a token.
    Token(Secret),
    /// A GitHub App, whose commits show as verified.
    App {
        /// The App's id.
        id: u64,
        /// Its private key, PEM.
        private_key: Secret,
    },
    /// Nobody yet: the operator registers an App in a browser.
    Setup(Setup),
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{file} is not a usable configuration:\n  {}", problems.join("\n  "))]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong, where, and what to do.
    pub problems: Vec<String>,
}

/// The file as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "sourceward server configuration")]
struct Written {
    /// Address and port where senders post.
    #[serde(default = "default_listen")]
    listen: String,
    /// Address and port of /metrics, /healthz and /readyz; without it they answer at `listen`.
    metrics: Option<String>,
    /// The folder of the store, relative to this file; it is created.
    data: PathBuf,
    /// The most MiB that the database may take.
    data_limit_mib: Option<u64>,
    /// A folder of further senders, in the form of sourceward's own `webhooks/`.
    webhooks: Option<PathBuf>,
    /// Who may post, by name of sender.
    #[serde(default)]
    senders: BTreeMap<String, WrittenSender>,
    /// The repositories that are looked after.
    #[serde(default)]
    repositories: Vec<WrittenRepository>,
    /// How GitHub is reached.
    github: Option<WrittenGitHub>,
    /// Where live state may be read; without it findings have to carry their values.
    #[serde(default)]
    live: live::Written,
    /// How many repositories are worked on at once.
    #[serde(default = "default_workers")]
    workers: usize,
    /// How long a claim of a repository holds without a sign of life.
    #[serde(default = "default_lease")]
    lease_seconds: u64,
    /// How pull requests are made, where the repository's own configuration does not say.
    #[serde(default)]
    pull_requests: PullRequests,
    /// How many pull requests are opened in an hour in all repositories of one owner.
    #[schemars(range(min = 1, max = 10000))]
    pull_requests_per_hour: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenSender {
    /// The kind of authentication, `insecure` for none; without it the one that the sender recommends.
    authentication: Option<String>,
    /// The secrets that are valid at once.
    #[serde(default)]
    secrets: Vec<SecretSource>,
    /// For mtls: the addresses of the proxies that verify client certificates, as 10.1.0.0/16 or 127.0.0.1.
    #[serde(default)]
    proxies: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenRepository {
    /// owner/name
    slug: String,
    /// Where it is fetched from, without credentials; without it the forge's own URL.
    remote: Option<String>,
    /// The branch that is deployed.
    #[serde(default = "default_branch")]
    branch: String,
    /// The Terraform states in which findings about cloud resources find their addresses.
    #[serde(default)]
    states: Vec<states::Written>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenGitHub {
    /// Base URL of the REST API.
    #[serde(default = "default_api")]
    api: String,
    /// A token, or `app`, or `setup`.
    token: Option<SecretSource>,
    /// A GitHub App, or `token`, or `setup`.
    app: Option<WrittenApp>,
    /// Offers a page that registers an App, instead of `token` and `app`, once.
    setup: Option<setup::Written>,
    /// The secrets of GitHub's webhook, all valid at once; with any, its events are taken at /github.
    #[serde(default)]
    webhook_secrets: Vec<SecretSource>,
    /// Whether a repository without a configuration is asked by a pull request first: `required` (nothing is proposed before it
    /// is merged; the default for an App), `offered` (it is asked, and worked on meanwhile), `off` (the default for a token).
    onboarding: Option<Onboarding>,
    /// How much is asked of it, for a GitHub Enterprise Server with other limits than github.com.
    #[serde(default)]
    budget: Budget,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenApp {
    /// The App's id.
    id: u64,
    /// Its private key, PEM.
    private_key: SecretSource,
}

/// Where a secret is: exactly one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SecretSource {
    /// A file, relative to the configuration.
    file: Option<PathBuf>,
    /// An environment variable.
    env: Option<String>,
}

impl Config {
    /// Reads a configuration file and the secrets that it names; `environment` looks variables up.
    pub fn read(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError { file: file.to_owned(), problems: vec![problem] };
        let text = read_text(file).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let written: Written = serde_yaml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut reading = Reading { folder, environment, problems: Vec::new() };
        match reading.config(written) {
            Some(config) if reading.problems.is_empty() => Ok(config),
            _ => Err(ConfigError { file: file.to_owned(), problems: reading.problems }),
        }
    }

    /// The JSON Schema of the file.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Written).to_value()
    }
}

struct Reading<'a> {
    folder: PathBuf,
    environment: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn config(&mut self, written: Written) -> Option<Config> {
        let listen = self.parse("listen", &written.listen, "an address and a port, such as 0.0.0.0:8080");
        let metrics =
            written.metrics.map(|text| self.parse("metrics", &text, "an address and a port, such as 127.0.0.1:9090"));
        if !(1..=64).contains(&written.workers) {
            self.problem("workers", "expected 1 to 64");
        }
        if !(10..=3600).contains(&written.lease_seconds) {
            self.problem("lease_seconds", "expected 10 to 3600");
        }
        let senders = written.senders.into_iter().map(|(name, sender)| self.sender(name, sender)).collect();
        let repositories: Vec<Option<Repository>> =
            written.repositories.into_iter().enumerate().map(|(index, one)| self.repository(index, one)).collect();
        let repositories: Vec<Repository> = repositories.into_iter().flatten().collect();
        for (index, one) in repositories.iter().enumerate() {
            if repositories[..index].iter().any(|other| other.slug == one.slug) {
                self.problem("repositories", &format!("{} is listed twice: keep one entry", one.slug));
            }
        }
        let github = written.github.map(|github| self.github(github));
        let live = self.live(written.live);
        if let Err((member, what)) = written.pull_requests.check() {
            self.problem(&format!("pull_requests.{member}"), &what);
        }
        if written.pull_requests_per_hour.is_some_and(|limit| !(1..=10_000).contains(&limit)) {
            self.problem("pull_requests_per_hour", "expected 1 to 10000");
        }
        Some(Config {
            listen: listen?,
            metrics: match metrics {
                Some(metrics) => Some(metrics?),
                None => None,
            },
            data: self.folder.join(written.data),
            data_limit: written.data_limit_mib.map(|mib| mib.saturating_mul(1 << 20)),
            webhooks: written.webhooks.map(|folder| self.folder.join(folder)),
            senders,
            repositories,
            github: match github {
                Some(github) => Some(github?),
                None => None,
            },
            live,
            workers: written.workers,
            lease: Duration::from_secs(written.lease_seconds),
            pull_requests: written.pull_requests,
            hourly_of_all: written.pull_requests_per_hour,
        })
    }

    fn sender(&mut self, name: String, written: WrittenSender) -> (String, SenderAccess) {
        let place = format!("senders.{name}");
        let insecure = written.authentication.as_deref() == Some("insecure");
        if insecure && !written.secrets.is_empty() {
            self.problem(&place, "insecure takes no secrets: remove them, or the word insecure");
        }
        if !insecure && written.secrets.is_empty() {
            self.problem(
                &place,
                "there is no secret: name at least one, {file: PATH} or {env: NAME}, or write \
                 `authentication: insecure` to let anybody post",
            );
        }
        let secrets = written
            .secrets
            .iter()
            .enumerate()
            .filter_map(|(index, source)| self.secret(&format!("{place}.secrets[{index}]"), source))
            .collect();
        let mut proxies = Vec::new();
        for (index, text) in written.proxies.iter().enumerate() {
            match text.parse() {
                Ok(network) => proxies.push(network),
                Err(error) => self.problem(&format!("{place}.proxies[{index}]"), error),
            }
        }
        if proxies.is_empty() && written.authentication.as_deref() == Some("mtls") {
            self.problem(&place, "mtls needs proxies: the addresses that client certificates are believed from");
        }
        (name, SenderAccess { authentication: written.authentication, secrets, proxies })
    }

    fn repository(&mut self, index: usize, written: WrittenRepository) -> Option<Repository> {
        let place = format!("repositories[{index}]");
        let slug = written.slug.parse().map_err(|error| self.problem(&format!("{place}.slug"), &format!("{error}")));
        let branch =
            written.branch.parse().map_err(|error| self.problem(&format!("{place}.branch"), &format!("{error}")));
        if let Some(remote) = &written.remote {
            let authority = remote.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
            if authority.split_once('@').is_some_and(|(user, _)| user.contains(':') || !remote.starts_with("ssh:")) {
                self.problem(
                    &format!("{place}.remote"),
                    "a URL must not carry credentials: they would show in logs; configure github.token or github.app",
                );
                return None;
            }
        }
        let states = self.states(&place, written.states);
        Some(Repository { slug: slug.ok()?, remote: written.remote, branch: branch.ok()?, states })
    }

    fn github(&mut self, written: WrittenGitHub) -> Option<GitHub> {
        let api = self.base("github.api", &written.api, "https://github.example.com/api/v3")?;
        let identity = match (written.token, written.app, written.setup) {
            (None, None, Some(setup)) => Identity::Setup(self.setup(setup)?),
            (Some(token), None, None) => Identity::Token(self.secret("github.token", &token)?),
            (None, Some(app), None) => {
                let private_key = self.secret("github.app.private_key", &app.private_key)?;
                if !private_key.expose().contains("PRIVATE KEY-----") {
                    self.problem("github.app.private_key", "expected a PEM private key as GitHub hands it out");
                    return None;
                }
                Identity::App { id: app.id, private_key }
            }
            _ => {
                self.problem("github", "expected exactly one of token, app and setup");
                return None;
            }
        };
        let secrets = written.webhook_secrets.iter().enumerate();
        let webhook_secrets =
            secrets.filter_map(|(at, source)| self.secret(&format!("github.webhook_secrets[{at}]"), source)).collect();
        let usual = if matches!(identity, Identity::App { .. }) { Onboarding::Required } else { Onboarding::Off };
        let onboarding = written.onboarding.unwrap_or(usual);
        Some(GitHub { api, identity, webhook_secrets, budget: written.budget, onboarding })
    }

    /// The base URL of an API, without a slash at the end; `http` only on this machine.
    fn base(&mut self, place: &str, url: &str, such_as: &str) -> Option<String> {
        let url = url.trim_end_matches('/');
        let host = |scheme: &str| url.strip_prefix(scheme).map(|rest| rest.split(['/', ':']).next().unwrap_or(""));
        let loopback = host("http://").is_some_and(|host| matches!(host, "127.0.0.1" | "localhost"));
        if host("https://").is_none_or(str::is_empty) && !loopback || url.contains(['@', '?', '#']) {
            self.problem(place, &format!("expected an https:// URL without credentials, such as {such_as}"));
            return None;
        }
        Some(url.to_owned())
    }

    fn secret(&mut self, place: &str, source: &SecretSource) -> Option<Secret> {
        let text = match (&source.file, &source.env) {
            (Some(file), None) => {
                let path = self.folder.join(file);
                read_text(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
            }
            (None, Some(name)) => {
                (self.environment)(name).ok_or_else(|| format!("the environment variable {name} is not set"))
            }
            _ => Err("expected exactly one of file and env; the secret itself never stands here".to_owned()),
        };
        match text.map(Secret::new) {
            Ok(secret) if !secret.is_empty() => Some(secret),
            Ok(_) => {
                self.problem(place, "the secret is empty");
                None
            }
            Err(problem) => {
                self.problem(place, &problem);
                None
            }
        }
    }

    fn parse<T: std::str::FromStr>(&mut self, place: &str, text: &str, expected: &str) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.problem(place, &format!("expected {expected}"));
        }
        parsed
    }

    fn problem(&mut self, place: &str, problem: &str) {
        self.problems.push(format!("{place}: {problem}"));
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > LONGEST_FILE {
        return Err(std::io::Error::other(format!("{size} bytes, at most {LONGEST_FILE} are read")));
    }
    fs::read_to_string(path)
}

fn default_listen() -> String {
    "127.0.0.1:8080".to_owned()
}

fn default_branch() -> String {
    "main".to_owned()
}

fn default_api() -> String {
    "https://api.github.com".to_owned()
}

fn default_workers() -> usize {
    2
}

fn default_lease() -> u64 {
    60
}

#[cfg(test)]
mod tests;
