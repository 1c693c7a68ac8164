//! Senders: each folder of `webhooks/` against its samples, authentication against its specifications, hostile bodies.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sourceward::{
    model::secret::Secret,
    webhook::{
        envelope::{self, EnvelopeError, Item},
        map::{MapError, Mapped, delivery_id, map},
        sender::{Sender, SenderError, Senders},
        signature::{Authentication, Presented, VerifyError, sign_standard_webhooks, verify},
    },
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks")
}

/// The senders of the binary; a debug build takes seconds to compile their programs.
fn senders() -> &'static Senders {
    static SENDERS: LazyLock<Senders> = LazyLock::new(|| Senders::embedded().expect("the senders of the binary"));
    &SENDERS
}

/// The files of a folder, sorted by name; none where the folder does not exist.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// What a sample maps to, as the expected file holds it: a list, or the error.
fn outcome(sender: &Sender, sample: &Path) -> Value {
    let lines = sample.extension().is_some_and(|ending| ending == "ndjson");
    let content_type = if lines { "application/x-ndjson" } else { "application/json" };
    match map(sender, &fs::read(sample).expect("a sample"), Some(content_type)) {
        Ok(all) => serde_json::to_value(all).expect("findings are JSON"),
        Err(error) => json!({"error": error.to_string()}),
    }
}

#[test]
fn every_sample_maps_to_what_is_expected() {
    let (senders, mut seen) = (senders(), BTreeSet::new());
    for folder in files(&folder()).into_iter().filter(|path| path.is_dir()) {
        let name = file_name(&folder);
        let sender = senders.get(&name).unwrap_or_else(|| {
            panic!("webhooks/{name} has no sender.yaml, or is not built in: touch src/webhook/sender.rs")
        });
        seen.insert(name.clone());
        assert!(folder.join("README.md").exists(), "webhooks/{name}: a README.md tells an operator how to set it up");
        let samples = files(&folder.join("samples"));
        assert!(samples.len() >= 6, "webhooks/{name}: at least six samples, nasty ones among them");
        for sample in &samples {
            let expected = folder.join("expected").join(file_name(sample)).with_extension("json");
            let found = serde_json::to_string_pretty(&outcome(sender, sample)).expect("JSON") + "\n";
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                fs::write(&expected, &found).expect("an expected file");
            }
            let wanted = fs::read_to_string(&expected).unwrap_or_default();
            assert_eq!(found, wanted, "{}: UPDATE_EXPECT=1 rewrites", sample.display());
        }
        let stems = |files: &[PathBuf]| {
            files.iter().map(|file| file.file_stem().map(ToOwned::to_owned)).collect::<BTreeSet<_>>()
        };
        assert_eq!(
            stems(&samples),
            stems(&files(&folder.join("expected"))),
            "webhooks/{name}: an expected file a sample"
        );
    }
    let known: BTreeSet<_> = senders.iter().map(|sender| sender.name().to_owned()).collect();
    assert_eq!(known, seen, "the senders of the binary are the folders of webhooks/");
}

