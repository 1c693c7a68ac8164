//! The receiver over real HTTP: every answer, every bound, and that 202 means stored.

mod authentication;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sourceward::{
    model::{finding::Finding, secret::Secret},
    remedy::onboarding::Onboarding,
    shell::{
        config::{Repository, SenderAccess},
        server::{Limits, Parts, Redact, Server, by_hint},
        store::{
            Options, Store,
            accept::Status,
            case::{CaseId, PullRequest, State},
            lease::{Claim, Conclusion, Outcome, Transition},
            read::{Filter, Reader},
        },
        worker::{Job, Settings},
    },
    webhook::{sender::Senders, signature::sign_standard_webhooks},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

const SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0";
const NOW: i64 = 1_700_000_000_000;

/// A server that runs, with senders `generic` (signed), `slow` (a program as slow as it is told) and `open`.
struct Running {
    folder: tempfile::TempDir,
    address: SocketAddr,
    clock: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

fn limits() -> Limits {
    Limits {
        head: Duration::from_millis(400),
        body: Duration::from_millis(400),
        mapping: Duration::from_millis(500),
        grace: Duration::from_secs(5),
        ..Limits::default()
    }
}

fn senders() -> Senders {
    let own = |name: &str, program: &str| {
        let manifest = format!(
            "name: {name}\ntitle: A sender of the tests\nbody_limit: 10000\nauthentication: [{{kind: bearer}}]\n\
             delivery_id: {{headers: [x-id]}}\nprogram: map.jq\n"
        );
        [(format!("{name}/sender.yaml"), manifest), (format!("{name}/map.jq"), program.to_owned())]
    };
    let files = [own("slow", "last(range(.turns)) | error(\"late\")"), own("open", ".")].concat();
    let senders = Senders::embedded().expect("senders");
    senders.with(Senders::from_files(files).expect("senders")).expect("senders")
}

fn access() -> BTreeMap<String, SenderAccess> {
    let one = |authentication: Option<&str>, secrets: &[&str]| SenderAccess {
        authentication: authentication.map(str::to_owned),
        secrets: secrets.iter().map(|text| Secret::new(*text)).collect(),
        proxies: Vec::new(),
    };
    BTreeMap::from([
        ("generic".to_owned(), one(None, &["whsec_b2xkLXNlY3JldA==", SECRET])),
        ("slow".to_owned(), one(Some("insecure"), &[])),
        ("open".to_owned(), one(Some("insecure"), &[])),
    ])
}

fn repositories() -> Vec<Repository> {
    let branch = "main".parse().expect("a branch");
    vec![Repository { slug: "acme/shop".parse().expect("a slug"), remote: None, branch, states: Vec::new() }]
}

fn parts(store: &Store, limits: Limits, clock: &Arc<AtomicI64>, work: Option<(Settings, Job)>) -> Parts {
    let clock = Arc::clone(clock);
    Parts {
        store: store.clone(),
        senders: senders(),
        access: access(),
        route: by_hint(&repositories()),
        redact: Redact { finding: Arc::new(|finding| finding), text: Arc::new(|text| text.replace("hunter2", "…")) },
        metrics: Arc::default(),
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        fetch: Arc::new(|url| Box::pin(async move { anyhow::bail!("nothing is at {url}") })),
        limits,
        github_secrets: vec![Secret::new("It's a Secret to Everybody")],
        setup: None,
        deliveries: None,
        onboarding: Onboarding::Off,
        repositories: repositories(),
        work,
    }
}

impl Running {
    async fn start(limits: Limits, work: Option<(Settings, Job)>) -> Self {
        Self::start_with(limits, work, |_| {}).await
    }

    async fn start_with(limits: Limits, work: Option<(Settings, Job)>, change: impl FnOnce(&mut Parts)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Options::default(), NOW).expect("opens");
        let clock = Arc::new(AtomicI64::new(NOW));
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut parts = parts(&store, limits, &clock, work);
        change(&mut parts);
        let server = Server::bind(local, None, parts).await.expect("binds");
        let address = server.address().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { folder, address, clock, stop, ended }
    }

