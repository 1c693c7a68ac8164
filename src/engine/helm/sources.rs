//! The files that a render reads and the layers of values that are written in them.
//!
//! Values carry numbers of files and layers; what a number stands for, down to the bytes, is known here. Parsed files and
//! unpacked archives outlive the render in [`Parsed`], so that a proof reads again only what an edit changed.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use memchr::memmem;
use serde_json::{Map, Value};

use super::{
    chart::archive::Archive,
    template::{
        fault::Fault,
        leaf::{FileId, LayerId},
    },
    values::schema::Schema,
};
use crate::{
    model::pointer::Pointer,
    source::{
        lineage::hash::Seeded,
        path::RepoPath,
        span::line_of,
        tree::{SourceTree, TreeError},
        yaml::{
            parse::{ParseError, parse},
            resolve::{self, Found, Reader},
            tree::{Document, Stream},
        },
    },
};

/// The files and layers of one render.
pub struct Sources<'t> {
    tree: &'t dyn SourceTree,
    parsed: &'t Parsed,
    files: Vec<SourceFile>,
    ids: HashMap<(RepoPath, Option<Arc<str>>), FileId, Seeded>,
    layers: Vec<Layer>,
    /// The bytes that archives may still unpack to.
    unpacked: u64,
}

/// A file of a render.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The file, or the archive that holds it.
    pub path: RepoPath,
    /// The name in the archive; archives in archives are separated by `!`.
    pub inside: Option<Arc<str>>,
    content: Option<Arc<[u8]>>,
}

/// Where a problem is, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, where it is one.
    pub file: Option<RepoPath>,
    /// The name in that archive.
    pub inside: Option<Arc<str>>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong, and who stops there.
    pub fault: Fault,
}

/// One layer of values.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Whose values they are.
    pub role: Role,
    /// Where they are written; absent for arguments that no file says.
    pub written: Option<Written>,
    /// What they are.
    pub content: LayerContent,
}

/// Whose values a layer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// `Chart.yaml` or `requirements.yaml` of a chart: `.Chart` reads it.
    Metadata {
        /// The chart's path, as in `# Source:`.
        chart: String,
    },
    /// `values.yaml` of a chart.
    Defaults {
        /// The chart's path, as in `# Source:`.
        chart: String,
    },
    /// A values file of the release, from 0 in the order of `-f`.
    Values(usize),
    /// An argument of the release, from 0 among those of its kind.
    Argument(ArgumentKind, usize),
}

/// How an argument is read. The order is the order in which helm applies them, whatever their order on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are Helm's own")]
pub enum ArgumentKind {
    SetJson,
    Set,
    SetString,
    SetFile,
    SetLiteral,
}

/// Where a layer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub file: FileId,
    /// The document, from 0.
    pub document: usize,
    /// The node that holds the layer: the root for a values file.
    pub base: Pointer,
    /// Whether the node is a text that is YAML itself: places in the layer count in the text, not in the file.
    pub embedded: bool,
}

/// What a layer says.
#[derive(Clone, Debug)]
pub enum LayerContent {
    /// A node of a document.
    Document {
        /// The file, or the text in it, parsed.
        yaml: Arc<Yaml>,
        /// The document, from 0.
        document: usize,
        /// The node that is the root of the layer.
        base: Pointer,
    },
    /// Paths that an argument assigns.
    Assigned(Vec<Vec<String>>),
}

/// A parsed YAML file.
#[derive(Debug)]
pub struct Yaml {
    /// The text without a byte order mark.
    pub text: String,
    /// The bytes before the text: those of a byte order mark.
    pub skipped: usize,
    /// Its documents.
    pub stream: Stream,
    /// The document that Helm reads: the first that is not only comments before a `---`.
    pub first: usize,
    /// What Helm reads in it.
    pub value: Result<Arc<Value>, (usize, String)>,
    /// Whether the word `Files` is in it.
    pub mentions_files: bool,
}

/// A template's text.
#[derive(Debug)]
pub struct TemplateText {
    /// The text without a byte order mark; absent where it is not UTF-8.
    pub text: Option<Arc<str>>,
    /// The bytes before the text: those of a byte order mark.
    pub skipped: usize,
    /// Whether the word `Files` is in it, as far as can be told.
    pub mentions_files: bool,
}

