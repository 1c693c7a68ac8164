//! Environment files: a variable a line.
//!
//! Reference: `api/kv/kv.go` of Kustomize 5.5.0, and the `bufio.Scanner` that it reads lines with.

use super::pairs::{Pair, bytes};
use crate::engine::kustomize::{context::Context, leaf::SourceId, problem::Problem};

/// Go's scanner reads lines up to this many bytes. Kustomize does not ask it whether it got to the end: what follows a longer
/// one is not there.
const MAX_LINE: usize = 64 * 1024;

/// The variables of a file, each with the bytes that say its name and its value.
///
/// # Errors
/// Where a line is not UTF-8.
pub fn pairs(content: &[u8], source: SourceId, context: &mut Context<'_>) -> Result<Vec<Pair>, Problem> {
    let mut pairs = Vec::new();
    let mut start = 0;
    let mut first = true;
    while let Some((end, next)) = line(content, start) {
        context.spend(1)?;
        let text = std::str::from_utf8(&content[start..end]).map_err(|_| {
            let shown = String::from_utf8_lossy(&content[start..end]).into_owned();
            Problem::broken(format!("line has invalid utf8 bytes : {shown}"))
        })?;
        let unmarked = if first { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let line = unmarked.trim_start();
        if !line.is_empty() && !line.starts_with('#') {
            let begin = end - line.len();
            let (key, value) = match line.find('=') {
                Some(at) => (begin..begin + at, begin + at + 1..end),
                None => (begin..end, end..end),
            };
            // A line without a name is taken for an empty one.
            if !key.is_empty() {
                let (key, value) = (bytes(content, key, source, context), bytes(content, value, source, context));
                pairs.push(Pair { key, value });
            }
        }
        first = false;
        start = next;
    }
    Ok(pairs)
}

/// The end of a line and the start of the next one; nothing where the scanner stops.
fn line(content: &[u8], start: usize) -> Option<(usize, usize)> {
    let rest = &content[start..];
    let window = &rest[..rest.len().min(MAX_LINE)];
    let (length, next) = match window.iter().position(|byte| *byte == b'\n') {
        Some(length) => (length, length + 1),
        None if rest.is_empty() || rest.len() >= MAX_LINE => return None,
        None => (rest.len(), rest.len()),
    };
    let length = if rest[..length].ends_with(b"\r") { length - 1 } else { length };
    Some((start + length, start + next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::kustomize::sources::{Parsed, Sources},
        source::tree::MemoryTree,
    };

    fn read(content: &[u8]) -> Result<Vec<(String, String)>, String> {
        let (tree, parsed) = (MemoryTree::default(), Parsed::default());
        let mut context = Context::new(Sources::new(&tree, &parsed));
        let pairs = pairs(content, SourceId(0), &mut context).map_err(|problem| problem.message)?;
        Ok(pairs.iter().map(|pair| (pair.key.lossy().into_owned(), pair.value.lossy().into_owned())).collect())
    }

    #[test]
    fn lines_are_what_kubectl_takes_them_for() {
        let cases: [(&str, &[(&str, &str)]); 9] = [
            ("\u{feff}A=1\n", &[("A", "1")]),
            ("A=1\n\u{feff}B=2\n", &[("A", "1"), ("\u{feff}B", "2")]),
            ("=x\nA=1\n", &[("A", "1")]),
            ("A\nB\r\nC=\r\n", &[("A", ""), ("B", ""), ("C", "")]),
            (" \t# c\n\u{b}A=1\n\u{a0}B=2 \n", &[("A", "1"), ("B", "2 ")]),
            ("A=1\rB=2", &[("A", "1\rB=2")]),
            ("A=\"x y\"\nexport B=1", &[("A", "\"x y\""), ("export B", "1")]),
            ("A==1", &[("A", "=1")]),
            ("#\n\n", &[]),
        ];
        for (content, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            assert_eq!(read(content.as_bytes()), Ok(expected), "{content:?}");
        }
        assert!(read(b"A=\xff").is_err());
    }

    #[test]
    fn what_follows_a_line_of_64_kib_is_not_there() {
        let keys = |content: String| -> Vec<String> {
            read(content.as_bytes()).expect("reads").into_iter().map(|(key, _)| key).collect()
        };
        let long = |length: usize| "x".repeat(length);
        assert_eq!(keys(format!("C=1\nA={}\nB=2\n", long(65_533))), ["C", "A", "B"]);
        assert_eq!(keys(format!("C=1\nA={}\nB=2\n", long(65_534))), ["C"]);
        assert_eq!(keys(format!("A={}", long(65_533))), ["A"]);
        assert_eq!(keys(format!("A={}", long(65_534))), [""; 0]);
    }
}
