//! The page that registers a GitHub App, for the one operator who started the server for it.
//!
//! ```text
//! /setup?key ─► form ─► GitHub: settings/apps/new?state ─► /setup/done?code&state ─► files ─► gone (404)
//! ```
//!
//! Whoever finishes this flow decides whose App the server is, so every step needs a secret that only the step before knows:
//! the key is told on the operator's terminal alone, the state comes of a page that needs the key, and counts once and for an
//! hour. The credentials go into files that nobody else can read, all of them or none, and never over others. No page shows a
//! word that came from outside.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, StatusCode, header},
    response::Response,
};
use hyper::body::Incoming;
use sha2::{Digest, Sha256};

use crate::{
    model::{hex::hex, secret::Secret},
    shell::{
        config::setup::Setup as Wanted,
        forge::{
            address::web_origin,
            call::Limits,
            manifest::{self, PERMISSIONS, Registered},
        },
    },
};

/// Where the page is, and where GitHub sends the browser afterwards.
pub(super) const PATH: &str = "/setup";
pub(super) const DONE: &str = "/setup/done";

/// Below the data folder, where the credentials are put.
pub const FOLDER: &str = "github-app";

/// How long the key counts, and a state: as long as GitHub's codes do.
const VALID: Duration = Duration::from_secs(3600);

/// The registration of an App, until it is done.
pub struct Setup {
    wanted: Wanted,
    api: String,
    /// Where forms may be sent to: GitHub's own pages.
    origin: String,
    data: PathBuf,
    key: Secret,
    began: Instant,
    progress: Mutex<Progress>,
}

/// How far it is.
enum Progress {
    /// The page was not opened, or its state was used up.
    Waiting,
    /// The page was opened: GitHub is to send the browser back with this state, until then.
    Sent(Secret, Instant),
    /// A code is being exchanged.
    Exchanging,
    /// An App is registered: there is no page any more.
    Done,
}

/// What a page says, in our words only.
struct Page {
    status: StatusCode,
    title: &'static str,
    /// HTML.
    text: String,
}

impl Setup {
    /// Offers the registration, unless the data folder holds an App already.
    ///
    /// # Errors
    /// Where GitHub's address is not acceptable, or the machine has no randomness.
    pub fn offer(wanted: &Wanted, api: &str, data: &Path) -> anyhow::Result<Option<Self>> {
        if data.join(FOLDER).exists() {
            return Ok(None);
        }
        Ok(Some(Self {
            wanted: wanted.clone(),
            api: api.to_owned(),
            origin: web_origin(api)?,
            data: data.to_owned(),
            key: secret()?,
            began: Instant::now(),
            progress: Mutex::new(Progress::Waiting),
        }))
    }

    /// The address of the page, with the key: for the operator's terminal, not for logs.
    pub fn address(&self) -> String {
        format!("{}{PATH}?key={}", self.wanted.url, self.key.expose())
    }