#[test]
fn programs_yield_what_jq_yields() {
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        return crate::tools::left_out("jq is not on PATH");
    }
    let prelude = fs::read_to_string(folder().join("prelude.jq")).expect("the prelude");
    // Whoever has further payloads names their folder, with one inside for each sender.
    let further = std::env::var_os("SOURCEWARD_SAMPLES").map(PathBuf::from);
    let (mut compared, mut failed) = (0, 0);
    for sender in senders().iter() {
        let program = fs::read_to_string(folder().join(sender.program_file())).expect("a program");
        // jq takes longer to start than to run: one answers for all items of a sender.
        let program = format!("{prelude}\ndef whole: {program}\n; try {{ok: [whole]}} catch {{failed: .}}");
        let samples = files(&folder().join(sender.name()).join("samples"));
        let further: Vec<PathBuf> = further.iter().flat_map(|folder| files(&folder.join(sender.name()))).collect();
        let mut asked = Vec::new();
        for sample in samples.iter().chain(&further) {
            let body = fs::read(sample).expect("a sample");
            match envelope::items(&body, None, sender.wrappings(), sender.limit()) {
                Ok(items) => {
                    let events = items.into_iter().filter_map(|item| match item {
                        Item::Event(event) => Some((sample, event)),
                        Item::Notice(_) => None,
                    });
                    asked.extend(events);
                }
                // No program sees it: then what is expected of it says so.
                Err(error) => {
                    let why = outcome(sender, sample)["error"].as_str().map(str::to_owned);
                    assert!(why.is_some_and(|why| why.contains(&error.to_string())), "{}: {error}", sample.display());
                }
            }
        }
        let mut items = tempfile::NamedTempFile::new().expect("a file");
        asked.iter().for_each(|(_, item)| writeln!(items, "{item}").expect("writes"));
        let theirs = Command::new("jq").args(["-c", &program]).arg(items.path()).output().expect("jq runs");
        assert!(theirs.status.success(), "{}: {theirs:?}", sender.name());
        let theirs = String::from_utf8(theirs.stdout).expect("UTF-8");
        assert_eq!(theirs.lines().count(), asked.len(), "{}", sender.name());
        assert!(!asked.is_empty(), "{}: no sample reaches its program", sender.name());
        compared += asked.len();
        for ((sample, item), theirs) in asked.into_iter().zip(theirs.lines()) {
            let mut theirs: Value = serde_json::from_str(theirs).expect("JSON of jq");
            match (sender.program().run(item, sender.limit()), theirs.get_mut("ok").map(Value::take)) {
                (Ok(ours), Some(theirs)) => {
                    assert_eq!(as_floats(json!(ours)), as_floats(theirs), "{}", sample.display());
                }
                (Err(_), None) => failed += 1,
                (ours, _) => panic!("{}: we say {ours:?}, jq {theirs}", sample.display()),
            }
        }
    }
    eprintln!("{compared} items were compared, {failed} of which both refuse");
    assert!(compared >= 300, "only {compared} items were compared");
}

/// Numbers as jq 1.6 has them: it keeps all of them as floats, we do not.
fn as_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(as_floats).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, as_floats(value))).collect(),
        other => other,
    }
}

fn generic(body: &[u8]) -> Result<Vec<Mapped>, MapError> {
    map(senders().get("generic").expect("the generic sender"), body, None)
}

