//! The fake's HTTP: who may call, what is answered, and the faults that were ordered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Response},
};
use octocrab::jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::{APP, APP_PUBLIC_KEY, Fault, Grant, Pull, State, contract, objects};
use crate::remote::{Strike, break_off};

pub(super) type Reply = Result<Value, Failure>;

pub(super) enum Failure {
    Unauthorized,
    Forbidden,
    NotFound,
    Invalid(String),
    Moved,
    Unknown,
}

pub(super) fn invalid(why: &str) -> Failure {
    Failure::Invalid(why.to_owned())
}

/// The installation of the App in every repository.
const INSTALLATION: u64 = 77;

enum Caller {
    App,
    Token(Grant),
}

struct Call<'c> {
    method: &'c str,
    parts: Vec<&'c str>,
    query: BTreeMap<String, String>,
    body: Value,
    line: &'c str,
}

pub(super) async fn answer(state: Arc<Mutex<State>>, prefix: &'static str, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    // Who asked may have been killed meanwhile.
    let Ok(body) = to_bytes(body, 1 << 27).await else { break_off() };
    let path = head.uri.path().to_owned();
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let graphql = format!("{}/graphql", prefix.strip_suffix("/v3").unwrap_or(prefix));
    let Some(path) = (if path == graphql { Some("/graphql") } else { path.strip_prefix(prefix) }) else {
        state.lock().expect("no panic").complaints.push(format!("{path} lies outside of the API's path"));
        return respond(500, &[], &json!({"message": "outside"}));
    };
    let query_of = parameters(head.uri.query().unwrap_or_default());
    let sent = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or(Value::Null) };
    let looks = path == "/graphql" && sent["query"].as_str().is_some_and(|query| query.starts_with("query"));
    let line = format!("{} {path}", if looks { "QUERY" } else { head.method.as_str() });
    let wrong = wrong_request(head.method.as_str(), path, &query_of, &sent);
    let (fault, slow_mint) = {
        let mut state = state.lock().expect("no panic");
        state.complaints.extend(wrong);
        state.log.push(format!("{line}{query}"));
        let at = state.faults.iter().position(|(text, _)| line.contains(text.as_str()));
        let ordered = at.and_then(|at| state.faults.remove(at)).map(|(_, fault)| fault);
        let changes = !line.starts_with("GET ") && !line.ends_with("/access_tokens");
        let struck = state.weather.as_mut().and_then(|weather| weather.strikes(changes));
        let fault = ordered.or(match struck {
            Some(Strike::LoseAnswer) => Some(Fault::LoseAnswer),
            Some(Strike::Fail) => Some(Fault::Status(502)),
            None => None,
        });
        (fault, state.slow_mint)
    };
    match &fault {
        Some(Fault::Status(status)) => return respond(*status, &[], &json!({"message": "ordered"})),
        Some(Fault::Refuse(status, headers, why)) => return respond(*status, headers, &json!({"message": why})),
        Some(Fault::Huge) => return respond(200, &[], &json!("x".repeat(20 << 20))),
        Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
        Some(Fault::PersonPushes(slug, branch)) => {
            let state = state.lock().expect("no panic");
            objects::person_commits(&state.open(slug), branch, &[("person", "was here")]);
        }
        _ => {}
    }
    if let Some(time) = slow_mint.filter(|_| line.ends_with("/access_tokens")) {
        tokio::time::sleep(time).await;
    }
    let call = Call {
        method: head.method.as_str(),
        parts: path.trim_start_matches('/').split('/').collect(),
        query: query_of,
        body: sent,
        line: &line,
    };
    let (status, headers, value) = {
        let mut state = state.lock().expect("no panic");
        check_headers(&mut state, &head.headers, &call);
        let caller = state.caller(&head.headers);
        let is_app = matches!(caller, Ok(Caller::App));
        let (known, (status, headers, value)) = match (call.method, call.parts.as_slice()) {
            // The code is the credential.
            ("POST", ["app-manifests", code, "conversions"]) => {
                let reply = state.apps.convert(code, crate::serve::stage::EVENTS_SECRET);
                (true, state.conclude(&call, path, reply))
            }
            ("GET", ["app", "hook", "deliveries"]) if is_app => {
                let (link, page) = state.apps.deliveries(&call.query, &state.base);
                (true, (200, link.map(|link| ("link", link)).into_iter().collect(), page))
            }
            ("POST", ["app", "hook", "deliveries", number, "attempts"]) if is_app => {
                let reply = match state.apps.attempt(number) {
                    Ok(nothing) => (202, Vec::new(), nothing),
                    refused => state.conclude(&call, path, refused),
                };
                (true, reply)
            }
            _ => {
                let reply = caller.and_then(|caller| state.route(&caller, &call));
                (!matches!(reply, Err(Failure::Unknown)), state.conclude(&call, path, reply))
            }
        };
        let value = if let Some(Fault::Says(other)) = &fault { other.clone() } else { value };
        let (value, wrong) = described(prefix, &call, path, status, value);
        state.complaints.extend(wrong.into_iter().filter(|_| known));
        (status, headers, value)
    };
    match fault {
        Some(Fault::LoseAnswer) => break_off(),
        Some(Fault::EffectThen(status)) => respond(status, &[], &json!({"message": "ordered"})),
        Some(Fault::Header(name, text)) => respond(status, &[(name, text)], &value),
        _ => respond(status, &headers, &value),
    }
}

