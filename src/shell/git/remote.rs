//! Where a remote repository is, how to speak to it, and how to say what went wrong without saying the credential.

use std::{fmt, path::PathBuf, str::FromStr, sync::mpsc, thread, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use git2::{Cred, ErrorClass, ErrorCode, ProxyOptions, RemoteCallbacks};

use super::{Error, one_line};
use crate::model::secret::Secret;

/// The user name that goes with a token of GitHub's; other forges that take tokens by HTTP accept any.
const TOKEN_USER: &str = "x-access-token";

/// The most that one fetch may receive: 4 GiB.
const MAX_FETCH_BYTES: usize = 4 << 30;

/// A remote repository: an `https://` address, an `http://` address on this machine, or a folder.
///
/// An address holds no credential: it is printed, stored and sent to proxies. SSH and `git://` are not spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteAddress {
    /// As libgit2 takes it.
    text: String,
    /// Scheme, host and port in lower case; absent for a folder.
    origin: Option<String>,
}

impl RemoteAddress {
    /// The address of a folder on this machine.
    pub fn folder(path: PathBuf) -> Result<Self, Error> {
        match path.to_str() {
            Some(text) if path.is_absolute() => Ok(Self { text: text.to_owned(), origin: None }),
            _ => Err(Error::Address("a folder is named by its whole path, in UTF-8")),
        }
    }

    /// The host and port, or the folder: what errors name.
    pub fn host(&self) -> &str {
        let origin = self.origin.as_deref().unwrap_or(&self.text);
        origin.split_once("://").map_or(origin, |(_, host)| host)
    }

    /// Tells whether the remote may ask for a credential; a folder never does.
    pub fn takes_credentials(&self) -> bool {
        self.origin.is_some()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the remote asks for credentials at an address of the same origin.
    fn is_origin_of(&self, url: &str) -> bool {
        origin(url).is_ok_and(|(origin, _)| Some(origin) == self.origin)
    }

    fn is_loopback(&self) -> bool {
        self.origin.as_deref().is_none_or(is_loopback)
    }

    /// A proxy is the one of the environment, as every other program uses it; none on this machine.
    pub(super) fn proxy(&self) -> ProxyOptions<'static> {
        let mut proxy = ProxyOptions::new();
        if !self.is_loopback() {
            proxy.auto();
        }
        proxy
    }
}

impl FromStr for RemoteAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.starts_with('/') || text.starts_with("file:///") {
            return Self::folder(PathBuf::from(text.strip_prefix("file://").unwrap_or(text)));
        }
        let (origin, path) = origin(text)?;
        if path.is_empty() || path.contains(['?', '#', '\\']) || path.chars().any(|c| c.is_control() || c == ' ') {
            return Err(Error::Address("expected https://host/owner/name.git"));
        }
        if origin.starts_with("http://") && !is_loopback(&origin) {
            return Err(Error::Address("http:// would send the credential in the clear: use https://"));
        }
        Ok(Self { text: text.to_owned(), origin: Some(origin) })
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits an address into its origin, in lower case, and its path.
fn origin(url: &str) -> Result<(String, &str), Error> {
    let (scheme, rest) = url.split_once("://").ok_or(Error::Address("expected https:// or a folder's whole path"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !matches!(scheme, "https" | "http") {
        return Err(Error::Address("only https:// and folders are spoken to"));
    }
    if host.contains('@') {
        return Err(Error::Address("it holds a user or a credential: give the token apart"));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(fits) {
        return Err(Error::Address("its host is none"));
    }
    // libgit2 names a host without its scheme's own port when it asks for the credential.
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(own_port).unwrap_or(host);
    Ok((format!("{scheme}://{}", host.to_ascii_lowercase()), path))
}

fn is_loopback(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let host = host.strip_prefix('[').map_or_else(
        || host.split_once(':').map_or(host, |(host, _)| host),
        |v6| v6.split_once(']').map_or(v6, |(host, _)| host),
    );
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Callbacks that give the token to this remote's host only, and only once: asked again, it was refused.
pub(super) fn callbacks<'c>(address: &'c RemoteAddress, token: Option<&'c Secret>) -> RemoteCallbacks<'c> {
    let refuse = |why: &str| Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Callback, why));
    let mut callbacks = RemoteCallbacks::new();
    let mut asked = false;
    callbacks.credentials(move |url, _, _| {
        let Some(token) = token else { return refuse("it wants a credential and none is configured") };
        if !address.is_origin_of(url) {
            return refuse("another host asked for it");
        }
        if std::mem::replace(&mut asked, true) {
            return refuse("the token is wrong, expired or may not do this");
        }
        Cred::userpass_plaintext(TOKEN_USER, token.expose())
    });
    callbacks.transfer_progress(|progress| progress.received_bytes() <= MAX_FETCH_BYTES);
    callbacks
}

/// Says what libgit2 said of a remote, without the token.
pub(super) fn failure<'f>(
    doing: &'static str,
    address: &'f RemoteAddress,
    token: Option<&'f Secret>,
) -> impl Fn(git2::Error) -> Error + 'f {
    move |error| {
        let why = scrub(error.message(), token);
        let status = why.rsplit_once("status code: ").and_then(|(_, code)| code.parse::<u16>().ok());
        let denied = |why: String| Error::Denied { host: address.host().to_owned(), why };
        match (error.code(), error.class(), status) {
            (ErrorCode::Auth, ..) | (_, _, Some(401 | 403)) => denied(why),
            (_, _, Some(404 | 410)) => {
                Error::Missing(format!("repository {address}, or it is not shown to this token"))
            }
            (ErrorCode::Certificate, ..) => Error::Git { doing, why },
            (_, ErrorClass::Net | ErrorClass::Http | ErrorClass::Ssl, _) | (ErrorCode::Locked | ErrorCode::Eof, ..) => {
                Error::Network { doing, why }
            }
            _ => Error::Git { doing, why },
        }
    }
}

