//! Tokens to documents: which token may follow which, what contains what, and what an alias stands for.

use std::collections::HashMap;

use super::{
    MAX_ALIASES, MAX_DEPTH, MAX_NODES, ParseError, Problem,
    cursor::Mark,
    scan::{Scanner, Token, TokenKind},
};
use crate::source::{
    lineage::hash::Seeded,
    span::Span,
    yaml::tree::{CollectionStyle, Document, Entry, Item, Node, NodeId, NodeKind, Properties, ScalarStyle, Stream},
};

/// Reads all documents.
pub(super) fn stream(text: &str) -> Result<Stream, ParseError> {
    let mut composer = Composer::new(text)?;
    let mut documents = composer.documents(false)?;
    let ends: Vec<usize> = documents.iter().skip(1).map(|next| next.span.start).chain([text.len()]).collect();
    let mut comments = composer.scanner.comments.into_iter().peekable();
    for (document, end) in documents.iter_mut().zip(ends) {
        document.span.end = end;
        while let Some(comment) = comments.next_if(|comment| comment.start < end) {
            document.comments.push(comment);
        }
    }
    Ok(Stream { documents })
}

/// Reads the first document and the token behind it.
pub(super) fn first(text: &str) -> Result<Stream, ParseError> {
    let mut composer = Composer::new(text)?;
    let mut documents = composer.documents(true)?;
    let end = composer.scanner.peek()?.start.byte;
    for document in &mut documents {
        document.span.end = end;
        document.comments = composer.scanner.comments.iter().copied().filter(|comment| comment.start < end).collect();
    }
    Ok(Stream { documents })
}

/// The longest prefix of a `%TAG` line, in bytes: each tag repeats it.
const MAX_TAG_PREFIX: usize = 256;

struct Composer<'t> {
    text: &'t str,
    scanner: Scanner<'t>,
    /// The nodes of the document at hand, parents before children.
    nodes: Vec<Node>,
    /// The latest node of each anchor's name.
    anchors: HashMap<String, NodeId, Seeded>,
    /// The `%TAG` lines: handle and prefix.
    handles: HashMap<String, String, Seeded>,
    nodes_before: usize,
    aliases: usize,
}

/// What may stand where a node is expected.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    Flow,
    Block,
    /// The value of a block map, where a list's dashes may stand at the column of the map's keys.
    BlockValue,
}

/// What a node takes in most files, and the most nodes that room is made for before they are there.
const BYTES_A_NODE: usize = 32;
const MOST_EXPECTED: usize = 2_048;

impl<'t> Composer<'t> {
    fn new(text: &'t str) -> Result<Self, ParseError> {
        Ok(Self {
            text,
            scanner: Scanner::new(text)?,
            nodes: Vec::with_capacity((text.len() / BYTES_A_NODE).min(MOST_EXPECTED)),
            anchors: HashMap::default(),
            handles: HashMap::default(),
            nodes_before: 0,
            aliases: 0,
        })
    }