#[test]
fn hostile_bodies_are_refused_with_a_reason() {
    let deep = |open: &str, close: &str| (open.repeat(150_000) + &close.repeat(150_000)).into_bytes();
    let finding = r#"{"intent": "drift", "resource": {"terraform": {"address": "a.b"}}}"#;
    let many = |count: usize| format!("[{}]", vec![finding; count].join(",")).into_bytes();
    for (body, why) in [
        (Vec::new(), "the body is empty"),
        (b" \r\n\t".to_vec(), "the body is empty"),
        (b"\xEF\xBB\xBF".to_vec(), "the body is empty"),
        (deep("[", "]"), "recursion limit exceeded"),
        (deep("{\"a\":", "}"), "not JSON"),
        (deep("[", ""), "recursion limit exceeded"),
        (b"{\"intent\": \"\xFF\"}".to_vec(), "invalid unicode"),
        (b"\xFE\xFF\0{\0}".to_vec(), "not JSON"),
        (vec![b' '; 10 << 20], "the body has 10485760 bytes, 1048576 are accepted"),
        (vec![b'['; 1 << 20], "recursion limit exceeded"),
        (vec![b'\\'; 1 << 20], "not JSON"),
        ([b"\"".as_slice(), &vec![b'\\'; 1000]].concat(), "not JSON"),
        (many(1_001), "more than 1000 items"),
        (format!("[{}0]", "0,".repeat(500_000)).into_bytes(), "more than 1000 items"),
        (format!("{{\"findings\": [{}]}}", vec!["{}"; 1_001].join(",")).into_bytes(), "more than 1000 outputs"),
        (format!("[{}]", vec![r#"{"findings": [1, 2]}"#; 600].join(",")).into_bytes(), "expected a finding"),
        (b"[[1]]".to_vec(), "found: array"),
        (b"null".to_vec(), "found: null"),
        (b"NaN".to_vec(), "not JSON"),
        (b"{'intent': 'drift'}".to_vec(), "not JSON"),
        (b"{} {}".to_vec(), "trailing characters"),
        (b"{}{}".to_vec(), "trailing characters"),
        (b"intent: drift".to_vec(), "not JSON"),
        (
            br#"{"intent": "tea", "resource": {"terraform": {"address": "a"}}}"#.to_vec(),
            "/intent: unknown variant `tea`",
        ),
        (br#"{"intent": "drift", "resource": 7}"#.to_vec(), "/resource: "),
        (br#"{"intent": "drift", "resource": {}}"#.to_vec(), "/resource: "),
        (br#"{"intent": "drift", "resource": {"pod": {}}}"#.to_vec(), "/resource: unknown variant `pod`"),
        (
            br#"{"intent": "drift", "resource": {"terraform": {"address": 1}}}"#.to_vec(),
            "/resource/terraform: invalid type",
        ),
        (
            br#"{"intent": "drift", "resource": {"terraform": {"address": "a"}}, "patch": {}}"#.to_vec(),
            "/patch: invalid type",
        ),
        (
            br#"{"intent": "drift", "resource": {"terraform": {"address": "a"}}, "hints": {"app": 1}}"#.to_vec(),
            "/hints: invalid type",
        ),
        (br#"{"ignored": "x", "intent": "drift"}"#.to_vec(), "/ignored: "),
        (br#"{"specversion": "1.0", "id": "1"}"#.to_vec(), "needs data or data_base64"),
        (br#"{"specversion": "1.0", "data_base64": "e30"}"#.to_vec(), "not base64"),
        (br#"{"specversion": "1.0", "data_base64": "MTg0NDY3NDQwNzM3MDk1NTE2MTY="}"#.to_vec(), "64 bits"),
        (br#"{"a": -9223372036854775809}"#.to_vec(), "64 bits"),
    ] {
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let error = generic(&body).expect_err(&start).to_string();
        assert!(error.contains(why), "{start}: {error}");
        assert!(error.len() < 1_000, "{start}: a long message of {} bytes", error.len());
    }
    assert_eq!(generic(&many(1_000)).map(|all| all.len()), Ok(1_000));
}

#[test]
fn a_long_foreign_text_does_not_fill_the_message() {
    let body = json!({"intent": "x".repeat(500_000), "resource": {"terraform": {"address": "a"}}}).to_string();
    let error = generic(body.as_bytes()).expect_err("no intent").to_string();
    assert!(error.len() < 300 && error.ends_with('…'), "{error}");
}

#[test]
fn the_last_of_equal_keys_counts_and_large_texts_pass() {
    let body = br#"{"intent": "violation", "intent": "drift", "resource": {"terraform": {"address": "a.b"}}}"#;
    assert_eq!(json!(generic(body).expect("a finding"))[0]["intent"], "drift");
    let digits = "9".repeat(400);
    let body = json!({"intent": "drift", "title": digits, "resource": {"terraform": {"address": "\\\"9"}}}).to_string();
    assert!(generic(body.as_bytes()).is_ok(), "digits in a string are no number");
}

#[test]
fn lines_are_read_where_announced_and_where_seen() {
    let one = br#"{"a": 1}"#.as_slice();
    let two = b"{\"a\": 1}\r\n\r\n{\"a\":\t2}".as_slice();
    for (body, content_type, items) in [
        (one, None, 1),
        (one, Some("application/x-ndjson; charset=utf-8"), 1),
        (two, None, 2),
        (two, Some("application/json"), 2),
        (two, Some("Application/JSONL"), 2),
        (b"[1, 2]\n[3]", Some("application/x-ndjson"), 3),
        (b"{\n  \"a\": 1\n}\n", None, 1),
        (b"\xEF\xBB\xBF{}", None, 1),
    ] {
        let found = envelope::items(body, content_type, &[], 10).expect("items");
        assert_eq!(found.len(), items, "{}", String::from_utf8_lossy(body));
    }
    let broken = envelope::items(b"{}\n{\n", None, &[], 10);
    assert!(matches!(broken, Err(EnvelopeError::NotJsonLine { line: 2, .. })), "{broken:?}");
    let pretty = envelope::items(b"{\n  \"a\": x\n}", None, &[], 10).expect_err("not JSON").to_string();
    assert_eq!(pretty, "the body is not JSON: expected value at line 2 column 8");
}

const MANIFEST: &str = "name: x\ntitle: X\nauthentication: [{kind: bearer}]\nprogram: map.jq\n";

fn read(files: &[(&str, &str)]) -> Result<Senders, SenderError> {
    Senders::from_files(files.iter().copied())
}

#[test]
fn a_manifest_says_everything_and_nothing_else() {
    let read = |manifest: &str| read(&[("x/sender.yaml", manifest), ("x/map.jq", ".")]);
    let senders = read(MANIFEST).expect("reads");
    let sender = senders.at_path("/webhooks/x").expect("at its path");
    assert_eq!((sender.name(), sender.title(), sender.body_limit()), ("x", "X", 1 << 20));
    for (more, why) in [
        ("colour: red\n", "webhooks/x/sender.yaml: unknown field `colour`"),
        ("colour: red\n", "at line 5 column 1"),
        ("body_limit: 0\n", "body_limit must be 1 to"),
        ("body_limit: 999999999\n", "body_limit must be 1 to"),
        ("path: webhooks/x\n", "must be /segments"),
        ("path: /a/../b\n", "must be /segments"),
        ("path: /a/\n", "must be /segments"),
        ("methods: [GET]\n", "unknown variant `GET`"),
        ("methods: []\n", "at least one entry"),
        ("unwrap: [zip]\n", "unknown variant `zip`"),
        ("limit: 0\n", "limit must be 1 to"),
        ("limit: 50001\n", "limit must be 1 to"),
        ("handshakes: [tls]\n", "unknown variant `tls`"),
        ("delivery_id: {header: [x]}\n", "unknown field `header`"),
        ("delivery_id: {body: [id]}\n", "must be empty or begin with"),
    ] {
        let error = read(&format!("{MANIFEST}{more}")).expect_err(more).to_string();
        assert!(error.contains(why), "{more}: {error}");
    }
    for (from, to, why) in [
        ("name: x", "name: y", "must be the folder's"),
        ("{kind: bearer}", "", "at least one entry"),
        ("{kind: bearer}", "{kind: bearer}, {kind: bearer}", "listed twice"),
        ("title: X\n", "", "missing field `title`"),
        ("map.jq", "other.jq", "webhooks/x: other.jq is missing"),
        ("map.jq", "other/map.jq", "webhooks/x: other/map.jq is missing"),
    ] {
        let error = read(&MANIFEST.replace(from, to)).expect_err(to).to_string();
        assert!(error.contains(why), "{to}: {error}");
    }
}

#[test]
fn an_operators_folder_stands_beside_ours_or_replaces_one() {
    let program = r#"ignored("mine")"#;
    let other = read(&[("x/sender.yaml", MANIFEST), ("x/map.jq", program), ("x/README.md", ""), ("notes.txt", "")]);
    let embedded = || Senders::embedded().expect("the senders of the binary");
    let both = embedded().with(other.expect("reads")).expect("another path");
    assert!(both.get("generic").is_some(), "ours stay");
    let mapped = map(both.get("x").expect("theirs"), b"{}", None).expect("maps");
    assert_eq!(json!(mapped), json!([{"ignored": "mine"}]), "our prelude serves theirs");

    let replacing = MANIFEST.replace("name: x", "name: generic");
    let replacing = read(&[("generic/sender.yaml", &replacing), ("generic/map.jq", program)]).expect("reads");
    let replaced = embedded().with(replacing).expect("the same name");
    assert_eq!(replaced.get("generic").map(Sender::title), Some("X"));

    let clash = format!("{MANIFEST}path: /webhooks/generic\n");
    let clash = embedded().with(read(&[("x/sender.yaml", &clash), ("x/map.jq", program)]).expect("reads"));
    assert!(matches!(clash, Err(SenderError::SamePath { .. })), "{clash:?}");

    let broken = read(&[("x/sender.yaml", MANIFEST), ("x/map.jq", ".a |\n  missing")]).expect_err("no program");
    assert_eq!(broken.to_string(), "webhooks/x: map.jq line 2: undefined filter missing");
    let own_prelude = [("prelude.jq", "def mine: ignored;"), ("x/sender.yaml", MANIFEST), ("x/map.jq", "mine")];
    assert_eq!(
        read(&own_prelude).expect_err("no such filter").to_string(),
        "webhooks/x: prelude.jq line 1: undefined filter ignored"
    );
}

#[test]
fn nobody_is_let_in_unasked() {
    for sender in senders().iter() {
        let first = sender.authentication(None).expect("a recommended way");
        assert_ne!(*first, Authentication::Insecure, "{}", sender.name());
        let presented =
            Presented { header: &|_| None, token: None, by_proxy: true, body: b"{}", key: None, now_unix: 0 };
        assert_eq!(verify(first, &[], &presented), Err(VerifyError::NoSecret), "{}", sender.name());
        assert_eq!(sender.authentication(Some("insecure")), None, "{}", sender.name());
    }
    let open = MANIFEST.replace("{kind: bearer}", "{kind: insecure}, {kind: basic}");
    let senders = read(&[("x/sender.yaml", &open), ("x/map.jq", ".")]).expect("reads");
    let sender = senders.get("x").expect("there");
    assert_eq!(sender.authentication(None), Some(&Authentication::Basic));
    assert_eq!(sender.authentication(Some("insecure")), Some(&Authentication::Insecure));
}

#[test]
fn a_signed_delivery_goes_all_the_way() {
    let (senders, secret) = (senders(), Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let sender = senders.get("generic").expect("the generic sender");
    let body = br#"{"intent": "drift", "resource": {"terraform": {"address": "a.b"}}}"#;
    let signature = sign_standard_webhooks(&secret, "msg_1", 1_795_000_000, body);
    let header = |name: &str| match name {
        "webhook-id" => Some("msg_1".to_owned()),
        "webhook-timestamp" => Some("1795000000".to_owned()),
        "webhook-signature" => Some(signature.clone()),
        _ => None,
    };
    let way = sender.authentication(None).expect("a way");
    let presented =
        Presented { header: &header, token: None, by_proxy: false, body, key: None, now_unix: 1_795_000_010 };
    assert_eq!(verify(way, &[secret], &presented).map(|passed| passed.secret()), Ok(Some(0)));
    assert_eq!(delivery_id(sender, &header, body), "msg_1");
    assert_eq!(map(sender, body, Some("application/json")).map(|all| all.len()), Ok(1));
}

#[test]
fn a_delivery_without_a_name_is_named_by_its_bytes() {
    let places = "delivery_id: {headers: [x-id, y-id], body: [/run/id, /run/version]}\n";
    let senders = read(&[("x/sender.yaml", &format!("{MANIFEST}{places}")), ("x/map.jq", ".")]).expect("reads");
    let sender = senders.get("x").expect("there");
    let id = |headers: &[(&str, &str)], body: &str| {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        delivery_id(sender, &header, body.as_bytes())
    };
    let long = "i".repeat(300);
    let digest = id(&[], "{}");
    assert_eq!(id(&[("y-id", "2"), ("x-id", "1")], "{}"), "1");
    assert_eq!(id(&[("y-id", "2")], r#"{"run": {"id": "r", "version": 7}}"#), "2");
    assert_eq!(id(&[], r#"{"run": {"id": "r", "version": 7}}"#), "r/7");
    // printf 'x\0{}' | sha256sum
    assert_eq!(digest, "sha256:4719339d5da5568413ffdcbcd9872ceca7a573f3004764cffe947a728997be3d");
    for headers in [[("x-id", "")], [("x-id", long.as_str())], [("x-id", "a\nb")]] {
        assert_eq!(id(&headers, "{}"), digest, "{headers:?}");
    }
    assert_ne!(id(&[], r#"{"run": {"id": "r"}}"#), digest);
}

#[test]
fn a_program_that_answers_nothing_or_something_else_fails_the_delivery() {
    for (program, why) in [
        ("empty", "item 2 mapped to nothing: expected a finding or {\"ignored\": \"why\"}"),
        ("select(.a)", "item 2 mapped to nothing"),
        ("5", "item 2, output 1: expected a finding or {\"ignored\": \"why\"}, found a number"),
        ("ignored(\"a\"), null", "item 2, output 2: expected a finding"),
        ("ignored(\"\")", "item 2, output 1: /ignored: expected one sentence"),
        ("ignored(7)", "item 2, output 1: /ignored: expected one sentence"),
        ("range(2000) | ignored(\"x\")", "item 2: the program yields more than 1000 outputs"),
        ("range(1000) | ignored(\"x\")", "more than 1000 findings"),
        ("halt", "item 2: halt, debug and stderr are not available here"),
        ("error(\"expected tea\")", "item 2: expected tea"),
        (
            "{intent: \"drift\", resource: {terraform: {address: \"a\"}}, live: (1 / 0)}",
            "output 1 is not JSON: a number is not finite",
        ),
    ] {
        let program = format!("if .first then ignored(\"x\") else {program} end");
        let senders = read(&[("x/sender.yaml", MANIFEST), ("x/map.jq", &program)]).expect("reads");
        let error =
            map(senders.get("x").expect("there"), br#"[{"first": true}, {}]"#, None).expect_err(&program).to_string();
        assert!(error.contains(why), "{program}: {error}");
    }
}

/// The samples that a sender's deliveries are varied from: those that map to findings, the longest first.
fn rich_samples(sender: &Sender) -> Vec<Value> {
    let samples = files(&folder().join(sender.name()).join("samples"));
    let whole = samples.iter().filter_map(|sample| serde_json::from_slice(&fs::read(sample).ok()?).ok());
    let findings = |sample: &Value| match map(sender, sample.to_string().as_bytes(), None) {
        Ok(all) => all.iter().filter(|one| matches!(one, Mapped::Finding(_))).count(),
        Err(_) => 0,
    };
    let mut rich: Vec<Value> = whole.filter(|sample| findings(sample) > 0).collect();
    rich.sort_by_key(|sample| usize::MAX - places(sample, "").len());
    rich
}

/// The names of a resource: what tells it from others of its kind.
fn names(finding: &Value) -> Vec<String> {
    let resource = finding["resource"].as_object().and_then(|worlds| worlds.values().next()).cloned();
    ["name", "namespace", "address", "id", "path", "account", "organization"]
        .iter()
        .filter_map(|member| Some(resource.as_ref()?.get(member)?.as_str()?.to_owned()))
        .collect()
}

#[test]
fn any_member_may_be_anything() {
    let strange = [json!(null), json!("x"), json!([null]), json!({}), json!(-1e300)];
    let senders = senders();
    let (mut kept, mut refused) = (0, 0);
    for sender in senders.iter() {
        for whole in rich_samples(sender).into_iter().take(1) {
            let all = places(&whole, "");
            // A debug build maps a hundred items a second: of a long sample every so many members are tried.
            for (place, odd) in
                all.iter().step_by(all.len() / 20 + 1).flat_map(|place| strange.iter().map(move |odd| (place, odd)))
            {
                let mut changed = whole.clone();
                *changed.pointer_mut(place).expect("its place") = odd.clone();
                let text = changed.to_string();
                match map(sender, text.as_bytes(), None) {
                    Ok(all) => {
                        assert!(!all.is_empty(), "{} {place}: {odd}", sender.name());
                        for name in all.iter().flat_map(|one| names(&json!(one))) {
                            // Some names are put together of several members, or stand in a JSON text.
                            let told = name.split([':', '.', '"', '/']).all(|part| text.contains(part));
                            assert!(told, "{} {place}: {odd}: nobody said {name:?}", sender.name());
                        }
                        kept += 1;
                    }
                    Err(error) => {
                        assert!(error.to_string().len() < 500, "{} {place}: {odd}: {error}", sender.name());
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(kept > 500 && refused > 200, "{kept} mapped, {refused} refused");
}

/// So few bytes the server maps where it reads them, without a deadline: see `MAPPED_IN_PLACE`.
#[test]
fn eight_kib_are_mapped_at_once_whatever_they_say() {
    const SIZE: usize = 8 << 10;
    let mut tried = 0;
    for sender in senders().iter() {
        for whole in rich_samples(sender).into_iter().take(1) {
            let long = places(&whole, "").into_iter().filter(|place| {
                let value = whole.pointer(place).expect("its place");
                value.is_string() || value.as_array().is_some_and(|items| !items.is_empty())
            });
            let long: Vec<String> = long.collect();
            // As above: a debug build takes its time.
            for place in long.iter().step_by(long.len() / 20 + 1) {
                let mut filled = whole.clone();
                let room = SIZE.saturating_sub(whole.to_string().len());
                match filled.pointer_mut(place).expect("its place") {
                    Value::String(text) => *text = text.repeat(1 + room / text.len().max(1)),
                    Value::Array(items) => {
                        let once = items.clone();
                        let length = json!(once).to_string().len();
                        (0..room / length).for_each(|_| items.extend_from_slice(&once));
                    }
                    _ => unreachable!("only texts and lists are filled"),
                }
                let began = Instant::now();
                // Whatever becomes of it.
                let _ = map(sender, filled.to_string().as_bytes(), None);
                // Some milliseconds in a release build; what grew with the square of the length would take minutes.
                assert!(began.elapsed() < Duration::from_secs(5), "{} {place}", sender.name());
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

/// The JSON Pointers of a value and of all below it.
fn places(value: &Value, here: &str) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = below.into_iter().flat_map(|(token, value)| places(value, &format!("{here}/{token}")));
    [here.to_owned()].into_iter().chain(below).collect()
}