/// What was parsed and unpacked before.
#[derive(Debug, Default)]
pub struct Parsed {
    documents: Mutex<Recent<Yaml>>,
    archives: Mutex<Recent<Archive>>,
    templates: Mutex<Recent<TemplateText>>,
    schemas: Mutex<Recent<Schema>>,
}

/// The results for the last few contents of each file, by its path and its name in that archive.
#[derive(Debug)]
struct Recent<T> {
    files: HashMap<RepoPath, ByName<T>, Seeded>,
    /// The bytes of all contents.
    kept: usize,
}

/// By the name in an archive; none for a file of the repository.
type ByName<T> = HashMap<Option<Arc<str>>, Contents<T>, Seeded>;

/// Contents of one file and what was made of them, newest first.
type Contents<T> = Vec<(Arc<[u8]>, Arc<T>)>;

/// How many contents of a file are remembered: before an edit, and with one candidate and the next.
const CONTENTS: usize = 3;

/// The bytes of all contents of one kind that are remembered.
const MAX_KEPT: usize = 64 << 20;

/// UTF-8's byte order mark.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { files: HashMap::default(), kept: 0 }
    }
}

impl<T> Recent<T> {
    fn get(&self, file: &SourceFile, content: &Arc<[u8]>) -> Option<Arc<T>> {
        let contents = self.files.get(&file.path)?.get(&file.inside)?;
        let same = |known: &Arc<[u8]>| Arc::ptr_eq(known, content) || known == content;
        contents.iter().find(|(known, _)| same(known)).map(|(_, result)| result.clone())
    }

    fn put(&mut self, file: &SourceFile, content: Arc<[u8]>, result: Arc<T>) {
        if self.kept + content.len() > MAX_KEPT {
            self.files.clear();
            self.kept = 0;
        }
        let contents = self.files.entry(file.path.clone()).or_default().entry(file.inside.clone()).or_default();
        while contents.len() >= CONTENTS {
            self.kept -= contents.pop().map_or(0, |(oldest, _)| oldest.len());
        }
        self.kept += content.len();
        contents.insert(0, (content, result));
    }
}

impl SourceFile {
    /// The bytes, where they were read.
    pub fn content(&self) -> Option<&Arc<[u8]>> {
        self.content.as_ref()
    }
}

impl<'t> Sources<'t> {
    /// No files yet.
    pub fn new(tree: &'t dyn SourceTree, parsed: &'t Parsed) -> Self {
        Self {
            tree,
            parsed,
            files: Vec::new(),
            ids: HashMap::default(),
            layers: Vec::new(),
            unpacked: super::chart::archive::MAX_UNPACKED,
        }
    }