/// A foreign text on one line, without the token in any form in which it was sent.
pub(super) fn scrub(text: &str, token: Option<&Secret>) -> String {
    let mut text = text.to_owned();
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        text = text.replace(token.expose(), "…");
        text = text.replace(&STANDARD.encode(format!("{TOKEN_USER}:{}", token.expose())), "…");
    }
    one_line(&text)
}

/// Runs work that speaks to a remote, and gives up waiting after `deadline`.
///
/// libgit2 knows time-outs only as global settings that cannot be set safely, so work that hangs is left behind in its
/// thread, which ends when the connection does. What it may still do then is guarded: a push compares and swaps.
pub(super) fn within<T: Send + 'static>(
    deadline: Duration,
    doing: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (send, receive) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new().name("git".to_owned()).spawn(move || drop(send.send(work())));
    spawned.map_err(|error| Error::Git { doing, why: error.to_string() })?;
    match receive.recv_timeout(deadline) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(Error::Network { doing, why: format!("no answer within {} s", deadline.as_secs_f32()) })
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Error::Git { doing, why: "the thread that did it ended early".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_leak_or_run_something_are_refused() {
        for good in [
            "https://github.com/a/b.git",
            "https://ghe.example:8443/a/b",
            "http://127.0.0.1:9/a",
            "http://[::1]:9/a",
            "http://localhost/a",
            "/srv/git/a.git",
            "file:///srv/a",
        ] {
            assert!(good.parse::<RemoteAddress>().is_ok(), "{good}");
        }
        for bad in [
            "https://token@github.com/a/b",
            "https://u:p@h/a",
            "http://github.com/a/b",
            "http://localhost.evil.example/a",
            "http://127.0.0.1.evil.example/a",
            "git@github.com:a/b",
            "ssh://h/a",
            "git://h/a",
            "ext::sh -c id",
            "--upload-pack=id",
            "relative/folder",
            "https://",
            "https:///a",
            "https://h",
            "https://h/a?token=x",
            "https://h/a b",
            "https://h\\@evil/a",
        ] {
            assert!(bad.parse::<RemoteAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_same_origin_gets_the_token() {
        let address: RemoteAddress = "https://GitHub.com/a/b.git".parse().expect("parses");
        assert!(address.is_origin_of("https://github.com/a/b.git/info/refs"));
        assert!(address.is_origin_of("https://github.com:443/a"));
        for other in
            ["http://github.com/a", "https://github.com:444/a", "https://github.com.evil/a", "https://evil/github.com"]
        {
            assert!(!address.is_origin_of(other), "{other}");
        }
    }

    #[test]
    fn the_token_is_scrubbed_in_every_form() {
        let token = Secret::new("s3cret");
        let encoded = STANDARD.encode("x-access-token:s3cret");
        let said = scrub(&format!("denied\ns3cret and Basic {encoded}"), Some(&token));
        assert_eq!(said, "denied … and Basic …");
    }

    #[test]
    fn a_hanging_remote_is_given_up() {
        let hang = || {
            thread::sleep(Duration::from_secs(5));
            Ok(())
        };
        let error = within(Duration::from_millis(20), "fetching", hang).expect_err("gives up");
        assert!(error.is_transient(), "{error}");
    }
}
