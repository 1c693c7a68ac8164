//! The characters of Go's strings, and how they stand between quotes: `utf8.DecodeRune`, `strconv.Quote`.

use super::{printable::is_printable, runes};

/// Which quotes, and whether only ASCII stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct Quotes {
    /// The quote.
    pub quote: char,
    /// Whether everything but ASCII is escaped.
    pub ascii: bool,
}

/// A character of a Go string, or a byte that is none, with the number of its bytes.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = (Result<char, u8>, usize)> + '_ {
    runes::runes(bytes).map(|(at, len, character)| match (character, len) {
        (runes::REPLACEMENT, 1) => (Err(bytes[at]), 1),
        _ => (Ok(character), len),
    })
}

/// Appends what stands for a character between quotes; says whether it stands for itself.
pub fn escape(rune: Result<char, u8>, quotes: Quotes, out: &mut Vec<u8>) -> bool {
    let character = match rune {
        Ok(character) => character,
        Err(byte) => {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            return false;
        }
    };
    let stays = if quotes.ascii { matches!(character, ' '..='~') } else { is_printable(character) };
    if character == quotes.quote || character == '\\' {
        out.push(b'\\');
        out.push(character as u8);
        return false;
    }
    if stays {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return true;
    }
    let escaped = match character {
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        '\0'..' ' | '\x7f' => format!("\\x{:02x}", u32::from(character)),
        '\u{80}'..='\u{ffff}' => format!("\\u{:04x}", u32::from(character)),
        _ => format!("\\U{:08x}", u32::from(character)),
    };
    out.extend_from_slice(escaped.as_bytes());
    false
}

/// A text as `%q` prints it.
pub fn quoted(bytes: impl AsRef<[u8]>) -> String {
    let mut out = vec![b'"'];
    for (rune, _) in runes(bytes.as_ref()) {
        escape(rune, Quotes { quote: '"', ascii: false }, &mut out);
    }
    out.push(b'"');
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a text can stand in backquotes: `strconv.CanBackquote`.
pub fn can_backquote(bytes: &[u8]) -> bool {
    runes(bytes).all(|(rune, _)| match rune {
        Ok('\u{feff}' | '`' | '\x7f') | Err(_) => false,
        Ok(character) => character >= ' ' || character == '\t',
    })
}
