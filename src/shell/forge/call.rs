//! One call: who makes it, how long it may take, when it is repeated and what its failure means.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

// octocrab speaks the `http` and `http-body` crates; axum gives them names.
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use octocrab::{
    AuthState, OctoBody, Octocrab, OctocrabBuilder, auth::create_jwt, models::AppId,
    service::middleware::base_uri::BaseUriLayer,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Credential, Done, Error,
    address::ApiAddress,
    budget::{Budget, Budgets},
    token::Tokens,
};
use crate::model::{repository::RepoSlug, secret::Secret};

/// The largest answer that is read: 16 MiB. GitHub's own largest are trees of 7 MB.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// The most pages of one list that are read: 3,000 items.
const MAX_PAGES: usize = 30;

/// Who calls, as GitHub asks of every client.
const USER_AGENT: &str = concat!("sourceward/", env!("CARGO_PKG_VERSION"));

/// The one route of GraphQL.
const GRAPHQL: &str = "/graphql";

/// How often a call that may be repeated is made.
const TRIES: u32 = 3;

/// How long to wait where GitHub limits and does not say until when: its documentation asks for at least a minute.
const LIMITED_FOR: Duration = Duration::from_secs(60);

/// How patient the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// For one whole answer.
    pub answer: Duration,
    /// Between two tries; doubled each time, with jitter.
    pub pause: Duration,
    /// How much is asked of GitHub.
    pub budget: Budget,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            pause: Duration::from_millis(500),
            budget: Budget::default(),
        }
    }
}

/// In whose name a call is made.
#[derive(Clone, Copy)]
pub(super) enum By<'b> {
    /// The App itself, or the owner of the token.
    Ourselves,
    /// The installation that may touch this repository, or the owner of the token.
    For(&'b RepoSlug),
}

impl By<'_> {
    fn owner(&self) -> &str {
        match self {
            Self::Ourselves => "",
            Self::For(slug) => slug.owner(),
        }
    }
}

pub(super) struct Connection {
    octocrab: Octocrab,
    graphql: Octocrab,
    address: ApiAddress,
    credential: Parsed,
    pub(super) tokens: Tokens,
    limits: Limits,
    budgets: Budgets,
    /// Until when GitHub wants no calls, by the owner of the repository: limits count by installation.
    limited: Mutex<BTreeMap<String, SystemTime>>,
}

enum Parsed {
    Token(Secret),
    App { id: u64, key: octocrab::EncodingKey },
}

