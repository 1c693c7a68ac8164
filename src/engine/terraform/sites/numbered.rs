//! Whether something reads the blocks of a resource by their numbers: `access_config.0.nat_ip`.
//!
//! A block that is gone shows in no plan of what read it, as its provider may know of more blocks than are written, but
//! Terraform may stop there.

use super::Built;
use crate::{
    engine::terraform::{leaf::Leaf, value::Value},
    source::path::RepoPath,
};

/// The file and line that may read the block of a type with this number or a later one, which is another one or none once the
/// block is gone. What is read through a name in between counts as well.
pub(super) fn reader<'b>(built: Built<'b>, block: &Leaf, kind: &str, from: usize) -> Option<(&'b RepoPath, usize)> {
    let names = built.whole.names(block.path);
    let ["resource", ty, name, ..] = &names[..] else { return None };
    let resource = format!("{ty}.{name}");
    let files = || built.whole.texts();
    if !files().any(|(_, text)| text.contains(&resource)) {
        return None;
    }
    files().find_map(|(path, text)| {
        let at = text.match_indices(kind).map(|(at, _)| at).find(|at| {
            let is_name = text[..*at].ends_with('.');
            is_name && number(&text[at + kind.len()..]).is_some_and(|number| number.is_none_or(|number| number >= from))
        })?;
        Some((path, text[..at].matches('\n').count() + 1))
    })
}

/// The number behind a name, if one is there: nothing is known of one that is worked out.
fn number(rest: &str) -> Option<Option<usize>> {
    let digits =
        |text: &str| text[..text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len()].parse().ok();
    match rest.as_bytes() {
        [b'.', b'0'..=b'9', ..] => Some(digits(&rest[1..])),
        [b'[', b'*', ..] => None,
        [b'[', ..] => Some(digits(rest[1..].trim_start())),
        _ => None,
    }
}

/// The block that an element of a resource is.
pub(super) fn block_of(built: Built<'_>, element: &Value) -> Option<Leaf> {
    built.whole.leaves(element.flow().data).into_iter().find(|leaf| leaf.says == super::Says::Block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behind_names_are_read() {
        let cases = [
            (".0.nat_ip", Some(Some(0))),
            ("[12]", Some(Some(12))),
            ("[ 1 ]", Some(Some(1))),
            ("[count.index]", Some(None)),
            ("[*].name", None),
            (".*.name", None),
            (".name", None),
            ("s[0]", None),
            (" {", None),
            ("", None),
        ];
        for (rest, expected) in cases {
            assert_eq!(number(rest), expected, "{rest}");
        }
    }
}
