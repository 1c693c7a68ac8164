//! Git objects as GitHub's Git Data API takes and gives them.

use base64::{Engine, engine::general_purpose::STANDARD};
use git2::{DiffFindOptions, FileMode, ObjectType, Oid, Repository, Signature, Time, build::TreeUpdateBuilder};
use serde_json::{Value, json};

use super::api::{Failure, Reply, invalid};

/// Commits files to a branch as a person does; the new head.
pub(super) fn person_commits(repository: &Repository, branch: &str, files: &[(&str, &str)]) -> String {
    let name = format!("refs/heads/{branch}");
    let parent = repository.refname_to_id(&name).ok().map(|id| repository.find_commit(id).expect("a commit"));
    let empty = repository.treebuilder(None).and_then(|builder| builder.write()).expect("a tree");
    let base = parent.as_ref().map_or_else(|| repository.find_tree(empty), git2::Commit::tree).expect("a tree");
    let mut update = TreeUpdateBuilder::new();
    for (path, content) in files {
        let blob = repository.blob(content.as_bytes()).expect("a blob");
        update.upsert(*path, blob, if path.ends_with(".sh") { FileMode::BlobExecutable } else { FileMode::Blob });
    }
    let tree = update.create_updated(repository, &base).expect("a tree");
    let tree = repository.find_tree(tree).expect("a tree");
    let ann = Signature::new("Ann", "ann@example.com", &Time::new(1_700_000_000, 0)).expect("a signature");
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let commit = repository.commit(None, &ann, &ann, "a person's commit", &tree, &parents).expect("a commit");
    repository.reference(&name, commit, true, "push").expect("set");
    commit.to_string()
}

pub(super) fn set_branch(repository: &Repository, branch: &str, commit: &str) {
    let commit = Oid::from_str(commit).expect("an id");
    repository.reference(&format!("refs/heads/{branch}"), commit, true, "set").expect("set");
}