/// An answer of GraphQL's.
#[derive(Deserialize)]
struct Reply<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default, rename = "type")]
    kind: String,
    message: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Connection {
    pub(super) fn new(address: &str, credential: &Credential, limits: Limits) -> Result<Self, Error> {
        let address = ApiAddress::parse(address)?;
        let credential = match credential {
            Credential::Token(token) => Parsed::Token(token.clone()),
            Credential::App { id, key } => Parsed::App {
                id: *id,
                key: octocrab::EncodingKey::from_rsa_pem(key.expose().as_bytes()).map_err(|_| Error::Key)?,
            },
        };
        let client = connect(&address, limits)?;
        let octocrab = based(client.clone(), &address.as_uri())?;
        let graphql = based(client, &address.as_graphql_uri())?;
        Ok(Self {
            octocrab,
            graphql,
            address,
            credential,
            tokens: Tokens::default(),
            limits,
            budgets: Budgets::new(limits.budget),
            limited: Mutex::default(),
        })
    }

    pub(super) fn is_app(&self) -> bool {
        self.app_id().is_some()
    }

    /// The App's id, if we are one.
    pub(super) fn app_id(&self) -> Option<u64> {
        match &self.credential {
            Parsed::App { id, .. } => Some(*id),
            Parsed::Token(_) => None,
        }
    }

    /// The token for git and for calls that touch a repository.
    pub(super) async fn token(&self, slug: &RepoSlug) -> Result<Secret, Error> {
        match &self.credential {
            Parsed::Token(token) => Ok(token.clone()),
            // Minting makes calls of its own, in the App's name.
            Parsed::App { .. } => Box::pin(self.installation_token(slug)).await,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, by: By<'_>, route: &str) -> Result<T, Error> {
        let answer = self.call(by, Method::GET, route, None, true).await?;
        parse(&Method::GET, route, &answer.body)
    }

    /// As [`Connection::get`]; absent where there is no such thing.
    pub(super) async fn find<T: DeserializeOwned>(&self, by: By<'_>, route: &str) -> Result<Option<T>, Error> {
        match self.get(by, route).await {
            Ok(found) => Ok(Some(found)),
            // Only this, not the installation without which nothing is found.
            Err(Error::NotFound { doing }) if doing == format!("GET {route}") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All pages of a list; `route` has a query already.
    pub(super) async fn list<T: DeserializeOwned>(&self, by: By<'_>, route: &str) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        let mut next = Some(format!("{route}&per_page=100"));
        for _ in 0..MAX_PAGES {
            let Some(route) = next else { return Ok(items) };
            let page = self.page(by, &route).await?;
            items.extend(page.0);
            next = page.1;
        }
        Err(Error::Malformed { doing: format!("GET {route}"), why: format!("more than {MAX_PAGES} pages") })
    }

    /// One page of a list, and the route of the next, which is on the same host.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        by: By<'_>,
        route: &str,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        let answer = self.call(by, Method::GET, route, None, true).await?;
        let items = parse(&Method::GET, route, &answer.body)?;
        let link = answer.headers.get(header::LINK).and_then(|link| link.to_str().ok());
        match link.and_then(|link| self.address.next_page(link)).transpose() {
            Ok(next) => Ok((items, next.map(str::to_owned))),
            Err(why) => Err(Error::Malformed { doing: format!("GET {route}"), why: why.to_owned() }),
        }
    }

    /// Asks for something to be done at some later time, once; the answer says nothing more.
    pub(super) async fn ask(&self, by: By<'_>, route: &str) -> Result<(), Error> {
        self.call(by, Method::POST, route, None, false).await.map(drop)
    }

    /// Changes something, once. A failure that [is unclear](Error::is_unclear) must be followed by a look.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        by: By<'_>,
        method: Method,
        route: &str,
        body: &Value,
    ) -> Result<T, Error> {
        let answer = self.call(by, method.clone(), route, Some(body), false).await?;
        parse(&method, route, &answer.body)
    }

    /// Changes something by GraphQL, once, as [`Connection::change`]. There a refusal too is answered with 200.
    pub(super) async fn mutate(&self, by: By<'_>, mutation: &str, input: &Value) -> Result<(), Error> {
        let body = json!({"query": mutation, "variables": {"input": input}});
        let reply: Reply<Value> = self.change(by, Method::POST, GRAPHQL, &body).await?;
        reply.errors.first().map_or(Ok(()), |first| Err(self.refused(by, first)))
    }

    /// Looks by GraphQL.
    pub(super) async fn query<T: DeserializeOwned>(&self, by: By<'_>, query: &str) -> Result<T, Error> {
        let reply: Reply<T> = self.make(by, GRAPHQL, &json!({"query": query, "variables": {}})).await?;
        match (reply.data, reply.errors.first()) {
            (Some(data), None) => Ok(data),
            (_, Some(first)) => Err(self.refused(by, first)),
            (None, None) => {
                Err(Error::Malformed { doing: format!("POST {GRAPHQL}"), why: "neither data nor errors".to_owned() })
            }
        }
    }

    fn refused(&self, by: By<'_>, refusal: &Refusal) -> Error {
        let (doing, why) = (format!("POST {GRAPHQL}"), scrub(&refusal.message, &Secret::new("")));
        match refusal.kind.as_str() {
            "RATE_LIMITED" => self.limit(by, SystemTime::now() + LIMITED_FOR),
            "FORBIDDEN" => Error::Denied { doing, status: 403, why },
            "NOT_FOUND" => Error::NotFound { doing },
            _ => Error::Rejected { doing, status: 422, why },
        }
    }

    /// Makes what nobody sees until something names it: objects of git's, which are named by their content, and tokens.
    /// Made twice it does no harm, so it is repeated like a look.
    pub(super) async fn make<T: DeserializeOwned>(&self, by: By<'_>, route: &str, body: &Value) -> Result<T, Error> {
        let answer = self.call(by, Method::POST, route, Some(body), true).await?;
        parse(&Method::POST, route, &answer.body)
    }

    /// Looks, and acts only where the look finds nothing. Where the answer to the act is lost, or says that something
    /// stands in the way, it looks again before it acts again.
    pub(super) async fn ensure<T, Look, Act>(
        &self,
        look: impl Fn() -> Look,
        act: impl Fn() -> Act,
    ) -> Result<(T, Done), Error>
    where
        Look: Future<Output = Result<Option<T>, Error>>,
        Act: Future<Output = Result<T, Error>>,
    {
        if let Some(found) = look().await? {
            return Ok((found, Done::Already));
        }
        let mut tries = 1;
        loop {
            let error = match act().await {
                Ok(made) => return Ok((made, Done::Changed)),
                Err(error) if error.is_unclear() || error.is_unprocessable() => error,
                Err(error) => return Err(error),
            };
            self.pause(tries).await;
            match look().await? {
                Some(found) => return Ok((found, Done::Changed)),
                None if error.is_unclear() && tries < TRIES => tries += 1,
                None => return Err(error),
            }
        }
    }

    /// A call without a credential whose route is one: `doing` is what is said of it.
    pub(super) async fn as_nobody(&self, doing: &str, method: &Method, route: &str) -> Result<Bytes, Error> {
        let nobody = Secret::new("");
        let answer = self.once(doing, method, route, None, &nobody).await?;
        judge(doing, answer, &nobody).map(|answer| answer.body)
    }

    async fn call(
        &self,
        by: By<'_>,
        method: Method,
        route: &str,
        body: Option<&Value>,
        repeatable: bool,
    ) -> Result<Answer, Error> {
        let doing = format!("{method} {route}");
        let (mut tries, mut minted_again) = (1, false);
        loop {
            self.refuse_while_limited(by)?;
            let credential = self.credential(by).await?;
            // Not noted as a limit of GitHub's: looks may go on where only changes have to wait.
            let turn = self.budgets.take(by.owner(), &method, route).await;
            let turn = turn.map_err(|wait| Error::RateLimited { until: SystemTime::now() + wait })?;
            let result = self.once(&doing, &method, route, body, &credential).await;
            drop(turn);
            let error = match result.and_then(|answer| judge(&doing, answer, &credential)) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match (&error, by) {
                // A token that was revoked early. Nothing was done, so anything may be tried once more.
                (Error::Denied { status: 401, .. }, By::For(slug)) if self.is_app() && !minted_again => {
                    self.tokens.forget(slug, &credential).await;
                    minted_again = true;
                }
                (Error::RateLimited { until }, _) => return Err(self.limit(by, *until)),
                (Error::Unavailable { .. }, _) if repeatable && tries < TRIES => {
                    self.pause(tries).await;
                    tries += 1;
                }
                _ => return Err(error),
            }
        }
    }

    async fn credential(&self, by: By<'_>) -> Result<Secret, Error> {
        match (by, &self.credential) {
            (_, Parsed::Token(token)) => Ok(token.clone()),
            (By::Ourselves, Parsed::App { id, key }) => {
                create_jwt(AppId(*id), key).map(Secret::new).map_err(|_| Error::Key)
            }
            (By::For(slug), _) => self.token(slug).await,
        }
    }

    async fn once(
        &self,
        doing: &str,
        method: &Method,
        route: &str,
        body: Option<&Value>,
        credential: &Secret,
    ) -> Result<Answer, Error> {
        let unavailable = |why: String| Error::Unavailable { doing: doing.to_owned(), why: scrub(&why, credential) };
        let malformed = |why: String| Error::Malformed { doing: doing.to_owned(), why: scrub(&why, credential) };
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", credential.expose())).map_err(|_| {
            Error::Denied { doing: doing.to_owned(), status: 401, why: "the token is not plain text".to_owned() }
        })?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri(route)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/vnd.github+json")
            .header("X-GitHub-Api-Version", "2022-11-28");
        let request = match credential.is_empty() {
            true => request,
            false => request.header(header::AUTHORIZATION, authorization),
        };
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(OctoBody::from(body.to_string()))
            }
            None => request.body(OctoBody::empty()),
        };
        let request = request.map_err(|error| malformed(error.to_string()))?;
        let exchange = async {
            let octocrab = if route == GRAPHQL { &self.graphql } else { &self.octocrab };
            let response = octocrab.execute(request).await.map_err(|error| unavailable(chain(&error)))?;
            let (head, body) = response.into_parts();
            let body = to_bytes(Body::new(body), MAX_ANSWER_BYTES).await.map_err(|error| match chain(&error) {
                why if why.contains("length limit") => malformed(format!("more than {MAX_ANSWER_BYTES} bytes")),
                why => unavailable(why),
            })?;
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = tokio::time::timeout(self.limits.answer, exchange).await;
        let answer = answer.unwrap_or_else(|_| Err(unavailable("no answer in time".to_owned())));
        let status = answer.as_ref().map_or(0, |answer| answer.status.as_u16());
        tracing::debug!(call = doing, status, "called GitHub");
        answer
    }

    /// Notes a limit, which counts for everything of one owner.
    fn limit(&self, by: By<'_>, until: SystemTime) -> Error {
        self.limited.lock().unwrap_or_else(PoisonError::into_inner).insert(by.owner().to_owned(), until);
        Error::RateLimited { until }
    }

    fn refuse_while_limited(&self, by: By<'_>) -> Result<(), Error> {
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        limited.retain(|_, until| *until > SystemTime::now());
        limited.get(by.owner()).map_or(Ok(()), |until| Err(Error::RateLimited { until: *until }))
    }

    pub(super) async fn pause(&self, tries: u32) {
        let jitter = getrandom::u32().unwrap_or(u32::MAX / 2);
        let factor = f64::from(1 << (tries - 1)) * (0.5 + f64::from(jitter) / f64::from(u32::MAX));
        tokio::time::sleep(self.limits.pause.mul_f64(factor)).await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.address.as_uri())
    }
}