    /// Reads all documents, or the first alone.
    fn documents(&mut self, only_first: bool) -> Result<Vec<Document>, ParseError> {
        let mut documents: Vec<Document> = Vec::new();
        loop {
            let first = documents.is_empty();
            while !first && self.scanner.peek()?.kind == TokenKind::DocumentEnd {
                self.scanner.take()?;
            }
            let token = self.scanner.peek()?;
            let (start, explicit) = (token.start, token.is_document_prefix());
            if token.kind == TokenKind::StreamEnd {
                break;
            }
            let begin = match documents.last().map(|before| before.end_marker) {
                None => 0,
                Some(None) => start.byte,
                Some(Some(marker)) => self.line_end(marker.end),
            };
            let mut document = empty_document(begin);
            if explicit || !first {
                self.directives()?;
                let marker = self.scanner.take()?;
                if marker.kind != TokenKind::DocumentStart {
                    return Err(marker
                        .start
                        .syntax(behind_the_end(&marker.kind))
                        .parsed(marker.lines_before(), "did not find expected <document start>"));
                }
                document.start_marker = Some(marker.span());
            } else {
                self.handles.clear();
            }
            let token = self.scanner.peek()?;
            let absent =
                token.is_document_prefix() || matches!(token.kind, TokenKind::DocumentEnd | TokenKind::StreamEnd);
            if !(absent && document.start_marker.is_some()) {
                document.root = Some(self.node(Context::Block, 1)?);
            }
            if self.scanner.peek()?.kind == TokenKind::DocumentEnd {
                document.end_marker = Some(self.scanner.take()?.span());
            }
            self.anchors.clear();
            // An empty document is not for nothing either.
            self.nodes_before += self.nodes.len().max(1);
            if self.nodes_before > MAX_NODES {
                return Err(start.error(Problem::TooManyNodes));
            }
            document.nodes = std::mem::take(&mut self.nodes);
            document.nodes.shrink_to_fit();
            documents.push(document);
            if only_first {
                break;
            }
        }
        if documents.is_empty() {
            documents.push(empty_document(0));
        }
        Ok(documents)
    }

    /// Reads the `%` lines before a document.
    fn directives(&mut self) -> Result<(), ParseError> {
        self.handles.clear();
        let mut versioned = false;
        while self.scanner.peek()?.is_document_prefix() && self.scanner.peek()?.kind != TokenKind::DocumentStart {
            let Token { kind, start, .. } = self.scanner.take()?;
            match kind {
                TokenKind::Version { .. } if versioned => {
                    let words = "a document has one %YAML line at most";
                    return Err(start.syntax(words).parsed(start.line, "found duplicate %YAML directive"));
                }
                TokenKind::Version { major: 1, minor: 1 } => versioned = true,
                TokenKind::TagDirective { handle, prefix } => {
                    if self.handles.contains_key(&handle) {
                        return Err(start.syntax("this tag handle is declared twice"));
                    }
                    self.handles.insert(handle, prefix);
                }
                _ => {
                    let words = "Go reads YAML 1.1 only; remove the %YAML line";
                    return Err(start.syntax(words).parsed(start.line, "found incompatible YAML document"));
                }
            }
        }
        Ok(())
    }

    /// Reads a node that must be here.
    fn node(&mut self, context: Context, depth: usize) -> Result<NodeId, ParseError> {
        let token = self.scanner.peek()?;
        if let TokenKind::Alias(name) = &token.kind {
            let (name, start) = (name.clone(), token.start);
            return self.alias(name, start);
        }
        let start = token.start;
        let (properties, anchor, behind) = self.properties()?;
        let token = self.scanner.peek()?;
        let mark = token.start;
        let block = context != Context::Flow;
        let node = match token.kind {
            TokenKind::Scalar { .. } => {
                let token = self.scanner.take()?;
                let span = token.span();
                let TokenKind::Scalar { style, text } = token.kind else { unreachable!("the token was a scalar") };
                return self.add(NodeKind::Scalar { style, text }, span, properties, anchor, mark);
            }
            TokenKind::FlowSequenceStart => self.begin_sequence(CollectionStyle::Flow, properties, anchor, mark, depth),
            TokenKind::FlowMappingStart => self.begin_mapping(CollectionStyle::Flow, properties, anchor, mark, depth),
            TokenKind::BlockSequenceStart if block => {
                self.begin_sequence(CollectionStyle::Block, properties, anchor, mark, depth)
            }
            TokenKind::BlockEntry if context == Context::BlockValue => {
                self.begin_sequence(CollectionStyle::Block, properties, anchor, mark, depth)
            }
            TokenKind::BlockMappingStart if block => {
                self.begin_mapping(CollectionStyle::Block, properties, anchor, mark, depth)
            }
            _ if properties.anchor.is_some() || properties.tag.is_some() => {
                return self.empty_with(behind, properties, anchor, start);
            }
            _ => return Err(mark.syntax(unexpected(&token.kind)).parsed(token.lines_before(), NO_CONTENT)),
        }?;
        match (&self.nodes[node.0].kind, &self.scanner.peek()?.kind) {
            (NodeKind::Sequence { .. }, TokenKind::FlowSequenceStart) => self.flow_sequence(node, depth)?,
            (NodeKind::Sequence { .. }, TokenKind::BlockSequenceStart) => self.block_sequence(node, depth)?,
            (NodeKind::Sequence { .. }, _) => self.indentless_sequence(node, depth)?,
            (_, TokenKind::FlowMappingStart) => self.flow_mapping(node, depth)?,
            _ => self.block_mapping(node, depth)?,
        }
        match &mut self.nodes[node.0].kind {
            NodeKind::Sequence { items, .. } => items.shrink_to_fit(),
            NodeKind::Mapping { entries, .. } => entries.shrink_to_fit(),
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => {}
        }
        Ok(node)
    }

