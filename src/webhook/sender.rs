//! A sender: how one product's deliveries are recognised, unwrapped and mapped, read from a folder of data.
//!
//! Adding a product adds a folder below `webhooks/` and touches no Rust: the folders are part of the binary, and an
//! operator's own folders come through [`Senders::from_files`] in the same form.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use include_dir::{Dir, File, include_dir};
use serde::{Deserialize, Serialize};

use super::{
    envelope::{self, wrapping::Unwrap},
    handshake::Handshake,
    signature::Authentication,
};
use crate::model::{
    pointer::Pointer,
    program::{PRELUDE, Program, ProgramError},
};

/// The body limit of a sender that names none, in bytes.
pub const DEFAULT_BODY_LIMIT: usize = 1 << 20;
/// The largest body limit that a manifest may name, in bytes.
pub const MAX_BODY_LIMIT: usize = 32 << 20;
/// The most items that a manifest may allow a delivery.
pub const MAX_LIMIT: usize = 50_000;

const EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/webhooks");
/// What messages call a program.
const PROGRAM: &str = "map.jq";
/// The program that says what a complete report looked at, where a folder has one.
const COMPLETE: &str = "complete.jq";
const MANIFEST: &str = "sender.yaml";

/// One product that posts findings.
pub struct Sender {
    manifest: Manifest,
    program: Compiled,
    complete: Option<Compiled>,
    is_embedded: bool,
}

/// A program that is compiled when it is first asked for: there are dozens of senders, and most processes meet one.
type Compiled = LazyLock<Program, Box<dyn FnOnce() -> Program + Send>>;

/// The senders that a process knows, by name.
#[derive(Debug, Default)]
pub struct Senders {
    by_name: BTreeMap<String, Sender>,
}

/// `sender.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    title: String,
    #[serde(default)]
    path: String,
    #[serde(default = "post")]
    methods: Vec<Method>,
    #[serde(default = "default_body_limit")]
    body_limit: usize,
    #[serde(default = "default_limit")]
    limit: usize,
    authentication: Vec<Authentication>,
    #[serde(default)]
    delivery_id: DeliveryId,
    #[serde(default)]
    unwrap: Vec<Unwrap>,
    #[serde(default)]
    handshakes: Vec<Handshake>,
    program: String,
}

/// Where a delivery carries a name that is the same when it is sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryId {
    /// Headers, the first present one counts.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Pointers into the body; all of them together are the name, and all must be there.
    #[serde(default)]
    pub body: Vec<Pointer>,
}

/// A method by which a product delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Method {
    Post,
    Put,
}

/// Why a folder is no sender.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// A file that a sender needs is not there.
    #[error("webhooks/{folder}: {file} is missing")]
    Missing {
        /// The folder.
        folder: String,
        /// The file.
        file: String,
    },
    /// A manifest or program is not text.
    #[error("webhooks/{0} is not UTF-8")]
    NotUtf8(String),
    /// The manifest is not what it should be.
    #[error("webhooks/{folder}/{MANIFEST}: {detail}")]
    Manifest {
        /// The folder.
        folder: String,
        /// What is wrong, with the line where the parser knows it.
        detail: String,
    },
    /// The program does not compile.
    #[error("webhooks/{folder}: {source}")]
    Program {
        /// The folder.
        folder: String,
        /// What the compiler says.
        source: ProgramError,
    },
    /// Two senders want the same path, so a delivery could be either's.
    #[error("the senders {first} and {second} have the same path {path}")]
    SamePath {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Their path.
        path: String,
    },
}

impl Sender {
    /// The name, which is also the folder's.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The product, for people.
    pub fn title(&self) -> &str {
        &self.manifest.title
    }

    /// The path of the URL that it posts to.
    pub fn path(&self) -> &str {
        &self.manifest.path
    }

    /// The methods that it may use.
    pub fn methods(&self) -> &[Method] {
        &self.manifest.methods
    }

    /// The largest body to read, in bytes.
    pub fn body_limit(&self) -> usize {
        self.manifest.body_limit
    }

    /// The most items of a delivery, and the most findings and `ignored` that they map to.
    pub fn limit(&self) -> usize {
        self.manifest.limit
    }

