//! What a person or a step of a workflow hands in, read with a limit.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::Context;
use serde_json::Value;

use crate::source::yaml::{
    parse::parse,
    resolve::{Reader, value},
};

/// The most that is read from a file or from standard input: 64 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// Where it cannot be read, or is longer than 64 MiB.
pub fn input(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        let file = fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{} cannot be read", path.display()))?;
    }
    anyhow::ensure!(bytes.len() as u64 <= MAX_BYTES, "{} has more than {MAX_BYTES} bytes", path.display());
    Ok(bytes)
}

/// Reads a sender's payload. Kubernetes objects are often at hand as YAML: what is no JSON and reads as YAML objects is given
/// as a list of them.
///
/// # Errors
/// As [`input`].
pub fn payload(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = input(path)?;
    let is_json = bytes.trim_ascii_start().first().is_none_or(|first| matches!(first, b'{' | b'[' | b'"'));
    let objects = if is_json { None } else { std::str::from_utf8(&bytes).ok().and_then(yaml_objects) };
    Ok(match objects {
        Some(objects) => serde_json::to_vec(&objects)?,
        None => bytes,
    })
}

fn yaml_objects(text: &str) -> Option<Vec<Value>> {
    let stream = parse(text).ok()?;
    let filled = stream.documents.iter().filter_map(|document| Some((document, document.root?)));
    let values = filled.map(|(document, root)| value(document, root, Reader::Manifest).ok());
    values.map(|value| value.filter(Value::is_object)).collect()
}