    /// The tree that the files are read from.
    pub fn tree(&self) -> &'t dyn SourceTree {
        self.tree
    }

    /// The number of a file of the tree, which is not read yet.
    pub fn file(&mut self, path: &RepoPath) -> FileId {
        self.add(path.clone(), None, None)
    }

    /// The number of a file of an archive.
    pub fn file_inside(&mut self, archive: &RepoPath, inside: Arc<str>, content: Arc<[u8]>) -> FileId {
        self.add(archive.clone(), Some(inside), Some(content))
    }

    fn add(&mut self, path: RepoPath, inside: Option<Arc<str>>, content: Option<Arc<[u8]>>) -> FileId {
        let next = FileId(u32::try_from(self.files.len()).expect("a render has fewer than 2^32 files"));
        let id = *self.ids.entry((path.clone(), inside.clone())).or_insert(next);
        if id == next {
            self.files.push(SourceFile { path, inside, content });
        }
        id
    }

    /// What a number stands for.
    pub fn get(&self, file: FileId) -> &SourceFile {
        &self.files[file.0 as usize]
    }

    /// All files so far, in the order of their numbers.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The bytes of a file, with a byte order mark where it has one.
    ///
    /// # Errors
    /// What the tree says: a limit for a file that is too large, otherwise that it cannot be read.
    pub fn content(&mut self, file: FileId) -> Result<Arc<[u8]>, Problem> {
        let known = &mut self.files[file.0 as usize];
        if let Some(content) = &known.content {
            return Ok(content.clone());
        }
        let content = self.tree.read(&known.path).map_err(|error| {
            let fault = match &error {
                TreeError::TooLarge { .. } => Fault::limit(error.to_string()),
                TreeError::Missing(_) => Fault::failed(error.to_string()),
                TreeError::NotAFile(_) | TreeError::NotALink(_) | TreeError::Broken { .. } => {
                    Fault::unsupported(error.to_string())
                }
            };
            Problem { file: Some(known.path.clone()), inside: None, line: None, fault }
        })?;
        known.content = Some(content.clone());
        Ok(content)
    }

    /// A file parsed as YAML.
    ///
    /// # Errors
    /// Where it cannot be read or is no YAML.
    pub fn yaml(&mut self, file: FileId) -> Result<Arc<Yaml>, Problem> {
        self.remembered(file, &self.parsed.documents, Yaml::read)?
            .map_err(|(line, fault)| self.problem_at(file, line, fault))
    }

    /// A file read as a template.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn template(&mut self, file: FileId) -> Result<Arc<TemplateText>, Problem> {
        let read = |content: &[u8]| Ok::<_, Infallible>(TemplateText::read(content));
        let Ok(template) = self.remembered(file, &self.parsed.templates, read)?;
        Ok(template)
    }

    /// A file read as a schema of values.
    ///
    /// # Errors
    /// Where it cannot be read, and what is wrong with it.
    pub fn schema(&mut self, file: FileId) -> Result<Result<Arc<Schema>, Fault>, Problem> {
        self.remembered(file, &self.parsed.schemas, Schema::read)
    }

    /// What a file was made to before, or now is.
    fn remembered<T, E>(
        &mut self,
        file: FileId,
        memory: &Mutex<Recent<T>>,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Result<Arc<T>, E>, Problem> {
        let content = self.content(file)?;
        let lock = || memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(self.get(file), &content) {
            return Ok(Ok(known));
        }
        Ok(read(&content).map(|result| {
            let result = Arc::new(result);
            lock().put(self.get(file), content, result.clone());
            result
        }))
    }

    /// An archive unpacked.
    ///
    /// # Errors
    /// Where it is no chart's archive, or too large.
    pub fn archive(&mut self, file: FileId) -> Result<Arc<Archive>, Problem> {
        let archive = self
            .remembered(file, &self.parsed.archives, Archive::unpack)?
            .map_err(|fault| self.problem(file, fault))?;
        let left = self.unpacked.checked_sub(archive.size);
        let too_large = || self.problem(file, Fault::limit("all archives together unpack to too many bytes"));
        self.unpacked = left.ok_or_else(too_large)?;
        Ok(archive)
    }

    /// Hands over the files and layers, after which there are none.
    pub fn take_read(&mut self) -> (Vec<SourceFile>, Vec<Layer>) {
        self.ids.clear();
        (std::mem::take(&mut self.files), std::mem::take(&mut self.layers))
    }

    /// Adds a layer.
    pub fn add_layer(&mut self, layer: Layer) -> LayerId {
        self.layers.push(layer);
        LayerId(u32::try_from(self.layers.len() - 1).expect("a render has fewer than 2^32 layers"))
    }

    /// What a layer is.
    pub fn layer(&self, layer: LayerId) -> &Layer {
        &self.layers[layer.0 as usize]
    }

    /// All layers so far, in the order of their numbers.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What a layer is, to complete it.
    pub fn layer_mut(&mut self, layer: LayerId) -> &mut Layer {
        &mut self.layers[layer.0 as usize]
    }

    /// A problem with a file as a whole.
    pub fn problem(&self, file: FileId, fault: Fault) -> Problem {
        let SourceFile { path, inside, .. } = self.get(file);
        Problem { file: Some(path.clone()), inside: inside.clone(), line: None, fault }
    }

    /// A problem at a line of a file.
    pub fn problem_at(&self, file: FileId, line: usize, fault: Fault) -> Problem {
        Problem { line: Some(line), ..self.problem(file, fault) }
    }
}

