//! The operator's own rules, from a folder beside ours, and how their programs are kept from running for ever.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use anyhow::Context;

use crate::remedy::rule::{
    condition::{Fault, Run, once},
    set::Rules,
};

/// How long one condition of an operator's rule may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// The threads that conditions may keep: a program cannot be stopped, only left behind.
const MAX_LEFT_BEHIND: usize = 4;

/// The deepest folders of rules: `terraform/aws/x.yaml`.
const MAX_DEPTH: usize = 3;

/// Our rules, and those of a folder where there is one. Of two with one id the folder's counts.
pub fn read(folder: Option<&Path>) -> anyhow::Result<Rules> {
    let rules = Rules::embedded()?;
    let Some(folder) = folder else { return Ok(rules) };
    let mut files = Vec::new();
    collect(folder, folder, MAX_DEPTH, &mut files)?;
    files.sort();
    Ok(rules.with_files(files, &limited())?)
}

fn collect(root: &Path, folder: &Path, depth: usize, files: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("rules: {} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            if depth > 0 {
                collect(root, &path, depth - 1, files)?;
            }
            continue;
        }
        if path.extension().is_none_or(|ending| ending != "yaml" && ending != "jq") {
            continue;
        }
        let name = path.strip_prefix(root)?.to_str().context("rules: a file name is not UTF-8")?;
        let content = fs::read(&path).with_context(|| format!("rules: {} cannot be read", path.display()))?;
        files.push((name.replace(std::path::MAIN_SEPARATOR, "/"), content));
    }
    Ok(())
}

/// Runs each program on a thread of its own, which is left behind when it does not end in time.
fn limited() -> Run {
    let left_behind = Arc::new(AtomicUsize::new(0));
    Arc::new(move |program, value| {
        if left_behind.load(Ordering::Acquire) >= MAX_LEFT_BEHIND {
            return Err(found("it was not asked: too many conditions of own rules did not end"));
        }
        let (send, receive) = mpsc::channel();
        let work = move || {
            // Whoever asked may have gone away.
            let _ = send.send(once(&program, &value));
        };
        let started = thread::Builder::new().name("condition".to_owned()).spawn(work);
        started.map_err(|error| found(&format!("no thread could be started: {error}")))?;
        match receive.recv_timeout(DEADLINE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(found("the condition panicked")),
            Err(RecvTimeoutError::Timeout) => {
                left_behind.fetch_add(1, Ordering::AcqRel);
                Err(found(&format!("the condition did not end within {} s", DEADLINE.as_secs())))
            }
        }
    })
}

fn found(what: &str) -> Fault {
    Fault::Found(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_does_not_end_is_left_behind() {
        let rule = "id: kubernetes/endless\ntitle: t\nseverity: low\nresources: [Pod]\nwhen: '[range(infinite) | select(. < 0)] | length > 0'\nrationale: r\nreferences: []\nexamples: [{name: n, keeps: {}}]\n";
        let rules = Rules::default().with_files([("kubernetes/endless.yaml", rule)], &limited()).expect("a rule");
        let endless = rules.get("kubernetes/endless").expect("it is there");
        let error = endless.is_broken_by(&serde_json::json!({})).expect_err("it does not end");
        assert_eq!(error.to_string(), "the rule kubernetes/endless: the condition did not end within 2 s");
    }
}