    /// The ways of authentication that the product can be set up for, the recommended one first.
    pub fn authentications(&self) -> &[Authentication] {
        &self.manifest.authentication
    }

    /// The way with this [`Authentication::kind`]; the recommended one where none is asked for.
    ///
    /// `insecure` is there only for a manifest that lists it, and never without being asked for.
    pub fn authentication(&self, kind: Option<&str>) -> Option<&Authentication> {
        let mut all = self.manifest.authentication.iter();
        match kind {
            Some(kind) => all.find(|one| one.kind() == kind),
            None => all.find(|one| **one != Authentication::Insecure),
        }
    }

    /// Where its deliveries carry their name.
    pub fn delivery_id(&self) -> &DeliveryId {
        &self.manifest.delivery_id
    }

    /// The wrappings that come off before its program sees an item.
    pub fn wrappings(&self) -> &[Unwrap] {
        &self.manifest.unwrap
    }

    /// The questions that it asks before it posts.
    pub fn handshakes(&self) -> &[Handshake] {
        &self.manifest.handshakes
    }

    /// The file of its program below the folder of senders (`falco/map.jq`).
    pub fn program_file(&self) -> String {
        match &self.manifest.program {
            shared if shared.contains('/') => shared.clone(),
            own => format!("{}/{own}", self.manifest.name),
        }
    }

    /// Its program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The program that tells of a report which places it looked at, wrong or not, where it is known to hold all that is wrong
    /// with them: files, Terraform addresses, objects as `Kind namespace/name`. Absent where nothing is known of that.
    pub fn complete(&self) -> Option<&Program> {
        self.complete.as_deref()
    }

    /// Whether it is part of the binary, so that how long its program takes is known; an operator's program may not even end.
    pub fn is_embedded(&self) -> bool {
        self.is_embedded
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.manifest.fmt(f)
    }
}

impl Senders {
    /// The senders that are part of the binary.
    pub fn embedded() -> Result<Self, SenderError> {
        let later = |prelude: String, name: &'static str, program: String| {
            let compile =
                move || Program::compile(&prelude, name, &program).expect("each embedded program compiles in a test");
            Ok(Compiled::new(Box::new(compile)))
        };
        let mut senders = Self::read(embedded_files(&EMBEDDED), later)?;
        senders.by_name.values_mut().for_each(|sender| sender.is_embedded = true);
        Ok(senders)
    }

    /// Reads senders from files: paths relative to the folder of senders (`falco/sender.yaml`), with their content.
    ///
    /// Only manifests, their programs (`complete.jq` among them) and `prelude.jq` count; without a prelude the embedded one serves, and so do embedded
    /// programs that a manifest names with their folder (`falco/map.jq`). Folders without a manifest are no senders.
    pub fn from_files<P: AsRef<str>, C: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Result<Self, SenderError> {
        Self::read(files, |prelude, name, program| {
            let program = Program::compile(&prelude, name, &program)?;
            Ok(Compiled::new(Box::new(move || program)))
        })
    }

    fn read<P: AsRef<str>, C: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (P, C)>,
        compile: impl Fn(String, &'static str, String) -> Result<Compiled, ProgramError>,
    ) -> Result<Self, SenderError> {
        let files: BTreeMap<String, C> =
            files.into_iter().map(|(path, content)| (path.as_ref().to_owned(), content)).collect();
        let text = |path: &str| {
            let read = |content: &C| str::from_utf8(content.as_ref()).map(ToOwned::to_owned);
            files.get(path).map(read).transpose().map_err(|_| SenderError::NotUtf8(path.to_owned()))
        };
        let ours = |path: &str| EMBEDDED.get_file(path).and_then(File::contents_utf8).map(ToOwned::to_owned);
        let prelude = text(PRELUDE)?.or_else(|| ours(PRELUDE)).unwrap_or_default();
        let mut senders = Self::default();
        for path in files.keys() {
            let Some((folder, MANIFEST)) = path.split_once('/') else { continue };
            let manifest = Manifest::read(folder, &text(path)?.unwrap_or_default())?;
            let program = match manifest.program.contains('/') {
                true => text(&manifest.program)?.or_else(|| ours(&manifest.program)),
                false => text(&format!("{folder}/{}", manifest.program))?,
            };
            let program = program
                .ok_or_else(|| SenderError::Missing { folder: folder.to_owned(), file: manifest.program.clone() })?;
            let compiled = |name: &'static str, program: String| {
                compile(prelude.clone(), name, program)
                    .map_err(|source| SenderError::Program { folder: folder.to_owned(), source })
            };
            let program = compiled(PROGRAM, program)?;
            let complete =
                text(&format!("{folder}/{COMPLETE}"))?.map(|program| compiled(COMPLETE, program)).transpose()?;
            senders.add(Sender { manifest, program, complete, is_embedded: false })?;
        }
        Ok(senders)
    }

    /// These senders and others; of two with one name the other's counts, so that an operator can replace one of ours.
    pub fn with(mut self, others: Self) -> Result<Self, SenderError> {
        for sender in others.by_name.into_values() {
            self.add(sender)?;
        }
        Ok(self)
    }

    /// The sender of this name.
    pub fn get(&self, name: &str) -> Option<&Sender> {
        self.by_name.get(name)
    }

    /// The sender that posts to this path.
    pub fn at_path(&self, path: &str) -> Option<&Sender> {
        self.by_name.values().find(|sender| sender.path() == path)
    }

    /// All senders, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Sender> {
        self.by_name.values()
    }

    fn add(&mut self, sender: Sender) -> Result<(), SenderError> {
        match self.at_path(sender.path()).filter(|other| other.name() != sender.name()) {
            Some(other) => Err(SenderError::SamePath {
                first: other.name().to_owned(),
                second: sender.name().to_owned(),
                path: sender.path().to_owned(),
            }),
            None => {
                self.by_name.insert(sender.name().to_owned(), sender);
                Ok(())
            }
        }
    }
}