    async fn exchange(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        stream.write_all(request).await.expect("sends");
        answer(&mut stream).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await
    }

    /// Posts to a sender that takes anything.
    async fn post_open(&self, sender: &str, id: &str, body: &Value) -> Answer {
        self.exchange(&request(&format!("/webhooks/{sender}"), &[("x-id", id)], &body.to_string())).await
    }

    /// Posts a signed delivery.
    async fn post(&self, id: &str, body: &str) -> Answer {
        self.exchange(&signed(id, body, NOW / 1000, SECRET)).await
    }

    fn cases(&self, state: Option<State>) -> usize {
        let reader = Reader::open(self.folder.path()).expect("reads");
        reader.list(Filter { state, before: None, limit: usize::MAX }).expect("lists").len()
    }

    /// Ends the server; what it wrote stays as long as the folder is kept.
    async fn stop(self) -> tempfile::TempDir {
        self.stop.send(()).expect("is running");
        self.ended.await.expect("no panic").expect("ends well");
        self.folder
    }
}

fn request(path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn signed(id: &str, body: &str, at: i64, secret: &str) -> Vec<u8> {
    let signature = sign_standard_webhooks(&Secret::new(secret), id, at, body.as_bytes());
    let at = at.to_string();
    let headers = [("webhook-id", id), ("webhook-timestamp", &at), ("webhook-signature", &signature)];
    request("/webhooks/generic", &headers, body)
}

async fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.expect("in time").expect("answers");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    Answer { status, head: head.to_ascii_lowercase(), body }
}

fn drift(name: &str, replicas: u32) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "patch": [{"op": "replace", "path": "/spec/replicas", "value": replicas}],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_says_what_happened() {
    let server = Running::start(limits(), None).await;
    let cart = drift("cart", 5).to_string();

    let taken = server.post("m1", &cart).await;
    assert_eq!(taken.status, 202);
    assert_eq!(taken.body["accepted"], 1);
    assert_eq!(taken.body["cases"][0]["id"], 1);
    assert_eq!(taken.body["cases"][0]["status"], "new");
    assert_eq!(taken.body["cases"][0]["fingerprint"].as_str().map(str::len), Some(64));
    assert_eq!(taken.body["ignored"], json!([]));
    assert_eq!(server.cases(Some(State::Ready)), 1, "202 means stored");

    let again = server.post("m1", &cart).await;
    assert_eq!((again.status, &again.body["duplicate"]), (200, &json!(true)));
    let conflict = server.post("m1", &drift("cart", 6).to_string()).await;
    assert_eq!(conflict.status, 409);
    let ignored = server.post("m2", r#"{"findings": []}"#).await;
    assert_eq!((ignored.status, &ignored.body["ignored"]), (202, &json!(["the list of findings is empty"])));

    let old = signed("m3", &cart, NOW / 1000 - 3600, SECRET);
    let forged = signed("m3", &cart, NOW / 1000, "whsec_Zm9yZ2Vk");
    let other_body = String::from_utf8(signed("m3", &cart, NOW / 1000, SECRET)).expect("text").replace("cart", "evil");
    let unsigned = request("/webhooks/generic", &[], &cart);
    for bytes in [old, forged, other_body.into_bytes(), unsigned] {
        let refused = server.exchange(&bytes).await;
        assert_eq!((refused.status, refused.body), (401, json!({"error": "not authenticated"})), "without detail");
    }
    let unreadable = server.exchange(&request("/webhooks/generic", &[], "{not json")).await;
    assert_eq!(unreadable.status, 401, "nothing is parsed before it is verified");

    let unmapped = server.post("m4", r#"{"findings": 3}"#).await;
    assert_eq!(unmapped.status, 422);
    assert!(unmapped.body["error"].as_str().is_some_and(|text| text.contains("findings: expected a list")));
    let kept = Reader::open(server.folder.path()).expect("reads").rejections(10).expect("reads");
    assert_eq!((kept.len(), kept[0].delivery.as_str(), kept[0].size), (1, "m4", 15));
    let quoting =
        server.post_open("open", "m6", &json!({"intent": "hunter2", "resource": drift("a", 1)["resource"]})).await;
    assert!(quoting.status == 422 && quoting.body.to_string().contains("hunter2"), "{}", quoting.body);
    let kept = Reader::open(server.folder.path()).expect("reads").rejections(10).expect("reads");
    assert!(kept[0].reason.contains("…") && !kept[0].reason.contains("hunter2"), "{}", kept[0].reason);

    let elsewhere = server.exchange(&request("/webhooks/nobody", &[], "{}")).await;
    assert_eq!(elsewhere.status, 404);
    let wrong = server.get("/webhooks/generic").await;
    assert_eq!(wrong.status, 405);
    assert!(wrong.head.contains("allow: post"), "{}", wrong.head);
    let zipped = server.exchange(&request("/webhooks/open", &[("content-encoding", "gzip")], "x")).await;
    assert_eq!(zipped.status, 415);
    let long = server.post_open("open", "m5", &json!("x".repeat(10_000))).await;
    assert_eq!(long.status, 413);

    let metrics = server.get("/metrics").await;
    let text = metrics.body.as_str().expect("text");
    for line in [
        r#"sourceward_deliveries_total{sender="generic",code="202"} 2"#,
        r#"sourceward_deliveries_total{sender="generic",code="401"} 5"#,
        r#"sourceward_deliveries_total{sender="unknown",code="404"} 1"#,
        r#"sourceward_findings_total{verdict="new"} 1"#,
        r#"sourceward_secret_uses_total{sender="generic",secret="1"} 5"#,
        r#"sourceward_cases{state="ready"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_without_an_id_are_a_new_report_after_a_while() {
    let server = Running::start(limits(), None).await;
    let body = drift("cart", 5);
    let post = async || server.exchange(&request("/webhooks/open", &[], &body.to_string())).await;
    assert_eq!(post().await.status, 202);
    assert_eq!(post().await.status, 200);
    server.clock.store(NOW + 600_000, Ordering::Relaxed);
    let later = post().await;
    assert_eq!((later.status, &later.body["cases"][0]["status"]), (202, &json!("repeat")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_body_is_stopped_at_the_limit() {
    let server = Running::start(Limits { body: Duration::from_secs(20), ..limits() }, None).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let head = "POST /webhooks/open HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sends");
    let (mut reading, mut writing) = stream.split();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
    let mut sent = 0_usize;
    let flood = async {
        while sent < 256 << 20 && writing.write_all(chunk.as_bytes()).await.is_ok() {
            sent += chunk.len();
        }
        std::future::pending::<()>().await;
    };
    let mut told = Vec::new();
    let listen = async {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = reading.read(&mut piece).await {
            told.extend_from_slice(&piece[..length]);
        }
    };
    timeout(Duration::from_secs(10), async {
        tokio::select! { () = flood => {}, () = listen => {} }
    })
    .await
    .expect("the server ends the connection");
    assert!(told.starts_with(b"HTTP/1.1 413 "), "{:?}", String::from_utf8_lossy(&told));
    assert!(sent < 32 << 20, "{sent} bytes were taken");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_cut_and_harm_nobody() {
    let server = Running::start(limits(), None).await;
    let began = Instant::now();
    let mut head = TcpStream::connect(server.address).await.expect("connects");
    head.write_all(b"POST /webhooks/open HTTP/1.1\r\nHo").await.expect("sends");
    let mut body = TcpStream::connect(server.address).await.expect("connects");
    body.write_all(b"POST /webhooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").await.expect("sends");
    let mut idle = TcpStream::connect(server.address).await.expect("connects");

    assert_eq!(server.post_open("open", "d", &drift("cart", 1)).await.status, 202, "others are served meanwhile");
    let slow_body = answer(&mut body).await;
    assert_eq!(slow_body.status, 408);
    for stream in [&mut head, &mut idle] {
        let mut rest = Vec::new();
        timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.expect("is closed").expect("is closed");
        assert!(!rest.starts_with(b"HTTP/1.1 2"));
    }
    assert!(began.elapsed() < Duration::from_secs(8));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_and_bodies_have_a_bound() {
    let tight = Limits { connections: 2, bodies: 4 << 10, body: Duration::from_secs(5), ..limits() };
    let server = Running::start(tight, None).await;
    let mut holder = TcpStream::connect(server.address).await.expect("connects");
    let head = b"POST /webhooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n";
    holder.write_all(head).await.expect("sends");
    holder.write_all(&[b' '; 3000]).await.expect("sends");
    sleep(Duration::from_millis(100)).await;
    let full = server.post_open("open", "a", &json!("x".repeat(3000))).await;
    assert_eq!(full.status, 503, "the memory of all bodies is bounded");
    assert!(full.head.contains("retry-after: "), "{}", full.head);

    let second = TcpStream::connect(server.address).await.expect("connects");
    let third = tokio::spawn({
        let bytes = request("/webhooks/open", &[("x-id", "b")], &drift("cart", 1).to_string());
        let address = server.address;
        async move {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            stream.write_all(&bytes).await.expect("sends");
            answer(&mut stream).await.status
        }
    });
    sleep(Duration::from_millis(150)).await;
    assert!(!third.is_finished(), "two connections are open: the third waits");
    drop(second);
    assert_eq!(third.await.expect("ran"), 202);
    drop(holder);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_does_not_end_costs_only_its_own_sender() {
    let server = Running::start(Limits { mapping: Duration::from_millis(60), ..limits() }, None).await;
    let endless = json!({"turns": 3_000_000});
    let (first, second) =
        tokio::join!(server.post_open("slow", "a", &endless), server.post_open("slow", "b", &endless));
    assert_eq!([first.status, second.status], [422, 422]);
    let refused = server.post_open("slow", "c", &json!({"turns": 1})).await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("retry-after: "));
    let mut fine = 0;
    for number in 0..20 {
        fine += usize::from(server.post_open("open", &format!("d{number}"), &drift("cart", 1)).await.status == 202);
    }
    assert!(fine >= 15, "others are served while the machine is busy: {fine} of 20");
    let recovered = async {
        loop {
            let status = server.post_open("slow", "e", &json!({"turns": 1})).await.status;
            if status != 503 {
                break status;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    assert_eq!(timeout(Duration::from_secs(60), recovered).await, Ok(422), "late, as the program says");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_are_each_stored_once() {
    let server = Arc::new(Running::start(Limits { mapping: Duration::from_secs(20), ..limits() }, None).await);
    let posts: Vec<_> = (0..200)
        .map(|number| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                // Every delivery twice; of two at the same time one is the first.
                let body = drift(&format!("app-{}", number / 2), 1).to_string();
                server.post(&format!("m{}", number / 2), &body).await.status
            })
        })
        .collect();
    let mut statuses = BTreeMap::new();
    for post in posts {
        *statuses.entry(post.await.expect("ran")).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(200, 100), (202, 100)]));
    assert_eq!(server.cases(None), 100);
    let Ok(server) = Arc::try_unwrap(server) else { panic!("nobody else has it") };
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_store_acknowledges_nothing_and_ends_the_server() {
    let server = Running::start(limits(), None).await;
    let saboteur = rusqlite::Connection::open(server.folder.path().join("findings.db")).expect("opens");
    saboteur
        .execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER fault BEFORE INSERT ON finding_case BEGIN INSERT INTO child VALUES (1); END;",
        )
        .expect("plants");
    let refused = server.post_open("open", "a", &drift("cart", 1)).await;
    assert_eq!(refused.status, 503);
    let ended = timeout(Duration::from_secs(10), server.ended).await.expect("in time").expect("no panic");
    assert!(ended.is_err_and(|error| error.to_string().contains("the store failed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_answered_with_a_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Options { limit: Some(64 * 4096) }, NOW).expect("opens");
    let clock = Arc::new(AtomicI64::new(NOW));
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(local, Some(local), parts(&store, limits(), &clock, None)).await.expect("binds");
    let (address, probes) = (server.address().expect("bound"), server.probes_address().expect("bound"));
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let running = Running { folder, address, clock, stop, ended };
    let mut taken = 0;
    let full = loop {
        let mut finding = drift(&format!("app-{taken}"), 1);
        finding["title"] = json!("x".repeat(3_000));
        let answer = running.post_open("open", &format!("m{taken}"), &finding).await;
        if answer.status != 202 {
            break answer;
        }
        taken += 1;
        assert!(taken < 500);
    };
    assert_eq!(full.status, 503);
    assert!(full.head.contains("retry-after: 60"));
    assert_eq!(running.cases(None), taken);
    assert_eq!(running.get("/healthz").await.status, 404, "probes have an address of their own");
    let probe = Running { address: probes, ..running };
    assert_eq!(probe.get("/healthz").await.status, 200);
    probe.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_finishes_what_has_begun() {
    let server = Running::start(Limits { body: Duration::from_secs(10), ..limits() }, None).await;
    let body = drift("cart", 1).to_string();
    let bytes = signed("m1", &body, NOW / 1000, SECRET);
    let (begin, rest) = bytes.split_at(bytes.len() - 10);
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(begin).await.expect("sends");
    sleep(Duration::from_millis(150)).await;
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    sleep(Duration::from_millis(150)).await;
    assert!(!stopping.is_finished(), "a request is under way");
    assert!(TcpStream::connect(address).await.is_err(), "nothing new is accepted");
    stream.write_all(rest).await.expect("sends");
    assert_eq!(answer(&mut stream).await.status, 202);
    let folder = stopping.await.expect("ends");
    let reader = Reader::open(folder.path()).expect("reads");
    assert!(reader.show(CaseId(1)).expect("reads").is_some(), "and what was acknowledged is stored");
}

#[tokio::test]
async fn a_sender_that_could_not_be_verified_keeps_the_server_from_starting() {
    let secret = |text: &str| vec![Secret::new(text)];
    let cases: Vec<(&str, Option<&str>, Vec<Secret>, &str)> = vec![
        ("generic", None, Vec::new(), "no secret is configured"),
        ("generic", None, secret("%%%"), "secret 0 cannot be used"),
        ("generic", Some("bearer"), secret(""), "no secret is configured"),
        ("generic", Some("basic"), secret("a:b"), "expected an authentication of standard-webhooks"),
        ("novelty", None, secret("x"), "there is no such sender"),
    ];
    for (sender, authentication, secrets, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Options::default(), NOW).expect("opens");
        let access = SenderAccess { authentication: authentication.map(str::to_owned), secrets, proxies: Vec::new() };
        let parts = Parts {
            access: BTreeMap::from([(sender.to_owned(), access)]),
            ..parts(&store, limits(), &Arc::new(AtomicI64::new(NOW)), None)
        };
        let bound = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), None, parts).await;
        let error = format!("{:#}", bound.err().expect("refused"));
        assert!(error.contains(expected) && error.contains(sender), "{error}");
    }
}

#[test]
fn findings_are_routed_by_their_hint() {
    let branch = || "main".parse().expect("a branch");
    let one = |slug: &str, remote: Option<&str>| Repository {
        slug: slug.parse().expect("a slug"),
        remote: remote.map(str::to_owned),
        branch: branch(),
        states: Vec::new(),
    };
    let several = [one("acme/shop", None), one("acme/infra", Some("ssh://git@host/x.git"))];
    let cases: &[(&[Repository], Option<&str>, Option<&str>)] = &[
        (&several, Some("acme/shop"), Some("acme/shop")),
        (&several, Some("Acme/Shop"), Some("acme/shop")),
        (&several, Some("https://github.com/acme/shop.git"), Some("acme/shop")),
        (&several, Some("git@github.com:acme/shop.git"), Some("acme/shop")),
        (&several, Some("ssh://git@host/x.git"), Some("acme/infra")),
        (&several, Some("https://github.com/evil-acme/shop"), None),
        (&several, Some("acme/other"), None),
        (&several, None, None),
        (&several[..1], None, Some("acme/shop")),
        (&several[..1], Some("acme/other"), None),
        (&[], None, None),
    ];
    for (repositories, hint, expected) in cases {
        let mut finding: Finding = serde_json::from_value(drift("cart", 1)).expect("a finding");
        finding.hints.repository = hint.map(str::to_owned);
        let found = by_hint(repositories)(&finding).ok().map(|slug| slug.to_string());
        assert_eq!(found.as_deref(), *expected, "{hint:?}");
    }
}

fn settings() -> Settings {
    Settings {
        count: 2,
        // The clock of these tests jumps.
        lease: Duration::from_secs(100 * 24 * 3600),
        grace: Duration::from_millis(300),
        gather: Duration::from_millis(5),
        rest: Duration::from_millis(20),
    }
}

fn for_each(claim: &Claim, outcome: impl Fn(CaseId) -> Outcome) -> Conclusion {
    let all = claim.cases.iter().map(|case| Transition { case: case.id, outcome: outcome(case.id) });
    Conclusion::from(all.collect::<Vec<_>>())
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_received_is_worked_on_and_a_panic_harms_no_other() {
    let job: Job = Arc::new(|claim, lease| {
        assert!(lease.held());
        if claim.cases.iter().any(|case| case.finding.stack.as_deref() == Some("panics")) {
            panic!("planted");
        }
        for_each(claim, |id| Outcome::Proposed(PullRequest { number: id.0.unsigned_abs(), url: "u".to_owned() }))
    });
    let server = Running::start(limits(), Some((settings(), job))).await;
    let mut poison = drift("poison", 1);
    poison["stack"] = json!("panics");
    let all = json!({"findings": [drift("a", 1), poison, drift("c", 1)]});
    assert_eq!(server.post("m1", &all.to_string()).await.status, 202);
    let clock = Arc::clone(&server.clock);
    until("the healthy ones being proposed", || {
        // Their first try fell with the poison's; time passes for the second.
        clock.fetch_add(1_000, Ordering::Relaxed);
        server.cases(Some(State::Proposed)) == 2
    })
    .await;
    until("the poison being given up", || {
        clock.fetch_add(3_600_000, Ordering::Relaxed);
        server.cases(Some(State::Dead)) == 1
    })
    .await;
    let poison = Reader::open(server.folder.path()).expect("reads").show(CaseId(2)).expect("reads").expect("there");
    assert_eq!(poison.reason, Some(json!("given up after 12 tries: the job panicked: planted")));
    assert_eq!(poison.attempts, 12);
    assert_eq!(server.post_open("open", "m2", &drift("later", 1)).await.status, 202);
    until("work going on", || server.cases(Some(State::Proposed)) == 3).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_hands_back_what_does_not_end() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let (begun, saw_loss) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let job: Job = {
        let (begun, saw_loss) = (Arc::clone(&begun), Arc::clone(&saw_loss));
        Arc::new(move |claim, lease| {
            begun.fetch_add(1, Ordering::SeqCst);
            let _ = released.lock().expect("no panic").recv();
            saw_loss.fetch_add(usize::from(!lease.held()), Ordering::SeqCst);
            for_each(claim, |_| Outcome::Resolved("too late".to_owned()))
        })
    };
    let server = Running::start(limits(), Some((settings(), job))).await;
    assert_eq!(server.post("m1", &drift("a", 1).to_string()).await.status, 202);
    until("the job beginning", || begun.load(Ordering::SeqCst) == 1).await;
    let folder = server.stop().await;
    let reader = Reader::open(folder.path()).expect("reads");
    let case = reader.show(CaseId(1)).expect("reads").expect("there");
    assert_eq!((case.state, case.attempts), (State::Ready, 0), "handed back, and not counted");
    drop(release);
    until("the job seeing that it lost its lease", || saw_loss.load(Ordering::SeqCst) == 1).await;
    assert_eq!(reader.show(CaseId(1)).expect("reads").expect("there").state, State::Ready);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_job_keeps_its_lease_and_one_that_lost_it_writes_nothing() {
    let (runs, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let job: Job = {
        let (runs, lost) = (Arc::clone(&runs), Arc::clone(&lost));
        Arc::new(move |claim, lease| {
            if runs.fetch_add(1, Ordering::SeqCst) > 0 {
                return for_each(claim, |_| Outcome::Resolved("second".to_owned()));
            }
            while lease.held() {
                std::thread::sleep(Duration::from_millis(5));
            }
            lost.fetch_add(1, Ordering::SeqCst);
            for_each(claim, |_| Outcome::Proposed(PullRequest { number: 1, url: "stale".to_owned() }))
        })
    };
    let settings = Settings { lease: Duration::from_millis(600), ..settings() };
    let server = Running::start(limits(), Some((settings, job))).await;
    server.post("m1", &drift("a", 1).to_string()).await;
    until("the job beginning", || runs.load(Ordering::SeqCst) == 1).await;
    for _ in 0..20 {
        // Three leases long, at the pace of the real clock.
        server.clock.fetch_add(90, Ordering::SeqCst);
        sleep(Duration::from_millis(90)).await;
    }
    assert_eq!((runs.load(Ordering::SeqCst), lost.load(Ordering::SeqCst)), (1, 0), "nobody else has it");
    until("the lease being lost", || {
        // The clock jumps: this process was suspended, or so it looks.
        server.clock.fetch_add(60_000, Ordering::SeqCst);
        lost.load(Ordering::SeqCst) == 1
    })
    .await;
    until("the second run", || {
        server.clock.fetch_add(100, Ordering::SeqCst);
        server.cases(Some(State::Resolved)) == 1
    })
    .await;
    let case = Reader::open(server.folder.path()).expect("reads").show(CaseId(1)).expect("reads").expect("there");
    assert_eq!((case.pull_request, case.reason), (None, Some(json!("second"))));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_trouble_reaches_the_job() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let job: Job = {
        let seen = Arc::clone(&seen);
        Arc::new(move |claim, _| {
            let mut seen = seen.lock().expect("no panic");
            seen.extend(claim.cases.iter().map(|case| (case.finding.state, case.pull_request.is_some())));
            for_each(claim, |id| match claim.cases.iter().find(|case| case.id == id).map(|case| case.finding.state) {
                Some(sourceward::model::finding::State::Resolved) => Outcome::Resolved("closed".to_owned()),
                _ => Outcome::Proposed(PullRequest { number: 7, url: "u".to_owned() }),
            })
        })
    };
    let server = Running::start(limits(), Some((settings(), job))).await;
    server.post("m1", &drift("a", 1).to_string()).await;
    until("the proposal", || server.cases(Some(State::Proposed)) == 1).await;
    let mut over = drift("a", 1);
    over["state"] = json!("resolved");
    let answer = server.post("m2", &over.to_string()).await;
    assert_eq!(answer.body["cases"][0]["status"], json!(Status::Resolving));
    until("the end", || server.cases(Some(State::Resolved)) == 1).await;
    use sourceward::model::finding::State::{Open, Resolved};
    assert_eq!(*seen.lock().expect("no panic"), [(Open, false), (Resolved, true)]);
    server.stop().await;
}
