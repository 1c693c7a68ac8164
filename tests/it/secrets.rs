//! Secrets, planted in the formats in which they are found, sent through every way in and looked for at every way out.
//!
//! What a resource is called and which field is meant are no ways in: by them a finding is known, and they are kept.

mod live;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sourceward::{
    remedy::confidential::withheld,
    shell::store::case::State,
    webhook::{
        map::{Mapped, map},
        sender::Senders,
    },
};

use crate::serve::stage::{As, Stage, holding};

const SHOP: &str = "acme/shop";

/// A secret in one format.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    pub(crate) format: &'static str,
    /// The text that holds it.
    pub(crate) text: String,
    /// What must be seen nowhere, in no coding.
    needles: Vec<String>,
}

impl Planted {
    /// Where a text holds the secret: raw, in hexadecimal digits, or in base64 at any offset. Percent-encoding and JSON's
    /// escapes leave its letters and digits as they are.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| text.contains(needle))
    }

    pub(crate) fn unseen(&self, place: &str, text: &str) {
        let Some(needle) = self.needles.iter().find(|needle| text.contains(*needle)) else { return };
        let line = text.lines().find(|line| line.contains(needle)).unwrap_or_default();
        panic!("the secret of {} is in {place}: {}", self.format, line.chars().take(2_000).collect::<String>());
    }
}

