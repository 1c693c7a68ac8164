//! The operator's own senders, from a folder beside ours.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;

use crate::webhook::sender::Senders;

/// Reads the operator's own senders: the files one level below a folder, as `webhooks/` has them. Ours stay, but for those of
/// the same name.
pub fn read(folder: &Path) -> anyhow::Result<Senders> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let entries = |folder: &Path| -> anyhow::Result<Vec<fs::DirEntry>> {
        let list = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        list.with_context(|| format!("webhooks: {} cannot be read", folder.display()))
    };
    let mut add = |path: &Path| -> anyhow::Result<()> {
        let name = path.strip_prefix(folder)?.to_str().context("webhooks: a file name is not UTF-8")?;
        if name.ends_with(".yaml") || name.ends_with(".jq") {
            let content = fs::read(path).with_context(|| format!("webhooks: {} cannot be read", path.display()))?;
            files.insert(name.replace(std::path::MAIN_SEPARATOR, "/"), content);
        }
        Ok(())
    };
    for entry in entries(folder)? {
        if entry.path().is_dir() {
            for inner in entries(&entry.path())? {
                if inner.path().is_file() {
                    add(&inner.path())?;
                }
            }
        } else {
            add(&entry.path())?;
        }
    }
    Ok(Senders::embedded()?.with(Senders::from_files(files)?)?)
}
