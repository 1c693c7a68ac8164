//! GitHub, through a thin client of our own on octocrab.
//!
//! octocrab signs, connects and speaks HTTP. What makes a robot trustworthy is here, because octocrab leaves it out or
//! gets it wrong: a call that changes something is never repeated blindly (its answer may have been lost, not its
//! effect), every operation looks first and says what it did, a token is minted once for many waiting calls and may touch
//! one repository only, limits are reported instead of slept through, and no error can show a credential.

use std::{sync::Arc, time::SystemTime};

use serde::Deserialize;
use tokio::sync::OnceCell;

use self::call::{By, Connection, Limits};
use crate::model::{
    repository::{BranchName, CommitId, RepoSlug},
    secret::Secret,
};

pub mod address;
pub mod budget;
pub mod call;
pub mod check;
pub mod commit;
pub mod conversation;
pub mod delivery;
pub mod issue;
pub mod manifest;
pub mod person;
pub mod pull_request;
pub mod repository;
mod token;

/// Asks whose the credential is.
const VIEWER: &str = "query { viewer { login } }";

/// Who the token of a workflow run acts as, where a server does not say.
const WORKFLOW: &str = "github-actions[bot]";

/// A GitHub: github.com or a GitHub Enterprise Server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GitHub {
    connection: Arc<Connection>,
    login: Arc<OnceCell<String>>,
}

/// How to prove who one is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A personal access token, or the token of a workflow run.
    Token(Secret),
    /// A GitHub App. Its commits show as verified, and its tokens are made for one repository and live an hour.
    App {
        /// The App's id.
        id: u64,
        /// Its private key: RSA, in PEM.
        key: Secret,
    },
}

/// What an operation that looks first did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It changed something.
    Changed,
    /// All was as wanted already: nothing was sent.
    Already,
}

/// Why GitHub could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API's address is not accepted.
    #[error("the address of the API is not accepted: {0}")]
    Address(&'static str),
    /// The App's private key cannot be read.
    #[error("the App's private key cannot be read: expected RSA in PEM, as GitHub gives it for download")]
    Key,
    /// The client cannot be made on this machine.
    #[error("no connection can be made: {0}")]
    Client(String),
    /// The credential is wrong, or may not do this.
    #[error("{doing}: GitHub refuses the credential ({status}): {why}")]
    Denied {
        /// The call.
        doing: String,
        /// The HTTP status: 401 where the credential itself is wrong or over, 403 where it may not do this.
        status: u16,
        /// What GitHub said.
        why: String,
    },
    /// There is no such thing, or GitHub does not show it to this credential.
    #[error("{doing}: there is no such thing, or it is not shown to this credential")]
    NotFound {
        /// The call.
        doing: String,
    },
    /// The branch is not where it was expected to be: someone else moved it. Nothing was overwritten.
    #[error("{branch} was moved by someone else, to {}", found.as_ref().map_or("nothing", CommitId::as_str))]
    Moved {
        /// The branch.
        branch: BranchName,
        /// Where it was found; absent where it does not exist.
        found: Option<CommitId>,
    },
    /// Too many calls. Calling before `until` may cost the App its access, so the client itself refuses to.
    #[error("GitHub wants no more calls for now")]
    RateLimited {
        /// When to come back.
        until: SystemTime,
    },
    /// GitHub understood and refused, and will again.
    #[error("{doing}: GitHub answers {status}: {why}")]
    Rejected {
        /// The call.
        doing: String,
        /// The HTTP status.
        status: u16,
        /// What GitHub said.
        why: String,
    },
    /// GitHub could not be reached, broke off or failed. Where something was to be changed it may have been.
    #[error("{doing}: {why}")]
    Unavailable {
        /// The call.
        doing: String,
        /// What went wrong.
        why: String,
    },
    /// The answer is not what GitHub documents, or larger than is read.
    #[error("{doing}: the answer cannot be read: {why}")]
    Malformed {
        /// The call.
        doing: String,
        /// What is wrong with it.
        why: String,
    },
    /// A path that no commit of ours may change.
    #[error("{0} cannot be written: {1}")]
    Path(crate::source::path::RepoPath, &'static str),
}

impl Error {
    /// Tells whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::RateLimited { .. })
    }

    /// Tells whether something that was to be changed may have been, which only a look can tell.
    fn is_unclear(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Malformed { .. })
    }

    fn is_unprocessable(&self) -> bool {
        matches!(self, Self::Rejected { status: 409 | 422, .. })
    }
}

impl GitHub {
    /// Connects to the API at an address: `https://api.github.com`, or `https://HOST/api/v3`.
    ///
    /// Nothing is sent yet. To be called within a tokio runtime, as octocrab starts a task.
    pub fn new(address: &str, credential: &Credential, limits: Limits) -> Result<Self, Error> {
        let connection = Arc::new(Connection::new(address, credential, limits)?);
        Ok(Self { connection, login: Arc::default() })
    }

    /// A token for one repository, for git over HTTPS: the one that was configured, or the App's for an hour at most.
    pub async fn token(&self, slug: &RepoSlug) -> Result<Secret, Error> {
        self.connection.token(slug).await
    }

    /// Forgets a token that git was refused with: it may have been revoked before its time.
    pub async fn forget_token(&self, slug: &RepoSlug, token: &Secret) {
        self.connection.tokens.forget(slug, token).await;
    }

    /// The login under which commits, comments and pull requests of ours appear.
    pub async fn login(&self) -> Result<&str, Error> {
        self.login.get_or_try_init(|| self.ask_login()).await.map(String::as_str)
    }

    async fn ask_login(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct App {
            slug: String,
        }
        #[derive(Deserialize)]
        struct User {
            login: String,
        }
        #[derive(Deserialize)]
        struct Viewer {
            viewer: User,
        }
        if self.connection.is_app() {
            let app: App = self.connection.get(By::Ourselves, "/app").await?;
            return Ok(format!("{}[bot]", app.slug));
        }
        match self.connection.get::<User>(By::Ourselves, "/user").await {
            Ok(user) => Ok(user.login),
            // An App's token, as that of a workflow run is, belongs to no user. Only GraphQL tells whose it is.
            Err(Error::Denied { status: 403, .. }) => {
                match self.connection.query::<Viewer>(By::Ourselves, VIEWER).await {
                    Ok(found) => Ok(found.viewer.login),
                    Err(Error::Denied { .. } | Error::NotFound { .. } | Error::Rejected { .. }) => {
                        Ok(WORKFLOW.to_owned())
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}
