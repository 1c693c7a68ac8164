//! `action.yml`, run as a runner does: its steps in bash, with the environment files of GitHub, from inputs to outputs.

mod over;
mod race;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use serde_json::{Value, json};

use crate::{
    git::git,
    github::{GitHub, TOKEN},
};

const SHOP: &str = "acme/shop";

const TERRAFORM: &str =
    "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n  tags = {\n    team = \"shop\" # ours\n  }\n}\n";

/// A workspace with a repository in it, and what the runner keeps beside it.
struct Runner {
    folder: tempfile::TempDir,
    server: String,
    api: String,
    token: &'static str,
    matrix: String,
    /// Programs that go before those of the machine.
    tools: Option<PathBuf>,
}

/// What a run of the action came to.
struct Run {
    success: bool,
    outputs: BTreeMap<String, String>,
    summary: String,
    log: String,
}

impl Runner {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["workspace", "temp"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let workspace = folder.path().join("workspace");
        for (path, text) in files {
            let path = workspace.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("writes");
        }
        git(&workspace, &["init", "--quiet", "--initial-branch=main"]);
        git(&workspace, &["add", "."]);
        git(&workspace, &["commit", "--quiet", "--message", "All"]);
        let nowhere = || "http://127.0.0.1:1".to_owned();
        Self { folder, server: nowhere(), api: nowhere(), token: TOKEN, matrix: "null".to_owned(), tools: None }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the action with these inputs.
    fn run(&self, inputs: &[(&str, &str)]) -> Run {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).expect("reads");
        let action: Value = serde_yaml::from_str(&text).expect("YAML");
        let declared = action["inputs"].as_object().expect("inputs");
        let mut given: BTreeMap<String, String> = declared
            .iter()
            .map(|(name, input)| (name.clone(), input["default"].as_str().unwrap_or_default().to_owned()))
            .map(|(name, default)| (name, default.replace("${{ github.token }}", self.token)))
            .collect();
        for (name, value) in inputs {
            assert!(declared.contains_key(*name), "action.yml has no input {name}");
            given.insert((*name).to_owned(), (*value).to_owned());
        }
        let (mut steps, mut log, mut success) = (BTreeMap::new(), String::new(), true);
        fs::write(self.file("summary"), "").expect("writes");
        for step in action["runs"]["steps"].as_array().expect("steps") {
            assert_eq!(step["shell"], "bash");
            let expand = |text: &str| expanded(text, &given, &steps, &self.matrix);
            let script = step["run"].as_str().expect("a script");
            assert_eq!(expand(script), script, "inputs reach a script by its environment alone");
            fs::write(self.file("output"), "").expect("writes");
            let built = Path::new(env!("CARGO_BIN_EXE_sourceward")).parent().expect("a folder");
            let first = self.tools.as_deref().or((given["install"] == "path").then_some(built));
            let rest = std::env::var("PATH").expect("a path");
            let path = first.map_or(rest.clone(), |first| format!("{}:{rest}", first.display()));
            let mut command = Command::new("bash");
            command
                .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
                .current_dir(self.file("workspace"))
                .env_clear()
                .env("PATH", path)
                .env("HOME", self.folder.path())
                .env("GITHUB_WORKSPACE", self.file("workspace"))
                .env("GITHUB_OUTPUT", self.file("output"))
                .env("GITHUB_STEP_SUMMARY", self.file("summary"))
                .env("GITHUB_SERVER_URL", &self.server)
                .env("GITHUB_API_URL", &self.api)
                .env("GITHUB_REPOSITORY", SHOP)
                .env("GITHUB_REF_TYPE", "branch")
                .env("GITHUB_REF_NAME", "main")
                .env("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/drift.yml@refs/heads/main")
                .env("GITHUB_JOB", "drift")
                .env("RUNNER_TEMP", self.file("temp"))
                .env("RUNNER_OS", "Linux")
                .env("RUNNER_ARCH", "X64");
            for (name, value) in step["env"].as_object().expect("an environment") {
                command.env(name, expand(value.as_str().expect("a text")));
            }
            let done = command.output().expect("bash runs");
            log += &String::from_utf8(done.stdout).expect("UTF-8");
            log += &String::from_utf8(done.stderr).expect("UTF-8");
            let written = fs::read_to_string(self.file("output")).expect("reads");
            steps.insert(step["id"].as_str().expect("an id").to_owned(), parsed(&written));
            success &= done.status.success();
            if !success {
                break;
            }
        }
        let outputs = action["outputs"].as_object().expect("outputs").iter();
        let outputs = outputs
            .map(|(name, output)| {
                (name.clone(), expanded(output["value"].as_str().expect("a text"), &given, &steps, &self.matrix))
            })
            .collect();
        Run { success, outputs, summary: fs::read_to_string(self.file("summary")).expect("reads"), log }
    }
}

