//! The files that a build reads, and the texts in them that are YAML themselves.
//!
//! Leaves carry a number for each; what it stands for, down to the bytes, is known here. Parsed files outlive the build in
//! [`Parsed`], so that a proof reads again only what an edit changed, and the many overlays of a repository read their base
//! once.

use std::{collections::HashMap, sync::Arc};

use super::{built_in::BuiltIn, leaf::SourceId, problem::Problem};
use crate::{
    engine::remembered::Remembered,
    source::{
        path::RepoPath,
        span::{Lines, Span},
        tree::{SourceTree, TreeError},
        yaml::{
            parse::{ParseError, parse, parse_first},
            tree::{NodeId, Stream},
        },
    },
};

/// The files of one build.
pub struct Sources<'t> {
    tree: &'t dyn SourceTree,
    parsed: &'t Parsed,
    sources: Vec<Source>,
    ids: HashMap<RepoPath, SourceId>,
}

/// A file of a build, or a text inside of one.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: RepoPath,
    /// For a text inside of a file: the scalar that says it.
    pub inside: Option<Inside>,
    /// The bytes: of the file as they are, of the text as the scalar says it.
    pub content: Arc<[u8]>,
    /// The YAML in it, once it was asked for.
    yaml: Option<Arc<Yaml>>,
}

/// The scalar that says a text which is YAML itself: an inline patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The file, or again a text.
    pub source: SourceId,
    /// The document in it, from 0.
    pub document: u32,
    /// The scalar.
    pub node: NodeId,
    /// The first byte of what it says that counts; what stands before it is white space.
    pub start: usize,
}

/// A parsed file.
#[derive(Debug)]
pub struct Yaml {
    /// The text without a byte order mark.
    pub text: String,
    /// The bytes before the text: those of a byte order mark.
    pub skipped: usize,
    /// Its documents, or why it cannot be read.
    pub stream: Result<Stream, ParseError>,
    /// Whether the file spells the text in UTF-16.
    is_utf_16: bool,
    lines: Lines,
}

/// What outlives a build.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The files that were parsed.
    pub files: Remembered<Yaml>,
    /// What Kustomize itself says.
    pub built_in: Arc<BuiltIn>,
}

/// Why a content is not read as YAML.
enum Unread {
    /// Kustomize does not read it either.
    NotText(&'static str),
    /// Kustomize may read it as something else.
    Unsupported(&'static str),
}

impl<'t> Sources<'t> {
    /// No files yet.
    pub fn new(tree: &'t dyn SourceTree, parsed: &'t Parsed) -> Self {
        Self { tree, parsed, sources: Vec::new(), ids: HashMap::new() }
    }

    /// What Kustomize itself says.
    pub fn built_in(&self) -> &'t Arc<BuiltIn> {
        &self.parsed.built_in
    }

    /// The repository's files.
    pub fn tree(&self) -> &'t dyn SourceTree {
        self.tree
    }

    /// The number of a file.
    ///
    /// # Errors
    /// Where it is not there, or no regular file.
    pub fn file(&mut self, path: &RepoPath) -> Result<SourceId, TreeError> {
        if let Some(id) = self.ids.get(path) {
            return Ok(*id);
        }
        let content = self.tree.read(path)?;
        let id = self.add(Source { path: path.clone(), inside: None, content, yaml: None });
        self.ids.insert(path.clone(), id);
        Ok(id)
    }

    /// The number of a text that a scalar of another file says.
    pub fn text(&mut self, inside: Inside, text: &str) -> SourceId {
        let path = self.get(inside.source).path.clone();
        self.add(Source { path, inside: Some(inside), content: text.as_bytes().into(), yaml: None })
    }

    /// A file or text.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }

    /// The YAML in a file or text.
    ///
    /// # Errors
    /// Where it is neither UTF-8 text nor UTF-16 with a byte order mark.
    pub fn yaml(&mut self, id: SourceId) -> Result<Arc<Yaml>, Problem> {
        let source = &mut self.sources[id.0 as usize];
        if let Some(yaml) = &source.yaml {
            return Ok(yaml.clone());
        }
        let yaml = match source.inside {
            None => read(self.parsed, &source.path, &source.content),
            Some(_) => Yaml::of(&source.content).map(Arc::new),
        };
        let yaml = yaml.map_err(|unread| match unread {
            Unread::NotText(why) => Problem::broken(format!("{} is not text: {why}", source.path)),
            Unread::Unsupported(what) => Problem::unsupported(format!("{} is UTF-16 and holds {what}", source.path)),
        })?;
        source.yaml = Some(yaml.clone());
        Ok(yaml)
    }

    /// All files and texts of the build, by their numbers.
    pub fn into_read(self) -> Vec<Source> {
        self.sources
    }

    fn add(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).expect("a build reads fewer than 2^32 files"));
        self.sources.push(source);
        id
    }
}

