//! Keys and values of a generator's sources, with their origins.

use std::ops::Range;

use super::{Arguments, environment};
use crate::{
    engine::kustomize::{
        context::Context,
        folder::Folder,
        leaf::{Leaf, SourceId},
        problem::Problem,
    },
    source::{
        lineage::text::{MadeOf, Text},
        span::Span,
    },
};

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The key.
    pub key: Text,
    /// The value, which may be any bytes.
    pub value: Text,
}

/// The pairs of all sources: environment files, literals, files.
///
/// # Errors
/// Where Kustomize refuses one, or a file is out of reach.
pub fn of(arguments: &Arguments, folder: &Folder, context: &mut Context<'_>) -> Result<Vec<Pair>, Problem> {
    let mut pairs = Vec::new();
    let during = |kind: &str, sources: &[Text], problem: Problem| {
        let sources: Vec<_> = sources.iter().map(Text::lossy).collect();
        problem.during(format_args!("loading KV pairs: {kind} [{}]", sources.join(" ")))
    };
    for path in &arguments.envs {
        let found =
            file(path, folder, context).and_then(|(source, content)| environment::pairs(&content, source, context));
        pairs.extend(found.map_err(|problem| during("env source files:", &arguments.envs, problem))?);
    }
    for source in &arguments.literals {
        let found = literal(source).map_err(|problem| during("literal sources", &arguments.literals, problem))?;
        pairs.push(found);
    }
    for source in &arguments.files {
        let found = whole_file(source, folder, context);
        pairs.push(found.map_err(|problem| during("file sources:", &arguments.files, problem))?);
    }
    context.spend(pairs.len())?;
    Ok(pairs)
}

/// `key=value`, split at the first `=`, without one pair of quotes around the value.
fn literal(source: &Text) -> Result<Pair, Problem> {
    let bytes = source.bytes();
    let equals = bytes
        .iter()
        .position(|byte| *byte == b'=')
        .filter(|at| *at > 0)
        .ok_or_else(|| Problem::broken(format!("invalid literal source {}, expected key=value", source.lossy())))?;
    let (start, end) = (equals + 1, bytes.len());
    let quoted = end - start >= 2 && matches!(bytes[start], b'"' | b'\'') && bytes[start] == bytes[end - 1];
    let value = if quoted { start + 1..end - 1 } else { start..end };
    Ok(Pair { key: source.slice(0..equals), value: cut(source, value) })
}

/// `path` or `key=path`: a key is the path's last part where none is given.
fn whole_file(source: &Text, folder: &Folder, context: &mut Context<'_>) -> Result<Pair, Problem> {
    let shown = source.lossy();
    let key_and_path = match shown.bytes().filter(|byte| *byte == b'=').count() {
        0 => None,
        1 => shown.find('='),
        _ => return Err(Problem::broken(format!("source {shown:?} key name or file path contains '='"))),
    };
    let (key, path) = match key_and_path {
        None => (base(source), source.clone()),
        Some(0) => {
            let path = &shown[1..];
            return Err(Problem::broken(format!("missing key name for file path {path:?} in source {shown:?}")));
        }
        Some(at) if at + 1 == shown.len() => {
            let key = &shown[..at];
            return Err(Problem::broken(format!("missing file path for key name {key:?} in source {shown:?}")));
        }
        Some(at) => (source.slice(0..at), source.slice(at + 1..source.len())),
    };
    let (source, content) = file(&path, folder, context)?;
    let value = bytes(&content, 0..content.len(), source, context);
    Ok(Pair { key, value })
}

/// The last part of a path (Go's `path.Base`).
fn base(path: &Text) -> Text {
    let bytes = path.bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    if end == 0 {
        return Text::plain(if bytes.is_empty() { "." } else { "/" });
    }
    let start = bytes[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    path.slice(start..end)
}

fn file(path: &Text, folder: &Folder, context: &mut Context<'_>) -> Result<(SourceId, std::sync::Arc<[u8]>), Problem> {
    let source = folder.file(&path.lossy(), context)?;
    Ok((source, context.sources.get(source).content.clone()))
}

/// A part of a file, which is its own origin.
pub fn bytes(content: &[u8], range: Range<usize>, source: SourceId, context: &mut Context<'_>) -> Text {
    let span = Span::new(range.start, range.end);
    let leaf = context.sets.leaf(Leaf::Bytes { source, span });
    Text::verbatim(&content[range], leaf)
}

/// A part of a text; where it is empty, the place in the text at which something would stand.
fn cut(text: &Text, range: Range<usize>) -> Text {
    if !range.is_empty() || range.start == 0 {
        return text.slice(range);
    }
    let before = text.slices(range.start - 1..range.start).find(|slice| !slice.range.is_empty());
    match before.map(|slice| slice.made_of) {
        Some(MadeOf::Verbatim { leaf, offset }) => Text::new(b"", MadeOf::Verbatim { leaf, offset: offset + 1 }),
        Some(derived) => Text::new(b"", derived),
        None => Text::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_loses_one_pair_of_quotes() {
        let cases = [
            ("a=b", Some(("a", "b"))),
            ("a==b", Some(("a", "=b"))),
            ("a=\"x y\"", Some(("a", "x y"))),
            ("a='x'", Some(("a", "x"))),
            ("a='x\"", Some(("a", "'x\""))),
            ("a=\"\"x\"\"", Some(("a", "\"x\""))),
            ("a=\"", Some(("a", "\""))),
            ("a=", Some(("a", ""))),
            ("a=\"\"", Some(("a", ""))),
            ("a b = c ", Some(("a b ", " c "))),
            ("a", None),
            ("=a", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let pair = literal(&Text::plain(text)).ok();
            let pair = pair.as_ref().map(|pair| (pair.key.as_str().expect("text"), pair.value.as_str().expect("text")));
            assert_eq!(pair, expected, "{text}");
        }
    }

    #[test]
    fn an_empty_value_knows_where_it_would_stand() {
        let mut sets = crate::source::lineage::sets::Sets::<u8>::default();
        let leaf = sets.leaf(1);
        let pair = literal(&Text::verbatim(b"key=''", leaf)).expect("a literal");
        let made_of: Vec<_> = pair.value.pieces().iter().map(|piece| piece.made_of).collect();
        assert_eq!(made_of, [MadeOf::Verbatim { leaf, offset: 5 }]);
    }

    #[test]
    fn a_path_s_last_part_is_its_base() {
        for (path, expected) in [("a/b.txt", "b.txt"), ("a/b/", "b"), ("", "."), ("//", "/"), ("x", "x"), ("./x", "x")]
        {
            assert_eq!(base(&Text::plain(path)).as_str(), Some(expected), "{path}");
        }
    }
}
