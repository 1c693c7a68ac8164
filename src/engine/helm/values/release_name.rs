//! What a release may be called.

/// The longest name.
pub const MAX: usize = 53;

/// `ValidateReleaseName`: parts between dots of lower case letters, digits and inner dashes.
pub fn is_valid(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part =
        |part: &str| part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || c == '-');
    name.len() <= MAX && name.split('.').all(part)
}
