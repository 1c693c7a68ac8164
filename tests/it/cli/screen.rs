//! What a person sees: colours only on a terminal, foreign text made harmless, help, and the demonstration.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{CART, Repository, finish, program, replicas};
use crate::tools::left_out;

/// Runs a command on a pseudo-terminal; absent where there is no `script` to make one.
fn on_a_terminal(repository: &Repository, arguments: &str, environment: &[(&str, &str)]) -> Option<String> {
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{} {arguments}", env!("CARGO_BIN_EXE_sourceward")), "/dev/null"]);
    command.current_dir(repository.0.path()).env_remove("NO_COLOR").env("TERM", "xterm-256color");
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    match command.output() {
        Ok(done) => {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
            Some(String::from_utf8(done.stdout).expect("UTF-8"))
        }
        Err(_) => {
            left_out("script, which makes a terminal, is not here");
            None
        }
    }
}

#[test]
fn colours_are_for_terminals_alone() {
    let repository = Repository::cart();
    repository.put("f.txt", &replicas("a", 5).to_string());
    for command in ["fix --finding f.txt", "stacks", "explain service/cart"] {
        let piped = repository.run(&command.split(' ').collect::<Vec<_>>(), "");
        assert!(piped.code == 0 && !piped.out.contains('\u{1b}'), "{command}");
        if let Some(text) = on_a_terminal(&repository, command, &[]) {
            assert!(text.contains("\u{1b}["), "{command}: {text}");
            let plain = on_a_terminal(&repository, command, &[("NO_COLOR", "1")]).expect("as before");
            assert_eq!(plain.replace("\r\n", "\n"), piped.out, "{command}");
        }
    }
    for command in ["fix --finding f.txt --format json", "fix --finding f.txt --format diff", "render k8s"] {
        if let Some(text) = on_a_terminal(&repository, command, &[]) {
            assert!(!text.contains('\u{1b}'), "{command}: {text:?}");
        }
    }
}

#[test]
fn foreign_text_is_shown_and_not_obeyed() {
    let evil = "cart\u{1b}]0;x\u{7}\nproved: all\u{202e}";
    let quoted = json!(evil).to_string();
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {quoted}}}\ndata: {{a: {quoted}}}\n");
    let repository = Repository::of(&[("k8s/evil.yaml", &text), ("k8s/cart.yaml", CART)]);
    let resource = json!({"kubernetes": {"apiVersion": "v1", "kind": "ConfigMap", "name": evil}});
    let patch = json!([{"op": "replace", "path": "/data/a", "value": format!("{evil}!")}]);
    let finding = json!({"intent": "drift", "resource": resource, "patch": patch}).to_string();
    let missing = finding.replace("ConfigMap", "Secret");
    let unstacked = json!({"intent": "drift", "stack": evil, "resource": resource, "patch": []}).to_string();
    let name = format!("configmap/{evil}");
    let cases: &[(&[&str], &str)] = &[
        (&["fix", "--finding", "-"], &finding),
        (&["fix", "--finding", "-"], &missing),
        (&["fix", "--finding", "-"], &unstacked),
        (&["fix", "--finding", "-", "--sender", "generic"], &json!({"id": evil}).to_string()),
        (&["fix", "--batch", "-"], &json!({"intent": evil}).to_string()),
        (&["fix", "--finding", "-", "--sender", evil], ""),
        (&["fix", "--finding", evil], ""),
        (&["explain", &name], ""),
        (&["explain", &name, "/data/a"], ""),
        (&["explain", evil], ""),
        (&["render", evil], ""),
        (&["sender", "map", "generic", "-"], &json!(evil).to_string()),
    ];
    for (arguments, input) in cases {
        let run = repository.run(arguments, input);
        let said = format!("{}{}", run.out, run.err);
        let odd = said.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(odd, None, "{arguments:?}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("proved: all")), "{arguments:?}: {said}");
        assert!(!said.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    // More than a pipe holds.
    let many: String = (0..500).map(|index| format!("  {}{index}: x\n", "k".repeat(240))).collect();
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{many}");
    let repository = Repository::of(&[("k8s/a.yaml", &text)]);
    for command in [&["render", "k8s"][..], &["render", "k8s", "--format", "json"], &["explain", "configmap/a"]] {
        let mut child = program(repository.0.path(), command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut first = [0; 10];
        child.stdout.take().expect("a pipe").read_exact(&mut first).expect("it prints something");
        let done = child.wait_with_output().expect("it ends");
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn help_says_what_each_command_does() {
    let repository = Repository::cart();
    let commands = ["fix", "explain", "render", "stacks", "serve", "findings", "demo", "sender", "config"];
    let all = repository.run(&["--help"], "");
    assert_eq!(all.code, 0);
    for command in commands {
        let run = repository.run(&[command, "--help"], "");
        assert!(run.code == 0 && run.out.contains(&format!("Usage: sourceward {command}")), "{}", run.out);
        let about = run.out.lines().next().expect("a first line");
        assert!(all.out.contains(about), "{command}: {about}");
        let wide = run.out.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{command}");
        assert_eq!(repository.run(&[command, "--nonsense"], "").code, 2, "{command}");
    }
    for arguments in [&[][..], &["nonsense"], &["--nonsense"]] {
        assert_eq!(repository.run(arguments, "").code, 2, "{arguments:?}");
    }
}

#[test]
fn the_demonstration_shows_its_steps_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut command = program(temporary.path(), &["demo"]);
    command.env("TMPDIR", temporary.path()).env("HOME", temporary.path());
    let began = Instant::now();
    let run = finish(command, "");
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let steps: Vec<_> = run
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("▌ "))
        .filter_map(|line| line.split(" · ").next())
        .collect();
    let expected = [
        "A GitOps repository",
        "The receiver",
        "A signed finding",
        "Located, edited, proved",
        "The pull request",
        "The same finding again",
        "A finding that is refused",
    ];
    assert_eq!(steps, expected);
    let left: Vec<_> = fs::read_dir(temporary.path()).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}
