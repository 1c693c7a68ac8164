//! Deliveries that are made to hurt, against the program itself: each gets its documented answer, memory stays bounded, and others
//! go through all the while.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use sourceward::{model::secret::Secret, webhook::signature::sign_standard_webhooks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::serve::stage::{As, Stage, WEBHOOK_SECRET, post_raw};

/// How many post at once, unless `SOURCEWARD_POSTS` says otherwise; even.
const POSTS: usize = 2_000;

/// The most memory that a server may take meanwhile, in MiB: bodies, queues and threads have bounds of their own, and a debug build
/// has some fifty to begin with.
const MEMORY: u64 = 400;

fn stage() -> Stage {
    Stage::set(
        As::Robot,
        &[("k8s/cart.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart, namespace: shop}\n")],
    )
}

fn drift(name: &str) -> Value {
    json!({"intent": "drift", "patch": [{"op": "replace", "path": "/spec/replicas", "value": 5}], "resource":
        {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}}})
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

fn sign(id: &str, body: &[u8], at: i64) -> String {
    sign_standard_webhooks(&Secret::new(WEBHOOK_SECRET), id, at, body)
}

/// Posts to the signed sender; the status, if there was an answer.
fn post_signed(stage: &Stage, id: &str, signature: &str, at: i64, body: &str) -> Option<u16> {
    let at = at.to_string();
    let headers = [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", signature)];
    post_raw(stage.address(), "/webhooks/generic", &headers, body)
}

#[test]
fn thousands_of_posts_at_once_are_each_answered_and_others_go_through() {
    let posts = std::env::var("SOURCEWARD_POSTS").map_or(POSTS, |posts| posts.parse().expect("a number"));
    // Both ends of a connection need a descriptor, and ours are in this process.
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = limits.maximum.map_or(20_000, |most| most.min(20_000));
    let raised = rustix::process::Rlimit { current: Some(wanted), ..limits };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("raised");
    let at_once = usize::try_from(wanted).expect("a number").saturating_sub(2_000).min(posts);

    let mut stage = stage();
    stage.start_logging("error,sourceward::shell::cli=info");
    let (address, at) = (stage.address(), now());
    // Worded before: a client that is slow to say what it wants is cut after five seconds.
    let requests: Vec<String> = (0..posts)
        .map(|number| {
            // Every delivery comes twice, and every trouble many times.
            let (id, body) = (format!("flood-{}", number / 2), drift(&format!("app-{}", number / 2 % 100)).to_string());
            let (signature, length) = (sign(&id, body.as_bytes(), at), body.len());
            format!(
                "POST /webhooks/generic HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
                 webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        })
        .collect();
    let (began, is_over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let beside = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let (mut answered, mut slowest) = (0, Duration::ZERO);
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let mut stream = TcpStream::connect(address).expect("connects");
                stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sends");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).expect("answers");
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                (answered, slowest) = (answered + 1, slowest.max(began.elapsed()));
                thread::sleep(Duration::from_millis(100));
            }
            (answered, slowest)
        }
    });
    let repeats = Arc::new(AtomicUsize::new(0));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let statuses: BTreeMap<u16, usize> = runtime.block_on(async {
        let places = Arc::new(tokio::sync::Semaphore::new(at_once));
        let posts: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let (places, repeats) = (Arc::clone(&places), Arc::clone(&repeats));
                tokio::spawn(async move {
                    let _place = places.acquire().await.expect("open");
                    loop {
                        match post(address, &request).await {
                            Some(status) => return status,
                            // On a busy machine we may be the slow client.
                            None => repeats.fetch_add(1, Ordering::Relaxed),
                        };
                    }
                })
            })
            .collect();
        let mut statuses = BTreeMap::new();
        for post in posts {
            *statuses.entry(post.await.expect("no panic")).or_default() += 1;
        }
        statuses
    });
    is_over.store(true, Ordering::Relaxed);
    let (answered, slowest) = beside.join().expect("no panic");
    let (memory, repeats) = (stage.memory(), repeats.load(Ordering::Relaxed));
    eprintln!(
        "{statuses:?} after {repeats} repeats in {:?}, {at_once} at once, {memory} MiB, {answered} others, the slowest {slowest:?}",
        began.elapsed()
    );
    assert_eq!(statuses.values().sum::<usize>(), posts);
    assert!(repeats < posts / 4, "{repeats} connections were cut");
    assert!(statuses.keys().all(|status| matches!(status, 200 | 202 | 503)), "{statuses:?}");
    assert!(statuses[&202] <= posts / 2 && statuses[&202] > 0, "{statuses:?}: of two that are equal one is taken");
    assert!(answered > 0 && slowest < Duration::from_secs(30), "{answered}, {slowest:?}");
    assert!(memory < MEMORY, "{memory} MiB");
    assert!(stage.cases().len() <= 100, "a trouble is one case, however often it is told");
    assert_eq!(stage.deliver("afterwards", &drift("cart")).status, 202);
}

