//! What holds for every tree: where nodes lie, what their bytes are, and that pointers find what values came from.

use serde_json::Value;
use sourceward::{
    model::{pointer::Pointer, value::same},
    source::{
        span::Span,
        yaml::{
            parse::parse,
            resolve::{Reader, Via, find, value},
            tree::{CollectionStyle, Document, NodeId, NodeKind, ScalarStyle},
        },
    },
};

/// Checks a text that parses; one that does not is none of this function's business.
pub(crate) fn check(text: &str) {
    let Ok(stream) = parse(text) else { return };
    let mut at = 0;
    for document in &stream.documents {
        assert_eq!(document.span.start, at, "documents tile {text:?}");
        at = document.span.end;
        let marker = |span: Option<Span>| span.map(|span| &text[span.range()]);
        assert!(marker(document.start_marker).is_none_or(|marker| marker == "---"), "{text:?}");
        assert!(marker(document.end_marker).is_none_or(|marker| marker == "..."), "{text:?}");
        check_comments(text, document);
        if let Some(root) = document.root {
            let mut seen = 0;
            check_node(text, document, root, document.span, &mut seen);
            assert_eq!(seen, document.nodes.len(), "every node of {text:?} is in the tree once");
            for reader in [Reader::Manifest, Reader::Helm, Reader::Kustomize] {
                check_pointers(text, document, root, reader);
            }
        }
    }
    assert_eq!(at, text.len(), "documents tile {text:?}");
}

fn check_comments(text: &str, document: &Document) {
    let mut behind = document.span.start;
    for comment in &document.comments {
        let written = &text[comment.range()];
        assert!(written.starts_with('#') && !written.contains(['\n', '\r']), "{written:?} in {text:?}");
        assert!(behind <= comment.start && comment.end <= document.span.end, "comments of {text:?} are in order");
        behind = comment.end;
        let inside = |node: &sourceward::source::yaml::tree::Node| {
            let (leaf, header) = match node.kind {
                NodeKind::Scalar { style, .. } => (true, matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)),
                _ => (false, false),
            };
            leaf && !header && node.span.start < comment.end && comment.start < node.span.end
        };
        assert!(!document.nodes.iter().any(inside), "no comment of {text:?} is inside of a scalar");
    }
}

/// The bytes of a node with its anchor and tag.
fn whole(document: &Document, id: NodeId) -> Span {
    let node = document.node(id);
    let start = [node.anchor(), node.tag()].into_iter().flatten().map(|span| span.start).min();
    Span::new(start.unwrap_or(node.span.start).min(node.span.start), node.span.end)
}