fn respond(status: u16, headers: &[(&'static str, String)], value: &Value) -> Response<Body> {
    let mut response = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    if !headers.iter().any(|(name, _)| name.starts_with("x-ratelimit")) {
        response = response.header("x-ratelimit-limit", "5000").header("x-ratelimit-remaining", "4999");
    }
    for (name, text) in headers {
        response = response.header(*name, text);
    }
    let body = if status == 204 { Body::empty() } else { Body::from(value.to_string()) };
    response.body(body).expect("a response")
}

/// What a request does that GitHub does not describe, of github.com or of the server.
fn wrong_request(method: &str, path: &str, query: &BTreeMap<String, String>, body: &Value) -> Vec<String> {
    if path == "/graphql" {
        return contract::wrong_query(body);
    }
    let query: Vec<(String, String)> = query.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let body = Some(body).filter(|body| !body.is_null());
    contract::all().iter().flat_map(|one| one.wrong_request(method, path, &query, body)).collect()
}

/// An answer with all that GitHub always says, and what of it is not as GitHub describes it: github.com's or, below a path,
/// a server's is answered, and both are held against their descriptions.
fn described(prefix: &str, call: &Call<'_>, path: &str, status: u16, value: Value) -> (Value, Vec<String>) {
    if path == "/graphql" {
        let wrong = if status == 200 { contract::wrong_reply(&call.body, &value) } else { Vec::new() };
        return (value, wrong);
    }
    let mut wrong = Vec::new();
    let completed = contract::all().map(|one| {
        let whole = one.completed(call.method, path, status, value.clone());
        wrong.extend(one.wrong_answer(call.method, path, status, &whole));
        whole
    });
    let [github, server] = completed;
    (if prefix.is_empty() { github } else { server }, wrong)
}

/// What GitHub asks of every client.
fn check_headers(state: &mut State, headers: &HeaderMap, call: &Call<'_>) {
    let all = |name: &str| {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ")
    };
    let agent = all("user-agent");
    for (name, fits) in [
        ("user-agent", agent.starts_with("sourceward/") && !agent.contains(',')),
        ("accept", all("accept") == "application/vnd.github+json"),
        ("x-github-api-version", all("x-github-api-version") == "2022-11-28"),
        ("content-type", call.body.is_null() || all("content-type") == "application/json"),
    ] {
        if !fits {
            state.complaints.push(format!("{} has {name} {:?}", call.line, all(name)));
        }
    }
}

/// A time as GitHub writes it.
pub(super) fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let (mut year, mut days) = (1970, seconds / 86_400);
    let length = |year: u64| {
        if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) { 366 } else { 365 }
    };
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let mut month = 0;
    let months = [31, length(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, days + 1)
}

fn show_issue(number: u64, issue: &super::Issue) -> Value {
    json!({
        "number": number,
        "title": issue.title,
        "body": issue.body,
        "state": if issue.open { "open" } else { "closed" },
        "user": {"login": issue.author},
        "closed_by": null,
    })
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok()).filter(|_| byte == b'%');
            match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => {
                    bytes.push(byte);
                    rest = after;
                }
            }
        }
        String::from_utf8(bytes).expect("UTF-8")
    };
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decode(name), decode(value)));
    query.split('&').filter_map(pair).collect()
}