/// A text with its expressions worked out: only references to inputs, outputs and the action itself are expected.
fn expanded(
    text: &str,
    inputs: &BTreeMap<String, String>,
    steps: &BTreeMap<String, BTreeMap<String, String>>,
    matrix: &str,
) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("${{ ") {
        let (expression, after) = behind.split_once(" }}").expect("a closed expression");
        out += before;
        out += &match expression.split('.').collect::<Vec<_>>()[..] {
            ["inputs", name] => inputs[name].clone(),
            ["toJSON(matrix)"] => matrix.to_owned(),
            ["github", "action_path"] => env!("CARGO_MANIFEST_DIR").to_owned(),
            ["github", "action_repository"] => "acme/sourceward".to_owned(),
            ["steps", step, "outputs", name] => {
                steps.get(step).and_then(|outputs| outputs.get(name)).cloned().unwrap_or_default()
            }
            _ => panic!("nobody expected {expression:?}"),
        };
        rest = after;
    }
    out + rest
}

/// A file of outputs as the runner reads it.
fn parsed(text: &str) -> BTreeMap<String, String> {
    let (mut found, mut lines) = (BTreeMap::new(), text.lines());
    while let Some(line) = lines.next() {
        let Some((name, delimiter)) = line.split_once("<<") else {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line:?} is no output"));
            found.insert(name.to_owned(), value.to_owned());
            continue;
        };
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

/// A refresh-only plan in which the team's tag has another value.
fn plan(team: &str) -> String {
    let state = |team: &str| json!({"cidr_block": "10.0.0.0/16", "tags": {"team": team}});
    let drift = json!({"address": "aws_vpc.main", "mode": "managed", "type": "aws_vpc", "name": "main",
         "provider_name": "registry.terraform.io/hashicorp/aws",
         "change": {"actions": ["update"], "before": state("shop"), "after": state(team), "after_unknown": {},
            "before_sensitive": {}, "after_sensitive": {}}});
    plan_of(&[drift]).to_string()
}

/// A plan of everything, which is the VPC, with this drift.
fn plan_of(drift: &[Value]) -> Value {
    json!({"format_version": "1.2", "terraform_version": "1.11.4", "complete": true, "errored": false,
        "prior_state": {"values": {"root_module": {"resources": [{"address": "aws_vpc.main"}]}}},
        "resource_changes": [], "resource_drift": drift})
}

fn over_a_plan(team: &str) -> Runner {
    let runner = Runner::with(&[("network/main.tf", TERRAFORM)]);
    fs::write(runner.file("temp").join("plan.json"), plan(team)).expect("writes");
    runner
}

const PLAN: &[(&str, &str)] =
    &[("findings", "../temp/plan.json"), ("sender", "terraform"), ("mode", "report"), ("install", "path")];

#[test]
fn a_drifted_tag_is_shown_at_its_line() {
    let runner = over_a_plan("ops");
    let run = runner.run(PLAN);
    assert!(run.success, "{}", run.log);
    let output = |name: &str| run.outputs[name].as_str();
    assert_eq!((output("findings-total"), output("patched"), output("refused")), ("1", "1", "0"));
    assert!(
        run.log.contains(
            "::warning file=network/main.tf,line=4,title=sourceward::aws_vpc.main runs with another value: this line says \
             /tags/team\n"
        ),
        "{}",
        run.log
    );
    assert!(run.summary.starts_with("### sourceward: 1 finding, 1 can be fixed\n"), "{}", run.summary);
    assert!(
        run.summary.contains("| can be fixed | `aws_vpc.main` | `/tags/team` |\n")
            && run.summary.contains("\n`aws_vpc.main` at `network/main.tf:4`\n"),
        "{}",
        run.summary
    );
    assert!(run.summary.contains("-    team = \"shop\" # ours\n+    team = \"ops\" # ours\n"), "{}", run.summary);

    let sarif: Value = serde_json::from_slice(&fs::read(output("sarif-file")).expect("reads")).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "network/main.tf");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 4);
    let fix = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(fix["deletedRegion"], json!({"startLine": 4, "startColumn": 1, "endLine": 5, "endColumn": 1}));
    assert_eq!(fix["insertedContent"]["text"], "    team = \"ops\" # ours\n");

    let report = fs::read_to_string(output("report-json")).expect("reads");
    let answer: Value = serde_json::from_str(report.trim()).expect("one answer");
    assert_eq!(
        (&answer["outcome"], &answer["resource"]["terraform"]["address"]),
        (&json!("patched"), &json!("aws_vpc.main"))
    );
    let unchanged = git(&runner.file("workspace"), &["status", "--porcelain"]);
    assert_eq!(unchanged, "", "the work tree is only read");
}

