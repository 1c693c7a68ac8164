//! Checksums, passwords, keys and certificates.
//!
//! Checksums are computed. Everything that Go makes with random numbers is not: it is a placeholder of typical length, after
//! the same checks of its arguments that Go does without computing anything. `derivePassword` is certain but takes scrypt a
//! fifth of a second and 32 MiB, so it is a placeholder too.

pub mod certificate;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::argument::{computed, derived, derived_text, int, lossy, own, text, volatile, volatile_origin};
use crate::{
    engine::{
        go::digest,
        helm::template::{
            context::Context,
            fault::Fault,
            function::{
                Function,
                Parameter::{self, Int, List, Object, Text as Bytes, Uint32},
            },
            value::{Datum, Value},
        },
    },
    model::hex::hex,
    source::lineage::{
        sets::SetId,
        text::{Text, TextBuilder},
    },
};

const CERTIFICATE: Parameter = Object(certificate::TYPE_NAME);

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    derived("sha1sum", &[Bytes], None, |context, arguments| sum(context, arguments, |bytes| hex(&digest::sha1(bytes)))),
    derived("sha256sum", &[Bytes], None, |context, arguments| {
        sum(context, arguments, |bytes| hex(&digest::sha256(bytes)))
    }),
    derived("sha512sum", &[Bytes], None, |context, arguments| {
        sum(context, arguments, |bytes| hex(&digest::sha512(bytes)))
    }),
    derived("adler32sum", &[Bytes], None, |context, arguments| sum(context, arguments, digest::adler32)),
    own("bcrypt", &[Bytes], None, |context, arguments| hashed(context, "bcrypt", &arguments[0])),
    own("htpasswd", &[Bytes, Bytes], None, htpasswd),
    own("derivePassword", &[Uint32, Bytes, Bytes, Bytes, Bytes], None, derive_password),
    own("genPrivateKey", &[Bytes], None, certificate::private_key),
    own("genCA", &[Bytes, Int], None, certificate::authority),
    own("genCAWithKey", &[Bytes, Int, Bytes], None, certificate::authority_with_key),
    own("genSelfSignedCert", &[Bytes, List, List, Int], None, certificate::self_signed),
    own("genSelfSignedCertWithKey", &[Bytes, List, List, Int, Bytes], None, certificate::self_signed_with_key),
    own("genSignedCert", &[Bytes, List, List, Int, CERTIFICATE], None, certificate::signed),
    own("genSignedCertWithKey", &[Bytes, List, List, Int, CERTIFICATE, Bytes], None, certificate::signed_with_key),
    own("buildCustomCert", &[Bytes, Bytes], None, certificate::custom),
    own("encryptAES", &[Bytes, Bytes], None, encrypt),
    derived("decryptAES", &[Bytes, Bytes], None, decrypt),
    own("randBytes", &[Int], None, random_bytes),
    derived("getHostByName", &[Bytes], None, |_, _| Ok(Value::text(Text::default()))),
];

fn sum(context: &mut Context, arguments: &[Value], digest: fn(&[u8]) -> String) -> Result<Value, Fault> {
    let bytes = text(&arguments[0])?.bytes();
    context.budget.step(bytes.len() / 64)?;
    Ok(Value::text(Text::plain(digest(bytes))))
}

/// The longest password that bcrypt takes.
const MAX_PASSWORD: usize = 72;

fn hashed(context: &mut Context, name: &'static str, password: &Value) -> Result<Value, Fault> {
    if text(password)?.len() > MAX_PASSWORD {
        let complaint = "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
        let complaint = Datum::Text(Text::plain(complaint));
        return computed(context, complaint, std::slice::from_ref(password));
    }
    let placeholder = format!("$2a$10${}", "0".repeat(53));
    volatile(context, name, placeholder.as_bytes(), std::slice::from_ref(password))
}

fn htpasswd(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let user = text(&arguments[0])?;
    let mut line = TextBuilder::default();
    if user.bytes().contains(&b':') {
        let flow = arguments[0].flow(context);
        line.push(&derived_text(context, b"invalid username: ", flow.data)?);
        line.push(user);
        return Ok(Value::text(line.build()).under(flow.control, context));
    }
    let hash = hashed(context, "htpasswd", &arguments[1])?;
    let control = context.sets.union(arguments[0].control, hash.control);
    line.push(user);
    line.push(&Text::plain(":"));
    line.push(text(&hash)?);
    Ok(Value { control, ..Value::text(line.build()) })
}

fn derive_password(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let kind = lossy(&arguments[1])?;
    let placeholder = match &*kind {
        "maximum" => "Zedafaxczaso9mRt0kpx",
        "long" => "ZedaFaxcZaso9*",
        "medium" => "Zed9*Fax",
        "short" => "Zed9",
        "basic" => "zed9faxo",
        "pin" => "1234",
        unknown => {
            let complaint = Datum::Text(Text::plain(format!("cannot find password template {unknown}")));
            return computed(context, complaint, arguments);
        }
    };
    volatile(context, "derivePassword", placeholder.as_bytes(), arguments)
}

fn encrypt(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let plain = text(&arguments[1])?.len();
    if plain == 0 {
        return computed(context, Datum::Text(Text::default()), arguments);
    }
    // An initialisation vector of one block, then the padded text.
    let encrypted = 16 + (plain / 16 + 1) * 16;
    encoded(context, "encryptAES", encrypted, arguments)
}

fn decrypt(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let encrypted = text(&arguments[1])?;
    if encrypted.is_empty() {
        return Ok(Value::text(Text::default()));
    }
    let lines = encrypted.bytes().iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect::<Vec<_>>();
    match STANDARD.decode(lines) {
        Err(base64::DecodeError::InvalidByte(at, _)) => {
            Err(Fault::failed(format!("illegal base64 data at input byte {at}")))
        }
        Err(_) => Err(Fault::failed(format!("illegal base64 data at input byte {}", encrypted.len()))),
        Ok(bytes) if bytes.len() < 16 => {
            let capacity = encrypted.len() / 4 * 3;
            Err(Fault::failed(format!("runtime error: slice bounds out of range [:16] with capacity {capacity}")))
        }
        Ok(bytes) if bytes.len() == 16 => Err(Fault::failed("runtime error: index out of range [-1]")),
        Ok(bytes) if bytes.len() % 16 != 0 => Err(Fault::failed("crypto/cipher: input not full blocks")),
        Ok(_) => Err(Fault::unsupported("decryptAES")),
    }
}

fn random_bytes(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let count = usize::try_from(int(&arguments[0])?)
        .map_err(|_| Fault::failed("runtime error: makeslice: len out of range"))?;
    encoded(context, "randBytes", count, arguments)
}

/// The placeholder of so many bytes in base64.
fn encoded(context: &mut Context, name: &'static str, bytes: usize, arguments: &[Value]) -> Result<Value, Fault> {
    context.budget.text(bytes.saturating_mul(2))?;
    volatile(context, name, STANDARD.encode(vec![0; bytes]).as_bytes(), arguments)
}

/// A volatile text that is a part of a value.
fn placeholder(context: &mut Context, name: &'static str, bytes: &[u8], data: SetId) -> Result<Text, Fault> {
    context.budget.text(bytes.len())?;
    Ok(Text::new(bytes, volatile_origin(context, name, data)))
}
