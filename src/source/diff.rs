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
    let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
    let (above, below) = unchanged(old, new);
    let skipped = old[..above].matches('\n').count();
    let (old, new) = (lines(&old[above..old.len() - below]), lines(&new[above..new.len() - below]));
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
            0 => format!("{},0", skipped + start),
            1 => format!("{}", skipped + start + 1),
            count => format!("{},{count}", skipped + start + 1),
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

/// How many bytes at the beginning and at the end of two texts are whole lines that both share and no hunk shows: most
/// files are long and most edits short.
fn unchanged(old: &str, new: &str) -> (usize, usize) {
    let same = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let above = old[..old.floor_char_boundary(same)].rmatch_indices('\n').nth(CONTEXT).map_or(0, |(at, _)| at + 1);
    let (old, new) = (&old[above..], &new[above..]);
    let same = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
    let tail = &old[old.ceil_char_boundary(old.len() - same)..];
    // The first line may be shared in part only.
    let below = tail.match_indices('\n').nth(CONTEXT).map_or(0, |(at, _)| tail.len() - at - 1);
    (above, below)
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
    fn what_is_left_out_around_a_change_is_counted() {
        let path: RepoPath = "a".parse().expect("a path");
        let text = |middle: &str| {
            (0..40).map(|n| if n == 20 { middle.to_owned() } else { format!("{n}\n") }).collect::<String>()
        };
        let hunk = |middle: &str| unified(&path, Some(&text("old\n")), Some(&text(middle)));
        let context = |first: usize| (first..first + 3).map(|n| format!(" {n}\n")).collect::<String>();
        let head = "--- a/a\n+++ b/a\n";
        let (above, below) = (context(17), context(21));
        assert_eq!(hunk("new\n"), format!("{head}@@ -18,7 +18,7 @@\n{above}-old\n+new\n{below}"));
        assert_eq!(hunk(""), format!("{head}@@ -18,7 +18,6 @@\n{above}-old\n{below}"));
        // Repeated lines: what is shared above is not shared below as well.
        let repeated = |count: usize| "x\n".repeat(count);
        let grown = unified(&path, Some(&repeated(20)), Some(&repeated(21)));
        assert!(grown.contains("\n+x\n") && !grown.contains("\n-"), "{grown}");
    }

    #[test]
    fn odd_paths_are_quoted_as_git_quotes_them() {
        assert_eq!(quoted("a/ä\"b"), "\"a/\\303\\244\\\"b\"");
    }
}