#[test]
fn no_difference_is_a_silent_success() {
    let runner = over_a_plan("ops");
    let nothing =
        json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [], "resource_drift": []});
    fs::write(runner.file("temp").join("plan.json"), nothing.to_string()).expect("writes");
    let run = runner.run(&[PLAN, &[("fail-on", "found")]].concat());
    assert!(run.success, "{}", run.log);
    assert_eq!((run.outputs["findings-total"].as_str(), run.summary.as_str()), ("0", ""));
    assert!(!run.log.contains("::"), "{}", run.log);
}

#[test]
fn findings_come_from_another_program_too() {
    let runner = over_a_plan("ops");
    let script = format!("{} action < ../temp/plan.json", env!("CARGO_BIN_EXE_sourceward"));
    let done = Command::new("bash")
        .args(["-c", &script])
        .current_dir(runner.file("workspace"))
        .env_clear()
        .env("GITHUB_WORKSPACE", runner.file("workspace"))
        .env("RUNNER_TEMP", runner.file("temp"))
        .envs([("SOURCEWARD_FINDINGS", "-"), ("SOURCEWARD_SENDER", "terraform"), ("SOURCEWARD_MODE", "report")])
        .output()
        .expect("bash runs");
    let said = String::from_utf8(done.stdout).expect("UTF-8");
    assert!(done.status.success() && said.contains("1 findings: 1 can be fixed"), "{said}");
}

#[test]
fn a_state_tells_where_a_cloud_resource_is_declared() {
    let runner = Runner::with(&[("main.tf", TERRAFORM)]);
    let id = "vpc-0123456789abcdef0";
    let finding = json!({"id": "one", "intent": "drift", "patch": [{"op": "replace", "path": "/tags/team", "value": "ops"}],
        "resource": {"cloud": {"provider": "aws", "type": "AWS::EC2::VPC", "id": id}}});
    let state = json!({"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "x", "outputs": {}, "resources": [
        {"mode": "managed", "type": "aws_vpc", "name": "main", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
            "instances": [{"schema_version": 1, "attributes": {"id": id}}]}]});
    fs::write(runner.file("temp/finding.json"), finding.to_string()).expect("writes");
    fs::write(runner.file("temp/network.tfstate"), state.to_string()).expect("writes");
    let inputs = [("findings", "../temp/finding.json"), ("mode", "report"), ("install", "path")];
    let without = runner.run(&inputs);
    assert_eq!(
        (without.outputs["patched"].as_str(), without.outputs["refused"].as_str()),
        ("0", "1"),
        "{}",
        without.log
    );
    let with = runner.run(&[&inputs[..], &[("state", "../temp/network.tfstate")]].concat());
    assert_eq!((with.outputs["patched"].as_str(), with.outputs["refused"].as_str()), ("1", "0"), "{}", with.log);
    let unread = runner.run(&[&inputs[..], &[("state", "../temp/finding.json")]].concat());
    assert!(!unread.success && unread.log.contains("finding.json cannot be read"), "{}", unread.log);
}