impl State {
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Failure> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let given = given.strip_prefix("Bearer ").ok_or(Failure::Unauthorized)?;
        if given.matches('.').count() == 2 {
            let key = DecodingKey::from_rsa_pem(APP_PUBLIC_KEY.as_bytes()).expect("a key");
            let mut validation = Validation::new(Algorithm::RS256);
            validation.set_required_spec_claims(&["exp"]);
            let claims = decode::<Value>(given, &key, &validation).map_err(|_| Failure::Unauthorized)?.claims;
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
            let number = |name: &str| claims[name].as_u64().unwrap_or_default();
            let in_time = number("iat") <= now && number("exp") <= now + 600;
            return if claims["iss"] == json!(APP) && in_time { Ok(Caller::App) } else { Err(Failure::Unauthorized) };
        }
        let grant = self.tokens.get(given).filter(|grant| !grant.expired);
        grant.cloned().map(Caller::Token).ok_or(Failure::Unauthorized)
    }

    fn route(&mut self, caller: &Caller, call: &Call<'_>) -> Reply {
        match (caller, call.method, call.parts.as_slice()) {
            (Caller::App, "GET", ["app"]) => Ok(json!({"id": APP, "slug": "sourceward"})),
            (Caller::App, "GET", ["repos", owner, name, "installation"]) => {
                self.repositories.get(&format!("{owner}/{name}")).ok_or(Failure::NotFound)?;
                Ok(json!({"id": INSTALLATION, "account": {"login": owner}, "permissions": self.granted}))
            }
            (Caller::App, "POST", ["app", "installations", id, "access_tokens"]) => {
                if *id != INSTALLATION.to_string() {
                    return Err(Failure::NotFound);
                }
                self.mint(&call.body)
            }
            (Caller::Token(grant), "POST", ["graphql"]) => self.graphql(grant, &call.body),
            (Caller::Token(grant), "GET", ["user"]) => match &grant.only {
                None => Ok(json!({"login": grant.login})),
                Some(_) => Err(Failure::Forbidden),
            },
            (Caller::Token(grant), _, ["repositories", id, rest @ ..]) => {
                let named = self.repositories.iter().find(|(_, repo)| repo.id.to_string() == **id);
                let slug = named.map(|(slug, _)| slug.clone()).ok_or(Failure::NotFound)?;
                if grant.only.as_ref().is_some_and(|only| *only != slug) {
                    return Err(Failure::NotFound);
                }
                self.repository(grant, &slug, rest, call)
            }
            (_, _, ["repos", owner, name, ..]) if self.renamed.contains_key(&format!("{owner}/{name}")) => {
                Err(Failure::Moved)
            }
            (Caller::Token(grant), _, ["repos", owner, name, rest @ ..]) => {
                let slug = format!("{owner}/{name}");
                if !self.repositories.contains_key(&slug) || grant.only.as_ref().is_some_and(|only| *only != slug) {
                    return Err(Failure::NotFound);
                }
                self.repository(grant, &slug, rest, call)
            }
            (Caller::App, ..) => Err(Failure::Unauthorized),
            _ => Err(Failure::Unknown),
        }
    }

    fn mint(&mut self, body: &Value) -> Reply {
        let names = body["repositories"].as_array().filter(|names| names.len() == 1);
        let name = names.and_then(|names| names[0].as_str()).ok_or_else(|| invalid("a token for all repositories"))?;
        let slug = self.repositories.keys().find(|slug| slug.ends_with(&format!("/{name}"))).cloned();
        let slug = slug.ok_or_else(|| invalid("There is at least one repository that does not exist"))?;
        let mut permissions = BTreeMap::new();
        for (name, level) in body["permissions"].as_object().ok_or_else(|| invalid("a token for everything"))? {
            let level = level.as_str().unwrap_or_default().to_owned();
            if self.granted.get(name).is_none_or(|granted| granted == "read" && level == "write") {
                return Err(invalid("The permissions requested are not granted to this installation."));
            }
            permissions.insert(name.clone(), level);
        }
        self.minted += 1;
        let token = format!("ghs_minted{:04}", self.minted);
        let only = Some(slug.clone());
        let grant = Grant { login: "sourceward[bot]", only, permissions: Some(permissions.clone()), expired: false };
        self.tokens.insert(token.clone(), grant);
        let id = self.repositories[&slug].id;
        let expires = utc(SystemTime::now() + Duration::from_secs(3600));
        Ok(json!({
            "token": token,
            "expires_at": expires,
            "permissions": permissions,
            "repositories": [{"id": id, "full_name": slug}],
        }))
    }

    fn repository(&mut self, grant: &Grant, slug: &str, rest: &[&str], call: &Call<'_>) -> Reply {
        let repository = self.open(slug);
        let verified = |state: &Self, sha: &str| state.verified.contains(sha);
        let level = if call.method == "GET" { "read" } else { "write" };
        let needs = match rest {
            [] => "",
            ["collaborators", ..] => "",
            ["commits", _, "check-runs"] | ["check-runs"] => "checks",
            ["commits", _, "statuses"] | ["statuses", _] => "statuses",
            ["issues"] => "issues",
            ["issues", number] if self.number(slug, number).is_err() => "issues",
            ["pulls" | "issues", ..] => "pull_requests",
            ["git" | "commits" | "compare", ..] => "contents",
            _ => return Err(Failure::Unknown),
        };
        let may = |has: &BTreeMap<String, String>| has.get(needs).is_some_and(|has| has == "write" || has == level);
        if !needs.is_empty() && grant.permissions.as_ref().is_some_and(|has| !may(has)) {
            return Err(Failure::Forbidden);
        }
        match (call.method, rest) {
            ("GET", []) => Ok(json!({
                "id": self.repositories[slug].id,
                "node_id": format!("R_{}", self.repositories[slug].id),
                "full_name": slug,
                "default_branch": "main",
                "clone_url": format!("https://github.example/{slug}.git"),
                "archived": self.repositories[slug].archived,
            })),
            ("GET", ["git", "ref", "heads", branch @ ..]) => {
                let branch = branch.join("/");
                let sha = self.head(slug, &branch).ok_or(Failure::NotFound)?;
                Ok(json!({"ref": format!("refs/heads/{branch}"), "object": {"type": "commit", "sha": sha}}))
            }
            ("POST", ["git", "refs"]) => {
                let name = call.body["ref"].as_str().unwrap_or_default();
                let branch = name.strip_prefix("refs/heads/").ok_or_else(|| invalid("ref is no branch"))?;
                if self.head(slug, branch).is_some() {
                    return Err(invalid("Reference already exists"));
                }
                self.unread.insert(format!("branch {branch} of {slug}"));
                self.move_branch(slug, branch, &call.body)
            }
            ("PATCH", ["git", "refs", "heads", branch @ ..]) => {
                let branch = branch.join("/");
                let head = self.head(slug, &branch).ok_or_else(|| invalid("Reference does not exist"))?;
                let sha = call.body["sha"].as_str().unwrap_or_default();
                let forced = call.body["force"] == json!(true);
                if !forced && objects::has_commit(&repository, sha) && !objects::is_ancestor(&repository, &head, sha) {
                    return Err(invalid("Update is not a fast forward"));
                }
                self.move_branch(slug, &branch, &call.body)
            }
            ("GET", ["git", "commits", sha]) => objects::get_commit(&repository, sha, verified(self, sha)),
            ("GET", ["git", "trees", sha]) => objects::get_tree(&repository, sha),
            ("GET", ["git", "blobs", sha]) => objects::get_blob(&repository, sha),
            ("POST", ["git", "blobs"]) => objects::post_blob(&repository, &call.body),
            ("POST", ["git", "trees"]) => objects::post_tree(&repository, &call.body),
            ("POST", ["git", "commits"]) => {
                let made = objects::post_commit(&repository, &call.body, grant.login)?;
                if grant.only.is_some() {
                    self.verified.insert(made["sha"].as_str().expect("an id").to_owned());
                }
                Ok(made)
            }
            ("GET", ["commits", sha]) => objects::show_commit(&repository, sha, verified(self, sha)),
            ("GET", ["compare", range]) => objects::compare(&repository, range),
            ("GET", ["pulls"]) => self.pulls(slug, call),
            ("POST", ["pulls"]) => self.open_pull(slug, &call.body, grant.login),
            ("GET", ["pulls", number]) => self.show_pull(slug, self.number(slug, number)?),
            ("PATCH", ["pulls", number]) => {
                let number = self.number(slug, number)?;
                let pull = self.pull(slug, number);
                if let Some(title) = call.body["title"].as_str() {
                    pull.title = title.to_owned();
                }
                if let Some(body) = call.body["body"].as_str() {
                    pull.body = body.to_owned();
                }
                let branch = pull.head.clone();
                if let Some(state) = call.body["state"].as_str() {
                    self.set_open(slug, number, &branch, state == "open", grant.login)?;
                }
                self.unread.insert(format!("pull request {number} of {slug}"));
                self.show_pull(slug, number)
            }
            ("GET", ["pulls", number, "commits"]) => {
                let number = self.number(slug, number)?;
                let pull = self.refreshed(slug, number).clone();
                let base = self.head(slug, &pull.base).expect("the base exists");
                let commits = objects::between(&repository, &base, &pull.head_sha);
                commits.iter().map(|sha| objects::show_commit(&repository, sha, verified(self, sha))).collect()
            }
            ("POST", ["pulls", number, "requested_reviewers"]) => {
                let number = self.number(slug, number)?;
                for list in ["reviewers", "team_reviewers"] {
                    for name in call.body[list].as_array().cloned().unwrap_or_default() {
                        let name = name.as_str().expect("a name").to_owned();
                        if name == "nobody" {
                            return Err(invalid("Reviews may only be requested from collaborators."));
                        }
                        self.pull(slug, number).reviewers.push(name);
                    }
                }
                self.show_pull(slug, number)
            }
            ("POST", ["issues", number, "assignees"]) => {
                let number = self.number(slug, number)?;
                for name in call.body["assignees"].as_array().cloned().unwrap_or_default() {
                    self.pull(slug, number).assignees.push(name.as_str().expect("a name").to_owned());
                }
                Ok(self.show_pull_as_issue(slug, number))
            }
            ("GET", ["collaborators", login, "permission"]) => {
                let usual = if matches!(*login, "ann" | "robot") { "write" } else { "none" };
                let found = self.repositories[slug].collaborators.get(*login).map_or(usual, String::as_str);
                Ok(json!({"permission": found, "role_name": found, "user": {"login": login}}))
            }
            ("GET", ["commits", sha, "check-runs"]) => {
                let found = self.repositories[slug].checks.get(*sha).cloned().unwrap_or_default();
                let fits = |run: &&Value| call.query.get("check_name").is_none_or(|name| run["name"] == json!(name));
                let runs: Vec<&Value> = found.iter().filter(fits).rev().take(1).collect();
                Ok(json!({"total_count": runs.len(), "check_runs": runs}))
            }
            ("POST", ["check-runs"]) => {
                if grant.only.is_none() {
                    return Err(Failure::Forbidden);
                }
                let sha = call.body["head_sha"].as_str().ok_or_else(|| invalid("head_sha is missing"))?.to_owned();
                if !objects::has_commit(&repository, &sha) {
                    return Err(invalid("No commit found for SHA"));
                }
                let long = |text: &Value| text.as_str().is_some_and(|text| text.len() > 65_535);
                if long(&call.body["output"]["summary"]) || long(&call.body["output"]["text"]) {
                    return Err(invalid("Only 65535 characters are allowed"));
                }
                let mut run = call.body.clone();
                run["id"] = json!(1);
                run["app"] = json!({"id": APP});
                let repo = self.repositories.get_mut(slug).expect("exists");
                repo.checks.entry(sha).or_default().push(run.clone());
                Ok(run)
            }
            ("GET", ["commits", sha, "statuses"]) => {
                let found = self.repositories[slug].checks.get(*sha).cloned().unwrap_or_default();
                Ok(found.into_iter().rev().collect())
            }
            ("POST", ["statuses", sha]) => {
                if !objects::has_commit(&repository, sha) {
                    return Err(invalid("No commit found for SHA"));
                }
                if call.body["description"].as_str().is_some_and(|text| text.chars().count() > 140) {
                    return Err(invalid("description is too long (maximum is 140 characters)"));
                }
                let mut status = call.body.clone();
                status["creator"] = json!({"login": grant.login});
                let repo = self.repositories.get_mut(slug).expect("exists");
                repo.checks.entry((*sha).to_owned()).or_default().push(status.clone());
                Ok(status)
            }
            ("GET", ["issues"]) => {
                let creator = call.query.get("creator").cloned();
                let fits = |author: &str| creator.as_ref().is_none_or(|creator| creator == author);
                let repo = &self.repositories[slug];
                let issues = repo.issues.iter().filter(|(_, issue)| fits(&issue.author));
                let mut found: Vec<(u64, Value)> =
                    issues.map(|(number, issue)| (*number, show_issue(*number, issue))).collect();
                let pulls: Vec<u64> =
                    repo.pulls.iter().filter(|(_, pull)| fits(&pull.author)).map(|(number, _)| *number).collect();
                for number in pulls {
                    found.push((number, self.show_pull_as_issue(slug, number)));
                }
                found.sort_by_key(|(number, _)| *number);
                Ok(found.into_iter().map(|(_, shown)| shown).collect())
            }
            ("POST", ["issues"]) => {
                let text = |name: &str| call.body[name].as_str().map(str::to_owned).ok_or_else(|| invalid("missing"));
                let issue = super::Issue {
                    title: text("title")?,
                    body: text("body")?,
                    open: true,
                    author: grant.login.to_owned(),
                };
                if issue.body.len() > 65_536 {
                    return Err(invalid("body is too long (maximum is 65536 characters)"));
                }
                let repo = self.repositories.get_mut(slug).expect("exists");
                let number = repo.next;
                repo.next += 1;
                repo.issues.insert(number, issue.clone());
                self.unread.insert(format!("issue {number} of {slug}"));
                Ok(show_issue(number, &issue))
            }
            ("GET", ["issues", number]) => {
                if let Ok(number) = self.number(slug, number) {
                    let closed_by = self.pull(slug, number).closed_by.clone();
                    let mut shown = self.show_pull_as_issue(slug, number);
                    shown["closed_by"] = closed_by.map_or(Value::Null, |login| json!({"login": login}));
                    return Ok(shown);
                }
                let number: u64 = number.parse().map_err(|_| Failure::NotFound)?;
                let issue = self.repositories[slug].issues.get(&number).ok_or(Failure::NotFound)?;
                Ok(show_issue(number, issue))
            }
            ("PATCH", ["issues", number]) => {
                let number: u64 = number.parse().map_err(|_| Failure::NotFound)?;
                let repo = self.repositories.get_mut(slug).expect("exists");
                let issue = repo.issues.get_mut(&number).ok_or(Failure::NotFound)?;
                issue.body = call.body["body"].as_str().ok_or_else(|| invalid("body is missing"))?.to_owned();
                let shown = show_issue(number, issue);
                self.unread.insert(format!("issue {number} of {slug}"));
                Ok(shown)
            }
            ("POST", ["issues", "comments", id, "reactions"]) => {
                let id: u64 = id.parse().map_err(|_| Failure::NotFound)?;
                let content = call.body["content"].as_str().ok_or_else(|| invalid("content is missing"))?.to_owned();
                if !["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"].contains(&content.as_str()) {
                    return Err(invalid("content is no reaction"));
                }
                let repo = self.repositories.get_mut(slug).expect("exists");
                if !repo.comments.contains_key(&id) {
                    return Err(Failure::NotFound);
                }
                let all = repo.reactions.entry(id).or_default();
                let one = (grant.login.to_owned(), content);
                if !all.contains(&one) {
                    all.push(one);
                    self.unread.insert(format!("reactions to {id} of {slug}"));
                }
                Ok(json!({"id": 1}))
            }
            ("GET", ["issues", number, "labels"]) => {
                let number = self.number(slug, number)?;
                Ok(self.pull(slug, number).labels.iter().map(|name| json!({"name": name})).collect())
            }
            ("POST", ["issues", number, "labels"]) => {
                let number = self.number(slug, number)?;
                for label in call.body["labels"].as_array().ok_or_else(|| invalid("labels is missing"))? {
                    let label = label.as_str().ok_or_else(|| invalid("a label is no text"))?;
                    let labels = &mut self.pull(slug, number).labels;
                    if !labels.iter().any(|has| has == label) {
                        labels.push(label.to_owned());
                    }
                }
                self.unread.insert(format!("pull request {number} of {slug}"));
                Ok(self.pull(slug, number).labels.iter().map(|name| json!({"name": name})).collect())
            }
            ("GET", ["issues", number, "comments"]) => {
                let number = self.number(slug, number)?;
                let show = |(id, (_, login, body)): (&u64, &(u64, String, String))| json!({"id": id, "body": body, "user": {"login": login}});
                Ok(self.repositories[slug].comments.iter().filter(|(_, (at, ..))| *at == number).map(show).collect())
            }
            ("POST", ["issues", number, "comments"]) => {
                let number = self.number(slug, number)?;
                let body = call.body["body"].as_str().ok_or_else(|| invalid("body is missing"))?.to_owned();
                let repo = self.repositories.get_mut(slug).expect("exists");
                let id = 5000 + repo.comments.len() as u64;
                repo.comments.insert(id, (number, grant.login.to_owned(), body));
                self.unread.insert(format!("comment at {number} of {slug}, {id}"));
                Ok(json!({"id": id}))
            }
            ("PATCH", ["issues", "comments", id]) => {
                let id: u64 = id.parse().map_err(|_| Failure::NotFound)?;
                let repo = self.repositories.get_mut(slug).expect("exists");
                let comment = repo.comments.get_mut(&id).ok_or(Failure::NotFound)?;
                if comment.1 != grant.login {
                    return Err(Failure::Forbidden);
                }
                comment.2 = call.body["body"].as_str().ok_or_else(|| invalid("body is missing"))?.to_owned();
                let at = comment.0;
                self.unread.insert(format!("comment at {at} of {slug}, {id}"));
                Ok(json!({"id": id}))
            }
            _ => Err(Failure::Unknown),
        }
    }

    /// Closes or reopens a pull request as GitHub does: not if its branch is gone or was moved meanwhile.
    fn set_open(&mut self, slug: &str, number: u64, branch: &str, open: bool, login: &str) -> Result<(), Failure> {
        let head = self.head(slug, branch);
        let pull = self.pull(slug, number);
        if pull.merged {
            return Err(invalid("state cannot be changed. The pull request is merged."));
        }
        if open && !pull.open && head.as_ref() != Some(&pull.head_sha) {
            let why = if head.is_none() { "has been deleted" } else { "was force-pushed or recreated" };
            return Err(invalid(&format!("state cannot be changed. The {branch} branch {why}.")));
        }
        if let Some(sha) = head.filter(|_| pull.open && !open) {
            pull.head_sha = sha;
        }
        pull.closed_by = (!open).then(|| login.to_owned());
        pull.open = open;
        Ok(())
    }

    /// The query and the mutation that are used; GraphQL answers refusals with 200.
    fn graphql(&mut self, grant: &Grant, body: &Value) -> Reply {
        if body["query"] == "query { viewer { login } }" {
            return Ok(json!({"data": {"viewer": {"login": grant.login}}}));
        }
        let refuse = |kind: &str, why: &str| {
            Ok(
                json!({"data": {"updateRefs": null}, "errors": [{"type": kind, "path": ["updateRefs"], "message": why}]}),
            )
        };
        if !body["query"].as_str().is_some_and(|query| query.contains("updateRefs(input: $input)")) {
            return Err(Failure::Unknown);
        }
        let input = &body["variables"]["input"];
        let named = self.repositories.iter().find(|(_, repo)| input["repositoryId"] == json!(format!("R_{}", repo.id)));
        let slug = named.map(|(slug, _)| slug.clone());
        let Some(slug) = slug.filter(|slug| grant.only.as_ref().is_none_or(|only| only == slug)) else {
            return refuse("NOT_FOUND", "Could not resolve to a node with the global id");
        };
        let may = |has: &BTreeMap<String, String>| has.get("contents").is_some_and(|has| has == "write");
        if grant.permissions.as_ref().is_some_and(|has| !may(has)) {
            return refuse("FORBIDDEN", "Resource not accessible by integration");
        }
        for update in input["refUpdates"].as_array().cloned().unwrap_or_default() {
            let text = |name: &str| update[name].as_str().unwrap_or_default().to_owned();
            let none = "0".repeat(40);
            let name = text("name");
            let branch = name.strip_prefix("refs/heads/").unwrap_or_default();
            if self.head(&slug, branch).unwrap_or(none.clone()) != text("beforeOid") {
                return refuse("UNPROCESSABLE", "Reference cannot be updated: it does not point to beforeOid");
            }
            let repository = self.open(&slug);
            if text("afterOid") == none {
                repository.find_reference(&name).and_then(|mut found| found.delete()).expect("deleted");
            } else if objects::has_commit(&repository, &text("afterOid")) {
                objects::set_branch(&repository, branch, &text("afterOid"));
            } else {
                return refuse("UNPROCESSABLE", "afterOid does not exist");
            }
        }
        Ok(json!({"data": {"updateRefs": {"clientMutationId": null}}}))
    }

    fn move_branch(&mut self, slug: &str, branch: &str, body: &Value) -> Reply {
        let sha = body["sha"].as_str().ok_or_else(|| invalid("sha is missing"))?;
        let repository = self.open(slug);
        if !objects::has_commit(&repository, sha) {
            return Err(invalid("Object does not exist"));
        }
        objects::set_branch(&repository, branch, sha);
        Ok(json!({"ref": format!("refs/heads/{branch}"), "object": {"type": "commit", "sha": sha}}))
    }

    fn number(&self, slug: &str, text: &str) -> Result<u64, Failure> {
        let number = text.parse().map_err(|_| Failure::NotFound)?;
        self.repositories[slug].pulls.contains_key(&number).then_some(number).ok_or(Failure::NotFound)
    }

    fn pulls(&mut self, slug: &str, call: &Call<'_>) -> Reply {
        let state = call.query.get("state").map_or("open", String::as_str);
        let (head, base) = (call.query.get("head"), call.query.get("base"));
        let owner = slug.split('/').next().unwrap_or_default();
        let numbers: Vec<u64> = self.repositories[slug]
            .pulls
            .iter()
            .filter(|(_, pull)| head.is_none_or(|head| *head == format!("{owner}:{}", pull.head)))
            .filter(|(_, pull)| base.is_none_or(|base| *base == pull.base))
            .filter(|(_, pull)| state == "all" || (state == "open") == pull.open)
            .map(|(number, _)| *number)
            .collect();
        numbers.into_iter().rev().map(|number| self.show_pull(slug, number)).collect()
    }

    fn open_pull(&mut self, slug: &str, body: &Value, login: &str) -> Reply {
        let text =
            |name: &str| body[name].as_str().map(str::to_owned).ok_or_else(|| invalid(&format!("{name} is missing")));
        let (head, base) = (text("head")?, text("base")?);
        let owner = slug.split('/').next().unwrap_or_default();
        let head_sha = self.head(slug, &head).ok_or_else(|| invalid("PullRequest head invalid"))?;
        let base_sha = self.head(slug, &base).ok_or_else(|| invalid("PullRequest base invalid"))?;
        let same = |pull: &Pull| pull.open && pull.head == head && pull.base == base;
        if self.repositories[slug].pulls.values().any(same) {
            return Err(invalid(&format!("A pull request already exists for {owner}:{head}.")));
        }
        if objects::is_ancestor(&self.open(slug), &head_sha, &base_sha) {
            return Err(invalid(&format!("No commits between {base} and {head}")));
        }
        let pull = Pull {
            title: text("title")?,
            body: body["body"].as_str().unwrap_or_default().to_owned(),
            head,
            head_sha,
            base,
            draft: body["draft"] == json!(true),
            open: true,
            merged: false,
            labels: Vec::new(),
            author: login.to_owned(),
            closed_by: None,
            merged_at: "",
            updated_at: "2026-01-02T03:04:05Z",
            reviewers: Vec::new(),
            assignees: Vec::new(),
        };
        let repo = self.repositories.get_mut(slug).expect("exists");
        let number = repo.next;
        repo.next += 1;
        repo.pulls.insert(number, pull);
        self.unread.insert(format!("pull request {number} of {slug}"));
        self.show_pull(slug, number)
    }

    fn show_pull(&mut self, slug: &str, number: u64) -> Reply {
        let base = self.pull(slug, number).base.clone();
        let base_sha = self.head(slug, &base);
        let pull = self.refreshed(slug, number);
        let repository = json!({"full_name": slug});
        Ok(json!({
            "number": number,
            "html_url": format!("https://github.example/{slug}/pull/{number}"),
            "state": if pull.open { "open" } else { "closed" },
            "merged_at": if pull.merged { json!(pull.merged_at) } else { Value::Null },
            "updated_at": pull.updated_at,
            "draft": pull.draft,
            "title": pull.title,
            "body": if pull.body.is_empty() { Value::Null } else { json!(pull.body) },
            "head": {"ref": pull.head, "sha": pull.head_sha, "repo": repository},
            "base": {"ref": pull.base, "sha": base_sha, "repo": repository},
            "labels": pull.labels.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
            "user": {"login": pull.author},
        }))
    }

    /// A pull request as the issues have it.
    fn show_pull_as_issue(&mut self, slug: &str, number: u64) -> Value {
        let pull = self.refreshed(slug, number);
        json!({
            "number": number,
            "html_url": format!("https://github.example/{slug}/pull/{number}"),
            "state": if pull.open { "open" } else { "closed" },
            "title": pull.title,
            "body": if pull.body.is_empty() { Value::Null } else { json!(pull.body) },
            "labels": pull.labels.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
            "user": {"login": pull.author},
            "pull_request": {"url": format!("https://api.github.example/repos/{slug}/pulls/{number}")},
        })
    }

    /// A pull request whose head is where its branch is; once closed it stays where it was.
    pub(super) fn refreshed(&mut self, slug: &str, number: u64) -> &Pull {
        let branch = self.pull(slug, number).head.clone();
        let head = self.head(slug, &branch);
        let pull = self.pull(slug, number);
        if let Some(sha) = head.filter(|_| pull.open) {
            pull.head_sha = sha;
        }
        pull
    }

    /// The status, headers and body of an answer; lists are cut into pages.
    fn conclude(&mut self, call: &Call<'_>, path: &str, reply: Reply) -> (u16, Vec<(&'static str, String)>, Value) {
        const GUIDE: &str = "https://docs.github.example/rest";
        let refuse = |status: u16, why: &str| (status, Vec::new(), json!({"message": why, "documentation_url": GUIDE}));
        match reply {
            Ok(Value::Array(items)) => {
                let number =
                    |name: &str, other: usize| call.query.get(name).and_then(|n| n.parse().ok()).unwrap_or(other);
                let (page, size) = (number("page", 1).max(1), number("per_page", 30).clamp(1, 100));
                let more = items.len() > page * size;
                let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
                let mut headers = Vec::new();
                if more {
                    // GitHub leads on by the repository's number.
                    let path = match call.parts.as_slice() {
                        ["repos", owner, name, rest @ ..] => {
                            let id = self.repositories[&format!("{owner}/{name}")].id;
                            format!("/repositories/{id}/{}", rest.join("/"))
                        }
                        parts => format!("/{}", parts.join("/")),
                    };
                    let others = call.query.iter().filter(|(name, _)| *name != "page");
                    let others: String = others.map(|(name, value)| format!("{name}={value}&")).collect();
                    let next = format!("<{}{path}?{others}page={}>; rel=\"next\"", self.base, page + 1);
                    headers.push(("link", next));
                }
                (200, headers, Value::Array(shown))
            }
            Ok(Value::Null) => (204, Vec::new(), Value::Null),
            Ok(value) => {
                let usual = if call.method == "POST" && path != "/graphql" { 201 } else { 200 };
                (contract::GITHUB.success(call.method, path).unwrap_or(usual), Vec::new(), value)
            }
            Err(Failure::Unauthorized) => refuse(401, "Bad credentials"),
            Err(Failure::Forbidden) => refuse(403, "Resource not accessible by integration"),
            Err(Failure::NotFound) => refuse(404, "Not Found"),
            Err(Failure::Moved) => refuse(301, "Moved Permanently"),
            Err(Failure::Invalid(why)) => (
                422,
                Vec::new(),
                json!({
                    "message": "Validation Failed",
                    "documentation_url": GUIDE,
                    "errors": [{"code": "custom", "message": why}],
                }),
            ),
            Err(Failure::Unknown) => {
                self.complaints.push(format!("{} is not known to the fake", call.line));
                refuse(500, &format!("{} is not known", call.line))
            }
        }
    }
}