/// A connection of our own under octocrab: its default one would repeat itself in the `User-Agent`, speak plain HTTP to
/// anyone, and wait for ever for a connection.
fn connect(address: &ApiAddress, limits: Limits) -> Result<Client<HttpsConnector<HttpConnector>, OctoBody>, Error> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(limits.connect));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let tls = HttpsConnectorBuilder::new().with_native_roots().map_err(|error| Error::Client(error.to_string()))?;
    let tls = if address.is_plain() { tls.https_or_http() } else { tls.https_only() };
    Ok(Client::builder(TokioExecutor::new()).build(tls.enable_http1().wrap_connector(tcp)))
}

fn based(client: Client<HttpsConnector<HttpConnector>, OctoBody>, uri: &str) -> Result<Octocrab, Error> {
    let uri = uri.parse().map_err(|_| Error::Address("it is no URI"))?;
    let built = OctocrabBuilder::new_empty()
        .with_service(client)
        .with_layer(&BaseUriLayer::new(uri))
        .with_auth(AuthState::None)
        .build();
    match built {
        Ok(octocrab) => Ok(octocrab),
        Err(never) => match never {},
    }
}

fn parse<T: DeserializeOwned>(method: &Method, route: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::Malformed { doing: format!("{method} {route}"), why: error.to_string() })
}