#[test]
fn findings_of_every_kind_are_taken() {
    let key = "resource \"aws_kms_key\" \"main\" {\n  description = \"all\"\n}\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: cart\n  namespace: shop\nspec:\n  hostNetwork: true\n  containers:\n    - name: app\n      image: r.example/cart:1\n";
    let runner = Runner::with(&[("network/main.tf", key), ("k8s/cart.yaml", pod)]);
    let place = json!({"physicalLocation": {"artifactLocation": {"uri": "network/main.tf"}, "region": {"startLine": 1, "endLine": 3}}});
    let at = json!({"kubernetes": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "cart"}});
    let check = json!({"check_id": "CKV_AWS_7", "file_path": "/network/main.tf", "file_line_range": [1, 3],
        "resource": "aws_kms_key.main"});
    for (sender, report, line) in [
        (
            "sarif",
            json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "checkov"}},
                "results": [{"ruleId": "CKV_AWS_7", "message": {"text": "x"}, "locations": [place]}]}]}),
            "network/main.tf,line=",
        ),
        (
            "checkov",
            json!({"check_type": "terraform", "results": {"failed_checks": [check], "parsing_errors": []}}),
            "network/main.tf,line=",
        ),
        (
            "trivy",
            json!({"SchemaVersion": 2, "Results": [{"Target": "network/main.tf", "Class": "config", "Misconfigurations": [
                {"ID": "AWS-0065", "AVDID": "AWS-0065", "Title": "x", "Message": "x", "Status": "FAIL", "Severity": "MEDIUM",
                 "CauseMetadata": {"Resource": "aws_kms_key.main", "StartLine": 1, "EndLine": 3}}]}]}),
            "network/main.tf,line=",
        ),
        (
            "kubescape",
            json!({"resources": [{"resourceID": "/v1/shop/Pod/cart", "source": {"relativePath": "k8s/cart.yaml"}}],
                "results": [{"resourceID": "/v1/shop/Pod/cart", "controls": [{"controlID": "C-0041", "name": "HostNetwork access",
                    "status": {"status": "failed"}, "rules": [{"name": "host-network-access", "status": "failed",
                        "paths": [{"failedPath": "spec.hostNetwork", "fixPath": {"path": "", "value": ""}}]}]}]}]}),
            "k8s/cart.yaml,line=7,",
        ),
        (
            "generic",
            json!({"intent": "drift", "resource": at, "patch": [{"op": "replace", "path": "/spec/hostNetwork", "value": false}]}),
            "k8s/cart.yaml,line=7,",
        ),
    ] {
        fs::write(runner.file("temp").join("report.json"), report.to_string()).expect("writes");
        let inputs = [("findings", "../temp/report.json"), ("sender", sender), ("mode", "report"), ("install", "path")];
        let run = runner.run(&inputs);
        assert!(run.success, "{sender}: {}", run.log);
        let counts = ["findings-total", "patched"].map(|name| run.outputs[name].as_str());
        assert_eq!(counts, ["1", "1"], "{sender}: {}", run.log);
        assert!(run.log.contains(&format!("::warning file={line}")), "{sender}: {}", run.log);
    }
}

