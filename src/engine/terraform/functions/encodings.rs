//! Values as text and text as values: Base64, JSON, YAML, CSV, URLs.

mod csv;
mod decoded;
mod json;
mod yaml;

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use super::{
    Function,
    Takes::{Any, String as AString},
    argument::{a_string, its_own, takes, text},
};
use crate::engine::{
    go::quote::quoted,
    terraform::{
        context::Context,
        problem::Problem,
        types::Type,
        unknown::{Reason, Unknown},
        value::Value,
    },
};

/// The functions of encodings.
pub const FUNCTIONS: &[Function] = &[
    Function::new("base64encode", &[takes("str", AString)], a_string, |context, arguments, _| {
        context.budget.text(text(&arguments[0]).len() * 4 / 3)?;
        Ok(Value::text(STANDARD.encode(text(&arguments[0]))))
    }),
    Function::new("base64decode", &[takes("str", AString).marked()], a_string, |_, arguments, _| {
        let bytes = decode_base64(text(&arguments[0])).map_err(|_| {
            let sensitive = arguments[0].marks().is_sensitive;
            let shown = if sensitive { "(sensitive value)".to_owned() } else { quoted(text(&arguments[0])) };
            Problem::broken(format!("failed to decode base64 data {shown}"))
        })?;
        let decoded = String::from_utf8(bytes)
            .map_err(|_| Problem::broken("the result of decoding the provided string is not valid UTF-8"))?;
        Ok(Value::text(decoded).with_marks(arguments[0].marks()))
    }),
    Function::new("base64gzip", &[takes("str", AString)], a_string, |_, _, _| {
        // Two programs that compress the same text rarely give the same bytes.
        Ok(Value::not_known(Type::String, Unknown::not_null(Reason::Unsupported("base64gzip()".into()))))
    }),
    Function::new(
        "textencodebase64",
        &[takes("string", AString), takes("encoding", AString)],
        a_string,
        |_, arguments, _| {
            let given = text(&arguments[0]);
            let Some(charset) = Charset::of(text(&arguments[1])) else { return Ok(other_charset()) };
            let encoded = charset.encode(given).ok_or_else(|| {
                let name = charset.name();
                let message = format!("the given string contains characters that cannot be represented in {name}");
                Problem::argument(0, message)
            })?;
            Ok(Value::text(STANDARD.encode(encoded)))
        },
    ),
    Function::new(
        "textdecodebase64",
        &[takes("source", AString), takes("encoding", AString)],
        a_string,
        |_, arguments, _| decode_text(arguments),
    ),
    Function::new("urlencode", &[takes("str", AString)], a_string, |context, arguments, _| {
        url_encoded(context, text(&arguments[0]))
    }),
    Function::new("jsonencode", &[takes("val", Any).null().unknown().dynamic()], a_string, json::encode).own(),
    Function::new("jsondecode", &[takes("str", AString)], json::decoded_type, json::decode).own().may_be_null(),
    Function::new("yamlencode", &[takes("value", Any).null().dynamic()], a_string, yaml::encode).own().may_be_null(),
    Function::new("yamldecode", &[takes("src", AString)], its_own, yaml::decode).own().may_be_null(),
    Function::new("csvdecode", &[takes("str", AString)], csv::decoded_type, csv::decode).own(),
];

/// The JSON of a known value.
pub(super) fn json_of(context: &mut Context<'_>, value: &Value) -> Result<crate::source::lineage::text::Text, Problem> {
    json::text_of(context, value)
}

/// Standard Base64 as Go reads it: line breaks do not count, padding does.
fn decode_base64(text: &str) -> Result<Vec<u8>, usize> {
    const STRICT: GeneralPurpose = GeneralPurpose::new(
        &ALPHABET,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let kept: Vec<(usize, u8)> = text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).collect();
    let bytes: Vec<u8> = kept.iter().map(|(_, byte)| *byte).collect();
    STRICT.decode(&bytes).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            _ => bytes.len(),
        };
        kept.get(at).map_or(text.len(), |(at, _)| *at)
    })
}

/// The encodings of text that are known here.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Utf16 { is_little: bool },
    Latin1,
}

impl Charset {
    fn of(name: &str) -> Option<Self> {
        match &*name.to_ascii_uppercase() {
            "UTF-8" | "UTF8" | "CSUTF8" => Some(Self::Utf8),
            "UTF-16LE" | "CSUTF16LE" => Some(Self::Utf16 { is_little: true }),
            "UTF-16BE" | "CSUTF16BE" => Some(Self::Utf16 { is_little: false }),
            "ISO-8859-1" | "ISO_8859-1" | "LATIN1" | "L1" | "IBM819" | "CP819" => Some(Self::Latin1),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 { is_little: true } => "UTF-16LE",
            Self::Utf16 { is_little: false } => "UTF-16BE",
            Self::Latin1 => "ISO_8859-1:1987",
        }
    }

    fn encode(self, text: &str) -> Option<Vec<u8>> {
        Some(match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16 { is_little: true } => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16 { is_little: false } => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Latin1 => {
                text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect::<Option<_>>()?
            }
        })
    }

    fn decode(self, bytes: &[u8]) -> Option<String> {
        let decoded = match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok()?,
            Self::Utf16 { is_little } => {
                if !bytes.len().is_multiple_of(2) {
                    return None;
                }
                let units = bytes.chunks_exact(2).map(|pair| {
                    if is_little {
                        u16::from_le_bytes([pair[0], pair[1]])
                    } else {
                        u16::from_be_bytes([pair[0], pair[1]])
                    }
                });
                char::decode_utf16(units).collect::<Result<String, _>>().ok()?
            }
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        };
        (!decoded.contains('\u{fffd}')).then_some(decoded)
    }
}

fn other_charset() -> Value {
    Value::not_known(Type::String, Unknown::not_null(Reason::Unsupported("this text encoding".into())))
}

fn decode_text(arguments: &[Value]) -> Result<Value, Problem> {
    let Some(charset) = Charset::of(text(&arguments[1])) else { return Ok(other_charset()) };
    let bytes = decode_base64(text(&arguments[0])).map_err(|at| {
        Problem::argument(0, format!("the given value is has an invalid base64 symbol at offset {at}"))
    })?;
    let decoded = charset.decode(&bytes).ok_or_else(|| {
        let name = charset.name();
        Problem::argument(0, format!("the given string contains symbols that are not defined for {name}"))
    })?;
    Ok(Value::text(decoded))
}

/// Go's `url.QueryEscape`.
fn url_encoded(context: &mut Context<'_>, text: &str) -> Result<Value, Problem> {
    context.budget.text(text.len() * 3)?;
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(Value::text(escaped))
}
