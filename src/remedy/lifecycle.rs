//! What to do on the forge so that a case has the pull request it should have: looked at first, decided purely, done
//! elsewhere.
//!
//! The same observation and the same wish give the same steps, and once those are done, none. A person's work always wins:
//! a branch that holds a person's commit, a pull request that a person closed and a text that a person edited are left as
//! they are, the last two until the wanted value changes.

pub mod ending;
pub mod group;
pub mod report;
pub mod storm;
pub mod turn;

use std::time::Duration;

use self::ending::Ending;
use super::pull_request::{
    PullRequest, marker,
    marker::{Digest, Marker},
    written_text,
};

/// How long a merged fix may take to be deployed: until then the old value that still runs is no new drift.
pub const DEPLOYED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What the forge shows for a case's branch: the open pull request, else the latest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// There never was a pull request from this branch.
    Nothing,
    /// One is open.
    Open {
        /// Its title and body.
        text: Text,
        /// Who wrote the commits on its branch.
        commits: Commits,
    },
    /// The latest was closed without a merge.
    Closed {
        /// Its title and body.
        text: Text,
        /// Who closed it: a person's no counts, our own closing does not.
        by: Closer,
    },
    /// The latest was merged.
    Merged {
        /// Its title and body.
        text: Text,
        /// How long ago.
        age: Duration,
    },
}

/// A pull request's text as the forge shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The title.
    pub title: String,
    /// The body, with the marker in it.
    pub body: String,
}

/// Who closed a pull request without a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closer {
    /// We did, because there was nothing left to propose. When there is again, it is reopened.
    Ourselves,
    /// A person did, or it cannot be told: the value is not proposed again.
    Person,
}

/// Who wrote what a branch has and its base has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Every commit is sourceward's own.
    Ours {
        /// The digest of the change that the last one makes; absent where there is none.
        ///
        /// The text alone does not tell what the branch holds: one of the two may have been brought in line and the other,
        /// after a crash or an outage, not yet.
        change: Option<Digest>,
        /// Whether the branch's files are what the edit makes of the present base.
        base: Base,
    },
    /// At least one is not, or it cannot be told.
    Foreign,
}

/// How a branch lies to its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The edited files are what they would be if the branch were made now. It may be behind; merging it is what was proved.
    Fits,
    /// The base has moved under an edited file, or the edit is another one there: the branch is made anew, because what a
    /// merge would give was not proved.
    Moved,
}

