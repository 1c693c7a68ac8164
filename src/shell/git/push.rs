//! Pushing by compare-and-swap: a branch is moved only from where it was last seen, so nobody's commit is overwritten.
//!
//! libgit2 needs care here. `Remote::push` answers `Ok` also where the server refused every reference: only the
//! `push_update_reference` callback says so. The old commit that the push names to the server is the one it advertised
//! on this connection, so the server itself refuses when the branch moves between the look and the update.

use std::cell::RefCell;

use git2::{Direction, Oid, PushOptions, RemoteRedirect};

use super::{
    Error, commit_id,
    mirror::Mirror,
    oid,
    remote::{callbacks, failure, scrub, within},
};
use crate::model::{
    repository::{BranchName, CommitId},
    secret::Secret,
};

/// One branch to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The branch.
    pub branch: BranchName,
    /// Where it shall be.
    pub commit: CommitId,
    /// Where it must be now; absent where it must not exist yet.
    pub expected: Option<CommitId>,
}

/// What a push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// At least one branch was moved.
    Moved,
    /// Every branch was there already: nothing was sent.
    AlreadyThere,
}

impl Mirror {
    /// Moves branches of the remote, each only from where it is expected; one that is already where it shall be is left.
    ///
    /// If one is elsewhere, none is moved ([`Error::Moved`]). A server that refuses one by a rule of its own may have
    /// taken the others: git's protocol as libgit2 speaks it has no transaction over branches.
    pub fn push(&self, updates: &[Update], token: Option<&Secret>) -> Result<Pushed, Error> {
        let (mirror, wanted, token) = (self.clone(), updates.to_vec(), token.cloned());
        let pushed = within(self.deadline, "pushing", move || mirror.push_now(&wanted, token.as_ref()))?;
        for update in updates {
            self.note_head(&update.branch, &update.commit)?;
        }
        Ok(pushed)
    }

    fn push_now(&self, updates: &[Update], token: Option<&Secret>) -> Result<Pushed, Error> {
        let failed = failure("pushing", &self.remote, token);
        let repository = self.repository()?;
        for update in updates {
            let known = repository.find_commit(oid(&update.commit));
            known.map_err(|_| Error::Missing(format!("commit {}", update.commit)))?;
        }
        let mut remote = repository.remote_anonymous(self.remote.as_str()).map_err(&failed)?;
        let mut connection = remote
            .connect_auth(Direction::Push, Some(callbacks(&self.remote, token)), Some(self.remote.proxy()))
            .map_err(&failed)?;
        let mut pending = Vec::new();
        {
            let heads = connection.list().map_err(&failed)?;
            for update in updates {
                let head = heads.iter().find(|head| head.name() == update.branch.reference()).map(|head| head.oid());
                if head != Some(oid(&update.commit)) {
                    update.check(head)?;
                    pending.push(update);
                }
            }
        }
        if pending.is_empty() {
            return Ok(Pushed::AlreadyThere);
        }
        let moved = RefCell::new(None);
        let answers = RefCell::new(Vec::new());
        let mut callbacks = callbacks(&self.remote, token);
        callbacks.push_negotiation(|negotiated| {
            for found in negotiated {
                let update = pending.iter().find(|update| found.dst_refname() == Ok(&update.branch.reference()));
                let head = Some(found.src()).filter(|head| !head.is_zero());
                if let Some(Err(error)) = update.map(|update| update.check(head)) {
                    *moved.borrow_mut() = Some(error);
                    return Err(git2::Error::from_str("the branch was moved"));
                }
            }
            Ok(())
        });
        callbacks.push_update_reference(|name, refused| {
            answers.borrow_mut().push((name.to_owned(), refused.map(|why| scrub(why, token))));
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks);
        options.proxy_options(self.remote.proxy());
        options.follow_redirects(RemoteRedirect::None);
        let refspecs: Vec<String> =
            pending.iter().map(|update| format!("+{}:{}", update.commit, update.branch.reference())).collect();
        let pushed = connection.remote().push(&refspecs, Some(&mut options));
        drop(options);
        if let Some(error) = moved.into_inner() {
            return Err(error);
        }
        pushed.map_err(&failed)?;
        let answers = answers.into_inner();
        for update in pending {
            match answers.iter().find(|(name, _)| *name == update.branch.reference()) {
                Some((_, None)) => {}
                Some((_, Some(why))) => return Err(self.refused(update, why, token)),
                None => return Err(Error::Network { doing: "pushing", why: "the answer names no result".to_owned() }),
            }
        }
        Ok(Pushed::Moved)
    }

    /// Tells a branch that was moved in the last moment from one that the server guards.
    fn refused(&self, update: &Update, why: &str, token: Option<&Secret>) -> Error {
        let rejected = || Error::Rejected { branch: update.branch.clone(), why: why.to_owned() };
        match self.remote_head(&update.branch, token) {
            Ok(head) => update.check(head).err().unwrap_or_else(rejected),
            Err(_) => rejected(),
        }
    }

    fn remote_head(&self, branch: &BranchName, token: Option<&Secret>) -> Result<Option<Oid>, Error> {
        let failed = failure("looking at the branch", &self.remote, token);
        let repository = self.repository()?;
        let mut remote = repository.remote_anonymous(self.remote.as_str()).map_err(&failed)?;
        let connection = remote
            .connect_auth(Direction::Fetch, Some(callbacks(&self.remote, token)), Some(self.remote.proxy()))
            .map_err(&failed)?;
        let heads = connection.list().map_err(&failed)?;
        Ok(heads.iter().find(|head| head.name() == branch.reference()).map(|head| head.oid()))
    }
}

impl Update {
    fn check(&self, found: Option<Oid>) -> Result<(), Error> {
        let found = found.map(commit_id);
        if found == self.expected { Ok(()) } else { Err(Error::Moved { branch: self.branch.clone(), found }) }
    }
}
