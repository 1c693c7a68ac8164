//! How the ways to authenticate, and the questions that senders ask, come through the whole server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::Ordering},
};

use serde_json::{Value, json};
use sourceward::{model::secret::Secret, shell::config::SenderAccess};

use super::{Answer, Running, limits, request};

/// 2026-10-02T07:15:00Z, in seconds, when the signed fixtures were made.
const SIGNED: i64 = 1_790_925_300;
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:findings";

fn access(authentication: &str, secret: &str, proxies: &[&str]) -> SenderAccess {
    SenderAccess {
        authentication: Some(authentication.to_owned()),
        secrets: vec![Secret::new(secret)],
        proxies: proxies.iter().map(|text| text.parse().expect("a network")).collect(),
    }
}

/// A server with these senders; what it fetches is kept, and answered from `pages`.
async fn server(
    senders: &[(&str, SenderAccess)],
    pages: &[(&str, &'static str)],
) -> (Running, Arc<Mutex<Vec<String>>>) {
    let fetched: Arc<Mutex<Vec<String>>> = Arc::default();
    let pages: BTreeMap<String, &'static str> = pages.iter().map(|(url, page)| ((*url).to_owned(), *page)).collect();
    let running = Running::start_with(limits(), None, |parts| {
        parts.access = senders.iter().map(|(name, access)| ((*name).to_owned(), access.clone())).collect();
        let fetched = Arc::clone(&fetched);
        parts.fetch = Arc::new(move |url| {
            fetched.lock().expect("no panic").push(url.clone());
            let page = pages.get(&url).copied();
            Box::pin(async move { page.map(|page| page.into()).ok_or_else(|| anyhow::anyhow!("nothing is there")) })
        });
    })
    .await;
    running.clock.store(SIGNED * 1000, Ordering::Relaxed);
    (running, fetched)
}

async fn post(server: &Running, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    server.exchange(&request(path, headers, body)).await
}

fn sample(name: &str) -> String {
    std::fs::read_to_string(format!("{}/webhooks/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a sample")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_the_path_and_a_proxys_word_let_in() {
    let subject = "CN=alertmanager,O=acme";
    let (server, _) = server(
        &[
            ("falco", access("path-token", TOKEN, &[])),
            ("alertmanager", access("mtls", subject, &["127.0.0.0/8"])),
            ("falcosidekick", access("mtls", subject, &["10.0.0.0/8"])),
        ],
        &[],
    )
    .await;
    let (alert, group) =
        (sample("falco/samples/shell_in_a_deployment.json"), sample("alertmanager/samples/group.json"));
    let path = format!("/webhooks/falco/{TOKEN}");
    for (path, headers, body, status) in [
        (path.as_str(), &[][..], &alert, 202),
        ("/webhooks/falco", &[], &alert, 401),
        ("/webhooks/falco/", &[], &alert, 401),
        ("/webhooks/falco/0123456789abcdef0123456789abcdee", &[], &alert, 401),
        (&format!("/webhooks/{TOKEN}"), &[], &alert, 404),
        (&format!("{path}/x"), &[], &alert, 404),
        (&format!("/webhooks/alertmanager/{TOKEN}"), &[], &group, 404),
        ("/webhooks/alertmanager", &[("X-Client-Subject", subject)], &group, 202),
        ("/webhooks/alertmanager", &[("X-Client-Subject", "CN=alertmanager,O=evil")], &group, 401),
        ("/webhooks/alertmanager", &[], &group, 401),
        // It did not come from the proxy, so the header is the client's own.
        ("/webhooks/falcosidekick", &[("X-Client-Subject", subject)], &alert, 401),
    ] {
        let answer = post(&server, path, headers, body).await;
        assert_eq!(answer.status, status, "{path} {headers:?}: {:?}", answer.body);
        assert!(!answer.body.to_string().contains(TOKEN), "{path}");
    }
    assert!(server.cases(None) >= 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazon_sns_is_verified_confirmed_and_asked_once() {
    let messages: Vec<Value> = serde_json::from_str(include_str!("../webhook/sns.json")).expect("messages");
    let certificate = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem";
    let confirmation = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=t";
    let (server, fetched) = server(
        &[("guardduty", access("sns", TOPIC, &[])), ("cloudtrail", access("sns", "arn:aws:sns:x:1:other", &[]))],
        &[(certificate, include_str!("../webhook/sns.pem")), (confirmation, "<ConfirmSubscriptionResponse/>")],
    )
    .await;
    let post = async |sender: &str, message: &Value| {
        post(&server, &format!("/webhooks/{sender}"), &[], &message.to_string()).await
    };
    let other_topic = post("cloudtrail", &messages[0]).await;
    assert_eq!(
        (other_topic.status, fetched.lock().expect("no panic").len()),
        (401, 0),
        "nothing is fetched for strangers"
    );
    for message in &messages[..2] {
        let answer = post("guardduty", message).await;
        assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(1)), "{:?}", answer.body);
    }
    for (member, value) in [
        ("Message", json!("{}")),
        ("Timestamp", json!("2026-10-02T07:15:01.000Z")),
        ("TopicArn", json!("arn:aws:sns:eu-central-1:111122223333:other")),
        (
            "SigningCertURL",
            json!("https://sns.eu-central-1.amazonaws.com.evil.example.com/SimpleNotificationService-0.pem"),
        ),
        ("SigningCertURL", json!("https://evil.example.com/SimpleNotificationService-0000.pem")),
        ("SigningCertURL", json!("http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem")),
        (
            "SigningCertURL",
            json!("https://sns.eu-central-1.amazonaws.com@evil.example.com/SimpleNotificationService-0.pem"),
        ),
        ("SignatureVersion", json!("2")),
        ("Signature", json!("bm8=")),
        ("Type", json!("UnsubscribeConfirmation")),
    ] {
        let mut forged = messages[0].clone();
        forged[member] = value.clone();
        assert_eq!(post("guardduty", &forged).await.status, 401, "{member}: {value}");
    }
    let mut gone = messages[0].clone();
    gone["SigningCertURL"] = json!("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem");
    assert_eq!(post("guardduty", &gone).await.status, 503, "a certificate that cannot be had");
    assert_eq!(post("guardduty", &json!({"detail-type": "x"})).await.status, 401, "unsigned");

    let confirmed = post("guardduty", &messages[2]).await;
    assert_eq!((confirmed.status, confirmed.body["ignored"][0].as_str()), (200, Some("the subscription is confirmed")));
    let mut elsewhere = messages[2].clone();
    elsewhere["SubscribeURL"] = json!("https://evil.example.com/?Action=ConfirmSubscription&x");
    assert_eq!(post("guardduty", &elsewhere).await.status, 401);
    let fetched_all = fetched.lock().expect("no panic").clone();
    assert_eq!(fetched_all.iter().filter(|url| *url == certificate).count(), 1, "the certificate is kept");
    assert!(fetched_all.iter().all(|url| url.starts_with("https://sns.eu-")), "{fetched_all:?}");

    server.clock.store((SIGNED + 2 * 3600) * 1000, Ordering::Relaxed);
    assert_eq!(post("guardduty", &messages[1]).await.status, 401, "too old");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_google_lets_in_for_one_account_and_audience() {
    let fixture: Value = serde_json::from_str(include_str!("../webhook/oidc.json")).expect("a fixture");
    let keys: &'static str = Box::leak(fixture["keys"].to_string().into_boxed_str());
    let secret = "https://bot.example.com/webhooks/gcp-scc push@acme.iam.gserviceaccount.com";
    let (server, fetched) =
        server(&[("gcp-scc", access("oidc", secret, &[]))], &[("https://www.googleapis.com/oauth2/v3/certs", keys)])
            .await;
    let body = sample("gcp-scc/samples/pushed.json");
    for (name, token) in fixture["tokens"].as_object().expect("tokens") {
        let bearer = format!("Bearer {}", token.as_str().expect("a token"));
        let answer = post(&server, "/webhooks/gcp-scc", &[("Authorization", &bearer)], &body).await;
        let expected = match name.as_str() {
            "good" => 202,
            // The same delivery again.
            "short issuer" => 200,
            "unknown key" => 503,
            _ => 401,
        };
        assert_eq!(answer.status, expected, "{name}: {:?}", answer.body);
    }
    for wrong in ["Bearer x", "Bearer a.b.c", "Basic x", ""] {
        assert_eq!(post(&server, "/webhooks/gcp-scc", &[("Authorization", wrong)], &body).await.status, 401, "{wrong}");
    }
    assert_eq!(fetched.lock().expect("no panic").len(), 1, "the keys are kept");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_that_ask_are_answered() {
    let (server, _) =
        server(&[("azure", access("header", TOKEN, &[])), ("falco", access("path-token", TOKEN, &[]))], &[]).await;
    let (validation, token) = (sample("azure/samples/validation.json"), ("X-Sourceward-Token", TOKEN));
    let asks = ("aeg-event-type", "SubscriptionValidation");
    let answer = post(&server, "/webhooks/azure", &[token, asks], &validation).await;
    assert_eq!((answer.status, answer.body), (200, json!({"validationResponse": "512d38b6"})));
    assert_eq!(post(&server, "/webhooks/azure", &[asks], &validation).await.status, 401, "who may post may ask");
    let states = post(&server, "/webhooks/azure", &[token], &sample("azure/samples/policy_states.json")).await;
    assert_eq!((states.status, &states.body["accepted"]), (202, &json!(3)));

    let options = |path: &str| {
        format!(
            "OPTIONS {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nWebHook-Request-Origin: eventgrid.example.com\r\n\r\n"
        )
    };
    let answer = server.exchange(options("/webhooks/azure").as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("webhook-allowed-origin: eventgrid.example.com"), "{}", answer.head);
    assert_eq!(server.exchange(options("/webhooks/falco").as_bytes()).await.status, 405, "one that does not ask");
    server.stop().await;
}
