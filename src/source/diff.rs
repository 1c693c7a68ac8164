//! Unified diffs that `git apply` takes, byte for byte.

use std::fmt::Write;

use similar::{Algorithm, TextDiff};

use super::path::RepoPath;

/// Lines of unchanged text around a change.
const CONTEXT: usize = 3;

/// The diff of one file; a side that is absent does not exist. Empty where nothing changed.
///
/// Lines end at `\n` alone, as git sees them: a `\r` before it is part of the line. Paths with characters that git quotes
/// are quoted as git does (`core.quotePath`).
pub fn unified(path: &RepoPath, before: Option<&str>, after: Option<&str>) -> String {
    if before == after {
        return String::new();
    }
    let (old, new) = (lines(before.unwrap_or_default()), lines(after.unwrap_or_default()));
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_slices(&old, &new);
    let mut out = String::new();
    let side =
        |prefix: &str, exists: bool| if exists { quoted(&format!("{prefix}/{path}")) } else { "/dev/null".to_owned() };
    if before.is_none() || after.is_none() {
        let _ = writeln!(out, "diff --git {} {}", quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
        let _ = writeln!(out, "{} file mode 100644", if before.is_none() { "new" } else { "deleted" });
    }
    let _ = writeln!(out, "--- {}\n+++ {}", side("a", before.is_some()), side("b", after.is_some()));
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let range = |start: usize, end: usize| match end - start {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            count => format!("{},{count}", start + 1),
        };
        let removed = range(first.old_range().start, last.old_range().end);
        let added = range(first.new_range().start, last.new_range().end);
        let _ = writeln!(out, "@@ -{removed} +{added} @@");
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let _ = write!(out, "{}{}", change.tag(), change.value());
            if !change.value().ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// A path as git's headers write it: in C quotes where it holds quotes, backslashes, control or non-ASCII bytes.
fn quoted(path: &str) -> String {
    if path.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        return path.to_owned();
    }
    let mut out = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', byte as char]),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b' '..=b'~' => out.push(byte as char),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: Option<&str>, after: Option<&str>, expected: &str) {
        assert_eq!(unified(&"a/b.yaml".parse().expect("a path"), before, after), expected);
    }

    #[test]
    fn diffs_read_as_git_writes_them() {
        check(Some("a\n"), Some("a\n"), "");
        check(
            Some("a\nb\nc\n"),
            Some("a\nB\nc\n"),
            "--- a/a/b.yaml\n+++ b/a/b.yaml\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
        );
        check(
            Some("a"),
            Some("b"),
            "--- a/a/b.yaml\n+++ b/a/b.yaml\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
        );
        check(Some("a\r\n"), Some("b\r\n"), "--- a/a/b.yaml\n+++ b/a/b.yaml\n@@ -1 +1 @@\n-a\r\n+b\r\n");
        check(
            None,
            Some("x\n"),
            "diff --git a/a/b.yaml b/a/b.yaml\nnew file mode 100644\n--- /dev/null\n+++ b/a/b.yaml\n@@ -0,0 +1 @@\n+x\n",
        );
    }

    #[test]
    fn odd_paths_are_quoted_as_git_quotes_them() {
        assert_eq!(quoted("a/ä\"b"), "\"a/\\303\\244\\\"b\"");
    }
}