/// Sends a request and reads the answer's status; nothing where the connection was cut before.
async fn post(address: SocketAddr, request: &str) -> Option<u16> {
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer).await;
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
    status.filter(|_| ended.is_ok())
}

/// Posts a body with its whole length told before; the status, which may come before all is sent.
fn post_long(stage: &Stage, headers: &str, body: Vec<u8>) -> u16 {
    let mut stream = TcpStream::connect(stage.address()).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let length = body.len();
    let head = format!(
        "POST /webhooks/generic HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    let mut writing = stream.try_clone().expect("cloned");
    // The server may close before all is there.
    let sending =
        thread::spawn(move || writing.write_all(head.as_bytes()).and_then(|()| writing.write_all(&body)).is_ok());
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..length]);
    }
    drop(stream);
    sending.join().expect("no panic");
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn a_long_body_a_deep_one_and_a_wrong_signature_at_each_byte_are_refused() {
    let mut stage = stage();
    stage.start_logging("error,sourceward::shell::cli=info");
    let at = now();
    let signed = |id: &str, body: &[u8]| {
        let signature = sign(id, body, at);
        format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n")
    };
    let long = vec![b' '; 10 << 20];
    assert_eq!(post_long(&stage, &signed("long", &long), long.clone()), 413);
    assert_eq!(post_long(&stage, "", long), 413, "nobody has to be known for that");
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let deep = (open.repeat(200_000) + "1" + &close.repeat(200_000)).into_bytes();
        let expected = if deep.len() > 1 << 20 { 413 } else { 422 };
        assert_eq!(post_long(&stage, &signed(open, &deep), deep), expected, "{open}");
    }
    let body = drift("cart").to_string();
    let signature = sign("bytes", body.as_bytes(), at);
    for index in 0..signature.len() {
        let mut wrong = signature.clone().into_bytes();
        wrong[index] = if wrong[index] == b'A' { b'B' } else { b'A' };
        let wrong = String::from_utf8(wrong).expect("ASCII");
        assert_eq!(post_signed(&stage, "bytes", &wrong, at, &body), Some(401), "byte {index} of the signature");
    }
    for index in 0..body.len() {
        let mut wrong = body.clone().into_bytes();
        wrong[index] = if wrong[index] == b' ' { b'x' } else { b' ' };
        let wrong = String::from_utf8(wrong).expect("ASCII");
        assert_eq!(post_signed(&stage, "bytes", &signature, at, &wrong), Some(401), "byte {index} of the body");
    }
    assert_eq!(stage.cases().len(), 0);
    assert_eq!(post_signed(&stage, "bytes", &signature, at, &body), Some(202));
    assert!(stage.memory() < MEMORY, "{} MiB", stage.memory());
}

#[test]
fn an_endless_program_of_an_operator_costs_only_its_own_sender() {
    let mut stage = stage();
    let folder = stage.folder.path().join("webhooks/endless");
    fs::create_dir_all(&folder).expect("made");
    fs::write(
        folder.join("sender.yaml"),
        "name: endless\ntitle: Endless\nauthentication: [{kind: bearer}]\nprogram: map.jq\n",
    )
    .expect("writes");
    fs::write(folder.join("map.jq"), "last(repeat(1))\n").expect("writes");
    stage.configure("webhooks", json!("webhooks"));
    stage.configure("senders", json!({"endless": {"authentication": "insecure"}}));
    stage.start_logging("error,sourceward::shell::cli=info");
    let post =
        |body: &str| post_raw(stage.address(), "/webhooks/endless", &[("content-type", "application/json")], body);
    // Two seconds each; while the first runs, another sender is served.
    thread::scope(|scope| {
        let both = [r#"{"a": 1}"#, r#"{"a": 2}"#].map(|body| scope.spawn(move || post(body)));
        thread::sleep(Duration::from_millis(300));
        let began = Instant::now();
        assert_eq!(stage.deliver("meanwhile", &drift("cart")).status, 202);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(both.map(|thread| thread.join().expect("no panic")), [Some(422); 2]);
    });
    assert_eq!(post(r#"{"a": 3}"#), Some(503), "it has lost two threads");
    assert_eq!(stage.deliver("afterwards", &drift("checkout")).status, 202);
    assert!(stage.memory() < MEMORY, "{} MiB", stage.memory());
}
