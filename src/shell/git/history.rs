//! What a branch has that its base has not, and who says to have written it.

use super::{Error, mirror::Mirror, oid, while_doing};
use crate::model::repository::CommitId;

/// A commit as far as its authorship goes. Name and mail are claims of whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The author's mail address.
    pub author: String,
    /// The whole message.
    pub message: String,
}

impl Mirror {
    /// The commits that `head` has and `base` has not, the newest first, at most `limit` of them. Both were fetched.
    pub fn commits_beyond(&self, base: &CommitId, head: &CommitId, limit: usize) -> Result<Vec<Written>, Error> {
        let doing = while_doing("the branch's history cannot be read");
        let repository = self.repository()?;
        let mut walk = repository.revwalk().map_err(&doing)?;
        walk.push(oid(head)).map_err(&doing)?;
        walk.hide(oid(base)).map_err(&doing)?;
        let mut found = Vec::new();
        for id in walk.take(limit) {
            let commit = id.and_then(|id| repository.find_commit(id)).map_err(&doing)?;
            let author = String::from_utf8_lossy(commit.author().email_bytes()).into_owned();
            found.push(Written { author, message: String::from_utf8_lossy(commit.message_bytes()).into_owned() });
        }
        Ok(found)
    }
}
