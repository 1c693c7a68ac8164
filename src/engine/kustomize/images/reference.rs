//! Name, tag and digest of an image.

use std::ops::Range;

/// The parts of an image's text; a part that is not there is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name, with the registry.
    pub name: Range<usize>,
    /// The tag, without its colon.
    pub tag: Range<usize>,
    /// The digest, without its `@`.
    pub digest: Range<usize>,
}

impl Reference {
    /// Takes an image's text apart as Kustomize does (`image.Split`): what stands before the first slash may be a registry
    /// with a port.
    pub fn of(image: &str) -> Self {
        let from = image.find('/').unwrap_or(0);
        let end = image.len();
        let find = |sign: char| image[from..].find(sign).map(|at| at + from);
        match (find(':'), find('@')) {
            (None, None) => Self { name: 0..end, tag: end..end, digest: end..end },
            (colon, Some(at)) if colon.is_none_or(|colon| at < colon) => {
                Self { name: 0..at, tag: at..at, digest: at + 1..end }
            }
            (Some(colon), Some(at)) => Self { name: 0..colon, tag: colon + 1..at, digest: at + 1..end },
            (Some(colon), None) => Self { name: 0..colon, tag: colon + 1..end, digest: end..end },
            // The case before the last one takes every digest without a tag.
            (None, Some(at)) => Self { name: 0..at, tag: at..at, digest: at + 1..end },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_name_a_tag_and_a_digest() {
        let cases = [
            ("nginx", ("nginx", "", "")),
            ("nginx:1.0", ("nginx", "1.0", "")),
            ("reg:5000/x/y@sha256:aa", ("reg:5000/x/y", "", "sha256:aa")),
            ("reg:5000/x/y:1@sha256:aa", ("reg:5000/x/y", "1", "sha256:aa")),
            ("reg:5000/x", ("reg:5000/x", "", "")),
            ("/x:1", ("/x", "1", "")),
            ("x@sha256:a:b", ("x", "", "sha256:a:b")),
            ("", ("", "", "")),
        ];
        for (image, expected) in cases {
            let Reference { name, tag, digest } = Reference::of(image);
            assert_eq!((&image[name], &image[tag], &image[digest]), expected, "{image}");
        }
    }
}
