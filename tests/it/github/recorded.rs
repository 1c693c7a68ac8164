//! What the real GitHub once answered, as `@octokit/fixtures` recorded it, played back to our client.

use std::sync::{Arc, LazyLock, Mutex};

use axum::{Router, body::Body, extract::Request, http::Response};
use serde_json::{Value, json};
use sourceward::{
    model::secret::Secret,
    shell::forge::{self, Credential, call::Limits},
};

use crate::remote::Server;

static RECORDED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("described/recorded.json")).expect("JSON"));

/// A GitHub that answers one scenario, each exchange once, and beside it what a test adds.
pub(crate) struct Recorded {
    server: Server,
    left: Arc<Mutex<Vec<Value>>>,
}

impl Recorded {
    /// The scenario of this name. `beside`: what our client looks at first and the recording has not, as `GET /user`.
    pub(crate) fn play(scenario: &str, beside: &[(&'static str, Value)]) -> Self {
        let exchanges = RECORDED["scenarios"][scenario].as_array().expect("a scenario").clone();
        let left = Arc::new(Mutex::new(exchanges));
        let (shared, beside) = (Arc::clone(&left), beside.to_vec());
        let router = Router::new().fallback(move |request: Request| {
            let answer = answer(&shared, &beside, &request);
            async move { answer }
        });
        Self { server: Server::start(router), left }
    }

    /// Our client, with some token.
    pub(crate) fn client(&self) -> forge::GitHub {
        let address = format!("http://{}", self.server.address);
        forge::GitHub::new(&address, &Credential::Token(Secret::new("ghp_x")), Limits::default()).expect("connects")
    }

    /// The exchanges that nobody asked for.
    pub(crate) fn left(&self) -> Vec<String> {
        let left = self.left.lock().expect("no panic");
        left.iter().map(|one| format!("{} {}", text(&one["method"]), text(&one["path"]))).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Queries are of no account where only one exchange has the path: the recorder asked for other pages than we do.
fn answer(left: &Mutex<Vec<Value>>, beside: &[(&'static str, Value)], request: &Request) -> Response<Body> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).expect("a host");
    let mut left = left.lock().expect("no panic");
    let whole = request.uri().path_and_query().map_or(path, |whole| whole.as_str());
    let is = |one: &Value, asked: &str| {
        let recorded = text(&one["path"]);
        one["method"] == method && (recorded == asked || recorded.split('?').next() == Some(asked))
    };
    let at = left.iter().position(|one| is(one, whole)).or_else(|| left.iter().position(|one| is(one, path)));
    let exchange = match at {
        Some(at) => left.remove(at),
        None => match beside.iter().find(|(line, _)| *line == format!("{method} {path}")) {
            Some((_, body)) => json!({"status": 200, "response": body, "headers": {}}),
            None => json!({"status": 404, "response": {"message": "Not Found"}, "headers": {}}),
        },
    };
    let here = |text: &str| text.replace("https://api.github.com", &format!("http://{host}"));
    let mut response = Response::builder().status(exchange["status"].as_u64().expect("a status") as u16);
    for (name, value) in exchange["headers"].as_object().expect("headers") {
        response = response.header(name, here(text(value)));
    }
    response.body(Body::from(here(&exchange["response"].to_string()))).expect("a response")
}
