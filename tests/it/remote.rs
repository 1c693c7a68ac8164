//! A real git remote over HTTP: git's own `http-backend`, run as CGI behind a token.

use std::{
    collections::VecDeque,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A server on this machine, which ends with its value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    /// Serves on a free port, in threads of its own: tests may block.
    pub(crate) fn start(router: Router) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let address = listener.local_addr().expect("bound");
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).expect("taken over");
        drop(entered);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, runtime: Some(runtime) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the remote does with one request instead of answering it.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answers this status without doing anything.
    Status(u16),
    /// Answers with a redirect to this address.
    Redirect(String),
    /// As `Redirect`, before it was given the token.
    RedirectAtOnce(String),
    /// Does what was asked and closes the connection without an answer.
    LoseAnswer,
    /// Answers after this long.
    Slow(Duration),
    /// Moves a branch in the bare repository right before doing what was asked: folder, reference, commit.
    MoveFirst(PathBuf, String, String),
}

/// Random numbers from a seed (SplitMix64, Steele et al., OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True in so many of a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// Faults that nobody ordered, in so many of a hundred requests.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) chance: Chance,
    /// Changes that take effect and whose answer is lost.
    pub(crate) lost: u64,
    /// Requests that are answered with 502 and do nothing.
    pub(crate) failing: u64,
    /// How many of each there were.
    pub(crate) struck: (usize, usize),
}

/// What the weather does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    LoseAnswer,
    Fail,
}

impl Weather {
    pub(crate) fn new(seed: u64, lost: u64, failing: u64) -> Self {
        Self { chance: Chance(seed), lost, failing, struck: (0, 0) }
    }

    pub(crate) fn strikes(&mut self, changes: bool) -> Option<Strike> {
        if changes && self.chance.percent(self.lost) {
            self.struck.0 += 1;
            return Some(Strike::LoseAnswer);
        }
        let fails = self.chance.percent(self.failing);
        self.struck.1 += usize::from(fails);
        fails.then_some(Strike::Fail)
    }
}

/// The remote: bare repositories below one folder, for who knows the token.
pub(crate) struct Remote {
    server: Server,
    state: Arc<State>,
}

struct State {
    root: PathBuf,
    accepts: Box<dyn Fn(&str) -> bool + Send + Sync>,
    requests: Mutex<Vec<String>>,
    faults: Mutex<VecDeque<(String, Fault)>>,
    weather: Mutex<Option<Weather>>,
}

impl Remote {
    pub(crate) fn start(root: &Path, token: &str) -> Self {
        let token = token.to_owned();
        Self::accepting(root, move |given| given == token)
    }

    /// A remote that asks someone else which tokens are good.
    pub(crate) fn accepting(root: &Path, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        let state = Arc::new(State {
            root: root.to_owned(),
            accepts: Box::new(accepts),
            requests: Mutex::default(),
            faults: Mutex::default(),
            weather: Mutex::default(),
        });
        let shared = state.clone();
        let router = Router::new().fallback(move |request: Request| answer(shared.clone(), request));
        Self { server: Server::start(router), state }
    }

    /// The address of a bare repository, named by its folder.
    pub(crate) fn url(&self, folder: &str) -> String {
        format!("http://{}/{folder}", self.server.address)
    }

    /// Orders a fault for the next request whose line contains this text.
    pub(crate) fn fail(&self, request: &str, fault: Fault) {
        self.state.faults.lock().expect("no panic").push_back((request.to_owned(), fault));
    }

    /// Lets things go wrong at random from now on, or no more; what had gone wrong.
    pub(crate) fn set_weather(&self, weather: Option<Weather>) -> (usize, usize) {
        let before = std::mem::replace(&mut *self.state.weather.lock().expect("no panic"), weather);
        before.map_or((0, 0), |weather| weather.struck)
    }

    /// The requests that carried the right token, as `GET /a.git/info/refs?service=…`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().expect("no panic").clone()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let left = self.state.faults.lock().expect("no panic");
        assert!(left.is_empty() || std::thread::panicking(), "these faults never happened: {left:?}");
    }
}