#[test]
fn a_step_fails_over_what_it_is_told_to() {
    let runner = over_a_plan("ops");
    for (fail_on, success) in [("never", true), ("refused", true), ("found", false)] {
        let run = runner.run(&[PLAN, &[("fail-on", fail_on)]].concat());
        assert_eq!(run.success, success, "{fail_on}: {}", run.log);
        assert_eq!(run.outputs["patched"], "1", "what was found is said in any case");
    }
}

#[test]
fn inputs_that_cannot_be_used_are_told_together() {
    let runner = over_a_plan("ops");
    let run = runner.run(&[
        ("findings", ""),
        ("mode", "report"),
        ("install", "path"),
        ("fail-on", "often"),
        ("annotations", "perhaps"),
    ]);
    assert!(!run.success);
    for problem in
        ["findings: name the file", "fail-on: expected never, refused or found", "annotations: expected true or false"]
    {
        assert!(run.log.contains(problem), "{problem}: {}", run.log);
    }
    let run = runner.run(&[("findings", "nowhere.json"), ("mode", "report"), ("install", "path")]);
    assert!(!run.success && run.log.contains("nowhere.json cannot be opened"), "{}", run.log);
    let run =
        runner.run(&[("findings", "network/main.tf"), ("sender", "checkov"), ("mode", "report"), ("install", "path")]);
    assert!(!run.success && run.log.contains("network/main.tf is no"), "{}", run.log);
}

#[test]
fn foreign_text_is_no_command_and_no_markup() {
    let runner = over_a_plan("@everyone](https://evil.example)\n::error::gone\n<img src=x> #1");
    let run = runner.run(PLAN);
    assert!(run.success, "{}", run.log);
    let mut silenced = None;
    for line in run.log.lines() {
        match (&silenced, line.strip_prefix("::")) {
            (None, Some(command)) if command.starts_with("stop-commands::") => {
                silenced = command.strip_prefix("stop-commands::").map(|token| format!("::{token}::"));
            }
            (None, Some(command)) => assert!(command.starts_with("warning file=network/main.tf,line=4,"), "{line}"),
            (Some(token), _) if line == token => silenced = None,
            _ => {}
        }
    }
    assert_eq!(silenced, None, "commands are listened to again");
    let html = comrak::markdown_to_html(&run.summary, &comrak::Options::default());
    assert!(!html.contains("<img") && !html.contains("href=\"https://evil"), "{html}");
}

#[test]
fn a_release_is_taken_only_with_its_checksum() {
    let mut runner = over_a_plan("ops");
    let folder = runner.file("release");
    fs::create_dir(&folder).expect("a folder");
    let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_sourceward"));
    fs::write(folder.join("sourceward"), program).expect("writes");
    let archive = "sourceward-x86_64-unknown-linux-gnu.tar.gz";
    let script =
        format!("chmod +x sourceward && tar -czf {archive} sourceward && sha256sum {archive} > {archive}.sha256");
    assert!(Command::new("sh").args(["-c", &script]).current_dir(&folder).status().expect("runs").success());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    runner.server = format!("http://{}", listener.local_addr().expect("an address"));
    let served = folder.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let prefix = format!("/acme/sourceward/releases/download/v{}/", env!("CARGO_PKG_VERSION"));
            let body = path.strip_prefix(&prefix).and_then(|name| fs::read(served.join(name)).ok());
            let (status, body) = body.map_or((404, Vec::new()), |body| (200, body));
            let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    let from_release = [&PLAN[..3], &[("install", "release")]].concat();
    let run = runner.run(&from_release);
    assert!(run.success && run.outputs["patched"] == "1", "{}", run.log);

    fs::write(folder.join(format!("{archive}.sha256")), format!("{}  {archive}\n", "0".repeat(64))).expect("writes");
    for install in ["release", "auto"] {
        let run = runner.run(&[&PLAN[..3], &[("install", install)]].concat());
        assert!(!run.success && run.outputs["findings-total"].is_empty(), "{}", run.log);
    }
}

