//! Registering a GitHub App from the server's own page, a story each.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    github::{APP, APP_KEY, Fault, GitHub},
    serve::stage::{As, EVENTS_SECRET, Stage, holding},
};

const FILES: &[(&str, &str)] = &[(
    "k8s/cart.yaml",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\n  namespace: shop\nspec:\n  replicas: 3\n",
)];

/// What a browser is shown.
struct Page {
    status: u16,
    head: String,
    text: String,
}

impl Page {
    /// The value of an attribute of the first element that begins so.
    fn attribute(&self, element: &str, name: &str) -> String {
        let (_, rest) = self.text.split_once(element).unwrap_or_else(|| panic!("{element} is not in {}", self.text));
        let (_, rest) = rest.split_once(&format!("{name}=\"")).expect("the attribute");
        let value = rest.split('"').next().expect("it ends");
        value
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }
}

fn ask(address: SocketAddr, method: &str, path: &str) -> Page {
    let mut stream = TcpStream::connect(address).expect("connects");
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Page { status, head: head.to_ascii_lowercase(), text: text.to_owned() }
}

/// A server without an App, started to have one registered; the path of the page, with its key.
fn started(change: impl FnOnce(&mut Value)) -> (Stage, String) {
    let mut stage = Stage::set_changed(As::App, GitHub::with(FILES), &["acme/shop"], |config| {
        let github = config["github"].as_object_mut().expect("a map");
        github.remove("app");
        github.remove("webhook_secrets");
        let url = format!("http://{}", config["listen"].as_str().expect("an address"));
        config["github"]["setup"] = json!({"url": url, "organization": "acme", "name": "acme drift"});
        change(config);
    });
    let line = stage.start_printing();
    let url = line.rsplit(' ').next().expect("an address").trim();
    let path = url.strip_prefix(&format!("http://{}", stage.address())).expect("it is at this server").to_owned();
    (stage, path)
}

/// The state that a page sends to GitHub.
fn state(page: &Page) -> String {
    assert_eq!(page.status, 200, "{}", page.text);
    page.attribute("<form", "action").split_once("state=").expect("a state").1.to_owned()
}

/// Lets the operator agree on GitHub; the path that GitHub sends the browser to.
fn agreed(stage: &Stage, page: &Page, code: &str) -> String {
    let manifest: Value = serde_json::from_str(&page.attribute("<input", "value")).expect("a manifest");
    stage.github.agree(&manifest, code).expect("GitHub takes it");
    let back = manifest["redirect_url"].as_str().expect("an address").to_owned();
    let path = back.strip_prefix(&format!("http://{}", stage.address())).expect("it is at this server").to_owned();
    format!("{path}?code={code}&state={}", state(page))
}