    fn alias(&mut self, name: String, start: Mark) -> Result<NodeId, ParseError> {
        let span = self.scanner.take()?.span();
        let Some(target) = self.anchors.get(&name).copied() else {
            return Err(start.error(Problem::UnknownAnchor(name)));
        };
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            return Err(start.error(Problem::TooManyAliases));
        }
        self.add(NodeKind::Alias { name, target }, span, Properties::default(), None, start)
    }

    /// Reads an anchor, a tag, both in either order, or none; also tells the anchor's name and the byte behind them.
    fn properties(&mut self) -> Result<(Properties, Option<String>, usize), ParseError> {
        let (mut properties, mut anchor, mut behind) = (Properties::default(), None, 0);
        for _ in 0..2 {
            let token = self.scanner.peek()?;
            let span = token.span();
            match &token.kind {
                TokenKind::Anchor(name) if anchor.is_none() => {
                    anchor = Some(name.clone());
                    properties.anchor = Some(span);
                }
                TokenKind::Tag { handle, suffix } if properties.tag.is_none() => {
                    let (handle, suffix, start) = (handle.clone(), suffix.clone(), token.start);
                    properties.tag = Some(span);
                    properties.tag_name = Some(self.tag_name(handle, suffix, start)?);
                }
                _ => break,
            }
            behind = span.end;
            self.scanner.take()?;
        }
        Ok((properties, anchor, behind))
    }

    fn tag_name(&self, handle: String, suffix: String, start: Mark) -> Result<String, ParseError> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        let declared = self.handles.get(&handle).map(String::as_str);
        let prefix = declared.or(match handle.as_str() {
            "!" => Some("!"),
            "!!" => Some("tag:yaml.org,2002:"),
            _ => None,
        });
        match prefix {
            Some(prefix) if prefix.len() > MAX_TAG_PREFIX => {
                Err(start.syntax("the prefix that a %TAG line gives to this tag's handle is too long"))
            }
            Some(prefix) => Ok(format!("{prefix}{suffix}")),
            None => Err(start.error(Problem::UnknownHandle(handle)).parsed(start.line, "found undefined tag handle")),
        }
    }

    fn begin_sequence(
        &mut self,
        style: CollectionStyle,
        properties: Properties,
        anchor: Option<String>,
        mark: Mark,
        depth: usize,
    ) -> Result<NodeId, ParseError> {
        self.deeper(depth, mark)?;
        self.add(NodeKind::Sequence { style, items: Vec::new() }, Span::empty(mark.byte), properties, anchor, mark)
    }

    fn begin_mapping(
        &mut self,
        style: CollectionStyle,
        properties: Properties,
        anchor: Option<String>,
        mark: Mark,
        depth: usize,
    ) -> Result<NodeId, ParseError> {
        self.deeper(depth, mark)?;
        self.add(NodeKind::Mapping { style, entries: Vec::new() }, Span::empty(mark.byte), properties, anchor, mark)
    }

    fn deeper(&self, depth: usize, mark: Mark) -> Result<(), ParseError> {
        if depth > MAX_DEPTH { Err(mark.error(Problem::TooDeep)) } else { Ok(()) }
    }

    fn block_sequence(&mut self, list: NodeId, depth: usize) -> Result<(), ParseError> {
        self.scanner.take()?;
        loop {
            let token = self.scanner.take()?;
            let (start, end) = (token.start, token.end);
            match token.kind {
                TokenKind::BlockEntry => {
                    let absent = matches!(self.scanner.peek()?.kind, TokenKind::BlockEntry | TokenKind::BlockEnd);
                    self.item(list, start, end, absent, depth)?;
                }
                TokenKind::BlockEnd => return Ok(()),
                _ => {
                    let words = "a list item must begin with \"- \" at the column of the items above";
                    return Err(start
                        .syntax(words)
                        .parsed(token.lines_before(), "did not find expected '-' indicator"));
                }
            }
        }
    }

    fn indentless_sequence(&mut self, list: NodeId, depth: usize) -> Result<(), ParseError> {
        while self.scanner.peek()?.kind == TokenKind::BlockEntry {
            let Token { start, end, .. } = self.scanner.take()?;
            let next = &self.scanner.peek()?.kind;
            let absent =
                matches!(next, TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd);
            self.item(list, start, end, absent, depth)?;
        }
        Ok(())
    }

    fn item(&mut self, list: NodeId, dash: Mark, end: usize, absent: bool, depth: usize) -> Result<(), ParseError> {
        let node = if absent { self.empty(end, dash)? } else { self.node(Context::Block, depth + 1)? };
        self.push_item(list, Item { dash: Some(dash.byte), node });
        self.end_at(list, self.nodes[node.0].span.end);
        Ok(())
    }

    fn block_mapping(&mut self, map: NodeId, depth: usize) -> Result<(), ParseError> {
        self.scanner.take()?;
        loop {
            let token = self.scanner.take()?;
            let (start, end) = (token.start, token.end);
            match token.kind {
                TokenKind::Key => {
                    let question = (end > start.byte).then_some(start.byte);
                    let key = self.block_part(end, start, depth)?;
                    let (colon, value) = if self.scanner.peek()?.kind == TokenKind::Value {
                        let Token { start, end, .. } = self.scanner.take()?;
                        (Some(start.byte), self.block_part(end, start, depth)?)
                    } else {
                        (None, self.empty(self.behind(key), start)?)
                    };
                    self.push_entry(map, Entry { question, key, colon, value });
                }
                TokenKind::BlockEnd => return Ok(()),
                _ => {
                    let words = match token.kind {
                        TokenKind::BlockEntry => {
                            "a list item stands among the keys of a map; indent it or align it with its list"
                        }
                        TokenKind::Value => "there is no key before this \":\"",
                        _ => "a key of this map must begin at the column of the keys above",
                    };
                    return Err(start.syntax(words).parsed(token.lines_before(), "did not find expected key"));
                }
            }
        }
    }

    /// Reads a key or a value of a block map, which may be absent.
    fn block_part(&mut self, behind: usize, mark: Mark, depth: usize) -> Result<NodeId, ParseError> {
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.empty(behind, mark),
            _ => self.node(Context::BlockValue, depth + 1),
        }
    }

    fn flow_sequence(&mut self, list: NodeId, depth: usize) -> Result<(), ParseError> {
        let open = self.scanner.take()?.start;
        loop {
            if let Some(end) = self.flow_end(list, open, &TokenKind::FlowSequenceEnd)? {
                self.end_at(list, end);
                return Ok(());
            }
            let token = self.scanner.peek()?;
            let mark = token.start;
            let node = if token.kind == TokenKind::Key {
                self.deeper(depth + 1, mark)?;
                let kind = NodeKind::Mapping { style: CollectionStyle::Flow, entries: Vec::new() };
                let pair = self.add(kind, Span::empty(mark.byte), Properties::default(), None, mark)?;
                self.flow_entry(pair, &TokenKind::FlowSequenceEnd, depth + 1)?;
                pair
            } else {
                self.node(Context::Flow, depth + 1)?
            };
            self.push_item(list, Item { dash: None, node });
        }
    }

    fn flow_mapping(&mut self, map: NodeId, depth: usize) -> Result<(), ParseError> {
        let open = self.scanner.take()?.start;
        loop {
            if let Some(end) = self.flow_end(map, open, &TokenKind::FlowMappingEnd)? {
                self.end_at(map, end);
                return Ok(());
            }
            if self.scanner.peek()?.kind == TokenKind::Key {
                self.flow_entry(map, &TokenKind::FlowMappingEnd, depth)?;
            } else {
                let mark = self.scanner.peek()?.start;
                let key = self.node(Context::Flow, depth + 1)?;
                let value = self.empty(self.behind(key), mark)?;
                self.push_entry(map, Entry { question: None, key, colon: None, value });
            }
        }
    }

    /// Takes the comma between two entries or the closing bracket; tells the byte after the bracket.
    fn flow_end(&mut self, node: NodeId, open: Mark, close: &TokenKind) -> Result<Option<usize>, ParseError> {
        let first = match &self.nodes[node.0].kind {
            NodeKind::Sequence { items, .. } => items.is_empty(),
            NodeKind::Mapping { entries, .. } => entries.is_empty(),
            _ => true,
        };
        let missing = match close {
            TokenKind::FlowSequenceEnd => "did not find expected ',' or ']'",
            _ => "did not find expected ',' or '}'",
        };
        let token = self.scanner.peek()?;
        let mark = token.start;
        match &token.kind {
            kind if kind == close => return Ok(Some(self.scanner.take()?.end)),
            TokenKind::FlowEntry if !first => {
                self.scanner.take()?;
            }
            TokenKind::StreamEnd | TokenKind::DocumentStart | TokenKind::DocumentEnd => {
                let in_go = if first { NO_CONTENT } else { missing };
                return Err(open.syntax("this bracket is never closed").parsed(token.lines_before(), in_go));
            }
            TokenKind::FlowEntry => {
                return Err(mark.syntax("there is nothing before this comma").parsed(token.lines_before(), NO_CONTENT));
            }
            _ if first => return Ok(None),
            _ => {
                return Err(mark
                    .syntax("a comma or the closing bracket is missing here")
                    .parsed(token.lines_before(), missing));
            }
        }
        let next = self.scanner.peek()?;
        if next.kind == *close { Ok(Some(self.scanner.take()?.end)) } else { Ok(None) }
    }

    /// Reads `key: value` inside brackets.
    fn flow_entry(&mut self, map: NodeId, close: &TokenKind, depth: usize) -> Result<(), ParseError> {
        let Token { start, end, .. } = self.scanner.take()?;
        let question = (end > start.byte).then_some(start.byte);
        let next = &self.scanner.peek()?.kind;
        let keyless = *next == TokenKind::Value || *next == TokenKind::FlowEntry || next == close;
        if keyless && *close == TokenKind::FlowSequenceEnd {
            return Err(start.syntax("there is no key after this \"?\""));
        }
        let key = if keyless { self.empty(end, start)? } else { self.node(Context::Flow, depth + 1)? };
        let (colon, value) = if self.scanner.peek()?.kind == TokenKind::Value {
            let Token { start, end, .. } = self.scanner.take()?;
            let next = &self.scanner.peek()?.kind;
            let absent = *next == TokenKind::FlowEntry || next == close;
            (Some(start.byte), if absent { self.empty(end, start)? } else { self.node(Context::Flow, depth + 1)? })
        } else {
            (None, self.empty(self.behind(key), start)?)
        };
        self.push_entry(map, Entry { question, key, colon, value });
        Ok(())
    }

    /// The byte behind everything of a node.
    fn behind(&self, node: NodeId) -> usize {
        self.nodes[node.0].span.end
    }

    /// Adds a node where nothing is written.
    fn empty(&mut self, byte: usize, mark: Mark) -> Result<NodeId, ParseError> {
        self.empty_with(byte, Properties::default(), None, mark)
    }

    fn empty_with(
        &mut self,
        byte: usize,
        properties: Properties,
        anchor: Option<String>,
        mark: Mark,
    ) -> Result<NodeId, ParseError> {
        let kind = NodeKind::Scalar { style: ScalarStyle::Plain, text: String::new() };
        self.add(kind, Span::empty(byte), properties, anchor, mark)
    }

    fn add(
        &mut self,
        kind: NodeKind,
        span: Span,
        properties: Properties,
        anchor: Option<String>,
        mark: Mark,
    ) -> Result<NodeId, ParseError> {
        if self.nodes_before + self.nodes.len() >= MAX_NODES {
            return Err(mark.error(Problem::TooManyNodes));
        }
        let id = NodeId(self.nodes.len());
        if let Some(name) = anchor {
            self.anchors.insert(name, id);
        }
        let properties = (properties != Properties::default()).then(|| Box::new(properties));
        self.nodes.push(Node { kind, span, properties });
        Ok(id)
    }

    fn push_item(&mut self, list: NodeId, item: Item) {
        if let NodeKind::Sequence { items, .. } = &mut self.nodes[list.0].kind {
            items.push(item);
        }
    }

    fn push_entry(&mut self, map: NodeId, entry: Entry) {
        let end = self.behind(entry.value);
        if let NodeKind::Mapping { entries, .. } = &mut self.nodes[map.0].kind {
            entries.push(entry);
        }
        self.end_at(map, end);
    }

    fn end_at(&mut self, node: NodeId, end: usize) {
        self.nodes[node.0].span.end = end;
    }

    /// The byte after the line break of the line that holds a byte.
    fn line_end(&self, byte: usize) -> usize {
        let rest = &self.text[byte..];
        let Some(at) = rest.find(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) else { return self.text.len() };
        let width =
            if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(0, char::len_utf8) };
        byte + at + width
    }
}