#[test]
fn where_there_is_no_release_the_source_of_the_action_is_built() {
    let mut runner = over_a_plan("ops");
    let folder = runner.file("tools");
    runner.tools = Some(folder.clone());
    let stand_in = |script: &str| {
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("cargo"), format!("#!/bin/sh\n{script}\n")).expect("writes");
        fs::set_permissions(folder.join("cargo"), fs::Permissions::from_mode(0o755)).expect("set");
    };
    let root = runner.file("temp").join("sourceward");
    let program = root.join("bin/sourceward");
    for install in ["source", "auto"] {
        stand_in(&format!(
            "printf '%s\\n' \"$@\" > \"$HOME/asked\"\nln -s '{}' '{}'",
            env!("CARGO_BIN_EXE_sourceward"),
            program.display()
        ));
        let run = runner.run(&[&PLAN[..3], &[("install", install)]].concat());
        assert!(run.success && run.outputs["patched"] == "1", "{install}: {}", run.log);
        let asked = fs::read_to_string(runner.file("asked")).expect("cargo was called");
        let asked: Vec<&str> = asked.lines().collect();
        let root = root.to_str().expect("UTF-8");
        let wanted = ["install", "--quiet", "--locked", "--path", env!("CARGO_MANIFEST_DIR"), "--root", root];
        assert_eq!(asked, wanted, "{install}");
        fs::remove_file(&program).expect("was left behind");

        stand_in("echo 'error: linker `cc` not found' >&2\nexit 101");
        let run = runner.run(&[&PLAN[..3], &[("install", install)]].concat());
        assert!(!run.success && run.outputs["findings-total"].is_empty(), "{install}: {}", run.log);
        assert!(run.log.contains("error: linker `cc` not found"), "{install}: {}", run.log);
    }
}

#[test]
fn a_program_that_is_not_there_is_said_to_be() {
    let mut runner = over_a_plan("ops");
    runner.tools = Some(runner.file("temp"));
    let run = runner.run(&[&PLAN[..3], &[("install", "path")]].concat());
    assert!(!run.success && run.log.contains("::error::install: there is no sourceward on the PATH"), "{}", run.log);
}

/// A runner whose forge is a fake GitHub that has the same repository.
fn over_github(team: &str) -> (Runner, GitHub, crate::remote::Remote) {
    let mut runner = over_a_plan(team);
    let github = GitHub::with(&[("network/main.tf", TERRAFORM)]);
    let remote = github.remote();
    runner.server = remote.url("").trim_end_matches('/').to_owned();
    runner.api = github.address();
    (runner, github, remote)
}

const PROPOSED: &[(&str, &str)] =
    &[("findings", "../temp/plan.json"), ("sender", "terraform"), ("install", "path"), ("labels", "drift, infra")];

#[test]
fn a_drifted_tag_becomes_one_pull_request_however_often_the_step_runs() {
    let (runner, github, _remote) = over_github("ops");
    let run = runner.run(PROPOSED);
    assert!(run.success, "{}", run.log);
    assert_eq!(run.outputs["pull-request-number"], "1", "{}", run.log);
    github.branch(SHOP, &run.outputs["pull-request-branch"]);
    let all: Value = serde_json::from_str(&run.outputs["pull-requests"]).expect("JSON");
    assert_eq!(all[0]["url"], run.outputs["pull-request-url"].as_str());
    assert!(run.summary.contains(&format!("[#1]({})", run.outputs["pull-request-url"])), "{}", run.summary);
    github
        .pull_request(SHOP, 1)
        .expect_open()
        .expect_labels(&["drift", "infra"])
        .expect_in_body(&["`/tags/team`: `shop` in the source, `ops` live", "`network/main.tf:4`"]);
    github.forget_calls();
    let again = runner.run(PROPOSED);
    assert!(again.success && again.outputs["pull-request-number"] == "1", "{}", again.log);
    assert_eq!(github.mutations(), [""; 0], "a second run changes nothing");
    assert!(!run.log.contains(TOKEN) && !run.summary.contains(TOKEN));

    fs::write(runner.file("temp").join("plan.json"), plan("data")).expect("writes");
    assert!(runner.run(PROPOSED).success);
    github.pull_request(SHOP, 1).expect_open().expect_in_body(&["`/tags/team`: `shop` in the source, `data` live"]);
}

