//! The main job, shown on an embedded example: in a temporary folder, on loopback, with the parts that production runs on.
//!
//! Only three things are not what an operator would have: the remote is a folder, GitHub is a small server of the same
//! shape, and the sender's secret was made a moment ago.

mod github;
mod post;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use include_dir::{Dir, include_dir};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

use self::{github::GitHub, post::Sender};
use super::{
    config::Config,
    git::{commit::Author, create::create_bare, local::LocalTree},
    server::{Parts, Server},
    store::{
        case::{Case, CaseId, State},
        read::Reader,
    },
    terminal::{
        answer,
        paint::{BOLD, DIM, GOOD, paint, visible_lines},
    },
    worker::remediate::Remediation,
};
use crate::{
    model::{finding::Finding, repository::BranchName, secret::Secret},
    remedy::{policy::Policy, rule::set::Rules, verdict},
    source::path::RepoPath,
    stack::catalog::Catalog,
};

/// The repository that is laid out.
static EXAMPLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/demo");

/// What it is called.
const SLUG: &str = "acme/gitops";

/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Runs the demonstration and prints what happens; the temporary folder is removed at the end.
pub fn run() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("sourceward-demo-").tempdir().context("no temporary folder")?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    let shown = runtime.block_on(show(folder.path()));
    // Mirrors hold read-only objects, which some systems do not remove by themselves.
    drop(runtime);
    folder.close().context("the temporary folder cannot be removed")?;
    shown
}

async fn show(folder: &Path) -> anyhow::Result<()> {
    let began = Instant::now();
    let remote = folder.join("gitops.git");
    let branch: BranchName = "main".parse()?;
    let author = Author { name: "Ada".to_owned(), mail: "ada@example.com".to_owned(), time: 1_767_225_600 };
    create_bare(&remote, &branch, &example()?, "What runs in prod-eu\n", &author)?;
    step("A GitOps repository", "laid out as a bare remote; its stacks are discovered, nothing is configured")?;
    stacks(&remote)?;

    let github = GitHub::of(remote.clone(), SLUG);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let api = listener.local_addr()?;
    let forge = tokio::spawn({
        let router = github.router();
        async move { axum::serve(listener, router).await }
    });

    let secret = Secret::new(format!("whsec_{}", post::random_base64()?));
    fs::write(folder.join("secret"), secret.expose())?;
    fs::write(folder.join("token"), "demo")?;
    let config = folder.join("server.yaml");
    fs::write(&config, configuration(&remote, &api.to_string()))?;
    let config = Config::read(&config, &|_| None)?;
    let job = Remediation::from_config(&config, Rules::embedded()?)?.job();
    let parts = Parts::from_config(&config, Some(job))?;
    let server = Server::bind(config.listen, None, parts).await?;
    let address = server.address()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async { drop(stopped.await) }));
    step("The receiver", &format!("listens on http://{address}; GitHub is a server on http://{api}"))?;

    let sender = Sender { address, secret };
    story(&sender, &remote, &config, &github).await?;

    drop(stop);
    serving.await.context("the receiver")??;
    forge.abort();
    let seconds = began.elapsed().as_secs_f32();
    writeln!(anstream::stdout(), "\n{} in {seconds:.1} s; the temporary folder is gone.", paint(GOOD, "Done"))?;
    Ok(())
}