/// What an answer's status means.
fn judge(doing: &str, answer: Answer, credential: &Secret) -> Result<Answer, Error> {
    let doing = doing.to_owned();
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Ok(answer);
    }
    let why = scrub(&said(&answer.body), credential);
    if let Some(until) = limited_until(&answer, &why) {
        return Err(Error::RateLimited { until });
    }
    Err(match status {
        401 | 403 => Error::Denied { doing, status, why },
        404 | 410 => Error::NotFound { doing },
        301 | 302 | 307 | 308 => {
            Error::Rejected { doing, status, why: "it was renamed or moved: use its new name".to_owned() }
        }
        408 | 500.. => Error::Unavailable { doing, why: format!("GitHub answers {status}: {why}") },
        _ => Error::Rejected { doing, status, why },
    })
}

/// Until when GitHub wants no more calls, if that is what it says: its primary limit by `x-ratelimit-*`, its secondary
/// limits by `retry-after` or, without any header, by words.
fn limited_until(answer: &Answer, why: &str) -> Option<SystemTime> {
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let status = answer.status.as_u16();
    let words = ["rate limit", "abuse detection", "submitted too quickly"];
    let why = why.to_ascii_lowercase();
    let after = number("retry-after").filter(|_| matches!(status, 403 | 429));
    if let Some(seconds) = after {
        // Never longer than a day: a broken header must not silence us for good.
        return Some(SystemTime::now() + Duration::from_secs(seconds.min(86_400)));
    }
    match (status, number("x-ratelimit-remaining"), number("x-ratelimit-reset")) {
        (403 | 429, Some(0), Some(reset)) => {
            let latest = SystemTime::now() + Duration::from_secs(86_400);
            Some((SystemTime::UNIX_EPOCH + Duration::from_secs(reset.min(u64::from(u32::MAX)))).min(latest))
        }
        (429, ..) => Some(SystemTime::now() + LIMITED_FOR),
        (403 | 422, ..) if words.iter().any(|word| why.contains(word)) => Some(SystemTime::now() + LIMITED_FOR),
        _ => None,
    }
}

/// What GitHub says in the body of a failure.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(default)]
        message: String,
        #[serde(default)]
        errors: Vec<Value>,
    }
    let Ok(failure) = serde_json::from_slice::<Failure>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let details = failure.errors.iter().map(|error| {
        let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        match (error.as_str(), field("message")) {
            (Some(text), _) => text.to_owned(),
            (_, "") => format!("{} {} {}", field("resource"), field("field"), field("code")),
            (_, message) => message.to_owned(),
        }
    });
    std::iter::once(failure.message.clone()).chain(details).collect::<Vec<_>>().join("; ")
}

/// What an error and its causes say, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// A foreign text on one line of at most 300 characters, without the credential.
fn scrub(text: &str, credential: &Secret) -> String {
    let text = if credential.is_empty() { text.to_owned() } else { text.replace(credential.expose(), "…") };
    text.trim().chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
