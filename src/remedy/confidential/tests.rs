//! The measure of what looks secret: values of ordinary manifests that must pass, and secrets that must not.

use super::*;

/// Field and value, one a line.
const HARMLESS: &str = include_str!("harmless.txt");

/// The same; `¦` keeps those who scan repositories for credentials from raising an alarm, and is taken out.
const SECRET: &str = include_str!("secret.txt");

fn judged(examples: &str) -> impl Iterator<Item = (&str, bool)> {
    examples.lines().map(|line| {
        let example = line.replace('¦', "");
        let (at, value) = example.split_once(' ').expect("a field and a value");
        let value = serde_json::from_str(value).unwrap_or_else(|error| panic!("{line}: {error}"));
        (line, looks_secret(&at.parse().expect(line), &value, Some("Deployment")))
    })
}

#[test]
fn values_of_ordinary_manifests_pass() {
    let wrong: Vec<&str> = judged(HARMLESS).filter(|(_, secret)| *secret).map(|(line, _)| line).collect();
    assert!(wrong.is_empty(), "taken for secrets:\n{}", wrong.join("\n"));
    assert!(judged(HARMLESS).count() >= 80);
}

#[test]
fn secrets_are_recognised() {
    let wrong: Vec<&str> = judged(SECRET).filter(|(_, secret)| !*secret).map(|(line, _)| line).collect();
    assert!(wrong.is_empty(), "not taken for secrets:\n{}", wrong.join("\n"));
    assert!(judged(SECRET).count() >= 60);
}

#[test]
fn text_is_redacted_line_by_line() {
    for (text, expected) in [
        ("a: 1\npassword: hunter2\nb: 2\n", "a: 1\npassword: [withheld]\nb: 2\n"),
        ("password: \"hunter2\" # old", "password: \"[withheld]\" # old"),
        ("{name: DB_PASSWORD, value: hunter2}", "{name: DB_PASSWORD, value: [withheld]}"),
        ("- name: DB_PASSWORD\n  value: hunter2\n", "- name: DB_PASSWORD\n  value: [withheld]\n"),
        ("- value: hunter2\n  name: DB_PASSWORD\n", "- value: [withheld]\n  name: DB_PASSWORD\n"),
        (
            "- name: A\n  value: x\n- name: DB_PASSWORD\n  value: y\n",
            "- name: A\n  value: x\n- name: DB_PASSWORD\n  value: [withheld]\n",
        ),
        (
            "kind: Secret\ndata:\n  a: eA==\n  b: |\n    x\ntype: Opaque\n",
            "kind: Secret\ndata:\n  a: [withheld]\n  b: [withheld]\n    [withheld]\ntype: Opaque\n",
        ),
        (
            "kind: ConfigMap\ndata:\n  a: x\n---\nkind: Secret\nstringData: {a: x}\n",
            "kind: ConfigMap\ndata:\n  a: x\n---\nkind: Secret\nstringData: [withheld]\n",
        ),
        ("x = 1\ndb_password = \"hunter2\"\n", "x = 1\ndb_password = \"[withheld]\"\n"),
        ("db_password = var.password", "db_password = var.password"),
        ("failed with password: hunter2", "failed with password: [withheld]"),
        ("postgres://u:hunter2@db/x", "postgres://u:[withheld]@db/x"),
        ("passwords:\n- one\n- two\nx: 1\n", "passwords:\n- [withheld]\n- [withheld]\nx: 1\n"),
        ("secretName: shop\nimage: a:b\n", "secretName: shop\nimage: a:b\n"),
        ("args:\n- --password\n- hunter2\n- --v=2\n", "args:\n- --password\n- [withheld]\n- --v=2\n"),
    ] {
        assert_eq!(redacted_text(text), expected, "{text}");
    }
    let key = "k: |\n  -----BEGIN PRIVATE KEY-----\n  abc\n  -----END PRIVATE KEY-----\nx: 1\n";
    assert_eq!(redacted_text(key), "k: |\n  [withheld]\n\n\nx: 1\n");
}

#[test]
fn a_secret_that_stood_there_before_is_not_new() {
    let check = |before: Value, after: Value, expected: &[&str]| {
        let found: Vec<String> = new_secrets(&before, &after, None).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{before} {after}");
    };
    check(json!({"password": "a", "n": 1}), json!({"password": "a", "n": 2}), &[]);
    check(json!({"password": "a"}), json!({}), &[]);
    check(json!({"password": "a"}), json!({"password": "b"}), &["/password"]);
    check(json!({}), json!({"db": {"password": "b", "host": "h"}}), &["/db/password"]);
    check(json!({"c": "x: 1\npassword: a\n"}), json!({"c": "x: 2\npassword: a\n"}), &[]);
    check(json!({"c": "x: 1\npassword: a\n"}), json!({"c": "x: 1\npassword: b\n"}), &["/c"]);
    let env = |value: &str| json!({"env": [{"name": "A", "value": "x"}, {"name": "TOKEN", "value": value}]});
    check(env("a"), env("b"), &["/env/1/value"]);
}

#[test]
fn markers_are_filled_from_what_is_declared_and_only_by_name() {
    let declared = json!({"env": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}], "n": 1});
    let mark = |value: &str| json!({ MARKER: value });
    let live = json!({"env": [{"name": "B", "value": mark("x")}, {"name": "A", "value": "a"}], "n": 2});
    let expected = json!({"env": [{"name": "B", "value": "b"}, {"name": "A", "value": "a"}], "n": 2});
    assert_eq!(filled(&live, &declared), expected);
    let unknown = json!({"env": [{"name": "C", "value": mark("x")}], "args": [mark("x")]});
    assert_eq!(filled(&unknown, &declared), unknown);
    assert!(is_withheld(&unknown));
    let twice = json!([{"name": "A", "value": "a"}, {"name": "A", "value": "b"}, {"name": "A", "value": "c"}]);
    let live = json!([{"name": "A", "value": mark("x")}]);
    assert_eq!(filled(&live, &twice), live, "nobody knows which");
}

#[test]
fn long_lines_of_odd_text_are_read_to_their_end() {
    for piece in [
        "a: ",
        "password:",
        ": ",
        "ghp_",
        "-eyJ",
        "eyJ.",
        "AccountKey=",
        "{name: a, ",
        "://u:p@",
        "--password ",
        "\\\"",
        "[",
        "%41",
        "-----BEGIN ",
    ] {
        let text = piece.repeat(20_000 / piece.len());
        assert_eq!(redacted_text(&text).lines().count(), 1, "{piece}");
    }
}

#[test]
fn no_text_is_too_odd_to_read() {
    for text in [
        "",
        ":",
        "=",
        "\"",
        "password:",
        "password: \"",
        "- ",
        "-----BEGIN ",
        "{name:",
        "ä: ö",
        "password=\\\"",
        "%",
        "\\u00",
        "a:\n\n\n- b",
        "://@",
        "://:@",
        "eyJ.eyJ",
    ] {
        let redacted = redacted_text(text);
        assert_eq!(redacted.lines().count(), text.lines().count(), "{text:?} {redacted:?}");
    }
}
