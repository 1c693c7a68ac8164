//! Modules that were found valid before, whatever their variables are.
//!
//! Root modules share modules, and a proof renders the same ones again: what their files say is looked through once.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::configuration::Configuration;
use crate::source::{hcl::tree::Body, path::RepoPath};

/// How many contents of a module are remembered: what the repository says, and the latest candidates.
const CONTENTS: usize = 3;

/// The modules that were found valid.
#[derive(Debug, Default)]
pub struct Valid(Mutex<HashMap<RepoPath, Vec<Content>>>);

/// What the files of a module and of all that it calls say.
#[derive(Debug)]
struct Content {
    /// Whether it was read as since Terraform 1.12.
    is_lazy: bool,
    /// The bodies of the files, those of each module after those of its caller. That they are not freed, but for what is in
    /// them, keeps their places from being those of other bodies.
    bodies: Vec<Weak<Body>>,
}

impl Valid {
    /// The modules of a configuration, by their numbers, that are known to be valid.
    pub fn of(&self, configuration: &Configuration, is_lazy: bool) -> HashSet<usize> {
        if configuration.has_installed {
            return HashSet::new();
        }
        let known = self.lock();
        let is_known = |index: &usize| {
            known.get(&configuration.folders[*index].path).is_some_and(|contents| {
                let bodies = bodies(configuration, *index);
                contents.iter().any(|content| content.is_lazy == is_lazy && content.is_of(&bodies))
            })
        };
        (0..configuration.folders.len()).filter(is_known).collect()
    }

    /// Remembers modules of a configuration that were found valid, but not those to which, or to what they call, `is_particular`
    /// applies: they may be invalid elsewhere.
    pub fn remember(
        &self,
        configuration: &Configuration,
        is_lazy: bool,
        modules: &HashSet<usize>,
        is_particular: impl Fn(usize) -> bool,
    ) {
        if configuration.has_installed {
            return;
        }
        let mut known = self.lock();
        for index in modules {
            if below(configuration, *index).into_iter().any(&is_particular) {
                continue;
            }
            let bodies = bodies(configuration, *index);
            let contents = known.entry(configuration.folders[*index].path.clone()).or_default();
            if contents.iter().any(|content| content.is_lazy == is_lazy && content.is_of(&bodies)) {
                continue;
            }
            contents.retain(|content| content.bodies.iter().all(|body| body.strong_count() > 0));
            if contents.len() == CONTENTS {
                // The first one is what the repository says.
                contents.remove(1);
            }
            contents.push(Content { is_lazy, bodies: bodies.into_iter().map(Arc::downgrade).collect() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RepoPath, Vec<Content>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn is_of(&self, bodies: &[&Arc<Body>]) -> bool {
        let is_same = |(known, body): (&Weak<Body>, &&Arc<Body>)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(body));
        self.bodies.len() == bodies.len() && self.bodies.iter().zip(bodies).all(is_same)
    }
}

/// A module and all that it calls, each once.
fn below(configuration: &Configuration, index: usize) -> Vec<usize> {
    let (mut found, mut is_found) = (vec![index], vec![false; configuration.folders.len()]);
    is_found[index] = true;
    let mut next = 0;
    while let Some(index) = found.get(next).copied() {
        let calls = configuration.folders[index].calls.values();
        found.extend(calls.filter(|called| !std::mem::replace(&mut is_found[**called], true)));
        next += 1;
    }
    found
}

/// The files of a module and of all that it calls. Nothing is installed, so that they say themselves where each call leads.
fn bodies(configuration: &Configuration, index: usize) -> Vec<&Arc<Body>> {
    let folders = below(configuration, index).into_iter().map(|index| &configuration.folders[index]);
    let files = folders.flat_map(|folder| folder.primary.iter().chain(&folder.overrides));
    files.map(|file| &configuration.files[*file].body).collect()
}
