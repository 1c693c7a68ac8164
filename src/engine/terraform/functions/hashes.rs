//! Checksums of strings and files.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Function, Parameter,
    Takes::String as AString,
    argument::{a_string, takes, text},
    files::content,
};
use crate::{
    engine::{
        go::digest::{md5, sha1, sha256, sha512},
        terraform::{
            context::Context,
            problem::{Kind, Problem},
            types::Type,
            value::Value,
        },
    },
    model::hex::hex,
};

/// The functions of checksums.
pub const FUNCTIONS: &[Function] = &[
    of_text("md5", |_, arguments, _| Ok(Value::text(hex(&md5(bytes(arguments)))))),
    of_text("sha1", |_, arguments, _| Ok(Value::text(hex(&sha1(bytes(arguments)))))),
    of_text("sha256", |_, arguments, _| Ok(Value::text(hex(&sha256(bytes(arguments)))))),
    of_text("sha512", |_, arguments, _| Ok(Value::text(hex(&sha512(bytes(arguments)))))),
    of_text("base64sha256", |_, arguments, _| Ok(Value::text(STANDARD.encode(sha256(bytes(arguments)))))),
    of_text("base64sha512", |_, arguments, _| Ok(Value::text(STANDARD.encode(sha512(bytes(arguments)))))),
    of_file("filemd5", |context, arguments, _| of(context, arguments, |bytes| hex(&md5(bytes)))),
    of_file("filesha1", |context, arguments, _| of(context, arguments, |bytes| hex(&sha1(bytes)))),
    of_file("filesha256", |context, arguments, _| of(context, arguments, |bytes| hex(&sha256(bytes)))),
    of_file("filesha512", |context, arguments, _| of(context, arguments, |bytes| hex(&sha512(bytes)))),
    of_file("filebase64sha256", |context, arguments, _| of(context, arguments, |bytes| STANDARD.encode(sha256(bytes)))),
    of_file("filebase64sha512", |context, arguments, _| of(context, arguments, |bytes| STANDARD.encode(sha512(bytes)))),
    Function::new("uuidv5", &[takes("namespace", AString), takes("name", AString)], a_string, uuid_v5),
];

const TEXT: &[Parameter] = &[takes("str", AString)];

const PATH: &[Parameter] = &[takes("path", AString)];

const fn of_text(name: &'static str, body: super::Body) -> Function {
    Function::new(name, TEXT, a_string, body)
}

const fn of_file(name: &'static str, body: super::Body) -> Function {
    Function::new(name, PATH, a_string, body).own()
}

fn bytes(arguments: &[Value]) -> &[u8] {
    text(&arguments[0]).as_bytes()
}

fn of(context: &mut Context<'_>, arguments: &[Value], hash: fn(&[u8]) -> String) -> Result<Value, Problem> {
    let content = content(context, &arguments[0]).map_err(|problem| match problem.kind {
        Kind::Broken => Problem::broken(format!("open {}: no such file or directory", text(&arguments[0]))),
        _ => problem,
    })?;
    Ok(Value::text(hash(&content.bytes)).derived(content.flow))
}

/// RFC 4122, version 5, in a namespace of its own or one of its four.
fn uuid_v5(_: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let known = |first: u8| {
        let mut namespace = [0x6b, 0xa7, 0xb8, 0, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
        namespace[3] = first;
        namespace.to_vec()
    };
    let namespace = match text(&arguments[0]) {
        "dns" => known(0x10),
        "url" => known(0x11),
        "oid" => known(0x12),
        "x500" => known(0x14),
        other => read_uuid(other)
            .map_err(|why| Problem::broken(format!("uuidv5() doesn't support namespace {other} ({why})")))?,
    };
    let mut hash = sha1(&[&namespace, text(&arguments[1]).as_bytes()].concat());
    hash.truncate(16);
    hash[6] = hash[6] & 0x0f | 0x50;
    hash[8] = hash[8] & 0x3f | 0x80;
    let text = hex(&hash);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    Ok(Value::text(parts.join("-")))
}

/// The forms that google/uuid reads: plain, in braces, as a URN, without dashes.
fn read_uuid(text: &str) -> Result<Vec<u8>, String> {
    let dashed = match text.len() {
        36 => text,
        45 => match text.get(..9) {
            Some(prefix) if prefix.eq_ignore_ascii_case("urn:uuid:") => &text[9..],
            prefix => return Err(format!("invalid urn prefix: {:?}", prefix.unwrap_or_default())),
        },
        38 => text.get(1..37).ok_or("invalid UUID format")?,
        32 => return bytes_of(text),
        length => return Err(format!("invalid UUID length: {length}")),
    };
    let has_dashes = [8, 13, 18, 23].iter().all(|at| dashed.as_bytes()[*at] == b'-');
    if !has_dashes {
        return Err("invalid UUID format".to_owned());
    }
    let digits: String =
        dashed.char_indices().filter(|(at, _)| ![8, 13, 18, 23].contains(at)).map(|(_, c)| c).collect();
    bytes_of(&digits)
}

fn bytes_of(digits: &str) -> Result<Vec<u8>, String> {
    let invalid = || "invalid UUID format".to_owned();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    (0..16).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| invalid())).collect()
}
