//! What pull requests say: recorded bodies, planted secrets, and the lifecycle. Hostile text is in `markdown`.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use expect_test::expect_file;
use serde_json::{Value, json};
use sourceward::{
    model::{finding::Finding, fingerprint::Fingerprint, refusal::Refusal},
    remedy::{
        self, Verdict, confidential,
        lifecycle::{
            Base, Closer, Commits, DEPLOYED_AFTER, Hold, Observed, Settled, Step, Text, Wish, earlier, ending::Ending,
            steps,
        },
        policy::Policy,
        proof::Proved,
        pull_request::{
            Circumstances, MAX_BODY, PullRequest,
            marker::{Marker, marker, remarked},
            pull_request,
            title::Titles,
            trailers,
        },
        rule::set::Rules,
    },
    source::{path::RepoPath, tree::MemoryTree},
    stack::catalog::Catalog,
};

const CART: &str = "\
# The cart of the shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 3 # three zones
  template:
    metadata:
      annotations:
        prometheus.io/scrape: \"true\"
    spec:
      containers:
        - name: cart
          image: ghcr.io/acme/cart:1.4
          env:
            - name: DB_PASSWORD
              value: in-git-already
            - name: LOG_LEVEL
              value: info
";

fn cart(patch: Value) -> Value {
    json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}},
        "patch": patch,
    })
}

fn replicas(count: u32) -> Value {
    cart(json!([{"op": "replace", "path": "/spec/replicas", "value": count}]))
}

pub(crate) fn verdict(files: &[(&str, &str)], finding: &Finding) -> Verdict {
    let path = |path: &str| path.parse::<RepoPath>().expect(path);
    let tree = MemoryTree::of(files.iter().map(|(name, text)| (path(name), text.as_bytes())));
    remedy::verdict(&Catalog::of(&tree), finding, Policy::of(&Rules::default()))
}

pub(crate) fn finding(value: Value) -> Finding {
    serde_json::from_value(value).expect("a finding")
}

fn proved(files: &[(&str, &str)], finding: &Finding) -> Proved {
    match verdict(files, finding) {
        Verdict::Patched(proved) => *proved,
        other => panic!("not proved: {other:?}"),
    }
}

fn proposed(files: &[(&str, &str)], of: Value, around: Circumstances<'_>) -> PullRequest {
    let finding = finding(of);
    pull_request(&finding, &proved(files, &finding), &Fingerprint::of(&finding), around)
}

fn check(name: &str, files: &[(&str, &str)], of: Value, around: Circumstances<'_>) {
    let wanted = proposed(files, of, around);
    let text = format!(
        "<!-- {} -->\n\n# {}\n\n{}\n---\n\n````text\n{}````\n",
        wanted.branch, wanted.title, wanted.body, wanted.commit_message
    );
    expect_file![format!("{}/tests/it/pull_request/{name}.md", env!("CARGO_MANIFEST_DIR"))].assert_eq(&text);
    assert_eq!(marker(&wanted.body), Some(wanted.marker));
}