impl Token {
    /// Tells whether this begins a document.
    fn is_document_prefix(&self) -> bool {
        matches!(self.kind, TokenKind::Version { .. } | TokenKind::TagDirective { .. } | TokenKind::DocumentStart)
    }
}

/// What go-yaml says where a value is expected.
const NO_CONTENT: &str = "did not find expected node content";

fn empty_document(begin: usize) -> Document {
    Document {
        span: Span::empty(begin),
        start_marker: None,
        end_marker: None,
        root: None,
        nodes: Vec::new(),
        comments: Vec::new(),
    }
}

fn behind_the_end(kind: &TokenKind) -> &'static str {
    match kind {
        TokenKind::FlowSequenceEnd | TokenKind::FlowMappingEnd => "this closing bracket has no opening one",
        _ => {
            "the document's value has ended above; quote it as a whole, indent this line, or begin a document with \"---\""
        }
    }
}

fn unexpected(kind: &TokenKind) -> &'static str {
    match kind {
        TokenKind::FlowSequenceEnd | TokenKind::FlowMappingEnd => "this closing bracket has no opening one",
        TokenKind::FlowEntry => "a comma cannot begin a value; quote it",
        TokenKind::BlockEntry => "a list item cannot begin here; put its \"-\" on a line of its own",
        TokenKind::Value => "there is no key before this \":\"",
        TokenKind::DocumentStart | TokenKind::DocumentEnd | TokenKind::StreamEnd => {
            "the document ends where a value is expected"
        }
        TokenKind::Anchor(_) | TokenKind::Tag { .. } | TokenKind::Alias(_) => {
            "an anchor, tag or alias cannot stand here"
        }
        _ => "a value is expected here",
    }
}
