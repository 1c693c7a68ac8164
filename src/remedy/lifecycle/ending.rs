//! Why a pull request of ours is closed, and how that is said.
//!
//! Whoever finds a closed pull request shall know at once what happened and what would open it again.

/// Why nothing is proposed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The trouble is over: what runs is what the source declares. Comes the drift back, so does the pull request.
    Healed,
    /// The source and what runs agree by now: somebody was quicker, or the running value went back. Do they part again, it is
    /// opened again.
    FixedOtherwise,
    /// The latest report looked at what it is about, and says nothing of it any more.
    NotReported,
    /// Another pull request does the same and more; its number.
    Superseded(u64),
    /// A person wants to hear no more of it, for now or for good.
    Ignored,
    /// A person decided that the source is right and what runs is wrong.
    SourceIsRight,
}

impl Ending {
    /// The word in the marker.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healed => "healed",
            Self::FixedOtherwise => "fixed-otherwise",
            Self::NotReported => "not-reported",
            Self::Superseded(_) => "superseded",
            Self::Ignored => "ignored",
            Self::SourceIsRight => "source-is-right",
        }
    }

    /// The reason in few words.
    pub fn reason(self) -> String {
        match self {
            Self::Healed => "the drift is gone".to_owned(),
            Self::FixedOtherwise => "the source says it already".to_owned(),
            Self::NotReported => "not reported any more".to_owned(),
            Self::Superseded(by) => format!("#{by} proposes it as well"),
            Self::Ignored => "ignored".to_owned(),
            Self::SourceIsRight => "the source is right".to_owned(),
        }
    }

    /// The comment that goes before the closing.
    pub fn comment(self) -> String {
        match self {
            Self::Healed => "The drift is gone: what runs is what the source declares. I close this pull request, and \
                             open it again should the drift come back."
                .to_owned(),
            Self::FixedOtherwise => {
                "The source and what runs agree by now: the source was changed, or the running value \
                                     went back. Nothing is left to merge, so I close this pull request."
                    .to_owned()
            }
            Self::NotReported => {
                "The latest report looked at this again and finds nothing wrong any more. I close this pull \
                                  request, and open it again should it be reported again."
                    .to_owned()
            }
            Self::Superseded(by) => format!("#{by} proposes this change together with others. I close this one."),
            Self::Ignored => "I ignore this finding from now on, as I was told, and close this pull request. The \
                              dashboard lists it, with a box to take it up again; `/sourceward retry` does as well."
                .to_owned(),
            Self::SourceIsRight => {
                "The source is right and stays as it is; what runs has to be put back to it: sync the \
                                    application, or apply the configuration. I close this pull request and propose the \
                                    running value no more until it changes; `/sourceward adopt` takes that back."
                    .to_owned()
            }
        }
    }
}

/// What is said, once, when a person has pushed to the branch.
pub const HANDS_OFF: &str = "This branch holds a commit that is not mine, so it is yours from now on: I no longer update, \
                             rebase or close this pull request. `/sourceward recreate` throws the commits of this branch \
                             away and hands it back to me.";
