//! The command line is a contract: the real program on repositories that git itself made.

mod answers;
mod config;
mod document;
mod drift;
mod explain;
mod screen;
mod show;
mod write;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

const CART: &str = "\
# The cart.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  labels: &labels
    app: cart # the team's label
spec:
  replicas: 3
  selector:
    matchLabels: *labels
  template:
    metadata:
      labels: *labels
    spec:
      containers:
        - name: cart
          image: 'registry.example.com/cart:1.4.2'
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  ports:
    - port: 80
";

/// A git repository in a folder of its own.
struct Repository(TempDir);

/// What a run of the program left.
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Repository {
    /// A work tree with these files, committed.
    fn of(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary folder"));
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        for (path, text) in files {
            repository.put(path, text);
        }
        repository.commit();
        repository
    }

    fn cart() -> Self {
        Self::of(&[("k8s/cart.yaml", CART)])
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("a file")
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=x"]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, "")
    }

    fn git_with(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.0.path()).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let run = finish(command, input);
        assert_eq!(run.code, 0, "git {arguments:?}: {}", run.err);
        run.out
    }

    /// A bare clone of what is committed.
    fn bare(&self) -> Self {
        let bare = Self(tempfile::tempdir().expect("a temporary folder"));
        bare.git(&["clone", "--quiet", "--bare", self.0.path().to_str().expect("UTF-8"), "."]);
        bare
    }

    /// Runs the program in the repository.
    fn run(&self, arguments: &[&str], input: &str) -> Run {
        finish(program(self.0.path(), arguments), input)
    }

    /// The answers of `fix --format json`.
    fn fix(&self, arguments: &[&str], input: &str) -> (i32, Vec<Value>) {
        let run = self.run(&[&["fix", "--format", "json"], arguments].concat(), input);
        let answers = run.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert_eq!(run.err, "", "answers go to standard output");
        (run.code, answers)
    }
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sourceward"));
    command.current_dir(folder).args(arguments);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "SOURCEWARD_CONFIG"] {
        command.env_remove(variable);
    }
    command
}

fn finish(mut command: Command, input: &str) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // One that never reads has closed the pipe.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let done = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { code: done.status.code().expect("no signal"), out: text(done.stdout), err: text(done.stderr) }
}

/// A finding that the cart's Deployment differs from its source.
fn drift(id: &str, patch: Value) -> Value {
    json!({"id": id, "intent": "drift", "resource": deployment("cart"), "patch": patch})
}

fn deployment(name: &str) -> Value {
    json!({"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}})
}

fn replicas(id: &str, count: i64) -> Value {
    drift(id, json!([{"op": "replace", "path": "/spec/replicas", "value": count}]))
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}
