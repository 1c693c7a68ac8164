//! Ways to a field as Kustomize writes them: keys with a separator between.
//!
//! Reference: `kyaml/utils/pathsplitter.go` of Kustomize 5.5.0.

/// The parts of a path between separators, none of them behind a backslash (`PathSplitter`). A leading separator counts for
/// nothing.
pub fn split(path: &str, separator: char) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split(separator) {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(separator);
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    parts
}

/// The parts of a path between dots, none of them in brackets or behind a backslash (`SmarterPathSplitter`). Brackets stay
/// around what selects an item, `[name=x]`, and go from around a key, `[a.b]`.
pub fn split_around_brackets(path: &str) -> Vec<String> {
    let mut result = Vec::new();
    let mut parts = split(path, '.').into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut bracketed = part;
        for part in parts.by_ref() {
            bracketed.push('.');
            bracketed.push_str(&part);
            if part.ends_with(']') {
                break;
            }
        }
        let is_selector = bracketed.contains('=');
        result.push(if is_selector { bracketed } else { bracketed.trim_matches(['[', ']']).to_owned() });
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_splits_at_slashes_that_are_not_escaped() {
        let cases: [(&str, &[&str]); 6] = [
            ("", &[""]),
            ("spec/replicas", &["spec", "replicas"]),
            ("/spec", &["spec"]),
            (r"metadata/annotations/a.b\/c", &["metadata", "annotations", "a.b/c"]),
            ("spec/containers[]/image", &["spec", "containers[]", "image"]),
            ("a//b", &["a", "", "b"]),
        ];
        for (path, keys) in cases {
            assert_eq!(split(path, '/'), keys, "{path}");
        }
    }

    #[test]
    fn points_in_brackets_and_behind_backslashes_do_not_split() {
        let cases: [(&str, &[&str]); 8] = [
            ("spec.replicas", &["spec", "replicas"]),
            (".spec", &["spec"]),
            ("", &[""]),
            (r"metadata.annotations.a\.b/c", &["metadata", "annotations", "a.b/c"]),
            ("metadata.annotations.[a.b/c].d", &["metadata", "annotations", "a.b/c", "d"]),
            ("c.[name=a.b].image", &["c", "[name=a.b]", "image"]),
            ("c.[=x].*", &["c", "[=x]", "*"]),
            ("c.[a", &["c", "a"]),
        ];
        for (path, parts) in cases {
            assert_eq!(split_around_brackets(path), parts, "{path}");
        }
    }
}
