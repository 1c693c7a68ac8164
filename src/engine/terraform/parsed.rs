//! Files of modules that were parsed before: root modules share modules, and a proof renders again what an edit leaves as it
//! is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::source::{hcl::tree::Body, path::RepoPath};

/// Parsed files of modules.
#[derive(Debug, Default)]
pub struct Parsed(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    files: HashMap<RepoPath, Vec<Known>>,
    /// The values of all of them.
    values: usize,
}

/// A content of a file and what it says.
type Known = (Arc<[u8]>, Arc<Body>);

/// How many contents of a file are remembered: before an edit, and with one candidate and the next.
const CONTENTS: usize = 3;

/// How many bytes of a file take as much memory, once parsed, as one value of another language.
const BYTES_PER_VALUE: usize = 16;

impl Parsed {
    /// What a file of this content says, where it was parsed before.
    pub fn known(&self, path: &RepoPath, content: &Arc<[u8]>) -> Option<Arc<Body>> {
        let memory = self.lock();
        let is_it = |(known, _): &&Known| Arc::ptr_eq(known, content) || known == content;
        memory.files.get(path)?.iter().find(is_it).map(|(_, body)| body.clone())
    }

    /// Remembers what a file says.
    pub fn remember(&self, path: &RepoPath, content: Arc<[u8]>, body: Arc<Body>) {
        let memory = &mut *self.lock();
        let contents = memory.files.entry(path.clone()).or_default();
        memory.values += values(&content);
        contents.push((content, body));
        if contents.len() > CONTENTS {
            // The first one is what the repository says.
            let (forgotten, _) = contents.remove(1);
            memory.values -= values(&forgotten);
        }
    }

    /// How many values the remembered files hold.
    pub fn values(&self) -> usize {
        self.lock().values
    }

    /// Forgets files.
    pub fn forget<'p>(&self, files: impl IntoIterator<Item = &'p RepoPath>) {
        let memory = &mut *self.lock();
        for path in files {
            let forgotten = memory.files.remove(path).unwrap_or_default();
            memory.values -= forgotten.iter().map(|(content, _)| values(content)).sum::<usize>();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn values(content: &Arc<[u8]>) -> usize {
    content.len() / BYTES_PER_VALUE
}