fn id(text: &str) -> Result<Oid, Failure> {
    Oid::from_str(text)
        .map_err(|_| invalid("The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))
}

fn missing(_: git2::Error) -> Failure {
    Failure::NotFound
}

pub(super) fn get_commit(repository: &Repository, sha: &str, verified: bool) -> Reply {
    let commit = repository.find_commit(id(sha)?).map_err(missing)?;
    Ok(json!({
        "sha": sha,
        "tree": {"sha": commit.tree_id().to_string()},
        "message": commit.message().unwrap_or_default(),
        "parents": commit.parent_ids().map(|id| json!({"sha": id.to_string()})).collect::<Vec<_>>(),
        "author": person(&commit.author()),
        "committer": person(&commit.committer()),
        "verification": {"verified": verified, "reason": if verified { "valid" } else { "unsigned" }},
    }))
}

/// A commit as `GET /repos/{owner}/{repo}/commits/{ref}` shows it.
pub(super) fn show_commit(repository: &Repository, sha: &str, verified: bool) -> Reply {
    let mut commit = get_commit(repository, sha, verified)?;
    let parents = commit["parents"].take();
    commit.as_object_mut().expect("a map").retain(|key, _| !["sha", "parents"].contains(&key.as_str()));
    let user = |person: &Value| {
        let mail = person["email"].as_str().unwrap_or_default();
        // The address that GitHub gives to an account, by its number and its login.
        let own = mail.strip_prefix("4711+").and_then(|mail| mail.strip_suffix("@users.noreply.github.com"));
        match (mail, own) {
            ("ann@example.com", _) => json!({"login": "ann"}),
            ("noreply@github.com", _) => json!({"login": "web-flow"}),
            (_, Some(login)) => json!({"login": login}),
            _ => Value::Null,
        }
    };
    let (author, committer) = (user(&commit["author"]), user(&commit["committer"]));
    Ok(json!({"sha": sha, "commit": commit, "parents": parents, "author": author, "committer": committer}))
}

fn person(signature: &Signature<'_>) -> Value {
    json!({"name": signature.name().unwrap_or_default(), "email": signature.email().unwrap_or_default()})
}

pub(super) fn get_tree(repository: &Repository, sha: &str) -> Reply {
    let tree = repository.find_tree(id(sha)?).map_err(missing)?;
    let entries: Vec<Value> = tree
        .iter()
        .map(|entry| {
            let kind = match entry.kind() {
                Some(ObjectType::Tree) => "tree",
                Some(ObjectType::Commit) => "commit",
                _ => "blob",
            };
            let mode = format!("{:06o}", entry.filemode());
            json!({"path": entry.name().unwrap_or_default(), "mode": mode, "type": kind, "sha": entry.id().to_string()})
        })
        .collect();
    Ok(json!({"sha": sha, "tree": entries, "truncated": false}))
}

pub(super) fn get_blob(repository: &Repository, sha: &str) -> Reply {
    let blob = repository.find_blob(id(sha)?).map_err(missing)?;
    // GitHub breaks the lines.
    let text = STANDARD.encode(blob.content());
    let lines: Vec<&str> = text.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    Ok(json!({"sha": sha, "size": blob.size(), "encoding": "base64", "content": format!("{}\n", lines.join("\n"))}))
}

pub(super) fn post_blob(repository: &Repository, body: &Value) -> Reply {
    let content = body["content"].as_str().ok_or_else(|| invalid("content is missing"))?;
    let content = match body["encoding"].as_str() {
        Some("base64") => STANDARD.decode(content).map_err(|_| invalid("content is not valid Base64"))?,
        _ => content.as_bytes().to_vec(),
    };
    Ok(json!({"sha": repository.blob(&content).expect("a blob").to_string()}))
}

pub(super) fn post_tree(repository: &Repository, body: &Value) -> Reply {
    let base = repository.find_tree(id(body["base_tree"].as_str().unwrap_or_default())?);
    let base = base.map_err(|_| invalid("base_tree is not a valid tree oid"))?;
    let mut update = TreeUpdateBuilder::new();
    for entry in body["tree"].as_array().ok_or_else(|| invalid("tree is missing"))? {
        let path = entry["path"].as_str().ok_or_else(|| invalid("tree.path is missing"))?;
        let mode = match entry["mode"].as_str() {
            Some("100644") => FileMode::Blob,
            Some("100755") => FileMode::BlobExecutable,
            _ => return Err(invalid("tree.mode is not valid")),
        };
        match (entry.get("sha"), entry["content"].as_str()) {
            (Some(Value::Null), None) => drop(update.remove(path)),
            (Some(Value::String(sha)), None) => {
                let blob = repository.find_blob(id(sha)?).map_err(|_| invalid("tree.sha is not a valid blob"))?;
                update.upsert(path, blob.id(), mode);
            }
            (None, Some(content)) => {
                update.upsert(path, repository.blob(content.as_bytes()).expect("a blob"), mode);
            }
            _ => return Err(invalid("Must supply either tree.sha or tree.content")),
        }
    }
    let tree = update.create_updated(repository, &base).map_err(|error| invalid(error.message()))?;
    get_tree(repository, &tree.to_string())
}

pub(super) fn post_commit(repository: &Repository, body: &Value, login: &str) -> Reply {
    for claimed in ["author", "committer", "signature"] {
        assert!(body.get(claimed).is_none(), "a commit with {claimed} is not signed by GitHub");
    }
    let tree = repository.find_tree(id(body["tree"].as_str().unwrap_or_default())?);
    let tree = tree.map_err(|_| invalid("Tree SHA does not exist"))?;
    let mut parents = Vec::new();
    for parent in body["parents"].as_array().cloned().unwrap_or_default() {
        let parent = repository.find_commit(id(parent.as_str().unwrap_or_default())?);
        parents.push(parent.map_err(|_| invalid("Parent SHA does not exist or is not a commit object"))?);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let time = Time::new(now as i64, 0);
    let author = Signature::new(login, &format!("4711+{login}@users.noreply.github.com"), &time).expect("a signature");
    let github = Signature::new("GitHub", "noreply@github.com", &time).expect("a signature");
    let message = body["message"].as_str().ok_or_else(|| invalid("message is missing"))?;
    let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
    let commit = repository.commit(None, &author, &github, message, &tree, &parents).expect("a commit");
    get_commit(repository, &commit.to_string(), true)
}

pub(super) fn compare(repository: &Repository, range: &str) -> Reply {
    let (base, head) = range.split_once("...").ok_or(Failure::NotFound)?;
    let (base, head) = (id(base)?, id(head)?);
    let ancestor = repository.merge_base(base, head).map_err(missing)?;
    let tree = |id| repository.find_commit(id).and_then(|commit| commit.tree()).map_err(missing);
    let mut diff = repository.diff_tree_to_tree(Some(&tree(ancestor)?), Some(&tree(head)?), None).expect("a diff");
    diff.find_similar(Some(DiffFindOptions::new().renames(true))).expect("similar");
    let files: Vec<Value> = diff
        .deltas()
        .map(|delta| {
            let name = |file: &git2::DiffFile<'_>| file.path().expect("a path").display().to_string();
            let status = match delta.status() {
                git2::Delta::Added => "added",
                git2::Delta::Deleted => "removed",
                git2::Delta::Renamed => "renamed",
                _ => "modified",
            };
            let removed = status == "removed";
            let file = if removed { delta.old_file() } else { delta.new_file() };
            let mut shown = json!({"filename": name(&file), "status": status, "sha": file.id().to_string()});
            if status == "renamed" {
                shown["previous_filename"] = json!(name(&delta.old_file()));
            }
            shown
        })
        .collect();
    Ok(json!({"merge_base_commit": {"sha": ancestor.to_string()}, "files": files}))
}

/// The commits of one branch that another does not have, oldest first.
pub(super) fn between(repository: &Repository, base: &str, head: &str) -> Vec<String> {
    let mut walk = repository.revwalk().expect("a walk");
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE).expect("sorted");
    walk.push(Oid::from_str(head).expect("an id")).expect("pushed");
    walk.hide(Oid::from_str(base).expect("an id")).expect("hidden");
    walk.map(|id| id.expect("an id").to_string()).collect()
}

pub(super) fn is_ancestor(repository: &Repository, ancestor: &str, commit: &str) -> bool {
    let (ancestor, commit) = (Oid::from_str(ancestor).expect("an id"), Oid::from_str(commit).expect("an id"));
    ancestor == commit || repository.graph_descendant_of(commit, ancestor).expect("both exist")
}

pub(super) fn has_commit(repository: &Repository, sha: &str) -> bool {
    Oid::from_str(sha).and_then(|id| repository.find_commit(id).map(drop)).is_ok()
}