fn check_node(text: &str, document: &Document, id: NodeId, around: Span, seen: &mut usize) {
    *seen += 1;
    let node = document.node(id);
    let span = whole(document, id);
    let written = &text[node.span.range()];
    assert!(around.start <= span.start && span.end <= around.end, "{written:?} of {text:?} is inside of its parent");
    assert!(node.anchor().is_none_or(|anchor| text[anchor.range()].starts_with('&') && anchor.end <= node.span.start));
    assert!(node.tag().is_none_or(|tag| text[tag.range()].starts_with('!') && tag.end <= node.span.start));
    let last = match &node.kind {
        NodeKind::Alias { name, target } => {
            assert_eq!(written, format!("*{name}"));
            assert!(target.0 < id.0, "an alias of {text:?} stands for a node before it");
            None
        }
        NodeKind::Scalar { style, text: read } => {
            check_scalar(text, written, *style, read);
            None
        }
        NodeKind::Sequence { style, items } => {
            let mut behind = node.span.start;
            for item in items {
                let child = whole(document, item.node);
                match (style, item.dash) {
                    (CollectionStyle::Block, Some(dash)) => {
                        assert_eq!(&text[dash..dash + 1], "-");
                        assert!(behind <= dash && dash < child.start, "items of {text:?} are in order");
                    }
                    (CollectionStyle::Flow, None) => assert!(behind <= child.start, "items of {text:?} are in order"),
                    _ => panic!("a dash of {text:?} is wrong"),
                }
                behind = child.end;
                check_node(text, document, item.node, node.span, seen);
            }
            match style {
                CollectionStyle::Flow => assert!(written.starts_with('[') && written.ends_with(']'), "{written:?}"),
                CollectionStyle::Block => assert!(written.starts_with('-'), "{written:?}"),
            }
            items.last().filter(|_| *style == CollectionStyle::Block).map(|item| item.node)
        }
        NodeKind::Mapping { style, entries } => {
            let mut behind = node.span.start;
            for entry in entries {
                let (key, value) = (whole(document, entry.key), whole(document, entry.value));
                if let Some(question) = entry.question {
                    assert_eq!(&text[question..question + 1], "?");
                    assert!(behind <= question && question < key.start, "entries of {text:?} are in order");
                }
                assert!(behind <= key.start, "entries of {text:?} are in order");
                match entry.colon {
                    Some(colon) => {
                        assert_eq!(&text[colon..colon + 1], ":");
                        assert!(key.end <= colon && colon < value.start, "entries of {text:?} are in order");
                    }
                    None => assert!(value.is_empty() && value.start == key.end, "{written:?} of {text:?}"),
                }
                behind = value.end;
                check_node(text, document, entry.key, node.span, seen);
                check_node(text, document, entry.value, node.span, seen);
            }
            assert!(!entries.is_empty() || written.starts_with('{'), "{written:?}");
            let braces = written.starts_with('{') && written.ends_with('}');
            let pair = *style == CollectionStyle::Flow && !braces;
            assert!(!pair || entries.len() == 1, "{written:?} of {text:?} is a pair in a list");
            entries.last().filter(|_| pair || *style == CollectionStyle::Block).map(|entry| entry.value)
        }
    };
    if let Some(last) = last {
        assert_eq!(node.span.end, whole(document, last).end, "{written:?} of {text:?} ends with its last child");
    }
}

fn check_scalar(text: &str, written: &str, style: ScalarStyle, read: &str) {
    const BREAKS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    match style {
        ScalarStyle::Plain if written.contains(BREAKS) => {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(written), words(read), "{text:?}");
        }
        ScalarStyle::Plain => assert_eq!(written, read, "{text:?}"),
        ScalarStyle::SingleQuoted => {
            assert!(
                written.len() > 1 && written.starts_with('\'') && written.ends_with('\''),
                "{written:?} of {text:?}"
            );
        }
        ScalarStyle::DoubleQuoted => {
            assert!(written.len() > 1 && written.starts_with('"') && written.ends_with('"'), "{written:?} of {text:?}");
        }
        ScalarStyle::Literal | ScalarStyle::Folded => {
            assert!(
                written.starts_with(if style == ScalarStyle::Literal { '|' } else { '>' }),
                "{written:?} of {text:?}"
            );
            let last_word = read.split_whitespace().last().unwrap_or("");
            assert!(written.trim_end().ends_with(last_word), "{written:?} of {text:?} ends with its last line");
        }
    }
}

/// Each pointer into the value finds the node that it came from.
fn check_pointers(text: &str, document: &Document, root: NodeId, reader: Reader) {
    let Ok(all) = value(document, root, reader) else { return };
    let mut todo = vec![(Pointer::root(), &all)];
    while let Some((pointer, expected)) = todo.pop() {
        let found = find(document, &pointer, reader).unwrap_or_else(|| panic!("{pointer} of {text:?} for {reader:?}"));
        assert!(!matches!(document.node(found.node).kind, NodeKind::Alias { .. }), "{pointer} of {text:?}");
        let again = value(document, found.node, reader);
        // Kustomize reads nothing as "" in brackets, and an alias may lead into brackets or out of them.
        let bracketed = reader == Reader::Kustomize && !found.via.is_empty();
        assert!(bracketed || again.is_ok_and(|again| same(&again, expected)), "{pointer} of {text:?} for {reader:?}");
        for via in &found.via {
            let (Via::Alias(id) | Via::Merge(id)) = via;
            assert!(matches!(via, Via::Merge(_)) || matches!(document.node(*id).kind, NodeKind::Alias { .. }));
        }
        match expected {
            Value::Array(items) => {
                todo.extend(items.iter().enumerate().map(|(at, item)| (pointer.join(at.to_string()), item)))
            }
            Value::Object(map) => todo.extend(map.iter().map(|(key, value)| (pointer.join(key), value))),
            _ => {}
        }
    }
}