#[test]
fn an_app_is_registered_once_and_its_credentials_are_the_servers_alone() {
    let (mut stage, path) = started(|_| {});
    let page = ask(stage.address(), "GET", &path);
    let action = page.attribute("<form", "action");
    assert!(action.starts_with(&format!("{}/organizations/acme/settings/apps/new?state=", stage.github.address())));
    let manifest: Value = serde_json::from_str(&page.attribute("<input", "value")).expect("a manifest");
    assert!(manifest["default_permissions"].get("workflows").is_none());
    for header in [
        &format!("content-security-policy: default-src 'none'; form-action {};", stage.github.address())[..],
        "cache-control: no-store",
        "referrer-policy: strict-origin",
        "x-frame-options: deny",
    ] {
        assert!(page.head.contains(header), "{header} is not in {}", page.head);
    }
    assert!(!page.text.contains("<script"), "{}", page.text);

    let done = agreed(&stage, &page, "a180b1a3d263c81bc6441d7b990bae27d4c10679");
    let answer = ask(stage.address(), "GET", &done);
    assert_eq!(answer.status, 200, "{}\n{}", answer.text, stage.log());
    let folder = stage.data().join("github-app");
    assert!(answer.text.contains(&format!("app: {{id: {APP}, private_key: {{file: ")), "{}", answer.text);
    assert!(answer.text.contains("/apps/acme-drift/installations/new"), "{}", answer.text);
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("reads");
    assert_eq!((read("id"), read("webhook-secret")), (format!("{APP}\n"), format!("{EVENTS_SECRET}\n")));
    assert_eq!(read("private-key.pem").trim(), APP_KEY.trim());
    assert_eq!(mode(&folder), 0o700);
    for name in ["id", "webhook-secret", "private-key.pem"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    for path in [&path, &done, "/setup", "/setup/done"] {
        assert_eq!(ask(stage.address(), "GET", path).status, 404, "it is gone");
    }
    stage.stop();
    let log = stage.log();
    let key = path.split_once('=').expect("a key").1;
    for secret in [key, "a180b1a3d263", EVENTS_SECRET, "PRIVATE KEY"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        assert!(!answer.text.contains(secret), "{secret} is on the page");
    }
    assert_eq!(holding(&stage.data(), "PRIVATE KEY"), [folder.join("private-key.pem")], "in no other file");

    // As the page said, without what was configured by hand before.
    let file = stage.folder.path().join("server.yaml");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).expect("reads")).expect("JSON");
    let github = config["github"].as_object_mut().expect("a map");
    github.remove("setup");
    github.insert("app".to_owned(), json!({"id": APP, "private_key": {"file": folder.join("private-key.pem")}}));
    github.insert("webhook_secrets".to_owned(), json!([{"file": folder.join("webhook-secret")}]));
    fs::write(file, config.to_string()).expect("writes");
    stage.start();
    let case = stage.settle(&json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}},
        "patch": [{"op": "replace", "path": "/spec/replicas", "value": 5}],
    }));
    stage.github.pull_request("acme/shop", 1).expect_open().expect_author("sourceward[bot]");
    stage.github.branch("acme/shop", case.proposal.expect("a proposal").branch.as_str()).expect("made");
    assert_eq!(ask(stage.address(), "GET", &path).status, 404);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn only_the_operator_opens_the_page_and_an_answer_counts_once() {
    let (stage, path) = started(|_| {});
    let at = stage.address();
    for wrong in ["/setup", "/setup?key=", "/setup?key=0", &format!("{path}&key=0"), &format!("{path}0")] {
        assert_eq!(ask(at, "GET", wrong).status, 403, "{wrong}");
    }
    assert_eq!(ask(at, "POST", &path).status, 405);
    let page = ask(at, "GET", &path);
    let done = agreed(&stage, &page, "first");
    let nonce = state(&page);
    for wrong in [
        "/setup/done".to_owned(),
        "/setup/done?code=first".to_owned(),
        "/setup/done?code=first&state=".to_owned(),
        format!("/setup/done?code=first&state={}", "0".repeat(64)),
        format!("/setup/done?code=first&state={nonce}&state={nonce}"),
    ] {
        assert_eq!(ask(at, "GET", &wrong).status, 403, "{wrong}");
    }
    // A page that was opened anew has another state, and the one before counts no more.
    let anew = ask(at, "GET", &path);
    assert_ne!(state(&anew), nonce);
    assert_eq!(ask(at, "GET", &done).status, 403);
    assert_eq!(stage.github.calls(), Vec::<String>::new(), "nothing was asked of GitHub");

    // A code that GitHub does not know uses the state up.
    let unknown = format!("/setup/done?code=unknown&state={}", state(&anew));
    assert_eq!(ask(at, "GET", &unknown).status, 502);
    assert_eq!(ask(at, "GET", &unknown).status, 403);
    for hostile in ["a/../../app", "a%2fb", ""] {
        let page = ask(at, "GET", &path);
        assert_eq!(ask(at, "GET", &format!("/setup/done?code={hostile}&state={}", state(&page))).status, 502);
    }
    assert_eq!(stage.github.calls(), ["POST /app-manifests/unknown/conversions"]);
    assert!(!stage.data().join("github-app").exists());
    assert!(!stage.log().contains("/unknown/"), "a code is a credential:\n{}", stage.log());

    let page = ask(at, "GET", &path);
    assert_eq!(ask(at, "GET", &agreed(&stage, &page, "second")).status, 200);
    assert_eq!(ask(at, "GET", &path).status, 404);
}

#[test]
fn a_browser_that_goes_away_loses_nothing() {
    let (stage, path) = started(|_| {});
    let page = ask(stage.address(), "GET", &path);
    let done = agreed(&stage, &page, "gone");
    stage.github.fail("/conversions", Fault::Slow(Duration::from_millis(500)));
    let mut stream = TcpStream::connect(stage.address()).expect("connects");
    stream.write_all(format!("GET {done} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).expect("sends");
    stage.until("the exchange", || !stage.github.calls().is_empty());
    drop(stream);
    stage.until("the credentials", || stage.data().join("github-app/private-key.pem").exists());
    stage.until("the page's end", || ask(stage.address(), "GET", &path).status == 404);
}

#[test]
fn what_github_loses_is_told_and_nothing_is_kept() {
    let (stage, path) = started(|_| {});
    let at = stage.address();
    for fault in [Fault::Status(502), Fault::LoseAnswer, Fault::Huge] {
        stage.github.fail("/conversions", fault);
        let page = ask(at, "GET", &path);
        let answer = ask(at, "GET", &agreed(&stage, &page, "lost"));
        assert_eq!(answer.status, 502);
        assert!(answer.text.contains("delete it there"), "{}", answer.text);
        assert!(!stage.data().join("github-app").exists());
    }
    assert_eq!(stage.github.calls().len(), 3, "a code is exchanged once");
    let left: Vec<_> = fs::read_dir(stage.data())
        .expect("reads")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    assert!(!left.iter().any(|name| name.contains("github-app")), "{left:?}");
}

#[test]
fn credentials_that_are_there_are_neither_shown_a_page_nor_overwritten() {
    let (mut stage, path) = started(|_| {});
    let page = ask(stage.address(), "GET", &path);
    let done = agreed(&stage, &page, "late");
    let folder = stage.data().join("github-app");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("id"), "1\n").expect("writes");
    assert_eq!(ask(stage.address(), "GET", &done).status, 502);
    assert_eq!(fs::read_to_string(folder.join("id")).expect("reads"), "1\n");
    assert_eq!(stage.github.calls(), Vec::<String>::new(), "it was not even asked for");
    stage.stop();
    stage.start();
    assert_eq!(ask(stage.address(), "GET", &path).status, 404);
    assert!(stage.log().contains("in the place of setup"), "{}", stage.log());
}

#[test]
fn without_being_asked_for_there_is_no_page() {
    for who in [As::Robot, As::App] {
        let mut stage = Stage::set(who, FILES);
        stage.start();
        for path in ["/setup", "/setup/done", "/setup?key=x"] {
            assert_eq!(ask(stage.address(), "GET", path).status, 404);
        }
    }
}