impl Layer {
    /// The node at a place of the layer, with the aliases and merges on the way; absent for arguments and for places that
    /// the layer does not have.
    pub fn find(&self, at: &[&str]) -> Option<Found> {
        let LayerContent::Document { yaml, document, base } = &self.content else { return None };
        let tokens = base.tokens().iter().map(String::as_str).chain(at.iter().copied());
        resolve::find(&yaml.stream.documents[*document], &Pointer::of(tokens), Reader::Helm)
    }

    /// The document that the layer is in.
    pub fn document(&self) -> Option<(&Yaml, &Document)> {
        match &self.content {
            LayerContent::Document { yaml, document, .. } => Some((yaml, &yaml.stream.documents[*document])),
            LayerContent::Assigned(_) => None,
        }
    }

    /// Tells whether the layer says something at a place.
    pub fn says(&self, at: &[&str]) -> bool {
        match &self.content {
            LayerContent::Document { .. } => self.find(at).is_some(),
            LayerContent::Assigned(paths) => paths.iter().any(|path| {
                let common = path.len().min(at.len());
                path[..common].iter().zip(at).all(|(own, asked)| own == asked)
            }),
        }
    }
}

impl Yaml {
    /// Reads a file; in case of failure the line and why.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong there.
    pub fn read(content: &[u8]) -> Result<Self, (usize, Fault)> {
        let skipped = if content.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let text = std::str::from_utf8(&content[skipped..]).map_err(|error| {
            let valid = &content[skipped..skipped + error.valid_up_to()];
            let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
            (line, Fault::failed("the file is not UTF-8 text"))
        })?;
        Self::of(text.to_owned(), skipped)
    }

    /// What Helm reads as a map of values: the map, or nothing where nothing or `null` is written.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong there.
    pub fn root_map(&self) -> Result<Option<&Map<String, Value>>, (usize, Fault)> {
        match &self.value {
            Ok(value) => match &**value {
                Value::Null => Ok(None),
                Value::Object(map) => Ok(Some(map)),
                _ => Err((1, Fault::failed("the values must be a map of keys"))),
            },
            Err((line, why)) => Err((*line, Fault::failed(why.clone()))),
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong there.
    pub fn of(text: String, skipped: usize) -> Result<Self, (usize, Fault)> {
        let stream = parse(&text).map_err(|error: ParseError| {
            // Helm reads the first document and does not look behind it.
            let ended = text
                .lines()
                .take(error.line.saturating_sub(1))
                .skip(1)
                .any(|line| line == "..." || line == "---" || line.starts_with("--- "));
            let fault = if ended { Fault::unsupported(error.to_string()) } else { Fault::failed(error.to_string()) };
            (error.line, fault)
        })?;
        let empty = |document: &Document| document.root.is_none() && document.start_marker.is_none();
        let first = stream.documents.iter().take_while(|document| empty(document)).count();
        let first = if first < stream.documents.len() { first } else { 0 };
        let document = &stream.documents[first];
        let value = match document.root {
            None => Ok(Arc::new(Value::Null)),
            Some(root) => resolve::value(document, root, Reader::Helm)
                .map(Arc::new)
                .map_err(|error| (line_of(&text, error.span.start), error.to_string())),
        };
        let mentions_files = mentions_files(&text);
        Ok(Self { text, skipped, stream, first, value, mentions_files })
    }
}

/// The word without which no template asks for `.Files`.
const FILES: &str = "Files";

/// Tells whether a text may be one that asks for `.Files`.
pub fn mentions_files(text: &str) -> bool {
    memmem::find(text.as_bytes(), FILES.as_bytes()).is_some()
}

impl TemplateText {
    fn read(content: &[u8]) -> Self {
        let skipped = if content.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let text = std::str::from_utf8(&content[skipped..]).ok();
        let mentions_files = text.is_none_or(mentions_files);
        Self { text: text.map(Into::into), skipped, mentions_files }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            if let Some(inside) = &self.inside {
                write!(f, "!{inside}")?;
            }
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}", self.fault)
    }
}

impl std::error::Error for Problem {}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self { file: None, inside: None, line: None, fault }
    }
}