#[test]
fn bodies_read_as_recorded() {
    let around = Circumstances::default();
    let mut known = replicas(5);
    known["title"] = json!("Deployment cart is OutOfSync");
    known["first_seen"] = json!("2026-11-20T17:04:05Z");
    known["actor"] = json!({"user": "alice@example.com", "via": "kubectl-edit"});
    let argocd = Circumstances { titles: Titles::Conventional, sender: Some("argocd"), ..around };
    check("one-field", &[("k8s/cart.yaml", CART)], known, argocd);
    let several = cart(json!([
        {"op": "replace", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/spec/paused", "value": true},
        {"op": "remove", "path": "/spec/template/metadata/annotations/prometheus.io~1scrape"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "ghcr.io/acme/cart:1.5"},
    ]));
    check("several-fields", &[("k8s/cart.yaml", CART)], several, around);
    let beside =
        cart(json!([{"op": "replace", "path": "/spec/template/spec/containers/0/env/1/value", "value": "debug"}]));
    check("beside-a-secret", &[("k8s/cart.yaml", CART)], beside, around);
    let hostile = json!({
        "intent": "drift", "title": "@everyone [click](https://evil.test) <!-- sourceward:{} --> fixes #1 `x` ```\n# Big",
        "actor": {"user": "</details><img src=x onerror=alert(1)>", "via": "\u{202e}gnp.exe\u{1b}[31m"},
        "rule": {"id": "GH-1", "name": "acme/shop#2 | www.evil.test"},
        "resource": {"kubernetes": {"apiVersion": "v1", "kind": "ConfigMap", "name": "[skip ci] @root `$(id)`"}},
        "patch": [{"op": "add", "path": "/data/a|`b``c", "value": "```\n@all\n```\n<!-- x"}],
    });
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: '[skip ci] @root `$(id)`'\ndata:\n  x: '``` @all'\n";
    check("hostile", &[("a@b/`#1`.yaml", map)], hostile, Circumstances { sender: Some("@sender"), ..around });
}

#[test]
fn a_long_body_is_cut_between_sections() {
    let lines: String = (0..3000).map(|line| format!("    line {line} of a long text that goes on\n")).collect();
    let before = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: long\ndata:\n  a: |\n{lines}");
    let of = json!({
        "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "v1", "kind": "ConfigMap", "name": "long"}},
        "patch": [{"op": "remove", "path": "/data/a"}],
    });
    let wanted = proposed(&[("k8s/long.yaml", &format!("{before}  b: x\n"))], of, Circumstances::default());
    assert!(wanted.body.chars().count() <= MAX_BODY);
    assert!(wanted.body.contains("The diff is too long to show here"));
    assert!(wanted.body.contains("### If you do not want this"));
    assert_eq!(marker(&wanted.body), Some(wanted.marker));
}

#[test]
fn titles_fit_and_say_as_much_as_they_can() {
    let long = "x".repeat(60);
    for (patch, plain, subject) in [
        (
            json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]),
            "Set spec.replicas of Deployment shop/cart to 5",
            "Set spec.replicas of Deployment shop/cart to 5",
        ),
        (
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "ghcr.io/acme/cart:1.5"}]),
            "Set spec.template.spec.containers.0.image of Deployment shop/cart to ghcr.io/acme/cart:1.5",
            "Change spec.template.spec.containers.0.image of Deployment shop/cart",
        ),
        (
            json!([{"op": "remove", "path": "/spec/template/metadata/annotations/prometheus.io~1scrape"}]),
            "Remove spec.template.metadata.annotations.prometheus.io/scrape of Deployment shop/cart",
            "Remove metadata.annotations.prometheus.io/scrape of Deployment shop/cart",
        ),
        (
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": format!("@{long} [skip ci]")}]),
            "Change spec.template.spec.containers.0.image of Deployment shop/cart",
            "Change spec.template.spec.containers.0.image of Deployment shop/cart",
        ),
        (
            json!([{"op": "add", "path": format!("/metadata/labels"), "value": {long.clone(): "GH-1"}}]),
            "Change metadata.labels of Deployment shop/cart",
            "Change metadata.labels of Deployment shop/cart",
        ),
    ] {
        let wanted = proposed(&[("k8s/cart.yaml", CART)], cart(patch), Circumstances::default());
        assert_eq!(wanted.title, plain);
        assert_eq!(wanted.commit_message.lines().next(), Some(subject));
        assert_eq!(wanted.branch.as_str(), format!("sourceward/deployment-cart-{}", wanted.marker.case.short()));
    }
}

#[test]
fn markers_are_read_back_and_never_forged() {
    let wanted = proposed(&[("k8s/cart.yaml", CART)], replicas(5), Circumstances::default());
    let line = wanted.marker.to_string();
    assert_eq!(marker(&format!("a person wrote this\r\n\r\n{line}\r\nand this")), Some(wanted.marker.clone()));
    for bad in [
        String::new(),
        "no marker".to_owned(),
        format!("{line}\n{line}"),
        format!("quoted: {line}"),
        line.replace("\"version\":1", "\"version\":2"),
        line.replace("\"revision\":1", "\"revision\":0"),
        line.replace("\"revision\":1", "\"revision\":-1"),
        line.replace(&wanted.marker.case.to_string(), "../../x"),
        line.replace(" -->", ""),
    ] {
        assert_eq!(marker(&bad), None, "{bad}");
    }
}