/// What the case wants now.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'p> {
    /// This pull request.
    Propose(&'p PullRequest),
    /// This pull request where people have left it open. What they closed or merged stays as it is, also where it held more
    /// than this.
    Keep(&'p PullRequest),
    /// This pull request with its branch made anew on the present base, as a person asked: also where it would do as it is.
    Rebase(&'p PullRequest),
    /// This pull request whatever people did to it, as one of them asked: their commits go, and a closed one is open again.
    Recreate(&'p PullRequest),
    /// None any more.
    End(Ending),
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the branch one commit on top of its base, whatever commit of ours is left there, and open the pull request.
    /// A commit of somebody else that is there is a person's work.
    Open,
    /// Put the branch back where the pull request left it, and open that again. Where the forge will not, a new one is
    /// opened.
    Reopen,
    /// Replace the branch by one commit on top of its base, provided that its head is still the observed one.
    UpdateBranch,
    /// Replace title and body.
    UpdateText,
    /// Say why, close it, and remove the branch if its head is still the observed one.
    Close(Ending),
    /// Say once that the branch is a person's now.
    SayHandsOff,
    /// The forge shows what it should.
    Nothing(Settled),
    /// A person has taken over.
    LeaveToHuman(Hold),
}

/// Why there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The pull request is open and says what is wanted.
    UpToDate,
    /// What is wanted was merged: the source was read before that, or a person has taken it back since.
    Merged,
    /// What is wanted is what was there before a merge of ours that is not deployed everywhere yet.
    NotDeployed,
    /// Nothing is wanted, and nothing is open.
    Ended,
}

/// Why a pull request is left to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The branch holds a commit that is not ours.
    ForeignCommit,
    /// A person closed it: no until the value changes.
    Closed,
    /// The marker is gone or cannot be read: what the pull request stands for cannot be told.
    MarkerMissing,
    /// The branch serves another case, whose fingerprint begins alike.
    OtherCase,
    /// A person opened it again after we had closed it for the same reason: they want it, we do not fight.
    Reopened,
}

/// The marker of the pull request that the forge shows, which the next one continues.
pub fn earlier(observed: &Observed) -> Option<Marker> {
    match observed {
        Observed::Nothing => None,
        Observed::Open { text, .. } | Observed::Closed { text, .. } | Observed::Merged { text, .. } => {
            marker::marker(&text.body)
        }
    }
}

/// The steps that lead from what the forge shows to what is wanted; never empty.
pub fn steps(observed: &Observed, wish: Wish<'_>) -> Vec<Step> {
    let wanted = match wish {
        Wish::End(ending) => return vec![end(observed, ending)],
        Wish::Propose(wanted) | Wish::Keep(wanted) | Wish::Rebase(wanted) | Wish::Recreate(wanted) => wanted,
    };
    if *observed == Observed::Nothing {
        return vec![Step::Open];
    }
    let Some(earlier) = earlier(observed) else { return vec![Step::LeaveToHuman(Hold::MarkerMissing)] };
    if earlier.case != wanted.marker.case {
        return vec![Step::LeaveToHuman(Hold::OtherCase)];
    }
    let same_value = earlier.digest == wanted.marker.digest;
    let (recreate, keep) = (matches!(wish, Wish::Recreate(_)), matches!(wish, Wish::Keep(_)));
    match observed {
        Observed::Open { commits: Commits::Foreign, .. } if !recreate => {
            vec![Step::SayHandsOff, Step::LeaveToHuman(Hold::ForeignCommit)]
        }
        Observed::Open { text, commits } => {
            let branch = match commits {
                Commits::Ours { change, base } => {
                    change.as_ref() != Some(&wanted.marker.digest) || *base == Base::Moved
                }
                Commits::Foreign => true,
            };
            let branch = branch || !matches!(wish, Wish::Propose(_) | Wish::Keep(_));
            // A person has reopened what we had closed: the text says so no more.
            let reopened = earlier.closed.is_some();
            let reworded = is_as_written(text, &earlier) && earlier.text != wanted.marker.text;
            let text = !same_value || reopened || reworded;
            match (branch, text) {
                (true, true) => vec![Step::UpdateBranch, Step::UpdateText],
                (true, false) => vec![Step::UpdateBranch],
                (false, true) => vec![Step::UpdateText],
                (false, false) => vec![Step::Nothing(Settled::UpToDate)],
            }
        }
        Observed::Closed { by: Closer::Person, .. } if (same_value || keep) && !recreate => {
            vec![Step::LeaveToHuman(Hold::Closed)]
        }
        Observed::Closed { by: Closer::Ourselves, .. } => vec![Step::Reopen, Step::UpdateBranch, Step::UpdateText],
        Observed::Merged { .. } if same_value && !recreate => vec![Step::Nothing(Settled::Merged)],
        Observed::Merged { age, .. }
            if *age < DEPLOYED_AFTER && earlier.undo.as_ref() == Some(&wanted.marker.digest) && !recreate =>
        {
            vec![Step::Nothing(Settled::NotDeployed)]
        }
        // What was merged was merged with others; only what the merge took back may be wanted after all.
        Observed::Merged { .. } if keep && earlier.undo.as_ref() != Some(&wanted.marker.digest) => {
            vec![Step::Nothing(Settled::Merged)]
        }
        Observed::Nothing | Observed::Closed { .. } | Observed::Merged { .. } => vec![Step::Open],
    }
}

/// What is left to do when nothing is wanted any more: our own is closed, everything else is left.
fn end(observed: &Observed, ending: Ending) -> Step {
    match observed {
        Observed::Open { commits: Commits::Foreign, .. } => Step::LeaveToHuman(Hold::ForeignCommit),
        Observed::Open { text, .. } => match marker::marker(&text.body) {
            None => Step::LeaveToHuman(Hold::MarkerMissing),
            Some(marker) if marker.closed.as_deref() == Some(ending.as_str()) => Step::LeaveToHuman(Hold::Reopened),
            Some(_) => Step::Close(ending),
        },
        Observed::Nothing | Observed::Closed { .. } | Observed::Merged { .. } => Step::Nothing(Settled::Ended),
    }
}

/// Tells whether nobody has edited the text since it was written.
fn is_as_written(text: &Text, marker: &Marker) -> bool {
    written_text(&text.title, &text.body) == marker.text
}
