//! Foreign text in a URI: what it says must not change where the URI leads.

/// A text as one segment of a path, or as a value of a query: all but RFC 3986's unreserved characters is escaped.
pub fn encoded(text: &str) -> String {
    escaped(text, b"")
}

/// A path as a relative reference: its slashes stay.
pub fn path(text: &str) -> String {
    escaped(text, b"/")
}

fn escaped(text: &str, kept: &[u8]) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if kept.contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_stay_one_segment() {
        assert_eq!(encoded("shop-1.x_y~z"), "shop-1.x_y~z");
        assert_eq!(encoded("../a?b=c&d#e f%é"), "..%2Fa%3Fb%3Dc%26d%23e%20f%25%C3%A9");
        assert_eq!(path("charts/web app/a#b.yaml"), "charts/web%20app/a%23b.yaml");
    }
}