/// How a secret is written: under `spec` of a manifest, as a value that a patch sets, and what must be seen nowhere.
struct Planted {
    manifest: String,
    patch: Option<(&'static str, Value)>,
    secret: String,
}

fn planted(format: usize, number: usize) -> Planted {
    let canary = format!("Cnry{number:03}q7Zx9Kd2");
    let c = canary.as_str();
    let of = |manifest: String, path: &'static str, value: Value| Planted {
        manifest,
        patch: Some((path, value)),
        secret: canary.clone(),
    };
    let coded = |manifest: &str, path: &'static str, secret: String| Planted {
        manifest: format!("  {manifest}: {secret}\n"),
        patch: Some((path, json!(secret))),
        secret,
    };
    match format {
        0 => of(format!("  password: {c}\n"), "/spec/password", json!(c)),
        1 => of(format!("  password: \"{c}\" # old\n"), "/spec/password", json!(c)),
        2 => of(format!("  apiToken: '{c}'\n"), "/spec/apiToken", json!(c)),
        3 => of(format!("  client_secret: {c}\n"), "/spec/client_secret", json!(c)),
        4 => of(
            format!("  env:\n    - name: DB_PASSWORD\n      value: {c}\n"),
            "/spec/env",
            json!([{"name": "DB_PASSWORD", "value": c}]),
        ),
        5 => of(
            format!("  env: [{{name: DB_PASSWORD, value: {c}}}]\n"),
            "/spec/env",
            json!([{"name": "DB_PASSWORD", "value": c}]),
        ),
        6 => of(
            format!("  env:\n  - value: {c}\n    name: API_TOKEN\n"),
            "/spec/env/-",
            json!({"value": c, "name": "API_TOKEN"}),
        ),
        7 => of(format!("  args:\n    - --password={c}\n"), "/spec/args", json!([format!("--password={c}")])),
        8 => of(format!("  args:\n    - --token\n    - {c}\n"), "/spec/args", json!(["--token", c])),
        9 => of(format!("  url: postgres://u:{c}@db/x\n"), "/spec/url", json!(format!("postgres://u:{c}@db/x"))),
        10 => of(format!("  privateKey: |\n    {c}\n    {c}\n"), "/spec/privateKey", json!(format!("{c}\n{c}\n"))),
        11 => {
            let pem =
                |pad: &str| format!("-----BEGIN RSA PRIVATE KEY-----\n{pad}{c}\n{pad}-----END RSA PRIVATE KEY-----\n");
            of(format!("  any: |\n    {}", pem("    ")), "/spec/any", json!(pem("")))
        }
        12 => of(
            format!("  config: '{{\"db\":{{\"password\":\"{c}\"}}}}'\n"),
            "/spec/config",
            json!(format!("{{\"db\":{{\"password\":\"{c}\"}}}}")),
        ),
        13 => of(
            format!("  config: \"{{\\\"password\\\":\\\"{c}\\\"}}\"\n"),
            "/spec/config",
            json!(format!("{{\\\"password\\\":\\\"{c}\\\"}}")),
        ),
        14 => coded("any", "/spec/any", STANDARD.encode(format!("password={c}"))),
        15 => coded("any", "/spec/any", format!("postgres%3A%2F%2Fu%3A{c}%40db")),
        16 => Planted { manifest: format!("  # password: {c}\n"), patch: None, secret: canary.clone() },
        17 => coded("any", "/spec/any", format!("ghp_{c}0123456789abcdef")),
        18 => coded("any", "/spec/any", format!("AKIA{}", &format!("{}ABCDEFGH", c.to_uppercase())[..16])),
        19 => coded("any", "/spec/any", format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{c}")),
        20 => coded("any", "/spec/any", format!("xoxb-123456789012-{c}")),
        21 => of(
            format!("  any: Server=db;Password={c};Timeout=5\n"),
            "/spec/any",
            json!(format!("Server=db;Password={c};Timeout=5")),
        ),
        22 => of(
            format!("  any: 'Authorization: Bearer {c}'\n"),
            "/spec/any",
            json!(format!("Authorization: Bearer {c}")),
        ),
        23 => of(format!("  passwords:\n  - {c}\n"), "/spec/passwords", json!([c])),
        _ => of(
            format!("  any: |\n    PORT=80\n    API_KEY={c}\n"),
            "/spec/any",
            json!(format!("PORT=80\nAPI_KEY={c}\n")),
        ),
    }
}

