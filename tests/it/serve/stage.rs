//! The stage of the stories: the program itself, a GitHub and its git remote, and someone who posts.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sourceward::{
    model::secret::Secret,
    shell::store::{
        case::{Case, CaseId, State},
        read::{Filter, Reader},
    },
    webhook::signature::sign_standard_webhooks,
};

use crate::{
    git::git,
    github::{APP, APP_KEY, GitHub, TOKEN},
    remote::Remote,
};

/// What GitHub signs its events with.
pub(crate) const EVENTS_SECRET: &str = "It's a Secret to Everybody";

/// What the sender of the stories signs with.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_c3RvcmllcyBvZiB0aGUgc2VydmVy";

/// The longest that anything may take that should take a moment.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server with everything around it. Nothing runs before [`Stage::start`].
pub(crate) struct Stage {
    pub(crate) github: GitHub,
    pub(crate) remote: Remote,
    /// Where the configuration is, and below it the data.
    pub(crate) folder: tempfile::TempDir,
    address: SocketAddr,
    server: Option<Running>,
    log: Arc<Mutex<String>>,
    posted: AtomicUsize,
}

struct Running {
    child: Child,
    listening: Arc<Mutex<bool>>,
    reading: JoinHandle<()>,
}

/// Who the server is for GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    /// The user `robot`, by a token.
    Robot,
    /// The App.
    App,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The number of its only case.
    pub(crate) fn case(&self) -> CaseId {
        assert_eq!(self.status, 202, "{}", self.body);
        let cases = self.body["cases"].as_array().expect("cases");
        assert_eq!(cases.len(), 1, "{}", self.body);
        CaseId(cases[0]["id"].as_i64().expect("a number"))
    }

    /// What the finding meant for its case.
    pub(crate) fn verdict(&self) -> &str {
        self.body["cases"][0]["status"].as_str().unwrap_or_default()
    }
}

impl Stage {
    /// A server that looks after `acme/shop` with these files.
    pub(crate) fn set(who: As, files: &[(&str, &str)]) -> Self {
        Self::set_with(who, GitHub::with(files), &["acme/shop"])
    }

    pub(crate) fn set_with(who: As, github: GitHub, slugs: &[&str]) -> Self {
        Self::set_changed(who, github, slugs, |_| {})
    }

    /// The same with another configuration.
    pub(crate) fn set_changed(who: As, github: GitHub, slugs: &[&str], change: impl FnOnce(&mut Value)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let remote = github.remote();
        let (identity, credential) = match who {
            As::Robot => (json!({"token": {"file": "credential"}}), TOKEN),
            As::App => (json!({"app": {"id": APP, "private_key": {"file": "credential"}}}), APP_KEY),
        };
        fs::write(folder.path().join("credential"), credential).expect("writes");
        fs::write(folder.path().join("webhook"), WEBHOOK_SECRET).expect("writes");
        let address = free_address();
        let repositories: Vec<Value> =
            slugs.iter().map(|slug| json!({"slug": slug, "remote": remote.url(&format!("{slug}.git"))})).collect();
        fs::write(folder.path().join("events"), EVENTS_SECRET).expect("writes");
        let mut github_section = json!({"api": github.address(), "webhook_secrets": [{"file": "events"}], "onboarding": "off",
            "budget": {"changes_per_minute": 100_000, "changes_per_hour": 100_000, "points_per_minute": 1_000_000}});
        github_section.as_object_mut().expect("a map").extend(identity.as_object().expect("a map").clone());
        let config = json!({
            "listen": address,
            "data": "data",
            "senders": {"generic": {"secrets": [{"file": "webhook"}]}},
            "repositories": repositories,
            "github": github_section,
            "pull_requests": {"check": false, "dashboard": false, "limits": {"open": 1000, "per_hour": 1000, "storm": 1000}},
            "pull_requests_per_hour": 10_000,
        });
        let mut config = config;
        change(&mut config);
        fs::write(folder.path().join("server.yaml"), config.to_string()).expect("writes");
        let (log, posted) = (Arc::default(), AtomicUsize::new(0));
        Self { github, remote, folder, address, server: None, log, posted }
    }

    /// Adds to the server's configuration, before it starts: a section, or members of one that is there.
    pub(crate) fn configure(&self, section: &str, members: Value) {
        let file = self.folder.path().join("server.yaml");
        let mut config: Value = serde_json::from_slice(&fs::read(&file).expect("reads")).expect("JSON");
        match (config[section].as_object_mut(), members) {
            (Some(known), Value::Object(members)) => known.extend(members),
            (_, members) => config[section] = members,
        }
        fs::write(file, config.to_string()).expect("writes");
    }

    /// Runs the program and waits until it listens.
    pub(crate) fn start(&mut self) {
        self.start_logging("info");
    }

    /// The same; what it prints first.
    pub(crate) fn start_printing(&mut self) -> String {
        self.start();
        let stdout = self.server.as_mut().expect("runs").child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("prints");
        line
    }

