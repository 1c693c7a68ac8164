//! Why a finding was not remediated. A refusal is a result, not an error: it says what stands in the way and what a
//! person can do about it.

use serde::Serialize;

/// A finding that was understood and deliberately not acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The kind of obstacle; each has a heading in `docs/refusals.md`.
    pub code: Code,
    /// What stands in the way, in one sentence.
    pub message: String,
    /// What a person can do.
    pub hint: String,
    /// The file that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The edits that were tried, best first, where there was more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Attempt>,
}

/// An edit that was tried and not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// What would have been edited: `env/prod/values.yaml: values key image.tag`.
    pub site: String,
    /// Why not: what else it would have moved.
    pub why: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// The kinds of obstacle.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as answers and documents write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// The edit would have to change a value that anchors, aliases or merges share with other places.
    AliasedValue = "aliased-value",
    /// The engine that would have to render the stack is not part of this version.
    EngineUnsupported = "engine-unsupported",
    /// A file is too large, too deep or not the text it should be.
    FileUnreadable = "file-unreadable",
    /// The change would make the resource another one: its kind, name or namespace.
    IdentityChange = "identity-change",
    /// The source says that changes of the field are to be left alone.
    IgnoredBySource = "ignored-by-source",
    /// The finding names neither a patch nor a live object, and nothing here can fetch it.
    LiveStateMissing = "live-state-missing",
    /// A controller or the deployer wrote the drifted field, and would write it again.
    ManagedElsewhere = "managed-elsewhere",
    /// A rule has a remedy that needs something only the operator knows.
    NeedsParameter = "needs-parameter",
    /// A violation for which no rule says what the resource should be.
    NoRule = "no-rule",
    /// The source cannot say the wanted value at that place.
    NotExpressible = "not-expressible",
    /// Another finding wants another value for the same field.
    OppositeWishes = "opposite-wishes",
    /// Several stacks declare the same resource.
    OwnerAmbiguous = "owner-ambiguous",
    /// No stack declares the resource.
    OwnerNotFound = "owner-not-found",
    /// The patch does not fit the declared resource, which has moved on since the report.
    PatchDoesNotApply = "patch-does-not-apply",
    /// Rendering after the edit does not give exactly the wanted change.
    ProofFailed = "proof-failed",
    /// The only place to edit is one that the bot must never touch.
    ProtectedPath = "protected-path",
    /// The finding cannot be matched to a repository that this server looks after.
    RepositoryUnknown = "repository-unknown",
    /// The rule that a violation breaks cannot be applied to this resource without knowing more than the source says.
    RuleDeclines = "rule-declines",
    /// A scanner of the source says that it breaks a rule, and as it is rendered here it does not.
    RuleDisputed = "rule-disputed",
    /// A condition of a rule failed or did not end.
    RuleFailed = "rule-failed",
    /// The change would write a secret into the repository.
    Secret = "secret",
    /// The edit would also move other resources or stacks.
    SharedSource = "shared-source",
    /// The finding or the command names a stack that the repository does not have.
    StackUnknown = "stack-unknown",
    /// The stack cannot be rendered as it stands.
    StackUnreadable = "stack-unreadable",
    /// The Terraform state in which the resource would have to be looked up cannot be read.
    StateUnreadable = "state-unreadable",
    /// A detector reports the same object: what it shows is not taken over meanwhile.
    UnderSuspicion = "under-suspicion",
    /// The live state breaks a rule that the source keeps.
    WeakensSecurity = "weakens-security",
}

impl Refusal {
    /// A refusal that concerns no particular file.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), file: None, line: None, tried: Vec::new() }
    }

    /// The same refusal, pointing at a file and a line counted from 1.
    pub fn at(mut self, file: impl ToString, line: Option<usize>) -> Self {
        self.file = Some(file.to_string());
        self.line = line;
        self
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