#[test]
fn a_hundred_planted_secrets_are_seen_nowhere() {
    for number in 0..100 {
        let Planted { manifest, patch, secret } = planted(number % 25, number);
        let text =
            format!("apiVersion: shop.test/v1\nkind: Cart\nmetadata:\n  name: cart\nspec:\n{manifest}  replicas: 3\n");
        let drift = |patch: Value| {
            finding(json!({
                "intent": "drift", "title": format!("live says\n{manifest}"), "actor": {"user": manifest, "via": manifest},
                "rule": {"id": manifest, "name": manifest, "params": {"said": manifest}}, "hints": {"path": manifest},
                "resource": {"kubernetes": {"apiVersion": "shop.test/v1", "kind": "Cart", "name": "cart"}},
                "patch": patch,
            }))
        };
        let files = [("k8s/cart.yaml", text.as_str())];
        let unseen = |place: &str, shown: String| {
            assert!(!shown.contains(&secret), "{secret} of {manifest} seen in {place}:\n{shown}")
        };
        let harmless = drift(json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]));
        let wanted =
            pull_request(&harmless, &proved(&files, &harmless), &Fingerprint::of(&harmless), Circumstances::default());
        unseen("a pull request", format!("{wanted:?}"));
        unseen("a stored finding", serde_json::to_string(&confidential::withheld(harmless)).expect("JSON"));

        let key = manifest.trim_start().split(':').next().unwrap_or_default();
        if !key.starts_with('#') {
            let removal = drift(json!([{"op": "remove", "path": format!("/spec/{key}")}]));
            let wanted =
                pull_request(&removal, &proved(&files, &removal), &Fingerprint::of(&removal), Circumstances::default());
            unseen("a pull request that removes it", format!("{wanted:?}"));
        }
        let Some((path, value)) = patch else { continue };
        let bare =
            [("k8s/cart.yaml", "apiVersion: shop.test/v1\nkind: Cart\nmetadata:\n  name: cart\nspec:\n  env: []\n")];
        let writing = drift(json!([{"op": "add", "path": path, "value": value}]));
        let stored = confidential::withheld(writing.clone());
        unseen("a stored finding", serde_json::to_string(&stored).expect("JSON"));
        for finding in [writing, stored] {
            match verdict(&bare, &finding) {
                Verdict::Refused(refusal) => {
                    assert_eq!(refusal.code.as_str(), "secret", "{manifest}");
                    unseen("a refusal", format!("{refusal:?}"));
                }
                other => panic!("{manifest} was not refused: {other:?}"),
            }
        }
    }
}

#[test]
fn a_secret_is_never_adopted_and_never_kept() {
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  labels: {a: b}\nstringData:\n  any: kept-in-git\n";
    let of = |patch: Value| {
        finding(json!({
            "intent": "drift", "resource": {"kubernetes": {"apiVersion": "v1", "kind": "Secret", "name": "db"}}, "patch": patch,
        }))
    };
    let written = of(json!([{"op": "replace", "path": "/stringData/any", "value": "other"}]));
    let Verdict::Refused(Refusal { message, .. }) = verdict(&[("k8s/db.yaml", secret)], &written) else {
        panic!("not refused")
    };
    assert!(!message.contains("other"));
    assert!(!serde_json::to_string(&confidential::withheld(written)).expect("JSON").contains("other"));
    let label = of(json!([{"op": "replace", "path": "/metadata/labels/a", "value": "c"}]));
    let proved = proved(&[("k8s/db.yaml", secret)], &label);
    let body = pull_request(&label, &proved, &Fingerprint::of(&label), Circumstances::default()).body;
    assert!(!body.contains("kept-in-git") && body.contains(confidential::WITHHELD), "{body}");
}

