//! Base64 and base32 by Go's `encoding` packages: what does not decode is answered with the words of the error.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::argument::text;
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Body, Function, Lineage, Parameter},
        value::Value,
    },
    source::lineage::text::Text,
};

/// The encodings.
pub const FUNCTIONS: &[Function] =
    &[of_text("b64enc", b64enc), of_text("b64dec", b64dec), of_text("b32enc", b32enc), of_text("b32dec", b32dec)];

const fn of_text(name: &'static str, body: Body) -> Function {
    Function { name, parameters: &[Parameter::Text], rest: None, lineage: Lineage::Derived, body }
}

/// The base that bytes are not written in, and the byte that shows it.
type Illegal = (u32, usize);

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn b64enc(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let bytes = text(&arguments[0])?.bytes();
    context.budget.text(bytes.len().div_ceil(3) * 4)?;
    Ok(Value::text(Text::plain(STANDARD.encode(bytes))))
}

fn b64dec(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    decode(context, arguments, base64)
}

fn b32enc(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let bytes = text(&arguments[0])?.bytes();
    context.budget.text(bytes.len().div_ceil(5) * 8)?;
    let mut made = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        let digits = (chunk.len() * 8).div_ceil(5);
        made.extend((0..8).map(
            |digit| {
                if digit < digits { BASE32[(bits >> (35 - 5 * digit)) as usize & 31] } else { b'=' }
            },
        ));
    }
    Ok(Value::text(Text::plain(made)))
}

fn b32dec(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    decode(context, arguments, base32)
}

fn decode(
    context: &mut Context,
    arguments: &[Value],
    decoder: fn(&[u8]) -> Result<Vec<u8>, Illegal>,
) -> Result<Value, Fault> {
    let bytes = text(&arguments[0])?.bytes();
    context.budget.text(bytes.len())?;
    Ok(Value::text(match decoder(bytes) {
        Ok(decoded) => Text::plain(decoded),
        Err((base, at)) => Text::plain(format!("illegal base{base} data at input byte {at}")),
    }))
}

/// Go's decoder: line breaks anywhere, padding demanded, bits beyond the last byte ignored.
fn base64(bytes: &[u8]) -> Result<Vec<u8>, Illegal> {
    let is_break = |at: &usize| matches!(bytes.get(*at), Some(b'\n' | b'\r'));
    let mut made = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut at = 0;
    loop {
        let (mut bits, mut digits, mut last) = (0_u32, 0, false);
        while digits < 4 {
            let Some(byte) = bytes.get(at).copied() else {
                return if digits == 0 { Ok(made) } else { Err((64, at - digits)) };
            };
            at += 1;
            match byte {
                b'A'..=b'Z' => bits = bits << 6 | u32::from(byte - b'A'),
                b'a'..=b'z' => bits = bits << 6 | u32::from(byte - b'a' + 26),
                b'0'..=b'9' => bits = bits << 6 | u32::from(byte - b'0' + 52),
                b'+' => bits = bits << 6 | 62,
                b'/' => bits = bits << 6 | 63,
                b'\n' | b'\r' => continue,
                b'=' if digits >= 2 => {
                    while is_break(&at) {
                        at += 1;
                    }
                    if digits == 2 {
                        match bytes.get(at) {
                            None => return Err((64, bytes.len())),
                            Some(b'=') => at += 1,
                            Some(_) => return Err((64, at - 1)),
                        }
                    }
                    while is_break(&at) {
                        at += 1;
                    }
                    if at < bytes.len() {
                        return Err((64, at));
                    }
                    last = true;
                    break;
                }
                _ => return Err((64, at - 1)),
            }
            digits += 1;
        }
        let group = (bits << (6 * (4 - digits))).to_be_bytes();
        made.extend_from_slice(&group[1..digits]);
        if last {
            return Ok(made);
        }
    }
}

/// Go's decoder: line breaks are taken out first, and places count without them.
fn base32(bytes: &[u8]) -> Result<Vec<u8>, Illegal> {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let mut made = Vec::with_capacity(bytes.len() / 8 * 5);
    let mut at = 0;
    while at < bytes.len() {
        let (mut bits, mut digits, mut last) = (0_u64, 0, false);
        while digits < 8 {
            let Some(byte) = bytes.get(at).copied() else { return Err((32, at - digits)) };
            at += 1;
            let left = bytes.len() - at;
            if byte == b'=' && digits >= 2 && left < 8 {
                if left + digits < 7 {
                    return Err((32, bytes.len()));
                }
                let expected = &bytes[at..bytes.len().min(at + 7 - digits)];
                if let Some(place) = expected.iter().position(|byte| *byte != b'=') {
                    return Err((32, at + place - 1));
                }
                if matches!(digits, 3 | 6) {
                    return Err((32, at - 1));
                }
                last = true;
                break;
            }
            let Some(digit) = BASE32.iter().position(|other| *other == byte) else { return Err((32, at - 1)) };
            bits = bits << 5 | digit as u64;
            digits += 1;
        }
        let group = (bits << (5 * (8 - digits))).to_be_bytes();
        made.extend_from_slice(&group[3..3 + digits * 5 / 8]);
        if last {
            return Ok(made);
        }
    }
    Ok(made)
}