impl Manifest {
    fn read(folder: &str, text: &str) -> Result<Self, SenderError> {
        let wrong = |detail: String| SenderError::Manifest { folder: folder.to_owned(), detail };
        let mut manifest: Self = serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let plain = |text: &str| text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if manifest.name != folder || manifest.name.is_empty() || manifest.name.len() > 60 || !plain(&manifest.name) {
            return Err(wrong(format!(
                "the name {:?} must be the folder's, of lower-case letters, digits and \"-\"",
                manifest.name
            )));
        }
        if manifest.path.is_empty() {
            manifest.path = format!("/webhooks/{}", manifest.name);
        }
        let segments = manifest.path.strip_prefix('/').map(|path| path.split('/'));
        if !segments.is_some_and(|mut all| all.all(|segment| !segment.is_empty() && plain(segment))) {
            return Err(wrong(format!(
                "the path {:?} must be /segments of lower-case letters, digits and \"-\"",
                manifest.path
            )));
        }
        if manifest.body_limit == 0 || manifest.body_limit > MAX_BODY_LIMIT {
            return Err(wrong(format!("body_limit must be 1 to {MAX_BODY_LIMIT} bytes")));
        }
        if manifest.limit == 0 || manifest.limit > MAX_LIMIT {
            return Err(wrong(format!("limit must be 1 to {MAX_LIMIT} items")));
        }
        if manifest.authentication.is_empty() || manifest.methods.is_empty() {
            return Err(wrong("authentication and methods need at least one entry".to_owned()));
        }
        let mut kinds: Vec<_> = manifest.authentication.iter().map(Authentication::kind).collect();
        kinds.sort_unstable();
        if kinds.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(wrong("an authentication kind is listed twice".to_owned()));
        }
        Ok(manifest)
    }
}

fn embedded_files(folder: &'static Dir<'static>) -> Vec<(&'static str, &'static [u8])> {
    let mut files: Vec<_> = folder.files().filter_map(|file| Some((file.path().to_str()?, file.contents()))).collect();
    files.extend(folder.dirs().flat_map(embedded_files));
    files
}

fn post() -> Vec<Method> {
    vec![Method::Post]
}

fn default_limit() -> usize {
    envelope::DEFAULT_ITEMS
}

fn default_body_limit() -> usize {
    DEFAULT_BODY_LIMIT
}