async fn answer(state: Arc<State>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let line = format!("{} {}", head.method, head.uri.path_and_query().map_or("", |path| path.as_str()));
    let take = |at_once: bool| {
        let mut faults = state.faults.lock().expect("no panic");
        let fits = |(text, fault): &(String, Fault)| {
            line.contains(text) && matches!(fault, Fault::RedirectAtOnce(_)) == at_once
        };
        faults.iter().position(fits).and_then(|at| faults.remove(at)).map(|(_, fault)| fault)
    };
    if let Some(Fault::RedirectAtOnce(to)) = take(true) {
        return redirect(&to);
    }
    if !token(&head.headers).is_some_and(|token| (state.accepts)(&token)) {
        let response = Response::builder().status(StatusCode::UNAUTHORIZED);
        let response = response.header(header::WWW_AUTHENTICATE, "Basic realm=\"git\"");
        return response.body(Body::from("no")).expect("a response");
    }
    let changes = line.starts_with("POST ") && line.ends_with("/git-receive-pack");
    let struck = state.weather.lock().expect("no panic").as_mut().and_then(|weather| weather.strikes(changes));
    let fault = take(false).or(match struck {
        Some(Strike::LoseAnswer) => Some(Fault::LoseAnswer),
        Some(Strike::Fail) => Some(Fault::Status(502)),
        None => None,
    });
    state.requests.lock().expect("no panic").push(line);
    match &fault {
        Some(Fault::Status(status)) => {
            return Response::builder().status(*status).body(Body::from("ordered")).expect("a response");
        }
        Some(Fault::Redirect(to)) => return redirect(to),
        Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
        Some(Fault::MoveFirst(folder, reference, commit)) => {
            crate::git::git(folder, &["update-ref", reference, commit]);
        }
        _ => {}
    }
    // Who asked may have been killed meanwhile.
    let Ok(body) = axum::body::to_bytes(body, 1 << 30).await else { break_off() };
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let root = state.root.clone();
    let output =
        tokio::task::spawn_blocking(move || backend(&root, head.method.as_str(), &path, &query, &head.headers, &body));
    let output = output.await.expect("the backend ends");
    if matches!(fault, Some(Fault::LoseAnswer)) { break_off() } else { cgi_response(&output) }
}

/// The token of HTTP's basic authentication, as git sends it.
fn token(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let given = String::from_utf8(STANDARD.decode(given).ok()?).ok()?;
    given.strip_prefix("x-access-token:").map(str::to_owned)
}

fn redirect(to: &str) -> Response<Body> {
    let response = Response::builder().status(StatusCode::FOUND).header(header::LOCATION, to);
    response.body(Body::empty()).expect("a response")
}

fn backend(root: &Path, method: &str, path: &str, query: &str, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut child = Command::new("git")
        .args(["-c", "http.receivepack=true", "-c", "safe.directory=*", "http-backend"])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", value("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", value("content-encoding"))
        .env("GIT_PROTOCOL", value("git-protocol"))
        .env("REMOTE_USER", "x-access-token")
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git is on PATH");
    // The backend may end without reading everything; its answer says why.
    let _ = child.stdin.take().expect("piped").write_all(body);
    child.wait_with_output().expect("the backend ends").stdout
}

fn cgi_response(output: &[u8]) -> Response<Body> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("a CGI header");
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..end]).expect("text").split("\r\n") {
        let (name, value) = line.split_once(':').expect("a header");
        if name.eq_ignore_ascii_case("status") {
            response =
                response.status(value.trim().split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500));
        } else {
            response = response.header(name, value.trim());
        }
    }
    response.body(Body::from(output[end + 4..].to_vec())).expect("a response")
}

/// Closes the connection without an answer: who asked does not learn what happened. Unwinding ends the connection's task.
pub(crate) fn break_off() -> ! {
    std::panic::resume_unwind(Box::new("broken off"))
}
