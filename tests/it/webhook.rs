//! Senders: each folder of `webhooks/` against its samples, authentication against its specifications, hostile bodies.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use sourceward::{
    model::secret::Secret,
    webhook::{
        envelope::{self, EnvelopeError},
        map::{MapError, Mapped, delivery_id, map},
        program::{MAX_OUTPUTS, Program, ProgramError, RunError},
        sender::{Sender, SenderError, Senders},
        signature::{Authentication, VerifyError, sign_standard_webhooks, verify},
    },
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks")
}

fn senders() -> Senders {
    Senders::embedded().expect("the senders of the binary")
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
        let sender =
            senders.get(&name).unwrap_or_else(|| panic!("webhooks/{name} has no sender.yaml, or is not built in"));
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
        eprintln!("jq is not on PATH: nothing to compare with");
        return;
    }
    let prelude = fs::read_to_string(folder().join("prelude.jq")).expect("the prelude");
    let mut compared = 0;
    for sender in senders().iter() {
        let folder = folder().join(sender.name());
        let program = prelude.clone() + &fs::read_to_string(folder.join("map.jq")).expect("a program");
        for sample in files(&folder.join("samples")) {
            let body = fs::read(&sample).expect("a sample");
            let Ok(items) = envelope::items(&body, None, sender.wrappings()) else { continue };
            for item in items {
                let mut jq = Command::new("jq")
                    .args(["-c", &program])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("jq starts");
                serde_json::to_writer(jq.stdin.take().expect("piped"), &item).expect("jq reads");
                let theirs = jq.wait_with_output().expect("jq ends");
                match sender.program().run(item) {
                    Ok(ours) => {
                        assert!(theirs.status.success(), "{}: jq fails: {theirs:?}", sample.display());
                        let theirs: Vec<Value> = serde_json::Deserializer::from_slice(&theirs.stdout)
                            .into_iter()
                            .collect::<Result<_, _>>()
                            .expect("JSON of jq");
                        assert_eq!(as_floats(json!(ours)), as_floats(json!(theirs)), "{}", sample.display());
                    }
                    Err(error) => assert!(!theirs.status.success(), "{}: only jaq fails: {error}", sample.display()),
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 12, "only {compared} items were compared");
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