#[test]
fn what_a_person_closed_stays_closed_in_the_next_run() {
    let (runner, github, _remote) = over_github("ops");
    assert!(runner.run(PROPOSED).success);
    github.pull_request(SHOP, 1).expect_open();
    github.person_closes(SHOP, 1);
    github.forget_calls();
    let run = runner.run(PROPOSED);
    assert!(run.success, "{}", run.log);
    assert_eq!(github.mutations(), [""; 0]);
    assert_eq!(run.outputs["pull-request-operation"], "none");
    github.branch(SHOP, &run.outputs["pull-request-branch"]);
    github.pull_request(SHOP, 1);
}

#[test]
fn a_forge_that_refuses_fails_the_step_and_the_report_is_there_all_the_same() {
    let (mut runner, _github, _remote) = over_github("ops");
    runner.api = "http://127.0.0.1:1".to_owned();
    let run = runner.run(&[PROPOSED, &[("timeout-minutes", "1"), ("max-open", "3")]].concat());
    assert!(!run.success && run.log.contains("not all that was wanted could be done"), "{}", run.log);
    assert_eq!((run.outputs["patched"].as_str(), run.outputs["pull-request-number"].as_str()), ("1", ""));
}

/// Beside a tag that drifted, and as the drifted value itself.
#[test]
fn planted_secrets_of_a_plan_are_said_nowhere() {
    let planted = crate::secrets::planted();
    let (mut source, mut drifts) = (String::new(), Vec::new());
    for (number, one) in planted.iter().enumerate() {
        let quoted = json!(one.text).to_string();
        for (name, says) in [(format!("beside{number}"), quoted.as_str()), (format!("adopted{number}"), "\"x\"")] {
            source += &format!(
                "resource \"aws_instance\" \"{name}\" {{\n  ami = \"a\"\n  tags = {{\n    team = \"shop\"\n  }}\n  user_data = {says}\n}}\n\n"
            );
        }
        let drift = |name: &str, before: Value, after: Value| {
            json!({
                "address": format!("aws_instance.{name}"), "mode": "managed", "type": "aws_instance", "name": name,
                "provider_name": "registry.terraform.io/hashicorp/aws",
                "change": {"actions": ["update"], "before": before, "after": after, "after_unknown": {},
                    "before_sensitive": {}, "after_sensitive": {}},
            })
        };
        let state = |team: &str, data: &str| json!({"ami": "a", "tags": {"team": team}, "user_data": data});
        drifts.push(drift(&format!("beside{number}"), state("shop", &one.text), state("ops", &one.text)));
        drifts.push(drift(&format!("adopted{number}"), state("shop", "x"), state("shop", &one.text)));
    }
    let runner = Runner::with(&[("main.tf", &source)]);
    let plan = json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [], "resource_drift": drifts});
    fs::write(runner.file("temp").join("plan.json"), plan.to_string()).expect("writes");
    let run = runner.run(PLAN);
    assert!(run.success, "{}", run.log);
    let count = |name: &str| run.outputs[name].parse::<usize>().expect("a number");
    assert_eq!(count("findings-total"), 2 * planted.len());
    assert!(count("patched") >= planted.len() && count("refused") > 0, "{:?}", run.outputs);
    let sarif = fs::read_to_string(&run.outputs["sarif-file"]).expect("reads");
    let report = fs::read_to_string(&run.outputs["report-json"]).expect("reads");
    for one in &planted {
        for (place, text) in [
            ("the log", run.log.as_str()),
            ("the summary", &run.summary),
            ("the SARIF log", &sarif),
            ("the report", &report),
            ("an output", &format!("{:?}", run.outputs)),
        ] {
            one.unseen(place, text);
        }
    }
}
