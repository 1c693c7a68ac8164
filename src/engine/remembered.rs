//! Files that were parsed before: stacks share files, and a proof reads again only what an edit changed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::source::path::RepoPath;

/// How many contents of a file are remembered: what the repository says, and the latest candidates.
const CONTENTS: usize = 3;

/// What was made of contents of files.
#[derive(Debug)]
pub struct Remembered<T>(Mutex<Memory<T>>);

#[derive(Debug)]
struct Memory<T> {
    files: HashMap<RepoPath, Vec<Known<T>>>,
    /// The values of all of them.
    values: usize,
}

/// A content of a file and what was made of it.
#[derive(Debug)]
struct Known<T> {
    content: Arc<[u8]>,
    parsed: Arc<T>,
    values: usize,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(Memory { files: HashMap::new(), values: 0 }))
    }
}

impl<T> Remembered<T> {
    /// What was made of this content of a file.
    pub fn known(&self, path: &RepoPath, content: &Arc<[u8]>) -> Option<Arc<T>> {
        let memory = self.lock();
        let same = |known: &&Known<T>| Arc::ptr_eq(&known.content, content) || known.content == *content;
        memory.files.get(path)?.iter().find(same).map(|known| Arc::clone(&known.parsed))
    }

    /// Remembers what was made of a content, which holds so many values.
    pub fn remember(&self, path: &RepoPath, content: Arc<[u8]>, parsed: Arc<T>, values: usize) {
        let memory = &mut *self.lock();
        let contents = memory.files.entry(path.clone()).or_default();
        memory.values += values;
        contents.push(Known { content, parsed, values });
        if contents.len() > CONTENTS {
            // The first one is what the repository says.
            memory.values -= contents.remove(1).values;
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
            memory.values -= forgotten.iter().map(|known| known.values).sum::<usize>();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
