//! The address of the API: to which host the credential goes, and to no other.

use super::Error;

/// `scheme://host[:port]` and the path before every route, without a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiAddress {
    origin: String,
    prefix: String,
}

impl ApiAddress {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) =
            text.split_once("://").ok_or(Error::Address("expected https://api.github.com or the like"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(Error::Address("it holds a user or a credential: give the token apart"));
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(Error::Address("its host is none"));
        }
        if scheme != "https" && !(scheme == "http" && is_loopback(host)) {
            return Err(Error::Address("only https:// keeps the credential secret"));
        }
        let path = path.trim_end_matches('/');
        if !path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_')) {
            return Err(Error::Address("its path is not plain"));
        }
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { origin: format!("{scheme}://{}", host.to_ascii_lowercase()), prefix })
    }

    pub(super) fn as_uri(&self) -> String {
        format!("{}{}", self.origin, self.prefix)
    }

    /// What comes before `/graphql`: `/api` on GitHub Enterprise Server, where the rest is below `/api/v3`.
    pub(super) fn as_graphql_uri(&self) -> String {
        format!("{}{}", self.origin, self.prefix.strip_suffix("/v3").unwrap_or(&self.prefix))
    }

    /// Tells whether it is spoken to without TLS: on this machine only.
    pub(super) fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }

    /// The route of the next page in a `Link` header: its host is checked and taken off, and so is our own prefix, which
    /// octocrab puts before every route. octocrab would follow it anywhere, without a credential.
    pub(super) fn next_page<'l>(&self, link: &'l str) -> Option<Result<&'l str, &'static str>> {
        let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
        let url = next.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(url, _)| url);
        // Servers write their host as they were configured, in whatever case.
        let ours =
            |url: &&str| url.get(..self.origin.len()).is_some_and(|head| head.eq_ignore_ascii_case(&self.origin));
        let route = url.map(|url| if ours(&url) { &url[self.origin.len()..] } else { url });
        Some(match route.and_then(|route| route.strip_prefix(&self.prefix)) {
            Some(route) if route.starts_with('/') && !route.starts_with("//") => Ok(route),
            _ => Err("the next page is on another host"),
        })
    }
}

/// Where people see what an API serves: `https://github.com` for `https://api.github.com`, `https://HOST` for
/// `https://HOST/api/v3`, and `https://TENANT.ghe.com` for `https://api.TENANT.ghe.com` (data residency).
pub fn web_address(api: &str) -> String {
    let api = api.trim_end_matches('/');
    if let Some(host) = api.strip_suffix("/api/v3") {
        return host.to_owned();
    }
    match api.strip_prefix("https://api.") {
        Some(host) if host == "github.com" || host.ends_with(".ghe.com") => format!("https://{host}"),
        _ => api.to_owned(),
    }
}

/// The scheme and host of [`web_address`], with nothing else that could mean something in a header.
///
/// # Errors
/// Where the address would not keep a credential secret.
pub fn web_origin(api: &str) -> Result<String, Error> {
    ApiAddress::parse(&web_address(api)).map(|address| address.origin)
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_keep_a_secret_are_taken() {
        for (text, uri) in [
            ("https://api.github.com", "https://api.github.com"),
            ("https://GHE.example:8443/api/v3/", "https://ghe.example:8443/api/v3"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(ApiAddress::parse(text).expect("parses").as_uri(), uri);
        }
        for bad in [
            "api.github.com",
            "http://api.github.com",
            "https://user:token@api.github.com",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "https://",
            "https://h/?x=y",
            "https://h/a b",
            "ftp://h",
        ] {
            assert!(ApiAddress::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn people_see_it_elsewhere() {
        for (api, web) in [
            ("https://api.github.com", "https://github.com"),
            ("https://ghe.example:8443/api/v3", "https://ghe.example:8443"),
            ("https://ghe.example/api/v3/", "https://ghe.example"),
            ("https://api.acme.ghe.com", "https://acme.ghe.com"),
            ("https://api.example", "https://api.example"),
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ] {
            assert_eq!(web_address(api), web);
        }
    }

    #[test]
    fn graphql_lies_beside_the_rest() {
        for (text, uri) in [
            ("https://api.github.com", "https://api.github.com"),
            ("https://ghe.example/api/v3", "https://ghe.example/api"),
        ] {
            assert_eq!(ApiAddress::parse(text).expect("parses").as_graphql_uri(), uri);
        }
    }

    #[test]
    fn the_next_page_is_on_the_same_host() {
        let address = ApiAddress::parse("https://ghe.example/api/v3").expect("parses");
        let next = |url: &str| {
            address
                .next_page(&format!("<https://x/>; rel=\"prev\", <{url}>; rel=\"next\""))
                .map(|next| next.map(str::to_owned))
        };
        assert_eq!(
            next("https://ghe.example/api/v3/repos/a/b/pulls?page=2"),
            Some(Ok("/repos/a/b/pulls?page=2".to_owned()))
        );
        assert_eq!(next("https://GHE.example/api/v3/x?cursor=v1_2"), Some(Ok("/x?cursor=v1_2".to_owned())));
        for bad in [
            "https://evil.example/api/v3/x",
            "https://ghe.example@evil.example/api/v3/x",
            "https://ghe.example:8443/api/v3/x",
            "https://ghe.example",
            "https://ghe.example.evil/api/v3/x",
            "https://ghe.example/other/x",
            "https://ghe.example/api/v3//evil/x",
            "http://ghe.example/api/v3/x",
        ] {
            assert!(next(bad).is_some_and(|next| next.is_err()), "{bad}");
        }
        assert!(address.next_page("<https://x>; rel=\"last\"").is_none());
    }
}