#[test]
fn a_live_object_kept_without_its_secrets_still_mends_the_rest() {
    let mut live: Value = serde_yaml::from_str(CART).expect("YAML");
    live["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = json!("drifted-password-9");
    let with = |live: &Value| {
        let mut of = replicas(0);
        of.as_object_mut().expect("a map").remove("patch");
        of["live"] = live.clone();
        confidential::withheld(finding(of))
    };
    let files = [("k8s/cart.yaml", CART)];
    let Verdict::Refused(refusal) = verdict(&files, &with(&live)) else { panic!("not refused") };
    assert_eq!(refusal.code.as_str(), "secret");
    live["spec"]["replicas"] = json!(5);
    let diff = proved(&files, &with(&live)).diff();
    assert!(diff.contains("+  replicas: 5") && !diff.contains("drifted"), "{diff}");
}

#[test]
fn the_forge_is_brought_in_line_and_people_are_left_alone() {
    let files = [("k8s/cart.yaml", CART)];
    let next = |count: u32, observed: &Observed| {
        let before = earlier(observed);
        proposed(&files, replicas(count), Circumstances { earlier: before.as_ref(), ..Circumstances::default() })
    };
    let text = |wanted: &PullRequest| Text { title: wanted.title.clone(), body: wanted.body.clone() };
    let open = |text: Text, commits: Commits| Observed::Open { text, commits };
    let first = next(5, &Observed::Nothing);
    let shown = || text(&first);
    let edited = || Text { title: first.title.clone(), body: first.body.replace("### The edit", "### My words") };
    let unmarked = || Text { title: first.title.clone(), body: "gone".to_owned() };
    let browser = || Text { title: first.title.clone(), body: first.body.replace('\n', "\r\n") };
    let said_closed = || {
        let closed = Some("healed".to_owned());
        let body = remarked(&first.body, &Marker { closed, ..first.marker.clone() });
        Text { title: first.title.clone(), body }
    };
    let with = |wanted: &PullRequest, base: Base| Commits::Ours { change: Some(wanted.marker.digest.clone()), base };
    let ours = |wanted: &PullRequest| with(wanted, Base::Fits);
    let second = next(6, &open(shown(), ours(&first)));
    let nobody = Commits::Ours { change: None, base: Base::Fits };
    let merged = |age: Duration| Observed::Merged { text: shown(), age };
    let closed = |by: Closer| Observed::Closed { text: if by == Closer::Person { shown() } else { said_closed() }, by };
    let hour = Duration::from_secs(3600);
    use Step::{LeaveToHuman, Nothing, Open, Reopen, SayHandsOff, UpdateBranch, UpdateText};
    for (name, observed, count, revision, expected) in [
        ("opened", Observed::Nothing, 5, 1, vec![Open]),
        ("a second run", open(shown(), ours(&first)), 5, 1, vec![Nothing(Settled::UpToDate)]),
        ("through a browser", open(browser(), ours(&first)), 5, 1, vec![Nothing(Settled::UpToDate)]),
        ("the live value moved", open(shown(), ours(&first)), 6, 2, vec![UpdateBranch, UpdateText]),
        ("only the branch had moved", open(shown(), ours(&second)), 6, 2, vec![UpdateText]),
        ("it moved, and the value came back", open(shown(), ours(&second)), 5, 1, vec![UpdateBranch]),
        ("only the text had moved", open(text(&second), ours(&first)), 6, 2, vec![UpdateBranch]),
        ("the base moved under it", open(shown(), with(&first, Base::Moved)), 5, 1, vec![UpdateBranch]),
        ("a branch without a commit", open(shown(), nobody), 5, 1, vec![UpdateBranch]),
        (
            "a person's commit",
            open(shown(), Commits::Foreign),
            6,
            2,
            vec![SayHandsOff, LeaveToHuman(Hold::ForeignCommit)],
        ),
        ("a person's words", open(edited(), ours(&first)), 5, 1, vec![Nothing(Settled::UpToDate)]),
        ("a person's words, moved on", open(edited(), ours(&first)), 6, 2, vec![UpdateBranch, UpdateText]),
        ("no marker", open(unmarked(), ours(&first)), 6, 1, vec![LeaveToHuman(Hold::MarkerMissing)]),
        ("closed by a person", closed(Closer::Person), 5, 1, vec![LeaveToHuman(Hold::Closed)]),
        ("closed by a person, then another value", closed(Closer::Person), 6, 2, vec![Open]),
        ("closed by us, and it is back", closed(Closer::Ourselves), 5, 2, vec![Reopen, UpdateBranch, UpdateText]),
        ("closed by us, and worse", closed(Closer::Ourselves), 6, 2, vec![Reopen, UpdateBranch, UpdateText]),
        ("closed by us, reopened by a person", open(said_closed(), ours(&first)), 5, 2, vec![UpdateText]),
        ("merged, not yet read", merged(hour), 5, 1, vec![Nothing(Settled::Merged)]),
        ("merged, then another value", merged(hour), 6, 2, vec![Open]),
    ] {
        let wanted = next(count, &observed);
        assert_eq!(wanted.marker.revision, revision, "{name}");
        assert_eq!(steps(&observed, Wish::Propose(&wanted)), expected, "{name}");
        assert_eq!(trailers(&wanted.commit_message), Some((wanted.marker.case.clone(), wanted.marker.digest.clone())));
        if expected.contains(&Open) || expected.contains(&UpdateText) {
            let after = open(text(&wanted), ours(&wanted));
            let again = next(count, &after);
            assert_eq!(steps(&after, Wish::Propose(&again)), [Nothing(Settled::UpToDate)], "{name}, once done");
        }
    }
    let around = Circumstances { titles: Titles::Conventional, ..Circumstances::default() };
    let reworded = proposed(&files, replicas(5), around);
    assert_eq!(steps(&open(shown(), ours(&first)), Wish::Propose(&reworded)), [UpdateText]);
    let mut other = first.clone();
    other.marker.case = Fingerprint::of(&finding(cart(json!([]))));
    assert_eq!(steps(&open(shown(), ours(&first)), Wish::Propose(&other)), [LeaveToHuman(Hold::OtherCase)]);

    // The merged 5 is not deployed: the sender still sees 3 run, where the source says 5 by now.
    let merged_files = [("k8s/cart.yaml", CART.replace("replicas: 3", "replicas: 5"))];
    let merged_files = [(merged_files[0].0, merged_files[0].1.as_str())];
    for (age, expected) in [(hour, Nothing(Settled::NotDeployed)), (DEPLOYED_AFTER, Open)] {
        let back = proposed(&merged_files, replicas(3), Circumstances::default());
        assert_eq!(steps(&merged(age), Wish::Propose(&back)), [expected]);
    }

    // What people decided about as part of more stays decided.
    for (observed, expected) in [
        (closed(Closer::Person), LeaveToHuman(Hold::Closed)),
        (merged(hour), Nothing(Settled::Merged)),
        (open(shown(), ours(&first)), UpdateBranch),
    ] {
        assert_eq!(steps(&observed, Wish::Keep(&second))[0], expected);
    }

    // What people order.
    for (name, observed, wish, expected) in [
        ("rebase", open(shown(), ours(&first)), Wish::Rebase(&first), vec![UpdateBranch]),
        (
            "rebase a person's",
            open(shown(), Commits::Foreign),
            Wish::Rebase(&first),
            vec![SayHandsOff, LeaveToHuman(Hold::ForeignCommit)],
        ),
        ("recreate", open(shown(), Commits::Foreign), Wish::Recreate(&first), vec![UpdateBranch]),
        ("recreate a closed one", closed(Closer::Person), Wish::Recreate(&first), vec![Open]),
        (
            "recreate what we closed",
            closed(Closer::Ourselves),
            Wish::Recreate(&first),
            vec![Reopen, UpdateBranch, UpdateText],
        ),
    ] {
        assert_eq!(steps(&observed, wish), expected, "{name}");
    }
}

#[test]
fn what_is_over_is_closed_and_what_is_a_persons_is_left() {
    let first = proposed(&[("k8s/cart.yaml", CART)], replicas(5), Circumstances::default());
    let text = |body: &str| Text { title: first.title.clone(), body: body.to_owned() };
    let closed =
        |word: &str| text(&remarked(&first.body, &Marker { closed: Some(word.to_owned()), ..first.marker.clone() }));
    let ours = || Commits::Ours { change: Some(first.marker.digest.clone()), base: Base::Moved };
    let over = Step::Nothing(Settled::Ended);
    for (observed, expected) in [
        (Observed::Nothing, over),
        (Observed::Open { text: text(&first.body), commits: ours() }, Step::Close(Ending::Healed)),
        (Observed::Open { text: closed("fixed-otherwise"), commits: ours() }, Step::Close(Ending::Healed)),
        // A person opened it again after it was closed for this: they have their reasons.
        (Observed::Open { text: closed("healed"), commits: ours() }, Step::LeaveToHuman(Hold::Reopened)),
        (
            Observed::Open { text: text(&first.body), commits: Commits::Foreign },
            Step::LeaveToHuman(Hold::ForeignCommit),
        ),
        (Observed::Open { text: text("mine"), commits: ours() }, Step::LeaveToHuman(Hold::MarkerMissing)),
        (Observed::Closed { text: text(&first.body), by: Closer::Person }, over),
        (Observed::Merged { text: text(&first.body), age: Duration::ZERO }, over),
    ] {
        assert_eq!(steps(&observed, Wish::End(Ending::Healed)), [expected], "{observed:?}");
    }
}

#[test]
fn every_refusal_is_explained() {
    let text = include_str!("../../docs/refusals.md");
    let explained: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    let codes: Vec<&str> = sourceward::model::refusal::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(explained, codes, "docs/refusals.md explains every code, in the order of the codes, and no other");
}