    /// Tells whether there still is a page.
    fn is_open(&self) -> bool {
        !matches!(*self.progress(), Progress::Done)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one of the two paths; `None` where there is no such page any more.
    pub(super) async fn receive(self: &Arc<Self>, request: &Request<Incoming>) -> Option<Response> {
        if !self.is_open() {
            return None;
        }
        if request.method() != Method::GET {
            return Some(self.shown(refused(StatusCode::METHOD_NOT_ALLOWED, "This page is only looked at.")));
        }
        let query = request.uri().query().unwrap_or_default();
        let page = match request.uri().path() {
            PATH => self.offered(query),
            _ => self.returned(query).await,
        };
        Some(self.shown(page))
    }

    /// The form, for who has the key.
    fn offered(&self, query: &str) -> Page {
        let fits = only(query, "key").is_some_and(|key| same(key, &self.key));
        if !fits || self.began.elapsed() > VALID {
            let why = "The address is not the one that the server printed, or it is more than an hour old: start the server \
                       again for a new one.";
            return refused(StatusCode::FORBIDDEN, why);
        }
        let Ok(state) = secret() else {
            return refused(StatusCode::INTERNAL_SERVER_ERROR, "This machine has no randomness.");
        };
        let action = manifest::registration_address(&self.api, self.wanted.organization.as_deref(), state.expose());
        let manifest = manifest::manifest(&self.wanted.url, self.wanted.name.as_deref()).to_string();
        match &mut *self.progress() {
            Progress::Done | Progress::Exchanging => {
                return refused(StatusCode::CONFLICT, "An App is being registered right now.");
            }
            progress => *progress = Progress::Sent(state, Instant::now()),
        }
        let permissions: String =
            PERMISSIONS.iter().map(|(name, level)| format!("<li><code>{name}: {level}</code></li>")).collect();
        let text = format!(
            "<p>GitHub will show what is asked for and make the App when you agree. It may do this in the repositories that \
             you install it on, and never change workflows:</p><ul>{permissions}</ul>\
             <form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"manifest\" value=\"{}\">\
             <button>Go to GitHub</button></form>\
             <p>Be signed in there first. This page can be used once and within an hour.</p>",
            escaped(&action),
            escaped(&manifest)
        );
        Page { status: StatusCode::OK, title: "Register a GitHub App", text }
    }

    /// What GitHub sent the browser back with.
    async fn returned(self: &Arc<Self>, query: &str) -> Page {
        let again = "Open the address that the server printed once more and begin anew.";
        {
            let mut progress = self.progress();
            let fits = match &*progress {
                Progress::Sent(state, at) => {
                    at.elapsed() <= VALID && only(query, "state").is_some_and(|said| same(said, state))
                }
                _ => false,
            };
            if !fits {
                tracing::warn!(security = 3, "the setup was answered with a state that does not count");
                return refused(
                    StatusCode::FORBIDDEN,
                    &format!("This answer belongs to no page of this server, or was used before. {again}"),
                );
            }
            *progress = Progress::Exchanging;
        }
        let Some(code) = only(query, "code") else {
            *self.progress() = Progress::Waiting;
            return refused(StatusCode::BAD_REQUEST, &format!("GitHub sent no code. {again}"));
        };
        // GitHub gives the key once: a browser that goes away must not lose it.
        let (setup, code) = (Arc::clone(self), code.to_owned());
        let registered = tokio::spawn(async move {
            let registered = setup.register(&code).await;
            match &registered {
                Ok(app) => {
                    *setup.progress() = Progress::Done;
                    tracing::info!(id = app.id, "a GitHub App is registered; its credentials are kept");
                }
                Err(error) => {
                    *setup.progress() = Progress::Waiting;
                    tracing::error!("the App could not be registered: {error:#}");
                }
            }
            registered.ok()
        });
        match registered.await.ok().flatten() {
            Some(app) => self.registered(&app),
            None => {
                let text = format!(
                    "The App could not be registered; the server's log says why. If GitHub lists it, delete it there: its \
                     key is lost. {again}"
                );
                refused(StatusCode::BAD_GATEWAY, &text)
            }
        }
    }

    /// Exchanges the code and keeps what comes of it. The place for it is made before: afterwards it must not fail.
    async fn register(&self, code: &str) -> anyhow::Result<Registered> {
        let (data, folder) = (self.data.clone(), self.data.join(FOLDER));
        let place = tokio::task::spawn_blocking(move || {
            anyhow::ensure!(!folder.exists(), "{} is there already", folder.display());
            let mut builder = tempfile::Builder::new();
            builder.prefix(".github-app-");
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            builder.tempdir_in(&data).context("the data folder takes no files")
        });
        let place = place.await??;
        let app = manifest::exchange(&self.api, code, Limits::default()).await?;
        let (kept, folder) = (app.clone(), self.data.join(FOLDER));
        tokio::task::spawn_blocking(move || keep(&kept, place, &folder)).await??;
        Ok(app)
    }

    /// What to do next.
    fn registered(&self, app: &Registered) -> Page {
        let folder = self.data.join(FOLDER);
        let file = |name: &str| folder.join(name).display().to_string();
        let section = format!(
            "github:\n  api: {}\n  app: {{id: {}, private_key: {{file: {:?}}}}}\n  webhook_secrets: [{{file: {:?}}}]",
            self.api,
            app.id,
            file(PRIVATE_KEY),
            file(WEBHOOK_SECRET)
        );
        let text = format!(
            "<p>Its credentials are on the server, readable for it alone. Put this into the server's configuration in the \
             place of <code>setup</code>, and start it again:</p><pre>{}</pre>\
             <p>Then <a href=\"{}\" rel=\"noreferrer\">install the App</a> on the repositories that the configuration names. \
             This page is gone now.</p>",
            escaped(&section),
            escaped(&manifest::installation_address(&self.api, app))
        );
        Page { status: StatusCode::OK, title: "The GitHub App is registered", text }
    }

    fn shown(&self, page: Page) -> Response {
        let Page { status, title, text } = page;
        let html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n\
             <body><h1>{title}</h1>{text}</body></html>\n"
        );
        let policy =
            format!("default-src 'none'; form-action {}; base-uri 'none'; frame-ancestors 'none'", self.origin);
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let fixed = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            // GitHub sees which server asks, and not the key.
            (header::REFERRER_POLICY, "strict-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        ];
        headers.extend(fixed.map(|(name, text)| (name, HeaderValue::from_static(text))));
        // The origin has the characters of a host alone.
        let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The files below [`FOLDER`].
const ID: &str = "id";
const PRIVATE_KEY: &str = "private-key.pem";
const WEBHOOK_SECRET: &str = "webhook-secret";

/// Writes the credentials to a folder of their own and gives it its name, which fails where there is one: all of them are
/// there or none, and none is ever overwritten.
fn keep(app: &Registered, place: tempfile::TempDir, folder: &Path) -> anyhow::Result<()> {
    let lost = "the credentials could not be written";
    let files = [
        (ID, app.id.to_string()),
        (PRIVATE_KEY, app.private_key.expose().to_owned()),
        (WEBHOOK_SECRET, app.webhook_secret.expose().to_owned()),
    ];
    for (name, text) in files {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(place.path().join(name)).context(lost)?;
        file.write_all(format!("{text}\n").as_bytes()).context(lost)?;
        file.sync_all().context(lost)?;
    }
    anyhow::ensure!(!folder.exists(), "{} is there already", folder.display());
    fs::rename(place.path(), folder)
        .with_context(|| format!("{} is there already, or cannot be made", folder.display()))?;
    // It has another name now: there is nothing to remove.
    let _ = place.keep();
    #[cfg(unix)]
    if let Some(above) = folder.parent() {
        fs::File::open(above).and_then(|above| above.sync_all()).context(lost)?;
    }
    Ok(())
}

fn refused(status: StatusCode, why: &str) -> Page {
    Page { status, title: "This is not possible", text: format!("<p>{}</p>", escaped(why)) }
}

/// 256 random bits in hexadecimal digits.
fn secret() -> anyhow::Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("this machine has no randomness")?;
    Ok(Secret::new(hex(&bytes)))
}

/// Compares digests, which tell nobody how far a guess was right.
fn same(said: &str, secret: &Secret) -> bool {
    Sha256::digest(said) == Sha256::digest(secret.expose())
}

/// The value of a parameter that is given exactly once. What is asked for here needs no decoding.
fn only<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(found, _)| *found == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// Text as HTML, in elements and attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_counts_where_it_is_given_once() {
        assert_eq!(only("code=a&state=b", "state"), Some("b"));
        for query in ["", "state", "state=a&state=b", "xstate=a"] {
            assert_eq!(only(query, "state"), None, "{query}");
        }
    }

    #[test]
    fn credentials_are_kept_whole_and_never_over_others() {
        let data = tempfile::tempdir().expect("a folder");
        let place = || tempfile::Builder::new().prefix(".github-app-").tempdir_in(data.path()).expect("a place");
        let app = |id| Registered {
            id,
            slug: "drift".to_owned(),
            private_key: Secret::new("KEY"),
            webhook_secret: Secret::new("SECRET"),
        };
        let folder = data.path().join(FOLDER);
        keep(&app(1), place(), &folder).expect("kept");
        for (name, text) in [(ID, "1\n"), (PRIVATE_KEY, "KEY\n"), (WEBHOOK_SECRET, "SECRET\n")] {
            assert_eq!(fs::read_to_string(folder.join(name)).expect("reads"), text);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(folder.join(name)).expect("there").permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{name}");
            }
        }
        assert!(keep(&app(2), place(), &folder).is_err());
        assert_eq!(fs::read_to_string(folder.join(ID)).expect("reads"), "1\n");
        assert_eq!(fs::read_dir(data.path()).expect("reads").count(), 1, "nothing is left behind");
    }

    #[test]
    fn text_is_no_html() {
        assert_eq!(escaped(r#"<a href="x">'&"#), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}
