//! Directives and tags: the lines and words that name types.

use super::{
    ParseError,
    cursor::Mark,
    scan::{Scanner, TokenKind, hex},
};

impl<'t> Scanner<'t> {
    /// Reads a `%YAML` or `%TAG` line.
    pub(super) fn fetch_directive(&mut self) -> Result<(), ParseError> {
        self.unroll(-1);
        self.forget_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip();
        let word = self.scan_word();
        let kind = match word {
            "YAML" if self.cursor.is_space_at(0) => self.scan_version(start)?,
            "TAG" if self.cursor.is_space_at(0) => self.scan_tag_directive(start)?,
            _ => {
                let words =
                    "only %YAML and %TAG may follow a \"%\" at the start of a line; quote the text if none is meant";
                let in_go = match word {
                    "" => "could not find expected directive name",
                    _ if self.cursor.is_space_at(0) => "found unknown directive name",
                    _ => "found unexpected non-alphabetical character",
                };
                return Err(start.syntax(words).scanned(self.cursor.mark, in_go));
            }
        };
        let end = self.cursor.mark.byte;
        self.cursor.skip_blanks();
        self.skip_comment();
        if !self.cursor.is_break_or_end() {
            return Err(self
                .cursor
                .mark
                .syntax("nothing but a comment may follow a directive")
                .scanned(self.cursor.mark, "did not find expected comment or line break"));
        }
        if self.cursor.is_break() {
            self.cursor.skip_break();
        }
        self.push(kind, start, end);
        Ok(())
    }

    fn scan_version(&mut self, start: Mark) -> Result<TokenKind, ParseError> {
        self.cursor.skip_blanks();
        let major = self.scan_version_number(start)?;
        if self.cursor.peek() != b'.' {
            return Err(start.syntax("a version is written \"%YAML 1.1\""));
        }
        self.cursor.skip();
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::Version { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, ParseError> {
        let from = self.cursor.mark.byte;
        while self.cursor.peek().is_ascii_digit() {
            self.cursor.skip();
        }
        let digits = self.cursor.since(from);
        let short = digits.len() <= 2;
        digits.parse().ok().filter(|_| short).ok_or_else(|| start.syntax("a version is written \"%YAML 1.1\""))
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<TokenKind, ParseError> {
        let wrong = || start.syntax("a tag directive is written \"%TAG !name! prefix\"");
        self.cursor.skip_blanks();
        let handle = self.scan_tag_handle().ok_or_else(wrong)?;
        if handle != "!" && (handle.len() < 2 || !handle.ends_with('!')) || !self.cursor.is_blank() {
            return Err(wrong());
        }
        self.cursor.skip_blanks();
        let prefix = self.scan_tag_uri(start)?;
        if prefix.is_empty() || !self.cursor.is_space_at(0) {
            return Err(wrong());
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }

    /// Reads `!<uri>`, `!handle!suffix`, `!suffix` or `!`; the last has an empty handle, as has the first.
    pub(super) fn scan_tag(&mut self) -> Result<(String, String), ParseError> {
        let start = self.cursor.mark;
        let (handle, suffix) = if self.cursor.at(1) == b'<' {
            self.cursor.skip();
            self.cursor.skip();
            let uri = self.scan_tag_uri(start)?;
            if uri.is_empty() || self.cursor.peek() != b'>' {
                return Err(start
                    .syntax("a tag is written \"!<uri>\", with its \">\"")
                    .scanned(self.cursor.mark, "did not find the expected '>'"));
            }
            self.cursor.skip();
            (String::new(), uri)
        } else {
            let handle = self.scan_tag_handle().ok_or_else(|| start.syntax("a tag begins with \"!\""))?;
            let rest = self.scan_tag_uri(start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                if rest.is_empty() {
                    return Err(start
                        .syntax("a tag's handle needs a name behind it, as in \"!!str\"")
                        .scanned(self.cursor.mark, "did not find expected tag URI"));
                }
                (handle, rest)
            } else {
                let suffix = format!("{}{rest}", &handle[1..]);
                if suffix.is_empty() { (suffix, handle) } else { ("!".to_owned(), suffix) }
            }
        };
        if !self.cursor.is_space_at(0) {
            return Err(start
                .syntax("a tag must be followed by a space or a line break; quote the text if none is meant")
                .scanned(self.cursor.mark, "did not find expected whitespace or line break"));
        }
        Ok((handle, suffix))
    }

    /// Reads `!`, letters, digits, `-` and `_`, and a second `!` where there is one.
    fn scan_tag_handle(&mut self) -> Option<String> {
        let from = self.cursor.mark.byte;
        if self.cursor.peek() != b'!' {
            return None;
        }
        self.cursor.skip();
        self.scan_word();
        if self.cursor.peek() == b'!' {
            self.cursor.skip();
        }
        Some(self.cursor.since(from).to_owned())
    }

    /// Reads the characters of a URI and undoes its `%` escapes.
    fn scan_tag_uri(&mut self, start: Mark) -> Result<String, ParseError> {
        let mut uri = Vec::new();
        while is_uri(self.cursor.peek()) {
            let byte = self.cursor.peek();
            if byte == b'%' {
                let octet = hex(self.cursor.at(1)).zip(hex(self.cursor.at(2))).map(|(high, low)| high * 16 + low);
                uri.push(octet.ok_or_else(|| {
                    start
                        .syntax("a \"%\" in a tag must be followed by two hex digits")
                        .scanned(self.cursor.mark, "did not find URI escaped octet")
                })? as u8);
                self.cursor.skip();
                self.cursor.skip();
            } else {
                uri.push(byte);
            }
            self.cursor.skip();
        }
        String::from_utf8(uri).map_err(|_| start.syntax("the escapes of a tag must spell UTF-8"))
    }

    /// Reads letters, digits, `-` and `_`.
    pub(super) fn scan_word(&mut self) -> &'t str {
        let from = self.cursor.mark.byte;
        while self.cursor.peek().is_ascii_alphanumeric() || matches!(self.cursor.peek(), b'_' | b'-') {
            self.cursor.skip();
        }
        self.cursor.since(from)
    }
}

fn is_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]%".contains(&byte)
}