    pub(crate) fn start_logging(&mut self, filter: &str) {
        assert!(self.server.is_none(), "it runs already");
        let mut child = self
            .program()
            .args(["serve", "--log", filter])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let listening = Arc::new(Mutex::new(false));
        let stderr = child.stderr.take().expect("piped");
        let reading = thread::spawn({
            let (log, listening) = (Arc::clone(&self.log), Arc::clone(&listening));
            move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    if line.contains("\"listening\"") {
                        *listening.lock().expect("no panic") = true;
                    }
                    let mut log = log.lock().expect("no panic");
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        self.server = Some(Running { child, listening, reading });
        self.until("the server listening", || {
            let server = self.server.as_ref().expect("runs");
            *server.listening.lock().expect("no panic")
        });
    }

    /// The most memory that the server has taken, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let server = self.server.as_ref().expect("it runs");
        let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).expect("Linux");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        peak.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") >> 10
    }

    /// Asks the server to end, as an orchestrator does, and waits for it.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut server = self.server.take().expect("it runs");
        let told =
            Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().expect("kill is there");
        assert!(told.success());
        let status = server.child.wait().expect("ends");
        server.reading.join().expect("no panic");
        status
    }

    /// Ends the server as a power cut does, but for the disk.
    pub(crate) fn kill(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.child.kill().expect("killed");
        server.child.wait().expect("ends");
        server.reading.join().expect("no panic");
    }

    /// Runs another server over the same data, on another address, to its end.
    pub(crate) fn another(&self) -> Output {
        let config = fs::read(self.folder.path().join("server.yaml")).expect("reads");
        let mut config: Value = serde_json::from_slice(&config).expect("JSON");
        config["listen"] = json!(free_address());
        let file = self.folder.path().join("another.yaml");
        fs::write(&file, config.to_string()).expect("writes");
        self.program().env("SOURCEWARD_CONFIG", file).arg("serve").output().expect("runs")
    }

    /// A command of the program's, with the server's configuration.
    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sourceward"));
        command.env_clear().env("SOURCEWARD_CONFIG", self.folder.path().join("server.yaml"));
        let rules = self.folder.path().join("rules");
        if rules.is_dir() {
            command.env("SOURCEWARD_RULES", rules);
        }
        command
    }

    /// Runs `sourceward findings` beside the server; its output, or what it says on failing.
    pub(crate) fn findings(&self, args: &[&str]) -> Result<String, String> {
        let output = self.program().arg("findings").args(args).output().expect("runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Posts a body as a signed delivery under an id; `None` if there was no answer.
    pub(crate) fn try_deliver(&self, id: &str, body: &Value) -> Option<Answer> {
        deliver(self.address, id, body)
    }

    pub(crate) fn deliver(&self, id: &str, body: &Value) -> Answer {
        self.try_deliver(id, body).expect("an answer")
    }

    /// Posts a finding as a delivery of its own.
    pub(crate) fn report(&self, finding: &Value) -> Answer {
        let number = self.posted.fetch_add(1, Ordering::Relaxed);
        self.deliver(&format!("report-{number}"), finding)
    }

    /// Posts a finding and waits until its case has come to its end.
    pub(crate) fn settle(&self, finding: &Value) -> Case {
        self.settled(self.report(finding).case())
    }

    /// Posts an event as GitHub does, under a new id; the status of the answer.
    pub(crate) fn event(&self, event: &str, payload: &Value) -> u16 {
        let number = self.posted.fetch_add(1, Ordering::Relaxed);
        post_event(self.address, event, &format!("event-{number}"), payload).expect("an answer").status
    }

    /// Lets a person comment at a pull request, and GitHub tell of it; the comment's number.
    pub(crate) fn comment(&self, slug: &str, number: u64, login: &str, text: &str) -> u64 {
        let id = self.github.comments_as(slug, number, login, text);
        assert_eq!(self.event("issue_comment", &self.commented(slug, number, id, login, text)), 202, "{text}");
        id
    }

    pub(crate) fn commented(&self, slug: &str, number: u64, id: u64, login: &str, text: &str) -> Value {
        json!({
            "action": "created",
            "repository": self.about(slug),
            "issue": {"number": number, "pull_request": {"url": "x"}, "body": "x"},
            "comment": {"id": id, "body": text, "user": {"login": login, "type": "User"}},
            "sender": {"login": login, "type": "User"},
        })
    }

    /// A repository as GitHub's events name it.
    pub(crate) fn about(&self, slug: &str) -> Value {
        json!({"id": self.github.id(slug), "full_name": slug, "default_branch": "main"})
    }

    /// Lets a person push to `main`, and GitHub tell of it.
    pub(crate) fn pushes(&self, slug: &str, files: &[(&str, &str)]) -> String {
        let head = self.github.person_pushes(slug, "main", files);
        let pushed = json!({"ref": "refs/heads/main", "after": head, "repository": self.about(slug)});
        assert_eq!(self.event("push", &pushed), 202);
        head
    }

    /// Tells what happened to a pull request.
    pub(crate) fn pull_event(&self, slug: &str, number: u64, action: &str) {
        let payload = json!({"action": action, "repository": self.about(slug), "pull_request": {"number": number}});
        assert_eq!(self.event("pull_request", &payload), 202);
    }

    /// Waits until a case fits.
    pub(crate) fn case_once(&self, case: CaseId, what: &str, fits: impl Fn(&Case) -> bool) -> Case {
        self.case_when(what, case, fits)
    }

    /// Waits until nothing is left to do for now: no case is ready or worked on.
    pub(crate) fn at_rest(&self) {
        let busy = |case: &Case| matches!(case.state, State::Ready | State::Working);
        self.until("rest", || {
            let rest = !self.cases().iter().any(busy) && !self.is_asked();
            thread::sleep(Duration::from_millis(5));
            rest
        });
    }

    /// Whether a request or a lease is open.
    fn is_asked(&self) -> bool {
        let database = rusqlite::Connection::open(self.data().join("findings.db")).expect("opens");
        let count =
            "SELECT (SELECT COUNT(*) FROM request) + (SELECT COUNT(*) FROM repository WHERE lease_until IS NOT NULL)";
        database.query_row(count, [], |row| row.get::<_, i64>(0)).is_ok_and(|count| count > 0)
    }

    /// Waits until a case has come to its end.
    pub(crate) fn settled(&self, case: CaseId) -> Case {
        let ended = |case: &Case| !matches!(case.state, State::Ready | State::Waiting | State::Working);
        self.case_when("having ended", case, ended)
    }

    /// Waits until a case waits for another try.
    pub(crate) fn waiting(&self, case: CaseId) -> Case {
        self.case_when("waiting", case, |case| case.state == State::Waiting)
    }

    fn case_when(&self, what: &str, case: CaseId, fits: impl Fn(&Case) -> bool) -> Case {
        let began = Instant::now();
        loop {
            let found = self.case(case);
            if fits(&found) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "case {case} is not {what}: {found:?}\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn case(&self, case: CaseId) -> Case {
        self.reader().show(case).expect("reads").expect("the case is there")
    }

    /// All cases, the oldest first.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let mut cases = self.reader().list(Filter { state: None, before: None, limit: usize::MAX }).expect("lists");
        cases.reverse();
        cases
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.data()).expect("reads")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything that the servers logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let began = Instant::now();
        while !condition() {
            assert!(began.elapsed() < PATIENCE, "{what} did not happen:\n{}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The diff of a branch against where it left `main`, as git shows it.
    pub(crate) fn diff(&self, slug: &str, branch: &str) -> String {
        assert!(self.github.branch(slug, branch).is_some(), "there is no branch {branch}");
        git(&self.github.folder(slug), &["diff", "--unified=0", "--no-color", &format!("main...{branch}")])
    }

    /// The lines that a branch removes and adds.
    pub(crate) fn changed(&self, slug: &str, branch: &str) -> Vec<String> {
        let diff = self.diff(slug, branch);
        let changed =
            |line: &&str| line.starts_with(['-', '+']) && !line.starts_with("---") && !line.starts_with("+++");
        diff.lines().filter(changed).map(str::to_owned).collect()
    }

    /// How often the server looked at a remote, fetched from it, and pushed to it.
    pub(crate) fn git_traffic(&self) -> GitTraffic {
        let requests = self.remote.requests();
        let count = |text: &str| requests.iter().filter(|line| line.contains(text)).count();
        GitTraffic {
            looks: count("service=git-upload-pack"),
            fetches: count(".git/git-upload-pack"),
            pushes: count(".git/git-receive-pack"),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // The story failed, or does not care how its server ends.
            let _ = server.child.kill();
            let _ = server.child.wait();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GitTraffic {
    pub(crate) looks: usize,
    pub(crate) fetches: usize,
    pub(crate) pushes: usize,
}

/// A free address that a restarted server can take again: taken and given back, and below the ports that connections get.
fn free_address() -> SocketAddr {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let first = std::process::id() as usize;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).expect("a port")));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Posts a body as a signed delivery; `None` if there was no whole answer.
pub(crate) fn deliver(address: SocketAddr, id: &str, body: &Value) -> Option<Answer> {
    let body = body.to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let signature = sign_standard_webhooks(&Secret::new(WEBHOOK_SECRET), id, now, body.as_bytes());
    let request = format!(
        "POST /webhooks/generic HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).ok()? })
}

/// Posts an event as GitHub does; `None` if there was no whole answer.
pub(crate) fn post_event(address: SocketAddr, event: &str, id: &str, payload: &Value) -> Option<Answer> {
    let body = payload.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(EVENTS_SECRET.as_bytes()).expect("any key fits");
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = format!(
        "POST /github HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         x-github-event: {event}\r\nx-github-delivery: {id}\r\nx-hub-signature-256: sha256={signature}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).ok()? })
}

/// Posts a body with these headers; the status of the answer.
pub(crate) fn post_raw(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Option<u16> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// The files below a folder that hold a text.
pub(crate) fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if fs::read(&path).expect("reads").windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}