async fn story(sender: &Sender, remote: &Path, config: &Config, github: &GitHub) -> anyhow::Result<()> {
    let drift = json!({
        "id": "audit-7c1f", "intent": "drift", "time": "2026-01-12T03:14:07Z", "actor": {"user": "sam", "via": "kubectl-edit"},
        "title": "cart was scaled and its upstream time-out raised by hand",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}},
        "patch": [
            {"op": "replace", "path": "/spec/replicas", "value": 5},
            {"op": "replace", "path": "/spec/template/spec/containers/0/env/1/value", "value": "2500"},
        ],
    });
    step("A signed finding", "somebody scaled cart and raised a time-out at three in the morning")?;
    print(&serde_json::to_string_pretty(&drift)?)?;
    let answered = sender.post("msg_demo_1", &drift).await?;
    print(&paint(BOLD, format!("{} {}", answered.status, answered.body)))?;

    let case = settled(config, &answered.body).await?;
    anyhow::ensure!(case.state == State::Proposed, "the case ended as {}: {:?}", case.state, case.reason);
    step("Located, edited, proved", "which bytes say the field, the splice, and what rendering showed")?;
    print(judged(remote, &drift)?.trim_end())?;

    let pulls = github.pulls();
    let [pull] = &pulls[..] else { anyhow::bail!("expected one pull request, found {}", pulls.len()) };
    step("The pull request", &case.pull_request.map_or_else(String::new, |pull_request| pull_request.url))?;
    let text = |key: &str| pull[key].as_str().unwrap_or_default().to_owned();
    print(&paint(BOLD, text("title")))?;
    print(&paint(DIM, format!("{} → {}", pull["head"]["ref"].as_str().unwrap_or_default(), "main")))?;
    print(&visible_lines(&format!("\n{}", text("body").trim_end())))?;

    step("The same finding again", "first the same delivery, then a new delivery of the same drift")?;
    let repeated = sender.post("msg_demo_1", &drift).await?;
    print(&paint(BOLD, format!("{} {}", repeated.status, repeated.body)))?;
    let known = sender.post("msg_demo_2", &drift).await?;
    print(&paint(BOLD, format!("{} {}", known.status, known.body)))?;
    anyhow::ensure!(github.pulls().len() == 1, "a second pull request was opened");
    print(&paint(DIM, "still one pull request"))?;

    let label = json!({
        "id": "audit-7c20", "intent": "drift",
        "resource": {"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "checkout"}},
        "patch": [{"op": "replace", "path": "/metadata/labels/team", "value": "payments"}],
    });
    step("A finding that is refused", "the drifted label is written at a YAML anchor that two other places refer to")?;
    let answered = sender.post("msg_demo_3", &label).await?;
    let case = settled(config, &answered.body).await?;
    anyhow::ensure!(case.state == State::Refused, "the case ended as {}", case.state);
    print(judged(remote, &label)?.trim_end())?;
    anyhow::ensure!(github.pulls().len() == 1, "a refusal opened a pull request");
    Ok(())
}

/// Waits until the case of an accepted finding has come to its end.
async fn settled(config: &Config, accepted: &Value) -> anyhow::Result<Case> {
    let number = accepted["cases"][0]["id"].as_i64().context("the receiver named no case")?;
    let reader = Reader::open(&config.data)?;
    let began = Instant::now();
    loop {
        let case = reader.show(CaseId(number))?.context("the case is gone")?;
        if matches!(case.state, State::Proposed | State::Refused | State::Resolved | State::Dead) {
            return Ok(case);
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "case {number} is still {}: {:?}", case.state, case.reason);
        sleep(Duration::from_millis(20)).await;
    }
}

/// What `sourceward fix` says of a finding.
fn judged(remote: &Path, finding: &Value) -> anyhow::Result<String> {
    let finding: Finding = serde_json::from_value(finding.clone())?;
    let (tree, rules) = (LocalTree::open(remote)?, Rules::embedded()?);
    let verdict = verdict(&Catalog::of(&tree), &finding, Policy::of(&rules));
    Ok(answer::text(&finding, &verdict, false, answer::Reader::Owner))
}

fn stacks(remote: &Path) -> anyhow::Result<()> {
    let tree = LocalTree::open(remote)?;
    let catalog = Catalog::of(&tree).map_err(|refusal| anyhow::anyhow!("{}", refusal.message))?;
    for (position, stack) in catalog.stacks().iter().enumerate() {
        let resources = catalog.rendered(position).map(|rendered| rendered.resources.len()).unwrap_or_default();
        print(&format!("{:14}  {}", stack.name, paint(DIM, answer::count(resources, "resource"))))?;
    }
    Ok(())
}

fn configuration(remote: &Path, api: &str) -> String {
    let config = json!({
        "listen": "127.0.0.1:0",
        "data": "data",
        "senders": {"generic": {"secrets": [{"file": "secret"}]}},
        "repositories": [{"slug": SLUG, "remote": remote, "branch": "main"}],
        "github": {"api": format!("http://{api}"), "token": {"file": "token"}},
        // The stand-in knows neither checks nor issues.
        "pull_requests": {"check": false, "dashboard": false},
    });
    config.to_string()
}

fn example() -> anyhow::Result<BTreeMap<RepoPath, Arc<[u8]>>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![&EXAMPLE]);
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let path = file.path().to_str().context("a path of the example is not UTF-8")?;
            files.insert(path.replace('\\', "/").parse()?, file.contents().into());
        }
    }
    Ok(files)
}

fn step(title: &str, what: &str) -> io::Result<()> {
    writeln!(anstream::stdout(), "\n{} {}", paint(BOLD, format!("▌ {title}")), paint(DIM, format!("· {what}")))
}

fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    text.lines().try_for_each(|line| writeln!(out, "  {line}"))
}