/// One secret of each format.
pub(crate) fn planted() -> Vec<Planted> {
    type Format = (&'static str, fn(&str) -> String);
    let formats: &[Format] = &[
        ("an AWS access key id", |c| format!("AKI{}{}", 'A', &c.to_ascii_uppercase()[..16])),
        ("an AWS secret key in a dotenv file", |c| {
            format!("AWS_SECRET_ACCESS_KEY={c}wJalrXUtnFEMIK7MDENGbPx\nPORT=80")
        }),
        ("a GitHub token", |c| format!("gh{}_{c}0123456789abcdefghij", 'p')),
        ("a fine-grained GitHub token", |c| format!("github{}_11ABCDEFG0{c}_mnopqrstuvwxyz0123456789", "_pat")),
        ("an installation token", |c| format!("gh{}_{c}0123456789abcdefghij", 's')),
        ("a GitLab token", |c| format!("gl{}-{c}0123", "pat")),
        ("a Slack token", |c| format!("xo{}-123456789012-{c}", "xb")),
        ("a Slack webhook", |c| format!("https://hooks.slack{}/services/T00000000/B00000000/{c}12345678", ".com")),
        ("a JWT", |c| format!("ey{}.eyJzdWIiOiIxIn0.{c}", "JhbGciOiJIUzI1NiJ9")),
        ("an RSA key", |c| pem("RSA PRIVATE", c)),
        ("an OpenSSH key", |c| pem("OPENSSH PRIVATE", c)),
        ("a user and password in a URL", |c| format!("https://robot:{c}@registry.example/v2/")),
        ("a Postgres URL", |c| format!("postgres://shop:{c}@db:5432/shop?sslmode=require")),
        ("a Redis URL", |c| format!("redis://:{c}@redis:6379/0")),
        ("a percent-encoded URL", |c| format!("postgres%3A%2F%2Fshop%3A{c}%40db%3A5432")),
        ("a dotenv file", |c| format!("LOG_LEVEL=info\nDB_PASSWORD='{c}'\n")),
        ("JSON", |c| format!(r#"{{"db": {{"host": "db", "password": "{c}"}}}}"#)),
        ("JSON in JSON", |c| format!(r#"{{\"password\":\"{c}\"}}"#)),
        ("YAML", |c| format!("db:\n  host: db\n  password: {c}\n")),
        ("HCL", |c| format!("db_password = \"{c}\"\n")),
        ("base64 of a dotenv file", |c| STANDARD.encode(format!("DB_PASSWORD={c}\n"))),
        ("base64 of a key", |c| STANDARD.encode(pem("RSA PRIVATE", c))),
        ("a Kubernetes Secret", |c| {
            format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  any: {}\n", STANDARD.encode(c))
        }),
        ("a connection string", |c| format!("Server=db;Database=shop;User Id=sa;Password={c};Timeout=5")),
        ("an Azure account key", |c| {
            format!("DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={c}Zm9vYmFyYmF6cXV4;EndpointSuffix=x")
        }),
        ("a Google API key", |c| format!("AI{}SyA{c}0123456789abcdefg", "za")),
        ("a Stripe key", |c| format!("sk{}{c}0123456789", "_live_")),
        ("an npm token", |c| format!("//registry.npmjs.org/:_authToken={c}")),
        ("a Vault token", |c| format!("hv{}.{c}0123456789abc", 's')),
        ("a bearer header", |c| format!("curl -H 'Authorization: Bearer {c}' https://api.example")),
        ("a command line", |c| format!("serve --port 80 --password={c}")),
    ];
    formats
        .iter()
        .enumerate()
        .map(|(number, (format, text))| {
            let canary = format!("Cnry{number:02}q7Zx9Kd2Wm4V");
            let text = text(&canary);
            let mut needles: Vec<String> =
                [&canary, &canary.to_ascii_uppercase()].map(|one| one[..16].to_owned()).to_vec();
            for offset in 0..3 {
                let coded = STANDARD.encode(format!("{}{canary}", "x".repeat(offset)));
                // What other bytes say with is left out at both ends.
                let from = [0, 2, 3][offset];
                needles.push(coded.trim_end_matches('=')[from..coded.len() - 4].to_owned());
            }
            needles.push(canary.bytes().map(|byte| format!("{byte:02x}")).collect());
            let planted = Planted { format, text, needles };
            assert!(planted.is_in(&planted.text), "{planted:?}");
            planted
        })
        .collect()
}

fn pem(kind: &str, canary: &str) -> String {
    format!("-----BEGIN {kind} {}-----\nMIIEow{canary}IBAAKCAQEA\n-----END {kind} {}-----\n", "KEY", "KEY")
}

/// A deployment whose file holds a secret in a comment, an annotation and a variable, close to what is edited.
fn deployment(name: &str, text: &str) -> String {
    let quoted = json!(text).to_string();
    let comment = text.lines().next().unwrap_or_default();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\n  annotations:\n    note: {quoted}\n\
         spec:\n  # {comment}\n  replicas: 3\n  paused: false\n  template:\n    spec:\n      containers:\n        - name: app\n          \
         image: r.example/{name}:1\n          env:\n            - name: X\n              value: {quoted}\n            - name: Z\n              value: z\n"
    )
}

fn finding(name: &str, said: &str, rest: Value) -> Value {
    let mut finding = json!({
        "intent": "drift", "id": said, "title": said, "actor": {"user": said, "via": said}, "links": [said],
        "rule": {"id": said, "name": said, "params": {"said": said, "list": [said]}},
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
    });
    finding.as_object_mut().expect("a map").extend(rest.as_object().expect("a map").clone());
    finding
}

/// The bytes of all files below a folder.
fn everything_in(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { everything_in(&path) } else { fs::read(&path).expect("reads") })
        .collect()
}

fn get(stage: &Stage, path: &str) -> String {
    let mut stream = TcpStream::connect(stage.address()).expect("connects");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    answer
}

#[test]
fn planted_secrets_leave_the_server_nowhere() {
    let planted = planted();
    assert!(planted.len() >= 25);
    let name = |number: usize| format!("app-{number:02}");
    let files: Vec<(String, String)> = planted
        .iter()
        .enumerate()
        .map(|(number, one)| (format!("k8s/{}.yaml", name(number)), deployment(&name(number), &one.text)))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut stage = Stage::set_changed(As::App, crate::github::GitHub::with(&files), &[SHOP], |config| {
        config["pull_requests"]["dashboard"] = json!(true);
        config["pull_requests"]["check"] = json!(true);
    });
    stage.start_logging("trace");
    let env = "/spec/template/spec/containers/0/env";
    let mut findings = Vec::new();
    for (number, one) in planted.iter().enumerate() {
        let (name, said) = (name(number), one.text.as_str());
        let patch = |path: &str, value: Value| json!({"patch": [{"op": "replace", "path": path, "value": value}]});
        let mut live: Value = serde_yaml::from_str(&deployment(&name, "x")).expect("YAML");
        live["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"] = json!(said);
        findings.push(finding(&name, said, patch("/spec/replicas", json!(5))));
        findings.push(finding(&name, said, patch(&format!("{env}/1/value"), json!(said))));
        findings.push(finding(&name, said, json!({"live": live})));
        // What cannot be read is quoted to who sent it, and to nobody else.
        let unreadable = stage.report(&json!({"intent": said, "resource": {said: said}}));
        assert_eq!(unreadable.status, 422);
    }
    let answer = stage.deliver("all", &json!({"findings": findings}));
    assert_eq!(answer.status, 202, "{}", answer.body);
    stage.at_rest();
    let cases = stage.cases();
    let proposed: Vec<u64> =
        cases.iter().filter_map(|case| case.pull_request.as_ref()).map(|known| known.number).collect();
    assert!(proposed.len() >= planted.len(), "{} of {} are proposed\n{}", proposed.len(), cases.len(), stage.log());
    let refused = cases.iter().filter(|case| case.state == State::Refused).count();
    assert!(refused >= planted.len(), "{refused} of {} are refused", cases.len());
    for number in &proposed[..3] {
        stage.comment(SHOP, *number, "ann", "/sourceward explain");
    }
    stage.at_rest();
    let said = unseen_anywhere(&stage, &planted, &answer.body.to_string());
    assert!(said.contains("[withheld]") && said.contains("The edit") && said.contains("Drift dashboard"), "{said}");
    stage.stop();
    for one in &planted {
        for needle in &one.needles {
            assert_eq!(holding(&stage.data(), needle), [""; 0].map(std::path::PathBuf::from), "{}", one.format);
        }
    }
}

/// Looks for the secrets at every way out of a running server; what it said on GitHub.
fn unseen_anywhere(stage: &Stage, planted: &[Planted], answers: &str) -> String {
    let cases = stage.cases();
    let shown: String =
        cases.iter().map(|case| stage.findings(&["show", &case.id.to_string()]).expect("shows")).collect();
    let listed = stage.findings(&["list"]).expect("lists") + &stage.findings(&["list", "--rejected"]).expect("lists");
    let metrics = get(stage, "/metrics");
    assert!(metrics.contains("sourceward_"), "{metrics}");
    let said = stage.github.everything_said(SHOP);
    let messages: String = cases
        .iter()
        .filter_map(|case| case.proposal.as_ref())
        .map(|proposal| {
            let folder = stage.github.folder(SHOP);
            crate::git::git(&folder, &["log", "main..", "--format=%B", proposal.branch.as_str()])
        })
        .collect();
    let database = everything_in(&stage.data());
    let database = String::from_utf8_lossy(&database);
    for one in planted {
        for (place, text) in [
            ("the answers", answers),
            ("the log", &stage.log()),
            ("findings show", &shown),
            ("findings list", &listed),
            ("the metrics", &metrics),
            ("GitHub", &said),
            ("a commit message", &messages),
            ("the data folder", &database),
        ] {
            one.unseen(place, text);
        }
    }
    said
}

/// An operator's rule about one object, with a text wherever a rule has one.
fn rule(id: &str, kind: &str, name: &str, said: &str, rest: Value) -> String {
    let mut rule = json!({
        "id": format!("kubernetes/{id}"), "title": said, "severity": "high", "resources": [kind], "rationale": said, "references": [said],
        "when": format!(".metadata.name == \"{name}\" and .spec.paused != true"),
        "patch": [{"op": "add", "path": "/spec/paused", "value": true}],
        "examples": [{"name": "it is kept", "keeps": {"metadata": {"name": "another"}}}],
    });
    rule.as_object_mut().expect("a map").extend(rest.as_object().expect("a map").clone());
    rule.to_string()
}

#[test]
fn planted_secrets_in_rules_and_in_what_their_conditions_say_leave_the_server_nowhere() {
    let planted = planted();
    let (app, set) = (|number: usize| format!("app-{number:02}"), |number: usize| format!("set-{number:02}"));
    let mut files: Vec<(String, String)> = Vec::new();
    let mut parameters = serde_json::Map::new();
    for (number, one) in planted.iter().enumerate() {
        files.push((format!("k8s/{}.yaml", app(number)), deployment(&app(number), "x")));
        let stateful = deployment(&set(number), &one.text).replace("kind: Deployment", "kind: StatefulSet");
        files.push((format!("k8s/{}.yaml", set(number)), stateful));
        parameters.insert(format!("p{number}"), json!(one.text));
    }
    let config = json!({"version": 1, "parameters": parameters}).to_string();
    files.push((".github/sourceward.yaml".to_owned(), config));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut stage = Stage::set_changed(As::App, crate::github::GitHub::with(&files), &[SHOP], |config| {
        config["pull_requests"]["dashboard"] = json!(true);
        config["pull_requests"]["check"] = json!(true);
    });
    let folder = stage.folder.path().join("rules/kubernetes");
    fs::create_dir_all(&folder).expect("made");
    let mut findings = Vec::new();
    for (number, one) in planted.iter().enumerate() {
        let (app, said) = (app(number), one.text.as_str());
        let quoting = "error(.spec.template.spec.containers[0].env[0].value)";
        let of_set = format!("if .metadata.name == \"{}\" then {quoting} else false end", set(number));
        let put = json!([{"op": "add", "path": "/spec/paused", "value": true},
            {"op": "add", "path": "/metadata/annotations/note", "value": {"parameter": format!("p{number}")}}]);
        let parameter = |name: &str| json!({name: {"description": said}});
        let (deployment, stateful) = (("Deployment", app.clone()), ("StatefulSet", set(number)));
        let drift = |operation: Value| json!({"intent": "drift", "patch": [operation]});
        let violation =
            |what: &str| json!({"intent": "violation", "rule": {"id": format!("kubernetes/{what}-{number:02}")}});
        // Each format takes its turn at one of the ways out.
        let ways = [
            ("declines", &deployment, json!({"declines": [{"when": "true", "because": said}]}), violation("declines")),
            (
                "needs",
                &deployment,
                json!({"parameters": parameter("absent"), "patch": [{"op": "add", "path": "/spec/paused", "value": {"parameter": "absent"}}]}),
                violation("needs"),
            ),
            (
                "puts",
                &deployment,
                json!({"parameters": parameter(&format!("p{number}")), "patch": put}),
                violation("puts"),
            ),
            ("settles", &deployment, json!({}), violation("settles")),
            (
                "fails",
                &stateful,
                json!({"when": of_set}),
                drift(json!({"op": "replace", "path": "/spec/replicas", "value": 5})),
            ),
            (
                "weakened",
                &deployment,
                json!({"when": format!(".metadata.name == \"{app}\" and .spec.paused == null")}),
                drift(json!({"op": "remove", "path": "/spec/paused"})),
            ),
        ];
        let (what, (kind, name), rest, mut finding) = ways[number % ways.len()].clone();
        let id = format!("{what}-{number:02}");
        fs::write(folder.join(format!("{id}.yaml")), rule(&id, kind, &app, said, rest)).expect("writes");
        finding["resource"] =
            json!({"kubernetes": {"apiVersion": "apps/v1", "kind": kind, "namespace": "shop", "name": name}});
        findings.push(finding);
    }
    stage.start_logging("trace");
    let answer = stage.deliver("all", &json!({"findings": findings}));
    assert_eq!(answer.status, 202, "{}", answer.body);
    stage.at_rest();
    let cases = stage.cases();
    let mut ends: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for case in &cases {
        let code = case.reason.as_ref().and_then(|reason| reason.get("code")).and_then(Value::as_str);
        *ends.entry(code.unwrap_or(case.state.as_str()).to_owned()).or_default() += 1;
    }
    for end in ["rule-declines", "needs-parameter", "secret", "proposed", "rule-failed", "weakens-security"] {
        assert!(ends.get(end).is_some_and(|count| *count >= planted.len() / 6), "{end}: {ends:?}");
    }
    let shown: String =
        cases.iter().map(|case| stage.findings(&["show", &case.id.to_string()]).expect("shows")).collect();
    let metrics = get(&stage, "/metrics");
    let said = stage.github.everything_said(SHOP);
    stage.stop();
    // The mirrors beside it hold the repository as it is.
    let parts = ["findings.db", "findings.db-wal"].map(|name| fs::read(stage.data().join(name)).unwrap_or_default());
    assert!(!parts[0].is_empty());
    let database = parts.map(|part| String::from_utf8_lossy(&part).into_owned()).concat();
    for one in &planted {
        for (place, text) in [
            ("the answer", answer.body.to_string().as_str()),
            ("the log", &stage.log()),
            ("findings show", &shown),
            ("the metrics", &metrics),
            ("GitHub", &said),
            ("the database", database.as_str()),
        ] {
            one.unseen(place, text);
        }
    }
}

/// Every text of every sender's first samples, one after the other, holds a secret.
#[test]
fn planted_secrets_of_every_sender_are_not_kept() {
    let planted = planted();
    let senders = Senders::embedded().expect("the senders of the binary");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks");
    let (mut next, mut findings, mut reached) = (0, 0, BTreeSet::new());
    for sender in senders.iter() {
        let mut samples: Vec<_> = fs::read_dir(folder.join(sender.name()).join("samples"))
            .expect("samples")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        samples.sort();
        for sample in samples.iter().take(2) {
            let Ok(body) = serde_json::from_slice::<Value>(&fs::read(sample).expect("reads")) else { continue };
            for at in leaves(&body, String::new()).into_iter().take(120) {
                let one = &planted[next % planted.len()];
                next += 1;
                let mut changed = body.clone();
                *changed.pointer_mut(&at).expect("a leaf") = json!(one.text);
                let Ok(all) = map(sender, changed.to_string().as_bytes(), Some("application/json")) else { continue };
                for mapped in all {
                    let Mapped::Finding(finding) = mapped else { continue };
                    findings += 1;
                    let before = serde_json::to_value(&finding).expect("JSON");
                    let names = |value: &Value| {
                        let patch = value["patch"].as_array().into_iter().flatten();
                        let paths: Vec<&Value> = patch.flat_map(|one| [&one["path"], &one["from"]]).collect();
                        json!([value["resource"], paths]).to_string()
                    };
                    if one.is_in(&names(&before)) {
                        continue;
                    }
                    let kept = serde_json::to_value(withheld(*finding)).expect("JSON");
                    if one.is_in(&before.to_string()) {
                        reached.insert(sender.name().to_owned());
                    }
                    one.unseen(&format!("what is kept of {}{at}", sample.display()), &kept.to_string());
                }
            }
        }
    }
    assert!(findings > 1_000 && reached.len() > 20, "{findings} findings, {} senders: {reached:?}", reached.len());
}

/// The pointers of all texts in a value.
fn leaves(value: &Value, at: String) -> Vec<String> {
    let token = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::String(_) => vec![at],
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| leaves(item, format!("{at}/{index}"))).collect()
        }
        Value::Object(map) => map.iter().flat_map(|(key, item)| leaves(item, format!("{at}/{}", token(key)))).collect(),
        _ => Vec::new(),
    }
}
