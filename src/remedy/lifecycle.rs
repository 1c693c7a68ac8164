//! What to do on the forge so that a case has the pull request it should have: looked at first, decided purely, done
//! elsewhere.
//!
//! The same observation and the same wish give the same steps, and once those are done, none. A person's work always wins:
//! a branch that holds a person's commit, a pull request that a person closed and a text that a person edited are left as
//! they are, the last two until the wanted value changes.

use super::pull_request::{
    PullRequest, marker,
    marker::{Digest, Marker},
    written_text,
};

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
    /// The latest was closed without a merge. Only people close pull requests: this version never does.
    Closed(Text),
    /// The latest was merged.
    Merged(Text),
}

/// A pull request's text as the forge shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The title.
    pub title: String,
    /// The body, with the marker in it.
    pub body: String,
}

/// Who wrote what a branch has and its base has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Every commit is sourceward's own; the last one makes the change of this digest, absent where there is none.
    ///
    /// The text alone does not tell what the branch holds: one of the two may have been brought in line and the other,
    /// after a crash or an outage, not yet.
    Ours(Option<Digest>),
    /// At least one is not, or it cannot be told.
    Foreign,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the branch one commit on top of its base, whatever commit of ours is left there, and open the pull request.
    /// A commit of somebody else that is there is a person's work.
    Open,
    /// Replace the branch by one commit on top of its base, provided that its head is still the observed one.
    UpdateBranch,
    /// Replace title and body.
    UpdateText,
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
}

/// The marker of the pull request that the forge shows, which the next one continues.
pub fn earlier(observed: &Observed) -> Option<Marker> {
    match observed {
        Observed::Nothing => None,
        Observed::Open { text, .. } | Observed::Closed(text) | Observed::Merged(text) => marker::marker(&text.body),
    }
}

/// The steps that lead from what the forge shows to the wanted pull request; never empty.
pub fn steps(observed: &Observed, wanted: &PullRequest) -> Vec<Step> {
    if *observed == Observed::Nothing {
        return vec![Step::Open];
    }
    let Some(earlier) = earlier(observed) else { return vec![Step::LeaveToHuman(Hold::MarkerMissing)] };
    if earlier.case != wanted.marker.case {
        return vec![Step::LeaveToHuman(Hold::OtherCase)];
    }
    let same_value = earlier.digest == wanted.marker.digest;
    match observed {
        Observed::Open { commits: Commits::Foreign, .. } => vec![Step::LeaveToHuman(Hold::ForeignCommit)],
        Observed::Open { text, commits: Commits::Ours(change) } => {
            let branch = change.as_ref() != Some(&wanted.marker.digest);
            let text = !same_value || is_as_written(text, &earlier) && earlier.text != wanted.marker.text;
            match (branch, text) {
                (true, true) => vec![Step::UpdateBranch, Step::UpdateText],
                (true, false) => vec![Step::UpdateBranch],
                (false, true) => vec![Step::UpdateText],
                (false, false) => vec![Step::Nothing(Settled::UpToDate)],
            }
        }
        Observed::Closed(_) if same_value => vec![Step::LeaveToHuman(Hold::Closed)],
        Observed::Merged(_) if same_value => vec![Step::Nothing(Settled::Merged)],
        Observed::Nothing | Observed::Closed(_) | Observed::Merged(_) => vec![Step::Open],
    }
}

/// Tells whether nobody has edited the text since it was written.
fn is_as_written(text: &Text, marker: &Marker) -> bool {
    written_text(&text.title, &text.body) == marker.text
}