impl Source {
    /// The YAML in it, where it was asked for during the build.
    pub fn yaml(&self) -> Option<&Arc<Yaml>> {
        self.yaml.as_ref()
    }

    /// The line of a byte of its YAML, from 1.
    pub fn line(&self, byte: usize) -> usize {
        self.yaml.as_ref().map_or(1, |yaml| yaml.line(byte))
    }
}

/// What a file says, read anew where this content of it was not read before.
fn read(parsed: &Parsed, path: &RepoPath, content: &Arc<[u8]>) -> Result<Arc<Yaml>, Unread> {
    if let Some(yaml) = parsed.files.known(path, content) {
        return Ok(yaml);
    }
    let yaml = Arc::new(Yaml::of(content)?);
    parsed.files.remember(path, content.clone(), yaml.clone(), yaml.values());
    Ok(yaml)
}

impl Yaml {
    fn values(&self) -> usize {
        let documents = self.stream.as_ref().map_or(&[][..], |stream| &stream.documents);
        documents.iter().map(|document| document.nodes.len()).sum()
    }

    /// Parses a content.
    fn of(content: &[u8]) -> Result<Self, Unread> {
        if let Some(text) = utf_16(content) {
            let text = text?;
            // Kustomize looks for `---` among bytes, finds none, and hands on what is one document or many: one is read.
            let stream = parse_first(&text).map(|mut stream| {
                stream.documents.truncate(1);
                stream
            });
            return Ok(Self { lines: Lines::of(&text), text, skipped: 2, stream, is_utf_16: true });
        }
        let text = std::str::from_utf8(content).map_err(|_| Unread::NotText("it is not UTF-8"))?;
        let unmarked = text.strip_prefix('\u{feff}').unwrap_or(text);
        let skipped = text.len() - unmarked.len();
        let stream = parse(unmarked).or_else(|error| parse(&without_trailers(unmarked).ok_or(error)?));
        Ok(Self { lines: Lines::of(unmarked), text: unmarked.to_owned(), skipped, stream, is_utf_16: false })
    }

    /// The line of a byte of the text, from 1.
    pub fn line(&self, byte: usize) -> usize {
        self.lines.line(&self.text, byte)
    }

    /// The bytes of the file that spell a part of the text.
    pub fn in_file(&self, span: Span) -> Span {
        let at = |byte: usize| match self.is_utf_16 {
            false => self.skipped + byte,
            true => self.skipped + 2 * self.text[..byte].encode_utf16().count(),
        };
        Span::new(at(span.start), at(span.end))
    }
}

/// The text of a content that begins with a byte order mark of UTF-16, as go-yaml reads it.
fn utf_16(content: &[u8]) -> Option<Result<String, Unread>> {
    let (unit, pairs): (fn([u8; 2]) -> u16, _) = match content {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let holds = |bytes: &[u8]| content.windows(bytes.len()).any(|window| window == bytes);
    if holds(b"\r\n") || holds(b"\n---") {
        return Some(Err(Unread::Unsupported("bytes that Kustomize takes for a line break or a separator")));
    }
    let (pairs, rest) = pairs.as_chunks::<2>();
    if !rest.is_empty() {
        return Some(Err(Unread::NotText("incomplete UTF-16 character")));
    }
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    Some(text.map_err(|error| match error.unpaired_surrogate() {
        0xdc00.. => Unread::NotText("unexpected low surrogate area"),
        _ => Unread::NotText("expected low surrogate area"),
    }))
}

/// A text with blanks for what stands between a line `...` and the next that begins with `---`, which Kustomize does not read;
/// nothing where there is no such line.
fn without_trailers(text: &str) -> Option<String> {
    let (mut blanked, mut is_trailer, mut any) = (String::with_capacity(text.len()), false, false);
    for line in text.split_inclusive('\n') {
        is_trailer &= !line.starts_with("---");
        if is_trailer {
            blanked.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            blanked.push_str(line);
        }
        if line.trim_end() == "..." {
            (is_trailer, any) = (true, true);
        }
    }
    any.then_some(blanked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_text_in_utf_16_are_found_in_the_file() {
        let text = "a: é\u{1f600}b\n---\nc: 1\n";
        let little = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes));
        let big = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes));
        for (content, unit) in [(little.collect::<Vec<_>>(), *b"b\0"), (big.collect(), *b"\0b")] {
            let yaml = Yaml::of(&content).ok().expect("is text");
            assert_eq!(yaml.text, text);
            assert_eq!(yaml.stream.as_ref().expect("is YAML").documents.len(), 1);
            let at = text.find('b').expect("a letter");
            assert_eq!(content[yaml.in_file(Span::new(at, at + 1)).range()], unit);
        }
        let failing: [&[u8]; 4] = [b"\xff\xfea", b"\xff\xfe\x00\xd8a\0", b"\xff\xfe\x00\xdca\0", b"\xff\xfe\r\n"];
        for content in failing {
            assert!(Yaml::of(content).is_err(), "{content:?}");
        }
    }
}
